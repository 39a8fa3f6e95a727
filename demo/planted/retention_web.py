"""RET-3, RET-4, RET-5, LAW-CKY-2 and DEL-1 on the web site; a visit carries three categories, each with its own end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from demo.planting import MICROSECOND, Moments, Planting, Row, Value, beside, breaks, held, hold, unknown, utc, visitor

PLACE, ADDRESS, COOKIE = (f"web/web.visits/RET-{number}" for number in (3, 4, 5))
CONSENT = "web/web.visits/GEO-1"
LAW_VISITS, LAW_COOKIES = "web/web.visits/LAW-CKY-2", "web/web.cookies/LAW-CKY-2"
LIFETIME = "web/web.cookies/RET-7"
COOKIES, LOGS, EVENTS = "web/web.cookies/RET-5", "web/web.connection_logs/RET-4", "web/web.security_events/RET-4"
DELETED = "web/web.visitors/DEL-1"

_POSITION: dict[str, Value] = {"lat": 45.764, "lon": 4.8357}
_IP: dict[str, Value] = {"ip": "198.51.100.20"}
_ID: dict[str, Value] = {"cookie_id": "planted"}


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_visits, _undated_visits, _cookies, _logs, _events, _visitors):
        yield from part(at)


def _seen(at: Moments, moment: datetime | str, **data: Value) -> tuple[Row, ...]:
    """A visit of a person who had consented to being located."""
    allowed = Row("web.consent_intervals", {"granted_at": at.ago(799)})
    return (*visitor(at), allowed, Row("web.visits", {"visited_at": moment, **data}))


def _visits(at: Moments) -> Iterator[Planting]:
    no_place = (beside(PLACE), beside(CONSENT))
    no_ip = (*no_place, beside(ADDRESS))
    everything = {**_POSITION, **_IP, **_ID}
    late = _seen(at, at.overdue("P2M"), **everything)
    yield Planting("a visit whose position alone is overdue", late, (breaks(PLACE),))
    yield Planting("a visit whose position expires today", _seen(at, at.due("P2M"), **everything))
    late = _seen(at, at.overdue("P1Y"), **_IP, **_ID)
    yield Planting("a visit whose address alone is overdue", late, (breaks(ADDRESS), *no_place))
    yield Planting("a visit whose address expires today", _seen(at, at.due("P1Y"), **_IP, **_ID), no_place)
    late = _seen(at, at.overdue("P13M"), **_ID)
    yield Planting("a visit whose cookie is overdue", late, (breaks(COOKIE), *no_ip))
    yield Planting("a visit whose cookie expires today", _seen(at, at.due("P13M"), **_ID), no_ip)
    late = _seen(at, at.ago(430), **everything)
    yield Planting("a visit of which nothing was ever removed", late, (breaks(PLACE), breaks(ADDRESS), breaks(COOKIE)))
    kept = (*late, hold(at, "connection", store="web"))
    effects = (breaks(PLACE), held(ADDRESS), breaks(COOKIE))
    yield Planting("the same in a litigation about connections only", kept, effects)
    bare = _seen(at, at.ago(500))
    yield Planting("an old visit of which everything was removed", bare, (*no_ip, beside(COOKIE), beside(LAW_VISITS)))
    late = _seen(at, at.overdue("P25M"), **_ID)
    yield Planting(
        "a visit whose cookie is past what the law allows", late, (breaks(COOKIE), breaks(LAW_VISITS), *no_ip)
    )
    late = _seen(at, at.due("P25M"), **_ID)
    yield Planting("a visit whose cookie the law allows until today", late, (breaks(COOKIE), *no_ip))


def _undated_visits(at: Moments) -> Iterator[Planting]:
    every = tuple(unknown(check) for check in (PLACE, ADDRESS, COOKIE, CONSENT, LAW_VISITS))
    for moment in ("infinity", "1970-01-01 12:00+00", at.as_of + MICROSECOND):
        when = "in the future" if isinstance(moment, datetime) else f"at {moment}"
        yield Planting(f"a visit {when}", _seen(at, moment, **_POSITION, **_IP, **_ID), every)


def _cookies(at: Moments) -> Iterator[Planting]:
    def cookie(first_set: datetime | str | None, expires: datetime) -> tuple[Row, ...]:
        return (*visitor(at), Row("web.cookies", {"first_set_at": first_set, "expires_at": expires}))

    late = (breaks(COOKIES), breaks(LIFETIME))
    unsure = (unknown(COOKIES), unknown(LIFETIME), unknown(LAW_COOKIES))
    soon = at.ago(-30)

    over = cookie(at.overdue("P13M"), at.ago(-300))
    yield Planting("a cookie set 13 months and a day ago and renewed since", over, late)
    yield Planting("a cookie whose 13 months end on the day of the audit", cookie(at.due("P13M"), at.as_of))
    older = cookie(at.overdue("P25M"), at.ago(-300))
    yield Planting("a cookie set 25 months and a day ago", older, (*late, breaks(LAW_COOKIES)))
    yield Planting("a young cookie that is to live for 2 years", cookie(at.ago(5), at.ago(-725)), (breaks(LIFETIME),))
    yield Planting("a cookie nobody knows the age of", cookie(None, soon), unsure)
    yield Planting("a cookie first set at infinity", cookie("infinity", soon), unsure)
    kept = (*over, hold(at, "cookie", store="web"))
    yield Planting("an overdue cookie in a litigation about cookies", kept, (held(COOKIES), breaks(LIFETIME)))


def _logs(at: Moments) -> Iterator[Planting]:
    def request(moment: datetime | str, **values: Value) -> tuple[Row, ...]:
        logged = utc(moment) if isinstance(moment, datetime) else moment
        return (*visitor(at), Row("web.connection_logs", {"logged_at": logged, **values}))

    over = request(at.overdue("P1Y"))
    yield Planting("a request logged in the last microsecond that is overdue", over, (breaks(LOGS),))
    yield Planting("a request logged in the first microsecond that may be there", request(at.due("P1Y")))
    for visit in range(9):  # a log file that rotation has forgotten
        moments = (at.ago(368 + visit / 10 + 2 * step) for step in range(40))
        lines = tuple(Row("web.connection_logs", {"logged_at": utc(moment)}) for moment in moments)
        yield Planting("a visitor's requests in a forgotten log", (*visitor(at), *lines), (breaks(LOGS, 40),))
    nobody = request(at.ago(400), visitor_id=None)
    yield Planting("an overdue request of an unknown visitor", nobody, (breaks(LOGS, subjects=0),))
    kept = (*over, hold(at, "connection", store="web"))
    yield Planting("an overdue request in a litigation about connections", kept, (held(LOGS),))
    yield Planting("a request logged two days after T", request(at.ago(-2)), (unknown(LOGS),))
    yield Planting("a request logged at infinity", request("infinity"), (unknown(LOGS),))


def _events(at: Moments) -> Iterator[Planting]:
    def event(moment: datetime, keep_months: int) -> tuple[Row, ...]:
        return (*visitor(at), Row("web.security_events", {"occurred_at": moment, "keep_months": keep_months}))

    yield Planting("an event kept past its own 3 months", event(at.overdue("P3M"), 3), (breaks(EVENTS),))
    yield Planting("an event whose own 3 months end today", event(at.due("P3M"), 3))
    yield Planting("an event past 3 months that may stay 6", event(at.overdue("P3M"), 6))
    capped = event(at.overdue("P1Y"), 24)
    yield Planting("an event that says 24 months where the policy allows 12", capped, (breaks(EVENTS),))
    yield Planting("an event that says 24 months in its first 12", event(at.due("P1Y"), 24))
    yield Planting("an event after T", event(at.as_of + MICROSECOND, 12), (unknown(EVENTS),))


def _visitors(at: Moments) -> Iterator[Planting]:
    late = visitor(at, deleted_at=at.overdue("P30D"))
    yield Planting("a visitor marked as deleted 31 days ago", late, (breaks(DELETED),))
    yield Planting("a visitor marked as deleted 30 days ago", visitor(at, deleted_at=at.due("P30D")))
    yield Planting("a visitor marked as deleted at infinity", visitor(at, deleted_at="infinity"), (unknown(DELETED),))
