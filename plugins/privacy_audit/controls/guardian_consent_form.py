"""Each guardian's consent came in the promised form and can be shown.

*Why*: the consent "must be sent to us by email at: dpo@..."; the controller must be able to prove it (GDPR art. 7(1),
8(2)). *Fix*: ask the guardian again in the promised way, and archive the message with its id and digest.

A consent without channel, mailbox, message id or digest violates the form: it cannot be shown. So does one that the
child gave itself. A consent whose receipt has no readable date cannot be decided.

Nor can one whose guardian stands for more than `children` children in the register, where the policy names a number:
nobody has so many, so it may be a school, or one who signs for the children of others. All consents of the register
count, whatever became of them, and each whose child is not known counts as a child more. Guardians are told apart by
what the register calls them, in small letters and without blanks about it; blank says nothing of who it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.config.map_fields import Identifier
from privacy_audit.config.map_registers import ConsentForm
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import BindingError, Rule
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OWN, Cells, Fixture, OwnKey, SelfTestCase
from privacy_audit.selftest.made_up_times import implausible_cases, row_with_time
from privacy_audit.sql.clocks import as_event, needs_of, read_event
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, EvaluationContext, Predicate, never, yes
from privacy_audit.sql.row_predicates import RowPredicates, RowState

_MOST = 1000
_GUARDIAN, _SHOUTED = OwnKey("-guardian "), OwnKey(" -GUARDIAN ", " ")
"""A person who is nobody's self-test case, and the same in other letters."""


class GuardianConsentForm(Rule):
    """Expect each guardian's consent to have come in the promised form, with proof."""

    kind: ClassVar[str] = "guardian_consent_form"
    expectation: ClassVar[str] = "expect_guardian_consent_in_promised_form"
    never_waived: ClassVar[str] = "nobody may accept that a child's data is processed without its guardian's consent."
    parameters: ClassVar[frozenset[str]] = frozenset({"channel", "mailbox"})
    optional_parameters: ClassVar[frozenset[str]] = frozenset({"children"})

    channel: str
    """The promised channel, as the register writes it."""
    mailbox: str
    """The promised address; upper and lower case are the same."""
    children: int | None = Field(default=None, ge=1, le=_MOST)
    """Most children that one guardian may stand for before somebody must look."""
    child: Identifier
    received: ColumnClock
    form: ConsentForm

    @classmethod
    def faults(cls, parameters: Mapping[str, Any], /) -> Iterator[tuple[tuple[str | int, ...], str]]:
        text = str(parameters.get("children", "1"))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST):
            yield ("children",), f'"{text[:80]}" is no number of children. Write a whole number from 1 to {_MOST}.'

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        register = store.registers.guardian_consents
        if register is None:
            return
        if register.form is None:
            yield BindingError(f"{register.table}: {control.id} needs `form` to see how consents came")
            return
        children = control.parameters.get("children")
        if children is not None and register.form.guardian is None:
            yield BindingError(
                f"{register.table}: {control.id} needs `guardian` in `form` to see for whom one guardian stands"
            )
            return
        yield cls(
            table=register.table,
            title=register.title,
            key=register.key,
            zone=zone,
            no_data_before=store.no_data_before,
            may_be_empty=register.may_be_empty,
            channel=control.parameters["channel"],
            mailbox=control.parameters["mailbox"],
            children=None if children is None else int(children),
            child=register.subject,
            received=register.received,
            form=register.form,
        )

    @property
    def sentence(self) -> str:
        few = f"; no guardian stands for more than {self.children} children" if self.children else ""
        return f"{self.title} came by {self.channel} to {self.mailbox}, and the message can be shown{few}."

    @property
    def fix(self) -> str:
        return (
            f"Ask these guardians again by {self.channel} to {self.mailbox}, and archive message id and digest in"
            f" {self.table}. Until then treat the child as being without consent."
        )

    @property
    def decide(self) -> str:
        many = f" Where one stands for more than {self.children} children, find out who it is." if self.children else ""
        return (
            f"Find out when these consents in {self.table} were received, and write down the moment where it is missing"
            f" or cannot be a fact.{many} Delete nothing before that."
        )

    def remedy(self) -> None:
        """A consent in the wrong form is still a trace of what a guardian said: it is mended by asking again."""

    @property
    def undecided_because(self) -> str:
        many = f", or one guardian stands for more than {self.children} children" if self.children else ""
        return f"it was received at no moment that can be a fact{many}"

    def columns(self) -> Sequence[str]:
        form = self.form
        guardian = [form.guardian] if form.guardian else []
        return (self.child, self.received.column, form.channel, form.mailbox, form.message, form.proof, *guardian)

    def needs(self) -> Iterator[AnyNeed]:
        yield from (ColumnRequirement(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.received, self.table)

    def evaluate(self, row: sa.FromClause, context: EvaluationContext) -> RowPredicates:
        clock = read_event(self.received, row, context)
        predicates = RowPredicates(
            row=row,
            out_of_scope=never(),
            undecidable=clock.undatable,
            violating=self._not_in_form(row),
            moment=clock.moment,
            breach_began=clock.on_day,
            subject=row.c[self.child],
        )
        if not (self.children and self.form.guardian):
            return predicates
        crowd = self._guardians_of_many(self.form.guardian, self.children, context)
        same = _name(row.c[self.form.guardian]) == crowd.c.guardian
        unsure = sa.and_(crowd.c.guardian.is_not(None), sa.not_(predicates.violating))
        return replace(predicates, undecidable=sa.or_(predicates.undecidable, unsure), joins=((crowd, same),))

    def self_test_cases(self, context: EvaluationContext) -> Iterator[SelfTestCase]:
        form, clock = self.form, as_event(self.received)
        cells = {form.channel: self.channel, form.mailbox: self.mailbox, form.message: "1", form.proof: "1"}
        guardian = {form.guardian: _GUARDIAN} if form.guardian else {}
        base = Fixture({self.child: OWN, **cells, **guardian}) | row_with_time(clock, context.earliest, self.zone)
        found = [
            SelfTestCase("in the promised form", RowState.COMPLIANT),
            *(
                SelfTestCase(f"without {name}", RowState.VIOLATING, Fixture({name: value}))
                for name in cells
                for value in (None, "  ")
            ),
            *implausible_cases(clock, context, RowState.COMPLIANT, RowState.COMPLIANT),
        ]
        for name in (form.channel, form.mailbox):
            found.append(
                SelfTestCase(f"with another {name}", RowState.VIOLATING, Fixture({name: f"not {cells[name]}"}))
            )
            shouted = Fixture({name: f" {str(cells[name]).upper()} "})
            found.append(SelfTestCase(f"with {name} in capitals", RowState.COMPLIANT, shouted))
        if form.guardian:
            found += self._of_itself(form.guardian)
        if form.guardian and self.children:
            found += self._of_many(form.guardian, self.children)
        yield from (one.over(base) for one in found)

    def _of_itself(self, guardian: str) -> Iterator[SelfTestCase]:
        """Consents of a child, and consents in which nobody is named."""
        yield SelfTestCase("of a child by itself", RowState.VIOLATING, Fixture({guardian: OWN}))
        for child, itself in ((_GUARDIAN, _SHOUTED), (_SHOUTED, _GUARDIAN)):
            shouted = Fixture({self.child: child, guardian: itself})
            yield SelfTestCase("of a child by itself in other letters", RowState.VIOLATING, shouted)
        yield SelfTestCase("of nobody by somebody", RowState.COMPLIANT, Fixture({self.child: None}))
        for nobody in (None, "  "):
            yield SelfTestCase("of a child by nobody", RowState.COMPLIANT, Fixture({guardian: nobody}))
            yield SelfTestCase(
                "of nobody by nobody", RowState.COMPLIANT, Fixture({self.child: nobody, guardian: nobody})
            )

    def _of_many(self, guardian: str, most: int) -> Iterator[SelfTestCase]:
        """Consents of guardians of as many children as there may be, and of more."""

        def among(
            name: str, state: RowState, children: Sequence[OwnKey | None], by: OwnKey | str | None = _GUARDIAN
        ) -> SelfTestCase:
            rows: list[Cells] = [{self.child: child, guardian: by} for child in children]
            return SelfTestCase(name, state, Fixture({guardian: by}, {}, rows))

        others = [OwnKey("", f"{number:04}") for number in range(most)]
        yield among("of the last child that a guardian may stand for", RowState.COMPLIANT, others[1:])
        yield among("of one child again and again", RowState.COMPLIANT, [*others[1:], OWN, OWN])
        yield among("of a guardian of more, one of them unknown", RowState.UNDECIDABLE, [*others[1:], None])
        more = among("of a guardian of more children", RowState.UNDECIDABLE, others)
        yield more
        for one, all_ in ((_SHOUTED, _GUARDIAN), (_GUARDIAN, _SHOUTED)):
            shouted = among("of a guardian of more in other letters", RowState.UNDECIDABLE, others, all_)
            yield replace(shouted, fixture=shouted.fixture | Fixture({guardian: one}))
        in_no_form = Fixture({self.form.channel: f"not {self.channel}"})
        yield replace(
            more, name="in another form, of many", state=RowState.VIOLATING, fixture=more.fixture | in_no_form
        )
        for nobody in (None, "  "):
            yield among("of more children than one may stand for, by nobody", RowState.COMPLIANT, others, nobody)

    def _not_in_form(self, row: sa.FromClause) -> Predicate:
        """Always true or false."""
        form = self.form
        parts = [
            _text(row.c[form.channel]) != self.channel.lower(),
            _text(row.c[form.mailbox]) != self.mailbox.lower(),
            _text(row.c[form.message]) == "",
            _text(row.c[form.proof]) == "",
        ]
        if form.guardian:
            guardian = _name(row.c[form.guardian])
            parts.append(yes(sa.and_(guardian != "", guardian == _name(row.c[self.child]))))
        return sa.or_(*parts)

    def _guardians_of_many(self, guardian: str, most: int, context: EvaluationContext) -> sa.Subquery:
        """Guardians of more children than that: the register is read once, and few of them are left to look among."""
        consent = context.table(self.table, self.child, guardian, alias="consent")
        name, child = _name(consent.c[guardian]), consent.c[self.child]
        children = sa.func.count(sa.distinct(child)) + sa.func.count().filter(child.is_(None))
        many = sa.select(name.label("guardian")).where(name != "").group_by(name).having(children > most)
        return many.subquery("crowd")


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The column as trimmed small letters; nothing is the empty text, so that no comparison is null."""
    return sa.func.lower(sa.func.btrim(sa.func.coalesce(sa.cast(column, sa.Text()), "")))


def _name(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A person's key or name as trimmed small letters; null where there is none."""
    return sa.func.lower(sa.func.btrim(sa.cast(column, sa.Text())))
