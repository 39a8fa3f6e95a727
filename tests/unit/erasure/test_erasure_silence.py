"""Canaries: whatever is shown, logged or raised, no identifier, digest or key is in it."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from privacy_audit.erasure import (
    Column,
    ErasedIndex,
    ErasedPerson,
    IdentifierKind,
    Keyring,
    LedgerRefusedError,
    RowDigester,
    SearchedTable,
    leads,
    search,
    traces,
)
from privacy_audit.erasure.hold_manifests import ManifestEntry
from privacy_audit.erasure.identifiers import readings
from tests.unit.erasure.stores import FRAME, do, opened

CANARY = "canary.bird"
KEY = b"canary-key-" + bytes(range(32))
KEYRING = Keyring({1: KEY})
DIGESTS = traces(KEYRING, IdentifierKind.EMAIL, f"{CANARY}@example.fr") | traces(
    KEYRING, IdentifierKind.KEY, CANARY, "customer"
)
ERASED = ErasedPerson("E-1", 1, DIGESTS, datetime(2026, 3, 1, tzinfo=UTC))
INDEX = ErasedIndex(KEYRING, [ERASED])
PLACE = SearchedTable(
    "app",
    "public.person",
    ("id",),
    (Column("email", IdentifierKind.EMAIL), Column("customer", IdentifierKind.KEY, "customer")),
)


def _secrets() -> list[str]:
    hidden = [KEY, *(digest for _, digest in DIGESTS)]
    written = [form for value in hidden for form in (repr(value)[2:-1], value.hex(), base64.b64encode(value).decode())]
    return ["canary", *written]


def _assert_silent(said: str) -> None:
    for secret in _secrets():
        assert secret not in said


@pytest.fixture
def store(database: str) -> str:
    do(
        database,
        "CREATE TABLE person (id text, email text, customer text)",
        f"INSERT INTO person VALUES ('{CANARY}', '{CANARY}@example.fr', '{CANARY}')",
    )
    return database


def test_what_is_shown_is_silent(store: str) -> None:
    with opened(store) as connection:
        residue = search(connection, PLACE, INDEX, FRAME)
        listed = [lead for batch in leads(connection, PLACE, INDEX, FRAME) for lead in batch.found]
    found = INDEX.find(readings(IdentifierKind.EMAIL, f"{CANARY}@example.fr"))
    seal = RowDigester(KEYRING, 1, "app", "public.person")
    entry = ManifestEntry("public.person", "financial by id", seal.row([CANARY]), seal.subject(CANARY), 1, FRAME.as_of)
    assert residue.hits == len(listed) == len(found.strong) == 1
    for value in (residue, listed, found, seal, entry, KEYRING, ERASED, INDEX, PLACE):
        _assert_silent(f"{value!r} {value}")


def test_what_is_logged_is_silent(store: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)  # statements with what is bound to them
    try:
        with opened(store) as connection:
            search(connection, PLACE, INDEX, FRAME)
            list(leads(connection, PLACE, INDEX, FRAME, ["id"]))
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert "SELECT" in caplog.text  # it did listen
    _assert_silent(caplog.text)


@pytest.mark.parametrize(
    "change", ["DROP TABLE person", "ALTER TABLE person DROP customer", "ALTER TABLE person DROP id"]
)
def test_what_is_raised_is_silent(store: str, change: str) -> None:
    do(store, change)

    def look() -> None:
        with opened(store) as connection:
            search(connection, PLACE, INDEX, FRAME)

    def list_rows() -> None:
        with opened(store) as connection:
            list(leads(connection, PLACE, INDEX, FRAME, ["id"]))

    raised = [text for attempt in (look, list_rows) if (text := _raised(attempt))]
    assert raised
    for text in raised:
        _assert_silent(text)


def test_what_is_refused_is_silent() -> None:
    def file_unreadable() -> None:
        traces(KEYRING, IdentifierKind.PHONE, CANARY)

    def match_without_key() -> None:
        ErasedIndex(Keyring({2: bytes(range(32))}), [ERASED])

    def file_nothing() -> None:
        ErasedPerson("E-1", 1, frozenset(), datetime(2026, 3, 1, tzinfo=UTC))

    for attempt in (file_unreadable, match_without_key, file_nothing):
        with pytest.raises(LedgerRefusedError) as refused:
            attempt()
        _assert_silent(f"{refused.value!r} {refused.value} {refused.value.args}")


def _raised(attempt: Callable[[], None]) -> str:
    """All that is printed of an error with everything it came from; empty when there was none."""
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is, its words are judged
        words = [line for line in traceback.TracebackException.from_exception(error).format() if "File " not in line]
        return "\n".join((*words, repr(error), str(error)))
    return ""
