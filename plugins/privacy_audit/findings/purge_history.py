"""What the log of purge runs says of a check, as sentences that claim no more than it does. Pure.

The counts of nights alone cannot tell a purge that does not run from one that runs and deletes nothing. The days are
those of a job, not of persons, so they are told exactly, however few the rows are.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain import phrases
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.tally import Purge, Tally
from privacy_audit.findings.trends import IDLE_NIGHTS

_STILL_RUNS_DAYS = 2
"""A purge whose last run lies further back, in civil days, does not run each night any more."""
_NO_RUN = "No run of this purge is on file."


def sentence(check: CheckResult, today: date, zone: ZoneInfo) -> str:
    """What the log says, for a reader; empty without a log. `today` is the civil day of tonight's audit.

    The check is the one that was filed, not as `disclosure` coarsens it: whether a run left rows is judged by the day.
    """
    purge = check.purge
    if purge is None:
        return ""
    if purge.last_ran is None:
        return _NO_RUN
    ran = f"The purge last ran on {_day(purge.last_ran, zone)}"
    if _in_breach(check) and _stopped(purge.last_ran, today, zone):
        return f"{ran}: it does not run any more, or does not finish."
    if purge.untold_runs:
        return f"{ran}; {_untold(purge, zone)}."
    if not purge.idle_runs:
        return f"{ran} and deleted rows."
    again = f"; it has {_idle(purge, zone)}" if purge.idle_runs > 1 else ""
    return f"{ran} and deleted nothing{again}{_although(check, purge, zone)}."


def alarm(check: CheckResult, today: date, zone: ZoneInfo) -> str:
    """The same in short, for who has to mend the purge; empty when the log shows nothing to mend."""
    purge = check.purge
    if purge is None or not _in_breach(check):
        return ""
    if purge.last_ran is None or _stopped(purge.last_ran, today, zone):
        return sentence(check, today, zone)
    return f"The purge runs, but has {_idle(purge, zone)}." if _runs_in_vain(check.tally, purge, zone) else ""


def _in_breach(check: CheckResult) -> int:
    return check.tally.violating if check.tally else 0


def _stopped(last_ran: datetime, today: date, zone: ZoneInfo) -> bool:
    return (today - local_date(last_ran, zone)).days > _STILL_RUNS_DAYS


def _runs_in_vain(tally: Tally | None, purge: Purge, zone: ZoneInfo) -> bool:
    """Whether run after run deleted nothing, and the last one left rows: what fell due after it is no fault of it."""
    since = tally.overdue_since if tally else None
    left = since is not None and purge.last_ran is not None and since <= local_date(purge.last_ran, zone)
    return left and purge.idle_runs >= IDLE_NIGHTS and not purge.untold_runs


def _although(check: CheckResult, purge: Purge, zone: ZoneInfo) -> str:
    if not _runs_in_vain(check.tally, purge, zone):
        return ""
    rows = phrases.count(_in_breach(check), "row is", "rows are")
    return f", although {rows} in breach: it runs, and deletes nothing"


def _idle(purge: Purge, zone: ZoneInfo) -> str:
    if purge.last_deleted is None:
        return f"deleted nothing in any of the {phrases.count(purge.idle_runs, 'run')} on file"
    return f"deleted nothing in {phrases.count(purge.idle_runs, 'run')}, since {_day(purge.last_deleted, zone)}"


def _untold(purge: Purge, zone: ZoneInfo) -> str:
    since = f" since {_day(purge.last_deleted, zone)}" if purge.last_deleted else ""
    return f"of {phrases.count(purge.untold_runs, 'run')}{since} its log does not say how many rows were deleted"


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return phrases.day(local_date(moment, zone))
