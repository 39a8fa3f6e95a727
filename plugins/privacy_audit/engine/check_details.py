"""Turns a measurement into plain JSON and back: all of it that Great Expectations ever holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from privacy_audit.domain.outcomes import Cause, Plan
from privacy_audit.domain.tally import Forecast, Purge, Tally
from privacy_audit.engine.measurement import Measurement
from privacy_audit.engine.row_queries import RowQueries
from privacy_audit.postgres.store_errors import StoreError

TALLY_KEYS = (
    "population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects",
    "oldest", "newest", "overdue_since", "ages", "estimated",
)  # fmt: skip
FORECAST_KEYS = {"due_in_30_days": "in_30_days", "due_in_90_days": "in_90_days", "due_estimated": "estimated"}
"""Name of a key to the field of a Forecast."""
PURGE_KEYS = {
    "purge_last_ran": "last_ran",
    "purge_last_deleted": "last_deleted",
    "purge_idle_runs": "idle_runs",
    "purge_untold_runs": "untold_runs",
}
"""Name of a key to the field of a Purge."""
LISTING_KEYS = {"show_rows": "violating", "show_undecidable": "undecidable"}
"""Name of a key to the field of a Listing."""
KEYS = frozenset(
    (*TALLY_KEYS, *FORECAST_KEYS, *PURGE_KEYS, *LISTING_KEYS, "plan", "plan_reason", "late_holds", "cause", "reason")
)
"""Every key that may appear: the results store keeps nothing else."""


def details_of(measured: Measurement) -> dict[str, Any]:
    """Returns counts, dates and the plan."""
    tally = asdict(measured.tally)
    for key in ("oldest", "newest", "overdue_since"):
        tally[key] = tally[key].isoformat() if tally[key] is not None else None
    tally["ages"] = list(tally["ages"])
    return {
        **tally,
        "plan": measured.plan.value,
        "plan_reason": measured.plan_reason,
        "late_holds": measured.late_holds,
        **_forecast_details(measured.forecast),
        **_purge_details(measured.purge),
        **_listing_details(measured.listing),
    }


def _forecast_details(forecast: Forecast | None) -> dict[str, Any]:
    return {key: getattr(forecast, name) for key, name in FORECAST_KEYS.items()} if forecast else {}


def _purge_details(purge: Purge | None) -> dict[str, Any]:
    told = {key: getattr(purge, name) for key, name in PURGE_KEYS.items()} if purge else {}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in told.items()}


def _listing_details(listing: RowQueries | None) -> dict[str, Any]:
    return {key: getattr(listing, name) for key, name in LISTING_KEYS.items()} if listing else {}


def trouble_details(trouble: StoreError) -> dict[str, Any]:
    """Returns why nothing was counted."""
    return {"cause": trouble.cause.value, "reason": trouble.reason}


def read_details(details: Mapping[str, Any]) -> Measurement:
    """Returns the measurement that `details_of` wrote. Raises StoreError if nothing was counted or a part is
    missing."""
    if "cause" in details:
        raise StoreError(Cause(details["cause"]), details["reason"])
    if not set(TALLY_KEYS) <= set(details):
        raise StoreError(Cause.INTERNAL, "the check came back without its counts")
    tally = {key: details[key] for key in TALLY_KEYS}
    for key in ("oldest", "newest"):
        tally[key] = datetime.fromisoformat(tally[key]) if tally[key] else None
    tally["overdue_since"] = date.fromisoformat(tally["overdue_since"]) if tally["overdue_since"] else None
    tally["ages"] = tuple(tally["ages"])
    forecast = {name: details[key] for key, name in FORECAST_KEYS.items() if key in details}
    listing = {name: details[key] for key, name in LISTING_KEYS.items() if key in details}
    return Measurement(
        Tally(**tally),
        Plan(details["plan"]),
        details["plan_reason"],
        details["late_holds"],
        Forecast(**forecast) if forecast else None,
        _read_purge(details),
        RowQueries(**listing) if listing else None,
    )


def _read_purge(details: Mapping[str, Any]) -> Purge | None:
    told = {name: details[key] for key, name in PURGE_KEYS.items() if key in details}
    for name in ("last_ran", "last_deleted"):
        told[name] = datetime.fromisoformat(told[name]) if told.get(name) else None
    return Purge(**told) if "idle_runs" in told else None
