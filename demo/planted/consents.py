"""GEO-1: positions recorded without a consent in force at their moment. `app` keeps events, `web` keeps intervals.

LAW-GEO-2, LAW-GEO-3 and LAW-GEO-5: consents that can be shown, to a text that was in force, and put on record in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from demo.planting import (
    MICROSECOND,
    PARIS,
    VERSIONS,
    Moments,
    Planting,
    Row,
    Value,
    breaks,
    consent,
    unknown,
    user,
    visitor,
)
from privacy_audit.domain.periods import start_of_day

SHOWN, IN_FORCE, ON_RECORD = (f"app/app.consent_events/LAW-GEO-{number}" for number in (2, 3, 5))
POSITIONS, VISITS = "app/app.positions/GEO-1", "web/web.visits/GEO-1"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _absent(at)
    yield from _withdrawn(at)
    yield from _carelessly_kept(at)
    yield from _unattributable(at)
    yield from _demonstrable(at)
    yield from _on_record(at)
    yield from _visits(at)
    yield from _covered_visits(at)


def _position(at: Moments, *ledger: Row, moments: tuple[float, ...] = (10,)) -> tuple[Row, ...]:
    positions = (Row("app.positions", {"recorded_at": at.ago(days)}) for days in moments)
    return (*user(at), *ledger, *positions)


def _absent(at: Moments) -> Iterator[Planting]:
    never = _position(at, moments=(30, 20, 10))
    yield Planting("three positions of a person who never consented", never, (breaks(POSITIONS, 3),))
    later = _position(at, consent(at, at.ago(10) + timedelta(hours=1)))
    yield Planting("a position an hour before the consent", later, (breaks(POSITIONS),))
    both = _position(at, consent(at, at.ago(15)), moments=(20, 10))
    yield Planting("one position before the consent and one after", both, (breaks(POSITIONS),))
    other = _position(at, consent(at, purpose="statistics"))
    yield Planting("a position of a person who consented to statistics only", other, (breaks(POSITIONS),))


def _withdrawn(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)

    def withdraw(when: datetime) -> Row:
        return consent(at, when, "withdraw")

    gone = _position(at, consent(at), withdraw(at.ago(11)))
    yield Planting("a position a day after the withdrawal", gone, (breaks(POSITIONS),))
    exact = _position(at, consent(at), withdraw(moment))
    yield Planting("a position at the very moment of the withdrawal", exact, (breaks(POSITIONS),))
    tie = _position(at, consent(at, at.ago(12)), withdraw(at.ago(12)))
    yield Planting("a grant and a withdrawal in the same microsecond", tie, (breaks(POSITIONS),))
    still = _position(at, consent(at), withdraw(moment + MICROSECOND))
    yield Planting("a position a microsecond before the withdrawal", still)
    again = _position(at, consent(at), withdraw(at.ago(300)), consent(at, at.ago(200)))
    yield Planting("a position after a withdrawal and a new consent", again)
    statistics = consent(at, at.ago(11), "withdraw", "statistics")
    yield Planting("a withdrawal that was about statistics", _position(at, consent(at), statistics))


def _carelessly_kept(at: Moments) -> Iterator[Planting]:
    """Rows of the ledger that write the purpose otherwise, or do not tell it, or whose they are."""
    moment = at.ago(10)

    def withdrawn(purpose: str | None, when: datetime | None = None) -> tuple[Row, ...]:
        return _position(at, consent(at), consent(at, when or at.ago(11), "withdraw", purpose))

    yield Planting("a withdrawal of ' Geolocation '", withdrawn(" Geolocation "), (breaks(POSITIONS),))
    yield Planting("a consent to GEOLOCATION", _position(at, consent(at, purpose="GEOLOCATION")))
    unsure = (unknown(POSITIONS),)
    yield Planting("a withdrawal of nobody knows what", withdrawn(None), unsure)
    yield Planting("a withdrawal of a blank", withdrawn("\t"), unsure)
    yield Planting("a withdrawal of nobody knows what, after the position", withdrawn(None, moment + MICROSECOND))
    yield Planting("a consent to nobody knows what", _position(at, consent(at, purpose=None)), unsure)
    # Seconds in which nobody else is located: a withdrawal of nobody may be anyone's.
    last = timedelta(seconds=40)
    nobody = Row("app.consent_events", {**consent(at, at.as_of - last, "withdraw").values, "user_id": None})
    located = _position(at, consent(at), nobody, moments=((last - timedelta(seconds=9)) / timedelta(days=1),))
    yield Planting("a position after a withdrawal of nobody knows whom", located, unsure)


def _unattributable(at: Moments) -> Iterator[Planting]:
    nobody: dict[str, Value] = {"user_id": None, "recorded_at": at.ago(10)}
    unsure = (unknown(POSITIONS), unknown("app/app.positions/MIN-1"))
    yield Planting("a position of nobody", (Row("app.positions", nobody),), unsure)
    default = Row("app.consent_events", {**consent(at).values, "at": "1970-01-01 12:00+00"})
    undated = (unknown(POSITIONS), unknown(IN_FORCE), unknown(ON_RECORD))
    yield Planting("a consent dated 1 January 1970", _position(at, default), undated)


def _newsletter(at: Moments, moment: datetime | None = None, **values: Value) -> tuple[Row, ...]:
    """Somebody who said something about the newsletter."""
    row = consent(at, moment, purpose="newsletter")
    return (*user(at), Row(row.table, {**row.values, **values}))


def _demonstrable(at: Moments) -> Iterator[Planting]:
    """Consents to the newsletter that can be shown, or not, and the texts they were given to."""
    given = partial(_newsletter, at)
    yield Planting("a consent nobody knows how it was given", given(method=None), (breaks(SHOWN),))
    yield Planting("a consent to a text nobody noted", given(version=" "), (breaks(SHOWN),))
    yield Planting("a consent without proof", given(proof=None), (breaks(SHOWN),))
    yield Planting("a consent to a text there never was", given(version="0.3-draft"), (breaks(IN_FORCE),))
    turn = start_of_day(VERSIONS[2][1] or at.today, PARIS)
    old = VERSIONS[1][0]
    yield Planting("a consent to the former text on its last day", given(turn - MICROSECOND, version=old))
    yield Planting("a consent to the former text a microsecond later", given(turn, version=old), (breaks(IN_FORCE),))
    yield Planting("a consent to the present text on its first day", given(turn))
    soon = given(at.as_of + MICROSECOND)
    yield Planting("a consent given a microsecond after T", soon, (unknown(IN_FORCE), unknown(ON_RECORD)))
    yield Planting("a withdrawal of which nothing is on file", given(action="withdraw", version=None, proof=None))


def _on_record(at: Moments) -> Iterator[Planting]:
    """Consents to the newsletter that were entered when they were given, later, before, or never."""
    moment, day = at.ago(300), timedelta(hours=24)

    def recorded(when: datetime | None, **values: Value) -> tuple[Row, ...]:
        return _newsletter(at, moment, **{"recorded_at": when, **values})

    yield Planting("a consent put on record 24 hours later", recorded(moment + day))
    just = recorded(moment + day + MICROSECOND)
    yield Planting("a consent put on record 24 hours and a microsecond later", just, (breaks(ON_RECORD),))
    late = recorded(moment + timedelta(hours=25))
    yield Planting("a consent put on record 25 hours later", late, (breaks(ON_RECORD),))
    yield Planting("a consent that nobody put on record", recorded(None), (breaks(ON_RECORD),))
    young = _newsletter(at, at.as_of - day, recorded_at=None)
    yield Planting("a consent that may still be put on record at T", young)
    early = recorded(moment - MICROSECOND)
    yield Planting("a consent put on record before it was given", early, (unknown(ON_RECORD),))
    yield Planting("a withdrawal put on record a month later", recorded(at.ago(270), action="withdraw"))


def _visit(at: Moments, *ledger: Row) -> tuple[Row, ...]:
    values: dict[str, Value] = {"visited_at": at.ago(10), "lat": 43.6047, "lon": 1.4442, "ip": "198.51.100.30"}
    return (*visitor(at), *ledger, Row("web.visits", {**values, "cookie_id": "planted"}))


def _interval(granted: datetime, withdrawn: datetime | None = None, purpose: str | None = "geolocation") -> Row:
    values: dict[str, Value] = {"granted_at": granted, "withdrawn_at": withdrawn, "purpose": purpose}
    return Row("web.consent_intervals", values)


def _visits(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)
    refused: tuple[tuple[str, tuple[Row, ...]], ...] = (
        ("a located visitor who never consented", ()),
        ("a located visitor who consented later", (_interval(at.ago(9)),)),
        ("a located visitor who had withdrawn", (_interval(at.ago(500), at.ago(11)),)),
        ("a visitor located at the very moment of the withdrawal", (_interval(at.ago(500), moment),)),
        ("a located visitor who consented to statistics only", (_interval(at.ago(500), purpose="statistics"),)),
        ("a consent withdrawn in the microsecond of its grant", (_interval(at.ago(12), at.ago(12)),)),
    )
    unclear = _interval(at.ago(500), purpose=None)
    yield Planting("a located visitor who consented to nobody knows what", _visit(at, unclear), (unknown(VISITS),))
    over = _interval(at.ago(500), at.ago(11), purpose=" ")
    yield Planting("a located visitor who had withdrawn nobody knows what", _visit(at, over), (breaks(VISITS),))
    for why, ledger in refused:
        yield Planting(why, _visit(at, *ledger), (breaks(VISITS),))


def _covered_visits(at: Moments) -> Iterator[Planting]:
    moment = at.ago(10)
    just = _interval(at.ago(500), moment + MICROSECOND)
    yield Planting("a visitor located a microsecond before the withdrawal", _visit(at, just))
    long, short = _interval(at.ago(500)), _interval(at.ago(400), at.ago(300))
    shouted = _interval(at.ago(500), purpose="GEOLOCATION ")
    yield Planting("a visitor who consented to GEOLOCATION and a blank", _visit(at, shouted))
    yield Planting("a visitor with overlapping consents, one of them ended", _visit(at, long, short))
