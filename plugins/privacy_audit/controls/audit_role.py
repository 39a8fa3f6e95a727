"""The audit itself can read and nothing more.

*Why*: an auditor that may write could change what it judges, and a stolen password of its would do more harm than
reading (GDPR art. 32(1)(b)). *Fix*: revoke these rights from the auditor's role.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.catalog.role_rights import excess_rights
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.row_predicates import RowState


class AuditRole(CatalogRule):
    """Expect the auditor's role to have no right beyond reading."""

    kind: ClassVar[str] = "audit_role"
    expectation: ClassVar[str] = "expect_auditor_to_only_read"
    what: ClassVar[str] = "Rights of the auditor"
    key_columns: ClassVar[tuple[str, ...]] = ("right", "on_what")

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(**fields)

    @property
    def fix(self) -> str:
        return "Revoke these rights from the role by which the audit logs in. It needs CONNECT, USAGE and SELECT."

    @property
    def decide(self) -> str:
        return (
            "Ask a database administrator which rights the audit's role has: it may not see enough of them itself."
            " Revoke nothing before that."
        )

    def found(self, context: EvaluationContext) -> sa.FromClause:
        excess = excess_rights()
        looked = sa.select(sa.literal("", sa.Text()), sa.literal("", sa.Text()))
        return sa.select(excess.c.right, excess.c.on_what).union_all(looked).subquery("excess")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        return row.c.right != ""

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("of a right beyond reading", RowState.VIOLATING, Fixture({"right": "INSERT"}))
        yield SelfTestCase("of which the catalog says nothing", RowState.UNDECIDABLE, Fixture({"right": None}))
        yield SelfTestCase("that says that the rights were looked at", RowState.COMPLIANT, Fixture({"right": ""}))
