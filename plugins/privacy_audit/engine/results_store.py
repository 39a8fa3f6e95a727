"""The store in which Great Expectations files validation results: a whitelist stands at its door.

Results are written before any action runs and Data Docs are rendered from what is written, so what does not pass
here reaches neither disk nor page.
"""

from __future__ import annotations

import copy
from typing import Any

from great_expectations.data_context.store import ValidationResultsStore

from privacy_audit.engine.details import KEYS

_KWARGS = frozenset({"check", "rule", "as_of", "budget", "batch_id"})


class CountsOnlyResultsStore(ValidationResultsStore):
    """Keeps the counts of our checks and nothing else: no row value, no exception text, no traceback."""

    def set(self, key: Any, value: Any, **kwargs: Any) -> Any:
        """Writes a copy of the result that holds only what is known to hold no value of a row."""
        clean = copy.deepcopy(value)
        for result in clean.results:
            details = (result.result or {}).get("details") or {}
            result.result = {
                "observed_value": details.get("violating"),
                "details": {name: details[name] for name in sorted(KEYS & set(details))},
            }
            config = result.expectation_config
            config.kwargs = {name: config.kwargs[name] for name in sorted(_KWARGS & set(config.kwargs))}
            if _raised(result.exception_info):
                result.exception_info = {
                    "raised_exception": True,
                    "exception_message": "the check could not be run",
                    "exception_traceback": "",
                }
        return super().set(key, clean, **kwargs)


def _raised(info: Any) -> bool:
    if not info:
        return False
    parts = [info] if "raised_exception" in info else list(info.values())
    return any(part.get("raised_exception") for part in parts if isinstance(part, dict))
