"""Tickets: each finding that opens, changes or closes, for services that keep one ticket per finding. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from privacy_audit.notify.message import FindingNotice, Message, TicketAction

_VERBS = {TicketAction.OPEN: "open", TicketAction.UPDATE: "changed", TicketAction.CLOSE: "closed"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket is told of one finding. Its own key is the fingerprint: the same for the life of the finding."""

    line: FindingNotice
    audit_id: str
    as_of: datetime
    link: str
    key: str
    """The same when it comes twice."""

    @property
    def subject(self) -> str:
        """One line. The first words stay, so that a reader recognizes the ticket."""
        return f"privacy_audit: {self.line.check} ({self.line.severity}) {_VERBS[self.line.action]}"


def tickets(message: Message) -> Iterator[Ticket]:
    """The tickets of a message, the most urgent first. Under a waiver none opens; its beginning closes one."""
    for line in message.lines:
        if line.waiver and line.action is not TicketAction.CLOSE:
            continue
        key = f"{message.key}:{line.fingerprint[:16]}"
        yield Ticket(line, message.audit_id, message.as_of, message.link, key)
