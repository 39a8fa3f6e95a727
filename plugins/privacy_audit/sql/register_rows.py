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

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_fields import MapPart, Name
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.domain.periods import Period
from privacy_audit.sql.clocks import ClockSql, lies_ahead, moment_of, needs_of, read_edge, read_event
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, Predicate, day, yes
from privacy_audit.sql.inline_relation import InlineRelation

LINE = "line"
"""The key of a register that is a file: the number of its row."""

_BLANKS: sa.ColumnElement[str] = sa.literal_column("E' \\t\\n\\r\\f\\x0B'")
"""What PostgreSQL's own trimming leaves: a tab or a line's end says no more than a space does."""


def said(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A column as text without blanks around it; null when it says nothing."""
    return sa.func.nullif(sa.func.btrim(sa.cast(column, sa.Text()), _BLANKS), "")


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


class InForceFields(MapPart):
    """Rows that hold from one moment until another; without the other, until further notice."""

    from_: Name = Field(alias="from")
    to: Name


Only = dict[Name, tuple[str, ...] | Literal["stated", "absent"]]
"""Field to the words it must say, or `stated`, or `absent`: which rows of a register are meant."""


@dataclass(frozen=True)
class RegisterSql:
    """The fields of a register over one of its relations."""

    records: RegisterBinding
    row: sa.FromClause
    context: EvaluationContext

    def text(self, field: str) -> sa.ColumnElement[str]:
        """The field as text without blanks around it; null when it says nothing."""
        return said(self.value(field))

    def value(self, field: str) -> sa.ColumnElement[Any]:
        """The field as it is."""
        return self.row.c[self.records.fields[field].column]

    def moment(self, field: str) -> ClockSql:
        """When something happened."""
        return read_event(self.records.fields[field], self.row, self.context)

    def says(self, field: str, words: tuple[str, ...] | str) -> Answer:
        """Whether a field says one of these words; unknown when it says nothing. Or whether it says anything."""
        text = self.text(field)
        if words == "stated":
            return text.is_not(None)
        if words == "absent":
            return text.is_(None)
        # Both in small letters by the server's own rules: by Python's, a word in capitals would not equal itself there.
        return sa.func.lower(text).in_([sa.func.lower(self.records.word(field, word)) for word in words])

    def meant(self, only: Mapping[str, Any]) -> Answer:
        """Whether a row is one of those that are meant."""
        return every([self.says(field, words) for field, words in only.items()])

    def in_force(self, during: InForceFields | None) -> Answer:
        """Whether a row holds at T: it has begun, and not ended. Of a day, it is the last on which a row holds."""
        if during is None:
            return sa.true()
        begin, end = self.begin(during.from_), self.end(during.to)
        unreadable = sa.or_(begin.missing, begin.odd)
        begun = sa.case((begin.running, sa.false()), (unreadable, sa.null()), else_=sa.true())
        last_day: Answer = sa.false()
        if self.records.fields[during.to].encoding is Encoding.DATE:
            last_day = self.value(during.to) >= day(self.context.today)
        goes_on = sa.case((end.running, sa.true()), (end.odd, sa.null()), else_=last_day)
        return sa.and_(begun, goes_on)

    def begin(self, field: str) -> ClockSql:
        """From when a row holds: `running` where only after T; `missing` or `odd` where nobody can tell."""
        return read_edge(self.records.fields[field], self.row, self.context, endless=False)

    def end(self, field: str) -> ClockSql:
        """Until when a row holds: `running` where that is after T, or until further notice; `odd` where unknown."""
        return read_edge(self.records.fields[field], self.row, self.context, endless=True)

    def is_future(self, field: str) -> Predicate:
        """Whether a moment lies after T, however far off, be it what nobody can mean; never null."""
        clock = self.records.fields[field]
        return lies_ahead(clock, self.row.c[clock.column], self.context)

    def is_before(self, one: str, other: str) -> Predicate:
        """Whether a moment lies before another; by the day where either tells no more. Asked of readable ones."""
        first, second = self.moment(one), self.moment(other)
        if self.records.fields[one].is_instant and self.records.fields[other].is_instant:
            return first.moment < second.moment
        return first.on_day < second.on_day


def after(civil: sa.ColumnElement[Any], period: str) -> sa.ColumnElement[Any]:
    """The civil day a period later. PostgreSQL clamps to the month's end as `Period.add_to` does."""
    length = Period.parse(period)
    interval = sa.func.make_interval(0, length.months, 0, length.days)
    return sa.type_coerce(sa.cast(civil + interval, sa.Date()), sa.Date())


def readable_day(clock: ClockSql) -> sa.ColumnElement[Any]:
    """The moment's civil day; null where it cannot be a fact, for not every day can be reckoned with."""
    return sa.case((sa.not_(clock.undatable), clock.on_day))


def readable_moment(clock: ClockSql) -> sa.ColumnElement[Any]:
    """The moment; null where it cannot be a fact, for not every one can be told to people."""
    return sa.case((sa.not_(clock.undatable), clock.moment))


def end_of(
    records: RegisterBinding, field: str, column: sa.ColumnElement[Any], context: EvaluationContext
) -> sa.ColumnElement[Any]:
    """First instant at which a row with this last day, or this end, no longer holds; infinity when it has none."""
    clock = records.fields[field]
    moment = moment_of(clock, column, context)
    if clock.encoding is Encoding.DATE:
        # The last day that PostgreSQL stores has no next one: there it would raise, and one odd row end the check.
        moment = sa.case((column < sa.literal_column("'9999-12-30'::date"), moment_of(clock, column + 1, context)))
    return sa.func.coalesce(moment, sa.literal_column("'infinity'::timestamptz"))


def columns_of(records: RegisterBinding, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of these fields."""
    return tuple(dict.fromkeys(records.fields[field].column for field in fields))


def needs_of_records(register: str, records: RegisterBinding, fields: tuple[str, ...]) -> Iterator[AnyNeed]:
    """What a register must show before its counts mean anything; a file was read already."""
    if records.table is None:
        return
    known = COMPANY_REGISTERS[register].fields
    yield from (ColumnRequirement(records.table, column) for column in records.key)
    for field in fields:
        if known[field] is FieldType.MOMENT:
            yield from needs_of(records.fields[field], records.table)
        else:
            yield ColumnRequirement(
                records.table, records.fields[field].column, _READ_AS.get(known[field], frozenset())
            )


_READ_AS = {
    FieldType.FLAG: frozenset({"bool"}),
    FieldType.NUMBER: frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"}),
}
"""The types a field may have in a table; of those that are not named, any."""
_TYPES: Mapping[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: sa.Text(),
    FieldType.PERSON: sa.Text(),
    FieldType.NUMBER: sa.Numeric(),
    FieldType.FLAG: sa.Boolean(),
}


def planted(register: str, records: RegisterBinding) -> dict[str, InlineRelation]:
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
    return {records.name: InlineRelation(columns, rows)}
