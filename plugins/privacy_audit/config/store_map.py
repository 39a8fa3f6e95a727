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
    """The table that was looked at."""
    columns: tuple[Identifier, ...] = ()
    """Empty: the whole table, with what is added to it later."""
    reason: Line
    """What was seen there."""
    reviewed_by: Line
    """Who looked."""
    on: date
    """Day on which they looked."""


class NotApplicable(MapPart):
    """Controls that have nothing to look at in this store, and who signed for that."""

    controls: tuple[str, ...] = Field(min_length=1)
    """Ids of the controls."""
    reason: Line
    """Why there is nothing to look at."""
    signed_by: Line
    """Who answers for that."""
    on: date
    """Day on which it was signed."""


class StoreMap(MapPart):
    """One production database."""

    store: Name
    """Name of the store, as ids of checks begin with it. It never changes."""
    title: Line
    """Name of the store, as reports show it."""
    connection: Name
    """Airflow connection with a role that may only read."""
    owner: Line
    """The team that is told."""
    alert: Name
    """Airflow connection with the owner's channels."""
    no_data_before: date
    """The company's first day: an earlier moment is a default value, not a fact."""
    persons: Persons | None = None
    """The table of the persons that the store knows, where it has one."""
    registers: Registers = Registers()
    """The lists that the company must keep and that are in this store."""
    tables: dict[TableName, TableMap] = Field(min_length=1)
    """Each table with personal data."""
    not_personal: tuple[NotPersonal, ...] = ()
    """Tables and columns that look personal and are not."""
    not_applicable: tuple[NotApplicable, ...] = ()
    """Controls that have nothing to look at here."""
    formerly: dict[TableName, tuple[TableName, ...]] = {}
    """Table to the names it had before, so that its findings go on."""
