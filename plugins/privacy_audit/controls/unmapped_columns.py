"""No column that looks personal is unknown to the store map.

*Why*: what nobody mapped, nobody deletes in time, and no register names it (GDPR art. 5(2), 30). *Fix*: map the column
under the category that it is, or write down under `not_personal` why it holds nothing about a person, and who says so.

In breach: a column that nobody mapped or decided upon and whose name, type or content speaks of a person. Where the
whole row is data of a category, a column of it is in breach only when its name or type speaks of another category, or
of what no category and no period of the policy is meant for, as a password or a birth date. Undecidable:
the other columns of a table that nobody speaks of, long texts, and texts and numbers that the auditor may not read. Of
the content only counts leave the store, from a bounded sample: that a sample shows nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_fields import Identifier, TableName
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.controls.base.known_columns import covered_tables, known_columns
from privacy_audit.domain.categories import Category
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.catalog.unknown_columns import ColumnHint, sampled_counts, unmapped_columns
from privacy_audit.sql.detectors import Detector
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.every_row import every_row
from privacy_audit.sql.inline_relation import InlineRelation
from privacy_audit.sql.row_predicates import RowState

SAMPLE_ROWS = 10_000
"""Rows of each table that are looked into."""
SEEN = "_store.seen"
"""What the samples held, as a relation."""
FREE_TEXT = "free text"
_KEPT_UNDER: Mapping[ColumnHint, frozenset[Category]] = {
    ColumnHint.MONEY: frozenset({Category.FINANCIAL}),
    ColumnHint.PLACE: frozenset({Category.GEOLOCATION}),
    ColumnHint.ADDRESS: frozenset({Category.CONNECTION}),
    ColumnHint.DEVICE: frozenset({Category.CONNECTION, Category.COOKIE}),
    ColumnHint.NO_CATEGORY: frozenset(),
}
"""What a name or type speaks of, to the categories under whose periods it is kept."""
_SEEN_COLUMNS = {"relation": sa.Text(), "column_name": sa.Text(), "holds": sa.Text()}


class UnmappedColumns(CatalogRule):
    """Expect the store map to know every column that looks personal."""

    kind: ClassVar[str] = "unmapped_columns"
    expectation: ClassVar[str] = "expect_personal_columns_to_be_mapped"
    what: ClassVar[str] = "Columns of all schemas"
    key_columns: ClassVar[tuple[str, ...]] = ("relation", "column_name", "type", "suspicion", "holds")

    tables: tuple[TableName, ...]
    """The tables of which the map speaks."""
    known: dict[TableName, tuple[Identifier, ...]]
    """Their columns that are known, or decided upon; none: all of them."""
    covered: dict[TableName, tuple[Category, ...]] = {}
    """Tables whose rows are as a whole data of these categories."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        known = known_columns(store)
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(
            **fields,
            tables=tuple(sorted(known)),
            known={name: tuple(sorted(columns or ())) for name, columns in sorted(known.items())},
            covered={name: of for name, of in sorted(covered_tables(store).items()) if known[name] is not None},
        )

    @property
    def fix(self) -> str:
        return (
            "Map these columns in the store map under the category they hold, or enter them under `not_personal` with"
            " the reason and who reviewed it. Look into them first: a name is only a suspicion."
        )

    @property
    def decide(self) -> str:
        return (
            "Look into these columns, or have somebody look who may read them. Map each under the category that it"
            " holds, or enter it under `not_personal` with the reason and who reviewed it. Delete nothing before that."
        )

    def prepared(self, connection: sa.Connection, context: EvaluationContext) -> EvaluationContext:
        """Looks into a sample of every column that nobody knows and that the auditor may read."""
        columns = unmapped_columns(self._mapped, self._told_of_covered)
        asked = connection.execute(
            sa.select(columns.c.relation, columns.c.schema, columns.c.name, columns.c.column_name)
            .where(columns.c.searchable, columns.c.readable)
            .order_by(columns.c.schema, columns.c.name, columns.c.column_name)
        ).all()
        with every_row(connection):
            seen = [
                (relation, row.column_name, ", ".join(_words(row._mapping)))
                for (relation, schema, name), group in groupby(
                    asked, key=lambda row: (row.relation, row.schema, row.name)
                )
                for row in connection.execute(
                    sampled_counts(schema, name, [row.column_name for row in group], Detector, SAMPLE_ROWS)
                )
            ]
        return replace(context, planted={**context.planted, SEEN: InlineRelation(_SEEN_COLUMNS, tuple(seen))})

    def found(self, context: EvaluationContext) -> sa.FromClause:
        columns = unmapped_columns(self._mapped, self._told_of_covered)
        seen = context.planted.get(SEEN, InlineRelation(_SEEN_COLUMNS, ())).relation(tuple(_SEEN_COLUMNS), "seen")
        unseen = sa.and_(columns.c.searchable, sa.not_(columns.c.readable))
        holds = sa.case((unseen, sa.null()), else_=sa.func.coalesce(seen.c.holds, ""))
        names = sa.values(sa.column("relation", sa.Text()), name="mapped_table").data([(name,) for name in self.tables])
        nothing = sa.literal("", sa.Text())
        known = sa.select(
            names.c.relation,
            nothing.label("column_name"),
            nothing.label("type"),
            nothing.label("suspicion"),
            nothing.label("holds"),
        )
        same = sa.and_(seen.c.relation == columns.c.relation, seen.c.column_name == columns.c.column_name)
        unknown = sa.select(
            columns.c.relation, columns.c.column_name, columns.c.type, columns.c.suspicion, holds.label("holds")
        ).select_from(columns.outerjoin(seen, same))
        return unknown.union_all(known).subquery("column_of_store")

    @property
    def _mapped(self) -> Mapping[str, frozenset[str] | None]:
        return {name: frozenset(columns) if columns else None for name, columns in self.known.items()}

    @property
    def _told_of_covered(self) -> Mapping[str, frozenset[ColumnHint]]:
        return {
            name: frozenset(speaks for speaks, under in _KEPT_UNDER.items() if not under & {*categories})
            for name, categories in self.covered.items()
        }

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        """That a text is long is no suspicion of its own: somebody must look, and say what stands in it. Nor is it
        one that the auditor may not look into a column, and no proof that it holds nothing."""
        return sa.case(
            (row.c.holds != "", sa.true()),
            (row.c.suspicion.not_in(("", FREE_TEXT)), sa.true()),
            (sa.or_(row.c.suspicion == FREE_TEXT, row.c.holds.is_(None)), sa.null()),
            (row.c.relation.in_(self.tables), sa.false()),
            else_=sa.null(),
        )

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        plain = Fixture({"relation": "a table", "suspicion": "", "holds": ""})
        known = Fixture({"relation": self.tables[0] if self.tables else ""})
        for name, state, fixture in (
            ("of a column that holds addresses", RowState.VIOLATING, known | Fixture({"holds": Detector.EMAIL.value})),
            ("of a column with a telling name", RowState.VIOLATING, known | Fixture({"suspicion": "its name"})),
            ("of free text", RowState.UNDECIDABLE, known | Fixture({"suspicion": FREE_TEXT})),
            (
                "of free text that holds addresses",
                RowState.VIOLATING,
                Fixture({"suspicion": FREE_TEXT, "holds": "an address"}),
            ),
            ("of a column that the auditor may not read", RowState.UNDECIDABLE, known | Fixture({"holds": None})),
            *(
                ("of a column of a mapped table", RowState.COMPLIANT, Fixture({"relation": name}))
                for name in self.tables
            ),
            ("of a column of a table that nobody speaks of", RowState.UNDECIDABLE, Fixture()),
        ):
            yield SelfTestCase(name, state, plain | fixture)


def _words(counts: sa.RowMapping) -> Iterator[str]:
    """What the values of a column hold, by the detectors that found something."""
    yield from (detector.value for detector in Detector if counts[detector.name.lower()])
