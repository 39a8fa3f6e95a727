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
    MomentMeaning,
)
from privacy_audit.config.map_fields import Zone
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.selftest.case import OWN, Fixture, SelfTestCase
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.row_predicates import RowState

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """The first moment that nobody can mean, so that it is no future; or the last that somebody can; or infinity."""

    as_of: datetime
    last: bool = False
    infinite: bool = False
    """Which ends may say, and years cannot."""

    def encode(self, clock: ColumnClock) -> str:
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


ClockValue = datetime | OutOfRange
"""What a column may tell."""


def encode(clock: ColumnClock, moment: ClockValue, zone: Zone) -> Any:
    """A moment as a column of this encoding holds it; `zone` is the policy's."""
    if isinstance(moment, OutOfRange):
        return moment.encode(clock)
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


def is_exact(clock: Clock, moment: ClockValue) -> bool:
    """Whether columns of these encodings lead back to the moment itself, as far as they tell the time of day.

    A local time that comes twice is read as the later one; seconds tell no fraction.
    """
    if isinstance(moment, OutOfRange):
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


def row_with_time(clock: Clock, moment: ClockValue | None, zone: Zone) -> Fixture:
    """What makes a clock tell this moment, all of its parts alike; None: no moment at all."""
    fixtures = (of_part(part, [None if moment is None else encode(part, moment, zone)]) for part in parts_of(clock))
    return reduce(or_, fixtures)


def of_part(part: ColumnClock, values: Sequence[Any]) -> Fixture:
    """A column with the first value, or one joined row for each."""
    if not isinstance(part, JoinedClock):
        return Fixture({part.column: values[0]})
    key = dict.fromkeys(part.on.values(), OWN)
    return Fixture(dict.fromkeys(part.on, OWN), {part.table: [{**key, part.column: value} for value in values]})


# Moments


def dst_free_noon(context: EvaluationContext, *clocks: Clock) -> datetime:
    """Noon of a recent day round which no clock was put forward or back: there every encoding tells the same."""
    zones = {part.zone for clock in clocks for part in parts_of(clock) if part.zone}
    return noon(_quiet_day(context.today, frozenset({context.zone_name, *zones})), context)


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


def noon(civil: date, context: EvaluationContext) -> datetime:
    """Noon of a civil day in the policy's zone."""
    return datetime(civil.year, civil.month, civil.day, 12, tzinfo=context.zone).astimezone(UTC)


def first_of(civil: date, context: EvaluationContext) -> datetime:
    """The first instant of a civil day."""
    return start_of_day(civil, context.zone)


def last_of(civil: date, context: EvaluationContext) -> datetime:
    """The last instant of a civil day that PostgreSQL can tell."""
    return first_of(civil + DAY, context) - MOMENT


def until(clock: Clock, moment: datetime, limit: date, context: EvaluationContext) -> bool | None:
    """Whether a clock all of whose parts tell a moment has reached a day at the latest; None: a year does not say."""
    day = local_date(moment, context.zone)
    years = [part.encoding is Encoding.YEAR for part in parts_of(clock)]
    if all((date(day.year, 12, 31) if year else day) <= limit for year in years):
        return True
    return None if all((date(day.year, 1, 1) if year else day) <= limit for year in years) else False


def next_after(clock: Clock, context: EvaluationContext) -> datetime:
    """The next moment after T that a clock tells, about: of days, tomorrow."""
    by_day = any(not part.is_instant for part in parts_of(clock))
    return first_of(context.today + DAY, context) if by_day else context.as_of + timedelta(seconds=1)


def recent(clock: Clock, context: EvaluationContext) -> datetime:
    """The last moment up to T that the clock tells: not in an hour that comes twice."""
    moment = context.as_of.replace(microsecond=0)
    while not is_exact(clock, moment):
        moment -= timedelta(minutes=30)
    return moment


def too_early(context: EvaluationContext) -> datetime:
    """Just before the company's first day: no fact."""
    return context.earliest - timedelta(seconds=1)


def around(clock: Clock, limit: date, context: EvaluationContext) -> Iterator[tuple[str, datetime]]:
    """Facts on both sides of the end of the last day that is past a period, with their names."""
    moments = [
        ("at the end of the last day past its period", last_of(limit, context)),
        ("past its period", noon(limit, context)),
        ("at the beginning of the first day within its period", first_of(limit + DAY, context)),
        ("on the first day within its period", noon(limit + DAY, context)),
        ("of the year before", noon(date(limit.year - 1, 7, 1), context)),
        ("of the year after", noon(date(limit.year + 1, 7, 1), context)),
        ("of the day before yesterday", noon(context.today - 2 * DAY, context)),
        ("of this moment", context.as_of),
    ]
    for name, moment in moments:
        if moment <= context.as_of and (
            is_exact(clock, moment) or moment == noon(local_date(moment, context.zone), context)
        ):
            yield name, moment


def implausible_cases(
    clock: Clock, context: EvaluationContext, ancient: RowState | None, now: RowState | None = None
) -> Iterator[SelfTestCase]:
    """Rows whose clock tells nothing, or what can be no fact; and one of the company's first day, if it is `ancient`,
    and one of this moment, if it is `now`."""
    zone, parts, first_day = context.zone_name, parts_of(clock), context.no_data_before
    running = any(part.null_means is MomentMeaning.RUNNING for part in parts)
    yield SelfTestCase("without a moment", running_state(running), row_with_time(clock, None, zone))
    if isinstance(clock, JoinedClock):
        absent = running_state(clock.absent_means is MomentMeaning.RUNNING)
        yield SelfTestCase("without a row to tell its moment", absent, Fixture(dict.fromkeys(clock.on, OWN)))
    future = running_state(any(part.future_means is MomentMeaning.RUNNING for part in parts))
    yield SelfTestCase(
        "of what nobody can mean", RowState.UNDECIDABLE, row_with_time(clock, OutOfRange(context.as_of), zone)
    )
    last = row_with_time(clock, OutOfRange(context.as_of, last=True), zone)
    yield SelfTestCase("of the last moment that somebody can mean", future, last)
    if all(part.encoding is not Encoding.YEAR for part in parts):
        infinite = row_with_time(clock, OutOfRange(context.as_of, infinite=True), zone)
        yield SelfTestCase("of a moment that never comes", future, infinite)
    yield SelfTestCase("of a year to come", future, row_with_time(clock, context.as_of + 366 * DAY, zone))
    long_before = noon(date(first_day.year - 1, 7, 1), context)
    yield SelfTestCase(
        "from before the company's first year", RowState.UNDECIDABLE, row_with_time(clock, long_before, zone)
    )
    if all(part.encoding is not Encoding.YEAR for part in parts):
        yield SelfTestCase("of the moment after this", future, row_with_time(clock, next_after(clock, context), zone))
        if is_exact(clock, too_early(context)):
            early = row_with_time(clock, too_early(context), zone)
            yield SelfTestCase("from just before the company's first day", RowState.UNDECIDABLE, early)
    if now is not None and is_exact(clock, context.as_of):
        yield SelfTestCase("of this very moment", now, row_with_time(clock, context.as_of, zone))
    if ancient is not None and (
        all(part.encoding is Encoding.YEAR for part in parts) or is_exact(clock, context.earliest)
    ):
        yield SelfTestCase("of the company's first moment", ancient, row_with_time(clock, context.earliest, zone))


def running_state(runs: bool) -> RowState:
    return RowState.COMPLIANT if runs else RowState.UNDECIDABLE
