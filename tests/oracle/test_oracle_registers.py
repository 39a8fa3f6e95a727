"""The registers themselves, form of consents and completeness of holds: SQL and oracle agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws
from tests.oracle.compare import agree, connected, thrice
from tests.oracle.draws import INSTANT_WAYS, Case, Draw, Rule

pytestmark = pytest.mark.slow

BLANKS = (None, "", " ", "  ")


@st.composite
def guardian_consent_form_cases(draw: Draw) -> Case:
    """Consents of guardians, in the promised form or not quite."""
    scene = draw(draws.scenes())
    received, way = draw(draws.columns("at", INSTANT_WAYS))
    promised = draw(st.sampled_from(("email", "E-Mail")))
    form: Rule = {"channel": "channel", "mailbox": "mailbox", "message": "message", "proof": "proof"}
    rule = {
        **draws.base(scene, "s.guardians"),
        "channel": promised,
        "mailbox": draw(st.sampled_from(("dpo@company.example", "DPO@Company.example"))),
        "child": "person",
        "received": received,
        "form": {**form, "guardian": draw(st.sampled_from((None, "guardian", "parent")))},
        "children": draw(st.sampled_from((None, 1, 2, 3))),
    }
    mailboxes = ["dpo@company.example", "DPO@company.EXAMPLE", " dpo@company.example "]
    drawn: dict[str, list[Any]] = {
        "person": [None, 1, 1, 2, 3],
        "guardian": [None, 1, 2, 7, 8],
        "parent": [*["Ana", " ANA ", "Leo"] * 2, " 1", *BLANKS],
        received["column"]: scene.mostly_fine(way, received.get("zone")),
        "channel": [*[" " + promised, promised.upper(), promised] * 6, "web", *BLANKS],
        "mailbox": [*mailboxes * 6, "dpo+x@company.example", *BLANKS],
        "message": [*["m"] * 16, *BLANKS],
        "proof": [*["p"] * 16, *BLANKS],
    }
    return Case("guardian_consent_form", rule, scene.calendar.as_of, {"s.guardians": draw(draws.rows_of(drawn))})


@st.composite
def legal_hold_cases(draw: Draw) -> Case:
    """Legal holds, complete or not quite."""
    scene = draw(draws.scenes())
    ways = (*INSTANT_WAYS, "day", "day", "day")
    started, started_way = draw(draws.columns("began", ways))
    released, released_way = draw(draws.columns("ended", ways))
    words = draw(st.sampled_from((["geolocation", "cookie", "*"], ["geo"])))
    known = {"table": "s.persons", "key": "id", "born": {"column": "born"}}
    rule = {
        **draws.base(scene, "s.holds"),
        "holder": "person",
        "matter": "matter",
        "category": "category",
        "words": words,
        "started": started,
        "released": released,
        "persons": draw(st.sampled_from((known, known, None))),
    }
    drawn: dict[str, list[Any]] = {
        "person": list(draws.PERSONS),
        "category": [*words * 6, "Geo", "", "cookie", None],
        "matter": [*["M-1"] * 16, *BLANKS],
        started["column"]: scene.mostly_fine(started_way, started.get("zone")),
        released["column"]: [*[None] * 300, *scene.mostly_fine(released_way, released.get("zone"))],
    }
    keys = draw(st.sampled_from(([1, 2, 3], [1, 2], [])))
    tables = {"s.holds": draw(draws.rows_of(drawn)), "s.persons": [{"id": key} for key in keys]}
    return Case("legal_hold", rule, scene.calendar.as_of, tables)


def test_guardian_consent_form(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(guardian_consent_form_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()


def test_legal_hold(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(legal_hold_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
