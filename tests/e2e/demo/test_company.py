"""The demo company: what was planted is really there, on any day, and the manifest says exactly so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg2
import pytest

from demo import company
from demo.company import DemoPasswords, DemoStores, create_databases, fill
from demo.manifest import Manifest
from tests.e2e.demo.oracle import Oracle

PARIS = ZoneInfo("Europe/Paris")
ROWS = 1_500
DAYS = {
    "a plain day": datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    "30 April of a leap year": datetime(2024, 4, 30, 3, 0, tzinfo=UTC),
    "30 April of a common year": datetime(2025, 4, 30, 3, 0, tzinfo=UTC),
    "1 March of a leap year": datetime(2024, 3, 1, 3, 0, tzinfo=UTC),
    "1 March of a common year": datetime(2027, 3, 1, 3, 0, tzinfo=UTC),
    "29 February": datetime(2028, 2, 29, 23, 30, tzinfo=PARIS),
    "the spring night": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    "the autumn night, first 02:30": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    "the autumn night, second 02:30": datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    "just after midnight in Paris": datetime(2026, 7, 15, 0, 0, 0, 1, tzinfo=PARIS),
    "midnight of a new year in Paris": datetime(2027, 1, 1, tzinfo=PARIS),
    "the last microsecond of a year in Paris": datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=PARIS),
}
ONCE = {"app/app.mailbox_probes/DPO-2": 1, "web/registers.cookies/CKY-5": 1, "app/app.recipients/PRC-2": 1}
"""How many rows in breach there are once, however large the demo is: of a register as a whole, or of the catalog."""
CATALOG = "/_store.catalog/"
"""Checks of the database itself: no row of a table says anything about them."""
PASSWORDS = DemoPasswords("app-secret", "web-secret", "register-secret")


@pytest.fixture(scope="module")
def stores(server) -> DemoStores:
    return create_databases(server.url("postgres"), PASSWORDS)


def _libpq(url: str) -> str:
    return url.replace("+psycopg2", "")


def _rows(url: str, statement: str) -> list[tuple]:
    with closing(psycopg2.connect(_libpq(url))) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _counted(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    return {
        expected.check: (
            expected.violating,
            expected.held,
            expected.undecidable,
            expected.out_of_scope,
            expected.subjects,
            expected.late_holds,
        )
        for expected in manifest.checks
        if CATALOG not in expected.check
    }


def _seen(stores: DemoStores, as_of: datetime) -> Iterator[tuple[str, tuple[int, ...]]]:
    for check, found in Oracle(stores.app, stores.web, as_of).evaluate().items():
        states = (found.states[state] for state in ("violating", "held", "undecidable", "out_of_scope"))
        counts = (*states, len(found.subjects), found.late_holds)
        if any(counts) or not check.endswith("/DEL-4"):  # every table is searched, and few hold anybody
            yield check, counts


@pytest.mark.parametrize("as_of", DAYS.values(), ids=DAYS)
def test_every_row_is_what_the_manifest_says(stores: DemoStores, as_of: datetime) -> None:
    manifest = fill(stores, as_of, ROWS)
    assert dict(_seen(stores, as_of)) == _counted(manifest)


@pytest.mark.parametrize("rows", [1, 1_000, 2_047, 12_345])
def test_every_row_is_what_the_manifest_says_at_odd_scales(stores: DemoStores, rows: int) -> None:
    """Sizes of tables are shares of the scale, rounded down: no count may rely on a scale that divides evenly."""
    as_of = DAYS["a plain day"]
    manifest = fill(stores, as_of, rows)
    assert dict(_seen(stores, as_of)) == _counted(manifest)


@pytest.mark.slow
def test_a_larger_demo_holds_what_is_planted_several_times(stores: DemoStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of 10 million rows holds each planting 33 times, and one copy changes nothing for another.

    Checks that compare rows with each other (a group of 5, more than 10 children of one guardian) see copies that share
    a value as one group. So there must be many copies; the ordinary rows are of a small demo, and take less time.
    """
    copies = 10_000_000 // company._ROWS_PER_COPY
    monkeypatch.setattr(company, "_ROWS_PER_COPY", 40_000 // copies)
    as_of = DAYS["a plain day"]
    small, large = fill(stores, as_of, 1), fill(stores, as_of, 40_000)
    for one, many in zip(small.checks, large.checks, strict=True):
        once = one.violating if CATALOG in one.check else ONCE.get(one.check, 0)
        expected = (one.check, copies * (one.violating - once) + once, copies * one.held)
        assert (many.check, many.violating, many.held) == expected
    assert dict(_seen(stores, as_of)) == _counted(large)
    late = (
        "SELECT count(*), count(DISTINCT user_id) FROM app.positions WHERE recorded_at < %s AND isfinite(recorded_at)"
    )
    edge = "'2026-09-24 00:00 Europe/Paris'::timestamptz"
    ((rows, _),) = _rows(stores.app, late.replace("%s", edge) + " AND recorded_at > '1971-01-01'")
    expected_late = next(check for check in large.checks if check.check == "app/app.positions/RET-3")
    assert rows == expected_late.violating + expected_late.held


def test_two_fills_are_the_same(stores: DemoStores) -> None:
    def digests() -> dict[str, str]:
        found = {}
        for schema, url in (("app", stores.app), ("web", stores.web)):
            named = (
                f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'p')"
            )
            for (table,) in _rows(url, named):
                lines = sorted(str(row) for row in _rows(url, f"SELECT t::text FROM {schema}.{table} AS t"))
                found[table] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return found

    as_of = DAYS["a plain day"]
    first_manifest, first = fill(stores, as_of, ROWS), digests()
    assert (fill(stores, as_of, ROWS), digests()) == (first_manifest, first)
    assert len(first) >= 40


def test_progress_ends_at_the_rows_that_are_there(stores: DemoStores) -> None:
    told: list[tuple[int, int]] = []
    manifest = fill(stores, DAYS["a plain day"], ROWS, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (manifest.rows, manifest.rows)
    there = 0
    for schema, url in (("app", stores.app), ("web", stores.web)):
        tables = f"""SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace
            AND relkind IN ('r', 'p') AND NOT relispartition"""
        there += sum(_rows(url, f"SELECT count(*) FROM {schema}.{table}")[0][0] for (table,) in _rows(url, tables))
    assert there == manifest.rows


def test_the_database_itself_holds_what_was_planted_in_it(stores: DemoStores) -> None:
    fill(stores, DAYS["a plain day"], ROWS)
    fill(stores, DAYS["a plain day"], ROWS)
    granted = "SELECT grantee, table_name, privilege_type FROM information_schema.{} WHERE grantee LIKE ANY (%s)"
    tools = "'{campaign_tool,former_agency,support_tool}'"
    assert sorted(_rows(stores.app, granted.format("table_privileges").replace("%s", tools))) == [
        ("campaign_tool", "prospects", "SELECT"),
        ("support_tool", "consent_events", "UPDATE"),
        ("support_tool", "support_tickets", "SELECT"),
    ]
    columns = granted.format("column_privileges").replace("%s", "'{former_agency}'")
    assert set(_rows(stores.app, columns)) == {("former_agency", "users", "SELECT")}
    published = _rows(stores.app, "SELECT pubname, tablename FROM pg_publication_tables ORDER BY 1")
    assert published == [
        ("hosting_feed", "downloads"),
        ("lead_feed", "newsletter_subscriptions"),
        ("partner_feed", "invoices"),
    ]
    assert _rows(stores.app, "SELECT to_regclass('app.prospects_2025') IS NOT NULL") == [(True,)]


@pytest.mark.parametrize("day", ["a plain day", "the spring night", "midnight of a new year in Paris"])
def test_one_purge_runs_in_vain_one_is_broken_off_and_the_others_delete(stores: DemoStores, day: str) -> None:
    as_of = DAYS[day]
    fill(stores, as_of, ROWS)
    log = """SELECT table_name, max(finished_at) FILTER (WHERE rows_deleted > 0), max(finished_at),
                    count(*) FILTER (WHERE rows_deleted = 0)
             FROM app.purge_runs GROUP BY 1"""
    today = as_of.astimezone(PARIS).date()
    days_ago = {
        table: ((today - worked.astimezone(PARIS).date()).days, (today - ran.astimezone(PARIS).date()).days, in_vain)
        for table, worked, ran, in_vain in _rows(stores.app, log)
    }
    assert days_ago.pop("app.positions") == (10, 1, 9)
    assert days_ago.pop("app.sessions") == (10, 10, 0)
    assert set(days_ago.values()) == {(1, 1, 0)}


@pytest.mark.parametrize("store", ["app", "web"])
def test_the_auditor_may_read_and_nothing_else(server, stores: DemoStores, store: str) -> None:
    fill(stores, DAYS["a plain day"], ROWS)
    url = server.url(store, f"auditor_{store}", getattr(PASSWORDS, f"auditor_{store}"))
    may = _rows(
        url,
        f"""SELECT has_database_privilege(current_database(), 'TEMP'),
                   has_database_privilege(current_database(), 'CREATE'),
                   has_schema_privilege('{store}', 'CREATE'), has_schema_privilege('public', 'CREATE'),
                   bool_or(has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')),
                   bool_and(has_table_privilege(oid, 'SELECT') OR relispartition)
            FROM pg_class WHERE relnamespace = '{store}'::regnamespace AND relkind IN ('r', 'p')""",
    )
    assert may == [(False, False, False, False, False, True)]
    role = """SELECT rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolreplication, rolbypassrls, rolconnlimit,
                     (SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid)
              FROM pg_roles WHERE rolname = current_user"""
    assert _rows(url, role) == [(False, False, False, False, False, False, 8, 0)]


@pytest.mark.parametrize(
    ("role", "database"), [("auditor_app", "web"), ("auditor_web", "app"), ("auditor_app", "register")]
)
def test_a_role_reaches_only_its_own_database(server, stores: DemoStores, role: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(_libpq(server.url(database, role, getattr(PASSWORDS, role))))


def test_the_register_owns_its_database(server, stores: DemoStores) -> None:
    url = server.url("register", "register", PASSWORDS.register)
    with closing(psycopg2.connect(_libpq(url))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA kept CREATE TABLE audits (id int)")
        connection.rollback()


def test_passwords_can_be_changed_by_making_the_databases_again(server, stores: DemoStores) -> None:
    create_databases(server.url("postgres"), DemoPasswords("app-secret", "other", "register-secret"))
    assert _rows(server.url("web", "auditor_web", "other"), "SELECT current_user") == [("auditor_web",)]
    create_databases(server.url("postgres"), PASSWORDS)


def test_passwords_and_addresses_are_not_printed(stores: DemoStores) -> None:
    assert "secret" not in repr(PASSWORDS)
    assert "postgres" not in repr(stores)


def test_an_instant_without_a_zone_is_refused(stores: DemoStores) -> None:
    with pytest.raises(ValueError, match="time zone"):
        fill(stores, datetime(2026, 11, 24))  # noqa: DTZ001 - the mistake under test
