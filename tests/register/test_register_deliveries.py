"""A message is said once: claimed by one, sent again after a failure or a crash, never after it was sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.register.conftest import Rows

from privacy_audit import register

KEY = ("a", "Product", "k")


def test_a_message_is_claimed_by_one_of_many(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: register.claim_delivery(url, *KEY), range(8)))
    assert claims.count(True) == 1


def test_a_message_that_could_not_be_sent_is_tried_again(url: str) -> None:
    assert register.claim_delivery(url, *KEY)
    register.release_delivery(url, "k")
    assert register.claim_delivery(url, *KEY)
    assert not register.claim_delivery(url, *KEY)


def test_a_message_that_was_sent_stays_sent(url: str, rows: Rows) -> None:
    assert register.claim_delivery(url, *KEY)
    register.mark_delivered(url, "k")
    register.release_delivery(url, "k")
    rows("UPDATE deliveries SET claimed_at = now() - interval '1 year'")
    assert not register.claim_delivery(url, *KEY)
    assert rows("SELECT audit_id, owner, key, sent_at IS NOT NULL FROM deliveries") == [(*KEY, True)]


@pytest.mark.parametrize(("minutes", "expired"), [(59, False), (61, True)])
def test_a_claim_lost_with_its_sender_expires(url: str, rows: Rows, minutes: int, expired: bool) -> None:
    assert register.claim_delivery(url, *KEY)
    rows(f"UPDATE deliveries SET claimed_at = now() - interval '{minutes} minutes'")
    assert register.claim_delivery(url, *KEY) is expired
    assert not register.claim_delivery(url, *KEY)


def test_messages_are_told_apart_by_their_key(url: str) -> None:
    assert register.claim_delivery(url, "a", "Product", "mail")
    assert register.claim_delivery(url, "a", "Product", "webhook")


def test_an_owner_is_told_even_when_the_audit_could_not_be_filed(url: str, rows: Rows) -> None:
    assert rows("SELECT count(*) FROM audits") == [(0,)]
    assert register.claim_delivery(url, "never filed", "Product", "k")
