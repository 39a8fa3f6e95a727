"""A date that comes from rows, as it may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from privacy_audit.domain import phrases


@dataclass(frozen=True, slots=True)
class ShownDate:
    """A date that comes from rows, as exact as it may be shown."""

    day: date
    """Civil day in the policy's zone; the first of the month when only the month may be shown."""
    by_month: bool

    def __post_init__(self) -> None:
        if self.by_month and self.day.day != 1:
            raise ValueError("a date that is shown by month must be the first of its month")

    @property
    def iso(self) -> str:
        """`2026-11-24`, or `2026-11`."""
        return f"{self.day:%Y-%m}" if self.by_month else self.day.isoformat()

    @property
    def words(self) -> str:
        """`24 November 2026`, or `November 2026`."""
        return phrases.month(self.day) if self.by_month else phrases.day(self.day)

    def __str__(self) -> str:
        return self.iso
