"""A message as text, as HTML for mail, and as JSON for programs. Pure; findings are told the same in all three."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, select_autoescape

from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.notify.message import DETAILED, LISTED, FindingNotice, Message
from privacy_audit.notify.tickets import Ticket
from privacy_audit.view.templates import environment

SCHEMA = "privacy_audit.alert/2"
TICKET_SCHEMA = "privacy_audit.ticket/1"
_TEMPLATES = Path(__file__).parent / "templates"
_ZERO_WIDTH = "\u2060"
_COLOURS = {Outcome.FAIL: "#b3261e", Outcome.NOT_AUDITED: "#6a1b9a", Outcome.REVIEW: "#8a6100"}
_GONE = "#1b6b2e"
_MONTH = len("2026-11")


def text(message: Message) -> str:
    """Plain text, for mail readers and chats. What chats would take for a call to everyone is broken up."""
    return _harmless(_rendered("alert.txt.j2", message=message))


def html(message: Message) -> str:
    """HTML for mail: everything escaped, nothing fetched from anywhere."""
    return _rendered("alert.html.j2", message=message)


def document(message: Message) -> str:
    """JSON for programs, with sorted keys and one shape for every night:

    `schema`, `key` (the same when the message comes twice), `audit_id`, `as_of`, `owner`, `kind`, `urgency`, `subject`,
    `link`, `nights` (civil days of the audits that are told), `findings` (all of them, as `finding` gives each),
    `notes` (`about`, `title`, `sentences`) and `digest`: null, or `day`, `unseen` (sentences) and `open` (findings).
    """
    return _json(
        {
            "schema": SCHEMA,
            "key": message.key,
            "audit_id": message.audit_id,
            "as_of": phrases.iso(message.as_of),
            "owner": message.owner,
            "kind": message.kind.value,
            "urgency": message.urgency.value,
            "subject": message.subject,
            "link": message.link,
            "nights": [night.isoformat() for night in message.nights],
            "findings": [finding(line) for line in message.told],
            "notes": [
                {"about": section.about, "title": section.title, "sentences": list(section.sentences)}
                for section in message.sections
            ],
            "digest": message.digest
            and {
                "day": message.digest.day.isoformat(),
                "unseen": list(message.digest.unseen),
                "open": [finding(line) for line in message.digest.open],
            },
        }
    )


def finding(line: FindingNotice) -> dict[str, Any]:
    """One finding for programs. Dates are `2026-11-24`, `2026-11` where few rows are meant, or empty."""
    return {
        "fingerprint": line.fingerprint,
        "kind": line.kind.value,
        "check": line.check,
        "control": line.control,
        "severity": line.severity.value,
        "outcome": line.outcome.value,
        "status": line.status.value,
        "changes": [change.value for change in line.changes],
        "said": list(line.said),
        "action": line.action.value,
        "violating": line.violating,
        "subjects": line.subjects,
        "undecidable": line.undecidable,
        "since": line.since,
        "first_seen": line.first_seen,
        "due_by": line.due_by,
        "waiver": line.waiver,
        "waived_until": line.waived_until,
        "owner": line.owner,
        "promise": line.promise,
        "reason": line.reason,
        "decision": line.decision,
        "fix": line.fix,
        "command": line.command,
    }


def ticket_text(ticket: Ticket) -> str:
    """A ticket for people, harmless to chats."""
    return _harmless(_rendered("ticket.txt.j2", ticket=ticket, line=ticket.line))


def ticket_document(ticket: Ticket) -> str:
    """A ticket for programs, with sorted keys: `schema`, `ticket` (the same for the life of the finding), `action`,
    `key` (the same when it comes twice), `audit_id`, `as_of`, `link`, `subject`, and all that `finding` gives.
    """
    return _json(
        {
            **finding(ticket.line),
            "schema": TICKET_SCHEMA,
            "ticket": ticket.line.fingerprint,
            "key": ticket.key,
            "audit_id": ticket.audit_id,
            "as_of": phrases.iso(ticket.as_of),
            "link": ticket.link,
            "subject": ticket.subject,
        }
    )


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _harmless(rendered: str) -> str:
    return rendered.replace("<!", f"<{_ZERO_WIDTH}!").replace("@", f"@{_ZERO_WIDTH}")


def _rendered(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(detailed=DETAILED, listed=LISTED, **values)


def _verdict(line: FindingNotice) -> str:
    return phrases.OUTCOMES[line.outcome] if line.is_open else "resolved"


def _colour(line: FindingNotice) -> str:
    return _COLOURS[line.outcome] if line.is_open else _GONE


def _counts(line: FindingNotice) -> str:
    """How many rows, of how many persons, since when: as last seen."""
    said = []
    if line.violating:
        persons = f" of {_amount(line.subjects, 'person')}" if line.subjects else ""
        since = f", since {_day(line.since)}" if line.since else ""
        said.append(f"broken by {_amount(line.violating, 'row')}{persons}{since}")
    if line.undecidable:
        said.append(f"{_amount(line.undecidable, 'row')} cannot be decided")
    if not said:
        return ""
    joined = "; ".join(said)
    return f"Last seen: {joined}." if not line.is_open else f"{joined[0].upper()}{joined[1:]}."


def _dates(line: FindingNotice) -> str:
    due = f", to be closed by {_day(line.due_by)}" if line.is_open and not line.waiver else ""
    waived = f", waived until {_day(line.waived_until)} by {line.waiver}" if line.waiver and line.waived_until else ""
    return f"First seen on {_day(line.first_seen)}{due}{waived}."


def _nights(message: Message) -> str:
    first, last = phrases.day(message.nights[0]), phrases.day(message.nights[-1])
    nights = len(message.nights)
    if first == last:
        return f"The channel was down: this tells {nights} audits of {first}."
    return f"The channel was down: this tells {nights} nights, from {first} to {last}."


def _nothing_open(message: Message) -> str:
    unseen = message.digest is not None and bool(message.digest.unseen)
    still = any(line.is_open for line in message.told)
    return f"Nothing {'else ' if still else ''}is open" + (" in what was audited." if unseen else ".")


def _amount(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _day(iso: str | date) -> str:
    """`24 November 2026`, or `November 2026` where only the month may be told."""
    if isinstance(iso, date):
        return phrases.day(iso)
    if len(iso) == _MONTH:
        return phrases.month(date.fromisoformat(f"{iso}-01"))
    return phrases.day(date.fromisoformat(iso))


@cache
def _environment() -> Environment:
    made = environment(_TEMPLATES, autoescape=select_autoescape(["html.j2"]))
    made.filters.update(
        verdict=_verdict,
        colour=_colour,
        counts=_counts,
        dates=_dates,
        nights=_nights,
        nothing_open=_nothing_open,
        day=_day,
    )
    return made
