"""Copies, unknown columns and ways out of random stores: the SQL and plain Python agree on every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, note, settings

from privacy_audit.controls import Rule
from tests.unit.sql.catalog import random_ways, stored
from tests.unit.sql.catalog.columns_oracle import judge_columns
from tests.unit.sql.catalog.copies_oracle import judge_copies
from tests.unit.sql.catalog.place import Judged, Place, a_place, judged, rule_of
from tests.unit.sql.catalog.random_stores import COLUMNS, COPIES, stores
from tests.unit.sql.catalog.ways_oracle import judge_ways

pytestmark = pytest.mark.slow

AS_OF = datetime.fromisoformat("2026-11-24 10:00+01:00")

few = settings(max_examples=max(1, settings().max_examples * 2 // 5), phases=(Phase.explicit, Phase.generate))
"""Each example is a whole store. One that fails is told as SQL and not made smaller: that would take minutes."""


@pytest.fixture(scope="module")
def where(engine: sa.Engine) -> Iterator[Place]:
    """A place in which every random store is made, with the settings of an audit's session."""
    with a_place(engine, "SET row_security = off") as made:
        yield made


def said_of(where: Place, rule: Rule, as_of: datetime, made: Iterable[str]) -> Judged:
    """What the control says of a store that is made for a while."""
    statements = list(made)
    note(";\n".join(statements))
    with where.for_a_while():
        where.run(*statements)
        return judged(where, rule, as_of)


@few
@given(drawn=stores(COPIES, 10))
def test_copies(where: Place, drawn: stored.Stored) -> None:
    rule = rule_of("look_alikes", drawn.map.written(), {})
    assert said_of(where, rule, AS_OF, stored.statements(drawn)) == judge_copies(drawn)


@few
@given(drawn=stores(COLUMNS, 7))
def test_unmapped_columns(where: Place, drawn: stored.Stored) -> None:
    rule = rule_of("unmapped_columns", drawn.map.written(), {})
    assert said_of(where, rule, AS_OF, stored.statements(drawn)) == judge_columns(drawn)


@few
@given(drawn=random_ways.ways())
def test_ways_out(where: Place, drawn: random_ways.Ways) -> None:
    rule = rule_of("ways_out", drawn.written(), {"roles": [*random_ways.MAY_BE]})
    assert said_of(where, rule, drawn.as_of, random_ways.statements(drawn)) == judge_ways(drawn)
