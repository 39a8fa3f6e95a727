"""What the kinds over a store as a whole share: their rows come from the catalog of its database, not from a table.

Everything looked through is a row, so that an empty answer is never taken for a kept promise: what was found wanting
is violating, the rest is compliant. The auditor reads the catalog with its own rights; what it may not see is
undecidable.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import sqlalchemy as sa

from privacy_audit.config.map_fields import Identifier, Line, TableName
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import Rule
from privacy_audit.domain.promises import Control
from privacy_audit.sql.evaluation_context import AnyNeed, EvaluationContext, Predicate, never, no_day
from privacy_audit.sql.row_predicates import RowPredicates

CATALOG = "_store.catalog"
"""Stands for the store as a whole where a table is named."""


class CatalogRule(Rule):
    """A control over the catalog of a store."""

    what: ClassVar[str]
    """What its rows are, in the plural."""
    key_columns: ClassVar[tuple[str, ...]]
    """The columns that name a row to an engineer."""

    table: TableName = CATALOG
    key: tuple[Identifier, ...] = ()
    promise: Line
    """What is promised, as the control's title says it."""

    @classmethod
    def common_fields(cls, control: Control, store: StoreMap, zone: str) -> dict[str, object]:
        """The fields every rule over the catalog starts from."""
        return {
            "title": cls.what,
            "key": cls.key_columns,
            "zone": zone,
            "no_data_before": store.no_data_before,
            "promise": control.title,
        }

    @property
    def in_store(self) -> bool:
        return False

    @property
    def sentence(self) -> str:
        return f"{self.promise}."

    @property
    def undecided_because(self) -> str:
        return "the audit's role may not see enough of them, or only a person can tell"

    def remedy(self) -> None:
        """Rights, settings and copies are looked at by a person before they are changed."""

    def columns(self) -> Sequence[str]:
        return ()

    def needs(self) -> Iterator[AnyNeed]:
        return iter(())

    @abstractmethod
    def found(self, context: EvaluationContext) -> sa.FromClause:
        """Everything that was looked through, with the columns of `key`."""

    @abstractmethod
    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        """Whether a row breaks the promise; null where nobody can tell."""

    def rows(self, context: EvaluationContext, *extra: str) -> sa.FromClause:
        if self.table in context.planted:
            return context.planted[self.table].relation(tuple(context.planted[self.table].columns), "t")
        return sa.select(self.found(context)).subquery("t")

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=never(),
            violating=self.broken(row, context),
            moment=sa.cast(sa.null(), sa.DateTime(timezone=True)),
            breach_began=no_day(),
        )
