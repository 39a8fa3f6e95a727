"""The edge cases of the controls over a store's catalog, as data in cases/: a real database, judged as the auditor.

Each case is undone at its end, roles and settings included; so is what all cases of a kind begin with. `@name` is a
role of theirs: roles belong to the whole server. `{it}` stands for what a case has `each` for itself, or `all_of` at
once; `{database}` for the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML
from tests.conftest import MakeDatabase

from privacy_audit.controls import Rule, kinds
from privacy_audit.engine.listing import Listing, listing
from privacy_audit.engine.measure import count_all
from privacy_audit.model import Control, Severity
from privacy_audit.store_map import StoreMap

FOLDER = Path(__file__).parent / "cases"
ABOUT = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "tables": {"app.users": {"title": "Users", "key": ["id"]}},
}
FIELDS = {"name", "each", "all_of", "as_of", "map", "do", "compliant", "violating", "undecidable"}
OTHERS_STAY_OUT = """
DO $$ DECLARE role name; BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname <> 'postgres' LOOP
        EXECUTE format('ALTER ROLE %I NOLOGIN', role);
    END LOOP;
END $$;
CREATE ROLE @auditor LOGIN;
"""
"""Roles that other tests left on the server are none of the case's."""


@dataclass(frozen=True)
class Case:
    """A database as it is, the map of it, and all that the control must count and list."""

    name: str
    kind: str
    as_of: datetime
    parameters: dict[str, Any]
    map: dict[str, Any]
    do: list[str]
    compliant: int
    violating: list[str]
    """What is listed of each: the columns of the control's key."""
    undecidable: list[str]


def _cases(book: dict[str, Any]) -> Iterator[Case]:
    for given in book["cases"]:
        assert set(given) <= FIELDS, given  # SQL with a comma and without quotes would be cut there
        for it in given.get("each", [None]):
            case = given if it is None else _filled(given, it)
            yield Case(
                case["name"] if it is None else f"{case['name']}: {it}",
                book["kind"],
                datetime.fromisoformat(case.get("as_of", book["as_of"])),
                book.get("parameters", {}),
                {**book.get("map", {}), **case.get("map", {})},
                _several(case, "do"),
                case["compliant"],
                sorted(_several(case, "violating")),
                sorted(_several(case, "undecidable")),
            )


def _several(case: dict[str, Any], field: str) -> list[str]:
    """What a field says, as a list; once for each of what the case has at once."""
    said = case.get(field, [])
    parts = said if isinstance(said, list) else [said]
    return [_filled(part, it) for it in case.get("all_of", [None]) for part in parts]


def _filled(part: Any, it: str | None) -> Any:
    """The part of a case with one of its `each` or `all_of` in place."""
    if isinstance(part, dict):
        return {name: _filled(value, it) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, it) for value in part]
    return part.replace("{it}", str(it)) if it is not None and isinstance(part, str) else part


BOOKS = {path.stem: YAML(typ="safe").load(path) for path in sorted(FOLDER.glob("*.yaml"))}
CASES = [case for book in BOOKS.values() for case in _cases(book)]


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[sa.Engine]:
    """The superuser's way into a database of these cases, with names resolved as in the auditor's sessions."""
    options = {"options": "-csearch_path=pg_catalog"}
    engine = sa.create_engine(make_database(), connect_args=options)
    yield engine
    engine.dispose()


@dataclass(frozen=True)
class Place:
    """A database within a transaction, with names of roles of its own."""

    connection: sa.Connection
    prefix: str

    def run(self, *statements: str) -> None:
        database = str(self.connection.engine.url.database)
        for statement in statements:
            script = re.sub(r"(?<![\w.])@(?=[a-z])", self.prefix, statement.replace("{database}", database))
            self.connection.exec_driver_sql(script.replace("%", "%%"))

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """What is done meanwhile is undone, whoever one became."""
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()

    def short(self, cells: Sequence[Any]) -> str:
        database = str(self.connection.engine.url.database)
        told = " | ".join("-" if cell is None else str(cell) for cell in cells)
        return told.replace(self.prefix, "@").replace(database, "{database}").rstrip()


@pytest.fixture(scope="module")
def where(engine: sa.Engine, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place in which every case of a kind begins."""
    with engine.connect() as connection, connection.begin() as transaction:
        made = Place(connection, f"r{uuid4().hex[:8]}_")
        made.run(OTHERS_STAY_OUT, *BOOKS[request.param].get("store", []))
        yield made
        transaction.rollback()


@pytest.mark.parametrize(
    ("where", "case"),
    [(case.kind, case) for case in CASES],
    ids=[f"{case.kind}: {case.name}" for case in CASES],
    indirect=["where"],
)
def test_a_case(where: Place, case: Case) -> None:
    rule = _rule(case)
    with where.for_a_while():
        where.run(*case.do, "SET SESSION AUTHORIZATION @auditor")
        measured = count_all(where.connection, rule, case.as_of)
        tally = asdict(measured.tally)
        found_any = tally["violating"] + tally["undecidable"] > 0
        shown = measured.listing or listing(rule, rule.frame(case.as_of))
        listed = _listed(where, shown, len(rule.key)) if found_any else {"violating": [], "undecidable": []}
    assert listed == {"violating": case.violating, "undecidable": case.undecidable}
    found = {name: tally[name] for name in ("compliant", "violating", "undecidable", "held", "out_of_scope")}
    expected = {
        "compliant": case.compliant,
        "violating": len(case.violating),
        "undecidable": len(case.undecidable),
        "held": 0,
        "out_of_scope": 0,
    }
    assert found == expected
    assert tally["population"] == sum(expected.values())


def test_names_tell_cases_apart() -> None:
    names = [(case.kind, case.name) for case in CASES]
    assert len(set(names)) == len(names)


def _rule(case: Case) -> Rule:
    control = Control("T-1", case.kind, "Kept", Severity.HIGH, (), (), date(2024, 1, 1), parameters=case.parameters)
    (rule,) = kinds()[case.kind].bind(control, StoreMap.model_validate({**ABOUT, **case.map}), "Europe/Paris")
    assert isinstance(rule, Rule)
    return type(rule).model_validate(rule.as_json())  # as a compiled suite carries it


def _listed(where: Place, shown: Listing, names: int) -> dict[str, list[str]]:
    """Every row by what it is, but those that keep the promise, as the report's SELECTs list them: first its names."""
    rows = {name: where.connection.exec_driver_sql(text.replace("%", "%%")) for name, text in asdict(shown).items()}
    return {name: sorted(where.short(cells[:names]) for cells in found.all()) for name, found in rows.items()}
