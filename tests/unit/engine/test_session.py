"""Sessions on a store: nothing of them outlives its transaction, all of it is read back, and no superuser is near."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.postgres import session_settings
from privacy_audit.postgres.session_settings import CONTRACT, TRANSACTION, UnsafeSessionError, connect_args, keep
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.postgres.store_session import open_store
from privacy_audit.sql.catalog.role_rights import excess_rights
from tests.conftest import MakeDatabase
from tests.other_encodings import WITH_ACCENTS, database_in
from tests.traces import LEFT
from tests.unit.engine.conftest import Store, by_control, made
from tests.unit.pipeline.company import airflow_url

OTHERS = {
    "statement_timeout": "1h",
    "lock_timeout": "1h",
    "idle_in_transaction_session_timeout": "2h",
    "transaction_timeout": "2h",
    "search_path": "app",
    "row_security": "on",
    "TimeZone": "Asia/Tokyo",
    "IntervalStyle": "sql_standard",
    "max_parallel_workers_per_gather": "4",
    "work_mem": "8MB",
    "hash_mem_multiplier": "3",
    "jit": "on",
    "enable_presorted_aggregate": "on",
    "constraint_exclusion": "on",
    "transaction_read_only": "off",
    "transaction_isolation": "serializable",
}
"""What each setting is where nobody sets it. A driver asks for the others when it connects."""
SESSIONS = {
    "app.sessions": {
        "title": "Sessions",
        "key": ["id"],
        "subject": {"column": "user_id"},
        "data": [{"category": "connection", "clock": {"column": "started_at"}}],
    }
}
SCHEMA = (
    "CREATE TABLE app.sessions (id bigint PRIMARY KEY, user_id bigint, started_at timestamptz)",
    "INSERT INTO app.sessions VALUES (1, 1, '2026-11-20'), (2, 2, '2020-01-01')",
)


@pytest.fixture
def app(store: Store) -> Store:
    """A store whose server has other defaults than the contract, each of them."""
    store.do(*SCHEMA)
    for name, value in OTHERS.items():
        store.do(f"ALTER ROLE {store.role} SET {name.replace('transaction_', 'default_transaction_')} = '{value}'"
                 if name in TRANSACTION else f"ALTER ROLE {store.role} SET {name} = '{value}'")  # fmt: skip
    return store


def audit(store: Store, results: Path) -> StoreResult:
    return store.audit(results, SESSIONS, controls=("RET-4",))


def outcome(result: StoreResult) -> tuple[Outcome, Cause | None, str]:
    check = by_control(result)["RET-4"]
    return check.outcome, check.cause, check.reason


_OTHER_HALF = {"transaction_read_only": "ISOLATION LEVEL REPEATABLE READ", "transaction_isolation": "READ ONLY"}


def lose(monkeypatch: pytest.MonkeyPatch, lost: str, *, of_readers: bool) -> None:
    """From now on one setting is not sent: as when a pooler drops it."""
    sent = session_settings._settings

    def others(audit_id: str, token: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
        for statement, values in sent(audit_id, token):
            if bool(token) is not of_readers:
                yield statement, values
            elif lost in TRANSACTION and statement.startswith("SET TRANSACTION ISOLATION"):
                kept = {
                    "transaction_read_only": "ISOLATION LEVEL REPEATABLE READ",
                    "transaction_isolation": "READ ONLY",
                }
                yield f"SET TRANSACTION {kept[lost]}", ()
            elif lost in values:
                place = values.index(lost)
                yield statement, (*values[:place], "privacy_audit.nothing", *values[place + 1 :])
            else:
                yield statement, values

    monkeypatch.setattr(session_settings, "_settings", others)


@pytest.mark.parametrize("lost", OTHERS)
def test_a_keeper_that_loses_a_setting_is_not_believed(app: Store, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    lose(monkeypatch, lost, of_readers=False)
    with (
        pytest.raises(StoreError, match=f"did not keep these settings: {lost}\\.") as caught,
        open_store(app.reader, "a"),
    ):
        pass
    assert caught.value.cause is Cause.UNSAFE_SESSION


@pytest.mark.parametrize("lost", ["lock_timeout", "row_security", "transaction_read_only"])
def test_a_reader_that_loses_a_setting_is_not_believed(
    app: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: str
) -> None:
    lose(monkeypatch, lost, of_readers=True)
    result = audit(app, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)
    assert outcome(result)[:2] == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)


def test_a_session_of_great_expectations_that_loses_a_setting_is_not_believed(
    app: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The catalog was read by then, so that only its own sessions lose it."""
    from privacy_audit.engine import auditor

    run = auditor.run_suites

    def then(*given: Any, **more: Any) -> Any:
        lose(monkeypatch, "row_security", of_readers=True)
        return run(*given, **more)

    monkeypatch.setattr(auditor, "run_suites", then)
    assert outcome(audit(app, tmp_path))[:2] == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)


def test_whatever_the_servers_defaults_are_it_is_audited(app: Store, tmp_path: Path) -> None:
    assert set(OTHERS) | {"DateStyle", "client_encoding", "standard_conforming_strings"} == {*CONTRACT, *TRANSACTION}
    assert outcome(audit(app, tmp_path))[0] is Outcome.FAIL


def test_nothing_stays_in_a_session(app: Store) -> None:
    app.do(f"ALTER ROLE {app.role} SET DateStyle = 'German, DMY'")
    with psycopg2.connect(airflow_url(app.reader)) as fresh, fresh.cursor() as cursor:
        cursor.execute(LEFT)
        before = dict(cursor.fetchall())
    engine = sa.create_engine(app.reader, poolclass=sa.pool.StaticPool, connect_args=connect_args())
    keep(engine, "a1")
    for end in ("rollback", "commit"):
        with engine.connect() as connection:
            names = {*CONTRACT, "application_name"}
            inside = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}
            assert inside["application_name"] == "privacy-audit/a1"
            getattr(connection, end)()
        driver = engine.raw_connection().driver_connection
        assert driver is not None
        assert driver.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
        with driver.cursor() as cursor:
            cursor.execute(LEFT)
            left = dict(cursor.fetchall())
        driver.rollback()
        assert {name for name in before if left[name] != before[name]} <= {"setting client_encoding"}
        assert set(left) == set(before)
    engine.dispose()


def test_the_first_look_of_the_drivers_dialect_is_under_the_contract(app: Store) -> None:
    """It asks in the server's search_path, where an owner may have put a function of that name."""
    app.do(
        "CREATE FUNCTION app.current_schema() RETURNS name LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'asked as the auditor'; END $$",
        "CREATE TABLE app.pg_type (oid oid, typarray oid, typnamespace oid, typname name)",
        f"ALTER ROLE {app.role} SET search_path = app, pg_catalog",
    )
    with pytest.raises(sa.exc.DBAPIError, match="asked as the auditor"), sa.create_engine(app.reader).connect():
        pass
    with open_store(app.reader, "a1") as door, door.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM app.sessions").scalar() == 2


def test_a_reader_that_sees_another_instant_is_not_believed(app: Store, make_database: MakeDatabase) -> None:
    with open_store(app.reader, "a1") as first:
        app.do("INSERT INTO app.sessions VALUES (3, 3, now())")
        with open_store(app.reader, "a1") as second:
            mixed = sa.create_engine(app.reader, poolclass=sa.NullPool, connect_args=connect_args())
            keep(mixed, "a1", second.snapshot.token, first.sight)
            with mixed.connect() as connection, pytest.raises(UnsafeSessionError, match="sees another instant"):
                connection.exec_driver_sql("SELECT 1")
            with second.engine.connect() as connection, app.as_owner() as owner:
                owner.exec_driver_sql("BEGIN; INSERT INTO app.sessions VALUES (4, 4, now())")
                assert connection.exec_driver_sql("SELECT count(*) FROM app.sessions").scalar() == 3
                owner.exec_driver_sql("ROLLBACK")


def test_while_others_write_readers_see_what_the_keeper_sees(app: Store) -> None:
    with app.as_owner() as one, app.as_owner() as other:
        one.exec_driver_sql("BEGIN; INSERT INTO app.sessions VALUES (3, 3, now()); SAVEPOINT a;"
                            "INSERT INTO app.sessions VALUES (4, 4, now())")  # fmt: skip
        with open_store(app.reader, "a1") as door:
            other.exec_driver_sql("BEGIN; INSERT INTO app.sessions VALUES (5, 5, now())")
            one.exec_driver_sql("COMMIT")
            for _ in range(2):
                with door.engine.connect() as connection:
                    assert connection.exec_driver_sql("SELECT count(*) FROM app.sessions").scalar() == 2
        other.exec_driver_sql("ROLLBACK")


def test_a_driver_that_writes_texts_otherwise_than_they_are_read_is_not_believed(app: Store, tmp_path: Path) -> None:
    """It decides that when it connects; a pattern with a backslash would mean something else to the server."""
    app.do(f"ALTER ROLE {app.role} SET standard_conforming_strings = off")
    result = audit(app, tmp_path / "off")
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)
    advice = "ALTER ROLE ... SET standard_conforming_strings = on"
    assert advice in result.reason
    app.do(advice.replace("...", app.role))
    assert outcome(audit(app, tmp_path / "on"))[0] is Outcome.FAIL


REACHES = {
    "who logged in is one": ("", "{reader}", "postgres"),
    "a member may become one": ("GRANT {boss} TO {reader}", "", ""),
    "a member of a member may": ("GRANT {boss} TO {between}; GRANT {between} TO {reader}", "", ""),
    "a member that does not inherit may": ("GRANT {boss} TO {reader} WITH INHERIT FALSE, SET TRUE", "", ""),
    "who logged in may become one": ("GRANT {boss}, {reader} TO {between}", "{reader}", "{between}"),
    "it begins as one": ("GRANT {boss} TO {reader}; ALTER ROLE {reader} SET role = '{boss}'", "", ""),
}
"""What is granted, the role that the connection asks for, and who logs in where it is another."""


@pytest.mark.parametrize("reach", REACHES)
def test_a_session_that_may_become_a_superuser_is_refused(
    app: Store, server: EmbeddedPostgres, tmp_path: Path, reach: str
) -> None:
    grants, role, login = REACHES[reach]
    names = {name: f"{name}_{uuid4().hex[:8]}" for name in ("boss", "between")} | {"reader": app.role}
    app.do("CREATE ROLE {boss} SUPERUSER; CREATE ROLE {between} LOGIN PASSWORD 'secret'".format(**names))
    try:
        app.do(*(grant.format(**names) for grant in grants.split("; ") if grant))
        if login:
            password = server.password if login == "postgres" else "secret"
            app.reader = app.reader.set(username=login.format(**names), password=password)
        if role:
            app.reader = app.reader.update_query_dict({"options": f"-c role={role.format(**names)}"})
        result = audit(app, tmp_path)
    finally:
        app.do("DROP ROLE {boss}, {between}".format(**names))
        app.reader = app.reader.set(username=names["reader"])
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)
    assert "is a superuser" in result.reason


def test_a_member_that_may_not_become_the_superuser_is_audited(app: Store, tmp_path: Path) -> None:
    boss = f"boss_{uuid4().hex[:8]}"
    app.do(f"CREATE ROLE {boss} SUPERUSER; GRANT {boss} TO {app.role} WITH INHERIT FALSE, SET FALSE")
    try:
        with open_store(app.reader, "a1"):
            pass
    finally:
        app.do(f"DROP ROLE {boss}")


def test_the_rights_of_who_logged_in_are_told_too(app: Store, server: EmbeddedPostgres) -> None:
    url = sa.make_url(app.owner)
    engine = sa.create_engine(url, connect_args={"options": f"-c role={app.role}"}, poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = {tuple(row) for row in connection.execute(sa.select(excess_rights()))}
    assert ("SUPERUSER", f"the server after SET ROLE {url.username}") in rows


UNMAPPED = ("naissance_été", "prénom", "téléphone")


@pytest.mark.parametrize("encoding", ["LATIN2", "WIN1251", "SQL_ASCII", *WITH_ACCENTS])
def test_columns_are_known_by_their_names_in_a_database_of_any_encoding(
    server: EmbeddedPostgres, tmp_path: Path, encoding: str
) -> None:
    names = UNMAPPED if encoding not in ("LATIN2", "WIN1251") else ("prenom",)
    with database_in(server, encoding) as url, made(url) as store:
        engine = sa.create_engine(url, connect_args={"client_encoding": "UTF8"}, isolation_level="AUTOCOMMIT")
        with engine.connect() as owner:
            for statement in SCHEMA:
                owner.exec_driver_sql(statement)
            owner.exec_driver_sql("CREATE TABLE app.people (" + " int, ".join(names) + " int)")
        engine.dispose()
        result = store.audit(tmp_path, SESSIONS, controls=("RET-4", "DRIFT-1"))
        (drift,) = (check for check in result.checks if check.control == "DRIFT-1")
        assert drift.outcome is Outcome.FAIL, drift.reason
        assert drift.tally
        assert drift.tally.violating == len(names)
        assert outcome(result)[0] is Outcome.FAIL
        assert any("SQL_ASCII" in limit for limit in result.limits) is (encoding == "SQL_ASCII")


def test_a_database_that_keeps_bytes_is_not_asked_for_letters(server: EmbeddedPostgres) -> None:
    with database_in(server, "SQL_ASCII") as url, made(url) as store, open_store(store.reader, "a1") as door:
        for asked in ("SELECT 'é'", "SELECT 'e'"):
            with door.engine.connect() as connection:
                if asked.isascii():
                    assert connection.exec_driver_sql(asked).scalar() == "e"
                else:
                    with pytest.raises(UnsafeSessionError, match="letters beyond ASCII"):
                        connection.exec_driver_sql(asked)
        with door.engine.connect() as connection, pytest.raises(UnsafeSessionError, match="letters beyond ASCII"):
            connection.execute(sa.select(sa.literal("e"), sa.literal("œ")))
