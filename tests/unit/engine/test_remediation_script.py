"""Drafts on stores less tidy than the demo's: what they spare, what they refuse, and that they hit no other row."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from privacy_audit.compiler import suites
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.engine import auditor
from tests.unit.engine.conftest import PROMISES, Store, by_control

TABLE = "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz, place text)"
FILL = """INSERT INTO app.positions SELECT n, n, CASE WHEN n <= 4 THEN '2026-01-01'::timestamptz ELSE now() END, 'Lyon'
    FROM generate_series(1, 9) n"""
HOLDS = "CREATE TABLE app.holds (id int, person bigint, category text, matter text, started {type}, released {type})"
POSITIONS: dict[str, Any] = {
    "title": "Positions",
    "key": ["id"],
    "subject": {"column": "user_id"},
    "data": [{"category": "geolocation", "clock": {"column": "recorded_at"}}],
}
COLUMNS: dict[str, Any] = {**POSITIONS, "data": [{**POSITIONS["data"][0], "columns": ["place"]}]}
ABOUT = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
}


def register(**clock: str) -> dict[str, Any]:
    """A register of holds whose moments are written in a way."""
    started, released = ({"column": name, **clock} for name in ("started", "released"))
    plain = {"table": "app.holds", "key": ["id"], "subject": "person", "category": "category", "matter": "matter"}
    return {"legal_holds": {**plain, "every_category": "*", "started": started, "released": released}}


def audited(
    store: Store, results: Path, table: dict[str, Any] = POSITIONS, as_of: datetime | None = None, **more: Any
) -> CheckResult:
    """What is said of the positions."""
    mapped = StoreMap.model_validate({**ABOUT, "tables": {"app.positions": table}, **more})
    coverage = suites.bind(PROMISES, mapped)
    order = auditor.StoreOrder(
        audit_id="a1",
        as_of=as_of or datetime.now(UTC),
        coverage=coverage,
        controls=frozenset({"RET-3"}),
        suites=[suites.json.loads(content) for content in suites.compile_suites(PROMISES, [coverage]).values()],
        results=results,
    )
    return by_control(auditor.audit_store(order, lambda: store.reader))["RET-3"]


def run(store: Store, draft: str) -> None:
    """Runs a draft for good, as its owner."""
    assert draft.endswith("\nROLLBACK;")
    with closing(psycopg2.connect(store.owner.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        cursor.execute(f"{draft.removesuffix('ROLLBACK;')}COMMIT;")


def left(store: Store) -> list[int]:
    """Ids of the old positions that are there."""
    return store.ask("SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM app.positions WHERE id <= 4")


@pytest.fixture
def positions(store: Store) -> Store:
    """Nine positions, of which the first four are overdue."""
    store.do(TABLE, FILL)
    return store


def test_rows_of_the_same_key_are_told_apart(positions: Store, tmp_path: Path) -> None:
    positions.do("UPDATE app.positions SET id = 1")
    run(positions, audited(positions, tmp_path).draft)
    assert positions.ask("SELECT array_agg(user_id ORDER BY user_id) FROM app.positions") == [5, 6, 7, 8, 9]


def test_a_row_that_was_renewed_since_is_judged_anew(positions: Store, tmp_path: Path) -> None:
    draft = audited(positions, tmp_path).draft
    positions.do("UPDATE app.positions SET recorded_at = now() WHERE id = 2")
    run(positions, draft)
    assert left(positions) == [2]


def test_columns_are_emptied_where_they_are_the_data(positions: Store, tmp_path: Path) -> None:
    run(positions, audited(positions, tmp_path, COLUMNS).draft)
    assert left(positions) == [1, 2, 3, 4]
    assert positions.ask("SELECT array_agg(id ORDER BY id) FROM app.positions WHERE place IS NULL") == [1, 2, 3, 4]
    assert audited(positions, tmp_path / "again", COLUMNS).outcome is Outcome.PASS


def test_columns_that_may_not_be_null_are_for_a_person_to_settle(positions: Store, tmp_path: Path) -> None:
    positions.do("ALTER TABLE app.positions ALTER place SET NOT NULL")
    check = audited(positions, tmp_path, COLUMNS)
    assert (check.outcome, check.draft) == (Outcome.FAIL, "")
    assert "or delete the rows" in check.fix
    assert "There is no draft: app.positions allows no null in place." in check.fix


def test_the_statement_that_lets_columns_be_null_leads_to_a_draft_that_closes_the_finding(
    positions: Store, tmp_path: Path
) -> None:
    positions.do("""ALTER TABLE app.positions ADD "Order" text NOT NULL DEFAULT 'x', ALTER place SET NOT NULL""")
    mapped = {**COLUMNS, "data": [{**COLUMNS["data"][0], "columns": ["place", "Order"]}]}
    (statement,) = re.findall(r"`(ALTER TABLE .*?;)`", audited(positions, tmp_path, mapped).fix)
    positions.do(statement)
    again = audited(positions, tmp_path / "again", mapped)
    assert "There is no draft" not in again.fix
    run(positions, again.draft)
    assert left(positions) == [1, 2, 3, 4]
    assert audited(positions, tmp_path / "closed", mapped).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("statements", "relation"),
    [
        (("ALTER TABLE app.positions ADD PRIMARY KEY (id, place)",), "table"),
        (
            (
                "CREATE DOMAIN app.somewhere AS text NOT NULL",
                "ALTER TABLE app.positions ALTER place TYPE app.somewhere",
            ),
            "table",
        ),
        (
            (
                "ALTER TABLE app.positions DROP place",
                "ALTER TABLE app.positions ADD place text GENERATED ALWAYS AS ('Lyon') STORED",
            ),
            "table",
        ),
        (
            (
                "ALTER TABLE app.positions RENAME TO positions_1",
                "ALTER TABLE app.positions_1 ALTER place SET NOT NULL",
                f"{TABLE} PARTITION BY LIST (id)",
                "ALTER TABLE app.positions ATTACH PARTITION app.positions_1 DEFAULT",
            ),
            "partitioned",
        ),
    ],
    ids=["key", "domain", "generated", "partition"],
)
def test_where_no_statement_lets_columns_be_null_the_advice_says_so(
    positions: Store, tmp_path: Path, statements: tuple[str, ...], relation: str
) -> None:
    positions.do(*statements)
    check = audited(positions, tmp_path, {**COLUMNS, "relation": relation})
    assert (check.outcome, check.draft) == (Outcome.FAIL, "")
    assert "There is no draft: app.positions can hold no null in place" in check.fix
    assert "ALTER" not in check.fix


def test_a_column_that_a_key_only_includes_can_be_null(positions: Store, tmp_path: Path) -> None:
    positions.do("ALTER TABLE app.positions ADD PRIMARY KEY (id) INCLUDE (place)")
    run(positions, audited(positions, tmp_path, COLUMNS).draft)
    assert audited(positions, tmp_path / "again", COLUMNS).outcome is Outcome.PASS


def test_columns_that_other_tables_refer_to_are_for_a_person_to_settle(positions: Store, tmp_path: Path) -> None:
    positions.do(
        "UPDATE app.positions SET place = id",
        "ALTER TABLE app.positions ADD UNIQUE (place)",
        "CREATE TABLE app.trips (place text REFERENCES app.positions (place) ON UPDATE CASCADE)",
    )
    check = audited(positions, tmp_path, COLUMNS)
    assert check.draft == ""
    assert "There is no draft: rows of other tables refer to place of app.positions." in check.fix


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_foreign_key_that_would_act_by_itself_stops_the_draft(positions: Store, tmp_path: Path, action: str) -> None:
    positions.do(
        "ALTER TABLE app.positions ADD PRIMARY KEY (id)",
        f"""CREATE TABLE app."Trip's" (id int, "from" bigint REFERENCES app.positions ON DELETE {action})""",
        """INSERT INTO app."Trip's" VALUES (1, 9)""",
    )
    draft = audited(positions, tmp_path).draft
    positions.do("""INSERT INTO app."Trip's" VALUES (2, 3)""")
    with pytest.raises(psycopg2.errors.RaiseException, match=r"Rows of app\.Trip's refer to rows that are due"):
        run(positions, draft)
    assert left(positions) == [1, 2, 3, 4]
    run(positions, draft.replace('-- UPDATE "app"."Trip\'s"', 'UPDATE "app"."Trip\'s"'))
    assert left(positions) == []
    # The map does not say whose trips these are: both stay, and one leads nowhere any more.
    assert positions.ask("""SELECT array_agg("from" ORDER BY id) FROM app."Trip's" """) == [9, None]


def test_a_name_that_could_end_a_line_or_a_quote_is_in_no_draft(positions: Store, tmp_path: Path) -> None:
    positions.do(
        "ALTER TABLE app.positions ADD PRIMARY KEY (id)",
        """CREATE TABLE app."trips\nDELETE FROM app.positions;" (place bigint REFERENCES app.positions)""",
    )
    check = audited(positions, tmp_path)
    assert (check.outcome, check.draft) == (Outcome.FAIL, "")
    assert "There is no draft: a table or column that refers to app.positions has a name" in check.fix


WRITTEN = {
    "timestamptz": ("timestamptz", {}, "{}"),
    "timestamp": (
        "timestamp",
        {"encoding": "timestamp", "zone": "America/New_York"},
        "({})::timestamptz AT TIME ZONE 'America/New_York'",
    ),
    "epoch seconds": ("bigint", {"encoding": "epoch_seconds"}, "extract(epoch FROM ({})::timestamptz)"),
    "epoch milliseconds": (
        "double precision",
        {"encoding": "epoch_milliseconds"},
        "1000 * extract(epoch FROM ({})::timestamptz)",
    ),
    "date": ("date", {"encoding": "date"}, "(({})::timestamptz AT TIME ZONE 'Europe/Paris')::date"),
}
"""Type of the column, the map's words for it, and how a moment is put into it."""


@pytest.mark.parametrize("way", WRITTEN)
def test_what_a_hold_may_mean_when_the_draft_runs_is_spared(store: Store, tmp_path: Path, way: str) -> None:
    type_, clock, write = WRITTEN[way]
    store.do(TABLE, FILL, HOLDS.format(type=type_))
    check = audited(store, tmp_path, registers=register(**clock))
    assert check.tally is not None
    assert (check.tally.violating, check.tally.held) == (4, 0)
    long_ago, yesterday, tomorrow = (
        write.format(f"now() {shift}") for shift in ("- interval '90 d'", "- interval '30 h'", "+ interval '30 h'")
    )
    before_us = write.format("'1999-01-01 12:00'")
    store.do(
        f"""INSERT INTO app.holds VALUES
            (1, 1, 'geolocation', 'A', {long_ago}, {yesterday}), (2, 1, 'cookie', 'A', {long_ago}, NULL),
            (3, 2, 'geolocation', 'B', {tomorrow}, NULL), (4, 3, '*', 'C', NULL, {tomorrow}),
            (5, 4, 'geolocation', 'D', {long_ago}, {before_us})"""
    )
    run(store, check.draft)
    # One was released, and a hold on cookies is none on positions. A release before the company's first day is no fact.
    assert left(store) == [2, 3, 4]


def test_a_hold_without_a_category_or_of_an_unknown_one_may_mean_any(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    draft = audited(store, tmp_path, registers=register()).draft
    store.do("INSERT INTO app.holds VALUES (1, 1, NULL, 'A', now(), NULL), (2, 2, 'places', 'B', now(), NULL)")
    run(store, draft)
    assert left(store) == [1, 2]


def test_a_hold_on_nobody_may_mean_everybody(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    draft = audited(store, tmp_path, registers=register()).draft
    store.do("INSERT INTO app.holds VALUES (1, NULL, 'geolocation', 'A', now(), NULL)")
    run(store, draft)
    assert left(store) == [1, 2, 3, 4]


def test_where_the_map_does_not_say_whose_rows_are_any_hold_spares_them(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    nobodys = {key: value for key, value in POSITIONS.items() if key != "subject"}
    draft = audited(store, tmp_path, nobodys, registers=register()).draft
    store.do("INSERT INTO app.holds VALUES (1, 77, 'geolocation', 'A', now(), NULL)")
    run(store, draft)
    assert left(store) == [1, 2, 3, 4]
    store.do("DELETE FROM app.holds")
    run(store, draft)
    assert left(store) == []


def test_rows_that_hold_several_categories_are_spared_by_a_hold_on_any(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    more = {"category": "connection", "columns": ["place"], "clock": {"column": "recorded_at"}}
    both = {**POSITIONS, "data": [*POSITIONS["data"], more]}
    draft = audited(store, tmp_path, both, registers=register()).draft
    store.do("INSERT INTO app.holds VALUES (1, 1, 'connection', 'A', now(), NULL)")
    run(store, draft)
    assert left(store) == [1]


def test_nobody_places_a_hold_while_a_draft_runs(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    draft = audited(store, tmp_path, registers=register()).draft.replace("'5s'", "'100ms'")
    with closing(psycopg2.connect(store.owner.replace("+psycopg2", ""))) as other, other.cursor() as cursor:
        cursor.execute("INSERT INTO app.holds VALUES (1, 1, 'geolocation', 'A', now(), NULL)")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            run(store, draft)
    assert left(store) == [1, 2, 3, 4]


def test_holds_that_a_policy_hides_stop_the_draft(store: Store, tmp_path: Path) -> None:
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    draft = audited(store, tmp_path, registers=register()).draft
    store.do(
        "DROP ROLE IF EXISTS an_owner; CREATE ROLE an_owner LOGIN PASSWORD 'x'",
        "GRANT USAGE ON SCHEMA app TO an_owner; GRANT ALL ON ALL TABLES IN SCHEMA app TO an_owner",
        "ALTER TABLE app.holds ENABLE ROW LEVEL SECURITY",
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO an_owner', current_database()); END $$",
    )
    address = store.reader.set(drivername="postgresql", username="an_owner", password="x")
    owner = replace(store, owner=address.render_as_string(hide_password=False))
    try:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
            run(owner, draft)
    finally:
        store.do("DROP OWNED BY an_owner; DROP ROLE an_owner")
    assert left(store) == [1, 2, 3, 4]


def test_words_with_signs_of_drivers_and_quotes_mean_themselves(store: Store, tmp_path: Path) -> None:
    word = r"50% \ 'geo' :x"
    store.do(TABLE, FILL, HOLDS.format(type="timestamptz"))
    store.do("INSERT INTO app.holds VALUES (1, 1, $w$" + word + "$w$, 'A', now() - interval '9 d', NULL)")
    holds = register()["legal_holds"]
    check = audited(store, tmp_path, registers={"legal_holds": {**holds, "categories": {"geolocation": word}}})
    assert check.tally is not None
    assert (check.tally.violating, check.tally.held) == (3, 1)
    with store.as_owner() as connection, connection.connection.cursor() as cursor:
        cursor.execute(check.show_rows)
        assert [row[0] for row in cursor.fetchall()] == [2, 3, 4]
    run(store, check.draft)
    assert left(store) == [1]


def test_a_check_that_passed_has_nothing_to_run(positions: Store, tmp_path: Path) -> None:
    positions.do("DELETE FROM app.positions WHERE id <= 4")
    check = audited(positions, tmp_path, as_of=datetime.now(UTC) + timedelta(seconds=1))
    assert (check.outcome, check.draft) == (Outcome.PASS, "")
    assert check.show_undecidable.startswith("SELECT t.id, t.recorded_at AS clock")


def test_a_text_of_the_map_stays_a_comment(positions: Store, tmp_path: Path) -> None:
    owner = "Product; DROP TABLE app.positions; -- and all that"
    draft = audited(positions, tmp_path, owner=owner).draft
    assert draft.splitlines()[0].startswith("-- DRAFT for the owner of store app (Product; DROP TABLE app.positions;")
    run(positions, draft)
    assert left(positions) == []
