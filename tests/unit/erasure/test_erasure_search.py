"""The search through one table, on a real PostgreSQL: what is restored, what signed up again, what cannot be read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.erasure import (
    Column,
    ErasedIndex,
    Exemption,
    IdentifierKind,
    IdentifierOrigin,
    Residue,
    SearchedTable,
    UnreadableTextError,
    search,
    traces,
)
from tests.conftest import drop_database
from tests.unit.erasure.stores import COMPLETED, FRAME, JEAN, KEYRING, ONE, TWO, do, filed, looked, opened

EMAIL, PHONE, KEY, TEXT = IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.KEY, IdentifierKind.TEXT
BY_EMAIL = SearchedTable("app", "public.person", ("id",), (Column("email", EMAIL),))


def _kinds(residue: Residue) -> dict[str, int]:
    names = ("hits", "undated", "weak_hits", "returned", "exempt", "clean")
    return {name: count for name in names if (count := getattr(residue, name))}


HIT, UNDATED, RETURNED = {"hits": 1}, {"hits": 1, "undated": 1}, {"returned": 1}
CREATED: list[tuple[str, str, ColumnClock | None, str, dict[str, int]]] = [
    # name, type of the column, how the map reads it, value, what the row is
    ("before the erasure: restored", "timestamptz", ColumnClock(column="created"), "'2026-02-01Z'", HIT),
    ("after the erasure: signed up again", "timestamptz", ColumnClock(column="created"), "'2026-03-02Z'", RETURNED),
    ("at the very moment", "timestamptz", ColumnClock(column="created"), "'2026-03-01 12:00:00Z'", HIT),
    ("a moment after", "timestamptz", ColumnClock(column="created"), "'2026-03-01 12:00:00.000001Z'", RETURNED),
    ("nobody knows", "timestamptz", ColumnClock(column="created"), "NULL", UNDATED),
    ("never", "timestamptz", ColumnClock(column="created"), "'infinity'", UNDATED),
    ("always", "timestamptz", ColumnClock(column="created"), "'-infinity'", UNDATED),
    ("before the company was", "timestamptz", ColumnClock(column="created"), "'1970-01-01Z'", UNDATED),
    ("before our era", "timestamptz", ColumnClock(column="created"), "'4000-01-01 BC'", UNDATED),
    ("in the future", "timestamptz", ColumnClock(column="created"), "now() + interval '1 day'", UNDATED),
    ("after T, before the search", "timestamptz", ColumnClock(column="created"), "now()", RETURNED),
    ("no column says when", "timestamptz", None, "'2026-03-02Z'", UNDATED),
    ("on the day of the erasure", "date", ColumnClock(column="created", encoding=Encoding.DATE), "'2026-03-01'", HIT),
    ("on the next day", "date", ColumnClock(column="created", encoding=Encoding.DATE), "'2026-03-02'", RETURNED),
    ("in the year of it", "int", ColumnClock(column="created", encoding=Encoding.YEAR), "2026", HIT),
    (
        "13:30 in Paris is 12:30",
        "timestamp",
        ColumnClock(column="created", encoding=Encoding.TIMESTAMP, zone="Europe/Paris"),
        "'2026-03-01 13:30'",
        RETURNED,
    ),
    (
        "12:30 in Paris is 11:30",
        "timestamp",
        ColumnClock(column="created", encoding=Encoding.TIMESTAMP, zone="Europe/Paris"),
        "'2026-03-01 12:30'",
        HIT,
    ),
    (
        "a number of seconds",
        "bigint",
        ColumnClock(column="created", encoding=Encoding.EPOCH_SECONDS),
        str(int(COMPLETED.timestamp()) + 1),
        RETURNED,
    ),
    (
        "milliseconds where seconds were meant",
        "bigint",
        ColumnClock(column="created", encoding=Encoding.EPOCH_SECONDS),
        str(int(COMPLETED.timestamp() + 1) * 1000),
        UNDATED,
    ),
    (
        "no number",
        "float8",
        ColumnClock(column="created", encoding=Encoding.EPOCH_SECONDS),
        "'NaN'",
        UNDATED,
    ),
]


@pytest.fixture(scope="module")
def shared(server: EmbeddedPostgres) -> Iterator[str]:
    """A database for tests that make tables of their own names."""
    name = f"test_{uuid4().hex[:12]}"
    do_outside(server, f"CREATE DATABASE {name} TEMPLATE template0")
    yield server.url(name)
    drop_database(server, name)


def do_outside(server: EmbeddedPostgres, statement: str) -> None:
    engine = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("kind", "clock", "value", "expected"), [case[1:] for case in CREATED], ids=[case[0] for case in CREATED]
)
def test_restored_and_signed_up_again_are_told_apart(
    shared: str, kind: str, clock: ColumnClock | None, value: str, expected: dict[str, int]
) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        f"CREATE TABLE person (id int, email text, created {kind})",
        f"INSERT INTO person VALUES (1, 'JEAN@example.fr', {value})",
    )
    residue = looked(shared, replace(BY_EMAIL, created=clock), filed())
    assert _kinds(residue) == expected
    assert (residue.scanned, residue.subjects) == (1, residue.hits)
    assert (residue.oldest is None) == (residue.hits == residue.undated)


def test_a_row_that_an_import_brought_is_a_hit(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text, created timestamptz, source text)",
        f"INSERT INTO person SELECT n, '{JEAN}', '2026-05-01Z', s"
        " FROM (VALUES (1, 'form'), (2, 'crm'), (3, NULL)) v (n, s)",
    )
    place = replace(
        BY_EMAIL, created=ColumnClock(column="created"), origin=IdentifierOrigin("source", frozenset({"form"}))
    )
    residue = looked(shared, place, filed())
    assert _kinds(residue) == {"hits": 2, "returned": 1}
    assert residue.oldest == residue.newest == datetime(2026, 5, 1, tzinfo=UTC)


def test_a_person_who_came_back_and_was_erased_again_is_judged_by_the_last_erasure(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text, created timestamptz)",
        f"INSERT INTO person VALUES (1, '{JEAN}', '2026-04-01Z')",
    )
    place = replace(BY_EMAIL, created=ColumnClock(column="created"))
    again = replace(filed(request="E-2"), completed_at=COMPLETED + timedelta(days=90))
    assert _kinds(looked(shared, place, filed())) == {"returned": 1}
    residue = looked(shared, place, filed(), again)
    assert (_kinds(residue), residue.subjects) == ({"hits": 1}, 1)


def test_exempt_tables_are_counted_apart(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text)",
        f"INSERT INTO person VALUES (1, '{JEAN}'), (2, 'anne@example.fr'), (3, 'paul@example.fr'), (4, NULL)",
    )
    spared = replace(filed(), exemptions=(Exemption("app", "public.person", "art. 17(3)(b)"),))
    elsewhere = replace(
        filed("anne@example.fr", request="E-2"), exemptions=(Exemption("web", "public.person", "art. 17(3)(b)"),)
    )
    assert _kinds(looked(shared, BY_EMAIL, spared, elsewhere)) == {"hits": 1, "undated": 1, "exempt": 1, "clean": 2}


def test_a_row_of_two_persons_is_a_hit_when_one_is_in_sight(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text, note text)",
        f"INSERT INTO person VALUES (1, '{JEAN}', 'brought by anne@example.fr')",
    )
    place = replace(BY_EMAIL, columns=(Column("email", EMAIL), Column("note", TEXT)))
    spared = replace(filed(), exemptions=(Exemption("app", "public.person", "art. 17(3)(b)"),))
    assert _kinds(looked(shared, place, spared, filed("anne@example.fr", request="E-2")))["hits"] == 1


COLUMNS: list[tuple[str, str, Column, tuple[str, IdentifierKind, str]]] = [
    ("varchar", "'JEAN@example.fr'", Column("c", EMAIL), (JEAN, EMAIL, "")),
    ("char(40)", "'jean@example.fr'", Column("c", EMAIL), (JEAN, EMAIL, "")),
    ("text[]", "ARRAY['anne@example.fr', 'jean@example.fr']", Column("c", EMAIL), (JEAN, EMAIL, "")),
    ("bytea", "'jean@example.fr'::bytea", Column("c", EMAIL), (JEAN, EMAIL, "")),
    ("jsonb", """'{"a": [{"mail": "jean\\u0040example.fr"}]}'""", Column("c", TEXT), (JEAN, EMAIL, "")),
    ("json", """'{"a": [{"mail": "jean\\u0040example.fr"}]}'""", Column("c", TEXT), (JEAN, EMAIL, "")),
    ("text", "'<m>jean&#64;example.fr</m>'", Column("c", TEXT), (JEAN, EMAIL, "")),
    ("bigint", "612345678", Column("c", PHONE), ("06 12 34 56 78", PHONE, "")),
    ("numeric(12,2)", "42", Column("c", KEY, "customer"), ("42", KEY, "customer")),
    ("float8", "42", Column("c", KEY, "customer"), ("42", KEY, "customer")),
    ("text", "'00042'", Column("c", KEY, "customer"), ("42", KEY, "customer")),
    ("int[]", "'{41,42}'", Column("c", KEY, "customer"), ("42", KEY, "customer")),
    ("jsonb", "'\"42\"'", Column("c", KEY, "customer"), ("42", KEY, "customer")),
    (
        "uuid",
        "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
        Column("c", KEY, "device"),
        ("6F9619FF8B86D011B42D00C04FC964FF", KEY, "device"),
    ),
]


@pytest.mark.parametrize(("kind", "value", "column", "known"), COLUMNS, ids=[f"{c[0]} {c[1]}" for c in COLUMNS])
def test_copies_are_found_whatever_their_type(
    shared: str, kind: str, value: str, column: Column, known: tuple[str, IdentifierKind, str]
) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS copies",
        f"CREATE TABLE copies (c {kind})",
        f"INSERT INTO copies VALUES ({value}), (NULL)",
    )
    residue = looked(shared, SearchedTable("app", "public.copies", ("c",), (column,)), filed(*known))
    assert _kinds(residue) == {"hits": 1, "undated": 1, "clean": 1}


def test_the_same_number_of_another_thing_is_no_copy(shared: str) -> None:
    do(shared, "DROP TABLE IF EXISTS copies", "CREATE TABLE copies (c int)", "INSERT INTO copies VALUES (42)")
    place = SearchedTable("app", "public.copies", ("c",), (Column("c", KEY, "order"),))
    assert _kinds(looked(shared, place, filed("42", KEY, "customer"))) == {"clean": 1}


def test_what_cannot_be_read_is_said(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text)",
        "INSERT INTO person SELECT n, 'gAAAAABl3kQ' FROM generate_series(1, 3) n",
        "INSERT INTO person VALUES (4, ''), (5, ' '), (6, NULL), (7, 'anne@example.fr')",
    )
    residue = looked(shared, BY_EMAIL, filed())
    assert (residue.scanned, residue.unread, residue.hits) == (7, 3, 0)


def test_partitions_are_read(shared: str) -> None:
    do(
        shared,
        "CREATE TABLE parted (id int, email text) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20)",
        f"INSERT INTO parted VALUES (1, '{JEAN}'), (11, '{JEAN}')",
    )
    assert looked(shared, replace(BY_EMAIL, table="public.parted"), filed()).hits == 2


def test_an_empty_table_says_that_nothing_was_read(shared: str) -> None:
    do(shared, "DROP TABLE IF EXISTS person", "CREATE TABLE person (id int, email text)")
    assert looked(shared, BY_EMAIL, filed()).scanned == 0


def test_after_a_rotation_both_keys_are_matched(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text)",
        f"INSERT INTO person VALUES (1, '{JEAN}'), (2, 'anne@example.fr'), (3, 'paul@example.fr')",
    )
    old = replace(filed(), key_version=1, digests=traces(KEYRING, EMAIL, JEAN, version=1))
    residue = looked(shared, BY_EMAIL, old, filed("anne@example.fr", request="E-2"))
    assert (residue.hits, residue.subjects, residue.clean) == (2, 2, 1)


def test_rows_are_streamed_and_keys_and_identifiers_stay_out_of_the_statement(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id int, email text, created timestamptz)",
        "INSERT INTO person SELECT n, 'p' || n || '@example.fr', now() FROM generate_series(1, 25000) n",
    )
    said: list[str] = []
    named: list[Any] = []
    with opened(shared) as connection:

        def hear(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            said.append(f"{statement} {parameters}")
            named.append(cursor.name)

        sa.event.listen(connection, "before_cursor_execute", hear)
        place = replace(BY_EMAIL, created=ColumnClock(column="created"))
        residue = search(connection, place, ErasedIndex(KEYRING, [filed("p7@example.fr")]), FRAME)
    assert (residue.scanned, residue.returned) == (25_000, 1)
    assert len(said) == 1
    assert named[0] is not None  # a cursor of the server: the client never holds the whole table
    assert "example.fr" not in said[0]
    for key in (ONE, TWO):
        assert key.hex() not in said[0]
        assert repr(key)[2:-1] not in said[0]


def test_memory_stays_flat(shared: str) -> None:
    """Ten times the rows need no more memory. (The later ones have no key: under the tracer that is half the time.)"""
    do(
        shared,
        "CREATE TABLE many AS SELECT CASE WHEN n <= 100000 THEN n END AS customer FROM generate_series(1, 300000) n",
        "CREATE TABLE few AS SELECT generate_series(1, 30000) AS customer",
    )

    def peak(table: str, rows: int) -> int:
        place = SearchedTable("app", table, ("customer",), (Column("customer", KEY, "customer"),))
        with opened(shared) as connection:
            index = ErasedIndex(KEYRING, [filed()])
            tracemalloc.start()
            residue = search(connection, place, index, FRAME)
            _, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert residue.scanned == rows
        return highest

    few = peak("public.few", 30_000)
    assert peak("public.many", 300_000) < 1.5 * few


def test_long_documents_come_in_small_batches(shared: str) -> None:
    do(
        shared,
        "DROP TABLE IF EXISTS notes",
        "CREATE TABLE notes (id int, note text)",
        "INSERT INTO notes SELECT n, repeat('x', 200000) FROM generate_series(1, 300) n",
        f"INSERT INTO notes VALUES (301, repeat('x', 200000) || ' {JEAN}')",
    )
    place = SearchedTable("app", "public.notes", ("id",), (Column("note", TEXT),))
    tracemalloc.start()
    residue = looked(shared, place, filed())
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (residue.scanned, residue.hits) == (301, 1)
    assert highest < 40_000_000  # all of it has 60 million characters


def test_text_that_is_no_text_is_refused_without_quoting_it(server: EmbeddedPostgres) -> None:
    name = f"test_{uuid4().hex[:12]}"
    do_outside(server, f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    url = server.url(name)
    try:
        do(
            url,
            "CREATE TABLE person (id int, email text)",
            "INSERT INTO person VALUES (1, E'canary\\xe9@example.fr')",
        )
        with pytest.raises(UnreadableTextError, match=r"app: public\.person holds text") as refused:
            looked(url, BY_EMAIL, filed())
        assert "canary" not in str(refused.value)
        assert refused.value.__context__ is refused.value.__cause__ is None
    finally:
        drop_database(server, name)


def test_a_column_that_is_gone_is_the_servers_to_say(shared: str) -> None:
    do(shared, "DROP TABLE IF EXISTS person", "CREATE TABLE person (id int)", "INSERT INTO person VALUES (1)")
    with pytest.raises(sa.exc.ProgrammingError, match="email"):
        looked(shared, BY_EMAIL, filed())


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: Column("customer", KEY), "what a key is a key of"),
        (lambda: Column("email", EMAIL, "customer"), "for kind key only"),
        (lambda: Column("email", IdentifierKind.MAILBOX), "no column holds mailboxes"),
        (lambda: replace(BY_EMAIL, columns=()), "no column identifies anybody"),
    ],
)
def test_a_place_in_which_nobody_could_be_found_is_refused(make: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        make()
