"""Copies of which no map speaks, in a real database: each likeness, and what is like nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
import sqlalchemy as sa
from tests.catalog.conftest import Ground, ground
from tests.conftest import MakeDatabase

from privacy_audit.sql.catalog.copies import Likeness, look_alikes

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


def test_nothing_is_like_a_copy(shop: Ground) -> None:
    assert told(shop) == {}


@pytest.fixture(scope="module")
def street(make_database: MakeDatabase) -> Iterator[Ground]:
    """One database for all the names."""
    with ground(make_database()) as made:
        made.do("CREATE SCHEMA app", f"CREATE TABLE app.users ({USERS})", "CREATE TABLE app.user_roles (a int)")
        yield made


@pytest.mark.parametrize(
    "name",
    [
        "users_old", "users_bak", "users_backup", "user_backup", "users_copy", "users_tmp", "users_2024",
        "users_20240131", "users_2024_01_31", "users_y2024m01", "users_v2", "users_archive", "users_archives",
        "users_backup_20240101", "usersbak", "Users_OLD", "users2", "users_1", "users_history", "users_audit",
        "users_outbox", "users_sauvegarde", "users_old_v3", "old_users", "bak_users", "copy_of_users", "tmp_users_3",
        "_old_users", "backup_2024_users", "20240131_users", "zz_users", "archive_user", "deleted_users", "users_new",
    ],
)  # fmt: skip
def test_a_name_as_of_a_copy(street: Ground, name: str) -> None:
    street.do(f'CREATE TABLE app."{name}" (x int)')
    assert told(street, ["app.users"]) == {f"app.{name}": ("table", "app.users", "named as a copy")}
    street.do(f'DROP TABLE app."{name}"')


@pytest.mark.parametrize(
    "name",
    ["user", "user_sessions", "superusers", "users_by_country", "usersettings", "users_older", "old", "threshold",
     "users_newsletter", "users_testimonials", "power_users", "users_logo", "my_users_old_x_list_of"],
)  # fmt: skip
def test_a_name_of_its_own(street: Ground, name: str) -> None:
    street.do(f'CREATE TABLE app."{name}" (x int)')
    assert told(street, ["app.users"]) == {}
    street.do(f'DROP TABLE app."{name}"')


def test_the_nearest_name_wins(street: Ground) -> None:
    street.do("CREATE TABLE app.user_roles_old (x int)", "CREATE TABLE app.old_user_roles (x int)")
    kin = ("table", "app.user_roles", "named as a copy")
    assert told(street, ["app.users", "app.user_roles"]) == {"app.user_roles_old": kin, "app.old_user_roles": kin}
    street.do("DROP TABLE app.user_roles_old, app.old_user_roles")


@pytest.mark.parametrize(
    "schema", ["backup", "Archive", "old", "tmp", "staging", "users_bak", "backup_2024", "stg_crm"]
)
def test_a_schema_for_copies(street: Ground, schema: str) -> None:
    street.do(
        f'CREATE SCHEMA "{schema}"', f'CREATE TABLE "{schema}".users (x int)', f'CREATE TABLE "{schema}".other (x int)'
    )
    assert told(street, ["app.users"]) == {
        f"{schema}.users": ("table", "app.users", "schema named as for copies"),
        f"{schema}.other": ("table", "", "schema named as for copies"),
    }
    street.do(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.mark.parametrize("schema", ["public2", "household", "backoffice", "temperature", "oldies"])
def test_a_schema_of_its_own(street: Ground, schema: str) -> None:
    street.do(f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.users (x int)")
    assert told(street, ["app.users"]) == {}
    street.do(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.parametrize(
    ("columns", "like"),
    [
        (USERS, True),
        (f"{USERS}, loaded_at date", True),  # 10 of 11
        (f"{USERS}, a int, b int", True),  # 10 of 12
        (f"{USERS}, a int, b int, c int", False),  # 10 of 13
        ("id bigint, email text, full_name text, born date", True),  # 8 of 9
        ("id int, email varchar, full_name text, born timestamp, created_at date", True),  # the same kinds of type
        ("id bigint, email text, full_name text", False),  # 6 of 8
        ("id text, email text, full_name text, born text, created_at text", False),
        ("id bigint, mail text, name text, born date, created_at timestamptz", False),
        ("email text, id bigint, created_at timestamptz, born date, full_name varchar(80)", True),
    ],
)
def test_the_columns_of_a_mapped_table(street: Ground, columns: str, like: bool) -> None:
    street.do(f"CREATE TABLE app.people ({columns})")
    assert told(street, ["app.users"]) == ({"app.people": ("table", "app.users", "same columns")} if like else {})
    street.do("DROP TABLE app.people")


def test_fewer_than_three_columns_are_no_likeness(street: Ground) -> None:
    street.do("CREATE TABLE app.pair (a int, b int)", "CREATE TABLE app.other (a int, b int)")
    assert told(street, ["app.pair"]) == {}
    street.do("ALTER TABLE app.pair ADD c int", "ALTER TABLE app.other ADD c int")
    assert told(street, ["app.pair"]) == {"app.other": ("table", "app.pair", "same columns")}
    street.do("ALTER TABLE app.other DROP c")
    assert told(street, ["app.pair"]) == {}
    street.do("DROP TABLE app.pair, app.other")


def test_all_reasons_are_told_the_strongest_first(shop: Ground) -> None:
    shop.do("CREATE SCHEMA backup", "CREATE TABLE backup.users_2024 AS TABLE app.users")
    why = "named as a copy, same columns, schema named as for copies"
    assert told(shop) == {"backup.users_2024": ("table", "app.users", why)}


def test_a_materialized_view_reads_a_mapped_table(shop: Ground) -> None:
    shop.do(
        "CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) AS n FROM app.users",
        "CREATE VIEW app.seen AS SELECT lat FROM app.positions_2026_01",
        "CREATE MATERIALIZED VIEW app.places AS SELECT lat FROM app.seen",
        "CREATE MATERIALIZED VIEW app.derived AS SELECT lat FROM app.places",
        "CREATE MATERIALIZED VIEW app.prices AS SELECT price FROM app.plans",
    )
    assert told(shop) == {
        "app.counts": ("materialized view", "app.users", "materialized view that reads it"),
        "app.places": ("materialized view", "app.positions", "materialized view that reads it"),
        "app.derived": ("materialized view", "app.positions", "materialized view that reads it"),
    }


def test_a_detached_partition_keeps_its_rows(shop: Ground) -> None:
    shop.do("ALTER TABLE app.positions DETACH PARTITION app.positions_2026_01")
    why = "detached partition, named as a copy, same columns"
    assert told(shop) == {"app.positions_2026_01": ("table", "app.positions", why)}
    shop.do("ALTER TABLE app.positions_2026_01 RENAME TO p", "DROP TABLE app.positions_2026_02")
    assert told(shop) == {"app.p": ("table", "app.positions", "same columns")}


def test_a_detached_partition_is_known_by_the_names_of_the_others(shop: Ground) -> None:
    shop.do(
        "ALTER TABLE app.positions_2026_01 RENAME TO geo_m1",
        "ALTER TABLE app.positions_2026_02 RENAME TO geo_m2",
        "ALTER TABLE app.positions DETACH PARTITION app.geo_m2",
        "CREATE TABLE app.geo_m3 (x int)",
    )
    assert told(shop) == {"app.geo_m2": ("table", "app.positions", "detached partition, same columns")}


def test_a_partition_that_is_being_detached_is_a_copy_already(shop: Ground) -> None:
    shop.do(
        "SET allow_system_table_mods = on; UPDATE pg_inherits SET inhdetachpending = true"
        " WHERE inhrelid = 'app.positions_2026_01'::regclass"
    )
    assert told(shop)["app.positions_2026_01"][1] == "app.positions"


def test_a_default_partition_is_told_once_it_may_hold_rows(shop: Ground) -> None:
    shop.do("CREATE TABLE app.rest PARTITION OF app.positions DEFAULT")
    assert told(shop) == {}
    shop.do("ANALYZE app.rest")  # the catalog now says 0 rows, and goes on saying so
    shop.do("INSERT INTO app.positions VALUES (1, 1, '1970-01-01', 48.8)")
    assert told(shop) == {"app.rest": ("table", "app.positions", "default partition")}
    assert told(shop, [*MAPPED, "app.rest"]) == {}
    assert told(shop, ["app.users"]) == {}


def test_a_default_partition_deep_below(shop: Ground) -> None:
    shop.do(
        "CREATE TABLE app.rest PARTITION OF app.positions DEFAULT PARTITION BY LIST (user_id)",
        "CREATE TABLE app.rest_1 PARTITION OF app.rest FOR VALUES IN (1)",
        "CREATE TABLE app.rest_rest PARTITION OF app.rest DEFAULT",
        "INSERT INTO app.positions VALUES (1, 2, '1970-01-01', 48.8)",
    )
    assert told(shop) == {
        "app.rest": ("partitioned", "app.positions", "default partition"),
        "app.rest_rest": ("table", "app.positions", "default partition"),
    }


def test_foreign_tables_are_told_whatever_they_are(shop: Ground) -> None:
    shop.do(
        "CREATE FOREIGN DATA WRAPPER nowhere",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
        f"CREATE FOREIGN TABLE app.far ({USERS}) SERVER elsewhere",
        "CREATE FOREIGN TABLE app.weather (day date) SERVER elsewhere",
    )
    assert told(shop) == {
        "app.far": ("foreign table", "app.users", "same columns, foreign table"),
        "app.weather": ("foreign table", "", "foreign table"),
    }


def test_what_is_mapped_is_no_copy(shop: Ground) -> None:
    shop.do("CREATE TABLE app.users_old AS TABLE app.users")
    assert told(shop) == {"app.users_old": ("table", "app.users", "named as a copy, same columns")}
    assert told(shop, [*MAPPED, "app.users_old"]) == {}


def test_without_a_map_only_what_is_odd_by_itself(shop: Ground) -> None:
    shop.do("CREATE SCHEMA old", "CREATE TABLE old.things (x int)", "CREATE TABLE app.users_old AS TABLE app.users")
    assert told(shop, []) == {"old.things": ("table", "", Likeness.SCHEMA)}
    assert told(shop, ["app.never_was"]) == {"old.things": ("table", "", Likeness.SCHEMA)}


def test_both_questions_fit_in_one_statement(shop: Ground) -> None:
    shop.do("CREATE TABLE app.users_old AS TABLE app.users")
    first, second = look_alikes(MAPPED), look_alikes(["app.plans"]).alias("second")
    both = sa.select(sa.func.count(first.c.relation.distinct()), sa.func.count(second.c.relation)).select_from(
        first.outerjoin(second, sa.true())
    )
    with shop.auditor.connect() as auditor:
        assert tuple(auditor.execute(both).one()) == (1, 0)
