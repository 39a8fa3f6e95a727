"""The gap probe: the rows that lie outside every consent, found through an index on subject and moment.

The intervals of all subjects, in order, leave gaps between them: from the end of one to the begin of the next, of the
same subject or across all subjects in between. Each gap is one range of an index on (subject, moment), so the cost
grows with the ledger and with what is found, not with the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from privacy_audit.sql.coverage import Cover, Ledger
from privacy_audit.sql.frame import Frame, Predicate, instant, yes
from privacy_audit.store_map import ColumnClock


def uncovered_rows(
    row: sa.FromClause, subject: str, clock: ColumnClock, ledger: Ledger, frame: Frame
) -> sa.Select[Any]:
    """The rows outside every interval, those without subject or plausible moment, those of doubtful subjects.

    Each row comes once, for the parts exclude each other, with `covered`, `may_cover` and `may_end` beside its own
    columns (read them with `known_cover`). `clock` must be a raw `timestamptz` column, the ledger not strict.
    """
    consents = sa.select(ledger.intervals).cte("consents")
    doubts = sa.select(ledger.doubts).cte("doubts")
    doubtful = sa.select(doubts.c.subject)

    def certain(rows: sa.FromClause) -> tuple[Predicate, ...]:
        return (_plausible(rows, clock, frame), rows.c[subject].not_in(doubtful))

    ranges = [_in_range(row, subject, clock, edges) for edges in _edges(consents)]
    parts = [
        *(_bare(rows, source).where(*certain(rows)) for rows, source in ranges),
        _bare(row, row).where(sa.not_(sa.exists(sa.select(consents.c.subject))), *certain(row)),
        _of_doubt(row, subject, clock, consents, doubts, frame),
        _bare(row, row).where(sa.or_(_plausible(row, clock, frame).is_not(sa.true()), row.c[subject].is_(None))),
    ]
    return sa.select(sa.union_all(*parts).subquery("candidate"))


def known_cover(row: sa.FromClause) -> Cover:
    """The cover of rows that `uncovered_rows` found."""
    return Cover(row.c.covered, row.c.may_cover, row.c.may_end, ())


def _plausible(row: sa.FromClause, clock: ColumnClock, frame: Frame) -> Predicate:
    return row.c[clock.column].between(instant(frame.earliest), instant(frame.as_of))


def _bare(rows: sa.FromClause, source: sa.FromClause) -> sa.Select[Any]:
    """Rows as certainly not covered."""
    no = sa.literal_column("false", sa.Boolean())
    flags = (no.label("covered"), no.label("may_cover"), no.label("may_end"))
    return sa.select(*rows.c, *flags).select_from(source)


@dataclass(frozen=True)
class _Edges:
    """Gaps as rows of `from_subject, from_moment, to_subject, to_moment`; a missing end is the end of the index."""

    gaps: sa.Subquery
    has_low: bool
    has_high: bool


def _edges(consents: sa.CTE) -> Iterator[_Edges]:
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


def _of_doubt(
    row: sa.FromClause, subject: str, clock: ColumnClock, consents: sa.CTE, doubts: sa.CTE, frame: Frame
) -> sa.Select[Any]:
    """All rows of subjects whose ledger cannot be read in full, with what it may have changed."""
    key, moment = row.c[subject], row.c[clock.column]
    holds = sa.and_(consents.c.subject == key, consents.c.lo <= moment, moment < consents.c.hi)
    return (
        sa.select(*row.c, consents.c.subject.is_not(None), yes(doubts.c.may_cover), yes(doubts.c.may_end))
        .select_from(row.join(doubts, doubts.c.subject == key).outerjoin(consents, holds))
        .where(_plausible(row, clock, frame))
    )
