"""Each row of a register says what it must.

*Why*: the controller must be able to show what it did (GDPR art. 5(2), 7(1), 24, 30): a consent without its wording, a
refusal without its reason, a recipient without its role prove nothing. *Fix*: complete the row from what is on file;
where nothing is, do again what was not recorded.

A row is in breach when one of its claims is surely broken, and undecidable when a claim may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import Field, model_validator

from privacy_audit.controls.entries import Entry, Meant, Says, all_of, meant, says_one_of, some_of, that_says
from privacy_audit.controls.record_rule import Asked, Breach, RecordRule
from privacy_audit.controls.specimen_parts import DAY, quiet
from privacy_audit.periods import local_date
from privacy_audit.sql.frame import Frame, yes
from privacy_audit.sql.records import (
    Answer,
    Only,
    RecordSql,
    every,
    readable_day,
    readable_moment,
    some,
    unknown_where,
)
from privacy_audit.sql.truth import State
from privacy_audit.store_map import Name, Part, Records


class Claim(Part):
    """What rows must say. All of its parts must hold."""

    when: Only = {}
    """Of which rows; of all when nothing is said."""
    states: tuple[Name, ...] = ()
    """Fields that must say something."""
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
    def _claims_something(self) -> Claim:
        if not any((self.states, self.says, self.never_says, self.at_most, self.nothing_or_at_most, self.true,
                    self.false, self.not_after)):  # fmt: skip
            raise ValueError("A claim says what rows must say: `states`, `says`, `never_says`, `at_most` or the like.")
        return self

    def fields(self) -> Iterator[str]:
        """All fields it reads."""
        yield from (*self.when, *self.states, *self.says, *self.never_says, *self.at_most, *self.nothing_or_at_most)
        yield from (*self.true, *self.false, *self.not_after, *self.not_after.values())


class StatedAsked(Asked):
    """What the rows of a register must say."""

    must: tuple[Claim, ...] = Field(min_length=1)
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
            yield from (*claim.not_after, *claim.not_after.values())
        yield from (field for field in (self.at,) if field)


_STATES = {True: State.VIOLATING, None: State.UNDECIDABLE, False: State.COMPLIANT}


class Stated(RecordRule):
    """Expect each row of a register to say what it must."""

    kind: ClassVar[str] = "stated"
    expectation: ClassVar[str] = "expect_register_rows_to_state"

    asks: StatedAsked

    def entries(self, meant: Meant) -> Iterator[Entry]:
        frame, claims = meant.frame, self.asks.must
        kept = {name: values[0] for claim in claims for name, values in _values(claim, meant).items()}
        at = {self.asks.at: quiet(frame)} if self.asks.at else {}
        for claim in claims:
            when = {name: that_says(words, meant.value(name)) for name, words in claim.when.items()}
            rows = [
                {**kept, **when, **at, name: value} for name, each in _values(claim, meant).items() for value in each
            ]
            broken = [says for says in rows if _is_broken(claim, says, self.records, frame)][:1]
            rows += [
                {**says, name: value}
                for says in (*broken, {**kept, **when, **at})
                for name, words in claim.when.items()
                for value in meant.alternatives(name, words)
            ]
            for says in rows:
                broken_claims = [_is_broken(each, says, self.records, frame) for each in claims]
                yield Entry("that says what it may", _STATES[some_of(broken_claims)], says)

    def breach(self, records: RecordSql) -> Breach:
        broken = some([_broken(claim, records) for claim in self.asks.must])
        if self.asks.at is None:
            return Breach(broken)
        clock = records.moment(self.asks.at)
        return Breach(broken, moment=readable_moment(clock), began=readable_day(clock))


def _values(claim: Claim, meant: Meant) -> dict[str, list[Any]]:
    """What each field of a claim may say: first what keeps it, then what breaks it or leaves it open."""
    at = quiet(meant.frame)
    found: dict[str, list[Any]] = {}
    for name in claim.states:
        found[name] = [meant.value(name), None, *meant.blanks(name)]
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
    edges = [meant.frame.earliest, meant.frame.as_of]
    for first, second in claim.not_after.items():
        found[first] = [at, at - DAY, at - DAY / 24, at + DAY / 24, at + DAY, *edges, *meant.no_facts(first)]
        found[second] = [at, at + DAY, at - DAY / 24, at - DAY, *edges, *meant.no_facts(second)]
    return found


def _is_broken(claim: Claim, says: Says, records: Records, frame: Frame) -> bool | None:
    """Whether a row breaks a claim, in plain Python: what the SQL of `_broken` is held against."""
    kept: list[bool | None] = [says_one_of(says[name], "stated") for name in claim.states]
    kept += [says_one_of(says[name], words) for name, words in claim.says.items()]
    kept += [_not(says_one_of(says[name], words)) for name, words in claim.never_says.items()]
    kept += [None if says[name] is None else says[name] <= most for name, most in claim.at_most.items()]
    kept += [says[name] is None or says[name] <= most for name, most in claim.nothing_or_at_most.items()]
    kept += [says[name] for name in claim.true] + [_not(says[name]) for name in claim.false]
    for first, second in claim.not_after.items():
        facts = all(says[name] and frame.earliest <= says[name] <= frame.as_of for name in (first, second))
        kept.append(_comes_first(records, says, first, second, frame) if facts else None)
    return all_of([meant(claim.when, says), _not(all_of(kept))])


def _comes_first(records: Records, says: Says, first: str, second: str, frame: Frame) -> bool:
    """Whether a moment comes no later than another; by the day where either tells no more."""
    one, other = says[first], says[second]
    if not (records.fields[first].is_instant and records.fields[second].is_instant):
        one, other = local_date(one, frame.zone), local_date(other, frame.zone)
    return bool(one <= other)


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _broken(claim: Claim, records: RecordSql) -> Answer:
    kept = [
        *(records.says(field, "stated") for field in claim.states),
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


def _not_after(records: RecordSql, first: str, second: str) -> Answer:
    """A moment that is missing or cannot be a fact leaves the order unknown; where one is a day, the days count."""
    one, other = records.moment(first), records.moment(second)
    return unknown_where(sa.or_(one.undatable, other.undatable), sa.not_(records.is_before(second, first)))
