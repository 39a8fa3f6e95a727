"""The results of an audit as frozen values: checks, stores, the audit itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime

from privacy_audit.domain.outcomes import Cause, Outcome, Plan, roll_up
from privacy_audit.domain.promises import Pack, Policy
from privacy_audit.domain.tally import Forecast, Purge, Tally


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
    """What is advised for this outcome: how to close the finding, how to decide what nobody could judge, or how to have
    it looked at. Empty where nothing is to be done. `advice.py` alone chooses."""
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
    """The result of one store."""

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
    read_later: bool = False
    """Whether it was read on a later day than the one judged by. Its findings then stay as they stood."""


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
