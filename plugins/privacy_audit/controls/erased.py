"""Nobody who was erased is found in a store again.

*Why*: erasure is real only if it reached every table, and stays real after restores, imports and syncs (GDPR art.
17(1), 19). *Fix*: erase the person there as well, and replay the erasure ledger after each restore before the store is
opened.

Each identifier of each row is normalised and digested in memory with the keys of the ledger, which never reach the
server; so no SELECT can list what was found. Violating: the row leads to an erased person and cannot be shown to be
newer than the erasure. Undecidable: it is newer (the person may have signed up again), it leads there by a name, a
mailbox or a shared line only, or its identifiers cannot be read. Out of scope: the law lets the data stay there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.config.map_fields import Identifier, Name
from privacy_audit.config.map_registers import ErasureLedger
from privacy_audit.config.map_tables import IdentifierColumn, Origin
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import BindingError, Rule, common
from privacy_audit.domain.categories import IdentifierKind
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from privacy_audit.erasure.identifier_columns import Column, IdentifierOrigin, SearchedTable
from privacy_audit.erasure.keyring import SHORTEST_KEY, Keyring
from privacy_audit.erasure.ledger import ErasedIndex, ErasedPerson, Exemption, traces
from privacy_audit.erasure.ledger_rows import read_ledger
from privacy_audit.erasure.search import Residue, counted, leads_of, search
from privacy_audit.postgres import connections
from privacy_audit.sql.clocks import needs_of
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, never, no_day
from privacy_audit.sql.row_predicates import RowPredicates, RowState


class Erased(Rule):
    """Expect no row to lead to a person who was erased."""

    kind: ClassVar[str] = "erased"
    expectation: ClassVar[str] = "expect_no_erased_persons"

    store: Name
    identifiers: dict[Identifier, IdentifierColumn]
    collected: ColumnClock | None = None
    origin: Origin | None = None
    ledger: ErasureLedger

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        ledger = store.registers.erasures
        if ledger is None:
            yield BindingError(
                f"{control.id} needs `registers.erasures`: without the ledger nobody knows who was erased"
            )
            return
        for name, mapped in store.tables.items():
            if mapped.identifiers:
                yield cls(
                    **common(name, mapped, store, zone),
                    store=store.store,
                    identifiers=mapped.identifiers,
                    collected=mapped.collected,
                    origin=mapped.origin,
                    ledger=ledger,
                )
            elif mapped.subject is not None:
                yield BindingError(
                    f"{name}: {control.id} needs `identifiers`: by which columns is a person found there?"
                )

    @property
    def sentence(self) -> str:
        kinds = dict.fromkeys(_WORDS[column.kind] for column in self.identifiers.values())
        return f"{self.title} lead to nobody who was erased, by {', '.join(kinds)}."

    @property
    def fix(self) -> str:
        return (
            f"`privacy-audit residue --store {self.store} --table {self.table}` lists these rows, at a terminal, to"
            f" whoever has the keys of the ledger. Erase these persons in {self.table} as well. If a restore or a sync"
            " brought them back, replay the erasure ledger after it, and before the store is opened."
        )

    @property
    def decide(self) -> str:
        return (
            f"`privacy-audit residue --store {self.store} --table {self.table}` lists these rows, at a terminal, to"
            " whoever has the keys of the ledger. Ask whether the person signed up again after the erasure, and whether"
            " the same name, mailbox or line is somebody else's. Correct an identifier that cannot be read. Delete"
            " nothing before that."
        )

    def remedy(self) -> None:
        """No SQL can tell the rows: the keys of the ledger do not reach the server."""

    @property
    def listable(self) -> bool:
        return False

    @property
    def undecided_because(self) -> str:
        return (
            "they are newer than the erasure, lead to an erased person by a name, a mailbox or a shared line only, or"
            " hold an identifier that cannot be read"
        )

    def columns(self) -> Sequence[str]:
        extra = [part.column for part in (self.collected, self.origin) if part]
        return (*self.identifiers, *extra)

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        if self.collected:
            yield from needs_of(self.collected, self.table)
        if self.ledger.connection is None:
            ledger = self.ledger
            for column in (ledger.request, ledger.key_version, ledger.kind, ledger.digest):
                yield ColumnRequirement(ledger.table, column)
            if ledger.shared:
                yield ColumnRequirement(ledger.table, ledger.shared, frozenset({"bool"}))
            yield from needs_of(ledger.completed, ledger.table)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        """Nothing that SQL could say: `count` judges."""
        moment = sa.cast(sa.null(), sa.DateTime(timezone=True))
        return RowPredicates(row, never(), sa.true(), never(), moment, no_day())

    def count(self, connection: sa.Connection, context: EvaluationContext) -> Tally:
        """OtherDatabaseError when the ledger's own store cannot be read; KeyringRefusedError, LedgerRefusedError."""
        return self._tally(search(connection, self.place, self.index(connection, context), context))

    def disproof(self, context: EvaluationContext) -> Iterator[str]:
        """Made-up rows and a made-up ledger, compared as the store's are: in memory, and without the company's keys."""
        index, place = self._made_up(context), self.place
        for name, state, row in self._made_up_rows(context):
            tally = self._tally(counted(place, [leads_of(place, index, [row])]))
            if getattr(tally, state.name.lower()) != 1:
                told = next((it.name.lower() for it in RowState if getattr(tally, it.name.lower())), "nothing")
                yield f"of a row {name} it says {told}, and not {state.name.lower()}"

    def _made_up_rows(self, context: EvaluationContext) -> Iterator[tuple[str, RowState, tuple[Any, ...]]]:
        """Rows by what one of their identifiers says, each with what must be said of it."""
        place, exempt = self.place, self.table in self.ledger.exempt
        before, after = (context.as_of - timedelta(days=days) for days in (4, 2))
        direct = next(iter(place.origin.direct), None) if place.origin else None

        def row(
            number: int, text: str | None, created: datetime | None, origin: str | None = direct
        ) -> tuple[Any, ...]:
            texts = [text if place_number == number else None for place_number in range(len(place.columns))]
            return (*texts, created, origin)

        for number, column in enumerate(place.columns):
            person, somebody, unread = _MADE_UP[column.kind]
            weak = column.kind is IdentifierKind.NAME
            found, back = (
                (RowState.UNDECIDABLE, RowState.UNDECIDABLE) if weak else (RowState.VIOLATING, RowState.UNDECIDABLE)
            )
            if exempt:
                found = back = RowState.OUT_OF_SCOPE
            yield f"that names an erased person in {column.name}", found, row(number, person, before)
            yield f"that names one in {column.name} at no moment", found, row(number, person, None)
            yield f"that names one in {column.name} since the erasure", back, row(number, person, after)
            if place.origin:
                yield f"that was brought back with {column.name}", found, row(number, person, after, "by nobody")
            yield f"that names somebody else in {column.name}", RowState.COMPLIANT, row(number, somebody, before)
            if unread:
                yield (
                    f"whose {column.name} cannot be read",
                    RowState.OUT_OF_SCOPE if exempt else RowState.UNDECIDABLE,
                    row(number, unread, before),
                )
        yield "that names nobody", RowState.COMPLIANT, row(0, None, before)

    def _made_up(self, context: EvaluationContext) -> ErasedIndex:
        keyring = Keyring({1: bytes(range(SHORTEST_KEY))})
        digests = frozenset().union(
            *(traces(keyring, column.kind if column.kind is not IdentifierKind.TEXT else IdentifierKind.EMAIL,
                     _ADDRESS if column.kind is IdentifierKind.TEXT else _MADE_UP[column.kind][0], column.of)
              for column in self.place.columns)
        )  # fmt: skip
        exemptions = tuple(Exemption(self.store, name, reason) for name, reason in self.ledger.exempt.items())
        return ErasedIndex(
            keyring, [ErasedPerson("specimen", 1, digests, context.as_of - timedelta(days=3), exemptions)]
        )

    @property
    def place(self) -> SearchedTable:
        """The table as it is searched."""
        return SearchedTable(
            store=self.store,
            table=self.table,
            key=self.key,
            columns=tuple(Column(name, it.kind, it.of or "") for name, it in self.identifiers.items()),
            created=self.collected,
            origin=IdentifierOrigin(self.origin.column, frozenset(self.origin.direct)) if self.origin else None,
        )

    def index(self, connection: sa.Connection, context: EvaluationContext) -> ErasedIndex:
        """Who was erased at T. The keys are read anew each time, kept in memory only, and gone with the index."""
        keyring = keys_of(self.ledger)
        return ErasedIndex(keyring, read_ledger(connection, self.ledger, context, self.store, keyring))

    def _tally(self, residue: Residue) -> Tally:
        """Rows whose identifiers cannot be read lead to nobody that could be told, so nobody can say; but where the
        data of all who were erased may stay, it is no matter whose they are."""
        may_stay = self.table in self.ledger.exempt
        return Tally(
            population=residue.scanned,
            compliant=residue.clean - residue.unread_rows,
            violating=residue.hits,
            held=0,
            undecidable=residue.weak_hits + residue.returned + (0 if may_stay else residue.unread_rows),
            out_of_scope=residue.exempt + (residue.unread_rows if may_stay else 0),
            subjects=residue.subjects,
            oldest=residue.oldest,
            newest=residue.newest,
            ages=(residue.hits, *(0 for _ in AGE_BUCKETS[1:])),
        )


def keys_of(ledger: ErasureLedger) -> Keyring:
    """The keys of a ledger, from its Airflow connection. KeyringRefusedError, ConnectionMissingError."""
    return Keyring.parse(connections.find(ledger.keys).password, f"the password of connection {ledger.keys}")


_ADDRESS = "specimen@example.org"
_MADE_UP: Mapping[IdentifierKind, tuple[str, str, str | None]] = {
    IdentifierKind.EMAIL: (_ADDRESS, "somebody@example.org", "7b4f11"),
    IdentifierKind.PHONE: ("+33 1 99 00 12 34", "+33 1 99 00 12 35", "7b4f11xyz"),
    IdentifierKind.IBAN: ("FR76 3000 6000 0112 3456 7890 189", "DE89 3704 0044 0532 0130 00", "encrypted"),
    IdentifierKind.NAME: ("Ada Specimen", "Grace Example", None),
    IdentifierKind.KEY: ("1", "2", None),
    IdentifierKind.TEXT: (f"Please write to {_ADDRESS}.", "Please write to somebody@example.org.", None),
}
"""By kind: what names a person made up, what names another, and what cannot be read."""
_WORDS = {
    IdentifierKind.EMAIL: "e-mail address",
    IdentifierKind.PHONE: "phone number",
    IdentifierKind.IBAN: "bank account",
    IdentifierKind.NAME: "name",
    IdentifierKind.KEY: "key",
    IdentifierKind.TEXT: "what stands in free text",
}
