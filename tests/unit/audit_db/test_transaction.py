"""A register that is not there, not ours or not ready is said in our words: no password, no address, no server text."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.findings.finding_state import Triage
from tests import builders
from tests.unit.audit_db.conftest import Rows

USES: dict[str, Callable[[sa.URL | str], object]] = {
    "upgrade": audit_db.upgrade,
    "file": lambda url: audit_db.file(url, audit_db.AuditSubmission(builders.audit(), "d")),
    "last_audits": lambda url: audit_db.last_audits(url, 1),
    "findings": audit_db.findings,
    "nights": lambda url: audit_db.nights(url, "f"),
    "instructions": lambda url: audit_db.instructions(url, "f"),
    "decide": lambda url: audit_db.decide(url, "f", Triage.REMEDIATING, "The purge is mended.", "Ada"),
    "decisions_of": lambda url: audit_db.decisions_of(url, "f"),
    "standing_decisions": lambda url: audit_db.standing_decisions(url, ["f"]),
    "pending": audit_db.pending,
}


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("wrong", [{"port": 1}, {"password": "sesame"}, {"database": "sesame"}, {"username": "sesame"}])
def test_a_register_that_does_not_answer(url: str, use: str, wrong: dict[str, object]) -> None:
    with pytest.raises(
        audit_db.AuditDatabaseUnavailableError, match=r"no connection came about, .* Check that"
    ) as caught:
        USES[use](sa.make_url(url).set(**wrong))
    told = _told(caught.value)
    password = sa.make_url(url).password or ""
    assert not [secret for secret in ("sesame", password, "FATAL", "refused", "127.0.0.1") if secret in told]


@pytest.mark.parametrize("use", [use for use in USES if use != "upgrade"])
def test_a_register_that_was_never_made(database: str, use: str) -> None:
    with pytest.raises(
        audit_db.AuditDatabaseOutdatedError, match=r"SQLSTATE 42P01.*`privacy-audit db status`"
    ) as caught:
        USES[use](database)
    assert "does not exist" not in _told(caught.value)


def test_a_register_that_lacks_a_column(url: str, rows: Rows) -> None:
    rows("ALTER TABLE results DROP COLUMN late_holds")
    with pytest.raises(audit_db.AuditDatabaseOutdatedError, match="SQLSTATE 42703"):
        USES["file"](url)


def test_a_role_that_may_only_read(url: str, rows: Rows) -> None:
    rows("DROP ROLE IF EXISTS register_reader")
    rows("CREATE ROLE register_reader LOGIN PASSWORD 'sesame'")
    try:
        reader = sa.make_url(url).set(username="register_reader", password="sesame")
        with pytest.raises(audit_db.AuditDatabaseUnavailableError, match=r"SQLSTATE 42501.* owner of its database"):
            USES["file"](reader)
    finally:
        rows("DROP ROLE register_reader")


def test_a_register_that_takes_no_writing(url: str, rows: Rows) -> None:
    rows(f"ALTER DATABASE {sa.make_url(url).database} SET default_transaction_read_only = on")
    with pytest.raises(audit_db.AuditDatabaseUnavailableError, match=r"SQLSTATE 25006.* primary server"):
        USES["file"](url)


def test_a_register_that_someone_else_keeps_busy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy_audit.postgres.audit_database.LOCK_SECONDS", 1.0)
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as other:
        other.exec_driver_sql("LOCK TABLE audits")
        with pytest.raises(audit_db.AuditDatabaseUnavailableError, match=r"busy .*SQLSTATE 55P03.* Run this again"):
            USES["file"](url)
    monkeypatch.undo()
    assert audit_db.file(url, audit_db.AuditSubmission(builders.audit(), "d")).already_filed is False


def test_a_connection_that_is_lost_in_the_middle(url: str, rows: Rows) -> None:
    from privacy_audit.audit_db.transaction import transaction

    def lose() -> None:
        with transaction(url) as connection:
            backend = connection.scalar(sa.select(sa.func.pg_backend_pid()))
            rows(f"SELECT pg_terminate_backend({backend})")
            connection.execute(sa.select(sa.literal(1)))

    with pytest.raises(audit_db.AuditDatabaseUnavailableError) as caught:
        lose()
    assert "terminating connection" not in _told(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sesame",
        "sqlite:///sesame",
        "mysql://me:sesame@127.0.0.1/register",
        "postgresql://me:pass@host:sesame/register",
    ],
)
def test_an_address_that_is_none_of_a_postgresql(address: str) -> None:
    with pytest.raises(audit_db.AuditDatabaseUnavailableError, match="not that of a PostgreSQL database") as caught:
        audit_db.last_audits(address, 1)
    assert "sesame" not in str(caught.value)
