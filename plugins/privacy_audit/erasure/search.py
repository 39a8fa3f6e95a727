"""Looks for erased persons in one table: every identifier of every row is read, digested in memory and compared.

`leads` classifies each row; `search` counts what it gives, and anyone who lists rows lists the same.

What a row is, in this order. Entries of the ledger that exempt the table do not count for the first three.

1. *Hit*: it leads to an erased person, and cannot be shown to have been collected after the erasure was completed.
   A row whose created moment lies at or before `completed_at` was restored, or never deleted. So is one, until
   somebody shows otherwise, whose created moment is null, infinite, before the company's first day, after the
   transaction of the search began, or of no column at all (`undated`); of a date or a year the first instant counts.
   A row created later, but by an origin that is not the person in person, is a hit too: a sync brought it back.
2. *Returned*: it leads to erased persons, and was created after the last of their erasures: they signed up again.
   That is a new collection, and a person looks at it. Where the map names no `origin`, an import that stamps rows
   with its own time looks the same: that is why it is no pass.
3. *Weak hit*: it leads to erased persons by weak kinds only (the mailbox without its +tag, the name, a shared line).
4. *Exempt*: it leads to erased persons whose data may stay in this table (GDPR art. 17(3)).
5. *Unread*: it leads to nobody, and a text that should name somebody cannot be read: nobody knows whose row it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from privacy_audit.erasure.identifier_columns import Column, SearchedTable
from privacy_audit.erasure.identifiers import IdentifierKind, readings
from privacy_audit.erasure.ledger import NOBODY, ErasedIndex, ErasedMatches, ErasedPerson
from privacy_audit.erasure.row_stream import batches
from privacy_audit.sql.clocks import moment_of
from privacy_audit.sql.evaluation_context import EvaluationContext, instant, table

_TELLING = {IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.IBAN}
"""Kinds of columns in which a text without any identifier means that it cannot be read: encrypted, or hashed."""


class LeadKind(StrEnum):
    """What a row is that does not lead to nobody for certain."""

    HIT = "hit"
    RETURNED = "returned"
    WEAK = "weak"
    EXEMPT = "exempt"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class ErasureLead:
    """A row that leads to erased persons, or cannot be read. It holds no identifier."""

    kind: LeadKind
    key: tuple[str | None, ...]
    """What names the row in its table, where that was asked for."""
    requests: frozenset[str]
    """Erasure requests of the persons it leads to, as far as they made it what it is."""
    created: datetime | None
    unread: int
    """Texts of the row that cannot be read."""


@dataclass(frozen=True, slots=True)
class BatchLeads:
    """What a batch of rows leads to."""

    rows: int
    found: tuple[ErasureLead, ...]


@dataclass(frozen=True, slots=True)
class Residue:
    """What is left of erased persons in one table, as counts of rows. All parts are disjoint unless said."""

    store: str
    table: str
    scanned: int
    hits: int
    undated: int
    """Of the hits, those whose created moment cannot be read."""
    weak_hits: int
    returned: int
    """Created after the erasure: the person signed up again, as far as the row shows."""
    exempt: int
    unread: int
    """Texts in columns of e-mails, phones and IBANs in which nothing could be read. Nobody knows whose they are."""
    unread_rows: int
    """Of the clean rows, those with such a text."""
    subjects: int
    """Distinct erasure requests that have hits."""
    oldest: datetime | None
    """Created moment of the oldest dated hit."""
    newest: datetime | None

    @property
    def clean(self) -> int:
        """Rows that lead to no erased person, as far as they could be read."""
        return self.scanned - self.hits - self.weak_hits - self.returned - self.exempt


def search(connection: sa.Connection, place: SearchedTable, index: ErasedIndex, context: EvaluationContext) -> Residue:
    """Reads a whole table once, and counts. The connection stands in the store's read-only snapshot.

    UnreadableTextError and the server's own errors mean that the table was not audited.
    """
    return counted(place, leads(connection, place, index, context))


def counted(place: SearchedTable, batches_of_leads: Iterable[BatchLeads]) -> Residue:
    """The counts of a table's rows as they were classified."""
    scanned = unread = undated = 0
    kinds: Counter[LeadKind] = Counter()
    requests: set[str] = set()
    oldest: datetime | None = None
    newest: datetime | None = None
    for batch in batches_of_leads:
        scanned += batch.rows
        for lead in batch.found:
            kinds[lead.kind] += 1
            unread += lead.unread
            if lead.kind is not LeadKind.HIT:
                continue
            requests |= lead.requests
            if lead.created is None:
                undated += 1
            else:
                oldest = min(oldest or lead.created, lead.created)
                newest = max(newest or lead.created, lead.created)
    return Residue(
        store=place.store,
        table=place.table,
        scanned=scanned,
        hits=kinds[LeadKind.HIT],
        undated=undated,
        weak_hits=kinds[LeadKind.WEAK],
        returned=kinds[LeadKind.RETURNED],
        exempt=kinds[LeadKind.EXEMPT],
        unread=unread,
        unread_rows=kinds[LeadKind.UNREAD],
        subjects=len(requests),
        oldest=oldest,
        newest=newest,
    )


def leads(
    connection: sa.Connection,
    place: SearchedTable,
    index: ErasedIndex,
    context: EvaluationContext,
    key: Sequence[str] = (),
) -> Iterator[BatchLeads]:
    """Reads a whole table once, and classifies its rows. `key` are columns that name a row, read as text.

    Raises as `search` does.
    """
    for rows in batches(connection, _statement(place, context, key), f"{place.store}: {place.table}"):
        yield leads_of(place, index, rows)


def leads_of(place: SearchedTable, index: ErasedIndex, rows: Sequence[Sequence[Any]]) -> BatchLeads:
    """Classifies rows: each is the texts of the place's columns, its created moment, its origin, and what names it."""
    width = len(place.columns)
    read = [_read(column, {row[number] for row in rows}, index) for number, column in enumerate(place.columns)]
    found: Iterator[ErasureLead | None] = iter(())
    if any(known or unread for known, unread in read):
        found = (_lead(place, read, row[:width], row[width], row[width + 1], row[width + 2 :]) for row in rows)
    return BatchLeads(len(rows), tuple(lead for lead in found if lead))


_Read = tuple[Mapping[str, ErasedMatches], set[str]]
"""Of the distinct texts of a column: those that lead to erased persons, and those that should tell and cannot be read.
"""


def _read(column: Column, texts: Iterable[str | None], index: ErasedIndex) -> _Read:
    """Each text is read and digested once for a batch, and forgotten with it: memory does not grow with the table."""
    known: dict[str, ErasedMatches] = {}
    unread: set[str] = set()
    for text in texts:
        if text is None:
            continue
        read = readings(column.kind, text, column.of)
        found = index.find(read)
        if found is not NOBODY:
            known[text] = found
        elif not read and column.kind in _TELLING and text.strip():
            unread.add(text)
    return known, unread


def _lead(
    place: SearchedTable,
    read: Sequence[_Read],
    texts: Sequence[str | None],
    created: datetime | None,
    origin: str | None,
    key: Sequence[str | None],
) -> ErasureLead | None:
    """What one row is; None when it leads to nobody."""
    found = [known[text] for (known, _), text in zip(read, texts, strict=True) if text is not None and text in known]
    unread = sum(text in cannot for (_, cannot), text in zip(read, texts, strict=True))
    if found:
        kind, persons = _classified(place, found, created, origin)
    elif unread:
        kind, persons = LeadKind.UNREAD, frozenset()
    else:
        return None
    return ErasureLead(kind, tuple(key), frozenset(erased.request for erased in persons), created, unread)


def _classified(
    place: SearchedTable, found: Sequence[ErasedMatches], created: datetime | None, origin: str | None
) -> tuple[LeadKind, Iterable[ErasedPerson]]:
    """What a row is that leads to at least one erased person, and by whom it is that."""

    def in_sight(persons: Iterable[ErasedPerson]) -> list[ErasedPerson]:
        return [erased for erased in persons if not erased.spares(place.store, place.table)]

    strong = in_sight(erased for one in found for erased in one.strong)
    if back := [erased for erased in strong if not _signed_up_again(place, erased, created, origin)]:
        return LeadKind.HIT, back
    if strong:
        return LeadKind.RETURNED, strong
    if weak := in_sight(erased for one in found for erased in one.weak):
        return LeadKind.WEAK, weak
    return LeadKind.EXEMPT, [erased for one in found for erased in (*one.strong, *one.weak)]


def _signed_up_again(place: SearchedTable, erased: ErasedPerson, created: datetime | None, origin: str | None) -> bool:
    if created is None or created <= erased.completed_at:
        return False
    return place.origin is None or origin in place.origin.direct


def _statement(place: SearchedTable, context: EvaluationContext, key: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    """Every row: its identifiers as text, when it was created, where it came from, and what names it."""
    created, origin = place.created, place.origin
    extra = [name for name in (created and created.column, origin and origin.column) if name]
    row = table(place.table, *(column.name for column in place.columns), *extra, *key, alias="t")
    moment: sa.ColumnElement[Any] = sa.null()
    if created:
        moment = moment_of(created, row.c[created.column], context)
        moment = sa.case((moment.between(instant(context.earliest), sa.func.now()), moment))
    return sa.select(
        *(sa.cast(row.c[column.name], sa.Text()).label(f"text_{n}") for n, column in enumerate(place.columns)),
        sa.type_coerce(moment, sa.DateTime(timezone=True)).label("created"),
        (sa.cast(row.c[origin.column], sa.Text()) if origin else sa.null()).label("origin"),
        *(sa.cast(row.c[name], sa.Text()).label(f"key_{n}") for n, name in enumerate(key)),
    )
