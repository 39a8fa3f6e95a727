"""Reads the erasure ledger where it stands: in the store that is audited, or in another one.

An entry that could never be matched (a digest that is none, a kind that is never digested, a moment that cannot be a
fact) is refused, for it would find nobody and nobody would know. Of what was refused nothing is repeated: it may be an
identifier that stands where a digest should.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_registers import ErasureLedger
from privacy_audit.domain.outcomes import Cause
from privacy_audit.erasure.identifiers import IdentifierKind
from privacy_audit.erasure.keyring import Keyring
from privacy_audit.erasure.ledger import ErasedPerson, Exemption, LedgerRefusedError, Trace, proven
from privacy_audit.postgres import other_databases
from privacy_audit.sql.catalog.relations import FOREIGN_LEAVES
from privacy_audit.sql.clocks import moment_of
from privacy_audit.sql.evaluation_context import EvaluationContext, instant, table, yes
from privacy_audit.sql.every_row import every_row
from privacy_audit.sql.time_zones import differences

_NEVER_DIGESTED = {IdentifierKind.TEXT}
_DIGEST_BYTES = 32
_SKEW = timedelta(days=1)
"""Clocks of two servers differ, but not by more: what was completed later than that cannot have happened."""


def read_ledger(
    connection: sa.Connection, ledger: ErasureLedger, context: EvaluationContext, store: str, keyring: Keyring
) -> list[ErasedPerson]:
    """The requests that were completed at T, from the ledger's table in this store or in the one that it names.

    `store` is the one that is searched, whose exemptions count. LedgerRefusedError when an entry cannot be matched,
    the keys are not shown to be the right ones, or nobody is erased although the map does not say that this may be;
    OtherDatabaseError when another store cannot be read.
    """
    if ledger.connection is None:
        rows = _rows(connection, ledger, context)
    else:
        with other_databases.reading(ledger.connection, "the erasure ledger") as other:
            _prove_table(other, ledger)
            _prove_zone(other, ledger, context)
            with every_row(other):
                rows = _rows(other, ledger, context)
    exemptions = tuple(Exemption(store, name, reason) for name, reason in ledger.exempt.items())
    filed = proven(keyring, _by_request(ledger, rows, exemptions))
    persons = [person for person in filed if person.completed_at <= context.as_of]
    if not persons and not ledger.may_be_empty:
        raise LedgerRefusedError(
            f"{ledger.table} names nobody who was erased until then, so every row would pass. Correct the map, or write"
            " `may_be_empty: true` there if that is so."
        )
    return persons


def _rows(connection: sa.Connection, ledger: ErasureLedger, context: EvaluationContext) -> list[Mapping[str, Any]]:
    """The entries of completed requests. Digests name nobody to whom the keys are not given.

    Those completed after T as well: a key check holds for whatever was digested with its key.
    """
    names = [ledger.request, ledger.key_version, ledger.kind, ledger.digest, ledger.completed.column]
    row = table(ledger.table, *names, *([ledger.shared] if ledger.shared else []), alias="ledger")
    at = row.c[ledger.completed.column]
    moment = moment_of(ledger.completed, at, context)
    can_be = yes(moment.between(instant(context.earliest), sa.func.now() + sa.literal(_SKEW, sa.Interval())))
    statement = sa.select(
        *(sa.cast(row.c[name], sa.Text()).label(f"text_{n}") for n, name in enumerate(names[:4])),
        sa.case((can_be, moment)).label("completed"),
        (yes(row.c[ledger.shared]) if ledger.shared else sa.false()).label("shared"),
    ).where(at.is_not(None))
    read = connection.execute(statement.order_by(sa.literal_column("text_0"), sa.literal_column("text_1")))
    keys = ("request", "version", "kind", "digest", "completed", "shared")
    return [dict(zip(keys, entry, strict=True)) for entry in read]


def _by_request(
    ledger: ErasureLedger, rows: Iterable[Mapping[str, Any]], exemptions: tuple[Exemption, ...]
) -> Iterator[ErasedPerson]:
    """One for each request and key version. A request is completed when the last of its entries is."""
    for request, entries in groupby(rows, lambda row: row["request"]):
        of_request = list(entries)
        if request is None or not request.strip():
            raise _refused(ledger, "names no request", "Write the id of its request.")
        if any(row["completed"] is None for row in of_request):
            raise _refused(ledger, "was completed at a moment that cannot be a fact", "Correct the moment.")
        completed: datetime = max(row["completed"] for row in of_request).astimezone(UTC)
        for version, of_version in groupby(of_request, lambda row: row["version"]):
            key_version = _version(ledger, version)
            own: set[Trace] = set()
            shared: set[Trace] = set()
            for row in of_version:
                (shared if row["shared"] else own).add(_trace(ledger, row["kind"], row["digest"]))
            # Apart: another number of the same person, which nobody shares, stays as telling as it is.
            if own:
                yield ErasedPerson(request, key_version, frozenset(own), completed, exemptions)
            if shared:
                kinds = frozenset(kind for kind, _ in shared)
                yield ErasedPerson(request, key_version, frozenset(shared), completed, exemptions, kinds)


def _version(ledger: ErasureLedger, text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise _refused(ledger, "has no key version", "Write the whole number of the key it was digested with.")
    return int(text)


def _trace(ledger: ErasureLedger, kind: str | None, digest: str | None) -> Trace:
    digested = [known for known in IdentifierKind if known not in _NEVER_DIGESTED]
    if kind not in digested:
        raise _refused(ledger, f"has a kind that is none of {', '.join(digested)}", "Correct the kind.")
    try:
        value = bytes.fromhex((digest or "").removeprefix("\\x"))  # as PostgreSQL shows a bytea, or as a text
    except ValueError:
        value = b""
    if len(value) != _DIGEST_BYTES:
        way_out = "File the digest that `erasure.traces` gives."
        raise _refused(ledger, f"has no digest of {_DIGEST_BYTES} bytes in hexadecimal", way_out)
    return IdentifierKind(kind), value


def _refused(ledger: ErasureLedger, fact: str, way_out: str) -> LedgerRefusedError:
    return LedgerRefusedError(f"{ledger.table}: an entry {fact}. {way_out} An entry that cannot be read finds nobody.")


def _prove_zone(connection: sa.Connection, ledger: ErasureLedger, context: EvaluationContext) -> None:
    """Another server might read a local time in another zone. Of the store that is audited the engine asks that."""
    zone = ledger.completed.zone
    reasons = differences(connection, {zone}, context.no_data_before, context.as_of) if zone else {}
    for reason in reasons.values():
        place = f"{ledger.table} of connection {ledger.connection}"
        raise other_databases.OtherDatabaseError(Cause.TIME_ZONES, f"{place}: time zone data differ: {reason}.")


_KIND_OF_TABLE = sa.text(
    """
    SELECT c.oid AS oid, c.relkind::text AS kind
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = :name
    """
)


def _prove_table(connection: sa.Connection, ledger: ErasureLedger) -> None:
    """A view could hide entries, and so could another server that holds them, or some of them.

    In the store that is audited the visibility proof says so; here nobody else does.
    """
    schema, _, name = ledger.table.partition(".")
    found = connection.execute(_KIND_OF_TABLE, {"schema": schema, "name": name}).one_or_none()
    fact = None
    if found is None:
        fact = "no such table"
    elif found.kind not in ("r", "p"):
        fact = "is no table but something that may hide entries"
    elif connection.execute(FOREIGN_LEAVES, {"roots": [found.oid]}).first() is not None:
        fact = "a part of it is a foreign table, which may hide entries"
    if fact:
        raise other_databases.OtherDatabaseError(
            Cause.DRIFT, f"{ledger.table} of connection {ledger.connection}: {fact}. Map the table itself."
        )
