"""Statements as text for people to paste: every value stands in it as PostgreSQL reads it back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def pasteable(statement: sa.Select[tuple[object, ...]]) -> str:
    """The statement with its values written out, one clause per line, without a semicolon."""
    # Another paramstyle would double every % for a driver that is not there.
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    dialect._backslash_escapes = False  # a backslash is a plain character in every server since 9.1
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return "\n".join(line.strip() for line in str(compiled).splitlines())
