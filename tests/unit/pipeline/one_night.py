"""The one night on which the stores are read, and how its stages hand on what they made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privacy_audit.pipeline import audit_order, planning
from tests.unit.pipeline.company import RECORDS

NOW = datetime(2026, 11, 24, 0, 15, 30, 987_654, tzinfo=UTC)
"""When the scheduler starts the run: 01:15 in Paris, and half a minute late."""
RUN = "scheduled__2026-11-24T00:15:00+00:00"

Result = dict[str, Any]
Results = list[Result | None]


@dataclass(frozen=True)
class OneNight:
    """What the tasks before filing leave behind."""

    home: Path
    order: audit_order.Order
    results: Results
    """Of the stores, then of the audit's own records."""

    @property
    def app(self) -> Result:
        """The result of the store app, the first of the two."""
        first = self.results[0]
        assert first is not None
        return first

    @property
    def passing(self) -> Results:
        """The results as if neither store had broken a promise. Of its own records the audit had none."""

        def passed(result: Result | None) -> Result:
            assert result is not None
            if result["name"] == RECORDS:
                return result
            checks = [check for check in result["checks"] if check["id"] == "app/app.logins/RET-4"]
            assert result["name"] == "web" or checks
            return {**result, "outcome": "pass", "checks": checks}

        return [passed(result) for result in self.results]


def plan(
    as_of: str | None = None, stores: list[str] | None = None, controls: list[str] | None = None, run: str = RUN
) -> audit_order.Order:
    return through_xcom(planning.plan(as_of, stores, controls, run, NOW))


def through_xcom(handed: Result) -> Result:
    """What the next task gets; refused when JSON would change anything of it."""
    text = json.dumps(handed, allow_nan=False)
    got: Result = json.loads(text)
    assert got == handed, f"JSON makes {got} of {handed}"
    return got


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
