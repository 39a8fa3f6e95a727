"""HLD-1: when a legal hold exempts, to the microsecond, and holds in disorder. HLD-2: what vanished, holds as well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from demo.planting import (
    MICROSECOND,
    NOBODY,
    SELF,
    Moments,
    OnFile,
    Own,
    Planting,
    Row,
    Value,
    breaks,
    consent,
    held,
    hold,
    unknown,
    user,
    visitor,
)

POSITIONS = "app/app.positions/RET-3"
APP_REVIEWS, WEB_REVIEWS = "app/app.legal_holds/HLD-3", "web/web.legal_holds/HLD-3"
APP_HOLDS, WEB_HOLDS = "app/app.legal_holds/HLD-1", "web/web.legal_holds/HLD-1"
APP_HOLDS_ON_FILE = f"{APP_HOLDS[:-1]}2/holds"
HELD_COMMENTS = "app/app.social_comments/HLD-2"
HELD_SESSIONS = "app/app.sessions/HLD-2"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _exempting(at)
    yield from _not_exempting(at)
    yield from _in_disorder(at)
    yield from _reviewed(at)
    yield from _vanished(at)
    yield from _holds_on_file(at)


def _old_position(at: Moments, *holds: Row) -> tuple[Row, ...]:
    """A position a month overdue of a person who had consented to it."""
    return (*user(at), consent(at), Row("app.positions", {"recorded_at": at.ago(95)}), *holds)


def _exempting(at: Moments) -> Iterator[Planting]:
    def kept(category: str, started: datetime | None = None, released: datetime | None = None) -> tuple[Row, ...]:
        return _old_position(at, hold(at, category, started, released))

    yield Planting("an overdue position in a litigation about positions", kept("geolocation"), (held(POSITIONS),))
    yield Planting("an overdue position of a person whose every data is held", kept("*"), (held(POSITIONS),))
    began = kept("geolocation", at.as_of)
    yield Planting("a hold that begins at T: too late for the days before", began, (held(POSITIONS, late=1),))
    ends = kept("geolocation", released=at.as_of + MICROSECOND)
    yield Planting("a hold released a microsecond after T", ends, (held(POSITIONS),))
    two = _old_position(at, hold(at, "geolocation", released=at.ago(5)), hold(at, "*"))
    yield Planting("a released hold beside one in force", two, (held(POSITIONS),))


def _not_exempting(at: Moments) -> Iterator[Planting]:
    ended = _old_position(at, hold(at, "geolocation", released=at.as_of))
    yield Planting("a hold released exactly at T", ended, (breaks(POSITIONS),))
    soon = _old_position(at, hold(at, "geolocation", at.as_of + MICROSECOND))
    # The future start is also a disorder of the register that nobody can judge today.
    yield Planting("a hold that begins a microsecond after T", soon, (breaks(POSITIONS), unknown(APP_HOLDS)))
    other = _old_position(at, hold(at, "connection"), hold(at, "financial"))
    yield Planting("holds that are about other categories", other, (breaks(POSITIONS),))


def _in_disorder(at: Moments) -> Iterator[Planting]:
    def changed(store: str, **values: Value) -> Row:
        row = hold(at, "*", store=store)
        return Row(row.table, {**row.values, **values})

    yield Planting("a hold without a matter", (*user(at), changed("app", matter_ref=None)), (breaks(APP_HOLDS),))
    yield Planting("a hold whose matter is blank", (*user(at), changed("app", matter_ref="  ")), (breaks(APP_HOLDS),))
    yield Planting("a hold that names nobody we know", (changed("app", user_id=NOBODY),), (breaks(APP_HOLDS),))
    yield Planting("a hold without a matter", (*visitor(at), changed("web", matter_ref=None)), (breaks(WEB_HOLDS),))
    backwards = changed("web", released_at=at.ago(701))
    yield Planting("a hold released before it began", (*visitor(at), backwards), (breaks(WEB_HOLDS),))


def _reviewed(at: Moments) -> Iterator[Planting]:
    """One matter each: what counts is the latest review among the holds of a matter that are in force."""

    def seen(*reviews: Value, store: str = "app", **values: Value) -> tuple[Row, ...]:
        whose = user(at) if store == "app" else visitor(at)
        row = hold(at, "*", store=store)
        return (*whose, *(Row(row.table, {**row.values, "reviewed_at": review, **values}) for review in reviews))

    over, due = at.overdue("P12M"), at.due("P12M")
    late, late_on_the_web = breaks(APP_REVIEWS, subjects=0), breaks(WEB_REVIEWS, subjects=0)
    yield Planting("a matter last reviewed 12 months and a day ago", seen(over), (late,))
    yield Planting("a matter whose 12 months end on the day of the audit", seen(due))
    yield Planting("two holds of a matter that was never reviewed", seen(None, None), (late,))
    yield Planting("a matter reviewed for one of its two holds", seen(over, at.ago(30)))
    soon = seen(at.as_of + MICROSECOND)
    yield Planting("a matter reviewed a microsecond after T", soon, (unknown(APP_REVIEWS),))
    yield Planting("a released matter that was never reviewed", seen(None, released_at=at.ago(20)))
    yield Planting("a matter last reviewed 12 months and a day ago", seen(over, store="web"), (late_on_the_web,))
    yield Planting("a matter whose 12 months end on the day of the audit", seen(due, store="web"))


def _vanished(at: Moments) -> Iterator[Planting]:
    """Sessions that an audit of ten days ago saw, and that are there no more."""
    gone = (OnFile("app.sessions", NOBODY, "connection by id", at.ago(10)),)
    since = at.ago(30)
    held_still = (*user(at), hold(at, "connection", since))
    yield Planting("a session that vanished under a hold", held_still, (breaks(HELD_SESSIONS),), on_file=gone)
    over = (*user(at), hold(at, "connection", since, at.ago(5)))
    yield Planting("a session that was deleted once its hold was released", over, on_file=gone)
    another = (*user(at), hold(at, "financial", since))
    yield Planting("a session that was deleted under a hold on invoices alone", another, on_file=gone)
    of_everything = (*user(at), hold(at, "*", since))
    comment = (OnFile("app.social_comments", NOBODY, "any category by id", at.ago(10)),)
    yield Planting("a comment that vanished under a hold", of_everything, (breaks(HELD_COMMENTS),), on_file=comment)
    money = (*user(at), hold(at, "financial", since))
    yield Planting("a comment that was deleted under a hold on invoices alone", money, on_file=comment)


def _holds_on_file(at: Moments) -> Iterator[Planting]:
    """Holds that an audit of ten days ago saw in force."""

    def seen(names: str, key: Own) -> OnFile:
        return OnFile("app.legal_holds", key, f"hold on {names} by id", at.ago(10))

    def tonight(category: str, released: datetime | None = None) -> tuple[Row, ...]:
        row = hold(at, category, at.ago(30), released)
        return (*user(at), Row(row.table, {**row.values, "id": SELF}))

    session = OnFile("app.sessions", NOBODY, "connection by id", at.ago(10))
    both = (seen("connection", NOBODY), session)
    yield Planting("a hold that was deleted with the session", user(at), (breaks(APP_HOLDS_ON_FILE),), on_file=both)
    over, still = (seen("connection", SELF), session), (seen("everything", SELF),)
    yield Planting(
        "a hold that was released, and then the session deleted", tonight("connection", at.ago(5)), on_file=over
    )
    yield Planting("a hold that an audit saw before", tonight("*"), on_file=still)
    narrowed = tonight("financial")
    yield Planting("a hold that was narrowed to money", narrowed, (unknown(APP_HOLDS_ON_FILE),), on_file=still)
