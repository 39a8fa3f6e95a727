"""A report with every stage of a finding's life, opened in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy_audit.domain.audit import Audit
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import html_report
from privacy_audit.view.make_view import make_view
from tests import browser
from tests.browser import Page
from tests.unit.publish.report import histories, large, packs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser.opened(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_bytes(html_report.render(make_view(*histories.NIGHTS["lively"]())))
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
        page.follow(f".tonight a[href='#{place}']")
        assert said in page.runs("return document.querySelector(':target').innerText")


AUDITS = {"packs": packs.packs, "large": large.large}


@pytest.fixture(params=AUDITS)
def two_packs(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return _written(tmp_path, AUDITS[request.param]())


def _written(folder: Path, audit: Audit) -> str:
    path = folder / "report.html"
    path.write_bytes(html_report.render(make_view(audit, FindingHistory())))
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_two_packs_show_themselves_whole(page: Page, two_packs: str, width: int, scheme: str) -> None:
    page.prefers(scheme)
    page.open(two_packs, width)
    assert (page.complaints, page.fetched, page.overflow) == ([], [], [])
    page.prefers("light")


def test_two_verdicts_and_the_worst_three_are_on_the_first_screen(page: Page, two_packs: str) -> None:
    page.open(two_packs)
    ends = page.runs(
        "return [...document.querySelectorAll('.packs div, .clauses-told, .worst li')]"
        ".map(it => it.getBoundingClientRect().bottom)"
    )
    assert len(ends) == 2 + 1 + 3
    assert max(ends) < 800


CONTRAST = """
    const channels = text => text.match(/[0-9.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r / 255, g / 255, b / 255].map(
            it => it > .04045 ? ((it + .055) / 1.055) ** 2.4 : it / 12.92
        );
        return .2126 * x + .7152 * y + .0722 * z;
    };
    const behind = one => {
        const colour = channels(getComputedStyle(one).backgroundColor);
        if (colour.length === 3 || colour[3]) return colour;
        return one.parentElement ? behind(one.parentElement) : [255, 255, 255];
    };
    return [...document.querySelectorAll('.matrix td, .matrix th, .matrix .pill, .packs dd')]
        .filter(one => one.innerText.trim() && one.offsetHeight)
        .map(one => {
            const [a, b] = [light(channels(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
            return [one.className, one.innerText, (a + .05) / (b + .05)];
        }).filter(found => found[2] < 4.5);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_table_of_clauses_can_be_read(page: Page, two_packs: str, width: int, scheme: str) -> None:
    page.prefers(scheme)
    page.open(two_packs, width)
    tall = page.runs("return [...document.querySelectorAll('.matrix tbody tr')].map(it => it.offsetHeight)")
    assert max(tall) < (260 if width > 1000 else 320), "no column is squeezed until its words stand in a pile"
    small = page.runs(
        "return [...document.querySelectorAll('.matrix *')].filter(it => it.offsetHeight"
        " && parseFloat(getComputedStyle(it).fontSize) < 11.5).map(it => it.outerHTML)"
    )
    assert small == []
    assert page.runs(CONTRAST) == []
    seen = page.runs("return document.querySelector('.matrix').innerText")
    assert "We" in seen
    page.prefers("light")


def test_a_cell_leads_to_the_check_behind_it(page: Page, tmp_path: Path) -> None:
    page.open(_written(tmp_path, packs.packs()))
    page.follow(".matrix .cell.fail a")
    assert "3 rows" in page.runs("return document.querySelector(':target').innerText")
    page.follow(".matrix .cell.pass a")
    assert page.runs("return document.querySelector(':target').offsetHeight") > 0, "what holds it was opened"
