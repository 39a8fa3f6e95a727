"""Consent at the event and consent of a guardian: SQL and oracle agree on small random databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws
from tests.oracle.compare import agree, connected, thrice
from tests.oracle.draws import INSTANT, INSTANT_WAYS, Case, Draw, Rule, Scene
from tests.oracle.moments import DAY, Far, Row, month_later

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
BIRTH_YEARS = (None, 0, 1900, 2000, 2010, 2011, 2012, 9999)


@st.composite
def moments(draw: Draw, scene: Scene) -> list[datetime]:
    """A few instants with their nearest neighbours, so that events and registers tie again and again."""
    fine = [at.replace(microsecond=0) for at in scene.instants if scene.calendar.earliest < at <= scene.calendar.as_of]
    pool = draw(st.lists(st.sampled_from(fine or scene.instants), min_size=1, max_size=4))
    return [instant + shift for instant in pool for shift in (*[timedelta()] * 3, -INSTANT, INSTANT, -SECOND, SECOND)]


def values(scene: Scene, clock: Rule, way: str, pool: list[datetime]) -> list[Any]:
    """The pool's instants most of the time, an edge of the calendar otherwise."""
    near = [scene.write(instant, way, clock.get("zone")) for instant in pool]
    edges = scene.values(way, clock.get("zone"))
    return [*edges, *(near[number % len(near)] for number in range(7 * len(edges)))]


@st.composite
def ledgers(draw: Draw, scene: Scene, pool: list[datetime]) -> tuple[Rule, list[Row]]:
    """A ledger of consents in either reading, and its rows."""
    at, way = draw(draws.columns("at", INSTANT_WAYS))
    ledger: Rule = {
        "table": "s.consents",
        "subject": "person",
        "purpose": "purpose",
        "purposes": draw(st.sampled_from(({}, {"geolocation": "geo"}))),
        "every_purpose": draw(st.sampled_from((None, None, "all"))),
    }
    strange = draw(st.sampled_from(([], [], [" All", "all", "geolocation, marketing", "*"])))
    drawn: dict[str, list[Any]] = {
        "person": list(draws.PERSONS),
        "purpose": [*["geolocation"] * 6, *["geo"] * 6, " Geolocation", "GEO\n", "marketing", None, " \t", *strange],
        at["column"]: values(scene, at, way, pool),
    }
    if draw(st.booleans()):
        ledger |= {"reading": "events", "at": at}
        ledger["other_purposes"] = draw(st.sampled_from(([], ["Marketing"], ["marketing", "geo", "geolocation"])))
        ledger["action"] = {"column": "action", "grant": "yes", "withdraw": "no"}
        drawn["action"] = [*["yes"] * 12, *["no"] * 8, *draw(st.sampled_from(([], [], [None, "YES", ""])))]
    else:
        until, until_way = draw(draws.columns("until", INSTANT_WAYS))
        ledger |= {"reading": "intervals", "granted": at, "withdrawn": until}
        drawn[until["column"]] = [*[None] * 300, *values(scene, until, until_way, pool)]
    return ledger, draw(draws.rows_of(drawn))


@st.composite
def consent_at_event_cases(draw: Draw) -> Case:
    """Events, and what a ledger says of them."""
    scene = draw(draws.scenes())
    pool = draw(moments(scene))
    clock, way = draw(draws.columns("c", INSTANT_WAYS))
    chosen, (subject, owners) = draw(draws.conditions()), draw(draws.subjects())
    ledger, ledger_rows = draw(ledgers(scene, pool))
    rule = {
        **draws.base(scene, "s.rows"),
        "category": "geolocation",
        "purpose": "geolocation",
        "columns_of_group": draw(st.sampled_from(([], [], ["a"], ["a", "b"]))),
        "clock": clock,
        "out_of_scope": chosen,
        "subject": subject,
        "consents": ledger,
    }
    drawn = {
        **owners,
        **draws.condition_values(chosen),
        clock["column"]: values(scene, clock, way, pool),
        "a": ["x", "x", "x", None],
        "b": ["x", "", None],
    }
    tables = {"s.rows": draw(draws.rows_of(drawn)), "s.parents": draw(draws.parents()), "s.consents": ledger_rows}
    return Case("consent_at_event", rule, scene.calendar.as_of, tables)


def births(scene: Scene, age: int, pool: list[datetime]) -> list[date]:
    """Birth dates around the age on the days of the pool, and those that mean nothing."""
    today = scene.calendar.today
    days = [scene.calendar.day(instant) for instant in pool]
    reached = [month_later(day, -12 * age) for day in days]
    near = [day + shift * DAY for day in reached for shift in (-1, 0, 1)]
    leap = [date(2012, 2, 29), date(2004, 2, 29), date(2008, 2, 28), date(2010, 3, 1)]
    oldest = date(today.year - 120, 1, 1)
    never = [date(1900, 1, 1), date(1970, 1, 1), oldest, oldest - DAY, today, today + DAY, date(1980, 5, 5)]
    return [*near, *near, *leap, *never, *days, *(day + DAY for day in days)]


@st.composite
def persons(draw: Draw, scene: Scene, age: int, pool: list[datetime]) -> tuple[Rule, list[Row]]:
    """The table of persons, by birth date or by year, and some of them."""
    column = draw(st.sampled_from(("born", "born", "year", "year_big")))
    by_year = column != "born"
    born: Rule = {"column": column, "encoding": "year" if by_year else "date"}
    if draw(st.booleans()):
        born |= {"default_dates": [date(2010, 3, 1)], "default_years": [2010, 1900]}
    dates = births(scene, age, pool)
    if by_year:
        drawn: list[Any] = [*BIRTH_YEARS, *(day.year for day in dates)]
    else:
        drawn = [None, Far.INFINITY, Far.BEFORE_CHRIST, Far.YEAR_20000, *dates, *dates]
    keys = draw(st.sampled_from(([1, 2], [2, 1, 3], [1])))
    rows = [{"id": key, born["column"]: draw(st.sampled_from(drawn))} for key in keys]
    return {"table": "s.persons", "key": "id", "born": born}, rows


@st.composite
def guardian_consent_cases(draw: Draw) -> Case:
    """Uses of the service by persons around the age, and the register of their guardians' consents."""
    scene = draw(draws.scenes())
    pool, age = draw(moments(scene)), draw(st.sampled_from((15, 15, 13, 1)))
    clock, way = draw(draws.columns("c", INSTANT_WAYS))
    received, received_way = draw(draws.columns("at", INSTANT_WAYS))
    revoked, revoked_way = draw(draws.columns("until", INSTANT_WAYS))
    chosen, (subject, owners) = draw(draws.conditions()), draw(draws.subjects())
    known, known_rows = draw(persons(scene, age, pool))
    rule = {
        **draws.base(scene, "s.rows"),
        "age": age,
        "clock": clock,
        "out_of_scope": chosen,
        "subject": subject,
        "persons": known,
        "guardian_consents": {
            "table": "s.guardians",
            "key": ["id"],
            "subject": "person",
            "received": received,
            "revoked": revoked,
        },
    }
    drawn = {**owners, **draws.condition_values(chosen), clock["column"]: values(scene, clock, way, pool)}
    consents = {
        "person": list(draws.PERSONS),
        received["column"]: values(scene, received, received_way, pool),
        revoked["column"]: [*[None] * 300, *values(scene, revoked, revoked_way, pool)],
    }
    tables = {
        "s.rows": draw(draws.rows_of(drawn)),
        "s.parents": draw(draws.parents()),
        "s.persons": known_rows,
        "s.guardians": draw(draws.rows_of(consents, most=8)),
    }
    return Case("guardian_consent", rule, scene.calendar.as_of, tables)


def test_consent_at_event(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(consent_at_event_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()


def test_guardian_consent(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(guardian_consent_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
