"""The door to a store, on a real PostgreSQL: what is proved before anything is counted, and what is said if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa

from privacy_audit.compiler import suites
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.engine import auditor
from privacy_audit.postgres import store_session
from tests.places import EXPECTATIONS

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
SCHEMA = """
    CREATE SCHEMA app;
    CREATE TABLE app.positions (id bigint PRIMARY KEY, user_id bigint, recorded_at timestamptz);
    CREATE TABLE app.sessions (id bigint PRIMARY KEY, user_id bigint, started_at timestamptz);
    INSERT INTO app.positions VALUES (1, 1, '2026-11-20'), (2, 2, '2026-01-01'), (3, 3, NULL);
    INSERT INTO app.sessions VALUES (1, 1, '2026-11-20');
"""
MAP = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "tables": {
        "app.positions": {
            "title": "Positions",
            "key": ["id"],
            "subject": {"column": "user_id"},
            "data": [{"category": "geolocation", "clock": {"column": "recorded_at"}}],
        },
        "app.sessions": {
            "title": "Sessions",
            "key": ["id"],
            "subject": {"column": "user_id"},
            "data": [{"category": "connection", "clock": {"column": "started_at"}}],
        },
    },
}
RETENTION = ("RET-3", "RET-4")
PROMISES = policy_reader.load(EXPECTATIONS)


@dataclass
class Store:
    """A database with a role that may only read it."""

    owner: str
    reader: sa.URL
    role: str

    def do(self, statement: str) -> None:
        with sa.create_engine(self.owner, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement.replace("%", "%%"))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    role = f"reader_{uuid4().hex[:8]}"
    made = Store(database, sa.make_url(database).set(username=role, password="secret"), role)
    made.do(SCHEMA)
    made.do(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA app TO {role}")
    made.do(f"GRANT SELECT ON ALL TABLES IN SCHEMA app TO {role}")
    yield made
    made.do(f"DROP OWNED BY {role}; DROP ROLE {role}")


def _audit(store: Store, results: Path, **changes: object) -> StoreResult:
    mapped = StoreMap.model_validate({**MAP, **changes})
    coverage = suites.bind(PROMISES, mapped)
    files = suites.compile_suites(PROMISES, [coverage])
    order = auditor.StoreOrder(
        audit_id="a1",
        as_of=T,
        coverage=coverage,
        controls=frozenset(RETENTION),
        suites=[suites.json.loads(content) for content in files.values()],
        results=results,
    )
    return auditor.audit_store(order, lambda: store.reader)


def _checks(result: StoreResult) -> dict[str, CheckResult]:
    return {check.control: check for check in result.checks if check.table}


def test_what_is_there_is_counted(store: Store, tmp_path: Path) -> None:
    result = _audit(store, tmp_path)
    positions = _checks(result)["RET-3"]
    assert positions.outcome is Outcome.FAIL
    assert positions.tally is not None
    assert (positions.tally.population, positions.tally.violating, positions.tally.undecidable) == (3, 1, 1)
    assert _checks(result)["RET-4"].outcome is Outcome.PASS
    assert result.cause is None


VIEW = """ALTER TABLE app.positions RENAME TO hidden;
    CREATE VIEW app.positions AS SELECT * FROM app.hidden WHERE id = 1; GRANT SELECT ON app.positions TO {role}"""
ONE_COLUMN_LESS = "REVOKE SELECT ON app.positions FROM {role}; GRANT SELECT (id, user_id) ON app.positions TO {role}"
UNSEEN = {
    "row-level security": ("ENABLE ROW LEVEL SECURITY", Cause.HIDDEN_ROWS),
    "is of type text, the map implies timestamptz": ("ALTER recorded_at TYPE text", Cause.DRIFT),
    'no such column "recorded_at". Did you mean "recorded_on"?': ("RENAME recorded_at TO recorded_on", Cause.DRIFT),
    'no such table. Did you mean "app.position"?': ("RENAME TO position", Cause.DRIFT),
    "is a view": (VIEW, Cause.DRIFT),
    "may not read app.positions.recorded_at": (ONE_COLUMN_LESS, Cause.REFUSED),
}


@pytest.mark.parametrize("words", UNSEEN)
def test_what_cannot_be_seen_is_not_audited_and_the_rest_is(store: Store, tmp_path: Path, words: str) -> None:
    change, cause = UNSEEN[words]
    alters = change.split()[0] in ("ENABLE", "ALTER", "RENAME") and "TABLE" not in change.split()[:2]
    store.do((f"ALTER TABLE app.positions {change}" if alters else change).format(role=store.role))
    checks = _checks(_audit(store, tmp_path))
    assert (checks["RET-3"].outcome, checks["RET-3"].cause) == (Outcome.NOT_AUDITED, cause)
    assert words in checks["RET-3"].reason
    assert checks["RET-3"].tally is None
    assert checks["RET-4"].outcome is Outcome.PASS


def test_an_empty_table_is_never_a_pass(store: Store, tmp_path: Path) -> None:
    store.do("TRUNCATE app.positions")
    check = _checks(_audit(store, tmp_path))["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.REVIEW, Cause.EMPTY)


def test_a_column_that_is_all_null_is_never_a_pass(store: Store, tmp_path: Path) -> None:
    store.do("UPDATE app.positions SET recorded_at = NULL")
    check = _checks(_audit(store, tmp_path))["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.REVIEW, Cause.UNDECIDABLE_ROWS)


def test_an_empty_table_that_may_be_empty_is_not_applicable(store: Store, tmp_path: Path) -> None:
    store.do("TRUNCATE app.positions")
    tables = {**MAP["tables"], "app.positions": {**MAP["tables"]["app.positions"], "may_be_empty": True}}
    check = _checks(_audit(store, tmp_path, tables=tables))["RET-3"]
    assert check.outcome is Outcome.NOT_APPLICABLE


def test_an_empty_table_whose_emptiness_would_let_others_pass_is_not_audited(store: Store, tmp_path: Path) -> None:
    store.do("CREATE TABLE app.contracts (user_id bigint, ended_at timestamptz)")
    store.do(f"GRANT SELECT ON app.contracts TO {store.role}")
    clock = {"table": "app.contracts", "on": {"user_id": "user_id"}, "column": "ended_at", "absent_means": "running"}
    mapped = {**MAP["tables"]["app.positions"], "data": [{"category": "geolocation", "clock": clock}]}
    tables = {**MAP["tables"], "app.positions": mapped}
    check = _checks(_audit(store, tmp_path, tables=tables))["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.EMPTY)
    assert "app.contracts holds no row" in check.reason
    store.do("INSERT INTO app.contracts VALUES (7, now())")
    assert _checks(_audit(store, tmp_path / "again", tables=tables))["RET-3"].outcome is Outcome.PASS


def test_a_control_without_a_mapped_table_is_a_gap_and_said(store: Store, tmp_path: Path) -> None:
    tables = {"app.sessions": MAP["tables"]["app.sessions"]}
    result = _audit(store, tmp_path, tables=tables)
    gap = next(check for check in result.checks if check.control == "RET-3")
    assert (gap.outcome, gap.cause) == (Outcome.NOT_AUDITED, Cause.MISSING)
    assert result.outcome is Outcome.NOT_AUDITED


def test_a_superuser_is_refused(store: Store, tmp_path: Path) -> None:
    store.reader = sa.make_url(store.owner)
    result = _audit(store, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.UNSAFE_SESSION)
    assert "superuser" in result.reason
    assert {check.outcome for check in result.checks} == {Outcome.NOT_AUDITED}


def test_a_role_that_may_write_is_reported(store: Store, tmp_path: Path) -> None:
    store.do(f"GRANT DELETE ON app.sessions TO {store.role}")
    result = _audit(store, tmp_path)
    assert result.outcome is Outcome.FAIL
    assert any("may write to 1 relation" in limit for limit in result.limits)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"port": 1}, Cause.UNREACHABLE),
        ({"password": "wrong"}, Cause.REFUSED),
        ({"database": "nowhere"}, Cause.REFUSED),
        ({"host": "no.such.host.invalid"}, Cause.UNREACHABLE),
    ],
)
def test_a_store_that_cannot_be_opened_is_not_audited(
    store: Store, tmp_path: Path, change: dict[str, object], cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor, "PAUSE_SECONDS", 0)
    store.reader = store.reader.set(**change)
    result = _audit(store, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, cause)
    assert {check.outcome for check in result.checks} == {Outcome.NOT_AUDITED}
    assert "secret" not in result.reason
    assert "wrong" not in result.reason


def test_a_lock_is_not_queued_behind(store: Store, tmp_path: Path) -> None:
    with psycopg2.connect(store.owner.replace("+psycopg2", "")) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE app.positions IN ACCESS EXCLUSIVE MODE")
        checks = _checks(_audit(store, tmp_path))
        blocker.rollback()
    assert (checks["RET-3"].outcome, checks["RET-3"].cause) == (Outcome.NOT_AUDITED, Cause.TIMEOUT)
    assert checks["RET-4"].outcome is Outcome.PASS


def test_all_connections_see_one_instant(store: Store) -> None:
    with store_session.open_store(store.reader, "a1") as door:
        store.do("DELETE FROM app.positions")
        for _ in range(2):
            with door.engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM app.positions").scalar() == 3


def test_the_session_keeps_its_contract(store: Store) -> None:
    store.do(f"ALTER ROLE {store.role} SET search_path = app; ALTER ROLE {store.role} SET row_security = on")
    with store_session.open_store(store.reader, "a1") as door, door.engine.connect() as connection:
        for name in ("search_path", "row_security", "TimeZone", "jit"):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == store_session.CONTRACT[name]
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"


def test_a_suite_that_lost_its_rules_proves_nothing(store: Store, tmp_path: Path) -> None:
    mapped = StoreMap.model_validate(MAP)
    coverage = suites.bind(PROMISES, mapped)
    order = auditor.StoreOrder("a1", T, coverage, frozenset(RETENTION), [], tmp_path)
    result = auditor.audit_store(order, lambda: store.reader)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.INTERNAL)
    assert "in no committed suite" in result.reason


def test_a_suite_that_says_something_else_than_the_map_is_not_run(store: Store, tmp_path: Path) -> None:
    mapped = StoreMap.model_validate(MAP)
    coverage = suites.bind(PROMISES, mapped)
    loosened = [
        suites.json.loads(content.replace(b'"period": "P2M"', b'"period": "P20Y"'))
        for content in suites.compile_suites(PROMISES, [coverage]).values()
    ]
    order = auditor.StoreOrder("a1", T, coverage, frozenset(RETENTION), loosened, tmp_path)
    check = _checks(auditor.audit_store(order, lambda: store.reader))["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.INTERNAL)


def test_the_statement_for_the_engineer_lists_exactly_the_violating_rows(store: Store, tmp_path: Path) -> None:
    check = _checks(_audit(store, tmp_path))["RET-3"]
    with sa.create_engine(store.owner).connect() as connection:
        rows = connection.exec_driver_sql(check.show_rows.replace("%", "%%")).all()
    assert [row.id for row in rows] == [2]
    assert rows[0].in_breach_since.isoformat() == "2026-03-02"


def test_rows_that_come_after_the_snapshot_do_not_count(store: Store, tmp_path: Path) -> None:
    store.do(f"INSERT INTO app.positions VALUES (4, 4, '{T + timedelta(seconds=1)}')")
    tally = _checks(_audit(store, tmp_path))["RET-3"].tally
    assert tally is not None
    assert tally.undecidable == 2  # a clock after T is no fact
