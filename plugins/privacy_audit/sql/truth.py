"""A control's truth about the rows of one table, and the statements that count and list them.

A row is, in this order: out of scope; undecidable; violating and held; violating; compliant. It is compliant only
when the control says so in as many words: whatever is null on the way there is undecidable, never compliant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from privacy_audit.model import AGE_BUCKETS
from privacy_audit.sql.frame import Frame, Predicate, day, never, no_day


class State(IntEnum):
    """What one row is."""

    OUT_OF_SCOPE = 0
    UNDECIDABLE = 1
    HELD = 2
    VIOLATING = 3
    COMPLIANT = 4


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
        breach = self.violating.is_(sa.true())
        return sa.case(
            (self.out_of_scope.is_(sa.true()), State.OUT_OF_SCOPE.value),
            (self.undecidable.is_not(sa.false()), State.UNDECIDABLE.value),
            (sa.and_(breach, self.held.is_(sa.true())), State.HELD.value),
            (breach, State.VIOLATING.value),
            (self.violating.is_(sa.false()), State.COMPLIANT.value),
            else_=State.UNDECIDABLE.value,
        )


def tally_statement(truth: Truth, frame: Frame) -> sa.Select[*tuple[Any, ...]]:
    """One statement, one row: the counts of a tally by name. The parts are counted apart from the whole."""
    breach = truth.violating.is_(sa.true())
    judged = (
        sa.select(
            truth.state.label("state"),
            truth.moment.label("moment"),
            truth.subject.label("subject"),
            sa.case((breach, truth.breach_began)).label("began"),
            sa.case((sa.and_(breach, truth.held), truth.held_since)).label("held_since"),
        )
        .select_from(truth.source)
        .offset(sa.literal_column("0"))  # a fence: the state is computed once per row, not once per count
        .subquery("judged")
    )
    count, state = sa.func.count(), judged.c.state
    violating = state == State.VIOLATING.value
    days = sa.type_coerce(day(frame.today) - judged.c.began, sa.Integer())
    bounds = [*(lower for _, lower in AGE_BUCKETS), None]
    ages = [
        count.filter(violating, days >= (low or 0), *([] if high is None else [days < high])).label(f"age_{number}")
        for number, (low, high) in enumerate(pairwise(bounds))
    ]
    return sa.select(
        count.label("population"),
        *(count.filter(state == part.value).label(part.name.lower()) for part in State),
        sa.func.count(sa.distinct(judged.c.subject)).filter(violating).label("subjects"),
        sa.func.min(judged.c.moment).filter(violating).label("oldest"),
        sa.func.max(judged.c.moment).filter(violating).label("newest"),
        sa.func.min(judged.c.began).filter(violating).label("overdue_since"),
        count.filter(state == State.HELD.value, judged.c.held_since >= judged.c.began).label("late_holds"),
        *ages,
    ).select_from(judged)


def rows_statement(truth: Truth, key: tuple[str, ...]) -> sa.Select[Any]:
    """The SELECT that lists the violating rows, for an entitled engineer: keys, clock, and since when in breach."""
    columns = [truth.row.c[name] for name in key]
    return (
        sa.select(*columns, truth.moment.label("clock"), truth.breach_began.label("in_breach_since"))
        .select_from(truth.source)
        .where(
            truth.violating,
            truth.undecidable.is_(sa.false()),
            truth.out_of_scope.is_not(sa.true()),
            truth.held.is_not(sa.true()),
        )
        .order_by(sa.literal_column("in_breach_since"), *columns)
    )
