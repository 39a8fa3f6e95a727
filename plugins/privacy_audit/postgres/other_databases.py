"""Reads another database than the audited store, by the name of its Airflow connection.

What is compared with a store may stand elsewhere: the erasure ledger in another store, manifests of held rows in the
audit database. Another store is read as every store is: under the contract, by a role that is no superuser, in
one snapshot, and not on a replica that is far behind. Errors are in our words: PostgreSQL quotes values of rows, libpq
addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy as sa

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres import audit_database, connections, replication_lag
from privacy_audit.postgres.database_engine import open_engine
from privacy_audit.postgres.server_errors import meaning_of
from privacy_audit.postgres.session_settings import UnsafeSessionError, keep, superuser_within_reach
from privacy_audit.postgres.watchdog import Watchdog

SILENCE_SECONDS = 660.0
"""Of another store; a minute more than a statement may take there."""


class OtherDatabaseError(PrivacyAuditError):
    """Another database could not be read. The error names what stands there, never what was read."""

    def __init__(self, cause: Cause, reason: str) -> None:
        self.cause = cause
        self.reason = reason
        super().__init__(reason)


@contextmanager
def reading(connection_name: str, what: str) -> Iterator[sa.Connection]:
    """Yields a connection to another store, read at one instant. `what` begins sentences: `the erasure ledger`.

    OtherDatabaseError when it cannot be read, ConnectionMissingError when nobody made the connection.
    """
    place = f"{what} (connection {connection_name})"
    # One transaction: the contract makes it read-only, and of one snapshot.
    with _in_our_words(place), _store(connection_name, what) as engine, engine.connect() as connection:
        if reason := superuser_within_reach(connection):
            raise OtherDatabaseError(Cause.UNSAFE_SESSION, f"{place}: {reason}")
        facts = connection.execute(_FACTS).one()
        if reason := replication_lag.too_old(facts.is_replica, facts.replayed_until, facts.asked_at):
            raise OtherDatabaseError(Cause.STALE, f"{place}: {reason}.")
        yield connection


@contextmanager
def audit_database_of(connection_name: str, *, writes: bool) -> Iterator[sa.Connection]:
    """Yields one transaction on the audit database: it commits at the end of the block and rolls back on an error.

    OtherDatabaseError when the audit database is down or of another version.
    """
    place = f"the audit database (connection {connection_name})"
    url = connections.sqlalchemy_url(connections.find(connection_name))
    with _in_our_words(place), audit_database.opened(url) as engine, engine.begin() as connection:
        if not writes:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        yield connection


_FACTS = sa.text(f"SELECT {replication_lag.COLUMNS}")


@contextmanager
def _store(name: str, what: str) -> Iterator[sa.Engine]:
    url = connections.sqlalchemy_url(connections.find(name))
    engine = open_engine(url)
    try:
        with Watchdog(SILENCE_SECONDS) as watchdog:
            keep(engine, what.replace(" ", "-"))
            watchdog.watch(engine)
            yield engine
    finally:
        engine.dispose()


@contextmanager
def _in_our_words(place: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, psycopg2.Error) as error:  # the driver's own is of a connection that was just opened
        told = _meaning(error, place)
    except UnsafeSessionError as error:
        told = OtherDatabaseError(Cause.UNSAFE_SESSION, f"{place}: {error.reason}")
    else:
        return
    raise told from None


def _meaning(error: sa.exc.DBAPIError | psycopg2.Error, place: str) -> OtherDatabaseError:
    meaning = meaning_of(error)
    if not meaning.state:
        way_out = "Check that its server is up, and the host, database, login and password of the connection."
        return OtherDatabaseError(meaning.cause, f"{place}: {meaning}. {way_out}")
    return OtherDatabaseError(meaning.cause, f"{place}: {meaning}.")
