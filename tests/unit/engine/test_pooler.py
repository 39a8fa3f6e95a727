"""An audit through a real pooler that others share: it counts what it counts without, and leaves no trace to anybody.

The pooler gives each transaction any session of the server, by one user for all. What a session of ours left behind
would be the application's, in its next transaction.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa

from demo.installation import installation
from demo.server import EmbeddedPostgres
from privacy_audit.pipeline import assembling, auditing
from privacy_audit.postgres.session_settings import CONTRACT
from tests.other_encodings import database_in
from tests.pgbouncer import SESSIONS, pooled
from tests.traces import LEFT
from tests.unit.pipeline.company import STORES, Company, airflow_url, enter, execute, fill, make_expectations
from tests.unit.pipeline.one_night import plan

pytestmark = pytest.mark.slow

ODD = {
    "datestyle": "'German, DMY'",
    "timezone": "'Asia/Tokyo'",
    "search_path": "app, web, public",
    "default_transaction_isolation": "'serializable'",
    "intervalstyle": "'sql_standard'",
    "work_mem": "'8MB'",
}
"""Settings that a company may give its database. The application counts on them."""
ENCODINGS = ("UTF8", "LATIN1")


@dataclass
class Shared:
    """Two databases, with one user for the audit and for the application."""

    company: Company
    databases: dict[str, str]
    """Store to its address, for the superuser."""
    user: str
    password: str
    port: int
    """Where the server itself listens."""

    def connections(self, port: int) -> dict[str, str]:
        """What leads an audit to the stores by a port."""
        return {f"AIRFLOW_CONN_STORE_{name.upper()}": self.address(name, port) for name in STORES}

    def address(self, store: str, port: int) -> str:
        url = sa.make_url(self.databases[store]).set(port=port, username=self.user, password=self.password)
        return airflow_url(url)

    def tallies(self, monkeypatch: pytest.MonkeyPatch, home: Path, port: int) -> dict[str, tuple[Any, ...]]:
        """What a whole audit counts through a port: by the functions that the command line calls."""
        enter(monkeypatch, self.company, home)
        for name, value in self.connections(port).items():
            monkeypatch.setenv(name, value)
        order = plan(stores=list(STORES))
        checks = assembling.assemble(order, auditing.audit_everything(order)).checks
        return {check.id: (check.outcome, check.cause, check.reason, check.tally) for check in checks}


@pytest.fixture(params=ENCODINGS)
def shared(request: pytest.FixtureRequest, server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Shared]:
    user, password = f"everybody_{uuid4().hex[:8]}", uuid4().hex
    execute(server.url(), f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
    with ExitStack() as stack:
        databases = {store: stack.enter_context(database_in(server, request.param)) for store in STORES}
        for store, url in databases.items():
            fill(url, store)
            execute(url, f"GRANT USAGE ON SCHEMA {store} TO {user}")
            execute(url, f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {store} TO {user}")
            for setting, value in ODD.items():
                execute(url, f"ALTER DATABASE {sa.make_url(url).database} SET {setting} = {value}")
        company = Company(make_expectations(tmp_path / "expectations"), {}, tuple(databases.values()), password)
        yield Shared(company, databases, user, password, server.port)
    execute(server.url(), f"DROP ROLE {user}")


@contextmanager
def all_sessions(address: str) -> Iterator[list[Any]]:
    """A transaction of the application in each session of the pool, all at the same time."""
    clients = [psycopg2.connect(address) for _ in range(SESSIONS)]
    try:
        for client in clients:
            client.cursor().execute("SELECT 1")
        yield clients
    finally:
        for client in clients:
            client.rollback()  # the pooler closes a session whose client left it in a transaction
            client.close()


def left(address: str) -> list[list[tuple[str, str]]]:
    """What a client meets in each session."""
    with all_sessions(address) as clients:
        return [_asked(client, LEFT) for client in clients]


def _asked(client: Any, statement: str) -> list[Any]:
    with client.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def pids(address: str) -> set[int]:
    with all_sessions(address) as clients:
        return {row[0] for client in clients for row in _asked(client, "SELECT pg_backend_pid()")}


def plainly(address: str, statement: str, home: Path) -> str:
    """What a client learns whose driver sets nothing: psycopg2 itself asks for DateStyle ISO."""
    psql = installation(home).programs / "psql"
    nameless = f"{address}?application_name="  # else its own name is what the next client meets
    command = [str(psql), "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement, nameless]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_through_a_pooler_the_audit_is_right_and_the_application_notices_nothing(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGAPPNAME", "the auditor's own")
    directly = shared.tallies(monkeypatch, tmp_path / "direct", shared.port)
    with pooled(shared.port, shared.user, shared.password) as port:
        app = shared.address("app", port)
        monkeypatch.delenv("PGAPPNAME")
        before, sessions = left(app), pids(app)
        dated = plainly(app, "SHOW DateStyle", tmp_path)
        monkeypatch.setenv("PGAPPNAME", "the auditor's own")
        assert shared.tallies(monkeypatch, tmp_path / "pooled", port) == directly
        monkeypatch.delenv("PGAPPNAME")
        assert pids(app) == sessions, "the audit and the application had the same sessions of the server"
        assert left(app) == before, "whatever a session can keep"
        assert plainly(app, "SHOW DateStyle", tmp_path) == dated == "German, DMY"
        with all_sessions(app) as clients:
            for number, client in enumerate(clients):
                insert = "INSERT INTO logins VALUES (%s, 1, now()) RETURNING id"  # by the database's search_path
                assert _asked(client, insert.replace("%s", str(100 + number))) == [(100 + number,)]
                client.commit()
                assert _asked(client, "SHOW default_transaction_read_only") == [("off",)]
    assert {outcome.value for outcome, _, _, tally in directly.values() if tally} >= {"fail", "pass"}


def test_a_session_in_which_a_client_left_another_role_is_not_believed(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pooler gives the snapshot's keeper one session and its readers the other."""
    other = f"other_{uuid4().hex[:8]}"
    execute(shared.databases["app"], f"CREATE ROLE {other}; GRANT {other} TO {shared.user}")
    try:
        with pooled(shared.port, shared.user, shared.password) as port:
            with all_sessions(shared.address("app", port)) as clients:
                _asked(clients[0], f"SET ROLE {other}; SELECT 1")
                clients[0].commit()
            tallies = shared.tallies(monkeypatch, tmp_path, port)
    finally:
        execute(shared.databases["app"], f"DROP ROLE {other}")
    found = {
        (outcome.value, cause and cause.value) for name, (outcome, cause, *_) in tallies.items() if "app.s" in name
    }
    assert found == {("not_audited", "unsafe_session")}


def test_what_is_compared_holds_every_setting_of_the_contract(shared: Shared) -> None:
    """And the application's differ from ours, so that one of ours would be seen."""
    with closing(psycopg2.connect(shared.address("app", shared.port))) as client:
        shown = {name.lower(): value for name, value in _asked(client, LEFT)}
    ours = {f"setting {name}".lower(): value for name, value in CONTRACT.items()}
    assert set(ours) <= set(shown)
    alike = {name for name, value in ours.items() if shown[name] == value}
    assert alike <= {"setting standard_conforming_strings", "setting client_encoding", "setting datestyle"}
