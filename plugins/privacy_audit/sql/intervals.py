"""Rows of a register as intervals per key: while a notice, an objection, a contract was in force.

An interval is `[lo, hi)` and certain where the row can be read. Where a part of it cannot, the interval is only
possible, and as long as it might be: a row that began at an unknown moment might have begun at any, one that ends
before it begins might have held at any time, one of which nobody can tell whether it is meant might not have been
there. So a row that cannot be read leaves undecidable what it might change, and nothing else.

The intervals of a key are merged, so that a moment meets at most one, and one hash join judges every event. A moment
after T is no fact yet: what begins then holds nowhere, and what ends then holds until further notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import le, lt
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.sql.consent_intervals import FOREVER, Column, merged
from privacy_audit.sql.evaluation_context import Predicate, civil_date, first_instant, no, yes
from privacy_audit.sql.register_rows import Answer, Only, RegisterSql

ALWAYS: Column = sa.literal_column("'-infinity'::timestamptz")
_INSTANT: Column = sa.literal_column("interval '1 microsecond'")
"""The least time that PostgreSQL tells: after a moment means from one such later on."""


@dataclass(frozen=True)
class IntervalSpec:
    """Which rows of a register count, whose they are, and from when until when each holds."""

    key: Column
    """As text; null where the row does not say whose it is."""
    only: Only
    from_: str | None = None
    """Field with the moment from which it holds; without one it always held."""
    to: str | None = None
    """Field with the moment, or the last day, until which it holds; without one, until further notice."""
    strict: bool = False
    """Whether it holds only after the moment at which it began; of a day, from the next day on for certain."""


@dataclass(frozen=True)
class IntervalLookup:
    """Intervals held against the moments of other rows."""

    answer: Answer
    """Whether an interval of the key was there at the moment; asked only where both are known."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...]
    """Relations joined from the left; none of them multiplies rows."""


@dataclass(frozen=True)
class IntervalSet:
    """The intervals of a register."""

    rows: sa.CTE
    certain: sa.FromClause
    """`subject, lo, hi` (`timestamptz`), disjoint per subject."""
    possible: sa.FromClause
    """The same, with all that might have been, the certain ones too."""

    def meet(self, key: Column, moment: Column, *, nameless: bool) -> IntervalLookup:
        """Whether the key had an interval at the moment. `nameless`: a row that names nobody might mean everyone.

        Of those rows it only counts from when to when there might have been one.
        """
        certain, possible = self.certain, self.possible
        perhaps: Predicate = possible.c.subject.is_not(None)
        if nameless:
            low, high = (
                sa.select(edge).where(self.rows.c.key.is_(None)).scalar_subquery()
                for edge in (sa.func.min(self.rows.c.possibly_from), sa.func.max(self.rows.c.until))
            )
            perhaps = sa.or_(perhaps, yes(sa.and_(low <= moment, moment < high)))
        return IntervalLookup(
            answer=sa.case((certain.c.subject.is_not(None), sa.true()), (perhaps, sa.null()), else_=sa.false()),
            joins=tuple((each, _meets(each, key, moment)) for each in (certain, possible)),
        )


def interval_set(register: RegisterSql, span: IntervalSpec, *, by_day: bool) -> IntervalSet:
    """The intervals of a register. `by_day`: they are met by days, told by their first instants.

    Then an interval that certainly holds on a day holds on all of it, and one that possibly does on a part of it.
    """
    rows, zone = _read(register, span, by_day=by_day), register.context.zone_name
    named, subject = rows.c.key.is_not(None), rows.c.key.label("subject")
    certain = sa.select(subject, rows.c.certainly_from.label("lo"), rows.c.until.label("hi")).where(
        named, rows.c.certain, rows.c.certainly_from < rows.c.until
    )
    possible = sa.select(subject, rows.c.possibly_from.label("lo"), rows.c.until.label("hi")).where(named)
    whole = merged(certain.subquery("certain_row"), strict=False)
    ends: Column = _day_of(whole.c.hi, zone) if by_day else whole.c.hi
    return IntervalSet(
        rows=rows,
        certain=sa.select(whole.c.subject, whole.c.lo, ends.label("hi")).subquery("certain"),
        possible=sa.select(merged(possible.subquery("possible_row"), strict=False)).subquery("possible"),
    )


def _meets(interval: sa.FromClause, key: Column, moment: Column) -> Predicate:
    return sa.and_(interval.c.subject == key, interval.c.lo <= moment, moment < interval.c.hi)


def _day_of(moment: Column, zone: str) -> Column:
    """The first instant of its civil day."""
    return first_instant(civil_date(moment, zone), zone)


def _read(register: RegisterSql, span: IntervalSpec, *, by_day: bool) -> sa.CTE:
    """One row per row that may have held: `key, certainly_from, possibly_from, until`, and whether it is `certain`."""
    meant = register.meant(span.only)
    begin, end = _begin(register, span), _end(register, span)
    backwards: Predicate = sa.and_(
        sa.not_(begin.unreadable), sa.not_(end.open), end.is_before(end.moment, begin.moment)
    )
    anywhen = sa.or_(begin.unreadable, backwards)
    read = (
        sa.select(
            span.key.label("key"),
            sa.case((anywhen, ALWAYS), else_=begin.certainly).label("certainly_from"),
            sa.case((anywhen, ALWAYS), else_=begin.possibly).label("possibly_from"),
            sa.case((sa.or_(end.open, backwards), FOREVER), else_=end.moment).label("until"),
            sa.and_(yes(meant), sa.not_(anywhen), sa.not_(end.unreadable)).label("certain"),
        )
        .where(sa.not_(no(meant)), sa.not_(begin.later))
        .subquery("read_row")
    )
    possibly = _day_of(read.c.possibly_from, register.context.zone_name) if by_day else read.c.possibly_from
    return (
        sa.select(read.c.key, read.c.certainly_from, possibly.label("possibly_from"), read.c.until, read.c.certain)
        .where(read.c.possibly_from < read.c.until)
        .cte("stretch")
    )


@dataclass(frozen=True)
class _Begin:
    """Predicates are never null; moments are asked only of what can be read."""

    moment: Column
    certainly: Column
    possibly: Column
    unreadable: Predicate
    later: Predicate
    """Only after T."""


def _begin(register: RegisterSql, span: IntervalSpec) -> _Begin:
    if span.from_ is None:
        return _Begin(ALWAYS, ALWAYS, ALWAYS, sa.false(), sa.false())
    clock = register.begin(span.from_)
    certainly = possibly = clock.moment
    if span.strict:
        certainly = possibly = clock.moment + _INSTANT
        if _is_day(register, span.from_):
            certainly = _next_day(register, span.from_)
    return _Begin(clock.moment, certainly, possibly, sa.or_(clock.missing, clock.odd), clock.running)


@dataclass(frozen=True)
class _End:
    """Predicates are never null; the moment is asked only of an end that is not open."""

    moment: Column
    """The first at which the row no longer holds."""
    open: Predicate
    """After T, not told, or not to be read."""
    unreadable: Predicate
    is_before: Any
    """Whether an end contradicts a begin: `lt`, or, where it is a last day, `le`."""


def _end(register: RegisterSql, span: IntervalSpec) -> _End:
    if span.to is None:
        return _End(FOREVER, sa.true(), sa.false(), lt)
    clock = register.end(span.to)
    by_day = _is_day(register, span.to)
    moment = _next_day(register, span.to) if by_day else clock.moment
    return _End(moment, sa.or_(clock.running, clock.odd), clock.odd, le if by_day else lt)


def _is_day(register: RegisterSql, field: str) -> bool:
    return register.records.fields[field].encoding is Encoding.DATE


def _next_day(register: RegisterSql, field: str) -> Column:
    """The first instant after a day; asked only of days up to T, for the last of the calendar has no next one."""
    return first_instant(register.value(field) + 1, register.context.zone_name)
