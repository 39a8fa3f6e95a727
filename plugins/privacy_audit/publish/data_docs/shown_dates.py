"""When something was, as a page says it: by month where few rows are meant."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from privacy_audit.domain import phrases
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.tally import Tally
from privacy_audit.findings import disclosure


def oldest(tally: Tally, zone: ZoneInfo) -> str:
    """Civil day of the oldest violation, or its month when the tally is small; empty when there is none."""
    return _when(local_date(tally.oldest, zone), tally) if tally.oldest else ""


def since(tally: Tally) -> str:
    """First civil day on which a violating row was in breach, or its month when the tally is small."""
    return _when(tally.overdue_since, tally) if tally.overdue_since else ""


def _when(civil: date, tally: Tally) -> str:
    return phrases.month(civil) if disclosure.is_small(tally) else phrases.day(civil)
