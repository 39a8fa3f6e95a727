"""Relations that stand in no database: rows sent along with the statement, read as any table is.

A register that a company keeps as a file is one, and so is the fixture that shows a control can fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

Row = tuple[Any, ...]


@dataclass(frozen=True)
class InlineRelation:
    """Typed columns, and rows with their values in the same order. None is null."""

    columns: Mapping[str, TypeEngine[Any]]
    rows: tuple[Row, ...]

    def relation(self, names: tuple[str, ...], alias: str) -> sa.FromClause:
        """These columns of it. Each is cast, for a column of nothing but nulls would otherwise be text."""
        chosen = tuple(self.columns[name] for name in names)
        if not self.rows:
            nothing = (sa.cast(sa.null(), kind).label(name) for name, kind in zip(names, chosen, strict=True))
            return sa.select(*nothing).where(sa.false()).subquery(alias)
        places = [list(self.columns).index(name) for name in names]
        # As texts, which the server reads as it would read a file; in one value, for each one of its own costs time.
        rows = [
            {name: None if row[place] is None else _text(row[place]) for name, place in zip(names, places, strict=True)}
            for row in self.rows
        ]
        sent = sa.cast(sa.literal(json.dumps(rows, ensure_ascii=False), sa.Text()), sa.JSON())
        columns = (sa.column(name, kind) for name, kind in zip(names, chosen, strict=True))
        read = sa.func.json_to_recordset(sent).table_valued(*columns).render_derived(f"{alias}_rows", with_types=True)
        return sa.select(*read.c).subquery(alias)


@dataclass(frozen=True)
class PartitionedInlineRelation(InlineRelation):
    """Relations of several worlds in one: only rows of the world that a statement stands in are there.

    The column `world` numbers them, and the statement stands beside a relation called so, in whose rows it looks.
    """

    world: str = ""

    def relation(self, names: tuple[str, ...], alias: str) -> sa.FromClause:
        """These columns of the rows of one world."""
        rows = super().relation((*names, self.world), f"{alias}_of_all")
        here: sa.ColumnElement[Any] = sa.literal_column(f'{WORLD}."{self.world}"')
        return sa.select(*(rows.c[name] for name in names)).where(rows.c[self.world] == here).subquery(alias)


WORLD = "world"
"""The relation in whose rows a statement over several worlds looks."""


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
