"""Sends each owner what was filed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from privacy_audit.config.settings import load
from privacy_audit.domain.outbox_message import OutboxMessage
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.configuration import read_configuration as read_configuration
from privacy_audit.pipeline.order_lookups import audit_db_url
from privacy_audit.postgres import connections


@dataclass(frozen=True, slots=True)
class SentMessages:
    """What sending did."""

    sent: int
    """Messages that a channel took."""
    failed: tuple[str, ...]
    """Who was not reached by what, and why."""


def send_alerts() -> SentMessages:
    """Sends each owner what is in the outbox and what some channel of theirs has not taken yet.

    A channel that is down is counted and stops no other; once it is back, it gets everything in one message.
    """
    from privacy_audit import audit_db

    settings = load()
    url = audit_db_url(settings)
    audit_db.upgrade(url)
    known_database.prove(settings)
    sent, failed = 0, []
    letters = sorted(audit_db.pending(url), key=_addressee)
    for _, waiting in groupby(letters, key=_addressee):
        amount, failures = _send_to_owner(url, list(waiting))
        sent += amount
        failed += failures
    return SentMessages(sent, tuple(failed))


def _addressee(letter: OutboxMessage) -> tuple[str, str]:
    return letter.owner, letter.alert


def _send_to_owner(url: Any, letters: Sequence[OutboxMessage]) -> tuple[int, list[str]]:
    """Sends to one owner by each channel of one connection; returns how many messages went, and what failed."""
    from privacy_audit import audit_db, notify

    owner, alert = _addressee(letters[0])
    try:
        connection = connections.find(alert)
        channels = notify.channels_of(connection.name, connection.password, connection.extra)
    except (connections.ConnectionMissingError, notify.ChannelsMissingError) as error:
        return 0, [f"{owner}: {error}"]
    outcomes = [_send_by_channel(url, letters, channel) for channel in channels]
    audit_db.close(url, [letter.key for letter in letters], [channel.key for channel in channels])
    return sum(amount for amount, _ in outcomes), [f"{owner}{failure}" for _, failure in outcomes if failure]


def _send_by_channel(url: Any, letters: Sequence[OutboxMessage], channel: Any) -> tuple[int, str]:
    """Sends a channel all that waits for it in one message; returns how many messages went, and why it failed."""
    from privacy_audit import audit_db, notify

    keys = audit_db.claim(url, letters, channel.key)
    if keys is None:
        return 0, ": another sender claimed the message and has not sent it"
    if not keys:
        return 0, ""
    delivery = notify.deliver(notify.merge([notify.load(it.content) for it in letters if it.key in keys]), channel)
    if not delivery.sent:
        audit_db.release(url, keys, channel.key)
        return delivery.count, f", by {delivery.channel}: {delivery.reason}"
    audit_db.mark_delivered(url, keys, channel.key)
    return delivery.count, ""
