"""Catalog queries written as SQL text, as relations with typed columns and bound values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa


def text_relation(sql: str, name: str, columns: Sequence[str], values: Mapping[str, str | int]) -> sa.Subquery:
    """The query as a subquery whose columns are all text. It may stand twice in a statement: its values are its own."""
    binds: list[sa.BindParameter[str | int]] = [sa.bindparam(key, value, unique=True) for key, value in values.items()]
    return sa.text(sql).bindparams(*binds).columns(*(sa.column(column, sa.Text()) for column in columns)).subquery(name)
