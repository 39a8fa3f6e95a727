"""From the nights of a check to its trend: do rows in breach go, and do they go as fast as they fall due?

The counts are all that is known. A count that falls may be a purge, a correction by hand or a longer period in the
policy; rows that came under a legal hold or can no longer be decided left the count, but did not go. A night on which
nobody could look is unknown, never zero: rates are means per civil day, so a gap makes none of them smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.disclosure import SMALL_COUNT
from privacy_audit.findings.finding_state import CheckCount

IDLE_NIGHTS = 3
"""After so many nights that looked and found none gone, rows are said not to go."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_MOST_NIGHTS = 3652
"""Ten years: beyond, a day on which a backlog is empty is no forecast."""


class TrendDirection(StrEnum):
    """Whether rows in breach go, and as fast as they fall due."""

    KEPT_UP = "kept_up"
    """Tonight no row is in breach, and none is undecided."""
    SHRINKING = "shrinking"
    """Rows go, and more go than fall due."""
    BEHIND = "behind"
    """Rows go, but as many fall due as go, or more."""
    IDLE = "idle"
    """Rows are in breach, and on at least IDLE_NIGHTS nights that looked the count did not fall and the oldest breach
    stayed: the purge does not run, or it runs and deletes nothing, or too little to be seen."""
    UNKNOWN = "unknown"
    """Nobody could look tonight, rows in scope are undecided or there are none, or too few nights have looked."""


@dataclass(frozen=True, slots=True)
class NightCounts:
    """One civil day of the policy's zone."""

    day: date
    rows: int | None
    """Rows in breach; None when nobody looked."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The counts of one check over the nights, and what they show."""

    nights: tuple[NightCounts, ...]
    """Every civil day from the first on file to tonight, those on which nobody looked included."""
    verdict: TrendDirection
    last_worked: date | None = None
    """Last civil day on which rows in breach went, as the night that looked after it; None when on none on file."""
    since: date | None = None
    """The last night with a lower count or a later oldest breach than the one before, or with no row in breach; else
    the first that looked. From here on rows only fell due. None when nobody ever looked."""
    quiet: int = 0
    """Nights that looked since then, on which rows were there to go and none had gone."""
    per_night: float | None = None
    """Rows that fall due each civil day, a mean from `since` to the last night that looked; None when they are one.
    Rows that went unseen, because more fell due the same day, are not in it."""
    week_from: date | None = None
    """What rows in breach tonight are measured against: of the last 7 days, the last night with none, else the first
    that looked. None without such a night, or when nobody could look tonight."""
    falling_per_night: float | None = None
    """Rows by which a shrinking backlog falls each civil day, as a mean since `week_from`; else None."""
    empty_by: date | None = None
    """Civil day on which the backlog is empty at that rate; None beyond ten years, or when it does not shrink."""

    @property
    def backlog(self) -> int | None:
        """Rows in breach tonight; None when nobody could look."""
        return self.nights[-1].rows if self.nights else None

    @property
    def change(self) -> int | None:
        """Rows more, or fewer when negative, than on the previous night that looked; None when one is unknown."""
        before = next((night.rows for night in reversed(self.nights[:-1]) if night.rows is not None), None)
        return _difference(self.backlog, before)

    @property
    def change_in_a_week(self) -> int | None:
        """The same against the night 7 days ago; None when nobody looked on it."""
        return _difference(self.backlog, self.rows_on(self.nights[-1].day - _WEEK)) if self.nights else None

    @property
    def small(self) -> bool:
        """Whether the rows last seen in breach are so few that dates are told by month only."""
        return 0 < next((night.rows for night in reversed(self.nights) if night.rows), 0) < SMALL_COUNT

    def rows_on(self, day: date | None) -> int | None:
        """Rows in breach on a civil day; None when nobody looked."""
        return next((night.rows for night in self.nights if night.day == day), None)


def nights(points: Sequence[CheckCount], zone: ZoneInfo, until: date) -> tuple[NightCounts, ...]:
    """Every civil day from the first point's to `until`: a true axis of time."""
    counted = _by_day(points, zone)
    days = (until - min(counted)).days + 1 if counted else 0
    rows = {day: point.violating for day, point in counted.items()}
    return tuple(NightCounts(day, rows.get(day)) for day in (until - _DAY * ago for ago in reversed(range(days))))


def trend(points: Sequence[CheckCount], zone: ZoneInfo, today: date) -> Trend:
    """What the points show, the oldest first. `today` is the civil day of tonight's audit.

    The points are as they were filed, not as `disclosure` coarsens them: a date that is coarse on one night and exact
    on the next would look like rows that went. Of few rows the sentences tell dates by month.
    """
    shown = nights(points, zone, today)
    looks = [_look(day, point) for day, point in _by_day(points, zone).items() if _counted(point) and day <= today]
    if not looks:
        return Trend(shown, TrendDirection.UNKNOWN)
    audited = looks[-1].day == today
    interval, week = _stretch(looks), _week(looks) if audited else []
    verdict = _verdict(looks) if audited else TrendDirection.UNKNOWN
    growth = _slope(week) if verdict is TrendDirection.SHRINKING else None
    return Trend(
        nights=shown,
        verdict=verdict,
        last_worked=_last_worked(looks),
        since=interval[0].day,
        quiet=_quiet(interval),
        per_night=_float(_slope(interval)),
        week_from=week[0].day if len(week) > 1 else None,
        falling_per_night=_float(growth and -growth),
        empty_by=_empty_by(looks[-1], -growth) if growth else None,
    )


def _by_day(points: Sequence[CheckCount], zone: ZoneInfo) -> dict[date, CheckCount]:
    return {local_date(point.as_of, zone): point for point in points}


def _counted(point: CheckCount) -> bool:
    return point.violating is not None


@dataclass(frozen=True, slots=True)
class _Look:
    """A night that looked."""

    day: date
    rows: int
    held: int
    undecidable: int
    oldest: date | None
    """First civil day of the oldest breach."""
    decided: bool
    """False when the check is to review: that no row is known to be in breach does not mean that none is."""


def _look(day: date, point: CheckCount) -> _Look:
    return _Look(
        day=day,
        rows=point.violating or 0,
        held=point.held or 0,
        undecidable=point.undecidable or 0,
        oldest=point.overdue_since,
        decided=point.outcome is not Outcome.REVIEW,
    )


def _rows_went(before: _Look, after: _Look) -> bool:
    """Whether rows in breach went between two nights, and did not just come under a hold or become undecidable."""
    fewer = before.rows - after.rows
    aside = after.held + after.undecidable - before.held - before.undecidable
    return fewer > max(0, aside) or (_oldest_left(before, after) and after.held <= before.held)


def _oldest_left(before: _Look, after: _Look) -> bool:
    return before.oldest is not None and after.oldest is not None and after.oldest > before.oldest


def _starts_anew(before: _Look, after: _Look) -> bool:
    """Whether more happened than that rows fell due, or nothing is left that could go."""
    return not after.rows or after.rows < before.rows or _oldest_left(before, after)


def _last_worked(looks: list[_Look]) -> date | None:
    return next((after.day for before, after in reversed([*pairwise(looks)]) if _rows_went(before, after)), None)


def _stretch(looks: list[_Look]) -> list[_Look]:
    """The nights since which rows only fell due."""
    starts = (place for place in range(len(looks) - 1, 0, -1) if _starts_anew(looks[place - 1], looks[place]))
    return looks[next(starts, 0) :]


def _quiet(interval: list[_Look]) -> int:
    return sum(1 for before in interval[:-1] if before.rows)


def _week(looks: list[_Look]) -> list[_Look]:
    """The nights of the last 7 days, from the last one on that found no row in breach: what was before is settled."""
    recent = [look for look in looks if look.day >= looks[-1].day - _WEEK]
    settled = [place for place, look in enumerate(recent) if not look.rows]
    return recent[settled[-1] if settled else 0 :]


def _slope(looks: list[_Look]) -> Fraction | None:
    """Rows more per civil day from the first to the last of the nights; None when there is only one."""
    first, last = looks[0], looks[-1]
    return Fraction(last.rows - first.rows, (last.day - first.day).days) if len(looks) > 1 else None


def _verdict(looks: list[_Look]) -> TrendDirection:
    """The verdict when the last of the nights is tonight."""
    tonight, interval, worked = looks[-1], _stretch(looks), _last_worked(looks)
    if not tonight.rows:
        return TrendDirection.KEPT_UP if tonight.decided else TrendDirection.UNKNOWN
    if _quiet(interval) >= IDLE_NIGHTS:
        return TrendDirection.IDLE
    lately = worked is not None and worked >= looks[-IDLE_NIGHTS:][0].day
    if not lately or not interval[0].rows:
        return TrendDirection.UNKNOWN
    return TrendDirection.SHRINKING if _shrinks(looks) else TrendDirection.BEHIND


def _shrinks(looks: list[_Look]) -> bool:
    """Fewer than a week ago and not growing again: the nights after a single purge are no backlog worked off."""
    before, tonight = looks[-2:]
    fewer = (_slope(_week(looks)) or 0) < 0
    return fewer and (tonight.rows <= before.rows or _rows_went(before, tonight))


def _empty_by(tonight: _Look, falling: Fraction) -> date | None:
    left = math.ceil(tonight.rows / falling)
    return tonight.day + _DAY * left if left <= _MOST_NIGHTS else None


def _float(rate: Fraction | None) -> float | None:
    return None if rate is None else float(rate)


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before
