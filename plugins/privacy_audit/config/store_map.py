"""The format of `expectations/stores/*.yaml`: where a store keeps which personal data, whose it is, which clock
counts."""

from __future__ import annotations

from datetime import date

from pydantic import (
    Field,
)

from privacy_audit.config.map_fields import Identifier, Line, MapPart, Name, TableName
from privacy_audit.config.map_registers import Registers
from privacy_audit.config.map_tables import Persons, TableMap


class NotPersonal(MapPart):
    """A decision that a table, or columns of it, hold nothing about a person, though nobody maps them. It persists."""

    table: TableName
    columns: tuple[Identifier, ...] = ()
    """Empty: the whole table, with what is added to it later."""
    reason: Line
    reviewed_by: Line
    on: date


class NotApplicable(MapPart):
    """Controls that have nothing to look at in this store, and who signed for that."""

    controls: tuple[str, ...] = Field(min_length=1)
    reason: Line
    signed_by: Line
    on: date


class StoreMap(MapPart):
    """One production database."""

    store: Name
    title: Line
    connection: Name
    """Airflow connection with a role that may only read."""
    owner: Line
    """The team that is told."""
    alert: Name
    """Airflow connection with the owner's channels."""
    no_data_before: date
    """The company's first day: an earlier moment is a default value, not a fact."""
    persons: Persons | None = None
    registers: Registers = Registers()
    tables: dict[TableName, TableMap] = Field(min_length=1)
    not_personal: tuple[NotPersonal, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    formerly: dict[TableName, tuple[TableName, ...]] = {}
    """Table to the names it had before, so that its findings go on."""
