"""The nouns of the audit: frozen values, no input or output.

Every stage speaks in these types. Instants are timezone-aware `datetime` in UTC, civil dates are `date` in the
policy's zone, counts are rows. Nothing in here may hold a value that was read from a personal column.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What an audit says of a check, a store or the whole. Five words, never fewer."""

    FAIL = "fail"
    """Looked, and the promise is broken."""
    NOT_AUDITED = "not_audited"
    """Could not look. Never counted among what passed."""
    REVIEW = "review"
    """Looked, and some rows cannot be decided. Unknown is not compliant."""
    PASS = "pass"  # noqa: S105 - an outcome, not a password
    """Looked at every row in scope and found no nonconformity."""
    NOT_APPLICABLE = "not_applicable"
    """The store holds nothing this control speaks of, and its owner signed for that."""


ROLL_UP = (Outcome.FAIL, Outcome.NOT_AUDITED, Outcome.REVIEW, Outcome.PASS, Outcome.NOT_APPLICABLE)
"""Which outcome wins when several are summed up: the first one present."""


TELLING = (Outcome.NOT_AUDITED, Outcome.FAIL, Outcome.REVIEW, Outcome.PASS, Outcome.NOT_APPLICABLE)
"""The order in which people are told: what nobody looked at comes first."""

FOUND = TELLING[: TELLING.index(Outcome.PASS)]
"""The outcomes that make a check a finding."""


def roll_up(outcomes: list[Outcome]) -> Outcome:
    """One outcome for many: not applicable only when all are. Nothing evaluated is no pass: it is `not_audited`."""
    return next((outcome for outcome in ROLL_UP if outcome in outcomes), Outcome.NOT_AUDITED)


class Severity(StrEnum):
    """How bad a broken promise is; the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Plan(StrEnum):
    """How a check read its table."""

    FULL = "full"
    """One scan; each row was counted, so the identity of the tally is proved."""
    SEEK = "seek"
    """Only rows that are not compliant were read through an index; the population is the planner's estimate."""


class Category(StrEnum):
    """Kinds of personal data the policy makes promises about."""

    PROFESSIONAL_IDENTITY = "professional_identity"
    FINANCIAL = "financial"
    GEOLOCATION = "geolocation"
    CONNECTION = "connection"
    COOKIE = "cookie"


class Secret(StrEnum):
    """What a column must hold in such a way that nobody can read it."""

    PASSWORD = "password"  # noqa: S105 - a word for passwords, and none
    """Only a slow, salted hash may be stored, or a marker by which nobody can log in."""
    ENCRYPTED = "encrypted"
    """Only what a cipher gave may be stored."""
    CARD_CODE = "card_code"
    """The verification code of a payment card: nothing may be stored once the payment is authorised."""


class IdentifierKind(StrEnum):
    """What a text identifies a person by. The word is part of every digest: it never changes."""

    EMAIL = "email"
    """An e-mail address, with its +tag."""
    MAILBOX = "mailbox"
    """The mailbox an address most likely leads to: without its +tag and, at Gmail, without dots. Never a column's."""
    PHONE = "phone"
    IBAN = "iban"
    KEY = "key"
    """A key of ours, together with what it is a key of."""
    NAME = "name"
    """A person's full name: at least two words, in any order."""
    TEXT = "text"
    """Free text or JSON in which e-mail addresses and phone numbers may stand. A column's kind only; never digested."""


class OwnKind(StrEnum):
    """Kinds of controls about the audit itself. No store has to do with them."""

    OWN_RECORDS = "own_records"
    """It keeps what it wrote no longer than laid down."""
    NIGHTLY = "nightly"
    """It takes place."""


COMPANY = "company"
"""Name under which the company as a whole stands among the stores."""
OWN_RECORDS = "privacy_audit"
"""Name under which the audit's own records stand among them."""
NO_DATABASES = frozenset({COMPANY, OWN_RECORDS})
"""What is told as a store and is none: a control that is answered there concerns no database."""


class Automation(StrEnum):
    """How far a clause is audited."""

    CONTROL = "control"
    """At least one control computes it."""
    NOT_YET_AUTOMATED = "not_yet_automated"
    """It could be computed, and is not: a gap, and said."""
    NOT_CHECKABLE = "not_checkable"
    """No database can show it; the reason is given."""
    INFORMATION = "information"
    """It promises nothing (a heading's answer, an address)."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the privacy policy, quoted word by word."""

    id: str
    """Stable, as `retention.geolocation`."""
    section: str
    """The policy's own heading."""
    quote: str
    automation: Automation
    reason: str = ""
    """Why it is not checkable, or what is missing before it is automated."""


class Pack(StrEnum):
    """Whose rule a control is. The two are versioned apart, and a row may keep one and break the other."""

    POLICY = "policy"
    """What the company's own policy promises."""
    LAW = "law"
    """What the law asks, whether the policy promises it or not."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the law says it, and who read it there."""

    where: str
    """As `Regulation (EU) 2016/679, art. 12(3)`."""
    quote: str
    """The words, or what they amount to."""
    checked_on: date
    checked_by: str


@dataclass(frozen=True, slots=True)
class Control:
    """One promise made computable. Its `kind` names the file in `controls/` that states its truth."""

    id: str
    """As `RET-3`; never changes."""
    kind: str
    title: str
    """The promise as one short sentence: `Positions are deleted 2 months after they were recorded`."""
    severity: Severity
    clauses: tuple[str, ...]
    """Ids of the clauses it computes."""
    legal_basis: tuple[str, ...]
    """Articles, as `GDPR art. 5(1)(e)`."""
    effective_from: date
    """First civil day (policy's zone) on which it is promised."""
    effective_to: date | None = None
    """Last civil day, or None while it holds."""
    categories: tuple[Category, ...] = ()
    """Categories it speaks of; empty when it is not about a category."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the kind asks for, as `{"period": "P2M"}`: texts, and lists and mappings of them."""
    formerly: tuple[str, ...] = ()
    """Ids it had before: findings filed under them go on under its id."""
    fix: str = ""
    """How to close a finding, where the kind alone cannot say it."""
    pack: Pack = Pack.POLICY
    source: Source | None = None
    """Of a rule of the law."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where the policy differs from itself or from the law. Part of every report."""

    id: str
    policy: str
    law: str
    consequence: str
    """What the audit does about it."""
    controls: tuple[str, ...] = ()
    """Ids of the controls, of the policy or of the law, whose outcomes show what it comes to tonight."""


@dataclass(frozen=True, slots=True)
class Law:
    """A version of what the law asks, as controls. It changes on other days than the policy, and by other hands."""

    version: str
    title: str
    effective_from: date
    digest: str
    """Digest of its file, `expectations/law.yaml`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A version of the privacy policy as clauses and controls, with the law beside which it is read."""

    version: str
    title: str
    effective_from: date
    effective_to: date | None
    zone: str
    """IANA name of the zone whose civil dates the policy speaks of."""
    source_sha256: str
    """Digest of the full text, `expectations/policy.txt`."""
    digest: str
    """Digest of the file that turns the text into controls, `expectations/policy.yaml`."""
    clauses: tuple[Clause, ...]
    controls: tuple[Control, ...]
    """Of the policy, and after them those of the law; `Control.pack` tells them apart."""
    conflicts: tuple[Conflict, ...]
    law: Law | None = None

    def clause(self, clause_id: str) -> Clause:
        """The clause of that id; KeyError when the policy has none."""
        return {clause.id: clause for clause in self.clauses}[clause_id]

    def control(self, control_id: str) -> Control:
        """The control of that id; KeyError when the policy has none."""
        return {control.id: control for control in self.controls}[control_id]


AGE_BUCKETS: tuple[tuple[str, int], ...] = (
    ("up to a week", 0),
    ("up to a month", 7),
    ("up to 3 months", 30),
    ("up to a year", 90),
    ("over a year", 365),
)
"""Label and lower bound in days: how long violating rows have been in breach, 0 on the first day of the breach."""


class TallyMismatchError(ValueError):
    """The parts of a tally do not add up to its population: the check proves nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one check counted. `population = compliant + violating + held + undecidable + out_of_scope`, asserted.

    With `estimated`, only violating, held and undecidable rows were counted; population is the planner's estimate,
    `compliant` is the remainder and also contains the rows out of scope.
    """

    population: int
    compliant: int
    violating: int
    held: int
    """Would violate, but a legal hold in force names the subject and the category."""
    undecidable: int
    out_of_scope: int
    subjects: int
    """Distinct persons among the violating rows."""
    oldest: datetime | None = None
    """Earliest clock among violating rows."""
    newest: datetime | None = None
    """Latest clock among violating rows."""
    overdue_since: date | None = None
    """First civil day on which one of the violating rows was in breach."""
    ages: tuple[int, ...] = (0,) * len(AGE_BUCKETS)
    """Violating rows per bucket of AGE_BUCKETS."""
    estimated: bool = False

    def __post_init__(self) -> None:
        parts = self.compliant + self.violating + self.held + self.undecidable + self.out_of_scope
        if self.population != parts:
            raise TallyMismatchError(f"population {self.population} is not the sum of its parts {parts}")
        counts = (self.compliant, self.violating, self.held, self.undecidable, self.out_of_scope, self.subjects)
        if min(*counts, *self.ages) < 0:
            raise TallyMismatchError("a part of the tally is negative")
        if sum(self.ages) != self.violating:
            raise TallyMismatchError(f"age buckets sum to {sum(self.ages)}, violating rows are {self.violating}")


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many rows that are not in breach at T will be, by time alone, if nothing is deleted before.

    Judged as the tally is, some civil days (policy's zone) after T: of the rows that are there at T, under the legal
    holds in force at T. A row that becomes undecidable is not counted.
    """

    in_30_days: int
    in_90_days: int
    """These rows too, so never fewer than in 30 days."""
    estimated: bool
    """Whether the numbers are the planner's estimates; otherwise each row was judged."""

    def __post_init__(self) -> None:
        if not 0 <= self.in_30_days <= self.in_90_days:
            raise TallyMismatchError(f"{self.in_30_days} rows due in 30 days, {self.in_90_days} in 90")


@dataclass(frozen=True, slots=True)
class Purge:
    """What the store's own log says of the job that deletes the rows of a check. It decides no outcome.

    Of its runs only those count that finished, at a moment that can be a fact, at T or before.
    """

    last_ran: datetime | None
    """When the last run finished; None when no run is on file."""
    last_deleted: datetime | None
    """When the last run finished that is known to have deleted a row; None when none is."""
    idle_runs: int
    """Runs after that one which deleted nothing."""
    untold_runs: int = 0
    """Runs after that one of which the log does not say how many rows they deleted."""

    def __post_init__(self) -> None:
        runs = self.idle_runs + self.untold_runs + (self.last_deleted is not None)
        if min(self.idle_runs, self.untold_runs) < 0 or (self.last_ran is None) is (runs > 0):
            raise TallyMismatchError(f"{runs} runs of a purge that last ran at {self.last_ran}")
        if self.last_ran and self.last_deleted and self.last_ran < self.last_deleted:
            raise TallyMismatchError("the last run of a purge was before one that deleted")


class Cause(StrEnum):
    """Why a check or store ended in review or was not audited. Said in words by `reason`."""

    UNDECIDABLE_ROWS = "undecidable_rows"
    EMPTY = "empty"
    """The table holds no row although the map says it is in use."""
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """Login or privilege refused."""
    HIDDEN_ROWS = "hidden_rows"
    """Row-level security would hide rows."""
    DRIFT = "drift"
    """A table, column or type is not what the map says."""
    UNSAFE_SESSION = "unsafe_session"
    """The session contract could not be established, or the role may do more than read."""
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    STALE = "stale"
    """The server is a replica that is too far behind, or nobody knows how far."""
    LOST = "lost"
    """The connection was lost while reading."""
    INTERNAL = "internal"
    """The tally did not add up, or the evaluated checks are not the expected ones."""
    EXPIRED = "expired"
    """Somebody's word for it has ended, and nobody has looked since."""
    MISSING = "missing"
    """No table of the store is mapped to what the control speaks of, and no owner signed that there is none."""
    BUSY = "busy"
    """Another audit is reading the store."""


def fingerprint_of(control: str, store: str, table: str, qualifier: str) -> str:
    """Identity of a place across nights: control, store, table, qualifier; no count, date, wording or version."""
    return hashlib.sha256("|".join(("v1", control, store, table, qualifier)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check with what it counted and what that means."""

    id: str
    """`store/schema.table/control[/qualifier]`: the same every night."""
    control: str
    store: str
    table: str
    """`schema.table`; empty for a check on the store as a whole."""
    qualifier: str
    """Which group of columns, when a table has several under one control; usually empty."""
    outcome: Outcome
    sentence: str
    """What was checked, for a reader without SQL."""
    tally: Tally | None = None
    plan: Plan | None = None
    plan_reason: str = ""
    """Why this plan was chosen."""
    cause: Cause | None = None
    reason: str = ""
    """Why the outcome is not a pass, in words; empty on a pass."""
    show_rows: str = ""
    """SELECT that lists the violating rows to an engineer who is entitled to read them."""
    show_undecidable: str = ""
    """The same for the rows that cannot be decided."""
    fix: str = ""
    """How to close the finding, in words."""
    draft: str = ""
    """Script that would delete or empty the violating rows: for the owner to review and run, never run by the audit.
    Empty when no row violates, and where only a person can settle what becomes of them."""
    forecast: Forecast | None = None
    """Rows that time alone will put in breach; None where no clock decides alone, or that was not found out."""
    purge: Purge | None = None
    """What the log of purge runs says; None where the store map names none, or it could not be read."""
    late_holds: int = 0
    """Held rows whose hold began after they were already overdue: the breach before it is not cured."""
    reading: str = ""
    """How the consent ledger was read, where one was: `events` or `intervals`."""
    attested_until: date | None = None
    """Last civil day on which somebody's word for it counts; None where nobody gave one."""

    @property
    def fingerprint(self) -> str:
        """Identity of the finding across nights; see `fingerprint_of`."""
        return fingerprint_of(self.control, self.store, self.table, self.qualifier)


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What the audit says of one store."""

    name: str
    title: str
    owner: str
    """Team that owns the store; one message per owner."""
    alert: str
    """Name of the Airflow connection that holds the owner's channels."""
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    cause: Cause | None = None
    reason: str = ""
    """Why the store as a whole was not audited; empty when it was."""
    snapshot: str = ""
    """Instant at which the store's snapshot was taken, and the server's version: ISO 8601 and words."""
    limits: tuple[str, ...] = ()
    """What is to be known about how it was looked at, as sentences: a role that may do more than read."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Stage to seconds; never part of the canonical report."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One run over all stores, judged by one instant."""

    id: str
    as_of: datetime
    """T: fixed before the first query, kept by retries."""
    policy: Policy
    stores: tuple[StoreResult, ...]
    limits: tuple[str, ...] = ()
    """What this audit could not or did not look at, as sentences."""
    triggered_by: str = ""
    """Run id of the scheduler or `command line`."""
    whole: bool = True
    """Whether every store and every control in force was asked for. A run over some says nothing of the rest."""
    database: str = ""
    """Identity of the audit database in which it is filed; empty when it is not."""

    @property
    def outcome(self) -> Outcome:
        """Fail, then not audited, then review, then pass."""
        return roll_up([store.outcome for store in self.stores])

    def outcome_of(self, pack: Pack) -> Outcome | None:
        """The same for the rules of the policy or of the law alone; None when no check is about one of them."""
        ids = {control.id for control in self.policy.controls if control.pack is pack}
        outcomes = [check.outcome for check in self.checks if check.control in ids]
        return roll_up(outcomes) if outcomes else None

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """All checks of all stores, in the order of the stores."""
        return tuple(check for store in self.stores for check in store.checks)
