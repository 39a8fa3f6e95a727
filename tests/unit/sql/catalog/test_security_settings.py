"""What is told of a server's settings, against what its sessions really start with."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from demo.server import EmbeddedPostgres
from privacy_audit.controls.security_settings import SecuritySettings
from privacy_audit.engine.measurement import count_all
from privacy_audit.engine.row_queries import listing
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.catalog import server_settings
from privacy_audit.sql.catalog.server_settings import (
    END_OF_LIFE,
    SettingVerdict,
    may_read_host_rules,
    security_settings,
)
from privacy_audit.sql.statement_text import pasteable
from tests.unit.engine.conftest import PASSWORD, Store, made
from tests.unit.sql.catalog.whole_server import fresh_database, whole_server

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
NAMES = {
    "ssl",
    "ssl_min_protocol_version",
    "password_encryption",
    "data_checksums",
    "row_security",
    "log_statement",
    "log_min_duration_statement",
    "log_min_duration_sample",
    "log_transaction_sample_rate",
    "log_parameter_max_length",
    "log_parameter_max_length_on_error",
    "server_version",
    "sessions without ssl",
    "superusers",
    "public schema create",
    "pg_hba_file_rules",
}


@pytest.fixture(scope="module")
def open_server() -> Iterator[EmbeddedPostgres]:
    """A server that listens on every address of the host."""
    with whole_server(listen_addresses="*") as server:
        yield server


@pytest.fixture
def store(open_server: EmbeddedPostgres) -> Iterator[Store]:
    with fresh_database(open_server) as url, made(url) as store:
        yield store


def told(store: Store, today: date = TODAY, **options: Any) -> Mapping[str, Any]:
    """The rows by name, as a check would read them."""
    with store.opened() as connection:
        rows = connection.execute(sa.select(security_settings(today, **options))).all()
    assert len(rows) == len({row.name for row in rows})
    return {row.name: row for row in rows}


@contextmanager
def session(url: sa.URL | str) -> Iterator[sa.Connection]:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        yield connection


def test_an_ordinary_role_is_told_of_everything_and_of_what_it_may_not_see_that_it_is_unknown(store: Store) -> None:
    rows = told(store)
    assert set(rows) == NAMES
    assert {row.verdict for row in rows.values()} <= set(SettingVerdict)
    assert all(row.fact and row.expected for row in rows.values())
    unknown = {name for name, row in rows.items() if row.verdict == SettingVerdict.UNKNOWN}
    assert unknown == {"ssl_min_protocol_version", "sessions without ssl", "pg_hba_file_rules"}
    assert (rows["ssl"].verdict, rows["ssl"].fact) == ("broken", "ssl is off")
    # The audit's own session has it off; that is no fact about the company's sessions.
    assert (rows["row_security"].verdict, rows["row_security"].fact) == ("kept", "row_security is on")


@pytest.mark.parametrize(
    ("value", "verdict"), [("TLSv1", "broken"), ("TLSv1.1", "broken"), ("TLSv1.2", "kept"), ("TLSv1.3", "kept")]
)
def test_a_setting_of_the_server_is_judged(store: Store, value: str, verdict: str) -> None:
    name = "ssl_min_protocol_version"
    store.do(f"GRANT pg_read_all_settings TO {store.role}")
    store.do(f"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_reload_conf()")
    try:
        row = told(store)[name]
    finally:
        store.do(f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
    assert (row.verdict, row.fact) == (verdict, f"{name} is {value}")


@pytest.fixture
def people(store: Store) -> Iterator[tuple[str, ...]]:
    """Two more roles that may log in; whatever is set for all roles is reset afterwards."""
    roles = tuple(f"{name}_{store.role}" for name in ("worker", "bystander"))
    store.do(*(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'" for role in roles))
    yield roles
    store.do("ALTER ROLE ALL RESET log_statement", *(f"DROP ROLE {role}" for role in roles))


@hypothesis.settings(max_examples=15)
@given(values=st.tuples(*[st.sampled_from((None, "none", "all"))] * 4))
@example(values=(None, "none", "all", None))
@example(values=("all", "none", "all", "none"))
def test_the_worst_session_counts_whatever_level_its_setting_comes_from(
    store: Store, people: tuple[str, ...], values: tuple[str | None, ...]
) -> None:
    """Against the value that a session of each role really starts with."""
    worker, database = people[0], sa.make_url(store.owner).database
    levels = ("ROLE ALL", f"DATABASE {database}", f"ROLE {worker}", f"ROLE {worker} IN DATABASE {database}")
    for level, value in zip(levels, values, strict=True):
        store.do(f"ALTER {level} " + (f"SET log_statement = '{value}'" if value else "RESET log_statement"))
    started = set()
    for role in people:
        with session(store.reader.set(username=role)) as connection:
            started.add(connection.exec_driver_sql("SHOW log_statement").scalar_one())
    row = told(store)["log_statement"]
    assert row.verdict == ("broken" if "all" in started else "kept"), row.fact


def test_a_version_is_supported_to_the_day_of_its_last_release(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    last = END_OF_LIFE[int(store.ask("SHOW server_version_num")) // 10_000]
    assert told(store, last)["server_version"].verdict == "kept"
    assert told(store, last + timedelta(days=1))["server_version"].verdict == "broken"
    monkeypatch.setattr(server_settings, "END_OF_LIFE", {})
    assert told(store)["server_version"].verdict == "unknown"


@contextmanager
def rules(store: Store, *lines: str) -> Iterator[None]:
    """The server's file of host rules with more lines, until left."""
    file = Path(store.ask("SHOW hba_file"))
    before = file.read_text()
    file.write_text(before + "".join(f"{line}\n" for line in lines))
    try:
        yield
    finally:
        file.write_text(before)


def may_read(store: Store) -> None:
    store.do(
        f"GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {store.role}",
        f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {store.role}",
    )


@pytest.mark.parametrize(
    ("line", "verdict", "fact"),
    [
        ("", "kept", "1 rules were read"),
        ("local all all trust", "kept", "2 rules"),
        ("host all all ::1/128 trust", "kept", "2 rules"),
        ("host all all localhost scram-sha-256", "kept", "2 rules"),
        ("hostnossl all all all reject", "kept", "2 rules"),
        ("host all all all scram-sha-256", "broken", "need no ssl by line 2"),
        ("host all all 10.0.0.0/8 scram-sha-256", "broken", "need no ssl by line 2"),
        ("host all all 127.0.0.1/0 scram-sha-256", "broken", "need no ssl by line 2"),
        ("host replication all ::1/64 scram-sha-256", "broken", "need no ssl by line 2"),
        ("hostnossl all all samenet md5", "broken", "need no ssl by line 2"),
        ("hostnogssenc all all .example.org md5", "broken", "need no ssl by line 2"),
        ("host all all 0.0.0.0/0 trust", "broken", "need no proof by line 2; other hosts need no ssl by line 2"),
        ("host all nonsense", "unknown", "cannot read line 2"),
    ],
)
def test_host_rules_are_judged_where_they_may_be_read(store: Store, line: str, verdict: str, fact: str) -> None:
    may_read(store)
    with rules(store, line):
        row = told(store, host_rules=True)["pg_hba_file_rules"]
    assert (row.verdict, fact in row.fact) == (verdict, True), row.fact


def test_the_control_judges_the_host_rules_where_the_auditor_may_read_them(store: Store) -> None:
    rule = SecuritySettings(zone="Europe/Paris", no_data_before=date(2019, 1, 1), title="Settings", promise="Safe",
                            key=SecuritySettings.key_columns)  # fmt: skip

    def counted() -> tuple[bool, bool]:
        """Whether the rules for hosts are among what breaks the promise, and among what nobody can tell."""
        with store.opened() as connection:
            measured = count_all(connection, rule, rule.context(NOON))
            shown = measured.listing or listing(rule, rule.context(NOON))
            told = (
                connection.exec_driver_sql(text.replace("%", "%%")).all()
                for text in (shown.violating, shown.undecidable)
            )
            broken, unknown = ("pg_hba_file_rules" in {row[0] for row in rows} for rows in told)
            return broken, unknown

    with rules(store, "host all all 0.0.0.0/0 trust"):
        assert counted() == (False, True)
        may_read(store)
        assert counted() == (True, False)


def test_a_role_knows_beforehand_whether_it_may_read_the_host_rules(store: Store) -> None:
    with store.opened() as connection:
        assert connection.execute(may_read_host_rules()).scalar_one() is False
    with pytest.raises(StoreError, match="may not read"):
        told(store, host_rules=True)
    store.do(f"GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {store.role}")
    with store.opened() as connection:
        assert connection.execute(may_read_host_rules()).scalar_one() is False, "the function is refused still"
    may_read(store)
    with store.opened() as connection:
        assert connection.execute(may_read_host_rules()).scalar_one() is True


def test_a_session_from_another_host_without_encryption_breaks_the_promise(store: Store) -> None:
    other = next(
        (
            address.address
            for addresses in psutil.net_if_addrs().values()
            for address in addresses
            if address.family == socket.AF_INET and not address.address.startswith("127.")
        ),
        None,
    )
    if other is None:
        pytest.skip("this host has no address but its own loopback")
    name = "sessions without ssl"
    away = store.reader.set(host=other)
    with rules(store, "host all all all scram-sha-256"):
        store.do("SELECT pg_reload_conf()")
        with session(sa.make_url(store.owner).set(host=other)) as stranger:
            stranger.exec_driver_sql("SELECT 1")
            row = told(store)[name]
            assert (row.verdict, row.fact) == ("unknown", "the auditor sees no sessions but its own")
            store.do(f"GRANT pg_read_all_stats TO {store.role}")
            row = told(store)[name]
            assert (row.verdict, row.fact[:8]) == ("broken", "1 of the")
        row = told(store)[name]
        assert (row.verdict, row.fact) == ("unknown", "no session from another host is open")
        store.do(f"REVOKE pg_read_all_stats FROM {store.role}")
        with session(away) as own:
            assert own.execute(_verdict_of(name)).scalar_one() == "broken", "its own session it sees at all times"
    store.do("SELECT pg_reload_conf()")


def _verdict_of(name: str) -> sa.Select[Any]:
    rows = security_settings(TODAY)
    return sa.select(rows.c.verdict).where(rows.c.name == name)


def test_the_statement_may_be_pasted_and_stand_beside_itself(store: Store) -> None:
    strict, lax = security_settings(TODAY, superusers=0), security_settings(TODAY, superusers=9).alias("lax")
    both = sa.select(strict.c.verdict, lax.c.verdict.label("other")).join(lax, strict.c.name == lax.c.name)
    both = both.where(strict.c.name == "superusers")
    with store.opened() as connection:
        assert tuple(connection.execute(both).one()) == ("broken", "kept")
        assert tuple(connection.exec_driver_sql(pasteable(both).replace("%", "%%")).one()) == ("broken", "kept")
