"""Audits the stores of an order, one by one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from privacy_audit.compiler import suites
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause, Outcome, roll_up
from privacy_audit.pipeline import one_at_a_time
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.configuration import Configuration
from privacy_audit.pipeline.order_lookups import audit_db_url, configuration_of, validations
from privacy_audit.pipeline.own_records import audit_records
from privacy_audit.pipeline.planning import prove_known
from privacy_audit.postgres import connections


def audit_store(order: AuditOrder, store: str) -> StoreResult:
    """Audits one store. A store that is down is an outcome.

    The result is going to be filed, so the manifests of held rows are filed as well.
    """
    from privacy_audit.erasure import hold_manifests

    configuration = configuration_of(order)
    prove_known(configuration.settings)
    _make_ready_for_manifests(order, configuration, store)
    with hold_manifests.filing():
        return _look_at(order, configuration, store)


def _make_ready_for_manifests(order: AuditOrder, configuration: Configuration, store: str) -> None:
    """Upgrades the audit database before the first check that puts something on file there, as filing does
    afterwards."""
    from privacy_audit import audit_db

    kinds = {check.rule.kind for check in configuration.coverage(store).checks if check.control.id in order.controls}
    if "held_rows_present" in kinds:
        with suppress(PrivacyAuditError):  # the check itself reports what is wrong with the audit database
            audit_db.upgrade(audit_db_url(configuration.settings))


def _look_at(order: AuditOrder, configuration: Configuration, store: str) -> StoreResult:
    coverage = configuration.coverage(store)
    asked = store_order(order, configuration, coverage)
    result = one_at_a_time.audit_store(asked, address_of(coverage.store), configuration.settings)
    return _without_passes(result) if order.read_later else result


def _without_passes(result: StoreResult) -> StoreResult:
    """Returns the result of a store that was read on a later day than T: what would pass becomes a review."""
    way_out = phrases.WAYS_OUT[Cause.READ_LATER]
    reason = "No row is in breach now. Rows that were deleted since the instant judged by were not seen."
    checks = tuple(
        replace(check, outcome=Outcome.REVIEW, cause=Cause.READ_LATER, reason=reason, fix=way_out)
        if check.outcome is Outcome.PASS
        else check
        for check in result.checks
    )
    outcome = Outcome.NOT_AUDITED if result.cause else roll_up([check.outcome for check in checks])
    return replace(result, checks=checks, outcome=outcome, read_later=True)


def audit_everything(order: AuditOrder) -> list[StoreResult]:
    """Audits all that an order names, one store after the other. Nothing is filed."""
    configuration = configuration_of(order)
    stores = [_look_at(order, configuration, store) for store in order.stores]
    return [*stores, audit_records(order)] if order.own_records else stores


def address_of(store: StoreMap) -> Callable[[], Any]:
    """Returns a function that finds the address of a store. A missing connection is a store that cannot be reached."""
    from privacy_audit.postgres import store_errors

    def url() -> Any:
        try:
            return connections.sqlalchemy_url(connections.find(store.connection))
        except connections.ConnectionMissingError as error:
            raise store_errors.StoreError(Cause.UNREACHABLE, str(error)) from None

    return url


def store_order(order: AuditOrder, configuration: Configuration, coverage: suites.StoreCoverage) -> Any:
    from privacy_audit.engine import auditor

    settings = configuration.settings
    return auditor.StoreOrder(
        audit_id=order.audit_id,
        as_of=order.as_of,
        coverage=coverage,
        controls=frozenset(order.controls),
        suites=suites.load(settings.expectations, coverage.store.store),
        results=validations(settings, order),
    )
