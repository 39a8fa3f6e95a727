"""A simulation as it may be shown, and how it is made: the audits under both policies, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.view.audit_view import AuditView, CheckView, key_of
from privacy_audit.view.clean_text import clean_all
from privacy_audit.view.make_view import make_view


class DifferenceValues(Protocol):
    """What the simulation found of one check: `simulation.differences` makes it, in a stage above."""

    @property
    def id(self) -> str: ...
    @property
    def today(self) -> CheckResult | None: ...
    @property
    def other(self) -> CheckResult | None: ...
    @property
    def one_way(self) -> bool: ...
    @property
    def seen(self) -> bool: ...
    @property
    def coming(self) -> int: ...
    @property
    def coming_at_most(self) -> int: ...
    @property
    def going(self) -> int: ...


class SimulationValues(Protocol):
    """What a simulation found."""

    @property
    def policy_file(self) -> str: ...
    @property
    def today(self) -> Audit: ...
    @property
    def other(self) -> Audit: ...
    @property
    def changes(self) -> Sequence[PolicyChange]: ...
    @property
    def differences(self) -> Sequence[DifferenceValues]: ...
    @property
    def limits(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One check under both policies; the fields mean what they mean in `simulation.differences`."""

    id: str
    today: CheckView | None
    other: CheckView | None
    one_way: bool
    seen: bool
    coming: int
    coming_at_most: int
    going: int


@dataclass(frozen=True, slots=True)
class SimulationView:
    """What another policy would change."""

    policy_file: str
    today: AuditView
    other: AuditView
    changes: tuple[PolicyChange, ...]
    differences: tuple[DifferenceView, ...]
    limits: tuple[str, ...]


def make_simulation_view(simulation: SimulationValues) -> SimulationView:
    """The simulation as it may be shown."""
    today, other = make_view(simulation.today), make_view(simulation.other)
    before, after = ({check.key: check for check in audit.checks} for audit in (today, other))
    return clean_all(
        SimulationView(
            policy_file=simulation.policy_file,
            today=today,
            other=other,
            changes=tuple(simulation.changes),
            differences=tuple(_difference(it, before, after) for it in simulation.differences),
            limits=tuple(simulation.limits),
        )
    )


def _difference(it: DifferenceValues, before: dict[str, CheckView], after: dict[str, CheckView]) -> DifferenceView:
    return DifferenceView(
        id=it.id,
        today=before[key_of(it.id)] if it.today else None,
        other=after[key_of(it.id)] if it.other else None,
        one_way=it.one_way,
        seen=it.seen,
        coming=it.coming,
        coming_at_most=it.coming_at_most,
        going=it.going,
    )
