"""The clock of each store and the auditor's agree.

*Why*: periods and deadlines are judged by T, which the auditor's clock fixes, against moments that the store's clock
wrote; where the two differ, rows at the edge of a day are judged wrongly, and anyone who answers for the outcome cannot
prove it (GDPR art. 5(2)). *Fix*: let both machines follow the same time servers (NTP).

The store is asked for its time between two readings of the auditor's clock. When in between it answered, nobody knows:
the clocks differ by at least the distance to that interval. Violating: by more than an hour, which no network explains.
Undecidable: by more than the tolerance, for nobody knows which clock is wrong; or the answer took longer than the
tolerance, so that it shows too little. It is about now, also when the audit judges by an instant of the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.policy.consistency import SECONDS_TOLERATED
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.row_predicates import RowState

TOLERANCE = "tolerance_seconds"
SURELY_WRONG = timedelta(hours=1)
"""Clocks that are further apart break the promise, whichever of them is wrong."""
_MOST_SECONDS = 60
_STORES_CLOCK = sa.select(sa.func.pg_catalog.clock_timestamp().label("clock"))
"""Not `now()`, which stands still in a transaction."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The store's clock, read between two readings of the auditor's."""

    before: datetime
    """By the auditor's clock."""
    store: datetime
    """By the store's."""
    after: datetime
    """By the auditor's clock."""

    @property
    def apart(self) -> timedelta:
        """By how much the clocks differ at least."""
        return max(self.before - self.store, self.store - self.after, timedelta())

    def state(self, tolerance: timedelta) -> RowState:
        """What it shows."""
        round_trip = self.after - self.before
        if round_trip < timedelta():  # the auditor's own clock was set back meanwhile, so it shows nothing
            return RowState.UNDECIDABLE
        if self.apart > SURELY_WRONG:
            return RowState.VIOLATING
        return RowState.COMPLIANT if max(self.apart, round_trip) <= tolerance else RowState.UNDECIDABLE


class ClocksAgree(CatalogRule):
    """Expect the clock of the store to agree with the auditor's."""

    kind: ClassVar[str] = "clocks_agree"
    expectation: ClassVar[str] = "expect_clocks_to_agree"
    optional_parameters: ClassVar[frozenset[str]] = frozenset({TOLERANCE})
    what: ClassVar[str] = "Clocks of the store"
    key_columns: ClassVar[tuple[str, ...]] = ("clock",)

    tolerance_seconds: int = Field(default=SECONDS_TOLERATED, ge=1, le=_MOST_SECONDS)

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        text = str(parameters.get(TOLERANCE, SECONDS_TOLERATED))
        if not (text.isdecimal() and text.isascii() and len(text) < 3 and 1 <= int(text) <= _MOST_SECONDS):
            yield (
                (TOLERANCE,),
                f'"{text[:80]}" is no tolerance. Write whole seconds from 1 to {_MOST_SECONDS}, as "5".',
            )

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(**fields, tolerance_seconds=int(control.parameters.get(TOLERANCE, SECONDS_TOLERATED)))

    @property
    def sentence(self) -> str:
        return f"The clocks of the store and of the auditor differ by {self._seconds} at most."

    @property
    def fix(self) -> str:
        return (
            "Compare `SELECT clock_timestamp()` in the store, and `date -u` where the audit's workers run, with a time"
            " server. Set the one right that is wrong, and let both follow the same time servers. What the store's"
            " clock wrote meanwhile is wrong by as much."
        )

    @property
    def decide(self) -> str:
        return (
            "Compare `SELECT clock_timestamp()` in the store, and `date -u` where the audit's workers run, with a time"
            " server. If both are right, the store was slow to answer: run the audit again. If one is wrong, let both"
            " follow the same time servers; what the store's clock wrote meanwhile is wrong by as much."
        )

    @property
    def listable(self) -> bool:
        return False

    @property
    def undecided_because(self) -> str:
        return (
            f"the clocks differ by more than {self._seconds} and nobody knows which is wrong, or the store took longer"
            " than that to say its time"
        )

    def found(self, context: EvaluationContext) -> sa.FromClause:
        return _STORES_CLOCK.subquery("clocks")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        """Nothing that SQL could say, for it reads one of the two clocks only: `count` judges."""
        return sa.cast(sa.null(), sa.Boolean())

    def count(self, connection: sa.Connection, context: EvaluationContext) -> Tally:
        return _tally(read(connection).state(self._tolerance))

    def disproof(self, context: EvaluationContext) -> Iterator[str]:
        """Made-up readings, judged as the store's is."""
        for name, must, reading in self._made_up(context.as_of):
            said = reading.state(self._tolerance)
            if said is not must:
                yield f"of a clock {name} it says {said.name.lower()}, and not {must.name.lower()}"

    def _made_up(self, at: datetime) -> Iterator[tuple[str, RowState, ClockReading]]:
        """Readings by how far the store's clock is outside the interval, and how long its answer took."""
        tolerance, none, least = self._tolerance, timedelta(), timedelta(microseconds=1)
        for name, must, apart, took in (
            ("that agrees", RowState.COMPLIANT, none, none),
            ("whose answer took as long as is tolerated", RowState.COMPLIANT, none, tolerance),
            ("whose answer took longer", RowState.UNDECIDABLE, none, tolerance + least),
            ("whose answer took more than an hour", RowState.UNDECIDABLE, none, SURELY_WRONG + least),
            ("whose answer came before it was asked for", RowState.UNDECIDABLE, none, -least),
            ("that differs by as much as is tolerated", RowState.COMPLIANT, tolerance, none),
            ("that differs by as much, as long after", RowState.COMPLIANT, tolerance, tolerance),
            ("that differs by more", RowState.UNDECIDABLE, tolerance + least, none),
            ("that differs by an hour", RowState.UNDECIDABLE, SURELY_WRONG, none),
            ("that differs by more than an hour", RowState.VIOLATING, SURELY_WRONG + least, none),
            ("that differs by more, and answers late", RowState.VIOLATING, SURELY_WRONG + least, 2 * tolerance),
        ):  # fmt: skip
            yield f"{name}, and is slow", must, ClockReading(at, at - apart, at + took)
            yield f"{name}, and is fast", must, ClockReading(at, max(at, at + took) + apart, at + took)

    @property
    def _tolerance(self) -> timedelta:
        return timedelta(seconds=self.tolerance_seconds)

    @property
    def _seconds(self) -> str:
        return "1 second" if self.tolerance_seconds == 1 else f"{self.tolerance_seconds} seconds"


def read(connection: sa.Connection) -> ClockReading:
    """The store's clock now, as an open connection shows it."""
    before = datetime.now(UTC)
    store = connection.execute(_STORES_CLOCK).scalar_one()
    return ClockReading(before, store, datetime.now(UTC))


def _tally(state: RowState) -> Tally:
    """One clock, in one of three states."""
    violating = int(state is RowState.VIOLATING)
    return Tally(
        population=1,
        compliant=int(state is RowState.COMPLIANT),
        violating=violating,
        held=0,
        undecidable=int(state is RowState.UNDECIDABLE),
        out_of_scope=0,
        subjects=0,
        ages=(violating, *(0 for _ in AGE_BUCKETS[1:])),
    )
