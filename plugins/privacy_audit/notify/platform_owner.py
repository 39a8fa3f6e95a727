"""Tells the owner of the platform that a run failed: by itself, not through the outbox.

What failed may be the audit's database or the configuration, so neither is needed here: where `handling.yaml` cannot
be read or names no platform, the connection of PRIVACY_AUDIT_PLATFORM_ALERT is told (`alerts_platform`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from privacy_audit import notify
from privacy_audit.config import handling, settings
from privacy_audit.config.handling import NotifiedPerson
from privacy_audit.domain.errors import ConfigurationRefusedError, MayHealError, PrivacyAuditError
from privacy_audit.notify import Message, run_failed
from privacy_audit.postgres import connections


class NotToldError(MayHealError):
    """No channel of the platform's owner took the message."""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run of a DAG, as Airflow knows it."""

    dag: str
    id: str
    link: str
    """Where people see it; empty when nobody knows."""


def tell(run: FailedRun, causes: Sequence[str], now: datetime) -> None:
    """Sends one message with the causes of a failed run. NotToldError when no channel took it."""
    owner = recipient()
    message = Message(
        audit_id=run.id,
        as_of=now,
        day=now.astimezone(UTC).date(),
        owner=owner.owner,
        alert=owner.alert,
        link=run.link,
        sections=(run_failed(run.dag, causes),),
    )
    failures = _sent(message, owner)
    if failures:
        raise NotToldError(f"The owner of the platform was not told. {' '.join(failures)}")


def recipient() -> NotifiedPerson:
    """Who is told: `platform` of handling.yaml, or else the connection of the settings."""
    try:
        named = handling.read(settings.expectations()).platform
    except (ConfigurationRefusedError, OSError):
        named = None
    return named or NotifiedPerson(owner="Platform", alert=settings.platform_alert())


def _sent(message: Message, owner: NotifiedPerson) -> list[str]:
    """Why no channel took the message; empty as soon as one did."""
    try:
        connection = connections.find(owner.alert)
        channels = notify.channels_of(connection.name, connection.password, connection.extra)
    except PrivacyAuditError as error:
        return [str(error)]
    plain = [channel for channel in channels if not channel.for_tickets]
    if not plain:
        return [f"connection {owner.alert}: lists channels for tickets only. List one under urls."]
    deliveries = [notify.deliver(message, channel) for channel in plain]
    if any(delivery.sent for delivery in deliveries):
        return []
    return [f"By {delivery.channel}: {delivery.reason}." for delivery in deliveries]
