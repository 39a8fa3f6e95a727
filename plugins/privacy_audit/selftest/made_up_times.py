"""Made-up times for self-test cases: moments, days, and how a column writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.config.map_clocks import (
    Clock,
    ColumnClock,
    Encoding,
    JoinedClock,
    LatestClock,
    Means,
)
from privacy_audit.config.map_fields import Zone
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.selftest.case import ME, Scene, Specimen
from privacy_audit.sql.evaluation_context import Frame
from privacy_audit.sql.row_predicates import State

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Beyond:
    """The first moment that nobody can mean, so that it is no future; or the last that somebody can; or infinity."""

    as_of: datetime
    last: bool = False
    infinite: bool = False
    """Which ends may say, and years cannot."""

    def written(self, clock: ColumnClock) -> str:
        """It as a column of this encoding holds it: after the year 9999, or as a number more than a century after T."""
        century = self.as_of.replace(microsecond=0) + 36_525 * DAY
        if self.infinite and clock.encoding is not Encoding.YEAR:
            return "infinity"
        match clock.encoding:
            case Encoding.TIMESTAMPTZ:  # in every zone
                return "10000-01-01 23:59:59.999999+00" if self.last else "10000-01-02 00:00:00+00"
            case Encoding.TIMESTAMP:
                return "9999-12-31 23:59:59.999999" if self.last else "10000-01-01 00:00:00"
            case Encoding.DATE:
                return "9999-12-31" if self.last else "10000-01-01"
            case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
                unit = timedelta(seconds=1) if clock.encoding is Encoding.EPOCH_SECONDS else timedelta(milliseconds=1)
                return str((century - _EPOCH) // unit + (not self.last))
            case Encoding.YEAR:
                return str(century.year + (not self.last))


Told = datetime | Beyond
"""What a column may tell."""


def written(clock: ColumnClock, moment: Told, zone: Zone) -> Any:
    """A moment as a column of this encoding holds it; `zone` is the policy's."""
    if isinstance(moment, Beyond):
        return moment.written(clock)
    match clock.encoding:
        case Encoding.TIMESTAMPTZ:
            return moment
        case Encoding.TIMESTAMP:
            return moment.astimezone(ZoneInfo(clock.zone or "UTC")).replace(tzinfo=None)
        case Encoding.DATE:
            return local_date(moment, ZoneInfo(zone))
        case Encoding.EPOCH_SECONDS:
            return (moment - _EPOCH) // timedelta(seconds=1)
        case Encoding.EPOCH_MILLISECONDS:
            return (moment - _EPOCH) // timedelta(milliseconds=1)
        case Encoding.YEAR:
            return local_date(moment, ZoneInfo(zone)).year


def tells(clock: Clock, moment: Told) -> bool:
    """Whether columns of these encodings lead back to the moment itself, as far as they tell the time of day.

    A local time that comes twice is read as the later one; seconds tell no fraction.
    """
    if isinstance(moment, Beyond):
        return True
    for part in parts_of(clock):
        match part.encoding:
            case Encoding.TIMESTAMP:
                local = moment.astimezone(ZoneInfo(part.zone or "UTC"))
                if local.replace(fold=1).astimezone(UTC) != moment:
                    return False
            case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
                unit = 1_000_000 if part.encoding is Encoding.EPOCH_SECONDS else 1000
                if moment.microsecond % unit:
                    return False
            case _:
                pass
    return True


def parts_of(clock: Clock) -> tuple[ColumnClock, ...]:
    """The clocks of which a clock is the latest; itself, if it is one."""
    return clock.latest if isinstance(clock, LatestClock) else (clock,)


def telling(clock: Clock, moment: Told | None, zone: Zone) -> Scene:
    """What makes a clock tell this moment, all of its parts alike; None: no moment at all."""
    scenes = (of_part(part, [None if moment is None else written(part, moment, zone)]) for part in parts_of(clock))
    return reduce(or_, scenes)


def of_part(part: ColumnClock, values: Sequence[Any]) -> Scene:
    """A column with the first value, or one joined row for each."""
    if not isinstance(part, JoinedClock):
        return Scene({part.column: values[0]})
    key = dict.fromkeys(part.on.values(), ME)
    return Scene(dict.fromkeys(part.on, ME), {part.table: [{**key, part.column: value} for value in values]})


# Moments


def quiet(frame: Frame, *clocks: Clock) -> datetime:
    """Noon of a recent day round which no clock was put forward or back: there every encoding tells the same."""
    zones = {part.zone for clock in clocks for part in parts_of(clock) if part.zone}
    return noon(_quiet_day(frame.today, frozenset({frame.zone_name, *zones})), frame)


@lru_cache(maxsize=64)
def _quiet_day(today: date, zones: frozenset[str]) -> date:
    """The latest day, ten days before today or earlier, with no change of offset within nine days of it."""
    day = today - 10 * DAY
    while any(_is_changed(day, ZoneInfo(zone)) for zone in zones):
        day -= DAY
    return day


def _is_changed(day: date, zone: ZoneInfo) -> bool:
    noons = (datetime.combine(day + n * DAY, time(12), UTC) for n in range(-9, 10))
    return len({at.astimezone(zone).utcoffset() for at in noons}) > 1


def noon(civil: date, frame: Frame) -> datetime:
    """Noon of a civil day in the policy's zone."""
    return datetime(civil.year, civil.month, civil.day, 12, tzinfo=frame.zone).astimezone(UTC)


def first_of(civil: date, frame: Frame) -> datetime:
    """The first instant of a civil day."""
    return start_of_day(civil, frame.zone)


def last_of(civil: date, frame: Frame) -> datetime:
    """The last instant of a civil day that PostgreSQL can tell."""
    return first_of(civil + DAY, frame) - MOMENT


def until(clock: Clock, moment: datetime, limit: date, frame: Frame) -> bool | None:
    """Whether a clock all of whose parts tell a moment has reached a day at the latest; None: a year does not say."""
    day = local_date(moment, frame.zone)
    years = [part.encoding is Encoding.YEAR for part in parts_of(clock)]
    if all((date(day.year, 12, 31) if year else day) <= limit for year in years):
        return True
    return None if all((date(day.year, 1, 1) if year else day) <= limit for year in years) else False


def next_after(clock: Clock, frame: Frame) -> datetime:
    """The next moment after T that a clock tells, about: of days, tomorrow."""
    by_day = any(not part.is_instant for part in parts_of(clock))
    return first_of(frame.today + DAY, frame) if by_day else frame.as_of + timedelta(seconds=1)


def lately(clock: Clock, frame: Frame) -> datetime:
    """The last moment up to T that the clock tells: not in an hour that comes twice."""
    moment = frame.as_of.replace(microsecond=0)
    while not tells(clock, moment):
        moment -= timedelta(minutes=30)
    return moment


def too_early(frame: Frame) -> datetime:
    """Just before the company's first day: no fact."""
    return frame.earliest - timedelta(seconds=1)


def around(clock: Clock, limit: date, frame: Frame) -> Iterator[tuple[str, datetime]]:
    """Facts on both sides of the end of the last day that is past a period, with their names."""
    moments = [
        ("at the end of the last day past its period", last_of(limit, frame)),
        ("past its period", noon(limit, frame)),
        ("at the beginning of the first day within its period", first_of(limit + DAY, frame)),
        ("on the first day within its period", noon(limit + DAY, frame)),
        ("of the year before", noon(date(limit.year - 1, 7, 1), frame)),
        ("of the year after", noon(date(limit.year + 1, 7, 1), frame)),
        ("of the day before yesterday", noon(frame.today - 2 * DAY, frame)),
        ("of this moment", frame.as_of),
    ]
    for name, moment in moments:
        if moment <= frame.as_of and (tells(clock, moment) or moment == noon(local_date(moment, frame.zone), frame)):
            yield name, moment


def no_fact(clock: Clock, frame: Frame, ancient: State | None, now: State | None = None) -> Iterator[Specimen]:
    """Rows whose clock tells nothing, or what can be no fact; and one of the company's first day, if it is `ancient`,
    and one of this moment, if it is `now`."""
    zone, parts, first_day = frame.zone_name, parts_of(clock), frame.no_data_before
    running = any(part.null_means is Means.RUNNING for part in parts)
    yield Specimen("without a moment", running_state(running), telling(clock, None, zone))
    if isinstance(clock, JoinedClock):
        absent = running_state(clock.absent_means is Means.RUNNING)
        yield Specimen("without a row to tell its moment", absent, Scene(dict.fromkeys(clock.on, ME)))
    future = running_state(any(part.future_means is Means.RUNNING for part in parts))
    yield Specimen("of what nobody can mean", State.UNDECIDABLE, telling(clock, Beyond(frame.as_of), zone))
    last = telling(clock, Beyond(frame.as_of, last=True), zone)
    yield Specimen("of the last moment that somebody can mean", future, last)
    if all(part.encoding is not Encoding.YEAR for part in parts):
        infinite = telling(clock, Beyond(frame.as_of, infinite=True), zone)
        yield Specimen("of a moment that never comes", future, infinite)
    yield Specimen("of a year to come", future, telling(clock, frame.as_of + 366 * DAY, zone))
    long_before = noon(date(first_day.year - 1, 7, 1), frame)
    yield Specimen("from before the company's first year", State.UNDECIDABLE, telling(clock, long_before, zone))
    if all(part.encoding is not Encoding.YEAR for part in parts):
        yield Specimen("of the moment after this", future, telling(clock, next_after(clock, frame), zone))
        if tells(clock, too_early(frame)):
            early = telling(clock, too_early(frame), zone)
            yield Specimen("from just before the company's first day", State.UNDECIDABLE, early)
    if now is not None and tells(clock, frame.as_of):
        yield Specimen("of this very moment", now, telling(clock, frame.as_of, zone))
    if ancient is not None and (all(part.encoding is Encoding.YEAR for part in parts) or tells(clock, frame.earliest)):
        yield Specimen("of the company's first moment", ancient, telling(clock, frame.earliest, zone))


def running_state(runs: bool) -> State:
    return State.COMPLIANT if runs else State.UNDECIDABLE
