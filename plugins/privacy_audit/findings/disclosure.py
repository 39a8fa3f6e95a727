"""How exactly a date that comes from rows may be shown. A date and a store together may single a person out."""

from __future__ import annotations

from datetime import date

from privacy_audit.domain.tally import AGE_BUCKETS, Tally

SMALL_COUNT = 5
"""Below so many violating rows, or rows of so many persons, dates are shown by month only."""

_MONTH_IN_DAYS = 30


def is_small(tally: Tally) -> bool:
    """Whether the dates of this tally may be shown by month only: few rows violate, or they are of few persons. Rows
    that name nobody are of no persons, which is not few."""
    return 0 < tally.violating < SMALL_COUNT or 0 < tally.subjects < SMALL_COUNT


def is_few(rows: int) -> bool:
    """Whether a date that was kept beside so many violating rows may be shown by month only. None is few, too: the
    date is then of rows that there were before, and nobody knows how many."""
    return rows < SMALL_COUNT


def first_of_month(day: date) -> date:
    """What is left of a civil day that may be shown by month only."""
    return day.replace(day=1)


def merged_below_a_month(ages: tuple[int, ...]) -> tuple[int, ...]:
    """Rows per bucket of `AGE_BUCKETS`, none finer than a month: those of a week are counted in the last bucket that
    ends within a month."""
    fine = sum(1 for _, above in AGE_BUCKETS if above < _MONTH_IN_DAYS)
    return (0,) * (fine - 1) + (sum(ages[:fine]),) + ages[fine:]
