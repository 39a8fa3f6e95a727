"""Consents in SQL, as moments covered: per subject, disjoint intervals `[lo, hi)` in which a consent was in force.

Both ways of keeping a ledger become the same intervals, so that one join judges a row at its moment and never
multiplies it. A ledger row whose moment cannot be a fact (null, infinite, before the company's first day) or whose
action is unknown covers nothing, and makes undecidable whatever it might have changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import ge, le
from typing import Any

import sqlalchemy as sa

from privacy_audit.sql.clocks import compare_with, moment_of, not_a_number
from privacy_audit.sql.frame import TYPES, Frame, Need, Predicate, yes
from privacy_audit.store_map import ColumnClock, Consents, EventLedger, GuardianConsents

Column = sa.ColumnElement[Any]
FOREVER: Column = sa.literal_column("'infinity'::timestamptz")


@dataclass(frozen=True)
class Ledger:
    """A register of consents as relations."""

    intervals: sa.FromClause
    """`subject, lo, hi` (`timestamptz`, `hi` may be infinity), disjoint per subject."""
    doubts: sa.FromClause
    """`subject, may_cover, may_end`: subjects with ledger rows that cannot be read; one row each."""
    strict: bool
    """Whether the consent must come before the moment itself (a guardian's), or may come with it."""

    def computed_once(self) -> Ledger:
        """The same ledger for a statement that reads it more than once, in the order that all its readers need."""
        intervals = sa.select(self.intervals).order_by(self.intervals.c.subject, self.intervals.c.lo)
        return Ledger(intervals.cte("consents"), sa.select(self.doubts).cte("doubts"), self.strict)


@dataclass(frozen=True)
class Cover:
    """A ledger over the rows of one relation. Predicates are never null."""

    covered: Predicate
    """A consent was certainly recorded as in force at the moment."""
    may_cover: Predicate
    """An unreadable ledger row might have covered it."""
    may_end: Predicate
    """An unreadable ledger row might have ended it."""
    joins: tuple[tuple[sa.FromClause, Predicate], ...]

    @property
    def broken(self) -> Predicate:
        """Certainly no consent."""
        return sa.and_(sa.not_(self.covered), sa.not_(self.may_cover))

    @property
    def unknown(self) -> Predicate:
        """The ledger cannot say."""
        return sa.or_(sa.and_(self.covered, self.may_end), sa.and_(sa.not_(self.covered), self.may_cover))


def cover(ledger: Ledger, subject: Column, moment: Column) -> Cover:
    """The ledger joined to rows by subject and moment."""
    intervals, doubts = ledger.intervals, ledger.doubts
    after_start = intervals.c.lo < moment if ledger.strict else intervals.c.lo <= moment
    on = sa.and_(intervals.c.subject == subject, after_start, moment < intervals.c.hi)
    return Cover(
        covered=intervals.c.subject.is_not(None),
        may_cover=yes(doubts.c.may_cover),
        may_end=yes(doubts.c.may_end),
        joins=((intervals, on), (doubts, doubts.c.subject == subject)),
    )


def consents_for(register: Consents, purpose: str, frame: Frame) -> Ledger:
    """The ledger of consents for one of the policy's purposes. Consents for other purposes do not count."""
    word = register.purposes.get(purpose, purpose)
    if isinstance(register, EventLedger):
        return _events(register, word, frame)
    granted, withdrawn = register.granted, register.withdrawn
    rows = frame.table(
        register.table, register.subject, register.purpose, granted.column, withdrawn.column, alias="ledger"
    )
    of_purpose = sa.cast(rows.c[register.purpose], sa.Text()) == word
    return _intervals(rows, rows.c[register.subject], granted, withdrawn, of_purpose, frame, strict=False)


def guardian_consents(register: GuardianConsents, frame: Frame) -> Ledger:
    """The register of guardians' consents, kept as intervals from receipt to revocation."""
    rows = frame.table(
        register.table, register.subject, register.received.column, register.revoked.column, alias="ledger"
    )
    subject = rows.c[register.subject]
    return _intervals(rows, subject, register.received, register.revoked, sa.true(), frame, strict=True)


def needs_of_consents(register: Consents) -> Iterator[Need]:
    """The columns of the ledger that are read."""
    yield from (Need(register.table, column) for column in (register.subject, register.purpose))
    if isinstance(register, EventLedger):
        yield Need(register.table, register.action.column)
        clocks = [register.at]
    else:
        clocks = [register.granted, register.withdrawn]
    yield from (Need(register.table, clock.column, TYPES[clock.encoding]) for clock in clocks)


def needs_of_guardian_consents(register: GuardianConsents) -> Iterator[Need]:
    """The columns of the register that are read for coverage."""
    yield Need(register.table, register.subject)
    for clock in (register.received, register.revoked):
        yield Need(register.table, clock.column, TYPES[clock.encoding])


def _plausible(clock: ColumnClock, column: Column, frame: Frame) -> Predicate:
    """A moment that can be a fact, or lies in the future (which no row at or before T can meet)."""
    return sa.and_(yes(compare_with(clock, column, frame, ge, frame.earliest)), sa.not_(not_a_number(clock, column)))


def _past(clock: ColumnClock, column: Column, frame: Frame) -> Predicate:
    return yes(compare_with(clock, column, frame, le, frame.as_of))


def _events(register: EventLedger, word: str, frame: Frame) -> Ledger:
    action, at = register.action, register.at
    rows = frame.table(register.table, register.subject, register.purpose, action.column, at.column, alias="ledger")
    does, when = sa.cast(rows.c[action.column], sa.Text()), rows.c[at.column]
    of_purpose = sa.and_(sa.cast(rows.c[register.purpose], sa.Text()) == word, rows.c[register.subject].is_not(None))
    known = yes(does.in_([action.grant, action.withdraw]))
    past = sa.and_(_plausible(at, when, frame), _past(at, when, frame))
    changes = (
        sa.select(
            rows.c[register.subject].label("subject"),
            moment_of(at, when, frame).label("lo"),
            sa.func.bool_or(does == action.withdraw).label("withdrawn"),
        )
        .where(of_purpose, known, past)
        .group_by(rows.c[register.subject], moment_of(at, when, frame))
        .subquery("change")
    )
    following = sa.func.lead(changes.c.lo).over(partition_by=changes.c.subject, order_by=changes.c.lo)
    stretches = sa.select(changes, sa.func.coalesce(following, FOREVER).label("hi")).subquery("stretch")
    intervals = (
        sa.select(stretches.c.subject, stretches.c.lo, stretches.c.hi)
        .where(sa.not_(stretches.c.withdrawn))
        .subquery("consent")
    )
    unreadable = sa.or_(sa.not_(_plausible(at, when, frame)), sa.and_(past, sa.not_(known)))
    doubts = (
        sa.select(
            rows.c[register.subject].label("subject"),
            sa.func.bool_or(sa.func.coalesce(does != action.withdraw, sa.true())).label("may_cover"),
            sa.func.bool_or(sa.func.coalesce(does != action.grant, sa.true())).label("may_end"),
        )
        .where(of_purpose, unreadable)
        .group_by(rows.c[register.subject])
        .subquery("doubt")
    )
    return Ledger(intervals, doubts, strict=False)


def _intervals(
    rows: sa.FromClause,
    subject: Column,
    begin: ColumnClock,
    end: ColumnClock,
    condition: Predicate,
    frame: Frame,
    *,
    strict: bool,
) -> Ledger:
    start, stop = rows.c[begin.column], rows.c[end.column]
    readable = sa.and_(_plausible(begin, start, frame), sa.or_(stop.is_(None), _plausible(end, stop, frame)))
    named = sa.and_(condition, subject.is_not(None))
    low = moment_of(begin, start, frame).label("lo")
    high = sa.func.coalesce(moment_of(end, stop, frame), FOREVER).label("hi")
    single = (
        sa.select(subject.label("subject"), low, high)
        .where(named, readable, _past(begin, start, frame))
        .subquery("grant_row")
    )
    valid = sa.select(single).where(single.c.lo < single.c.hi).subquery("valid_grant")
    doubts = (
        sa.select(subject.label("subject"), sa.literal(True).label("may_cover"), sa.literal(False).label("may_end"))
        .where(named, sa.not_(readable))
        .group_by(subject)
        .subquery("doubt")
    )
    return Ledger(merged(valid, strict), doubts, strict)


def merged(valid: sa.Subquery, strict: bool) -> sa.Subquery:
    """Overlapping intervals `subject, lo, hi` become one, so that a moment meets at most one."""
    earlier = (valid.c.lo, valid.c.hi)
    before = sa.func.max(valid.c.hi).over(partition_by=valid.c.subject, order_by=earlier, rows=(None, -1))
    reached = sa.select(valid, before.label("reach")).subquery("reached")
    # Touching intervals are one unless the consent must come before the moment: then the touching point is bare.
    apart = reached.c.lo >= reached.c.reach if strict else reached.c.lo > reached.c.reach
    first = sa.case((sa.or_(reached.c.reach.is_(None), apart), 1), else_=0)
    order = (reached.c.lo, reached.c.hi)
    island = sa.func.sum(first).over(partition_by=reached.c.subject, order_by=order, rows=(None, 0))
    numbered = sa.select(reached, island.label("island")).subquery("numbered")
    return (
        sa.select(numbered.c.subject, sa.func.min(numbered.c.lo).label("lo"), sa.func.max(numbered.c.hi).label("hi"))
        .group_by(numbered.c.subject, numbered.c.island)
        .subquery("consent")
    )
