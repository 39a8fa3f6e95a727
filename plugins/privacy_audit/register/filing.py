"""Files an audit: its results and its findings, in one transaction, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.errors import PrivacyAuditError
from privacy_audit.findings import Finding, findings_of, store_not_audited
from privacy_audit.model import Audit, CheckResult, Outcome
from privacy_audit.register.access import transaction
from privacy_audit.register.history import seen_before
from privacy_audit.register.tables import COUNTS, TALLY, audits, findings, results

_LOCK = 7_309_441_127
"""Advisory lock: one audit is filed at a time. Two that meet in the same findings would else deadlock."""


class AlreadyFiledError(PrivacyAuditError):
    """An audit of that id was filed with other content."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What filing did."""

    audit_id: str
    already_filed: bool
    new_findings: int
    """Findings that no audit had that was filed before."""


def file(url: sa.URL | str, audit: Audit, report_sha256: str) -> Filed:
    """Files an audit in one transaction; the same audit again files nothing.

    `report_sha256` is the digest of its canonical report. AlreadyFiledError when the id was filed with another report,
    RegisterUnavailableError when the register is down, RegisterOutdatedError when it was not upgraded,
    RegisterRefusedError when the audit contradicts itself.
    """
    with transaction(url) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        filed = connection.scalar(sa.select(audits.c.report_sha256).where(audits.c.id == audit.id))
        if filed is not None:
            return _already(audit, filed, report_sha256)
        connection.execute(audits.insert(), _audit_row(audit, report_sha256))
        rows = [_result_row(audit.id, check) for check in _results(audit)]
        if rows:
            connection.execute(results.insert(), rows)
        return Filed(audit.id, already_filed=False, new_findings=_file_findings(connection, audit, findings_of(audit)))


def _already(audit: Audit, filed: str, report_sha256: str) -> Filed:
    if filed != report_sha256:
        raise AlreadyFiledError(
            f"audit {audit.id}: was filed before with another report. What was filed stays as it is; start a new audit."
        )
    return Filed(audit.id, already_filed=True, new_findings=0)


def _audit_row(audit: Audit, report_sha256: str) -> dict[str, Any]:
    return {
        "id": audit.id,
        "as_of": audit.as_of,
        "policy_version": audit.policy.version,
        "policy_text_sha256": audit.policy.source_sha256,
        "policy_digest": audit.policy.digest,
        "outcome": audit.outcome.value,
        "triggered_by": audit.triggered_by,
        "report_sha256": report_sha256,
    }


def _results(audit: Audit) -> list[CheckResult]:
    """All checks, and each store that was not audited as a whole: its reason must not be lost when it has no check."""
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
        "plan": check.plan and check.plan.value,
        "late_holds": check.late_holds,
        **{name: tally and getattr(tally, name) for name in (*COUNTS, *TALLY)},
        "ages": list(tally.ages) if tally else None,
    }


def _file_findings(connection: sa.Connection, audit: Audit, observed: Sequence[Finding]) -> int:
    """Files what was found, or moves what is known of it; gives how many were not known."""
    if not observed:
        return 0
    known = seen_before(connection, [finding.fingerprint for finding in observed])
    connection.execute(_move(audit), [_finding_row(audit, finding) for finding in observed])
    return sum(finding.fingerprint not in known for finding in observed)


def _finding_row(audit: Audit, finding: Finding) -> dict[str, Any]:
    looked = finding.outcome is not Outcome.NOT_AUDITED
    return {
        "fingerprint": finding.fingerprint,
        "control": finding.control,
        "store": finding.store,
        "table_name": finding.table,
        "qualifier": finding.qualifier,
        "first_seen": audit.as_of,
        "last_seen": audit.as_of if looked else None,
        "first_audit": audit.id,
        "last_audit": audit.id,
        "last_outcome": finding.outcome.value,
    }


def _move(audit: Audit) -> Any:
    """The statement that files findings of one audit. Audits may be filed in any order: only T decides what moves.

    `greatest` passes over null, so an audit that could not look leaves `last_seen` where it was.
    """
    new = insert(findings)
    excluded = new.excluded
    earlier = excluded.first_seen < findings.c.first_seen
    known_last: sa.ColumnElement[str] = sa.literal_column(
        "findings.last_audit"
    )  # findings.c would be joined here, not correlated
    last = sa.select(audits.c.as_of).where(audits.c.id == known_last).scalar_subquery()
    later = sa.literal(audit.as_of, audits.c.as_of.type) >= last
    return new.on_conflict_do_update(
        index_elements=[findings.c.fingerprint],
        set_={
            "first_seen": sa.func.least(findings.c.first_seen, excluded.first_seen),
            "first_audit": sa.case((earlier, excluded.first_audit), else_=findings.c.first_audit),
            "last_seen": sa.func.greatest(findings.c.last_seen, excluded.last_seen),
            "last_audit": sa.case((later, excluded.last_audit), else_=findings.c.last_audit),
            "last_outcome": sa.case((later, excluded.last_outcome), else_=findings.c.last_outcome),
        },
    )
