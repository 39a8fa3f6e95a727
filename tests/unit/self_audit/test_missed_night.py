"""A night without an audit is found by another run than the one that did not take place."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from privacy_audit.domain.record_periods import StartedAudit
from privacy_audit.pipeline import missed_night
from privacy_audit.pipeline.missed_night import NightMissedError

PARIS = ZoneInfo("Europe/Paris")
BEFORE = [StartedAudit(datetime(2026, 11, day, 1, 15, tzinfo=PARIS), f"scheduled__{day}") for day in (21, 22, 23)]
TONIGHT = StartedAudit(datetime(2026, 11, 24, 1, 15, tzinfo=PARIS), "scheduled__24")


def at(hour: int, minute: int, day: int = 24, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("now", "night"),
    [(at(0, 30), date(2026, 11, 23)), (at(7, 14), date(2026, 11, 23)), (at(7, 45), date(2026, 11, 24))],
)
def test_a_night_is_looked_for_once_its_run_must_be_over(now: datetime, night: date) -> None:
    assert missed_night.expected([*BEFORE, TONIGHT], None, now, PARIS) == night


def test_a_night_without_an_audit_is_named_with_the_one_before() -> None:
    assert missed_night.expected(BEFORE, None, at(7, 14), PARIS) == date(2026, 11, 23)
    with pytest.raises(NightMissedError, match="of 24 November 2026 has no audit; the last one before it is of 23 Nov"):
        missed_night.expected(BEFORE, None, at(7, 45), PARIS)
    with pytest.raises(NightMissedError, match="The night of 27 November 2026 has no audit"):
        missed_night.expected([*BEFORE, TONIGHT], None, at(7, 45, day=27), PARIS)


def test_an_audit_by_hand_counts_as_one_of_its_day() -> None:
    by_hand = StartedAudit(datetime(2026, 11, 24, 23, 50, tzinfo=PARIS), "manual__1")
    assert missed_night.expected([*BEFORE, by_hand], None, at(0, 30, day=25), PARIS) == date(2026, 11, 24)


def test_nights_before_the_first_audit_are_none() -> None:
    assert missed_night.expected([TONIGHT], None, at(1, 30), PARIS) == date(2026, 11, 23)


def test_without_any_audit_it_says_so() -> None:
    with pytest.raises(NightMissedError, match="No audit was ever filed"):
        missed_night.expected([], None, at(7, 45), PARIS)


def test_the_day_of_the_installation_has_no_night_yet() -> None:
    made_at = at(16, 0)
    assert missed_night.expected([], made_at, at(16, 30), PARIS) == date(2026, 11, 24)
    with pytest.raises(NightMissedError, match="No audit was ever filed"):
        missed_night.expected([], made_at, at(7, 45, day=25), PARIS)


@pytest.mark.parametrize(("month", "day"), [(3, 29), (10, 25)])
def test_a_change_of_clocks_moves_no_night(month: int, day: int) -> None:
    night = StartedAudit(datetime(2026, month, day, 1, 15, tzinfo=PARIS), "scheduled__1")
    first = StartedAudit(datetime(2026, month, day - 3, 1, 15, tzinfo=PARIS), "scheduled__0")
    assert missed_night.expected([first, night], None, at(7, 45, day, month), PARIS) == date(2026, month, day)
