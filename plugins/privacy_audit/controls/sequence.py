"""No document is missing from a numbered series as long as it must be kept.

*Why*: accounting documents are kept for ten years from the end of the year (French Code de commerce art. L123-22), and
invoices are numbered in an unbroken sequence (CGI annex II art. 242 nonies A): a number that is missing is a document
that was lost or deleted too early, and data must be protected against that too (GDPR art. 5(1)(f), 32). *Fix*: restore
the missing documents from a backup, or write down why a number was never used. Then find what deletes them.

The digits at the end of `number` count, and what stands before them, in small letters, names the series. A row is in
breach when numbers between it and the one before it in its series are missing although they must still be there. The
missing ones were made after the rows before them and not after this row. So they are due when a row before them is
within `kept_for`, which runs from the end of the calendar year of `at`; they may all be gone when this row itself is
past it; in between nobody can tell. Only the rows that are meant make up the series. A row without digits (or with more
than 30) and all rows of a number that occurs twice are undecidable.

A purge that runs too early takes the oldest first, and leaves no gap: it shows in how a series begins. A first row
numbered 1 begins it. Another one follows documents that are not there. They may all be gone when it is past the period
itself, or of the first month that is not: a series that goes on has a document a month, so the one before is taken to
be of a year that is over. Of any later first row nobody can tell whether the series began with it, so it is
undecidable. Whether the end of a series is missing, nobody can tell from the series.

What is counted is the rows after a gap, so the gaps, not the documents that are missing in them: one row stands for a
gap of one document and for a gap of a thousand. A number that holds the year in its digits (20260001) makes a gap at
each turn of the year; one with a mark between (2026-0001) makes a series each year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sa

from privacy_audit.config.map_fields import Name
from privacy_audit.controls.base.register_rule import PeriodText, RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.domain.periods import Period
from privacy_audit.selftest.case import OwnKey
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, noon
from privacy_audit.selftest.register_cases import RegisterCase, Selector
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate, day, no, yes
from privacy_audit.sql.register_rows import RegisterSql, every, readable_day, readable_moment
from privacy_audit.sql.row_predicates import RowState

# Names with a blank: no column is called so (`store_map.Identifier`), however a register calls its own.
_MEANT, _SERIES, _NUMBER, _DAY = "is meant", "its series", "its number", "its day"
_FIRST, _BEFORE, _SURE_BEFORE = "first number", "number before", "number before of those surely meant"
_LAST_DAY, _COPIES = "last day before of those surely meant", "rows of its number"
_MOST_DIGITS = 30
_MONTH = 31 * DAY
"""So long after what may be gone a series may begin."""


class SequenceParams(RegisterParams):
    """Which field holds the number, which the day, and for how long a document is kept."""

    number: Name
    at: Name
    """Field with the moment of the document."""
    kept_for: PeriodText
    """From the end of the calendar year of `at`."""

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield from (self.number, self.at)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield self.at


class Sequence(RegisterRowRule):
    """Expect no numbers to be missing between two rows of a series while they must be kept."""

    kind: ClassVar[str] = "sequence"
    expectation: ClassVar[str] = "expect_sequence_without_gaps"

    asks: SequenceParams

    @property
    def decide(self) -> str:
        return (
            f"Look in the archive for what stood before each of these rows of {self.table}, and write down a number or"
            " a day that is missing, is there twice or cannot be a fact. Delete nothing before that."
        )

    @property
    def longest_period(self) -> str:
        return self.asks.kept_for

    @property
    def undecided_because(self) -> str:
        return (
            "what stood before them may have been due or gone, or their number or day is missing, is there twice or"
            " cannot be a fact"
        )

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        context, asks = meant.context, self.asks
        year = context.today.year
        while Period.parse(asks.kept_for).add_to(date(year, 12, 31)) >= context.today:
            year -= 1
        last_gone = date(year, 12, 31)
        gone, due, now = noon(last_gone, context), noon(last_gone + DAY, context), dst_free_noon(context)
        opening, late = noon(last_gone + _MONTH, context), noon(last_gone + _MONTH + DAY, context)

        def number(digits: str, series: str = "-", before: str = "F") -> OwnKey:
            return OwnKey(before, f"{series}{digits}")

        def row(name: str, state: RowState, digits: str, *beside: tuple[str, Any], at: Any = now) -> RegisterCase:
            others = [{asks.number: number(before), asks.at: moment} for before, moment in beside]
            return RegisterCase(name, state, {asks.number: number(digits), asks.at: at}, beside=others)

        yield row("before which a number is missing", RowState.VIOLATING, "3", ("1", now))
        yield row("that follows the one before", RowState.COMPLIANT, "0003", ("2", now), ("1", now))
        yield row("that is the first of its series", RowState.COMPLIANT, "1", ("2", now))
        yield row("of number nought, the first of its series", RowState.COMPLIANT, "0", ("1", now))
        yield row("before which the beginning is missing", RowState.UNDECIDABLE, "2", ("3", now))
        yield row("that begins a series of which the rest may be gone", RowState.COMPLIANT, "2", ("3", now), at=opening)
        yield row("that begins a series a day too late", RowState.UNDECIDABLE, "2", ("3", now), at=late)
        yield row("that begins a series and may be gone", RowState.COMPLIANT, "2", ("3", now), at=gone)
        yield row(
            "of no known day, before which the beginning is missing", RowState.UNDECIDABLE, "2", ("3", now), at=None
        )
        yield row("that follows one that may be gone", RowState.COMPLIANT, "3", ("2", gone))
        yield row("that may be gone", RowState.COMPLIANT, "3", ("1", gone), at=gone)
        yield row("on the first day that is due", RowState.VIOLATING, "3", ("1", due), at=due)
        yield row("before which one is missing that may be gone", RowState.UNDECIDABLE, "3", ("1", gone))
        yield row("before which one is missing that may be due", RowState.VIOLATING, "4", ("1", gone), ("2", now))
        yield row("that is there twice", RowState.UNDECIDABLE, "3", ("3", now), ("1", now))
        yield row("without digits", RowState.UNDECIDABLE, "none", ("1", now))
        yield row("with more digits than a number has", RowState.UNDECIDABLE, "1" * 31, ("1", now))
        yield row("with as many digits as a number has", RowState.COMPLIANT, f"{'3':0>30}", ("2", now))
        for none in meant.no_facts(asks.at):
            yield row(
                "on no day there can be, before which one is missing", RowState.VIOLATING, "3", ("1", now), at=none
            )
            yield row("before which one is missing of no day there can be", RowState.UNDECIDABLE, "3", ("1", none))
        yield row("of the first day there can be", RowState.COMPLIANT, "3", ("1", now), at=context.earliest)
        yield row("before which one is missing that is due as of now", RowState.VIOLATING, "3", ("1", context.as_of))
        for before in (" F", "f"):
            same = {asks.number: number("1", before=before), asks.at: now}
            yield RegisterCase(
                "of a series in other letters",
                RowState.VIOLATING,
                {asks.number: number("3"), asks.at: now},
                beside=[same],
            )
        broken = row("before which one is missing of no known day", RowState.UNDECIDABLE, "3", ("1", None))
        yield broken
        yield broken.but("without a number", RowState.UNDECIDABLE, **{asks.number: None})
        yield RegisterCase("of another series", RowState.COMPLIANT, {asks.number: number("3"), asks.at: opening},
                    beside=[{asks.number: number("1", "/"), asks.at: now}])  # fmt: skip
        for edge in meant.edges(RegisterCase("before which is one", RowState.COMPLIANT, {})):
            between = {**edge.says, asks.number: number("2"), asks.at: now}
            first = {asks.number: number("1"), asks.at: now}
            is_meant = meant.holds({**meant.base(), **between})
            state = {True: RowState.COMPLIANT, False: RowState.VIOLATING, None: RowState.UNDECIDABLE}[is_meant]
            yield RegisterCase(edge.name, state, {asks.number: number("3"), asks.at: now}, beside=[first, between])
            begins = RowState.COMPLIANT if is_meant else RowState.UNDECIDABLE
            yield RegisterCase(edge.name, begins, {asks.number: number("3"), asks.at: now}, beside=[between])
            opens = {asks.number: number("3"), asks.at: opening}
            yield RegisterCase(edge.name, RowState.COMPLIANT, opens, beside=[between])
            gapes = RowState.UNDECIDABLE if is_meant is None else RowState.COMPLIANT
            yield RegisterCase(edge.name, gapes, opens, beside=[between, {**between, asks.number: number("1")}])

    def rows(self, context: EvaluationContext, *extra: str) -> sa.FromClause:
        """The register's rows, each beside what its series says before it."""
        entry = self._entries(context, *extra)
        sure = yes(entry.c[_MEANT])
        series = (sa.not_(no(entry.c[_MEANT])), entry.c[_SERIES])
        earlier: dict[str, Any] = {"partition_by": series, "order_by": entry.c[_NUMBER], "rows": (None, -1)}
        return sa.select(
            *entry.c,
            sa.func.min(entry.c[_NUMBER]).over(**earlier).label(_FIRST),
            sa.func.max(entry.c[_NUMBER]).over(**earlier).label(_BEFORE),
            sa.func.max(sa.case((sure, entry.c[_NUMBER]))).over(**earlier).label(_SURE_BEFORE),
            sa.func.max(sa.case((sure, entry.c[_DAY]))).over(**earlier).label(_LAST_DAY),
            sa.func.count().over(partition_by=(*series, entry.c[_NUMBER])).label(_COPIES),
        ).subquery("t")

    def breach(self, records: RegisterSql) -> RegisterBreach:
        row, at = records.row, records.moment(self.asks.at)
        gone_until = _last_day_gone(self.asks.kept_for, records.context.today)
        begins = sa.or_(row.c[_NUMBER] <= 1, yes(row.c[_DAY] <= day(gone_until + _MONTH)))
        broken = sa.case(
            (sa.or_(row.c[_NUMBER].is_(None), row.c[_COPIES] > 1), sa.null()),
            (_follows(row), sa.false()),
            (sa.and_(_may_be_first(row), begins), sa.false()),
            (yes(row.c[_DAY] <= day(gone_until)), sa.false()),
            (sa.and_(_gapes(row), yes(row.c[_LAST_DAY] > day(gone_until))), sa.true()),
            else_=sa.null(),
        )
        return RegisterBreach(broken, readable_moment(at), readable_day(at))

    def _entries(self, context: EvaluationContext, *extra: str) -> sa.Subquery:
        """The register's rows with their series and their number, which is null where there is none."""
        names = tuple(dict.fromkeys((*self.columns(), *extra)))
        table = context.table(self.table, *names, alias="entry")
        records, asks = RegisterSql(self.records, table, context), self.asks
        text = records.text(asks.number)
        digits = sa.func.substring(text, "[0-9]+$")
        return sa.select(
            *(table.c[name] for name in names),
            every([records.meant(asks.only), records.in_force(asks.in_force)]).label(_MEANT),
            sa.func.lower(sa.func.left(text, sa.func.length(text) - sa.func.length(digits))).label(_SERIES),
            sa.case((sa.func.length(digits) <= _MOST_DIGITS, sa.cast(digits, sa.Numeric()))).label(_NUMBER),
            readable_day(records.moment(asks.at)).label(_DAY),
        ).subquery("entries")


def _follows(row: sa.FromClause) -> Predicate:
    """Whether the number before it is surely there."""
    return yes(row.c[_SURE_BEFORE] >= row.c[_NUMBER] - 1)


def _may_be_first(row: sa.FromClause) -> Predicate:
    """Whether it is the first of its series, or else follows the one before it: that row may be meant or not."""
    first = row.c[_FIRST]
    return sa.or_(first.is_(None), first >= row.c[_NUMBER] - 1)


def _gapes(row: sa.FromClause) -> Predicate:
    """Whether surely a number is missing before it, whichever of the rows that may be meant are."""
    return sa.and_(row.c[_SURE_BEFORE].is_not(None), row.c[_BEFORE] < row.c[_NUMBER] - 1)


def _last_day_gone(kept_for: str, today: date) -> date:
    """The last day whose calendar year ended longer ago than that: a year's last day, whole years are kept or not."""
    past = Period.parse(kept_for).cutoff(today)
    return date(past.year if (past.month, past.day) == (12, 31) else past.year - 1, 12, 31)
