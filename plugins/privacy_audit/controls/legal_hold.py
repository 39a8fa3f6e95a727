"""Each legal hold can do its work: it names a matter, a person the store knows, and a category, from a readable date.

*Why*: in litigation all relevant data must be kept (GDPR art. 17(3)(e)), and only what a hold names is exempt from
deletion. A hold that names nobody protects nothing; one without a matter exempts without a reason. *Fix*: complete
the hold, or release it.

The exemption itself is part of every retention check: its held rows are counted there and in no other way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, MomentMeaning
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.map_tables import Persons
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import Rule
from privacy_audit.domain.categories import Category
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OTHER, OWN, Fixture, SelfTestCase
from privacy_audit.selftest.made_up_rows import cell
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, implausible_cases
from privacy_audit.sql.clocks import ClockSql, as_event, needs_of, read_clock, read_event
from privacy_audit.sql.evaluation_context import (
    AnyNeed,
    ColumnRequirement,
    EvaluationContext,
    Predicate,
    UniqueRequirement,
    never,
    yes,
)
from privacy_audit.sql.row_predicates import RowPredicates, RowState


class LegalHold(Rule):
    """Expect each legal hold to name its matter, a known person and a category."""

    kind: ClassVar[str] = "legal_hold"
    expectation: ClassVar[str] = "expect_legal_holds_complete"
    never_waived: ClassVar[str] = "data under a legal hold is evidence, and its register must be in order."

    holder: Identifier
    """Column that names the person held."""
    matter: Identifier
    category: Identifier
    words: tuple[str, ...]
    """What the category column may say."""
    started: ColumnClock
    released: ColumnClock
    persons: Persons | None = None
    """The persons the store knows; without them an unknown person cannot be told."""

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self]:
        register = store.registers.legal_holds
        if register is None:
            return
        words = [register.categories.get(category, category.value) for category in Category]
        yield cls(
            table=register.table,
            title=register.title,
            key=register.key,
            zone=zone,
            no_data_before=store.no_data_before,
            may_be_empty=register.may_be_empty,
            holder=register.subject,
            matter=register.matter,
            category=register.category,
            words=(*words, *([register.every_category] if register.every_category is not None else [])),
            started=register.started,
            released=register.released,
            persons=store.persons,
        )

    @property
    def sentence(self) -> str:
        known = "a known person" if self.persons else "a person"
        return f"{self.title} name their matter, {known} and a category, and end no earlier than they begin."

    @property
    def fix(self) -> str:
        return (
            f"Complete these holds in {self.table} with the matter, the person's key and the category, or release them."
            " Until then check by hand that nothing they mean to keep is deleted."
        )

    @property
    def decide(self) -> str:
        return (
            f"Ask who placed these holds in {self.table} when each of them began and whether it was released, and write"
            " down what is missing or cannot be a fact. Release none and delete nothing of these persons before that."
        )

    def remedy(self) -> None:
        """Only who placed a hold knows what it means to keep, and whether it may be released."""

    def columns(self) -> Sequence[str]:
        return (self.holder, self.matter, self.category, self.started.column, self.released.column)

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.started, self.table)
        yield from needs_of(self.released, self.table)
        if self.persons:
            yield ColumnRequirement(self.persons.table, self.persons.key)
            yield UniqueRequirement(self.persons.table, frozenset({self.persons.key}))

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        started = read_event(self.started, row, context)
        released = read_clock(self._goes_on, row, context)
        joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()
        unknown: Predicate = row.c[self.holder].is_(None)
        if self.persons:
            person = context.table(self.persons.table, self.persons.key, alias="person")
            joins = ((person, person.c[self.persons.key] == row.c[self.holder]),)
            unknown = person.c[self.persons.key].is_(None)
        return RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=sa.or_(started.undatable, released.undatable),
            violating=sa.or_(unknown, self._incomplete(row), self._ends_before_it_begins(started, released)),
            moment=started.moment,
            breach_began=started.on_day,
            subject=row.c[self.holder],
            joins=joins,
        )

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        started, released, goes_on = as_event(self.started), self.released, self._goes_on
        at = dst_free_noon(context, started, released)
        known = {self.persons.table: [{self.persons.key: OWN}]} if self.persons else {}
        base = Fixture({self.holder: OWN, self.matter: "a matter", self.category: self.words[0]}, known)
        base |= Fixture({**cell(started, at, self.zone), **cell(released, None, self.zone)})
        found = [
            *(SelfTestCase("that says all it must", RowState.COMPLIANT, Fixture({self.category: says}))
              for says in self.words),
            *(SelfTestCase(f"without {name}", RowState.VIOLATING, Fixture({name: None}))
              for name in (self.holder, self.matter, self.category)),
            SelfTestCase("with a blank for a matter", RowState.VIOLATING, Fixture({self.matter: "  "})),
            SelfTestCase("on what is no category", RowState.VIOLATING,
                         Fixture({self.category: f"not {self.words[0]}"})),
            *(SelfTestCase("on a person who is not known", RowState.VIOLATING, Fixture({self.holder: OTHER}))
              for _ in known),
            *implausible_cases(started, context, RowState.COMPLIANT, RowState.COMPLIANT),
            *(SelfTestCase(f"whose end is {one.name}", one.state, one.fixture)
              for one in implausible_cases(goes_on, context, RowState.VIOLATING, RowState.COMPLIANT)),
        ]  # fmt: skip
        for name, end, state in (
            ("a day before it begins", at - DAY, RowState.VIOLATING),
            ("as it begins", at, RowState.COMPLIANT),
            ("a day later", at + DAY, RowState.COMPLIANT),
        ):
            found.append(SelfTestCase(f"that ends {name}", state, Fixture(cell(released, end, self.zone))))
        by_day = RowState.VIOLATING if self.started.is_instant and released.is_instant else RowState.COMPLIANT
        found.append(
            SelfTestCase(
                "that ends an hour before it begins", by_day, Fixture(cell(released, at - DAY / 24, self.zone))
            )
        )
        yield from (one.over(base) for one in found)

    @property
    def _goes_on(self) -> ColumnClock:
        """The clock of the release: none, and one to come, mean that the hold goes on."""
        return self.released.model_copy(
            update={"null_means": MomentMeaning.RUNNING, "future_means": MomentMeaning.RUNNING}
        )

    def _incomplete(self, row: sa.FromClause) -> Predicate:
        matter = sa.func.btrim(sa.func.coalesce(sa.cast(row.c[self.matter], sa.Text()), ""))
        category = sa.func.coalesce(sa.cast(row.c[self.category], sa.Text()), "")
        return sa.or_(matter == "", category.not_in(self.words))

    def _ends_before_it_begins(self, started: ClockSql, released: ClockSql) -> Predicate:
        """Where one of the two tells only a day, days are compared: on one day, who knows which came first?"""
        if self.started.is_instant and self.released.is_instant:
            return yes(released.moment < started.moment)
        return yes(released.on_day < started.on_day)
