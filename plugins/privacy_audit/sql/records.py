"""The company's registers in SQL: their fields, whether a row is one that a promise speaks of, and whether it holds.

Each question is answered in three ways, as SQL does: true, false, and null where nobody can tell. Unknown is not
compliant, so nothing here turns a null into a no.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.types import TypeEngine

from privacy_audit.company_registers import COMPANY_REGISTERS, Of
from privacy_audit.sql.clocks import ClockSql, compare_with, moment_of, needs_of, read_event
from privacy_audit.sql.frame import AnyNeed, Frame, Need, Predicate, day, yes
from privacy_audit.sql.planted import Planted
from privacy_audit.store_map import Encoding, Name, Part, Records

LINE = "line"
"""The key of a register that is a file: the number of its row."""


Answer = Predicate
"""Whether something is so: true, false, or null where nobody can tell. SQL's own AND, OR and NOT reckon with that."""


def every(answers: Sequence[Answer]) -> Answer:
    """Whether all are so: surely not when one is surely not, whatever the others are."""
    return sa.and_(*answers) if answers else sa.true()


def some(answers: Sequence[Answer]) -> Answer:
    """Whether one of them is so."""
    return sa.or_(*answers) if answers else sa.false()


def unknown_where(doubtful: Predicate, answer: Answer) -> Answer:
    """The answer, and null where a doubt stands in the way."""
    return sa.case((yes(doubtful), sa.null()), else_=answer)


class InForce(Part):
    """Rows that hold from one moment until another; without the other, until further notice."""

    from_: Name = Field(alias="from")
    to: Name


Only = dict[Name, tuple[str, ...] | Literal["stated", "absent"]]
"""Field to the words it must say, or `stated`, or `absent`: which rows of a register are meant."""


@dataclass(frozen=True)
class RecordSql:
    """The fields of a register over one of its relations."""

    records: Records
    row: sa.FromClause
    frame: Frame

    def text(self, field: str) -> sa.ColumnElement[str]:
        """The field as text without blanks around it; null when it says nothing."""
        column = self.row.c[self.records.fields[field].column]
        return sa.func.nullif(sa.func.btrim(sa.cast(column, sa.Text())), "")

    def value(self, field: str) -> sa.ColumnElement[Any]:
        """The field as it is."""
        return self.row.c[self.records.fields[field].column]

    def moment(self, field: str) -> ClockSql:
        """When something happened."""
        return read_event(self.records.fields[field], self.row, self.frame)

    def says(self, field: str, words: tuple[str, ...] | str) -> Answer:
        """Whether a field says one of these words; unknown when it says nothing. Or whether it says anything."""
        text = self.text(field)
        if words == "stated":
            return text.is_not(None)
        if words == "absent":
            return text.is_(None)
        return sa.func.lower(text).in_([self.records.word(field, word).lower() for word in words])

    def meant(self, only: Mapping[str, Any]) -> Answer:
        """Whether a row is one of those that are meant."""
        return every([self.says(field, words) for field, words in only.items()])

    def in_force(self, during: InForce | None) -> Answer:
        """Whether a row holds at T: it has begun, and not ended. Of a day, it is the last on which a row holds."""
        if during is None:
            return sa.true()
        begin, end = self.moment(during.from_), self.moment(during.to)
        begun = unknown_where(sa.and_(begin.odd, self._not_after_now(during.from_)), self._not_after_now(during.from_))
        open_end = sa.or_(end.missing, yes(self._after_now(during.to)))
        goes_on = sa.or_(open_end, unknown_where(end.odd, sa.false()))
        return sa.and_(begun, goes_on)

    def _not_after_now(self, field: str) -> Predicate:
        clock, column = self.records.fields[field], self.value(field)
        if clock.encoding is Encoding.DATE:
            return column <= day(self.frame.today)
        return compare_with(clock, column, self.frame, lambda a, b: a <= b, self.frame.as_of)

    def _after_now(self, field: str) -> Predicate:
        """A day is the last on which it holds; an instant the first at which it does not."""
        clock, column = self.records.fields[field], self.value(field)
        if clock.encoding is Encoding.DATE:
            return column >= day(self.frame.today)
        return compare_with(clock, column, self.frame, lambda a, b: a > b, self.frame.as_of)


def end_of(records: Records, field: str, column: sa.ColumnElement[Any], frame: Frame) -> sa.ColumnElement[Any]:
    """First instant at which a row with this last day, or this end, no longer holds; infinity when it has none."""
    clock = records.fields[field]
    moment = moment_of(clock, column, frame)
    if clock.encoding is Encoding.DATE:
        moment = moment_of(clock, column + 1, frame)
    return sa.func.coalesce(moment, sa.literal_column("'infinity'::timestamptz"))


def columns_of(records: Records, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of these fields."""
    return tuple(dict.fromkeys(records.fields[field].column for field in fields))


def needs_of_records(register: str, records: Records, fields: tuple[str, ...]) -> Iterator[AnyNeed]:
    """What a register must show before its counts mean anything; a file was read already."""
    if records.table is None:
        return
    known = COMPANY_REGISTERS[register].fields
    yield from (Need(records.table, column) for column in records.key)
    for field in fields:
        if known[field] is Of.MOMENT:
            yield from needs_of(records.fields[field], records.table)
        else:
            yield Need(records.table, records.fields[field].column)


_TYPES: Mapping[Of, TypeEngine[Any]] = {
    Of.TEXT: sa.Text(),
    Of.PERSON: sa.Text(),
    Of.NUMBER: sa.Numeric(),
    Of.FLAG: sa.Boolean(),
}


def planted(register: str, records: Records) -> dict[str, Planted]:
    """The register as a relation, where it is a file."""
    if records.table is not None:
        return {}
    known = COMPANY_REGISTERS[register].fields
    columns: dict[str, TypeEngine[Any]] = {LINE: sa.Integer()}
    for field in records.line_fields:
        clock = records.fields[field]
        columns[clock.column] = _TYPES.get(known[field]) or (
            sa.Date() if clock.encoding is Encoding.DATE else sa.DateTime(timezone=True)
        )
    rows = tuple((str(number), *line) for number, line in enumerate(records.lines, start=1))
    return {records.name: Planted(columns, rows)}
