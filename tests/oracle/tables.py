"""Real tables for the rows that the oracle judges: made once, filled by one statement each, emptied by a rollback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import Encoding
from tests.oracle.moments import Far, Tables

WRITTEN: dict[str, tuple[Encoding, str]] = {
    "tz": (Encoding.TIMESTAMPTZ, "timestamptz"),
    "local": (Encoding.TIMESTAMP, "timestamp"),
    "day": (Encoding.DATE, "date"),
    "s": (Encoding.EPOCH_SECONDS, "bigint"),
    "s_small": (Encoding.EPOCH_SECONDS, "integer"),
    "s_numeric": (Encoding.EPOCH_SECONDS, "numeric"),
    "s_double": (Encoding.EPOCH_SECONDS, "double precision"),
    "s_real": (Encoding.EPOCH_SECONDS, "real"),
    "ms": (Encoding.EPOCH_MILLISECONDS, "bigint"),
    "ms_numeric": (Encoding.EPOCH_MILLISECONDS, "numeric"),
    "ms_double": (Encoding.EPOCH_MILLISECONDS, "double precision"),
    "year": (Encoding.YEAR, "integer"),
    "year_small": (Encoding.YEAR, "smallint"),
    "year_big": (Encoding.YEAR, "bigint"),
}
"""The ways a moment is written here: encoding and type of the column `<prefix>_<way>`."""


def _moments(*prefixes: str) -> dict[str, str]:
    return {f"{prefix}_{way}": kind for prefix in prefixes for way, (_, kind) in WRITTEN.items()}


COLUMNS: dict[str, dict[str, str]] = {
    "s.rows": {
        "id": "integer",
        "person": "bigint",
        "parent": "integer",
        "branch": "text",
        "a": "text",
        "b": "text",
        "form": "text",
        "size": "integer",
        "test": "boolean",
        "reason": "text",
        "keep": "integer",
        "keep_big": "bigint",
        "gone": "boolean",
        **_moments("c", "d"),
    },
    "s.parts": {"id": "integer", "parent": "integer", "branch": "text", **_moments("p")},
    "s.parents": {"id": "integer unique", "person": "bigint"},
    "s.holds": {
        "id": "integer",
        "person": "integer",
        "category": "text",
        "matter": "text",
        **_moments("began", "ended"),
    },
    "s.persons": {"id": "bigint primary key", "born": "date", "year": "integer", "year_big": "bigint"},
    "s.consents": {
        "id": "integer",
        "person": "bigint",
        "purpose": "text",
        "action": "text",
        **_moments("at", "until"),
    },
    "s.guardians": {
        "id": "integer",
        "person": "bigint",
        "channel": "text",
        "mailbox": "text",
        "message": "text",
        "proof": "text",
        "guardian": "bigint",
        "parent": "text",
        **_moments("at", "until"),
    },
}


def create(connection: sa.Connection, tables: dict[str, dict[str, str]]) -> None:
    """These tables, empty, in schemas of their own."""
    for schema in sorted({table.partition(".")[0] for table in tables}):
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    for table, columns in tables.items():
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.exec_driver_sql(f"CREATE TABLE {table} ({listed})")


@contextmanager
def filled(connection: sa.Connection, tables: Tables) -> Iterator[None]:
    """The tables with these rows in them, until they are left."""
    with connection.begin() as transaction:
        for table, rows in tables.items():
            if rows:
                statement = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s)"
                connection.exec_driver_sql(statement, (json.dumps(rows, default=_as_text),))
        yield
        transaction.rollback()


def _as_text(value: Any) -> str:
    if isinstance(value, Far):
        return str(value.value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value))
