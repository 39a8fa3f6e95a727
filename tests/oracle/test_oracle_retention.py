"""Retention and soft deletion: SQL and oracle agree on small random databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import draws
from tests.oracle.compare import agree, connected, thrice
from tests.oracle.draws import Case, Draw, Rule, Scene

pytestmark = pytest.mark.slow

Values = dict[str, list[Any]]


@st.composite
def joined_clocks(draw: Draw) -> tuple[Rule, str]:
    """The latest moment among rows of another table, joined by one column or by two."""
    clock, way = draw(draws.columns("p"))
    on = draw(st.sampled_from(({"parent": "parent"}, {"parent": "parent", "branch": "branch"})))
    absent = draw(st.sampled_from(("unknown", "running")))
    return {**clock, "table": "s.parts", "on": on, "absent_means": absent}, way


@st.composite
def clocks(draw: Draw, scene: Scene) -> tuple[Rule, Values, Values]:
    """A clock of any shape, with the values of the row's own columns and of the joined table's."""
    shape = draw(st.sampled_from(("column", "column", "column", "joined", "latest", "latest with joined")))
    parts: list[tuple[Rule, str]] = []
    if shape in ("column", "latest", "latest with joined"):
        parts.append(draw(draws.columns("c")))
    if shape == "latest":
        parts.append(draw(draws.columns("d")))
    if "joined" in shape:
        parts.append(draw(joined_clocks()))
    own: Values = {}
    theirs: Values = {}
    for part, way in parts:
        values = scene.values(way, part.get("zone"))
        if "table" in part:
            theirs |= {"parent": [None, 1, 1, 2, 2, 3], "branch": ["n", "s", None], part["column"]: values}
            own |= {"parent": [None, 1, 1, 2, 2, 3, 4], "branch": ["n", "n", "s", None]}
        else:
            own[part["column"]] = values
    clock = parts[0][0] if len(parts) == 1 else {"latest": [part for part, _ in parts]}
    return clock, own, theirs


@st.composite
def row_periods(draw: Draw) -> tuple[Rule | None, Values]:
    """A period that each row carries, or none."""
    if draw(st.integers(0, 3)):
        return None, {}
    unit = draw(st.sampled_from(("days", "months", "years")))
    column = draw(st.sampled_from(("keep", "keep_big")))
    huge = [2**31 - 1] if column == "keep" else [2**31 - 1, 2**63 - 1, -(2**63)]
    return {"column": column, "unit": unit}, {column: [None, 0, -1, 1, 2, 5, 7, 13, 30, 60, 2_000_000, *huge]}


@st.composite
def retention_cases(draw: Draw) -> Case:
    """A retention rule with any of its parts, and rows on its edges."""
    scene = draw(draws.scenes())
    period, review = draw(st.sampled_from(draws.PERIODS)), draw(st.sampled_from((None, None, "P1M", "P5Y", "P7D")))
    scene.matter(period, *([review] if review else []))
    clock, own, theirs = draw(clocks(scene))
    row_period, keeps = draw(row_periods())
    chosen, (subject, owners) = draw(draws.conditions()), draw(draws.subjects())
    register, hold_rows = draw(draws.holds(scene))
    rule = {
        **draws.base(scene, "s.rows"),
        "category": draw(st.sampled_from(("geolocation", "geolocation", "cookie"))),
        "period": period,
        "review_after": review,
        "columns_of_group": draw(st.sampled_from(([], [], ["a"], ["a", "b"]))),
        "clock": clock,
        "row_period": row_period,
        "legal_reason": draw(st.sampled_from((None, {"column": "reason"}, {"always": "Accounts"}))),
        "out_of_scope": chosen,
        "subject": draw(st.sampled_from((subject, subject, subject, None))),
        "holds": register,
    }
    values = {
        **own,
        **keeps,
        **draws.condition_values(chosen),
        **{name: drawn for name, drawn in owners.items() if name not in own},
        "a": ["x", "x", "x", None],
        "b": ["x", "", None],
        "reason": [None, "", "  ", "L123-22"],
    }
    tables = {
        "s.rows": draw(draws.rows_of(values)),
        "s.parts": draw(draws.rows_of(theirs)) if theirs else [],
        "s.parents": draw(draws.parents()),
        "s.holds": hold_rows,
    }
    return Case("retention", rule, scene.calendar.as_of, tables)


@st.composite
def soft_delete_cases(draw: Draw) -> Case:
    """Rows marked by a moment, a flag or both."""
    scene = draw(draws.scenes())
    period = draw(st.sampled_from(("P30D", "P1M", "P7D", "P1Y", "P1D")))
    scene.matter(period)
    (clock, way), (subject, owners) = draw(draws.columns("c")), draw(draws.subjects())
    register, hold_rows = draw(draws.holds(scene))
    rule = {
        **draws.base(scene, "s.rows"),
        "period": period,
        "mark": draw(st.sampled_from(({"clock": clock}, {"flag": "gone"}, {"clock": clock, "flag": "gone"}))),
        "categories": draw(st.sampled_from((["geolocation"], ["connection", "geolocation"], ["cookie"]))),
        "subject": draw(st.sampled_from((subject, subject, subject, None))),
        "holds": register,
    }
    values = {**owners, clock["column"]: scene.values(way, clock.get("zone")), "gone": [None, True, False]}
    tables = {"s.rows": draw(draws.rows_of(values)), "s.parents": draw(draws.parents()), "s.holds": hold_rows}
    return Case("soft_delete", rule, scene.calendar.as_of, tables)


def test_retention(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(retention_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()


def test_soft_delete(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(soft_delete_cases())
        def test(case: Case) -> None:
            agree(connection, case)

        test()
