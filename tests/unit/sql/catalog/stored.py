"""A store's tables, and what the map says of them, as plain values; and the SQL that makes them.

The first column of every partitioned table is `id`, and its partitions are lists of one number each: their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import cached_property
from typing import Any

Row = tuple[str | None, ...]
"""One text for each column, as PostgreSQL reads it."""


class Kind(StrEnum):
    TABLE = "table"
    PARTITIONED = "partitioned"
    COPY = "materialized view"
    FOREIGN = "foreign table"
    VIEW = "view"


class Tie(Enum):
    """How a relation hangs on its parent."""

    CHILD = auto()
    PARTITION = auto()
    DEFAULT = auto()
    DETACHED = auto()
    DETACHING = auto()
    """As an interrupted DETACH ... CONCURRENTLY leaves it: nobody reads it through its parent."""


READ_THROUGH = (Tie.CHILD, Tie.PARTITION, Tie.DEFAULT)


@dataclass(frozen=True)
class Column:
    name: str
    type: str


@dataclass(frozen=True)
class Relation:
    """A table or a view, with all columns that it has, those of its parent among them."""

    schema: str
    name: str
    kind: Kind
    columns: tuple[Column, ...]
    number: int
    """Its own among all relations: the `id` of the rows that belong in it, if it is a partition."""
    parent: Relation | None = None
    tie: Tie | None = None
    reads: Relation | None = None
    """What a view reads."""
    rows: tuple[Row, ...] = ()
    filled: bool = True
    """Of a materialized view: else it cannot be read."""
    readable: frozenset[str] = frozenset()
    """Columns that the auditor is granted."""
    row_security: bool = False

    @cached_property
    def full(self) -> str:
        """Its name as the map writes it."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def quoted(self) -> str:
        """Its name as SQL writes it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @cached_property
    def read_through(self) -> Relation | None:
        """The parent, if anyone who reads that reads these rows too."""
        return self.parent if self.tie in READ_THROUGH else None

    @cached_property
    def attached(self) -> bool:
        """Whether it is a partition that is read through its table."""
        return self.tie in (Tie.PARTITION, Tie.DEFAULT)

    @cached_property
    def line(self) -> tuple[str, ...]:
        """Its own name, and the names of all through which it is read."""
        return (self.full, *(self.read_through.line if self.read_through else ()))

    @cached_property
    def ids(self) -> frozenset[int]:
        """The numbers that a row in it must have as its id: one at most, else none fits."""
        own = frozenset({self.number} if self.tie in (Tie.PARTITION, Tie.DETACHED, Tie.DETACHING) else ())
        return own | (self.parent.ids if self.parent else frozenset())


@dataclass(frozen=True)
class StoreMap:
    """What the map says of each table of which it speaks."""

    tables: tuple[tuple[str, frozenset[str]], ...]
    """Each mapped table, to the columns that the map mentions."""
    not_personal: tuple[tuple[str, frozenset[str]], ...] = ()
    """What was looked at and found to hold nothing about anybody: a table to its columns; none: the whole table."""
    wholes: tuple[tuple[str, frozenset[str]], ...] = ()
    """The mapped tables whose rows are as a whole data, to the categories of which they are."""

    def written(self) -> dict[str, Any]:
        """As a store map writes it."""
        decision = {"reason": "Things.", "reviewed_by": "Data protection", "on": "2026-11-01"}
        return {
            "tables": {name: self._table(name, sorted(columns)) for name, columns in self.tables},
            "not_personal": [
                {"table": name, "columns": sorted(columns), **decision} for name, columns in self.not_personal
            ],
        }

    def _table(self, name: str, columns: Sequence[str]) -> dict[str, Any]:
        """The first column is its key, and the others are data of a category by themselves."""
        clock = {"clock": {"column": "created_at"}}
        data = [{"category": category, **clock} for category in sorted(dict(self.wholes).get(name, ()))]
        some = [{"category": "cookie", "name": "some", "columns": columns[1:], **clock}] if columns[1:] else []
        return {"title": "Mapped", "key": columns[:1], "data": data + some}


@dataclass(frozen=True)
class Stored:
    """A store, what the map says of it, and the schemas that the auditor may use."""

    relations: tuple[Relation, ...]
    map: StoreMap
    usable: frozenset[str] = frozenset()


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


PREMISES = (
    "CREATE SCHEMA types",
    "CREATE DOMAIN types.code AS varchar(12)",
    "CREATE DOMAIN types.email_address AS varchar(80)",
    "CREATE DOMAIN types.prose AS text",
    "CREATE DOMAIN types.birth_date AS date",
    "CREATE TYPE types.place AS (x integer, y text)",
    "CREATE TYPE types.mood AS ENUM ('fine')",
    "CREATE FOREIGN DATA WRAPPER w",
    "CREATE SERVER s FOREIGN DATA WRAPPER w",
)
"""What every store begins with."""


def statements(stored: Stored) -> Iterator[str]:
    """What makes the store. `@auditor` is the auditor's role."""
    yield from PREMISES
    for schema in sorted({relation.schema for relation in stored.relations}):
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}"
        if schema in stored.usable:
            yield f"GRANT USAGE ON SCHEMA {quoted(schema)} TO @auditor"
    yield from (_created(relation) for relation in stored.relations)
    for one in stored.relations:
        yield from _rows_of(one)
    for one in stored.relations:
        if one.parent and one.tie is Tie.DETACHED:
            yield f"ALTER TABLE {one.parent.quoted} DETACH PARTITION {one.quoted}"
    for one in stored.relations:
        if one.kind is Kind.COPY and one.filled:
            yield f"REFRESH MATERIALIZED VIEW {one.quoted}"
        if one.row_security:
            yield f"ALTER TABLE {one.quoted} ENABLE ROW LEVEL SECURITY"
        if one.readable:
            yield f"GRANT SELECT ({', '.join(map(quoted, sorted(one.readable)))}) ON {one.quoted} TO @auditor"
    being_detached = [one.quoted for one in stored.relations if one.tie is Tie.DETACHING]
    if being_detached:
        yield "SET LOCAL allow_system_table_mods = on"
    for name in being_detached:
        yield f"UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = {_text(name)}::regclass"


def _created(relation: Relation) -> str:
    what = "TABLE" if relation.kind in (Kind.TABLE, Kind.PARTITIONED) else relation.kind
    end = {Kind.PARTITIONED: " PARTITION BY LIST (id)", Kind.COPY: " WITH NO DATA", Kind.FOREIGN: " SERVER s"}
    return f"CREATE {what} {relation.quoted} {_of_what(relation)}{end.get(relation.kind, '')}"


def _of_what(relation: Relation) -> str:
    if relation.reads:
        names = ", ".join(quoted(column.name) for column in relation.columns)
        return f"AS SELECT {names} FROM {relation.reads.quoted}"
    if not relation.parent:
        return _definitions(relation.columns)
    if relation.tie is Tie.CHILD:
        own = relation.columns[len(relation.parent.columns) :]
        return f"{_definitions(own)} INHERITS ({relation.parent.quoted})"
    bound = "DEFAULT" if relation.tie is Tie.DEFAULT else f"FOR VALUES IN ({relation.number})"
    return f"PARTITION OF {relation.parent.quoted} {bound}"


def _definitions(columns: Sequence[Column]) -> str:
    return f"({', '.join(f'{quoted(column.name)} {column.type}' for column in columns)})"


def _rows_of(relation: Relation) -> Iterator[str]:
    for row in relation.rows:
        values = (
            "NULL" if value is None else f"CAST({_text(value)} AS {column.type})"
            for column, value in zip(relation.columns, row, strict=True)
        )
        yield f"INSERT INTO {relation.quoted} VALUES ({', '.join(values)})"
