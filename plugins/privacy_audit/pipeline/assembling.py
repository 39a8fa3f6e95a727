"""Puts the results of all stores together as one audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from privacy_audit.config.policy.consistency import OF_THE_COMPANY
from privacy_audit.domain.audit import Audit, StoreResult
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.periods import local_date
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.auditing import store_order
from privacy_audit.pipeline.configuration import Configuration
from privacy_audit.pipeline.order_lookups import configuration_of
from privacy_audit.pipeline.own_records import records_order
from privacy_audit.pipeline.planning import of_the_company


def assemble(order: AuditOrder, results: Sequence[StoreResult | None]) -> Audit:
    """Returns the audit. A store without a result crashed, so it is not audited."""
    configuration = configuration_of(order)
    found = {result.name: result for result in results if result}
    stores = tuple(found.get(name) or _crashed(order, configuration, name) for name in order.stores)
    if order.own_records:
        stores += (_of_records(order, configuration, found),)
    if order.company:
        stores += (_of_company(order, configuration),)
    limits = (*order.limits, *(f"In store {store.name}, {limit}." for store in stores for limit in store.limits))
    return Audit(
        id=order.audit_id,
        as_of=order.as_of,
        policy=configuration.policy,
        stores=stores,
        limits=limits,
        triggered_by=order.triggered_by,
        whole=order.whole,
    )


def _of_company(order: AuditOrder, configuration: Configuration) -> StoreResult:
    from privacy_audit.self_audit import company_checks

    told = configuration.handling.compliance or configuration.coverages[0].store
    of_company = of_the_company(configuration, order.controls)
    checks = [check for coverage in configuration.coverages for check in coverage.checks]
    said = company_checks.result(
        company_checks.CompanyOrder(
            today=local_date(order.as_of, ZoneInfo(configuration.policy.zone)),
            attested=[it for it in of_company if it.kind == "attestation"],
            residence=[it for it in of_company if it.kind == "no_residence_filter"],
            unanswered=[it for it in of_company if it.kind not in OF_THE_COMPANY],
            attestations=configuration.attestations,
            conditions=[
                (check.id, condition.column)
                for check in checks
                for condition in getattr(check.rule, "out_of_scope", ())
            ],
            checks=len(checks),
            owner=told.owner,
            alert=told.alert,
        )
    )
    assert said is not None, "the order names it only when there is something to say"  # noqa: S101
    return said


def _crashed(order: AuditOrder, configuration: Configuration, store: str) -> StoreResult:
    from privacy_audit.engine import auditor
    from privacy_audit.postgres import store_errors

    trouble = store_errors.StoreError(
        Cause.INTERNAL, "the task that audits this store ended without a result; see its log"
    )
    return auditor.store_not_audited(store_order(order, configuration, configuration.coverage(store)), trouble)


def _of_records(order: AuditOrder, configuration: Configuration, found: Mapping[str, StoreResult]) -> StoreResult:
    from privacy_audit.self_audit import self_audit_order, self_auditor

    return found.get(self_audit_order.STORE) or self_auditor.crashed(records_order(order, configuration))
