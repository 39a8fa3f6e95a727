"""Rows marked as deleted are really deleted soon after.

*Why*: the policy says that expired data "is permanently deleted and cannot be recovered"; a mark deletes nothing
(GDPR art. 5(1)(e), 17). *Fix*: delete the marked rows for good and let a nightly job do so after the window.

A row that is marked by a flag without a date cannot be decided; a row that is not marked keeps the promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field, field_validator

from privacy_audit.config.map_clocks import ColumnClock, MomentMeaning, Subject
from privacy_audit.config.map_registers import LegalHolds
from privacy_audit.config.map_tables import SoftDelete
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import (
    DeleteRows,
    IndexPlan,
    Remedy,
    Rule,
    common,
    read_subject,
    subject_columns,
    subject_needs,
)
from privacy_audit.domain.categories import Category
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.selftest.made_up_rows import holds, with_subject
from privacy_audit.selftest.made_up_times import around, implausible_cases, recent, row_with_time, until
from privacy_audit.sql.clocks import ClockSql, needs_of, read_clock
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, Predicate, never, no_day
from privacy_audit.sql.holds import needs_of_holds, read_holds
from privacy_audit.sql.row_predicates import RowPredicates, RowState


class SoftDeletion(Rule):
    """Expect rows that are marked as deleted to be deleted for good within a window."""

    kind: ClassVar[str] = "soft_delete"
    expectation: ClassVar[str] = "expect_soft_deleted_rows_removed"
    parameters: ClassVar[frozenset[str]] = frozenset({"period"})

    period: str
    """How long a marked row may stay, as `P30D`."""
    mark: SoftDelete
    categories: tuple[Category, ...] = Field(min_length=1)
    """The categories the table holds: a hold on any of them keeps the row."""
    subject: Subject | None = None
    holds: LegalHolds | None = None

    @field_validator("period")
    @classmethod
    def _is_a_period(cls, text: str) -> str:
        return str(Period.parse(text))

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self]:
        for name, mapped in store.tables.items():
            if mapped.soft_delete:
                categories = tuple(dict.fromkeys(group.category for group in mapped.data))
                yield cls(
                    **common(name, mapped, store, zone),
                    period=control.parameters["period"],
                    mark=mapped.soft_delete,
                    categories=categories or tuple(Category),
                    subject=mapped.subject,
                    holds=store.registers.legal_holds,
                    purge_runs=store.registers.purge_runs_of(name),
                )

    @property
    def sentence(self) -> str:
        return f"{self.title} marked as deleted are gone for good {Period.parse(self.period).words} after the mark."

    @property
    def fix(self) -> str:
        return (
            f"Delete these rows of {self.table} for good, in every copy. A mark only hides them."
            " Then let a nightly job delete marked rows when their window ends."
        )

    @property
    def decide(self) -> str:
        return (
            f"Find out when each of these rows of {self.table} was marked, and write down the moment that is missing or"
            " cannot be a fact. Delete nothing before that."
        )

    def remedy(self) -> Remedy:
        return DeleteRows()

    @property
    def foreseeable(self) -> bool:
        return self.mark.clock is not None  # a flag says that, not when

    def columns(self) -> Sequence[str]:
        marks = [self.mark.clock.column] if self.mark.clock else []
        return (*marks, *([self.mark.flag] if self.mark.flag else []), *subject_columns(self.subject))

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in self.key)
        if self.mark.clock:
            yield from needs_of(self.mark.clock, self.table)
        if self.mark.flag:
            yield ColumnRequirement(self.table, self.mark.flag, frozenset({"bool"}))
        yield from subject_needs(self.subject, self.table)
        yield from needs_of_holds(self.holds)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        subject = read_subject(self.subject, row, context)
        holds = read_holds(self.holds, self.categories, subject.key, context)
        clock, undecidable, expired = self._marked(row, context)
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=undecidable,
            violating=expired,
            moment=clock.moment if clock else sa.cast(sa.null(), sa.DateTime(timezone=True)),
            breach_began=self._breach_began(clock),
            subject=subject.key,
            held=holds.held,
            held_since=holds.since,
            joins=(*subject.joins, *holds.joins),
        )

    @property
    def longest_period(self) -> str:
        return self.period

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        flag, clock, base = self.mark.flag, self._mark_of_row, with_subject(self.subject)
        unmarked = Fixture({clock.column: None} if clock else {})
        for value, state in ((True, RowState.UNDECIDABLE), (False, RowState.COMPLIANT), (None, RowState.UNDECIDABLE)):
            if flag:
                yield SelfTestCase(f"flagged {value} without a moment", state, unmarked | Fixture({flag: value})).over(
                    base
                )
        if clock is None:
            return
        limit = Period.parse(self.period).cutoff(context.today)
        past = row_with_time(clock, context.earliest, self.zone)
        for name, moment in around(clock, limit, context):
            over = until(clock, moment, limit, context)
            state = RowState.UNDECIDABLE if over is None else RowState.VIOLATING if over else RowState.COMPLIANT
            yield SelfTestCase(name, state, row_with_time(clock, moment, self.zone)).over(base)
        found = implausible_cases(clock, context, RowState.VIOLATING)
        held = [one.over(past) for one in (holds(self.holds, self.categories, context) if self.subject else ())]
        now = row_with_time(clock, recent(clock, context), self.zone)
        if until(clock, context.as_of, limit, context) is False:
            for one in held[:1]:
                yield SelfTestCase("within its period and held", RowState.COMPLIANT, one.fixture | now).over(base)
        yield from (one.over(base) for one in (*found, *held) if not (flag and one.name == "without a moment"))

    def seeks(self, context: EvaluationContext) -> Sequence[IndexPlan]:
        if self.mark.clock is None or self.mark.flag is not None:
            return ()
        row = self.rows(context)
        marked = sa.select(*row.c).where(row.c[self.mark.clock.column].is_not(None))
        return (IndexPlan(self.evaluate(marked.subquery("t"), context)),)

    @property
    def _mark_of_row(self) -> ColumnClock | None:
        """The clock of the mark: a row without a moment is not marked."""
        clock = self.mark.clock
        return clock.model_copy(update={"null_means": MomentMeaning.RUNNING}) if clock else None

    def _marked(self, row: sa.FromClause, context: EvaluationContext) -> tuple[ClockSql | None, Predicate, Predicate]:
        """The clock, whether a row cannot be decided, and whether its window is over."""
        flag = row.c[self.mark.flag] if self.mark.flag else None
        if self.mark.clock is None:
            # A flag says that, not when: nobody can show that the window is kept.
            return None, never() if flag is None else flag.is_not(sa.false()), never()
        clock = read_clock(self._mark_of_row or self.mark.clock, row, context)
        column = row.c[self.mark.clock.column]
        undated = sa.and_(column.is_(None), flag.is_not(sa.false())) if flag is not None else never()
        expired = sa.and_(sa.not_(clock.running), clock.until(Period.parse(self.period).cutoff(context.today)))
        unsure = sa.and_(sa.not_(expired), clock.maybe_until(Period.parse(self.period).cutoff(context.today)))
        return clock, sa.or_(undated, clock.odd, unsure if clock.vague else never()), expired

    def _breach_began(self, clock: ClockSql | None) -> sa.ColumnElement[Any]:
        if clock is None:
            return no_day()
        period = Period.parse(self.period)
        expiry = sa.cast(clock.on_day + sa.func.make_interval(0, period.months, 0, period.days), sa.Date())
        return sa.type_coerce(expiry + 1, sa.Date())
