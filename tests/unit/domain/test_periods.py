"""Calendar periods against brute force, day by day: month ends, leap years, both DST nights, awkward zones."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy_audit.domain.periods import Period, birthday, local_date, start_of_day

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",  # a quarter of an hour off
    "America/Sao_Paulo",  # midnight did not exist when summer began
    "America/Havana",  # midnight comes twice when summer ends
    "Pacific/Kiritimati",
    "UTC",
)
SPAN = (date(1995, 1, 1), date(2045, 12, 31))

month_ends = st.builds(
    lambda year, month, shift: date(year, month, 1) + shift * DAY,
    st.integers(1996, 2044),
    st.integers(1, 12),
    st.integers(-4, 4),
)
days = st.one_of(month_ends, st.dates(*SPAN))
periods = st.one_of(
    st.builds(Period, months=st.sampled_from((1, 2, 3, 6, 11, 12, 13, 24, 25, 60, 120))),
    st.builds(Period, months=st.integers(1, 600)),
    st.builds(Period, days=st.integers(1, 3000)),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
dst_nights = st.builds(
    lambda night, hours: datetime(*night, tzinfo=UTC) + timedelta(hours=hours),
    st.sampled_from(
        ((2024, 3, 31), (2024, 10, 27), (2024, 3, 10), (2024, 11, 3), (2017, 10, 15), (2018, 2, 18), (2026, 3, 29))
    ),
    st.integers(-30, 30),
)
instants = st.one_of(
    st.datetimes(datetime(1996, 1, 1), datetime(2044, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.builds(lambda at, micro: at + micro * INSTANT, dst_nights, st.integers(-2, 2)),
)


def walked(day: date, period: Period) -> date:
    """The expiry date by walking: every day of the target month up to the same day number."""
    if period.days:
        return date.fromordinal(day.toordinal() + period.days)
    years, month = divmod(day.year * 12 + day.month - 1 + period.months, 12)
    expiry = date(years, month + 1, 1)
    while expiry.day < day.day and (expiry + DAY).month == expiry.month:
        expiry += DAY
    return expiry


@given(days, periods)
def test_a_period_is_added_as_the_calendar_is_walked(day: date, period: Period) -> None:
    assert period.add_to(day) == walked(day, period)


@given(days, periods)
@example(date(2024, 4, 30), Period(months=2))  # 29 February expired; comparing backwards misses it
@example(date(2025, 3, 1), Period(months=12))
@example(date(2024, 3, 31), Period(months=1))
def test_the_cutoff_parts_what_expired_from_what_did_not(today: date, period: Period) -> None:
    cutoff = period.cutoff(today)
    near = (cutoff + shift * DAY for shift in range(-40, 41))
    assert [day <= cutoff for day in near] == [walked(cutoff + shift * DAY, period) < today for shift in range(-40, 41)]


@pytest.mark.parametrize("months", [1, 2, 12, 13, 60, 120])
def test_the_cutoff_is_exact_on_every_day_of_nine_years(months: int) -> None:
    period, today = Period(months=months), date(2024, 1, 1)
    last_expired = period.cutoff(today)
    assert walked(last_expired, period) < today <= walked(last_expired + DAY, period)
    while today < date(2033, 1, 1):
        while walked(last_expired + DAY, period) < today:
            last_expired += DAY
        assert period.cutoff(today) == last_expired, today
        today += DAY


@given(days, zones)
@example(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
@example(date(2024, 11, 3), ZoneInfo("America/Havana"))
@example(date(2024, 3, 31), ZoneInfo("Europe/Paris"))
@example(date(2024, 10, 27), ZoneInfo("Europe/Paris"))
def test_a_day_starts_at_its_first_instant(day: date, zone: ZoneInfo) -> None:
    quarter = timedelta(minutes=15)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while instant.astimezone(zone).date() != day:
        instant += quarter
    assert start_of_day(day, zone) == instant
    assert local_date(instant - INSTANT, zone) == day - DAY


def test_a_day_that_a_zone_skipped_starts_with_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert start_of_day(date(2011, 12, 30), apia) == start_of_day(date(2011, 12, 31), apia)


@given(instants, zones)
def test_the_civil_date_lies_between_two_starts_of_day(instant: datetime, zone: ZoneInfo) -> None:
    day = local_date(instant, zone)
    assert start_of_day(day, zone) <= instant < start_of_day(day + DAY, zone)


@given(instants, zones, periods)
def test_the_cutoff_holds_for_instants_too(instant: datetime, zone: ZoneInfo, period: Period) -> None:
    """What an index is asked, `clock < start of the day after the cutoff`, is what the calendar says."""
    today = local_date(instant, zone)
    bound = start_of_day(period.cutoff(today) + DAY, zone)
    for clock in (bound - INSTANT, bound, bound + INSTANT):
        assert (clock < bound) == (walked(local_date(clock, zone), period) < today)


@given(st.one_of(st.just(date(2012, 2, 29)), days), st.integers(1, 25))
def test_a_birthday_is_the_first_day_not_before_the_day_of_birth(born: date, age: int) -> None:
    day = date(born.year + age, 1, 1)
    while (day.month, day.day) < (born.month, born.day):
        day += DAY
    assert birthday(born, age) == day


def test_born_on_29_february() -> None:
    assert birthday(date(2012, 2, 29), 15) == date(2027, 3, 1)
    assert birthday(date(2012, 2, 29), 16) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("text", "period", "words"),
    [
        ("P2M", Period(months=2), "2 months"),
        ("P1Y", Period(months=12), "1 year"),
        ("P1Y6M", Period(months=18), "1 year and 6 months"),
        ("P13M", Period(months=13), "1 year and 1 month"),
        ("P30D", Period(days=30), "30 days"),
        ("P100Y", Period(months=1200), "100 years"),
    ],
)
def test_a_period_is_read_and_told(text: str, period: Period, words: str) -> None:
    assert Period.parse(text) == period
    assert period.words == words
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "is not a period"),
        ("P", "is not a period"),
        ("2 months", "is not a period"),
        ("P2W", "is not a period"),
        ("P-2M", "is not a period"),
        ("P2M\n", "is not a period"),
        ("PT5M", "is not a period"),
        ("P1M1D", "mixes months and days"),
        ("P0M", "out of range"),
        ("P101Y", "out of range"),
        ("P99999D", "out of range"),
    ],
)
def test_what_is_no_period_is_refused(text: str, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        Period.parse(text)


@given(periods)
def test_a_period_survives_being_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


def test_beyond_the_calendar_is_an_error_not_a_wrong_date() -> None:
    for period in (Period(months=1200), Period(days=366)):
        with pytest.raises(OverflowError):
            period.add_to(date(9999, 6, 1))
