"""No copy of a table with personal data lies about outside the store map.

*Why*: data that was deleted in one place and lives on in a copy was not deleted (GDPR art. 5(1)(e), 17(1)): backup
schemas, tables of last year, materialized views, detached partitions. *Fix*: drop the copy, or map it so that its rows
are purged as well; or write down under `not_personal` why it is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.config.map_fields import TableName
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.controls.base.known_columns import known_columns
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.catalog.copies import look_alikes
from privacy_audit.sql.catalog.relations import RELATIONS
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.row_predicates import RowState


class LookAlikes(CatalogRule):
    """Expect no relation outside the map to look like a copy of a mapped table."""

    kind: ClassVar[str] = "look_alikes"
    expectation: ClassVar[str] = "expect_no_copies_outside_the_map"
    what: ClassVar[str] = "Tables and what looks like a copy of them"
    key_columns: ClassVar[tuple[str, ...]] = ("relation", "of", "why")

    tables: tuple[TableName, ...]
    """The tables of which the map speaks."""
    decided: tuple[TableName, ...] = ()
    """Tables of which a person decided that they hold nothing about anybody."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        decided = sorted({entry.table for entry in store.not_personal if not entry.columns})
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        tables = sorted(set(known_columns(store)) - set(decided))
        yield cls(**fields, tables=tuple(tables), decided=tuple(decided))

    @property
    def fix(self) -> str:
        return (
            "Drop these copies, or map them so that their rows are purged as well. Look first whether a job still fills"
            " or reads them."
        )

    @property
    def decide(self) -> str:
        return (
            "Ask a database administrator whether these tables are there, and what is like them: the audit's role may"
            " not see enough of them. Delete nothing before that."
        )

    def found(self, context: EvaluationContext) -> sa.FromClause:
        """A mapped table is looked at where it is there: of one that is not, nobody can tell what is like it. Nor of
        a view: copies are those of the tables beneath it."""
        copies = look_alikes(self.tables)
        mapped = sa.func.unnest(sa.cast(list(self.tables), ARRAY(sa.Text())))  # where all were decided upon: none
        names = mapped.table_valued(sa.column("relation", sa.Text())).render_derived("mapped_table")
        nothing = sa.literal("", sa.Text())
        why = sa.case((names.c.relation.in_(sa.select(RELATIONS.c.relation)), nothing), else_=sa.null())
        looked = sa.select(names.c.relation, nothing.label("of"), why.label("why"))
        alike = sa.select(copies.c.relation, copies.c.of, copies.c.why).where(copies.c.relation.not_in(self.decided))
        return alike.union_all(looked).subquery("copy")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        return row.c.why != ""

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("of what looks like a copy", RowState.VIOLATING, Fixture({"why": "its columns"}))
        yield SelfTestCase("of which the catalog says nothing", RowState.UNDECIDABLE, Fixture({"why": None}))
        yield SelfTestCase("of a table that was looked at", RowState.COMPLIANT, Fixture({"why": ""}))
