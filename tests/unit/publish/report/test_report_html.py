"""report.html: it loads nothing, runs nothing, says the worst first, and can be heard as well as seen."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import html_report
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import audits, histories, large, packs
from tests.unit.publish.report.histories import Night


def page(audit: Audit, history: FindingHistory | None = None) -> str:
    return html_report.render(make_view(audit, history or FindingHistory())).decode()


def text(audit: Audit, history: FindingHistory | None = None) -> str:
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
    order = (
        "verdict worst-title scope-title not-audited failed to-review passed not-applicable coverage policy conflicts"
    )
    places = [told.index(f' id="{mark}"') for mark in [*order.split(), "limits", "method", "stores"]]
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


def section(audit: Audit, name: str) -> str:
    """A section of the page in words."""
    found = re.search(f'<section id="{name}".*?</section>', page(audit), re.DOTALL)
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", found[0])) if found else ""


def test_first_screen_has_two_verdicts_and_counts_what_nothing_answers() -> None:
    first = text(packs.packs()).split("To read first")[0]
    assert "The policy ✕ failed 2 of 12 promises broken, 2 not audited" in first
    assert "The law ✕ failed 1 of 2 rules broken" in first
    assert "∅ 1 gap 1 clause has neither a verdict nor a stated reason." in first
    assert "18 clauses: 2 not audited, 9 checked" in first
    assert "The law none of its rules is computed" in text(audits.broken())


def test_verdicts_of_a_part_say_that_they_are_of_a_part() -> None:
    assert "Only part was asked for" in text(replace(packs.packs(), whole=False))
    assert "Only part was asked for" not in text(packs.packs())


def test_the_worst_are_three_promises_and_not_three_tables_of_one() -> None:
    audit = audits.broken()
    app, *others = audit.stores
    failing = next(check for check in app.checks if check.control == "GEO-1")
    more = tuple(replace(failing, id=f"app/app.t{n}/GEO-1", table=f"app.t{n}") for n in range(5))
    first = text(replace(audit, stores=(replace(app, checks=(*app.checks, *more)), *others)))
    worst = first.split("To read first")[1].split("What this audit is about")[0]
    assert worst.count("only after the person consented") == 1
    assert "and 5 more checks" in worst
    assert "Nobody under 15" in worst


def test_policy_and_law_are_told_where_they_part() -> None:
    told = section(packs.packs(), "parted")
    assert "Kept by the policy, broken by the law" in told
    assert "✓ passed DSR-3" in told
    assert "✕ failed LAW-DSR-3 , 18 rows" in told
    assert "DSR-8" not in told, "it does not differ"
    assert not section(audits.broken(), "parted")


def test_the_law_is_told_with_its_article_and_who_read_it_there() -> None:
    told = section(packs.packs(), "law")
    assert "Regulation (EU) 2016/679, art. 12(3)" in told
    assert "read on 2 November 2026 by Data protection" in told
    assert "beside rights.response_time" in told
    assert not section(audits.broken(), "law")


def test_a_broken_rule_of_the_law_is_called_one() -> None:
    told = section(packs.packs(), "failed")
    assert told.startswith(" Broken promises and rules")
    assert "18 rows break this rule" in told
    assert "It stands beside the privacy policy" in told


def test_a_conflict_shows_what_it_comes_to_tonight() -> None:
    told = section(packs.packs(), "conflicts")
    first = told.split("G2")[0]
    assert "✓ passed DSR-3" in first
    assert "✕ failed LAW-DSR-3" in first
    assert "18 rows in breach" in first
    assert "Tonight" not in told.split("G2")[1]


def test_what_is_attested_is_not_told_among_what_was_seen() -> None:
    told = section(packs.packs(), "passed")
    seen, attested = told.split("Attested, and seen by no audit")
    assert "SEC-4" not in seen
    assert "10 January 2027" in attested
    assert "Attested by Ida Roth" in attested
    assert "1 rests on somebody\u2019s word" in text(packs.packs())


@pytest.mark.parametrize(
    "said",
    [
        "✎ attested until 10 January 2027",
        "? to review attested until 31 October 2026",
        "Gap: nothing answers this clause, and nobody says why.",
        "Gap: The register of processing purposes is not yet read by the audit.",
        "Not checkable, because: No database can show what was possible.",
        "Information. It says where to write.",
        "Not in force. None of its controls is in force on this day: HLD-1 from 1 January 2027.",
        "\u2013 not applicable signed",
        "in store app",
    ],
)
def test_the_table_of_clauses_says(said: str) -> None:
    assert said in section(packs.packs(), "coverage")


def test_a_large_night_stays_short() -> None:
    told = page(large.large())
    assert len(told.encode()) < 700_000
    contents = told.split('<nav class="contents"')[1].split("</nav>")[0]
    assert contents.count("<a ") < 40
    passed = told.split('<section id="passed"')[1].split("</section>")[0]
    assert passed.count("<details") < passed.count("<tr id=")
