"""The store in which Great Expectations files validation results: a whitelist stands at its door.

Results are written before any action runs and Data Docs are rendered from what is written, so what does not pass
here reaches neither disk nor page.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from typing import Any

from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context.store import ValidationResultsStore
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from privacy_audit.engine.check_details import KEYS

_KWARGS = frozenset({"check", "rule", "as_of", "budget", "batch_id"})
_PARAMETERS = frozenset({"as_of", "budget"})
_PROMISE = frozenset({"control", "severity", "promise", "clauses", "legal_basis"})
_RUN = frozenset({"great_expectations_version", "run_id", "validation_time", "validation_id", "checkpoint_id"})
_BATCH = frozenset({"datasource_name", "data_connector_name", "data_asset_name"})
_STATISTICS = frozenset(
    {"evaluated_expectations", "successful_expectations", "unsuccessful_expectations", "success_percent"}
)


class CountsOnlyResultsStore(ValidationResultsStore):
    """Keeps the counts of our checks and what they were about: no row value, no exception text, no traceback."""

    def set(self, key: Any, value: Any, **kwargs: Any) -> Any:
        """Writes a copy of the result that holds only what is known to hold no value of a row."""
        clean = copy.deepcopy(value)
        clean.results = [_entry(result) for result in clean.results]
        clean.suite_parameters = _only(_PARAMETERS, clean.suite_parameters)
        clean.statistics = _only(_STATISTICS, clean.statistics)
        batch = _only(_BATCH, clean.meta.get("active_batch_definition"))
        clean.meta = {**_only(_RUN, clean.meta), "active_batch_definition": {**batch, "batch_identifiers": {}}}
        return super().set(key, clean, **kwargs)


def _entry(result: Any) -> ExpectationValidationResult:
    """What is filed of one check."""
    details = _only(KEYS, (result.result or {}).get("details"))
    config, raised = result.expectation_config, _raised(result.exception_info)
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=ExpectationConfiguration(
            type=config.type,
            id=config.id,
            severity=config.severity,
            kwargs=_readable(_only(_KWARGS, config.kwargs)),
            meta=_only(_PROMISE, config.meta),
        ),
        result={"observed_value": details.get("violating"), "details": details},
        exception_info={
            "raised_exception": raised,
            "exception_message": "the check could not be run" if raised else None,
            "exception_traceback": "" if raised else None,
        },
    )


def _only(names: Collection[str], given: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: given[name] for name in sorted(names) if name in given} if given else {}


def _readable(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The rule as it stands in the committed suite, where a run had it as text."""
    rule = kwargs.get("rule")
    return {**kwargs, "rule": json.loads(rule)} if isinstance(rule, str) else kwargs


def _raised(info: Any) -> bool:
    """Great Expectations files one entry, or one per metric under a name made of all it was computed from."""
    if not info:
        return False
    parts = [info] if "raised_exception" in info else list(info.values())
    return any(part.get("raised_exception") for part in parts if isinstance(part, dict))
