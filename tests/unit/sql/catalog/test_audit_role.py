"""What is told of the auditor's rights, against what that role can really do when it tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg2.errors import InsufficientPrivilege

from privacy_audit.postgres.store_session import open_store
from privacy_audit.sql.catalog.role_rights import excess_rights, wider_reading
from privacy_audit.sql.statement_text import pasteable
from tests.unit.engine.conftest import Store, made

Rights = set[tuple[str, str]]

TRIALS: dict[tuple[str, str], str] = {
    ("INSERT", "app.t"): "INSERT INTO app.t (a, b) VALUES (1, 1)",
    ("INSERT", "app.t (a)"): "INSERT INTO app.t (a) VALUES (1)",
    ("UPDATE", "app.t"): "UPDATE app.t SET a = 1, b = 1",
    ("UPDATE", "app.t (b)"): "UPDATE app.t SET b = 1",
    ("DELETE", "app.t"): "DELETE FROM app.t",
    ("TRUNCATE", "app.t"): "TRUNCATE app.t",
    ("TRIGGER", "app.t"): "CREATE TRIGGER z BEFORE UPDATE ON app.t FOR EACH ROW"
    " EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    ("REFERENCES", "app.t"): "CREATE TABLE scratch.r (a int, b int, FOREIGN KEY (a, b) REFERENCES app.t (a, b))",
    ("REFERENCES", "app.t (a)"): "CREATE TABLE scratch.r (a int REFERENCES app.t (a))",
    ("MAINTAIN", "app.t"): "REINDEX TABLE app.t",
    ("OWNER", "app.t"): "ALTER TABLE app.t ADD COLUMN c int",
    ("DELETE", "app.v"): "DELETE FROM app.v",
    ("USAGE", "app.s"): "SELECT nextval('app.s') IS NULL OR lastval() IS NULL",
    ("UPDATE", "app.s"): "SELECT setval('app.s', 5)",
    ("CREATE", "schema app"): "CREATE TABLE app.new (a int)",
    ("CREATE", "schema scratch"): "CREATE TABLE scratch.new (a int)",
    ("CREATE", "database {database}"): "CREATE SCHEMA new",
    ("TEMP", "database {database}"): "CREATE TEMP TABLE new (a int)",
    ("CREATEROLE", "the server"): "CREATE ROLE made_by_the_auditor",
    ("SUPERUSER", "the server"): "SET LOCAL session_replication_role = replica",
}
"""A right to a statement that only someone who has it may run."""

GRANTS = (
    "GRANT INSERT ON app.t TO {it}",
    "GRANT INSERT (a), REFERENCES (a) ON app.t TO {it}",
    "GRANT UPDATE (b) ON app.t TO PUBLIC",
    "GRANT UPDATE ON app.t TO {group}",
    "GRANT DELETE ON app.t TO PUBLIC",
    "GRANT TRUNCATE, REFERENCES ON app.t TO {it}",
    "GRANT TRIGGER ON app.t TO {group}",
    "GRANT MAINTAIN ON app.t TO {group}",
    "GRANT DELETE ON app.v TO {it}",
    "GRANT UPDATE, USAGE ON SEQUENCE app.s TO {group}",
    "GRANT CREATE ON SCHEMA app TO {group}",
    "GRANT CREATE ON DATABASE {database} TO {it}",
    "GRANT TEMP ON DATABASE {database} TO PUBLIC",
    "ALTER ROLE {it} CREATEROLE",
    "ALTER ROLE {group} CREATEROLE",
    "GRANT pg_write_all_data TO {group}",
    "ALTER TABLE app.t OWNER TO {group}",
)
MEMBERSHIPS = (
    None,
    *(f"INHERIT {inherit}, SET {becomes}" for inherit in ("TRUE", "FALSE") for becomes in ("TRUE", "FALSE")),
)


@contextmanager
def plain_store(url: str) -> Iterator[Store]:
    """A store whose role may do nothing in it but read, and create in a schema for its trials."""
    name = sa.make_url(url).database
    with sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as owner:
        owner.exec_driver_sql("DROP SCHEMA IF EXISTS app, scratch CASCADE")
        owner.exec_driver_sql(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with made(url) as store:
        store.do(
            "CREATE TABLE app.t (a int UNIQUE, b int, UNIQUE (a, b))",
            "CREATE VIEW app.v AS SELECT a FROM app.t",
            "CREATE SEQUENCE app.s",
            f"CREATE SCHEMA scratch; GRANT USAGE, CREATE ON SCHEMA scratch TO {store.role}",
        )
        yield store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """The same, and it may not even create."""
    with plain_store(database) as store:
        store.do(f"REVOKE CREATE ON SCHEMA scratch FROM {store.role}")
        yield store


def told(store: Store, relation: Callable[[], sa.Subquery] = excess_rights) -> Rights:
    with store.opened() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(relation()))]
    assert len(rows) == len(set(rows))
    return set(rows)


def tried(store: Store, become: str | None = None) -> Rights:
    """The rights of which the role's own trial succeeds, after SET ROLE if asked. Nothing of it stays."""
    database = sa.make_url(store.owner).database
    done: Rights = set()
    with sa.create_engine(store.reader, poolclass=sa.NullPool).connect() as connection:
        for (right, place), statement in TRIALS.items():
            try:
                if become:
                    connection.exec_driver_sql(f"SET ROLE {become}")
                connection.exec_driver_sql(statement)
                done.add((right, place.format(database=database)))
            except sa.exc.ProgrammingError as error:
                if not isinstance(error.orig, InsufficientPrivilege):
                    raise
            connection.rollback()
    return _without_doubles(done)


def _without_doubles(rights: Rights) -> Rights:
    """A right on the whole table is not told for its columns again."""
    return {
        (right, place) for right, place in rights if "(" not in place or (right, place.split(" (")[0]) not in rights
    }


@contextmanager
def group_of(store: Store, options: str | None) -> Iterator[str]:
    """A role without login, of which the store's role is a member with these options; dropped with what it owns."""
    group = f"group_{uuid4().hex[:8]}"
    store.do(f"CREATE ROLE {group}", f"GRANT USAGE ON SCHEMA app TO {group}")
    store.do(f"GRANT USAGE, CREATE ON SCHEMA scratch TO {group}")
    if options:
        store.do(f"GRANT {group} TO {store.role} WITH {options}")
    try:
        yield group
    finally:
        store.do(f"REASSIGN OWNED BY {group} TO postgres", f"DROP OWNED BY {group}", f"DROP ROLE {group}")


@settings(max_examples=12)
@given(grants=st.sets(st.sampled_from(GRANTS), max_size=8), options=st.sampled_from(MEMBERSHIPS), is_set=st.booleans())
@example(grants=set(GRANTS), options="INHERIT TRUE, SET FALSE", is_set=False)
@example(grants=set(GRANTS), options="INHERIT FALSE, SET TRUE", is_set=False)
@example(grants=set(GRANTS), options="INHERIT FALSE, SET FALSE", is_set=False)
@example(grants=set(GRANTS[:-1]), options="INHERIT TRUE, SET TRUE", is_set=False)
@example(grants=set(GRANTS), options="INHERIT FALSE, SET TRUE", is_set=True)
@example(grants={GRANTS[0]}, options="INHERIT FALSE, SET TRUE", is_set=True)
def test_what_is_told_is_what_the_role_can_do(
    database: str, grants: set[str], options: str | None, is_set: bool
) -> None:
    """`is_set`: anyone who logs in begins as the group, where that is allowed, and may go back."""
    with plain_store(database) as store, group_of(store, options) as group:
        if is_set and options and "SET TRUE" in options:
            store.do(f"ALTER ROLE {store.role} SET role = '{group}'")
        names = {"it": store.role, "group": group, "database": sa.make_url(database).database}
        store.do(*(grant.format(**names) for grant in GRANTS if grant in grants))
        itself = tried(store)
        later: dict[tuple[str, str], list[str]] = {}
        for role in sorted((store.role, group, "pg_write_all_data")):
            for each in tried(store, role) - itself:
                later.setdefault(each, []).append(role)
        expected = itself | {
            (right, f"{on} after SET ROLE {' or '.join(roles)}") for (right, on), roles in later.items()
        }
        of_trials = {(right, place.format(**names)) for right, place in TRIALS}
        rights = told(store)
        assert {(right, on) for right, on in rights if (right, on.split(" after ")[0]) in of_trials} == expected


def test_every_predefined_role_of_the_server_is_told(store: Store) -> None:
    roles = store.ask(
        "SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname LIKE 'pg\\_%' AND rolname <> 'pg_database_owner'"
    )
    store.do(*(f"GRANT {role} TO {store.role} WITH INHERIT TRUE, SET FALSE" for role in roles))
    both = told(store) | told(store, wider_reading)
    assert {place for right, place in both if right == "MEMBER"} == {f"role {role}" for role in roles}


def test_reading_past_row_security_is_no_excess(store: Store) -> None:
    store.do(f"ALTER ROLE {store.role} BYPASSRLS")
    assert told(store) == set()
    assert told(store, wider_reading) == {("BYPASSRLS", "the server")}


def test_a_role_of_the_server_that_only_reads_is_wider_reading(store: Store) -> None:
    assert told(store, wider_reading) == set()
    store.do(
        f"GRANT pg_read_all_data TO {store.role} WITH INHERIT TRUE, SET FALSE",
        f"GRANT pg_monitor TO {store.role} WITH INHERIT FALSE, SET TRUE",
    )
    rights = told(store, wider_reading)
    assert ("MEMBER", "role pg_read_all_data") in rights
    assert ("MEMBER", "role pg_monitor after SET ROLE pg_monitor") in rights
    assert told(store) == set()


def test_the_session_says_no_more_than_is_told_here(store: Store) -> None:
    """What the door to a store says of its role, and what is told here, are of one mind."""
    store.do(
        f"GRANT DELETE ON app.t TO {store.role}; GRANT CREATE ON DATABASE {sa.make_url(store.owner).database}"
        f" TO {store.role}"
    )
    with open_store(store.reader, "a1") as door:
        assert len(door.snapshot.limits) == 2
    assert {right for right, _ in told(store)} == {"DELETE", "CREATE"}


def test_the_statement_may_be_pasted(store: Store) -> None:
    store.do(f"GRANT DELETE ON app.t TO {store.role}")
    with store.opened() as connection:
        pasted = pasteable(sa.select(excess_rights())).replace("%", "%%")
        assert [tuple(row) for row in connection.exec_driver_sql(pasted)] == [("DELETE", "app.t")]
