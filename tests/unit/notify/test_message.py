"""What people are told of a night: whole messages, in three forms, and nothing that a title could smuggle in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.config.handling import Handling
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingStatus, Triage, TriageDecision
from privacy_audit.notify import FindingNotice, Message, letter, load, merge, message_body
from privacy_audit.notify.message import DETAILED, LISTED, MessageKind, TicketAction, Urgency
from tests.unit.notify.nights import (
    HANDLING,
    TUESDAY,
    Company,
    after,
    by_owner,
    changed,
    first_night,
    grown,
    passed,
    waiver,
)
from tests.unit.publish.report.audits import app, broken, clean, nothing

EXPECTED = Path(__file__).parent / "expected"
FORMS = {"txt": message_body.text, "html": message_body.html, "json": message_body.document}

LOOSENED = PolicyChange(
    Direction.LOOSENED, "RET-3", "RET-3 Positions may be kept for 6 months. Until now it was 2 months."
)
CHANGED = PolicyChange(Direction.CHANGED, "app/app.sessions/RET-4", "The clock is ended_at now. Until now it was at.")
TIGHTENED = PolicyChange(
    Direction.TIGHTENED, "RET-5", "RET-5 Cookies may be kept for 6 months. Until now it was 13 months."
)


def _week() -> tuple[tuple[Message, ...], ...]:
    """A Tuesday on which everything is new, a Thursday of changes, and the Monday of the digest."""
    audit = broken()
    company = Company(waivers=[waiver("W-2026-1", "app/app.positions/RET-3", 2, 12)])
    tuesday = company.night(audit)
    gone, more = passed(audit, "accounts_MIN1"), grown(audit, "positions_GEO1", 2)
    thursday = company.night(after(changed(audit, accounts_MIN1=gone, positions_GEO1=more), 2))
    logs = next(one.fingerprint for one in company.known.values() if one.store == "web")
    said = TriageDecision(logs, Triage.REMEDIATING, "The purge runs again from Thursday on.", "Robin Petit", TUESDAY)
    company.decisions = {logs: said}
    settled = passed(audit, "contracts_RET1")
    monday = company.night(after(changed(audit, contracts_RET1=settled, positions_GEO1=more), 6), LOOSENED, TIGHTENED)
    return tuesday, thursday, monday


WEEK = _week()


def _named() -> Mapping[str, Message]:
    """Messages of the week by name, and what a channel was told that was down all the while."""
    tuesday, thursday, monday = map(by_owner, WEEK)
    officer = "Data protection officer"
    return {
        "tuesday_product": tuesday["team-product"],
        "tuesday_platform": tuesday["team-platform"],
        "thursday_product": thursday["team-product"],
        "monday_product": monday["team-product"],
        "monday_web": monday["team-web"],
        "monday_compliance": monday[officer],
        "down_product": merge([night["team-product"] for night in (tuesday, thursday, monday)]),
        "down_compliance": merge([night[officer] for night in (thursday, monday)]),
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", _named())
def test_the_message_is_the_expected_document(form: str, name: str) -> None:
    written = FORMS[form](_named()[name])
    path = EXPECTED / f"{name}.{form}"
    if os.environ.get("REGENERATE"):
        path.write_text(written)
    assert written == path.read_text()


def test_nothing_else_is_expected() -> None:
    assert {path.name for path in EXPECTED.iterdir()} == {f"{name}.{form}" for name in _named() for form in FORMS}


@pytest.mark.parametrize("message", list(_named().values()))
def test_a_message_comes_back_from_the_outbox_as_it_was(message: Message) -> None:
    kept = json.loads(json.dumps(letter(message).content, allow_nan=False))
    assert load(kept) == message
    assert load(kept).key == letter(message).key


def test_what_the_document_promises_programs() -> None:
    shapes = {json.dumps(sorted(json.loads(message_body.document(message)))) for night in WEEK for message in night}
    assert len(shapes) == 1
    for night in WEEK:
        for message in night:
            document = json.loads(message_body.document(message))
            assert document["schema"] == "privacy_audit.alert/2"
            for found in document["findings"] + (document["digest"] or {"open": []})["open"]:
                assert found["command"] == f"privacy-audit findings show {found['fingerprint'][:12]}"
                assert found["action"] in {"open", "update", "close"}


# Who is told


def _checks(message: Message) -> set[str]:
    return {line.check for line in message.told}


def test_everybody_is_told_of_what_is_theirs() -> None:
    told = {owner: _checks(message) for owner, message in by_owner(first_night()).items()}
    broken_ones = {"app/app.positions/GEO-1", "app/app.accounts/MIN-1", "app/app.positions/RET-3"}
    assert told == {
        "team-product": broken_ones | {"app/app.contracts/RET-1"},
        "team-web": {"web/web.connection_logs/RET-4"},
        "team-platform": {"archive/_store", "app/app.prospects/RET-1"},  # what nobody could look at
        "Mobility": {"app/app.positions/GEO-1"},  # critical and of geolocation
    }


def test_without_platform_engineers_the_owner_of_the_store_is_told_what_was_not_audited() -> None:
    told = by_owner(Company(Handling()).night(broken()))
    assert "app/app.prospects/RET-1" in _checks(told["team-product"])
    assert told["team-product"].told[0].kind is FindingKind.NOT_AUDITED
    assert told["team-product"].kind is MessageKind.FINDINGS


def test_what_was_not_audited_is_a_message_of_its_own_kind_and_its_end_is_good_news() -> None:
    company = Company()
    platform = by_owner(company.night(broken()))["team-platform"]
    assert (platform.kind, platform.urgency) == (MessageKind.NOT_AUDITED, Urgency.FAILURE)
    assert platform.subject.startswith("privacy_audit: 1 store not audited (1 critical), 1 check not audited")
    assert platform.told[0].check == "archive/_store"  # the store as a whole is one line
    back = replace(app(), name="archive", checks=tuple(replace(check, store="archive") for check in app().checks[:1]))
    audit = broken()
    returned = replace(audit, stores=(*audit.stores[:2], replace(back, title="Archive", outcome=Outcome.FAIL)))
    again = by_owner(company.night(after(returned, 1)))["team-platform"]
    assert (again.kind, again.urgency) == (MessageKind.GOOD_NEWS, Urgency.SUCCESS)
    assert again.told[0].said == ("Resolved: it is audited again.",)


def test_one_recipient_in_several_parts_gets_one_message_with_each_finding_once() -> None:
    everything = {"owner": "team-product", "alert": "alerts_product"}
    route = {**everything, "severities": ["critical", "high"]}
    handling = Handling.model_validate({"platform": everything, "compliance": everything, "routes": [route]})
    told = [message for message in Company(handling).night(broken(), LOOSENED) if message.owner == "team-product"]
    assert len(told) == 1
    fingerprints = [line.fingerprint for line in told[0].lines]
    assert len(fingerprints) == len(set(fingerprints)) == 6


def test_a_route_by_category_is_not_told_of_a_store_as_a_whole() -> None:
    route = {"owner": "Mobility", "alert": "alerts_mobility", "categories": ["geolocation"]}
    told = by_owner(Company(Handling.model_validate({"routes": [route]})).night(broken()))
    assert all(line.control for line in told["Mobility"].told)


def test_stores_of_one_owner_are_told_in_one_message() -> None:
    audit = broken()
    same = tuple(replace(store, owner="Platform", alert="alerts") for store in audit.stores)
    assert len(Company(Handling()).night(replace(audit, stores=same))) == 1


def test_an_owner_without_findings_is_left_in_peace() -> None:
    assert Company().night(clean()) == ()


def test_nothing_audited_is_told_loudly() -> None:
    told = Company().night(nothing())
    assert told
    assert all("not audited" in message.subject and message.urgency is Urgency.FAILURE for message in told)


# What is told


def test_a_known_finding_is_told_once() -> None:
    company = Company()
    assert company.night(broken())
    assert company.night(after(broken(), 1)) == ()


def test_an_audit_of_the_past_tells_nobody_anything() -> None:
    company = Company()
    company.night(after(broken(), 5))
    assert company.night(after(clean(), 1), LOOSENED) == ()


@pytest.mark.parametrize(
    ("change", "words", "action"),
    [
        (FindingChange.FOUND, "New.", TicketAction.OPEN),
        (FindingChange.RETURNED, "Back after it was resolved on 25 November 2026.", TicketAction.OPEN),
        (FindingChange.RESOLVED, "Resolved: found gone tonight.", TicketAction.CLOSE),
        (FindingChange.GREW, "Grew from 10,402 to 20,392 rows since you were last told.", TicketAction.UPDATE),
        (FindingChange.DUE_PASSED, "Was to be closed by 1 December 2026, and is not.", TicketAction.UPDATE),
    ],
)
def test_what_changed_is_said_in_words(change: FindingChange, words: str, action: TicketAction) -> None:
    audit, company = broken(), Company()
    gone, more = passed(audit, "positions_GEO1"), grown(audit, "positions_GEO1", 2)
    nights = {
        FindingChange.FOUND: [audit],
        FindingChange.RESOLVED: [audit, changed(audit, positions_GEO1=gone)],
        FindingChange.RETURNED: [audit, changed(audit, positions_GEO1=gone), audit],
        FindingChange.GREW: [audit, changed(audit, positions_GEO1=more)],
        FindingChange.DUE_PASSED: [audit] * 9,
    }[change]
    told = [company.night(after(night, day)) for day, night in enumerate(nights)][-1]
    line = _line(told, "team-product", "app/app.positions/GEO-1")
    assert (line.changes, line.said, line.action) == ((change,), (words,), action)


def _line(told: tuple[Message, ...], owner: str, check: str) -> FindingNotice:
    return next(line for line in by_owner(told)[owner].lines if line.check == check)


def test_a_jump_is_told_with_a_warning_even_through_a_waiver() -> None:
    audit = broken()
    usual = changed(audit, connection_logs_RET4=grown(audit, "connection_logs_RET4", 1))
    jump = changed(audit, connection_logs_RET4=grown(audit, "connection_logs_RET4", 20))
    for waivers in ((), [waiver("W-1", "web/web.connection_logs/RET-4", -1, 60)]):
        company = Company(waivers=waivers)
        for day in range(5):
            company.night(after(usual, day))
        line = _line(company.night(after(jump, 5)), "team-web", "web/web.connection_logs/RET-4")
        assert FindingChange.JUMPED in line.changes
        assert line.said[-1].endswith("is it the rule or an incident? Look before anything is deleted.")


def test_a_waived_finding_is_silent_until_its_waiver_ends() -> None:
    company = Company(waivers=[waiver("W-1", "web/web.connection_logs/RET-4", -1, 20)])
    told = [by_owner(company.night(after(broken(), day))).get("team-web") for day in range(22)]
    spoke = {day: message for day, message in enumerate(told) if message and not message.says_nothing}
    lines = {day: line for day, message in spoke.items() for line in message.told}
    assert lines[6].changes == (FindingChange.WAIVER_ENDING,)
    assert lines[6].said == ("Its waiver W-1 ends on 14 December 2026.",)
    assert lines[21].changes == (FindingChange.WAIVER_EXPIRED,)
    assert (lines[21].action, lines[21].waiver) == (TicketAction.OPEN, "")
    assert set(lines) == {6, 21}
    assert {day for day, message in spoke.items() if message.digest} == {6, 13, 20}  # Mondays
    open_on_day_13 = spoke[13].digest
    assert open_on_day_13
    assert open_on_day_13.open[0].said == ("Waived until 14 December 2026 by W-1, for at most 100,000 rows.",)
    assert open_on_day_13.open[0].violating == 100  # strict, whatever is waived


def test_a_waiver_that_is_exceeded_or_withdrawn_is_told_to_the_owner_and_to_compliance() -> None:
    check = "web/web.connection_logs/RET-4"
    for change, words in (
        (
            FindingChange.WAIVER_EXCEEDED,
            "Its waiver W-1 is exceeded: there are more rows than the 150 that were waived.",
        ),
        (FindingChange.WAIVER_WITHDRAWN, "Its waiver W-1 was withdrawn."),
    ):
        company = Company(waivers=[waiver("W-1", check, -1, 60, most=150)])
        company.night(broken())
        if change is FindingChange.WAIVER_WITHDRAWN:
            company.waivers = ()
        more = changed(broken(), connection_logs_RET4=grown(broken(), "connection_logs_RET4", 2))
        told = company.night(after(more, 1))
        for owner in ("team-web", "Data protection officer"):
            assert _line(told, owner, check).said == (words,)  # its rows were never told, so they did not grow


def test_a_waiver_that_begins_closes_the_ticket_and_says_nothing_to_people() -> None:
    company = Company()
    company.night(broken())
    company.waivers = [waiver("W-1", "web/web.connection_logs/RET-4", 0, 60)]
    message = by_owner(company.night(after(broken(), 1)))["team-web"]
    assert message.says_nothing
    assert [(line.action, line.waiver, line.quiet) for line in message.lines] == [(TicketAction.CLOSE, "W-1", True)]
    assert json.loads(message_body.document(message))["findings"] == []


def test_a_finding_that_is_waived_from_its_first_night_is_no_news() -> None:
    company = Company(waivers=[waiver("W-1", "web/web.connection_logs/RET-4", -1, 60)])
    assert "team-web" not in by_owner(company.night(broken()))


def test_on_a_night_on_which_nobody_could_look_nothing_is_resolved_and_the_counts_are_dated() -> None:
    company, audit = Company(), broken()
    company.night(audit)
    web = audit.stores[1]
    unread = tuple(replace(check, outcome=Outcome.NOT_AUDITED, tally=None) for check in web.checks)
    down = replace(web, outcome=Outcome.NOT_AUDITED, cause=audit.stores[2].cause, reason="No answer.", checks=unread)
    told = company.night(after(replace(audit, stores=(audit.stores[0], down, audit.stores[2])), 6))
    digest = by_owner(told)["team-web"].digest
    assert digest
    assert digest.unseen == ("Website database was not audited: No answer.",)
    (line,) = digest.open
    assert line.reason == "Nobody could look since 30 November 2026: the counts are those of 24 November 2026."
    assert "NOT AUDITED: Website database was not audited" in message_body.text(by_owner(told)["team-web"])


# Compliance


def test_compliance_is_told_of_what_was_loosened_first_and_nobody_of_what_was_only_tightened() -> None:
    company = Company()
    company.night(broken())
    assert company.night(after(broken(), 1), TIGHTENED) == ()
    (message,) = company.night(after(broken(), 2), TIGHTENED, CHANGED, LOOSENED)
    assert (message.owner, message.kind, message.urgency) == (
        "Data protection officer",
        MessageKind.POLICY,
        Urgency.WARNING,
    )
    assert [section.about for section in message.sections] == ["policy_loosened", "policy_changed", "policy_tightened"]
    assert message.subject == "privacy_audit: 1 promise loosened - 26 November 2026"


def test_compliance_is_told_of_idle_waivers_once_a_week() -> None:
    idle = [waiver("W-1", "web/web.cookies/RET-5", -1, 60), waiver("W-2", "web/web.connection_logs/RET-4", -1, 60)]
    company = Company(waivers=idle)
    told = [by_owner(company.night(after(broken(), day))).get("Data protection officer") for day in range(7)]
    assert told[:6] == [None] * 6
    assert told[6]
    abouts = [section.about for section in told[6].sections]
    assert abouts == ["waivers_over_broad", "waivers_unused", "stores"]
    assert all(
        "Requested by Alex Martin, approved by Camille Laurent." in it.sentences[0] for it in told[6].sections[:2]
    )


# The weekly digest


def test_a_digest_comes_once_a_week_and_is_a_sign_of_life() -> None:
    company = Company()
    company.night(clean())
    told = {day: company.night(after(clean(), day)) for day in range(1, 16)}
    assert {day for day, messages in told.items() if messages} == {6, 13}
    message = by_owner(told[6])["team-product"]
    assert (message.kind, message.urgency) == (MessageKind.DIGEST, Urgency.INFO)
    assert message.subject == "privacy_audit: weekly digest: nothing open in Product database - 30 November 2026"
    assert "Nothing is open." in message_body.text(message)


def test_a_digest_that_was_missed_comes_on_the_next_night() -> None:
    company = Company()
    told = {day: bool(company.night(after(clean(), day))) for day in (6, 7, 12, 15, 16, 20)}  # no audit on day 13
    assert [day for day, messages in told.items() if messages] == [6, 15, 20]


def test_a_run_over_some_stores_brings_no_digest() -> None:
    assert Company().night(replace(after(clean(), 6), whole=False)) == ()


def test_the_digest_is_part_of_the_one_message_and_repeats_nothing() -> None:
    company = Company()
    company.night(after(clean(), 5))
    for message in company.night(after(broken(), 6)):
        assert message.digest
        assert not {line.fingerprint for line in message.told} & {line.fingerprint for line in message.digest.open} or (
            message.owner == "Data protection officer"
        )


def test_few_are_told_one_by_one_and_the_others_are_counted() -> None:
    audit = broken()
    template = audit.stores[1].checks[0]
    many = tuple(replace(template, id=f"web/web.t{number:03}/RET-4", table=f"web.t{number:03}") for number in range(50))
    web = replace(audit.stores[1], checks=many)
    company = Company()
    message = by_owner(company.night(replace(audit, stores=(web,))))["team-web"]
    assert message_body.text(message).count("FAILED") == DETAILED
    assert f"And {50 - DETAILED} more: see the report." in message_body.text(message)
    assert f"And {50 - DETAILED} more: see the report." in message_body.html(message)
    assert len(json.loads(message_body.document(message))["findings"]) == 50
    digest = by_owner(company.night(after(replace(audit, stores=(web,)), 6)))["team-web"]
    assert message_body.text(digest).count("FAILED") == LISTED
    assert f"And {50 - LISTED} more: see the report." in message_body.text(digest)


# What may not leave


def test_the_key_is_the_same_for_the_same_audit_and_owner_only() -> None:
    keys = [message.key for message in first_night()]
    assert keys == [message.key for message in first_night()]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {message.key for message in Company().night(replace(broken(), id="other"))}


@pytest.mark.parametrize(
    "name", ["A\r\nBcc: all@example.org", "A\x00B", "A\u2028B", "\u202eevil", "<!channel> @here", "<script>x</script>"]
)
def test_no_title_can_smuggle_anything_in(name: str) -> None:
    audit = broken()
    stores = tuple(replace(store, title=name, owner=name) for store in audit.stores)
    hostile = TriageDecision("", Triage.UNDER_REVIEW, name, name, TUESDAY + timedelta(days=1))
    company = Company(HANDLING.model_copy(update={"platform": None}))
    company.decisions = {check.fingerprint: hostile for check in audit.checks}
    for message in company.night(replace(audit, stores=stores), PolicyChange(Direction.LOOSENED, name, name)):
        assert message.subject.isprintable()
        assert message.owner.isprintable()
        assert "<!channel>" not in message_body.text(message)
        assert "@here" not in message_body.text(message)
        assert "<script>" not in message_body.html(message)
        assert "\x00" not in json.dumps(letter(message).content, ensure_ascii=False)  # no register could keep it


def test_dates_of_few_rows_are_told_by_month() -> None:
    lines = [line for night in WEEK for message in night for line in message.told if line.outcome is Outcome.FAIL]
    few = [line for line in lines if line.violating < 5]
    assert few
    assert {len(line.since) for line in few} == {len("2026-02")}
    assert {len(line.since) for line in lines if line.violating >= 5} == {len("2026-02-11")}
    assert any(line.status is FindingStatus.RESOLVED for line in few)  # nor when it is gone
