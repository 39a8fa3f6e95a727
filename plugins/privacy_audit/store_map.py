"""The format of `expectations/stores/*.yaml`: where a store keeps which personal data, whose it is, which clock counts.

A store map holds no SQL. Every part is a frozen value; the compiled suites carry the same parts, so that a reviewer
meets one vocabulary in the map, the suite and the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from privacy_audit.company_registers import COMPANY_REGISTERS
from privacy_audit.errors import did_you_mean
from privacy_audit.model import Category, IdentifierKind, Secret

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_ABBREVIATIONS = frozenset({"CET", "EET", "EST", "HST", "MET", "MST", "WET"})
"""Names of zones that a PostgreSQL as it is installed takes for abbreviations. A server may know more: it is asked."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        foreign = next((f" (U+{ord(char):04X} is no plain letter)" for char in name if not char.isascii()), "")
        raise ValueError(
            f"{name[:80]!r} is not a plain identifier{foreign}. Use letters, digits and underscores, at most 63 bytes:"
            " PostgreSQL cuts longer names silently and could read another table."
        )
    return name


def _table_name(name: str) -> str:
    schema, dot, table = name.partition(".")
    if not dot:
        raise ValueError(f"{name[:80]!r} names no schema. Write schema.table, so that only that table can be meant.")
    _identifier(schema), _identifier(table)
    return name


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} is not a plain name. Use small letters, digits and underscores, first a letter."
        )
    return name


def _zone(name: str) -> str:
    if name in _ABBREVIATIONS:
        raise ValueError(
            f"{name!r} is an abbreviation to PostgreSQL, one offset all year, and a zone of its own elsewhere."
            " Write the place whose clocks are meant, as Europe/Paris."
        )
    if name not in _zones():
        raise ValueError(
            f"{name[:80]!r} is not a time zone. {did_you_mean(name, _zones(), 'Write it as Europe/Paris.')}"
        )
    return name


@cache
def _zones() -> frozenset[str]:
    """Without two names that say nothing of where a writer lived: the auditing machine's own zone, and none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def line(text: str) -> str:
    """The text, when it is one line; ValueError else."""
    if not text.strip() or any(ord(char) < 32 or ord(char) in range(0x7F, 0xA0) for char in text):
        raise ValueError("This must be one line of text, without line breaks or control characters.")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
"""A column's name, exactly as the catalog spells it."""
TableName = Annotated[str, AfterValidator(_table_name)]
"""`schema.table`, exactly as the catalog spells it."""
Name = Annotated[str, AfterValidator(_name)]
"""A name of ours: of a store, a connection, a group of columns."""
Zone = Annotated[str, AfterValidator(_zone)]
"""IANA name of a time zone."""
Line = Annotated[str, Field(max_length=300), AfterValidator(line)]
"""One line of text for people."""


class Part(BaseModel):
    """A frozen piece of a store map or of a compiled check; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Encoding(StrEnum):
    """How a column writes a moment."""

    TIMESTAMPTZ = "timestamptz"
    TIMESTAMP = "timestamp"
    """Without a zone: the map must say which zone the writer meant."""
    DATE = "date"
    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MILLISECONDS = "epoch_milliseconds"
    YEAR = "year"
    """A year only: judged at both of its ends, undecidable in between."""


class Means(StrEnum):
    """What a missing or future moment stands for."""

    UNKNOWN = "unknown"
    """Nobody knows: the row cannot be decided."""
    RUNNING = "running"
    """The clock has not started (a contract without end date is running): nothing is due yet."""


class ColumnClock(Part):
    """A moment that stands in a column of the row itself."""

    column: Identifier
    encoding: Encoding = Encoding.TIMESTAMPTZ
    zone: Zone | None = None
    """Zone the writer of a `timestamp` without zone meant."""
    null_means: Means = Means.UNKNOWN
    future_means: Means = Means.UNKNOWN
    """What a moment after T stands for, `infinity` too.

    A moment after the year 9999, and a number or a year more than a century after T, is a wrong unit or a default value
    and no future: it is undecidable, whatever is said here. 9999-12-31 is a future.
    """
    event: Line | None = None
    """What happened then, as the end of a sentence: `they were recorded`."""

    @model_validator(mode="after")
    def _zone_is_declared(self) -> ColumnClock:
        if (self.encoding is Encoding.TIMESTAMP) != (self.zone is not None):
            raise ValueError(
                "A clock with encoding timestamp needs `zone`: which zone did its writer mean?"
                if self.zone is None
                else f"`zone` is for encoding timestamp; encoding {self.encoding} already says when. Leave it out."
            )
        return self

    @property
    def is_instant(self) -> bool:
        """Whether it tells the moment within a day, as judging a consent at that moment needs."""
        return self.encoding not in (Encoding.DATE, Encoding.YEAR)


def _instant(clock: ColumnClock) -> ColumnClock:
    if not clock.is_instant:
        raise ValueError(
            f"Column {clock.column} tells no time of day, so no consent can be judged at a moment."
            " Name a column with a time of day."
        )
    return clock


def _day(clock: ColumnClock) -> ColumnClock:
    if clock.encoding is Encoding.YEAR:
        raise ValueError(
            f"Column {clock.column} tells only a year, and a day is needed here. Name a column with a day."
        )
    return clock


InstantClock = Annotated[ColumnClock, AfterValidator(_instant)]
"""A clock that tells the moment within a day."""
DayClock = Annotated[ColumnClock, AfterValidator(_day)]
"""A clock that tells the day, or more."""


class JoinedClock(ColumnClock):
    """The latest moment among the joined rows of another table: the last payment of an invoice, the last contract."""

    table: TableName
    on: dict[Identifier, Identifier] = Field(min_length=1)
    """Column of this row to column of the joined table."""
    absent_means: Means = Means.UNKNOWN
    """What it stands for when no row joins."""


class LatestClock(Part):
    """The latest of several clocks; those that are null do not count unless all are."""

    latest: tuple[Annotated[_SingleClock, Field()], ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _names_each_once(self) -> LatestClock:
        if len({clock.model_dump_json(include={"table", "on", "column"}) for clock in self.latest}) < len(self.latest):
            raise ValueError("The latest of several clocks names one of them twice: keep it once.")
        return self


def _single_shape(value: Any) -> str:
    joined = isinstance(value, JoinedClock) or (isinstance(value, dict) and ("table" in value or "on" in value))
    return "joined" if joined else "column"


def _clock_shape(value: Any) -> str:
    latest = isinstance(value, LatestClock) or (isinstance(value, dict) and "latest" in value)
    return "latest" if latest else _single_shape(value)


_SingleClock = Annotated[
    Annotated[ColumnClock, Tag("column")] | Annotated[JoinedClock, Tag("joined")], Discriminator(_single_shape)
]
Clock = Annotated[
    Annotated[ColumnClock, Tag("column")]
    | Annotated[JoinedClock, Tag("joined")]
    | Annotated[LatestClock, Tag("latest")],
    Discriminator(_clock_shape),
]
LatestClock.model_rebuild()


class OwnSubject(Part):
    """Whose row it is: a key that stands in the row."""

    column: Identifier


class JoinedSubject(OwnSubject):
    """Whose row it is: a key that stands in the one row of another table that this row points to."""

    table: TableName
    on: dict[Identifier, Identifier] = Field(min_length=1)


def _subject_shape(value: Any) -> str:
    joined = isinstance(value, JoinedSubject) or (isinstance(value, dict) and ("table" in value or "on" in value))
    return "joined" if joined else "own"


Subject = Annotated[
    Annotated[OwnSubject, Tag("own")] | Annotated[JoinedSubject, Tag("joined")], Discriminator(_subject_shape)
]


class Condition(Part):
    """Rows that a promise does not speak of, by one column; a null never matches `equals` or `in`."""

    column: Identifier
    equals: str | int | bool | None = None
    in_: tuple[str | int, ...] = Field(default=(), alias="in")
    is_null: bool = False
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


class RowPeriod(Part):
    """A period that each row carries. The policy's caps it; null means the policy's; zero or less is undecidable."""

    column: Identifier
    unit: PeriodUnit


class LegalReason(Part):
    """Why rows may be kept up to the longer of two periods: a column with the reason, or one reason for all."""

    column: Identifier | None = None
    always: Line | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> LegalReason:
        if (self.column is None) == (self.always is None):
            raise ValueError("A legal reason says exactly one of `column` or `always`.")
        return self


class DataGroup(Part):
    """Columns of a table that hold one category of personal data and fall due together."""

    category: Category
    name: Name | None = None
    """Distinguishes groups of one category in one table; part of the check's id."""
    columns: tuple[Identifier, ...] = ()
    """The columns; a row in which all of them are null holds no such data. Empty: the row itself is the data."""
    clock: Clock
    period: RowPeriod | None = None
    legal_reason: LegalReason | None = None
    out_of_scope: tuple[Condition, ...] = ()


class SoftDelete(Part):
    """How a table marks rows as deleted without deleting them."""

    clock: ColumnClock | None = None
    flag: Identifier | None = None

    @model_validator(mode="after")
    def _says_something(self) -> SoftDelete:
        if self.clock is None and self.flag is None:
            raise ValueError("A soft delete is marked by `clock`, by `flag`, or by both.")
        return self


class UseOfService(Part):
    """Rows that are uses of the service by a person, and when they happened."""

    clock: InstantClock
    out_of_scope: tuple[Condition, ...] = ()


class Relation(StrEnum):
    """What kind of relation the catalog must show."""

    TABLE = "table"
    PARTITIONED = "partitioned"


class Anonymous(Part):
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
    def _is_not_both(self) -> Anonymous:
        for column in self.sensitive:
            if column in self.quasi_identifiers:
                raise ValueError(f"Column {column} is quasi-identifier and sensitive at once: keep one of the two.")
        return self


class IdentifierColumn(Part):
    """A column by which a person can be found."""

    kind: IdentifierKind
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


class Origin(Part):
    """A column that says where a row came from."""

    column: Identifier
    direct: tuple[Line, ...] = Field(min_length=1)
    """Its values that mean: from the person, in person, and by no import, sync or restore."""


class TableMap(Part):
    """One table of a store."""

    title: Line
    """What its rows are, in the plural: `Positions`."""
    relation: Relation = Relation.TABLE
    key: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that name a row to an engineer."""
    subject: Subject | None = None
    may_be_empty: bool = False
    """An empty table is otherwise a review: no data is never a pass."""
    use_of_service: UseOfService | None = None
    soft_delete: SoftDelete | None = None
    identifiers: dict[Identifier, Annotated[IdentifierColumn, BeforeValidator(_as_kind)]] = {}
    """Columns by which erased persons are looked for: e-mail, phone, IBAN, name, key, or free text."""
    collected: ColumnClock | None = None
    """When the data was collected, set once: tells who was restored from who signed up again."""
    origin: Origin | None = None
    anonymous: Anonymous | None = None
    """Kept for statistics, beyond the periods of personal data."""
    secrets: dict[Identifier, Secret] = {}
    """Columns of passwords, encrypted values and card codes, which nobody may be able to read."""
    data: tuple[DataGroup, ...] = ()


class BirthEncoding(StrEnum):
    """How a birth date is written."""

    DATE = "date"
    YEAR = "year"


class Birth(Part):
    """When a person was born."""

    column: Identifier
    encoding: BirthEncoding = BirthEncoding.DATE
    default_dates: tuple[date, ...] = (date(1900, 1, 1), date(1970, 1, 1), date(2000, 1, 1))
    """Dates that forms fill in by themselves: they mean unknown."""
    default_years: tuple[int, ...] = (1900,)
    """The same where only a year is written."""


class Persons(Part):
    """The table of the persons a store knows."""

    table: TableName
    key: Identifier
    born: Birth


class Reading(StrEnum):
    """How a consent ledger is kept, and so how it must be read. On overlapping rows the two differ widely."""

    EVENTS = "events"
    """The last grant or withdrawal before the moment wins; at the same instant the withdrawal wins."""
    INTERVALS = "intervals"
    """A moment is covered when any granted-withdrawn row covers it."""


class ConsentAction(Part):
    """Which value of a column grants and which withdraws; any other value may be either."""

    column: Identifier
    grant: str
    withdraw: str

    @model_validator(mode="after")
    def _are_told_apart(self) -> ConsentAction:
        if self.grant == self.withdraw:
            raise ValueError("`grant` and `withdraw` are the same word. Write what the column says in each case.")
        return self


class _Ledger(Part):
    """A ledger of consents by purpose."""

    table: TableName
    subject: Identifier
    purpose: Identifier
    purposes: dict[Name, str] = {}
    """The policy's word for a purpose to the ledger's; the same word when not listed."""
    every_purpose: Line | None = None
    """The ledger's word for all purposes: what is granted or withdrawn so is granted or withdrawn for each of them."""


class EventLedger(_Ledger):
    """One row per grant or withdrawal.

    A withdrawal whose purpose is no word that policy or map knows may have ended any consent.
    """

    other_purposes: tuple[Line, ...] = ()
    """The ledger's words for purposes of which the policy does not speak. A compiled check has the policy's as well."""

    reading: Literal[Reading.EVENTS]
    action: ConsentAction
    at: InstantClock


class IntervalLedger(_Ledger):
    """One row per consent, from its grant to its withdrawal (null: not withdrawn)."""

    reading: Literal[Reading.INTERVALS]
    granted: InstantClock
    withdrawn: InstantClock


Consents = Annotated[EventLedger | IntervalLedger, Field(discriminator="reading")]
"""The ledger of consents by purpose; `reading` says which of the two."""


class ConsentForm(Part):
    """Columns that show in which form a guardian's consent came."""

    channel: Identifier
    mailbox: Identifier
    message: Identifier
    """Id of the message."""
    proof: Identifier
    """Digest of the message as archived."""
    guardian: Identifier | None = None
    """Who consented, by a key or by name; the child itself is no guardian."""


class GuardianConsents(Part):
    """The register of the consents of parents and guardians."""

    title: Line = "Guardian consents"
    table: TableName
    key: tuple[Identifier, ...] = Field(min_length=1)
    subject: Identifier
    """The child."""
    received: InstantClock
    revoked: InstantClock
    form: ConsentForm | None = None
    may_be_empty: bool = False


class LegalHolds(Part):
    """The register of legal holds, one row per person and category."""

    title: Line = "Legal holds"
    table: TableName
    key: tuple[Identifier, ...] = Field(min_length=1)
    subject: Identifier
    category: Identifier
    categories: dict[Category, str] = {}
    """Our word for a category to the register's; the same word when not listed."""
    every_category: str | None = None
    """The register's word for all categories."""
    matter: Identifier
    started: DayClock
    released: DayClock
    may_be_empty: bool = True
    keys: Name | None = None
    """Airflow connection whose password holds the keys with which held rows are digested, as `ErasureLedger.keys`.
    Without it nothing of them can be put on file, and nobody can tell whether one has vanished."""
    kept_in: Name = Field(default="privacy_audit_register", alias="register")
    """Airflow connection of the audit's own register, where these digests are kept."""


class PurgeRuns(Part):
    """The log of the jobs that delete rows, one row per run. It tells why rows are still there, and decides nothing."""

    table: TableName
    target: Identifier
    """Column that names what was purged."""
    targets: dict[TableName, Line] = {}
    """Our name of a table to the log's word; the same word when not listed."""
    finished: DayClock
    """A null: the run did not finish."""
    deleted: Identifier
    """Column with how many rows the run deleted; a null: nobody knows."""

    def word_for(self, table: str) -> str:
        """What the log calls a table."""
        return self.targets.get(table, table)


def _register_file(name: str) -> str:
    if not _REGISTER_FILE.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} is no file of expectations/registers. Write its plain name, as recipients.csv or"
            " recipients.yaml."
        )
    return name


_REGISTER_FILE = re.compile(r"[a-z][a-z0-9_]{0,40}\.(csv|yaml)")


def _as_column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


FieldColumn = Annotated[ColumnClock, BeforeValidator(_as_column), AfterValidator(_day)]
"""The column of a field: its name, or, where it tells a moment, a clock that tells the day, or more."""


class Records(Part):
    """A register of the company (`company_registers.py` says which there are), as a table of the store or as a file."""

    title: Line | None = None
    """Its rows, in the plural, where another word than the usual one is wanted."""
    table: TableName | None = None
    file: Annotated[str, AfterValidator(_register_file)] | None = None
    """Below `expectations/registers/`; its columns are called as the fields are."""
    key: tuple[Identifier, ...] = ()
    fields: dict[Name, FieldColumn] = {}
    """Field to the column that holds it."""
    words: dict[Name, dict[Line, Line]] = {}
    """Of a field: the policy's word to the register's; the same word when not listed."""
    may_be_empty: bool = False
    line_fields: tuple[Name, ...] = ()
    """The fields of the file in the order of its cells. Never written by hand."""
    lines: tuple[tuple[str | None, ...], ...] = ()
    """What the file says, one line per row. Never written by hand."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Records:
        if (self.table is None) == (self.file is None):
            raise ValueError("A register is a `table` of the store or a `file`: exactly one of the two.")
        if self.table is not None and self.lines:
            raise ValueError("`lines` are what a file says. A register in a table has none.")
        if self.table is not None and not (self.key and self.fields):
            raise ValueError("A register in a table needs its `key`, and under `fields` which column is which.")
        return self

    @property
    def name(self) -> str:
        """Its full name as a relation; a file is none of the store's."""
        return self.table or f"registers.{(self.file or '').partition('.')[0]}"

    def word(self, field: str, ours: str) -> str:
        """The register's word for one of ours."""
        return self.words.get(field, {}).get(ours, ours)


class ErasureLedger(Part):
    """The ledger of completed erasures: for each request, keyed digests of what identified the person."""

    title: Line = "Erasure ledger"
    table: TableName
    key: tuple[Identifier, ...] = Field(min_length=1)
    request: Identifier
    key_version: Identifier
    kind: Identifier
    """Column with the kind of the identifier, as `email` or `key`."""
    digest: Identifier
    """Column with the digest, in hexadecimal."""
    completed: InstantClock
    """When every store had confirmed; null until then."""
    shared: Identifier | None = None
    """Boolean column that says whether others have the identifier, too (a household's line): what is found by such a
    one alone is for a person to look at."""
    may_be_empty: bool = False
    """A ledger in which nobody is erased would otherwise let every row pass: no data is never a pass."""
    connection: Name | None = None
    """Airflow connection of the database where the ledger is, where that is another store's."""
    keys: Name
    """Airflow connection whose password holds the keys: {"keys": {"1": "<base64>"}}."""
    exempt: dict[TableName, Line] = {}
    """Tables in which the data of erased persons may stay, with the legal ground (GDPR art. 17(3))."""


class Registers(Part):
    """The registers the store keeps. One that is missing makes the controls that need it `not_audited`.

    The log of purge runs is no such register: no control needs it.
    """

    consents: Consents | None = None
    guardian_consents: GuardianConsents | None = None
    legal_holds: LegalHolds | None = None
    purge_runs: PurgeRuns | None = None
    accounts: Records | None = None
    applicants: Records | None = None
    backups: Records | None = None
    certificates: Records | None = None
    consent_records: Records | None = None
    consents_given: Records | None = None
    cookie_observations: Records | None = None
    cookies: Records | None = None
    deaths: Records | None = None
    dpo_appointments: Records | None = None
    erasure_entries: Records | None = None
    erasures: ErasureLedger | None = None
    guardian_records: Records | None = None
    hold_reviews: Records | None = None
    incidents: Records | None = None
    invoices: Records | None = None
    mailbox_probes: Records | None = None
    marketing_messages: Records | None = None
    notices: Records | None = None
    objections: Records | None = None
    policy_versions: Records | None = None
    processing: Records | None = None
    processing_events: Records | None = None
    recipients: Records | None = None
    restrictions: Records | None = None
    rights_requests: Records | None = None
    roles: Records | None = None
    sources: Records | None = None
    tools: Records | None = None
    transfers: Records | None = None

    @field_validator(*COMPANY_REGISTERS)
    @classmethod
    def _speaks_of_known_fields(cls, records: Records | None, info: ValidationInfo) -> Records | None:
        known = COMPANY_REGISTERS[info.field_name or ""].fields
        for field in (*records.fields, *records.words) if records else ():
            if field not in known:
                raise ValueError(f'This register has no field "{field}". {did_you_mean(field, known)}'.strip())
        return records

    def knowing(self, purposes: Iterable[str]) -> Registers:
        """The registers, of which the ledger of consents knows these words of the policy for a purpose, too."""
        ledger = self.consents
        if not isinstance(ledger, EventLedger):
            return self
        words = {ledger.purposes.get(purpose, purpose) for purpose in purposes}
        known = tuple(sorted({*ledger.other_purposes, *ledger.purposes.values(), *words}))
        return self.model_copy(update={"consents": ledger.model_copy(update={"other_purposes": known})})

    def records(self, name: str) -> Records | None:
        """The company's register of that name, where this store keeps it."""
        return getattr(self, name) if name in COMPANY_REGISTERS else None

    def purge_runs_of(self, table: str) -> PurgeRuns | None:
        """The log as the checks of one table carry it: with the word for that table only."""
        if self.purge_runs is None:
            return None
        own = {name: word for name, word in self.purge_runs.targets.items() if name == table}
        return self.purge_runs.model_copy(update={"targets": own})


class NotPersonal(Part):
    """A decision that a table, or columns of it, hold nothing about a person, though nobody maps them. It persists."""

    table: TableName
    columns: tuple[Identifier, ...] = ()
    """Empty: the whole table, with what is added to it later."""
    reason: Line
    reviewed_by: Line
    on: date


class NotApplicable(Part):
    """Controls that have nothing to look at in this store, and who signed for that."""

    controls: tuple[str, ...] = Field(min_length=1)
    reason: Line
    signed_by: Line
    on: date


class StoreMap(Part):
    """One production database."""

    store: Name
    title: Line
    connection: Name
    """Airflow connection with a role that may only read."""
    owner: Line
    """The team that is told."""
    alert: Name
    """Airflow connection with the owner's channels."""
    no_data_before: date
    """The company's first day: an earlier moment is a default value, not a fact."""
    persons: Persons | None = None
    registers: Registers = Registers()
    tables: dict[TableName, TableMap] = Field(min_length=1)
    not_personal: tuple[NotPersonal, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    formerly: dict[TableName, tuple[TableName, ...]] = {}
    """Table to the names it had before, so that its findings go on."""
