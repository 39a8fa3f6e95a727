"""The controls over a company's registers: SQL and oracle agree on small random registers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws
from tests.oracle.compare import agree, thrice
from tests.oracle.draws import Case, Draw, Rule, Scene
from tests.oracle.moments import DAY
from tests.oracle.records import later
from tests.oracle.tables import WRITTEN, create

pytestmark = pytest.mark.slow

WAYS = tuple(way for way in draws.WAYS if not way.startswith("year"))
"""A field of a register tells the day, or more."""
TABLES = {
    "r.requests": {
        "id": "integer",
        "person": "bigint",
        "kind": "text",
        "outcome": "text",
        "reason": "text",
        "fee": "numeric",
        "told": "boolean",
        **{f"{prefix}_{way}": kind for prefix in "abcde" for way, (_, kind) in WRITTEN.items()},
    },
}
MOMENTS = {"received": "a", "responded": "b", "extension_told": "c", "doubted": "d", "identified": "e"}
"""Field to the prefix of the columns it may stand in."""
TEXTS = {"kind": "kind", "outcome": "outcome", "refusal_reason": "reason", "repeats": "reason"}
SAID: dict[str, list[Any]] = {
    "kind": [*["access", " ACCESS\n", "erasure", "effacement"] * 3, "other", None, "\t"],
    "outcome": ["granted", "refused", None, ""],
    "reason": [*["said"] * 6, "  ", "\r\n", None],
    "fee": [None, 0, 1, 10, 11, -1],
    "told": [True, False, None],
    "person": list(draws.PERSONS),
}
ONLY: tuple[Rule, ...] = (
    {},
    {},
    {"kind": ["access", "erasure"]},
    {"outcome": "stated"},
    {"outcome": "absent"},
    {"kind": ["access"], "outcome": ["granted", "refused"]},
)


@st.composite
def registers(draw: Draw, scene: Scene, *, in_force: bool = True) -> tuple[Rule, dict[str, list[Any]], Rule]:
    """The register as a table: how it is bound, what to draw for its columns, and which of its rows are meant."""
    fields: Rule = {field: {"column": column} for field, column in TEXTS.items()}
    fields |= {"fee": {"column": "fee"}, "complaint_told": {"column": "told"}, "person": {"column": "person"}}
    values = dict(SAID)
    for field, prefix in MOMENTS.items():
        clock, way = draw(draws.columns(prefix, WAYS))
        fields[field] = clock
        fine = scene.mostly_fine if draw(st.booleans()) else scene.values
        values[clock["column"]] = fine(way, clock.get("zone"))
        if field == "identified":
            values[clock["column"]] += [None] * len(values[clock["column"]])
    words = draw(st.sampled_from(({}, {"kind": {"erasure": "effacement"}})))
    records = {"table": "r.requests", "key": ["id"], "fields": fields, "words": words}
    meant: Rule = {"only": draw(st.sampled_from(ONLY))}
    if in_force and not draw(st.integers(0, 2)):
        meant["in_force"] = {"from": "doubted", "to": "identified"}
    return records, values, meant


def ruled(scene: Scene, records: Rule, asks: Rule, key: list[str] | None = None) -> Rule:
    """The rule as a compiled suite carries it."""
    base = draws.base(scene, "r.requests", "Rights requests")
    return {
        **base,
        "key": ["id"] if key is None else key,
        "promise": "Each is kept",
        "how": "Keep it.",
        "records": records,
        "asks": {"register": "rights_requests", **asks},
    }


@st.composite
def deadline_cases(draw: Draw) -> Case:
    """Requests with any of what a deadline asks for, on the edges of its periods."""
    scene = draw(draws.scenes())
    period, longer = draw(st.sampled_from((("P1M", "P3M"), ("P30D", "P60D"), ("P1D", "P1Y"), ("P3M", "P25M"))))
    scene.matter(period, longer)
    records, values, meant = draw(registers(scene))
    asks: Rule = {"from": "received", "period": period, **meant}
    asks["done"] = draw(st.sampled_from(("responded", "responded", None)))
    asks["unless"] = draw(st.sampled_from(({}, {}, {"outcome": ["refused"]}, {"kind": "absent"})))
    if draw(st.booleans()):
        asks["extension"] = {"told": "extension_told", "reason": "refusal_reason", "period": longer}
    return Case(
        "deadline", ruled(scene, records, asks), scene.calendar.as_of, {"r.requests": draw(draws.rows_of(values))}
    )


CLAIMS: tuple[Rule, ...] = (
    {"states": ["refusal_reason"]},
    {"states": ["received", "outcome"]},
    {"when": {"outcome": ["refused"]}, "states": ["refusal_reason"]},
    {"ahead": ["responded"]},
    {"when": {"outcome": ["refused"]}, "ahead": ["received"]},
    {"says": {"kind": ["access", "erasure"]}},
    {"never_says": {"kind": ["other", "erasure"]}},
    {"at_most": {"fee": 10}},
    {"nothing_or_at_most": {"fee": 0}},
    {"true": ["complaint_told"]},
    {"false": ["complaint_told"]},
    {"not_after": {"received": "responded"}},
    {"when": {"kind": "stated"}, "not_after": {"responded": "received"}, "true": ["complaint_told"]},
)


@st.composite
def stated_cases(draw: Draw) -> Case:
    """Requests and what they must say."""
    scene = draw(draws.scenes())
    records, values, meant = draw(registers(scene))
    must = draw(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=3))
    asks = {"must": must, "at": draw(st.sampled_from((None, "received"))), **meant}
    return Case(
        "stated", ruled(scene, records, asks), scene.calendar.as_of, {"r.requests": draw(draws.rows_of(values))}
    )


@st.composite
def lifetime_cases(draw: Draw) -> Case:
    """Rows that are set to end near the end of their longest lifetime."""
    scene = draw(draws.scenes())
    period = draw(st.sampled_from(("P13M", "P1M", "P6M", "P395D", "P1D")))
    scene.matter(period)
    scene.days += [later(scene.calendar.today, period) + shift * DAY for shift in (-1, 0, 1)]
    records, values, meant = draw(registers(scene))
    asks = {"from": "received", "until": "responded", "period": period, **meant}
    return Case(
        "lifetime", ruled(scene, records, asks), scene.calendar.as_of, {"r.requests": draw(draws.rows_of(values))}
    )


@st.composite
def freshness_cases(draw: Draw) -> Case:
    """A register, or groups of its rows, near the last day of its period."""
    scene = draw(draws.scenes())
    period = draw(st.sampled_from(("P7D", "P1M", "P12M", "P1D")))
    scene.matter(period)
    records, values, meant = draw(registers(scene))
    per = draw(st.sampled_from((None, "kind", "refusal_reason")))
    column = TEXTS[per] if per else ""
    rule = ruled(scene, records, {"at": "received", "period": period, "per": per, **meant}, [column] if per else [])
    return Case("freshness", rule, scene.calendar.as_of, {"r.requests": draw(draws.rows_of(values, 9))})


@st.composite
def one_in_force_cases(draw: Draw) -> Case:
    """Versions each of which begins as the former ends, and some that do not quite."""
    scene = draw(draws.scenes())
    records, values, meant = draw(registers(scene, in_force=False))
    calendar, today = scene.calendar, scene.calendar.today
    edges = (calendar.no_data_before, today - 40 * DAY, today - DAY, today, today + DAY)
    asks = {
        "in_force": {"from": "doubted", "to": "identified"},
        "must": draw(st.sampled_from(("exactly_one", "exactly_one", "at_least_one"))),
        "without_gaps_since": draw(st.sampled_from((None, *edges))),
        **meant,
    }
    starts = [calendar.start(day) for day in edges]
    fine = [*starts, calendar.as_of, calendar.start(today - 20 * DAY), calendar.start(today - 7 * DAY) + 9 * draws.HOUR]
    inner = sorted(draw(st.sets(st.sampled_from(fine), max_size=3)) | {calendar.earliest})
    begin, end = (records["fields"][field] for field in ("doubted", "identified"))
    rows = [
        {begin["column"]: _written(scene, begin, since), end["column"]: until and _written(scene, end, until, -DAY)}
        for since, until in zip(inner, [*inner[1:], None], strict=True)
    ]
    others = [name for name in values if name not in (begin["column"], end["column"])]
    rows = [{**{name: draw(st.sampled_from(values[name])) for name in others}, **row} for row in rows]
    for row in rows if meant["only"] and draw(st.booleans()) else ():
        row["kind"], row["outcome"] = "access", None if meant["only"].get("outcome") == "absent" else "granted"
    for _ in range(draw(st.integers(0, 2))):
        row, column = draw(st.sampled_from(rows)), draw(st.sampled_from((begin["column"], end["column"])))
        row[column] = draw(st.sampled_from((values[column], [None, *(other[column] for other in rows)])).flatmap(_one))
    if draw(st.booleans()):
        rows.append(dict(draw(st.sampled_from(rows))))
    tables = {"r.requests": [{"id": number, **row} for number, row in enumerate(rows)]}
    return Case("one_in_force", ruled(scene, records, asks, []), calendar.as_of, tables)


def _one(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _written(scene: Scene, clock: Rule, instant: datetime, last: timedelta = timedelta()) -> Any:
    """An instant as the column holds it; in a column of days, so much later: of an end the day is the last."""
    way = clock["column"][2:]
    return scene.write(instant + (last if way == "day" else timedelta()), way, clock.get("zone"))


NUMBERS = ["F-1", "F-2", "f-3", "F-04", "F-6", "F-7", "F-9", "G-1", "G-3", "G-4"]
ODD_NUMBERS = ["9" * 30, "9" * 31, "1", "F-", "F-7a", "F-2", "", None, " F-5 \n"]


@st.composite
def sequence_cases(draw: Draw) -> Case:
    """Numbered rows with gaps, of years that must be kept and of years that need not."""
    scene = draw(draws.scenes())
    years, today = draw(st.sampled_from((1, 2, 10))), scene.calendar.today
    turn = today.replace(year=today.year - years, month=1, day=1)
    days = [turn + shift * DAY for shift in (-366, -1, 0, 200)]
    records, values, meant = draw(registers(scene))
    clock = records["fields"]["received"]
    fine = [_written(scene, clock, scene.calendar.start(day)) for day in days]
    at, odd = clock["column"], values[clock["column"]]
    chosen = draw(st.lists(st.sampled_from(NUMBERS), max_size=7, unique=True))
    rows = draw(draws.rows_of(values, 7))[: len(chosen)]
    for row, number in zip(rows, chosen, strict=False):
        row["reason"] = draw(st.sampled_from([number] * 8 + ODD_NUMBERS[:1] + ODD_NUMBERS))
        row[at] = draw(st.sampled_from(fine * 4 + draw(st.lists(st.sampled_from(odd), max_size=4))))
    asks = {"number": "repeats", "at": "received", "kept_for": f"P{years}Y", **meant}
    return Case("sequence", ruled(scene, records, asks), scene.calendar.as_of, {"r.requests": rows})


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection to a database with the register in it."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        with connection.begin():
            create(connection, TABLES)
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    "cases",
    [deadline_cases, stated_cases, lifetime_cases, freshness_cases, one_in_force_cases, sequence_cases],
    ids=lambda cases: cases.__name__,
)
def test_registers(cases: Callable[[], st.SearchStrategy[Case]], database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
