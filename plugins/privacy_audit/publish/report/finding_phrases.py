"""The words for how findings live, for a reader who knows law and no SQL. A shape goes with each, beside the colour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.tally import Forecast
from privacy_audit.findings.finding_state import (
    FindingChange,
    FindingKind,
    FindingStatus,
    Triage,
    WaiverState,
)
from privacy_audit.view.finding_view import FindingView, WaiverView

EARLIER = (
    "This audit is judged by an earlier instant than one already filed, so it moved no status: what is new, back, due "
    "or gone is told by the later one."
)
WITHOUT_HISTORY = "This audit was filed without history, so the report does not say what is new and what was known."
ELSEWHERE = "This store was already judged by a later instant: that report tells how this finding stands."
BRAKED = "Many times the usual number: rule or incident? Nobody should delete before a person has looked."
NO_DRAFT = "No draft of a deletion is shown while the number is unusual: a person has to look first."
NEVER_RUN = (
    "This draft would close the finding. It is for the owner of the store to review and to run: the audit never "
    "executes it, and as it stands it changes nothing, for it ends with ROLLBACK."
)

SIGNS: dict[FindingStatus, str] = {
    FindingStatus.NEW: "✱",
    FindingStatus.OPEN: "●",
    FindingStatus.REOPENED: "↺",
    FindingStatus.RESOLVED: "✓",
}
"""A shape for each status, so that colour is never the only difference."""
WAIVED_SIGN = "◐"
OVERDUE_SIGN = "▲"
UNUSUAL_SIGN = "!"
LOOSENED_SIGN = "▽"

TRIAGES: dict[Triage, str] = {
    Triage.UNDER_REVIEW: "Under review",
    Triage.REMEDIATING: "Being remedied",
    Triage.RISK_ACCEPTED: "Risk accepted",
    Triage.FALSE_POSITIVE: "A false alarm",
}
"""What people say of a finding. It changes neither what was found nor how the finding stands."""

TONIGHT: dict[FindingChange, str] = {
    FindingChange.RETURNED: "It had been resolved, and is back.",
    FindingChange.WORSENED: "It became worse: its promise weighs more now, or rows that could not be decided are known "
    "to be in breach.",
    FindingChange.GREW: "It grew clearly since its owner was last told of its rows.",
    FindingChange.DUE_PASSED: "The day by which it was to be closed is over.",
    FindingChange.WAIVED: "A waiver covers it from tonight on.",
    FindingChange.WAIVER_ENDING: "Its waiver ends soon.",
    FindingChange.WAIVER_EXPIRED: "Its waiver has expired.",
    FindingChange.WAIVER_EXCEEDED: "There are more rows than were waived, so its waiver covers it no more.",
    FindingChange.WAIVER_WITHDRAWN: "Its waiver no longer stands in the file.",
}
"""What an audit changed, as sentences; what its status and the brake say already is not said again."""

WAIVER_STATES: dict[WaiverState, str] = {
    WaiverState.IN_FORCE: "in force",
    WaiverState.ENDING: "ends soon",
    WaiverState.UNUSED: "unused",
    WaiverState.OVER_BROAD: "too broad",
    WaiverState.EXCEEDED: "exceeded",
    WaiverState.EXPIRED: "expired",
    WaiverState.NOT_YET: "not yet in force",
}
UNSEEN_WAIVER = "not looked at tonight"
"""For a waiver whose check was not part of the audit."""

DIRECTIONS: dict[Direction, str] = {
    Direction.LOOSENED: "Loosened: less is promised, checked or found than before",
    Direction.CHANGED: "Changed: nobody can tell which of the two is stricter",
    Direction.TIGHTENED: "Tightened: more is promised, checked or found than before",
}
"""What a change of the policy does, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class ShapedWord:
    """A word with a shape; `name` is its colour in the style sheet."""

    name: str
    sign: str
    text: str


def civil(moment: datetime, zone: ZoneInfo) -> str:
    """The civil day of an instant in the policy's zone: `24 November 2026`."""
    return phrases.day(local_date(moment, zone))


def status(finding: FindingView, zone: ZoneInfo) -> ShapedWord:
    """How a finding stands: `new tonight`, `open since 3 May 2026`, `back since 4 June 2026`, `resolved tonight`."""
    return ShapedWord(finding.status.value, SIGNS[finding.status], _status(finding, zone))


def _status(finding: FindingView, zone: ZoneInfo) -> str:
    match finding.status:
        case FindingStatus.NEW:
            return "new tonight"
        case FindingStatus.REOPENED:
            return "back tonight"
        case FindingStatus.RESOLVED:
            return "resolved tonight"
        case FindingStatus.OPEN if finding.reopened_at:
            return f"back since {civil(finding.reopened_at, zone)}"
        case FindingStatus.OPEN:
            return f"open since {civil(finding.first_seen, zone)}"


def rows(finding: FindingView) -> str:
    """What was counted when it was last seen, strictly: `12 290 rows in breach, 22 cannot be decided`."""
    if finding.kind is FindingKind.NOT_AUDITED:
        return "not audited"
    parts = []
    if finding.violating or not finding.undecidable:
        parts.append(f"{phrases.count(finding.violating, 'row')} in breach")
    if finding.undecidable:
        amount = phrases.number(finding.undecidable) if parts else phrases.count(finding.undecidable, "row")
        parts.append(f"{amount} cannot be decided")
    return ", ".join(parts)


def resolution(finding: FindingView, tonight: Outcome | None) -> str:
    """Why a finding is resolved, as a sentence."""
    if finding.kind is FindingKind.NOT_AUDITED:
        return "Could be looked at again." if tonight else "Is no longer to be looked at."
    if tonight is Outcome.NOT_APPLICABLE:
        return "Its owner signed that there is nothing to apply to any more."
    return "An audit looked and found it gone."


def tonight(finding: FindingView) -> tuple[str, ...]:
    """What the audit changed about a finding, as sentences."""
    return tuple(TONIGHT[change] for change in finding.changes if change in TONIGHT)


def waiver_state(state: WaiverState | None) -> str:
    """The state of a waiver in words."""
    return WAIVER_STATES[state] if state else UNSEEN_WAIVER


def waiver_advice(report: WaiverView, state: WaiverState | None) -> str:
    """What to do about a waiver; empty when there is nothing to do."""
    match state:
        case WaiverState.UNUSED:
            return "There is nothing for it to cover. Take it out of the file."
        case WaiverState.OVER_BROAD:
            allowed, there = phrases.count(report.max_rows, "row"), phrases.number(report.rows)
            return f"It allows {allowed} where there are {there}. Lower its number."
        case WaiverState.ENDING:
            return "Close the finding before it ends, or look at it again and have the waiver renewed."
        case WaiverState.EXCEEDED:
            return (
                "There are or were more rows than it allows, so it covers nothing. "
                "Close the finding, or have another waiver approved."
            )
        case WaiverState.EXPIRED:
            return "It covers nothing any more. Take it out of the file, or have it renewed."
        case _:
            return ""


def forecast(due: Forecast) -> str:
    """`If nothing is deleted, 1 200 more rows fall due within 30 days and 3 800 within 90 days.`"""
    opening = "If nothing is deleted, "
    if not due.in_90_days:
        return f"{opening}no further row falls due within 90 days{_by_estimate(due)}."
    about = "about " if due.estimated else ""
    soon = f"{about}{_more(due.in_30_days)}" if due.in_30_days else "no further row falls due"
    later = f"{about}{phrases.number(due.in_90_days)} within 90 days"
    return f"{opening}{soon} within 30 days and {later}{_by_estimate(due)}."


def _more(amount: int) -> str:
    return f"{phrases.number(amount)} more {'row falls' if amount == 1 else 'rows fall'} due"


def _by_estimate(due: Forecast) -> str:
    return ", by the database planner’s estimate" if due.estimated else ""  # noqa: RUF001 - an apostrophe


def signed(amount: int | None) -> str:
    """A difference: `+1 204`, `−310`, `0`; `unknown` without one."""  # noqa: RUF002 - a minus sign
    if amount is None:
        return "unknown"
    sign = "+" if amount > 0 else "−" if amount < 0 else ""  # noqa: RUF001 - a minus sign
    return f"{sign}{phrases.number(abs(amount))}"
