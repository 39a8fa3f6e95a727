"""What a register says must be done is done by its day.

*Why*: requests are answered, persons are told and incidents are notified within periods that the policy or the law
names (GDPR art. 12(3), 14(3), 33). *Fix*: do what is due, and record the day; the control's own words say what it is.

The period is a calendar period from a field of the row, in the policy's zone, by the day: done on the last day is in
time. An extension counts only where it was announced by the end of the first period, with its reason. Where nothing
was done, the day of the audit is held against the last day. Done before it began, or at a moment that cannot be a
fact, is undecidable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field, field_validator

from privacy_audit.controls.record_rule import Asked, Breach, RecordRule
from privacy_audit.periods import Period
from privacy_audit.sql.clocks import ClockSql
from privacy_audit.sql.frame import day, yes
from privacy_audit.sql.records import Answer, Only, RecordSql, unknown_where
from privacy_audit.store_map import Name, Part


class Extension(Part):
    """A longer period, for rows that were told so within the first one."""

    told: Name
    """Field with the moment at which the person was told."""
    reason: Name
    """Field with the reason given."""
    period: str
    """The longer period, from the same beginning."""


class DeadlineAsked(Asked):
    """Which field begins the period, which ends it, and how long it is."""

    from_: Name = Field(alias="from")
    done: Name | None = None
    """Field with the moment at which it was done; without one, the period must not be over."""
    period: str
    extension: Extension | None = None
    unless: Only = {}
    """Rows that need not be done at all."""

    @field_validator("period")
    @classmethod
    def _is_a_period(cls, text: str) -> str:
        return str(Period.parse(text))

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield self.from_
        yield from (field for field in (self.done,) if field)
        if self.extension:
            yield from (self.extension.told, self.extension.reason)
        yield from self.unless


class Deadline(RecordRule):
    """Expect each row of a register to be done within its period."""

    kind: ClassVar[str] = "deadline"
    expectation: ClassVar[str] = "expect_done_by_deadline"

    asks: DeadlineAsked

    @property
    def foreseeable(self) -> bool:
        return True

    def breach(self, records: RecordSql) -> Breach:
        begun = records.moment(self.asks.from_)
        # Beside each row, so that the day is written once however often it is compared.
        due = sa.select(self._last_day(records, begun).label("last_day")).correlate(records.row).lateral("due")
        late = unknown_where(begun.undatable, self._late(records, begun, due.c.last_day))
        broken = sa.and_(late, sa.not_(records.meant(self.asks.unless))) if self.asks.unless else late
        began = sa.type_coerce(due.c.last_day + 1, sa.Date())
        return Breach(broken, begun.moment, began, ((due, sa.true()),))

    def _late(self, records: RecordSql, begun: ClockSql, last_day: sa.ColumnElement[Any]) -> Answer:
        """Whether the last day is over undone; unknown where the moment at which it was done cannot be a fact."""
        overdue = last_day < day(records.frame.today)
        if self.asks.done is None:
            return overdue
        done = records.moment(self.asks.done)
        no_fact = sa.or_(done.odd, done.on_day < begun.on_day)
        return sa.case((done.missing, overdue), else_=unknown_where(no_fact, done.on_day > last_day))

    def _last_day(self, records: RecordSql, begun: ClockSql) -> sa.ColumnElement[Any]:
        first = _after(begun.on_day, self.asks.period)
        extension = self.asks.extension
        if extension is None:
            return first
        told = records.moment(extension.told)
        granted = sa.and_(
            sa.not_(told.undatable), yes(told.on_day <= first), records.text(extension.reason).is_not(None)
        )
        return sa.case((granted, _after(begun.on_day, extension.period)), else_=first)


def _after(civil: sa.ColumnElement[Any], period: str) -> sa.ColumnElement[Any]:
    """The civil day a period later. PostgreSQL clamps to the month's end as `Period.add_to` does."""
    length = Period.parse(period)
    interval = sa.func.make_interval(0, length.months, 0, length.days)
    return sa.type_coerce(sa.cast(civil + interval, sa.Date()), sa.Date())
