"""One contract for every session on a database that is not the audit's own: what it sets, and whether that holds.

READ ONLY is no boundary (functions may write): the role is the boundary, these settings come second.
"""

from __future__ import annotations

import sqlalchemy as sa

CONTRACT: dict[str, str] = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",
    "statement_timeout": "600000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "3600000",
    "transaction_timeout": "3600000",
    "search_path": "pg_catalog",
    "row_security": "off",  # PostgreSQL then refuses a query that a policy would filter, instead of hiding rows
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "iso_8601",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "max_parallel_workers_per_gather": "0",  # courtesy: production keeps its cores
    "work_mem": "1024",  # small hash batches stay in the processor's cache: faster here, and no burden there
    "hash_mem_multiplier": "1",
    "jit": "off",
    "constraint_exclusion": "off",  # a CHECK may call its owner's function: it would decide what is shown
    "enable_presorted_aggregate": "off",  # else every row is sorted to count the distinct persons of a few
}
"""Setting to value in the server's own units, as `pg_settings` shows it."""
_SINCE = {"transaction_timeout": 170000, "enable_presorted_aggregate": 160000}
"""Settings that older servers do not know, and the first version that does."""
CONNECT_SECONDS = 5


def connect_args(audit_id: str) -> dict[str, object]:
    """What every connection is opened with."""
    return {
        "application_name": f"privacy-audit/{audit_id}"[:63],
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }


def harden(dbapi_connection: object, _record: object) -> None:
    """Puts a fresh connection of psycopg2 under the contract."""
    cursor = dbapi_connection.cursor()  # type: ignore[attr-defined]  # psycopg2's connection
    try:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        for name, value in CONTRACT.items():
            if version >= _SINCE.get(name, 0):
                cursor.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
        dbapi_connection.commit()  # type: ignore[attr-defined]
    finally:
        cursor.close()


def lost_settings(connection: sa.Connection) -> list[str]:
    """Names of the settings that the session, read back, does not keep."""
    rows = connection.exec_driver_sql("SELECT name, setting FROM pg_catalog.pg_settings").all()
    shown = {name.lower(): setting for name, setting in rows}
    wrong = sorted(name for name, value in CONTRACT.items() if name.lower() in shown and shown[name.lower()] != value)
    missing = sorted(name for name in CONTRACT if name.lower() not in shown and name not in _SINCE)
    return wrong + missing


def in_words(lost: list[str]) -> str:
    """That a session did not keep these settings."""
    return (
        f"the session did not keep these settings: {', '.join(lost)}."
        " A connection pooler may drop them; let the auditor connect to the server directly."
    )
