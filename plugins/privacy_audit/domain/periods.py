"""Calendar periods, computed exactly: civil dates in the policy's zone, whole months clamped to the month's end.

`add(31 August, P1M)` is 30 September (Regulation 1182/71, art. 3(2)(c)). A row may exist on its expiry date and is
in breach from the day after. Comparing backwards (`anchor < T - P2M`) is wrong at month ends: 29 February + 2 months
is 29 April, but 30 April - 2 months is 29 February, so the row that expired is missed. `cutoff` therefore finds the
last anchor date whose expiry lies before T: exact, and a constant that an index can use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

_ISO = re.compile(r"P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<days>\d{1,5})D)?")
_LONGEST_MONTHS = 1200


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period: whole months (a year is 12), or whole days; never both, for then the order would matter."""

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """`P2M`, `P1Y`, `P1Y6M`, `P30D`. ValueError says what is wrong, for the person who wrote it."""
        match = _ISO.fullmatch(text)
        if not match or not any(match.groups()):
            raise ValueError(f'"{text}" is not a period. Write months or years or days as in P2M, P1Y6M or P30D.')
        years, months, days = (int(match[name] or 0) for name in ("years", "months", "days"))
        months += 12 * years
        if months and days:
            raise ValueError(f'"{text}" mixes months and days. Use one: a month has no fixed number of days.')
        if months + days == 0 or months > _LONGEST_MONTHS or days > 31 * _LONGEST_MONTHS:
            raise ValueError(f'"{text}" is out of range. A period is longer than nothing and at most 100 years.')
        return cls(months, days)

    def __str__(self) -> str:
        if self.days:
            return f"P{self.days}D"
        years, months = divmod(self.months, 12)
        return "P" + (f"{years}Y" if years else "") + (f"{months}M" if months else "")

    @property
    def words(self) -> str:
        """`2 months`, `1 year`, `1 year and 6 months`, `30 days`."""
        years, months = divmod(self.months, 12)
        parts = [
            f"{count} {unit}" + ("s" if count > 1 else "")
            for count, unit in ((years, "year"), (months, "month"), (self.days, "day"))
            if count
        ]
        return " and ".join(parts)

    def add_to(self, day: date) -> date:
        """The expiry date of a period that runs from `day`. OverflowError past the year 9999."""
        try:
            return day + relativedelta(months=self.months, days=self.days)
        except ValueError as error:
            raise OverflowError(f"{day} + {self} lies beyond the calendar") from error

    def cutoff(self, today: date) -> date:
        """The last date d with `add_to(d) < today`: rows anchored on it or before are past their period."""
        day = today - relativedelta(months=self.months, days=self.days) + timedelta(days=4)
        while self.add_to(day) >= today:
            day -= timedelta(days=1)
        return day


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The civil date of an instant in a zone."""
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a civil day in a zone, in UTC. Where midnight does not exist (a DST gap), the gap's end."""
    midnight = datetime.combine(day, time(), zone)
    return midnight.astimezone(UTC)


def birthday(born: date, age: int) -> date:
    """The civil day on which a person reaches an age. Born on 29 February: 1 March in common years (protective)."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)
