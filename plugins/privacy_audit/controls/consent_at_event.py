"""Rows are recorded only while the person's prior consent was in force.

*Why*: the policy rests on "your prior consent"; the controller must be able to show it (GDPR art. 6(1)(a), 7(1), 7(3)).
*Fix*: delete what was recorded without consent, stop recording at the withdrawal, and mend the code that did not ask.

Consent is judged at the moment of the event, never today: a later grant cures nothing, and data recorded before a
withdrawal stays lawful. A row without a person cannot be decided.

A withdrawal counts in whatever letter case it writes the purpose, and with blanks around it. One that does not tell its
purpose may have ended the person's consent, one that names nobody may have ended anybody's: what they may have ended is
undecidable until somebody finds out what and whose they are. So it is after a withdrawal of what no word of policy or
map stands for (`everything`, two purposes in one): the map may name it (`every_purpose`, `other_purposes`). A consent
that does not tell its purpose may cover; one to what nobody knows, or that names nobody, covers nothing.

That a minor's guardian agreed is not asked here. A grant by the child itself makes its positions no breach of this
promise, but `guardian_consent` judges every row of the same table that is a `use_of_service`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, Encoding, JoinedClock, JoinedSubject, Subject
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.map_registers import Consents, EventLedger, IntervalLedger
from privacy_audit.config.map_tables import Condition
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import (
    BindingError,
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
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, Fixture, SelfTestCase
from privacy_audit.selftest.made_up_consents import events, intervals
from privacy_audit.selftest.made_up_rows import (
    cell,
    in_scope_row,
    otherwise,
    with_defaults,
    with_exclusions,
    with_subject,
    without_subject,
    without_subject_cases,
)
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, implausible_cases, is_exact, row_with_time
from privacy_audit.sql.anti_join_probe import rows_in_gaps, rows_without
from privacy_audit.sql.clocks import as_event, needs_of, read_event
from privacy_audit.sql.consent_intervals import Ledger, consents_for, cover, needs_of_consents
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext
from privacy_audit.sql.row_predicates import RowPredicates, RowState


class ConsentAtEvent(Rule):
    """Expect each row to have been recorded while a consent for the purpose was in force."""

    kind: ClassVar[str] = "consent_at_event"
    expectation: ClassVar[str] = "expect_prior_consent_at_event"
    parameters: ClassVar[frozenset[str]] = frozenset({"purpose"})

    category: Category
    purpose: str
    columns_of_group: tuple[Identifier, ...] = ()
    clock: ColumnClock
    """When the event happened."""
    out_of_scope: tuple[Condition, ...] = ()
    subject: Subject
    consents: Consents

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        for name, mapped in store.tables.items():
            for group in mapped.data:
                if group.category in control.categories:
                    if mapped.subject is None or store.registers.consents is None:
                        missing = "`subject`" if mapped.subject is None else "`registers.consents`"
                        yield BindingError(f"{name}: {control.id} needs {missing} to tell whose consent counts")
                        continue
                    clock = group.clock
                    if not isinstance(clock, ColumnClock) or isinstance(clock, JoinedClock) or not clock.is_instant:
                        yield BindingError(
                            f"{name}: {control.id} judges consent at the moment of the event, but the clock of"
                            f" {group.category} is no column that tells a moment within the day"
                        )
                        continue
                    yield cls(
                        **common(name, mapped, store, zone),
                        qualifier=group.name,
                        category=group.category,
                        purpose=control.parameters["purpose"],
                        columns_of_group=group.columns,
                        clock=clock,
                        out_of_scope=group.out_of_scope,
                        subject=mapped.subject,
                        consents=store.registers.consents,
                    )

    @property
    def sentence(self) -> str:
        return f"{self.title} are recorded only while the person's prior consent to {self.purpose} is in force."

    @property
    def fix(self) -> str:
        what = f"Set {', '.join(self.columns_of_group)} to null in" if self.columns_of_group else "Delete"
        return (
            f"{what} these rows of {self.table}: nothing can consent to them now. Then stop the writer from recording"
            f" before a grant and after a withdrawal of {self.purpose} in {self.consents.table}."
        )

    @property
    def decide(self) -> str:
        return (
            f"Find out whose each of these rows of {self.table} is and when it was recorded, and complete it. Look in"
            f" {self.consents.table} for grants and withdrawals of {self.purpose} without a person, a purpose or a"
            " moment, and complete them. Delete nothing before that."
        )

    def remedy(self) -> Remedy:
        return remedy_of_group(self.columns_of_group)

    @property
    def reading(self) -> str:
        return self.consents.reading.value

    def columns(self) -> Sequence[str]:
        conditions = (condition.column for condition in self.out_of_scope)
        return (self.clock.column, *self.columns_of_group, *subject_columns(self.subject), *conditions)

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.clock, self.table)
        yield from condition_needs(self.out_of_scope, self.table)
        yield from subject_needs(self.subject, self.table)
        yield from needs_of_consents(self.consents)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        return self._judge(row, context, self._ledger(context))

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        register, clock = self.consents, as_event(self.clock)
        word = register.purposes.get(self.purpose, self.purpose)
        if isinstance(register, EventLedger):
            at = dst_free_noon(context, clock, register.at)
            consents = [
                *events(register, word, at, context),
                *without_subject_cases(register, word, clock, at, context),
            ]
        else:
            begin, end, of_purpose = register.granted, register.withdrawn, {register.purpose: word}
            at = dst_free_noon(context, clock, begin, end)
            consents = list(
                intervals(register.table, register.subject, begin, end, at, context, strict=False, more=of_purpose)
            )
            alien = {register.purpose: f"not {word}", register.subject: OWN, **cell(begin, at - DAY, self.zone)}
            of_else = Fixture({}, {register.table: [alien]})
            consents.append(SelfTestCase("with the consent to something else", RowState.VIOLATING, of_else))
            consents += self._of_doubtful_purposes(register, word, at, context)
        base = in_scope_row(self.out_of_scope, self.columns_of_group) | with_subject(self.subject)
        base |= row_with_time(clock, at, self.zone)
        found = [
            *consents,
            *implausible_cases(clock, context, RowState.VIOLATING, RowState.VIOLATING),
            *self._of_this_moment(context),
            SelfTestCase("of nobody", RowState.UNDECIDABLE, without_subject(self.subject)),
        ]
        scope = (self.out_of_scope, self.columns_of_group)
        yield from with_defaults(with_exclusions(found, Fixture(), *scope), base, *scope)

    def _of_doubtful_purposes(
        self, register: IntervalLedger, word: str, at: datetime, context: EvaluationContext
    ) -> Iterator[SelfTestCase]:
        """Consents that spell the purpose in another way, or do not tell it: those may cover until withdrawn."""
        d2, d1, after, later = at - 2 * DAY, at - DAY, at + DAY, at + 2 * DAY
        coming, unknown = context.as_of + timedelta(seconds=1), RowState.UNDECIDABLE
        found: list[tuple[str, RowState, str | None, list[tuple[datetime | None, datetime | None]]]] = [
            ("in another spelling", RowState.COMPLIANT, otherwise(word), [(d1, None)]),
            ("in another spelling, at an unknown moment", unknown, otherwise(word), [(None, None)]),
        ]
        for purpose in (None, " \n"):
            found += [
                ("to nobody knows what", unknown, purpose, [(d1, None)]),
                ("to nobody knows what, at its very moment", unknown, purpose, [(at, after)]),
                ("to nobody knows what, at the moment of its withdrawal", RowState.VIOLATING, purpose, [(d1, at)]),
                ("to nobody knows what, after it", RowState.VIOLATING, purpose, [(d2, d1)]),
                ("to nobody knows what, before it", RowState.VIOLATING, purpose, [(after, None)]),
                ("to nobody knows what, between two", unknown, purpose, [(d2, d1), (after, later)]),
                ("to nobody knows what, at an unknown moment", unknown, purpose, [(None, None)]),
                ("to nobody knows what, still to come", RowState.VIOLATING, purpose, [(coming, None)]),
            ]
        if register.every_purpose is not None:
            found.append(("to everything", RowState.COMPLIANT, otherwise(register.every_purpose), [(d1, None)]))
        begin, end = register.granted, register.withdrawn
        for name, state, purpose, rows in found:
            moments = [(clock, each) for row in rows for clock, each in zip((begin, end), row, strict=True) if each]
            if all(is_exact(clock, moment) for clock, moment in moments):
                cells = [
                    {register.subject: OWN, register.purpose: purpose, **cell(begin, lo, self.zone),
                     **cell(end, hi, self.zone)}
                    for lo, hi in rows
                ]  # fmt: skip
                yield SelfTestCase(f"with a consent {name}", state, Fixture({}, {register.table: cells}))

    def _of_this_moment(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """A consent that comes with an event at T, the last moment that can be a fact."""
        register, now = self.consents, context.as_of
        begin = register.at if isinstance(register, EventLedger) else register.granted
        does = {register.action.column: register.action.grant} if isinstance(register, EventLedger) else {}
        if is_exact(begin, now) and is_exact(self.clock, now):
            word = register.purposes.get(self.purpose, self.purpose)
            row = {register.subject: OWN, register.purpose: word, **does, **cell(begin, now, self.zone)}
            fixture = row_with_time(self.clock, now, self.zone) | Fixture({}, {register.table: [row]})
            yield SelfTestCase("of this moment, with its consent", RowState.COMPLIANT, fixture)

    def seeks(self, context: EvaluationContext) -> Sequence[IndexPlan]:
        if isinstance(self.subject, JoinedSubject) or self.clock.encoding is not Encoding.TIMESTAMPTZ:
            return ()
        ledger = self._ledger(context).computed_once()
        place = (self.rows(context), self.subject.column, self.clock, ledger, context)
        probe, scan = rows_in_gaps(*place).subquery("t"), rows_without(*place).subquery("t")
        index = (self.subject.column, self.clock.column)
        return (
            IndexPlan(self._judge(probe, context, ledger), index, self.consents.table, self.consents.subject),
            IndexPlan(self._judge(scan, context, ledger)),
        )

    def _judge(self, row: sa.FromClause, context: EvaluationContext, ledger: Ledger) -> RowPredicates:
        clock = read_event(self.clock, row, context)
        subject = read_subject(self.subject, row, context)
        consent = cover(ledger, subject.key, clock.moment)
        return RowPredicates(
            row=row,
            out_of_scope=outside(row, self.out_of_scope, self.columns_of_group),
            undecidable=sa.or_(clock.undatable, subject.key.is_(None), consent.unknown),
            violating=consent.broken,
            moment=clock.moment,
            breach_began=clock.on_day,
            subject=subject.key,
            joins=(*subject.joins, *consent.joins),
        )

    def _ledger(self, context: EvaluationContext) -> Ledger:
        return consents_for(self.consents, self.purpose, context)
