"""Audits one store: opens it, proves that every row is seen, runs its suites, returns results with tallies."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from privacy_audit.compiler.suites import Check, StoreCoverage
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, roll_up
from privacy_audit.engine import check_outcome
from privacy_audit.engine.check_details import read_details
from privacy_audit.engine.checkpoint import RESULTS, run_suites
from privacy_audit.engine.exclusions import left_out
from privacy_audit.engine.measurement import FULL_SCAN_ROWS
from privacy_audit.engine.purge_log import hidden_logs, unread_logs, without_logs
from privacy_audit.engine.remediation_script import draft
from privacy_audit.engine.visibility import Catalog, read_catalog
from privacy_audit.engine.zone_check import misread_zones
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from privacy_audit.postgres.store_session import StoreSession, open_store

__all__ = ["FULL_SCAN_ROWS", "RESULTS", "StoreError", "StoreOrder", "audit_store", "store_not_audited"]

ATTEMPTS = 2
PAUSE_SECONDS = 2.0
_HEALS = {Cause.UNREACHABLE, Cause.LOST}
"""Causes that a second look may not meet. What a look found is never looked at twice."""


@dataclass(frozen=True)
class StoreOrder:
    """What to audit in one store."""

    audit_id: str
    as_of: datetime
    coverage: StoreCoverage
    """What becomes of each control in this store."""
    controls: frozenset[str]
    """Ids of the controls asked for and in force at T."""
    suites: Sequence[Mapping[str, Any]]
    """The committed suites of the store."""
    results: Path
    """Folder for this audit's validation results."""
    budget: int = FULL_SCAN_ROWS

    @property
    def checks(self) -> list[Check]:
        """The checks to run."""
        return [check for check in self.coverage.checks if check.control.id in self.controls]


def audit_store(order: StoreOrder, url: Callable[[], sa.URL]) -> StoreResult:
    """Returns the result of one store. `url` resolves the connection; a store that is down is tried twice."""
    for attempt in range(ATTEMPTS):
        result = _attempt(order, url)
        causes = {result.cause, *(check.cause for check in result.checks)}
        if attempt + 1 == ATTEMPTS or not causes & _HEALS:
            return result
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("the loop returns")


def store_not_audited(order: StoreOrder, trouble: StoreError) -> StoreResult:
    """Returns the result of a store that could not be read: each of its checks is not audited."""
    reason = check_outcome.sentence(trouble.reason)
    checks = [check_outcome.not_audited(check, trouble, order.as_of) for check in order.checks]
    return _store_result(order, checks, cause=trouble.cause, reason=reason)


def _attempt(order: StoreOrder, url: Callable[[], sa.URL]) -> StoreResult:
    started = time.monotonic()
    try:
        target = url()
        with open_store(target, order.audit_id) as door:
            opened = time.monotonic()
            checks, limits = _look(order, door, target)
            seconds = {"open": opened - started, "checks": time.monotonic() - opened}
            result = _store_result(order, checks, snapshot=str(door.snapshot), seconds=seconds)
            return replace(result, limits=(*door.snapshot.limits, *limits))
    except StoreError as trouble:
        return store_not_audited(order, trouble)


def _look(order: StoreOrder, door: StoreSession, url: sa.URL) -> tuple[list[CheckResult], tuple[str, ...]]:
    """Proves what is visible, runs those checks, and returns a result for every check in order, and its limits."""
    checks = order.checks
    catalog, misread = _catalog(door, checks, order.as_of)
    blocked = {**misread, **_blocked(catalog, checks), **_altered(order)}
    hidden = hidden_logs(catalog, checks)
    asked = {check.id for check in checks} - set(blocked)
    details = run_suites(
        door,
        url,
        without_logs(_only(order.suites, asked), hidden),
        audit_id=order.audit_id,
        as_of=order.as_of,
        budget=order.budget,
        results=order.results,
    )
    missing = asked - set(details)
    if missing:
        raise StoreError(
            Cause.INTERNAL,
            f"{len(missing)} checks are in no committed suite. Run `privacy-audit compile` and commit it.",
        )
    results = [_result(check, blocked, details, order, catalog) for check in checks]
    return results, (*unread_logs(checks, results, hidden), *left_out(checks, results))


def _catalog(door: StoreSession, checks: Sequence[Check], as_of: datetime) -> tuple[Catalog, dict[str, StoreError]]:
    """Returns the catalog, and the checks whose time zones mean something else on the server than here."""
    with StoreErrors.watch(), door.engine.connect() as connection:
        catalog = read_catalog(connection, [check.rule for check in checks])
        return catalog, misread_zones(connection, checks, as_of)


def _blocked(catalog: Catalog, checks: Sequence[Check]) -> dict[str, StoreError]:
    """Returns the checks whose columns the auditor cannot see, with the reason."""
    blocked = {}
    for check in checks:
        try:
            catalog.prove(check.rule)
        except StoreError as trouble:
            blocked[check.id] = trouble
    return blocked


def _altered(order: StoreOrder) -> dict[str, StoreError]:
    """Returns the checks whose committed suite differs from policy and map on this machine."""
    committed = {entry["kwargs"]["check"]: entry for suite in order.suites for entry in suite["expectations"]}
    trouble = StoreError(
        Cause.INTERNAL, "its committed suite is not what policy and map say. Run `privacy-audit compile` and commit it."
    )
    return {
        check.id: trouble
        for check in order.checks
        if check.id in committed
        and (committed[check.id]["type"], committed[check.id]["kwargs"]["rule"])
        != (check.rule.expectation, check.rule.as_json())
    }


def _only(suites: Sequence[Mapping[str, Any]], asked: Collection[str]) -> list[dict[str, Any]]:
    """Returns the suites with only the given checks; a suite without checks is left out."""
    chosen = []
    for suite in suites:
        expectations = [entry for entry in suite["expectations"] if entry["kwargs"]["check"] in asked]
        if expectations:
            chosen.append({**suite, "expectations": expectations})
    return chosen


def _result(
    check: Check,
    blocked: Mapping[str, StoreError],
    details: Mapping[str, Mapping[str, Any]],
    order: StoreOrder,
    catalog: Catalog,
) -> CheckResult:
    if check.id in blocked:
        return check_outcome.not_audited(check, blocked[check.id], order.as_of)
    try:
        measured = read_details(details[check.id])
    except StoreError as trouble:
        return check_outcome.not_audited(check, trouble, order.as_of)
    drafted = draft(check, measured.tally, order.coverage.store, catalog, order.as_of)
    return check_outcome.judged(check, measured, order.as_of, drafted)


def _store_result(
    order: StoreOrder,
    checks: Sequence[CheckResult],
    *,
    cause: Cause | None = None,
    reason: str = "",
    snapshot: str = "",
    seconds: Mapping[str, float] | None = None,
) -> StoreResult:
    coverage, store = order.coverage, order.coverage.store
    everything = (
        *checks,
        *(check_outcome.unchecked(entry) for entry in coverage.unchecked if entry.control.id in order.controls),
        *(check_outcome.excused(entry) for entry in coverage.excused if entry.control.id in order.controls),
    )
    outcome = Outcome.NOT_AUDITED if cause else roll_up([check.outcome for check in everything])
    return StoreResult(
        name=store.store,
        title=store.title,
        owner=store.owner,
        alert=store.alert,
        outcome=outcome,
        checks=everything,
        cause=cause,
        reason=reason,
        snapshot=snapshot,
        seconds=dict(seconds or {}),
    )
