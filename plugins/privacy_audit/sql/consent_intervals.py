"""Consents in SQL, as moments covered: per subject, disjoint intervals `[lo, hi)` in which a consent was in force.

Both ways of keeping a ledger become the same intervals, so that one join judges a row at its moment and never
multiplies it. A ledger row whose moment cannot be a fact (null, before the company's first day, or what nobody can
mean: infinite but for an end, after the year 9999, a number a century off), whose
action is unknown or whose purpose says nothing covers nothing, and makes undecidable whatever it might have changed.
A purpose is the same in other letter case and with blanks around it: of a withdrawal no spelling may be read past.
A withdrawal whose purpose is no word that policy or map knows (`everything`, `geolocation, newsletter`) may have ended
any consent; a grant for such a word grants nothing. The map may name a word that stands for every purpose.

A row that names nobody grants nothing. A withdrawal that names nobody may be anyone's: what a consent covers is
undecidable from the first such row on, unless it was granted after the last one. That many rows become undecidable is
meant, for none of them can be shown to be lawful; one that no consent covers violates all the same. A row of a register
of intervals ends no consent but its own, so that there such a row does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import ge, le
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.config.map_registers import Consents, EventLedger, GuardianConsents
from privacy_audit.sql.clocks import beyond, compare_with, moment_of
from privacy_audit.sql.evaluation_context import TYPES, ColumnRequirement, EvaluationContext, Predicate, yes
from privacy_audit.sql.register_rows import said

Column = sa.ColumnElement[Any]
FOREVER: Column = sa.literal_column("'infinity'::timestamptz")
_EVER: Column = sa.literal_column("'-infinity'::timestamptz")


@dataclass(frozen=True)
class Ledger:
    """A register of consents as relations."""

    intervals: sa.FromClause
    """`subject, lo, hi` (`timestamptz`, `hi` may be infinity), disjoint per subject.

    Where consents can be ended by rows that name nobody also `unsure_from`: from when on that may be, or infinity.
    """
    doubts: sa.FromClause
    """`subject`: those with ledger rows that cannot be read; one row each.

    Between which moments such rows may have begun to cover and covered (`cover_from`, `cover_to`), and between which
    they may have ended a consent (`end_from`, `end_to`), as far as that is bounded, and possible at all.
    """
    strict: bool
    """Whether the consent must come before the moment itself (a guardian's), or may come with it."""

    @property
    def unsure_from(self) -> Column:
        """From when on a row that names nobody may have ended a consent."""
        return self.intervals.c.get("unsure_from", FOREVER)

    def may_cover(self, moment: Column) -> Predicate:
        """Whether a row in doubt may cover a moment of its subject."""
        columns = self.doubts.c
        low = [columns.cover_from <= moment] if "cover_from" in columns else []
        high = [moment < columns.cover_to] if "cover_to" in columns else []
        return yes(sa.and_(*low, *high)) if low or high else columns.subject.is_not(None)

    def may_end(self, moment: Column) -> Predicate:
        """Whether a row in doubt may have ended a consent before a moment that it covers."""
        if "end_from" not in self.doubts.c:
            return sa.false()
        own = sa.and_(self.doubts.c.end_from <= moment, self.doubts.c.end_to >= self.intervals.c.lo)
        return sa.or_(yes(own), yes(self.unsure_from <= moment))

    def computed_once(self) -> Ledger:
        """The same ledger for a statement that reads it more than once, in the order that all its readers need."""
        intervals = sa.select(self.intervals).order_by(self.intervals.c.subject, self.intervals.c.lo)
        return Ledger(intervals.cte("consents"), sa.select(self.doubts).cte("doubts"), self.strict)


@dataclass(frozen=True)
class ConsentCover:
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


def cover(ledger: Ledger, subject: Column, moment: Column) -> ConsentCover:
    """The ledger joined to rows by subject and moment."""
    intervals, doubts = ledger.intervals, ledger.doubts
    after_start = intervals.c.lo < moment if ledger.strict else intervals.c.lo <= moment
    on = sa.and_(intervals.c.subject == subject, after_start, moment < intervals.c.hi)
    return ConsentCover(
        covered=intervals.c.subject.is_not(None),
        may_cover=ledger.may_cover(moment),
        may_end=ledger.may_end(moment),
        joins=((intervals, on), (doubts, doubts.c.subject == subject)),
    )


def consents_for(register: Consents, purpose: str, context: EvaluationContext) -> Ledger:
    """The ledger of consents for one of the policy's purposes. Consents for other purposes do not count."""
    words = words_for(register, purpose)
    if isinstance(register, EventLedger):
        return _events(register, words, context)
    granted, withdrawn = register.granted, register.withdrawn
    rows = context.table(
        register.table, register.subject, register.purpose, granted.column, withdrawn.column, alias="ledger"
    )
    of_purpose = _Purpose(rows.c[register.purpose], words)
    return _intervals(rows, rows.c[register.subject], granted, withdrawn, of_purpose, context, strict=False)


def words_for(register: Consents, purpose: str) -> tuple[str, ...]:
    """The ledger's words for one of the policy's purposes: its own, and that for all of them."""
    own = register.purposes.get(purpose, purpose)
    return (own,) if register.every_purpose is None else (own, register.every_purpose)


def guardian_consents(register: GuardianConsents, context: EvaluationContext) -> Ledger:
    """The register of guardians' consents, kept as intervals from receipt to revocation."""
    rows = context.table(
        register.table, register.subject, register.received.column, register.revoked.column, alias="ledger"
    )
    subject = rows.c[register.subject]
    return _intervals(rows, subject, register.received, register.revoked, None, context, strict=True)


def needs_of_consents(register: Consents) -> Iterator[ColumnRequirement]:
    """The columns of the ledger that are read."""
    yield from (ColumnRequirement(register.table, column) for column in (register.subject, register.purpose))
    if isinstance(register, EventLedger):
        yield ColumnRequirement(register.table, register.action.column)
        clocks = [register.at]
    else:
        clocks = [register.granted, register.withdrawn]
    yield from (ColumnRequirement(register.table, clock.column, TYPES[clock.encoding]) for clock in clocks)


def needs_of_guardian_consents(register: GuardianConsents) -> Iterator[ColumnRequirement]:
    """The columns of the register that are read for coverage."""
    yield ColumnRequirement(register.table, register.subject)
    for clock in (register.received, register.revoked):
        yield ColumnRequirement(register.table, clock.column, TYPES[clock.encoding])


def _plausible(clock: ColumnClock, column: Column, context: EvaluationContext, *, endless: bool = False) -> Predicate:
    """A moment that can be a fact, or lies in a future that somebody can mean (which no row at or before T can meet).

    `endless`: an end, which may never come.
    """
    meaningless = yes(beyond(clock, column, context, endless=endless))
    return sa.and_(yes(compare_with(clock, column, context, ge, context.earliest)), sa.not_(meaningless))


def _past(clock: ColumnClock, column: Column, context: EvaluationContext) -> Predicate:
    return yes(compare_with(clock, column, context, le, context.as_of))


@dataclass(frozen=True)
class _Purpose:
    """The purpose of a ledger's rows, held against the words for one purpose."""

    column: Column
    words: tuple[str, ...]
    others: tuple[str, ...] = ()
    """Words for other purposes; not asked where rows end no consent but their own."""

    @cached_property
    def is_meant(self) -> Predicate:
        """Whether it is one of the words, in any spelling; null where it says nothing."""
        # The words themselves first: nearly all rows say them, and of them the planner knows how many there are.
        return sa.or_(sa.cast(self.column, sa.Text()).in_(self.words), self._spells(self.words))

    @cached_property
    def is_silent(self) -> Predicate:
        """Whether it says nothing, so that it may be meant."""
        return said(self.column).is_(None)

    @cached_property
    def is_unknown(self) -> Predicate:
        """Whether it says what nobody knows: it may stand for several purposes, and for this one among them."""
        return yes(sa.not_(self._spells((*self.words, *self.others))))

    def _spells(self, words: tuple[str, ...]) -> Predicate:
        # Both in small letters by the server's own rules: by Python's, a word in capitals would not equal itself there.
        return sa.func.lower(said(self.column)).in_([sa.func.lower(word) for word in words])


def _events(register: EventLedger, words: tuple[str, ...], context: EvaluationContext) -> Ledger:
    action, at = register.action, register.at
    rows = context.table(register.table, register.subject, register.purpose, action.column, at.column, alias="ledger")
    subject, purpose = rows.c[register.subject], _Purpose(rows.c[register.purpose], words, register.other_purposes)
    does, when = sa.cast(rows.c[action.column], sa.Text()), rows.c[at.column]
    moment = moment_of(at, when, context)
    known = yes(does.in_([action.grant, action.withdraw]))
    plausible = _plausible(at, when, context)
    past = sa.and_(plausible, _past(at, when, context))
    changes = (
        sa.select(
            subject.label("subject"), moment.label("lo"), sa.func.bool_or(does == action.withdraw).label("withdrawn")
        )
        .where(purpose.is_meant, subject.is_not(None), known, past)
        .group_by(subject, moment)
        .subquery("change")
    )
    nobody: Predicate = said(subject).is_(None)
    whose: Column = sa.case((sa.not_(nobody), subject))
    unreadable = sa.or_(
        sa.not_(plausible),
        sa.and_(past, sa.or_(sa.not_(known), purpose.is_silent, sa.and_(does == action.withdraw, nobody))),
    )
    may_grant, withdraws = (sa.func.coalesce(does != other, sa.true()) for other in (action.withdraw, action.grant))
    grants = sa.and_(may_grant, sa.not_(purpose.is_unknown))
    strange = sa.and_(purpose.is_unknown, withdraws, sa.or_(sa.not_(plausible), past))
    first, last = sa.case((past, moment), else_=_EVER), sa.case((past, moment), else_=FOREVER)
    doubts = (
        sa.select(
            whose.label("subject"),
            sa.func.min(sa.case((grants, first))).label("cover_from"),
            sa.func.min(sa.case((withdraws, first))).label("end_from"),
            sa.func.max(sa.case((withdraws, last))).label("end_to"),
        )
        .where(sa.or_(sa.and_(sa.or_(purpose.is_meant, purpose.is_silent), unreadable), strange))
        .group_by(whose)
        .cte("doubtful")
    )
    nameless_from, nameless_to = (
        sa.select(edge).where(doubts.c.subject.is_(None)).scalar_subquery()
        for edge in (doubts.c.end_from, doubts.c.end_to)
    )
    following = sa.func.lead(changes.c.lo).over(partition_by=changes.c.subject, order_by=changes.c.lo)
    interval_set = sa.select(changes, sa.func.coalesce(following, FOREVER).label("hi")).subquery("stretch")
    low, high = interval_set.c.lo, interval_set.c.hi
    unsure_from = sa.case((nameless_to >= low, nameless_from), else_=FOREVER)
    intervals = (
        sa.select(interval_set.c.subject, low, high, unsure_from.label("unsure_from"))
        .where(sa.not_(interval_set.c.withdrawn))
        .subquery("consent")
    )
    named = sa.select(doubts).where(doubts.c.subject.is_not(None)).subquery("doubt")
    return Ledger(intervals, named, strict=False)


def _intervals(
    rows: sa.FromClause,
    subject: Column,
    begin: ColumnClock,
    end: ColumnClock,
    purpose: _Purpose | None,
    context: EvaluationContext,
    *,
    strict: bool,
) -> Ledger:
    start, stop = rows.c[begin.column], rows.c[end.column]
    readable = sa.and_(
        _plausible(begin, start, context), sa.or_(stop.is_(None), _plausible(end, stop, context, endless=True))
    )
    low, high = moment_of(begin, start, context), sa.func.coalesce(moment_of(end, stop, context), FOREVER)
    meant = purpose.is_meant if purpose else sa.true()
    single = (
        sa.select(subject.label("subject"), low.label("lo"), high.label("hi"))
        .where(meant, subject.is_not(None), readable, _past(begin, start, context))
        .subquery("grant_row")
    )
    valid = sa.select(single).where(single.c.lo < single.c.hi).subquery("valid_grant")
    in_doubt = sa.select(subject.label("subject")).group_by(subject)
    if purpose is None:
        in_doubt = in_doubt.where(subject.is_not(None), sa.not_(readable))
    else:
        in_doubt = in_doubt.add_columns(
            sa.func.min(sa.case((readable, low), else_=_EVER)).label("cover_from"),
            sa.func.max(sa.case((readable, high), else_=FOREVER)).label("cover_to"),
        ).where(
            sa.or_(purpose.is_meant, purpose.is_silent),
            subject.is_not(None),
            sa.or_(sa.not_(readable), sa.and_(purpose.is_silent, _past(begin, start, context))),
        )
    return Ledger(merged(valid, strict), in_doubt.subquery("doubt"), strict)


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
