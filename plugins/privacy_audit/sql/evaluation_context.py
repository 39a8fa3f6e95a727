"""The instant and the calendar by which a check judges, and the relations and columns it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.sql.inline_relation import InlineRelation

Predicate = sa.ColumnElement[bool]
"""A condition on a row; it may be null where its row is undecidable, and anyone who uses it minds that."""


@dataclass(frozen=True)
class EvaluationContext:
    """T, the civil calendar of the policy, and where relations come from: the store, unless they are planted."""

    as_of: datetime
    """T, aware."""
    zone_name: str
    """Zone of the policy's civil dates."""
    no_data_before: date
    """The company's first civil day: an earlier moment is no fact."""
    holds_of: EvaluationContext | None = None
    """The evaluation context in which legal holds are looked up, where it is another: the future of a register is not
    known."""
    planted: Mapping[str, InlineRelation] = field(default_factory=dict)
    """Relations by full name that stand in no database."""

    def table(self, name: str, *columns: str, alias: str) -> sa.FromClause:
        """A relation by its full name with the columns that are read."""
        wanted = tuple(dict.fromkeys(columns))
        if name in self.planted:
            return self.planted[name].relation(wanted, alias)
        return table(name, *wanted, alias=alias)

    def after(self, days: int) -> EvaluationContext:
        """So many civil days later, at the same time of day; legal holds stay as they are now."""
        local = self.as_of.astimezone(self.zone) + timedelta(days=days)
        return replace(self, as_of=local.astimezone(UTC), holds_of=self)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The policy's zone."""
        return ZoneInfo(self.zone_name)

    @cached_property
    def today(self) -> date:
        """The civil date of T in the policy's zone."""
        return local_date(self.as_of, self.zone)

    @cached_property
    def latest(self) -> datetime:
        """A century after T: a number that tells a later moment is of another unit."""
        return self.as_of + timedelta(days=36_525)

    @cached_property
    def earliest(self) -> datetime:
        """The first instant of the company's first day."""
        return start_of_day(self.no_data_before, self.zone)


def instant(value: datetime) -> sa.ColumnElement[datetime]:
    """An instant as a bound `timestamptz`."""
    return sa.literal(value.astimezone(UTC), sa.DateTime(timezone=True))


def day(value: date) -> sa.ColumnElement[date]:
    """A civil date as a bound `date`."""
    return sa.literal(value, sa.Date())


def civil_date(moment: sa.ColumnElement[Any], zone_name: str) -> sa.ColumnElement[date]:
    """The civil date of a `timestamptz` expression in a zone."""
    return sa.cast(sa.func.timezone(zone_name, moment), sa.Date())


def first_instant(civil: sa.ColumnElement[Any], zone_name: str) -> sa.ColumnElement[datetime]:
    """The first instant of a civil day in a zone, as `periods.start_of_day`: just after the last of the day before.

    Midnight itself may come twice where a clock is put back; PostgreSQL would read the second.
    """
    least: sa.ColumnElement[Any] = sa.literal_column("interval '1 microsecond'")
    return sa.type_coerce(
        sa.func.timezone(zone_name, sa.cast(civil, sa.DateTime()) - least) + least, sa.DateTime(timezone=True)
    )


def yes(condition: sa.ColumnElement[Any]) -> Predicate:
    """True where the condition is true, false where it is false or null."""
    return _operand(condition).is_(sa.true())


def no(condition: sa.ColumnElement[Any]) -> Predicate:
    """True where the condition is false, false where it is true or null."""
    return _operand(condition).is_(sa.false())


def unknown(condition: sa.ColumnElement[Any]) -> Predicate:
    """True where the condition is null, false where it is true or false."""
    return _operand(condition).is_(None)


def _operand(condition: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The condition as what `IS` asks about: of `NOT x IS TRUE`, as SQLAlchemy writes it, the server negates the whole.

    Then an unknown x would be a yes.
    """
    return sa.sql.elements.Grouping(condition) if isinstance(condition, sa.UnaryExpression) else condition


def no_day() -> sa.ColumnElement[date]:
    """A civil date that is not known."""
    return sa.cast(sa.null(), sa.Date())


def never() -> Predicate:
    """False for every row."""
    return sa.false()


def table(name: str, *columns: str, alias: str) -> sa.FromClause:
    """A relation of the store by its full name with the columns that are read. Rules ask their `EvaluationContext` for
    it."""
    schema, _, relation = name.partition(".")
    return sa.table(relation, *(sa.column(column) for column in dict.fromkeys(columns)), schema=schema).alias(alias)


@dataclass(frozen=True, slots=True)
class ColumnRequirement:
    """A column that a check reads, for the visibility proof."""

    table: str
    column: str
    types: frozenset[str] = frozenset()
    """Names of types (`pg_type.typname`) of which the column must be one; empty: any."""


@dataclass(frozen=True, slots=True)
class UniqueRequirement:
    """Columns that must be unique in a table, else a join would count rows twice."""

    table: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class RowRequirement:
    """A table that must hold a row: were it empty, what it lacks would pass for a promise kept."""

    table: str


AnyNeed = ColumnRequirement | UniqueRequirement | RowRequirement
"""What a check needs of the store before its counts mean anything."""

_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
TYPES: dict[Encoding, frozenset[str]] = {
    Encoding.TIMESTAMPTZ: frozenset({"timestamptz"}),
    Encoding.TIMESTAMP: frozenset({"timestamp"}),
    Encoding.DATE: frozenset({"date"}),
    Encoding.EPOCH_SECONDS: _NUMBERS,
    Encoding.EPOCH_MILLISECONDS: _NUMBERS,
    Encoding.YEAR: frozenset({"int2", "int4", "int8"}),
}
"""The types a column may have to be read in an encoding."""
