"""What a row names stands in another register.

*Why*: data goes to no recipient and serves no purpose that is not on record (GDPR art. 5(1)(b), 28, 30); a consent can
be shown only with the text that was consented to (art. 7(1)); a store that the processing register does not know is
governed by nothing. *Fix*: end what is not on record, or put it on record after those who must decide have decided.

Values are compared in the policy's words, where the store map translates them, without blanks around them and whatever
their case. An empty list lists nothing, so that every row is in breach. A value that the row does not say is
undecidable, and so is one that only a row names of which nobody can tell whether it is meant, or was in force then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import sqlalchemy as sa
from pydantic import Field

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_fields import MapPart, Name
from privacy_audit.controls.base.register_rule import RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.selftest.case import OTHER, OWN, OwnKey
from privacy_audit.selftest.made_up_rows import interval_cases
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, too_early
from privacy_audit.selftest.register_cases import STATES_OF_KEPT, FieldValues, RegisterCase, Selector
from privacy_audit.sql.evaluation_context import instant
from privacy_audit.sql.intervals import IntervalSpec, interval_set
from privacy_audit.sql.register_rows import InForceFields, Only, RegisterSql, columns_of, unknown_where
from privacy_audit.sql.row_predicates import RowState


class ListedRegister(MapPart):
    """The rows of another register in which a value must stand."""

    register_: Name = Field(alias="register")
    field: Name
    only: Only = {}
    in_force: InForceFields | None = None
    """Fields between which a row of the list holds; without them each holds at any time."""

    def fields(self) -> tuple[str, ...]:
        """All fields it reads."""
        between = (self.in_force.from_, self.in_force.to) if self.in_force else ()
        return (self.field, *self.only, *between)


class ListedParams(RegisterParams):
    """Which field names something, and where that must stand."""

    field: Name
    at: Name | None = None
    """Field with the moment at which the row of the list must hold; without one, T."""
    list_: ListedRegister = Field(alias="list")

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        yield self.field
        yield from (field for field in (self.at,) if field)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        yield from (field for field in (self.at,) if field)

    def joined_moments(self) -> Iterator[tuple[str, str]]:
        if self.list_.in_force:
            yield from ((self.list_.register_, field) for field in (self.list_.in_force.from_, self.list_.in_force.to))

    def joined(self) -> Mapping[str, Sequence[str]]:
        return {self.list_.register_: self.list_.fields()}


class Listed(RegisterRowRule):
    """Expect what each row of a register names to stand in another register."""

    kind: ClassVar[str] = "listed"
    expectation: ClassVar[str] = "expect_values_to_be_listed"

    asks: ListedParams

    @property
    def decide(self) -> str:
        return (
            f"Find out what each of these rows of {self.table} means, and which row of {self.asks.list_.register_} may"
            " mean it, and complete what is missing or cannot be a fact. Delete nothing before that."
        )

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        asks, context, listing = self.asks, meant.context, self.asks.list_
        at = dst_free_noon(context)
        when = {asks.at: at} if asks.at else {}
        list_ = Selector(listing.register_, self.joined[listing.register_], listing.only, listing.in_force, context)
        base = list_.base()
        words = asks.only.get(asks.field)
        value = words[0] if isinstance(words, tuple) else OWN
        own = {asks.field: value, **when}
        row = RegisterCase("that stands in no list", RowState.VIOLATING, own, alone=value is not OWN)

        def listed(name: str, state: RowState, *says: FieldValues) -> RegisterCase:
            rows = [{**base, listing.field: value, **each} for each in says]
            return replace(row, name=name, state=state, others={listing.register_: rows})

        yield row
        yield listed("that stands in the list", RowState.COMPLIANT, {})
        yield listed("that somebody else stands for in the list", RowState.VIOLATING, {listing.field: OTHER})
        if value is OWN:
            loud = listed("in capitals", RowState.COMPLIANT, {listing.field: OwnKey(" A", " ")})
            yield loud.but("that stands in the list in capitals", RowState.COMPLIANT, **{asks.field: OwnKey("a")})
            small = listed("in small letters", RowState.COMPLIANT, {listing.field: OwnKey("b")})
            yield small.but(
                "that stands in the list in small letters", RowState.COMPLIANT, **{asks.field: OwnKey(" B")}
            )
        for silent in (None, *meant.blanks(asks.field)):
            yield listed("that says nothing", RowState.UNDECIDABLE, {}).but(
                "that says nothing", RowState.UNDECIDABLE, **{asks.field: silent}
            )
        for edge in list_.edges(listed("whose entry may not count", RowState.COMPLIANT, {})):
            own = {name: value for name, value in edge.says.items() if name not in row.says}
            timed = listing.in_force and {listing.in_force.from_, listing.in_force.to} & own.keys()
            if not (asks.at and timed):
                is_listed = list_.holds({**base, **own})
                yield listed(edge.name, STATES_OF_KEPT[is_listed], own)
        if asks.at and listing.in_force:
            begin, end = listing.in_force.from_, listing.in_force.to
            for none in meant.no_facts(asks.at):
                yield listed("of no moment there can be", RowState.UNDECIDABLE, {}).but(
                    "of no moment there can be", RowState.UNDECIDABLE, **{asks.at: none}
                )
            for name, held, spans in interval_cases(at, context):
                yield listed(name, STATES_OF_KEPT[held], *({begin: low, end: high} for low, high in spans))
            told = [self.records.fields[asks.at], *(list_.records.fields[name] for name in (begin, end))]
            for moment in (at, context.as_of) if all(clock.is_instant for clock in told) else ():
                for spell, state in (
                    ((moment, None), RowState.COMPLIANT),
                    ((moment, too_early(context)), RowState.UNDECIDABLE),
                    ((at - 3 * DAY, moment), RowState.VIOLATING),
                ):
                    edge = listed("at the very moment", state, {begin: spell[0], end: spell[1]})
                    yield edge.but("at the very moment of its begin, or its end", state, **{asks.at: moment})
            first = listed("at the company's first moment", RowState.COMPLIANT, {begin: context.earliest})
            yield first.but(first.name, first.state, **{asks.at: context.earliest})

    def breach(self, records: RegisterSql) -> RegisterBreach:
        asks, context = self.asks, records.context
        listing, other = asks.list_, self.joined[asks.list_.register_]
        listed = RegisterSql(
            other, context.table(other.name, *columns_of(other, listing.fields()), alias="listed"), context
        )
        between = (listing.in_force.from_, listing.in_force.to) if listing.in_force else (None, None)
        span = IntervalSpec(_word(listed, listing.field), listing.only, *between)
        value, now = _word(records, asks.field), instant(context.as_of)
        if asks.at is None:
            met = interval_set(listed, span, by_day=False).meet(value, now, nameless=False)
            return RegisterBreach(unknown_where(value.is_(None), sa.not_(met.answer)), joins=met.joins)
        at, by_day = records.moment(asks.at), self.records.fields[asks.at].encoding is Encoding.DATE
        timeless = listing.in_force is None
        met = interval_set(listed, span, by_day=by_day).meet(value, now if timeless else at.moment, nameless=False)
        unknown = value.is_(None) if timeless else sa.or_(value.is_(None), at.undatable)
        moment, began = (sa.case((sa.not_(at.undatable), told)) for told in (at.moment, at.on_day))
        return RegisterBreach(unknown_where(unknown, sa.not_(met.answer)), moment, began, met.joins)


def _word(records: RegisterSql, field: str) -> sa.ColumnElement[str]:
    """The value in the policy's words, in small letters; a word that the map does not translate is the policy's."""
    value = sa.func.lower(records.text(field))
    words = records.records.words.get(field)
    if not words:
        return value
    ours = (
        (value == theirs.strip().lower(), sa.literal(our.strip().lower(), sa.Text())) for our, theirs in words.items()
    )
    return sa.case(*ours, else_=value)
