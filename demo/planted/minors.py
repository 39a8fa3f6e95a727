"""MIN-1 and MIN-2: under 15 at the moment of the use, and a guardian's consent before it, by e-mail, with proof.

Children older than the use are planted too: growing up afterwards cures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count

from demo.planting import (
    MICROSECOND,
    PARIS,
    Moments,
    Planting,
    Row,
    Value,
    breaks,
    consent,
    milliseconds,
    paris,
    unknown,
    user,
)
from privacy_audit.domain.periods import birthday, start_of_day

ACCOUNTS, POSITIONS = "app/app.users/MIN-1", "app/app.positions/MIN-1"
SESSIONS, DOWNLOADS = "app/app.sessions/MIN-1", "app/app.downloads/MIN-1"
NEWSLETTER = "app/app.newsletter_subscriptions/MIN-1"
TICKETS, COMMENTS, EVENTS = (
    f"app/app.{table}/MIN-1" for table in ("support_tickets", "social_comments", "processing_events")
)
FORM = "app/app.guardian_consents/MIN-2"
SETTLED, AGREED = "app/app.guardian_consents/MIN-3", "app/app.guardian_consents/LAW-MIN-1"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_consents, _birthdays, _leap_days, _unknown_births, _later_uses, _form, _crowds, _settled):
        yield from part(at)


def _fifteen(day: date) -> date:
    """The birth date of somebody who turns 15 on a day that is no 29 February."""
    return day.replace(year=day.year - 15)


def _plain(day: date) -> date:
    """The day, or the one before a 29 February."""
    return day - timedelta(days=1) if (day.month, day.day) == (2, 29) else day


def _child(at: Moments, *rows: Row, **values: Value) -> tuple[Row, ...]:
    """Somebody who was 14 when the account was made, 800 days ago."""
    return (*user(at, birth_date=_fifteen(_plain(at.ago(800).date() + timedelta(days=180))), **values), *rows)


def _guardian(received: datetime, revoked: datetime | None = None, **values: Value) -> Row:
    """A consent to which the child agreed. What a guardian took back was settled within days."""
    settled = revoked and revoked + timedelta(days=5)
    ordinary: dict[str, Value] = {"received_at": received, "child_agreed_at": received, "revoked_at": revoked}
    return Row("app.guardian_consents", {**ordinary, "settled_at": settled, **values})


def _consents(at: Moments) -> Iterator[Planting]:
    made = at.ago(800)
    before = made - timedelta(days=3)
    yield Planting("a child of 14 without any consent, older today", _child(at), (breaks(ACCOUNTS),))
    yield Planting("a child whose guardian had consented", _child(at, _guardian(before)))
    yield Planting("a child whose guardian revoked a year later", _child(at, _guardian(before, at.ago(435))))
    after = _child(at, _guardian(made + timedelta(days=1)))
    yield Planting("a child whose guardian consented a day later", after, (breaks(ACCOUNTS),))
    yield Planting("a consent received at the very moment", _child(at, _guardian(made)), (breaks(ACCOUNTS),))
    just = _child(at, _guardian(made - MICROSECOND))
    yield Planting("a consent received a microsecond before", just)
    revoked = _child(at, _guardian(before, made - timedelta(hours=1)))
    yield Planting("a consent revoked an hour before", revoked, (breaks(ACCOUNTS),))
    yield Planting("a consent revoked at the very moment", _child(at, _guardian(before, made)), (breaks(ACCOUNTS),))
    again = _child(at, _guardian(at.ago(900), at.ago(850)), _guardian(before))
    yield Planting("a consent revoked and given again", again)


def _birthdays(at: Moments) -> Iterator[Planting]:
    day = _plain(at.ago(200).astimezone(PARIS).date())
    midnight = start_of_day(day, PARIS)
    grown = user(at, birth_date=_fifteen(day), created_at=midnight)
    yield Planting("an account made on the first instant of a 15th birthday", grown)
    eve = user(at, birth_date=_fifteen(day), created_at=midnight - MICROSECOND)
    yield Planting("an account made a microsecond before a 15th birthday", eve, (breaks(ACCOUNTS),))


def _leap_days(at: Moments) -> Iterator[Planting]:
    """15 years after a leap year is never one: the birthday is 1 March, and 28 February is the day before."""
    leap_years = (year for year in count(at.today.year - 15, -1) if year % 4 == 0 and (year % 100 or year % 400 == 0))
    last = next(year for year in leap_years if date(year + 15, 3, 1) < at.today - timedelta(days=1))
    born = date(last, 2, 29)
    turns = start_of_day(birthday(born, 15), PARIS)
    yield Planting("born on 29 February, account made on 1 March", user(at, birth_date=born, created_at=turns))
    eve = user(at, birth_date=born, created_at=turns - timedelta(hours=9))
    yield Planting("born on 29 February, account made on 28 February", eve, (breaks(ACCOUNTS),))


def _unknown_births(at: Moments) -> Iterator[Planting]:
    for born in (None, "1900-01-01", "1970-01-01", "2000-01-01", "infinity"):
        why = "a user without a birth date" if born is None else f"a user born on {born}"
        yield Planting(why, user(at, birth_date=born), (unknown(ACCOUNTS),))
    unborn = user(at, birth_date=at.today + timedelta(days=1))
    yield Planting("a user who will be born tomorrow", unborn, (unknown(ACCOUNTS),))


def _later_uses(at: Moments) -> Iterator[Planting]:
    """Children whose guardian had consented to the account and revoked before they used something else at 14."""
    revoked = _guardian(at.ago(50), at.ago(30))
    use = at.ago(20)
    born = _fifteen(_plain(at.today + timedelta(days=90)))
    child = (*user(at, birth_date=born, created_at=at.ago(40)), revoked)
    moments = (use, at.ago(19))
    walk = (consent(at, at.ago(40)), *(Row("app.positions", {"recorded_at": moment}) for moment in moments))
    yield Planting("positions of a child after the guardian revoked", (*child, *walk), (breaks(POSITIONS, 2),))
    session = Row("app.sessions", {"started_ms": milliseconds(use)})
    yield Planting("a session of a child after the guardian revoked", (*child, session), (breaks(SESSIONS),))
    download = Row("app.downloads", {"downloaded_at": paris(use)})
    yield Planting("a download of a child after the guardian revoked", (*child, download), (breaks(DOWNLOADS),))
    values: dict[str, Value] = {"subscribed_at": paris(use), "last_opened_year": at.today.year - 1}
    letter = Row("app.newsletter_subscriptions", values)
    yield Planting("a child who subscribed after the guardian revoked", (*child, letter), (breaks(NEWSLETTER),))
    ticket = Row("app.support_tickets", {"opened_at": use})
    yield Planting("a ticket of a child after the guardian revoked", (*child, ticket), (breaks(TICKETS),))
    comment = Row("app.social_comments", {"posted_at": use})
    yield Planting("a comment of a child after the guardian revoked", (*child, comment), (breaks(COMMENTS),))
    logged = Row("app.processing_events", {"at": use})
    yield Planting("a use of a child's data after the guardian revoked", (*child, logged), (breaks(EVENTS),))
    meanwhile = Row("app.processing_events", {"at": at.ago(35)})
    yield Planting("a use of a child's data while the consent held", (*child, meanwhile))
    early = Row("app.sessions", {"started_ms": milliseconds(at.ago(35))})
    yield Planting("a session of a child while the consent held", (*child, early))
    nobody = Row("app.sessions", {"started_ms": milliseconds(use)})
    unsure = (unknown(ACCOUNTS), unknown(SESSIONS))
    yield Planting("a session of a user without a birth date", (*user(at, birth_date=None), nobody), unsure)


def _form(at: Moments) -> Iterator[Planting]:
    received = at.ago(803)

    def given(**form: Value) -> tuple[Row, ...]:
        return _child(at, _guardian(received, None, **form))

    wrong: tuple[tuple[str, dict[str, Value]], ...] = (
        ("a consent given in a web form", {"channel": "form", "mailbox": None, "message_id": None}),
        ("a consent given by phone", {"channel": "phone"}),
        ("a consent sent to another mailbox", {"mailbox": "support@spimed-ai.com"}),
        ("a consent sent to a plus address", {"mailbox": "dpo+kids@spimed-ai.com"}),
        ("a consent whose message has no id", {"message_id": None}),
        ("a consent without proof", {"proof_sha256": None}),
    )
    for why, form in wrong:
        yield Planting(why, given(**form), (breaks(FORM),))
    yield Planting("a consent to the mailbox in other letter case", given(mailbox="DPO@Spimed-AI.com"))
    soon = (*user(at), _guardian(at.as_of + MICROSECOND))
    yield Planting("a consent received in the future", soon, (unknown(FORM), unknown(AGREED)))


def _crowds(at: Moments) -> Iterator[Planting]:
    """Of two guardians only: with a second copy of these rows both would stand for twice as many children."""

    def ward(guardian: str) -> tuple[Row, ...]:
        return _child(at, _guardian(at.ago(803), None, guardian=guardian))

    for _ in range(10):
        yield Planting("ten children of one guardian", ward("Camille Exemple <ten@example.org>"), once=True)
    for number in range(11):
        name = "Sacha Fictif <eleven@example.org>" if number % 2 else " SACHA FICTIF <Eleven@example.org>"
        yield Planting("eleven children of one guardian", ward(name), (unknown(FORM),), once=True)


def _settled(at: Moments) -> Iterator[Planting]:
    """Of persons who are grown up: nothing but the settling is judged."""

    def revoked(when: datetime, settled: datetime | None) -> tuple[Row, ...]:
        return (*user(at), _guardian(at.ago(900), when, settled_at=settled))

    over, due = at.overdue("P1M"), at.due("P1M")
    yield Planting("a revocation nothing was done about for a month and a day", revoked(over, None), (breaks(SETTLED),))
    yield Planting("a revocation whose month ends on the day of the audit", revoked(due, None))
    yield Planting("a revocation that is settled today, a day late", revoked(over, at.as_of), (breaks(SETTLED),))
    yield Planting("a revocation that is settled on its last day", revoked(due, at.as_of))
    before = revoked(at.ago(200), at.ago(220))
    yield Planting("a revocation that was settled before it came", before, (unknown(SETTLED),))
    alone = (*user(at), _guardian(at.ago(900), child_agreed_at=None))
    yield Planting("a guardian's consent without the child's own", alone, (breaks(AGREED),))
    soon = (*user(at), _guardian(at.ago(900), child_agreed_at="2099-01-01 12:00+00"))
    yield Planting("a guardian's consent to which the child agrees in 2099", soon, (unknown(AGREED),))
