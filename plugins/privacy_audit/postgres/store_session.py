"""Opens a store: one contract for every transaction, read back before it is trusted, and one snapshot for all.

A *keeper* transaction exports its snapshot; every connection that reads imports it, so that all checks of a store
judge the same instant. READ ONLY is no boundary (functions may write): the role is the boundary, the session settings
come second, the timeouts third.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres import interruptible, replication_lag
from privacy_audit.postgres.database_engine import open_engine
from privacy_audit.postgres.session_settings import (
    BYTES,
    SessionIdentity,
    keep,
    keeps_bytes,
    read_back,
    superuser_within_reach,
)
from privacy_audit.postgres.session_settings import CONTRACT as CONTRACT
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from privacy_audit.postgres.watchdog import Watchdog

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
    behind: timedelta | None = None
    """How old its last transaction was, where the server is a replica."""
    limits: tuple[str, ...] = field(default_factory=tuple)
    """What the role may do beyond reading, as sentences."""

    def __str__(self) -> str:
        server = f"{self.taken_at.isoformat()} on PostgreSQL {self.server_version}"
        if self.behind is None:
            return server
        return f"{server}, a replica {max(self.behind, timedelta()) // timedelta(seconds=1)} s behind"


@dataclass(frozen=True)
class StoreSession:
    """An open store: an engine whose every transaction sees the snapshot."""

    engine: sa.Engine
    snapshot: Snapshot
    sight: SessionIdentity
    """Who the audit is in this store, and what it sees: every reader must be and see the same."""
    watchdog: Watchdog
    audit_id: str

    def attach(self, engine: sa.Engine) -> None:
        """Makes every transaction of an engine import the snapshot, under the contract."""
        keep(engine, self.audit_id, _token(self.snapshot.token), self.sight)
        self.watchdog.watch(engine)
        interruptible.listen(engine)


@contextmanager
def open_store(url: sa.URL, audit_id: str) -> Iterator[StoreSession]:
    """Connects, proves the contract and the role, and keeps one snapshot open. Raises StoreError if it cannot."""
    engine, readers = open_engine(url), open_engine(url)
    try:
        with Watchdog(SILENCE_SECONDS) as watchdog, StoreErrors.watch():
            keep(engine, audit_id)
            watchdog.watch(engine)
            with engine.connect() as keeper:
                sight = read_back(keeper)
                door = StoreSession(readers, _export(keeper), sight, watchdog, audit_id)
                door.attach(readers)
                try:
                    yield door
                finally:
                    readers.dispose()
        # A keeper that was ended raises when it is closed here: its snapshot went with it, and the store is lost as a
        # whole, whatever the readers were told (of a snapshot that is gone, in words that differ by version).
    finally:
        engine.dispose()


def _token(token: str) -> str:
    if not all(char in "0123456789ABCDEFabcdef-" for char in token):
        raise StoreError(Cause.UNSAFE_SESSION, "the server's snapshot has no plain name")
    return token


_FACTS = sa.text(
    f"""
    SELECT r.rolname AS role,
           (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
               AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
               AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) AS writable,
           pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS creates,
           pg_catalog.current_setting('server_version') AS version,
           pg_catalog.transaction_timestamp() AS taken_at,
           (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
           {replication_lag.COLUMNS}
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
    """  # noqa: S608 - two constants
)


def _export(keeper: sa.Connection) -> Snapshot:
    """Checks the role and the replication lag, and exports the keeper's snapshot."""
    if reason := superuser_within_reach(keeper):
        raise StoreError(Cause.UNSAFE_SESSION, reason)
    facts = keeper.execute(_FACTS).one()
    if reason := replication_lag.too_old(facts.is_replica, facts.replayed_until, facts.asked_at):
        raise StoreError(Cause.STALE, reason)
    behind = facts.asked_at - facts.replayed_until if facts.is_replica else None
    limits = []
    if facts.writable:
        limits.append(f"role {facts.role} may write to {facts.writable} relations; it should hold SELECT only")
    if facts.creates:
        limits.append(f"role {facts.role} may create schemas in the database; it should hold SELECT only")
    if keeps_bytes(keeper):
        limits.append(f"{BYTES} Checks that ask for letters beyond ASCII, or read such, are not audited")
    token = keeper.exec_driver_sql("SELECT pg_catalog.pg_export_snapshot()").scalar_one()
    return Snapshot(token, facts.taken_at, facts.version, facts.system_identifier, behind, tuple(limits))
