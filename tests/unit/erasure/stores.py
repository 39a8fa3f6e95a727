"""A small store to look for erased persons in, and the keys and frame of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import sqlalchemy as sa

from privacy_audit.erasure import (
    ErasedIndex,
    ErasedPerson,
    IdentifierKind,
    Keyring,
    Residue,
    SearchedTable,
    search,
    traces,
)
from privacy_audit.sql.evaluation_context import EvaluationContext

ONE, TWO = bytes(range(32)), bytes(range(100, 140))
KEYRING = Keyring({1: ONE, 2: TWO})
FRAME = EvaluationContext(datetime(2026, 11, 24, 1, 15, tzinfo=UTC), "Europe/Paris", date(2015, 1, 1))
COMPLETED = datetime(2026, 3, 1, 12, tzinfo=UTC)
JEAN = "jean@example.fr"
_SESSION = "-c TimeZone=UTC -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"


def do(url: str, *statements: str) -> None:
    """Runs statements as the owner."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def opened(url: str) -> Iterator[sa.Connection]:
    """A connection as the search gets it: in a snapshot, to read."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"options": _SESSION})
    with engine.connect() as connection:
        yield connection


def filed(
    text: str = JEAN, kind: IdentifierKind = IdentifierKind.EMAIL, of: str = "", request: str = "E-1"
) -> ErasedPerson:
    """An erased person with one identifier."""
    return ErasedPerson(request, 2, traces(KEYRING, kind, text, of), COMPLETED)


def looked(url: str, place: SearchedTable, *ledger: ErasedPerson) -> Residue:
    """What the search finds of a ledger in a place."""
    with opened(url) as connection:
        return search(connection, place, ErasedIndex(KEYRING, ledger), FRAME)
