"""The outbox: messages that are filed with their audit and kept until every channel has taken them.

A channel that was down gets later what it missed: all messages of one owner and connection that it has not taken are
claimed together, sent as one, and marked together. A sender that dies between sending and marking leaves a claim that
expires; the message is then sent again with the same key. So it is sent at least once, and twice only after a crash.

A message is done when every channel of its connection has taken it. A channel that is added later gets what is not
done then, and nothing older.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.audit_db.tables import deliveries, messages
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.outbox_message import OutboxMessage

CLAIM_EXPIRES = "1 hour"
"""What was claimed so long ago and never marked as sent was lost with its sender: it may be sent again."""
_FIELDS = ("key", "audit_id", "as_of", "owner", "alert", "digest", "content")


def enqueue(connection: sa.Connection, letters: Iterable[OutboxMessage]) -> None:
    """Files messages in the transaction of their audit. A message that is already there stays as it is."""
    rows = [{name: getattr(letter, name) for name in _FIELDS} for letter in letters]
    if rows:
        connection.execute(insert(messages).on_conflict_do_nothing(), rows)


def pending(url: sa.URL | str) -> tuple[OutboxMessage, ...]:
    """Returns the messages that some channel has not taken, the oldest first."""
    waiting = sa.select(*(messages.c[name] for name in _FIELDS)).where(messages.c.done_at.is_(None))
    with transaction(url) as connection:
        rows = connection.execute(waiting.order_by(messages.c.as_of, messages.c.key)).mappings().all()
    return tuple(OutboxMessage(**row) for row in rows)


def digests(connection: sa.Connection) -> dict[str, datetime]:
    """Returns T of the last weekly digest of each `owner|alert`, as a transaction sees it."""
    last = sa.select(messages.c.owner, messages.c.alert, sa.func.max(messages.c.as_of).label("as_of"))
    rows = connection.execute(last.where(messages.c.digest).group_by(messages.c.owner, messages.c.alert))
    return {f"{row.owner}|{row.alert}": row.as_of for row in rows}


def claim(url: sa.URL | str, letters: Sequence[OutboxMessage], channel: str) -> tuple[str, ...] | None:
    """Claims the messages of one owner that a channel has not taken, and returns their keys; only the caller sends
    them now. Returns None if another sender has claimed one of them.

    `channel` identifies the channel without its address. A claim that is not completed expires.
    """
    keys = [letter.key for letter in letters]
    with transaction(url) as connection:
        # Anyone who claims letters of the same owner waits here, so that one of two has all of them and the other none.
        connection.execute(
            sa.select(messages.c.key).where(messages.c.key.in_(keys)).order_by(messages.c.key).with_for_update()
        )
        taken, claimed = _known(connection, keys, channel)
        wanted = [letter for letter in letters if letter.key not in taken]
        if any(letter.key in claimed for letter in wanted):
            return None
        if wanted:
            connection.execute(_claim(wanted, channel))
        return tuple(letter.key for letter in wanted)


def _known(connection: sa.Connection, keys: Sequence[str], channel: str) -> tuple[set[str], set[str]]:
    """Returns which messages the channel has taken, and which another sender has claimed."""
    fresh = deliveries.c.claimed_at >= sa.func.now() - sa.cast(CLAIM_EXPIRES, sa.Interval())
    found = sa.select(deliveries.c.message, deliveries.c.sent_at, fresh.label("fresh"))
    rows = connection.execute(found.where(deliveries.c.key.in_([_key(key, channel) for key in keys]))).all()
    return {row.message for row in rows if row.sent_at}, {row.message for row in rows if row.fresh and not row.sent_at}


def _claim(letters: Iterable[OutboxMessage], channel: str) -> Any:
    rows = [
        {
            "key": _key(letter.key, channel),
            "audit_id": letter.audit_id,
            "owner": letter.owner,
            "claimed_at": sa.func.now(),
            "message": letter.key,
        }
        for letter in letters
    ]
    again = {"claimed_at": sa.func.now(), "attempts": deliveries.c.attempts + 1}
    return insert(deliveries).values(rows).on_conflict_do_update(index_elements=[deliveries.c.key], set_=again)


def mark_delivered(url: sa.URL | str, keys: Iterable[str], channel: str) -> None:
    """Marks messages as taken by a channel: it never gets them again."""
    _update(url, keys, channel, {"sent_at": sa.func.now()})


def release(url: sa.URL | str, keys: Iterable[str], channel: str) -> None:
    """Ends the claim of messages that a channel did not take; the next try may send them."""
    _update(url, keys, channel, {"claimed_at": None})


def _update(url: sa.URL | str, keys: Iterable[str], channel: str, values: dict[str, Any]) -> None:
    mine = deliveries.c.key.in_([_key(key, channel) for key in keys])
    with transaction(url) as connection:
        connection.execute(deliveries.update().where(mine, deliveries.c.sent_at.is_(None)).values(values))


def close(url: sa.URL | str, keys: Sequence[str], channels: Sequence[str]) -> None:
    """Marks those messages as done that all channels of their connection have taken."""
    taken = (
        sa.select(sa.func.count())
        .where(
            deliveries.c.message == messages.c.key,
            deliveries.c.sent_at.is_not(None),
            deliveries.c.key.in_([_key(key, channel) for key in keys for channel in channels]),
        )
        .scalar_subquery()
    )
    done = messages.update().where(messages.c.key.in_(keys), messages.c.done_at.is_(None), taken == len(set(channels)))
    if keys and channels:
        with transaction(url) as connection:
            connection.execute(done.values(done_at=sa.func.now()))


def _key(message: str, channel: str) -> str:
    return f"{message}:{channel}"
