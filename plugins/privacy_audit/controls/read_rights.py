"""Only roles that a register names, for a team or a service provider, can read personal data.

*Why*: "your personal data is accessed by our internal teams and technical service providers solely for operational
purposes" (GDPR art. 5(1)(f), 32(1)(b) and (4)). A right counts however it is reached: granted, inherited, one SET ROLE
away, through PUBLIC, a view, a function or ownership. *Fix*: revoke the right where nobody needs it, or enter the role
in the register with its holder and its last day.

A grant shows who could read, and not who did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_fields import TableName
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.controls.base.known_columns import personal_tables
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OTHER, OWN, Fixture, OwnKey, SelfTestCase
from privacy_audit.selftest.register_cases import Selector, standing
from privacy_audit.sql.catalog.relations import missing_relations
from privacy_audit.sql.catalog.rights import read_rights
from privacy_audit.sql.evaluation_context import AnyNeed, EvaluationContext, Predicate, unknown
from privacy_audit.sql.register_rows import InForceFields, RegisterSql, columns_of, needs_of_records, planted
from privacy_audit.sql.row_predicates import RowState

_FIELDS = ("role", "kind", "from", "to")
_IN_FORCE = InForceFields.model_validate({"from": "from", "to": "to"})
_KINDS = ("team", "provider")
"""What a role may be: of a team of the company, or of a service provider."""


class ReadRights(CatalogRule):
    """Expect every role that can read personal data to be registered."""

    kind: ClassVar[str] = "read_rights"
    expectation: ClassVar[str] = "expect_readers_to_be_registered"
    what: ClassVar[str] = "Rights to read personal data"
    key_columns: ClassVar[tuple[str, ...]] = ("role", "relation", "via")

    tables: tuple[TableName, ...]
    """The tables with personal data."""
    roles: RegisterBinding
    """The register of roles."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        roles = store.registers.roles
        missing = [field for field in _FIELDS if roles is None or field not in roles.fields]
        if roles is None or missing:
            yield BindingError(f"{control.id} needs the register `roles` with the fields {', '.join(_FIELDS)}")
            return
        yield cls(**cls.common_fields(control, store, zone), tables=personal_tables(store), roles=roles)

    @property
    def fix(self) -> str:
        return (
            "Revoke these rights by the path that is named, or enter the role in the register of roles with the team or"
            " the provider that holds it. Ask in the first case who used it: a grant does not tell."
        )

    @property
    def decide(self) -> str:
        return (
            "Complete the entries of the register of roles that may mean these roles: the holder, the first day and the"
            " last. Ask a database administrator for rights that the audit's role may not see. Revoke nothing before"
            " that."
        )

    def needs(self) -> Iterator[AnyNeed]:
        yield from needs_of_records("roles", self.roles, _FIELDS)

    def context(self, as_of: object) -> EvaluationContext:
        context = super().context(as_of)
        return EvaluationContext(
            context.as_of, context.zone_name, context.no_data_before, None, planted("roles", self.roles)
        )

    def found(self, context: EvaluationContext) -> sa.FromClause:
        """A row without a role says that there is no such table: of it nobody can tell who reads it."""
        readers, missing = read_rights(self.tables), missing_relations(self.tables)
        nobody, why = sa.cast(sa.null(), sa.Text()), sa.literal("there is no such table", sa.Text())
        nowhere = sa.select(nobody, missing.c.relation, why)
        return sa.select(readers.c.role, readers.c.relation, readers.c.via).union_all(nowhere).subquery("reader")

    def broken(self, row: sa.FromClause, context: EvaluationContext) -> Predicate:
        """Registered when an entry for the role is in force at T and says for whom it is; unknown when one may be."""
        columns = columns_of(self.roles, _FIELDS)
        entry = context.table(self.roles.name, *columns, alias="registered")
        records = RegisterSql(self.roles, entry, context)
        in_force = records.in_force(_IN_FORCE)
        says = sa.and_(in_force, records.says("kind", _KINDS))
        same = sa.and_(records.text("role") == row.c.role)
        surely = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(same, says))
        perhaps = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(same, unknown(says)))
        nobody_knows = sa.or_(row.c.role.is_(None), perhaps)
        return sa.case((surely, sa.false()), (nobody_knows, sa.null()), else_=sa.true())

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        yield SelfTestCase("of a role that is not registered", RowState.VIOLATING)
        yield SelfTestCase("of which the catalog says nothing", RowState.UNDECIDABLE, Fixture({"role": None}))
        meant = Selector("roles", self.roles, {"kind": _KINDS}, _IN_FORCE, context)
        for role in (OWN, OwnKey(" ", " ")):
            yield from standing("of a role", meant, {"role": role})
        others = standing("beside a role", meant, {"role": OTHER})
        yield from (replace(one, state=RowState.VIOLATING) for one in others)
