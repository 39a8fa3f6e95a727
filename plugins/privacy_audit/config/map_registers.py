"""Registers in a store map: where a store keeps the lists that the company must keep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from privacy_audit.config.map_clocks import ColumnClock, DayClock, InstantClock, day
from privacy_audit.config.map_fields import Identifier, Line, MapPart, Name, TableName
from privacy_audit.config.registers import COMPANY_REGISTERS
from privacy_audit.domain.categories import Category
from privacy_audit.domain.consent_reading import ConsentReading
from privacy_audit.domain.errors import did_you_mean


class ConsentAction(MapPart):
    """Which value of a column grants and which withdraws; any other value may be either."""

    column: Identifier
    """The column with the action."""
    grant: str
    """Its word for a grant."""
    withdraw: str
    """Its word for a withdrawal."""

    @model_validator(mode="after")
    def _are_told_apart(self) -> ConsentAction:
        if self.grant == self.withdraw:
            raise ValueError("`grant` and `withdraw` are the same word. Write what the column says in each case.")
        return self


class _Ledger(MapPart):
    """A ledger of consents by purpose."""

    table: TableName
    """The table of the ledger."""
    subject: Identifier
    """Column with the key of the person."""
    purpose: Identifier
    """Column with the purpose."""
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

    reading: Literal[ConsentReading.EVENTS]
    """How the ledger is read: `events`."""
    action: ConsentAction
    """What tells a grant from a withdrawal."""
    at: InstantClock
    """When it took place."""


class IntervalLedger(_Ledger):
    """One row per consent, from its grant to its withdrawal (null: not withdrawn)."""

    reading: Literal[ConsentReading.INTERVALS]
    """How the ledger is read: `intervals`."""
    granted: InstantClock
    """When the consent was given."""
    withdrawn: InstantClock
    """When it was withdrawn; null: it is in force."""


Consents = Annotated[EventLedger | IntervalLedger, Field(discriminator="reading")]
"""The ledger of consents by purpose; `reading` says which of the two."""


class ConsentForm(MapPart):
    """Columns that show in which form a guardian's consent came."""

    channel: Identifier
    """Column with the way it came, as `email`."""
    mailbox: Identifier
    """Column with the mailbox that received it."""
    message: Identifier
    """Id of the message."""
    proof: Identifier
    """Digest of the message as archived."""
    guardian: Identifier | None = None
    """Who consented, by a key or by name; the child itself is no guardian."""


class GuardianConsents(MapPart):
    """The register of the consents of parents and guardians."""

    title: Line = "Guardian consents"
    """Its rows, in the plural, as reports show them."""
    table: TableName
    """One row per consent."""
    key: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that name a row to an engineer."""
    subject: Identifier
    """The child."""
    received: InstantClock
    """When the consent came in."""
    revoked: InstantClock
    """When it was taken back; null: it is in force."""
    form: ConsentForm | None = None
    """Columns that show its form, where that is kept."""
    may_be_empty: bool = False
    """Whether the register may have no row."""


class LegalHolds(MapPart):
    """The register of legal holds, one row per person and category."""

    title: Line = "Legal holds"
    """Its rows, in the plural, as reports show them."""
    table: TableName
    """One row per person and category."""
    key: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that name a row to an engineer."""
    subject: Identifier
    """Column with the key of the person held."""
    category: Identifier
    """Column with the category of data held."""
    categories: dict[Category, str] = {}
    """Our word for a category to the register's; the same word when not listed."""
    every_category: str | None = None
    """The register's word for all categories."""
    matter: Identifier
    """Column with the dispute."""
    started: DayClock
    """When the hold began."""
    released: DayClock
    """When it ended; null: it is in force."""
    may_be_empty: bool = True
    """Whether the register may have no row: there may be no dispute."""
    keys: Name | None = None
    """Airflow connection whose password holds the keys with which held rows are digested, as `ErasureLedger.keys`.
    Without it nothing of them can be put on file, and nobody can tell whether one has vanished."""
    kept_in: Name = Field(default="privacy_audit_db", alias="register")
    """Airflow connection of the audit's own register, where these digests are kept."""


class PurgeRuns(MapPart):
    """The log of the jobs that delete rows, one row per run. It tells why rows are still there, and decides nothing."""

    table: TableName
    """The table of the log."""
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


FieldColumn = Annotated[ColumnClock, BeforeValidator(_as_column), AfterValidator(day)]
"""The column of a field: its name, or, where it tells a moment, a clock that tells the day, or more."""


class RegisterBinding(MapPart):
    """A register of the company (`config/registers.py` says which there are), as a table of the store or as a file."""

    title: Line | None = None
    """Its rows, in the plural, where another word than the usual one is wanted."""
    table: TableName | None = None
    """The table of the store that holds it."""
    file: Annotated[str, AfterValidator(_register_file)] | None = None
    """Below `expectations/registers/`; its columns are called as the fields are."""
    key: tuple[Identifier, ...] = ()
    """Columns that name a row to an engineer; of a table only."""
    fields: dict[Name, FieldColumn] = {}
    """Field to the column that holds it."""
    words: dict[Name, dict[Line, Line]] = {}
    """Of a field: the policy's word to the register's; the same word when not listed."""
    may_be_empty: bool = False
    """Whether the register may have no row: otherwise an empty one is a review."""
    line_fields: tuple[Name, ...] = ()
    """The fields of the file in the order of its cells. Never written by hand."""
    lines: tuple[tuple[str | None, ...], ...] = ()
    """What the file says, one line per row. Never written by hand."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> RegisterBinding:
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


class ErasureLedger(MapPart):
    """The ledger of completed erasures: for each request, keyed digests of what identified the person."""

    title: Line = "Erasure ledger"
    """Its rows, in the plural, as reports show them."""
    table: TableName
    """One row per request and identifier."""
    key: tuple[Identifier, ...] = Field(min_length=1)
    """Columns that name a row to an engineer."""
    request: Identifier
    """Column with the id of the request."""
    key_version: Identifier
    """Column with the version of the key by which the digest was made."""
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


class Registers(MapPart):
    """The registers the store keeps. One that is missing makes the controls that need it `not_audited`.

    The log of purge runs is no such register: no control needs it.
    """

    consents: Consents | None = None
    """The consents to purposes."""
    guardian_consents: GuardianConsents | None = None
    """The consents of parents and guardians."""
    legal_holds: LegalHolds | None = None
    """The legal holds: rows that must be kept."""
    purge_runs: PurgeRuns | None = None
    """The log of the jobs that delete."""
    accounts: RegisterBinding | None = None
    applicants: RegisterBinding | None = None
    backups: RegisterBinding | None = None
    certificates: RegisterBinding | None = None
    consent_records: RegisterBinding | None = None
    consents_given: RegisterBinding | None = None
    cookie_observations: RegisterBinding | None = None
    cookies: RegisterBinding | None = None
    deaths: RegisterBinding | None = None
    dpo_appointments: RegisterBinding | None = None
    erasure_entries: RegisterBinding | None = None
    erasures: ErasureLedger | None = None
    """The erasures that were completed."""
    guardian_records: RegisterBinding | None = None
    hold_reviews: RegisterBinding | None = None
    incidents: RegisterBinding | None = None
    invoices: RegisterBinding | None = None
    mailbox_probes: RegisterBinding | None = None
    marketing_messages: RegisterBinding | None = None
    notices: RegisterBinding | None = None
    objections: RegisterBinding | None = None
    policy_versions: RegisterBinding | None = None
    processing: RegisterBinding | None = None
    processing_events: RegisterBinding | None = None
    recipients: RegisterBinding | None = None
    restrictions: RegisterBinding | None = None
    rights_requests: RegisterBinding | None = None
    roles: RegisterBinding | None = None
    sources: RegisterBinding | None = None
    tools: RegisterBinding | None = None
    transfers: RegisterBinding | None = None

    @field_validator(*COMPANY_REGISTERS)
    @classmethod
    def _speaks_of_known_fields(cls, records: RegisterBinding | None, info: ValidationInfo) -> RegisterBinding | None:
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

    def records(self, name: str) -> RegisterBinding | None:
        """The company's register of that name, where this store keeps it."""
        return getattr(self, name) if name in COMPANY_REGISTERS else None

    def purge_runs_of(self, table: str) -> PurgeRuns | None:
        """The log as the checks of one table carry it: with the word for that table only."""
        if self.purge_runs is None:
            return None
        own = {name: word for name, word in self.purge_runs.targets.items() if name == table}
        return self.purge_runs.model_copy(update={"targets": own})
