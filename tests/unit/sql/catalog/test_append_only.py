"""Who may rewrite a ledger, against who really can when it tries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg2.errors import InsufficientPrivilege

from privacy_audit.sql.catalog.ledger_rights import writers_of
from privacy_audit.sql.statement_text import pasteable
from tests.unit.engine.conftest import PASSWORD, Store, made

LEDGER = "app.consents_2026"
"""A partition of app.consents, with a partition of its own: app.consents_2026_1."""
CHANGES = ("UPDATE", "DELETE", "TRUNCATE")
TREE = ("app.consents", LEDGER, f"{LEDGER}_1")


@dataclass(frozen=True)
class Cast:
    """A store with two roles that log in and two groups, all new."""

    store: Store
    names: dict[str, str]

    def do(self, *statements: str) -> None:
        self.store.do(*(statement.format(**self.names) for statement in statements))

    def told(self) -> set[tuple[str, str, str]]:
        """Rows of the two roles, by the roles' names in the test."""
        with self.store.opened() as connection:
            rows = connection.execute(sa.select(writers_of(LEDGER))).all()
        assert len(rows) == len(set(rows))
        plain = {name: key for key, name in self.names.items()}
        return {
            (plain[role], right, " ".join(plain.get(word, word) for word in via.replace(",", " ,").split()))
            for role, right, via in rows
            if role in (self.names["ann"], self.names["bob"])
        }

    def can(self, role: str) -> set[tuple[str, str]]:
        """The rights of which a role's own trial succeeds, as itself or after SET ROLE."""
        done = set()
        url = self.store.reader.set(username=self.names[role])
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            for become in (None, self.names["writers"], self.names["staff"], "pg_write_all_data"):
                for right, statement in _trials():
                    try:
                        if become:
                            connection.exec_driver_sql(f"SET ROLE {become}")
                        connection.exec_driver_sql(statement)
                        done.add((role, right))
                    except sa.exc.ProgrammingError as error:
                        if not isinstance(error.orig, InsufficientPrivilege):
                            raise
                    connection.rollback()
        return done


def _trials() -> Iterator[tuple[str, str]]:
    for table in TREE:
        yield "UPDATE", f"UPDATE {table} SET granted = false"
        yield "UPDATE", f"UPDATE {table} SET at = now()"
        yield "DELETE", f"DELETE FROM {table}"
        yield "TRUNCATE", f"TRUNCATE {table}"


@contextmanager
def a_cast(url: str) -> Iterator[Cast]:
    with sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as owner:
        owner.exec_driver_sql("DROP SCHEMA IF EXISTS app CASCADE")
    with made(url) as store:
        tail = uuid4().hex[:8]
        cast = Cast(store, {name: f"{name}_{tail}" for name in ("ann", "bob", "writers", "staff")})
        cast.do(
            *(f"CREATE ROLE {{{name}}} LOGIN PASSWORD '{PASSWORD}'" for name in ("ann", "bob")),
            "CREATE ROLE {writers}",
            "CREATE ROLE {staff}",
            "GRANT USAGE ON SCHEMA app TO PUBLIC",
            "CREATE TABLE app.consents (id int, granted bool, at timestamptz) PARTITION BY LIST (id)",
            f"CREATE TABLE {LEDGER} PARTITION OF app.consents FOR VALUES IN (1) PARTITION BY LIST (id)",
            f"CREATE TABLE {LEDGER}_1 PARTITION OF {LEDGER} FOR VALUES IN (1)",
            "CREATE TABLE app.consents_2025 PARTITION OF app.consents FOR VALUES IN (0)",
        )
        try:
            yield cast
        finally:
            every = "{ann}, {bob}, {writers}, {staff}"
            cast.do(f"REASSIGN OWNED BY {every} TO postgres", f"DROP OWNED BY {every}", f"DROP ROLE {every}")


@pytest.fixture
def cast(database: str) -> Iterator[Cast]:
    with a_cast(database) as cast:
        yield cast


ACTS = (
    f"GRANT DELETE ON {LEDGER} TO {{ann}}",
    f"GRANT UPDATE, TRUNCATE ON {LEDGER} TO {{writers}}",
    f"GRANT UPDATE (granted) ON {LEDGER} TO {{staff}}",
    f"GRANT UPDATE (at) ON {LEDGER}_1 TO PUBLIC",
    f"GRANT TRUNCATE ON {LEDGER}_1 TO {{bob}}",
    "GRANT DELETE ON app.consents TO {staff}",
    "GRANT UPDATE, DELETE, TRUNCATE ON app.consents_2025 TO {ann}",
    f"GRANT INSERT, SELECT, REFERENCES ON {LEDGER} TO PUBLIC",
    f"ALTER TABLE {LEDGER} OWNER TO {{writers}}",
    "GRANT {writers} TO {ann} WITH INHERIT TRUE, SET FALSE",
    "GRANT {writers} TO {bob} WITH INHERIT FALSE, SET TRUE",
    "GRANT {staff} TO {bob} WITH INHERIT FALSE, SET FALSE",
    "GRANT {writers} TO {staff} WITH INHERIT TRUE, SET FALSE",
    "GRANT {staff} TO {ann} WITH INHERIT FALSE, SET TRUE",
    "GRANT pg_write_all_data TO {staff} WITH INHERIT FALSE, SET TRUE",
    "GRANT pg_write_all_data TO {bob}",
)


@settings(max_examples=15)
@given(acts=st.sets(st.sampled_from(ACTS), max_size=9))
@example(acts=set(ACTS))
@example(acts={ACTS[1], ACTS[12], ACTS[13]})
def test_who_is_told_is_who_can(database: str, acts: set[str]) -> None:
    with a_cast(database) as cast:
        cast.do(*(act for act in ACTS if act in acts))
        assert {(role, right) for role, right, _ in cast.told()} == cast.can("ann") | cast.can("bob")


def test_the_statement_may_be_pasted_and_stand_beside_itself(cast: Cast) -> None:
    cast.do(f"GRANT DELETE ON {LEDGER} TO {{ann}}")
    one, other = writers_of(LEDGER), writers_of("app.nope").alias("other")
    both = sa.select(one.c.right, other.c.via).join(other, sa.true()).where(one.c.role == cast.names["ann"])
    with cast.store.opened() as connection:
        expected = [("DELETE", "no table app.nope in this database")]
        assert [tuple(row) for row in connection.execute(both)] == expected
        pasted = pasteable(both).replace("%", "%%")
        assert [tuple(row) for row in connection.exec_driver_sql(pasted)] == expected
