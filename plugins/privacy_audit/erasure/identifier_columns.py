"""Where identifiers stand: a table of a store with its columns, as the map of the store says."""

from __future__ import annotations

from dataclasses import dataclass

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.erasure.identifiers import IdentifierKind


@dataclass(frozen=True, slots=True)
class Column:
    """A column that identifies persons. A copy of a key without a foreign key is one of kind key."""

    name: str
    kind: IdentifierKind
    of: str = ""
    """Of a key: what it is a key of, in one word for all stores, as `customer`."""

    def __post_init__(self) -> None:
        if (self.kind is IdentifierKind.KEY) != bool(self.of):
            raise ValueError(f"column {self.name}: `of` says what a key is a key of, and is for kind key only.")
        if self.kind is IdentifierKind.MAILBOX:
            raise ValueError(f"column {self.name}: no column holds mailboxes. Its kind is email.")


@dataclass(frozen=True, slots=True)
class IdentifierOrigin:
    """A column that says where a row came from."""

    column: str
    direct: frozenset[str]
    """Its values that mean: from the person, in person (a form, a call), and by no import, sync or restore."""


@dataclass(frozen=True, slots=True)
class SearchedTable:
    """A table whose rows may lead to persons."""

    store: str
    table: str
    """`schema.table`."""
    key: tuple[str, ...]
    """Columns that name a row to an engineer; read only where rows are listed."""
    columns: tuple[Column, ...]
    created: ColumnClock | None = None
    """When the data were *collected*, set once. Not the last change: a restore or a sync would move it."""
    origin: IdentifierOrigin | None = None
    """Without one, every row created after an erasure may be the person's own return."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError(f"table {self.table} of {self.store}: no column identifies anybody, so none can be found.")

    @property
    def shown_key(self) -> tuple[str, ...]:
        """The columns of the key that may be shown: not one that identifies a person itself, as an e-mail address."""
        identifying = {column.name for column in self.columns if column.kind is not IdentifierKind.KEY}
        return tuple(name for name in self.key if name not in identifying)
