"""Each row of a register says what it must.

*Why*: the controller must be able to show what it did (GDPR art. 5(2), 7(1), 24, 30): a consent without its wording, a
refusal without its reason, a recipient without its role prove nothing. *Fix*: complete the row from what is on file;
where nothing is, do again what was not recorded.

A row is in breach when one of its claims is surely broken, and undecidable when a claim may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import sqlalchemy as sa
from pydantic import Field, model_validator

from privacy_audit.controls.record_rule import Asked, Breach, RecordRule
from privacy_audit.sql.frame import yes
from privacy_audit.sql.records import Answer, Only, RecordSql, every, some, unknown_where
from privacy_audit.store_map import Name, Part


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
    """Moments with the moments they may not come after."""

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


class Stated(RecordRule):
    """Expect each row of a register to say what it must."""

    kind: ClassVar[str] = "stated"
    expectation: ClassVar[str] = "expect_register_rows_to_state"

    asks: StatedAsked

    def breach(self, records: RecordSql) -> Breach:
        broken = some([_broken(claim, records) for claim in self.asks.must])
        if self.asks.at is None:
            return Breach(broken)
        clock = records.moment(self.asks.at)
        return Breach(broken, moment=clock.moment, began=sa.case((sa.not_(clock.undatable), clock.on_day)))


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
    """A moment that is missing or cannot be a fact leaves the order unknown."""
    one, other = records.moment(first), records.moment(second)
    return unknown_where(sa.or_(one.undatable, other.undatable), one.moment <= other.moment)
