"""A replica shows what its primary was. One that is far behind shows no row that came since, and all that were purged.

*What counts* is when the last transaction that it replayed was committed, by the primary's clock. That all it received
is replayed proves nothing: a replica that lost its primary weeks ago, or reads weeks of WAL at this moment, says the
same. So does a replica of an idle primary, which is up to date: nobody can tell them apart from here, and what nobody
can tell is not taken for fresh. A job that commits something at the primary now and then (a heartbeat) tells.

*Not seen*: how far a subscriber of logical replication is behind, or that a server was restored from an old backup.
"""

from __future__ import annotations

from datetime import datetime, timedelta

MOST_BEHIND = timedelta(hours=1)
"""Periods end by the day: so little behind, only what came or was purged around an audit is seen a night late."""

COLUMNS = """pg_catalog.pg_is_in_recovery() AS is_replica, pg_catalog.pg_last_xact_replay_timestamp() AS replayed_until,
           pg_catalog.clock_timestamp() AS asked_at"""
"""What any role may ask a server. On a server that was a replica until it was promoted, the moment is still told."""
_WAY_OUT = (
    "Let it catch up, or lead the audit's connection to the primary."
    " If the primary is only idle, let a job there commit something every half hour, so that the replica can show it"
)


def too_old(is_replica: bool, replayed_until: datetime | None, asked_at: datetime) -> str:
    """Why what a server shows is too old to be judged, with the way out; empty where it is not."""
    if not is_replica:
        return ""
    if replayed_until is None:
        return f"the server is a replica, and nobody knows how far behind: it has replayed no transaction. {_WAY_OUT}"
    if abs(asked_at - replayed_until) <= MOST_BEHIND:  # a commit from the future shows only that clocks differ
        return ""
    return (
        f"the server is a replica, and the last transaction that it shows is of {replayed_until:%Y-%m-%d %H:%M} UTC:"
        f" more than {MOST_BEHIND // timedelta(minutes=1)} minutes from now. {_WAY_OUT}"
    )
