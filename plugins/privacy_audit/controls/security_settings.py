"""Each store is set up as securely as its server allows.

*Why*: "all necessary technical and organizational measures" (GDPR art. 32(1)). Only what a server shows is judged:
encryption of the connections, of passwords, checksums, what is written into logs, who is superuser, whether the version
is still mended. *Fix*: the row says what was found and what is expected; the setting's own name says where.

What the auditor may not see is undecidable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.sql.catalog.server_settings import SettingVerdict, may_read_host_rules, security_settings
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate
from privacy_audit.sql.inline_relation import InlineRelation
from privacy_audit.sql.row_predicates import RowState

_HOST_RULES = "host rules"
"""Stands among the planted relations of an evaluation context where the auditor may read the rules for hosts."""


class SecuritySettings(CatalogRule):
    """Expect the server's settings to protect what it stores."""

    kind: ClassVar[str] = "security_settings"
    expectation: ClassVar[str] = "expect_secure_settings"
    what: ClassVar[str] = "Security settings"
    key_columns: ClassVar[tuple[str, ...]] = ("name", "fact", "expected")

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(**fields)

    @property
    def fix(self) -> str:
        return "Change these settings as the list says, reload or restart the server, and look at the list again."

    @property
    def decide(self) -> str:
        return (
            "Ask a database administrator to read these settings on the server and to compare them with the list: the"
            " audit's role may not see them. Change nothing before that."
        )

    def prepared(self, connection: sa.Connection, context: EvaluationContext) -> EvaluationContext:
        """Asks whether the auditor may read the rules for hosts: a query that only names them is refused."""
        if not connection.scalar(may_read_host_rules()):
            return context
        return replace(context, planted={**context.planted, _HOST_RULES: InlineRelation({}, ())})

    def found(self, context: EvaluationContext) -> sa.FromClause:
        return security_settings(context.today, host_rules=_HOST_RULES in context.planted)

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        return sa.case(
            (row.c.verdict == SettingVerdict.KEPT.value, sa.false()),
            (row.c.verdict == SettingVerdict.BROKEN.value, sa.true()),
            else_=sa.null(),
        )

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        for verdict, state in ((SettingVerdict.KEPT, RowState.COMPLIANT), (SettingVerdict.BROKEN, RowState.VIOLATING)):
            yield SelfTestCase(f"of a setting that is {verdict}", state, Fixture({"verdict": verdict.value}))
        for unseen in (
            *(other.value for other in SettingVerdict if other not in (SettingVerdict.KEPT, SettingVerdict.BROKEN)),
            None,
        ):
            yield SelfTestCase("of a setting that cannot be seen", RowState.UNDECIDABLE, Fixture({"verdict": unseen}))
