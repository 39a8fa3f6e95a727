"""What the pages of a real night say, and that they say it alone: nothing fetched, nothing run."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.data_docs import docs_site
from privacy_audit.publish.report import report_folder
from privacy_audit.view import coverage_matrix
from privacy_audit.view.make_view import make_view
from tests.unit.publish.data_docs.browsing import OUTSIDE, Page, Site
from tests.unit.publish.data_docs.conftest import Filed

WORDS = {
    Outcome.NOT_AUDITED: "not audited",
    Outcome.FAIL: "failed",
    Outcome.REVIEW: "to review",
    Outcome.PASS: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
OUTCOMES = {
    "shop/shop.positions/RET-3": Outcome.FAIL,
    "shop/shop.logs/RET-4": Outcome.FAIL,
    "shop/shop.cookies/RET-5": Outcome.PASS,
    "shop/shop.partner_cookies/RET-5": Outcome.REVIEW,
    "shop/shop.old_cookies/RET-5": Outcome.REVIEW,
    "shop/shop.devices/RET-4": Outcome.NOT_AUDITED,
    "shop/shop.visits/RET-3": Outcome.PASS,
    "shop/shop.visits/RET-4": Outcome.NOT_AUDITED,
    "shop/_store/RET-1": Outcome.NOT_APPLICABLE,
    "shop/_store/RET-2": Outcome.NOT_APPLICABLE,
    "shop/_store/GEO-1": Outcome.NOT_AUDITED,
}
"""What the engine says of the rows in shop.sql: these tests would prove little over another night."""


def anchor(check: CheckResult) -> str:
    return f"check-{check.fingerprint[:16]}"


def check(filed: Filed, name: str) -> CheckResult:
    return next(check for check in filed.audit.checks if check.id == name)


def card(night: Site, filed: Filed, name: str) -> str:
    """What the page of its suite says of a check."""
    found = check(filed, name)
    return night.suites[f"{found.store}.{found.table}"].within(anchor(found))


def test_the_night_is_what_these_tests_speak_of(filed: Filed) -> None:
    assert {check.id: check.outcome for check in filed.audit.stores[0].checks} == OUTCOMES
    assert filed.audit.stores[1].outcome is Outcome.NOT_AUDITED


def test_every_suite_that_was_run_has_a_page_and_no_other(night: Site, filed: Filed) -> None:
    counted = {f"{check.store}.{check.table}" for check in filed.audit.checks if check.tally}
    assert set(night.suites) == counted
    assert len(counted) == 6


def test_every_check_is_on_the_index_with_its_outcome(night: Site, filed: Filed) -> None:
    rows = re.split(r"<tr", night.index.source)
    for told in filed.audit.checks:
        own = [row for row in rows if told.sentence.replace("'", "&#39;") in row and f"<b>{told.control}</b>" in row]
        outcomes = {word for word in WORDS.values() for row in own if f"</span> {word}</span>" in row}
        assert WORDS[told.outcome] in outcomes, told.id


def test_every_check_is_on_the_page_of_its_suite(night: Site, filed: Filed) -> None:
    told = [check for check in filed.audit.checks if f"{check.store}.{check.table}" in night.suites]
    assert len(told) == 7
    for one in told:
        text = card(night, filed, one.id)
        assert one.sentence in text
        assert text.split(" ", 1)[1].startswith(WORDS[one.outcome])
        assert one.reason in text
        assert one.plan_reason in text


def test_a_page_quotes_the_policy_and_the_law(night: Site, filed: Filed) -> None:
    promised = filed.audit.policy.control("RET-3")
    text = card(night, filed, "shop/shop.positions/RET-3")
    assert promised.clauses
    assert promised.legal_basis
    for name in promised.clauses:
        assert filed.audit.policy.clause(name).quote in text
    for article in promised.legal_basis:
        assert article in text
    assert promised.severity.value.capitalize() in text


def test_a_broken_promise_is_told_in_words_and_numbers(night: Site, filed: Filed) -> None:
    text = card(night, filed, "shop/shop.positions/RET-3")
    assert "Positions are deleted 2 months after they were recorded." in text
    assert "7 rows break this promise." in text
    assert "Persons concerned 7" in text
    assert "In breach since 7 May 2026 for 201 days" in text
    assert "Oldest violation 6 March 2026" in text
    assert "7 violate it 1 held 1 cannot be decided not counted out of scope" in _numbers_first(text)
    assert "1 held row was already overdue when the hold began" in text
    assert "How to fix it Delete these rows of shop.positions" in text
    assert "owned by Shop team" in text


def _numbers_first(text: str) -> str:
    """The tally stands as name and number in the page, and as number above name on the screen."""
    return re.sub(r"(violate it|held|cannot be decided|out of scope) (\d+|not counted)", r"\2 \1", text)


def test_an_estimate_is_said_to_be_one(night: Site, filed: Filed) -> None:
    tally = check(filed, "shop/shop.positions/RET-3").tally
    assert tally
    assert tally.estimated
    assert f"about {tally.population:,}".replace(",", " ") in card(night, filed, "shop/shop.positions/RET-3")
    exact = card(night, filed, "shop/shop.cookies/RET-5")
    assert "rows looked at 12 keep the promise 12 violate it 0 held 0 cannot be decided 0 out of scope 0" in exact


def test_dates_of_few_rows_are_told_by_month(night: Site, filed: Filed) -> None:
    text = card(night, filed, "shop/shop.logs/RET-4")
    assert "3 rows break this promise" in text
    assert "In breach since June 2026" in text
    assert "Oldest violation June 2025" in text
    for page in night.pages:
        assert "17 June 2025" not in page.text
        assert "18 June 2026" not in page.text
        assert "2025-06" not in page.source


def test_an_empty_table_is_no_pass_although_great_expectations_succeeds(night: Site, filed: Filed) -> None:
    result = next(filed.results.rglob("*old_cookies.json")).read_text()
    assert '"success": true' in result
    text = card(night, filed, "shop/shop.old_cookies/RET-5")
    assert "to review" in text
    assert "No data is never a pass" in text


def test_what_was_not_audited_comes_first(night: Site) -> None:
    text, source = night.index.text, night.index.source
    headings = re.findall(r'<section id="([^"]+)"', source)
    assert headings[:3] == ["not-audited", "failed", "to-review"]
    assert text.index("1 store could not be read at all: Archive.") < text.index("Positions are deleted")
    assert "3 further checks could not be carried out" in text
    first = night.index.within("not-audited")
    assert first.index("Archive: the whole store") < first.index("The login of the audit was refused (28P01).")
    assert 'no such column "last_seen_at"' in first
    assert "Stores not asked for in this run: web." in first
    stores = re.findall(r'<h2 id="store-\d+">(\w+)', source)
    assert stores == ["Archive", "Shop"]


def test_a_check_without_a_page_is_told_in_full_on_the_index(night: Site, filed: Filed) -> None:
    blocked = check(filed, "shop/shop.devices/RET-4")
    text = night.index.within(anchor(blocked))
    assert blocked.sentence in text
    assert blocked.reason in text
    control = filed.audit.policy.control("RET-4")
    assert filed.audit.policy.clause(control.clauses[0]).quote in text
    assert control.legal_basis[0] in text
    assert "No row was counted." in text


def test_what_its_owner_signed_is_told_with_the_signature(night: Site, filed: Filed) -> None:
    row = night.index.within(anchor(check(filed, "shop/_store/RET-1")))
    assert "not applicable" in row
    assert "The shop keeps neither names nor payments. Signed by Head of the shop on 1 October 2026." in row


def test_links_lead_somewhere_also_into_the_report(filed: Filed, tmp_path: Path) -> None:
    report_folder.write(filed.audit, FindingHistory(), tmp_path)
    own = Site(docs_site.publish(filed.results, filed.audit, tmp_path).parent)
    anchors: dict[Path, list[str]] = {}
    followed = 0
    for page in own.pages:
        for link in page.values("href"):
            if link == "data:,":
                continue
            target, fragment = own.target(page, link)
            assert target.is_file(), f"{page.path.name}: {link}"
            anchors.setdefault(target, Page(target).values("id"))
            assert not fragment or fragment in anchors[target], f"{page.path.name}: {link}"
            followed += 1
    assert followed > 50
    assert any(link.startswith(OUTSIDE) for link in own.index.values("href"))


def test_anchors_are_unique(night: Site) -> None:
    for page in night.pages:
        ids = page.values("id")
        assert sorted(ids) == sorted(set(ids)), page.path.name


def test_no_page_names_an_address_elsewhere(night: Site) -> None:
    for page in night.pages:
        for value in page.values("href", "src", "srcset", "action", "data", "poster", "background"):
            assert not re.match(r"\s*([a-z][a-z0-9+.-]*:|//|/|\\)", value, re.IGNORECASE) or value == "data:,", value
        assert "url(" not in page.style
        assert "@import" not in page.style


def test_pages_hold_nothing_that_their_policy_would_block(night: Site) -> None:
    for page in night.pages:
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        assert ("meta", "content", policy) in page.attributes
        assert page.tags.count("style") == 1
        assert not set(page.tags) & {"script", "img", "iframe", "object", "embed", "form", "base", "svg"}
        assert not [name for _, name, _ in page.attributes if name == "style" or name.startswith("on")]
        assert page.source.index("Content-Security-Policy") < page.source.index("<style>")


def test_the_site_holds_our_pages_and_nothing_else(night: Site) -> None:
    files = {path.relative_to(night.root) for path in night.root.rglob("*") if path.is_file()}
    assert files == {page.path.relative_to(night.root) for page in night.pages}


@pytest.mark.parametrize("word", ["compliant", "great_expectations", "greatexpectations", "Traceback"])
def test_words_that_no_page_says(night: Site, filed: Filed, word: str) -> None:
    quoted = [clause.quote for clause in filed.audit.policy.clauses]
    for page in night.pages:
        text = page.text
        for words in quoted:
            text = text.replace(" ".join(words.split()), "")
        assert word not in text


def test_every_clause_has_a_row_on_a_page_of_its_own(night: Site, filed: Filed) -> None:
    page = Page(night.root / "coverage.html")
    assert "coverage.html" in night.index.values("href")
    found = coverage_matrix.matrix(make_view(filed.audit))
    assert found.summary in page.text
    assert found.summary in night.index.text
    for clause in filed.audit.policy.clauses:
        assert page.text.count(f" {clause.id} ") >= 1
        assert f"{report(filed)}#clause-{clause.id}" in page.values("href")


def test_a_cell_leads_to_the_page_of_its_worst_check_or_to_the_index(night: Site, filed: Filed) -> None:
    page = Page(night.root / "coverage.html")
    positions = check(filed, "shop/shop.positions/RET-3")
    assert [link for link in page.values("href") if link.endswith(f"positions.html#{anchor(positions)}")]
    signed = check(filed, "shop/_store/RET-1")
    assert f"index.html#{anchor(signed)}" in page.values("href")
    assert "\u2013 not applicable signed" in page.text


def test_the_law_is_a_table_of_its_own(night: Site) -> None:
    page = Page(night.root / "coverage.html")
    assert "No rule of the law is computed beside the policy." in page.within("law")  # these expectations have none
    assert "The law" in page.text.split("Every clause, store by store")[2].split("What became")[0]


def report(filed: Filed) -> str:
    """Address of the audit report, seen from the index."""
    return f"{OUTSIDE}{filed.audit.id}/report.html"
