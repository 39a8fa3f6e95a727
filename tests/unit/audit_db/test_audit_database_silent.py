"""A database of the audit that falls silent keeps nobody waiting: production's snapshot is held meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit import audit_db
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.outcomes import Cause
from privacy_audit.erasure import hold_manifests
from privacy_audit.postgres import audit_database, other_databases
from tests.unit.engine.proxy import Proxy

pytestmark = pytest.mark.slow


@pytest.fixture
def proxy(server: EmbeddedPostgres) -> Iterator[Proxy]:
    with Proxy(server.port).running() as running:
        yield running


MOMENTS = ["pg_catalog.version", "lock_timeout", "FROM audits", "COMMIT"]
"""SQLAlchemy's own first question after the login; ours; what is asked; the end."""


@pytest.mark.parametrize("words", MOMENTS)
def test_whenever_it_falls_silent_it_is_given_up(url: str, proxy: Proxy, words: str) -> None:
    def ask() -> None:
        with transaction(through, silence=1.0) as connection:
            connection.exec_driver_sql("SELECT count(*) FROM audits")

    proxy.before(words, lambda _: setattr(proxy, "is_silent", True))
    through = sa.make_url(url).set(port=proxy.port)
    began = time.monotonic()
    with pytest.raises(audit_db.AuditDatabaseUnavailableError, match=r"no connection came about, or it was lost\."):
        ask()
    assert time.monotonic() - began < 10


def test_what_a_rule_reads_there_is_given_up_too(url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_database, "GRACE_SECONDS", 1.0 - audit_database.STATEMENT_SECONDS)
    through = sa.make_url(url).set(port=proxy.port, drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW_CONN_THE_REGISTER", through)
    proxy.before("FROM hold_manifests", lambda _: setattr(proxy, "is_silent", True))
    began = time.monotonic()
    with pytest.raises(other_databases.OtherDatabaseError, match="the connection was lost") as caught:
        hold_manifests.entries("the_register", "app", ["app.sessions"])
    assert caught.value.cause is Cause.LOST
    assert time.monotonic() - began < 10


def test_it_is_given_up_sooner_than_a_store_and_later_than_its_own_limits_say() -> None:
    silence = audit_database.STATEMENT_SECONDS + audit_database.GRACE_SECONDS
    assert audit_database.LOCK_SECONDS < audit_database.STATEMENT_SECONDS < silence <= 120


def test_every_transaction_has_limits_that_end_with_it(url: str) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    shown = sa.select(*(sa.func.current_setting(name) for name in names))
    with audit_database.opened(sa.make_url(url)) as engine, engine.connect() as connection:
        assert tuple(connection.execute(shown).one()) == ("75s", "1min", "1min")
        connection.commit()
        raw = connection.connection.cursor()
        raw.execute("SHOW statement_timeout")
        assert raw.fetchone() == ("0",)


def test_a_statement_that_takes_too_long_is_cancelled(url: str) -> None:
    def ask() -> None:
        with transaction(url, seconds=0.3) as connection:
            connection.exec_driver_sql("SELECT pg_sleep(30)")

    with pytest.raises(audit_db.AuditDatabaseUnavailableError, match="SQLSTATE 57014"):
        ask()


def test_its_sessions_say_whose_they_are_and_notice_a_dead_network(url: str) -> None:
    with transaction(url) as connection:
        assert connection.scalar(sa.text("SHOW application_name")) == "privacy-audit/audit-database"
        told = connection.connection.driver_connection.info.dsn_parameters  # type: ignore[union-attr]
        assert {"keepalives", "tcp_user_timeout", "connect_timeout"} <= set(told)
