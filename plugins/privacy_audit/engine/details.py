"""What a check counted as plain JSON and back: the only thing of it that Great Expectations ever holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from privacy_audit.engine.measure import Measured
from privacy_audit.engine.trouble import TroubleError
from privacy_audit.model import Cause, Plan, Tally

TALLY_KEYS = (
    "population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects",
    "oldest", "newest", "overdue_since", "ages", "estimated",
)  # fmt: skip
KEYS = frozenset((*TALLY_KEYS, "plan", "plan_reason", "late_holds", "cause", "reason"))
"""Every key that may appear: the results store keeps nothing else."""


def details_of(measured: Measured) -> dict[str, Any]:
    """Counts, dates and the plan."""
    tally = asdict(measured.tally)
    for key in ("oldest", "newest", "overdue_since"):
        tally[key] = tally[key].isoformat() if tally[key] is not None else None
    tally["ages"] = list(tally["ages"])
    return {
        **tally,
        "plan": measured.plan.value,
        "plan_reason": measured.plan_reason,
        "late_holds": measured.late_holds,
    }


def trouble_details(trouble: TroubleError) -> dict[str, Any]:
    """Why nothing was counted."""
    return {"cause": trouble.cause.value, "reason": trouble.reason}


def read_details(details: Mapping[str, Any]) -> Measured:
    """The measurement that `details_of` wrote. TroubleError when it says why nothing was counted, or is not whole."""
    if "cause" in details:
        raise TroubleError(Cause(details["cause"]), details["reason"])
    if not set(TALLY_KEYS) <= set(details):
        raise TroubleError(Cause.INTERNAL, "the check came back without its counts")
    tally = {key: details[key] for key in TALLY_KEYS}
    for key in ("oldest", "newest"):
        tally[key] = datetime.fromisoformat(tally[key]) if tally[key] else None
    tally["overdue_since"] = date.fromisoformat(tally["overdue_since"]) if tally["overdue_since"] else None
    tally["ages"] = tuple(tally["ages"])
    return Measured(Tally(**tally), Plan(details["plan"]), details["plan_reason"], details["late_holds"])
