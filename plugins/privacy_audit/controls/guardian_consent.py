"""Nobody under the age of the policy uses the service without a guardian's prior consent.

*Why*: "you are not permitted to use our services without the prior and explicit consent of a parent or legal
guardian" (GDPR art. 8; French law 78-17, art. 45). *Fix*: stop the use, ask the guardian, and delete what was
collected if no consent comes; a consent that comes later cures nothing that came before it.

Age is judged on the civil day of the use, in the policy's zone. Born on 29 February, a person reaches the age on
1 March of a common year (protective). A consent counts from the moment after its receipt until it is revoked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.controls.interface import (
    Delete,
    Lack,
    Remedy,
    Rule,
    Seek,
    common,
    outside,
    read_subject,
    subject_columns,
    subject_needs,
)
from privacy_audit.model import Control
from privacy_audit.sql.ages import adult_instants, read_age
from privacy_audit.sql.clocks import needs_of, read_event
from privacy_audit.sql.coverage import cover, guardian_consents, needs_of_guardian_consents
from privacy_audit.sql.frame import AnyNeed, Frame, Need, UniqueNeed
from privacy_audit.sql.truth import Truth
from privacy_audit.store_map import (
    BirthEncoding,
    Condition,
    GuardianConsents,
    InstantClock,
    JoinedSubject,
    Persons,
    StoreMap,
    Subject,
)


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
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | Lack]:
        for name, mapped in store.tables.items():
            use = mapped.use_of_service
            if use is None:
                continue
            persons, consents, subject = store.persons, store.registers.guardian_consents, mapped.subject
            if persons is None or consents is None or subject is None:
                parts = {"subject": subject, "persons": persons, "registers.guardian_consents": consents}
                missing = " and ".join(f"`{part}`" for part, value in parts.items() if value is None)
                yield Lack(f"{name}: {control.id} needs {missing} to judge a use")
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

    def remedy(self) -> Remedy | None:
        """What a minor left behind by using the service goes; whether the account does, the guardian is asked first."""
        return None if self.table == self.persons.table else Delete()

    def columns(self) -> Sequence[str]:
        return (
            self.clock.column,
            *subject_columns(self.subject),
            *(condition.column for condition in self.out_of_scope),
        )

    def needs(self) -> Iterator[AnyNeed]:
        born = self.persons.born
        types = frozenset({"date"} if born.encoding is BirthEncoding.DATE else {"int2", "int4", "int8"})
        yield from (Need(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.clock, self.table)
        yield from subject_needs(self.subject, self.table)
        yield Need(self.persons.table, self.persons.key)
        yield Need(self.persons.table, born.column, types)
        yield UniqueNeed(self.persons.table, frozenset({self.persons.key}))
        yield from needs_of_guardian_consents(self.guardian_consents)

    def judge(self, row: sa.FromClause, frame: Frame) -> Truth:
        return self._judge(row, frame, adult_instants(self.persons, self.age, frame))

    def seeks(self, frame: Frame) -> Sequence[Seek]:
        if isinstance(self.subject, JoinedSubject):
            return ()
        row = self.rows(frame)
        clock = read_event(self.clock, row, frame)
        persons = sa.select(adult_instants(self.persons, self.age, frame)).cte("persons")
        adult = sa.select(persons.c.key).where(
            persons.c.key == row.c[self.subject.column], clock.moment >= persons.c.last_turn, sa.not_(clock.undatable)
        )
        others = sa.select(*row.c).where(sa.not_(sa.exists(adult)))
        return (Seek(self._judge(others.subquery("t"), frame, persons)),)

    def _judge(self, row: sa.FromClause, frame: Frame, persons: sa.FromClause) -> Truth:
        clock = read_event(self.clock, row, frame)
        subject = read_subject(self.subject, row, frame)
        age = read_age(persons, subject.key, clock.moment, vague=self.persons.born.encoding is BirthEncoding.YEAR)
        consent = cover(guardian_consents(self.guardian_consents, frame), subject.key, clock.moment)
        # An adult needs no consent, whatever the register says.
        unsure = sa.and_(sa.not_(age.adult), sa.or_(age.unknown, consent.unknown, sa.and_(age.maybe, consent.broken)))
        return Truth(
            row=row,
            out_of_scope=outside(row, self.out_of_scope),
            undecidable=sa.or_(clock.undatable, subject.key.is_(None), unsure),
            violating=sa.and_(age.minor, consent.broken),
            moment=clock.moment,
            breach_began=clock.on_day,
            subject=subject.key,
            joins=(*subject.joins, *age.joins, *consent.joins),
        )
