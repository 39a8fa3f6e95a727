"""What the report tells beyond the night: how findings stand, what people said and signed, what is due."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_audit.domain.audit import Audit, StoreResult
from privacy_audit.domain.outcomes import Outcome, roll_up
from privacy_audit.domain.tally import Forecast
from privacy_audit.findings.finding_state import FindingHistory, FindingState, FindingStatus, WaiverState
from privacy_audit.findings.transitions import FindingMemory, HandlingRules, apply_audit
from privacy_audit.findings.waivers import Waiver
from privacy_audit.publish.report import (
    canonical_json,
    finding_phrases,
    findings_csv,
    findings_json,
    html_report,
    interface,
)
from privacy_audit.view.make_view import make_view
from tests import builders
from tests.unit.publish.report import audits, histories
from tests.unit.publish.report.histories import Night

LIVELY, HISTORY = histories.NIGHTS["lively"]()
PAGE = html_report.render(make_view(LIVELY, HISTORY)).decode()


def text(markup: str) -> str:
    """What a piece of the page says, without its markup."""
    words = re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", markup))
    return re.sub(r" ([,.:])", r"\1", words)


def section(name: str, page: str = PAGE) -> str:
    """A section of the page in words; empty when the page has none."""
    found = re.search(f'<section id="{name}".*?</section>', page, re.DOTALL)
    return text(found[0]) if found else ""


def card(check_id: str) -> str:
    """The card of a check in words."""
    anchor = f'id="check-{histories.of(LIVELY, check_id).fingerprint[:16]}"'
    return text(PAGE.split(anchor)[1].split("</article>")[0])


def first_screen(page: str = PAGE) -> str:
    return text(page.split('<header id="verdict"')[1].split("What this audit is about")[0])


def test_the_first_screen_says_what_is_new_back_gone_overdue_and_waived() -> None:
    assert "✱ 2 new ↺ 1 back ✓ 2 resolved ▲ 2 overdue ◐ 2 waived ! 1 unusual ▽ 1 loosened" in first_screen()
    assert "● open since 3 August 2026" in first_screen()


def test_every_section_is_in_the_contents_and_the_contents_lead_to_sections() -> None:
    for make in histories.NIGHTS.values():
        page = html_report.render(make_view(*make())).decode()
        contents = page.split('<nav class="contents"')[1].split("</nav>")[0]
        sections = set(re.findall(r'<section id="([^"]*)"', page))
        groups = set(re.findall(r'href="#(failed-[^"]*)"', contents))
        assert set(re.findall(r'href="#([^"]*)"', contents)) - {"verdict"} - groups == sections
        assert len(groups) <= len(make()[0].policy.controls), "by control, not by check"


def test_a_card_says_how_its_finding_stands_and_what_people_say() -> None:
    told = card("app/app.positions/RET-3")
    for said in (
        "● open since 3 August 2026",
        "First seen 3 August 2026, found by 112 audits",
        "Due by 2 September 2026 ▲ overdue for 83 days",
        "Being remedied, says Nadia Benali on 21 November 2026: The purge is being mended, ticket 4711.",
        "It grew clearly since its owner was last told of its rows.",
        "If nothing is deleted, 1\u202f200 more rows fall due within 30 days and 3\u202f800 within 90 days.",
    ):
        assert said in told
    assert "✱ new tonight" in card("app/app.positions/GEO-1")
    assert "↺ back tonight" in card("app/app.accounts/MIN-1")
    assert "● back since 4 November 2026" in card("app/app.devices/RET-5")


def test_a_waived_finding_is_told_after_the_others_with_every_row_counted() -> None:
    told = card("app/app.devices/RET-5")
    assert "20 rows break this promise, and concern 20 persons." in told
    covered = (
        "until 1 December 2026, up to 25 rows ( W-2026-2 ), asked for by Nadia Benali, approved by Camille Laurent"
    )
    assert f"Waived {covered}, because: The owner of the data needs time to mend it." in told
    failed = section("failed")
    assert failed.index("Under a waiver 1 check") > failed.index("web/web.connection_logs/RET-4")
    assert failed.index("app/app.devices/RET-5") > failed.index("Under a waiver 1 check")
    assert "app.devices" not in first_screen(), "what nobody waived is read first"


def test_only_waived_findings_are_still_read_first() -> None:
    devices = histories.of(LIVELY, "app/app.devices/RET-5")
    audit = replace(LIVELY, stores=(replace(LIVELY.stores[0], checks=(devices,)),))
    assert "app.devices" in first_screen(html_report.render(make_view(audit, HISTORY)).decode())


def test_many_times_the_usual_number_is_no_reason_to_delete() -> None:
    told = card("web/web.connection_logs/RET-4")
    assert "rule or incident? Nobody should delete before a person has looked." in told
    assert "DELETE" not in told
    assert finding_phrases.NO_DRAFT in told
    assert "web.connection_logs" in section("changes").split("New")[0]


def test_what_changed_tonight_tells_each_finding_once() -> None:
    told = re.split("Unusual|New|Back|Worse|In the policy", section("changes"))[1:]
    promises = (["RET-4"], ["RET-1", "GEO-1"], ["MIN-1"], ["RET-3"], [])
    assert [re.findall(r"[A-Z]{3}-\d", part) for part in told] == list(promises)


def test_the_engineer_gets_the_statements_and_a_draft_that_the_audit_never_runs() -> None:
    told = card("app/app.positions/RET-3").split("How to reproduce")[1]
    assert told.index("This statement lists the rows.") < told.index("lists the rows that cannot be decided")
    assert "&#34;recorded_at&#34; IS NULL" in told
    assert "the audit never executes it, and as it stands it changes nothing" in told
    assert "DELETE FROM &#34;app&#34;.&#34;positions&#34; AS gone" in told


def test_what_nobody_could_look_at_is_told_as_it_was_last_seen() -> None:
    told = section("not-audited")
    assert "Archive: the whole store" in told
    assert "Due by 20 November 2026 ▲ overdue for 4 days" in told
    assert "Unseen since 18 November 2026. Last seen 17 November 2026: 311 rows in breach." in told
    assert "Whether it is gone is not known." in told
    assert "Nobody could look tonight." in card("app/app.prospects/RET-1") or "What was known before" in told


def test_what_no_check_looks_at_any_more_stays_open() -> None:
    told = section("adrift")
    assert "app.old_positions" in told
    assert "4 rows in breach when it was last seen." in told
    assert "app.contracts" not in told


def test_good_news_is_told_and_a_new_name_is_none() -> None:
    told, renamed = section("resolved").split("Told under another name now")
    assert "Good news: 2 findings are gone." in told
    assert "An audit looked and found it gone. First seen 3 August 2026, last seen 23 November 2026" in told
    assert "with 48 rows in breach." in told
    assert "Could be looked at again." in told
    assert "app/app.sessions_v1/RET-4" in renamed


def test_waivers_stand_beside_the_strict_counts_with_what_to_do() -> None:
    told = section("waived")
    assert "unused There is nothing for it to cover. Take it out of the file. 0 50 31 December 2026" in told
    assert "too broad It allows 90\u202f000 rows where there are 12\u202f312. Lower its number." in told
    for state in WaiverState:
        assert finding_phrases.WAIVER_STATES[state] in told


def test_a_waiver_of_what_was_not_looked_at_is_not_called_unused() -> None:
    part = replace(LIVELY, stores=LIVELY.stores[1:])
    page = html_report.render(make_view(part, replace(HISTORY, standings=()))).decode()
    assert "not looked at tonight 0 50" in section("waived", page)


def test_what_is_due_comes_by_date_and_the_forecast_by_rows() -> None:
    told = section("due")
    places = [told.index(day) for day in ("2 September 2026", "20 November 2026", "2 December 2026")]
    assert places == sorted(places)
    assert "9 open findings without a waiver, 2 overdue" in told
    assert "about 1\u202f202 more rows fall due within 30 days" in told
    assert "in 1 other none does within 90 days" in told
    assert told.index("12\u202f290 1\u202f200 3\u202f800") < told.index("100 about 1 about 90\u202f000")


def test_the_nights_have_a_line_for_each_check_with_a_history() -> None:
    nights = PAGE.split('<section id="nights"')[1].split("</section>")[0]
    told = [of for of, points in HISTORY.series.items() if len(points) > 1]
    assert nights.count('class="spark"') == len(told) == 7
    assert "12\u202f290 +376" in text(nights)
    assert "unknown unknown" in text(nights), "a night on which nobody looked is no zero"


def test_changes_of_the_policy_tell_what_was_loosened_first() -> None:
    told = section("policy-changes")
    places = [told.index(word) for word in ("Loosened:", "Changed:", "Tightened:")]
    assert places == sorted(places)
    assert not section(
        "policy-changes", html_report.render(make_view(LIVELY, replace(HISTORY, policy_changes=()))).decode()
    )


def test_an_audit_by_an_earlier_instant_says_so() -> None:
    page = html_report.render(make_view(*histories.NIGHTS["earlier"]())).decode()
    assert finding_phrases.EARLIER in first_screen(page)
    assert "new tonight" not in page


def test_a_report_without_history_does_not_say_that_nothing_is_new() -> None:
    page = html_report.render(make_view(audits.broken(), FindingHistory())).decode()
    assert finding_phrases.WITHOUT_HISTORY in first_screen(page)
    assert " 0 new" not in first_screen(page)
    assert "0 new" in first_screen(html_report.render(make_view(LIVELY, replace(HISTORY, standings=()))).decode())


def test_a_store_that_was_judged_later_leaves_its_findings_to_that_report() -> None:
    told = html_report.render(make_view(LIVELY, replace(HISTORY, standings=HISTORY.standings[:1]))).decode()
    assert finding_phrases.ELSEWHERE in told


@pytest.mark.parametrize("form", interface.formats(), ids=lambda form: form.FILE_NAME)
def test_dates_of_few_rows_are_given_by_month_in_findings_and_nights(form: interface.ReportFormat) -> None:
    told = form.render(make_view(LIVELY, HISTORY)).decode()
    exact = ("2026-02-11", "11 February 2026", "2026-05-09", "9 May 2026", "2026-03-17", "17 March 2026")
    assert not [day for day in (*exact, "2026-06-17", "17 June 2026") if day in told]


@pytest.mark.parametrize("form", interface.formats(), ids=lambda form: form.FILE_NAME)
def test_dates_of_many_rows_of_few_persons_are_given_by_month_too(form: interface.ReportFormat) -> None:
    app, *others = LIVELY.stores
    checks = tuple(
        replace(check, tally=replace(check.tally, subjects=4))
        if check.id == "app/app.positions/RET-3" and check.tally
        else check
        for check in app.checks
    )
    positions = histories.of(LIVELY, "app/app.positions/RET-3").fingerprint
    states = tuple(
        replace(state, overdue_since=date(2025, 5, 4)) if state.fingerprint == positions else state
        for state in HISTORY.standings
    )
    few = replace(LIVELY, stores=(replace(app, checks=checks), *others))
    told = form.render(make_view(few, replace(HISTORY, standings=states))).decode()
    without_advice = told.replace(audits.PURGE, "")
    assert not [day for day in ("2025-05-04", "4 May 2025", "2025-03-02", "2 March 2025") if day in without_advice]


@pytest.mark.parametrize("form", interface.formats(), ids=lambda form: form.FILE_NAME)
@pytest.mark.parametrize("make", histories.NIGHTS.values(), ids=histories.NIGHTS)
def test_the_same_night_gives_the_same_bytes(make: Night, form: interface.ReportFormat) -> None:
    assert form.render(make_view(*make())) == form.render(make_view(*make()))


def test_no_decision_of_a_person_is_in_the_evidence() -> None:
    assert canonical_json.render(make_view(LIVELY, HISTORY)) == canonical_json.render(make_view(LIVELY))
    assert "4711" not in canonical_json.render(make_view(LIVELY, HISTORY)).decode()


def test_the_spreadsheet_says_how_a_finding_stands() -> None:
    rows = {row["finding"]: row for row in _rows(LIVELY, HISTORY)}
    row = rows[histories.of(LIVELY, "app/app.devices/RET-5").fingerprint]
    assert [row[name] for name in findings_csv.COLUMNS[-8:]] == [
        "open", "2026-08-03", "2026-11-24", "2026-12-02", "", "2026-12-01", "25", "policy",
    ]  # fmt: skip
    unseen = next(row for row in rows.values() if row["table"] == "app.old_positions")
    assert (unseen["violating_rows"], unseen["in_breach_since"], unseen["fingerprint"]) == ("4", "2026-03", "")
    assert rows[histories.of(LIVELY, "app/app.accounts/MIN-1").fingerprint]["triage"] == "under_review"


@pytest.mark.parametrize(("since", "blamed"), [(date(2026, 11, 23), True), (date(2026, 11, 24), False)])
def test_a_purge_is_blamed_by_the_day_also_where_dates_of_few_rows_are_told_by_month(since: date, blamed: bool) -> None:
    audit = audits.broken()
    app, *others = audit.stores
    few = replace(audits.MINORS, overdue_since=since, ages=(3, 0, 0, 0, 0))
    checks = tuple(replace(one, tally=few) if one.purge == audits.IN_VAIN else one for one in app.checks)
    told = html_report.render(
        make_view(replace(audit, stores=(replace(app, checks=checks), *others)), FindingHistory())
    ).decode()
    assert "it has deleted nothing in 39 runs, since 15 October 2026" in told
    assert ("although 3 rows are in breach: it runs, and deletes nothing" in told) is blamed


def test_only_trends_know_exact_dates() -> None:
    """From four rows to five a date becomes exact: no row went, and no page says so."""
    positions = histories.of(LIVELY, "app/app.positions/RET-3")
    nights = histories.growing(positions, range(1, 12))
    told = html_report.render(make_view(LIVELY, replace(HISTORY, series={positions.fingerprint: nights}))).decode()
    assert "last went" not in told
    assert "last worked" not in told


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (Forecast(0, 0, False), "If nothing is deleted, no further row falls due within 90 days."),
        (Forecast(0, 1, False), "If nothing is deleted, no further row falls due within 30 days and 1 within 90 days."),
        (Forecast(1, 1, False), "If nothing is deleted, 1 more row falls due within 30 days and 1 within 90 days."),
        (
            Forecast(2, 30, True),
            "If nothing is deleted, about 2 more rows fall due within 30 days and about 30 within 90 days, "
            "by the database planner\u2019s estimate.",
        ),
    ],
)
def test_a_forecast_in_words(due: Forecast, said: str) -> None:
    assert finding_phrases.forecast(due) == said


# A history is drawn night by night and lived through with the real lifecycle, so each standing is one that can be.
PLACES = (("app/app.positions", "RET-3"), ("app/app.positions", "GEO-1"), ("web/web.connection_logs", "RET-4"))
NIGHT = st.fixed_dictionaries({place: st.none() | st.sampled_from(Outcome) for place in PLACES})
DOWN = st.sampled_from(((),) * 4 + (("app",), ("web",), ("app", "web"), ("bare",)))


@settings(deadline=None)
@given(st.lists(st.tuples(NIGHT, DOWN, st.booleans()), min_size=1, max_size=5))
def test_every_open_finding_is_told_in_every_format(nights: Sequence[tuple[Any, Any, bool]]) -> None:
    audit, standings = _lived(nights)
    history = FindingHistory(standings=standings)
    page = html_report.render(make_view(audit, history)).decode()
    rows = [row["finding"] for row in _rows(audit, history)]
    told = json.loads(findings_json.render(make_view(audit, history)))["findings"]
    for one in standings:
        if one.is_open:
            assert page.count(f'id="finding-{one.fingerprint[:16]}-life"') == 1
            assert rows.count(one.fingerprint) == 1
        assert [it["status"] for it in told if it["fingerprint"] == one.fingerprint] == [one.status.value]
    for one in standings:
        if one.status is FindingStatus.RESOLVED:
            assert f'id="finding-{one.fingerprint[:16]}"' in page
    references = set(re.findall(r'href="#([^"]*)"', page))
    assert references <= set(re.findall(r' id="([^"]*)"', page))


def _lived(nights: Sequence[tuple[Any, Any, bool]]) -> tuple[Audit, tuple[FindingState, ...]]:
    """The last of the nights, and how its findings stand."""
    known: dict[str, FindingState] = {}
    audit, standings = builders.audit(), ()
    for day, (looks, down, waived) in enumerate(nights):
        audit = replace(builders.audit(*_stores(looks, down)), as_of=builders.T + timedelta(days=day))
        waiver = Waiver("W-1", "app/app.positions/RET-3", "Why", "Ada", "Bob", audit.as_of, audit.as_of, 100)
        standings = apply_audit(audit, FindingMemory(known), HandlingRules(waivers=(waiver,) if waived else ()))
        known |= {one.fingerprint: one for one in standings}
    return audit, standings


def _stores(looks: Mapping[tuple[str, str], Outcome | None], down: Sequence[str]) -> list[StoreResult]:
    """Two stores with the checks of a night; `bare` is a night on which one is down before any check was planned."""
    stores = []
    for make in (builders.app, builders.web):
        usual = make()
        checks = tuple(
            builders.check(place, control, outcome)
            for (place, control), outcome in looks.items()
            if outcome and place.startswith(usual.name)
        )
        store = replace(usual, checks=checks, outcome=roll_up([one.outcome for one in checks]))
        stores.append(builders.down(store) if usual.name in down else store)
    return [replace(builders.down(stores[0]), checks=()), stores[1]] if "bare" in down else stores


def _rows(audit: Audit, history: FindingHistory) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(findings_csv.render(make_view(audit, history)).decode(), newline="")))
