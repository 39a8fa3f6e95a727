"""Of what there must be one, one is in force: a data protection officer, a version of the policy, a certificate.

*Why*: persons are told by one text at a time, and only a version that was in force binds (GDPR art. 5(1)(a), 12, 13);
an officer is designated and can be reached without a break (art. 37(1), 37(7)); a lapsed certificate attests nothing
(art. 32(1), 42(7)). *Fix*: where none is in force, appoint, publish or renew, and record the day; where two are, end
the former on the day before the latter begins. A gap in the past cannot be closed: record what held then, or why not.

The register is judged as a whole, at T, and, with `without_gaps_since`, at every instant from the first of that civil
day on: also a part of a day on which none held, or two did, is a breach. A day in `to` is the last on which a row
holds, an instant is the first at which it does not, and no `to` means until further notice; so a version that begins
on the day after the last day of the former leaves no gap. A row that begins after T says nothing yet. A row that may
not be meant, or whose begin or end cannot be read, may hold or not: the answer is known only if that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.controls.base.register_rule import RegisterParams, RegisterRule
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.selftest.made_up_times import (
    DAY,
    ClockValue,
    OutOfRange,
    dst_free_noon,
    first_of,
    next_after,
    noon,
    too_early,
)
from privacy_audit.selftest.register_cases import FieldValues, RegisterCase, Selector
from privacy_audit.sql.evaluation_context import EvaluationContext, civil_date, instant, never, no, no_day, yes
from privacy_audit.sql.register_rows import InForceFields, RegisterSql, end_of
from privacy_audit.sql.row_predicates import RowPredicates, RowState

_EVER_SINCE: sa.ColumnElement[Any] = sa.literal_column("'-infinity'::timestamptz")
_FOR_EVER: sa.ColumnElement[Any] = sa.literal_column("'infinity'::timestamptz")


class InForceCount(StrEnum):
    """How many must be in force."""

    EXACTLY_ONE = "exactly_one"
    AT_LEAST_ONE = "at_least_one"


class OneInForceParams(RegisterParams):
    """Between which fields a row is in force, how many must be, and since when."""

    in_force: InForceFields
    must: InForceCount = InForceCount.EXACTLY_ONE
    without_gaps_since: date | None = None
    """Civil day from whose first instant on it must have been so all the time; without one only T counts."""

    def key(self, _: RegisterBinding) -> tuple[str, ...]:
        return ()


class OneInForce(RegisterRule):
    """Expect one row of a register to be in force, now and, where asked, since a day."""

    kind: ClassVar[str] = "one_in_force"
    expectation: ClassVar[str] = "expect_one_in_force"

    asks: OneInForceParams

    @property
    def decide(self) -> str:
        return (
            f"Find out from when to when each of these rows of {self.table} holds, and write down the moment that is"
            " missing or cannot be a fact. Delete nothing before that."
        )

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        asks, context = self.asks, meant.context
        who = replace(meant, in_force=None)
        base, clock = who.base(), self.records.fields[asks.in_force.to]
        at, ever, ago, soon = (
            dst_free_noon(context),
            context.earliest,
            context.as_of - 2 * DAY,
            next_after(self.records.fields[asks.in_force.from_], context),
        )
        day = local_date(at, context.zone)
        by_day = clock.encoding is Encoding.DATE or self.records.fields[asks.in_force.from_].encoding is Encoding.DATE
        today = first_of(context.today, context)
        yesterday = today - DAY / 2 if by_day else today
        end, begin = (noon(day, context), first_of(day + DAY, context)) if by_day else (at, at)
        two = RowState.VIOLATING if asks.must is InForceCount.EXACTLY_ONE else RowState.COMPLIANT
        counts = asks.without_gaps_since is not None and asks.without_gaps_since <= day
        perhaps = RowState.UNDECIDABLE if asks.must is InForceCount.EXACTLY_ONE else RowState.COMPLIANT

        def row(begin: ClockValue | None, end: ClockValue | None = None) -> FieldValues:
            return {**base, asks.in_force.from_: begin, asks.in_force.to: end}

        found = [
            ("in which one is in force", RowState.COMPLIANT, [row(ever)]),
            ("in which one is in force until a day to come", RowState.COMPLIANT, [row(ever, context.as_of + 2 * DAY)]),
            ("in which one followed another", RowState.COMPLIANT, [row(ever, end), row(begin)]),
            ("in which one followed another today", RowState.COMPLIANT, [row(ever, yesterday), row(today)]),
            *(("in which one follows another now", RowState.COMPLIANT, [row(ever, context.as_of), row(context.as_of)])
              for _ in range(not by_day)),
            ("in which one is in force and another will be", RowState.COMPLIANT, [row(ever), row(soon)]),
            ("that is empty", RowState.VIOLATING, []),
            ("in which the last one ended", RowState.VIOLATING, [row(ever, ago)]),
            ("in which the first one is to come", RowState.VIOLATING, [row(soon)]),
            ("in which two are in force", two, [row(ever), row(ever)]),
            ("in which none was for a while", RowState.VIOLATING if counts else RowState.COMPLIANT,
             [row(ever, at - 2 * DAY), row(at)]),
            ("in which two were for a while", two if counts else RowState.COMPLIANT,
             [row(ever, at), row(at - 2 * DAY)]),
            ("in which one began nobody knows when", RowState.UNDECIDABLE, [row(None)]),
            ("in which one began at no moment there can be", RowState.UNDECIDABLE,
             [row(too_early(context))]),
            ("in which one ended at no moment there can be", RowState.UNDECIDABLE, [row(ever, too_early(context))]),
            ("in which one began at what nobody can mean", RowState.UNDECIDABLE, [row(OutOfRange(context.as_of))]),
            ("in which one never began", RowState.UNDECIDABLE, [row(OutOfRange(context.as_of, infinite=True))]),
            ("in which the first one is not in sight", RowState.VIOLATING, [row(OutOfRange(context.as_of, last=True))]),
            ("in which one ended at what nobody can mean", RowState.UNDECIDABLE,
             [row(ever, OutOfRange(context.as_of))]),
            ("in which one never ends", RowState.COMPLIANT, [row(ever, OutOfRange(context.as_of, infinite=True))]),
            ("in which no end is in sight", RowState.COMPLIANT, [row(ever, OutOfRange(context.as_of, last=True))]),
            ("in which another began nobody knows when", perhaps, [row(ever), row(None)]),
            ("in which another may go on", perhaps, [row(ever), row(at, too_early(context))]),
            ("in which another ended before it began", RowState.COMPLIANT, [row(ever), row(at, at - 2 * DAY)]),
            ("in which one ended as the company began", RowState.VIOLATING, [row(ever, ever)]),
            ("in which one ends next", RowState.COMPLIANT, [row(ever, next_after(clock, context))]),
            ("in which one ends now", RowState.COMPLIANT if clock.encoding is Encoding.DATE else RowState.VIOLATING,
             [row(ever, context.as_of)]),
        ]  # fmt: skip
        since = asks.without_gaps_since
        if since and context.no_data_before < since < context.today:
            found.append(
                ("in which one began on the first day that counts", RowState.COMPLIANT, [row(first_of(since, context))])
            )
            late = first_of(since, context) + (DAY if by_day else timedelta(seconds=1))
            found.append(("in which one began after that", RowState.VIOLATING, [row(late)]))
        for name, state, rows in found:
            yield RegisterCase(f"of a register {name}", state, {}, beside=rows)
        one = RegisterCase("", RowState.COMPLIANT, {asks.in_force.from_: ever, asks.in_force.to: None})
        for edge in who.edges(one):
            state = {True: RowState.COMPLIANT, False: RowState.VIOLATING, None: RowState.UNDECIDABLE}[
                who.holds({**base, **edge.says})
            ]
            yield RegisterCase(
                f"of a register in which one is in force {edge.name}", state, {}, beside=[{**base, **edge.says}]
            )

    def rows(self, context: EvaluationContext, *_: str) -> sa.FromClause:
        """One row: whether it was surely wrong at some instant, first at which, and surely right at all of them."""
        held = self._held(context)
        right: sa.ColumnElement[bool] = held.c.surely >= 1
        wrong: sa.ColumnElement[bool] = held.c.maybe < 1
        if self.asks.must is InForceCount.EXACTLY_ONE:
            right, wrong = sa.and_(right, held.c.maybe <= 1), sa.or_(wrong, held.c.surely > 1)
        return sa.select(
            sa.func.bool_or(wrong).label("wrong"),
            sa.func.bool_and(right).label("right"),
            sa.func.min(held.c.at).filter(wrong).label("since"),
        ).subquery("t")

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        since = civil_date(row.c.since, context.zone_name)
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=never(),
            violating=sa.case((row.c.wrong, sa.true()), (row.c.right, sa.false()), else_=sa.null()),
            moment=sa.cast(sa.null(), sa.DateTime(timezone=True)),
            # Of T alone it is known that it is wrong, not since when.
            breach_began=since if self.asks.without_gaps_since else no_day(),
        )

    def _held(self, context: EvaluationContext) -> sa.Subquery:
        """How many rows surely held, and how many may have, from each instant at which that changed to the next."""
        spans, first = self._spans(context), instant(self._first(context))
        sure = sa.cast(spans.c.sure, sa.Integer())
        begun = sa.select(
            sa.func.greatest(spans.c.begin, first).label("at"),
            sure.label("surely"),
            sa.literal_column("1").label("maybe"),
        )
        ended = sa.select(spans.c.end, -sure, sa.literal_column("-1")).where(spans.c.end <= instant(context.as_of))
        # Where no row tells anything, the first instant still does: none held.
        nothing: sa.Select[*tuple[Any, ...]] = sa.select(first, sa.literal_column("0"), sa.literal_column("0"))
        change = sa.union_all(begun, ended, nothing).subquery("change")
        return (
            sa.select(
                change.c.at,
                *(
                    sa.func.sum(sa.func.sum(change.c[name])).over(order_by=change.c.at).label(name)
                    for name in ("surely", "maybe")
                ),
            )
            .group_by(change.c.at)
            .subquery("held")
        )

    def _first(self, context: EvaluationContext) -> datetime:
        """The first instant that counts."""
        since = self.asks.without_gaps_since
        return min(start_of_day(since, context.zone), context.as_of) if since else context.as_of

    def _spans(self, context: EvaluationContext) -> sa.Subquery:
        """From when until when each row that may be meant may have held by T, and whether it surely did.

        Where the begin cannot be read, it may have held ever since; where the end cannot, it may hold still.
        """
        entry = context.table(self.table, *self.columns(), alias="entry")
        records, during = RegisterSql(self.records, entry, context), self.asks.in_force
        meant = records.meant(self.asks.only)
        begin, end = records.moment(during.from_), records.moment(during.to)
        begin_known = sa.not_(begin.undatable)
        end_known = sa.or_(records.end(during.to).running, sa.not_(end.undatable))
        ended = end_of(self.records, during.to, records.value(during.to), context)
        read = (
            sa.select(
                sa.case((begin_known, begin.moment), else_=_EVER_SINCE).label("begin"),
                sa.case((sa.not_(end.undatable), ended), else_=_FOR_EVER).label("end"),
                sa.and_(yes(meant), begin_known, end_known).label("sure"),
            )
            .where(sa.not_(no(meant)), sa.not_(records.begin(during.from_).running))
            .subquery("read")
        )
        lasting = sa.and_(read.c.begin < read.c.end, read.c.end > instant(self._first(context)))
        return sa.select(read.c.begin, read.c.end, read.c.sure).where(lasting).subquery("span")
