"""Findings as they may be shown: texts clean, dates that come from rows coarsened, counts exact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.promises import Pack
from privacy_audit.findings.finding_state import (
    OPEN,
    FindingChange,
    FindingKind,
    FindingStatus,
    Triage,
    WaiverState,
)
from privacy_audit.view.shown_date import ShownDate


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What a person last said of a finding."""

    triage: Triage
    comment: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver beside the strict count of what it covers."""

    id: str
    check: str
    state: WaiverState
    reason: str
    requested_by: str
    approved_by: str
    expires: datetime
    max_rows: int
    rows: int


@dataclass(frozen=True, slots=True)
class EarlierFinding:
    """How a finding stood until tonight: from how many rows it grew, since when it was resolved."""

    outcome: Outcome
    severity: Severity
    told_rows: int
    resolved_at: datetime | None
    waiver: str
    waived_rows: int


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding beside what people said of it. Instants are those of audits, not of rows."""

    fingerprint: str
    kind: FindingKind
    check: str
    control: str
    store: str
    table: str
    qualifier: str
    owner: str
    status: FindingStatus
    outcome: Outcome
    severity: Severity
    first_seen: datetime
    last_seen: datetime
    due_by: date
    occurrences: int
    violating: int
    """Rows in breach, as last seen; strict, whatever is waived."""
    undecidable: int
    overdue_since: ShownDate | None
    by_month: bool
    reopened_at: datetime | None
    resolved_at: datetime | None
    unseen_since: datetime | None
    braked: bool
    waiver: str
    """Id of the waiver that covers it; empty when none does."""
    waived_rows: int
    waived_until: datetime | None
    changes: tuple[FindingChange, ...]
    decision: DecisionView | None = None
    waiver_report: WaiverView | None = None
    """The waiver that covers it, as its file says it."""
    before: EarlierFinding | None = None
    title: str = ""
    """The promise that it is about, or the store that nobody could look at."""
    place: str = ""
    """Title of the store; its name when tonight's audit has no such store."""
    pack: Pack | None = None
    """Whose rule it breaks; None for a store as a whole, and where tonight's policy does not have the control."""
    overdue_days: int = 0
    """Civil days since the day by which it was to be closed; 0 while that is not over, and while it is waived."""
    home: str = ""
    """Anchor of the card in which a page shows it; empty when no card of tonight is about it."""

    @property
    def rows(self) -> int:
        """Rows in breach or undecidable."""
        return self.violating + self.undecidable

    @property
    def is_open(self) -> bool:
        """Whether it is not known to be gone."""
        return self.status in OPEN

    @property
    def waived(self) -> bool:
        """Whether a waiver covers it."""
        return self.waiver != ""

    @property
    def key(self) -> str:
        """Its own anchor: the same every night."""
        return f"finding-{self.fingerprint[:16]}"

    @property
    def anchor(self) -> str:
        """Where a page shows it."""
        return self.home or self.key


@dataclass(frozen=True, slots=True)
class FindingNight:
    """How a finding stood after one audit."""

    as_of: datetime
    finding: FindingView


@dataclass(frozen=True, slots=True)
class ClosingView:
    """What closes a finding, as the last audit that found it said."""

    sentence: str
    reason: str
    fix: str
    show_rows: str
    show_undecidable: str
    draft: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What is known beyond one night."""

    findings: tuple[FindingView, ...]
    """The most urgent first."""
    waivers: tuple[WaiverView, ...]
    policy_changes: tuple[PolicyChange, ...]
    moved: bool
    """False when a later instant was filed before: such an audit moves no status."""
    is_known: bool
    """Whether it says how findings stand: not when the audit was filed without history."""
