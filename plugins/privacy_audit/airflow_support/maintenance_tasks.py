"""The tasks of the maintenance DAG, each one function. What a task returns are counts: Airflow keeps it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from privacy_audit.pipeline import missed_night, own_records


def delete_what_is_past(now: datetime, *, dry_run: bool) -> dict[str, Any]:
    """Deletes the audit's own records that are past their period; returns by kind what went, what was left, and why."""
    results = own_records.maintain(now, dry_run=dry_run)
    sentences = [own_records.in_words(result, dry_run=dry_run) for result in results]
    return {result.kind.value: asdict(result) for result in results} | {"told": sentences}


def look_for_last_audit(now: datetime) -> str:
    """Returns the last night that must have an audit, as a date. Raises NightMissedError if it has none."""
    return missed_night.look(now).isoformat()
