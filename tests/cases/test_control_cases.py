"""The edge cases of the controls, as data in cases/: real PostgreSQL in both plan shapes, and the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.config.policy.consistency import OF_THE_AUDIT, OF_THE_COMPANY
from privacy_audit.controls import Rule, kinds
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.engine.measurement import count_all
from tests.cases.case_files import Book, books, sources
from tests.conftest import MakeDatabase
from tests.oracle.compare import counted, listed, seeks_agree
from tests.oracle.moments import Far, Row, Tables
from tests.oracle.oracle import evaluate
from tests.oracle.tables import create, filled

MOMENTS = {"timestamptz": datetime.fromisoformat, "timestamp": datetime.fromisoformat, "date": date.fromisoformat}


@dataclass(frozen=True)
class Case:
    """A rule at an instant over a few rows, and what the tally must say."""

    name: str
    kind: str
    as_of: datetime
    rule: dict[str, Any]
    tables: Tables
    expect: dict[str, str]


def _cases(book: Book) -> Iterator[Case]:
    for case in book["cases"]:
        variant = book["variants"][case["variant"]] if "variant" in case else {}
        rows = {book["rule"]["table"]: case.get("rows", [case.get("row")]), **case.get("tables", {})}
        tables = {
            table: [{"id": number, **_row(row, columns)} for number, row in enumerate(rows.get(table, []))]
            for table, columns in book["tables"].items()
        }
        expect = case["expect"] if isinstance(case["expect"], dict) else {case["expect"]: 1, "population": 1}
        yield Case(
            case["name"],
            book["kind"],
            datetime.fromisoformat(case.get("as_of", book["as_of"])),
            {**book["rule"], **variant, **case.get("rule", {})},
            tables,
            {name: str(value) for name, value in {**expect, **case.get("also", {})}.items()},
        )


def _row(row: Row, columns: dict[str, str]) -> Row:
    return {name: _value(value, columns[name]) for name, value in row.items()}


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, str) and value in {far.value for far in Far}:
        return Far(value)
    if kind in MOMENTS:
        return MOMENTS[kind](value)
    return Decimal(str(value)) if kind == "numeric" else value


CASES = [case for book in books("rows").values() for case in _cases(book)]


@pytest.fixture(scope="module")
def connection(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """A database with the tables of all case files."""
    engine = sa.create_engine(make_database())
    with closing(engine.connect()) as connection:
        with connection.begin():
            for book in books("rows").values():
                create(connection, book["tables"])
        yield connection
    engine.dispose()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.name}" for case in CASES])
def test_a_case(case: Case, connection: sa.Connection) -> None:
    rule = kinds()[case.kind].model_validate(case.rule)
    expected = evaluate(rule, case.tables, case.as_of)
    assert _said(expected.fields, case) == case.expect, "the oracle"
    with filled(connection, case.tables):
        full = counted(count_all(connection, rule, rule.context(case.as_of)))
        assert _said(full, case) == case.expect
        seeks_agree(connection, rule, case.as_of, full)
        assert listed(connection, rule, case.as_of) == expected.violating


def test_names_tell_cases_apart() -> None:
    names = [(case.kind, case.name) for case in CASES]
    assert len(set(names)) == len(names)


def test_every_kind_has_cases_of_every_state_it_knows() -> None:
    for kind in {case.kind for case in CASES}:
        states = {name for case in CASES if case.kind == kind for name in case.expect}
        assert {"compliant", "violating", "undecidable"} <= states, kind


def test_every_kind_has_a_file_of_cases() -> None:
    """Run by the module that fits; what `own_records` judges is no table: the tests of the self-audit try it."""
    expected = {kind: _source(kind, rule) for kind, rule in kinds().items()} | dict.fromkeys(OF_THE_COMPANY, "company")
    assert sources() == {**expected, "nightly": "nights"}
    assert set(OF_THE_AUDIT) == {"own_records", "nightly"}


def _source(kind: str, rule: type[Rule]) -> str:
    if kind in ("erased", "held_rows_present"):
        return "memory"
    if kind == "clocks_agree":
        return "clocks"
    return "catalog" if issubclass(rule, CatalogRule) else "rows"


def _said(fields: dict[str, Any], case: Case) -> dict[str, str]:
    return {name: str(fields[name]) for name in case.expect}
