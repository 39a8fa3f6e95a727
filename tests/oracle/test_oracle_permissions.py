"""Permissions, lists and tables kept for statistics: SQL and oracle agree on small random databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws, tables
from tests.oracle.compare import agree, thrice
from tests.oracle.draws import INSTANT_WAYS, Case, Draw, Rule, Scene
from tests.oracle.moments import Row
from tests.oracle.test_oracle_consents import moments, values

pytestmark = pytest.mark.slow

WAYS = (*INSTANT_WAYS, "day", "day", "day")
"""The ways in which a register may tell a moment: a year alone is refused."""
_MOMENTS = {way: kind for way, (_, kind) in tables.WRITTEN.items() if not way.startswith("year")}
COLUMNS: dict[str, dict[str, str]] = {
    "perm.events": {
        "id": "integer", "person": "text", "number": "bigint", "word": "text", "kind": "text", "note": "text",
        **{f"at_{way}": kind for way, kind in _MOMENTS.items()},
    },
    "perm.ledger": {
        "id": "integer", "person": "text", "number": "bigint", "word": "text", "ground": "text",
        **{f"{prefix}_{way}": kind for prefix in ("since", "until") for way, kind in _MOMENTS.items()},
    },
    "perm.counted": {
        "id": "integer", "a": "text", "b": "integer", "c": "date", "s": "text", "t": "integer", "d": "text",
    },
}  # fmt: skip
PERSONS: dict[str, list[Any]] = {
    "person": ["1", "1", "1", " 1", "2", "2", "aB", "Ab", "", None],
    "number": [1, 1, 1, 2, 2, None],
}
WORDS = ["acme", "acme", "ACME ", "\tacme", "X-1", "other", "Other", " ", None]
KINDS = ["marketing", "marketing", "Marketing", "service", "\t", None]
GROUNDS = ["accuracy", "accuracy", "ACCURACY", "objection", "", None]


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection to a database with the tables of these tests in it."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        with connection.begin():
            tables.create(connection, COLUMNS)
        yield connection
    engine.dispose()


@st.composite
def clocks(draw: Draw, scene: Scene, prefix: str, pool: list[Any]) -> tuple[Rule, dict[str, list[Any]]]:
    """A clock of a register, and what its column may hold."""
    clock, way = draw(draws.columns(prefix, WAYS))
    return clock, {clock["column"]: values(scene, clock, way, pool)}


@st.composite
def ledgers(draw: Draw, scene: Scene, pool: list[Any]) -> tuple[Rule, list[Row]]:
    """A register whose rows hold from one moment to another, and its rows."""
    since, sinces = draw(clocks(scene, "since", pool))
    until, untils = draw(clocks(scene, "until", pool))
    drawn = {
        "person": PERSONS["person"],
        "number": PERSONS["number"],
        "word": WORDS,
        "ground": GROUNDS,
        **sinces,
        **{name: [*[None] * 300, *known] for name, known in untils.items()},
    }
    key = draw(st.sampled_from(("person", "number")))
    fields = {"person": key, "recipient": "word", "ground": "ground", "role": "ground", "from": since, "to": until}
    return {"table": "perm.ledger", "key": ["id"], "fields": fields}, draw(draws.rows_of(drawn))


def _only(*fields: str) -> st.SearchStrategy[Any]:
    words = {"ground": ["accuracy"], "role": ["accuracy", "none"], "purpose": ["marketing"], "campaign": ["marketing"]}
    said = [{}, {}, *({field: words.get(field, "stated")} for field in fields), *({f: "absent"} for f in fields)]
    return st.sampled_from([*said, *({field: "stated"} for field in fields)])


def _fields(records: Rule, *names: str) -> Rule:
    return {**records, "fields": {name: records["fields"][name] for name in names}}


@st.composite
def permission_cases(draw: Draw) -> Case:
    """Events, and what a register permits or forbids."""
    scene = draw(draws.scenes())
    pool = draw(moments(scene))
    at, ats = draw(clocks(scene, "at", pool))
    ledger, ledger_rows = draw(ledgers(scene, pool))
    during: Rule = {
        "register": "restrictions",
        "from": "from",
        "only": draw(_only("ground", "from")),
        "strict": draw(st.booleans()),
        **draw(st.sampled_from(({}, {"to": "to"}, {"to": "to"}))),
    }
    asks = {
        "register": "processing_events",
        "at": "at",
        "during": during,
        "events": draw(st.sampled_from(("required", "forbidden"))),
        "only": draw(_only("purpose")),
        "unless": draw(_only("exception", "purpose")),
        "since": draw(st.sampled_from((None, None, *scene.days, *map(scene.calendar.day, scene.instants)))),
    }
    key = draw(st.sampled_from(("person", "number")))
    rule = {
        **draws.base(scene, "perm.events"),
        "promise": "No mail after an objection",
        "how": "Stop.",
        "records": {
            "table": "perm.events",
            "key": ["id"],
            "fields": {"person": key, "at": at, "purpose": "kind", "exception": "note"},
        },
        "joined": {"restrictions": _fields(ledger, "person", "from", "to", "ground")},
        "asks": asks,
    }
    drawn = {**PERSONS, "kind": KINDS, "note": [None, None, "", "court"], **ats}
    rows = {"perm.events": draw(draws.rows_of(drawn)), "perm.ledger": ledger_rows}
    return Case("permission_at_event", rule, scene.calendar.as_of, rows)


@st.composite
def listed_cases(draw: Draw) -> Case:
    """Rows that name something, and a list of it."""
    scene = draw(draws.scenes())
    pool = [*draw(moments(scene)), scene.calendar.as_of]
    at, ats = draw(clocks(scene, "at", pool))
    listing, list_rows = draw(ledgers(scene, pool))
    between = draw(
        st.sampled_from(({}, {"in_force": {"from": "from", "to": "to"}}, {"in_force": {"from": "from", "to": "to"}}))
    )
    asks: Rule = {
        "register": "transfers",
        "field": "recipient",
        "only": draw(_only("purpose")),
        "list": {"register": "recipients", "field": "recipient", "only": draw(_only("role")), **between},
        **draw(st.sampled_from(({}, {"at": "at"}, {"at": "at"}))),
    }
    words = draw(st.sampled_from(({}, {}, {"recipient": {"acme": "X-1"}})))
    rule = {
        **draws.base(scene, "perm.events"),
        "promise": "Registered recipients only",
        "how": "Stop.",
        "records": {
            "table": "perm.events",
            "key": ["id"],
            "fields": {"recipient": "word", "at": at, "purpose": "kind"},
        },
        "joined": {"recipients": {**_fields(listing, "recipient", "from", "to", "role"), "words": words}},
        "asks": asks,
    }
    rows = {"perm.events": draw(draws.rows_of({"word": WORDS, "kind": KINDS, **ats})), "perm.ledger": list_rows}
    return Case("listed", rule, scene.calendar.as_of, rows)


@st.composite
def anonymous_cases(draw: Draw) -> Case:
    """Rows that are kept for statistics."""
    scene = draw(draws.scenes())
    chosen = draw(st.sampled_from((["a"], ["a", "b"], ["b", "c"], ["a", "b", "c"])))
    declared = {
        "quasi_identifiers": chosen,
        "sensitive": draw(st.sampled_from(([], ["s"], ["s", "t"]))),
        "direct": draw(st.sampled_from(([], ["d"], ["d", "s"]))),
    }
    rule = {**draws.base(scene, "perm.counted"), "declared": declared, "k": draw(st.sampled_from((2, 2, 3, 5)))}
    if draw(st.booleans()):
        rule["l"] = draw(st.sampled_from((2, 2, 3)))
    named = ["someone@example.org", "+33 6 12 34 56 78", "10.0.0.1", "FR76 3000 6000 0112 3456 7890 189",
             "4111 1111 1111 1111", "4111 1111 1111 1112", "d41d8cd98f00b204e9800998ecf8427e",
             "123E4567-e89b-42d3-a456-426614174000", "d41d8cd98f00b204e9800998ecf8427"]  # fmt: skip
    drawn = {
        "a": ["north", "north", "North", "", None],
        "b": [1, 1, 2, None],
        "c": [scene.calendar.today, scene.calendar.today, None],
        "s": ["flu", "flu", "cold", "measles", "x@y.fr", None],
        "t": [1, 1, 2, None],
        "d": [*[None, "", "nothing at 12:30", "5 of 7"] * 4, *named],
    }
    return Case("anonymous", rule, scene.calendar.as_of, {"perm.counted": draw(draws.rows_of(drawn))})


def test_permission_at_event(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(permission_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()


def test_listed(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(listed_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()


def test_anonymous(database: str) -> None:
    with connected(database) as connection:

        @given(anonymous_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
