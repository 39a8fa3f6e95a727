"""How a register of consents is read."""

from __future__ import annotations

from enum import StrEnum


class ConsentReading(StrEnum):
    """How a consent ledger is kept, and so how it must be read. On overlapping rows the two differ widely."""

    EVENTS = "events"
    """The last grant or withdrawal before the moment wins; at the same instant the withdrawal wins."""
    INTERVALS = "intervals"
    """A moment is covered when any granted-withdrawn row covers it."""
