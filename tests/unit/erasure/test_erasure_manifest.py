"""Digests of held rows: what tells a row, and that nothing else has the same digest."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.erasure import KeyringRefusedError, RowDigester, telling
from privacy_audit.sql.evaluation_context import table
from tests.unit.erasure.stores import KEYRING, do, opened

SEAL = RowDigester(KEYRING, 1, "app", "public.orders")
CREATED = ColumnClock(column="created")


def _texts(url: str, created: ColumnClock | None = CREATED, zone: str = "UTC") -> list[list[str | None]]:
    row = table("public.orders", "id", "line", "created", alias="t")
    with opened(url) as connection:
        connection.execute(sa.select(sa.func.set_config("TimeZone", zone, False)))
        return [list(it) for it in connection.execute(sa.select(*telling(row, ("id", "line"), created)))]


@pytest.fixture
def store(database: str) -> str:
    do(
        database,
        "CREATE TABLE orders (id text, line text, created timestamptz)",
        "INSERT INTO orders VALUES ('1', '12', '2026-01-01Z'), ('11', '2', '2026-01-01Z'), ('1;1:1', '2', NULL),"
        " (NULL, '-', NULL), ('-', NULL, NULL), ('-', '', NULL), ('1', '12', '2026-01-01 00:00:00.000001Z'),"
        " ('1', '12', 'infinity'), ('1', '12', '4000-01-01 BC')",
    )
    return database


def test_parts_of_a_key_do_not_run_into_each_other(store: str) -> None:
    texts = _texts(store)
    assert len({SEAL.row(row) for row in texts}) == len(texts) == 9


def test_another_table_store_or_key_gives_other_digests(store: str) -> None:
    others = [RowDigester(KEYRING, 2, "app", "public.orders"), RowDigester(KEYRING, 1, "web", "public.orders")]
    others.append(RowDigester(KEYRING, 1, "app", "public.copies"))
    digests = {seal.row(row) for seal in (SEAL, *others) for row in _texts(store)}
    assert len(digests) == 4 * 9
    assert len({seal.subject("7") for seal in (SEAL, *others)}) == 4


def test_a_person_and_a_row_of_one_key_are_told_apart() -> None:
    assert SEAL.subject("7") != SEAL.row(["7"])


def test_a_session_in_another_zone_digests_the_same(store: str) -> None:
    assert [*map(SEAL.row, _texts(store))] == [*map(SEAL.row, _texts(store, zone="Asia/Tokyo"))]


@pytest.mark.parametrize(
    ("kind", "value", "encoding"),
    [("date", "'2026-01-01'", Encoding.DATE), ("bigint", "17", Encoding.EPOCH_SECONDS), ("int", "2026", Encoding.YEAR)],
)
def test_however_a_creation_is_written(database: str, kind: str, value: str, encoding: Encoding) -> None:
    do(
        database,
        f"CREATE TABLE orders (id int, line int, created {kind})",
        f"INSERT INTO orders VALUES (1, 2, {value})",
    )
    assert _texts(database, ColumnClock(column="created", encoding=encoding)) == [["1", "2", value.strip("'")]]
    assert _texts(database, None) == [["1", "2"]]


def test_a_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyringRefusedError, match="no key version 7"):
        RowDigester(KEYRING, 7, "app", "public.orders").row(["1"])
