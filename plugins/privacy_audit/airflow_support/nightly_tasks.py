"""The tasks of the nightly DAG, each one function: what a task hands to the next lies in the folder of the audit.

Between tasks only the audit's id and counts pass. The order and the results of the stores are files below
`<home>/validations/<audit id>/`, so that neither Airflow's own database nor a task's log holds a result. Each function
logs one line with its counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from privacy_audit.config.file_modes import for_the_group
from privacy_audit.config.settings import load
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import MayHealError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.notify import heartbeat
from privacy_audit.pipeline import (
    auditing,
    filing_step,
    order_lookups,
    own_records,
    planning,
    publishing,
    run_gate,
    sending,
)
from privacy_audit.pipeline.audit_order import AuditOrder, NotAuditedError

LOG = logging.getLogger(__name__)
Counts = dict[str, Any]
"""What a task hands to the next: an id, an outcome, and numbers."""

_CAUSES = "causes"
_UNDELIVERED = "undelivered"
_SENTENCES = TypeAdapter(tuple[str, ...])
_ORDER = TypeAdapter(AuditOrder)
_RESULT = TypeAdapter(StoreResult)
Document = TypeVar("Document")
_LATE = timedelta(days=1)
_RECORDS = "audit_records"


class HandoverError(MayHealError):
    """What an earlier task left for this one cannot be read, or what this one leaves cannot be written."""


def begin(params: Mapping[str, Any], run_id: str, now: datetime) -> str:
    """Fixes what is audited and by which instant; returns the audit's id.

    ConfigurationRefusedError when policy, maps or suites are wrong, HandoverError when the folder cannot be written.
    """
    order = planning.plan(params["as_of"], params["stores"], params["controls"], run_id, now)
    _leave(order.audit_id, "order", _ORDER.dump_json(order))
    stores, controls = len(order.stores), len(order.controls)
    LOG.info("audit %s: %d stores, %d controls are to be audited", order.audit_id, stores, controls)
    return order.audit_id


def asks_for_store(audit_id: str, store: str) -> bool:
    """Whether the run was started for a store."""
    return store in _order(audit_id).stores


def asks_for_records(audit_id: str) -> bool:
    """Whether the run was started for the audit's own records too."""
    return bool(_order(audit_id).own_records)


def audit_store(audit_id: str, store: str, now: datetime) -> Counts:
    """Audits a store and leaves the result in the audit's folder; returns its outcome and how many checks ended how.

    A store that is read more than a day after the instant judged by (its task was cleared) passes nothing.
    """
    order = _order(audit_id)
    if now - order.as_of > _LATE:
        order = replace(order, read_later=True)
    return _leave_result(audit_id, f"store_{store}", auditing.audit_store(order, store))


def audit_records(audit_id: str) -> Counts:
    """Audits the audit's own records, as `audit_store` does a store."""
    return _leave_result(audit_id, _RECORDS, own_records.audit_records(_order(audit_id)))


def file(audit_id: str) -> Counts:
    """Files the audit and writes its report; returns its outcome and how many checks ended how.

    A whole audit that was filed calls the outside address, if one is set: `heartbeat` says what became of that.
    """
    order = _order(audit_id)
    filed = filing_step.file(order, _results(audit_id, order))
    beat = heartbeat.call(load()) if order.whole else heartbeat.HeartbeatResult.NOT_ASKED_FOR
    _leave(audit_id, _CAUSES, _SENTENCES.dump_json((*filed.causes, *beat.causes)))
    LOG.info("audit %s: filed, %s; %s", audit_id, filed.outcome.value, _in_words(filed.counts))
    return _counts(audit_id, filed.outcome, filed.counts)


def publish_docs(audit_id: str) -> Counts:
    """Publishes the Data Docs of a whole audit; returns how many sites were put in place."""
    order = _order(audit_id)
    published = int(publishing.publish_docs(order, _results(audit_id, order)) is not None)
    LOG.info("audit %s: %d sites of Data Docs published", audit_id, published)
    return {"audit_id": audit_id, "published": published}


def send_alerts(audit_id: str) -> Counts:
    """Tells the owners; returns how many messages were sent, and how many channels did not take theirs."""
    messages = sending.send_alerts()
    _leave(audit_id, _UNDELIVERED, _SENTENCES.dump_json(messages.failed))
    LOG.info("audit %s: %d messages sent, %d channels failed", audit_id, messages.sent, len(messages.failed))
    return {"audit_id": audit_id, "sent": messages.sent, "failed": len(messages.failed)}


def causes(
    audit_id: str | None, filed: Counts | None, sent: Counts | None, docs: Counts | None, failures: Sequence[str]
) -> list[str]:
    """Returns why the run is red, at most ten sentences; none when everything was audited, filed, published and told.

    The counts are None for a task that ended without them; `failures` are the causes that tasks gave.
    """
    try:
        run_gate.gate(
            _sentences(audit_id, _CAUSES) if audit_id and filed else None,
            _sentences(audit_id, _UNDELIVERED) if audit_id and sent else None,
            docs_done=docs is not None,
            failures=failures,
        )
    except NotAuditedError as error:
        found = str(error).splitlines()
        LOG.info("audit %s: red, for %d causes", audit_id, len(found))
        return found
    LOG.info("audit %s: everything was audited, filed, published and told", audit_id)
    return []


def _leave_result(audit_id: str, name: str, result: StoreResult) -> Counts:
    _leave(audit_id, name, _RESULT.dump_json(result))
    counts, seconds = filing_step.counts_of(result.checks), sum(result.seconds.values())
    outcome = result.outcome.value
    LOG.info("audit %s: %s: %s; %s; %.1f s", audit_id, result.name, outcome, _in_words(counts), seconds)
    return _counts(audit_id, result.outcome, counts)


def _counts(audit_id: str, outcome: Outcome, counts: Mapping[Outcome, int]) -> Counts:
    by_name = {outcome.value: number for outcome, number in counts.items()}
    return {"audit_id": audit_id, "outcome": outcome.value, **by_name}


def _in_words(counts: Mapping[Outcome, int]) -> str:
    return f"{sum(counts.values())} checks: " + ", ".join(
        f"{number} {outcome.value.replace('_', ' ')}" for outcome, number in counts.items()
    )


def _results(audit_id: str, order: AuditOrder) -> list[StoreResult | None]:
    """Returns the results that the stores' tasks left; None for a store whose task left none."""
    names = [f"store_{store}" for store in order.stores] + ([_RECORDS] if order.own_records else [])
    paths = [_folder(audit_id) / f"{name}.json" for name in names]
    return [_read(path, _RESULT) if path.exists() else None for path in paths]


def _order(audit_id: str) -> AuditOrder:
    return _read(_folder(audit_id) / "order.json", _ORDER)


def _sentences(audit_id: str, name: str) -> tuple[str, ...]:
    return _read(_folder(audit_id) / f"{name}.json", _SENTENCES)


def _folder(audit_id: str) -> Path:
    return order_lookups.run_folder(load(), audit_id)


def _read(path: Path, adapter: TypeAdapter[Document]) -> Document:
    try:
        return adapter.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HandoverError(
            f"{path}: what an earlier task left there cannot be read ({type(error).__name__}). All workers must share"
            " PRIVACY_AUDIT_HOME; then clear the whole run."
        ) from None


def _leave(audit_id: str, name: str, document: bytes) -> None:
    """Writes a JSON document for the tasks after this one: there whole, or not at all."""
    folder = _folder(audit_id)
    path = folder / f"{name}.json"
    staging = folder / f".{name}.{os.getpid()}"
    try:
        with for_the_group():
            folder.mkdir(parents=True, exist_ok=True)
            staging.write_bytes(document)
            staging.replace(path)
    except OSError as error:
        reason = error.strerror or "the system gave no reason"
        raise HandoverError(
            f"{path}: could not be written: {reason}. Make room, or grant the right to write, and run it again."
        ) from None
