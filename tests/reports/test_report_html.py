"""report.html: it loads nothing, runs nothing, says the worst first, and can be heard as well as seen."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from tests.reports import audits, histories
from tests.reports.histories import Night

from privacy_audit.findings.standing import Chronicle
from privacy_audit.model import Audit, Outcome
from privacy_audit.reports import html


def page(audit: Audit, history: Chronicle | None = None) -> str:
    return html.render(audit, history or Chronicle()).decode()


def text(audit: Audit, history: Chronicle | None = None) -> str:
    """What the page says, without its markup."""
    body = page(audit, history).split("</style>")[1]
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", body))


class Outline(HTMLParser):
    """Ids, references to them, and levels of headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.levels: list[int] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if "id" in values:
            self.ids.append(values["id"])
        if values.get("href", "").startswith("#"):
            self.references.append(values["href"][1:])
        self.references += values.get("aria-labelledby", "").split()


def test_the_policy_of_the_page_admits_its_own_style_and_nothing_else() -> None:
    told = page(audits.broken())
    style = re.search(r"<style>(.*?)</style>", told, re.DOTALL)
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', told)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert " style=" not in told, "the policy would drop it"


@pytest.mark.parametrize("make", histories.NIGHTS.values(), ids=histories.NIGHTS)
def test_loads_nothing_and_runs_nothing(make: Night) -> None:
    told = page(*make())
    outline = Outline(told)
    assert not {"script", "iframe", "object", "embed", "form", "img", "base"} & set(outline.tags)
    assert "://" not in told
    assert not re.search(r"url\((?!#)", told), "what is drawn is drawn by the page itself"
    assert "@import" not in told


@pytest.mark.parametrize("make", histories.NIGHTS.values(), ids=histories.NIGHTS)
def test_every_reference_leads_somewhere_and_no_heading_level_is_skipped(make: Night) -> None:
    outline = Outline(page(*make()))
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.references) <= set(outline.ids)
    assert outline.levels.count(1) == 1
    main = outline.levels[outline.levels.index(1) :]
    assert all(after - before <= 1 for before, after in pairwise(main))
    assert outline.tags.count("caption") == outline.tags.count("table")


def test_order_of_sections() -> None:
    told = page(audits.broken())
    order = "verdict worst-title scope-title not-audited failed to-review passed not-applicable policy conflicts limits"
    places = [told.index(f' id="{mark}"') for mark in [*order.split(), "method", "stores"]]
    assert places == sorted(places)


def test_failures_are_told_by_severity_then_by_rows() -> None:
    told = page(audits.broken()).split('<section id="failed"')[1].split('<section id="to-review"')[0]
    controls = re.findall(r"</span> <b>([A-Z]+-\d)</b>", told)
    assert controls == ["GEO-1", "MIN-1", "RET-3", "RET-4"]
    assert re.findall(r'<h3 class="level">(\w+)', told) == ["Critical", "High", "Medium"]


def test_first_screen_says_what_is_not_known_and_the_three_worst() -> None:
    first = text(audits.broken()).split("What this audit is about")[0]
    assert "Promises are broken: 4 of 13 checks failed" in first
    assert "1 store could not be read at all: Archive." in first
    assert "1 further check could not be carried out." in first
    worst = first.split("To read first")[1]
    titles = ["only after the person consented", "Nobody under 15", "deleted 2 months after"]
    assert [title for title in titles if title in worst] == titles


def test_a_failure_tells_all_that_closes_it() -> None:
    card = text(audits.broken()).split("High 1 check")[1].split("Medium 1 check")[0]
    for said in (
        "Geolocation data retained for a maximum of 2 months.",
        "GDPR art. 5(1)(e)",
        "12\u202f290 rows break this promise, and concern 1\u202f377 persons.",
        "2 March 2025",
        "23 September 2026",
        "4 May 2025 for 569 days",
        "7 held rows were already overdue when the hold began.",
        "Run the purge of app.positions",
        "&#34;recorded_at&#34; &lt; TIMESTAMPTZ",
        "app/app.positions/RET-3",
    ):
        assert said in card


def test_dates_of_single_rows_are_given_by_month() -> None:
    told = page(audits.broken())
    assert "February 2026" in told
    assert "11 February 2026" not in told
    assert "2026-02-11" not in told
    assert ">November 2026<" in told
    assert ">1 November 2026" not in told


def test_estimates_are_labelled() -> None:
    told = text(audits.broken())
    assert "about 91\u202f000\u202f000, planner\u2019s estimate" in told
    assert "about 1\u202f204\u202f003, planner\u2019s estimate" in told


def test_gaps_of_the_policy_are_said() -> None:
    told = text(audits.broken())
    assert "Not yet automated: a gap. The register of processing purposes is not yet read by the audit." in told
    assert "Not checkable. No database can show what was possible." in told
    assert "not in force HLD-1" in told


@pytest.mark.parametrize("make", histories.NIGHTS.values(), ids=histories.NIGHTS)
def test_never_says_that_the_company_complies(make: Night) -> None:
    audit, history = make()
    told = text(replace(audit, policy=audits.POLICY), history)
    assert not re.search(r"\bcomplian(t|ce)\b", told, re.IGNORECASE)


def test_success_promises_no_more_than_was_looked_at() -> None:
    told = text(audits.clean())
    assert "No nonconformity was found in what was audited" in told
    assert "Everything that the store maps name was looked at." in told


def test_a_store_down_before_any_check_is_told() -> None:
    told = text(audits.nothing())
    assert "Nothing was audited" in told
    assert "The server of the archive does not answer" in told
    assert "Bring the store back" in told


def test_a_chart_can_be_heard() -> None:
    told = page(audits.broken())
    assert told.count('role="img"') == 4
    assert "up to a week: 912 rows; up to a month: 3\u202f204 rows; up to 3 months: 6\u202f801 rows" in told


def test_two_hundred_checks_stay_below_two_megabytes() -> None:
    audit = audits.broken()
    failing = next(check for check in audit.checks if check.control == "RET-3" and check.outcome is Outcome.FAIL)
    long = replace(failing, show_rows=failing.show_rows * 12)
    checks = tuple(replace(long, id=f"app/app.t{n}/RET-3", table=f"app.t{n}") for n in range(200))
    large = replace(audit, stores=(replace(audit.stores[0], checks=checks),))
    assert len(page(large).encode()) < 2_000_000
