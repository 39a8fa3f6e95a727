"""Nothing that a legal hold keeps has vanished since the hold began.

*Why*: in litigation all relevant data must be kept (GDPR art. 17(3)(e)); a purge that does not read the holds first
destroys evidence. *Fix*: restore the rows, and let every job that deletes read the audit database of holds before it
does.

Each night the rows of persons under a hold in force at T that names the data's category are digested in memory, with
keys that never reach a server, and put on file in the audit database. A table whose rows are of no category is
held by the holds on every category. Violating: a row is on file for a person
who is still under such a hold, and it is not there any more, or no longer holds the data, or is no longer that
person's. A row is told by its key and, where the map says so, by when it was collected: a new row under an old key
then does not stand in for the old one. Other changes of a row are not seen. Undecidable: the map tells rows, or groups
their columns, otherwise than when the row was put on file. Persons whose holds were all released are not judged.

So are the holds themselves, for anyone who deletes the hold with the data would leave nobody to judge: a hold that was
seen in force and is not in its register any more is violating, whatever it kept. One that was released is still there,
and fine. One that was changed is undecidable until it is released: it names another person or other data than it did,
or neither began nor ended at a moment that can be. Its register is the check `holds`.

Not judged: registers of persons that are no mapped table, and tables kept for statistics, which name nobody.
What is deleted after a hold began and before the first audit that sees it was never on file, and is not missed.

An audit by an earlier instant looks at what was on file then. It adds nothing, and neither does a rehearsal or an
audit by hand: rows are put on file only while an audit runs that is itself filed (`erasure.on_file.filing`), and only
when the store is read within 6 hours of T, as long as an audit may last. A night that is retried later than that
judges, and leaves it to the next night to file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, OwnSubject, Subject
from privacy_audit.config.map_fields import Identifier, MapPart, Name, TableName
from privacy_audit.config.map_registers import LegalHolds
from privacy_audit.config.map_tables import DataGroup, TableMap
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.holds_on_file import HoldRow, LookAtHolds, disproof, is_hold
from privacy_audit.controls.base.interface import (
    BindingError,
    Rule,
    common,
    outside,
    read_subject,
    subject_columns,
    subject_needs,
)
from privacy_audit.domain.categories import Category
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import Tally
from privacy_audit.erasure import hold_manifests
from privacy_audit.erasure.held_row_digests import RowDigester, telling
from privacy_audit.erasure.hold_manifests import ManifestEntry
from privacy_audit.erasure.keyring import SHORTEST_KEY, Keyring
from privacy_audit.erasure.manifest_comparison import ManifestComparison
from privacy_audit.erasure.row_stream import batches
from privacy_audit.postgres import connections
from privacy_audit.sql.clocks import needs_of
from privacy_audit.sql.evaluation_context import (
    AnyNeed,
    ColumnRequirement,
    EvaluationContext,
    UniqueRequirement,
    never,
    no_day,
)
from privacy_audit.sql.holds import in_force, needs_of_holds, read_register
from privacy_audit.sql.row_predicates import RowPredicates

_WHILE_IT_LASTS = timedelta(hours=6)
"""As long as an audit may last: who reads the store later than this after T looks back, and puts nothing on file."""


class HeldData(MapPart):
    """Data of one category in a table: what a hold keeps there."""

    category: Category | None = None
    """None: of no category, so that only holds on every category keep it."""
    name: Name | None = None
    columns: tuple[Identifier, ...] = ()
    """A row in which all of them are null holds no such data. Empty: the row itself is the data."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """What a hold must name that keeps it, unless it is on every category."""
        return (self.category,) if self.category else ()


class HeldRowsPresent(Rule):
    """Expect no row that was seen under a legal hold to vanish while the hold lasts."""

    kind: ClassVar[str] = "held_rows_present"
    expectation: ClassVar[str] = "expect_held_rows_present"
    never_waived: ClassVar[str] = (
        "data under a legal hold is evidence, and whoever let it vanish must answer for it before the court."
    )

    store: Name
    subject: Subject
    data: tuple[HeldData, ...] = ()
    """None: the table is the audit database of holds, whose rows are judged as the holds they are."""
    collected: ColumnClock | None = None
    holds: LegalHolds
    former: tuple[TableName, ...] = ()
    """Names the table had before: what was put on file under them still counts."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        holds = store.registers.legal_holds
        if holds is None:
            return
        if holds.keys is None:
            where = "registers.legal_holds"
            yield BindingError(
                f"{control.id} needs `{where}.keys`: without keys nothing that is held can be put on file"
            )
            return
        yield cls._of_register(holds, store, zone)
        for name, mapped in store.tables.items():
            if mapped.anonymous and not mapped.data:
                continue
            if mapped.subject is None:
                yield BindingError(f"{name}: {control.id} needs `subject`: whose rows are they, and so which are held?")
            elif not mapped.data and holds.every_category is None:
                where = "`registers.legal_holds.every_category`"
                yield BindingError(f"{name}: {control.id} needs `data`, or {where}: else no hold can name its rows")
            else:
                yield cls._of(name, mapped, mapped.subject, holds, store, zone)

    @classmethod
    def _of_register(cls, holds: LegalHolds, store: StoreMap, zone: str) -> Self:
        return cls(
            table=holds.table,
            title=holds.title,
            key=holds.key,
            qualifier="holds",
            zone=zone,
            no_data_before=store.no_data_before,
            may_be_empty=True,
            store=store.store,
            subject=OwnSubject(column=holds.subject),
            holds=holds,
            former=store.formerly.get(holds.table, ()),
        )

    @classmethod
    def _of(cls, name: str, mapped: TableMap, subject: Subject, holds: LegalHolds, store: StoreMap, zone: str) -> Self:
        return cls(
            **common(name, mapped, store, zone),
            store=store.store,
            subject=subject,
            data=tuple(map(_held_data, mapped.data)) or (HeldData(),),
            collected=mapped.collected,
            holds=holds,
            former=store.formerly.get(name, ()),
        )

    @property
    def _is_register(self) -> bool:
        return not self.data

    @property
    def sentence(self) -> str:
        if self._is_register:
            return f"{self.title} that an audit saw in force are still on record, in force or released."
        return f"{self.title} that a legal hold keeps are still there, each since the audit that first saw it held."

    @property
    def fix(self) -> str:
        if self._is_register:
            return (
                f"Find out who deleted these holds from {self.table}, and what else; tell whoever conducts the legal"
                " matter. Enter them again under their own keys. A hold that is over is released, and one that means"
                " somebody or something else is released and entered anew: never deleted or changed."
            )
        return (
            f"Find out who deleted or emptied these rows of {self.table} and stop it; tell whoever conducts the legal"
            " matter. Restore the rows from a backup, under their own keys. Only keyed digests of them are on file, so"
            " no SELECT can name them: compare the rows of the persons under a hold with that backup."
        )

    @property
    def decide(self) -> str:
        if self._is_register:
            return (
                f"Ask whoever conducts the legal matter what these holds in {self.table} mean to keep and since when,"
                " and compare the store map with the one by which they were put on file. Delete nothing of these"
                " persons before that."
            )
        return (
            f"Compare the store map with the one by which these rows of {self.table} were put on file, and look whether"
            " each of them is still there. Delete nothing of these persons before that."
        )

    def remedy(self) -> None:
        """What is gone cannot be named by SQL, and no statement brings it back."""

    @property
    def listable(self) -> bool:
        return False

    @property
    def nothing_to_judge(self) -> str:
        if self._is_register:
            return "No legal hold is in force, and none was."
        return "No row of the table is under a legal hold."

    @property
    def undecided_because(self) -> str:
        if self._is_register:
            return "a hold was changed while it was in force, or the store map tells holds otherwise than it did"
        return "the store map tells these rows otherwise than when they were put on file"

    def columns(self) -> Sequence[str]:
        held = (column for data in self.data for column in data.columns)
        collected = [self.collected.column] if self.collected else []
        return tuple(dict.fromkeys((*subject_columns(self.subject), *held, *collected)))

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield UniqueRequirement(self.table, frozenset(self.key))
        yield from subject_needs(self.subject, self.table)
        yield from needs_of_holds(self.holds)
        if self.collected:
            yield from needs_of(self.collected, self.table)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        """Nothing that SQL could say: `count` judges."""
        moment = sa.cast(sa.null(), sa.DateTime(timezone=True))
        return RowPredicates(row, never(), sa.true(), never(), moment, no_day())

    def count(self, connection: sa.Connection, context: EvaluationContext) -> Tally:
        """OtherDatabaseError when the audit database cannot be read, KeyringRefusedError without the right keys."""
        keys = self.holds.keys or ""
        keyring = Keyring.parse(connections.find(keys).password, f"the password of connection {keys}")
        filed = hold_manifests.entries(self.holds.kept_in, self.store, (self.table, *self.former))
        seals = self._seals(keyring, filed)
        filed = hold_manifests.proven(filed, seals)
        now = connection.execute(sa.select(sa.func.now())).scalar_one()
        look: ManifestComparison | LookAtHolds
        if self._is_register:
            look = self._look_at_holds(connection, context, seals, filed, now)
        else:
            look = self._look_at_rows(connection, context, seals, filed, now)
        if hold_manifests.is_filing() and now - context.as_of <= _WHILE_IT_LASTS:
            hold_manifests.add(self.holds.kept_in, self.store, [*look.new, *hold_manifests.key_checks(look.new, seals)])
        return look.tally(context.as_of)

    def _look_at_holds(
        self,
        connection: sa.Connection,
        context: EvaluationContext,
        seals: Sequence[RowDigester],
        filed: Sequence[ManifestEntry],
        now: datetime,
    ) -> LookAtHolds:
        look = LookAtHolds(seals, list(filter(is_hold, filed)), self._told_by)
        statement = read_register(self.holds, self.key, context)
        for rows in batches(connection, statement, f"{self.store}: {self.table}"):
            for *texts, person, names, is_in_force, is_over in rows:
                look.row(HoldRow(texts, person, names, is_in_force, is_over), now)
        return look

    def _look_at_rows(
        self,
        connection: sa.Connection,
        context: EvaluationContext,
        seals: Sequence[RowDigester],
        filed: Sequence[ManifestEntry],
        now: datetime,
    ) -> ManifestComparison:
        look = ManifestComparison(seals, [entry for entry in filed if not is_hold(entry)])
        for data in self.data:
            held = self._subjects(connection, context, data.categories)
            look.persons(self._part(data), held)
            for rows in batches(connection, self._statement(data, context), f"{self.store}: {self.table}"):
                for *texts, subject in rows:
                    look.row(self._part(data), texts, subject, now)
        look.anybody(self._subjects(connection, context, tuple(Category)))
        return look

    def disproof(self, context: EvaluationContext) -> Iterator[str]:
        """Made-up rows on file and present, looked at as the store's are: in memory, without the company's keys."""
        seal = RowDigester(Keyring({1: bytes(range(SHORTEST_KEY))}), 1, self.store, self.table)
        if self._is_register:
            yield from disproof(seal, self._told_by, context)
            return
        part, before, after = (
            self._part(self.data[0]),
            context.as_of - timedelta(days=1),
            context.as_of + timedelta(days=1),
        )

        def on_file_since(moment: datetime, part: str = part) -> ManifestEntry:
            return ManifestEntry(self.table, part, seal.row(["1"]), seal.subject("held"), 1, moment)

        for name, said, filed, present, held in (
            ("that is there", {"compliant": 1}, [on_file_since(before)], ["1"], ["held"]),
            ("that is seen first", {"compliant": 1}, [], ["1"], ["held"]),
            ("that vanished", {"violating": 1}, [on_file_since(before)], [], ["held"]),
            ("that gave way to another", {"violating": 1, "compliant": 1}, [on_file_since(before)], ["2"], ["held"]),
            ("that vanished when its hold was over", {}, [on_file_since(before)], [], []),
            ("that was put on file after T", {}, [on_file_since(after)], [], ["held"]),
            ("that was told otherwise", {"undecidable": 1}, [on_file_since(before, "otherwise")], [], ["held"]),
        ):  # fmt: skip
            look = ManifestComparison([seal], filed)
            look.persons(part, held)
            for key in present:
                look.row(part, [key], "held", context.as_of)
            look.anybody(held)
            tally = look.tally(context.as_of)
            counted = {it: getattr(tally, it) for it in ("compliant", "violating", "undecidable") if getattr(tally, it)}
            if counted != said:
                yield f"of a row {name} it counts {counted or 'nothing'}, and not {said or 'nothing'}"

    def _seals(self, keyring: Keyring, filed: Sequence[ManifestEntry]) -> list[RowDigester]:
        """What rows are put on file with comes first; then whatever some were put on file with."""
        versions = dict.fromkeys((keyring.newest, *sorted({entry.key_version for entry in filed}, reverse=True)))
        tables = (self.table, *self.former)
        return [RowDigester(keyring, version, self.store, table) for table in tables for version in versions]

    def _part(self, data: HeldData) -> str:
        """Which data of a row is meant, and how the row is told: what is told otherwise cannot be compared."""
        category = data.category.value if data.category else "any category"
        return f"{f'{category}/{data.name}' if data.name else category} {self._told_by}"

    @property
    def _told_by(self) -> str:
        return f"by {', '.join([*self.key, *([self.collected.column] if self.collected else [])])}"

    def _subjects(
        self, connection: sa.Connection, context: EvaluationContext, categories: Sequence[Category]
    ) -> list[str]:
        """The keys of those who are under a hold at T that names one of the categories."""
        hold = in_force(self.holds, categories, context)
        named = sa.select(sa.cast(hold.c.subject, sa.Text())).where(hold.c.subject.is_not(None))
        return list(connection.scalars(named))

    def _statement(self, data: HeldData, context: EvaluationContext) -> sa.Select[*tuple[Any, ...]]:
        """The held rows of some data: what tells each, and the key of its person as the audit database of holds writes
        it."""
        row = self.rows(context, *self.key)
        subject = read_subject(self.subject, row, context)
        hold = in_force(self.holds, data.categories, context)
        source: sa.FromClause = row
        for relation, on in subject.joins:
            source = source.outerjoin(relation, on)
        return (
            sa.select(*telling(row, self.key, self.collected), sa.cast(hold.c.subject, sa.Text()))
            .select_from(source.join(hold, hold.c.subject == subject.key))
            .where(sa.not_(outside(row, (), data.columns)))
        )


def _held_data(group: DataGroup) -> HeldData:
    return HeldData(category=group.category, name=group.name, columns=group.columns)
