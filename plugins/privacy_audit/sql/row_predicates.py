"""A control's truth about the rows of one table, and the statements that count and list them.

A row is, in this order: out of scope; undecidable; violating and held; violating; compliant. It is compliant only
when the control says so in as many words: whatever is null on the way there is undecidable, never compliant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.sql.evaluation_context import (
    EvaluationContext,
    Predicate,
    day,
    instant,
    never,
    no,
    no_day,
    unknown,
    yes,
)


class RowState(IntEnum):
    """What one row is."""

    OUT_OF_SCOPE = 0
    UNDECIDABLE = 1
    HELD = 2
    VIOLATING = 3
    COMPLIANT = 4


@dataclass(frozen=True)
class BreachCalendar:
    """When breaches began, as a function of the moment alone: then it need not be computed for each row."""

    breach_began: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]
    """First civil day of the breach of a row with this moment; it never falls as the moment rises."""
    older_than: Callable[[int], datetime]
    """Rows with a moment before this instant have been in breach for at least so many days."""


@dataclass(frozen=True)
class RowPredicates:
    """What a control says of each row of a relation, as expressions over `source`."""

    row: sa.FromClause
    """The relation whose rows are judged, one result per row."""
    out_of_scope: Predicate
    undecidable: Predicate
    violating: Predicate
    """Before holds."""
    moment: sa.ColumnElement[Any]
    """The row's clock as `timestamptz`."""
    breach_began: sa.ColumnElement[Any]
    """First civil day on which a violating row was in breach."""
    subject: sa.ColumnElement[Any] = field(default_factory=sa.null)
    """The person's key; null where the table has none."""
    held: Predicate = field(default_factory=never)
    held_since: sa.ColumnElement[Any] = field(default_factory=no_day)
    """Civil date on which the earliest hold in force began."""
    calendar: BreachCalendar | None = None
    """Where the breach depends on the moment alone."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()
    """Relations joined from the left; none of them multiplies rows."""

    @property
    def source(self) -> sa.FromClause:
        """The judged relation with everything it is joined to."""
        source = self.row
        for relation, on in self.joins:
            source = source.outerjoin(relation, on)
        return source

    @property
    def state(self) -> sa.ColumnElement[int]:
        """The State of a row as an integer."""
        breach = yes(self.violating)
        return sa.case(
            (yes(self.out_of_scope), RowState.OUT_OF_SCOPE.value),
            (sa.not_(no(self.undecidable)), RowState.UNDECIDABLE.value),
            (sa.and_(breach, yes(self.held)), RowState.HELD.value),
            (breach, RowState.VIOLATING.value),
            (no(self.violating), RowState.COMPLIANT.value),
            else_=RowState.UNDECIDABLE.value,
        )


def tally_statement(predicates: RowPredicates, context: EvaluationContext) -> sa.Select[*tuple[Any, ...]]:
    """One statement, one row: the counts of a tally by name. The parts are counted apart from the whole."""
    breach = yes(predicates.violating)
    judged = (
        sa.select(
            predicates.state.label("state"),
            predicates.moment.label("moment"),
            predicates.subject.label("subject"),
            sa.case(
                (sa.and_(breach, predicates.held) if predicates.calendar else breach, predicates.breach_began)
            ).label("began"),
            sa.case((sa.and_(breach, predicates.held), predicates.held_since)).label("held_since"),
        )
        .select_from(predicates.source)
        .offset(sa.literal_column("0"))  # a fence: the state is computed once per row, not once per count
        .subquery("judged")
    )
    count, state = sa.func.count(), judged.c.state
    violating = state == RowState.VIOLATING.value
    oldest = sa.func.min(judged.c.moment).filter(violating)
    overdue_since: sa.ColumnElement[Any] = sa.func.min(judged.c.began).filter(violating)
    if predicates.calendar:
        overdue_since = predicates.calendar.breach_began(oldest)
    return sa.select(
        count.label("population"),
        *(count.filter(state == part.value).label(part.name.lower()) for part in RowState),
        sa.func.count(sa.distinct(judged.c.subject)).filter(violating).label("subjects"),
        oldest.label("oldest"),
        sa.func.max(judged.c.moment).filter(violating).label("newest"),
        overdue_since.label("overdue_since"),
        count.filter(state == RowState.HELD.value, judged.c.held_since >= judged.c.began).label("late_holds"),
        *_older(predicates, judged, violating, context),
    ).select_from(judged)


def _older(
    predicates: RowPredicates, judged: sa.Subquery, violating: Predicate, context: EvaluationContext
) -> Iterator[sa.ColumnElement[int]]:
    """Violating rows that have been in breach for at least the lower bound of each age bucket but the first."""
    days = sa.type_coerce(day(context.today) - judged.c.began, sa.Integer())
    for _, bound in AGE_BUCKETS[1:]:
        older = days >= bound
        if predicates.calendar:
            older = judged.c.moment < instant(predicates.calendar.older_than(bound))
        yield sa.func.count().filter(violating, older).label(f"older_{bound}")


def rows_statement(predicates: RowPredicates, key: tuple[str, ...]) -> sa.Select[Any]:
    """The SELECT that lists the violating rows, for an entitled engineer: keys, clock, and since when in breach."""
    columns = [predicates.row.c[name] for name in key]
    return (
        sa.select(*columns, predicates.moment.label("clock"), predicates.breach_began.label("in_breach_since"))
        .select_from(predicates.source)
        .where(*_violates(predicates))
        .order_by(sa.literal_column("in_breach_since"), *columns)
    )


def undecidable_statement(predicates: RowPredicates, key: tuple[str, ...]) -> sa.Select[Any]:
    """The SELECT that lists the rows that cannot be decided: keys, and the clock as far as it can be read."""
    columns = [predicates.row.c[name] for name in key]
    return (
        sa.select(*columns, predicates.moment.label("clock"))
        .select_from(predicates.source)
        .where(
            sa.not_(yes(predicates.out_of_scope)),
            sa.or_(sa.not_(no(predicates.undecidable)), unknown(predicates.violating)),
        )
        .order_by(*columns)
    )


def place_statement(predicates: RowPredicates, columns: Iterable[str], spared: Predicate) -> sa.Select[Any]:
    """The violating rows but those spared, locked: where each lies (`in_table`, `at_place`), and these columns of it.

    A row that was changed meanwhile lies at another place, so what is done to the places is done to these rows only.
    """
    places = (predicates.row.c.tableoid.label("in_table"), predicates.row.c.ctid.label("at_place"))
    return (
        sa.select(*places, *(predicates.row.c[name] for name in columns))
        .select_from(predicates.source)
        .where(*_violates(predicates), sa.not_(spared))
        .with_for_update(of=predicates.row)
    )


def breaches_statement(predicates: RowPredicates) -> sa.Select[Any]:
    """The first day of the breach of each violating row, as `began`."""
    return (
        sa.select(predicates.breach_began.label("began")).select_from(predicates.source).where(*_violates(predicates))
    )


def _violates(predicates: RowPredicates) -> tuple[Predicate, ...]:
    """What makes a row violating and nothing else; together these say what `RowPredicates.state` says."""
    return (
        predicates.violating,
        no(predicates.undecidable),
        sa.not_(yes(predicates.out_of_scope)),
        sa.not_(yes(predicates.held)),
    )
