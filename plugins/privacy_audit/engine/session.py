"""How a store is opened: one contract for every session, read back before it is trusted, and one snapshot for all.

A *keeper* transaction exports its snapshot; every connection that reads imports it, so that all checks of a store
judge the same instant. READ ONLY is no boundary (functions may write): the role is the boundary, the session settings
come second, the timeouts third.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from privacy_audit.engine.trouble import Trouble, TroubleError
from privacy_audit.engine.watchdog import Watchdog
from privacy_audit.model import Cause

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
    "enable_presorted_aggregate": "off",  # else every row is sorted to count the distinct persons of a few
}
"""Setting to value in the server's own units, as `pg_settings` shows it."""
_SINCE = {"transaction_timeout": 170000, "enable_presorted_aggregate": 160000}
"""Settings that older servers do not know, and the first version that does."""
CONNECT_SECONDS = 5
SILENCE_SECONDS = 660.0
"""A minute more than `statement_timeout`: a server that says nothing for so long is gone, whatever the network says."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The instant at which a store was read."""

    token: str
    """PostgreSQL's name of the exported snapshot."""
    taken_at: datetime
    server_version: str
    system_identifier: str
    limits: tuple[str, ...] = field(default_factory=tuple)
    """What the role may do beyond reading, as sentences."""


@dataclass(frozen=True)
class Door:
    """An open store: an engine whose every transaction sees the snapshot."""

    engine: sa.Engine
    snapshot: Snapshot
    watchdog: Watchdog

    def attach(self, engine: sa.Engine) -> None:
        """Makes every transaction of an engine import the snapshot, under the contract."""
        token = _token(self.snapshot.token)

        def imports_snapshot(connection: sa.Connection) -> None:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{token}'")

        _guard(engine, self.watchdog)
        event.listen(engine, "begin", imports_snapshot)


@contextmanager
def open_store(url: sa.URL, audit_id: str) -> Iterator[Door]:
    """Connects, proves the contract and the role, and keeps one snapshot open. TroubleError says why it could not."""
    engine, readers = (
        sa.create_engine(url, poolclass=NullPool, connect_args=connect_args(audit_id)) for _ in ("keeper", "readers")
    )
    try:
        with Watchdog(SILENCE_SECONDS) as watchdog, Trouble.watch():
            _guard(engine, watchdog)
            with engine.connect() as keeper:
                _prove_contract(keeper)
                door = Door(readers, _export(keeper), watchdog)
                door.attach(readers)
                try:
                    yield door
                finally:
                    readers.dispose()
        # A keeper that was ended raises when it is closed here: its snapshot went with it, and the store is lost as a
        # whole, whatever the readers were told (of a snapshot that is gone, in words that differ by version).
    finally:
        engine.dispose()


def _guard(engine: sa.Engine, watchdog: Watchdog) -> None:
    """Every connection of the engine is watched, then hardened."""
    watchdog.watch(engine)
    event.listen(engine, "connect", _harden)


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


def _token(token: str) -> str:
    if not all(char in "0123456789ABCDEFabcdef-" for char in token):
        raise TroubleError(Cause.UNSAFE_SESSION, "the server's snapshot has no plain name")
    return token


def _harden(dbapi_connection: object, _record: object) -> None:
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


def _prove_contract(connection: sa.Connection) -> None:
    """Reads the settings back: a pooler in between may have lost them."""
    rows = connection.exec_driver_sql("SELECT name, setting FROM pg_catalog.pg_settings").all()
    shown = {name.lower(): setting for name, setting in rows}
    wrong = sorted(name for name, value in CONTRACT.items() if name.lower() in shown and shown[name.lower()] != value)
    missing = sorted(name for name in CONTRACT if name.lower() not in shown and name not in _SINCE)
    if wrong or missing:
        raise TroubleError(
            Cause.UNSAFE_SESSION,
            f"the session did not keep these settings: {', '.join(wrong + missing)}."
            " A connection pooler may drop them; let the auditor connect to the server directly.",
        )


_ROLE = sa.text(
    """
    SELECT r.rolname AS role, r.rolsuper AS is_super,
           (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
               AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
               AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) AS writable,
           pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS creates,
           pg_catalog.current_setting('server_version') AS version,
           pg_catalog.transaction_timestamp() AS taken_at,
           (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
    """
)


def _export(keeper: sa.Connection) -> Snapshot:
    """Judges the role and exports the keeper's snapshot."""
    facts = keeper.execute(_ROLE).one()
    if facts.is_super:
        raise TroubleError(
            Cause.UNSAFE_SESSION,
            f"role {facts.role} is a superuser. Give the auditor a role that holds SELECT and nothing else.",
        )
    limits = []
    if facts.writable:
        limits.append(f"role {facts.role} may write to {facts.writable} relations; it should hold SELECT only")
    if facts.creates:
        limits.append(f"role {facts.role} may create schemas in the database; it should hold SELECT only")
    token = keeper.exec_driver_sql("SELECT pg_catalog.pg_export_snapshot()").scalar_one()
    return Snapshot(token, facts.taken_at, facts.version, facts.system_identifier, tuple(limits))
