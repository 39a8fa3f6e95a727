"""How a message reaches its owner: by Apprise, to the channels that an Airflow connection lists.

The connection holds Apprise addresses in its extra, `{"urls": ["mailtos://...", "jsons://..."]}`, or a single one as
its password. Mail gets HTML (Apprise adds the plain text), `json` and `jsons` get the document of `body.document` as
the string `message` beside Apprise's own `title`, `type` and `version`; every other service gets plain text.

`{"tickets": [...]}` beside it lists channels where each finding has a ticket of its own that opens and closes. `json`
and `jsons` get `body.ticket_document`, again as `message`. Of Apprise's services these close what they opened, by a key
that we give: FireHydrant, GoAlert, ilert, incident.io, PagerDuty, PagerTree, SIGNL4, Splunk On-Call (VictorOps) and
Squadcast. Opsgenie and Jira close only what Apprise remembers to have opened in the same process, so they are refused
for tickets, like all others: tell them by `urls`, or by a small receiver of the JSON.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.notify import message_body
from privacy_audit.notify.message import Message, TicketAction, Urgency
from privacy_audit.notify.tickets import Ticket, tickets

TIMEOUTS = {"cto": "5", "rto": "20"}
"""Seconds to connect and to be answered, where an address does not say."""
_NO_ADDRESS = "its address is none that Apprise knows"
_NOT_TAKEN = "it did not take the message"
_NO_TICKETS = "its service cannot close a ticket by a key of ours; list it under urls instead of tickets"


class ChannelsMissingError(PrivacyAuditError):
    """A connection lists no channel."""


class MessageForm(StrEnum):
    """The form in which a kind of channel wants a message."""

    HTML = "html"
    DOCUMENT = "document"
    TEXT = "text"


_FORMS = {
    "mailto": MessageForm.HTML,
    "mailtos": MessageForm.HTML,
    "json": MessageForm.DOCUMENT,
    "jsons": MessageForm.DOCUMENT,
}
_RENDERED = {
    MessageForm.HTML: message_body.html,
    MessageForm.DOCUMENT: message_body.document,
    MessageForm.TEXT: message_body.text,
}
_BY_DEDUP = (
    "firehydrant",
    "goalert",
    "goalerts",
    "ilert",
    "incidentio",
    "pagerduty",
    "pagertree",
    "signl4",
    "squadcast",
)
_TICKET_KEYS = {**dict.fromkeys(_BY_DEDUP, "dedup"), "splunk": "entity_id", "victorops": "entity_id"}
"""Service to the parameter of its address that carries the ticket's key; `action=map` closes it on good news."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of a connection, and what it is told."""

    url: str
    """Holds secrets: never said."""
    for_tickets: bool = False

    @property
    def key(self) -> str:
        """Tells the channel from all others, without telling its address."""
        use = "tickets|" if self.for_tickets else ""
        return hashlib.sha256(f"{use}{self.url}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message on one channel."""

    channel: str
    """The kind of channel; never its address, which holds secrets."""
    sent: bool
    reason: str = ""
    """Why it was not sent, in our words."""
    count: int = 1
    """Messages that were sent: none when there was nothing to say, one per ticket."""


def channels_of(name: str, password: str, extra: Mapping[str, Any]) -> tuple[Channel, ...]:
    """The channels a connection lists; ChannelsMissingError when it lists none."""
    plain, for_tickets = _listed(extra.get("urls")), _listed(extra.get("tickets"))
    if not (plain or for_tickets) and password:
        plain = (password,)
    if not (plain or for_tickets):
        raise ChannelsMissingError(
            f'connection {name}: lists no channel. Give its extra {{"urls": ["mailtos://..."]}},'
            " with one Apprise address per channel."
        )
    return (*map(Channel, plain), *(Channel(url, for_tickets=True) for url in for_tickets))


def _listed(urls: Any) -> tuple[str, ...]:
    found = (url for url in urls if isinstance(url, str) and url) if isinstance(urls, list) else ()
    return tuple(dict.fromkeys(found))


def deliver(message: Message, channel: Channel) -> Delivery:
    """Sends a message by one channel. Never raises for a channel that is down, and never says its address."""
    try:
        parts = urlsplit(channel.url)
    except ValueError:  # half an address, as `json://[::1/`
        return Delivery("unknown", sent=False, reason=_NO_ADDRESS, count=0)
    kind = parts.scheme.lower()
    if channel.for_tickets:
        return _deliver_tickets(message, channel.url, kind)
    if message.says_nothing:
        return Delivery(kind, sent=True, count=0)
    form = _FORMS.get(kind, MessageForm.TEXT)
    # What is longer than a chat takes comes in pieces: refused for its length it would never be told.
    address = _address(channel.url, {"overflow": "split"} if form is MessageForm.TEXT else {})
    reason = _notify(address, message.subject, _RENDERED[form](message), form, message.urgency)
    return Delivery(kind or "unknown", sent=not reason, reason=reason, count=0 if reason else 1)


def _deliver_tickets(message: Message, url: str, kind: str) -> Delivery:
    """All tickets of a message; those that failed are sent again with the others, under the same keys."""
    reasons = [_deliver_ticket(ticket, url, kind) for ticket in tickets(message)]
    failed = [reason for reason in reasons if reason]
    return Delivery(kind, sent=not failed, reason=failed[0] if failed else "", count=reasons.count(""))


def _deliver_ticket(ticket: Ticket, url: str, kind: str) -> str:
    """Why a ticket was not taken; empty when it was."""
    urgency = _ticket_urgency(ticket)
    if _FORMS.get(kind) is MessageForm.DOCUMENT:
        return _notify(
            _address(url), ticket.subject, message_body.ticket_document(ticket), MessageForm.DOCUMENT, urgency
        )
    if kind not in _TICKET_KEYS:
        return _NO_TICKETS
    key = {"action": "map", _TICKET_KEYS[kind]: ticket.line.fingerprint}
    return _notify(
        _address(url, {"overflow": "truncate"}, key),
        ticket.subject,
        message_body.ticket_text(ticket),
        MessageForm.TEXT,
        urgency,
    )


def _ticket_urgency(ticket: Ticket) -> Urgency:
    if ticket.line.action is TicketAction.CLOSE:
        return Urgency.SUCCESS
    return Urgency.WARNING if ticket.line.outcome is Outcome.REVIEW else Urgency.FAILURE


def _notify(address: str, title: str, content: str, form: MessageForm, urgency: Urgency) -> str:
    """Why a notification was not taken; empty when it was."""
    import apprise
    from apprise.persistent_store import PersistentStoreMode

    # Apprise's own log names addresses, tokens and what servers answered.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(secure_logging=True, storage_mode=PersistentStoreMode.MEMORY, plugin_paths=[])
    channel = apprise.Apprise(asset=asset)
    if not channel.add(address):
        return _NO_ADDRESS
    taken = channel.notify(
        title=title,
        body=content,
        notify_type=apprise.NotifyType(urgency.value),
        body_format=apprise.NotifyFormat.HTML if form is MessageForm.HTML else apprise.NotifyFormat.TEXT,
    )
    return "" if taken else _NOT_TAKEN


_NOTHING: Mapping[str, str] = {}


def _address(url: str, otherwise: Mapping[str, str] = _NOTHING, always: Mapping[str, str] = _NOTHING) -> str:
    """The address with what it does not say itself, and with what it may not say itself."""
    parts = urlsplit(url)
    given = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in always]
    wanted = {name: value for name, value in {**TIMEOUTS, **otherwise}.items() if name not in dict(given)}
    return urlunsplit(parts._replace(query=urlencode([*given, *wanted.items(), *always.items()])))
