"""From an audit to its findings: what did not pass, the most urgent first. Pure.

A store that could not be audited is one finding of its own, beside those of its checks: it exists even if no check
could be planned, and it is one thing to repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import FOUND, Outcome, Severity
from privacy_audit.domain.promises import Policy

_SEVERITIES = tuple(Severity)
_FIXES = {
    Outcome.NOT_AUDITED: "Remove what keeps the auditor from looking, then run the audit again.",
    Outcome.REVIEW: "Settle what cannot be decided: complete or correct the rows, or the store map.",
}
"""How to close what is not a broken promise; how to close a broken one, its control knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that did not pass tonight, followed across nights by its fingerprint. Holds no value of a row."""

    fingerprint: str
    """`CheckResult.fingerprint`; of a store as a whole, over an empty control and table."""
    check: str
    control: str
    """Id of the control; empty when the store as a whole was not audited."""
    store: str
    owner: str
    """Team that owns the store."""
    table: str
    """`schema.table`; empty for a store as a whole."""
    qualifier: str
    outcome: Outcome
    """Not audited, fail or review."""
    severity: Severity
    violating: int
    """Rows."""
    undecidable: int
    """Rows."""
    overdue_since: date | None
    """First civil day of the breach, from the data; not the day on which it was first seen."""
    summary: str
    """The promise, the counts and the reason, as sentences."""
    show_rows: str
    """SELECT that lists the violating rows to an entitled engineer; empty when no row is known to violate."""
    fix: str


def findings_of(audit: Audit) -> tuple[Finding, ...]:
    """Returns the findings of an audit: not audited first (whole stores before checks), then fails by severity, then
    reviews.

    Among equals, more violating rows come first, then the id of the check decides.
    """
    found = [_of_check(audit.policy, store, check) for store in audit.stores for check in _observed(store)]
    return tuple(sorted(found, key=_urgency))


def store_not_audited(store: StoreResult) -> CheckResult | None:
    """Returns a store that was not audited as a whole, as a check without control and table; else None."""
    if store.outcome is not Outcome.NOT_AUDITED or (store.checks and not store.cause):
        return None
    return CheckResult(
        id=f"{store.name}/_store",
        control="",
        store=store.name,
        table="",
        qualifier="",
        outcome=Outcome.NOT_AUDITED,
        sentence=f"{store.title} as a whole.",
        cause=store.cause,
        reason=store.reason,
    )


def _observed(store: StoreResult) -> list[CheckResult]:
    whole = store_not_audited(store)
    return [*([whole] if whole else []), *(check for check in store.checks if check.outcome in FOUND)]


def _of_check(policy: Policy, store: StoreResult, check: CheckResult) -> Finding:
    tally = check.tally
    failed = check.outcome is Outcome.FAIL
    return Finding(
        fingerprint=check.fingerprint,
        check=check.id,
        control=check.control,
        store=store.name,
        owner=store.owner,
        table=check.table,
        qualifier=check.qualifier,
        outcome=check.outcome,
        severity=severity_of(policy, store, check),
        violating=tally.violating if tally else 0,
        undecidable=tally.undecidable if tally else 0,
        overdue_since=tally.overdue_since if tally else None,
        summary=_summary(check),
        show_rows=check.show_rows if failed else "",
        fix=check.fix if failed else _FIXES[check.outcome],
    )


def severity_of(policy: Policy, store: StoreResult, check: CheckResult) -> Severity:
    """Returns the severity of the control. For a whole store: the worst of its checks, or critical if that is
    unknown."""
    known = {control.id: control.severity for control in policy.controls}
    if check.control:
        return known.get(check.control, Severity.HIGH)  # nothing that was found is dropped for want of its control
    planned = [known.get(one.control, Severity.HIGH) for one in store.checks]
    return min(planned, key=_SEVERITIES.index, default=Severity.CRITICAL)


def _summary(check: CheckResult) -> str:
    violating = check.tally.violating if check.tally else 0
    rows = "1 row breaks" if violating == 1 else f"{violating:,} rows break"
    said = (check.sentence, f"{rows} this promise." if violating else "", check.reason)
    words = " ".join(part for part in said if part)
    return f"Not audited: {words}" if check.outcome is Outcome.NOT_AUDITED else words


def _urgency(finding: Finding) -> tuple[int, bool, int, int, str]:
    return (
        FOUND.index(finding.outcome),
        finding.control != "",
        _SEVERITIES.index(finding.severity),
        -finding.violating,
        finding.check,
    )
