"""A letter is filed with its audit, claimed by one, sent again after a failure or a crash, and never lost."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.outbox_message import OutboxMessage
from tests import builders
from tests.unit.audit_db.conftest import Rows

MAIL, HOOK = "mail", "hook"
"""What tells two channels of a connection."""


def _letter(night: int = 0, owner: str = "Product", *, digest: bool = False) -> OutboxMessage:
    when = builders.T + timedelta(days=night)
    return OutboxMessage(
        f"{owner}-{night}", f"n{night}", when, owner, f"alerts_{owner.lower()}", digest, {"night": night}
    )


def _enqueue(url: str, *letters: OutboxMessage) -> None:
    with transaction(url) as connection:
        audit_db.enqueue(connection, letters)


def _send(url: str, letters: Sequence[OutboxMessage], channel: str) -> tuple[str, ...] | None:
    """Claims and delivers; what was sent."""
    keys = audit_db.claim(url, letters, channel)
    if keys:
        audit_db.mark_delivered(url, keys, channel)
    return keys


def _ages(rows: Rows, minutes: int) -> None:
    rows(f"UPDATE deliveries SET claimed_at = now() - interval '{minutes} minutes'")


def test_a_letter_comes_back_as_it_was_filed(url: str) -> None:
    letters = (_letter(1), _letter(0), _letter(0, "Web", digest=True))
    _enqueue(url, *letters)
    assert audit_db.pending(url) == (letters[1], letters[2], letters[0])  # the oldest first


def test_a_letter_that_is_filed_again_stays_as_it_is(url: str) -> None:
    _enqueue(url, _letter())
    _enqueue(url, replace(_letter(), content={"other": True}), _letter())
    assert audit_db.pending(url) == (_letter(),)


def test_a_letter_is_filed_with_its_audit_or_not_at_all(url: str) -> None:
    class BrokeError(Exception):
        pass

    def file_and_break() -> None:
        with transaction(url) as connection:
            audit_db.enqueue(connection, [_letter()])
            raise BrokeError

    with pytest.raises(BrokeError):
        file_and_break()
    assert audit_db.pending(url) == ()


def test_of_many_senders_one_gets_all_letters_of_an_owner_and_the_others_none(url: str) -> None:
    letters = [_letter(night) for night in range(3)]
    _enqueue(url, *letters)
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: audit_db.claim(url, letters, MAIL), range(8)))
    assert claims.count(("Product-0", "Product-1", "Product-2")) == 1
    assert claims.count(None) == 7


def test_a_letter_that_could_not_be_sent_is_tried_again_and_counted(url: str, rows: Rows) -> None:
    _enqueue(url, _letter())
    for _ in range(3):
        assert audit_db.claim(url, [_letter()], MAIL) == ("Product-0",)
        audit_db.release(url, ["Product-0"], MAIL)
    assert rows("SELECT attempts, claimed_at, sent_at FROM deliveries") == [(3, None, None)]
    assert _send(url, [_letter()], MAIL) == ("Product-0",)


def test_a_letter_that_was_sent_stays_sent(url: str, rows: Rows) -> None:
    _enqueue(url, _letter())
    assert _send(url, [_letter()], MAIL) == ("Product-0",)
    audit_db.release(url, ["Product-0"], MAIL)
    _ages(rows, 525_600)
    assert _send(url, [_letter()], MAIL) == ()
    row = ("Product-0:mail", "n0", "Product", "Product-0", 1, True)
    assert rows("SELECT key, audit_id, owner, message, attempts, sent_at IS NOT NULL FROM deliveries") == [row]


@pytest.mark.parametrize(("minutes", "expired"), [(59, False), (61, True)])
def test_a_claim_lost_with_its_sender_expires(url: str, rows: Rows, minutes: int, expired: bool) -> None:
    _enqueue(url, _letter())
    assert audit_db.claim(url, [_letter()], MAIL)
    _ages(rows, minutes)
    assert audit_db.claim(url, [_letter()], MAIL) == (("Product-0",) if expired else None)
    assert audit_db.claim(url, [_letter()], MAIL) is None


def test_a_channel_gets_all_that_it_missed_and_nothing_twice(url: str) -> None:
    letters = [_letter(night) for night in range(4)]
    _enqueue(url, *letters)
    assert _send(url, letters[:1], MAIL) == ("Product-0",)
    assert _send(url, letters, MAIL) == ("Product-1", "Product-2", "Product-3")
    assert _send(url, letters, HOOK) == ("Product-0", "Product-1", "Product-2", "Product-3")


def test_a_letter_is_done_when_every_channel_has_it(url: str) -> None:
    letters = [_letter(0), _letter(1)]
    _enqueue(url, *letters)
    keys = [letter.key for letter in letters]
    _send(url, letters, MAIL)
    _send(url, letters[:1], HOOK)
    audit_db.close(url, keys, [MAIL, HOOK])
    assert audit_db.pending(url) == (letters[1],)
    _send(url, letters, HOOK)
    audit_db.close(url, keys, [MAIL, HOOK])
    assert audit_db.pending(url) == ()


def test_without_a_channel_nothing_is_done(url: str) -> None:
    _enqueue(url, _letter())
    audit_db.close(url, ["Product-0"], [])
    assert audit_db.pending(url) == (_letter(),)


def test_a_channel_that_is_added_later_is_not_told_of_the_past(url: str) -> None:
    _enqueue(url, _letter(0))
    _send(url, [_letter(0)], MAIL)
    audit_db.close(url, ["Product-0"], [MAIL])
    _enqueue(url, _letter(1))
    assert _send(url, audit_db.pending(url), HOOK) == ("Product-1",)


def test_a_channel_that_is_taken_away_holds_nothing_up(url: str) -> None:
    _enqueue(url, _letter())
    _send(url, [_letter()], MAIL)
    audit_db.close(url, ["Product-0"], [MAIL])  # HOOK was listed, and never took it
    assert audit_db.pending(url) == ()


def test_a_letter_waits_however_old_it_is(url: str, rows: Rows) -> None:
    _enqueue(url, replace(_letter(), as_of=builders.T - timedelta(days=900)))
    rows("UPDATE messages SET created_at = now() - interval '900 days'")
    assert [letter.key for letter in audit_db.pending(url)] == ["Product-0"]


def test_when_each_owner_had_the_last_digest(url: str) -> None:
    letters = [_letter(0, digest=True), _letter(7, digest=True), _letter(8), _letter(3, "Web", digest=True)]
    with transaction(url) as connection:
        assert audit_db.digests(connection) == {}
        audit_db.enqueue(connection, letters)
        assert audit_db.digests(connection) == {
            "Product|alerts_product": builders.T + timedelta(days=7),
            "Web|alerts_web": builders.T + timedelta(days=3),
        }


def test_a_message_that_is_deleted_takes_its_deliveries_along(url: str, rows: Rows) -> None:
    _enqueue(url, _letter())
    _send(url, [_letter()], MAIL)
    rows("DELETE FROM messages")
    assert rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_what_was_sent_before_there_was_an_outbox_is_kept(database: str) -> None:
    from tests.unit.audit_db.test_migration import _upgrade_to

    _upgrade_to(database, "0003")
    with sa.create_engine(database, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("INSERT INTO deliveries (key, audit_id, owner) VALUES ('k', 'a', 'Product')")
    audit_db.upgrade(database)
    with sa.create_engine(database, poolclass=sa.NullPool).begin() as connection:
        kept = connection.exec_driver_sql("SELECT key, message, attempts FROM deliveries").all()
    assert [tuple(row) for row in kept] == [("k", None, 1)]
