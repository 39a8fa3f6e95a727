"""The edge cases of the controls that judge in memory, as data in cases/: real databases, and a file for each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.domain.tally import Tally
from privacy_audit.erasure import IdentifierKind
from tests.cases.case_files import books
from tests.conftest import MakeDatabase
from tests.unit.engine.conftest import made
from tests.unit.erasure.erasing import COMPLETED, Two, entries, ledger, two_stores
from tests.unit.erasure.holding import ROWS, SCHEMA, Held, conn, give_keys

Case = dict[str, Any]
STATES = ("compliant", "violating", "undecidable", "held", "out_of_scope")


def _named(book: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", book["cases"], ids=[case["name"] for case in book["cases"]])


def _counted(tally: Tally, expect: Mapping[str, int]) -> None:
    """Every part of the tally is as expected, and nothing else was counted."""
    found = asdict(tally)
    states = {name: expect.get(name, 0) for name in STATES}
    assert {name: found[name] for name in STATES} == states
    assert tally.population == sum(states.values())
    assert tally.subjects == expect.get("subjects", 0)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


ERASED = books("memory")["erased"]


@pytest.fixture(scope="module")
def two(make_database: MakeDatabase, patch: pytest.MonkeyPatch) -> Iterator[Two]:
    with two_stores(make_database(), make_database(), patch) as both:
        yield both


@_named(ERASED)
def test_what_is_left_of_erased_persons(two: Two, case: Case) -> None:
    two.app.do("DELETE FROM app.users")
    filed = (statement for line in {**ERASED, **case}["ledger"] for statement in _entries(line))
    two.web.do("DELETE FROM app.erasures WHERE request IS DISTINCT FROM 'key check'", *filed)
    for entry in case.get("entries", []):
        _insert(two.web.owner, "app.erasures", {**ERASED["entry"], **entry})
    _insert(two.app.owner, "app.users", {"id": 1, **ERASED["row"], **case["row"]})
    edit = ledger(**case.get("map", {}))
    if "refused" in case:
        assert case["refused"] in two.refusal(edit=edit).reason
    else:
        _counted(two.look(edit=edit), {case["expect"]: 1, "subjects": case.get("subjects", 0)})


def _entries(line: Case) -> Iterator[str]:
    completed = line.get("completed", COMPLETED)
    return entries(
        line["text"],
        IdentifierKind(line["kind"]),
        of=line.get("of", ""),
        request=line.get("request", "E-1"),
        completed=f"'{completed}'" if completed else "NULL",
        version=line.get("version", 2),
        shared=str(line.get("shared", False)),
    )


def _insert(url: str, relation: str, row: Case) -> None:
    columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text(f"INSERT INTO {relation} ({columns}) VALUES ({values})"), row)


HELD = books("memory")["held_rows_present"]


@pytest.fixture(scope="module")
def kept(make_database: MakeDatabase, patch: pytest.MonkeyPatch) -> Iterator[Held]:
    url = make_database()
    audit_db.init(url)
    patch.setenv("AIRFLOW_CONN_THE_REGISTER", conn(url))
    give_keys(patch, "1")
    with made(make_database()) as store:
        store.do(*SCHEMA)
        yield Held(store, url)


@_named(HELD)
def test_what_a_legal_hold_keeps(kept: Held, case: Case) -> None:
    _forget(kept.register)
    kept.store.do("TRUNCATE app.visits, app.legal_holds", *ROWS)
    table = case.get("table", "app.visits")

    def edit(given: dict[str, Any]) -> None:
        given["tables"]["app.visits"] |= case.get("visits", {})

    first = kept.night(case.get("before", "SELECT 1"), table=table, edit=edit)
    _counted(first, case.get("first", {"compliant": 10}))
    second = kept.night(case["do"], table=table, edit=edit)
    _counted(second, case["expect"])
    assert (second.oldest is not None) == bool(second.violating)


def _forget(audit_db_url: str) -> None:
    """Empties what is on file of holds: as a replica, for otherwise what was filed stays."""
    with sa.create_engine(audit_db_url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica; DELETE FROM hold_manifests")
