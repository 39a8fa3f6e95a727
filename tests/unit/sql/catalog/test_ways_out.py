"""The paths out of a real database, as an ordinary role is told of them; and what must not be told."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.sql.catalog.outbound_paths import ways_out
from privacy_audit.sql.statement_text import pasteable
from tests.unit.engine.conftest import Store, made
from tests.unit.sql.catalog.whole_server import fresh_database, whole_server

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


def test_the_statement_may_be_pasted(store: Store) -> None:
    store.do('CREATE TABLE app.people ("soldTo" text)')
    with store.opened() as connection:
        pasted = pasteable(sa.select(ways_out().c.name)).replace("%", "%%")
        assert connection.exec_driver_sql(pasted).scalars().all() == ["app.people.soldTo"]
