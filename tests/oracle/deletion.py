"""Rows are deleted when their period ends, and marked rows after a window; legal holds exempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from privacy_audit.config.map_registers import LegalHolds
from privacy_audit.config.map_tables import PeriodUnit
from tests.oracle.moments import (
    DAY,
    Calendar,
    Kind,
    Place,
    Row,
    Tables,
    day_later,
    month_later,
    place,
    read,
    read_value,
)
from tests.oracle.verdict import COMPLIANT, OUT, UNDECIDABLE, State, Verdict, blank, outside, subject_of


def retention(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """A row may exist on its expiry date, and violates from the day after."""
    if outside(rule, row):
        return OUT
    clock = read(rule.clock, row, tables, calendar)
    if clock.kind is Kind.RUNNING:
        return COMPLIANT
    own = row.get(rule.row_period.column) if rule.row_period else None
    if clock.kind is not Kind.FINE or (own is not None and own <= 0):
        return UNDECIDABLE

    def expiry(day: date) -> date:
        capped = _period(rule.period)(day)
        if own is None:
            return capped
        if rule.row_period.unit is PeriodUnit.DAYS:
            return min(capped, day_later(day, own))
        return min(capped, month_later(day, own * (12 if rule.row_period.unit is PeriodUnit.YEARS else 1)))

    if (expiry(clock.first) < calendar.today) != (expiry(clock.last) < calendar.today):
        return UNDECIDABLE
    if expiry(clock.last) < calendar.today:
        words = [rule.holds.categories.get(rule.category, rule.category.value)] if rule.holds else []
        subject = subject_of(rule, row, tables)
        return _overdue(rule, words, subject, clock.shown, expiry(clock.last) + DAY, (tables, calendar))
    if rule.review_after and _period(rule.review_after)(clock.first) < calendar.today and not _has_reason(rule, row):
        return UNDECIDABLE
    return COMPLIANT


def _has_reason(rule: Any, row: Row) -> bool:
    reason = rule.legal_reason
    return reason is not None and (reason.always is not None or not blank(row.get(reason.column)))


def soft_delete(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """A row that is not marked keeps the promise; one that is marked does so for a while."""
    clock = rule.mark.clock
    if clock is None or row.get(clock.column) is None:
        marked = row.get(rule.mark.flag) if rule.mark.flag else False
        return COMPLIANT if marked is False else UNDECIDABLE
    reading = read_value(row.get(clock.column), clock, calendar)
    if reading.kind is Kind.RUNNING:
        return COMPLIANT
    expiry = _period(rule.period)
    if reading.kind is not Kind.FINE:
        return UNDECIDABLE
    if (expiry(reading.first) < calendar.today) != (expiry(reading.last) < calendar.today):
        return UNDECIDABLE
    if expiry(reading.last) >= calendar.today:
        return COMPLIANT
    words = [rule.holds.categories.get(category, category.value) for category in rule.categories] if rule.holds else []
    subject = subject_of(rule, row, tables)
    return _overdue(rule, words, subject, reading.shown, expiry(reading.last) + DAY, (tables, calendar))


def _period(text: str) -> Callable[[date], date]:
    """An ISO period as what it does to a day."""
    numbers = {"Y": 0, "M": 0, "D": 0}
    digits = ""
    for letter in text.removeprefix("P"):
        if letter in numbers:
            numbers[letter], digits = int(digits), ""
        else:
            digits += letter
    if numbers["D"]:
        return lambda day: day_later(day, numbers["D"])
    return lambda day: month_later(day, 12 * numbers["Y"] + numbers["M"])


def hold_starts(
    holds: LegalHolds | None, words: Iterable[str], subject: Any, tables: Tables, calendar: Calendar
) -> list[date]:
    """The first civil days of the holds in force at T on a person and one of these words."""
    if holds is None or subject is None:
        return []
    meant = {*words, holds.every_category} - {None}
    starts = []
    for hold in tables[holds.table]:
        started, released = hold.get(holds.started.column), hold.get(holds.released.column)
        named = hold.get(holds.subject) == subject and hold.get(holds.category) in meant
        began = started is not None and place(started, holds.started, calendar) is Place.FINE
        over = released is not None and not _still_to_come(released, holds, calendar)
        if named and began and not over:
            starts.append(read_value(started, holds.started, calendar).first)
    return starts


def _still_to_come(released: Any, holds: LegalHolds, calendar: Calendar) -> bool:
    """Whether a release lies after T; one that names only a day comes at that day's end."""
    today_counts = holds.released.encoding.value == "date" and released == calendar.today
    return today_counts or place(released, holds.released, calendar, end=True) is Place.FUTURE


def _overdue(rule: Any, words: Iterable[str], subject: Any, shown: datetime | None, breach: date, at: Any) -> Verdict:
    tables, calendar = at
    starts = hold_starts(rule.holds, words, subject, tables, calendar)
    if starts:
        return Verdict(State.HELD, subject, shown, breach, late=min(starts) >= breach)
    return Verdict(State.VIOLATING, subject, shown, breach)
