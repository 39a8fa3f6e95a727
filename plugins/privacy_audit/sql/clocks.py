"""Clocks in SQL: when a row's period began, whether that can be known, and whether a day is past.

Each encoding compares its raw column with a constant wherever that is exact, so that an index on the column works.

What nobody can mean is a wrong unit or a default value, and no future (`beyond`): a moment after the year 9999, a
number or a year more than a century after T. It is undecidable, whatever the map says of null and of the future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import gt, lt
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from privacy_audit.config.map_clocks import Clock, ColumnClock, Encoding, JoinedClock, LatestClock, MomentMeaning
from privacy_audit.domain.periods import start_of_day
from privacy_audit.sql.evaluation_context import (
    TYPES,
    ColumnRequirement,
    EvaluationContext,
    Predicate,
    RowRequirement,
    civil_date,
    day,
    first_instant,
    instant,
    never,
    yes,
)

Column = sa.ColumnElement[Any]
Compare = Callable[[Column, Column], Predicate]


@dataclass(frozen=True)
class ClockSql:
    """A clock over the rows of one relation. Its predicates are never null."""

    moment: Column
    """When the period began, as `timestamptz`; null where it cannot be written as one."""
    missing: Predicate
    """No moment is known."""
    odd: Predicate
    """A moment is known that cannot be a fact: infinite, before the company's first day, after T, or what nobody can
    mean."""
    running: Predicate
    """The period has not begun, and the map says how that is written."""
    until: Callable[[date], Predicate]
    """Whether the moment's civil date certainly lies on or before a day; asked only of rows that are decidable."""
    maybe_until: Callable[[date], Predicate]
    """Whether it may lie on or before a day."""
    on_day: Column
    """The moment's civil date; of a year, its last day. Asked only of rows that are decidable."""
    from_day: Column
    """The first civil date it may be: of a year, its first day."""
    vague: bool = False
    """Whether `until` and `maybe_until` may differ."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()
    """Relations to join from the left; none of them multiplies rows."""

    @property
    def undatable(self) -> Predicate:
        """The period cannot be computed: unknown is not compliant."""
        return sa.and_(sa.not_(self.running), sa.or_(self.missing, self.odd))


def read_clock(clock: Clock, row: sa.FromClause, context: EvaluationContext) -> ClockSql:
    """The clock over a relation that has the columns of `needs_of_row`."""
    if isinstance(clock, LatestClock):
        parts = [_single(part, row, context, number) for number, part in enumerate(clock.latest)]
        return _latest(parts)
    return _single(clock, row, context, 0)


def read_edge(clock: ColumnClock, row: sa.FromClause, context: EvaluationContext, *, endless: bool) -> ClockSql:
    """The moment from which something holds, or until which (`endless`: it may never end, as a null and infinity say).

    `running` where that is after T.
    """
    means = {
        "null_means": MomentMeaning.RUNNING if endless else MomentMeaning.UNKNOWN,
        "future_means": MomentMeaning.RUNNING,
    }
    return _column(clock.model_copy(update=means), row.c[clock.column], context, endless=endless)


def read_event(clock: ColumnClock, row: sa.FromClause, context: EvaluationContext) -> ClockSql:
    """The moment of something that happened: without a readable one nothing can be judged, whatever runs elsewhere."""
    return read_clock(as_event(clock), row, context)


def as_event(clock: ColumnClock) -> ColumnClock:
    """The clock of something that happened: no moment and one to come are unknown."""
    return clock.model_copy(update={"null_means": MomentMeaning.UNKNOWN, "future_means": MomentMeaning.UNKNOWN})


def columns_of_row(clock: Clock) -> tuple[str, ...]:
    """The columns of the row itself that a clock reads."""
    parts = clock.latest if isinstance(clock, LatestClock) else (clock,)
    return tuple(name for part in parts for name in (part.on if isinstance(part, JoinedClock) else (part.column,)))


def needs_of(clock: Clock, table_name: str) -> Iterator[ColumnRequirement | RowRequirement]:
    """The columns a clock reads, in the row's table and in joined ones, with the types its encoding allows."""
    for part in clock.latest if isinstance(clock, LatestClock) else (clock,):
        if isinstance(part, JoinedClock):
            yield from (ColumnRequirement(table_name, own) for own in part.on)
            yield from (ColumnRequirement(part.table, other) for other in part.on.values())
            yield ColumnRequirement(part.table, part.column, TYPES[part.encoding])
            if _runs(part.absent_means):
                yield RowRequirement(part.table)
        else:
            yield ColumnRequirement(table_name, part.column, TYPES[part.encoding])


def moment_of(clock: ColumnClock, column: Column, context: EvaluationContext) -> Column:
    """The column as `timestamptz`; null where it holds no plausible number. Of a date and a year, its first instant."""
    match clock.encoding:
        case Encoding.TIMESTAMPTZ:
            return column
        case Encoding.TIMESTAMP:
            beyond: Column = sa.case(
                (column < sa.literal_column("'0001-01-02'"), sa.literal_column("'-infinity'::timestamptz")),
                (column.is_not(None), sa.literal_column("'infinity'::timestamptz")),
            )
            return sa.case((_in_calendar(column), sa.func.timezone(clock.zone, column)), else_=beyond)
        case Encoding.DATE:
            return sa.case((_in_calendar(column), first_instant(column, context.zone_name)))
        case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
            # to_timestamp raises on numbers outside the calendar, so only plausible ones reach it.
            scale = 1 if clock.encoding is Encoding.EPOCH_SECONDS else 1000
            low, high = (
                scale * int(edge.timestamp()) for edge in (context.earliest, context.as_of + timedelta(days=1))
            )
            seconds = sa.cast(column, sa.Double()) / scale if scale > 1 else column
            return sa.case((column.between(low, high), sa.func.to_timestamp(seconds)))
        case Encoding.YEAR:
            first = sa.func.make_date(sa.cast(column, sa.Integer()), 1, 1)
            return sa.case((column.between(2, 9999), first_instant(first, context.zone_name)))


def beyond(clock: ColumnClock, column: Column, context: EvaluationContext, *, endless: bool) -> Predicate:
    """What nobody can mean: a moment after the year 9999, a number more than a century after T. It is no future.

    So is NaN, which PostgreSQL sorts after every number. `endless`: what is infinite is not, for that is PostgreSQL's
    word for an end that never comes; of something that happened it is. Null as the column.
    """
    match clock.encoding:
        case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
            late = compare_with(clock, column, context, gt, context.latest.replace(microsecond=0))
            return sa.and_(late, sa.cast(column, sa.Text()) != "Infinity") if endless else late
        case Encoding.YEAR:
            return column > context.latest.year
        case Encoding.TIMESTAMPTZ:
            late = column >= sa.literal_column("'10000-01-02'")  # in every zone
        case Encoding.TIMESTAMP | Encoding.DATE:
            late = column >= sa.literal_column("'10000-01-01'")
    return sa.and_(late, column < sa.literal_column("'infinity'")) if endless else late


def lies_ahead(clock: ColumnClock, column: Column, context: EvaluationContext) -> Predicate:
    """Whether a moment lies after T, however far off, be it what nobody can mean; never null. NaN lies nowhere."""
    later = _future(clock, column, context)
    if clock.encoding in (Encoding.EPOCH_SECONDS, Encoding.EPOCH_MILLISECONDS):
        later = sa.and_(later, sa.cast(column, sa.Text()) != "NaN")
    return yes(later)


def _in_calendar(column: Column) -> Predicate:
    """Years 1 to 9999: beyond them PostgreSQL's own conversions raise, and one odd row would end the check."""
    return column.between(sa.literal_column("'0001-01-02'"), sa.literal_column("'9999-12-30'"))


def compare_with(
    clock: ColumnClock, column: Column, context: EvaluationContext, compare: Compare, edge: datetime
) -> Predicate:
    """`compare(moment of the column, edge)`, on the raw column where that is exact."""
    match clock.encoding:
        case Encoding.TIMESTAMPTZ:
            return compare(column, instant(edge))
        case Encoding.TIMESTAMP:
            zone = ZoneInfo(clock.zone or "UTC")
            local = edge.astimezone(zone)
            if _offset_is_steady(edge, zone):
                return compare(column, sa.literal(local.replace(tzinfo=None), sa.DateTime()))
            return compare(moment_of(clock, column, context), instant(edge))
        case Encoding.EPOCH_SECONDS:
            return compare(column, _epoch(edge, 1))
        case Encoding.EPOCH_MILLISECONDS:
            return compare(column, _epoch(edge, 1000))
        case Encoding.DATE | Encoding.YEAR:
            raise ValueError(f"a {clock.encoding} has no moment within a day")


def _epoch(edge: datetime, scale: int) -> Column:
    """The edge as a number; a whole one is bound as bigint, so that an index on an integer column works."""
    microseconds = (edge.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    number = Decimal(microseconds) * scale / 1_000_000
    if number == number.to_integral_value():
        return sa.literal(int(number), sa.BigInteger())
    return sa.literal(number, sa.Numeric())


def _offset_is_steady(edge: datetime, zone: ZoneInfo) -> bool:
    """Whether local times near the edge mean one instant each: no change of offset within a day of it."""
    near = (edge + timedelta(hours=hours) for hours in (-25, 0, 25))
    return len({moment.astimezone(zone).utcoffset() for moment in near}) == 1


def _single(clock: ColumnClock, row: sa.FromClause, context: EvaluationContext, number: int) -> ClockSql:
    if isinstance(clock, JoinedClock):
        return _joined(clock, row, context, number)
    return _column(clock, row.c[clock.column], context)


def _column(clock: ColumnClock, column: Column, context: EvaluationContext, *, endless: bool = True) -> ClockSql:
    """`endless`: where the future means running, an infinite one does, too."""
    null, early, future = column.is_(None), _early(clock, column, context), _future(clock, column, context)
    odd: Predicate = sa.or_(early, future)
    running: list[Predicate] = [null] if _runs(clock.null_means) else []
    if _runs(clock.future_means):
        meaningless = beyond(clock, column, context, endless=endless)
        odd, running = sa.or_(early, meaningless), [*running, sa.and_(future, sa.not_(meaningless))]
    return ClockSql(
        moment=moment_of(clock, column, context),
        missing=never() if _runs(clock.null_means) else null,
        odd=yes(odd),
        running=yes(sa.or_(*running)) if running else never(),
        until=lambda limit: yes(_until(clock, column, context, limit)),
        maybe_until=lambda limit: yes(_maybe_until(clock, column, context, limit)),
        on_day=_on_day(clock, column, context),
        from_day=_on_day(clock, column, context, of_year=(1, 1)),
        vague=clock.encoding is Encoding.YEAR,
    )


def _runs(means: MomentMeaning) -> bool:
    return means is MomentMeaning.RUNNING


def _early(clock: ColumnClock, column: Column, context: EvaluationContext) -> Predicate:
    match clock.encoding:
        case Encoding.DATE:
            return column < day(context.no_data_before)
        case Encoding.YEAR:
            return column < context.no_data_before.year
        case _:
            return compare_with(clock, column, context, lt, context.earliest)


def _future(clock: ColumnClock, column: Column, context: EvaluationContext) -> Predicate:
    match clock.encoding:
        case Encoding.DATE:
            return column > day(context.today)
        case Encoding.YEAR:
            return column > context.today.year
        case _:
            return compare_with(clock, column, context, gt, context.as_of)


def _until(clock: ColumnClock, column: Column, context: EvaluationContext, limit: date) -> Predicate:
    match clock.encoding:
        case Encoding.DATE:
            return column <= day(limit)
        case Encoding.YEAR:
            return column <= (limit.year if limit == date(limit.year, 12, 31) else limit.year - 1)
        case _:
            edge = start_of_day(limit + timedelta(days=1), context.zone)
            return compare_with(clock, column, context, lt, edge)


def _maybe_until(clock: ColumnClock, column: Column, context: EvaluationContext, limit: date) -> Predicate:
    return column <= limit.year if clock.encoding is Encoding.YEAR else _until(clock, column, context, limit)


def _on_day(
    clock: ColumnClock, column: Column, context: EvaluationContext, of_year: tuple[int, int] = (12, 31)
) -> Column:
    match clock.encoding:
        case Encoding.DATE:
            return column
        case Encoding.YEAR:
            return sa.case((column.between(1, 9999), sa.func.make_date(sa.cast(column, sa.Integer()), *of_year)))
        case Encoding.TIMESTAMPTZ:
            return sa.case((_in_calendar(column), civil_date(column, context.zone_name)))
        case _:
            return civil_date(moment_of(clock, column, context), context.zone_name)


def _joined(clock: JoinedClock, row: sa.FromClause, context: EvaluationContext, number: int) -> ClockSql:
    """The latest of the joined rows, grouped by the joined key so that no row of ours is multiplied."""
    others = context.table(clock.table, *clock.on.values(), clock.column, alias=f"clock_{number}_rows")
    own = _column(clock, others.c[clock.column], context)
    latest = (
        sa.select(
            *(others.c[other].label(f"key_{index}") for index, other in enumerate(clock.on.values())),
            sa.func.max(others.c[clock.column]).label("at"),
            sa.func.bool_or(own.running).label("running"),
            sa.func.bool_or(sa.or_(own.odd, own.missing)).label("odd"),
            sa.literal(True).label("present"),
        )
        .group_by(*(others.c[other] for other in clock.on.values()))
        .subquery(f"clock_{number}")
    )
    on = sa.and_(*(latest.c[f"key_{index}"] == row.c[own_key] for index, own_key in enumerate(clock.on)))
    read = _column(clock.model_copy(update={"null_means": MomentMeaning.UNKNOWN}), latest.c.at, context)
    absent = latest.c.present.is_(None)
    running = sa.or_(yes(latest.c.running), absent) if _runs(clock.absent_means) else yes(latest.c.running)
    return ClockSql(
        moment=read.moment,
        missing=read.missing,
        odd=sa.or_(yes(latest.c.odd), read.odd),
        running=sa.or_(running, read.running),
        until=read.until,
        maybe_until=read.maybe_until,
        on_day=read.on_day,
        from_day=read.from_day,
        vague=read.vague,
        joins=((latest, on),),
    )


def _latest(parts: list[ClockSql]) -> ClockSql:
    def every(ask: Callable[[ClockSql], Predicate]) -> Predicate:
        return sa.and_(*(sa.or_(part.missing, ask(part)) for part in parts))

    return ClockSql(
        moment=sa.func.greatest(*(part.moment for part in parts)),
        missing=sa.and_(*(part.missing for part in parts)),
        odd=sa.or_(*(part.odd for part in parts)),
        running=sa.or_(*(part.running for part in parts)),
        until=lambda limit: every(lambda part: part.until(limit)),
        maybe_until=lambda limit: every(lambda part: part.maybe_until(limit)),
        on_day=sa.func.greatest(*(part.on_day for part in parts)),
        from_day=sa.func.greatest(*(part.from_day for part in parts)),
        vague=any(part.vague for part in parts),
        joins=tuple(join for part in parts for join in part.joins),
    )
