"""Properties of what is told over many nights, to channels that work and to one that was down for some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.domain.audit import Audit
from privacy_audit.findings.finding_state import FindingChange
from privacy_audit.notify import Message, merge, message_body
from privacy_audit.notify.message import TicketAction
from privacy_audit.notify.tickets import tickets
from tests.unit.notify.nights import Company, after, by_owner, changed, grown, passed
from tests.unit.publish.report.audits import broken

PLACES = ("positions_GEO1", "accounts_MIN1", "positions_RET3", "contracts_RET1", "connection_logs_RET4")
FATES = ("stays", "goes", "grows")
NIGHTS = st.lists(st.fixed_dictionaries({place: st.sampled_from(FATES) for place in PLACES}), min_size=1, max_size=8)


def _audit(fates: dict[str, str], day: int, size: int) -> Audit:
    audit = broken()
    fields = {
        place: passed(audit, place) if fate == "goes" else grown(audit, place, 2 + size)
        for place, fate in fates.items()
        if fate != "stays"
    }
    return after(changed(audit, **fields), day)


def _told(nights: Sequence[dict[str, str]], each: int = 1) -> list[dict[str, Message]]:
    """What each owner is told of each night; every night may come several times. What grows, grows every night."""
    company = Company()
    audits = (
        _audit(fates, number * each + again, number) for number, fates in enumerate(nights) for again in range(each)
    )
    return [by_owner(company.night(audit)) for audit in audits]


@given(NIGHTS)
def test_each_finding_is_told_once_to_each_recipient_and_night(nights: list[dict[str, str]]) -> None:
    for told in _told(nights):
        for message in told.values():
            fingerprints = [line.fingerprint for line in message.lines]
            digest = [line.fingerprint for line in message.digest.open] if message.digest else []
            assert len(set(fingerprints + digest)) == len(fingerprints + digest)


@given(NIGHTS)
def test_a_night_like_the_one_before_is_silent_unless_a_digest_is_due(nights: list[dict[str, str]]) -> None:
    for day, messages in enumerate(_told(nights, each=2)):
        if day % 2 and day not in (6, 13):  # Mondays
            changes = {change for message in messages.values() for line in message.told for change in line.changes}
            # A day may pass, and a night more may tell what is usual.
            assert changes <= {FindingChange.DUE_PASSED, FindingChange.JUMPED}


@given(NIGHTS, st.data())
def test_a_channel_that_was_down_is_told_each_finding_once_and_as_it_stands_in_the_end(
    nights: list[dict[str, str]], data: st.DataObject
) -> None:
    told = [messages["team-product"] for messages in _told(nights) if "team-product" in messages]
    if not told:
        return
    merged = merge(data.draw(st.permutations(told)))
    assert merged.key == told[-1].key
    assert len(merged.nights) == len(told)
    last = {line.fingerprint: line for message in told for line in message.lines}
    assert {line.fingerprint for line in merged.lines} == set(last)
    assert len(merged.lines) == len(last)
    for line in merged.lines:
        newest = last[line.fingerprint]
        assert (line.status, line.violating, line.is_open) == (newest.status, newest.violating, newest.is_open)
        assert set(newest.changes) <= set(line.changes)


@given(NIGHTS)
def test_tickets_that_were_missed_leave_the_same_ones_open(nights: list[dict[str, str]]) -> None:
    told = [messages["team-product"] for messages in _told(nights) if "team-product" in messages]
    if told:
        assert _open_tickets([merge(told)]) == _open_tickets(told)


def _open_tickets(messages: Sequence[Message]) -> set[str]:
    """What a service has open that takes the actions as they come."""
    found: set[str] = set()
    for message in messages:
        for ticket in tickets(message):
            match ticket.line.action:
                case TicketAction.OPEN:
                    found.add(ticket.line.fingerprint)
                case TicketAction.UPDATE:
                    assert ticket.line.fingerprint in found, "a ticket is updated that was never opened"
                case TicketAction.CLOSE:
                    found.discard(ticket.line.fingerprint)
    return found


def test_one_night_alone_is_told_as_it_is() -> None:
    message = _product(0)
    assert merge([message]) is message


def _product(day: int, **fates: str) -> Message:
    company = Company()
    told = by_owner(company.night(after(broken(), 0)))
    return told["team-product"] if day == 0 else by_owner(company.night(_audit(fates, day, 0)))["team-product"]


def test_what_came_and_went_in_between_is_told_once_as_good_news() -> None:
    told = _told([{}, dict.fromkeys(PLACES, "goes")])
    merged = merge([told[0]["team-web"], told[1]["team-web"]])
    (line,) = merged.told
    assert line.said == ("Resolved: found on 24 November 2026, gone on 25 November 2026.",)
    assert line.action is TicketAction.CLOSE
    assert merged.subject.startswith("privacy_audit (2 nights): 1 resolved in Website database")


def test_audits_of_one_day_are_called_audits() -> None:
    first = _product(0)
    second = replace(first, audit_id="by hand")
    assert "this tells 2 audits of 24 November 2026." in message_body.text(merge([first, second]))


@pytest.mark.parametrize("days", [1, 40])
def test_how_long_ago_it_was_does_not_matter(days: int) -> None:
    merged = merge([_product(0), _product(days, positions_GEO1="goes")])
    assert len(merged.nights) == 2
    assert not next(line for line in merged.told if line.check.endswith("GEO-1")).is_open
