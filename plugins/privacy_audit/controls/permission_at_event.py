"""What happened to a person happened only while it was permitted, as another register says.

*Why*: who objects to direct marketing is sent none from then on (GDPR art. 21(3)), what is restricted is only stored
(art. 18(2)), consent comes before what rests on it and can be withdrawn (art. 7), persons are told first (art. 13).
*Fix*: stop what was done, tell the person where the law asks for it, and mend the code that did not ask the register.

Permission is judged at the moment of the event, never today. Where the other register forbids, an event at the very
moment it began is forbidden, and one at the very moment it ended is not: `[from, to)`. A register that tells days
holds from the first instant of its first day to the last of its last. An event of which only the day is known is
permitted or forbidden where that is so all day long, and undecidable on a day on which it changed.

Doubt about whose row it is never permits. A person's key is compared as text, for one register may stand in a file and
another number persons otherwise; where rows forbid, keys that differ only in upper and lower case are one person's. A
row that names nobody permits nothing, and where rows forbid it may mean anyone: events are undecidable from the first
such row's begin to the last one's end, unless they are forbidden anyway. An empty register would forbid nothing, and
passes only where its map says that it may be empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_fields import MapPart, Name
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls.base.interface import BindingError
from privacy_audit.controls.base.register_rule import RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.domain.promises import Control
from privacy_audit.selftest.case import OTHER, OWN, OwnKey
from privacy_audit.selftest.made_up_rows import IntervalCase, interval_cases
from privacy_audit.selftest.made_up_times import DAY, ClockValue, dst_free_noon, first_of, next_after, too_early
from privacy_audit.selftest.register_cases import FieldValues, RegisterCase, Selector, exceptions
from privacy_audit.sql.evaluation_context import AnyNeed, EvaluationContext, RowRequirement, day
from privacy_audit.sql.intervals import IntervalSpec, interval_set
from privacy_audit.sql.register_rows import Answer, Only, RegisterSql, columns_of, unknown_where
from privacy_audit.sql.row_predicates import RowState

_INSTANT = timedelta(microseconds=1)
PERSON = "person"
"""The field by which both registers say whose a row is."""


class EventEffect(StrEnum):
    """What the rows of the other register do to events while they hold."""

    REQUIRED = "required"
    """An event is permitted only while one holds: a notice, a consent."""
    FORBIDDEN = "forbidden"
    """An event is permitted only while none holds: an objection, a restriction, a death."""


class PermissionIntervals(MapPart):
    """The rows of another register, and from when until when each holds.

    A row without a begin began nobody knows when. Where that means it did not happen, `only: {field: stated}` says so.
    """

    register_: Name = Field(alias="register")
    from_: Name = Field(alias="from")
    to: Name | None = None
    """Without a field, or where it says nothing: until further notice."""
    only: Only = {}
    strict: bool = False
    """Whether one must have begun before the event. Of one that tells its day, the day before: an event on the very
    day is undecidable."""

    def fields(self) -> tuple[str, ...]:
        """All fields it reads."""
        return (PERSON, self.from_, *((self.to,) if self.to else ()), *self.only)


class PermissionParams(RegisterParams):
    """Which events are meant, and what permits or forbids them."""

    at: Name
    """Field with the moment of the event."""
    during: PermissionIntervals
    events: EventEffect
    unless: Only = {}
    """Events that are permitted in any case: exceptions that were recorded."""
    since: date | None = None
    """First civil day of the events that are meant: anyone who acted before a law was in force did not break it."""

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield from (self.at, PERSON, *self.unless)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield self.at

    def joined_moments(self) -> Iterator[tuple[str, str]]:
        yield from ((self.during.register_, field) for field in (self.during.from_, self.during.to) if field)

    def joined(self) -> Mapping[str, Sequence[str]]:
        return {self.during.register_: self.during.fields()}


class PermissionAtEvent(RegisterRowRule):
    """Expect each event of a register to have happened while another register permitted it."""

    kind: ClassVar[str] = "permission_at_event"
    expectation: ClassVar[str] = "expect_events_only_when_permitted"

    asks: PermissionParams

    @property
    def decide(self) -> str:
        return (
            f"Find out whose each of these rows of {self.table} is and when it happened, and complete it. Complete the"
            f" rows of {self.asks.during.register_} that name nobody, or no moment that can be a fact. Delete nothing"
            " before that."
        )

    @classmethod
    def bind(cls, control: Control, store: StoreMap, zone: str) -> Iterator[Self | BindingError]:
        for rule in super().bind(control, store, zone):
            if isinstance(rule, PermissionAtEvent) and rule._forbids_nothing:
                yield BindingError(
                    f"{control.id}: register {rule.asks.during.register_} ({rule._ledger.file}) holds no row, and"
                    " without one nothing is forbidden. Fill it, or say `may_be_empty`"
                )
                continue
            yield rule

    def needs(self) -> Iterator[AnyNeed]:
        yield from super().needs()
        if self._forbids and self._ledger.table and not self._ledger.may_be_empty:
            yield RowRequirement(self._ledger.table)

    @property
    def avoided(self) -> Only:
        return self.asks.unless

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        asks, context, during = self.asks, meant.context, self.asks.during
        at, ledger = dst_free_noon(context), self._ledger
        rows = Selector(during.register_, ledger, during.only, None, context)
        while_it_holds, else_ = (
            (RowState.VIOLATING, RowState.COMPLIANT) if self._forbids else (RowState.COMPLIANT, RowState.VIOLATING)
        )
        states = {True: while_it_holds, False: else_, None: RowState.UNDECIDABLE}
        event = RegisterCase("without any row of the other register", else_, {asks.at: at, PERSON: OWN})

        def beside(name: str, state: RowState, *says: FieldValues) -> RegisterCase:
            others = [{**rows.base(), PERSON: OWN, **each} for each in says]
            count = [rows.holds(other) for other in others]
            state = else_ if False in count else RowState.UNDECIDABLE if None in count and state is not else_ else state
            return replace(event, name=name, state=state, others={during.register_: others})

        def span(begin: ClockValue | None, end: ClockValue | None = None) -> dict[str, Any]:
            return {during.from_: begin, **({during.to: end} if during.to else {})}

        yield event
        holds = beside("while a row holds", while_it_holds, span(at - 3 * DAY))
        yield holds
        yield beside("before a row holds", else_, span(at + 2 * DAY))
        yield beside("while a row of somebody else holds", else_, {**span(at - 3 * DAY), PERSON: OTHER})
        for silent in (None, *meant.blanks(PERSON)):
            yield replace(event, name="of nobody", state=RowState.UNDECIDABLE, says={**event.says, PERSON: silent})
        for none in meant.no_facts(asks.at):
            yield holds.but("at no moment there can be", RowState.UNDECIDABLE, **{asks.at: none})
        yield beside("with a row that begins after T", else_, span(next_after(ledger.fields[during.from_], context)))
        for name, held, spans in interval_cases(at, context):
            meant_all = all(rows.holds({**rows.base(), **span(*each)}) for each in spans)
            if (during.to or all(end is None for _, end in spans)) and (meant_all or len(spans) == 1):
                yield beside(name, states[held], *(span(*each) for each in spans))
        for blank, plain in ((OWN, OwnKey(" ", " ")), (OwnKey(" ", " "), OWN)):
            yield replace(holds, says={**holds.says, PERSON: plain}, others=beside(
                "", while_it_holds, {**span(at - 3 * DAY), PERSON: blank}).others)  # fmt: skip
        other_case = beside("of a person in capitals", while_it_holds, {**span(at - 3 * DAY), PERSON: OwnKey("A")})
        state = while_it_holds if self._forbids else else_
        yield other_case.but("of a person in small letters", state, **{PERSON: OwnKey("a")})
        other_case = beside("of a person in small letters", while_it_holds, {**span(at - 3 * DAY), PERSON: OwnKey("b")})
        yield other_case.but("of a person in capitals", state, **{PERSON: OwnKey("B")})
        yield event.but("at the company's first moment", else_, **{asks.at: context.earliest})
        yield holds.but("at T, while a row holds", while_it_holds, **{asks.at: context.as_of})
        if not during.strict:
            first = beside("at the company's first moment", while_it_holds, span(context.earliest))
            yield first.but(first.name, first.state, **{asks.at: context.earliest})
        if ledger.name != self.records.name:
            for state, spans in self._of_nobody(at, else_):
                nameless = [{**span(*each), PERSON: None} for each in spans]
                yield replace(beside("beside rows of nobody", state, *nameless), state=state, alone=True)
        yield from self._at_edges(at, context, beside, span, states)
        for edge in rows.edges(beside("with a row that may not count", while_it_holds)):
            own = {name: value for name, value in edge.says.items() if name not in event.says}
            if ledger.name != self.records.name:  # else the event itself would be one of them
                yield beside(edge.name, while_it_holds, {**span(at - 3 * DAY), **own})
        breach = holds if self._forbids else event
        yield from self._of_the_first_day(breach, context)
        yield from exceptions(breach, asks.unless, meant)

    def _of_nobody(self, at: datetime, else_: RowState) -> Iterator[tuple[RowState, list[IntervalCase]]]:
        """Rows that name nobody: where they forbid, they may mean anyone, from the first one's begin to the last's end.

        They would mean everybody in the register, so each stands there alone.
        """
        unknown = RowState.UNDECIDABLE if self._forbids else else_
        told = [self.records.fields[self.asks.at], self._ledger.fields[self.asks.during.from_]]
        instants = all(clock.is_instant for clock in told)
        strictly = _INSTANT if self.asks.during.strict else timedelta()
        yield unknown, [(at - strictly if instants else at - 3 * DAY, None)]
        yield else_, [(at + 2 * DAY, None)]
        if self.asks.during.to:
            exact = instants and self._ledger.fields[self.asks.during.to].is_instant
            yield else_, [(at - 5 * DAY, at if exact else at - 2 * DAY)]
            yield unknown, [(at - 5 * DAY, at - 4 * DAY), (at + 2 * DAY, at + 4 * DAY)]

    def _at_edges(
        self,
        at: datetime,
        context: EvaluationContext,
        beside: Callable[..., RegisterCase],
        span: Callable[..., FieldValues],
        states: Mapping[bool | None, RowState],
    ) -> Iterator[RegisterCase]:
        """Events at the very moment at which a row begins or ends, where all of them tell moments."""
        during = self.asks.during
        told = [
            self.records.fields[self.asks.at],
            *(self._ledger.fields[name] for name in (during.from_, during.to) if name),
        ]
        if all(clock.is_instant for clock in told):
            for moment in (at, context.as_of):
                moments = [(moment, states[not during.strict])]
                moments += [(moment - before, states[True]) for before in (_INSTANT, timedelta(seconds=1))]
                for begin, state in moments:
                    begins = beside("at the very moment a row begins, or just after", state, span(begin))
                    yield begins.but(begins.name, state, **{self.asks.at: moment})
                if during.to:
                    ends = beside("at the very moment a row ends", states[False], span(moment - 3 * DAY, moment))
                    yield ends.but(ends.name, ends.state, **{self.asks.at: moment})
                    strictly = _INSTANT if during.strict else timedelta()
                    may_hold = beside(
                        "as a row begins that may hold", states[None], span(moment - strictly, too_early(context))
                    )
                    yield may_hold.but(may_hold.name, may_hold.state, **{self.asks.at: moment})

    def scope(self, records: RegisterSql) -> Sequence[Answer]:
        if self.asks.since is None:
            return ()
        at = records.moment(self.asks.at)
        return (unknown_where(at.undatable, at.on_day >= day(self.asks.since)),)

    def _meant(self, context: EvaluationContext) -> Selector:
        since = self.asks.since
        return replace(super()._meant(context), since=(self.asks.at, since) if since else None)

    def _of_the_first_day(self, broken: RegisterCase, context: EvaluationContext) -> Iterator[RegisterCase]:
        """Events as the first day begins that is meant, and just before."""
        first = first_of(self.asks.since, context) if self.asks.since else context.earliest
        for moment in (first, first - _INSTANT, first - DAY / 24):
            if self.asks.since and context.earliest <= moment <= context.as_of:
                yield broken.but("as the first day begins that is meant", broken.state, **{self.asks.at: moment})

    def breach(self, records: RegisterSql) -> RegisterBreach:
        asks, during = self.asks, self.asks.during
        at, person = records.moment(asks.at), self._key(records)
        columns = columns_of(self._ledger, during.fields())
        ledger = RegisterSql(
            self._ledger, records.context.table(self._ledger.name, *columns, alias="ledger"), records.context
        )
        span = IntervalSpec(self._key(ledger), during.only, during.from_, during.to, during.strict)
        by_day = self.records.fields[asks.at].encoding is Encoding.DATE
        met = interval_set(ledger, span, by_day=by_day).meet(person, at.moment, nameless=self._forbids)
        against = met.answer if self._forbids else sa.not_(met.answer)
        broken = unknown_where(sa.or_(at.undatable, person.is_(None)), against)
        if asks.unless:
            broken = sa.and_(broken, sa.not_(records.meant(asks.unless)))
        return RegisterBreach(broken, at.moment, sa.case((sa.not_(at.undatable), at.on_day)), met.joins)

    @property
    def _forbids(self) -> bool:
        return self.asks.events is EventEffect.FORBIDDEN

    @property
    def _ledger(self) -> RegisterBinding:
        return self.joined[self.asks.during.register_]

    @property
    def _forbids_nothing(self) -> bool:
        """Whether it would pass for want of rows in a file. A table is asked at the time (`needs`)."""
        return self._forbids and not (self._ledger.table or self._ledger.lines or self._ledger.may_be_empty)

    def _key(self, records: RegisterSql) -> sa.ColumnElement[str]:
        key = records.text(PERSON)
        return sa.func.lower(key) if self._forbids else key
