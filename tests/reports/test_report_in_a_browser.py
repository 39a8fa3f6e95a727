"""A report with every stage of a finding's life, opened in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import browser
from tests.browser import Page
from tests.reports import histories

from privacy_audit.reports import html

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser.opened(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_bytes(html.render(*histories.NIGHTS["lively"]()))
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 800, 500])
def test_shows_itself_whole_and_nothing_sticks_out(page: Page, report: str, width: int) -> None:
    page.open(report, width)
    assert (page.complaints, page.fetched, page.overflow) == ([], [], [])


def test_the_first_screen_holds_the_news_and_what_to_read_first(page: Page, report: str) -> None:
    page.open(report)
    ends = page.runs(
        "return [...document.querySelectorAll('.tonight li, .worst li')].map(it => it.getBoundingClientRect().bottom)"
    )
    assert len(ends) == 7 + 3
    assert max(ends) < 800


def test_the_news_lead_to_where_they_are_told(page: Page, report: str) -> None:
    for place, said in (("changes", "New"), ("resolved", "Good news"), ("due", "overdue"), ("waived", "Rows allowed")):
        page.open(report)
        page.click(f".tonight a[href='#{place}']")
        assert said in page.runs("return document.querySelector(':target').innerText")
