"""Nobody under the age of the policy uses the service without a guardian's prior consent.

*Why*: "you are not permitted to use our services without the prior and explicit consent of a parent or legal
guardian" (GDPR art. 8; French law 78-17, art. 45). *Fix*: stop the use, ask the guardian, and delete what was
collected if no consent comes; a consent that comes later cures nothing that came before it.

Age is judged on the civil day of the use, in the policy's zone. Born on 29 February, a person reaches the age on
1 March of a common year (protective). A consent counts from the moment after its receipt until it is revoked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import InstantClock, JoinedSubject, Subject
from privacy_audit.config.map_registers import GuardianConsents
from privacy_audit.config.map_tables import BirthEncoding, Condition, Persons
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import (
    BindingError,
    DeleteRows,
    IndexPlan,
    Remedy,
    Rule,
    common,
    condition_needs,
    outside,
    read_subject,
    subject_columns,
    subject_needs,
)
from privacy_audit.domain.periods import birthday, local_date
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, Fixture, SelfTestCase
from privacy_audit.selftest.made_up_consents import intervals
from privacy_audit.selftest.made_up_rows import (
    births,
    born,
    in_scope_row,
    with_defaults,
    with_exclusions,
    with_subject,
    without_subject,
)
from privacy_audit.selftest.made_up_times import (
    DAY,
    dst_free_noon,
    encode,
    first_of,
    implausible_cases,
    is_exact,
    last_of,
    row_with_time,
    too_early,
)
from privacy_audit.sql.ages import OLDEST_PERSON_YEARS, adult_instants, read_age
from privacy_audit.sql.clocks import as_event, needs_of, read_event
from privacy_audit.sql.consent_intervals import cover, guardian_consents, needs_of_guardian_consents
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, UniqueRequirement
from privacy_audit.sql.row_predicates import RowPredicates, RowState


class GuardianConsent(Rule):
    """Expect each use of the service by a minor to be covered by a guardian's prior consent."""

    kind: ClassVar[str] = "guardian_consent"
    expectation: ClassVar[str] = "expect_guardian_consent_for_minors"
    never_waived: ClassVar[str] = "nobody may accept that a child's data is processed without its guardian's consent."
    parameters: ClassVar[frozenset[str]] = frozenset({"age"})

    age: int = Field(ge=1, le=25)
    """Years from which a person may use the service alone."""
    clock: InstantClock
    """When the use happened."""
    out_of_scope: tuple[Condition, ...] = ()
    subject: Subject
    persons: Persons
    guardian_consents: GuardianConsents

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        for name, mapped in store.tables.items():
            use = mapped.use_of_service
            if use is None:
                continue
            persons, consents, subject = store.persons, store.registers.guardian_consents, mapped.subject
            if persons is None or consents is None or subject is None:
                parts = {"subject": subject, "persons": persons, "registers.guardian_consents": consents}
                missing = " and ".join(f"`{part}`" for part, value in parts.items() if value is None)
                yield BindingError(f"{name}: {control.id} needs {missing} to judge a use")
                continue
            yield cls(
                **common(name, mapped, store, zone),
                age=int(control.parameters["age"]),
                clock=use.clock,
                out_of_scope=use.out_of_scope,
                subject=subject,
                persons=persons,
                guardian_consents=consents,
            )

    @property
    def sentence(self) -> str:
        return f"{self.title}: nobody under {self.age} appears without a guardian's consent received before."

    @property
    def fix(self) -> str:
        return (
            "Suspend these accounts and ask the guardian by the promised way. Delete what was collected before a"
            " consent: it cannot be consented to afterwards. Then close the way by which a minor goes on without one."
        )

    @property
    def decide(self) -> str:
        return (
            "Find out the birth date of each of these persons, whose each row is, and when a guardian's consent came,"
            " and write down what is missing or cannot be a fact. Suspend no account and delete nothing before that."
        )

    def remedy(self) -> Remedy | None:
        """What a minor left behind by using the service goes; whether the account does, the guardian is asked first."""
        return None if self.table == self.persons.table else DeleteRows()

    def columns(self) -> Sequence[str]:
        return (
            self.clock.column,
            *subject_columns(self.subject),
            *(condition.column for condition in self.out_of_scope),
        )

    def needs(self) -> Iterator[AnyNeed]:
        born = self.persons.born
        types = frozenset({"date"} if born.encoding is BirthEncoding.DATE else {"int2", "int4", "int8"})
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.clock, self.table)
        yield from condition_needs(self.out_of_scope, self.table)
        yield from subject_needs(self.subject, self.table)
        yield ColumnRequirement(self.persons.table, self.persons.key)
        yield ColumnRequirement(self.persons.table, born.column, types)
        yield UniqueRequirement(self.persons.table, frozenset({self.persons.key}))
        yield from needs_of_guardian_consents(self.guardian_consents)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        return self._judge(row, context, adult_instants(self.persons, self.age, context))

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        register, clock = self.guardian_consents, as_event(self.clock)
        at = dst_free_noon(context, clock, register.received, register.revoked)
        base = in_scope_row(self.out_of_scope) | with_subject(self.subject) | row_with_time(clock, at, self.zone)
        minor = born(self.persons, births(self.persons, self.age, at.astimezone(context.zone).date())["minor"])
        consents = intervals(
            register.table, register.subject, register.received, register.revoked, at, context, strict=True
        )
        found = [
            *(SelfTestCase(f"of a minor {one.name}", one.state, minor | one.fixture) for one in consents),
            *(one.over(minor) for one in implausible_cases(clock, context, None)),
            *self._of_ages(at, context),
            SelfTestCase("of nobody", RowState.UNDECIDABLE, minor | without_subject(self.subject)),
            SelfTestCase("of a person who is not known", RowState.UNDECIDABLE),
        ]
        yield from with_defaults(with_exclusions(found, minor, self.out_of_scope), base, self.out_of_scope)

    def _of_ages(self, at: datetime, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Uses without a guardian's consent by persons of all ages: an adult needs none, whatever stands on file."""
        register, day, zone = self.guardian_consents, at.astimezone(context.zone).date(), self.zone
        told = births(self.persons, self.age, day)
        unreadable = Fixture({}, {register.table: [{register.subject: OWN, register.received.column: None}]})
        consent = {register.subject: OWN, register.received.column: encode(register.received, at - DAY, zone)}
        consented = Fixture({}, {register.table: [consent]})
        yield SelfTestCase("of an adult", RowState.COMPLIANT, born(self.persons, told["adult"]))
        yield SelfTestCase("of an adult with an unreadable consent", RowState.COMPLIANT,
                       born(self.persons, told["adult"]) | unreadable)  # fmt: skip
        if "either" in told:
            either = born(self.persons, told["either"])
            yield SelfTestCase("of a person of either age", RowState.UNDECIDABLE, either)
            yield SelfTestCase("of a person of either age with a consent", RowState.COMPLIANT, either | consented)
        by_year = self.persons.born.encoding is BirthEncoding.YEAR
        unborn = day.year + 1 if by_year else day + DAY
        oldest = context.today.year - OLDEST_PERSON_YEARS
        ancient = oldest - 1 if by_year else date(oldest, 1, 1) - DAY
        if by_year or date(oldest, 1, 1) not in self.persons.born.default_dates:
            living = born(self.persons, oldest if by_year else date(oldest, 1, 1))
            yield SelfTestCase("of the oldest person there can be", RowState.COMPLIANT, living)
        form = self.persons.born.default_years if by_year else self.persons.born.default_dates
        for name, birth in (("unknown", None), ("after the use", unborn), ("before all living", ancient),
                            *(("of a form's own", default) for default in form)):  # fmt: skip
            yield SelfTestCase(f"of a person whose birth is {name}", RowState.UNDECIDABLE, born(self.persons, birth))
        for edge, state in ((context.earliest, RowState.VIOLATING), (context.as_of, RowState.VIOLATING),
                            (too_early(context), RowState.UNDECIDABLE)):  # fmt: skip
            minor = births(self.persons, self.age, local_date(edge, context.zone))["minor"]
            if is_exact(self.clock, edge):
                fixture = born(self.persons, minor) | row_with_time(self.clock, edge, zone)
                yield SelfTestCase("of a minor at the first moment, or the last, that can be", state, fixture)
        yield from self._of_years(day.year - 1, context) if by_year else self._of_birthdays(told["adult"], day, context)

    def _of_years(self, year: int, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Uses by a person who reaches the age within a year, on both sides of its first moment and of its last day."""
        register, first, last = self.guardian_consents, date(year, 1, 1), date(year, 12, 31)
        unreadable = Fixture({}, {register.table: [{register.subject: OWN, register.received.column: None}]})
        for birth, moment, state, consent in (
            (year - self.age, last_of(first - DAY, context), RowState.VIOLATING, Fixture()),
            (year - self.age, first_of(first, context), RowState.UNDECIDABLE, Fixture()),
            (year - self.age, last_of(last - DAY, context), RowState.UNDECIDABLE, Fixture()),
            (year - self.age, first_of(last, context), RowState.COMPLIANT, Fixture()),
            (year - self.age, first_of(last, context), RowState.COMPLIANT, unreadable),
            (year, first_of(first, context), RowState.VIOLATING, Fixture()),
            (context.today.year, context.as_of, RowState.VIOLATING, Fixture()),
        ):
            if is_exact(self.clock, moment) and birth not in self.persons.born.default_years:
                fixture = born(self.persons, birth) | row_with_time(self.clock, moment, self.zone) | consent
                yield SelfTestCase("in the year of the age, or of birth", state, fixture)

    def _of_birthdays(self, birth: date, day: date, context: EvaluationContext) -> Iterator[SelfTestCase]:
        """Uses at the first moment of the age, just before it, and on the day of birth."""
        register, turned = self.guardian_consents, birthday(birth, self.age)
        unreadable = Fixture({}, {register.table: [{register.subject: OWN, register.received.column: None}]})
        for name, on, moment, state, consent in (
            ("at the first moment of the age", birth, first_of(turned, context), RowState.COMPLIANT, Fixture()),
            (
                "at the first moment of the age, with an unreadable consent",
                birth,
                first_of(turned, context),
                RowState.COMPLIANT,
                unreadable,
            ),
            ("just before the age", birth, last_of(turned - DAY, context), RowState.VIOLATING, Fixture()),
            ("a second before the age", birth, first_of(turned, context) - DAY / 86400, RowState.VIOLATING, Fixture()),
            ("on the day of birth", day, first_of(day, context), RowState.VIOLATING, Fixture()),
            ("on the day of birth, today", context.today, context.as_of, RowState.VIOLATING, Fixture()),
        ):
            if moment <= context.as_of and is_exact(self.clock, moment) and on not in self.persons.born.default_dates:
                yield SelfTestCase(
                    name, state, born(self.persons, on) | row_with_time(self.clock, moment, self.zone) | consent
                )

    def seeks(self, context: EvaluationContext) -> Sequence[IndexPlan]:
        if isinstance(self.subject, JoinedSubject):
            return ()
        row = self.rows(context)
        clock = read_event(self.clock, row, context)
        persons = sa.select(adult_instants(self.persons, self.age, context)).cte("persons")
        adult = sa.select(persons.c.key).where(
            persons.c.key == row.c[self.subject.column], clock.moment >= persons.c.last_turn, sa.not_(clock.undatable)
        )
        others = sa.select(*row.c).where(sa.not_(sa.exists(adult)))
        return (IndexPlan(self._judge(others.subquery("t"), context, persons)),)

    def _judge(self, row: sa.FromClause, context: EvaluationContext, persons: sa.FromClause) -> RowPredicates:
        clock = read_event(self.clock, row, context)
        subject = read_subject(self.subject, row, context)
        age = read_age(persons, subject.key, clock.moment, vague=self.persons.born.encoding is BirthEncoding.YEAR)
        consent = cover(guardian_consents(self.guardian_consents, context), subject.key, clock.moment)
        # An adult needs no consent, whatever the register says.
        unsure = sa.and_(sa.not_(age.adult), sa.or_(age.unknown, consent.unknown, sa.and_(age.maybe, consent.broken)))
        return RowPredicates(
            row=row,
            out_of_scope=outside(row, self.out_of_scope),
            undecidable=sa.or_(clock.undatable, subject.key.is_(None), unsure),
            violating=sa.and_(age.minor, consent.broken),
            moment=clock.moment,
            breach_began=clock.on_day,
            subject=subject.key,
            joins=(*subject.joins, *age.joins, *consent.joins),
        )
