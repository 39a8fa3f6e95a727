"""Whether a server and the auditor mean the same by the name of a time zone.

PostgreSQL looks a name up among its abbreviations first, which are fixed offsets (`CET` is +01:00 all year), and among
its own copy of the zone database after that, which may be older than the auditor's. A civil day or a local time would
then be another one here and there, and a row at an edge be judged wrongly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.postgres.server_errors import UNKNOWN_ZONE, meaning_of

NO_OFFSET = frozenset({"UTC", "UCT", "GMT", "ZULU"})
"""Abbreviations, in capitals, that are zones of the same name as well, and mean the same everywhere."""
_AHEAD = timedelta(days=2 * 366)
"""So long after T moments are reckoned with: what falls due next, and what is planned."""

_ABBREVIATIONS = sa.text(
    """
    SELECT a.zone FROM pg_catalog.unnest(CAST(:zones AS text[])) AS a(zone)
    WHERE pg_catalog.upper(a.zone) IN (SELECT pg_catalog.upper(s.abbrev) FROM pg_catalog.pg_timezone_abbrevs s)
    """
)


def differences(connection: sa.Connection, zones: Collection[str], first: date, as_of: datetime) -> Mapping[str, str]:
    """Of the zones that the server reads otherwise than the auditor, between a day and some time after T, why so."""
    found = {}
    listed = sa.bindparam("zones", sorted(zones), ARRAY(sa.Text()))
    for zone in connection.execute(_ABBREVIATIONS.bindparams(listed)).scalars():
        if zone.upper() not in NO_OFFSET:
            found[zone] = f"the server takes {zone} for an abbreviation, which is one offset all year"
    for zone in sorted({*zones} - {*found}):
        if reason := _difference(connection, zone, first, as_of):
            found[zone] = reason
    return found


def _difference(connection: sa.Connection, zone: str, first: date, as_of: datetime) -> str | None:
    instants = _instants(zone, first, as_of.date())
    at: sa.ColumnElement[datetime] = sa.column("at", sa.DateTime(timezone=True))
    moments = sa.func.unnest(sa.literal(instants, ARRAY(sa.DateTime(timezone=True))))
    moment = sa.select(moments.label("at")).subquery("moment")
    at = moment.c.at
    offset = sa.func.timezone(zone, at) - sa.func.timezone("UTC", at)
    statement = sa.select(at, sa.cast(sa.extract("epoch", offset), sa.Integer())).order_by(at)
    try:
        with connection.begin_nested():
            told = connection.execute(statement).all()
    except sa.exc.DBAPIError as error:
        if meaning_of(error).state != UNKNOWN_ZONE:
            raise
        return f"the server knows no time zone {zone}"
    ours = ZoneInfo(zone)
    for instant, seconds in told:
        here = instant.astimezone(ours).utcoffset() or timedelta()
        if here != timedelta(seconds=seconds):
            day = f"{instant.astimezone(UTC):%Y-%m-%d}"
            return f"on {day} {zone} is {_hours(timedelta(seconds=seconds))} to the server and {_hours(here)} here"
    return None


def _hours(offset: timedelta) -> str:
    """As +01:00."""
    seconds = abs(offset) // timedelta(seconds=1)
    sign = "-" if offset < timedelta() else "+"
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")


@lru_cache(maxsize=64)
def _instants(zone: str, first: date, today: date) -> list[datetime]:
    """Both sides of each change of the auditor's offset, and every few days, for the server may know other changes."""
    return list(_told(ZoneInfo(zone), first, today))


def _told(zone: ZoneInfo, first: date, today: date) -> Iterator[datetime]:
    day = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    end = datetime(today.year, today.month, today.day, tzinfo=UTC) + _AHEAD
    number = 0
    while day < end:
        if number % 5 == 0:
            yield day
        following = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            yield from _around(zone, day, following)
        day, number = following, number + 1


def _around(zone: ZoneInfo, before: datetime, after: datetime) -> Iterator[datetime]:
    """The last second before a change and the first after it."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    yield from (before, after)
