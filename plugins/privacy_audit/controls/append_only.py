"""Nobody but its owner can change or delete what stands in a ledger.

*Why*: a consent that can be rewritten proves nothing (GDPR art. 5(2), 7(1)). *Fix*: revoke UPDATE, DELETE and TRUNCATE
on the ledger from every role but the owner, and let applications insert only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_fields import Identifier, TableName
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.catalog.ledger_rights import writers_of
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, Predicate
from privacy_audit.sql.row_predicates import RowState


class AppendOnly(CatalogRule):
    """Expect no role but the owner to be able to change a ledger."""

    kind: ClassVar[str] = "append_only"
    expectation: ClassVar[str] = "expect_ledger_to_be_append_only"
    what: ClassVar[str] = "Rights to change the ledger"
    key_columns: ClassVar[tuple[str, ...]] = ("role", "right", "via")
    parameters: ClassVar[frozenset[str]] = frozenset({"register"})
    company_wide: ClassVar[bool] = True

    ledger: TableName
    ledger_key: tuple[Identifier, ...]

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        records = store.registers.records(control.parameters["register"])
        if records is not None and records.table is not None:
            yield cls(**cls.common_fields(control, store, zone), ledger=records.table, ledger_key=records.key)

    @property
    def fix(self) -> str:
        return f"Revoke UPDATE, DELETE and TRUNCATE on {self.ledger} from these roles, by the path that is named."

    @property
    def decide(self) -> str:
        return (
            f"Ask a database administrator who can change {self.ledger}, and by which path: the audit's role may not"
            " see enough of it. Revoke nothing before that."
        )

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.ledger, column) for column in self.ledger_key)

    def found(self, context: EvaluationContext) -> sa.FromClause:
        writers = writers_of(self.ledger)
        looked = sa.select(sa.literal("", sa.Text()), sa.literal("", sa.Text()), sa.literal(self.ledger, sa.Text()))
        return sa.select(writers.c.role, writers.c.right, writers.c.via).union_all(looked).subquery("writer")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        """A row without a role says that there is no such table: nothing was looked at."""
        return sa.and_(row.c.role != "", row.c.via != "owner")

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("of a right by a grant", RowState.VIOLATING, Fixture({"role": "a role", "via": "a grant"}))
        for column in ("role", "via"):
            known = Fixture({"role": "a role", "via": "a grant"})
            yield SelfTestCase(
                "of which the catalog says nothing", RowState.UNDECIDABLE, known | Fixture({column: None})
            )
        yield SelfTestCase("of the owner's right", RowState.COMPLIANT, Fixture({"role": "a role", "via": "owner"}))
        yield SelfTestCase(
            "that says that the ledger was looked at", RowState.COMPLIANT, Fixture({"role": "", "via": "a grant"})
        )
