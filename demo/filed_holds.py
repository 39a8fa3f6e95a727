"""What an audit before this one put on file of held rows, for a company that is made anew."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from demo.planting import FIRST_PLANTED, OnFile, Planting
from privacy_audit import audit_db
from privacy_audit.erasure import Keyring, RowDigester, hold_manifests


def initialise(address: str) -> None:
    """As `privacy-audit db init`: each demo company is a first installation. One that is there is upgraded."""
    if audit_db.is_empty(address):
        audit_db.init(address)
    else:
        audit_db.upgrade(address)


def put_on_file(address: str, keyring: Keyring, planted: Iterable[tuple[int, Planting]]) -> None:
    """Put what was planted in the place of whatever an audit database had on file: a company made anew lost none of
    that.

    `address` is SQLAlchemy's, for the audit database's owner.
    """
    initialise(address)
    entries = [
        (table.partition(".")[0], entry)
        for number, planting in planted
        for table, entry in (_entry(keyring, FIRST_PLANTED + number, row) for row in planting.on_file)
    ]
    engine = sa.create_engine(address, poolclass=sa.NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL privacy_audit.maintenance = 'on'")
        connection.exec_driver_sql("DELETE FROM hold_manifests")
        for store in sorted({store for store, _ in entries}):
            mine = [entry for of, entry in entries if of == store]
            seals = [RowDigester(keyring, keyring.newest, store, table) for table in sorted({it.table for it in mine})]
            hold_manifests.insert_into(connection, store, [*mine, *hold_manifests.key_checks(mine, seals)])


def _entry(keyring: Keyring, person: int, row: OnFile) -> tuple[str, hold_manifests.ManifestEntry]:
    seal = RowDigester(keyring, keyring.newest, row.table.partition(".")[0], row.table)
    digest, subject = seal.row([str(person + row.key.offset)]), seal.subject(str(person))
    return row.table, hold_manifests.ManifestEntry(row.table, row.part, digest, subject, seal.version, row.first_seen)
