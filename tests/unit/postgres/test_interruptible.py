"""A signal is heard while a database is waited for, whether it is slow, silent or not yet connected."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit import audit_db
from privacy_audit.postgres import interruptible
from tests.conftest import MakeDatabase
from tests.places import ROOT
from tests.unit.engine.proxy import Proxy
from tests.unit.pipeline.company import airflow_url, execute, fill, make_expectations

pytestmark = pytest.mark.slow

ENOUGH_SECONDS = 5
"""A few seconds: so long a program may take to end."""


class _Alarm(BaseException):
    """As Airflow's time-out of a task."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """SIGALRM raises, as in Airflow."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Alarm("too long")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def proxy(server: EmbeddedPostgres) -> Iterator[Proxy]:
    with Proxy(server.port).running() as running:
        yield running


def made(url: sa.URL | str, **arguments: Any) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 2, **arguments})
    interruptible.listen(engine)
    return engine


def running(url: str, words: str) -> int:
    found = execute(url, f"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{words}%'")
    return int(found[0][0]) - 1


def test_a_statement_is_interrupted_and_the_server_gives_it_up(database: str) -> None:
    began = time.monotonic()
    with pytest.raises(_Alarm, match="too long"), alarm(0.3), made(database).connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60) AS slow_one")
    assert time.monotonic() - began < ENOUGH_SECONDS
    until = time.monotonic() + ENOUGH_SECONDS
    while running(database, "slow_one") and time.monotonic() < until:
        time.sleep(0.05)
    assert running(database, "slow_one") == 0


def test_what_interrupted_is_raised_even_where_another_connection_is_silent_too(database: str, proxy: Proxy) -> None:
    """A keeper's transaction is undone when an audit is broken off: that must neither wait nor hide the signal."""
    through = sa.make_url(database).set(port=proxy.port)
    proxy.before("pg_sleep", lambda _: setattr(proxy, "is_silent", True))
    keeper, reader = made(through), made(through)

    def ask() -> None:
        with keeper.connect() as kept, reader.connect() as connection:
            kept.exec_driver_sql("SELECT 1")
            connection.exec_driver_sql("SELECT pg_sleep(0)")

    began = time.monotonic()
    with pytest.raises(_Alarm), alarm(0.5):
        ask()
    assert time.monotonic() - began < ENOUGH_SECONDS


def test_connecting_is_interrupted(database: str, proxy: Proxy) -> None:
    proxy.is_silent = True
    through = sa.make_url(database).set(port=proxy.port)
    began = time.monotonic()
    with pytest.raises(_Alarm), alarm(0.3):
        made(through, connect_timeout=30).connect()
    assert time.monotonic() - began < ENOUGH_SECONDS


def test_what_does_not_answer_the_connection_is_given_up_and_the_next_place_is_tried(
    server: EmbeddedPostgres, database: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(sa.exc.OperationalError, match="timeout"):
            made(sa.make_url(database).set(port=port)).connect()
        assert 1 < time.monotonic() - began < ENOUGH_SECONDS
        two = {"host": "127.0.0.1,127.0.0.1", "port": f"{port},{server.port}"}
        with made(sa.make_url(database), **two).connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_a_password_that_is_refused_is_tried_nowhere_else(server: EmbeddedPostgres, database: str) -> None:
    with Proxy(server.port).running() as first, Proxy(server.port).running() as second:
        two = {"host": "127.0.0.1,127.0.0.1", "port": f"{first.port},{second.port}", "password": "wrong"}
        with pytest.raises(sa.exc.OperationalError):
            made(sa.make_url(database), **two).connect()
        assert (len(first.links), len(second.links)) == (1, 0)


def test_a_name_with_several_addresses_is_tried_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("192.0.2.1", 0)), (2, 1, 6, "", ("192.0.2.2", 0)), (2, 1, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    places = interruptible._places({"host": "db.example,/run/postgresql", "port": "5432,5433", "user": "a"})
    assert [(place["host"], place.get("hostaddr"), place["port"]) for place in places] == [
        ("db.example", "192.0.2.1", "5432"),
        ("db.example", "192.0.2.2", "5432"),
        ("/run/postgresql", None, "5433"),
    ]
    asked = {"host": "db.example", "target_session_attrs": "prefer-standby"}
    wanted = [place["target_session_attrs"] for place in interruptible._places(asked)]
    assert wanted == ["standby", "standby", "any", "any"]
    for kept in ({"host": "db.example", "hostaddr": "192.0.2.9"}, {"service": "shop"}, {"host": "/run/postgresql"}, {}):
        assert interruptible._places(kept) == [kept]


def test_large_results_and_named_cursors_come_whole(database: str) -> None:
    with made(database).connect() as connection:
        rows = connection.exec_driver_sql("SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) AS g").all()
        assert [row[0] for row in rows] == list(range(1, 20001))
        streamed = connection.execution_options(stream_results=True, max_row_buffer=100)
        many = streamed.exec_driver_sql("SELECT g FROM generate_series(1, 20000) AS g")
        assert sum(row[0] for row in many) == 200_010_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_hears_nothing_is_ended_at_last(number: signal.Signals) -> None:
    """What is in C for long hears no signal, and neither does who takes what was raised for nothing."""
    program = (
        "import time\n"
        "from privacy_audit.postgres.interruptible import ending_on_signals\n"
        "with ending_on_signals():\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "    except BaseException:\n"
        "        time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=ENOUGH_SECONDS)
    assert process.returncode == interruptible.EXIT_CODE
    assert said == f"{interruptible.EndedBySignalError(number)}\n"


@pytest.fixture(scope="module")
def company(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an audit of store app by hand."""
    folder = tmp_path_factory.mktemp("company")
    app, own = make_database(), make_database()
    audit_db.init(own)
    fill(app, "app")
    execute(app, "CREATE ROLE signalled LOGIN PASSWORD 'sesame'; GRANT USAGE ON SCHEMA app TO signalled")
    execute(app, "GRANT SELECT ON ALL TABLES IN SCHEMA app TO signalled")
    reader = sa.make_url(app).set(username="signalled", password="sesame")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "PRIVACY_AUDIT_HOME": str(folder / "home"),
        "PRIVACY_AUDIT_EXPECTATIONS": str(make_expectations(folder / "expectations")),
        "AIRFLOW_CONN_STORE_APP": airflow_url(reader),
        "AIRFLOW_CONN_PRIVACY_AUDIT_DB": airflow_url(sa.make_url(own)),
    }


@pytest.fixture(scope="module", autouse=True)
def _without_the_role(company: dict[str, str], server: EmbeddedPostgres) -> Iterator[None]:
    yield
    app = sa.make_url(company["AIRFLOW_CONN_STORE_APP"])
    owner = app.set(drivername="postgresql+psycopg2", username="postgres", password=server.password)
    execute(owner.render_as_string(hide_password=False), "DROP OWNED BY signalled; DROP ROLE signalled")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("silent", "words"),
    [
        ("AIRFLOW_CONN_STORE_APP", "count(*) AS population"),
        ("AIRFLOW_CONN_STORE_APP", "application_name"),
        ("AIRFLOW_CONN_PRIVACY_AUDIT_DB", "idle_in_transaction_session_timeout"),
        ("AIRFLOW_CONN_PRIVACY_AUDIT_DB", "application_name"),
    ],
)
def test_the_command_line_ends_within_seconds(
    company: dict[str, str], proxy: Proxy, silent: str, words: str, number: signal.Signals
) -> None:
    heard = threading.Event()

    def fall_silent(_: object) -> None:
        proxy.is_silent = True
        heard.set()

    proxy.before(words, fall_silent)
    through = airflow_url(sa.make_url(company[silent]).set(drivername="postgresql+psycopg2", port=proxy.port))
    with subprocess.Popen(
        [sys.executable, "-m", "privacy_audit.cli.main", "run", "--store", "app", "--control", "RET-4"],
        env={**company, silent: through},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert heard.wait(60)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(number)
        out, said = process.communicate(timeout=30)
    assert time.monotonic() - began < ENOUGH_SECONDS
    assert process.returncode == interruptible.EXIT_CODE
    assert (out, said) == ("", f"{interruptible.EndedBySignalError(number)}\n")


def test_waiting_in_python_costs_little(database: str) -> None:
    """Of a statement that takes a millisecond on a server nearby, less than a fifth."""

    def seconds(engine: sa.Engine) -> float:
        with engine.connect() as connection:
            best = 1.0
            for _ in range(5):
                began = time.perf_counter()
                for _ in range(200):
                    connection.exec_driver_sql("SELECT 1")
                best = min(best, (time.perf_counter() - began) / 200)
            return best

    plain = sa.create_engine(database, poolclass=sa.NullPool)
    psycopg2.extensions.set_wait_callback(None)
    before = seconds(plain)
    after = seconds(made(database))
    print(f"per statement: {before * 1e6:.0f} us in C, {after * 1e6:.0f} us in Python")
    assert after - before < 0.0002
