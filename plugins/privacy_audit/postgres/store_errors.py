"""What keeps the auditor from looking, in our words: a cause and a sentence, never the server's own text.

PostgreSQL quotes row values and statements in its messages, so only the SQLSTATE of an error is ever kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy as sa

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.tally import TallyMismatchError
from privacy_audit.postgres.session_settings import UnsafeSessionError


class StoreError(PrivacyAuditError):
    """A store or a check could not be looked at."""

    def __init__(self, cause: Cause, reason: str) -> None:
        self.cause = cause
        self.reason = reason
        super().__init__(f"{cause}: {reason}")


_FULL = "the server has no connection left for the role; an audit needs two"
_LOST = (
    "the connection was lost while reading: the network, a restart, a time limit or an operator ended it, and the"
    " server's log says which"
)
_BY_STATE: dict[str, tuple[Cause, str]] = {
    "28P01": (Cause.REFUSED, "the server refused the password"),
    "28000": (Cause.REFUSED, "the server refused the login"),
    "3D000": (Cause.REFUSED, "the database of the connection does not exist"),
    "22021": (Cause.DRIFT, "a text is not in the encoding that the database says it is"),
    "22P05": (Cause.DRIFT, "the database's encoding lacks a letter that the check asks for or reads"),
    "42501": (Cause.REFUSED, "the role may not read a column or table that the check needs"),
    "42P01": (Cause.DRIFT, "a table is not there"),
    "42703": (Cause.DRIFT, "a column is not there"),
    "42883": (Cause.DRIFT, "two columns that are compared have types that do not compare"),
    "42804": (Cause.DRIFT, "a column has a type that does not fit"),
    "55P03": (Cause.TIMEOUT, "another session holds a lock on the table; the auditor does not queue behind it"),
    "57014": (Cause.TIMEOUT, "the statement was cancelled, by its time limit or by an operator"),
    "57P01": (Cause.CANCELLED, "an operator ended the session"),
    "57P02": (Cause.LOST, "the server crashed"),
    "57P03": (Cause.UNREACHABLE, "the server is starting or stopping"),
    "25P04": (Cause.TIMEOUT, "the transaction reached its time limit"),
    "25P03": (Cause.TIMEOUT, "the transaction idled past its time limit"),
    "40001": (Cause.LOST, "the replica cancelled the read to go on with its recovery"),
    "53300": (Cause.REFUSED, _FULL),
    "53400": (Cause.REFUSED, "the server has no resource left for the session"),
}
_BY_CLASS: dict[str, tuple[Cause, str]] = {
    "08": (Cause.LOST, "the connection broke"),
    "22": (Cause.DRIFT, "a value cannot be read as the type the map implies"),
    "53": (Cause.CANCELLED, "the server ran out of a resource"),
    "57": (Cause.CANCELLED, "the server ended the statement"),
    "58": (Cause.CANCELLED, "the server had a system error"),
    "XX": (Cause.INTERNAL, "the server reported an internal error or damaged data"),
}


class StoreErrors:
    """Turns errors of a database driver into StoreError."""

    @staticmethod
    @contextmanager
    def watch() -> Iterator[None]:
        """What the driver raises inside becomes a StoreError, without the server's text and without its context."""
        try:
            yield
        except (sa.exc.DBAPIError, psycopg2.Error) as error:
            trouble = StoreErrors.of(error)
        except sa.exc.SQLAlchemyError as error:
            trouble = StoreError(Cause.INTERNAL, f"the statement could not be sent ({type(error).__name__})")
        except UnsafeSessionError as error:
            trouble = StoreError(Cause.UNSAFE_SESSION, error.reason)
        except TallyMismatchError as error:
            trouble = StoreError(Cause.INTERNAL, f"{error}; the check proves nothing")
        else:
            return
        raise trouble from None

    @staticmethod
    def of(error: BaseException) -> StoreError:
        """What a driver's error means, from its SQLSTATE; without one the connection never came about or was lost."""
        original = getattr(error, "orig", None) or error
        state = getattr(original, "pgcode", None)
        if state is None:
            if getattr(error, "connection_invalidated", False) or "server closed" in str(original):
                return StoreError(Cause.LOST, _LOST)
            if isinstance(original, psycopg2.OperationalError):
                return _no_connection(str(original))
            return StoreError(Cause.INTERNAL, f"the driver failed ({type(original).__name__})")
        cause, words = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or (Cause.INTERNAL, "the statement failed")
        return StoreError(cause, f"{words} (SQLSTATE {state})")


_LIBPQ: tuple[tuple[str, Cause, str], ...] = (
    ("password authentication failed", Cause.REFUSED, "the server refused the password"),
    ("no password supplied", Cause.REFUSED, "the connection has no password"),
    ("pg_hba.conf", Cause.REFUSED, "the server refuses this user from this host"),
    ("too many connections", Cause.REFUSED, _FULL),
    ("too many clients", Cause.REFUSED, _FULL),
    ("remaining connection slots", Cause.REFUSED, _FULL),
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


def _no_connection(message: str) -> StoreError:
    for part, cause, words in _LIBPQ:
        if part in message:
            return StoreError(cause, words)
    return StoreError(Cause.UNREACHABLE, "no connection to the server came about")
