"""Which alerts were sent. A message is claimed, sent, and marked; its key makes it the same message on every try.

A sender that dies between sending and marking leaves a claim that expires: the message is then sent again, with the
same key. At least once, and twice only after a crash.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.register.access import transaction
from privacy_audit.register.tables import deliveries

CLAIM_EXPIRES = "1 hour"
"""A message that was claimed so long ago and never marked as sent was lost with its sender: it may be sent again."""


def claim_delivery(url: sa.URL | str, audit_id: str, owner: str, key: str) -> bool:
    """Whether the caller, and nobody else, is to send this message now. A claim that was never kept expires."""
    claim = insert(deliveries).values(key=key, audit_id=audit_id, owner=owner)
    stale = deliveries.c.claimed_at < sa.func.now() - sa.cast(CLAIM_EXPIRES, sa.Interval())
    again = claim.on_conflict_do_update(
        index_elements=[deliveries.c.key],
        set_={"claimed_at": sa.func.now()},
        where=sa.and_(deliveries.c.sent_at.is_(None), stale),
    )
    with transaction(url) as connection:
        return connection.execute(again.returning(deliveries.c.key)).scalar() is not None


def mark_delivered(url: sa.URL | str, key: str) -> None:
    """The message was sent: it is never sent again."""
    with transaction(url) as connection:
        connection.execute(deliveries.update().where(deliveries.c.key == key).values(sent_at=sa.func.now()))


def release_delivery(url: sa.URL | str, key: str) -> None:
    """The message could not be sent: the next try may. One that was sent stays sent."""
    with transaction(url) as connection:
        connection.execute(deliveries.delete().where(deliveries.c.key == key, deliveries.c.sent_at.is_(None)))


def was_delivered(url: sa.URL | str, key: str) -> bool:
    """Whether the message was sent, and not only claimed."""
    sent = sa.select(deliveries.c.key).where(deliveries.c.key == key, deliveries.c.sent_at.is_not(None))
    with transaction(url) as connection:
        return connection.scalar(sent) is not None
