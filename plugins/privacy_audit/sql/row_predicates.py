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
from privacy_audit.sql.evaluation_context import Frame, Predicate, day, instant, never, no, no_day, unknown, yes


class State(IntEnum):
    """What one row is."""

    OUT_OF_SCOPE = 0
    UNDECIDABLE = 1
    HELD = 2
    VIOLATING = 3
    COMPLIANT = 4


@dataclass(frozen=True)
class Calendar:
    """When breaches began, as a function of the moment alone: then it need not be computed for each row."""

    breach_began: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]
    """First civil day of the breach of a row with this moment; it never falls as the moment rises."""
    older_than: Callable[[int], datetime]
    """Rows with a moment before this instant have been in breach for at least so many days."""


@dataclass(frozen=True)
class Truth:
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
    calendar: Calendar | None = None
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
            (yes(self.out_of_scope), State.OUT_OF_SCOPE.value),
            (sa.not_(no(self.undecidable)), State.UNDECIDABLE.value),
            (sa.and_(breach, yes(self.held)), State.HELD.value),
            (breach, State.VIOLATING.value),
            (no(self.violating), State.COMPLIANT.value),
            else_=State.UNDECIDABLE.value,
        )


def tally_statement(truth: Truth, frame: Frame) -> sa.Select[*tuple[Any, ...]]:
    """One statement, one row: the counts of a tally by name. The parts are counted apart from the whole."""
    breach = yes(truth.violating)
    judged = (
        sa.select(
            truth.state.label("state"),
            truth.moment.label("moment"),
            truth.subject.label("subject"),
            sa.case((sa.and_(breach, truth.held) if truth.calendar else breach, truth.breach_began)).label("began"),
            sa.case((sa.and_(breach, truth.held), truth.held_since)).label("held_since"),
        )
        .select_from(truth.source)
        .offset(sa.literal_column("0"))  # a fence: the state is computed once per row, not once per count
        .subquery("judged")
    )
    count, state = sa.func.count(), judged.c.state
    violating = state == State.VIOLATING.value
    oldest = sa.func.min(judged.c.moment).filter(violating)
    overdue_since: sa.ColumnElement[Any] = sa.func.min(judged.c.began).filter(violating)
    if truth.calendar:
        overdue_since = truth.calendar.breach_began(oldest)
    return sa.select(
        count.label("population"),
        *(count.filter(state == part.value).label(part.name.lower()) for part in State),
        sa.func.count(sa.distinct(judged.c.subject)).filter(violating).label("subjects"),
        oldest.label("oldest"),
        sa.func.max(judged.c.moment).filter(violating).label("newest"),
        overdue_since.label("overdue_since"),
        count.filter(state == State.HELD.value, judged.c.held_since >= judged.c.began).label("late_holds"),
        *_older(truth, judged, violating, frame),
    ).select_from(judged)


def _older(truth: Truth, judged: sa.Subquery, violating: Predicate, frame: Frame) -> Iterator[sa.ColumnElement[int]]:
    """Violating rows that have been in breach for at least the lower bound of each age bucket but the first."""
    days = sa.type_coerce(day(frame.today) - judged.c.began, sa.Integer())
    for _, bound in AGE_BUCKETS[1:]:
        older = days >= bound
        if truth.calendar:
            older = judged.c.moment < instant(truth.calendar.older_than(bound))
        yield sa.func.count().filter(violating, older).label(f"older_{bound}")


def rows_statement(truth: Truth, key: tuple[str, ...]) -> sa.Select[Any]:
    """The SELECT that lists the violating rows, for an entitled engineer: keys, clock, and since when in breach."""
    columns = [truth.row.c[name] for name in key]
    return (
        sa.select(*columns, truth.moment.label("clock"), truth.breach_began.label("in_breach_since"))
        .select_from(truth.source)
        .where(*_violates(truth))
        .order_by(sa.literal_column("in_breach_since"), *columns)
    )


def undecidable_statement(truth: Truth, key: tuple[str, ...]) -> sa.Select[Any]:
    """The SELECT that lists the rows that cannot be decided: keys, and the clock as far as it can be read."""
    columns = [truth.row.c[name] for name in key]
    return (
        sa.select(*columns, truth.moment.label("clock"))
        .select_from(truth.source)
        .where(
            sa.not_(yes(truth.out_of_scope)),
            sa.or_(sa.not_(no(truth.undecidable)), unknown(truth.violating)),
        )
        .order_by(*columns)
    )


def place_statement(truth: Truth, columns: Iterable[str], spared: Predicate) -> sa.Select[Any]:
    """The violating rows but those spared, locked: where each lies (`in_table`, `at_place`), and these columns of it.

    A row that was changed meanwhile lies at another place, so what is done to the places is done to these rows only.
    """
    places = (truth.row.c.tableoid.label("in_table"), truth.row.c.ctid.label("at_place"))
    return (
        sa.select(*places, *(truth.row.c[name] for name in columns))
        .select_from(truth.source)
        .where(*_violates(truth), sa.not_(spared))
        .with_for_update(of=truth.row)
    )


def breaches_statement(truth: Truth) -> sa.Select[Any]:
    """The first day of the breach of each violating row, as `began`."""
    return sa.select(truth.breach_began.label("began")).select_from(truth.source).where(*_violates(truth))


def _violates(truth: Truth) -> tuple[Predicate, ...]:
    """What makes a row violating and nothing else; together these say what `Truth.state` says."""
    return (
        truth.violating,
        no(truth.undecidable),
        sa.not_(yes(truth.out_of_scope)),
        sa.not_(yes(truth.held)),
    )
