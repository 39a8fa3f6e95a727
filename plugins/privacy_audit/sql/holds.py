"""Legal holds in SQL: a row that would violate is exempt while a hold in force names its subject and its category.

In force at T: `started <= T < released`; released exactly at T is released. A start that cannot be a fact (null,
infinite, before the company's first day) exempts nothing: the violation stays in sight. Before anything is deleted the
doubt counts the other way: `may_be_held`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import ge, gt, le
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.config.map_registers import LegalHolds
from privacy_audit.domain.categories import Category
from privacy_audit.sql.clocks import beyond, compare_with, moment_of
from privacy_audit.sql.evaluation_context import (
    TYPES,
    ColumnRequirement,
    EvaluationContext,
    Predicate,
    civil_date,
    day,
    instant,
    never,
    no_day,
    yes,
)


@dataclass(frozen=True)
class HoldSql:
    """Holds over the rows of one relation."""

    held: Predicate
    """A hold in force names the subject and the category; never null."""
    since: sa.ColumnElement[Any]
    """Civil date on which the earliest such hold began."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()


def read_holds(
    register: LegalHolds | None,
    categories: Sequence[Category],
    subject: sa.ColumnElement[Any],
    context: EvaluationContext,
) -> HoldSql:
    """The holds of a register on rows whose subject is given; none without a register."""
    if register is None:
        return HoldSql(never(), no_day())
    hold = in_force(register, categories, context)
    return HoldSql(hold.c.subject.is_not(None), hold.c.since, ((hold, hold.c.subject == subject),))


def in_force(register: LegalHolds, categories: Sequence[Category], context: EvaluationContext) -> sa.Subquery:
    """Who is under a hold at T that names one of the categories, each once: `subject`, and `since` which civil date."""
    context = context.holds_of or context
    holds = context.table(
        register.table, register.subject, register.category, register.started.column, register.released.column,
        alias="hold_rows",
    )  # fmt: skip
    words = [register.categories.get(category, category.value) for category in categories]
    words += [register.every_category] if register.every_category is not None else []
    started, released = holds.c[register.started.column], holds.c[register.released.column]
    return (
        sa.select(
            holds.c[register.subject].label("subject"),
            sa.func.min(civil_date(moment_of(register.started, started, context), context.zone_name)).label("since"),
        )
        .where(
            sa.cast(holds.c[register.category], sa.Text()).in_(words),
            _began(register.started, started, context),
            sa.or_(released.is_(None), _goes_on(register.released, released, context)),
        )
        .group_by(holds.c[register.subject])
        .subquery("hold")
    )


def read_register(register: LegalHolds, key: Sequence[str], context: EvaluationContext) -> sa.Select[*tuple[Any, ...]]:
    """Every hold: its key as text, its person as text, and in one of our words which data it names (`everything`, a
    category, or null); whether it is in force at T, and whether it was released at a moment that can be."""
    holds = context.table(
        register.table, *key, register.subject, register.category, register.started.column, register.released.column,
        alias="hold_row",
    )  # fmt: skip
    started, released = holds.c[register.started.column], holds.c[register.released.column]
    says = sa.cast(holds.c[register.category], sa.Text())
    words = [(register.categories.get(category, category.value), category.value) for category in Category]
    words += [(register.every_category, "everything")] if register.every_category is not None else []
    goes_on = sa.or_(released.is_(None), _goes_on(register.released, released, context))
    return sa.select(
        *(sa.cast(holds.c[name], sa.Text()) for name in key),
        sa.cast(holds.c[register.subject], sa.Text()),
        sa.case(*((says == theirs, ours) for theirs, ours in words), else_=sa.null()),
        sa.func.coalesce(sa.and_(_began(register.started, started, context), goes_on), sa.false()),
        sa.func.coalesce(sa.and_(sa.not_(goes_on), _began(register.released, released, context)), sa.false()),
    )


def _began(clock: ColumnClock, column: sa.ColumnElement[Any], context: EvaluationContext) -> Predicate:
    if clock.encoding is Encoding.DATE:
        return column.between(day(context.no_data_before), day(context.today))
    return sa.and_(
        compare_with(clock, column, context, ge, context.earliest),
        compare_with(clock, column, context, le, context.as_of),
    )


def _goes_on(clock: ColumnClock, column: sa.ColumnElement[Any], context: EvaluationContext) -> Predicate:
    """Not yet released at T. A release written as a date is the end of that day.

    One that nobody can mean (`clocks.beyond`) does not keep a hold in force: the violation stays in sight.
    """
    meant = sa.not_(beyond(clock, column, context, endless=True))
    if clock.encoding is Encoding.DATE:
        return sa.and_(column > day(context.today - timedelta(days=1)), meant)
    return sa.and_(compare_with(clock, column, context, gt, context.as_of), meant)


def may_be_held(
    register: LegalHolds | None,
    categories: Collection[Category],
    subject: sa.ColumnElement[Any],
    context: EvaluationContext,
) -> Predicate:
    """Whether a hold may mean a row when the statement runs, which may be long after T; never null.

    It may unless it is certainly released by then, names another person, or speaks of other categories only. A hold
    that has not begun counts too. Where the map does not say whose the rows are, each hold may be on any of them.
    """
    if register is None:
        return never()
    released = register.released
    holds = context.table(register.table, register.subject, register.category, released.column, alias="hold_now")
    named, says = holds.c[register.subject], sa.cast(holds.c[register.category], sa.Text())
    words = {category: register.categories.get(category, category.value) for category in Category}
    concerned = {words[category] for category in categories}
    others = sorted(set(words.values()) - concerned - {register.every_category})
    open_holds: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        sa.not_(_is_over(released, holds.c[released.column], context)),
        *([sa.not_(yes(says.in_(others)))] if others else []),
    )
    if isinstance(subject, sa.sql.elements.Null):
        return sa.exists(open_holds)
    # Apart from each other the two are cheap; joined by OR, every row would be compared with every hold.
    return sa.or_(sa.exists(open_holds.where(named == subject)), sa.exists(open_holds.where(named.is_(None))))


def _is_over(clock: ColumnClock, column: sa.ColumnElement[Any], context: EvaluationContext) -> Predicate:
    """Certainly released when the statement runs: at a moment that can be a fact, before the transaction began."""
    if clock.encoding is Encoding.DATE:
        today = civil_date(sa.func.now(), context.zone_name)
        return yes(sa.and_(column >= day(context.no_data_before), column < today))
    return yes(moment_of(clock, column, context).between(instant(context.earliest), sa.func.now()))


def needs_of_holds(register: LegalHolds | None) -> Iterator[ColumnRequirement]:
    """The columns of the register that are read."""
    if register is not None:
        for column in (register.subject, register.category):
            yield ColumnRequirement(register.table, column)
        for clock in (register.started, register.released):
            yield ColumnRequirement(register.table, clock.column, TYPES[clock.encoding])
