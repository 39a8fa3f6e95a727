"""Opens the audit database: nothing there may keep an audit waiting.

An audit holds a snapshot of production while it asks here. So connections have the time-outs and keepalives of those to
stores, each transaction has limits of its own, and a server that has fallen silent is given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.postgres.database_engine import open_engine
from privacy_audit.postgres.watchdog import Watchdog

APPLICATION = "privacy-audit/audit-database"
LOCK_SECONDS = 60.0
"""So long one transaction waits for another, and so long an idle one may make others wait."""
STATEMENT_SECONDS = 75.0
"""So long a statement may take: longer than it may wait for a lock."""
LONG_SECONDS = 900.0
"""The same for the few that change or delete whole tables: migrations and maintenance."""
GRACE_SECONDS = 15.0
"""So much longer than a statement may take, a server may say nothing. Then it is gone, whatever the network says."""


class AuditDatabaseRefusedError(ConfigurationRefusedError):
    """The database that the connection leads to is not the audit's own, or not in the state that the reports know."""

    def __init__(self, fact: str, way_out: str, connection: str = "") -> None:
        place = f"the audit database (connection {connection})" if connection else "the audit database"
        super().__init__([Mistake(place, fact, way_out)])


@contextmanager
def opened(url: sa.URL, seconds: float | None = None, silence: float | None = None) -> Iterator[sa.Engine]:
    """Yields an engine on the audit database; its connections end with the block.

    `seconds` a statement may take (`STATEMENT_SECONDS`); `silence` ends the connections (a little later than that).
    Raises the driver's errors; the caller turns them into ours.
    """
    allowed = STATEMENT_SECONDS if seconds is None else seconds
    engine = open_engine(url, APPLICATION)
    try:
        with Watchdog(allowed + GRACE_SECONDS if silence is None else silence) as watchdog:
            watchdog.watch(engine)
            sa.event.listen(engine, "begin", lambda connection: _limit(connection, allowed))
            yield engine
    finally:
        engine.dispose()


def _limit(connection: sa.Connection, seconds: float) -> None:
    """Sets the limits for this transaction only: behind a pooler nobody inherits them."""
    limits = {
        "statement_timeout": seconds,
        "lock_timeout": LOCK_SECONDS,
        "idle_in_transaction_session_timeout": LOCK_SECONDS,
    }
    connection.execute(
        sa.select(*(sa.func.set_config(name, f"{int(value * 1000)}ms", True) for name, value in limits.items()))
    )
