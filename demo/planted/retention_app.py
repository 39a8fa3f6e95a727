"""RET-1, RET-3, RET-4 and DEL-1 in the product: kept too long, just in time, and impossible to tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demo.planting import (
    MICROSECOND,
    SELF,
    Moments,
    Planting,
    Row,
    Value,
    breaks,
    consent,
    held,
    hold,
    milliseconds,
    paris,
    person,
    seconds,
    unknown,
    user,
)

CREDENTIALS = "app/app.credentials/RET-1"
USERS, PROSPECTS = "app/app.users/RET-1", "app/app.prospects/RET-1"
THREE_YEARS = "app/app.prospects/LAW-RET-1"
NEWSLETTER = "app/app.newsletter_subscriptions/RET-1"
POSITIONS = "app/app.positions/RET-3"
SESSIONS, DEVICES = "app/app.sessions/RET-4", "app/app.devices/RET-4"
DOWNLOADS, MESSAGES = "app/app.downloads/RET-4", "app/app.ticket_messages/RET-4"
DELETED_USERS, DELETED_MESSAGES = "app/app.users/DEL-1", "app/app.ticket_messages/DEL-1"
DELETED_COMMENTS = "app/app.social_comments/DEL-1"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_users, _prospects, _newsletter, _positions, _sessions, _devices, _downloads, _messages, _deleted):
        yield from part(at)


def _client(at: Moments, *ends: datetime | str | None) -> tuple[Row, ...]:
    """A user with one contract for each end; None runs."""
    known = person(at, created_at=at.ago(3400))
    start = at.ago(3390)
    contracts = (Row("app.contracts", {"user_id": SELF, "started_at": start, "ended_at": end}) for end in ends)
    return (*known, *contracts)


def _users(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue("P5Y"), at.due("P5Y")
    yield Planting("a user whose last contract ended 5 years and a day ago", _client(at, over), (breaks(USERS),))
    both = _client(at, at.ago(2600), over)
    yield Planting("a user whose two contracts are both over too long", both, (breaks(USERS),))
    yield Planting("a user whose contract ended 8 years ago", _client(at, at.ago(2923)), (breaks(USERS),))
    yield Planting("a user whose 5 years end on the day of the audit", _client(at, due))
    yield Planting("an ended contract beside a running one", _client(at, at.ago(2600), None))
    yield Planting("an old contract and one that ended last year", _client(at, at.ago(2600), at.ago(300)))
    login = Row("app.credentials", {"updated_at": at.ago(700)})
    never = (*_client(at), login)
    yield Planting("a user without any contract, who can log in", never, (unknown(USERS), unknown(CREDENTIALS)))
    yield Planting("a contract that ended on 1 January 1970", _client(at, "1970-01-01 12:00+00"), (unknown(USERS),))
    kept = (*_client(at, over), login, hold(at, "professional_identity"))
    yield Planting("an expired user in a litigation about who they are", kept, (held(USERS), held(CREDENTIALS)))
    other = (*_client(at, over), hold(at, "financial"))
    yield Planting("an expired user whose hold is about invoices only", other, (breaks(USERS),))


def _prospects(at: Moments) -> Iterator[Planting]:
    def met(day: date | str | None) -> tuple[Row]:
        """Somebody who was told in time what is held about them, and from where."""
        values: dict[str, Value] = {"last_contact_on": day, "collected_at": at.ago(90), "told_at": at.ago(80)}
        return (Row("app.prospects", {"source": "trade_show", "source_detail": "Salon Demo", **values}),)

    late, unsure = (breaks(PROSPECTS), breaks(THREE_YEARS)), (unknown(PROSPECTS), unknown(THREE_YEARS))

    over, due = at.overdue_day("P5Y"), at.due_day("P5Y")
    yield Planting("a prospect last spoken to 5 years and a day ago", met(over), late)
    yield Planting("a prospect last spoken to 7 years ago", met(over - timedelta(days=730)), late)
    yield Planting("a prospect whose 5 years end on the day of the audit", met(due), (breaks(THREE_YEARS),))
    yield Planting("a prospect nobody wrote a date for", met(None), unsure)
    yield Planting("a prospect last spoken to tomorrow", met(at.today + timedelta(days=1)), unsure)
    yield Planting("a prospect last spoken to on 1 January 1970", met("1970-01-01"), unsure)
    yield Planting("a prospect last spoken to at infinity", met("infinity"), unsure)


def _newsletter(at: Moments) -> Iterator[Planting]:
    def reader(last_opened: int | None) -> tuple[Row, ...]:
        values: dict[str, Value] = {"subscribed_at": paris(at.ago(700)), "last_opened_year": last_opened}
        return (*user(at), Row("app.newsletter_subscriptions", values))

    year = at.today.year
    yield Planting("a reader whose last year of contact is 6 years back", reader(year - 6), (breaks(NEWSLETTER),))
    yield Planting("a reader whose last year of contact is 4 years back", reader(year - 4))
    # On 1 January even the first day of that year has its 5 years only end today, so nothing is due.
    unsure = () if (at.today.month, at.today.day) == (1, 1) else (unknown(NEWSLETTER),)
    yield Planting("a reader whose 5 years end on an unknown day of this year", reader(year - 5), unsure)
    yield Planting("a reader who never opened an issue", reader(None), (unknown(NEWSLETTER),))
    yield Planting("a reader who last opened an issue next year", reader(year + 1), (unknown(NEWSLETTER),))


def _positions(at: Moments) -> Iterator[Planting]:
    def tracked(*moments: datetime) -> tuple[Row, ...]:
        return (*user(at), consent(at), *(Row("app.positions", {"recorded_at": moment}) for moment in moments))

    over, due = at.overdue("P2M"), at.due("P2M")
    yield Planting("a position in the last microsecond that is overdue", tracked(over), (breaks(POSITIONS),))
    yield Planting("a position in the first microsecond that may be there", tracked(due))
    days = tuple(at.ago(days) for days in (70, 100, 200))
    yield Planting("three old positions of one person", tracked(*days), (breaks(POSITIONS, 3),))
    for walker in range(12):  # the purge that stopped: a trail per person, most of it recent
        trail = tuple(at.ago(64 + walker / 13 + step * step / 90) for step in range(100))
        yield Planting("a trail that the purge has left for weeks", tracked(*trail), (breaks(POSITIONS, 100),))
    soon = (POSITIONS, "app/app.positions/GEO-1", "app/app.positions/MIN-1")
    # Who consents anew just before is not touched by the withdrawal of nobody knows whom in the last minute.
    after = (*tracked(at.as_of, at.as_of + MICROSECOND), consent(at, at.ago(0.0001)))
    yield Planting("a position at T, and one a microsecond later", after, tuple(unknown(check) for check in soon))
    for text in ("infinity", "-infinity", "1970-01-01 12:00+00"):
        never = (*tracked(), Row("app.positions", {"recorded_at": text}))
        yield Planting(f"a position recorded at {text}", never, tuple(unknown(check) for check in soon))


def _sessions(at: Moments) -> Iterator[Planting]:
    def session(started_ms: int) -> tuple[Row, ...]:
        return (*user(at), Row("app.sessions", {"started_ms": started_ms}))

    over, due = milliseconds(at.overdue("P1Y")), milliseconds(at.due("P1Y"))
    unsure = (unknown(SESSIONS), unknown("app/app.sessions/MIN-1"))
    yield Planting("a session in the last millisecond that is overdue", session(over), (breaks(SESSIONS),))
    yield Planting("a session in the first millisecond that may be there", session(due))
    kept = (*session(over), hold(at, "connection"))
    yield Planting("an overdue session in a litigation about connections", kept, (held(SESSIONS),))
    yield Planting("a session started at millisecond zero", session(0), unsure)
    yield Planting("a session started a second after T", session(milliseconds(at.as_of) + 1000), unsure)


def _devices(at: Moments) -> Iterator[Planting]:
    def device(last_seen_s: int | None) -> tuple[Row, ...]:
        return (*user(at), Row("app.devices", {"last_seen_s": last_seen_s}))

    over, due = seconds(at.overdue("P1Y")), seconds(at.due("P1Y"))
    yield Planting("a device last seen in the last second that is overdue", device(over), (breaks(DEVICES),))
    yield Planting("a device last seen in the first second that may be there", device(due))
    yield Planting("a device that was never seen", device(None), (unknown(DEVICES),))
    yield Planting("a device last seen at second zero", device(0), (unknown(DEVICES),))


def _downloads(at: Moments) -> Iterator[Planting]:
    def download(moment: datetime) -> tuple[Row, ...]:
        return (*user(at), Row("app.downloads", {"downloaded_at": paris(moment)}))

    unsure = (unknown(DOWNLOADS), unknown("app/app.downloads/MIN-1"))
    over = download(at.overdue("P1Y"))
    yield Planting("a download in the last microsecond that is overdue", over, (breaks(DOWNLOADS),))
    yield Planting("a download in the first microsecond that may be there", download(at.due("P1Y")))
    yield Planting("a download two days after T", download(at.ago(-2)), unsure)


def _messages(at: Moments) -> Iterator[Planting]:
    def written(**values: Value) -> tuple[Row, ...]:
        ticket = Row("app.support_tickets", {"opened_at": at.ago(500)})
        return (*user(at), ticket, Row("app.ticket_messages", {"sender_ip": "198.51.100.12", **values}))

    over, due = paris(at.overdue("P1Y")), paris(at.due("P1Y"))
    yield Planting("a message whose address is overdue", written(sent_at=over), (breaks(MESSAGES),))
    yield Planting("a message whose address expires today", written(sent_at=due))
    kept = (*written(sent_at=over), hold(at, "*"))
    yield Planting("an overdue address of a person whose every data is held", kept, (held(MESSAGES),))
    gone, edge = paris(at.overdue("P30D")), paris(at.due("P30D"))
    sent = paris(at.ago(100))
    deleted = written(sent_at=sent, deleted_at=gone)
    yield Planting("a message marked as deleted 31 days ago", deleted, (breaks(DELETED_MESSAGES),))
    yield Planting("a message marked as deleted 30 days ago", written(sent_at=sent, deleted_at=edge))


def _deleted(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue("P30D"), at.due("P30D")
    yield Planting("a user marked as deleted 31 days ago", user(at, deleted_at=over), (breaks(DELETED_USERS),))
    yield Planting("a user marked as deleted 2 years ago", user(at, deleted_at=at.ago(730)), (breaks(DELETED_USERS),))
    yield Planting("a user marked as deleted 30 days ago", user(at, deleted_at=due))
    soon = user(at, deleted_at=at.as_of + MICROSECOND)
    yield Planting("a user marked as deleted in the future", soon, (unknown(DELETED_USERS),))
    kept = (*user(at, deleted_at=over), hold(at, "*"))
    yield Planting("a deleted user whose every data is held", kept, (held(DELETED_USERS),))
    comment = Row("app.social_comments", {"posted_at": at.ago(60), "is_deleted": True})
    yield Planting("a deleted comment, nobody knows since when", (*user(at), comment), (unknown(DELETED_COMMENTS),))
