"""SRC-1, SCP-4, LAW-SRC-1, LAW-RET-1: where prospects come from, whether they were told, and when last met."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from demo.planting import MICROSECOND, Moments, Planting, Row, Value, breaks, unknown

SOURCE, TOLD, LAST, AT_ONCE = (
    f"app/app.prospects/{control}" for control in ("SRC-1", "LAW-SRC-1", "LAW-RET-1", "SCP-4")
)


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_sources, _told, _last_contacts):
        yield from part(at)


def _met(at: Moments, **values: Value) -> tuple[Row, ...]:
    """Somebody met at a trade show 90 days ago, told in time, and spoken to since."""
    ordinary: dict[str, Value] = {
        "source": "trade_show",
        "source_detail": "Salon Demo",
        "collected_at": at.ago(90),
        "told_at": at.ago(80),
        "last_contact_on": at.today - timedelta(days=20),
    }
    return (Row("app.prospects", {**ordinary, **values}),)


def _sources(at: Moments) -> Iterator[Planting]:
    bought = _met(at, source="purchased_list", source_detail="annuaire")
    yield Planting("a prospect from a purchased list", bought, (breaks(SOURCE),))
    yield Planting("a prospect from a trade show nobody named", _met(at, source_detail=None), (breaks(SOURCE),))
    network = _met(at, source="social_media", source_detail="\t")
    yield Planting("a prospect from a network whose name is a blank", network, (breaks(SOURCE),))

    def wrote(told: Value) -> tuple[Row, ...]:
        return _met(at, source="direct", source_detail=None, told_at=told)

    yield Planting("a prospect who wrote to us, and was told nothing", wrote(None), (breaks(AT_ONCE),))
    yield Planting("a prospect who wrote to us, told in the very moment", wrote(at.ago(90)))
    later = wrote(at.ago(90) + MICROSECOND)
    yield Planting("a prospect who wrote to us, told a microsecond later", later, (breaks(AT_ONCE),))
    default = wrote("1970-01-01 12:00+00")
    yield Planting("a prospect who wrote to us, told in 1970", default, (unknown(AT_ONCE),))
    nobody = (unknown(SOURCE), unknown(AT_ONCE))
    yield Planting("a prospect nobody knows the source of, told in time", _met(at, source=None), nobody)
    untold = _met(at, source=None, told_at=None)
    yield Planting("a prospect nobody knows the source of, never told", untold, (*nobody, unknown(TOLD)))


def _told(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue("P1M"), at.due("P1M")
    yield Planting(
        "a prospect not told for a month and a day", _met(at, collected_at=over, told_at=None), (breaks(TOLD),)
    )
    yield Planting("a prospect whose month ends on the day of the audit", _met(at, collected_at=due, told_at=None))
    yield Planting("a prospect told today, a day late", _met(at, collected_at=over, told_at=at.as_of), (breaks(TOLD),))
    yield Planting("a prospect told on the last day", _met(at, collected_at=due, told_at=at.as_of))
    before = _met(at, told_at=at.ago(120))
    yield Planting("a prospect told before anything was collected", before, (unknown(TOLD),))
    yield Planting("a prospect nobody knows since when", _met(at, collected_at=None), (unknown(TOLD),))


def _last_contacts(at: Moments) -> Iterator[Planting]:
    def spoken(day: date) -> tuple[Row, ...]:
        return _met(at, last_contact_on=day)

    over, due = at.overdue_day("P36M"), at.due_day("P36M")
    yield Planting("a prospect last spoken to 3 years and a day ago", spoken(over), (breaks(LAST),))
    yield Planting("a prospect whose 3 years end on the day of the audit", spoken(due))
