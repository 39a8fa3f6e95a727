"""Two audits of the same stores at the same instant, check by check: what comes into breach, and what goes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from privacy_audit.compiler.policy_changes import PolicyChange, one_way
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.domain.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class SimulatedChange:
    """One check under both policies."""

    id: str
    today: CheckResult | None
    """Under today's policy; None when that does not have the check at this instant."""
    other: CheckResult | None
    one_way: bool
    """Whether one of the two policies only finds more than the other. If not, rows may both come and go."""

    @property
    def sides(self) -> tuple[CheckResult, ...]:
        """What each policy says that has the check."""
        return tuple(side for side in (self.today, self.other) if side)

    @property
    def seen(self) -> bool:
        """Whether each policy that has the check could look. If not, no difference is known: not even none."""
        return all(side.outcome is not Outcome.NOT_AUDITED for side in self.sides)

    @property
    def coming(self) -> int:
        """Rows that would come into breach; with `one_way` exactly, else at least. 0 when nothing is known."""
        return max(_violating(self.other) - _violating(self.today), 0) if self.seen else 0

    @property
    def going(self) -> int:
        """Rows that would no longer be in breach; with `one_way` exactly, else at least. 0 when nothing is known."""
        return max(_violating(self.today) - _violating(self.other), 0) if self.seen else 0

    @property
    def coming_at_most(self) -> int:
        """As `coming`, and where rows may both come and go, every row in breach may be one that was not before."""
        return self.coming if self.one_way or not self.seen else _violating(self.other)


@dataclass(frozen=True)
class Simulation:
    """What another policy would change."""

    policy_file: str
    """Name of the other policy's file."""
    today: Audit
    other: Audit
    changes: tuple[PolicyChange, ...]
    """How the other policy's promises differ from today's."""
    differences: tuple[SimulatedChange, ...]
    """Every check of either policy: first those of which nothing is known, then those with most rows to come."""
    limits: tuple[str, ...]
    """What was not looked at, as sentences."""

    @property
    def breaking(self) -> tuple[SimulatedChange, ...]:
        """The checks under which rows would come into breach, or may."""
        return tuple(it for it in self.differences if it.coming_at_most)

    @property
    def whole(self) -> bool:
        """Whether everything was looked at."""
        return all(it.seen for it in self.differences) and not any(store.cause for store in self.today.stores)


def differences(
    today: Audit, other: Audit, rules: Mapping[str, Any], other_rules: Mapping[str, Any]
) -> tuple[SimulatedChange, ...]:
    """Every check of either audit. Rules are as a compiled suite carries them, by the check's id."""
    before, after = _looked_for(today.checks), _looked_for(other.checks)
    found = [
        SimulatedChange(
            name, before.get(name), after.get(name), one_way(rules.get(name, {}), other_rules.get(name, {}))
        )
        if name in before and name in after
        else SimulatedChange(name, before.get(name), after.get(name), one_way=True)
        for name in {*before, *after}
    ]
    return tuple(sorted(found, key=lambda it: (it.seen, -it.coming_at_most, -it.going, it.id)))


def _looked_for(checks: Iterable[CheckResult]) -> dict[str, CheckResult]:
    """Without what an owner signed: there is no table to look at, under either policy."""
    return {check.id: check for check in checks if check.table or check.outcome is not Outcome.NOT_APPLICABLE}


def _violating(side: CheckResult | None) -> int:
    return side.tally.violating if side and side.tally else 0
