"""Stores and networks that fail while the audit looks: looked at again once, or not audited and said why, never a pass.

The server is real, the way to it is a proxy that can be cut, and everything goes through the engine's one door.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.engine import auditor
from privacy_audit.postgres import session_settings, store_session
from tests.conftest import MakeDatabase
from tests.unit.engine.conftest import PASSWORD, Store, by_control, made
from tests.unit.engine.proxy import Link, Proxy

pytestmark = pytest.mark.slow

SCHEMA = """
    CREATE TABLE app.positions (id bigint PRIMARY KEY, user_id bigint, recorded_at timestamptz);
    CREATE TABLE app.sessions (id bigint PRIMARY KEY, user_id bigint, started_at timestamptz);
    INSERT INTO app.positions VALUES (1, 1, '2026-11-20'), (2, 2, '2026-01-01'), (3, 3, NULL);
    INSERT INTO app.sessions VALUES (1, 1, '2026-11-20');
"""


def _table(title: str, category: str, clock: str) -> dict[str, Any]:
    data = {"category": category, "clock": {"column": clock}}
    return {"title": title, "key": ["id"], "subject": {"column": "user_id"}, "data": [data]}


TABLES = {
    "app.positions": _table("Positions", "geolocation", "recorded_at"),
    "app.sessions": _table("Sessions", "connection", "started_at"),
}
POSITIONS, SESSIONS = "FROM app.positions AS t\n LIMIT", "FROM app.sessions AS t\n LIMIT"
"""Words of the statements that count, in their order."""
AS_IT_WAS = {"RET-3": (3, 1, 1), "RET-4": (1, 0, 0)}
"""Population, violating and undecidable rows of the two checks."""
LATER = """
    INSERT INTO app.positions VALUES (4, 4, '2026-02-02'), (5, 5, '2026-11-02');
    INSERT INTO app.sessions VALUES (2, 2, '2025-01-01')
"""
AS_IT_IS_LATER = {"RET-3": (5, 2, 1), "RET-4": (2, 1, 0)}
PATIENCE_SECONDS = 60
"""How long a busy machine may take for what is sure to come."""
LONG = "120000"
"""Milliseconds of a limit that is not to be met."""
TOO_LATE = "DELETE FROM app.positions; DELETE FROM app.sessions"


@pytest.fixture(autouse=True, scope="module")
def imported() -> None:
    """The first audit of a process imports Great Expectations while its store is open, which takes seconds."""
    import_module("privacy_audit.engine.expectations")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look does not wait."""
    monkeypatch.setattr(auditor, "PAUSE_SECONDS", 0)


@pytest.fixture
def app(store: Store) -> Store:
    """A store with two tables, of which one breaks its promise."""
    store.do(SCHEMA)
    return store


@pytest.fixture
def proxy(server: EmbeddedPostgres) -> Iterator[Proxy]:
    with Proxy(server.port).running() as running:
        yield running


def audit(store: Store, proxy: Proxy, results: Path) -> StoreResult:
    return store.through(proxy.port).audit(results, TABLES)


def tallies(result: StoreResult) -> dict[str, tuple[int, int, int] | None]:
    """Population, violating and undecidable rows by control; None where nothing was counted."""
    found = {control: check.tally for control, check in by_control(result).items()}
    return {
        control: (tally.population, tally.violating, tally.undecidable) if tally else None
        for control, tally in found.items()
    }


def looks(proxy: Proxy) -> int:
    """How often the store was looked at: each look exports a snapshot."""
    return proxy.said("pg_export_snapshot")


def outcomes(result: StoreResult) -> dict[str, tuple[Outcome, Cause | None]]:
    return {control: (check.outcome, check.cause) for control, check in by_control(result).items()}


def keeper(proxy: Proxy) -> Link:
    """The connection that keeps the snapshot of the present look."""
    return next(link for link in reversed(proxy.links) if b"pg_export_snapshot" in link.asked)


def test_a_store_that_does_not_fail_is_looked_at_once(app: Store, proxy: Proxy, tmp_path: Path) -> None:
    result = audit(app, proxy, tmp_path)
    assert tallies(result) == AS_IT_WAS
    assert looks(proxy) == 1


def test_every_session_keeps_the_contract_and_none_stays(app: Store, proxy: Proxy, tmp_path: Path) -> None:
    audit(app, proxy, tmp_path)
    assert len(proxy.links) > 1
    for link in proxy.links:
        assert b"lock_timeout" in link.asked
    until = time.monotonic() + PATIENCE_SECONDS
    while any(link.is_open for link in proxy.links) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(link.is_open for link in proxy.links)


LOSSES: dict[str, Callable[[Store, Proxy, Link], object]] = {
    "the network is gone": lambda _store, proxy, _link: proxy.cut_all(),
    "the reader's connection is reset": lambda _store, proxy, link: proxy.cut(link),
    "the reader hears no more": lambda _store, proxy, link: proxy.close_halfway(link),
    "the keeper's connection is reset": lambda _store, proxy, _link: proxy.cut(keeper(proxy)),
    "the keeper hears no more": lambda _store, proxy, _link: proxy.close_halfway(keeper(proxy)),
    "the keeper's session is ended": lambda store, _proxy, _link: end_keeper(store),
    "the server crashes": lambda store, _proxy, _link: crash(store),
}


def end_keeper(store: Store) -> None:
    """As an operator does who sees a session idle in its transaction."""
    ended = store.ask(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%pg_export_snapshot%' AND pid <> pg_backend_pid()"
    )
    assert ended == 1


def crash(store: Store) -> None:
    """Kills a server process of the audit: PostgreSQL then ends every session and recovers. Returns when it has."""
    with store.as_owner() as witness:
        witness.exec_driver_sql("CHECKPOINT")  # the tests' server does not wait for its disk
        pid = store.ask("SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'privacy-audit/a1'")
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(sa.exc.OperationalError):
            witness.exec_driver_sql("SELECT pg_sleep(30)")
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            store.ask("SELECT 1")
        except sa.exc.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not come back")


@pytest.mark.parametrize("loss", LOSSES)
def test_a_store_lost_between_two_checks_is_looked_at_again_as_a_whole(
    app: Store, proxy: Proxy, tmp_path: Path, loss: str
) -> None:
    lost_at: list[datetime] = []

    def lose(link: Link) -> None:
        lost_at.append(datetime.now(UTC))
        app.do(LATER)
        LOSSES[loss](app, proxy, link)

    def change_again(_: Link) -> None:
        if lost_at:
            app.do(TOO_LATE)

    proxy.before(SESSIONS, lose)
    proxy.before(POSITIONS, change_again, times=2)
    result = audit(app, proxy, tmp_path)
    assert tallies(result) == AS_IT_IS_LATER, "all of the second snapshot: neither the first nor what came after it"
    assert result.outcome is Outcome.FAIL
    assert result.cause is None
    assert looks(proxy) == 2
    assert datetime.fromisoformat(result.snapshot.split(" on ")[0]) > lost_at[0]


@pytest.mark.parametrize(
    "words",
    [
        "SET TRANSACTION ISOLATION",
        "pg_catalog.version()",
        "set_config",
        "pg_settings",
        "pg_export_snapshot",
        "SET TRANSACTION SNAPSHOT",
        "pg_index",
        POSITIONS,
    ],
)
def test_at_whatever_statement_a_store_is_lost_it_is_looked_at_again(
    app: Store, proxy: Proxy, tmp_path: Path, words: str
) -> None:
    proxy.before(words, proxy.cut_all)
    assert tallies(audit(app, proxy, tmp_path)) == AS_IT_WAS
    assert looks(proxy) <= 2


@pytest.mark.parametrize("number", [1, 2, 3])
def test_whichever_connection_does_not_come_about_the_store_is_looked_at_again(
    app: Store, proxy: Proxy, tmp_path: Path, number: int
) -> None:
    def refuse(link: Link) -> None:
        if len(proxy.links) == number:
            proxy.cut(link)

    proxy.before("client_encoding", refuse, times=number)
    assert tallies(audit(app, proxy, tmp_path)) == AS_IT_WAS
    assert looks(proxy) <= 2


@pytest.mark.parametrize("loss", ["the network is gone", "the keeper's connection is reset"])
@pytest.mark.parametrize("words", [POSITIONS, SESSIONS])
def test_a_store_lost_twice_is_not_audited_and_nothing_of_either_look_is_kept(
    app: Store, proxy: Proxy, tmp_path: Path, loss: str, words: str
) -> None:
    proxy.before(words, lambda link: LOSSES[loss](app, proxy, link), times=2)
    result = audit(app, proxy, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.LOST)
    assert set(outcomes(result).values()) == {(Outcome.NOT_AUDITED, Cause.LOST)}
    assert set(tallies(result).values()) == {None}
    assert {check.reason[:38] for check in by_control(result).values()} == {"The connection was lost while reading:"}
    assert result.snapshot == ""
    assert looks(proxy) == 2


def test_a_check_lost_twice_is_not_audited_and_the_other_is_of_the_second_look(
    app: Store, proxy: Proxy, tmp_path: Path
) -> None:
    def lose(link: Link) -> None:
        if looks(proxy) == 1:
            app.do(LATER)
        proxy.cut(link)

    proxy.before(POSITIONS, lose, times=2)
    result = audit(app, proxy, tmp_path)
    assert outcomes(result)["RET-3"] == (Outcome.NOT_AUDITED, Cause.LOST)
    assert tallies(result) == {"RET-3": None, "RET-4": AS_IT_IS_LATER["RET-4"]}
    assert looks(proxy) == 2


def test_a_server_that_never_answers_is_given_up_within_seconds(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_settings, "CONNECT_SECONDS", 2)
    proxy.is_silent = True
    started = time.monotonic()
    result = audit(app, proxy, tmp_path)
    assert time.monotonic() - started < PATIENCE_SECONDS, "by itself a driver waits for ever"
    assert len(proxy.links) == 2
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.UNREACHABLE)
    assert result.reason == "The server did not answer in time."
    assert set(outcomes(result).values()) == {(Outcome.NOT_AUDITED, Cause.UNREACHABLE)}


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """While positions are locked, as by a migration, the statement that counts them waits."""
    with psycopg2.connect(store.owner.replace("+psycopg2", "")) as migration, migration.cursor() as cursor:
        cursor.execute("LOCK TABLE app.positions IN ACCESS EXCLUSIVE MODE")
        yield
        migration.rollback()


@contextmanager
def an_operator(store: Store, act: str, before: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Someone who acts, once, on the session of the audit that waits for the lock; `before` is called first."""
    acted: list[int] = []
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'privacy-audit/a1'"

    def watch() -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not store.ask(f"SELECT count(*) {waiting}"):
            if time.monotonic() > until:
                return
            time.sleep(0.01)
        before()
        acted.append(store.ask(f"SELECT count({act}(pid)) {waiting}"))

    thread = Thread(target=watch)
    thread.start()
    yield
    thread.join()
    assert acted == [1]


def test_a_statement_that_reaches_its_time_limit_is_not_audited_and_the_others_are(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every statement of the audit is under the limit: it must be long for those that do not wait.
    monkeypatch.setitem(store_session.CONTRACT, "statement_timeout", "3000")
    monkeypatch.setitem(store_session.CONTRACT, "lock_timeout", LONG)
    with locked(app):
        result = audit(app, proxy, tmp_path)
    assert outcomes(result) == {"RET-3": (Outcome.NOT_AUDITED, Cause.TIMEOUT), "RET-4": (Outcome.PASS, None)}
    reason = by_control(result)["RET-3"].reason
    assert reason == "The statement was cancelled, by its time limit or by an operator (SQLSTATE 57014)."
    assert looks(proxy) == 1, "what took too long once is not asked of production again"


def test_a_statement_that_an_operator_cancels_is_not_asked_again(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(store_session.CONTRACT, "lock_timeout", LONG)
    with locked(app), an_operator(app, "pg_cancel_backend"):
        result = audit(app, proxy, tmp_path)
    assert outcomes(result)["RET-3"][0] is Outcome.NOT_AUDITED
    assert "by an operator" in by_control(result)["RET-3"].reason
    assert outcomes(result)["RET-4"] == (Outcome.PASS, None)
    assert looks(proxy) == 1


def test_a_session_that_an_operator_ends_is_looked_at_again_once_at_most(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second_look_gives_up() -> None:
        monkeypatch.setitem(store_session.CONTRACT, "lock_timeout", "500")

    monkeypatch.setitem(store_session.CONTRACT, "lock_timeout", LONG)
    with locked(app), an_operator(app, "pg_terminate_backend", before=second_look_gives_up):
        result = audit(app, proxy, tmp_path)
    assert outcomes(result)["RET-3"] == (Outcome.NOT_AUDITED, Cause.TIMEOUT), "the lock, on the second look"
    assert tallies(result)["RET-4"] == AS_IT_WAS["RET-4"]
    assert looks(proxy) == 2


@pytest.mark.parametrize("limit", ["idle_in_transaction_session_timeout", "transaction_timeout"])
def test_a_keeper_that_reaches_a_time_limit_lets_nothing_pass(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setitem(store_session.CONTRACT, "lock_timeout", "800")
    monkeypatch.setitem(store_session.CONTRACT, limit, "500")
    with locked(app):
        result = audit(app, proxy, tmp_path)
    assert result.outcome is Outcome.NOT_AUDITED
    assert {outcome for outcome, _ in outcomes(result).values()} == {Outcome.NOT_AUDITED}
    assert result.cause in (Cause.LOST, Cause.TIMEOUT)
    assert looks(proxy) <= 2


@pytest.mark.parametrize("limit", [0, 1])
def test_a_role_without_connections_left_is_refused(app: Store, proxy: Proxy, tmp_path: Path, limit: int) -> None:
    app.do(f"ALTER ROLE {app.role} CONNECTION LIMIT {limit}")
    result = audit(app, proxy, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.REFUSED)
    assert set(outcomes(result).values()) == {(Outcome.NOT_AUDITED, Cause.REFUSED)}
    assert result.reason == "The server has no connection left for the role; an audit needs two."
    assert len(proxy.links) == limit + 1, "it does not knock again and again"


@contextmanager
def crowded(url: sa.URL) -> Iterator[None]:
    """While the server takes no more connections like this one."""
    crowd: list[Any] = []
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with suppress(psycopg2.OperationalError):
        while len(crowd) < 200:
            crowd.append(psycopg2.connect(address))
    assert len(crowd) < 200
    yield
    for connection in crowd:
        connection.close()
    left = True
    while left:  # a session ends a moment after its connection
        with suppress(psycopg2.OperationalError), psycopg2.connect(address) as door, door.cursor() as cursor:
            cursor.execute("SELECT count(*) > 5 FROM pg_stat_activity WHERE backend_type = 'client backend'")
            left = (True,) in cursor.fetchall()


@pytest.mark.parametrize("who", ["reader", "superuser"])
def test_a_server_without_connections_left_is_said_to_be_full(
    app: Store, proxy: Proxy, tmp_path: Path, who: str
) -> None:
    # The last few are kept for superusers; when those are gone too, the server says so in other words.
    with crowded(app.reader if who == "reader" else sa.make_url(app.owner)):
        result = audit(app, proxy, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.REFUSED)
    assert result.reason == "The server has no connection left for the role; an audit needs two."


def test_a_keeper_and_a_reader_are_all_the_connections_an_audit_needs(app: Store, proxy: Proxy, tmp_path: Path) -> None:
    app.do(f"ALTER ROLE {app.role} CONNECTION LIMIT 2")
    assert tallies(audit(app, proxy, tmp_path)) == AS_IT_WAS


CANARY = "anne.canari@example.org"


def test_a_value_that_cannot_be_cast_leaves_only_its_sqlstate(
    app: Store, proxy: Proxy, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    # Applications that outlived PostgreSQL 8.2 brought such casts along: text then compares with numbers, or fails.
    app.do(
        "CREATE TABLE app.logins (name text PRIMARY KEY, person bigint)",
        f"INSERT INTO app.logins VALUES ('1', 1), ('{CANARY}', 2)",
        "CREATE CAST (text AS bigint) WITH INOUT AS IMPLICIT",
    )
    subject = {"table": "app.logins", "on": {"user_id": "name"}, "column": "person"}
    tables = {**TABLES, "app.positions": {**TABLES["app.positions"], "subject": subject}}
    for name in (None, "sqlalchemy", "great_expectations"):
        caplog.set_level(logging.DEBUG, name)
    result = app.through(proxy.port).audit(tmp_path, tables)
    check = by_control(result)["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.DRIFT)
    assert check.reason == "A value cannot be read as the type the map implies (SQLSTATE 22P02)."
    assert outcomes(result)["RET-4"] == (Outcome.PASS, None)
    assert CANARY.encode() in proxy.answers, "the server quotes the value"
    assert caplog.records
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".json"]) == 2
    kept = "".join([repr(result), caplog.text, *capfd.readouterr(), *(path.read_text() for path in files)])
    for record in caplog.records:
        kept += repr(record.__dict__)
    assert "canari" not in kept
    assert PASSWORD not in kept


MEANWHILE = {
    "dropped": ("DROP TABLE app.positions", Cause.DRIFT, "A table is not there (SQLSTATE 42P01)."),
    "without its clock": (
        "ALTER TABLE app.positions DROP recorded_at",
        Cause.DRIFT,
        "A column is not there (SQLSTATE 42703).",
    ),
    "out of reach": (
        "REVOKE SELECT ON app.positions FROM {role}",
        Cause.REFUSED,
        "The role may not read a column or table that the check needs, or row-level security would hide rows of it"
        " (SQLSTATE 42501).",
    ),
    "behind row-level security": (
        "ALTER TABLE app.positions ENABLE ROW LEVEL SECURITY",
        Cause.REFUSED,
        "The role may not read a column or table that the check needs, or row-level security would hide rows of it"
        " (SQLSTATE 42501).",
    ),
}
"""What a snapshot does not hold still, between the proof that a table can be seen and its count."""


@pytest.mark.parametrize("change", MEANWHILE)
def test_a_table_that_changes_after_the_proof_is_not_audited(
    app: Store, proxy: Proxy, tmp_path: Path, change: str
) -> None:
    statement, cause, reason = MEANWHILE[change]
    proxy.before(POSITIONS, lambda _: app.do(statement.format(role=app.role)))
    result = audit(app, proxy, tmp_path)
    check = by_control(result)["RET-3"]
    assert (check.outcome, check.cause, check.reason) == (Outcome.NOT_AUDITED, cause, reason)
    assert check.tally is None
    assert outcomes(result)["RET-4"] == (Outcome.PASS, None)


def test_a_table_emptied_after_the_proof_never_passes(app: Store, proxy: Proxy, tmp_path: Path) -> None:
    # TRUNCATE, unlike DELETE, empties a table for snapshots that were taken before it.
    proxy.before(POSITIONS, lambda _: app.do("TRUNCATE app.positions"))
    result = audit(app, proxy, tmp_path)
    assert outcomes(result) == {"RET-3": (Outcome.REVIEW, Cause.EMPTY), "RET-4": (Outcome.PASS, None)}


def test_another_store_is_audited_as_if_nothing_had_happened(
    app: Store, proxy: Proxy, make_database: MakeDatabase, tmp_path: Path
) -> None:
    proxy.before(POSITIONS, proxy.cut_all, times=2)
    with made(make_database()) as other:
        other.do(SCHEMA)
        alone = other.audit(tmp_path / "alone", TABLES)
        assert audit(app, proxy, tmp_path / "night").cause is Cause.LOST
        after = other.audit(tmp_path / "night", TABLES)
    assert tallies(after) == AS_IT_WAS
    assert (after.outcome, after.cause, after.checks) == (alone.outcome, alone.cause, alone.checks)


def test_a_server_that_falls_silent_in_a_statement_is_given_up(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is in between goes on to answer keepalives, and the server's own time limits reach nobody.
    monkeypatch.setattr(store_session, "SILENCE_SECONDS", 3.0)
    proxy.before("count(*) AS population", lambda _: setattr(proxy, "is_silent", True))
    began = time.monotonic()
    result = audit(app, proxy, tmp_path)
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert result.outcome is Outcome.NOT_AUDITED
    assert result.cause in {Cause.LOST, Cause.UNREACHABLE}
    assert looks(proxy) == 1, "the second look finds nobody"


def test_a_statement_that_takes_its_time_is_not_taken_for_silence(
    app: Store, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_session, "SILENCE_SECONDS", 6.0)
    proxy.before("count(*) AS population", lambda _: time.sleep(1), times=2)
    assert tallies(audit(app, proxy, tmp_path)) == AS_IT_WAS
