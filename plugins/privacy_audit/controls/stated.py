"""Each row of a register says what it must.

*Why*: the controller must be able to show what it did (GDPR art. 5(2), 7(1), 24, 30): a consent without its wording, a
refusal without its reason, a recipient without its role prove nothing. *Fix*: complete the row from what is on file;
where nothing is, do again what was not recorded.

A row is in breach when one of its claims is surely broken, and undecidable when a claim may be. A moment that has not
come, or that lies before the company's first day, states no fact: nobody can tell whether the thing was done. What is
planned is asked for by `ahead`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from operator import ge
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field, model_validator

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_fields import MapPart, Name
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.controls.base.register_rule import RegisterBreach, RegisterParams, RegisterRowRule
from privacy_audit.domain.periods import Period, local_date
from privacy_audit.selftest.made_up_times import DAY, dst_free_noon, first_of, next_after, too_early
from privacy_audit.selftest.register_cases import (
    FieldValues,
    RegisterCase,
    Selector,
    all_of,
    meant,
    says_one_of,
    some_of,
    that_says,
)
from privacy_audit.sql.clocks import compare_with
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate, day, yes
from privacy_audit.sql.register_rows import (
    Answer,
    Only,
    RegisterSql,
    every,
    readable_day,
    readable_moment,
    some,
    unknown_where,
)
from privacy_audit.sql.row_predicates import RowState

_FORESEEABLE = Period.parse("P10Y")
"""What is planned for later than that, as for a day at infinity, is not planned."""


class StatedClaim(MapPart):
    """What rows must say. All of its parts must hold."""

    when: Only = {}
    """Of which rows; of all when nothing is said."""
    states: tuple[Name, ...] = ()
    """Fields that must say something. A moment that cannot be a fact is undecidable."""
    ahead: tuple[Name, ...] = ()
    """Fields that must say a moment of today or later: what is still to be done. One that has passed was not kept."""
    says: dict[Name, tuple[str, ...]] = {}
    """Fields with the words of which they must say one. A field that says nothing is undecidable."""
    never_says: dict[Name, tuple[str, ...]] = {}
    """Fields with the words of which they may say none. A field that says nothing is undecidable."""
    at_most: dict[Name, int] = {}
    """Fields with the largest number they may hold. A field that holds none is undecidable."""
    nothing_or_at_most: dict[Name, int] = {}
    """The same where holding none is as good."""
    true: tuple[Name, ...] = ()
    """Flags that must be set. One that is not set either way is undecidable."""
    false: tuple[Name, ...] = ()
    """Flags that must not be set. One that is not set either way is undecidable."""
    not_after: dict[Name, Name] = {}
    """Moments with the moments they may not come after; where either is a day only, by the day."""

    @model_validator(mode="after")
    def _claims_something(self) -> StatedClaim:
        if not any((self.states, self.ahead, self.says, self.never_says, self.at_most, self.nothing_or_at_most,
                    self.true, self.false, self.not_after)):  # fmt: skip
            raise ValueError("A claim says what rows must say: `states`, `says`, `never_says`, `at_most` or the like.")
        return self

    def fields(self) -> Iterator[str]:
        """All fields it reads."""
        yield from (*self.when, *self.states, *self.ahead, *self.says, *self.never_says)
        yield from (
            *self.at_most,
            *self.nothing_or_at_most,
            *self.true,
            *self.false,
            *self.not_after,
            *self.not_after.values(),
        )


class StatedParams(RegisterParams):
    """What the rows of a register must say."""

    must: tuple[StatedClaim, ...] = Field(min_length=1)
    at: Name | None = None
    """Field with the moment of the row, by which findings are dated."""

    def fields(self) -> Iterator[str]:
        yield from super().fields()
        for claim in self.must:
            yield from claim.fields()
        yield from (field for field in (self.at,) if field)

    def moments(self) -> Iterator[str]:
        yield from super().moments()
        for claim in self.must:
            yield from (*claim.ahead, *claim.not_after, *claim.not_after.values())
        yield from (field for field in (self.at,) if field)

    def tells_moment(self, field: str) -> bool:
        """Whether a field of the register is a moment."""
        return COMPANY_REGISTERS[self.register_].fields[field] is FieldType.MOMENT


_STATES = {True: RowState.VIOLATING, None: RowState.UNDECIDABLE, False: RowState.COMPLIANT}


class Stated(RegisterRowRule):
    """Expect each row of a register to say what it must."""

    kind: ClassVar[str] = "stated"
    expectation: ClassVar[str] = "expect_register_rows_to_state"

    asks: StatedParams

    @property
    def decide(self) -> str:
        return (
            f"Find out from the files what each of these rows of {self.table} leaves open, and write it down. Delete"
            " nothing before that."
        )

    def entries(self, meant: Selector) -> Iterator[RegisterCase]:
        context, claims = meant.context, self.asks.must
        kept = {name: values[0] for claim in claims for name, values in _values(claim, meant).items()}
        at = {self.asks.at: dst_free_noon(context)} if self.asks.at else {}
        for claim in claims:
            when = {name: that_says(words, meant.value(name)) for name, words in claim.when.items()}
            rows = [
                {**kept, **when, **at, name: value} for name, each in _values(claim, meant).items() for value in each
            ]
            broken = [says for says in rows if self._is_broken(claim, says, context)][:1]
            rows += [
                {**says, name: value}
                for says in (*broken, {**kept, **when, **at})
                for name, words in claim.when.items()
                for value in meant.alternatives(name, words)
            ]
            for says in rows:
                broken_claims = [self._is_broken(each, says, context) for each in claims]
                yield RegisterCase("that says what it may", _STATES[some_of(broken_claims)], says)

    def breach(self, records: RegisterSql) -> RegisterBreach:
        broken = some([self._broken(claim, records) for claim in self.asks.must])
        if self.asks.at is None:
            return RegisterBreach(broken)
        clock = records.moment(self.asks.at)
        return RegisterBreach(broken, moment=readable_moment(clock), began=readable_day(clock))

    def _is_broken(self, claim: StatedClaim, says: FieldValues, context: EvaluationContext) -> bool | None:
        """Whether a row breaks a claim, in plain Python: what the SQL of `_broken` is held against."""
        kept: list[bool | None] = [
            _is_fact(says[name], context) if self.asks.tells_moment(name) else says_one_of(says[name], "stated")
            for name in claim.states
        ]
        kept += [_is_ahead(says[name], context) for name in claim.ahead]
        kept += [says_one_of(says[name], words) for name, words in claim.says.items()]
        kept += [_not(says_one_of(says[name], words)) for name, words in claim.never_says.items()]
        kept += [None if says[name] is None else says[name] <= most for name, most in claim.at_most.items()]
        kept += [says[name] is None or says[name] <= most for name, most in claim.nothing_or_at_most.items()]
        kept += [says[name] for name in claim.true] + [_not(says[name]) for name in claim.false]
        for first, second in claim.not_after.items():
            facts = all(says[name] and context.earliest <= says[name] <= context.as_of for name in (first, second))
            kept.append(_comes_first(self.records, says, first, second, context) if facts else None)
        return all_of([meant(claim.when, says), _not(all_of(kept))])

    def _broken(self, claim: StatedClaim, records: RegisterSql) -> Answer:
        kept = [
            *(self._states(records, field) for field in claim.states),
            *(_ahead(records, field) for field in claim.ahead),
            *(records.says(field, words) for field, words in claim.says.items()),
            *(sa.not_(records.says(field, words)) for field, words in claim.never_says.items()),
            *(records.value(field) <= most for field, most in claim.at_most.items()),
            *(
                yes(sa.func.coalesce(records.value(field), most) <= most)
                for field, most in claim.nothing_or_at_most.items()
            ),
            *(records.value(field) == sa.true() for field in claim.true),
            *(records.value(field) == sa.false() for field in claim.false),
            *(_not_after(records, first, second) for first, second in claim.not_after.items()),
        ]
        return every([records.meant(claim.when), sa.not_(every(kept))])

    def _states(self, records: RegisterSql, field: str) -> Answer:
        """Whether a field says something; of a moment, one that can be a fact."""
        if not self.asks.tells_moment(field):
            return records.says(field, "stated")
        clock = records.moment(field)
        return unknown_where(clock.odd, sa.not_(clock.missing))


def _values(claim: StatedClaim, meant: Selector) -> dict[str, list[Any]]:
    """What each field of a claim may say: first what keeps it, then what breaks it or leaves it open."""
    at = dst_free_noon(meant.context)
    found: dict[str, list[Any]] = {}
    for name in claim.states:
        found[name] = [meant.value(name), None, *meant.blanks(name)]
        if COMPANY_REGISTERS[meant.register].fields[name] is FieldType.MOMENT:
            found[name] += [meant.context.earliest, meant.context.as_of, *meant.impossible(name)]
    for name in claim.ahead:
        found[name] = _plans(meant, name)
    for name, words in claim.says.items():
        found[name] = [*words, f" {words[0].upper()} ", f"not {words[0]}", None, "  "]
    for name, words in claim.never_says.items():
        found[name] = [f"not {words[0]}", *words, None]
    for name, most in (*claim.at_most.items(), *claim.nothing_or_at_most.items()):
        found[name] = [most, most - 1, most + 1, None]
    for name in claim.true:
        found[name] = [True, False, None]
    for name in claim.false:
        found[name] = [False, True, None]
    edges = [meant.context.earliest, meant.context.as_of]
    for first, second in claim.not_after.items():
        found[first] = [at, at - DAY, at - DAY / 24, at + DAY / 24, at + DAY, *edges, *meant.no_facts(first)]
        found[second] = [at, at + DAY, at - DAY / 24, at - DAY, *edges, *meant.no_facts(second)]
    return found


def _plans(meant: Selector, name: str) -> list[datetime | None]:
    """Moments of today and later, of yesterday, of the last day that can be foreseen and the next, and none."""
    context = meant.context
    first, beyond = first_of(context.today, context), first_of(_horizon(context) + DAY, context)
    later = next_after(meant.records.fields[name], context)
    kept, passed = [first, context.as_of, later, beyond - DAY / 24], [first - DAY / 24, context.earliest]
    return [*kept, *passed, None, too_early(context), beyond]


def _horizon(context: EvaluationContext) -> date:
    return _FORESEEABLE.add_to(context.today)


def _is_fact(moment: datetime | None, context: EvaluationContext) -> bool | None:
    if moment is None:
        return False
    return True if context.earliest <= moment <= context.as_of else None


def _is_ahead(moment: datetime | None, context: EvaluationContext) -> bool | None:
    if moment is None:
        return False
    planned = local_date(moment, context.zone)
    return None if moment < context.earliest or planned > _horizon(context) else planned >= context.today


def _comes_first(
    records: RegisterBinding, says: FieldValues, first: str, second: str, context: EvaluationContext
) -> bool:
    """Whether a moment comes no later than another; by the day where either tells no more."""
    one, other = says[first], says[second]
    if not (records.fields[first].is_instant and records.fields[second].is_instant):
        one, other = local_date(one, context.zone), local_date(other, context.zone)
    return bool(one <= other)


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _ahead(records: RegisterSql, field: str) -> Answer:
    """Whether a moment lies on T's day or later; unknown where it cannot be read or nobody can mean it."""
    clock = records.begin(field)
    beyond = _from_day(records, field, _horizon(records.context) + DAY)
    ahead = yes(_from_day(records, field, records.context.today))
    return unknown_where(sa.or_(clock.odd, beyond), ahead)


def _from_day(records: RegisterSql, field: str, first: date) -> Predicate:
    """Whether a moment lies on a civil day or after it."""
    clock, column = records.records.fields[field], records.value(field)
    if clock.encoding is Encoding.DATE:
        return column >= day(first)
    return compare_with(clock, column, records.context, ge, first_of(first, records.context))


def _not_after(records: RegisterSql, first: str, second: str) -> Answer:
    """A moment that is missing or cannot be a fact leaves the order unknown; where one is a day, the days count."""
    one, other = records.moment(first), records.moment(second)
    return unknown_where(sa.or_(one.undatable, other.undatable), sa.not_(records.is_before(second, first)))
