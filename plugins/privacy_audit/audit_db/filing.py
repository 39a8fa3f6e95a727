"""Files an audit: its results, the new state of each finding, and the messages to send, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.audit_db import history
from privacy_audit.audit_db.tables import (
    COUNTS,
    FOR_THE_ENGINEER,
    TALLY,
    audits,
    identity,
    policies,
    results,
    standings,
)
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingHistory, FindingState
from privacy_audit.findings.from_audit import store_not_audited
from privacy_audit.findings.transitions import FindingMemory, HandlingRules, apply_audit, moves
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError

_LOCK = 7_309_441_127
"""Advisory lock: one audit is filed at a time, for each goes on from what the one before left."""
CLOSABLE = (Outcome.FAIL, Outcome.REVIEW)
"""Outcomes with rows that an engineer can list and settle."""
USUAL_NIGHTS = 14
"""By so many nights before tonight it is judged whether a number of rows is unusual."""


class AlreadyFiledError(PrivacyAuditError):
    """An audit of that id was filed with other content."""


@dataclass(frozen=True, slots=True)
class AuditSubmission:
    """What is filed with an audit."""

    audit: Audit
    report_sha256: str
    """Digest of its canonical report."""
    promises_digest: str = ""
    promises: Mapping[str, Any] = field(default_factory=dict)
    """What was promised and checked, of `policy.changes.promises`."""
    rules: HandlingRules = field(default_factory=HandlingRules)


@dataclass(frozen=True, slots=True)
class FilingResult:
    """What filing did."""

    audit_id: str
    already_filed: bool
    chronicle: FindingHistory
    """How the findings stand; the same when the same audit is filed again."""


OnCommit = Callable[[sa.Connection, FindingHistory, Mapping[str, FindingState]], None]
"""What else belongs into the transaction, as messages to people: told how findings stand, and how they stood before."""


def file(url: sa.URL | str, submission: AuditSubmission, then: OnCommit | None = None) -> FilingResult:
    """Files an audit in one transaction; the same audit again files nothing.

    AuditDatabaseRefusedError when the audit names another database, AlreadyFiledError when the id was filed with
    another report, AuditDatabaseUnavailableError when the audit database is down, AuditDatabaseOutdatedError when it
    was not upgraded, FilingRefusedError when the audit contradicts itself.
    """
    audit = submission.audit
    with transaction(url) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _prove_named(connection, audit)
        filed = connection.scalar(sa.select(audits.c.report_sha256).where(audits.c.id == audit.id))
        if filed not in (None, submission.report_sha256):
            raise AlreadyFiledError(
                f"audit {audit.id}: was filed before with another report. What was filed stays as it is; "
                "start a new audit."
            )
        before = _file(connection, submission) if filed is None else {}
        chronicle = history.chronicle(connection, audit, submission.rules)
        if filed is None and then:
            then(connection, chronicle, before)
        return FilingResult(audit.id, already_filed=filed is not None, chronicle=chronicle)


def _prove_named(connection: sa.Connection, audit: Audit) -> None:
    """The report says in which database it is filed: no other may take it meanwhile."""
    if audit.database and audit.database != str(connection.scalar(sa.select(identity.c.id))):
        raise AuditDatabaseRefusedError("is another one than a moment ago.", "File the audit again.")


def _file(connection: sa.Connection, submission: AuditSubmission) -> Mapping[str, FindingState]:
    """Files all but the messages; returns the state of the findings before this audit."""
    audit, rules = submission.audit, submission.rules
    names = [store.name for store in audit.stores]
    judged = history.judged(connection, names)
    promise = {"digest": submission.promises_digest, "promises": submission.promises}
    connection.execute(insert(policies).values(**promise).on_conflict_do_nothing())
    connection.execute(audits.insert(), _audit_row(submission, moved=moves(audit, FindingMemory(judged=judged))))
    rows = [_result_row(audit.id, check) for check in _results(audit)]
    if rows:
        connection.execute(results.insert(), rows)
    series = history.series(connection, audit, rules.formerly)
    usual = {
        fingerprint: [point.violating for point in points[:-1] if point.violating is not None][-USUAL_NIGHTS:]
        for fingerprint, points in series.items()
    }
    memory = FindingMemory(history.known(connection, names), usual, judged)
    stands = [history.standing_row(audit.id, one) for one in apply_audit(audit, memory, rules)]
    if stands:
        connection.execute(standings.insert(), stands)
    return memory.known


def _audit_row(submission: AuditSubmission, *, moved: bool) -> dict[str, Any]:
    audit = submission.audit
    return {
        "id": audit.id,
        "as_of": audit.as_of,
        "policy_version": audit.policy.version,
        "policy_text_sha256": audit.policy.source_sha256,
        "policy_digest": audit.policy.digest,
        "outcome": audit.outcome.value,
        "triggered_by": audit.triggered_by,
        "report_sha256": submission.report_sha256,
        "promises": submission.promises_digest,
        "moved": moved,
    }


def _results(audit: Audit) -> list[CheckResult]:
    """Returns the rows of all checks, and one row for each store that was not audited as a whole."""
    whole = [store_not_audited(store) for store in audit.stores]
    return [*(check for check in whole if check), *audit.checks]


def _result_row(audit_id: str, check: CheckResult) -> dict[str, Any]:
    tally = check.tally
    return {
        "audit_id": audit_id,
        "check_id": check.id,
        "fingerprint": check.fingerprint,
        "control": check.control,
        "store": check.store,
        "table_name": check.table,
        "qualifier": check.qualifier,
        "outcome": check.outcome.value,
        "cause": check.cause and check.cause.value,
        "reason": check.reason,
        **{name: getattr(check, name) if check.outcome in CLOSABLE else "" for name in FOR_THE_ENGINEER},
        "plan": check.plan and check.plan.value,
        "late_holds": check.late_holds,
        **{name: tally and getattr(tally, name) for name in (*COUNTS, *TALLY)},
        "ages": list(tally.ages) if tally else None,
    }
