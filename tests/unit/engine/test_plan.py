"""Which way a check reads its table: every row while that is cheap, an index where one leads to the suspects.

Whatever the way, it counts the same, says why it was chosen, and nothing of a row leaves the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome, Plan
from privacy_audit.engine.measurement import Measurement, count_all, measure
from tests.conftest import MakeDatabase
from tests.oracle.compare import SOUGHT, counted
from tests.unit.engine.conftest import Store, T, by_control, made
from tests.unit.engine.proxy import Proxy

ROWS = 1000
OVER = ROWS - 1
"""A budget that the table is just beyond."""

QUIET = "WITH (autovacuum_enabled = false)"
"""Statistics change when a test says so, not when the server finds the time."""
COLUMNS = "(id bigint, user_id bigint, recorded_at timestamptz, place text, test boolean)"
TABLE = f"CREATE TABLE app.positions {COLUMNS} {QUIET}"
FILL = f"""
    INSERT INTO app.positions
    SELECT n, n % 20, CASE
        WHEN n <= 6 THEN '2026-01-01'::timestamptz + n * interval '20 days'
        WHEN n = 7 THEN NULL WHEN n = 8 THEN 'infinity' WHEN n = 9 THEN '1970-01-01'
        ELSE '2026-11-23'::timestamptz - n % 30 * interval '1 day' END, 'Lyon', false
    FROM generate_series(1, {ROWS}) n
"""
"""Six rows past two months, three whose moment is no fact, the others recent."""
ANALYZE = "ANALYZE app.positions"
HOLDS = f"""
    CREATE TABLE app.holds
        (id int, person bigint, category text, matter text, started timestamptz, released timestamptz) {QUIET};
    INSERT INTO app.holds VALUES
        (1, 1, 'geolocation', 'A', '2026-01-01', NULL), (2, 2, 'geolocation', 'B', '2026-10-01', NULL)
"""
"""Two of the six are held, the second one from too late a day."""
CONSENTS = "CREATE TABLE app.consents (person {key}, purpose text, granted timestamptz, withdrawn timestamptz) " + QUIET
GRANTS = """
    INSERT INTO app.consents
    SELECT n, 'geolocation', '2019-06-01', CASE n WHEN 5 THEN '2026-11-10'::timestamptz END
    FROM generate_series(0, 18) n
"""
"""One person of twenty never consented, one withdrew."""

_COMMON = {
    "table": "app.positions",
    "title": "Positions",
    "key": ["id"],
    "zone": "Europe/Paris",
    "no_data_before": "2019-01-01",
    "category": "geolocation",
    "clock": {"column": "recorded_at"},
    "subject": {"column": "user_id"},
}
REGISTER = {
    "table": "app.holds",
    "key": ["id"],
    "subject": "person",
    "category": "category",
    "matter": "matter",
    "started": {"column": "started"},
    "released": {"column": "released"},
}
LEDGER = {
    "table": "app.consents",
    "subject": "person",
    "purpose": "purpose",
    "reading": "intervals",
    "granted": {"column": "granted"},
    "withdrawn": {"column": "withdrawn"},
}


def retention(**changes: Any) -> Rule:
    return kinds()["retention"].model_validate({**_COMMON, "period": "P2M", **changes})


def consent(**changes: Any) -> Rule:
    rule = {**_COMMON, "purpose": "geolocation", "consents": LEDGER, **changes}
    return kinds()["consent_at_event"].model_validate(rule)


def looked(store: Store, rule: Rule, budget: int = OVER) -> Measurement:
    """What a check counts, on a connection as it gets one."""
    with store.opened() as connection:
        return measure(connection, rule, T, budget)


def planned(store: Store, rule: Rule, budget: int = OVER) -> tuple[Plan, str]:
    """The way a check takes, and why."""
    measured = looked(store, rule, budget)
    return measured.plan, measured.plan_reason


@pytest.fixture
def positions(store: Store) -> Store:
    """A store with a thousand positions, and its planner knows how many."""
    store.do(TABLE, FILL, ANALYZE)
    return store


def test_within_the_budget_every_row_is_counted(positions: Store) -> None:
    positions.do("CREATE INDEX ON app.positions (recorded_at)")
    measured = looked(positions, retention(), budget=ROWS)
    assert measured.plan is Plan.FULL
    assert measured.plan_reason == "every row counted: about 1,000, within 1,000"
    assert not measured.tally.estimated
    assert (measured.tally.population, measured.tally.compliant) == (ROWS, ROWS - 9)


def test_beyond_the_budget_only_suspects_are_counted(positions: Store) -> None:
    positions.do("CREATE INDEX ON app.positions (recorded_at)")
    measured = looked(positions, retention())
    assert measured.plan is Plan.SEEK
    assert measured.tally.estimated
    assert (measured.tally.population, measured.tally.compliant) == (ROWS, ROWS - 9)
    assert (measured.tally.violating, measured.tally.undecidable) == (6, 3)


def test_a_table_that_was_never_analysed_is_counted_in_full(store: Store) -> None:
    store.do(TABLE, FILL)
    reason = "every row counted: the table was never analysed, its size is unknown"
    assert planned(store, retention(), budget=1) == (Plan.FULL, reason)


def test_more_suspects_than_the_statistics_know_rows_are_all_counted(positions: Store) -> None:
    positions.do("INSERT INTO app.positions SELECT n, n, '2026-01-01' FROM generate_series(1, 5000) n")
    measured = looked(positions, retention())
    assert measured.plan is Plan.SEEK
    assert (measured.tally.violating, measured.tally.population, measured.tally.compliant) == (5006, 5009, 0)


@pytest.mark.parametrize(
    "index",
    [
        "(recorded_at)",
        "(recorded_at DESC)",
        "(recorded_at, id)",
        "(recorded_at) INCLUDE (id)",
        "USING brin (recorded_at)",
    ],
)
def test_an_index_on_the_clock_leads_to_the_suspects(positions: Store, index: str) -> None:
    positions.do(f"CREATE INDEX ON app.positions {index}")
    reason = "about 1,000 rows: suspects sought by the index on (recorded_at)"
    assert planned(positions, retention()) == (Plan.SEEK, reason)


BY_SCAN = "about 1,000 rows: suspects filtered out in one scan; an index on (recorded_at) would spare it"


@pytest.mark.parametrize(
    "index",
    [
        "(recorded_at) WHERE user_id > 0",
        "((recorded_at AT TIME ZONE 'UTC'))",
        "(id, recorded_at)",
        "(id) INCLUDE (recorded_at)",
        "USING hash (recorded_at)",
        "USING brin (id, recorded_at)",
    ],
)
def test_another_index_is_not_taken_for_one(positions: Store, index: str) -> None:
    positions.do(f"CREATE INDEX ON app.positions {index}")
    assert planned(positions, retention()) == (Plan.SEEK, BY_SCAN)


def test_an_index_whose_building_failed_is_not_taken_for_one(positions: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        positions.do("CREATE UNIQUE INDEX CONCURRENTLY clock ON app.positions (recorded_at)")
    assert positions.ask("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'app.clock'::regclass")
    assert planned(positions, retention()) == (Plan.SEEK, BY_SCAN)


def test_a_name_with_capitals_is_the_name_of_that_table_alone(store: Store) -> None:
    store.do(
        f'CREATE TABLE app."Positions" (id int, "recordedAt" timestamptz, user_id int) {QUIET}',
        """INSERT INTO app."Positions" SELECT n, '2026-11-01', n FROM generate_series(1, 1000) n""",
        'CREATE INDEX ON app."Positions" ("recordedAt")',
        'ANALYZE app."Positions"',
        TABLE,
        ANALYZE,
    )
    rule = retention(table="app.Positions", clock={"column": "recordedAt"})
    assert planned(store, rule) == (Plan.SEEK, "about 1,000 rows: suspects sought by the index on (recordedAt)")


PARTITIONED = f"""
    CREATE TABLE app.positions {COLUMNS} PARTITION BY RANGE (id);
    CREATE TABLE app.early PARTITION OF app.positions FOR VALUES FROM (0) TO (401) {QUIET};
    CREATE TABLE app.late PARTITION OF app.positions FOR VALUES FROM (401) TO (2000) PARTITION BY RANGE (user_id);
    CREATE TABLE app.late_a PARTITION OF app.late FOR VALUES FROM (0) TO (10) {QUIET};
    CREATE TABLE app.late_b PARTITION OF app.late FOR VALUES FROM (10) TO (20) {QUIET}
"""
"""400 rows in a partition, and twice 300 in the partitions of another."""


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ("INDEX ON app.positions (recorded_at)", "about 1,000 rows: suspects sought by the index on (recorded_at)"),
        ("INDEX ON app.early (recorded_at)", BY_SCAN),
        ("INDEX ON ONLY app.positions (recorded_at)", BY_SCAN),
    ],
)
def test_a_partitioned_table_is_as_large_as_its_leaves_and_has_the_indexes_of_all(
    store: Store, index: str, reason: str
) -> None:
    store.do(PARTITIONED, FILL, ANALYZE, f"CREATE {index}")
    rule = retention(relation="partitioned")
    assert planned(store, rule) == (Plan.SEEK, reason)
    assert planned(store, rule, budget=ROWS) == (Plan.FULL, "every row counted: about 1,000, within 1,000")


def test_a_leaf_is_as_large_as_itself(store: Store) -> None:
    store.do(PARTITIONED, FILL, ANALYZE)
    reason = "every row counted: about 400, within 999"
    assert planned(store, retention(table="app.early")) == (Plan.FULL, reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"row_period": {"column": "kept", "unit": "days"}},
        {"clock": {"latest": [{"column": "recorded_at"}, {"column": "seen_at"}]}},
    ],
    ids=["each row has a period of its own", "the latest of several clocks"],
)
def test_what_no_index_can_show_is_counted_in_full(positions: Store, changes: dict[str, Any]) -> None:
    positions.do("CREATE INDEX ON app.positions (recorded_at)")
    positions.do("ALTER TABLE app.positions ADD kept int, ADD seen_at timestamptz")
    reason = "every row counted, about 1,000: no shorter way shows what this check asks"
    assert planned(positions, retention(**changes)) == (Plan.FULL, reason)


def consents(store: Store, rows: int = 19, key: str = "bigint") -> None:
    """A ledger of so many rows; those beyond the grants are for another purpose."""
    store.do(
        CONSENTS.format(key=key),
        GRANTS,
        f"INSERT INTO app.consents SELECT n, 'newsletter', '2020-01-01' FROM generate_series(20, {rows}) n",
        "ANALYZE app.consents",
    )


BY_GAPS = "about 1,000 rows: suspects sought by the index on (user_id, recorded_at)"
BY_ANTI_JOIN = "about 1,000 rows: suspects filtered out in one scan"
AND_ADVICE = "; an index on (user_id, recorded_at) would spare it"


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ("(user_id, recorded_at)", BY_GAPS),
        ("(user_id, recorded_at, id)", BY_GAPS),
        ("(user_id)", BY_ANTI_JOIN + AND_ADVICE),
        ("(recorded_at, user_id)", BY_ANTI_JOIN + AND_ADVICE),
        ("(user_id, recorded_at DESC)", BY_ANTI_JOIN + AND_ADVICE),
        ("USING brin (user_id, recorded_at)", BY_ANTI_JOIN + AND_ADVICE),
        # It would read every row of a person once per gap.
        ("(user_id) INCLUDE (recorded_at)", BY_ANTI_JOIN + AND_ADVICE),
    ],
)
def test_gaps_between_consents_are_probed_only_with_an_index_on_person_and_moment(
    positions: Store, index: str, reason: str
) -> None:
    consents(positions)
    positions.do(f"CREATE INDEX ON app.positions {index}")
    assert planned(positions, consent()) == (Plan.SEEK, reason)


@pytest.mark.parametrize("order", ["text_pattern_ops", 'COLLATE "C"'])
def test_an_index_in_another_order_than_the_column_compares_is_not_taken_for_one(positions: Store, order: str) -> None:
    # The server could not use it, and would compare each row with each gap instead.
    consents(positions, key="text")
    positions.do("ALTER TABLE app.positions ALTER user_id TYPE text")
    positions.do(f"CREATE INDEX ON app.positions (user_id {order}, recorded_at)", ANALYZE)
    assert planned(positions, consent()) == (Plan.SEEK, BY_ANTI_JOIN + AND_ADVICE)


@pytest.mark.parametrize(("rows", "reason"), [(250, BY_GAPS), (251, BY_ANTI_JOIN)])
def test_gaps_are_probed_only_while_they_are_few(positions: Store, rows: int, reason: str) -> None:
    consents(positions, rows)
    positions.do("CREATE INDEX ON app.positions (user_id, recorded_at)")
    assert planned(positions, consent()) == (Plan.SEEK, reason)


@pytest.mark.parametrize(("rows", "reason"), [(83, BY_GAPS), (84, BY_ANTI_JOIN)])
def test_each_partition_costs_a_probe_of_its_own(store: Store, rows: int, reason: str) -> None:
    consents(store, rows)
    store.do(PARTITIONED, FILL, ANALYZE, "CREATE INDEX ON app.positions (user_id, recorded_at)")
    assert planned(store, consent(relation="partitioned")) == (Plan.SEEK, reason)


def test_a_ledger_of_unknown_size_is_not_probed(positions: Store) -> None:
    positions.do(CONSENTS.format(key="bigint"), GRANTS, "CREATE INDEX ON app.positions (user_id, recorded_at)")
    assert planned(positions, consent()) == (Plan.SEEK, BY_ANTI_JOIN)


WAYS = {
    "retention, one scan": (retention(holds=REGISTER), ""),
    "retention, B-tree": (retention(holds=REGISTER), "(recorded_at)"),
    "retention, BRIN": (retention(holds=REGISTER), "USING brin (recorded_at)"),
    "consent, anti join": (consent(), ""),
    "consent, gaps": (consent(), "(user_id, recorded_at)"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_counts_what_the_whole_table_counts(positions: Store, way: str) -> None:
    rule, index = WAYS[way]
    positions.do(HOLDS)
    consents(positions)
    if index:
        positions.do(f"CREATE INDEX ON app.positions {index}")
    with positions.opened() as connection:
        full, sought = counted(count_all(connection, rule, rule.context(T))), measure(connection, rule, T, OVER)
    assert sought.plan is Plan.SEEK
    assert ("index" in sought.plan_reason.partition(";")[0]) == bool(index)
    assert {name: counted(sought)[name] for name in SOUGHT} == {name: full[name] for name in SOUGHT}
    assert full["violating"] > 3
    assert full["undecidable"] == 3
    assert (full["held"], full["late_holds"]) == ((2, 1) if rule.kind == "retention" else (0, 0))


def audited(store: Store, results: Path, budget: int = OVER, **group: Any) -> CheckResult:
    """The check on positions when the store is audited."""
    data = {"category": "geolocation", "clock": {"column": "recorded_at"}, **group}
    mapped = {"title": "Positions", "key": ["id"], "subject": {"column": "user_id"}, "data": [data]}
    result = store.audit(results, {"app.positions": mapped}, controls=("RET-3",), budget=budget)
    return by_control(result)["RET-3"]


EMPTIED = {
    "deleted": (
        "DELETE FROM app.positions",
        "every row counted, about 1,000: no row of it is in scope, or it is empty",
    ),
    "truncated": ("TRUNCATE app.positions", "every row counted: the table was never analysed, its size is unknown"),
}


@pytest.mark.parametrize("how", EMPTIED)
def test_an_empty_table_is_never_estimated(positions: Store, tmp_path: Path, how: str) -> None:
    change, reason = EMPTIED[how]
    positions.do("CREATE INDEX ON app.positions (recorded_at)", change)
    check = audited(positions, tmp_path)
    assert (check.outcome, check.cause) == (Outcome.REVIEW, Cause.EMPTY)
    assert (check.plan, check.plan_reason) == (Plan.FULL, reason)
    assert check.tally is not None
    assert (check.tally.population, check.tally.estimated) == (0, False)


OUT_OF_SCOPE: dict[str, tuple[dict[str, Any], str]] = {
    "all columns of the group are null": ({"columns": ["place"]}, "UPDATE app.positions SET place = NULL"),
    "a condition matches all": (
        {"out_of_scope": [{"column": "test", "equals": True, "because": "Made by tests."}]},
        "UPDATE app.positions SET test = true",
    ),
}
NO_SUSPECT = "UPDATE app.positions SET recorded_at = '2026-11-20'"


@pytest.mark.parametrize("why", OUT_OF_SCOPE)
def test_a_table_without_a_row_in_scope_never_passes_by_an_estimate(positions: Store, tmp_path: Path, why: str) -> None:
    group, change = OUT_OF_SCOPE[why]
    positions.do("CREATE INDEX ON app.positions (recorded_at)", NO_SUSPECT, change)
    check = audited(positions, tmp_path, **group)
    assert (check.outcome, check.cause) == (Outcome.REVIEW, Cause.EMPTY)
    assert check.plan is Plan.FULL
    assert check.plan_reason == "every row counted, about 1,000: no row of it is in scope, or it is empty"
    assert check.tally is not None
    assert (check.tally.population, check.tally.out_of_scope) == (ROWS, ROWS)


@pytest.mark.parametrize("why", OUT_OF_SCOPE)
def test_one_row_in_scope_is_enough_to_seek(positions: Store, tmp_path: Path, why: str) -> None:
    group, change = OUT_OF_SCOPE[why]
    positions.do("CREATE INDEX ON app.positions (recorded_at)", NO_SUSPECT, f"{change} WHERE id <> {ROWS}")
    check = audited(positions, tmp_path, **group)
    assert (check.outcome, check.plan) == (Outcome.PASS, Plan.SEEK)


def test_positions_all_out_of_scope_need_no_consent_and_prove_none(positions: Store) -> None:
    consents(positions)
    positions.do("CREATE INDEX ON app.positions (user_id, recorded_at)", "UPDATE app.positions SET place = NULL")
    measured = looked(positions, consent(columns_of_group=["place"]))
    assert measured.plan is Plan.FULL
    assert (measured.tally.population, measured.tally.out_of_scope) == (ROWS, ROWS)


@dataclass(frozen=True)
class Sent:
    """A statement that a check sent, and the shape of what came back."""

    text: str
    parameters: Any
    rows: int
    columns: dict[str, int | None]
    """Name of each column of the result to the table whose column it is, if it is one."""


@contextmanager
def recorded(connection: sa.Connection) -> Iterator[list[Sent]]:
    """Every statement of a connection while it is open."""
    sent: list[Sent] = []

    def record(_: object, cursor: Any, text: str, parameters: object, *__: object) -> None:
        if cursor.description is None:  # a savepoint
            return
        columns = {column.name: column.table_oid for column in cursor.description}
        sent.append(Sent(text, parameters, cursor.rowcount, columns))

    sa.event.listen(connection, "after_cursor_execute", record)
    yield sent
    sa.event.remove(connection, "after_cursor_execute", record)


PURGES = {"table": "app.purges", "target": "job", "finished": {"column": "ended"}, "deleted": "gone"}
STATEMENTS = {
    "retention within the budget": (retention(), ROWS, 3),
    "retention beyond it": (retention(), OVER, 8),
    "retention with a log of its purge": (retention(purge_runs=PURGES), ROWS, 4),
    "retention with a log, beyond the budget": (retention(purge_runs=PURGES), OVER, 9),
    "consent within the budget": (consent(), ROWS, 2),
    "consent beyond it": (consent(), OVER, 7),
}


@pytest.mark.parametrize(("rule", "budget", "most"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_check_is_a_handful_of_statements_that_select_one_row_of_aggregates(
    positions: Store, rule: Rule, budget: int, most: int
) -> None:
    consents(positions)
    positions.do("CREATE INDEX ON app.positions (recorded_at)", "CREATE INDEX ON app.positions (user_id, recorded_at)")
    positions.do("CREATE TABLE app.purges (job text, ended timestamptz, gone bigint)")
    with positions.opened() as connection:
        with recorded(connection) as sent:
            measure(connection, rule, T, budget)
        with recorded(connection) as plain:
            connection.exec_driver_sql("SELECT place FROM (SELECT * FROM app.positions) p")
    assert plain[0].columns["place"], "the server names the table of a column, however deep it was selected"
    self_test_cases = [statement for statement in sent if "number of specimen" in statement.text]
    others = sent[len(self_test_cases) :]
    assert sent[: len(self_test_cases)] == self_test_cases
    assert 1 <= len(self_test_cases) <= 2
    assert not any("app.positions" in statement.text for statement in self_test_cases), (
        "what is judged there was sent along"
    )
    assert len(others) <= most
    assert sum("AS judged" in statement.text for statement in others) == 1
    for statement in others:
        assert statement.rows == 1
        assert set(statement.columns.values()) == {None}, statement.text


CANARY = "anne.canari@example.org"


@pytest.mark.parametrize(("budget", "plan"), [(ROWS, Plan.FULL), (OVER, Plan.SEEK)])
def test_no_value_of_a_row_crosses_the_wire(
    positions: Store, server: EmbeddedPostgres, tmp_path: Path, budget: int, plan: Plan
) -> None:
    positions.do("ALTER TABLE app.positions ALTER user_id TYPE text", f"UPDATE app.positions SET user_id = '{CANARY}'")
    positions.do(ANALYZE)
    with Proxy(server.port).running() as proxy:
        store = positions.through(proxy.port)
        check = audited(store, tmp_path, budget)
        assert check.tally is not None
        assert (check.plan, check.tally.violating, check.tally.subjects) == (plan, 6, 1)
        assert CANARY.encode() not in proxy.answers
        with sa.create_engine(store.reader, poolclass=sa.NullPool).connect() as plain:
            plain.exec_driver_sql("SELECT user_id FROM app.positions LIMIT 1")
        assert CANARY.encode() in proxy.answers, "the proxy sees what crosses the wire"


LARGE = 20_000
WRITTEN = {
    "timestamptz": ("timestamptz", "at"),
    "timestamp": ("timestamp", "at"),
    "date": ("date", "at"),
    "epoch_seconds": ("bigint", "extract(epoch FROM at)"),
    "epoch_milliseconds": ("numeric", "extract(epoch FROM at) * 1000"),
    "year": ("smallint", "extract(year FROM at)"),
}
"""Each encoding of a moment as a column of its own: type and value."""


@pytest.fixture(scope="module")
def large(make_database: MakeDatabase) -> Iterator[Store]:
    """Rows enough to leave the planner a choice. One in two hundred is a suspect, and the oldest lie first."""
    written = ", ".join(f"({value})::{kind} AS {name}" for name, (kind, value) in WRITTEN.items())
    with made(make_database()) as store:
        store.do(
            f"""
            CREATE TABLE app.positions {QUIET} AS
            SELECT n AS id, n % 500 AS user_id, repeat('x', 400) AS place, at AS in_order, {written} FROM (
                SELECT n, CASE WHEN n > {LARGE // 200} THEN '2026-11-01'::timestamptz
                               WHEN n % 10 > 0 THEN '2020-01-01' END AS at FROM generate_series(1, {LARGE}) n
            ) row
            """,
            *(f"CREATE INDEX {name} ON app.positions ({name})" for name in WRITTEN),
            "CREATE INDEX in_order ON app.positions USING brin (in_order)",
            "CREATE INDEX person ON app.positions (user_id, timestamptz)",
            ANALYZE,
        )
        for key in ("bigint", "numeric"):
            store.do(
                CONSENTS.format(key=key),
                "INSERT INTO app.consents SELECT n, 'geolocation', '2019-06-01' FROM generate_series(0, 498) n",
                "ANALYZE app.consents",
                f"ALTER TABLE app.consents RENAME TO {key}",
            )
        yield store


def scans(store: Store, rule: Rule) -> list[dict[str, Any]]:
    """The scans of the table that the server really made for the statement of a check, as its EXPLAIN shows them."""
    with store.opened() as connection, recorded(connection) as sent:
        assert measure(connection, rule, T, OVER).tally.violating > 0
        (counts,) = (statement for statement in sent if "AS judged" in statement.text)
        plan = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {counts.text}", counts.parameters
        ).scalar_one()
    return [node for node in _nodes(plan[0]["Plan"]) if "Scan" in node["Node Type"] and node["Actual Loops"]]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def whole(made_scans: list[dict[str, Any]]) -> int:
    """How often the whole table was read."""
    return sum(
        node["Actual Loops"]
        for node in made_scans
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "positions"
    )


def indexes(made_scans: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in made_scans if "Index Name" in node}


@pytest.mark.parametrize("column", [*WRITTEN, "in_order"])
def test_the_server_takes_the_index_that_the_reason_names(large: Store, column: str) -> None:
    clock = {"column": column, "encoding": column if column in WRITTEN else "timestamptz"}
    if column == "timestamp":
        clock["zone"] = "Europe/Paris"
    rule = retention(clock=clock, period="P2Y")
    assert f"sought by the index on ({column})" in planned(large, rule)[1]
    made_scans = scans(large, rule)
    assert (indexes(made_scans), whole(made_scans)) == ({column}, 0)


def test_the_server_finds_gaps_by_the_index_on_person_and_moment(large: Store) -> None:
    rule = consent(clock={"column": "timestamptz"}, consents={**LEDGER, "table": "app.bigint"})
    assert "sought by the index on (user_id, timestamptz)" in planned(large, rule)[1]
    made_scans = scans(large, rule)
    assert "person" in indexes(made_scans)
    assert whole(made_scans) == 0


def test_a_ledger_that_writes_persons_in_another_type_costs_one_scan_at_most(large: Store) -> None:
    # Its numbers do not compare with the column of the index: the server would compare each row with each gap.
    rule = consent(clock={"column": "timestamptz"}, consents={**LEDGER, "table": "app.numeric"})
    assert whole(scans(large, rule)) <= 1
