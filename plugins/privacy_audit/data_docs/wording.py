"""How a page says outcomes, numbers and dates: the words of the report, for the two are read side by side."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.model import Outcome, Severity, Tally
from privacy_audit.periods import local_date

SMALL_COUNT = 5
"""Below so many violating rows dates are told by month: a date and a store together may single a person out."""

OUTCOMES: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "not audited",
    Outcome.FAIL: "failed",
    Outcome.REVIEW: "to review",
    Outcome.PASS: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
"""The five words, in the order in which they are told: not audited is said first."""

SIGNS: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "○",
    Outcome.FAIL: "✕",
    Outcome.REVIEW: "?",
    Outcome.PASS: "✓",
    Outcome.NOT_APPLICABLE: "–",  # noqa: RUF001 - a dash on purpose
}
"""A shape for each outcome, so that colour is never the only difference."""

MEANINGS: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "The audit could not look. Nothing is known, so it is never counted among what passed.",
    Outcome.FAIL: "The audit looked, and found rows that break the promise.",
    Outcome.REVIEW: "The audit looked, and some rows cannot be decided. Unknown is not taken for kept.",
    Outcome.PASS: "The audit looked at every row in scope and found none that breaks the promise.",
    Outcome.NOT_APPLICABLE: "There is nothing that this promise speaks of, and the store's owner declared it so.",
}

SEVERITIES: dict[Severity, str] = {severity: severity.value.capitalize() for severity in Severity}

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_THIN = "\u202f"  # narrow no-break space: groups digits, and is no decimal mark in any country
_UNSEEN = {"Cs": "\ufffd", "Zl": "\n", "Zp": "\n", "Cf": ""}


def clean(text: str) -> str:
    """The text without what nobody can see: control, bidi and other format characters; line feeds and tabs stay."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return character if character in "\n\t" else ""
    return _UNSEEN.get(category, character)


def number(count: int) -> str:
    """`1 234 567`, with narrow no-break spaces."""
    return f"{count:,}".replace(",", _THIN)


def count(amount: int, noun: str, plural: str = "") -> str:
    """`1 row`, `1 234 rows`."""
    return f"{number(amount)} {noun if amount == 1 else plural or noun + 's'}"


def day(civil: date) -> str:
    """`24 November 2026`."""
    return f"{civil.day} {month(civil)}"


def month(civil: date) -> str:
    """`November 2026`."""
    return f"{_MONTHS[civil.month - 1]} {civil.year}"


def instant(moment: datetime, zone: ZoneInfo) -> str:
    """`24 November 2026, 02:30:00 in Europe/Paris`."""
    local = moment.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M:%S} in {zone.key}"


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, with Z: `2026-11-24T01:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_small(tally: Tally) -> bool:
    """Whether the dates of this tally may be told by month only."""
    return 0 < tally.violating < SMALL_COUNT


def oldest(tally: Tally, zone: ZoneInfo) -> str:
    """Civil day of the oldest violation, or its month when the tally is small; empty when there is none."""
    return _when(local_date(tally.oldest, zone), tally) if tally.oldest else ""


def since(tally: Tally) -> str:
    """First civil day on which a violating row was in breach, or its month when the tally is small."""
    return _when(tally.overdue_since, tally) if tally.overdue_since else ""


def _when(civil: date, tally: Tally) -> str:
    return month(civil) if is_small(tally) else day(civil)
