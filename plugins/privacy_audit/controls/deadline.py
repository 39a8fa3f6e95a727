"""What a register says must be done is done by its day.

*Why*: requests are answered, persons are told and incidents are notified within periods that the policy or the law
names (GDPR art. 12(3), 14(3), 33). *Fix*: do what is due, and record the day; the control's own words say what it is.

The period is a calendar period from a field of the row, in the policy's zone, by the day: done on the last day is in
time. An extension counts only where it was announced within the first period, with its reason: the proof is the
company's, so one told at a moment that cannot be a fact is none. Where nothing was done, the day of the audit is held
against the last day. Done before it began, or at a moment that cannot be a fact, is undecidable.

A deadline in hours (72 for an incident) runs from the moment itself; where a column tells only the day, the last day is
undecidable.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field, model_validator

from privacy_audit.config.map_fields import MapPart, Name
from privacy_audit.controls.base.register_rule import PeriodText, RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.domain.periods import Period, local_date
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, first_of, last_of, noon, too_early
from privacy_audit.selftest.register_cases import RegisterCase, Selector, exceptions
from privacy_audit.sql.clocks import ClockSql
from privacy_audit.sql.evaluation_context import EvaluationContext, civil_date, day, instant, yes
from privacy_audit.sql.register_rows import (
    Answer,
    Only,
    RegisterSql,
    after,
    readable_day,
    readable_moment,
    unknown_where,
)
from privacy_audit.sql.row_predicates import RowState


class Extension(MapPart):
    """A longer period, for rows that were told so within the first one."""

    told: Name
    """Field with the moment at which the person was told."""
    reason: Name
    """Field with the reason given."""
    period: PeriodText
    """The longer period, from the same beginning."""


class DeadlineParams(RegisterParams):
    """Which field begins the period, which ends it, and how long it is."""

    from_: Name = Field(alias="from")
    done: Name | None = None
    """Field with the moment at which it was done; without one, the period must not be over."""
    period: PeriodText | None = None
    hours: int | None = Field(default=None, ge=1, le=8760)
    """Instead of a period: so many hours from the moment itself, which no calendar rounds."""
    extension: Extension | None = None
    unless: Only = {}
    """Rows that need not be done at all."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> DeadlineParams:
        if (self.period is None) == (self.hours is None):
            raise ValueError("A deadline is a `period` or a number of `hours`: exactly one of the two")
        if self.hours and self.extension:
            raise ValueError("Hours are not extended: leave out `extension`")
        return self

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield self.from_
        yield from (field for field in (self.done,) if field)
        if self.extension:
            yield from (self.extension.told, self.extension.reason)
        yield from self.unless

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield self.from_
        yield from (field for field in (self.done,) if field)
        if self.extension:
            yield self.extension.told


class Deadline(RegisterRowRule):
    """Expect each row of a register to be done within its period."""

    kind: ClassVar[str] = "deadline"
    expectation: ClassVar[str] = "expect_done_by_deadline"

    asks: DeadlineParams

    @property
    def decide(self) -> str:
        return (
            f"Find out from the files of what sort the matter in each of these rows of {self.table} is, when it began"
            " and when it was done, and write down what is missing or cannot be a fact. Delete nothing before that."
        )

    @property
    def foreseeable(self) -> bool:
        return True

    @property
    def longest_period(self) -> str:
        asked = [self._period, *([self.asks.extension.period] if self.asks.extension else [])]
        return max(asked, key=lambda text: Period.parse(text).add_to(date(2001, 1, 1)))

    @property
    def _period(self) -> str:
        """The period; of hours, days that are surely more."""
        return self.asks.period or f"P{(self.asks.hours or 0) // 24 + 2}D"

    @property
    def avoided(self) -> Only:
        return self.asks.unless

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        asks, context = self.asks, meant.context
        overdue = Period.parse(self._period).cutoff(context.today)
        late = RegisterCase("not done, and past its period", RowState.VIOLATING, {asks.from_: noon(overdue, context)})
        yield late
        yield late.but("of this moment", RowState.COMPLIANT, **{asks.from_: context.as_of})
        yield late.but("of the company's first day", RowState.VIOLATING, **{asks.from_: context.earliest})
        for none in meant.no_facts(asks.from_):
            yield late.but("that began at no moment there can be", RowState.UNDECIDABLE, **{asks.from_: none})
        yield from exceptions(late, asks.unless, meant)
        if asks.hours:
            yield from self._of_hours(timedelta(hours=asks.hours), meant)
            return
        yield late.but("not done, on its last day", RowState.COMPLIANT, **{asks.from_: noon(overdue + DAY, context)})
        for edge, state in (
            (last_of(overdue, context), RowState.VIOLATING),
            (first_of(overdue + DAY, context), RowState.COMPLIANT),
        ):
            yield late.but("not done, of the night between the two", state, **{asks.from_: edge})
        if asks.done:
            yield from self._of_done(asks.done, noon(self._long_ago(context), context), meant)
        if asks.extension:
            yield from self._of_extension(asks.extension, noon(self._long_ago(context), context), context)

    def _of_hours(self, hours: timedelta, meant: Selector) -> Iterator[RegisterCase]:
        """Rows on both sides of the last moment; where only days are told, of the last day nobody can say."""
        context, asks = meant.context, self.asks
        told = [self.records.fields[name] for name in (asks.from_, asks.done) if name]
        begun, second = dst_free_noon(context) - hours, timedelta(seconds=1)
        last = (begun if told[0].is_instant else first_of(local_date(begun, context.zone), context)) + hours
        if told[0].is_instant:
            for begin, state in (
                (context.as_of - hours, RowState.COMPLIANT),
                (context.as_of - hours - second, RowState.VIOLATING),
            ):
                yield RegisterCase("not done, about its last moment", state, {asks.from_: begin})
        if asks.done is None:
            return
        row = RegisterCase("done as it began", RowState.COMPLIANT, {asks.from_: begun, asks.done: begun})
        if hours >= 2 * DAY:
            yield row
        for done in (last, last + second, begun - 2 * DAY, last - 2 * DAY, last + 2 * DAY):
            days = local_date(done, context.zone), local_date(last, context.zone)
            state = RowState.VIOLATING if done > last else RowState.COMPLIANT
            if not all(clock.is_instant for clock in told) and days[0] == days[1]:
                state = RowState.UNDECIDABLE
            if local_date(done, context.zone) < local_date(begun, context.zone):
                state = RowState.UNDECIDABLE
            yield row.but("done about the last moment", state, **{asks.done: done})
        yield row.but("done at T", RowState.VIOLATING, **{asks.done: context.as_of})
        for done in meant.impossible(asks.done):
            yield row.but("done at no moment there can be", RowState.UNDECIDABLE, **{asks.done: done})

    def _long_ago(self, context: EvaluationContext) -> date:
        """A day from which each period is over, and that lies in the midst of summer or winter time."""
        return Period.parse(self.longest_period).cutoff(context.today) - 60 * DAY

    def _of_done(self, done: str, begun: datetime, meant: Selector) -> Iterator[RegisterCase]:
        """Rows that were done, by the day on which they were."""
        context = meant.context
        last = Period.parse(self._period).add_to(local_date(begun, context.zone))
        row = RegisterCase("done as it began", RowState.COMPLIANT, {self.asks.from_: begun, done: begun})
        yield row
        for moment in (noon(last, context), last_of(last, context)):
            yield row.but("done on the last day", RowState.COMPLIANT, **{done: moment})
        for moment in (noon(last + DAY, context), first_of(last + DAY, context), context.as_of):
            yield row.but("done after the last day", RowState.VIOLATING, **{done: moment})
        instants = all(self.records.fields[name].is_instant for name in (self.asks.from_, done))
        hour = RowState.UNDECIDABLE if instants else RowState.COMPLIANT
        yield row.but("done an hour before it began", hour, **{done: begun - DAY / 24})
        for none in meant.no_facts(self.asks.from_):
            yield row.but("done, and begun at no moment there can be", RowState.UNDECIDABLE, **{self.asks.from_: none})
        for moment in (begun - DAY, *meant.impossible(done)):
            yield row.but("done before it began, or at no moment there can be", RowState.UNDECIDABLE, **{done: moment})

    def _of_extension(self, more: Extension, begun: datetime, context: EvaluationContext) -> Iterator[RegisterCase]:
        """Rows whose period may have been made longer, still to be done or done after the first one's last day."""
        day = local_date(begun, context.zone)
        first, last = (Period.parse(text).add_to(day) for text in (self._period, more.period))
        if last <= first:
            return
        running = noon(Period.parse(more.period).cutoff(context.today) + DAY, context)
        granted = {more.told: running, more.reason: "a reason", self.asks.from_: running}
        row = RegisterCase("not done, on the last day of its longer period", RowState.COMPLIANT, granted)
        yield row
        over = running - DAY
        yield row.but("past its longer period", RowState.VIOLATING, **{self.asks.from_: over, more.told: over})
        row = row.but("told in time of a longer period", RowState.COMPLIANT, **{self.asks.from_: begun})
        if self.asks.done is None:
            return
        row = row.but(row.name, RowState.COMPLIANT, **{self.asks.done: noon(last, context)})
        in_time = [begun, noon(first, context), last_of(first, context)]
        never = [noon(first + DAY, context), first_of(first + DAY, context), begun - DAY, None, too_early(context)]
        told = [
            *((moment, RowState.COMPLIANT) for moment in in_time),
            *((moment, RowState.VIOLATING) for moment in never),
        ]
        yield from (row.but("told of a longer period", state, **{more.told: moment}) for moment, state in told)
        row = row.but(row.name, row.state, **{more.told: begun})
        for reason in (None, "  "):
            yield row.but("told of a longer period without a reason", RowState.VIOLATING, **{more.reason: reason})
        yield row.but("done after its longer period", RowState.VIOLATING, **{self.asks.done: noon(last + DAY, context)})

    def breach(self, records: RegisterSql) -> RegisterBreach:
        return self._by_the_hour(records, self.asks.hours) if self.asks.hours else self._by_the_day(records)

    def _by_the_hour(self, records: RegisterSql, hours: int) -> RegisterBreach:
        """By the moment. Where a column tells only the day, the days on either side of the last one are sure."""
        begun = records.moment(self.asks.from_)
        length = sa.func.make_interval(0, 0, 0, 0, hours)
        end = sa.select((readable_moment(begun) + length).label("last_moment")).correlate(records.row).lateral("due")
        last = end.c.last_moment
        done = records.moment(self.asks.done) if self.asks.done else None
        late: Answer = last < instant(records.context.as_of)
        if not records.records.fields[self.asks.from_].is_instant:
            late = self._by_days(day(records.context.today), last, records)
        if done is not None:
            late = sa.case((done.missing, late), else_=unknown_where(done.odd, self._later(records, done, last)))
        late = unknown_where(begun.undatable, late)
        broken = sa.and_(late, sa.not_(records.meant(self.asks.unless))) if self.asks.unless else late
        return RegisterBreach(broken, begun.moment, civil_date(last, records.context.zone_name), ((end, sa.true()),))

    def _later(self, records: RegisterSql, done: ClockSql, last: sa.ColumnElement[Any]) -> Answer:
        clocks = [records.records.fields[name] for name in (self.asks.from_, self.asks.done) if name]
        instants = all(clock.is_instant for clock in clocks)
        later = done.moment > last if instants else self._by_days(done.on_day, last, records)
        return unknown_where(records.is_before(self.asks.done or "", self.asks.from_), later)

    def _by_days(self, civil: sa.ColumnElement[Any], last: sa.ColumnElement[Any], records: RegisterSql) -> Answer:
        """Whether a day is after the last one, where nobody knows the hour: of the last day itself nobody can say."""
        last_day = civil_date(last, records.context.zone_name)
        return sa.case((civil > last_day, sa.true()), (civil < last_day, sa.false()), else_=sa.null())

    def _by_the_day(self, records: RegisterSql) -> RegisterBreach:
        begun = records.moment(self.asks.from_)
        # Beside each row, so that the day is written once however often it is compared.
        due = sa.select(self._last_day(records, begun).label("last_day")).correlate(records.row).lateral("due")
        late = unknown_where(begun.undatable, self._late(records, begun, due.c.last_day))
        broken = sa.and_(late, sa.not_(records.meant(self.asks.unless))) if self.asks.unless else late
        began = sa.type_coerce(due.c.last_day + 1, sa.Date())
        return RegisterBreach(broken, begun.moment, began, ((due, sa.true()),))

    def _late(self, records: RegisterSql, begun: ClockSql, last_day: sa.ColumnElement[Any]) -> Answer:
        """Whether the last day is over undone; unknown where the moment at which it was done cannot be a fact."""
        overdue = last_day < day(records.context.today)
        if self.asks.done is None:
            return overdue
        done = records.moment(self.asks.done)
        no_fact = sa.or_(done.odd, records.is_before(self.asks.done, self.asks.from_))
        return sa.case((done.missing, overdue), else_=unknown_where(no_fact, done.on_day > last_day))

    def _last_day(self, records: RegisterSql, begun: ClockSql) -> sa.ColumnElement[Any]:
        since = readable_day(begun)
        first = after(since, self.asks.period or "")
        extension = self.asks.extension
        if extension is None:
            return first
        told = records.moment(extension.told)
        granted = sa.and_(
            sa.not_(told.undatable),
            yes(told.on_day.between(since, first)),
            records.text(extension.reason).is_not(None),
        )
        return sa.case((granted, after(since, extension.period)), else_=first)
