"""PUR-1 to PUR-4, LAW-PUR-2, LAW-ART-30, LAW-REC-*: what data is used for, and the record of these activities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demo.planting import (
    MICROSECOND,
    PARIS,
    Moments,
    Numbered,
    Planting,
    Row,
    Value,
    beside,
    breaks,
    held,
    hold,
    unknown,
    user,
)
from privacy_audit.domain.periods import start_of_day

PURPOSE, BASIS, BALANCED, COMPLETE, REVIEWED, EACH = (
    f"app/app.processing_activities/{control}"
    for control in ("PUR-1", "PUR-2", "LAW-PUR-2", "LAW-ART-30", "LAW-REC-1", "LAW-REC-2")
)
USED, LOGGED, NAMED = (f"app/app.processing_events/{control}" for control in ("PUR-3", "RET-4", "PUR-4"))
TIMELESS = tuple(
    unknown(f"app/app.processing_events/{control}") for control in ("PUR-3", "RET-4", "RST-1", "MIN-1", "APP-3")
)
"""Of a use at no moment there can be, each of them cannot tell."""
_BALANCED: dict[str, Value] = {"legal_basis": "legitimate_interest", "balancing_ref": "balancing/planted"}


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_purposes, _bases, _balances, _records, _reviews, _uses, _logged):
        yield from part(at)


def _activity(at: Moments, **values: Value) -> Row:
    """An activity that has gone on for years and was reviewed a month ago."""
    ordinary: dict[str, Value] = {
        "from_on": at.today - timedelta(days=900),
        "reviewed_on": at.today - timedelta(days=30),
    }
    return Row("app.processing_activities", {**ordinary, **values})


def _purposes(at: Moments) -> Iterator[Planting]:
    sold = _activity(at, purpose="direct_marketing", legal_basis="consent")
    yield Planting("an activity the policy does not name", (sold,), (breaks(PURPOSE, subjects=0),))
    nameless = (unknown(PURPOSE), unknown(BASIS), breaks(COMPLETE, subjects=0))
    yield Planting("an activity without a purpose", (_activity(at, purpose=None, legal_basis="consent"),), nameless)
    yesterday = at.today - timedelta(days=1)
    ended = _activity(at, purpose=Numbered("lottery {n}"), legal_basis="consent", to_on=yesterday)
    over = tuple(beside(check) for check in (PURPOSE, BASIS, COMPLETE, EACH))
    yield Planting("an activity the policy does not name, ended yesterday", (ended,), over)
    today = _activity(at, purpose=Numbered("raffle {n}"), legal_basis="consent", to_on=at.today)
    yield Planting("the same on its last day", (today,), (breaks(PURPOSE, subjects=0),))


def _bases(at: Moments) -> Iterator[Planting]:
    late = (breaks(BASIS, subjects=0),)
    interest = _activity(at, purpose="geolocation", **_BALANCED, balanced_on=at.today - timedelta(days=90))
    yield Planting("positions on the basis of a legitimate interest", (interest,), late)
    yield Planting(
        "customer service on the basis of consent",
        (_activity(at, purpose="customer_service", legal_basis="consent"),),
        late,
    )
    none = _activity(at, purpose="documents", legal_basis=None)
    unsure = (unknown(BASIS), unknown(BALANCED), breaks(COMPLETE, subjects=0))
    yield Planting("an activity without a legal basis", (none,), unsure)


def _balances(at: Moments) -> Iterator[Planting]:
    late = (breaks(BALANCED, subjects=0),)
    weighed: dict[str, Value] = {**_BALANCED, "purpose": "billing", "balanced_on": at.today - timedelta(days=90)}
    yield Planting("a legitimate interest that was weighed", (_activity(at, **weighed),))
    yield Planting("a legitimate interest nobody weighed", (_activity(at, **weighed | {"balanced_on": None}),), late)
    lost = _activity(at, **weighed | {"balancing_ref": " "})
    yield Planting("a balancing test nobody knows the place of", (lost,), late)


def _records(at: Moments) -> Iterator[Planting]:
    bare = _activity(at, security=None)
    yield Planting("an entry without its security measures", (bare,), (breaks(COMPLETE, subjects=0),))
    undated = _activity(at, security="", from_on=None)
    yield Planting("the same, in force nobody knows since when", (undated,), (unknown(COMPLETE),))


def _reviews(at: Moments) -> Iterator[Planting]:
    """Each of a purpose of its own, for the latest review of a purpose counts; so none is one of the policy's."""

    def reviewed(name: str, *days: date | None) -> tuple[Row, ...]:
        purpose = Numbered(name + " {n}")
        return tuple(_activity(at, purpose=purpose, legal_basis="consent", reviewed_on=day) for day in days)

    over, due = at.overdue_day("P12M"), at.due_day("P12M")
    named, late = breaks(PURPOSE, subjects=0), breaks(REVIEWED, subjects=0)
    each = breaks(EACH, subjects=0)
    yield Planting("an entry last reviewed 12 months and a day ago", reviewed("profiling", over), (named, late, each))
    yield Planting("an entry whose 12 months end on the day of the audit", reviewed("scoring", due), (named,))
    yield Planting("an entry that was never reviewed", reviewed("matching", None), (named, late, unknown(EACH)))
    both = (breaks(PURPOSE, 2, subjects=0), each)
    yield Planting("two entries of a purpose, one of them reviewed", reviewed("ranking", over, due), both)
    soon = reviewed("guessing", at.today + timedelta(days=1))
    yield Planting("an entry reviewed tomorrow", soon, (named, unknown(REVIEWED), unknown(EACH)))


def _uses(at: Moments) -> Iterator[Planting]:
    def used(purpose: Value, *rows: Row, moment: datetime | str | None = None) -> tuple[Row, ...]:
        return (*user(at), *rows, Row("app.processing_events", {"purpose": purpose, "at": moment or at.ago(10)}))

    late, other = (breaks(USED),), breaks(NAMED)
    yield Planting("a use for a purpose nobody registered", used("resale"), (*late, other))
    yield Planting("a use in other letter case", used("Billing"))
    yield Planting("a use for nobody knows what", used(None), (unknown(USED), unknown(NAMED)))
    undated = (*user(at), Row("app.processing_events", {"at": None}))
    yield Planting("a use nobody knows the moment of", undated, TIMELESS)

    def activity(name: str, first: date, last: date | None) -> tuple[Numbered, Row]:
        purpose = Numbered(name + " {n}")
        return purpose, _activity(at, purpose=purpose, legal_basis="consent", from_on=first, to_on=last)

    day = at.today - timedelta(days=10)
    morrow = start_of_day(day + timedelta(days=1), PARIS)
    over = (*(beside(check) for check in (PURPOSE, BASIS, COMPLETE, EACH)), other)
    purpose, ended = activity("contest", day - timedelta(days=90), day)
    yield Planting(
        "a use in the last microsecond of an activity", used(purpose, ended, moment=morrow - MICROSECOND), over
    )
    yield Planting("a use a microsecond later", used(purpose, ended, moment=morrow), (*late, *over))
    purpose, begun = activity("survey", day, None)
    named = (breaks(PURPOSE, subjects=0), other)
    first = start_of_day(day, PARIS)
    yield Planting("a use in the first instant of an activity", used(purpose, begun, moment=first), named)
    yield Planting("a use a microsecond before", used(purpose, begun, moment=first - MICROSECOND), (*late, *named))


def _logged(at: Moments) -> Iterator[Planting]:
    """RET-4: the log of uses itself."""

    def used(moment: datetime | str) -> tuple[Row, ...]:
        return (*user(at), Row("app.processing_events", {"at": moment}))

    over = used(at.overdue("P1Y"))
    yield Planting("a use logged in the last microsecond that is overdue", over, (breaks(LOGGED),))
    yield Planting("a use logged in the first microsecond that may be there", used(at.due("P1Y")))
    kept = (*over, hold(at, "connection"))
    yield Planting("an overdue use in a litigation about connections", kept, (held(LOGGED),))
    yield Planting("a use logged a microsecond after T", used(at.as_of + MICROSECOND), TIMELESS)
