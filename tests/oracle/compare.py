"""The oracle against real PostgreSQL, in both plan shapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from hypothesis import settings

from privacy_audit.controls import Rule, kinds
from privacy_audit.engine.measurement import Measurement, count_all, count_suspects
from privacy_audit.engine.row_queries import listing
from tests.oracle import tables
from tests.oracle.draws import Case
from tests.oracle.oracle import evaluate

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
    expected = evaluate(rule, case.tables, case.as_of)
    with tables.filled(connection, case.tables):
        assert counted(count_all(connection, rule, rule.context(case.as_of))) == expected.fields
        seeks_agree(connection, rule, case.as_of, expected.fields)
        assert listed(connection, rule, case.as_of) == expected.violating


def seeks_agree(connection: sa.Connection, rule: Rule, as_of: datetime, expected: dict[str, Any]) -> None:
    """Every way to the suspects counts what the whole table counts."""
    for seek in rule.seeks(rule.context(as_of)):
        sought = counted(count_suspects(connection, rule, rule.context(as_of), seek, expected["population"]))
        assert {name: sought[name] for name in SOUGHT} == {name: expected[name] for name in SOUGHT}, seek.index


def counted(measured: Measurement) -> dict[str, Any]:
    """The tally by name, with the late holds."""
    return {**asdict(measured.tally), "late_holds": measured.late_holds}


def listed(connection: sa.Connection, rule: Rule, as_of: datetime) -> list[Any]:
    """Keys of what the SELECT of the report shows to an engineer, as it would be pasted; `()` for a whole register."""
    with connection.connection.cursor() as cursor:
        cursor.execute(listing(rule, rule.context(as_of)).violating)
        return sorted((row[0] if rule.key else () for row in cursor.fetchall()), key=str)
