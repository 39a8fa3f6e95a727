"""Errors that keep the auditor from reading a store: a cause and a sentence, never the server's text.

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
from privacy_audit.postgres.server_errors import meaning_of
from privacy_audit.postgres.session_settings import UnsafeSessionError


class StoreError(PrivacyAuditError):
    """A store could not be audited, or a check could not be done."""

    def __init__(self, cause: Cause, reason: str) -> None:
        self.cause = cause
        self.reason = reason
        super().__init__(f"{cause}: {reason}")


class StoreErrors:
    """Turns errors of a database driver into StoreError."""

    @staticmethod
    @contextmanager
    def watch() -> Iterator[None]:
        """Turns what the driver raises inside into a StoreError, without the server's text."""
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
        """Returns the StoreError for an error of the driver."""
        meaning = meaning_of(error)
        return StoreError(meaning.cause, str(meaning))
