"""An audit in the order in which it is told: grouped by outcome, the worst first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from privacy_audit.model import (
    TELLING,
    Audit,
    CheckResult,
    Clause,
    Control,
    Outcome,
    Policy,
    Severity,
    StoreResult,
    roll_up,
)
from privacy_audit.periods import local_date

_WORST = (Outcome.FAIL, Outcome.NOT_AUDITED, Outcome.REVIEW)


@dataclass(frozen=True, slots=True)
class Entry:
    """A check together with the store it looked at and the control it computes."""

    store: StoreResult
    check: CheckResult
    control: Control
    clauses: tuple[Clause, ...]

    @property
    def key(self) -> str:
        """Its anchor in a page: the same every night."""
        return anchor(self.check)

    @property
    def badness(self) -> tuple[int, int, int, str]:
        """Sorts the worst first: severity, then rows that violate, then rows that cannot be decided."""
        tally = self.check.tally
        violating, undecidable = (tally.violating, tally.undecidable) if tally else (0, 0)
        return (list(Severity).index(self.control.severity), -violating, -undecidable, self.check.id)


@dataclass(frozen=True, slots=True)
class ControlOutcome:
    """What the checks of one control amount to over all stores."""

    control: Control
    outcome: Outcome | None
    """None when it was not in force on the day of the audit."""
    checks: int


def anchor(check: CheckResult) -> str:
    """Where in a page a check is told."""
    return f"check-{check.fingerprint[:16]}"


def entries(audit: Audit) -> tuple[Entry, ...]:
    """Every check: not audited first, then failed, to review, passed, not applicable; the worst first in each."""
    controls = {control.id: control for control in audit.policy.controls}
    clauses = {clause.id: clause for clause in audit.policy.clauses}
    found = []
    for store in audit.stores:
        for check in store.checks:
            control = controls.get(check.control) or _unnamed(check, audit.policy)
            quoted = tuple(clauses[name] for name in control.clauses if name in clauses)
            found.append(Entry(store, check, control, quoted))
    return tuple(sorted(found, key=lambda entry: (TELLING.index(entry.check.outcome), entry.badness)))


def _unnamed(check: CheckResult, policy: Policy) -> Control:
    """A result is told even when the policy does not name its control: nothing that was found is dropped."""
    return Control(check.control, "", check.sentence, Severity.HIGH, (), (), policy.effective_from)


def with_outcome(audit: Audit, outcome: Outcome) -> tuple[Entry, ...]:
    """The checks of that outcome, the worst first."""
    return tuple(entry for entry in entries(audit) if entry.check.outcome is outcome)


def waived_last(found: Iterable[Entry], waived: Collection[str]) -> tuple[Entry, ...]:
    """The same checks in the same order, those of these fingerprints after the others."""
    return tuple(sorted(found, key=lambda entry: entry.check.fingerprint in waived))


def worst(audit: Audit, waived: Collection[str] = (), most: int = 3) -> tuple[Entry, ...]:
    """The checks to read first: what is broken, then what is unknown, each by severity and number of rows; those of
    waived fingerprints only when there is nothing else."""
    bad = [entry for entry in entries(audit) if entry.check.outcome in _WORST]
    by_badness = sorted(bad, key=lambda entry: (_WORST.index(entry.check.outcome), entry.badness))
    return waived_last(by_badness, waived)[:most]


def stores_not_audited(audit: Audit) -> tuple[StoreResult, ...]:
    """Stores that could not be looked at as a whole."""
    return tuple(store for store in audit.stores if store.outcome is Outcome.NOT_AUDITED and store.cause)


def control_outcomes(audit: Audit) -> dict[str, ControlOutcome]:
    """By control id: the outcome of its checks in all stores. A control in force without any check was not audited."""
    today = local_date(audit.as_of, ZoneInfo(audit.policy.zone))
    told = {}
    for control in audit.policy.controls:
        outcomes = [check.outcome for check in audit.checks if check.control == control.id]
        in_force = control.effective_from <= today and (control.effective_to is None or today <= control.effective_to)
        outcome = roll_up(outcomes) if in_force or outcomes else None
        told[control.id] = ControlOutcome(control, outcome, len(outcomes))
    return told


def controls_of(clause: Clause, audit: Audit) -> tuple[ControlOutcome, ...]:
    """The controls that compute a clause, with their outcomes, in the order of the policy."""
    return tuple(told for told in control_outcomes(audit).values() if clause.id in told.control.clauses)
