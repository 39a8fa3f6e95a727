"""The chart of the nights: one expected drawing, and what must hold for any counts.

After a wanted change:
`REGENERATE_REPORTS=1 pytest tests/unit/publish/report/test_trend_chart.py`, then look at the drawing.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import CheckCount
from privacy_audit.publish.report import trend_chart
from privacy_audit.view.make_view import make_chart

PARIS = ZoneInfo("Europe/Paris")
TONIGHT = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
EXPECTED = Path(__file__).parent / "trend_chart.svg"
MISSING = -1
"""A night of which no audit is on file. None is a night that could not look."""

STOPPED = [0, 0, None, None, 0, 0, MISSING, 0, 0, 1_700, 3_400, 5_100, None, 8_500]


def history(*counts: int | None) -> list[CheckCount]:
    """One point per count, a night each, the last one tonight."""
    days = (TONIGHT - timedelta(days=ago) for ago in reversed(range(len(counts))))
    return [
        CheckCount(as_of, Outcome.NOT_AUDITED if rows is None else Outcome.FAIL if rows else Outcome.PASS, rows)
        for as_of, rows in zip(days, counts, strict=True)
        if rows != MISSING
    ]


COUNTS = st.lists(
    st.one_of(st.none(), st.just(MISSING), st.just(0), st.integers(1, 9), st.integers(1, 10**9)), max_size=90
)
HISTORIES = COUNTS.map(lambda counts: history(*counts)).filter(len)


def drawn(points: list[CheckCount]) -> ElementTree.Element:
    return ElementTree.fromstring(trend_chart.svg(make_chart(points, PARIS), "k"))  # noqa: S314 - our own


def bars(drawing: ElementTree.Element) -> list[tuple[float, ...]]:
    """Left, foot, height and width of each bar."""
    ways = [path.get("d", "") for path in drawing.iter("path") if path.get("class") == "trend-bar"]
    return [tuple(map(float, bar)) for way in ways for bar in re.findall(r"M(\S+) (\S+?)v-(\S+?)h(\S+?)V\2z", way)]


def gaps(drawing: ElementTree.Element) -> list[tuple[float, float]]:
    """Left edge and width of each hatched band; the sample below the axis is none."""
    bands = [box for box in drawing.iter("rect") if box.get("class") == "trend-gap"][:-1]
    return [(float(band.get("x", "")), float(band.get("width", ""))) for band in bands]


def texts(drawing: ElementTree.Element) -> list[str]:
    return [(text.text or "").replace("\u202f", " ") for text in drawing.iter("text")]


def words(*counts: int | None) -> str:
    return trend_chart.in_words(make_chart(history(*counts), PARIS)).replace("\u202f", " ")


def test_the_whole_drawing() -> None:
    told = str(trend_chart.svg(make_chart(history(*STOPPED), PARIS), "check-1-nights")) + "\n"
    if os.environ.get("REGENERATE_REPORTS"):
        EXPECTED.write_text(told, "utf-8")
        pytest.fail(f"wrote {EXPECTED.name}; look at it")
    assert told == EXPECTED.read_text("utf-8")


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([12], "On 24 November 2026: at most 12 rows in breach, reached on 24 November 2026; tonight 12 rows."),
        ([0], "On 24 November 2026: no row in breach on any night that looked; tonight 0 rows."),
        ([None], "On 24 November 2026: not audited."),
        ([None, MISSING, None], "From 22 November 2026 to 24 November 2026: not audited."),
        (
            [4, 4, 1],
            "From 22 November 2026 to 24 November 2026: at most 4 rows in breach, "
            "reached in November 2026; tonight 1 row.",
        ),
        (
            STOPPED,
            "From 11 November 2026 to 24 November 2026: at most 8 500 rows in breach, reached on 24 November 2026; "
            "tonight 8 500 rows; not audited on 4 of 14 nights.",
        ),
        (
            [1_000, 9_000, None],
            "From 22 November 2026 to 24 November 2026: at most 9 000 rows in breach, reached on 23 November 2026; "
            "tonight not audited; not audited on 1 of 3 nights.",
        ),
    ],
)
def test_the_chart_in_words(counts: list[int | None], told: str) -> None:
    assert words(*counts) == told


def test_the_first_and_the_last_day_the_most_and_tonight_are_written_on_it() -> None:
    assert texts(drawn(history(*STOPPED[:-1], 12))) == [
        "not audited",
        "most: 5 100",
        "11 November 2026",
        "24 November 2026",
        "12",
        "tonight",
    ]


def test_the_only_day_is_written_once() -> None:
    assert texts(drawn(history(7))) == ["most: 7", "24 November 2026", "7", "tonight"]


def test_a_night_that_could_not_look_is_no_night_without_rows() -> None:
    clean, blind = drawn(history(7, 0, 7)), drawn(history(7, None, 7))
    assert (gaps(clean), gaps(blind)) == ([], [(104, 104)])
    assert "not audited" not in texts(clean)
    assert texts(drawn(history(7, None)))[-2:] == ["not audited", "tonight"]


def test_a_night_of_which_nothing_is_on_file_keeps_its_place() -> None:
    assert trend_chart.svg(make_chart(history(7, MISSING, 7), PARIS), "k") == trend_chart.svg(
        make_chart(history(7, None, 7), PARIS), "k"
    )


def test_one_row_can_be_seen_beside_a_million() -> None:
    (_, _, low, _), (_, _, high, _) = bars(drawn(history(1, 1_000_000)))
    assert (low, high) == (1.5, 96)


def test_without_any_night_nothing_is_drawn() -> None:
    assert (trend_chart.svg(make_chart([], PARIS), "k"), trend_chart.sparkline(make_chart([], PARIS))) == ("", "")
    assert trend_chart.in_words(make_chart([], PARIS)) == "No night is on file."


def test_it_is_heard_as_a_picture_with_a_name_and_words() -> None:
    drawing = drawn(history(*STOPPED))
    named = {one.get("id"): one.text for one in drawing if one.tag in ("title", "desc")}
    assert drawing.get("role") == "img"
    assert drawing.get("aria-labelledby", "").split() == list(named)
    assert list(named.values()) == [
        "Rows in breach, night by night",
        trend_chart.in_words(make_chart(history(*STOPPED), PARIS)),
    ]


def test_a_key_cannot_leave_its_attribute() -> None:
    hostile = '"><script>alert(1)</script>'
    drawing = ElementTree.fromstring(trend_chart.svg(make_chart(history(7, None), PARIS), hostile))  # noqa: S314 - our own
    assert not [one for one in drawing.iter() if one.tag == "script"]
    assert drawing[0].get("id") == f"{hostile}-title"


def test_each_class_of_the_drawings_has_a_style() -> None:
    style = (Path(trend_chart.__file__).parent / "templates" / "trend.css").read_text("utf-8")
    both = trend_chart.svg(make_chart(history(*STOPPED), PARIS), "k") + trend_chart.sparkline(
        make_chart(history(*STOPPED), PARIS)
    )
    used = {name for names in re.findall(r'class="([^"]+)"', both) for name in names.split()}
    assert used == set(re.findall(r"\.([a-z][a-z-]+)", style))


@given(HISTORIES)
def test_any_history_is_drawn_within_its_frame(points: list[CheckCount]) -> None:
    drawing = drawn(points)
    _, _, width, height = map(float, drawing.get("viewBox", "").split())
    for left, foot, tall, wide in bars(drawing):
        assert 0 <= left <= left + wide <= 312.01 < width
        assert 20 <= foot - tall + 0.01 <= foot <= height
    for text in drawing.iter("text"):
        assert 0 <= float(text.get("x", "")) <= width
        assert 10 <= float(text.get("y", "")) <= height


@given(HISTORIES)
def test_each_night_with_rows_has_a_bar_and_no_bar_stands_in_a_gap(points: list[CheckCount]) -> None:
    drawing = drawn(points)
    found = bars(drawing)
    assert len(found) == sum(1 for one in points if one.violating)
    middles = [left + width / 2 for left, _, _, width in found]
    assert not [m for m in middles for left, width in gaps(drawing) if left < m < left + width]
    counts = [one.violating for one in points if one.violating]
    for (_, _, tall, _), rows in zip(found, counts, strict=True):
        assert tall == pytest.approx(max(1.5, 96 * rows / max(counts)), abs=0.01)


@given(HISTORIES)
def test_any_drawing_is_sound_and_carries_no_style_of_its_own(points: list[CheckCount]) -> None:
    for told in (trend_chart.svg(make_chart(points, PARIS), "k"), trend_chart.sparkline(make_chart(points, PARIS))):
        ElementTree.fromstring(told)  # noqa: S314 - our own
        assert not re.search(r"style=|nan|inf\b|None|e[+-]\d|href|script", told)


@given(HISTORIES)
def test_a_sparkline_says_what_the_chart_says(points: list[CheckCount]) -> None:
    small = ElementTree.fromstring(trend_chart.sparkline(make_chart(points, PARIS)))  # noqa: S314 - our own
    assert (small.get("viewBox"), small.get("role")) == ("0 0 120 24", "img")
    assert small.get("aria-label") == trend_chart.in_words(make_chart(points, PARIS))
    assert len(bars(small)) == sum(1 for one in points if one.violating)
    assert all(0 <= left <= left + width <= 120.01 for left, _, _, width in bars(small))
