"""RET-7, CKY-2, CKY-4 and CKY-5: how long cookies are set to live, whether those that need a consent had one when they
were set, and whether the site's list knows every cookie that was seen.

How old they are is RET-5's (retention_web.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.planting import MICROSECOND, PARIS, Moments, Planting, Row, Value, breaks, unknown, visitor
from privacy_audit.domain.periods import Period, local_date, start_of_day

LIFETIME, CONSENT, KNOWN = (f"web/web.cookies/{control}" for control in ("RET-7", "CKY-2", "CKY-4"))
LOOKED_AT = "web/registers.cookies/CKY-5"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _lifetimes(at)
    yield from _statistics(at)
    yield from _unknown_cookies(at)


def _lifetimes(at: Moments) -> Iterator[Planting]:
    first = at.ago(100)
    last_day = Period.parse("P13M").add_to(local_date(first, PARIS))
    end = start_of_day(last_day + timedelta(days=1), PARIS)

    def ends(expires: datetime | str | None) -> tuple[Row, ...]:
        return (*visitor(at), Row("web.cookies", {"first_set_at": first, "expires_at": expires}))

    late = (breaks(LIFETIME),)
    yield Planting("a cookie that ends in the last microsecond of its 13 months", ends(end - MICROSECOND))
    yield Planting("a cookie that ends a microsecond later", ends(end), late)
    yield Planting("a cookie without an end", ends(None), late)
    yield Planting("a cookie that never ends", ends("infinity"), late)
    yield Planting("a cookie that ends in 1970", ends("1970-01-01 12:00+00"), (unknown(LIFETIME),))
    yield Planting("a cookie that ended before it was set", ends(first - timedelta(days=1)))


def _statistics(at: Moments) -> Iterator[Planting]:
    moment = at.ago(100)

    def counted(*consents: Row) -> tuple[Row, ...]:
        values: dict[str, Value] = {"name": "stats", "first_set_at": moment, "expires_at": at.ago(-200)}
        return (*visitor(at), *consents, Row("web.cookies", values))

    def consented(granted: Value, withdrawn: Value = None, purpose: str = "statistics") -> Row:
        return Row("web.consent_intervals", {"granted_at": granted, "withdrawn_at": withdrawn, "purpose": purpose})

    late = (breaks(CONSENT),)
    yield Planting("a statistical cookie without consent", counted(), late)
    yield Planting("a statistical cookie set in the moment of the consent", counted(consented(moment)))
    yield Planting("a statistical cookie set a microsecond before", counted(consented(moment + MICROSECOND)), late)
    gone = counted(consented(at.ago(300), moment))
    yield Planting("a statistical cookie set in the moment of the withdrawal", gone, late)
    still = counted(consented(at.ago(300), moment + MICROSECOND))
    yield Planting("a statistical cookie set a microsecond before the withdrawal", still)
    other = counted(consented(at.ago(300), purpose="geolocation"))
    yield Planting("a statistical cookie of a visitor who consented to being located", other, late)
    default = counted(consented("1970-01-01 12:00+00"))
    yield Planting("a statistical cookie with a consent of 1970", default, (unknown(CONSENT),))
    values: dict[str, Value] = {"name": "stats", "expires_at": at.ago(-200)}
    undated = (*visitor(at), consented(at.ago(300)), Row("web.cookies", {**values, "first_set_at": None}))
    every = tuple(unknown(check) for check in (LIFETIME, CONSENT, "web/web.cookies/RET-5", "web/web.cookies/LAW-CKY-2"))
    yield Planting("a statistical cookie set nobody knows when", undated, every)


def _unknown_cookies(at: Moments) -> Iterator[Planting]:
    def seen(name: str) -> tuple[Row, ...]:
        values: dict[str, Value] = {"name": name, "first_set_at": at.ago(100), "expires_at": at.ago(-200)}
        return (*visitor(at), Row("web.cookies", values))

    late = (breaks(KNOWN), breaks(CONSENT))
    yield Planting("a cookie of an advertiser, which is on no list", seen("_fbp"), late)
    yield Planting("a cookie whose name begins like one on the list", seen("sid_2"), late)
    yield Planting("a cookie on the list, in capitals", seen("SID"))
    yield Planting("a cookie without a name", seen(" "), (unknown(KNOWN), unknown(CONSENT)))
    # The list itself is a file beside the policy, with the day on which somebody last looked.
    why = "nobody compared the site with its list of cookies since 2 January 2024"
    yield Planting(why, (), (breaks(LOOKED_AT, subjects=0),), once=True)
