"""Each guardian's consent came in the promised form and can be shown.

*Why*: the consent "must be sent to us by email at: dpo@..."; the controller must be able to prove it (GDPR art. 7(1),
8(2)). *Fix*: ask the guardian again in the promised way, and archive the message with its id and digest.

A consent without channel, mailbox, message id or digest violates the form: it cannot be shown. So does one that the
child gave itself. Only a consent whose receipt has no readable date cannot be decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import sqlalchemy as sa

from privacy_audit.controls.interface import Lack, Rule
from privacy_audit.controls.specimen import ME, SOMEBODY_ELSE, Scene, Specimen
from privacy_audit.controls.specimen_parts import no_fact, telling
from privacy_audit.model import Control
from privacy_audit.sql.clocks import as_event, needs_of, read_event
from privacy_audit.sql.frame import AnyNeed, Frame, Need, Predicate, never
from privacy_audit.sql.truth import State, Truth
from privacy_audit.store_map import ColumnClock, ConsentForm, Identifier, StoreMap


class GuardianConsentForm(Rule):
    """Expect each guardian's consent to have come in the promised form, with proof."""

    kind: ClassVar[str] = "guardian_consent_form"
    expectation: ClassVar[str] = "expect_guardian_consent_in_promised_form"
    never_waived: ClassVar[str] = "nobody may accept that a child's data is processed without its guardian's consent."
    parameters: ClassVar[frozenset[str]] = frozenset({"channel", "mailbox"})

    channel: str
    """The promised channel, as the register writes it."""
    mailbox: str
    """The promised address; upper and lower case are the same."""
    child: Identifier
    received: ColumnClock
    form: ConsentForm

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | Lack]:
        register = store.registers.guardian_consents
        if register is None:
            return
        if register.form is None:
            yield Lack(f"{register.table}: {control.id} needs `form` to see how consents came")
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
            child=register.subject,
            received=register.received,
            form=register.form,
        )

    @property
    def sentence(self) -> str:
        return f"{self.title} came by {self.channel} to {self.mailbox}, and the message can be shown."

    @property
    def fix(self) -> str:
        return (
            f"Ask these guardians again by {self.channel} to {self.mailbox}, and archive message id and digest in"
            f" {self.table}. Until then treat the child as being without consent."
        )

    def remedy(self) -> None:
        """A consent in the wrong form is still a trace of what a guardian said: it is mended by asking again."""

    def columns(self) -> Sequence[str]:
        form = self.form
        guardian = [form.guardian] if form.guardian else []
        return (self.child, self.received.column, form.channel, form.mailbox, form.message, form.proof, *guardian)

    def needs(self) -> Iterator[AnyNeed]:
        yield from (Need(self.table, column) for column in (*self.key, *self.columns()))
        yield from needs_of(self.received, self.table)

    def judge(self, row: sa.FromClause, frame: Frame) -> Truth:
        clock = read_event(self.received, row, frame)
        return Truth(
            row=row,
            out_of_scope=never(),
            undecidable=clock.undatable,
            violating=self._not_in_form(row),
            moment=clock.moment,
            breach_began=clock.on_day,
            subject=row.c[self.child],
        )

    def specimens(self, frame: Frame) -> Iterator[Specimen]:
        form, clock = self.form, as_event(self.received)
        cells = {form.channel: self.channel, form.mailbox: self.mailbox, form.message: "1", form.proof: "1"}
        guardian = {form.guardian: SOMEBODY_ELSE} if form.guardian else {}
        base = Scene({self.child: ME, **cells, **guardian}) | telling(clock, frame.earliest, self.zone)
        found = [
            Specimen("in the promised form", State.COMPLIANT),
            *(
                Specimen(f"without {name}", State.VIOLATING, Scene({name: value}))
                for name in cells
                for value in (None, "  ")
            ),
            *no_fact(clock, frame, State.COMPLIANT, State.COMPLIANT),
        ]
        for name in (form.channel, form.mailbox):
            found.append(Specimen(f"with another {name}", State.VIOLATING, Scene({name: f"not {cells[name]}"})))
            shouted = Scene({name: f" {str(cells[name]).upper()} "})
            found.append(Specimen(f"with {name} in capitals", State.COMPLIANT, shouted))
        if form.guardian:
            found.append(Specimen("of a child by itself", State.VIOLATING, Scene({form.guardian: ME})))
            found.append(Specimen("of nobody by nobody", State.COMPLIANT, Scene({form.guardian: None})))
        yield from (one.over(base) for one in found)

    def _not_in_form(self, row: sa.FromClause) -> Predicate:
        form = self.form
        parts = [
            _text(row.c[form.channel]) != self.channel.lower(),
            _text(row.c[form.mailbox]) != self.mailbox.lower(),
            _text(row.c[form.message]) == "",
            _text(row.c[form.proof]) == "",
        ]
        if form.guardian:
            parts.append(sa.func.coalesce(row.c[form.guardian] == row.c[self.child], sa.false()))
        return sa.or_(*parts)


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The column as trimmed small letters; nothing is the empty text, so that no comparison is null."""
    return sa.func.lower(sa.func.btrim(sa.func.coalesce(sa.cast(column, sa.Text()), "")))
