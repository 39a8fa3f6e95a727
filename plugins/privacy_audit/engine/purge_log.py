"""The log of purge runs beside a store's checks. It decides no outcome: a check whose log cannot be read is evaluated
without it, and the report says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from privacy_audit.compiler.suites import Check
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import CheckResult
from privacy_audit.engine.visibility import Catalog
from privacy_audit.postgres.store_errors import StoreError

_FIELD = "purge_runs"
"""The log in a compiled rule."""
_ENDED = "the server ended the statement"


def hidden_logs(catalog: Catalog, checks: Iterable[Check]) -> dict[str, str]:
    """The checks whose log the auditor cannot see for certain, with the reason: half a log would tell a wrong story."""
    hidden = {}
    for check in checks:
        try:
            catalog.prove_log(check.rule)
        except StoreError as trouble:
            hidden[check.id] = trouble.reason
    return hidden


def without_logs(suites: Sequence[Mapping[str, Any]], hidden: Collection[str]) -> list[dict[str, Any]]:
    """The suites, in which these checks do not ask the log."""
    return [{**suite, "expectations": [_without(it, hidden) for it in suite["expectations"]]} for suite in suites]


def _without(expectation: Mapping[str, Any], hidden: Collection[str]) -> Mapping[str, Any]:
    kwargs = expectation["kwargs"]
    if kwargs["check"] not in hidden:
        return expectation
    rule = {field: value for field, value in kwargs["rule"].items() if field != _FIELD}
    return {**expectation, "kwargs": {**kwargs, "rule": rule}}


def unread_logs(checks: Iterable[Check], results: Iterable[CheckResult], hidden: Mapping[str, str]) -> Iterator[str]:
    """What is to be known of checks that were counted without their log: one limit of the store for each reason."""
    told = zip(checks, results, strict=True)
    unread = [check.id for check, result in told if check.rule.purge_runs and result.tally and not result.purge]
    reasons = [hidden.get(check, _ENDED) for check in unread]
    for reason in dict.fromkeys(reasons):
        amount = phrases.count(reasons.count(reason), "check")
        yield (
            f"the log of purge runs could not be read ({reason.rstrip('.')}), so {amount} went without it:"
            " no outcome depends on it, but whether the purge runs is not known"
        )
