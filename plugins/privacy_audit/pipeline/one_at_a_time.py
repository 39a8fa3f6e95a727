"""Lets one audit at a time read a store, and says where nobody could see to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from privacy_audit.config.settings import Settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause
from privacy_audit.pipeline import known_database

_UNLOCKED = (
    "another audit may have been reading it at the same time, for the audit database, which keeps them apart, could not"
    " be reached"
)
_LOST = (
    "another audit may have been reading it at the same time, for the connection to the audit database, which keeps"
    " them apart, was lost meanwhile"
)


@contextmanager
def turn(settings: Settings, store: str) -> Iterator[list[str]]:
    """A store is read inside. Gives what is to be said of it as limits, known in full once the block has ended.

    StoreBusyError when another audit reads it. An audit is possible without the audit database: that is a limit.
    """
    from privacy_audit.audit_db import StoreBusyError, store_lock

    limits: list[str] = []
    is_held: Callable[[], bool] | None = None
    with ExitStack() as stack:
        try:
            is_held = stack.enter_context(store_lock(known_database.url_of(settings), store))
        except StoreBusyError:
            raise
        except PrivacyAuditError:
            limits.append(_UNLOCKED)
        yield limits
        if is_held and not is_held():
            limits.append(_LOST)


def audit_store(order: Any, url: Callable[[], Any], settings: Settings) -> StoreResult:
    """As `engine.audit_store`, while no other audit reads the store; where one does, it is not audited."""
    from privacy_audit.audit_db import StoreBusyError
    from privacy_audit.engine import auditor
    from privacy_audit.postgres import store_errors

    try:
        with turn(settings, order.coverage.store.store) as limits:
            result = auditor.audit_store(order, url)
    except StoreBusyError as busy:
        return auditor.store_not_audited(order, store_errors.StoreError(Cause.BUSY, str(busy)))
    return replace(result, limits=(*result.limits, *limits))
