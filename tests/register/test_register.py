"""The register on a real PostgreSQL: filed once, whole or not at all, first seen and last seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.reports.audits import broken as full_audit

from privacy_audit import register
from privacy_audit.findings import findings_of
from privacy_audit.model import Audit, Outcome, Plan, StoreResult, Tally
from privacy_audit.register.tables import metadata

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def template(make_database) -> str:
    url = make_database()
    register.upgrade(url)
    return sa.make_url(url).database or ""


@pytest.fixture
def url(make_database, template: str) -> str:
    return make_database(template)


def _rows(url: str, statement: str) -> list[tuple]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def _at(when: datetime, *, audit_id: str, outcome: Outcome = Outcome.FAIL) -> Audit:
    """The full audit with its first failing check alone, with an outcome."""
    whole = full_audit()
    store, check = next((s, c) for s in whole.stores for c in s.checks if c.outcome is Outcome.FAIL)
    tally = Tally(
        population=2, compliant=1, violating=1, held=0, undecidable=0, out_of_scope=0, subjects=1, ages=(1, 0, 0, 0, 0)
    )
    if outcome is Outcome.PASS:
        tally = Tally(population=2, compliant=2, violating=0, held=0, undecidable=0, out_of_scope=0, subjects=0)
    checked = replace(check, outcome=outcome, tally=None if outcome is Outcome.NOT_AUDITED else tally, plan=Plan.FULL)
    only: StoreResult = replace(store, checks=(checked,), outcome=outcome)
    return replace(whole, id=audit_id, as_of=when, stores=(only,))


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    with sa.create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_two_upgrades_at_once_are_safe(database: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(register.upgrade, [database, database]))
    assert _rows(database, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_an_audit_is_filed_whole_and_once(url: str) -> None:
    audit = full_audit()
    first = register.file(url, audit, "d1")
    assert (first.already_filed, first.new_findings) == (False, len(findings_of(audit)))
    assert register.file(url, audit, "d1") == register.Filed(audit.id, already_filed=True, new_findings=0)
    assert _rows(url, "SELECT count(*) FROM audits") == [(1,)]
    assert _rows(url, "SELECT count(*) FROM results") == [(len(audit.checks),)]
    filed = {
        row[0]: row[1:] for row in _rows(url, "SELECT check_id, outcome, violating, population, ages FROM results")
    }
    for check in audit.checks:
        tally = check.tally
        counts = (tally.violating, tally.population, list(tally.ages)) if tally else (None, None, None)
        assert filed[check.id] == (check.outcome.value, *counts)


def test_the_same_id_with_another_report_is_refused(url: str) -> None:
    audit = full_audit()
    register.file(url, audit, "d1")
    with pytest.raises(register.AlreadyFiledError, match=audit.id):
        register.file(url, audit, "d2")


def test_filed_at_once_by_four_it_is_filed_by_one(url: str) -> None:
    audit = full_audit()
    with ThreadPoolExecutor(4) as pool:
        filed = list(pool.map(lambda _: register.file(url, audit, "d1").already_filed, range(4)))
    assert sorted(filed) == [False, True, True, True]
    assert _rows(url, "SELECT count(*) FROM results") == [(len(audit.checks),)]


def test_what_breaks_in_the_middle_files_nothing(url: str) -> None:
    whole = full_audit()
    twice = replace(
        whole, stores=(*whole.stores, *whole.stores)
    )  # the same check ids again: the second store breaks it
    with pytest.raises(register.RegisterUnavailableError, match="SQLSTATE 23505"):
        register.file(url, twice, "d1")
    assert _rows(url, "SELECT count(*) FROM audits") == [(0,)]
    assert _rows(url, "SELECT count(*) FROM findings") == [(0,)]


def test_a_finding_keeps_its_first_date_and_moves_its_last(url: str) -> None:
    nights = [T, T + timedelta(days=1), T + timedelta(days=2)]
    audits = [_at(when, audit_id=f"n{number}") for number, when in enumerate(nights)]
    fingerprint = audits[0].checks[0].fingerprint
    for number in (1, 2, 0):  # the first night is filed last
        register.file(url, audits[number], f"d{number}")
    assert register.first_seen(url, [fingerprint]) == {fingerprint: nights[0]}
    row = _rows(url, "SELECT first_audit, last_audit, last_seen, last_outcome FROM findings")
    assert row == [("n0", "n2", nights[2], "fail")]


def test_a_pass_touches_no_finding(url: str) -> None:
    register.file(url, _at(T, audit_id="n0"), "d0")
    register.file(url, _at(T + timedelta(days=1), audit_id="n1", outcome=Outcome.PASS), "d1")
    assert _rows(url, "SELECT last_audit FROM findings") == [("n0",)]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("compliant = compliant + 1", "tally_adds_up"),
        ("held = NULL", "tally_is_whole"),
        ("outcome = 'pass'", "fail_has_violations"),
        ("outcome = 'fine'", "outcome"),
        ("outcome = 'pass', violating = 0, compliant = 0, population = 0", "pass_has_rows"),
    ],
)
def test_the_database_itself_refuses_what_proves_nothing(url: str, change: str, constraint: str) -> None:
    register.file(url, _at(T, audit_id="n0"), "d0")
    with pytest.raises(sa.exc.IntegrityError, match=constraint), sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql(f"UPDATE results SET {change}")


def test_a_message_is_claimed_by_one_and_sent_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: register.claim_delivery(url, "a", "Product", "k"), range(4)))
    assert sorted(claims) == [False, False, False, True]
    register.release_delivery(url, "k")
    assert register.claim_delivery(url, "a", "Product", "k")
    register.mark_delivered(url, "k")
    register.release_delivery(url, "k")
    assert not register.claim_delivery(url, "a", "Product", "k")


def test_a_claim_lost_with_its_sender_expires(url: str) -> None:
    assert register.claim_delivery(url, "a", "Product", "k")
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET claimed_at = now() - interval '61 minutes'")
    assert register.claim_delivery(url, "a", "Product", "k")
    assert not register.claim_delivery(url, "a", "Product", "k")


def test_a_register_that_is_down_is_said_without_its_address(url: str) -> None:
    down = sa.make_url(url).set(port=1, password="sesame")
    with pytest.raises(register.RegisterUnavailableError) as caught:
        register.file(down, full_audit(), "d")
    assert "sesame" not in str(caught.value)
    assert "no connection came about" in str(caught.value)
