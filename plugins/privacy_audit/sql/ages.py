"""Ages in SQL: per person the instants between which the age is reached, computed once, compared with each moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_tables import BirthEncoding, Persons
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate, day, first_instant, never, yes

Column = sa.ColumnElement[Any]
OLDEST_PERSON_YEARS = 120
"""Nobody is older: an earlier birth is no fact."""


@dataclass(frozen=True)
class AgeSql:
    """A person's age at a moment. Never null; at most one is true, and none is where the moment itself is unknown."""

    adult: Predicate
    """Certainly of the age."""
    minor: Predicate
    """Certainly below it."""
    maybe: Predicate
    """Born in a year whose days decide."""
    unknown: Predicate
    """No such person, no birth date, a default one, one that cannot be a fact, or one after the moment."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...]


def read_age(person: sa.FromClause, subject: Column, moment: Column, *, vague: bool) -> AgeSql:
    """Whether the subject had reached the age of `adult_instants` on the civil day of the moment.

    `vague` says that births are written as years.
    """
    born, first, last = person.c.born, person.c.first_turn, person.c.last_turn
    return AgeSql(
        adult=yes(moment >= last),
        minor=yes(sa.and_(moment >= born, moment < first)),
        maybe=yes(sa.and_(moment >= first, moment < last)) if vague else never(),
        unknown=sa.or_(person.c.key.is_(None), yes(moment < born)),
        joins=((person, person.c.key == subject),),
    )


def adult_instants(persons: Persons, age: int, context: EvaluationContext) -> sa.Subquery:
    """`key, born, first_turn, last_turn` of the persons whose birth can be a fact; the others join nothing.

    Each is the first instant of a civil day in the policy's zone: born, and the first and last on which the age, in
    years, may be reached.
    """
    rows = context.table(persons.table, persons.key, persons.born.column, alias="person_row")
    born = rows.c[persons.born.column]
    first_year, last_year = context.today.year - OLDEST_PERSON_YEARS, context.today.year
    if persons.born.encoding is BirthEncoding.YEAR:
        known = sa.and_(born.between(first_year, last_year), born.not_in(persons.born.default_years))
        ends = ((0, 1, 1), (age, 1, 1), (age, 12, 31))
        year = sa.cast(born, sa.Integer())
        days: list[Column] = [sa.func.make_date(year + years, month, last) for years, month, last in ends]
    else:
        defaults = [day(default) for default in persons.born.default_dates]
        known = sa.and_(born.between(day(date(first_year, 1, 1)), day(context.today)), born.not_in(defaults))
        days = [born, _birthday(born, age), _birthday(born, age)]
    instants = (first_instant(civil, context.zone_name) for civil in days)
    names = ("born", "first_turn", "last_turn")
    return (
        sa.select(
            rows.c[persons.key].label("key"),
            *(at.label(name) for at, name in zip(instants, names, strict=True)),
        )
        .where(known)
        .offset(sa.literal_column("0"))  # a fence: computed once per person, not once per row and comparison
        .subquery("person")
    )


def _birthday(born: Column, age: int) -> Column:
    """The day of reaching an age, as `periods.birthday`: PostgreSQL clamps 29 February to the 28th, we say 1 March."""
    clamped = sa.cast(born + sa.func.make_interval(age), sa.Date())
    leap_day = sa.extract("day", clamped) != sa.extract("day", born)
    return sa.type_coerce(clamped + sa.case((leap_day, 1), else_=0), sa.Date())
