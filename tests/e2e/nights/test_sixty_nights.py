"""Sixty nights of the demo company in simulated time: everything is what the table written by hand says.

The nights are played once, from the first to the last; each test then looks at one of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain import phrases
from tests.conftest import MakeDatabase
from tests.e2e.nights.playing import OWNERS, RECIPIENTS, Late, Played, Playing, instant
from tests.e2e.nights.script import Night, Script, Told

pytestmark = pytest.mark.slow

SCRIPT = Script.read(Path(__file__).parent / "sixty_nights.yaml")
NAMES = {(finding.check, finding.kind): name for name, finding in SCRIPT.findings.items()}
NIGHTS = [pytest.param(night, id=f"{night.number:02}-{night.day:%a-%d-%b}") for night in SCRIPT.nights]
_ON = {"mail": "mailto", "webhook": "json"}


@dataclass(frozen=True)
class AllNights:
    """What the nights left behind."""

    nights: dict[int, Played]
    """By number."""
    late: Late | None


@pytest.fixture(scope="module")
def played(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> AllNights:
    """The sixty nights."""
    with Playing.opened(SCRIPT, make_database, tmp_path_factory.mktemp("sixty nights")) as playing:
        return AllNights(dict(enumerate(playing.play(), 1)), playing.late)


@pytest.mark.parametrize("night", NIGHTS)
def test_findings_stand_as_the_table_says(played: AllNights, night: Night) -> None:
    found = played.nights[night.number].findings
    assert found["moved"]
    wanted = {name: _wanted(name, night) for name in night.stands}
    assert {_name(one): _stands(one) for one in found["findings"]} == wanted


@pytest.mark.parametrize("night", NIGHTS)
def test_webhooks_are_told_what_the_table_says_and_nothing_else(played: AllNights, night: Night) -> None:
    posts = {name: list(map(_read, posts)) for name, posts in played.nights[night.number].posts.items()}
    wanted = {name: [_document(told, night) for told in _told(night, name, "json")] for name in RECIPIENTS}
    assert posts == wanted


@pytest.mark.parametrize("night", NIGHTS)
def test_mailboxes_are_told_the_same(played: AllNights, night: Night) -> None:
    mails = {name: list(map(_read_mail, mails)) for name, mails in played.nights[night.number].mails.items()}
    wanted = {name: [_mail(told, night) for told in _told(night, name, "mailto")] for name in RECIPIENTS}
    assert mails == wanted


@pytest.mark.parametrize("night", NIGHTS)
def test_tickets_open_and_close(played: AllNights, night: Night) -> None:
    assert {_name(ticket): ticket["action"] for ticket in played.nights[night.number].tickets} == night.tickets


@pytest.mark.parametrize("night", NIGHTS)
def test_a_night_is_red_when_something_was_not_audited_or_not_told(played: AllNights, night: Night) -> None:
    gate = played.nights[night.number].gate
    assert gate.startswith(night.gate)
    assert bool(gate) == bool(night.gate)


@pytest.mark.parametrize("night", [night for night in NIGHTS if night.values[0].charts])  # type: ignore[attr-defined]
def test_charts_say_what_happened(played: AllNights, night: Night) -> None:
    cards = _cards(played.nights[night.number].page)
    for name, chart in night.charts.items():
        card = next(text for text in cards if SCRIPT.findings[name].check in text)
        assert {kind: words for kind, words in chart.items() if words not in card} == {}, card


@pytest.mark.parametrize("night", [night for night in NIGHTS if night.values[0].hears])  # type: ignore[attr-defined]
def test_the_command_line_answers(played: AllNights, night: Night) -> None:
    assert night.hears in played.nights[night.number].heard


def test_a_message_comes_once_and_keeps_its_key(played: AllNights) -> None:
    """The key of a message is that of its newest night, however late it is told: anyone who gets it twice knows it."""
    for name, owner in OWNERS.items():
        came = [post for night in played.nights.values() for post in night.posts[name]]
        audits = {night.findings["as_of"]: night.audit_id for night in played.nights.values()}
        wanted = [f"{audits[post['as_of']]}|{owner}|alerts_{name}" for post in came]
        assert [post["key"] for post in came] == [hashlib.sha256(text.encode()).hexdigest() for text in wanted]
        assert len(set(wanted)) == len(wanted)


def test_what_a_person_said_ends_when_the_finding_is_resolved(played: AllNights) -> None:
    said = {}
    for number, night in played.nights.items():
        for one in night.findings["findings"]:
            if one["decision"]:
                said[number] = _name(one), one["decision"]["triage"], one["decision"]["by"]
    # From the night on which it was said to the one on which it is found gone; not when it is back on night 36.
    assert said == dict.fromkeys(range(9, 29), ("devices", "under_review", "Ada Martin"))


def test_an_audit_by_an_earlier_instant_moves_and_tells_nothing(played: AllNights) -> None:
    late = played.late
    assert late is not None
    assert late.before == late.after
    assert (late.played.findings["moved"], late.played.findings["findings"]) == (False, [])
    assert (late.played.gate, late.played.tickets) == ("", [])
    assert not any([*late.played.posts.values(), *late.played.mails.values()])


def test_the_last_night_is_on_file_for_programs(played: AllNights) -> None:
    found = {_name(one): one for one in played.nights[60].findings["findings"]}
    names = ("status", "violating", "occurrences", "first_seen", "last_seen", "reopened_at", "resolved_at")
    tonight = "2026-11-18T00:15:00Z"
    assert {name: tuple(one[key] for key in names) for name, one in found.items()} == {
        # found on nights 4 to 43, and again from night 58 on
        "positions": ("open", 70, 43, "2026-09-22T23:15:00Z", tonight, "2026-11-16T00:15:00Z", None),
        # found from night 5 on, but for the three on which its store was down and the one of the looser promise
        "cookies": ("open", 20, 52, "2026-09-23T23:15:00Z", tonight, "2026-11-15T00:15:00Z", None),
    }
    nights = {check["id"]: check["nights"] for check in played.nights[60].findings["checks"]}
    counts = [night["violating"] for night in nights["app/app.positions/RET-3"]]
    assert counts == [night.stands["positions"].rows if _is_open(night, "positions") else 0 for night in SCRIPT.nights]
    unseen = [number for number, night in enumerate(nights["web/web.cookies/RET-5"], 1) if night["violating"] is None]
    assert unseen == [22, 23, 24]


def test_the_last_report_can_be_read_by_a_parser(played: AllNights) -> None:
    page = _Page.read(played.nights[60].page)
    assert page.open == []
    assert page.fetched == []
    text = " ".join(page.text)
    assert "Promises are broken: 2 of" in text


def _is_open(night: Night, name: str) -> bool:
    return name in night.stands and night.stands[name].status != "resolved"


def _name(one: dict[str, Any]) -> str:
    return NAMES.get((one["check"], one["kind"]), f"{one['check']} {one['kind']}")


def _stands(one: dict[str, Any]) -> dict[str, Any]:
    """A finding of findings.json, in the words of the table."""
    marks = {"unseen": one["unseen_since"], "braked": one["braked"]}
    return {
        "status": one["status"],
        "rows": one["violating"],
        "undecided": one["undecidable"],
        "waiver": one["waiver"]["id"] if one["waiver"] else "",
        "changes": tuple(one["changes"]),
        "marks": tuple(mark for mark, marked in marks.items() if marked),
        "first_seen": one["first_seen"],
        "due_by": one["due_by"],
    }


def _wanted(name: str, night: Night) -> dict[str, Any]:
    finding = SCRIPT.findings[name]
    first_seen = phrases.iso(instant(finding.first_seen))
    return {**vars(night.stands[name]), "first_seen": first_seen, "due_by": finding.due_by.isoformat()}


def _told(night: Night, recipient: str, channel: str) -> Iterator[Told]:
    """What the table says that a recipient is told by a channel."""
    for to, told in night.told.items():
        name, _, only = to.partition(" by ")
        if name == recipient and channel in RECIPIENTS[name] and _ON.get(only, channel) == channel:
            yield told


def _subject(told: Told, night: Night) -> str:
    several = f" ({len(told.nights)} nights)" if told.nights else ""
    return f"privacy_audit{several}: {told.subject} - {phrases.day(_days(told, night)[-1])}"


def _days(told: Told, night: Night) -> list[date]:
    return [SCRIPT.nights[number - 1].day for number in told.nights or [night.number]]


def _document(told: Told, night: Night) -> dict[str, Any]:
    return {
        "subject": _subject(told, night),
        "tells": told.tells,
        "open": told.open,
        "unseen": told.unseen,
        "notes": told.notes,
        "nights": [day.isoformat() for day in _days(told, night)],
    }


def _read(post: dict[str, Any]) -> dict[str, Any]:
    """A message to a webhook, in the words of the table."""
    digest = post["digest"]
    return {
        "subject": post["subject"],
        "tells": {_name(one): ", ".join(one["changes"]) for one in post["findings"]},
        "open": [_name(one) for one in digest["open"]] if digest else None,
        "unseen": digest["unseen"] if digest else [],
        "notes": [sentence for note in post["notes"] for sentence in note["sentences"]],
        "nights": post["nights"],
    }


def _mail(told: Told, night: Night) -> tuple[str, set[str]]:
    """Subject, and the checks that a mail names."""
    named = {SCRIPT.findings[name].check for name in (*told.tells, *(told.open or []))}
    return _subject(told, night), named | {check for check in _CHECKS if check in " ".join(told.notes)}


def _read_mail(mail: EmailMessage) -> tuple[str, set[str]]:
    page = mail.get_body(("html",))
    assert page is not None
    text = str(page.get_content())
    return str(mail["Subject"]), {check for check in _CHECKS if re.search(rf"{re.escape(check)}(?![\w-])", text)}


_CHECKS = {finding.check for finding in SCRIPT.findings.values()} | {it["check"] for it in SCRIPT.waivers.values()}


class _Page(HTMLParser):
    """A report as a parser reads it: the text of the page and of each of its cards."""

    _VOID = ("meta", "br", "img", "link", "hr", "wbr", "col", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.cards: list[list[str]] = []
        self.fetched: list[str] = []

    @classmethod
    def read(cls, text: str) -> _Page:
        page = cls()
        page.feed(text)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (name == "src" or (name, tag) == ("href", "link")) and not (value or "").startswith("data:"):
                self.fetched.append(value or "")
        if tag not in self._VOID:
            self.open.append(tag)
        if tag == "article":
            self.cards.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "article" in self.open:
            self.cards[-1].append(data)


def _cards(page: str) -> list[str]:
    """The text of each card."""
    return [" ".join("".join(card).split()) for card in _Page.read(page).cards]
