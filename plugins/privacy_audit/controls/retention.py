"""Rows are deleted when their period ends.

*Why*: personal data may be kept no longer than its purpose needs (GDPR art. 5(1)(e)), and the policy names the
periods. *Fix*: delete or irreversibly anonymise the rows, and let the purge run each night.

The period is a calendar period from the row's clock in the policy's zone. A row may exist on its expiry date and is
in breach from the day after, whatever a soft-delete column says: a row that is marked as deleted is still there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import field_validator

from privacy_audit.config.map_clocks import Clock, ColumnClock, Encoding, JoinedClock, LatestClock, Subject
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.map_registers import LegalHolds
from privacy_audit.config.map_tables import Condition, LegalReason, PeriodUnit, RowPeriod
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import (
    IndexPlan,
    Remedy,
    Rule,
    common,
    condition_needs,
    outside,
    read_subject,
    remedy_of_group,
    subject_columns,
    subject_needs,
)
from privacy_audit.domain.categories import Category
from privacy_audit.domain.periods import Period, start_of_day
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import Fixture, SelfTestCase
from privacy_audit.selftest.made_up_rows import (
    holds,
    in_scope_row,
    several,
    with_defaults,
    with_exclusions,
    with_subject,
)
from privacy_audit.selftest.made_up_times import around, implausible_cases, recent, row_with_time, until
from privacy_audit.sql.clocks import ClockSql, columns_of_row, needs_of, read_clock
from privacy_audit.sql.evaluation_context import (
    AnyNeed,
    ColumnRequirement,
    EvaluationContext,
    Predicate,
    civil_date,
    never,
    yes,
)
from privacy_audit.sql.holds import needs_of_holds, read_holds
from privacy_audit.sql.row_predicates import BreachCalendar, RowPredicates, RowState

_LONGEST = {PeriodUnit.DAYS: 37200, PeriodUnit.MONTHS: 1200, PeriodUnit.YEARS: 100}


class Retention(Rule):
    """Expect no row of a category of personal data to be kept past its retention period."""

    kind: ClassVar[str] = "retention"
    expectation: ClassVar[str] = "expect_rows_deleted_after_retention"
    parameters: ClassVar[frozenset[str]] = frozenset({"period"})
    optional_parameters: ClassVar[frozenset[str]] = frozenset({"review_after"})

    category: Category
    period: str
    """ISO 8601 calendar period, as `P2M`."""
    review_after: str | None = None
    """Period after which a row needs a legal reason to be kept on; without one it is undecidable."""
    columns_of_group: tuple[Identifier, ...] = ()
    """The columns that hold the data; empty when the row itself is the data."""
    clock: Clock
    row_period: RowPeriod | None = None
    legal_reason: LegalReason | None = None
    out_of_scope: tuple[Condition, ...] = ()
    subject: Subject | None = None
    holds: LegalHolds | None = None

    @field_validator("period", "review_after")
    @classmethod
    def _is_a_period(cls, text: str | None) -> str | None:
        return text if text is None else str(Period.parse(text))

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self]:
        for name, mapped in store.tables.items():
            for group in mapped.data:
                if group.category in control.categories:
                    yield cls(
                        **common(name, mapped, store, zone),
                        qualifier=group.name,
                        category=group.category,
                        period=control.parameters["period"],
                        review_after=control.parameters.get("review_after"),
                        columns_of_group=group.columns,
                        clock=group.clock,
                        row_period=group.period,
                        legal_reason=group.legal_reason,
                        out_of_scope=group.out_of_scope,
                        subject=mapped.subject,
                        holds=store.registers.legal_holds,
                        purge_runs=store.registers.purge_runs_of(name),
                    )

    @property
    def sentence(self) -> str:
        what = f"{self.title} ({', '.join(self.columns_of_group)})" if self.columns_of_group else self.title
        text = f"{what} are deleted {Period.parse(self.period).words} after {_clock_words(self.clock)}"
        if self.row_period:
            text += f", or earlier where column {self.row_period.column} says so"
        if self.review_after:
            text += f"; after {Period.parse(self.review_after).words} only a legal reason keeps them"
        return text + "."

    @property
    def fix(self) -> str:
        if self.columns_of_group:
            how = f"Set {', '.join(self.columns_of_group)} to null in these rows of {self.table}, or delete the rows"
        else:
            how = f"Delete these rows of {self.table}, or anonymise them irreversibly"
        return f"{how}, in every copy. Then find out why the nightly purge left them, and mend it."

    @property
    def decide(self) -> str:
        own = f" Correct {self.row_period.column} where it names no period." if self.row_period else ""
        reason = ""
        if self.review_after:
            age = Period.parse(self.review_after).words
            reason = f" Where a row is past {age}, write down the legal reason that keeps it, if there is one."
        return (
            f"Find out from when the period of each of these rows of {self.table} runs, and write down the date that is"
            f" missing or cannot be a fact.{own}{reason} Delete nothing before that."
        )

    def remedy(self) -> Remedy:
        return remedy_of_group(self.columns_of_group)

    @property
    def foreseeable(self) -> bool:
        return True

    def columns(self) -> Sequence[str]:
        optional = [self.row_period.column] if self.row_period else []
        optional += [self.legal_reason.column] if self.legal_reason and self.legal_reason.column else []
        return (
            *columns_of_row(self.clock),
            *self.columns_of_group,
            *subject_columns(self.subject),
            *(condition.column for condition in self.out_of_scope),
            *optional,
        )

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.clock, self.table)
        yield from subject_needs(self.subject, self.table)
        yield from needs_of_holds(self.holds)
        yield from condition_needs(self.out_of_scope, self.table)
        if self.row_period:
            yield ColumnRequirement(self.table, self.row_period.column, frozenset({"int2", "int4", "int8"}))

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        clock = read_clock(self.clock, row, context)
        subject = read_subject(self.subject, row, context)
        holds = read_holds(self.holds, [self.category], subject.key, context)
        expired, unsure = self._expired(clock, row, context)
        return RowPredicates(
            row=row,
            out_of_scope=outside(row, self.out_of_scope, self.columns_of_group),
            undecidable=sa.or_(clock.undatable, sa.and_(sa.not_(clock.running), unsure)),
            violating=sa.and_(sa.not_(clock.running), expired),
            moment=clock.moment,
            breach_began=self._breach_began(clock.on_day, row),
            subject=subject.key,
            held=holds.held,
            held_since=holds.since,
            calendar=None if self.row_period or clock.vague else self._calendar(row, context),
            joins=(*clock.joins, *subject.joins, *holds.joins),
        )

    @property
    def longest_period(self) -> str:
        return self.period

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        past = row_with_time(self.clock, context.earliest, self.zone)
        reason = [self.legal_reason.column] if self.legal_reason and self.legal_reason.column else []
        base = in_scope_row(self.out_of_scope, (*self.columns_of_group, *reason)) | with_subject(self.subject)
        found = [
            *self._of_its_period(context),
            *implausible_cases(self.clock, context, RowState.VIOLATING),
            *several(self.clock, context.earliest, max(self._limits(context)), context),
            *self._of_holds(context),
        ]
        scope = (self.out_of_scope, self.columns_of_group)
        yield from with_defaults(with_exclusions(found, past, *scope), base, *scope)

    def _of_holds(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Rows past their period and within it: a hold makes nothing of a row that keeps its promise."""
        if self.subject is None:
            return
        held = list(holds(self.holds, [self.category], context))
        yield from (one.over(row_with_time(self.clock, context.earliest, self.zone)) for one in held)
        limit = Period.parse(self.period).cutoff(context.today)
        if until(self.clock, context.as_of, limit, context) is False and (not self.review_after or self.legal_reason):
            now = row_with_time(self.clock, recent(self.clock, context), self.zone)
            yield from (
                SelfTestCase("within its period and under a legal hold", RowState.COMPLIANT, one.fixture | now)
                for one in held[:1]
            )

    def _limits(self, context: EvaluationContext) -> tuple[date, date]:
        """The last days past the policy's period, and past the one after which a reason is needed."""
        review = self.period if self.review_after is None or self.legal_reason else self.review_after
        policy, reviewed = (Period.parse(text).cutoff(context.today) for text in (self.period, review))
        return policy, reviewed

    def _of_its_period(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Rows on both sides of each period that counts: the policy's, the review's, and one of their own."""
        policy = Period.parse(self.period).cutoff(context.today)
        review = Period.parse(self.review_after).cutoff(context.today) if self.review_after else policy
        told = self.legal_reason.column if self.legal_reason else None
        always = self.legal_reason is not None and told is None
        without = [Fixture({told: "  "}), Fixture({told: None})] if told else []
        for limit in dict.fromkeys((policy, review)):
            for name, moment in around(self.clock, limit, context):
                over, reviewed = (until(self.clock, moment, day, context) for day in (policy, review))
                state = (
                    RowState.COMPLIANT
                    if over is False
                    else RowState.UNDECIDABLE
                    if over is None
                    else RowState.VIOLATING
                )
                unproven = RowState.UNDECIDABLE if state is RowState.COMPLIANT and reviewed is not False else state
                fixture = row_with_time(self.clock, moment, self.zone)
                yield SelfTestCase(name, state if told or always else unproven, fixture)
                yield from (SelfTestCase(f"{name}, without a reason", unproven, fixture | none) for none in without)
        if self.row_period:
            yield from self._of_own_period(self.row_period, context)

    def _of_own_period(self, own: RowPeriod, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Rows that carry a period: a shorter one counts, a longer one is the policy's, none at all is no fact."""
        unit = {PeriodUnit.DAYS: Period(days=1), PeriodUnit.MONTHS: Period(months=1), PeriodUnit.YEARS: Period(12)}
        policy, limit = Period.parse(self.period).cutoff(context.today), unit[own.unit].cutoff(context.today)
        past, now = (
            row_with_time(self.clock, moment, self.zone) for moment in (context.earliest, recent(self.clock, context))
        )
        yield SelfTestCase(
            "past the policy's period and not its own", RowState.VIOLATING, past | Fixture({own.column: 10**9})
        )
        if not self.review_after or self.legal_reason:
            vague = until(self.clock, context.as_of, policy, context) is None
            for number in () if vague else (0, -1):
                yield SelfTestCase(
                    "with a period that is none", RowState.UNDECIDABLE, now | Fixture({own.column: number})
                )
            for name, moment in around(self.clock, limit, context):
                over = until(self.clock, moment, max(limit, policy), context)
                state = RowState.UNDECIDABLE if over is None else RowState.VIOLATING if over else RowState.COMPLIANT
                fixture = row_with_time(self.clock, moment, self.zone) | Fixture({own.column: 1})
                yield SelfTestCase(f"{name}, by a period of its own", state, fixture)

    def seeks(self, context: EvaluationContext) -> Sequence[IndexPlan]:
        if self.row_period or not isinstance(self.clock, ColumnClock) or isinstance(self.clock, JoinedClock):
            return ()
        row = self.rows(context)
        clock = read_clock(self.clock, row, context)
        limit = max(Period.parse(text).cutoff(context.today) for text in (self.period, self.review_after) if text)
        suspects = (clock.maybe_until(limit), clock.odd, clock.missing)
        candidates = sa.select(*row.c).where(sa.or_(*(_bare(suspect) for suspect in suspects)))
        predicates = self.evaluate(candidates.subquery("t"), context)
        return (IndexPlan(predicates, (self.clock.column,)), IndexPlan(predicates))

    def _expired(self, clock: ClockSql, row: sa.FromClause, context: EvaluationContext) -> tuple[Predicate, Predicate]:
        """Whether the period is certainly over, and whether that is unsure; asked of rows whose clock is readable."""
        expired, maybe = self._over(clock, row, context)
        unsure = sa.and_(sa.not_(expired), maybe) if clock.vague else never()
        if self.row_period:
            unsure = sa.or_(unsure, yes(row.c[self.row_period.column] <= 0))
        if self.review_after:
            limit = Period.parse(self.review_after).cutoff(context.today)
            unsure = sa.or_(unsure, sa.and_(sa.not_(expired), clock.maybe_until(limit), self._no_reason(row)))
        return expired, unsure

    def _over(self, clock: ClockSql, row: sa.FromClause, context: EvaluationContext) -> tuple[Predicate, Predicate]:
        """Whether the period is certainly over, and whether it may be."""
        if not self.row_period:
            limit = Period.parse(self.period).cutoff(context.today)
            return clock.until(limit), clock.maybe_until(limit)
        readable = sa.not_(clock.undatable)
        certain, possible = (
            yes(sa.case((readable, self._breach_began(first, row))) <= context.today)
            for first in (clock.on_day, clock.from_day)
        )
        return certain, possible

    def _calendar(self, row: sa.FromClause, context: EvaluationContext) -> BreachCalendar:
        period = Period.parse(self.period)

        def older_than(days: int) -> datetime:
            limit = period.cutoff(context.today - timedelta(days=days))
            return start_of_day(limit + timedelta(days=1), context.zone)

        return BreachCalendar(lambda moment: self._breach_began(civil_date(moment, context.zone_name), row), older_than)

    def _no_reason(self, row: sa.FromClause) -> Predicate:
        reason = self.legal_reason
        if reason is None:
            return sa.true()
        if reason.column is None:
            return never()
        return sa.func.coalesce(sa.func.btrim(sa.cast(row.c[reason.column], sa.Text())), "") == ""

    def _breach_began(self, day: sa.ColumnElement[Any], row: sa.FromClause) -> sa.ColumnElement[Any]:
        """The civil day after the period from a day. PostgreSQL clamps to the month's end as `Period.add_to` does."""
        policy = _interval(Period.parse(self.period))
        expiry: sa.ColumnElement[Any] = sa.cast(day + policy, sa.Date())
        if self.row_period:
            # Within what an interval holds: the policy's period caps the long ones, and 0 or less is undecidable.
            column = row.c[self.row_period.column]
            capped = sa.func.least(column, _LONGEST[self.row_period.unit])
            number = sa.case((column > 0, sa.cast(capped, sa.Integer())))
            own = sa.func.make_interval(*_interval_arguments(self.row_period.unit, number))
            expiry = sa.func.least(sa.cast(day + own, sa.Date()), expiry)
        return sa.type_coerce(expiry + 1, sa.Date())


def _interval(period: Period) -> sa.ColumnElement[Any]:
    return sa.func.make_interval(0, period.months, 0, period.days)


def _interval_arguments(unit: PeriodUnit, number: sa.ColumnElement[int]) -> tuple[Any, ...]:
    arguments: dict[PeriodUnit, tuple[Any, ...]] = {
        PeriodUnit.DAYS: (0, 0, 0, number),
        PeriodUnit.MONTHS: (0, number, 0, 0),
        PeriodUnit.YEARS: (number, 0, 0, 0),
    }
    return arguments[unit]


def _bare(predicate: Predicate) -> Predicate:
    """The predicate without its `IS TRUE`, which an index cannot use; a candidate that is null is no candidate."""
    if isinstance(predicate, sa.sql.elements.BinaryExpression) and isinstance(predicate.right, sa.sql.elements.True_):
        return predicate.left
    return predicate


def _clock_words(clock: Clock) -> str:
    if isinstance(clock, LatestClock):
        return "the latest of " + " and ".join(_clock_words(part) for part in clock.latest)
    if clock.event:
        return clock.event
    if isinstance(clock, JoinedClock):
        return f"the last {clock.column} in {clock.table}"
    return f"the {'year' if clock.encoding is Encoding.YEAR else 'moment'} in column {clock.column}"
