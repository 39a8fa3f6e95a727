"""What an error of a server or of its driver means, in our words: the only table of SQLSTATEs.

PostgreSQL quotes row values and statements in its messages, and libpq quotes addresses. So only the SQLSTATE of an
error is kept, and the name of a constraint that refused a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

import psycopg2

from privacy_audit.domain.outcomes import Cause


class Fault(Enum):
    """What kind of thing went wrong: the caller has a way out for each."""

    LOGIN = auto()
    RIGHTS = auto()
    READ_ONLY = auto()
    MISSING = auto()
    """A table, column or schema is not there."""
    ENCODING = auto()
    VALUE = auto()
    CONSTRAINT = auto()
    BUSY = auto()
    STOPPED = auto()
    RESOURCES = auto()
    NO_CONNECTION = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class ServerError:
    """The meaning of an error."""

    cause: Cause
    words: str
    """The fact, as a part of a sentence."""
    fault: Fault
    state: str = ""
    """SQLSTATE; empty where the driver gave none."""
    constraint: str = ""
    """Name of the constraint that refused a row."""

    def __str__(self) -> str:
        return f"{self.words} (SQLSTATE {self.state})" if self.state else self.words


UNKNOWN_ZONE = "22023"
"""SQLSTATE of a time zone that the server does not know."""
_FULL = ServerError(
    Cause.REFUSED, "the server has no connection left for the role; an audit needs two", Fault.RESOURCES
)
_LOST = ServerError(
    Cause.LOST,
    "the connection was lost while reading: the network, a restart, a time limit or an operator ended it, and the"
    " server's log says which",
    Fault.NO_CONNECTION,
)
_BY_STATE: dict[str, ServerError] = {
    "28P01": ServerError(Cause.REFUSED, "the server refused the password", Fault.LOGIN),
    "28000": ServerError(Cause.REFUSED, "the server refused the login", Fault.LOGIN),
    "3D000": ServerError(Cause.REFUSED, "the database of the connection does not exist", Fault.LOGIN),
    "22021": ServerError(Cause.DRIFT, "a text is not in the encoding that the database says it is", Fault.ENCODING),
    "22P05": ServerError(
        Cause.DRIFT, "the database's encoding lacks a letter that the check asks for or reads", Fault.ENCODING
    ),
    "25006": ServerError(Cause.REFUSED, "the database takes no writing", Fault.READ_ONLY),
    "42501": ServerError(
        Cause.REFUSED,
        "the role may not read a column or table that the check needs, or row-level security would hide rows of it",
        Fault.RIGHTS,
    ),
    "42P01": ServerError(Cause.DRIFT, "a table is not there", Fault.MISSING),
    "42703": ServerError(Cause.DRIFT, "a column is not there", Fault.MISSING),
    "3F000": ServerError(Cause.DRIFT, "a schema is not there", Fault.MISSING),
    "42883": ServerError(Cause.DRIFT, "two columns that are compared have types that do not compare", Fault.VALUE),
    "42804": ServerError(Cause.DRIFT, "a column has a type that does not fit", Fault.VALUE),
    "55P03": ServerError(
        Cause.TIMEOUT, "another session holds a lock on the table; the auditor does not queue behind it", Fault.BUSY
    ),
    "57014": ServerError(
        Cause.TIMEOUT, "the statement was cancelled, by its time limit or by an operator", Fault.STOPPED
    ),
    "57P01": ServerError(Cause.CANCELLED, "an operator ended the session", Fault.STOPPED),
    "57P02": ServerError(Cause.LOST, "the server crashed", Fault.STOPPED),
    "57P03": ServerError(Cause.UNREACHABLE, "the server is starting or stopping", Fault.STOPPED),
    "25P04": ServerError(Cause.TIMEOUT, "the transaction reached its time limit", Fault.BUSY),
    "25P03": ServerError(Cause.TIMEOUT, "the transaction idled past its time limit", Fault.BUSY),
    "40001": ServerError(Cause.LOST, "the replica cancelled the read to go on with its recovery", Fault.BUSY),
    "53300": _FULL,
    "53400": ServerError(Cause.REFUSED, "the server has no resource left for the session", Fault.RESOURCES),
}
_BY_CLASS: dict[str, ServerError] = {
    "08": ServerError(Cause.LOST, "the connection broke", Fault.NO_CONNECTION),
    "22": ServerError(Cause.DRIFT, "a value cannot be read as the type the map implies", Fault.VALUE),
    "23": ServerError(Cause.INTERNAL, "a constraint refused a row", Fault.CONSTRAINT),
    "40": ServerError(Cause.LOST, "another transaction was in the way", Fault.BUSY),
    "53": ServerError(Cause.CANCELLED, "the server ran out of a resource", Fault.RESOURCES),
    "57": ServerError(Cause.CANCELLED, "the server ended the statement", Fault.STOPPED),
    "58": ServerError(Cause.CANCELLED, "the server had a system error", Fault.OTHER),
    "XX": ServerError(Cause.INTERNAL, "the server reported an internal error or damaged data", Fault.OTHER),
}
_UNKNOWN = ServerError(Cause.INTERNAL, "the statement failed", Fault.OTHER)
_NO_CONNECTION = ServerError(Cause.UNREACHABLE, "no connection to the server came about", Fault.NO_CONNECTION)
_LIBPQ: tuple[tuple[str, Cause, str], ...] = (
    ("password authentication failed", Cause.REFUSED, "the server refused the password"),
    ("no password supplied", Cause.REFUSED, "the connection has no password"),
    ("pg_hba.conf", Cause.REFUSED, "the server refuses this user from this host"),
    ("too many connections", Cause.REFUSED, _FULL.words),
    ("too many clients", Cause.REFUSED, _FULL.words),
    ("remaining connection slots", Cause.REFUSED, _FULL.words),
    ("does not exist", Cause.REFUSED, "the database or role of the connection does not exist"),
    ("is not permitted to log in", Cause.REFUSED, "the role may not log in"),
    ("SSL", Cause.REFUSED, "no trusted TLS connection could be made"),
    ("certificate", Cause.REFUSED, "no trusted TLS connection could be made"),
    ("could not translate host name", Cause.UNREACHABLE, "the host name of the connection is not known"),
    ("Connection refused", Cause.UNREACHABLE, "nothing listens at the connection's host and port"),
    ("timeout", Cause.UNREACHABLE, "the server did not answer in time"),
    ("starting up", Cause.UNREACHABLE, "the server is starting"),
    ("shutting down", Cause.UNREACHABLE, "the server is stopping"),
)
"""How libpq words a connection that never came about (it gives no SQLSTATE); only our own words go on."""


def meaning_of(error: BaseException) -> ServerError:
    """Returns the meaning of an error of SQLAlchemy or psycopg2, by its SQLSTATE.

    Without one, the connection never came about or was lost.
    """
    original = getattr(error, "orig", None) or error
    state = getattr(original, "pgcode", None)
    if state is None:
        return _without_state(error, original)
    known = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or _UNKNOWN
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None) or ""
    return replace(known, state=state, constraint=constraint)


def _without_state(error: BaseException, original: BaseException) -> ServerError:
    if getattr(error, "connection_invalidated", False) or "server closed" in str(original):
        return _LOST
    if isinstance(original, psycopg2.OperationalError):
        found = ((cause, words) for part, cause, words in _LIBPQ if part in str(original))
        cause, words = next(found, (_NO_CONNECTION.cause, _NO_CONNECTION.words))
        return replace(_NO_CONNECTION, cause=cause, words=words)
    return ServerError(Cause.INTERNAL, f"the driver failed ({type(original).__name__})", Fault.OTHER)
