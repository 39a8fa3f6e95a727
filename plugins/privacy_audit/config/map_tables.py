"""Tables in a store map: which personal data they hold, for how long, and what stands in their columns."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from privacy_audit.config.map_clocks import Clock, ColumnClock, InstantClock, Subject
from privacy_audit.config.map_fields import Identifier, Line, MapPart, Name, TableName
from privacy_audit.domain.categories import Category, IdentifierKind, Secret


class Condition(MapPart):
    """Rows that a promise does not speak of, by one column; a null never matches `equals` or `in`."""

    column: Identifier
    """The column that tells such rows."""
    equals: str | int | bool | None = None
    """They have this value."""
    in_: tuple[str | int, ...] = Field(default=(), alias="in")
    """They have one of these values."""
    is_null: bool = False
    """They have no value."""
    because: Line
    """Why, as the report says it among its limits. Nobody judges whether it is true of each row."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Condition:
        if (self.equals is not None) + bool(self.in_) + self.is_null != 1:
            raise ValueError("A condition says exactly one of `equals`, `in` or `is_null: true`.")
        return self


class PeriodUnit(StrEnum):
    """Unit of a period that stands in a column."""

    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


class RowPeriod(MapPart):
    """A period that each row carries. The policy's caps it; null means the policy's; zero or less is undecidable."""

    column: Identifier
    """The column with a number."""
    unit: PeriodUnit
    """What the number counts."""


class LegalReason(MapPart):
    """Why rows may be kept up to the longer of two periods: a column with the reason, or one reason for all."""

    column: Identifier | None = None
    """The column with the reason; a null or a blank is no reason."""
    always: Line | None = None
    """The reason that all rows have."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> LegalReason:
        if (self.column is None) == (self.always is None):
            raise ValueError("A legal reason says exactly one of `column` or `always`.")
        return self


class DataGroup(MapPart):
    """Columns of a table that hold one category of personal data and fall due together."""

    category: Category
    """What kind of personal data it is."""
    name: Name | None = None
    """Distinguishes groups of one category in one table; part of the check's id."""
    columns: tuple[Identifier, ...] = ()
    """The columns; a row in which all of them are null holds no such data. Empty: the row itself is the data."""
    clock: Clock
    """The moment from which the retention period runs."""
    period: RowPeriod | None = None
    """Where each row carries a period of its own."""
    legal_reason: LegalReason | None = None
    """Where rows may be kept longer for a reason."""
    out_of_scope: tuple[Condition, ...] = ()
    """Rows that the retention promise does not speak of."""


class SoftDelete(MapPart):
    """How a table marks rows as deleted without deleting them."""

    clock: ColumnClock | None = None
    """When the row was marked."""
    flag: Identifier | None = None
    """Boolean column that is true when the row is marked."""

    @model_validator(mode="after")
    def _says_something(self) -> SoftDelete:
        if self.clock is None and self.flag is None:
            raise ValueError("A soft delete is marked by `clock`, by `flag`, or by both.")
        return self


class UseOfService(MapPart):
    """Rows that are uses of the service by a person, and when they happened."""

    clock: InstantClock
    """When the use took place."""
    out_of_scope: tuple[Condition, ...] = ()
    """Rows that are no use of the service."""


class Relation(StrEnum):
    """What kind of relation the catalog must show."""

    TABLE = "table"
    PARTITIONED = "partitioned"


class AnonymousTable(MapPart):
    """What a table kept for statistics must show no sign of: persons who can be told apart, named or guessed."""

    quasi_identifiers: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that together might tell a person apart: a region, an age band, a month."""
    direct: tuple[Identifier, ...] = ()
    """Columns in which nothing may stand that names a person: no address, number of an account or a card, or digest."""
    sensitive: tuple[Identifier, ...] = ()
    """Columns whose value must not follow from the quasi-identifiers."""
    measures: tuple[Identifier, ...] = ()
    """Columns of numbers that are counted or summed up, and tell nobody apart."""

    @property
    def declared(self) -> tuple[str, ...]:
        """Its columns that the map knows."""
        return (*self.quasi_identifiers, *self.direct, *self.sensitive, *self.measures)

    @model_validator(mode="after")
    def _is_not_both(self) -> AnonymousTable:
        for column in self.sensitive:
            if column in self.quasi_identifiers:
                raise ValueError(f"Column {column} is quasi-identifier and sensitive at once: keep one of the two.")
        return self


class IdentifierColumn(MapPart):
    """A column by which a person can be found."""

    kind: IdentifierKind
    """What the column identifies a person by."""
    of: Name | None = None
    """Of a key: what it is a key of, in one word for all stores, as `user`."""

    @model_validator(mode="after")
    def _says_what_a_key_is_of(self) -> IdentifierColumn:
        if (self.kind is IdentifierKind.KEY) != (self.of is not None):
            raise ValueError("`of` says what a key is a key of, in one word for all stores; it is for kind key only.")
        if self.kind is IdentifierKind.MAILBOX:
            raise ValueError("No column holds mailboxes: its kind is email.")
        return self


def _as_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


class Origin(MapPart):
    """A column that says where a row came from."""

    column: Identifier
    """The column with the origin."""
    direct: tuple[Line, ...] = Field(min_length=1)
    """Its values that mean: from the person, in person, and by no import, sync or restore."""


class TableMap(MapPart):
    """One table of a store."""

    title: Line
    """What its rows are, in the plural: `Positions`."""
    relation: Relation = Relation.TABLE
    """What the catalog must show under this name."""
    key: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that name a row to an engineer."""
    subject: Subject | None = None
    """Whose the rows are."""
    may_be_empty: bool = False
    """An empty table is otherwise a review: no data is never a pass."""
    use_of_service: UseOfService | None = None
    """Where the rows are uses of the service: by minors, none without a consent."""
    soft_delete: SoftDelete | None = None
    """Where rows are marked as deleted before they are deleted."""
    identifiers: dict[Identifier, Annotated[IdentifierColumn, BeforeValidator(_as_kind)]] = {}
    """Columns by which erased persons are looked for: e-mail, phone, IBAN, name, key, or free text."""
    collected: ColumnClock | None = None
    """When the data was collected, set once: tells who was restored from who signed up again."""
    origin: Origin | None = None
    """Where the rows came from."""
    anonymous: AnonymousTable | None = None
    """Kept for statistics, beyond the periods of personal data."""
    secrets: dict[Identifier, Secret] = {}
    """Columns of passwords, encrypted values and card codes, which nobody may be able to read."""
    data: tuple[DataGroup, ...] = ()
    """The personal data in it, by groups of columns that fall due together."""


class BirthEncoding(StrEnum):
    """How a birth date is written."""

    DATE = "date"
    YEAR = "year"


class Birth(MapPart):
    """When a person was born."""

    column: Identifier
    """The column with the birth date."""
    encoding: BirthEncoding = BirthEncoding.DATE
    """How it is written."""
    default_dates: tuple[date, ...] = (date(1900, 1, 1), date(1970, 1, 1), date(2000, 1, 1))
    """Dates that forms fill in by themselves: they mean unknown."""
    default_years: tuple[int, ...] = (1900,)
    """The same where only a year is written."""


class Persons(MapPart):
    """The table of the persons a store knows."""

    table: TableName
    """One row per person."""
    key: Identifier
    """The column that other tables refer to."""
    born: Birth
    """When the person was born."""
