"""Audits the audit's own records, and deletes those that are past their period."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.config.settings import Settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.periods import Period
from privacy_audit.domain.record_periods import PurgeResult
from privacy_audit.pipeline.audit_order import LOG, AuditOrder
from privacy_audit.pipeline.configuration import Configuration, read_configuration
from privacy_audit.pipeline.order_lookups import audit_db_url, configuration_of
from privacy_audit.pipeline.planning import prove_known


def audit_records(order: AuditOrder) -> StoreResult:
    """Audits the audit's own records: a store beside the others. What cannot be read is an outcome.

    Only for an order whose `own_records` names controls.
    """
    from privacy_audit.audit_db import filed_records
    from privacy_audit.self_audit import self_auditor

    configuration = configuration_of(order)
    settings = configuration.settings
    filed = partial(filed_records.filed, partial(audit_db_url, settings))
    return self_auditor.audit(records_order(order, configuration), _shelves(settings), filed)


def records_order(order: AuditOrder, configuration: Configuration) -> Any:
    from privacy_audit.self_audit import self_audit_order

    told = configuration.handling.platform or configuration.coverages[0].store
    return self_audit_order.RecordsOrder(
        controls=tuple(map(configuration.policy.control, order.own_records)),
        audit_id=order.audit_id,
        triggered_by=order.triggered_by,
        as_of=order.as_of,
        zone=ZoneInfo(configuration.policy.zone),
        periods=_periods(configuration),
        owner=told.owner,
        alert=told.alert,
    )


def _periods(configuration: Configuration) -> dict[Any, Period]:
    """Returns the retention period of each kind of record."""
    from privacy_audit.domain import record_periods

    return {record_periods.RecordKind(name): Period.parse(text) for name, text in configuration.handling.records}


def _shelves(settings: Settings) -> list[Any]:
    """Where the audit keeps what it wrote. Data Docs are none of it: they show tonight and nothing else."""
    from privacy_audit.audit_db import filed_records
    from privacy_audit.domain import record_periods
    from privacy_audit.engine import checkpoint
    from privacy_audit.publish.report import report_folder
    from privacy_audit.self_audit import record_folders

    def url() -> Any:
        return audit_db_url(settings)

    return [
        filed_records.FiledAudits(url),
        record_folders.RecordFolders(
            record_periods.RecordKind.REPORTS,
            settings.home / report_folder.FOLDER,
            report_folder.LATEST,
            report_folder.LOCK,
        ),
        record_folders.RecordFolders(record_periods.RecordKind.VALIDATIONS, settings.home / checkpoint.RESULTS),
        filed_records.FiledMessages(url),
    ]


def maintain(now: datetime, *, dry_run: bool = False) -> tuple[PurgeResult, ...]:
    """Deletes the audit's own records that are past their period, or only counts them; returns by kind what went and
    what was left, and why. Doing it again finishes what broke off.

    NotMaintainedError when something could not be deleted; all else was then deleted all the same.
    AuditDatabaseRefusedError when the audit database is not the one that the reports know: nothing was deleted.
    """
    from privacy_audit.self_audit import self_auditor

    configuration = read_configuration()
    prove_known(configuration.settings)
    shelves, zone = _shelves(configuration.settings), ZoneInfo(configuration.policy.zone)
    swept = self_auditor.maintain(shelves, _periods(configuration), now, zone, dry_run=dry_run)
    LOG.info("own records: %s", " ".join(in_words(one, dry_run=dry_run) for one in swept))
    return swept


def in_words(result: PurgeResult, *, dry_run: bool) -> str:
    """Returns what became of the records of one kind, as a sentence."""
    from privacy_audit.self_audit import self_auditor

    return self_auditor.told(result, dry_run=dry_run)
