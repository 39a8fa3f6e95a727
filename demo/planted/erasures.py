"""DEL-4: persons who were erased, and what is found of them again; restored is told from signed up again."""

from __future__ import annotations

from collections.abc import Iterator

from demo.planting import (
    GONE,
    NOBODY,
    SELF,
    Digested,
    Moments,
    Numbered,
    Planting,
    Row,
    Value,
    breaks,
    erased,
    notice,
    paris,
    unknown,
    user,
    visitor,
)
from privacy_audit.domain.categories import IdentifierKind as Kind
from privacy_audit.erasure.ledger import KEY_CHECK

USERS, NOTICES, MESSAGES = "app/app.users/DEL-4", "app/app.notices/DEL-4", "app/app.ticket_messages/DEL-4"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    check = Digested(Kind.EMAIL, Numbered(KEY_CHECK))
    yield Planting("what shows with which key the ledger is digested", erased(at.ago(400), check), once=True)
    yield from _gone(at)
    yield from _back(at)
    yield from _left(at)


def _gone(at: Moments) -> Iterator[Planting]:
    key = Digested(Kind.KEY, NOBODY, "user")
    yield Planting("an erased person of whom nothing is left", erased(at.ago(90), GONE, key))
    other = erased(at.ago(90), Digested(Kind.EMAIL, Numbered("person{n}@example.com")))
    yield Planting("somebody with nearly the address of an erased person", (*user(at), *other))


def _back(at: Moments) -> Iterator[Planting]:
    email = Digested(Kind.EMAIL, Numbered("person{n}@example.org"))
    restored = (*user(at), *erased(at.ago(90), email))
    yield Planting("an account older than the erasure, brought back by a restore", restored, (breaks(USERS),))
    again = (*user(at, created_at=at.ago(30)), *erased(at.ago(90), email))
    yield Planting("an account made after the erasure: the person signed up again", again, (unknown(USERS),))
    shouted = (*user(at, email=Numbered(" Person{n}@EXAMPLE.org ")), *erased(at.ago(90), email))
    yield Planting("the same address in other letters", shouted, (breaks(USERS),))
    tagged = (*user(at, email=Numbered("person{n}+news@example.org")), *erased(at.ago(90), email))
    yield Planting("the same mailbox under a tag", tagged, (unknown(USERS),))
    name = Digested(Kind.NAME, Numbered("Introuvable, Zephyrin"))
    alike = (*user(at, full_name="Zéphyrin Introuvable"), *erased(at.ago(90), name))
    yield Planting("somebody with the name of an erased person", alike, (unknown(USERS),))


def _left(at: Moments) -> Iterator[Planting]:
    shown = notice(at.ago(20))
    left = Row(shown.table, {**shown.values, "person_id": NOBODY})
    forgotten = (left, *erased(at.ago(10), Digested(Kind.KEY, NOBODY, "user")))
    yield Planting("a notice of an erased person: nothing but the key is left", forgotten, (breaks(NOTICES),))
    ticket = Row("app.support_tickets", {"opened_at": at.ago(30)})
    words: dict[str, Value] = {
        "sent_at": paris(at.ago(30)),
        "sender_ip": "198.51.100.12",
        "body": Numbered("Please write to erased{n}@example.org instead."),
    }
    told = (*user(at), ticket, Row("app.ticket_messages", words), *erased(at.ago(10), GONE))
    yield Planting("an erased person's address in the words of somebody else", told, (breaks(MESSAGES),))
    seen = (*visitor(at), *erased(at.ago(10), Digested(Kind.KEY, SELF, "visitor")))
    yield Planting("a visitor who was erased in the ledger alone", seen, (breaks("web/web.visitors/DEL-4"),))
