"""The edge cases of the controls over a store's catalog, as data in cases/: a real database, judged as the auditor.

Each case is undone at its end, roles and settings included; so is what all cases of a kind begin with. `@name` is a
role of theirs: roles belong to the whole server. `{it}` stands for what a case has `each` for itself, or `all_of` at
once; `{database}` for the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cases.case_files import books
from tests.unit.sql.catalog.place import Judged, Place, a_place, judged, rule_of

FIELDS = {"name", "each", "all_of", "as_of", "map", "do", "compliant", "violating", "undecidable"}


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


BOOKS = books("catalog")
CASES = [case for book in BOOKS.values() for case in _cases(book)]


@pytest.fixture(scope="module")
def where(engine: sa.Engine, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place in which every case of a kind begins."""
    with a_place(engine, *BOOKS[request.param].get("store", [])) as made:
        yield made


@pytest.mark.parametrize(
    ("where", "case"),
    [(case.kind, case) for case in CASES],
    ids=[f"{case.kind}: {case.name}" for case in CASES],
    indirect=["where"],
)
def test_a_case(where: Place, case: Case) -> None:
    with where.for_a_while():
        where.run(*case.do)
        found = judged(where, rule_of(case.kind, case.map, case.parameters), case.as_of)
    assert found == Judged.of(case.compliant, case.violating, case.undecidable)


def test_names_tell_cases_apart() -> None:
    names = [(case.kind, case.name) for case in CASES]
    assert len(set(names)) == len(names)
