"""The gap probe: the rows that lie outside every consent, found through an index on subject and moment.

The intervals of all subjects, in order, leave gaps between them: from the end of one to the begin of the next, of the
same subject or across all subjects in between. Each gap is one range of an index on (subject, moment), so the cost
grows with the ledger and with what is found, not with the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.sql.consent_intervals import Ledger
from privacy_audit.sql.evaluation_context import EvaluationContext, instant


def rows_in_gaps(
    row: sa.FromClause, subject: str, clock: ColumnClock, ledger: Ledger, context: EvaluationContext
) -> sa.Select[*tuple[Any, ...]]:
    """The rows outside every interval or where one is unsure, those without subject or moment, of doubtful subjects.

    Each row comes once, for the parts exclude each other, and each part is a range of the index. `clock` must be a raw
    `timestamptz` column, the ledger not strict and computed once.
    """
    key, moment = row.c[subject], row.c[clock.column]
    doubtful = sa.select(ledger.doubts.c.subject)
    # A row after T is covered by nothing, so that it comes to light wherever a consent is open.
    just_after = instant(context.as_of + timedelta(microseconds=1))
    low, high = ledger.intervals.c.lo, ledger.intervals.c.hi
    end = sa.func.greatest(low, sa.func.least(high, ledger.unsure_from, just_after)).label("hi")
    capped = sa.select(ledger.intervals.c.subject, low, end).subquery("capped")
    nothing = sa.not_(sa.exists(sa.select(ledger.intervals.c.subject)))
    # A null is not in an empty list either, so nulls have parts of their own.
    parts = [
        *(
            sa.select(*rows.c)
            .select_from(source)
            .where(rows.c[clock.column].is_not(None), rows.c[subject].not_in(doubtful))
            for rows, source in (_in_range(row, subject, clock, edges) for edges in _edges(capped))
        ),
        sa.select(*row.c).where(nothing, key.is_not(None), moment.is_not(None), key.not_in(doubtful)),
        sa.select(*row.c).where(moment.is_not(None), key.in_(doubtful)),
        sa.select(*row.c).where(key.is_(None)),
        sa.select(*row.c).where(key.is_not(None), moment.is_(None)),
    ]
    return sa.select(sa.union_all(*parts).subquery("candidate"))


def rows_without(
    row: sa.FromClause, subject: str, clock: ColumnClock, ledger: Ledger, context: EvaluationContext
) -> sa.Select[*tuple[Any, ...]]:
    """The same rows where no index leads to them: one scan, one hash anti join with the ledger."""
    consents, moment = ledger.intervals, row.c[clock.column]
    covers = sa.select(consents.c.subject).where(
        consents.c.subject == row.c[subject],
        consents.c.lo <= moment,
        moment < consents.c.hi,
        moment < ledger.unsure_from,
        moment <= instant(context.as_of),
        consents.c.subject.not_in(sa.select(ledger.doubts.c.subject)),
    )
    return sa.select(*row.c).where(sa.not_(sa.exists(covers)))


@dataclass(frozen=True)
class _Edges:
    """Gaps as rows of `from_subject, from_moment, to_subject, to_moment`; a missing end is the end of the index."""

    gaps: sa.Subquery
    has_low: bool
    has_high: bool


def _edges(consents: sa.FromClause) -> Iterator[_Edges]:
    """The gaps between intervals, the one before the first, the one after the last."""
    subject, low, high = consents.c.subject, consents.c.lo, consents.c.hi
    order = (subject, low)
    pairs = sa.select(
        subject.label("from_subject"),
        high.label("from_moment"),
        sa.func.lead(subject).over(order_by=order).label("to_subject"),
        sa.func.lead(low).over(order_by=order).label("to_moment"),
    ).subquery("pair")
    opens = sa.tuple_(pairs.c.from_subject, pairs.c.from_moment)
    closes = sa.tuple_(pairs.c.to_subject, pairs.c.to_moment)
    yield _Edges(sa.select(pairs).where(opens < closes).subquery("gap"), has_low=True, has_high=True)
    first = sa.select(subject.label("to_subject"), low.label("to_moment")).order_by(*order).limit(1)
    yield _Edges(first.subquery("gap_before"), has_low=False, has_high=True)
    backwards = (subject.desc(), low.desc())
    last = sa.select(subject.label("from_subject"), high.label("from_moment")).order_by(*backwards).limit(1)
    yield _Edges(last.subquery("gap_after"), has_low=True, has_high=False)


def _in_range(
    row: sa.FromClause, subject: str, clock: ColumnClock, edges: _Edges
) -> tuple[sa.FromClause, sa.FromClause]:
    """The rows within gaps, and the relation that brings them."""
    gaps, position = edges.gaps, sa.tuple_(row.c[subject], row.c[clock.column])
    limits = []
    if edges.has_low:
        limits.append(position >= sa.tuple_(gaps.c.from_subject, gaps.c.from_moment))
    if edges.has_high:
        limits.append(position < sa.tuple_(gaps.c.to_subject, gaps.c.to_moment))
    inside = sa.select(*row.c).where(*limits).correlate(gaps).lateral("inside")
    return inside, gaps.join(inside, sa.true())
