"""Own records in the audit database: audits with all rows that refer to them, and messages.

Filed rows are append-only: a trigger allows a DELETE only in a transaction that is marked as maintenance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa

from privacy_audit.audit_db import upgrade
from privacy_audit.audit_db.migration import prove_ours
from privacy_audit.audit_db.tables import audits, decisions, deliveries, messages, policies, results, standings, sweeps
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.record_periods import OwnRecord, PurgeResult, RecordKind, StartedAudit, sort
from privacy_audit.findings.finding_state import OPEN
from privacy_audit.postgres import audit_database

Url = Callable[[], sa.URL]
"""Finds where the audit database is, when it is called. PrivacyAuditError when nobody has said it."""


@dataclass(frozen=True, slots=True)
class FiledAudits:
    """The audits of the audit database."""

    url: Url
    kind: ClassVar[RecordKind] = RecordKind.AUDITS

    def records(self) -> tuple[OwnRecord, ...]:
        """All audits. AuditDatabaseRefusedError when the database was never made: it says nothing of what there was."""
        with transaction(self.url()) as connection:
            prove_ours(connection)
            return _audits(connection) if _has(connection, standings) else ()

    def sweep(self, before: datetime, *, dry_run: bool) -> PurgeResult:
        """Deletes the audits before an instant, and what nothing refers to any more."""
        with _maintenance(self.url(), dry_run=dry_run) as connection:
            # Who files an audit writes here first: none is filed meanwhile that could refer to what goes.
            connection.execute(sa.text("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE"))
            found = sort(_audits(connection), before)
            deleted = _delete_audits(connection, [record.name for record in found.past], before)
            if found.past:  # their reports may outlive them, and are then no sign that this database lost something
                connection.execute(sweeps.insert(), {"before": before})
        return PurgeResult(self.kind, len(found.within), found.left, deleted)


@dataclass(frozen=True, slots=True)
class FiledMessages:
    """The messages of the audit database."""

    url: Url
    kind: ClassVar[RecordKind] = RecordKind.MESSAGES

    def records(self) -> tuple[OwnRecord, ...]:
        """All messages; of an older version none. AuditDatabaseRefusedError when the database was never made."""
        with transaction(self.url()) as connection:
            prove_ours(connection)
            return _messages(connection) if _has(connection, messages) else ()

    def sweep(self, before: datetime, *, dry_run: bool) -> PurgeResult:
        """Deletes the messages before an instant that were delivered, with the record of their deliveries."""
        with _maintenance(self.url(), dry_run=dry_run) as connection:
            found = sort(_messages(connection), before)
            deleted = _delete_messages(connection, [record.name for record in found.past], before)
        return PurgeResult(self.kind, len(found.within), found.left, deleted)


def filed(url: Url) -> tuple[StartedAudit, ...]:
    """All audits of the audit database, in no order. AuditDatabaseRefusedError when it was never made: that no audit is
    on file there says nothing of the nights before."""
    with transaction(url()) as connection:
        prove_ours(connection)
        return tuple(StartedAudit(*row) for row in connection.execute(sa.select(audits.c.as_of, audits.c.triggered_by)))


@contextmanager
def _maintenance(url: sa.URL, *, dry_run: bool) -> Iterator[sa.Connection]:
    """One transaction in which rows may be deleted. A dry run rolls it back: it counts what would be deleted."""
    if not dry_run:
        upgrade(url)
    with transaction(url, audit_database.LONG_SECONDS) as connection, connection.begin_nested() as undoable:
        connection.execute(sa.text("SET LOCAL privacy_audit.maintenance = 'on'"))
        yield connection
        if dry_run:
            undoable.rollback()


def _has(connection: sa.Connection, *tables: sa.Table) -> bool:
    there = sa.inspect(connection)
    return all(there.has_table(table.name) for table in tables)


def _audits(connection: sa.Connection) -> tuple[OwnRecord, ...]:
    rows = connection.execute(sa.select(audits.c.id, audits.c.as_of).order_by(audits.c.as_of, audits.c.seq)).all()
    kept = dict.fromkeys(_of_open_findings(connection), "where an open finding stood last")
    kept |= {row.id: "the newest" for row in rows[-1:]}
    return tuple(OwnRecord(row.id, row.as_of, kept.get(row.id, "")) for row in rows)


def _of_open_findings(connection: sa.Connection) -> list[str]:
    """Returns the audits that hold the current state of an open finding; they must be kept."""
    last = sa.select(sa.func.max(standings.c.seq)).group_by(standings.c.fingerprint)
    is_open = standings.c.status.in_([status.value for status in OPEN])
    return list(connection.scalars(sa.select(standings.c.audit_id).where(standings.c.seq.in_(last), is_open)))


def _delete_audits(connection: sa.Connection, ids: Sequence[str], before: datetime) -> dict[str, int]:
    stands = sa.exists().where(standings.c.fingerprint == decisions.c.fingerprint)
    named = sa.exists().where(audits.c.promises == policies.c.digest)
    return dict(
        [  # in this order: what refers to something goes before it
            _deleted(connection, results, results.c.audit_id.in_(ids)),
            _deleted(connection, standings, standings.c.audit_id.in_(ids)),
            _deleted(connection, audits, audits.c.id.in_(ids)),
            _deleted(connection, decisions, sa.and_(decisions.c.at < before, ~stands)),
            _deleted(connection, policies, ~named),
        ]
    )


def _messages(connection: sa.Connection) -> tuple[OwnRecord, ...]:
    columns = (messages.c.key, messages.c.as_of, messages.c.done_at)
    rows = connection.execute(sa.select(*columns).order_by(messages.c.as_of, messages.c.key))
    return tuple(OwnRecord(row.key, row.as_of, "" if row.done_at else "not delivered yet") for row in rows)


def _delete_messages(connection: sa.Connection, keys: Sequence[str], before: datetime) -> dict[str, int]:
    tried = sa.func.coalesce(deliveries.c.sent_at, deliveries.c.claimed_at)
    alone = sa.and_(deliveries.c.message.is_(None), tried < before)  # from before there was an outbox
    return dict(
        [
            _deleted(connection, deliveries, sa.or_(deliveries.c.message.in_(keys), alone)),
            _deleted(connection, messages, messages.c.key.in_(keys)),
        ]
    )


def _deleted(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> tuple[str, int]:
    """Returns the name of a table and how many of its rows were deleted."""
    return table.name, connection.execute(sa.delete(table).where(which)).rowcount
