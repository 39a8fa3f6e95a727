"""What a stored moment is, in plain Python: read by its encoding, judged by T, placed in the calendar.

Written from the words of the policy and of the controls, without a look at the SQL, so that two minds must agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.config.map_clocks import Clock, ColumnClock, Encoding, JoinedClock, LatestClock, MomentMeaning

Row = dict[str, Any]
Tables = dict[str, list[Row]]

DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Far(Enum):
    """Moments that PostgreSQL stores and Python cannot hold."""

    MINUS_INFINITY = "-infinity"
    FIRST_TIMESTAMP = "4713-01-01 BC"
    BEFORE_CHRIST = "0044-03-15 BC"
    YEAR_ONE = "0001-01-01"
    YEAR_9999 = "9999-12-31"
    YEAR_20000 = "20000-01-01"
    LAST_TIMESTAMP = "294276-12-31"
    LAST_DATE = "5874897-12-31"
    INFINITY = "infinity"

    @property
    def is_past(self) -> bool:
        """Whether it lies before everything, otherwise after everything."""
        return self in (Far.MINUS_INFINITY, Far.FIRST_TIMESTAMP, Far.BEFORE_CHRIST, Far.YEAR_ONE)

    @property
    def is_meaningless(self) -> bool:
        """Whether it lies after the year 9999, where nobody keeps a date on purpose."""
        return self in (Far.YEAR_20000, Far.LAST_TIMESTAMP, Far.LAST_DATE)


class Place(Enum):
    """Where a moment lies."""

    PAST = "before the company's first day"
    FINE = "a moment at which the company was there, not after T"
    FUTURE = "after T"
    NOWHERE = "not a number, or one that nobody can mean"


class Kind(Enum):
    """What a clock says."""

    RUNNING = "the period has not begun"
    MISSING = "nothing"
    ODD = "a moment that cannot be a fact"
    FINE = "a moment"


@dataclass(frozen=True)
class Reading:
    """What a clock says of a row; days and instant only when fine."""

    kind: Kind
    shown: datetime | None = None
    """The instant a report shows: a day and a year show their start."""
    first: date = date.min
    """The earliest civil day it may be."""
    last: date = date.min
    """The latest: another one only when a year is all that is known."""


@dataclass(frozen=True)
class Calendar:
    """T in the policy's zone."""

    as_of: datetime
    zone: ZoneInfo
    no_data_before: date

    @cached_property
    def today(self) -> date:
        """The civil date of T."""
        return self.day(self.as_of)

    @cached_property
    def earliest(self) -> datetime:
        """The first instant of the company's first day."""
        return self.start(self.no_data_before)

    @property
    def century_later(self) -> datetime:
        """The last moment that a number can mean: a hundred years of 365.25 days after T, in whole seconds."""
        return self.as_of.replace(microsecond=0) + 36_525 * DAY

    def day(self, instant: datetime) -> date:
        """The civil date of an instant."""
        return instant.astimezone(self.zone).date()

    def start(self, day: date) -> datetime:
        """The first instant of a civil day."""
        return _start(day, self.zone)


@lru_cache(maxsize=20_000)
def _start(day: date, zone: ZoneInfo) -> datetime:
    """Found by looking at each quarter of an hour around it."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while instant.astimezone(zone).date() < day:
        instant += timedelta(minutes=15)
    return instant


def month_later(day: date, months: int) -> date:
    """The same day number so many months on, or that month's last day; the end of the calendar when beyond it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
        return following - DAY


def day_later(day: date, days: int) -> date:
    """So many days on; the end of the calendar when beyond it."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def naive_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as PostgreSQL reads it: one that came twice is the later, one that never was is moved on."""
    summer, winter = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    skipped = summer.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local
    return (summer if skipped else winter).astimezone(UTC)


def micros_of(value: Any, clock: ColumnClock) -> int:
    """An instant as whole microseconds since 1970, the finest that PostgreSQL tells; a number must be finite."""
    if clock.encoding is Encoding.TIMESTAMPTZ:
        return (value - _EPOCH) // _MICROSECOND
    if clock.encoding is Encoding.TIMESTAMP:
        return (naive_instant(value, ZoneInfo(str(clock.zone))) - _EPOCH) // _MICROSECOND
    return round(Fraction(value) * (10**6 if clock.encoding is Encoding.EPOCH_SECONDS else 10**3))


def instant_of(value: Any, clock: ColumnClock) -> datetime:
    """The instant that a fine value of an instant encoding means."""
    return _EPOCH + micros_of(value, clock) * _MICROSECOND


_NUMBERS = (Encoding.EPOCH_SECONDS, Encoding.EPOCH_MILLISECONDS)


def place(value: Any, clock: ColumnClock, calendar: Calendar, *, end: bool = False) -> Place:
    """Where a value that is there lies, whatever the map says of null and future. An end may lie at infinity."""
    if isinstance(value, Far):
        if value.is_meaningless or (value is Far.INFINITY and not end):
            return Place.NOWHERE
        return Place.PAST if value.is_past else Place.FUTURE
    if clock.encoding is Encoding.DATE:
        low, high = calendar.no_data_before, calendar.today
    elif clock.encoding is Encoding.YEAR:
        low, high = calendar.no_data_before.year, calendar.today.year
    else:
        number = value if not isinstance(value, datetime) else 0
        if math.isnan(number):
            return Place.NOWHERE
        if math.isinf(number):
            return Place.PAST if number < 0 else Place.FUTURE if end else Place.NOWHERE
        low, high = ((at - _EPOCH) // _MICROSECOND for at in (calendar.earliest, calendar.as_of))
        value = micros_of(value, clock)
        if clock.encoding in _NUMBERS and value > (calendar.century_later - _EPOCH) // _MICROSECOND:
            return Place.NOWHERE
    if clock.encoding is Encoding.YEAR and value > calendar.century_later.year:
        return Place.NOWHERE
    if value > high:  # first: before the company's first day both may be so, and what is to come has not been
        return Place.FUTURE
    return Place.PAST if value < low else Place.FINE


def read_value(value: Any, clock: ColumnClock, calendar: Calendar) -> Reading:
    """What one column of one row says."""
    if value is None:
        return Reading(Kind.RUNNING if clock.null_means is MomentMeaning.RUNNING else Kind.MISSING)
    where = place(value, clock, calendar, end=clock.future_means is MomentMeaning.RUNNING)
    if where is Place.FUTURE and clock.future_means is MomentMeaning.RUNNING:
        return Reading(Kind.RUNNING)
    if where is not Place.FINE:
        return Reading(Kind.ODD)
    if clock.encoding is Encoding.YEAR:
        first, last = date(value, 1, 1), date(value, 12, 31)
        return Reading(Kind.FINE, calendar.start(first), first, last)
    if clock.encoding is Encoding.DATE:
        return Reading(Kind.FINE, calendar.start(value), value, value)
    instant = instant_of(value, clock)
    day = calendar.day(instant)
    return Reading(Kind.FINE, instant, day, day)


def read(clock: Clock, row: Row, tables: Tables, calendar: Calendar) -> Reading:
    """What a clock of any shape says of a row."""
    if isinstance(clock, LatestClock):
        parts = [read(part, row, tables, calendar) for part in clock.latest]
        present = [part for part in parts if part.kind is not Kind.MISSING]
        return _latest(present) if present else Reading(Kind.MISSING)
    if not isinstance(clock, JoinedClock):
        return read_value(row.get(clock.column), clock, calendar)
    joined = [
        read_value(other.get(clock.column), clock, calendar)
        for other in tables[clock.table]
        if joins(row, other, clock.on)
    ]
    if not joined:
        return Reading(Kind.RUNNING if clock.absent_means is MomentMeaning.RUNNING else Kind.MISSING)
    return _latest(joined)


def joins(row: Row, other: Row, on: dict[str, str]) -> bool:
    """Whether all pairs of columns are equal; null equals nothing."""
    return all(row.get(own) is not None and row.get(own) == other.get(theirs) for own, theirs in on.items())


def _latest(parts: Sequence[Reading]) -> Reading:
    """The latest of readings. A running one wins; one that cannot be read leaves all open."""
    kinds = {part.kind for part in parts}
    if Kind.RUNNING in kinds:
        return Reading(Kind.RUNNING)
    if kinds != {Kind.FINE}:
        return Reading(Kind.ODD)
    shown = max(part.shown for part in parts if part.shown)
    return Reading(Kind.FINE, shown, max(part.first for part in parts), max(part.last for part in parts))
