"""No way leads out of a store but to a registered recipient that is no third party.

*Why*: "we never transfer or sell your personal data to third parties" (GDPR art. 5(1)(f), 28, 44). A foreign server, a
publication or an extension that reaches other hosts is a way, and a way is no transfer yet: whose it is must be known,
and it may not be a third party's, registered or not. *Fix*: take the way out, or enter in the register of recipients
whose it is, where that is one of the roles that may be given data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_fields import Line
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, Fixture, OwnKey, SelfTestCase
from privacy_audit.selftest.register_cases import Selector, standing
from privacy_audit.sql.catalog.outbound_paths import ways_out
from privacy_audit.sql.evaluation_context import AnyNeed, EvaluationContext, Predicate, unknown
from privacy_audit.sql.register_rows import InForceFields, Only, RegisterSql, columns_of, needs_of_records, planted
from privacy_audit.sql.row_predicates import RowState

_FIELDS = ("recipient", "role", "from", "to")
_IN_FORCE = InForceFields.model_validate({"from": "from", "to": "to"})


class WaysOut(CatalogRule):
    """Expect every way out of the store to lead to a registered recipient."""

    kind: ClassVar[str] = "ways_out"
    expectation: ClassVar[str] = "expect_ways_out_to_be_registered"
    what: ClassVar[str] = "Ways out of the store"
    key_columns: ClassVar[tuple[str, ...]] = ("kind", "name", "target")
    parameters: ClassVar[frozenset[str]] = frozenset({"roles"})

    recipients: RegisterBinding | None = None
    """The register of recipients, where this store's map binds it; else no way is registered."""
    roles: tuple[Line, ...] = Field(min_length=1)
    """What a recipient may be, in the policy's words: anyone who is anything else is a third party."""

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        roles = parameters["roles"]
        if not (isinstance(roles, list) and roles and all(isinstance(role, str) for role in roles)):
            yield ("roles",), "These are the roles of those who may be given data. Write them as a list of words."

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        recipients = store.registers.recipients
        complete = recipients is not None and all(field in recipients.fields for field in _FIELDS)
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(**fields, recipients=recipients if complete else None, roles=tuple(control.parameters["roles"]))

    @property
    def fix(self) -> str:
        return (
            "Take these ways out of the database, or enter in the register of recipients whose they are, under the name"
            f" or the target that is told, where they are of {', '.join(self.roles)}. A way to a third party has to go."
        )

    @property
    def decide(self) -> str:
        return (
            "Complete the entries of the register of recipients that may mean these ways: whose they are, in which"
            " role, and from when to when. Cut none of them before that."
        )

    def needs(self) -> Iterator[AnyNeed]:
        if self.recipients:
            yield from needs_of_records("recipients", self.recipients, _FIELDS)

    def context(self, as_of: object) -> EvaluationContext:
        context = super().context(as_of)
        files = planted("recipients", self.recipients) if self.recipients else {}
        return EvaluationContext(context.as_of, context.zone_name, context.no_data_before, None, files)

    def found(self, context: EvaluationContext) -> sa.FromClause:
        ways = ways_out()
        nothing = sa.literal("", sa.Text())
        looked = sa.select(sa.literal("looked through", sa.Text()), nothing, nothing)
        return sa.select(ways.c.kind, ways.c.name, ways.c.target).union_all(looked).subquery("way")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        is_way = row.c.name != ""
        if self.recipients is None:
            return is_way
        entry = context.table(self.recipients.name, *columns_of(self.recipients, _FIELDS), alias="registered")
        records = RegisterSql(self.recipients, entry, context)
        counts = sa.and_(records.in_force(_IN_FORCE), records.meant(self._only))
        named = records.text("recipient").in_([row.c.name, row.c.target])
        surely = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(named, counts))
        perhaps = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(named, unknown(counts)))
        return sa.and_(is_way, sa.case((surely, sa.false()), (perhaps, sa.null()), else_=sa.true()))

    @property
    def _only(self) -> Only:
        return {"role": self.roles}

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("that says that all ways were looked through", RowState.COMPLIANT, Fixture({"name": ""}))
        yield SelfTestCase("of which the catalog says nothing", RowState.UNDECIDABLE, Fixture({"name": None}))
        yield SelfTestCase("of a way that is not registered", RowState.VIOLATING)
        if self.recipients:
            meant = Selector("recipients", self.recipients, self._only, _IN_FORCE, context)
            for other in ("name", "target"):
                ways = (
                    way for who in (OWN, OwnKey(" ", " ")) for way in standing("of a way", meant, {"recipient": who})
                )
                yield from (one.over(Fixture({other: "somewhere"})) for one in ways)
