"""The one night on which the stores are read, and how its stages hand on what they made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import audit_order, planning
from tests.unit.pipeline.company import RECORDS

NOW = datetime(2026, 11, 24, 0, 15, 30, 987_654, tzinfo=UTC)
"""When the scheduler starts the run: 01:15 in Paris, and half a minute late."""
RUN = "scheduled__2026-11-24T00:15:00+00:00"

Results = list[StoreResult | None]
Value = TypeVar("Value")


@dataclass(frozen=True)
class OneNight:
    """What the tasks before filing leave behind."""

    home: Path
    order: audit_order.AuditOrder
    results: Results
    """Of the stores, then of the audit's own records."""

    @property
    def app(self) -> StoreResult:
        """The result of the store app, the first of the two."""
        first = self.results[0]
        assert first is not None
        return first

    @property
    def passing(self) -> Results:
        """The results as if neither store had broken a promise. Of its own records the audit had none."""

        def passed(result: StoreResult | None) -> StoreResult:
            assert result is not None
            if result.name == RECORDS:
                return result
            checks = tuple(check for check in result.checks if check.id == "app/app.logins/RET-4")
            assert result.name == "web" or checks
            return replace(result, outcome=Outcome.PASS, checks=checks)

        return [passed(result) for result in self.results]


def plan(
    as_of: str | None = None, stores: list[str] | None = None, controls: list[str] | None = None, run: str = RUN
) -> audit_order.AuditOrder:
    return handed_on(planning.plan(as_of, stores, controls, run, NOW))


def handed_on(value: Value) -> Value:
    """What the next task reads from the folder of the audit; refused when JSON would change anything of it."""
    adapter = TypeAdapter(type(value))
    got: Value = adapter.validate_json(adapter.dump_json(value))
    assert got == value, f"JSON makes {got} of {value}"
    return got


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
