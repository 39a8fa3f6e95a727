"""The paths out of a real database, as an ordinary role is told of them; and what must not be told."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy as sa
from tests.catalog.whole_server import fresh_database, whole_server
from tests.engine.conftest import Store, made

from privacy_audit.demo.server import EmbeddedPostgres
from privacy_audit.sql.catalog.ways_out import ways_out
from privacy_audit.sql.text import pasteable

SECRET = "hunter2-canary"


@pytest.fixture(scope="module")
def sending_server() -> Iterator[EmbeddedPostgres]:
    """A server that can send its rows to others."""
    with whole_server(wal_level="logical", max_wal_senders="4") as server:
        yield server


@pytest.fixture
def store(sending_server: EmbeddedPostgres) -> Iterator[Store]:
    with fresh_database(sending_server) as url, made(url) as store:
        store.do("CREATE TABLE app.positions (id bigint PRIMARY KEY)", "CREATE TABLE app.sessions (id bigint)")
        yield store


def told(store: Store) -> list[tuple[str, str, str | None, str]]:
    with store.opened() as connection:
        rows = connection.execute(sa.select(ways_out())).all()
    return sorted((row.kind, row.name, row.target, row.detail) for row in rows)


def test_a_plain_database_has_no_way_out(store: Store) -> None:
    assert told(store) == []


def test_a_foreign_server_is_told_by_its_wrapper_and_host(store: Store) -> None:
    store.do(
        "CREATE FOREIGN DATA WRAPPER leads_wrapper",
        "CREATE SERVER partner FOREIGN DATA WRAPPER leads_wrapper"
        f" OPTIONS (port '5432', host 'db.partner.example', dbname 'leads', password '{SECRET}')",
        f"CREATE USER MAPPING FOR PUBLIC SERVER partner OPTIONS (user 'u', password '{SECRET}')",
        f"CREATE USER MAPPING FOR {store.role} SERVER partner OPTIONS (password '{SECRET}')",
        f"CREATE FOREIGN TABLE app.leads (id int) SERVER partner OPTIONS (secret '{SECRET}')",
        "CREATE SERVER nowhere FOREIGN DATA WRAPPER leads_wrapper",
    )
    detail = "wrapper leads_wrapper, {} foreign tables"
    assert told(store) == [
        ("foreign server", "nowhere", None, detail.format("0 user mappings, 0")),
        (
            "foreign server",
            "partner",
            "host db.partner.example, dbname leads",
            detail.format("2 user mappings, one of them for PUBLIC, 1") + ", further options password, port",
        ),
    ]
    assert SECRET not in str(told(store))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10.0.0.1", True),
        ("fd00::2", True),
        ("a.example,b.example", True),
        ("/var/run/postgresql", True),
        (f"postgresql://u:{SECRET}@partner.example/leads", False),
        (f"host=partner.example password={SECRET}", False),
        (f"u:{SECRET}@partner.example", False),
        (f"partner.example {SECRET}", False),
        (f"partner.example\n{SECRET}", False),
    ],
)
@pytest.mark.parametrize("option", ["host", "dbname"])
def test_no_connection_string_is_told(store: Store, option: str, value: str, shown: bool) -> None:
    store.do("CREATE FOREIGN DATA WRAPPER w", f"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS ({option} '{value}')")
    assert [row[2] for row in told(store)] == [f"{option} {value if shown else 'not shown'}"]


def test_publications_slots_and_subscriptions_are_told(store: Store) -> None:
    slot = f"slot_{uuid4().hex[:8]}"
    store.do(
        "CREATE PUBLICATION two FOR TABLE app.positions",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "CREATE PUBLICATION nothing",
        f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')",
        f"SELECT pg_create_physical_replication_slot('{slot}_whole')",
        f"CREATE SUBSCRIPTION from_partner CONNECTION 'host=db.partner.example password={SECRET}'"
        " PUBLICATION theirs WITH (connect = false, slot_name = NONE, enabled = false)",
    )
    try:
        rows = told(store)
    finally:
        store.do(
            "DROP SUBSCRIPTION from_partner",
            f"SELECT pg_drop_replication_slot('{slot}'), pg_drop_replication_slot('{slot}_whole')",
        )
    assert rows == [
        ("logical replication slot", slot, sa.make_url(store.owner).database, "not in use, plugin pgoutput"),
        ("physical replication slot", f"{slot}_whole", None, "not in use"),
        ("publication", "everything", None, "all tables, now 2 tables"),
        ("publication", "nothing", None, "0 tables"),
        ("publication", "two", None, "1 tables"),
        ("subscription", "from_partner", None, "disabled, takes in the publications theirs"),
    ]
    assert SECRET not in str(rows)


def test_slots_and_subscriptions_of_another_database_are_anothers(
    store: Store, sending_server: EmbeddedPostgres
) -> None:
    with fresh_database(sending_server) as url, made(url) as other:
        other.do("SELECT pg_create_logical_replication_slot('of_another', 'pgoutput')")
        other.do(
            "CREATE SUBSCRIPTION of_another CONNECTION 'host=x' PUBLICATION p"
            " WITH (connect = false, slot_name = NONE, enabled = false)"
        )
        rows = told(store), told(other)
        other.do("DROP SUBSCRIPTION of_another", "SELECT pg_drop_replication_slot('of_another')")
    assert [[row[1] for row in each] for each in rows] == [[], ["of_another", "of_another"]]


@pytest.mark.parametrize(
    ("name", "reaches_out"), [("dblink", True), ("pg_net", True), ("odd_fdw", True), ("ltree", False)]
)
def test_extensions_that_reach_out_are_told(store: Store, name: str, reaches_out: bool) -> None:
    """The wheel brings no such extension: the one that is there takes its name."""
    with store.as_owner() as connection:
        connection.exec_driver_sql("SET allow_system_table_mods = on")
        connection.exec_driver_sql(f"UPDATE pg_catalog.pg_extension SET extname = '{name}', extversion = '1.2'")
    assert told(store) == ([("extension", name, None, "version 1.2")] if reaches_out else [])


def test_languages_that_may_do_anything_are_told(store: Store) -> None:
    handler = "CREATE FUNCTION {}() RETURNS language_handler AS '$libdir/plpgsql', 'plpgsql_call_handler' LANGUAGE C"
    store.do(
        handler.format("one"),
        handler.format("two"),
        "CREATE LANGUAGE plwildu HANDLER one",
        "CREATE TRUSTED LANGUAGE pltame HANDLER two",
    )
    assert told(store) == [("untrusted language", "plwildu", None, "its functions may open files and connections")]


def test_roles_that_reach_files_programs_and_the_whole_server_are_told(store: Store) -> None:
    store.do(
        "CREATE ROLE exporters NOLOGIN IN ROLE pg_write_server_files, pg_execute_server_program",
        "CREATE ROLE exporter LOGIN NOINHERIT IN ROLE exporters",
        "CREATE ROLE reading LOGIN IN ROLE pg_read_server_files",
        "CREATE ROLE copying LOGIN REPLICATION",
        "CREATE ROLE copying_group NOLOGIN REPLICATION",
    )
    try:
        rows = told(store)
    finally:
        store.do("DROP ROLE exporter, exporters, reading, copying, copying_group")
    assert [row[:3] for row in rows] == [
        ("replication role", "copying", None),
        ("server files and programs", "exporter", "pg_execute_server_program"),
        ("server files and programs", "exporter", "pg_write_server_files"),
        ("server files and programs", "reading", "pg_read_server_files"),
    ]


@pytest.mark.parametrize(
    ("column", "speaks"),
    [
        ("sold_to", True),
        ("soldTo", True),
        ("SOLD_TO", True),
        ("partner_id", True),
        ("ourPartnerId", True),
        ("broker", True),
        ("brokers", True),
        ("broker_name", True),
        ("lead_price_eur", True),
        ("affiliate_code", True),
        ("embroker", False),
        ("brokerage", False),
        ("partner", False),
        ("price", False),
        ("sold", False),
    ],
)
def test_columns_whose_names_speak_of_sale_are_told(store: Store, column: str, speaks: bool) -> None:
    store.do(f'CREATE TABLE app.people (id int, "{column}" text) PARTITION BY LIST (id)')
    store.do("CREATE TABLE app.people_1 PARTITION OF app.people FOR VALUES IN (1)")
    assert [row[:2] for row in told(store)] == [("column that speaks of sale", f"app.people.{column}")] * speaks


def test_the_statement_may_be_pasted(store: Store) -> None:
    store.do('CREATE TABLE app.people ("soldTo" text)')
    with store.opened() as connection:
        pasted = pasteable(sa.select(ways_out().c.name)).replace("%", "%%")
        assert connection.exec_driver_sql(pasted).scalars().all() == ["app.people.soldTo"]
