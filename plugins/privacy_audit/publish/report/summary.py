"""An audit in the order in which it is told: grouped by outcome, the worst first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from privacy_audit.domain.outcomes import TELLING, Outcome, Severity
from privacy_audit.domain.promises import Clause, Control, Policy
from privacy_audit.view.audit_view import AuditView, CheckView, StoreView
from privacy_audit.view.coverage_matrix import ControlOutcome

_WORST = (Outcome.FAIL, Outcome.NOT_AUDITED, Outcome.REVIEW)


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """A check together with the store it looked at and the control it computes."""

    store: StoreView
    check: CheckView
    control: Control
    clauses: tuple[Clause, ...]

    @property
    def key(self) -> str:
        """Its anchor in a page: the same every night."""
        return self.check.anchor

    @property
    def badness(self) -> tuple[int, int, int, str]:
        """Sorts the worst first: severity, then rows that violate, then rows that cannot be decided."""
        tally = self.check.tally
        violating, undecidable = (tally.violating, tally.undecidable) if tally else (0, 0)
        return (list(Severity).index(self.control.severity), -violating, -undecidable, self.check.id)


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """The checks of one control that are told together."""

    control: Control
    clauses: tuple[Clause, ...]
    entries: tuple[CheckEntry, ...]

    @property
    def stores(self) -> tuple[str, ...]:
        """Titles of the stores it was looked at in."""
        return tuple(dict.fromkeys(entry.store.title for entry in self.entries))

    @property
    def violating(self) -> int:
        """Rows in breach, in all places."""
        return sum(entry.check.tally.violating for entry in self.entries if entry.check.tally)

    @property
    def population(self) -> int:
        """Rows looked at, in all places."""
        return sum(entry.check.tally.population for entry in self.entries if entry.check.tally)

    @property
    def estimated(self) -> bool:
        """Whether one of its numbers of rows is the planner's estimate."""
        return any(entry.check.tally.estimated for entry in self.entries if entry.check.tally)


@dataclass(frozen=True, slots=True)
class ReadFirst:
    """One of the things to read first."""

    entry: CheckEntry
    """The worst check of its control."""
    others: int
    """Checks of the same control that ended as badly."""


def entries(audit: AuditView) -> tuple[CheckEntry, ...]:
    """Every check: not audited first, then failed, to review, passed, not applicable; the worst first in each."""
    controls = {control.id: control for control in audit.policy.controls}
    clauses = {clause.id: clause for clause in audit.policy.clauses}
    found = []
    for store in audit.stores:
        for check in store.checks:
            control = controls.get(check.control) or _unnamed(check, audit.policy)
            quoted = tuple(clauses[name] for name in control.clauses if name in clauses)
            found.append(CheckEntry(store, check, control, quoted))
    return tuple(sorted(found, key=lambda entry: (TELLING.index(entry.check.outcome), entry.badness)))


def _unnamed(check: CheckView, policy: Policy) -> Control:
    """A result is told even when the policy does not name its control: nothing that was found is dropped."""
    return Control(check.control, "", check.sentence, Severity.HIGH, (), (), policy.effective_from)


def with_outcome(audit: AuditView, outcome: Outcome) -> tuple[CheckEntry, ...]:
    """The checks of that outcome, the worst first."""
    return tuple(entry for entry in entries(audit) if entry.check.outcome is outcome)


def waived_last(found: Iterable[CheckEntry], waived: Collection[str]) -> tuple[CheckEntry, ...]:
    """The same checks in the same order, those of these fingerprints after the others."""
    return tuple(sorted(found, key=lambda entry: entry.check.fingerprint in waived))


def by_control(found: Iterable[CheckEntry]) -> tuple[CheckGroup, ...]:
    """The same checks under their controls, in the order of the first of each."""
    groups: dict[str, list[CheckEntry]] = {}
    for entry in found:
        groups.setdefault(entry.control.id, []).append(entry)
    return tuple(CheckGroup(group[0].control, group[0].clauses, tuple(group)) for group in groups.values())


def worst(audit: AuditView, waived: Collection[str] = (), most: int = 3) -> tuple[ReadFirst, ...]:
    """The promises to read first, each by its worst check: what is broken, then what is unknown, each by severity and
    number of rows; those of waived fingerprints only when there is nothing else."""
    bad = [entry for entry in entries(audit) if entry.check.outcome in _WORST]
    by_badness = waived_last(sorted(bad, key=lambda one: (_WORST.index(one.check.outcome), one.badness)), waived)
    return tuple(
        ReadFirst(group.entries[0], sum(1 for one in group.entries[1:] if one.check.outcome is _first(group).outcome))
        for group in by_control(by_badness)[:most]
    )


def _first(group: CheckGroup) -> CheckView:
    return group.entries[0].check


def stores_not_audited(audit: AuditView) -> tuple[StoreView, ...]:
    """Stores that could not be looked at as a whole."""
    return tuple(store for store in audit.stores if store.outcome is Outcome.NOT_AUDITED and store.cause)


def controls_of(clause: Clause, told: Iterable[ControlOutcome]) -> tuple[ControlOutcome, ...]:
    """The controls that compute a clause, and the rules of the law beside it, with their outcomes."""
    return tuple(one for one in told if clause.id in one.control.clauses)
