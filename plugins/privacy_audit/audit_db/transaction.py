"""One transaction on the audit database, with its errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from privacy_audit.domain.errors import MayHealError, PrivacyAuditError
from privacy_audit.postgres import audit_database
from privacy_audit.postgres.server_errors import Fault, meaning_of

_WAYS_OUT = {
    Fault.ENCODING: (
        "its encoding lacks a letter of what was to be filed",
        "Make its database anew with ENCODING 'UTF8'.",
    ),
    Fault.RIGHTS: (
        "its role may not do that, or row-level security hides rows from it",
        "Make the role of its connection the owner of its database, and let it inherit.",
    ),
    Fault.READ_ONLY: ("it is read-only", "Point its connection at the primary server."),
    Fault.RESOURCES: ("its server has run out of disk, memory or connections", "Make room there, then run this again."),
    Fault.BUSY: ("it was busy with another transaction", "Run this again."),
    Fault.STOPPED: ("its server was stopped, or the statement was cancelled", "Run this again once it is up."),
}
"""The fact and the way out."""
_ANY = (
    "it did not do what was asked",
    "Check its connection, and that its role owns it.",
)


class AuditDatabaseUnavailableError(MayHealError):
    """The audit database cannot be reached, or its server did not do what was asked. Nothing was filed."""


class AuditDatabaseOutdatedError(PrivacyAuditError):
    """The audit database's tables are not those of this version."""


class FilingRefusedError(PrivacyAuditError):
    """A constraint of the audit database refused what was to be filed: it contradicts itself. Nothing was filed."""


@contextmanager
def transaction(
    url: sa.URL | str, seconds: float | None = None, silence: float | None = None
) -> Iterator[sa.Connection]:
    """Runs one transaction on the audit database: it commits at the end of the block and rolls back on an error.

    `seconds` and `silence` are those of `audit_database.opened`. The server's own words reach neither our messages nor
    tracebacks: PostgreSQL quotes values of rows, libpq addresses.
    """
    address = parsed(url)
    with in_our_words(), audit_database.opened(address, seconds, silence) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turns errors of the driver into our own, without the server's text."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        told = _in_our_words(error)
    else:
        return
    raise told from None


def parsed(url: sa.URL | str) -> sa.URL:
    """Returns the address. Raises AuditDatabaseUnavailableError if it is not that of a PostgreSQL database."""
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # a port that is no number; the error may quote a piece of a password
        address = None
    if address is None or address.get_backend_name() != "postgresql":
        raise AuditDatabaseUnavailableError(
            "the audit database: its address is not that of a PostgreSQL database. Check its connection."
        )
    return address


def _in_our_words(error: sa.exc.DBAPIError) -> PrivacyAuditError:
    meaning = meaning_of(error)
    state = f"(SQLSTATE {meaning.state})"
    match meaning.fault:
        case Fault.NO_CONNECTION | Fault.LOGIN | Fault.RESOURCES if not meaning.state:
            way_out = "Check that its server is up, and the host, database, login and password of its connection."
            return AuditDatabaseUnavailableError(
                f"the audit database: no connection came about, or it was lost. {way_out}"
            )
        case Fault.MISSING:
            fact = f"{meaning.words.removesuffix(' is not there')} that this version needs is not there {state}."
            way_out = "`privacy-audit db status` says why, and what to do."
            return AuditDatabaseOutdatedError(f"the audit database: {fact} {way_out}")
        case Fault.CONSTRAINT:
            fact = f"constraint {meaning.constraint or 'of a column'} refuses what was to be filed {state}."
            way_out = "The audit contradicts itself and was not filed: report this."
            return FilingRefusedError(f"the audit database: {fact} {way_out}")
    fact, way_out = _WAYS_OUT.get(meaning.fault, _ANY)
    return AuditDatabaseUnavailableError(f"the audit database: {fact} {state}. {way_out}")
