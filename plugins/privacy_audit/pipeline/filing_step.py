"""Files an audit with its messages, and writes its report."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from privacy_audit.config.settings import Settings, load
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingHistory, FindingState
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.assembling import assemble
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.configuration import Configuration
from privacy_audit.pipeline.order_lookups import audit_db_url, configuration_of
from privacy_audit.postgres import connections
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError
from privacy_audit.view.audit_view import AuditView, StoreView
from privacy_audit.view.make_view import make_view


@dataclass(frozen=True, slots=True)
class FilingOutcome:
    """What filing an audit did, and what the audit could not look at."""

    audit_id: str
    outcome: Outcome
    report: Path
    """Folder of its report."""
    already_filed: bool
    """Whether it had been filed before, so that nothing was filed now."""
    not_audited: tuple[str, ...]
    """Names of stores, and ids of checks."""
    causes: tuple[str, ...]
    """Why something was not audited, one sentence for each store and cause."""
    counts: dict[Outcome, int]
    """How many checks ended in each outcome."""


def file(order: AuditOrder, results: Sequence[StoreResult | None]) -> FilingOutcome:
    """Files the audit in the audit database and writes the report of how findings stand since. Doing it again files
    nothing twice and writes the same report."""
    from privacy_audit import audit_db
    from privacy_audit.publish.report import report_folder

    settings, configuration = load(), configuration_of(order)
    audit = assemble(order, results)
    try:
        url = audit_db_url(settings)
        audit_db.upgrade(url)
        audit = replace(audit, database=known_database.prove(settings))
        filed = audit_db.file(url, _docket(configuration, audit), _telling(configuration, audit))
    except (
        AuditDatabaseRefusedError,
        connections.ConnectionMissingError,
        audit_db.AuditDatabaseUnavailableError,
        audit_db.AuditDatabaseOutdatedError,
        audit_db.FilingRefusedError,
    ):
        report_folder.write_unfiled(replace(audit, database=""), settings.home)
        raise
    report = report_folder.write(audit, filed.chronicle, settings.home)
    view = make_view(audit)
    return FilingOutcome(
        audit_id=audit.id,
        outcome=audit.outcome,
        report=report,
        already_filed=filed.already_filed,
        not_audited=tuple(sorted(_not_audited(view))),
        causes=tuple(causes(view)),
        counts=counts_of(audit.checks),
    )


def _docket(configuration: Configuration, audit: Audit) -> Any:
    """Returns all that is filed of an audit."""
    from privacy_audit import audit_db
    from privacy_audit.compiler.policy_changes import promises
    from privacy_audit.publish.report import canonical_json

    promised = promises(configuration.policy, configuration.coverages)
    return audit_db.AuditSubmission(
        audit,
        report_sha256=hashlib.sha256(canonical_json.render(make_view(audit))).hexdigest(),
        promises_digest=hashlib.sha256(json.dumps(promised, sort_keys=True).encode()).hexdigest(),
        promises=promised,
        rules=configuration.rules,
    )


def _not_audited(audit: AuditView) -> Iterable[str]:
    for store in audit.stores:
        unseen = [check.id for check in store.checks if check.outcome is Outcome.NOT_AUDITED]
        if store.cause or (store.outcome is Outcome.NOT_AUDITED and not unseen):
            yield store.name
        yield from unseen


def causes(audit: AuditView) -> list[str]:
    """Returns why something was not audited: one sentence per store and cause, with the number of checks."""
    return [sentence for store in audit.stores for sentence in _causes_of(store)]


def _causes_of(store: StoreView) -> Iterable[str]:
    unseen = Counter(check.reason for check in store.checks if check.outcome is Outcome.NOT_AUDITED)
    if store.cause:
        yield f"Store {store.name} was not audited: {store.reason}"
    elif store.outcome is Outcome.NOT_AUDITED and not unseen:
        yield f"Store {store.name} was not audited: no control was in force."
    else:
        for reason, number in unseen.most_common():
            checks = "1 check was" if number == 1 else f"{number:,} checks were"
            yield f"Store {store.name}: {checks} not audited: {reason}"


def counts_of(checks: Iterable[CheckResult]) -> dict[Outcome, int]:
    """Returns how many checks ended in each outcome."""
    outcomes = [check.outcome for check in checks]
    return {outcome: outcomes.count(outcome) for outcome in Outcome}


def _telling(
    configuration: Configuration, audit: Audit
) -> Callable[[Any, FindingHistory, Mapping[str, FindingState]], None]:
    """Returns a function that puts the messages of an audit into the outbox, in the transaction that files the audit.

    So a message is not lost when its channel is down, and no message is sent about an audit that was not filed.
    """
    from privacy_audit import audit_db, notify

    link = report_link(configuration.settings, audit.id)

    def enqueue(connection: Any, chronicle: FindingHistory, before: Mapping[str, FindingState]) -> None:
        digests = audit_db.digests(connection)
        view = make_view(audit, chronicle, before)
        messages = notify.messages(view, configuration.handling, link, digests)
        audit_db.enqueue(connection, map(notify.letter, messages))

    return enqueue


def report_link(settings: Settings, audit_id: str) -> str:
    """Returns where people open the report: its web address if one is configured, else the path of the file."""
    path = f"reports/{audit_id}/report.html"
    return f"{settings.reports_url.rstrip('/')}/{path}" if settings.reports_url else str(settings.home / path)
