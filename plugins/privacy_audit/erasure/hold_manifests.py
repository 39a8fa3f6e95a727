"""What is on file of held rows, in the audit database: keyed digests, and when each was first seen.

Only an audit that is itself filed may add to it, and only while `filing()`: a rehearsal of another policy, an audit by
hand, and whatever else asks a rule, read what is on file and leave it as it is. That is why the default is to file
nothing. Entries are added and never changed; adding one that is there does nothing, so that retries and audits side by
side are safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.erasure.held_row_digests import RowDigester
from privacy_audit.erasure.keyring import KeyringRefusedError
from privacy_audit.postgres import other_databases

_FILING: ContextVar[bool] = ContextVar("filing", default=False)
_MANIFESTS = sa.table(
    "hold_manifests",
    sa.column("store", sa.Text()),
    sa.column("table", sa.Text()),
    sa.column("part", sa.Text()),
    sa.column("digest", sa.LargeBinary()),
    sa.column("subject", sa.LargeBinary()),
    sa.column("key_version", sa.Integer()),
    sa.column("first_seen_at", sa.DateTime(timezone=True)),
)
"""As `register/tables.py` makes it."""
_AT_ONCE = 5_000
_KEY_CHECK = "key check"
"""Stands as the part of an entry that is no row: the key check of the key that the table's rows are digested with."""


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A held row on file. Its text shows no digest."""

    table: str
    part: str
    """Which data of the row, and how the row is told; see `controls/held_rows_present.py`."""
    digest: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    """Digest of the key of the person held."""
    key_version: int
    first_seen_at: datetime
    """When the store was read in which it was seen first, by the store's clock."""


@contextmanager
def filing() -> Iterator[None]:
    """The audit that runs inside is going to be filed, so what it sees is put on file as well."""
    token = _FILING.set(True)
    try:
        yield
    finally:
        _FILING.reset(token)


def is_filing() -> bool:
    """Whether what is seen may be put on file."""
    return _FILING.get()


def entries(connection_name: str, store: str, tables: Sequence[str]) -> list[ManifestEntry]:
    """All that is on file of some tables of a store, their key checks too. OtherDatabaseError: the audit database is
    not read."""
    mine = sa.and_(_MANIFESTS.c.store == store, _MANIFESTS.c.table.in_(tables))
    columns = [column for column in _MANIFESTS.c if column.name != "store"]
    with other_databases.audit_database_of(connection_name, writes=False) as register:
        return [ManifestEntry(*row) for row in register.execute(sa.select(*columns).where(mine))]


def proven(filed: Sequence[ManifestEntry], seals: Iterable[RowDigester]) -> list[ManifestEntry]:
    """The held rows among what is on file, where each was digested with the key of its version that is at hand.

    Another key under the right version would give other digests, and nothing of what is on file would be anybody's:
    then what vanished would not be missed. KeyringRefusedError when the key is another, or nobody can tell.
    """
    checks = {entry.digest for entry in filed if entry.part == _KEY_CHECK}
    rows = [entry for entry in filed if entry.part != _KEY_CHECK]
    right = {(seal.table, seal.version) for seal in seals if seal.key_check() in checks}
    if wrong := sorted({(row.table, row.key_version) for row in rows} - right):
        table, version = wrong[0]
        raise KeyringRefusedError(
            f"the key under version {version} is not the one that held rows of {table} were put on file with. Put that"
            " key back; give a new key a version of its own."
        )
    return rows


def key_checks(new: Iterable[ManifestEntry], seals: Iterable[RowDigester]) -> list[ManifestEntry]:
    """What is put on file beside new rows, so that their keys can be told later on."""
    seal_of = {(seal.table, seal.version): seal for seal in seals}
    first: dict[tuple[str, int], ManifestEntry] = {}
    for entry in new:
        first.setdefault((entry.table, entry.key_version), entry)
    return [
        ManifestEntry(
            table, _KEY_CHECK, check := seal_of[table, version].key_check(), check, version, entry.first_seen_at
        )
        for (table, version), entry in first.items()
    ]


def add(connection_name: str, store: str, new: Sequence[ManifestEntry]) -> None:
    """Puts rows on file, in one transaction. What is on file already stays as it is."""
    if new:
        with other_databases.audit_database_of(connection_name, writes=True) as register:
            insert_into(register, store, new)


def insert_into(register: sa.Connection, store: str, new: Iterable[ManifestEntry]) -> None:
    """Inserts what is not there."""
    rows = [
        {
            "store": store,
            "table": entry.table,
            "part": entry.part,
            "digest": entry.digest,
            "subject": entry.subject,
            "key_version": entry.key_version,
            "first_seen_at": entry.first_seen_at,
        }
        for entry in sorted(new, key=lambda entry: (entry.part, entry.digest))  # one order: two audits cannot deadlock
    ]
    statement = insert(_MANIFESTS).on_conflict_do_nothing()
    for start in range(0, len(rows), _AT_ONCE):
        register.execute(statement, rows[start : start + _AT_ONCE])
