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

from privacy_audit.config.map_clocks import ColumnClock, Means
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.map_tables import Persons
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import Rule
from privacy_audit.domain.categories import Category
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import ME, SOMEBODY_ELSE, Scene, Specimen
from privacy_audit.selftest.made_up_rows import told
from privacy_audit.selftest.made_up_times import DAY, no_fact, quiet
from privacy_audit.sql.clocks import ClockSql, as_event, needs_of, read_clock, read_event
from privacy_audit.sql.evaluation_context import AnyNeed, Frame, Need, Predicate, UniqueNeed, never, yes
from privacy_audit.sql.row_predicates import State, Truth


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
        yield from (Need(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.started, self.table)
        yield from needs_of(self.released, self.table)
        if self.persons:
            yield Need(self.persons.table, self.persons.key)
            yield UniqueNeed(self.persons.table, frozenset({self.persons.key}))

    def judge(self, row: sa.FromClause, frame: Frame) -> Truth:
        started = read_event(self.started, row, frame)
        released = read_clock(self._goes_on, row, frame)
        joins: tuple[tuple[sa.FromClause, Predicate], ...] = ()
        unknown: Predicate = row.c[self.holder].is_(None)
        if self.persons:
            person = frame.table(self.persons.table, self.persons.key, alias="person")
            joins = ((person, person.c[self.persons.key] == row.c[self.holder]),)
            unknown = person.c[self.persons.key].is_(None)
        return Truth(
            row=row,
            out_of_scope=never(),
            undecidable=sa.or_(started.undatable, released.undatable),
            violating=sa.or_(unknown, self._incomplete(row), self._ends_before_it_begins(started, released)),
            moment=started.moment,
            breach_began=started.on_day,
            subject=row.c[self.holder],
            joins=joins,
        )

    def specimens(self, frame: Frame) -> Iterator[Specimen]:
        started, released, goes_on = as_event(self.started), self.released, self._goes_on
        at = quiet(frame, started, released)
        known = {self.persons.table: [{self.persons.key: ME}]} if self.persons else {}
        base = Scene({self.holder: ME, self.matter: "a matter", self.category: self.words[0]}, known)
        base |= Scene({**told(started, at, self.zone), **told(released, None, self.zone)})
        found = [
            *(Specimen("that says all it must", State.COMPLIANT, Scene({self.category: says})) for says in self.words),
            *(Specimen(f"without {name}", State.VIOLATING, Scene({name: None}))
              for name in (self.holder, self.matter, self.category)),
            Specimen("with a blank for a matter", State.VIOLATING, Scene({self.matter: "  "})),
            Specimen("on what is no category", State.VIOLATING, Scene({self.category: f"not {self.words[0]}"})),
            *(Specimen("on a person who is not known", State.VIOLATING, Scene({self.holder: SOMEBODY_ELSE}))
              for _ in known),
            *no_fact(started, frame, State.COMPLIANT, State.COMPLIANT),
            *(Specimen(f"whose end is {one.name}", one.state, one.scene)
              for one in no_fact(goes_on, frame, State.VIOLATING, State.COMPLIANT)),
        ]  # fmt: skip
        for name, end, state in (
            ("a day before it begins", at - DAY, State.VIOLATING),
            ("as it begins", at, State.COMPLIANT),
            ("a day later", at + DAY, State.COMPLIANT),
        ):
            found.append(Specimen(f"that ends {name}", state, Scene(told(released, end, self.zone))))
        by_day = State.VIOLATING if self.started.is_instant and released.is_instant else State.COMPLIANT
        found.append(
            Specimen("that ends an hour before it begins", by_day, Scene(told(released, at - DAY / 24, self.zone)))
        )
        yield from (one.over(base) for one in found)

    @property
    def _goes_on(self) -> ColumnClock:
        """The clock of the release: none, and one to come, mean that the hold goes on."""
        return self.released.model_copy(update={"null_means": Means.RUNNING, "future_means": Means.RUNNING})

    def _incomplete(self, row: sa.FromClause) -> Predicate:
        matter = sa.func.btrim(sa.func.coalesce(sa.cast(row.c[self.matter], sa.Text()), ""))
        category = sa.func.coalesce(sa.cast(row.c[self.category], sa.Text()), "")
        return sa.or_(matter == "", category.not_in(self.words))

    def _ends_before_it_begins(self, started: ClockSql, released: ClockSql) -> Predicate:
        """Where one of the two tells only a day, days are compared: on one day, who knows which came first?"""
        if self.started.is_instant and self.released.is_instant:
            return yes(released.moment < started.moment)
        return yes(released.on_day < started.on_day)
