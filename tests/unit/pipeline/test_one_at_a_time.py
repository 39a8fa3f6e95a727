"""One audit at a time reads a store, anyone who starts it; the database that keeps them apart may be down or get
lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit import audit_db
from privacy_audit.audit_db import StoreBusyError, locks, store_lock
from privacy_audit.config import settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.pipeline import assembling, auditing, one_at_a_time
from tests.places import ROOT
from tests.unit.engine.proxy import Proxy
from tests.unit.pipeline.company import Rows, airflow_url
from tests.unit.pipeline.one_night import handed_on, plan

pytestmark = pytest.mark.slow

HOLDER = """
import sys, time
from privacy_audit.audit_db import store_lock
with store_lock(sys.argv[1], "app"):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(locks._LOCAL, "lock_timeout", "300ms")


@contextmanager
def a_holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that audits the store."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    command = [sys.executable, "-c", HOLDER, url]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def look(store: str = "app") -> StoreResult:
    order = plan(stores=[store], controls=["RET-4"])
    (result,) = auditing.audit_everything(order)
    return handed_on(result)


@pytest.mark.usefixtures("rows")
def test_a_store_that_another_audit_reads_is_not_audited(register: str) -> None:
    with a_holder(register):
        for result in (look(), handed_on(auditing.audit_store(plan(stores=["app"], controls=["RET-4"]), "app"))):
            assert (result.outcome, result.cause) == ("not_audited", "busy")
            assert result.reason == "Another audit of store app is running; one at a time reads it."
            assert {check.outcome for check in result.checks} == {"not_audited"}
        assert look("web").cause is None, "another store is another's turn"


@pytest.mark.usefixtures("rows")
def test_the_command_line_says_so_with_3(register: str) -> None:
    command = [sys.executable, "-m", "privacy_audit.cli.main", "run", "--store", "app", "--control", "RET-4"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    with a_holder(register):
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 3, told.stderr
    assert "Another audit of store app is running" in told.stdout


@pytest.mark.usefixtures("rows")
def test_of_two_at_once_one_reads_it(register: str) -> None:
    def hold(_: int) -> str:
        try:
            with store_lock(register, "app"):
                time.sleep(1.5)
                return "held"
        except StoreBusyError:
            return "busy"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(hold, range(2))) == ["busy", "held"]
    assert hold(0) == "held", "it is let go when the audit is over"


@pytest.mark.usefixtures("rows")
def test_a_killed_audit_lets_the_store_go(register: str) -> None:
    with a_holder(register) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with store_lock(register, "app") as is_held:
            assert is_held()


@pytest.mark.usefixtures("rows")
def test_no_time_limit_ends_it_while_a_store_is_read(register: str) -> None:
    with store_lock(register, "app"), sa.create_engine(register, poolclass=sa.NullPool).connect() as other:
        held = other.exec_driver_sql(
            "SELECT state FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE locktype = 'advisory' AND pg_stat_activity.datname = current_database()"
        ).all()
        assert [tuple(row) for row in held] == [("idle in transaction",)]
        assert locks._LOCAL["idle_in_transaction_session_timeout"] == locks._LOCAL["transaction_timeout"] == "0"


@pytest.mark.usefixtures("rows")
def test_a_database_with_a_short_limit_for_idle_transactions_keeps_it_all_the_same(register: str, rows: Rows) -> None:
    database = sa.make_url(register).database
    rows(f"ALTER DATABASE {database} SET idle_in_transaction_session_timeout = '200ms'")
    try:
        with store_lock(register, "app") as is_held:
            time.sleep(0.6)
            assert is_held()
    finally:
        rows(f"ALTER DATABASE {database} RESET idle_in_transaction_session_timeout")


@pytest.mark.usefixtures("rows")
def test_a_lock_that_was_lost_meanwhile_is_said(register: str, rows: Rows) -> None:
    with one_at_a_time.turn(settings.load(), "app") as limits:
        rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    assert limits == [one_at_a_time._LOST]


@pytest.mark.usefixtures("rows")
def test_one_that_is_kept_says_nothing() -> None:
    with one_at_a_time.turn(settings.load(), "app") as limits:
        pass
    assert limits == []
    assert look().limits == ()


@pytest.mark.usefixtures("rows")
def test_without_the_audit_database_a_store_is_audited_and_it_is_a_limit(
    register: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = airflow_url(sa.make_url(register).set(port=1))
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", nowhere)
    result = look()
    assert (result.outcome, result.cause) == ("fail", None)
    assert result.limits == (one_at_a_time._UNLOCKED,)
    order = plan(stores=["app"], controls=["RET-4"])
    assert f"In store app, {one_at_a_time._UNLOCKED}." in assembling.assemble(order, [result]).limits


@pytest.mark.usefixtures("rows")
def test_an_audit_database_that_falls_silent_holds_up_no_audit(
    register: str, server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_SILENCE_SECONDS", 1.0)
    with Proxy(server.port).running() as proxy:
        url = sa.make_url(register).set(port=proxy.port)
        proxy.before("pg_advisory_xact_lock", lambda _: setattr(proxy, "is_silent", True))
        began = time.monotonic()
        with pytest.raises(audit_db.AuditDatabaseUnavailableError), store_lock(url, "app"):
            raise AssertionError("it has no lock")
        proxy.is_silent = False
        with store_lock(url, "app") as is_held:
            proxy.is_silent = True
            assert not is_held()
        assert time.monotonic() - began < 15
