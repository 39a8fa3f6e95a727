"""What hypothesis draws from: instants on the edges of the semantics, clocks of every encoding, values for them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import cycle, islice
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from privacy_audit.config.map_clocks import Encoding
from tests.oracle.moments import DAY, Calendar, Far, Row, Tables, day_later, month_later
from tests.oracle.tables import WRITTEN

Draw = st.DrawFn
Rule = dict[str, Any]

ZONES = (*["Europe/Paris"] * 4, "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "America/Havana")
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DST = tuple(
    datetime(*night, tzinfo=UTC)
    for night in (
        (2025, 3, 30, 1),
        (2025, 10, 26, 1),
        (2026, 3, 29, 1),
        (2024, 10, 27, 1),
        (2025, 3, 9, 7),
        (2025, 11, 2, 6),
        (2018, 2, 18, 2),
        (2017, 10, 15, 3),
        (2025, 11, 2, 5),
    )
)
"""Instants at which a clock is put forward or back."""
NIGHTS = tuple(
    datetime.fromisoformat(local)
    for local in ("2025-03-30T02:30", "2025-10-26T02:30", "2025-03-09T02:30", "2025-11-02T01:30", "2017-10-15T00:30")
)
"""Local times that never were or were twice."""
TODAYS = (
    *(date(2024, month, day) for month, day in ((2, 29), (3, 1), (4, 30))),
    *(date(2025, month, day) for month, day in ((2, 28), (3, 1), (3, 30), (3, 31), (10, 26), (11, 2), (12, 31))),
    *(date(2026, month, day) for month, day in ((1, 1), (4, 30), (5, 1), (7, 14), (11, 24))),
    *(date(2027, month, day) for month, day in ((2, 28), (3, 1))),
    date(2018, 2, 17),
)
FOUNDED = tuple(date(*day) for day in ((2001, 1, 1), (2001, 1, 1), (1970, 1, 1), (2017, 10, 15), (2018, 2, 17)))
PERIODS = ("P1M", "P2M", "P13M", "P1Y", "P5Y", "P10Y", "P1D", "P7D", "P30D", "P25M")
AGES = (0, 1, 6, 7, 8, 29, 30, 31, 89, 90, 91, 364, 365, 366)
"""Days in breach around the edges of the age buckets."""


@dataclass(frozen=True)
class Case:
    """A rule, the instant it is judged by, and the rows of every table."""

    kind: str
    rule: Rule
    as_of: datetime
    tables: Tables


@dataclass
class Scene:
    """T, the calendar, and the days that matter; values of clocks are drawn from their edges."""

    calendar: Calendar
    days: list[date] = field(default_factory=list)

    def matter(self, *periods: str) -> None:
        """Adds the anchor days around the cut-off of each period and around the edges of the age buckets."""
        today = self.calendar.today
        for text in periods:
            number, unit = int(text[1:-1]), text[-1]
            for age in AGES:
                back = -number if unit != "Y" else -12 * number
                target = today - (age + 1) * DAY
                near = day_later(target, back) if unit == "D" else month_later(target, back)
                self.days += [near + shift * DAY for shift in ((-1, 0, 1, 2) * 6 if age == 0 else (0,))]

    @cached_property
    def instants(self) -> list[datetime]:
        """Starts and ends of days that matter, T and the company's first instant with their neighbours, DST nights."""
        calendar, today = self.calendar, self.calendar.today
        month_end = today.replace(day=1) - DAY
        days = [*self.days, *(today - age * DAY for age in AGES), today + DAY, month_end, calendar.no_data_before]
        starts = [calendar.start(day) for day in days if day.year > 1960]
        exact = [*starts, calendar.as_of, calendar.as_of, calendar.earliest]
        edges = [instant + shift for instant in exact for shift in (-INSTANT, timedelta(), INSTANT)]
        middays = [start + timedelta(hours=11, minutes=7, microseconds=3) for start in starts]
        nights = [night + shift * HOUR for night in DST for shift in (-1, 0)]
        others = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC), calendar.as_of + HOUR]
        return [*edges, *middays, *nights, *others]

    def values(self, way: str, zone: str | None, instants: list[datetime] | None = None) -> list[Any]:
        """The values of a column written in a way: null, the edges, and what no moment can be."""
        edges = [self.write(instant, way, zone) for instant in instants or self.instants]
        nothing: list[Any] = [None] * (1 + len(edges) // 12)
        return [*nothing, *edges, *_hostile(way), *self._century_off(way)]

    def _century_off(self, way: str) -> list[Any]:
        """Numbers and years a century after T, and the next: the first that nobody can mean."""
        encoding, kind = WRITTEN[way]
        last = self.calendar.century_later
        if encoding is Encoding.YEAR:
            return [last.year, last.year + 1]
        if kind not in ("bigint", "numeric"):
            return []
        number = int(last.timestamp()) * (1000 if encoding is Encoding.EPOCH_MILLISECONDS else 1)
        return [number, number + 1] if kind == "bigint" else [Decimal(number), Decimal(number) + Decimal("0.001")]

    def mostly(self, value: Any, way: str, zone: str | None) -> list[Any]:
        """One value in every other draw, otherwise an edge."""
        edges = self.values(way, zone)
        return [*edges, *[value] * len(edges)]

    def mostly_fine(self, way: str, zone: str | None) -> list[Any]:
        """Edges, and in three of four draws one at which the company was there and T was not yet."""
        fine = [instant for instant in self.instants if self.calendar.earliest < instant <= self.calendar.as_of]
        edges = self.values(way, zone)
        if not fine:
            return edges
        return [*edges, *islice(cycle([self.write(instant, way, zone) for instant in fine]), 3 * len(edges))]

    def write(self, instant: datetime, way: str, zone: str | None) -> Any:
        """An instant as a column of this kind would hold it."""
        encoding, kind = WRITTEN[way]
        if encoding is Encoding.TIMESTAMPTZ:
            return instant
        if encoding is Encoding.TIMESTAMP:
            return instant.astimezone(ZoneInfo(str(zone))).replace(tzinfo=None)
        if encoding is Encoding.DATE:
            return self.calendar.day(instant)
        if encoding is Encoding.YEAR:
            return self.calendar.day(instant).year
        micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // INSTANT
        unit = 10**6 if encoding is Encoding.EPOCH_SECONDS else 1000
        if kind == "numeric":
            return Decimal(micros) / unit
        if kind == "double precision":
            return Decimal(micros / unit)
        if kind == "real":
            return Decimal(struct.unpack("f", struct.pack("f", micros / unit))[0])
        return micros // unit if kind == "bigint" else min(micros // unit, 2**31 - 1)


def _hostile(way: str) -> list[Any]:
    encoding, kind = WRITTEN[way]
    if encoding is Encoding.YEAR:
        extremes = {"smallint": [], "integer": [2**31 - 1, -(2**31)], "bigint": [2**63 - 1, -(2**63)]}
        return [0, -1, 1900, 9999, 32767, *extremes[kind]]
    if encoding is Encoding.DATE:
        return [far for far in Far if far not in (Far.FIRST_TIMESTAMP, Far.LAST_TIMESTAMP)]
    if encoding in (Encoding.TIMESTAMPTZ, Encoding.TIMESTAMP):
        return [*(far for far in Far if far is not Far.LAST_DATE), *(NIGHTS if encoding is Encoding.TIMESTAMP else ())]
    if kind == "integer":
        return [0, -1, 2**31 - 1, -(2**31)]
    if kind == "bigint":
        return [0, -1, 2**63 - 1, -(2**63), 1_735_689_600_000]
    return [
        Decimal(text) for text in ("1735689600000", "0", "-1", "NaN", "NaN", "Infinity", "-Infinity", "1e30", "-1e30")
    ]


@st.composite
def scenes(draw: Draw) -> Scene:
    """A T: midnights of month ends, the last and first instants of days, DST nights, noons."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    calendar = Calendar(datetime(2026, 1, 1, tzinfo=UTC), zone, draw(st.sampled_from(FOUNDED)))
    day = draw(st.sampled_from(TODAYS))
    midnight = datetime.combine(day, time(), UTC).replace(tzinfo=zone).astimezone(UTC)
    near = (timedelta(), timedelta(), -INSTANT, INSTANT, 12 * HOUR, 23.5 * HOUR)
    as_of = draw(st.sampled_from((*(midnight + shift for shift in near), *DST)))
    return Scene(Calendar(as_of, calendar.zone, calendar.no_data_before))


INSTANT_WAYS = ("tz", "tz", "tz", "local", "local", "s", "s_numeric", "ms", "ms_double")
WAYS = (*INSTANT_WAYS, "day", "day", "s_small", "s_double", "s_real", "ms_numeric", "year", "year_small", "year_big")


@st.composite
def columns(draw: Draw, prefix: str, ways: tuple[str, ...] = WAYS, *, plain: bool = False) -> tuple[Rule, str]:
    """A clock in a column of the row, and the way its moments are written."""
    way = draw(st.sampled_from(ways))
    encoding = WRITTEN[way][0]
    clock: Rule = {"column": f"{prefix}_{way}", "encoding": encoding.value}
    if encoding is Encoding.TIMESTAMP:
        clock["zone"] = draw(st.sampled_from(("Europe/Paris", "UTC", "America/New_York", "Asia/Kolkata")))
    if not plain:
        clock["null_means"] = draw(st.sampled_from(("unknown", "unknown", "running")))
        clock["future_means"] = draw(st.sampled_from(("unknown", "unknown", "running")))
    return clock, way


@st.composite
def rows_of(draw: Draw, values: dict[str, list[Any]], most: int = 12) -> list[Row]:
    """Up to `most` rows with ids, each column drawn from its values."""
    size = draw(st.sampled_from((most, most, 8, 4, 1, 0)))
    return [
        {"id": number, **{name: draw(st.sampled_from(values[name])) for name in values}}
        for number in range(min(size, most))
    ]


PERSONS = (1, 1, 1, 2, 2, 2, 3, None)
CONDITIONS: tuple[Rule, ...] = (
    {"column": "form", "equals": "SAS"},
    {"column": "form", "in": ["SAS", "SARL"]},
    {"column": "form", "is_null": True},
    {"column": "size", "equals": 3},
    {"column": "size", "in": [3, 4]},
    {"column": "test", "equals": True},
    {"column": "test", "equals": False},
)
CONDITION_VALUES: dict[str, list[Any]] = {
    "form": [None, "SAS", "SARL", "sas", "EI", ""],
    "size": [None, 3, 4, 5],
    "test": [None, True, False],
}


@st.composite
def conditions(draw: Draw) -> list[Rule]:
    """None, one or two reasons for which a row is out of scope."""
    chosen = draw(st.one_of(st.just([]), st.lists(st.sampled_from(CONDITIONS), max_size=2)))
    return [{**condition, "because": "The promise does not speak of them."} for condition in chosen]


def condition_values(chosen: list[Rule]) -> dict[str, list[Any]]:
    """What to draw for the columns that the conditions read."""
    return {condition["column"]: CONDITION_VALUES[condition["column"]] for condition in chosen}


@st.composite
def subjects(draw: Draw) -> tuple[Rule, dict[str, list[Any]]]:
    """Whose rows: a key in the row, or in the one row it points to."""
    if draw(st.booleans()):
        return {"column": "person"}, {"person": list(PERSONS)}
    joined = {"table": "s.parents", "on": {"parent": "id"}, "column": "person"}
    return joined, {"parent": [1, 2, 3, 4, None]}


@st.composite
def parents(draw: Draw) -> list[Row]:
    """Rows that joined subjects stand in, each key once."""
    keys = draw(st.sampled_from(([1, 2, 3], [3, 1, 2, 4], [2, 1], [])))
    return [{"id": key, "person": draw(st.sampled_from(PERSONS))} for key in keys]


@st.composite
def holds(draw: Draw, scene: Scene) -> tuple[Rule | None, list[Row]]:
    """A register of legal holds, or none, and its rows."""
    if draw(st.integers(0, 3)) == 0:
        return None, []
    began, began_way = draw(columns("began", ("tz", "tz", "local", "day", "s", "ms_numeric")))
    ended, ended_way = draw(columns("ended", ("tz", "tz", "local", "day", "s", "ms_numeric")))
    register: Rule = {
        "table": "s.holds",
        "key": ["id"],
        "subject": "person",
        "category": "category",
        "matter": "matter",
        "categories": draw(st.sampled_from(({}, {"geolocation": "geo"}))),
        "every_category": draw(st.sampled_from((None, "*"))),
        "started": began,
        "released": ended,
    }
    values = {
        "person": list(PERSONS),
        "category": ["*", "*", "geolocation", "geolocation", "geo", "cookie", "connection", None],
        "matter": ["M-1", None],
        began["column"]: scene.mostly_fine(began_way, began.get("zone")),
        ended["column"]: scene.mostly(None, ended_way, ended.get("zone")),
    }
    return register, draw(rows_of(values))


def base(scene: Scene, table: str, title: str = "Rows") -> Rule:
    """The fields every rule has."""
    calendar = scene.calendar
    return {
        "table": table,
        "title": title,
        "key": ["id"],
        "zone": str(calendar.zone),
        "no_data_before": calendar.no_data_before,
    }
