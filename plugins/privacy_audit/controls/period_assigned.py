"""Every table that the store map calls personal has a retention period.

*Why*: a person must be told how long data is kept, or how that is found (GDPR art. 5(1)(e), 13(2)(a)). *Fix*: give the
table a `data` group with its category and its clock, or have the policy name a period for what it holds.

What is judged is the map, not a row of the store: a table whose columns are in no category falls under no retention
control, and would be kept for ever without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.controls.catalog_rule import CatalogRule
from privacy_audit.controls.interface import Lack
from privacy_audit.controls.known_columns import personal_tables
from privacy_audit.controls.specimen import Scene, Specimen
from privacy_audit.model import Control
from privacy_audit.sql.frame import Frame, Predicate
from privacy_audit.sql.truth import State
from privacy_audit.store_map import StoreMap, TableName


class PeriodAssigned(CatalogRule):
    """Expect every mapped table to fall under a retention control."""

    kind: ClassVar[str] = "period_assigned"
    expectation: ClassVar[str] = "expect_retention_period_assigned"
    what: ClassVar[str] = "Tables of the store map"
    key_columns: ClassVar[tuple[str, ...]] = ("relation",)

    with_period: tuple[TableName, ...] = ()
    without: tuple[TableName, ...] = ()

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | Lack]:
        kept = [name for name, mapped in store.tables.items() if mapped.data or mapped.anonymous]
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        without = tuple(name for name in personal_tables(store) if name not in kept)
        yield cls(**fields, with_period=tuple(kept), without=without)

    @property
    def fix(self) -> str:
        return (
            "Give these tables a `data` group in the store map. Where no category of the policy fits, the policy names"
            " no period: have it name one."
        )

    def found(self, frame: Frame) -> sa.FromClause:
        rows = [*((name, True) for name in self.with_period), *((name, False) for name in self.without)]
        return sa.values(
            sa.column("relation", sa.Text()), sa.column("has_period", sa.Boolean()), name="mapped_table"
        ).data(rows)

    def broken(self, row: sa.FromClause, frame: Frame) -> Predicate:
        return sa.not_(row.c.has_period)

    def specimens(self, frame: Frame) -> Iterator[Specimen]:
        yield Specimen("of a table without a period", State.VIOLATING, Scene({"has_period": False}))
        yield Specimen("of a table of which nobody knows", State.UNDECIDABLE, Scene({"has_period": None}))
        yield Specimen("of a table with one", State.COMPLIANT, Scene({"has_period": True}))
