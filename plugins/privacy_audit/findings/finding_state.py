"""The state of a finding after an audit, and its history. Frozen values without input or output.

A place (a control on a table of a store) has two independent findings: the promise is not kept, and the check could not
be done. With one finding only, a store that was down would hide a new breach or make an old one look resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain.outcomes import Outcome, Severity


class FindingKind(StrEnum):
    """What a finding is about."""

    NONCONFORMITY = "nonconformity"
    """Rows break a promise, or cannot be decided."""
    NOT_AUDITED = "not_audited"
    """Nobody could look. Its owner is who runs the audit, not who owns the data."""


class FindingStatus(StrEnum):
    """The status of a finding. Only outcomes change it, never a person."""

    NEW = "new"
    """Found tonight, and never before."""
    OPEN = "open"
    """Known, and not known to be gone. A night on which nobody could look leaves it open."""
    RESOLVED = "resolved"
    """An audit looked and found it gone."""
    REOPENED = "reopened"
    """It was resolved and came back tonight, or the waiver over it ended tonight. Open from the next night on."""


OPEN = (FindingStatus.NEW, FindingStatus.OPEN, FindingStatus.REOPENED)
"""The statuses of what is not closed."""


class FindingChange(StrEnum):
    """What an audit changed about a finding. Only these changes cause a message."""

    FOUND = "found"
    RETURNED = "returned"
    """Found again after it was resolved."""
    RESOLVED = "resolved"
    WORSENED = "worsened"
    """Its control became more severe, or rows that could not be decided are now known to be in breach."""
    GREW = "grew"
    """Its rows grew by more than the set share since its owner was last told of their number, or since they fell."""
    JUMPED = "jumped"
    """Its rows are many times what they used to be: a wrong rule or an incident? A person must look first."""
    DUE_PASSED = "due_passed"
    """The day by which it was to be closed is over."""
    WAIVED = "waived"
    """A waiver covers it from tonight on."""
    WAIVER_ENDING = "waiver_ending"
    WAIVER_EXPIRED = "waiver_expired"
    WAIVER_EXCEEDED = "waiver_exceeded"
    """There are more rows than were waived."""
    WAIVER_WITHDRAWN = "waiver_withdrawn"
    """Its waiver no longer stands in the file."""
    RENAMED = "renamed"
    """Its table or control has another name now: the finding of that name goes on with its dates."""


class Triage(StrEnum):
    """The triage of a finding by a person. It changes neither outcome nor status, and stops no message."""

    UNDER_REVIEW = "under_review"
    REMEDIATING = "remediating"
    RISK_ACCEPTED = "risk_accepted"
    """An opinion of one person: only a waiver, which two sign and git keeps, quiets a finding."""
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True, slots=True)
class TriageDecision:
    """One triage entry of a person. The last one counts, until the finding is resolved."""

    fingerprint: str
    triage: Triage
    comment: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FindingState:
    """The state of a finding after an audit: counts, dates and names of tables, no value of a row."""

    fingerprint: str
    kind: FindingKind
    check: str
    """Id of the check; `store/_store` for a store as a whole."""
    control: str
    store: str
    table: str
    qualifier: str
    owner: str
    """Team that owns the store."""
    status: FindingStatus
    outcome: Outcome
    """As it was last seen: fail, review or not audited. No decision of a person rewrites it."""
    severity: Severity
    first_seen: datetime
    """T of the first audit that found it; kept when it comes back."""
    last_seen: datetime
    """T of the last audit that found it."""
    due_by: date
    """Civil day by which it is to be closed: so many days, by severity, after it was first seen."""
    occurrences: int = 1
    """Audits that found it."""
    violating: int = 0
    """Rows in breach, as last seen; strict, whatever is waived."""
    undecidable: int = 0
    overdue_since: date | None = None
    """First civil day on which the promise was broken, from the data; exact: `disclosure` coarsens small counts."""
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    unseen_since: datetime | None = None
    """T of the first audit after `last_seen` that could not look; None when the last one looked."""
    told_rows: int = 0
    """Rows when its owner was last told of their number, or to which they fell since by more than half."""
    due_told: bool = False
    """Whether its owner was told that its day is over."""
    braked: bool = False
    """Its rows jumped: until a person has looked nobody should delete by it."""
    waiver: str = ""
    """Id of the waiver that covers it."""
    waived_rows: int = 0
    waived_until: datetime | None = None
    """Last instant at which the waiver covers it."""
    lapsed: str = ""
    """Terms of the waivers that ended over it, with spaces between: none of them ever covers it again."""
    ending_told: str = ""
    """Terms of the waivers whose end was announced."""
    changes: tuple[FindingChange, ...] = ()
    """What this audit changed, in the order of `FindingChange`."""

    @property
    def rows(self) -> int:
        """Returns the rows in breach or undecidable: waivers limit them, and growth is measured by them."""
        return self.violating + self.undecidable

    @property
    def is_open(self) -> bool:
        """Whether the finding is not resolved."""
        return self.status in OPEN

    @property
    def waived(self) -> bool:
        """Whether a waiver covers it."""
        return self.waiver != ""


@dataclass(frozen=True, slots=True)
class CheckCount:
    """What one audit counted at one place."""

    as_of: datetime
    outcome: Outcome
    violating: int | None = None
    """None when nobody could look: a gap in a chart, never a zero."""
    undecidable: int | None = None
    held: int | None = None
    population: int | None = None
    ages: tuple[int, ...] = ()
    """Violating rows per bucket of `model.AGE_BUCKETS`."""
    overdue_since: date | None = None
    """First civil day of the oldest breach."""


class WaiverState(StrEnum):
    """The state of a waiver after an audit."""

    IN_FORCE = "in_force"
    ENDING = "ending"
    UNUSED = "unused"
    """There is nothing for it to cover."""
    OVER_BROAD = "over_broad"
    """It covers far more rows than there are."""
    EXCEEDED = "exceeded"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    """It begins later."""


@dataclass(frozen=True, slots=True)
class WaiverReport:
    """A waiver of `expectations/waivers.yaml`, beside the strict count of what it covers."""

    id: str
    check: str
    state: WaiverState
    reason: str
    requested_by: str
    approved_by: str
    expires: datetime
    max_rows: int
    rows: int
    """Rows in breach or undecidable tonight."""


@dataclass(frozen=True, slots=True)
class FindingHistory:
    """What a report or a message shows beyond one night, as it was when the audit was filed."""

    standings: tuple[FindingState, ...] = ()
    """Open findings of the stores that were audited, and those resolved or renamed tonight; the most urgent first."""
    decisions: Mapping[str, TriageDecision] = field(default_factory=dict)
    """Fingerprint to what a person last said of it, while that stands."""
    series: Mapping[str, tuple[CheckCount, ...]] = field(default_factory=dict)
    """Fingerprint of a check to its nights, the oldest first, this one last; one point per civil day."""
    waivers: tuple[WaiverReport, ...] = ()
    policy_changes: tuple[PolicyChange, ...] = ()
    """What is promised or checked otherwise than in the audit filed before, the loosened first."""
    moved: bool = True
    """False when a later instant was filed before for all its stores: such an audit moves no status."""

    def standing(self, fingerprint: str) -> FindingState | None:
        """Returns the finding with that fingerprint, or None."""
        return next((one for one in self.standings if one.fingerprint == fingerprint), None)
