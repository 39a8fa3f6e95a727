"""Relations that stand in no database: rows sent along with the statement, read as any table is.

A register that a company keeps as a file is one, and so is the fixture that shows a control can fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Planted:
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
        data = [tuple(row[place] for place in places) for row in self.rows]
        # As text, and then cast: the server reads each value as it would read it from a file.
        texts = sa.values(*(sa.column(name, sa.Text()) for name in names), name=f"{alias}_rows").data(
            [tuple(None if value is None else _text(value) for value in row) for row in data]
        )
        read = (sa.cast(texts.c[name], kind).label(name) for name, kind in zip(names, chosen, strict=True))
        return sa.select(*read).subquery(alias)


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
