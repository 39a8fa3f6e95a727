"""The report and the Data Docs of a real night, opened in a real browser as compliance opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import browser
from tests.browser import Page
from tests.night import Night

pytestmark = pytest.mark.slow

WIDTHS = (1280, 800, 500)
"""A desk, a tablet, and as narrow as headless Chromium goes: about a telephone."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser.opened(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def pages(real_night: Night) -> dict[str, Path]:
    """The report, the index of the Data Docs, the page of clauses, and each suite's page."""
    docs = (real_night.home / "data_docs").resolve()
    suites = {path.stem: path for path in sorted(docs.rglob("*.html")) if path.name != "index.html"}
    assert len(suites) > 20
    return {"report": real_night.report / "report.html", "index": docs / "index.html", **suites}


def test_every_page_shows_itself_whole_under_its_own_policy(page: Page, pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        page.open(path.as_uri())
        assert page.complaints == [], name
        assert page.fetched == [], name
        assert page.runs("return document.querySelectorAll('h1').length") == 1
        # Without its style a browser would give a serif at 32 pixels and no colour.
        assert page.runs("return getComputedStyle(document.body).fontFamily").startswith("system-ui"), name
        assert page.runs("return document.scripts.length") == 0, name


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_of_the_window(page: Page, pages: dict[str, Path], width: int) -> None:
    for name, path in pages.items():
        page.open(path.as_uri(), width)
        assert page.overflow == [], name


def test_what_to_read_first_is_on_the_first_screen_and_leads_to_its_card(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["report"].as_uri())
    ends = page.runs("return [...document.querySelectorAll('.worst li a')].map(a => a.getBoundingClientRect().bottom)")
    assert len(ends) == 3
    assert max(ends) < 800
    page.follow(".worst li a")
    assert "rows break this promise" in page.runs("return document.querySelector(':target').innerText")


def test_the_statement_for_the_engineer_opens_on_a_click(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["report"].as_uri())
    page.follow(".worst li a")
    page.click(":target > details > summary")
    visible = "return document.querySelector(':target .reproduce pre').checkVisibility({checkVisibilityCSS: true})"
    assert page.runs("return document.querySelector(':target .reproduce').open") is False
    page.click(":target .reproduce > summary")
    assert page.runs("return document.querySelector(':target .reproduce').open") is True
    assert page.runs(visible) is True
    assert "SELECT" in page.runs("return document.querySelector(':target .reproduce pre').innerText")


def test_the_table_of_clauses_is_the_same_in_report_and_data_docs(page: Page, pages: dict[str, Path]) -> None:
    rows = "return [...document.querySelectorAll('.matrix tr')].map(row => row.innerText)"
    page.open(pages["report"].as_uri())
    told = page.runs(rows)
    page.open(pages["coverage"].as_uri())
    assert page.runs(rows) == told
    assert len(told) > 48


def test_the_data_docs_lead_to_the_report_and_back_to_their_index(page: Page, pages: dict[str, Path]) -> None:
    page.open(pages["store-app.app.positions"].as_uri())
    page.follow("a[href*='report.html#']")
    assert page.address.startswith(pages["report"].as_uri())
    assert page.runs("return document.getElementById(location.hash.slice(1)) !== null")
    page.open(pages["store-app.app.positions"].as_uri())
    page.follow("a[href$='index.html']")
    assert page.address.endswith("index.html")


def test_pages_are_dark_for_whoever_prefers_that(page: Page, pages: dict[str, Path]) -> None:
    for name in ("report", "index", "coverage"):
        paper = {}
        for scheme in ("dark", "light"):
            page.prefers(scheme)
            page.open(pages[name].as_uri())
            paper[scheme] = page.runs("return getComputedStyle(document.body).backgroundColor")
        assert paper == {"dark": "rgb(20, 22, 26)", "light": "rgb(255, 255, 255)"}
