"""Several nights in one message: what a channel is told that was down for so long. Pure.

Each finding is told once, as it stands in the end, with all that became of it in between: a channel that returns is
told everything and flooded with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from privacy_audit.domain import phrases
from privacy_audit.findings.finding_state import FindingChange
from privacy_audit.notify.message import FindingNotice, Message, MessageSection, TicketAction, WeeklyDigest
from privacy_audit.notify.notices import urgency

_OPENING = (FindingChange.FOUND, FindingChange.RETURNED)


def merge(messages: Sequence[Message]) -> Message:
    """One message of all that one owner was to be told by one connection; it has the key of the newest."""
    nights = sorted(messages, key=lambda message: message.as_of)
    newest = nights[-1]
    if len(nights) == 1:
        return newest
    lines = _lines(nights)
    return replace(
        newest,
        stores=_distinct(title for night in nights for title in night.stores),
        lines=lines,
        sections=_sections(nights),
        digest=_digest(nights, {line.fingerprint for line in lines}),
        nights=tuple(day for night in nights for day in night.nights),
    )


def _lines(nights: Sequence[Message]) -> tuple[FindingNotice, ...]:
    told: dict[str, list[tuple[date, FindingNotice]]] = {}
    for night in nights:
        for line in night.lines:
            told.setdefault(line.fingerprint, []).append((night.day, line))
    return tuple(sorted(map(_line, told.values()), key=urgency))


def _line(told: Sequence[tuple[date, FindingNotice]]) -> FindingNotice:
    """The latest line, with everything that was said."""
    lines = [line for _, line in told]
    audible = [(day, line) for day, line in told if not line.quiet]
    return replace(
        lines[-1],
        changes=tuple(dict.fromkeys(change for _, line in audible or told for change in line.changes)),
        said=_said(audible or told),
        action=_action(lines),
        quiet=not audible,
    )


def _said(told: Sequence[tuple[date, FindingNotice]]) -> tuple[str, ...]:
    (first_day, first), (last_day, last) = told[0], told[-1]
    if not last.is_open and any(change in _OPENING for change in first.changes):
        return (f"Resolved: found on {phrases.day(first_day)}, gone on {phrases.day(last_day)}.",)
    return tuple(f"{phrases.day(day)}: {words}" for day, line in told for words in line.said)


def _action(lines: Sequence[FindingNotice]) -> TicketAction:
    """What the ticket has to do in the end: one that was never opened is not updated."""
    last = lines[-1].action
    opened = any(line.action is TicketAction.OPEN for line in lines)
    return TicketAction.OPEN if last is TicketAction.UPDATE and opened else last


def _sections(nights: Sequence[Message]) -> tuple[MessageSection, ...]:
    """Sections of the same title as one. How things stand is told as of the newest night that said it."""
    merged: dict[str, MessageSection] = {}
    for night in nights:
        for section in night.sections:
            known = merged.get(section.about)
            if known and section.about.startswith("policy"):
                section = replace(section, sentences=_distinct((*known.sentences, *section.sentences)))
            merged[section.about] = section
    return tuple(merged.values())


def _digest(nights: Sequence[Message], told: set[str]) -> WeeklyDigest | None:
    """The newest digest, without what is told of its own above."""
    digest = next((night.digest for night in reversed(nights) if night.digest), None)
    return digest and replace(digest, open=tuple(line for line in digest.open if line.fingerprint not in told))


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
