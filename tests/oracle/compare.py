"""The oracle against real PostgreSQL, in both plan shapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from tests.oracle import tables
from tests.oracle.draws import Case
from tests.oracle.oracle import judge

from privacy_audit.controls import kinds
from privacy_audit.engine.measure import Measured, count_all, count_suspects

thrice = settings(max_examples=3 * settings().max_examples)
"""Three times the examples of the profile: correctness is the product."""

SOUGHT = (
    "violating", "held", "undecidable", "subjects", "oldest", "newest", "overdue_since", "ages", "late_holds",
)  # fmt: skip
"""What the seek plan counts; population and the rest are the planner's estimate there."""


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection to a database with the tables in it."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        with connection.begin():
            tables.create(connection, tables.COLUMNS)
        yield connection
    engine.dispose()


def agree(connection: sa.Connection, case: Case) -> None:
    """The SQL and the oracle say the same of every row, and so do both plan shapes."""
    rule = kinds()[case.kind].model_validate(case.rule)
    judgement = judge(rule, case.tables, case.as_of)
    expected = {**asdict(judgement.tally), "late_holds": judgement.late_holds}
    with tables.filled(connection, case.tables):
        assert _counted(count_all(connection, rule, case.as_of)) == expected
        for seek in rule.seeks(rule.frame(case.as_of)):
            sought = _counted(count_suspects(connection, rule, case.as_of, seek, len(case.tables[rule.table])))
            assert {name: sought[name] for name in SOUGHT} == {name: expected[name] for name in SOUGHT}, seek.index


def _counted(measured: Measured) -> dict[str, Any]:
    return {**asdict(measured.tally), "late_holds": measured.late_holds}
