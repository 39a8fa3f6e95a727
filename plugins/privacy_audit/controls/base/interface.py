"""What a control kind is: a rule about one table, its sentence, and its truth in SQL.

Each other file of this folder is one kind, and the file's name is the kind's name. A kind is a frozen `Rule`: it
binds a control of the policy to the tables of a store map (`bind`), is written into a compiled suite, and says what
is true of each row (`judge`). The engine scans the table with it, or, where `seek` offers a way, only the rows that
may not be compliant; both count the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_clocks import JoinedSubject, Subject
from privacy_audit.config.map_fields import Identifier, Line, MapPart, Name, TableName, Zone
from privacy_audit.config.map_registers import PurgeRuns
from privacy_audit.config.map_tables import Condition, Relation, TableMap
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import Tally
from privacy_audit.selftest.case import SelfTestCase
from privacy_audit.sql.evaluation_context import (
    AnyNeed,
    ColumnRequirement,
    EvaluationContext,
    Predicate,
    UniqueRequirement,
    never,
    yes,
)
from privacy_audit.sql.row_predicates import RowPredicates


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """An index-friendly way to the rows that may not be compliant."""

    predicates: RowPredicates
    """The truth about a superset of the rows that are neither compliant nor out of scope, each once."""
    index: tuple[str, ...] = ()
    """Leading columns of the index that leads to these rows; empty when a scan filters them out."""
    probes_per_row_of: str = ""
    """A table each of whose rows costs a probe; empty when one range is read."""
    probed_by: str = ""
    """Its column that is compared with the first of the index: of another type, each probe would read the table."""


@dataclass(frozen=True, slots=True)
class BindingError:
    """A place where the store map does not say what a control needs, so that nothing can be checked there."""

    reason: str
    """A sentence for the map's writer, without its full stop."""


@dataclass(frozen=True, slots=True)
class DeleteRows:
    """Violating rows are deleted, whole."""


@dataclass(frozen=True, slots=True)
class SetNull:
    """Violating rows stay, and lose what they may not hold."""

    columns: tuple[str, ...]


Remedy = DeleteRows | SetNull
"""What is done with the rows of a finding. The owner of the store does it; the audit never does."""


def remedy_of_group(columns: tuple[str, ...]) -> Remedy:
    """The remedy for a group of columns; without columns the row itself is the data."""
    return SetNull(columns) if columns else DeleteRows()


class Rule(MapPart, ABC):
    """A control bound to one table. Its fields are what a compiled suite carries."""

    kind: ClassVar[str]
    """The policy's word for it; the name of its file."""
    expectation: ClassVar[str]
    """Its name as a Great Expectations expectation."""
    parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters a control of this kind must have; `optional_parameters` may be left out."""
    optional_parameters: ClassVar[frozenset[str]] = frozenset()
    company_wide: ClassVar[bool] = False
    """Whether it is enough that one store binds it: a company has one register of rights requests, wherever it is."""
    never_waived: ClassVar[str] = ""
    """Why no waiver may quiet its findings, as a sentence; empty when one may."""

    table: TableName
    title: Line
    """What the rows are, in the plural."""
    relation: Relation = Relation.TABLE
    key: tuple[Identifier, ...]
    qualifier: Name | None = None
    """Which group of columns, where a table has several under one control."""
    zone: Zone
    no_data_before: date
    may_be_empty: bool = False
    purge_runs: PurgeRuns | None = None
    """The log of the jobs that delete these rows, where deletion is promised. What it says decides no outcome."""

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong with parameters whose names are right: where, and the fact."""
        return iter(())

    @classmethod
    @abstractmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        """The rules a control becomes in a store, in the order of its map. `zone` is the policy's.

        A Lack stands for each place where the map does not say what the control needs.
        """

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What is promised of these rows, for a reader without SQL."""

    @property
    @abstractmethod
    def fix(self) -> str:
        """How to close a finding: what becomes of rows in breach, in sentences."""

    @property
    @abstractmethod
    def decide(self) -> str:
        """How to find out what rows are that nobody could judge, in sentences. It deletes, empties and changes none:
        until somebody knows better, such a row may be one that has to stay."""

    @abstractmethod
    def remedy(self) -> Remedy | None:
        """What is done with violating rows; None where only a person can settle that, and `fix` says how."""

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The columns of the table itself that are read, without the key."""

    @abstractmethod
    def needs(self) -> Iterator[AnyNeed]:
        """All columns that are read, in any table, and what must be unique: the visibility proof."""

    @abstractmethod
    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        """The truth about the rows of a relation with these columns."""

    def seeks(self, context: EvaluationContext) -> Sequence[IndexPlan]:
        """Ways to the rows that may not be compliant, the best first; none when only a full count can find them."""
        return ()

    @property
    def listable(self) -> bool:
        """Whether a SELECT can list the rows to an entitled engineer."""
        return True

    @property
    def foreseeable(self) -> bool:
        """Whether time alone puts rows in breach, so that the day is known before."""
        return False

    @property
    def nothing_to_judge(self) -> str:
        """What it means that no row was counted, as a sentence, where that is in order whatever the table holds."""
        return ""

    @property
    def undecided_because(self) -> str:
        """Why a row cannot be decided, as the end of a sentence."""
        return "a date is missing or cannot be a fact, or a register cannot be read"

    @property
    def in_store(self) -> bool:
        """Whether `table` names a relation of the store: a register on file and the catalog itself do not."""
        return True

    @property
    def reading(self) -> str:
        """How a consent ledger is read, where one is."""
        return ""

    def as_json(self) -> dict[str, Any]:
        """The rule as a compiled suite carries it: what differs from the defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def context(self, as_of: Any) -> EvaluationContext:
        """T with this store's calendar."""
        return EvaluationContext(as_of, self.zone, self.no_data_before)

    @property
    def longest_period(self) -> str:
        """The longest period it reckons with: its self-test cases are rows of a company that is older than that."""
        return "P1Y"

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Made-up rows with what must be said of them: they show that the rule can fail."""
        return iter(())

    def disproof(self, context: EvaluationContext) -> Iterator[str]:
        """What a rule that judges in memory says otherwise of its self-test cases than it must, in words."""
        return iter(())

    def count(self, connection: sa.Connection, context: EvaluationContext) -> Tally | None:
        """The tally of a rule that no SQL can judge, because what it compares with must not reach the server."""
        return None

    def prepared(self, connection: sa.Connection, context: EvaluationContext) -> EvaluationContext:
        """The evaluation context with what must be found out in the store first, by statements of their own: counts and
        names."""
        return context

    def rows(self, context: EvaluationContext, *extra: str) -> sa.FromClause:
        """The table itself, with the columns that are read."""
        return context.table(self.table, *self.columns(), *extra, alias="t")


def common(table_name: str, mapped: TableMap, store: StoreMap, zone: str) -> dict[str, Any]:
    """The fields every rule over a mapped table starts from."""
    return {
        "table": table_name,
        "title": mapped.title,
        "relation": mapped.relation,
        "key": mapped.key,
        "zone": zone,
        "no_data_before": store.no_data_before,
        "may_be_empty": mapped.may_be_empty,
    }


def condition_needs(conditions: Sequence[Condition], table_name: str) -> Iterator[ColumnRequirement]:
    """The columns that conditions read, where they are of one type: a flag is compared as such, all else as text."""
    yield from (
        ColumnRequirement(table_name, one.column, frozenset({"bool"}))
        for one in conditions
        if isinstance(one.equals, bool)
    )


def outside(row: sa.FromClause, conditions: Sequence[Condition], columns: Sequence[str] = ()) -> Predicate:
    """Rows a promise does not speak of: a condition holds, or all of the group's columns are null."""
    parts: list[Predicate] = []
    for condition in conditions:
        column = row.c[condition.column]
        if condition.is_null:
            parts.append(column.is_(None))
        elif condition.in_:
            parts.append(yes(sa.cast(column, sa.Text()).in_([str(value) for value in condition.in_])))
        elif isinstance(condition.equals, bool):
            parts.append(column.is_(condition.equals))
        else:
            parts.append(yes(sa.cast(column, sa.Text()) == str(condition.equals)))
    if columns:
        parts.append(sa.and_(*(row.c[name].is_(None) for name in columns)))
    return sa.or_(*parts) if parts else never()


@dataclass(frozen=True)
class SubjectSql:
    """Whose a row is."""

    key: sa.ColumnElement[Any]
    """Null where the table has no subject."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()


def read_subject(subject: Subject | None, row: sa.FromClause, context: EvaluationContext) -> SubjectSql:
    """The subject key of rows; of a joined one, through columns that the visibility proof shows to be unique."""
    if subject is None:
        return SubjectSql(sa.null())
    if not isinstance(subject, JoinedSubject):
        return SubjectSql(row.c[subject.column])
    other = context.table(subject.table, *subject.on.values(), subject.column, alias="subject_row")
    on = sa.and_(*(other.c[theirs] == row.c[own] for own, theirs in subject.on.items()))
    return SubjectSql(other.c[subject.column], ((other, on),))


def subject_columns(subject: Subject | None) -> tuple[str, ...]:
    """The columns of the row itself that lead to its subject."""
    if subject is None:
        return ()
    return tuple(subject.on) if isinstance(subject, JoinedSubject) else (subject.column,)


def subject_needs(subject: Subject | None, table_name: str) -> Iterator[ColumnRequirement | UniqueRequirement]:
    """The columns that lead to the subject, and what must be unique on the way."""
    yield from (ColumnRequirement(table_name, column) for column in subject_columns(subject))
    if isinstance(subject, JoinedSubject):
        yield from (ColumnRequirement(subject.table, column) for column in (*subject.on.values(), subject.column))
        yield UniqueRequirement(subject.table, frozenset(subject.on.values()))
