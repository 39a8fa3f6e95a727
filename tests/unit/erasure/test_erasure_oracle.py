"""Random small tables and ledgers: the search agrees with a naive count over what was planted.

The oracle never reads a text. It knows of each cell whose it is, and in which of two ways (the address itself, or an
alias of it); spelling is drawn apart. Digests of the ledger are computed here, by the formula and not by our code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import event, given
from hypothesis import strategies as st

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.erasure import (
    Column,
    ErasedIndex,
    ErasedPerson,
    Exemption,
    IdentifierKind,
    IdentifierOrigin,
    SearchedTable,
    search,
)
from tests.unit.erasure.stores import COMPLETED, FRAME, KEYRING, ONE, TWO, do, opened

KEYS = {1: ONE, 2: TWO}
PLACE = SearchedTable(
    store="app",
    table="public.person",
    key=("id",),
    columns=(
        Column("email", IdentifierKind.EMAIL),
        Column("phone", IdentifierKind.PHONE),
        Column("customer", IdentifierKind.KEY, "customer"),
        Column("note", IdentifierKind.TEXT),
    ),
    created=ColumnClock(column="created"),
    origin=IdentifierOrigin("source", frozenset({"form", "call"})),
)
CREATE = """CREATE TABLE person (id serial, email text, phone text, customer text, note jsonb, created timestamptz,
            source text)"""
INSERT = sa.text(
    "INSERT INTO person (email, phone, customer, note, created, source)"
    " VALUES (:email, :phone, :customer, cast(:note AS jsonb), cast(:created AS timestamptz), :source)"
)
CIPHER = "gAAAAABl3kQ"
PERSONS = range(4)

EMAILS = {
    "exact": ("p{}@example.fr", "P{}@EXAMPLE.FR", " p{}@Example.fr ", "P <p{}@example.fr>", "\uff50{}@example.fr"),
    "alias": ("p{}+shop@example.fr", "P{}+a+b@example.fr"),
}
PHONES = ("061234567{}", "+33 6 12 34 56 7{}", "0033-6.12.34.56.7{}", "06 12 34 56 7{}")
CUSTOMERS = ("4{}", "004{}", "4{}.0", " 4{}", "{{7,4{}}}")


@dataclass(frozen=True)
class Cell:
    """Whose identifier it is, how it stands for the person, and how it is spelled."""

    person: int
    way: str
    text: str


@dataclass(frozen=True)
class Row:
    email: Cell | str | None
    phone: Cell | str | None
    customer: Cell | None
    note: tuple[Cell, ...]
    created: str | None
    source: str | None


@dataclass(frozen=True)
class Entry:
    person: int
    version: int
    filed: frozenset[str]
    completed: datetime
    exempt: bool
    shared: bool


@st.composite
def emails(draw: st.DrawFn) -> Cell:
    person, way = draw(st.sampled_from(PERSONS)), draw(st.sampled_from(sorted(EMAILS)))
    return Cell(person, f"email {way}", draw(st.sampled_from(EMAILS[way])).format(person))


def cells(way: str, spellings: tuple[str, ...]) -> st.SearchStrategy[Cell]:
    return st.builds(
        lambda person, spelling: Cell(person, way, spelling.format(person)),
        st.sampled_from(PERSONS),
        st.sampled_from(spellings),
    )


phones, customers = cells("phone", PHONES), cells("customer", CUSTOMERS)
moments = st.sampled_from([-3000, -1, 0, 1, 20, 40, 60]).map(
    lambda days: (COMPLETED + timedelta(days=days)).isoformat()
)
rows = st.builds(
    Row,
    email=st.none() | st.just(CIPHER) | emails(),
    phone=st.none() | st.just(CIPHER) | phones,
    customer=st.none() | customers,
    note=st.lists(emails() | phones, max_size=2).map(tuple),
    created=st.sampled_from([None, "infinity", "-infinity", "1970-01-01Z", "2999-01-01Z"]) | moments,
    source=st.sampled_from([None, "form", "call", "crm"]),
)
entries = st.builds(
    Entry,
    person=st.sampled_from(PERSONS[:3]),
    version=st.sampled_from([1, 2]),
    filed=st.sets(st.sampled_from(["email", "phone", "customer"]), min_size=1).map(frozenset),
    completed=st.sampled_from([0, 20, 50]).map(lambda days: COMPLETED + timedelta(days=days)),
    exempt=st.sampled_from([False, False, True]),
    shared=st.booleans(),
)


def _digest(version: int, kind: str, value: str) -> bytes:
    return hmac.new(KEYS[version], f"privacy_audit/erasure/v1\0{kind}\0{value}".encode(), hashlib.sha256).digest()


def _erased(number: int, entry: Entry) -> ErasedPerson:
    known = {
        "email": [("email", f"p{entry.person}@example.fr"), ("mailbox", f"p{entry.person}@example.fr")],
        "phone": [("phone", f"+3361234567{entry.person}")],
        "customer": [("key", f"customer:4{entry.person}")],
    }
    pairs = [pair for name in entry.filed for pair in known[name]]
    return ErasedPerson(
        request=f"E-{number}",
        key_version=entry.version,
        digests=frozenset((IdentifierKind(kind), _digest(entry.version, kind, value)) for kind, value in pairs),
        completed_at=entry.completed,
        exemptions=(Exemption("app", "public.person", "art. 17(3)(b)"),) if entry.exempt else (),
        shared=frozenset({IdentifierKind.PHONE}) if entry.shared else frozenset(),
    )


def _plant(connection: sa.Connection, row: Row) -> None:
    def text(cell: Cell | str | None) -> str | None:
        return cell.text if isinstance(cell, Cell) else cell

    note = json.dumps({"items": [{"says": f"by {cell.text};"} for cell in row.note]})
    parts = {"email": text(row.email), "phone": text(row.phone), "customer": text(row.customer)}
    connection.execute(INSERT, {**parts, "note": note, "created": row.created, "source": row.source})


def _links(row: Row, entry: Entry) -> set[str]:
    """How a row leads to an erased person: by nothing, weakly, strongly, or both."""
    links = set()
    for cell in (row.email, row.phone, row.customer, *row.note):
        if not isinstance(cell, Cell) or cell.person != entry.person:
            continue
        if cell.way == "email exact" and "email" in entry.filed:
            links.add("strong")
        if cell.way == "email alias" and "email" in entry.filed:
            links.add("weak")
        if cell.way == "phone" and "phone" in entry.filed:
            links.add("weak" if entry.shared else "strong")
        if cell.way == "customer" and "customer" in entry.filed:
            links.add("strong")
    return links


def _moment(row: Row) -> datetime | None:
    if row.created is None or row.created.startswith(("infinity", "-infinity", "1970", "2999")):
        return None
    return datetime.fromisoformat(row.created)


def _judge(row: Row, ledger: list[Entry]) -> tuple[str, set[int]]:
    """What the row is, and which entries of the ledger it is a hit of."""
    led = {number: links for number, entry in enumerate(ledger) if (links := _links(row, entry))}
    if not led:
        return "clean", set()
    seen = {number: links for number, links in led.items() if not ledger[number].exempt}
    strong = {number for number, links in seen.items() if "strong" in links}
    moment = _moment(row)
    back = {
        number
        for number in strong
        if moment is None or moment <= ledger[number].completed or row.source not in ("form", "call")
    }
    if back:
        return "hits", back
    if strong:
        return "returned", set()
    return ("weak_hits" if seen else "exempt"), set()


@pytest.fixture
def person(database: str) -> str:
    do(database, CREATE)
    return database


@given(st.lists(rows, max_size=10), st.lists(entries, max_size=5))
def test_the_search_agrees_with_a_naive_count(person: str, planted: list[Row], ledger: list[Entry]) -> None:
    engine = sa.create_engine(person, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE person")
        for row in planted:
            _plant(connection, row)
    with opened(person) as connection:
        index = ErasedIndex(KEYRING, [_erased(number, entry) for number, entry in enumerate(ledger)])
        residue = search(connection, PLACE, index, FRAME)

    judged = [_judge(row, ledger) for row in planted]
    hits = [row for row, (state, _) in zip(planted, judged, strict=True) if state == "hits"]
    dated = [moment for row in hits if (moment := _moment(row))]
    states = Counter(state for state, _ in judged)
    for state in states:
        event(state)
    expected: dict[str, Any] = {
        "scanned": len(planted),
        "undated": len(hits) - len(dated),
        "subjects": len(set().union(*(back for _, back in judged))),
        "unread": sum((row.email == CIPHER) + (row.phone == CIPHER) for row in planted),
        "oldest": min(dated, default=None),
        "newest": max(dated, default=None),
        **{state: states[state] for state in ("hits", "weak_hits", "returned", "exempt", "clean")},
    }
    assert {name: getattr(residue, name) for name in expected} == expected


def test_the_oracle_can_disagree() -> None:
    """A positive control: all five states are among what it can say."""
    cell = Cell(0, "email exact", "p0@example.fr")
    old = Row(cell, None, None, (), COMPLETED.isoformat(), "form")
    new = Row(cell, None, None, (), (COMPLETED + timedelta(days=1)).isoformat(), "form")
    alias = Row(Cell(0, "email alias", "p0+a@example.fr"), None, None, (), None, None)
    entry = Entry(0, 1, frozenset({"email"}), COMPLETED.astimezone(UTC), exempt=False, shared=False)
    spared = Entry(0, 1, frozenset({"email"}), COMPLETED, exempt=True, shared=False)
    said = [_judge(old, [entry]), _judge(new, [entry]), _judge(alias, [entry]), _judge(old, [spared]), _judge(old, [])]
    assert [state for state, _ in said] == ["hits", "returned", "weak_hits", "exempt", "clean"]
