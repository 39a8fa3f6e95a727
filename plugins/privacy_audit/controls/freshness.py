"""What must be done again and again was last done within its period.

*Why*: the controller must be able to show that it still keeps what it promised (GDPR art. 5(2), 24(1)): processors are
vetted (art. 28(1)), measures are tested regularly (art. 32(1)(d)), the record of processing is kept (art. 30), the
officer can be reached (art. 38(4)). *Fix*: do it again now, and record the day; then see why nobody was reminded.

The register is judged as a whole, or, with `per`, once for each value of a field; rows that say nothing there are one
group. What counts is the latest readable `at` among the rows that are meant and in force: the period runs from its
civil day, and done on the last day is in time. Rows without a moment, or none at all, mean that it was never done: a
register that nobody keeps is not fresh. Where rows tell moments and none of them can be a fact (before the company's
first day, or after T), nobody can tell; beside a readable moment such rows prove nothing, neither way. Where it is not
known whether a row is meant, the answer is known only if it is the same with and without that row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa

from privacy_audit.config.map_fields import Name
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.controls.base.register_rule import PeriodText, RegisterParams, RegisterRule
from privacy_audit.domain.periods import Period
from privacy_audit.selftest.made_up_times import DAY, first_of, last_of, noon
from privacy_audit.selftest.register_cases import FieldValues, RegisterCase, Selector
from privacy_audit.sql.evaluation_context import EvaluationContext, day, never, no, yes
from privacy_audit.sql.register_rows import RegisterSql, after, every, readable_day, readable_moment
from privacy_audit.sql.row_predicates import RowPredicates, RowState

# Names with a blank: no column is called so (`store_map.Identifier`), however a register calls its own.
_SURE, _ODD = "surely meant", "cannot be a fact"
_DAY, _SURE_DAY, _MOMENT = "last day", "last day of those surely meant", "last moment"


class FreshnessParams(RegisterParams):
    """Which field tells when it was done, and how long that holds."""

    at: Name
    """Field with the moment at which it was done."""
    period: PeriodText
    per: Name | None = None
    """Field each value of which is judged apart; without one the register is judged as a whole."""

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield self.at
        yield from (field for field in (self.per,) if field)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield self.at

    def key(self, records: RegisterBinding) -> tuple[str, ...]:
        return (records.fields[self.per].column,) if self.per else ()


_STATES = {True: RowState.COMPLIANT, False: RowState.VIOLATING, None: RowState.UNDECIDABLE}
"""What a register is of which only one row is fresh, by whether that row is meant."""


class Freshness(RegisterRule):
    """Expect the latest row of a register, or of each group of its rows, to be no older than a period."""

    kind: ClassVar[str] = "freshness"
    expectation: ClassVar[str] = "expect_register_to_be_fresh"

    asks: FreshnessParams

    @property
    def decide(self) -> str:
        return (
            f"Find out when each of these was last done, and write down in {self.table} the moment that is missing or"
            " cannot be a fact. Delete nothing before that."
        )

    @property
    def foreseeable(self) -> bool:
        return True

    @property
    def longest_period(self) -> str:
        return self.asks.period

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        context, at, base = meant.context, self.asks.at, meant.base()
        group = {self.asks.per: meant.value(self.asks.per)} if self.asks.per else {}
        stale = Period.parse(self.asks.period).cutoff(context.today)

        def whole(name: str, state: RowState, *rows: FieldValues) -> RegisterCase:
            return RegisterCase(name, state, {}, beside=[{**base, **group, **row} for row in rows])

        old, fresh, never = {at: noon(stale, context)}, {at: context.as_of}, {at: None}
        odd = [{at: moment} for moment in meant.impossible(at)]
        yield whole("last done too long ago", RowState.VIOLATING, old, {at: context.earliest})
        for moment, state in (
            (last_of(stale, context), RowState.VIOLATING),
            (first_of(stale + DAY, context), RowState.COMPLIANT),
            (noon(stale + DAY, context), RowState.COMPLIANT),
            (context.earliest, RowState.VIOLATING),
        ):
            if moment <= context.as_of:
                yield whole("last done about a period ago", state, {at: moment})
        yield whole("done now", RowState.COMPLIANT, old, fresh, never, *odd)
        yield whole("done at no moment", RowState.VIOLATING, never)
        for row in odd:
            yield whole("done at no moment there can be", RowState.UNDECIDABLE, row)
            yield whole("done too long ago, and at no moment there can be", RowState.VIOLATING, row, old)
        for row in odd:
            yield whole("done at no moment, and at one that cannot be", RowState.UNDECIDABLE, row, never)
        if not self.asks.per:
            yield whole("never done", RowState.VIOLATING)
        yield from self._of_meant(meant, noon(stale, context), min(noon(stale + DAY, context), context.as_of), whole)
        if self.asks.per and isinstance(group[self.asks.per], str):
            for one, other in (("a value", " a value "), (None, "  ")):
                rows = ({**old, self.asks.per: one}, {**fresh, self.asks.per: other})
                yield whole("done of late, in other blanks", RowState.COMPLIANT, *rows)

    def _of_meant(
        self, meant: Selector, past: datetime, recent: datetime, whole: Callable[..., RegisterCase]
    ) -> Iterator[RegisterCase]:
        """Registers with a row of which it is the question whether it is meant."""
        at, base = self.asks.at, meant.base()
        old, fresh = {at: past}, {at: recent}
        for edge in meant.edges(RegisterCase("done of late, perhaps", RowState.COMPLIANT, {})):
            is_meant = meant.holds({**base, **edge.says})
            if is_meant is not False or not self.asks.per:
                yield whole(edge.name, _STATES[is_meant], {**edge.says, **fresh})
                alone = RowState.UNDECIDABLE if self.asks.per and is_meant is None else RowState.VIOLATING
                yield whole(edge.name, alone, {**edge.says, **old})
            yield whole(edge.name, _STATES[is_meant], {**edge.says, **fresh}, old)
            yield whole(edge.name, RowState.VIOLATING, {**edge.says, **old}, old)

    def rows(self, context: EvaluationContext, *_: str) -> sa.FromClause:
        """One row for the register even if it holds none, or one for each value of `per` among the rows meant."""
        entry = self._entries(context)
        sure = yes(entry.c[_SURE])
        group = [entry.c[name] for name in self.asks.key(self.records)]
        return (
            sa.select(
                *group,
                sa.func.coalesce(sa.func.bool_or(sure), sa.false()).label(_SURE),
                sa.func.coalesce(sa.func.bool_or(entry.c[_ODD]), sa.false()).label(_ODD),
                sa.func.max(entry.c[_DAY]).label(_DAY),
                sa.func.max(entry.c[_DAY]).filter(sure).label(_SURE_DAY),
                sa.func.max(entry.c[_MOMENT]).label(_MOMENT),
            )
            .where(sa.not_(no(entry.c[_SURE])))
            .group_by(*group)
            .subquery("t")
        )

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        fresh, surely_fresh = (after(row.c[name], self.asks.period) >= day(context.today) for name in (_DAY, _SURE_DAY))
        broken = sa.case(
            (surely_fresh, sa.false()),
            (fresh, sa.null()),
            (sa.and_(row.c[_SURE_DAY].is_(None), row.c[_ODD]), sa.null()),
            else_=sa.true(),
        )
        # A group of which no row is surely meant may be none at all.
        may_be_none = sa.not_(row.c[_SURE]) if self.asks.per else never()
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=sa.and_(may_be_none, sa.not_(no(broken))),
            violating=broken,
            moment=row.c[_MOMENT],
            breach_began=sa.type_coerce(after(row.c[_DAY], self.asks.period) + 1, sa.Date()),
        )

    def _entries(self, context: EvaluationContext) -> sa.Subquery:
        """The rows of the register: whether they are meant, and when it was done."""
        table = context.table(self.table, *self.columns(), alias="entry")
        records, asks = RegisterSql(self.records, table, context), self.asks
        at = records.moment(asks.at)
        group: list[sa.ColumnElement[Any]] = [
            records.text(field).label(self.records.fields[field].column) for field in (asks.per,) if field
        ]
        return sa.select(
            *group,
            every([records.meant(asks.only), records.in_force(asks.in_force)]).label(_SURE),
            at.odd.label(_ODD),
            readable_day(at).label(_DAY),
            readable_moment(at).label(_MOMENT),
        ).subquery("entries")
