"""What is set to end, ends within the longest lifetime, counted from the day on which it was first set.

*Why*: personal data are kept no longer than necessary (GDPR art. 5(1)(e)); the policy, as the CNIL recommends for
trackers (Deliberation 2020-091, French law 78-17 art. 82), lets a cookie live 13 months from its first deposit, and a
new visit does not begin them anew. *Fix*: set the end to the last day of the period from the first day, or earlier;
stop the code that moves the end at each visit.

The civil day of `until` is held against `from` plus the period, in the policy's zone: dates are compared, never numbers
of days, for 395 days may be a day more than 13 months, or less. So `from` must be the moment of the first setting. An
end on the last day is in time. No end, or an infinite one, is no lifetime at all: violating. An end before `from` is
compliant: what ended before it began never lived. An end before the company's first day is undecidable, for a zero
often means that there is none; so is every row whose `from` cannot be a fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_fields import Name
from privacy_audit.controls.base.register_rule import PeriodText, RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.domain.periods import Period, local_date
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, first_of, last_of, next_after, noon, too_early
from privacy_audit.selftest.register_cases import RegisterCase, Selector
from privacy_audit.sql.clocks import moment_of
from privacy_audit.sql.evaluation_context import Predicate, first_instant
from privacy_audit.sql.register_rows import RegisterSql, after, readable_day, readable_moment, unknown_where
from privacy_audit.sql.row_predicates import RowState


class LifetimeParams(RegisterParams):
    """Between which fields a row lives, and for how long it may."""

    from_: Name = Field(alias="from")
    """Field with the moment of the first setting."""
    until: Name
    """Field with the moment at which it is to end, which may lie after T."""
    period: PeriodText

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield from (self.from_, self.until)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield from (self.from_, self.until)


class Lifetime(RegisterRowRule):
    """Expect each row of a register to be set to end within a period from its beginning."""

    kind: ClassVar[str] = "lifetime"
    expectation: ClassVar[str] = "expect_ends_within_lifetime"

    asks: LifetimeParams

    @property
    def decide(self) -> str:
        return (
            f"Find out when each of these rows of {self.table} begins and ends, and write down the moment that is"
            " missing or cannot be a fact. Delete nothing before that."
        )

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        context, asks = meant.context, self.asks
        begun = dst_free_noon(context)
        last = Period.parse(asks.period).add_to(local_date(begun, context.zone))
        row = RegisterCase("without an end", RowState.VIOLATING, {asks.from_: begun, asks.until: None})
        yield row
        for until, state in (
            *(
                (moment, RowState.COMPLIANT)
                for moment in (begun, begun - DAY, noon(last, context), last_of(last, context))
            ),
            *((moment, RowState.VIOLATING) for moment in (first_of(last + DAY, context), noon(last + DAY, context))),
            (noon(last + 36525 * DAY, context), RowState.VIOLATING),
            *(
                (moment, RowState.COMPLIANT)
                for moment in (context.earliest, next_after(self.records.fields[asks.until], context))
            ),
            (too_early(context), RowState.UNDECIDABLE),
        ):
            yield row.but("with an end", state, **{asks.until: until})
        for edge in (context.earliest, context.as_of):
            yield row.but(
                "of the first moment that can be, or the last",
                RowState.COMPLIANT,
                **{asks.from_: edge, asks.until: edge},
            )
        for none in meant.no_facts(asks.from_):
            for end in (None, begun):
                says = {asks.from_: none, asks.until: end}
                yield row.but("that began at no moment there can be", RowState.UNDECIDABLE, **says)

    def breach(self, records: RegisterSql) -> RegisterBreach:
        begun, until = records.moment(self.asks.from_), records.moment(self.asks.until)
        last_day = after(readable_day(begun), self.asks.period)
        no_fact = sa.and_(until.odd, sa.not_(records.is_future(self.asks.until)))
        broken = unknown_where(
            sa.or_(begun.undatable, no_fact), sa.or_(until.missing, _ends_after(records, self.asks.until, last_day))
        )
        # It was in breach from the day on which it was set to live too long.
        return RegisterBreach(broken, readable_moment(begun), readable_day(begun))


def _ends_after(records: RegisterSql, field: str, last_day: sa.ColumnElement[Any]) -> Predicate:
    """Whether a moment lies after a civil day, also one so far off that no `timestamptz` could be made of it."""
    clock, column = records.records.fields[field], records.value(field)
    next_instant = first_instant(last_day + 1, records.context.zone_name)
    match clock.encoding:
        case Encoding.DATE:
            return column > last_day
        case Encoding.EPOCH_SECONDS:
            return column >= sa.extract("epoch", next_instant)
        case Encoding.EPOCH_MILLISECONDS:
            return column >= sa.extract("epoch", next_instant) * 1000
        case _:
            return moment_of(clock, column, records.context) >= next_instant
