"""A draft never widens the set of persons: what it does to rows that refer to those in breach, on a real database."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from privacy_audit.compiler import suites
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.engine import auditor
from tests.unit.engine.conftest import PROMISES, Store, by_control
from tests.unit.engine.test_remediation_script import ABOUT, HOLDS, register, run

USERS: dict[str, Any] = {
    "title": "Accounts",
    "key": ["id"],
    "subject": {"column": "id"},
    "soft_delete": {"clock": {"column": "deleted_at"}},
}
OLD, NOW = "'2024-01-01'::timestamptz", "NULL::timestamptz"


def users(store: Store, responsible: str = "bigint REFERENCES app.users", more: str = "") -> None:
    """Ada (1) was marked as deleted long ago; she stands for Bo (2) and Cy (3). Di (4) stands for Cy's brother (5)."""
    store.do(
        f"""CREATE TABLE app.users (id bigint PRIMARY KEY, name text, deleted_at timestamptz,
            responsible_id {responsible}{more})""",
        f"""INSERT INTO app.users (id, name, deleted_at, responsible_id) VALUES (1, 'Ada', {OLD}, NULL),
            (2, 'Bo', {NOW}, 1), (3, 'Cy', {NOW}, 1), (4, 'Di', {NOW}, NULL), (5, 'Ed', {NOW}, 4)""",
    )


def audited(store: Store, results: Path, tables: dict[str, Any] | None = None, **more: Any) -> CheckResult:
    """What is said of the accounts that are marked as deleted."""
    mapped = StoreMap.model_validate({**ABOUT, "tables": {"app.users": USERS, **(tables or {})}, **more})
    coverage = suites.bind(PROMISES, mapped)
    order = auditor.StoreOrder(
        audit_id="a1",
        as_of=datetime.now(UTC),
        coverage=coverage,
        controls=frozenset({"DEL-1"}),
        suites=[suites.json.loads(content) for content in suites.compile_suites(PROMISES, [coverage]).values()],
        results=results,
    )
    return by_control(auditor.audit_store(order, lambda: store.reader))["DEL-1"]


def rows(store: Store, columns: str = "id, responsible_id", table: str = "app.users") -> list[list[Any]]:
    """What is in a table."""
    found: list[list[Any]] = store.ask(
        f"SELECT coalesce(json_agg(json_build_array({columns}) ORDER BY id), '[]') FROM {table}"
    )
    return found


def uncommented(draft: str) -> str:
    """The draft with every line used that it offers."""
    return re.sub(r"^-- (DELETE FROM|UPDATE) ", r"\1 ", draft, flags=re.MULTILINE)


def statements(draft: str) -> list[str]:
    """The statements that delete or change, also those that are only offered."""
    return re.findall(r"^(?:-- )?(?:DELETE|UPDATE) .*$", draft, flags=re.MULTILINE)


WARDS = [[2, None], [3, None], [4, None], [5, 4]]


@pytest.mark.parametrize(
    "action", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL", "DEFERRABLE INITIALLY DEFERRED"]
)
def test_the_wards_of_a_deleted_guardian_stay_without_a_guardian(store: Store, tmp_path: Path, action: str) -> None:
    users(store, f"bigint REFERENCES app.users {action}")
    check = audited(store, tmp_path)
    assert check.outcome is Outcome.FAIL
    run(store, check.draft)
    assert rows(store) == WARDS
    again = audited(store, tmp_path / "again")
    assert (again.outcome, again.draft) != (Outcome.FAIL, check.draft)
    assert again.tally is not None
    assert again.tally.violating == 0


def test_no_line_deletes_rows_that_refer_to_rows_of_their_own_table(store: Store, tmp_path: Path) -> None:
    users(store)
    draft = audited(store, tmp_path).draft
    deletes = [line for line in statements(draft) if "DELETE" in line]
    assert len(deletes) == 1
    assert "responsible_id" not in deletes[0]
    run(store, uncommented(draft))
    assert rows(store) == WARDS


def test_as_it_stands_the_draft_changes_no_ward(store: Store, tmp_path: Path) -> None:
    users(store)
    before = rows(store)
    with store.as_owner() as connection, connection.connection.cursor() as cursor:
        cursor.execute(audited(store, tmp_path).draft)
    assert rows(store) == before


@pytest.mark.parametrize("action", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_rows_that_are_due_and_refer_to_each_other_go_together(store: Store, tmp_path: Path, action: str) -> None:
    users(store, f"bigint REFERENCES app.users {action}")
    store.do(
        f"UPDATE app.users SET deleted_at = {OLD} WHERE id = 2", "UPDATE app.users SET responsible_id = 2 WHERE id = 1"
    )
    store.do("UPDATE app.users SET responsible_id = 2 WHERE id = 3")
    run(store, audited(store, tmp_path).draft)
    assert rows(store) == [[3, None], [4, None], [5, 4]]


def test_a_row_that_refers_to_itself_goes(store: Store, tmp_path: Path) -> None:
    users(store)
    store.do("UPDATE app.users SET responsible_id = 1 WHERE id = 1")
    run(store, audited(store, tmp_path).draft)
    assert rows(store) == WARDS


def test_a_reference_that_may_not_be_null_is_left_to_a_person(store: Store, tmp_path: Path) -> None:
    store.do(
        "CREATE TABLE app.users (id bigint PRIMARY KEY, deleted_at timestamptz,"
        " responsible_id bigint NOT NULL REFERENCES app.users ON DELETE CASCADE)",
        f"INSERT INTO app.users VALUES (4, NULL, 4), (1, {OLD}, 4), (2, NULL, 1)",
    )
    draft = audited(store, tmp_path).draft
    assert len(statements(draft)) == 1
    assert "a person has to decide" in " ".join(draft.replace("-- ", "").split())
    with pytest.raises(psycopg2.errors.RaiseException, match=r"Rows of app\.users refer to rows that are due"):
        run(store, uncommented(draft))
    assert len(rows(store)) == 3


def test_a_domain_that_refuses_null_is_a_reference_that_may_not_be_null(store: Store, tmp_path: Path) -> None:
    store.do("CREATE DOMAIN app.key AS bigint NOT NULL", "CREATE DOMAIN app.guardian AS app.key")
    store.do(
        "CREATE TABLE app.users (id bigint PRIMARY KEY, deleted_at timestamptz,"
        " responsible_id app.guardian REFERENCES app.users)",
        f"INSERT INTO app.users VALUES (4, NULL, 4), (1, {OLD}, 4), (2, NULL, 1)",
    )
    assert len(statements(audited(store, tmp_path).draft)) == 1


def composite(store: Store, match: str, tenant: str, action: str = "") -> None:
    """Guardians are named by tenant and number."""
    store.do(
        f"""CREATE TABLE app.users (id bigint PRIMARY KEY, tenant int {tenant}, deleted_at timestamptz,
            responsible_id bigint, UNIQUE (tenant, id),
            FOREIGN KEY (tenant, responsible_id) REFERENCES app.users (tenant, id) {match} {action})""",
        f"INSERT INTO app.users VALUES (1, 7, {OLD}, 1), (2, 7, NULL, 1), (4, 7, NULL, 4)",
    )


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE"])
def test_of_a_key_of_several_columns_those_that_may_be_null_are_emptied(
    store: Store, tmp_path: Path, action: str
) -> None:
    composite(store, "MATCH SIMPLE", "NOT NULL", action)
    run(store, audited(store, tmp_path).draft)
    assert rows(store, "id, tenant, responsible_id") == [[2, 7, None], [4, 7, 4]]


def test_a_column_that_another_foreign_key_needs_keeps_its_value(store: Store, tmp_path: Path) -> None:
    store.do("CREATE TABLE app.tenants (id int PRIMARY KEY)", "INSERT INTO app.tenants VALUES (7)")
    composite(store, "MATCH SIMPLE", "REFERENCES app.tenants")
    run(store, audited(store, tmp_path).draft)
    assert rows(store, "id, tenant, responsible_id") == [[2, 7, None], [4, 7, 4]]


@pytest.mark.parametrize(("tenant", "left"), [("", [[2, None, None], [4, 7, 4]]), ("NOT NULL", None)])
def test_match_full_is_all_columns_or_a_person(store: Store, tmp_path: Path, tenant: str, left: Any) -> None:
    composite(store, "MATCH FULL", tenant)
    draft = audited(store, tmp_path).draft
    if left is None:
        assert len(statements(draft)) == 1
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            run(store, uncommented(draft))
    else:
        run(store, draft)
        assert rows(store, "id, tenant, responsible_id") == left


def test_rows_of_the_same_person_in_the_same_table_stay_as_well(store: Store, tmp_path: Path) -> None:
    """That a row refers to one that is due does not make it due itself."""
    composite(store, "MATCH SIMPLE", "NOT NULL")
    draft = audited(store, tmp_path, {"app.users": {**USERS, "subject": {"column": "tenant"}}}).draft
    assert len([line for line in statements(draft) if "DELETE" in line]) == 1
    run(store, draft)
    assert rows(store, "id, tenant, responsible_id") == [[2, 7, None], [4, 7, 4]]


def test_a_ward_under_a_legal_hold_keeps_its_guardian_and_stops_the_draft(store: Store, tmp_path: Path) -> None:
    users(store)
    store.do(HOLDS.format(type="timestamptz"))
    draft = audited(store, tmp_path, registers=register()).draft
    before = rows(store)
    store.do("INSERT INTO app.holds VALUES (1, 2, 'financial', 'A', now(), NULL)")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        run(store, draft)
    assert rows(store) == before
    store.do("UPDATE app.holds SET person = 5")
    run(store, draft)
    assert rows(store) == WARDS


MESSAGES = {
    "title": "Messages",
    "key": ["id"],
    "subject": {"column": "sender"},
    "data": [{"category": "connection", "clock": {"column": "sent_at"}}],
}


def messages(store: Store, receiver: str) -> None:
    """Two accounts, the first of which is due, and what each wrote to the other."""
    users(store)
    store.do(
        f"""CREATE TABLE app.messages (id int PRIMARY KEY, sent_at timestamptz DEFAULT now(),
            sender bigint NOT NULL REFERENCES app.users, receiver bigint {receiver})""",
        "INSERT INTO app.messages (id, sender, receiver) VALUES (1, 1, 4), (2, 4, 1)",
    )


def test_rows_of_other_persons_stay_and_lose_the_reference(store: Store, tmp_path: Path) -> None:
    messages(store, "REFERENCES app.users")
    draft = audited(store, tmp_path, {"app.messages": MESSAGES}).draft
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        run(store, draft)  # the owner has not decided yet
    run(store, uncommented(draft))
    assert rows(store, "id, sender, receiver", "app.messages") == [[2, 4, None]]
    assert rows(store) == WARDS


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE"])
def test_rows_of_other_persons_that_need_the_reference_are_left_to_a_person(
    store: Store, tmp_path: Path, action: str
) -> None:
    messages(store, f"NOT NULL REFERENCES app.users {action}")
    draft = audited(store, tmp_path, {"app.messages": MESSAGES}).draft
    assert not [line for line in statements(draft) if "receiver" in line]
    with pytest.raises((psycopg2.errors.ForeignKeyViolation, psycopg2.errors.RaiseException)):
        run(store, uncommented(draft))
    assert len(rows(store, "id", "app.messages")) == 2


def test_rows_of_which_the_map_does_not_say_whose_they_are_are_never_deleted(store: Store, tmp_path: Path) -> None:
    messages(store, "NOT NULL REFERENCES app.users")
    draft = audited(store, tmp_path).draft
    assert not [line for line in statements(draft) if "messages" in line]


def test_rows_of_the_same_person_are_not_offered_where_others_would_go_with_them(store: Store, tmp_path: Path) -> None:
    """From accounts to contracts and back: who deletes a contract deletes the accounts that it names."""
    messages(store, "REFERENCES app.users")
    store.do("ALTER TABLE app.users ADD favourite int REFERENCES app.messages ON DELETE CASCADE")
    store.do("UPDATE app.users SET favourite = 1 WHERE id = 3")
    draft = audited(store, tmp_path, {"app.messages": MESSAGES}).draft
    assert not [line for line in statements(draft) if "sender" in line]
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        run(store, uncommented(draft))
    assert len(rows(store)) == 5


CONSENTS = {
    "table": "app.consents",
    "reading": "events",
    "subject": "person",
    "purpose": "purpose",
    "action": {"column": "action", "grant": "grant", "withdraw": "withdraw"},
    "at": {"column": "at"},
}


def test_a_register_does_not_lose_the_person_of_its_rows(store: Store, tmp_path: Path) -> None:
    """A consent without a person makes every other one undecidable: its rows go with their person, or stay."""
    users(store)
    store.do(
        """CREATE TABLE app.consents (id int, person bigint REFERENCES app.users, purpose text, action text,
            at timestamptz)"""
    )
    draft = audited(store, tmp_path, registers={"consents": CONSENTS}).draft
    lines = [line for line in statements(draft) if "consents" in line]
    assert lines == ['-- DELETE FROM "app"."consents" AS other USING pg_temp.due WHERE other."person" = due."id";']


@pytest.mark.parametrize("column", ["SET NOT NULL", "DROP NOT NULL"])
def test_a_legal_hold_is_neither_deleted_nor_taken_from_its_person(store: Store, tmp_path: Path, column: str) -> None:
    users(store)
    store.do(HOLDS.format(type="timestamptz"))
    store.do(f"ALTER TABLE app.holds ALTER person {column}, ADD FOREIGN KEY (person) REFERENCES app.users")
    draft = audited(store, tmp_path, registers=register()).draft
    assert not [line for line in statements(draft) if "holds" in line]
    assert "a person has to decide" in " ".join(draft.replace("-- ", "").split())


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_foreign_key_of_or_to_a_part_of_a_table_is_seen(store: Store, tmp_path: Path, action: str) -> None:
    store.do(
        "CREATE TABLE app.users (id bigint PRIMARY KEY, deleted_at timestamptz) PARTITION BY RANGE (id)",
        "CREATE TABLE app.users_1 PARTITION OF app.users FOR VALUES FROM (0) TO (9)",
        f"INSERT INTO app.users VALUES (1, {OLD}), (2, NULL)",
        "CREATE TABLE app.posts (id int, at int, who bigint) PARTITION BY RANGE (at)",
        "CREATE TABLE app.posts_1 PARTITION OF app.posts FOR VALUES FROM (0) TO (9)",
        f"ALTER TABLE app.posts_1 ADD FOREIGN KEY (who) REFERENCES app.users_1 ON DELETE {action}",
        "INSERT INTO app.posts VALUES (1, 1, 1)",
    )
    draft = audited(store, tmp_path, {"app.users": {**USERS, "relation": "partitioned"}}).draft
    with pytest.raises(psycopg2.errors.RaiseException, match=r"Rows of app\.posts_1 refer to rows that are due"):
        run(store, draft)
    run(store, uncommented(draft))
    assert rows(store, "id, who", "app.posts") == [[1, None]]
    assert rows(store, "id") == [[2]]
