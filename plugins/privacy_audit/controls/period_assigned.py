"""Every table and column that the store map calls personal has a retention period.

*Why*: a person must be told how long data is kept, or how that is found (GDPR art. 5(1)(e), 13(2)(a)). *Fix*: give the
table a `data` group with its category and its clock, or have the policy name a period for what it holds.

What is judged is the map, not a row of the store: a table whose columns are in no category falls under no retention
control, and would be kept for ever without a word. So would a column that identifies persons, or a secret, outside all
groups of a table each of whose groups names its columns. Not judged is a key: it falls with what it is a key of. Long
texts that no map mentions are told as columns that nobody mapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_fields import Line, TableName
from privacy_audit.config.map_tables import TableMap
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.controls.base.known_columns import personal_tables
from privacy_audit.domain.categories import IdentifierKind
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.row_predicates import RowState


class PeriodAssigned(CatalogRule):
    """Expect every mapped table to fall under a retention control."""

    kind: ClassVar[str] = "period_assigned"
    expectation: ClassVar[str] = "expect_retention_period_assigned"
    what: ClassVar[str] = "Tables of the store map"
    key_columns: ClassVar[tuple[str, ...]] = ("relation",)

    with_period: tuple[TableName, ...] = ()
    without: tuple[TableName, ...] = ()
    columns_without: tuple[Line, ...] = ()
    """Columns outside all groups of their table, as `schema.table.column`."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        kept = [name for name, mapped in store.tables.items() if mapped.data or mapped.anonymous]
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        without = tuple(name for name in personal_tables(store) if name not in kept)
        columns = tuple(f"{name}.{column}" for name in kept for column in _outside(store.tables[name]))
        yield cls(**fields, with_period=tuple(kept), without=without, columns_without=columns)

    @property
    def fix(self) -> str:
        return (
            "Give these tables, or columns, a `data` group in the store map. Where no category of the policy fits, the"
            " policy names no period: have it name one."
        )

    @property
    def decide(self) -> str:
        return (
            "Look in the store map under which period these tables, or columns, are kept, and say so there. Delete"
            " nothing before that."
        )

    def found(self, context: EvaluationContext) -> sa.FromClause:
        without = (*self.without, *self.columns_without)
        rows = [*((name, True) for name in self.with_period), *((name, False) for name in without)]
        return sa.values(
            sa.column("relation", sa.Text()), sa.column("has_period", sa.Boolean()), name="mapped_table"
        ).data(rows)

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        return sa.not_(row.c.has_period)

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("of a table without a period", RowState.VIOLATING, Fixture({"has_period": False}))
        yield SelfTestCase("of a table of which nobody knows", RowState.UNDECIDABLE, Fixture({"has_period": None}))
        yield SelfTestCase("of a table with one", RowState.COMPLIANT, Fixture({"has_period": True}))


def _outside(mapped: TableMap) -> Iterator[str]:
    """The columns that hold personal data and fall due with nothing; none where the whole row does, or names nobody."""
    if mapped.anonymous or not all(group.columns for group in mapped.data):
        return
    grouped = {column for group in mapped.data for column in group.columns}
    names = (column for column, what in mapped.identifiers.items() if what.kind is not IdentifierKind.KEY)
    yield from (column for column in dict.fromkeys((*names, *mapped.secrets)) if column not in grouped)
