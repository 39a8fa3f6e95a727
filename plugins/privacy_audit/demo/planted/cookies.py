"""RET-7 and CKY-2: how long cookies are set to live, and whether statistical ones had a consent when they were set.

How old they are is RET-5's (retention_web.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from privacy_audit.demo.planting import MICROSECOND, PARIS, Moments, Planting, Row, Value, breaks, unknown, visitor
from privacy_audit.periods import Period, local_date, start_of_day

LIFETIME, CONSENT = "web/web.cookies/RET-7", "web/web.cookies/CKY-2"


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    yield from _lifetimes(at)
    yield from _statistics(at)


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
