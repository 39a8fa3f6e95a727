"""What counts show over the nights: a table of histories, and what must hold for every history."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.disclosure import SMALL_COUNT
from privacy_audit.findings.finding_state import CheckCount
from privacy_audit.findings.trends import Trend, TrendDirection, nights, sentences, trend

PARIS = ZoneInfo("Europe/Paris")
TONIGHT = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
"""01:15 in Paris."""
TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
MISSING = "-"
"""A night of which no audit is on file. None is a night that could not look."""

Count = int | str | None


def point(as_of: datetime, rows: int | None, undecidable: int = 0) -> CheckCount:
    """What the audit of that instant counted."""
    if rows is None:
        return CheckCount(as_of, Outcome.NOT_AUDITED)
    outcome = Outcome.FAIL if rows else Outcome.REVIEW if undecidable else Outcome.PASS
    return CheckCount(as_of, outcome, rows, undecidable, 0, 100_000)


def history(*counts: Count) -> list[CheckCount]:
    """One point per count, a night each, the last one tonight."""
    days = (TONIGHT - DAY * ago for ago in reversed(range(len(counts))))
    return [
        point(as_of, None if count is None else int(count))
        for as_of, count in zip(days, counts, strict=True)
        if count != MISSING
    ]


def oldest(points: Sequence[CheckCount], *days: int) -> list[CheckCount]:
    """The same, the oldest breach of each on that day of November 2026."""
    return [replace(one, overdue_since=date(2026, 11, day)) for one, day in zip(points, days, strict=True)]


def shown(points: Sequence[CheckCount]) -> Trend:
    return trend(points, PARIS, TODAY)


def nov(day: int) -> date:
    return date(2026, 11, day)


def plain(told: Sequence[str]) -> list[str]:
    """The sentences with common spaces."""
    return [sentence.replace("\u202f", " ") for sentence in told]


@dataclass(frozen=True)
class Case:
    """A history, and what it shows."""

    points: list[CheckCount]
    verdict: TrendDirection
    told: tuple[str, ...]
    """Under a control that promises deletion."""
    last_worked: date | None = None
    per_night: float | None = None
    empty_by: date | None = None


NO_PURGE = "the purge did not run, or it ran and deleted nothing."
NOT_YET = "It cannot be told yet whether rows go."

CASES = {
    "no night at all": Case([], TrendDirection.UNKNOWN, ("Nobody could look on any night that is on file.",)),
    "first night, clean": Case(
        history(0), TrendDirection.KEPT_UP, ("No row is in breach tonight.", "No night before tonight is on file.")
    ),
    "first night, in breach": Case(history(12), TrendDirection.UNKNOWN, ("No night before tonight is on file.",)),
    "first night, nobody could look": Case(
        history(None), TrendDirection.UNKNOWN, ("Nobody could look on any night that is on file.",)
    ),
    "first night that looked": Case(
        history(None, MISSING, 12),
        TrendDirection.UNKNOWN,
        ("Nobody could look on any night before tonight that is on file.",),
    ),
    "first night that looked, clean": Case(
        history(None, None, 0),
        TrendDirection.KEPT_UP,
        ("No row is in breach tonight.", "Nobody could look on any night before tonight that is on file."),
    ),
    "always clean": Case(
        history(0, 0, None, 0),
        TrendDirection.KEPT_UP,
        ("No row was found in breach on any of the 3 nights that looked.",),
    ),
    "resolved tonight": Case(
        history(5_000, 5_000, 0),
        TrendDirection.KEPT_UP,
        ("No row is in breach tonight; rows last went on 24 November 2026.",),
        last_worked=nov(24),
    ),
    "resolved over a gap": Case(
        history(5_000, None, MISSING, 0, 0),
        TrendDirection.KEPT_UP,
        ("No row is in breach tonight; rows last went on or before 23 November 2026.",),
        last_worked=nov(23),
    ),
    "the purge stopped, nothing was in breach before": Case(
        history(*[0] * 60, 1_700, 3_400, 5_100, 6_800),
        TrendDirection.IDLE,
        (
            "No row was found in breach on 20 November 2026; since then rows fall due, "
            "about 1 700 each night on average.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        per_night=1_700,
    ),
    "the purge stopped, with a backlog": Case(
        history(9_000, 8_000, 9_713, 11_426, 13_139),
        TrendDirection.IDLE,
        (
            "The purge last worked on 21 November 2026; since then rows fall due, about 1 700 each night on average.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(21),
        per_night=1_713,
    ),
    "a stopped purge and nights without an audit": Case(
        history(9_000, 8_000, None, 10_000, MISSING, MISSING, 13_000, 14_000),
        TrendDirection.IDLE,
        (
            "The purge last worked on 18 November 2026; since then rows fall due, about 1 000 each night on average.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(18),
        per_night=1_000,
    ),
    "the purge never worked": Case(
        history(100, 110, 120, 130, 140),
        TrendDirection.IDLE,
        (
            "Since 20 November 2026 rows fall due, about 10 each night on average.",
            f"As far as the counts show, no row has gone on the last 4 nights that looked: {NO_PURGE}",
        ),
        per_night=10,
    ),
    "nothing moves": Case(
        history(50, 40, 40, 40, 40),
        TrendDirection.IDLE,
        (
            "The purge last worked on 21 November 2026; since then the number of rows in breach stands still.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(21),
        per_night=0,
    ),
    "less than a row a night": Case(
        history(50, 40, 40, 40, 41),
        TrendDirection.IDLE,
        (
            "The purge last worked on 21 November 2026; since then rows fall due, less than one each night on average.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(21),
        per_night=1 / 3,
    ),
    "a row a night": Case(
        history(50, 40, 41, 42, 43),
        TrendDirection.IDLE,
        (
            "The purge last worked on 21 November 2026; since then rows fall due, about 1 each night on average.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(21),
        per_night=1,
    ),
    "few rows: by month": Case(
        history(4, 3, 3, 3, 3),
        TrendDirection.IDLE,
        (
            "The purge last worked in November 2026; since then the number of rows in breach stands still.",
            f"As far as the counts show, no row has gone on the last 3 nights that looked: {NO_PURGE}",
        ),
        last_worked=nov(21),
        per_night=0,
    ),
    "few rows over a gap: by month": Case(
        history(3, None, 0),
        TrendDirection.KEPT_UP,
        ("No row is in breach tonight; rows last went in or before November 2026.",),
        last_worked=nov(24),
    ),
    "a few nights after none was in breach": Case(
        history(0, 0, 1_700, 3_400),
        TrendDirection.UNKNOWN,
        (
            "No row was found in breach on 22 November 2026; since then rows fall due, "
            "about 1 700 each night on average.",
            NOT_YET,
        ),
        per_night=1_700,
    ),
    "a few nights on file": Case(
        history(100, 130, 160),
        TrendDirection.UNKNOWN,
        ("Since 22 November 2026 rows fall due, about 30 each night on average.", NOT_YET),
        per_night=30,
    ),
    "back after it was resolved": Case(
        history(900, 900, 0, 500),
        TrendDirection.UNKNOWN,
        (
            "No row was found in breach on 23 November 2026; since then rows fall due, "
            "about 500 each night on average.",
            NOT_YET,
        ),
        last_worked=nov(23),
        per_night=500,
    ),
    "a backlog worked off": Case(
        history(21_000, 19_700, 18_400, 17_100, 15_800, 14_500, 13_200, 12_000),
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 1 300 each night on average since 17 November 2026.",
            "At this rate the backlog of 12 000 rows is empty by 4 December 2026.",
        ),
        last_worked=TODAY,
        empty_by=date(2026, 12, 4),
    ),
    "a backlog worked off, with gaps": Case(
        history(1_600, MISSING, None, 1_300, None, None, None, 900),
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 100 each night on average since 17 November 2026.",
            "At this rate the backlog of 900 rows is empty by 3 December 2026.",
        ),
        last_worked=TODAY,
        empty_by=date(2026, 12, 3),
    ),
    "a few rows worked off: by month": Case(
        history(9, 3),
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 6 each night on average since November 2026.",
            "At this rate the backlog of 3 rows is empty by November 2026.",
        ),
        last_worked=TODAY,
        empty_by=nov(25),
    ),
    "a backlog that outlives everybody": Case(
        history(1_000_007, 1_000_007, 1_000_007, 1_000_000),
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 2 each night on average since 21 November 2026.",
            "At this rate the backlog of 1 000 000 rows is not empty within 10 years.",
        ),
        last_worked=TODAY,
    ),
    "a week is not measured against what was settled in it": Case(
        history(20_000, 0, 1_700, 1_600),
        TrendDirection.BEHIND,
        ("Rows go, but more fall due than go: the backlog is 1 600 rows, 1 600 more than on 22 November 2026.",),
        last_worked=TODAY,
    ),
    "one purge, then growth: no day by which it is empty": Case(
        history(20_000, 20_000, 50, 1_750),
        TrendDirection.BEHIND,
        (
            "Rows go, but more fall due than go: the backlog is 1 750 rows, 1 700 more than on the night before "
            "that looked.",
        ),
        last_worked=nov(23),
        per_night=1_700,
    ),
    "more fall due than go": Case(
        oldest(history(12_000, 12_200, 12_500), 1, 2, 3),
        TrendDirection.BEHIND,
        ("Rows go, but more fall due than go: the backlog is 12 500 rows, 500 more than on 22 November 2026.",),
        last_worked=TODAY,
    ),
    "more fall due than go, and nobody looked for a week": Case(
        oldest(history(500, *[MISSING] * 8, 700), 1, 2),
        TrendDirection.BEHIND,
        (
            "Rows go, but more fall due than go: the backlog is 700 rows, 200 more than on the night before "
            "that looked.",
        ),
        last_worked=TODAY,
    ),
    "as many fall due as go": Case(
        oldest(history(12_000, 12_000, 12_000), 1, 2, 3),
        TrendDirection.BEHIND,
        ("Rows go, but as many fall due: the backlog of 12 000 rows does not shrink.",),
        last_worked=TODAY,
    ),
    "a night of growth in a backlog worked off": Case(
        oldest(history(15_000, 12_000, 12_300), 1, 2, 3),
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 1 400 each night on average since 22 November 2026.",
            "At this rate the backlog of 12 300 rows is empty by 4 December 2026.",
        ),
        last_worked=TODAY,
        empty_by=date(2026, 12, 4),
    ),
    "nobody could look tonight": Case(
        history(0, 1_700, 3_400, None),
        TrendDirection.UNKNOWN,
        ("Nobody could look tonight; the last night that looked found 3 400 rows in breach, on 23 November 2026.",),
        per_night=1_700,
    ),
    "nobody could look tonight, few rows": Case(
        history(1, MISSING),
        TrendDirection.UNKNOWN,
        ("Nobody could look tonight; the last night that looked found 1 row in breach, in November 2026.",),
    ),
    "rows that came under a legal hold did not go": Case(
        [*history(900, 900, 900, 900, MISSING), replace(history(700)[0], held=200)],
        TrendDirection.UNKNOWN,
        (NOT_YET,),
    ),
    "more went than came under a legal hold": Case(
        [*history(900, MISSING), replace(history(600)[0], held=200)],
        TrendDirection.SHRINKING,
        (
            "Rows go faster than they fall due: by about 300 each night on average since 23 November 2026.",
            "At this rate the backlog of 600 rows is empty by 26 November 2026.",
        ),
        last_worked=TODAY,
        empty_by=nov(26),
    ),
    "the oldest rows came under a legal hold": Case(
        [*oldest(history(900, MISSING), 1), *oldest([replace(history(900)[0], held=200)], 9)],
        TrendDirection.UNKNOWN,
        (NOT_YET,),
    ),
    "rows that can no longer be decided did not go": Case(
        [*history(900, MISSING), point(TONIGHT, 0, undecidable=900)],
        TrendDirection.UNKNOWN,
        ("No row is known to be in breach tonight, but the check is to review: unknown is not taken for kept.",),
    ),
    "a table that is empty although it is in use": Case(
        [replace(history(0)[0], outcome=Outcome.REVIEW, population=0)],
        TrendDirection.UNKNOWN,
        ("No row is known to be in breach tonight, but the check is to review: unknown is not taken for kept.",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_history(case: Case) -> None:
    found = shown(case.points)
    assert plain(sentences(found, purge=True)) == list(case.told)
    assert (found.verdict, found.last_worked, found.empty_by) == (case.verdict, case.last_worked, case.empty_by)
    assert found.per_night == case.per_night


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_purge_is_named_only_where_deletion_is_promised(case: Case) -> None:
    told = " ".join(sentences(shown(case.points), purge=False))
    assert "purge" not in told
    assert "fall due" not in told


def test_what_makes_rows_go_has_no_name_under_other_controls() -> None:
    told = sentences(shown(CASES["the purge stopped, with a backlog"].points), purge=False)
    assert plain(told) == [
        "Rows last went on 21 November 2026; since then rows are added, about 1 700 each night on average.",
        "As far as the counts show, no row has gone on the last 3 nights that looked.",
    ]


def test_every_verdict_is_in_the_table() -> None:
    assert {case.verdict for case in CASES.values()} == set(TrendDirection)


def test_tonight_is_held_against_the_night_before_and_a_week_ago() -> None:
    found = shown(history(100, 0, 0, 0, 0, 250, None, 300))
    assert (found.backlog, found.change, found.change_in_a_week) == (300, 50, 200)


def test_what_is_unknown_has_no_difference() -> None:
    for points in (history(300, None), history(100, *[MISSING] * 5, None), history(None, 300), []):
        found = shown(points)
        assert (found.change, found.change_in_a_week) == (None, None)


def test_a_week_ago_is_that_night_and_no_other() -> None:
    assert shown(history(100, None, 200, 200, 200, 200, 200, 200, 200)).change_in_a_week is None


def test_few_rows_are_some_rows() -> None:
    counts = {(0, 0): False, (0, 1): True, (9, 4, 0): True, (9, 4, None): True, (1, 5): False, (5, 0): False}
    assert {rows: shown(history(*rows)).small for rows in counts} == counts


def test_a_night_is_a_civil_day_in_the_zone_of_the_policy() -> None:
    """01:15 in Paris is the day before in UTC until the clocks go back, on 25 October 2026; no day is missed for it."""
    instants = (datetime(2026, 10, day, 1, 15, tzinfo=PARIS).astimezone(UTC) for day in (24, 25, 26))
    shown_nights = nights([point(as_of, 7) for as_of in instants], PARIS, date(2026, 10, 26))
    assert [(night.day.day, night.rows) for night in shown_nights] == [(24, 7), (25, 7), (26, 7)]


def test_what_was_counted_after_tonight_is_left_out() -> None:
    late = point(TONIGHT + 3 * DAY, 9)
    assert shown([*history(5, 6), late]) == shown(history(5, 6))


def test_a_trend_is_frozen() -> None:
    found = shown(history(5))
    for field in fields(found):
        with pytest.raises(AttributeError):
            setattr(found, field.name, None)


COUNTS = st.lists(
    st.one_of(st.just(MISSING), st.none(), st.just(0), st.integers(0, 9), st.integers(0, 10**7)), max_size=90
)


@st.composite
def histories(draw: st.DrawFn) -> list[CheckCount]:
    """Up to 90 nights of any counts, holds and oldest breaches."""
    small = st.integers(0, 50)
    return [
        replace(
            one,
            undecidable=draw(small) if one.violating is not None else None,
            held=draw(small) if one.violating is not None else None,
            overdue_since=TODAY - DAY * draw(small) if one.violating else None,
        )
        for one in history(*draw(COUNTS))
    ]


@given(histories())
def test_of_any_history_no_more_is_claimed_than_it_shows(points: list[CheckCount]) -> None:
    found = shown(points)
    looked = [night for night in found.nights if night.rows is not None]
    assert found == shown(points)
    assert (found.verdict is TrendDirection.KEPT_UP) <= (found.backlog == 0)
    assert (found.backlog is None) <= (found.verdict is TrendDirection.UNKNOWN)
    assert (found.empty_by is not None) <= (found.verdict is TrendDirection.SHRINKING)
    assert found.empty_by is None or TODAY < found.empty_by <= TODAY + 3652 * DAY
    assert (found.falling_per_night is not None) == (found.verdict is TrendDirection.SHRINKING)
    assert found.falling_per_night is None or found.falling_per_night > 0
    assert found.per_night is None or (found.per_night >= 0 and math.isfinite(found.per_night))
    assert {found.last_worked, found.since, found.week_from} - {None} <= {night.day for night in looked}
    assert (found.last_worked or date.min) <= (found.since or date.max)
    assert found.last_worked is None or found.last_worked > looked[0].day


@given(histories(), st.booleans())
def test_of_any_history_there_is_something_to_say(points: list[CheckCount], purge: bool) -> None:
    told = sentences(shown(points), purge=purge)
    assert told
    assert all(sentence[0].isupper() and sentence.endswith(".") and "None" not in sentence for sentence in told)


@given(histories())
def test_the_dates_of_few_rows_are_told_by_month(points: list[CheckCount]) -> None:
    last = next((one.violating for one in reversed(points) if one.violating), 0)
    if 0 < last < SMALL_COUNT:
        assert not re.search(r"\d [A-Z][a-z]+ 2\d{3}", " ".join(sentences(shown(points), purge=True)))


@given(histories())
def test_a_night_on_which_nobody_looked_is_as_one_that_is_not_on_file(points: list[CheckCount]) -> None:
    found, without = shown(points), shown([one for one in points if one.violating is not None])
    shared = [field.name for field in fields(Trend) if field.name != "nights"]
    assert [getattr(found, name) for name in shared] == [getattr(without, name) for name in shared]


@given(st.lists(st.integers(0, 5_000), min_size=3, max_size=89), st.data())
def test_a_gap_makes_no_rate_smaller(steps: list[int], data: st.DataObject) -> None:
    """Rows only fall due: whichever nights between the first and the last could not look, the mean is the same."""
    counts: list[Count] = [1 + sum(steps[: place + 1]) for place in range(len(steps))]
    blind = data.draw(st.sets(st.integers(1, len(steps) - 2)))
    gaps = [None if place in blind else count for place, count in enumerate(counts)]
    assert shown(history(*gaps)).per_night == shown(history(*counts)).per_night


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(2, 8))
def test_at_the_rate_of_a_steady_backlog_it_is_empty_no_sooner_than_it_can_be(rows: int, rate: int, known: int) -> None:
    found = shown(history(*[rows + rate * ago for ago in reversed(range(known))]))
    assert found.verdict is TrendDirection.SHRINKING
    left = -(-rows // rate)
    assert found.empty_by == (TODAY + left * DAY if left <= 3652 else None)
