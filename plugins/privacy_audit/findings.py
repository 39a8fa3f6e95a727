"""From an audit to its findings: every check that did not pass, the most urgent first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from privacy_audit.model import Audit, CheckResult, Outcome, Policy, Severity, StoreResult

_FOUND = (Outcome.NOT_AUDITED, Outcome.FAIL, Outcome.REVIEW)
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that did not pass tonight, followed across nights by its fingerprint."""

    fingerprint: str
    check: str
    control: str
    store: str
    owner: str
    table: str
    qualifier: str
    outcome: Outcome
    severity: Severity
    violating: int
    undecidable: int
    overdue_since: date | None
    """First civil day of the breach, from the data."""


def findings_of(audit: Audit) -> tuple[Finding, ...]:
    """The findings of an audit: not audited first, then failures by severity, then reviews."""
    found = [
        _finding(audit.policy, store, check)
        for store in audit.stores
        for check in store.checks
        if check.outcome in _FOUND
    ]
    return tuple(sorted(found, key=_urgency))


def _finding(policy: Policy, store: StoreResult, check: CheckResult) -> Finding:
    tally = check.tally
    return Finding(
        fingerprint=check.fingerprint,
        check=check.id,
        control=check.control,
        store=store.name,
        owner=store.owner,
        table=check.table,
        qualifier=check.qualifier,
        outcome=check.outcome,
        severity=policy.control(check.control).severity,
        violating=tally.violating if tally else 0,
        undecidable=tally.undecidable if tally else 0,
        overdue_since=tally.overdue_since if tally else None,
    )


def _urgency(finding: Finding) -> tuple[int, int, int, str]:
    return (_FOUND.index(finding.outcome), _SEVERITIES.index(finding.severity), -finding.violating, finding.check)
