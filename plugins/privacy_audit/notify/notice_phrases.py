"""What changed about a finding, and how it stands, in words for the person who has to act. Pure."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.finding_state import FindingChange, FindingKind, WaiverState
from privacy_audit.view.finding_view import DecisionView, EarlierFinding, FindingView, WaiverView

LOOSENED = (
    "Resolved: its rows are no longer in breach, for what is promised or checked was changed. They may still be there."
)
LOOK_FIRST = "Many times the usual number: is it the rule or an incident? Look before anything is deleted."


def day(moment: datetime, zone: ZoneInfo) -> str:
    """`24 November 2026`, the civil day of an instant."""
    return phrases.day(local_date(moment, zone))


def of_change(change: FindingChange, now: FindingView, zone: ZoneInfo) -> str:
    """One change of a finding as a sentence; its `before` is how it stood until tonight, where that is known."""
    before = now.before
    match change:
        case FindingChange.FOUND:
            return "New."
        case FindingChange.RETURNED:
            when = f" on {day(before.resolved_at, zone)}" if before and before.resolved_at else ""
            return f"Back after it was resolved{when}."
        case FindingChange.RESOLVED:
            return (
                "Resolved: it is audited again."
                if now.kind is FindingKind.NOT_AUDITED
                else "Resolved: found gone tonight."
            )
        case FindingChange.WORSENED:
            return _worsened(now)
        case FindingChange.GREW:
            told = f"from {before.told_rows:,} to {now.rows:,} rows" if before else f"to {now.rows:,} rows"
            return f"Grew {told} since you were last told."
        case FindingChange.JUMPED:
            return LOOK_FIRST
        case FindingChange.DUE_PASSED:
            return f"Was to be closed by {phrases.day(now.due_by)}, and is not."
        case _:
            return _of_waiver(change, now, now.before, zone)


def of_waiver_begun(now: FindingView, zone: ZoneInfo) -> str:
    """That a waiver covers a finding from tonight on, and when it ends."""
    return _of_waiver(FindingChange.WAIVED, now, None, zone)


def _worsened(now: FindingView) -> str:
    before = now.before
    proved = before is not None and before.outcome is Outcome.REVIEW and now.outcome is Outcome.FAIL
    graver = before is None or before.severity is not now.severity
    said = ["Worse: rows that could not be decided are now known to break the promise."] if proved else []
    return " ".join([*said, *([f"More severe: it is {now.severity} now."] if graver else [])])


def _of_waiver(change: FindingChange, now: FindingView, before: EarlierFinding | None, zone: ZoneInfo) -> str:
    name = now.waiver or (before.waiver if before else "")
    waiver = f"waiver {name}" if name else "waiver"
    match change:
        case FindingChange.WAIVER_ENDING | FindingChange.WAIVED:
            until = f" on {day(now.waived_until, zone)}" if now.waived_until else " soon"
            return f"Its {waiver} ends{until}."
        case FindingChange.WAIVER_EXPIRED:
            return f"Its {waiver} has expired."
        case FindingChange.WAIVER_EXCEEDED:
            most = f" than the {before.waived_rows:,} that were waived" if before and before.waiver else ""
            return f"Its {waiver} is exceeded: there are more rows{most}."
        case FindingChange.WAIVER_WITHDRAWN:
            return f"Its {waiver} was withdrawn."
        case _:
            return ""


def of_standing(now: FindingView, today: date, zone: ZoneInfo) -> tuple[str, ...]:
    """How an open finding stands, for a digest: its waiver, and the day by which it is to be closed."""
    said = []
    if now.waived:
        until = f" until {day(now.waived_until, zone)}" if now.waived_until else ""
        said.append(f"Waived{until} by {now.waiver}, for at most {_rows(now.waived_rows)}.")
    else:
        past = today > now.due_by
        said.append(f"{'Was to' if past else 'To'} be closed by {phrases.day(now.due_by)}.")
    return tuple(said)


def of_decision(decision: DecisionView | None, zone: ZoneInfo) -> str:
    """Who said what of a finding, and when."""
    if decision is None:
        return ""
    triage = decision.triage.replace("_", " ")
    return f"{decision.by} on {day(decision.at, zone)}: {triage} - {decision.comment}"


def of_report(report: WaiverView, zone: ZoneInfo) -> str:
    """A waiver beside the strict count of what it covers, and who answers for it."""
    until = day(report.expires, zone)
    there_are = f"there {'is' if report.rows == 1 else 'are'} {_rows(report.rows)}"
    fact = {
        WaiverState.ENDING: f"ends on {until}; {there_are}, at most {report.max_rows:,} are waived",
        WaiverState.EXPIRED: f"expired on {until}; take it out of the file, or renew it",
        WaiverState.EXCEEDED: f"covers it no more; {there_are}, at most {report.max_rows:,} were waived",
        WaiverState.UNUSED: "has nothing to cover; take it out of the file",
        WaiverState.OVER_BROAD: f"is over-broad; {there_are}, {report.max_rows:,} are waived; renew it with fewer",
    }[report.state]
    return (
        f"{report.id} on {report.check} {fact}. Requested by {report.requested_by}, approved by {report.approved_by}."
    )


def _rows(amount: int) -> str:
    return f"{amount:,} row{'' if amount == 1 else 's'}"
