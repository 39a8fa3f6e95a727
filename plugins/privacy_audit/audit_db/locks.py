"""One audit of a store at a time: a lock in the audit database, never in production."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from privacy_audit.audit_db.transaction import in_our_words, parsed
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.postgres import audit_database
from privacy_audit.postgres.database_engine import open_engine
from privacy_audit.postgres.watchdog import Watchdog

PATIENCE_SECONDS = 2.0
"""So long another audit may take to let the store go: one that has just ended, or one that was killed."""
_SILENCE_SECONDS = 20.0
_LOCAL = {
    "lock_timeout": f"{int(PATIENCE_SECONDS * 1000)}ms",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "0",  # it is idle for as long as the audit of the store takes
    "transaction_timeout": "0",
    "tcp_keepalives_idle": "60",  # an auditor whose machine is gone keeps nobody waiting
    "tcp_keepalives_interval": "15",
    "tcp_keepalives_count": "4",
}
_LOCK_NOT_AVAILABLE = "55P03"
_SINCE = {"transaction_timeout": 170000}


class StoreBusyError(PrivacyAuditError):
    """Another audit is reading the store."""


@contextmanager
def store_lock(url: sa.URL | str, store: str) -> Iterator[Callable[[], bool]]:
    """Holds the lock of a store while the block runs; yields a function that returns whether it is still held.

    A transaction holds it, so that it works through a pooler, and ends with its connection, so that it goes with a
    process that is killed. StoreBusyError when another audit holds it, AuditDatabaseUnavailableError when nobody can
    tell.
    """
    engine = open_engine(parsed(url), audit_database.APPLICATION)
    watchdog = Watchdog(_SILENCE_SECONDS)
    watchdog.watch(engine)
    try:
        with in_our_words(), watchdog:
            connection = engine.connect()
            _take(connection, store)
        try:
            yield lambda: _is_held(connection, watchdog, store)
        finally:
            with watchdog:
                _let_go(connection)
    finally:
        engine.dispose()


def _take(connection: sa.Connection, store: str) -> None:
    try:
        version = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
        local = {name: value for name, value in _LOCAL.items() if version >= _SINCE.get(name, 0)}
        connection.execute(sa.select(*(sa.func.set_config(name, value, True) for name, value in local.items())))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_key(store))))
    except BaseException as error:
        _let_go(connection)
        if getattr(getattr(error, "orig", None), "pgcode", None) != _LOCK_NOT_AVAILABLE:
            raise
    else:
        return
    raise StoreBusyError(f"another audit of store {store} is running; one at a time reads it")


def _is_held(connection: sa.Connection, watchdog: Watchdog, store: str) -> bool:
    """Asks the transaction itself: one that was ended holds no lock."""
    key = _key(store) & 0xFFFF_FFFF_FFFF_FFFF
    mine = sa.text(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted"
        " AND pid = pg_catalog.pg_backend_pid() AND classid = :high AND objid = :low AND objsubid = 1)"
    )
    try:
        with watchdog:
            return bool(connection.scalar(mine, {"high": key >> 32, "low": key & 0xFFFF_FFFF}))
    except sa.exc.DBAPIError:
        return False


def _let_go(connection: sa.Connection) -> None:
    try:
        connection.close()
    except sa.exc.DBAPIError:  # it is lost already, and the lock with it
        connection.invalidate()


def _key(store: str) -> int:
    digest = hashlib.sha256(f"privacy_audit: audit of store {store}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
