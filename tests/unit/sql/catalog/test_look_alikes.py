"""Copies of which no map speaks, in a real database. Each likeness is a case of cases/look_alikes.yaml."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from privacy_audit.sql.catalog.copies import CopyLikeness, look_alikes
from tests.unit.sql.catalog.conftest import Ground

USERS = "id bigint, email text, full_name varchar(80), born date, created_at timestamptz"
MAPPED = ("app.users", "app.positions")


def told(made: Ground, mapped: Iterable[str] = MAPPED) -> dict[str, tuple[str, str, str]]:
    """Relation to its kind, the table it resembles and why, as the auditor is told; the owner is told the same."""
    look_alike = look_alikes(list(mapped))
    statement = sa.select(look_alike)
    with made.auditor.connect() as auditor, made.owner.connect() as owner:
        seen = list(auditor.execute(statement).all())
        assert sorted(seen) == sorted(owner.execute(statement).all())
    assert len({row.relation for row in seen}) == len(seen)
    return {row.relation: (row.kind, row.of, row.why) for row in seen}


@pytest.fixture
def shop(fresh: Ground) -> Ground:
    """Two mapped tables, one of them partitioned, and tables that resemble neither."""
    fresh.do(
        "CREATE SCHEMA app",
        f"CREATE TABLE app.users ({USERS})",
        "CREATE TABLE app.positions (id bigint, user_id bigint, at timestamptz, lat float8) PARTITION BY RANGE (at)",
        "CREATE TABLE app.positions_2026_01 PARTITION OF app.positions"
        " FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE app.positions_2026_02 PARTITION OF app.positions"
        " FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
        "CREATE TABLE app.plans (code text, price int)",
        "CREATE TABLE app.user_settings (user_id bigint, theme text, email boolean)",
        "CREATE UNLOGGED TABLE app.cache (key text, value jsonb, until timestamptz)",
        "CREATE TABLE app.vip () INHERITS (app.users)",
        "CREATE VIEW app.users_copy AS SELECT id, email, full_name, born, created_at FROM app.users",
    )
    return fresh


def test_each_is_told_with_its_kind(shop: Ground) -> None:
    shop.do(
        "CREATE TABLE app.users_old (x int)",
        "CREATE TABLE app.users_2024 (x int) PARTITION BY LIST (x)",
        "CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) AS n FROM app.users",
        "CREATE FOREIGN DATA WRAPPER nowhere",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
        "CREATE FOREIGN TABLE app.weather (day date) SERVER elsewhere",
    )
    assert {relation: kind for relation, (kind, *_) in told(shop).items()} == {
        "app.users_old": "table",
        "app.users_2024": "partitioned",
        "app.counts": "materialized view",
        "app.weather": "foreign table",
    }


def test_a_default_partition_is_told_once_it_may_hold_rows(shop: Ground) -> None:
    shop.do("CREATE TABLE app.rest PARTITION OF app.positions DEFAULT")
    assert told(shop) == {}
    shop.do("ANALYZE app.rest")  # the catalog now says 0 rows, and goes on saying so
    shop.do("INSERT INTO app.positions VALUES (1, 1, '1970-01-01', 48.8)")
    assert told(shop) == {"app.rest": ("table", "app.positions", "default partition")}
    assert told(shop, [*MAPPED, "app.rest"]) == {}
    assert told(shop, ["app.users"]) == {}


def test_without_a_map_only_what_is_odd_by_itself(shop: Ground) -> None:
    shop.do("CREATE SCHEMA old", "CREATE TABLE old.things (x int)", "CREATE TABLE app.users_old AS TABLE app.users")
    assert told(shop, []) == {"old.things": ("table", "", CopyLikeness.SCHEMA)}
    assert told(shop, ["app.never_was"]) == {"old.things": ("table", "", CopyLikeness.SCHEMA)}


def test_both_questions_fit_in_one_statement(shop: Ground) -> None:
    shop.do("CREATE TABLE app.users_old AS TABLE app.users")
    first, second = look_alikes(MAPPED), look_alikes(["app.plans"]).alias("second")
    both = sa.select(sa.func.count(first.c.relation.distinct()), sa.func.count(second.c.relation)).select_from(
        first.outerjoin(second, sa.true())
    )
    with shop.auditor.connect() as auditor:
        assert tuple(auditor.execute(both).one()) == (1, 0)
