"""Every row is counted, whatever an owner's IMMUTABLE functions answer the auditor while the server plans; and where
texts are sorted otherwise in two tables, both ways of counting still count the same.
"""

from __future__ import annotations

import pytest

from privacy_audit.controls import Rule
from privacy_audit.domain.outcomes import Plan
from privacy_audit.engine.measurement import Measurement, count_all, measure
from privacy_audit.sql.every_row import every_row
from tests.oracle.compare import SOUGHT, counted
from tests.unit.engine.conftest import Store, T
from tests.unit.engine.test_plan import HOLDS, QUIET, REGISTER, consent, retention

OLD, NEW = 4_000, 40
"""Rows in breach, and others. The index that leaves out the old ones is far smaller than the table."""
COLUMNS = "id bigint, user_id bigint, recorded_at timestamptz, place text, test boolean"
FILL = f"""
    INSERT INTO app.positions
    SELECT n, n % 20, CASE WHEN n <= {OLD} THEN '2026-01-01'::timestamptz ELSE '2026-11-20'::timestamptz END,
           repeat('x', 50), false
    FROM generate_series(1, {OLD + NEW}) n
"""
ANALYZE = "ANALYZE app.positions"
AS_IF_LARGE = "ALTER ROLE {} SET seq_page_cost = 1000"
"""A page of the table is so dear that the server takes the small index wherever it may, as with large tables."""


def made(store: Store, *statements: str, table: str = f"CREATE TABLE app.positions ({COLUMNS}) {QUIET}") -> None:
    """A store in which the owner wrote a function that answers the auditor otherwise than the owner."""
    role = f"SELECT current_user = '{store.role}'"
    store.do(
        "CREATE SCHEMA evil",
        f"GRANT USAGE ON SCHEMA evil TO {store.role}",
        f"CREATE FUNCTION evil.p(int) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ {role} $$",
        "CREATE FUNCTION evil.truth(bool, int) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ SELECT evil.p($2) $$",
        "CREATE OPERATOR evil.% (LEFTARG = bool, RIGHTARG = int, FUNCTION = evil.truth)",
        table,
        FILL,
        *statements,
        ANALYZE,
        AS_IF_LARGE.format(store.role),
    )


def full(store: Store, rule: Rule) -> Measurement:
    with store.opened() as connection:
        return measure(connection, rule, T)


def sought(store: Store, rule: Rule) -> Measurement:
    with store.opened() as connection:
        return measure(connection, rule, T, 1)


INDEXES = {
    "a function": "CREATE INDEX ON app.positions (recorded_at, id, user_id)"
    " WHERE evil.p(1) OR recorded_at > '2026-10-15'",
    "an operator": "CREATE INDEX ON app.positions (recorded_at, id, user_id)"
    " WHERE (true OPERATOR(evil.%) 1) OR recorded_at > '2026-10-15'",
}


@pytest.mark.parametrize("by", INDEXES)
def test_an_index_whose_predicate_lies_to_the_auditor_hides_nothing_from_a_full_count(store: Store, by: str) -> None:
    made(store, INDEXES[by])
    tally = full(store, retention(period="P2M")).tally
    assert (tally.population, tally.violating) == (OLD + NEW, OLD)


@pytest.mark.parametrize("by", INDEXES)
def test_nor_from_a_check_that_would_otherwise_seek(store: Store, by: str) -> None:
    made(store, INDEXES[by], "CREATE INDEX ON app.positions (recorded_at)")
    measured = sought(store, retention())
    assert (measured.plan, measured.tally.violating) == (Plan.FULL, OLD)
    assert "depends on a function that is not the server's" in measured.plan_reason


def test_nor_does_the_index_of_a_part_or_of_a_register(store: Store) -> None:
    made(store, "CREATE INDEX ON app.positions (recorded_at)", HOLDS, "ANALYZE app.holds")
    rule = retention(holds=REGISTER)
    assert sought(store, rule).plan is Plan.SEEK
    store.do("CREATE TABLE app.more () INHERITS (app.holds)", "CREATE INDEX ON app.more (id) WHERE evil.p(1) OR id > 5")
    assert sought(store, rule).plan is Plan.FULL
    store.do("DROP TABLE app.more", "CREATE TABLE app.more () INHERITS (app.positions)")
    store.do("CREATE INDEX ON app.more (id) WHERE evil.p(1) OR id > 5", "ANALYZE app.more")
    assert sought(store, rule).plan is Plan.FULL


def test_an_index_that_the_servers_own_functions_make_partial_is_trusted(store: Store) -> None:
    made(
        store,
        "CREATE INDEX ON app.positions (id) WHERE lower(place) = 'x'",
        "CREATE INDEX ON app.positions (recorded_at)",
    )
    assert sought(store, retention()).plan is Plan.SEEK


CHECKS = """
    ALTER TABLE {table} ADD CHECK (evil.q(1) OR recorded_at > '2026-10-15');
    ALTER TABLE {table} ADD CHECK (evil.q(1) OR recorded_at < '2026-10-15')
"""


@pytest.mark.parametrize("budget", [1, 500_000])
def test_constraints_that_lie_to_the_auditor_hide_no_part(store: Store, budget: int) -> None:
    made(
        store,
        "CREATE TABLE app.more () INHERITS (app.positions)",
        "INSERT INTO app.more SELECT n, 1, '2026-01-01', 'x', false FROM generate_series(1, 100) n",
        "DELETE FROM app.positions WHERE recorded_at < '2026-10-15' AND id > 100",
        "CREATE FUNCTION evil.q(int) RETURNS bool IMMUTABLE LANGUAGE sql"
        f" AS $$ SELECT current_user <> '{store.role}' $$",
        "ALTER TABLE app.positions ALTER recorded_at SET NOT NULL",
        CHECKS.format(table="app.more"),
        "CREATE INDEX ON app.positions (recorded_at)",
        "CREATE INDEX ON app.more (recorded_at)",
        "ANALYZE app.more",
    )
    with store.opened() as connection:
        measured = measure(connection, retention(), T, budget)
    assert measured.tally.violating == 200


@pytest.mark.parametrize("budget", [1, 500_000])
def test_a_partition_key_that_lies_to_the_auditor_hides_no_partition(store: Store, budget: int) -> None:
    store.do("CREATE SCHEMA evil", f"GRANT USAGE ON SCHEMA evil TO {store.role}")
    store.do(
        "CREATE FUNCTION evil.f(timestamptz) RETURNS bool IMMUTABLE LANGUAGE sql AS"
        f" $$ SELECT $1 > '2026-10-15' OR current_user = '{store.role}' $$",
        f"CREATE TABLE app.positions ({COLUMNS}) PARTITION BY LIST (evil.f(recorded_at))",
        "CREATE TABLE app.young PARTITION OF app.positions FOR VALUES IN (true)",
        "CREATE TABLE app.aged PARTITION OF app.positions FOR VALUES IN (false)",
        FILL,
        "CREATE INDEX ON app.positions (recorded_at)",
        "ANALYZE app.positions",
        AS_IF_LARGE.format(store.role),
    )
    with store.opened() as connection:
        measured = measure(connection, retention(relation="partitioned"), T, budget)
    assert measured.tally.violating == OLD


def test_the_transaction_plans_afterwards_as_before(store: Store) -> None:
    shown = "SELECT string_agg(name || setting, ' ' ORDER BY name) FROM pg_settings WHERE name LIKE 'enable%'"
    with store.opened() as connection:
        before = connection.exec_driver_sql(shown.replace("%", "%%")).scalar()
        with every_row(connection):
            inside = connection.exec_driver_sql(shown.replace("%", "%%")).scalar()
        with pytest.raises(ZeroDivisionError), every_row(connection):
            1 / 0  # noqa: B018
        assert connection.exec_driver_sql(shown.replace("%", "%%")).scalar() == before
    for name in ("indexscan", "indexonlyscan", "bitmapscan", "partition_pruning"):
        assert f"enable_{name}off" in inside
        assert f"enable_{name}on" in before


ORDERS = {
    "as C, and as the database": ('COLLATE "C"', ""),
    "as the database, and as C": ("", 'COLLATE "C"'),
    "both as C": ('COLLATE "C"', 'COLLATE "C"'),
    "both as the database": ("", ""),
}


@pytest.mark.parametrize("order", ORDERS)
def test_texts_in_another_order_than_the_ledgers_are_not_sought_by_its_gaps(store: Store, order: str) -> None:
    """In a language `a` is before `B`, in bytes after it: a gap of one order is none of the other. (The embedded server
    knows bytes only; that another way is chosen is shown all the same.)"""
    own, theirs = ORDERS[order]
    store.do(
        f"CREATE TABLE app.positions (id bigint, user_id text {own}, recorded_at timestamptz, place text) {QUIET}",
        f"CREATE TABLE app.consents"
        f" (person text {theirs}, purpose text, granted timestamptz, withdrawn timestamptz) {QUIET}",
        "INSERT INTO app.consents SELECT name, 'geolocation', '2019-06-01', '2026-11-01'"
        " FROM unnest(ARRAY['a', 'B', 'c', 'D', 'é', 'Z']) AS p(name)",
        "INSERT INTO app.positions SELECT n, name, at, 'x' FROM generate_series(1, 20) n,"
        " unnest(ARRAY['a', 'B', 'c', 'D', 'é', 'Z', 'b']) AS p(name),"
        " unnest(ARRAY['2026-10-01', '2026-11-10']::timestamptz[]) AS t(at)",
        "CREATE INDEX ON app.positions (user_id, recorded_at)",
        "ANALYZE app.positions; ANALYZE app.consents",
    )
    rule = consent()
    with store.opened() as connection:
        whole = counted(count_all(connection, rule, rule.context(T)))
        found = measure(connection, rule, T, 1)
    assert found.plan is Plan.SEEK
    assert ("index on (user_id, recorded_at)" in found.plan_reason) is (own == theirs)
    assert {name: counted(found)[name] for name in SOUGHT} == {name: whole[name] for name in SOUGHT}
    assert whole["violating"] == 20 * 8
