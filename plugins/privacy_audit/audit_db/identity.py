"""The identity of an audit database, and which of the audits in the report folder it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from privacy_audit.audit_db.migration import prove_ours
from privacy_audit.audit_db.tables import acceptances, audits, identity, sweeps
from privacy_audit.audit_db.transaction import transaction


@dataclass(frozen=True, slots=True)
class KnownDatabase:
    """What an audit database knows of some audits."""

    database: str
    """Its identity; empty in one that was not upgraded since databases have one."""
    missing: frozenset[str]
    """Ids of those audits that are not on file there."""
    swept_before: datetime | None
    """Audits of an earlier T may have been deleted, their period being over. None: nobody knows."""
    accepted_until: datetime | None
    """T of the newest report whose audit somebody gave up for lost. None when nobody did."""


def known(url: sa.URL | str, audit_ids: Sequence[str]) -> KnownDatabase:
    """Returns what the database knows of these audits. Only reads.

    AuditDatabaseRefusedError when it is empty or another program's, AuditDatabaseUnavailableError when it is down.
    """
    with transaction(url) as connection:
        prove_ours(connection)
        on_file = set(connection.scalars(sa.select(audits.c.id).where(audits.c.id.in_(audit_ids))))
        missing = frozenset(audit_ids) - on_file
        if not sa.inspect(connection).has_table(identity.name):
            return KnownDatabase("", missing, None, None)
        return KnownDatabase(
            str(connection.scalar(sa.select(identity.c.id)) or ""),
            missing,
            connection.scalar(sa.select(sa.func.max(sweeps.c.before))),
            connection.scalar(sa.select(sa.func.max(acceptances.c.as_of))),
        )


def made_at(url: sa.URL | str) -> datetime | None:
    """Returns when the database was made; None if its version did not record it.

    AuditDatabaseRefusedError when it is empty or another program's, AuditDatabaseUnavailableError when it is down.
    """
    with transaction(url) as connection:
        prove_ours(connection)
        if not sa.inspect(connection).has_table(identity.name):
            return None
        made: datetime | None = connection.scalar(sa.select(identity.c.created_at))
        return made


def accept(url: sa.URL | str, audit_id: str, as_of: datetime, database: str, *, by: str, because: str) -> None:
    """Records that a person accepts this database although the newest report names another one.

    `database` is the identity that the report names; empty when it names none.
    """
    entry = {"audit_id": audit_id, "as_of": as_of, "database": database or None, "by": by, "because": because}
    with transaction(url) as connection:
        connection.execute(acceptances.insert(), entry)
