"""No way leads out of a store that nobody has registered.

*Why*: "we never transfer or sell your personal data to third parties" (GDPR art. 5(1)(f), 28, 44). A foreign server, a
publication or an extension that reaches other hosts is a way, and a way is no transfer yet: whose it is must be known.
*Fix*: take the way out, or enter in the register of recipients whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.controls.catalog_rule import CatalogRule
from privacy_audit.controls.entries import Meant, standing
from privacy_audit.controls.interface import Lack
from privacy_audit.controls.specimen import ME, Me, Scene, Specimen
from privacy_audit.model import Control
from privacy_audit.sql.catalog.ways_out import ways_out
from privacy_audit.sql.frame import AnyNeed, Frame, Predicate, unknown
from privacy_audit.sql.records import InForce, RecordSql, columns_of, needs_of_records, planted
from privacy_audit.sql.truth import State
from privacy_audit.store_map import Records, StoreMap

_FIELDS = ("recipient", "from", "to")
_IN_FORCE = InForce.model_validate({"from": "from", "to": "to"})


class WaysOut(CatalogRule):
    """Expect every way out of the store to lead to a registered recipient."""

    kind: ClassVar[str] = "ways_out"
    expectation: ClassVar[str] = "expect_ways_out_to_be_registered"
    what: ClassVar[str] = "Ways out of the store"
    key_columns: ClassVar[tuple[str, ...]] = ("kind", "name", "target")

    recipients: Records | None = None
    """The register of recipients, where this store's map binds it; else no way is registered."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | Lack]:
        recipients = store.registers.recipients
        complete = recipients is not None and all(field in recipients.fields for field in _FIELDS)
        fields: dict[str, Any] = cls.common_fields(control, store, zone)
        yield cls(**fields, recipients=recipients if complete else None)

    @property
    def fix(self) -> str:
        return (
            "Take these ways out of the database, or enter in the register of recipients whose they are, under the name"
            " or the target that is told."
        )

    def needs(self) -> Iterator[AnyNeed]:
        if self.recipients:
            yield from needs_of_records("recipients", self.recipients, _FIELDS)

    def frame(self, as_of: object) -> Frame:
        frame = super().frame(as_of)
        files = planted("recipients", self.recipients) if self.recipients else {}
        return Frame(frame.as_of, frame.zone_name, frame.no_data_before, None, files)

    def found(self, frame: Frame) -> sa.FromClause:
        ways = ways_out()
        nothing = sa.literal("", sa.Text())
        looked = sa.select(sa.literal("looked through", sa.Text()), nothing, nothing)
        return sa.select(ways.c.kind, ways.c.name, ways.c.target).union_all(looked).subquery("way")

    def broken(self, row: sa.FromClause, frame: Frame) -> Predicate:
        is_way = row.c.name != ""
        if self.recipients is None:
            return is_way
        entry = frame.table(self.recipients.name, *columns_of(self.recipients, _FIELDS), alias="registered")
        records = RecordSql(self.recipients, entry, frame)
        in_force = records.in_force(_IN_FORCE)
        named = records.text("recipient").in_([row.c.name, row.c.target])
        surely = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(named, in_force))
        perhaps = sa.exists(sa.select(sa.literal(1)).select_from(entry).where(named, unknown(in_force)))
        return sa.and_(is_way, sa.case((surely, sa.false()), (perhaps, sa.null()), else_=sa.true()))

    def specimens(self, frame: Frame) -> Iterator[Specimen]:
        yield Specimen("that says that all ways were looked through", State.COMPLIANT, Scene({"name": ""}))
        yield Specimen("of which the catalog says nothing", State.UNDECIDABLE, Scene({"name": None}))
        yield Specimen("of a way that is not registered", State.VIOLATING)
        if self.recipients:
            meant = Meant("recipients", self.recipients, {}, _IN_FORCE, frame)
            for other in ("name", "target"):
                ways = (way for who in (ME, Me(" ", " ")) for way in standing("of a way", meant, {"recipient": who}))
                yield from (one.over(Scene({other: "somewhere"})) for one in ways)
