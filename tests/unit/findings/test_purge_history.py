"""What the log of purge runs says, sentence by sentence: never more than the log shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import Purge, Tally
from privacy_audit.findings import purge_history

PARIS = ZoneInfo("Europe/Paris")
TODAY = date(2026, 11, 24)
LONG_AGO = date(2026, 10, 1)
NO_RUN = "No run of this purge is on file."
STOPPED = "The purge last ran on {} November 2026: it does not run any more, or does not finish."
IN_VAIN = (
    "The purge last ran on 23 November 2026 and deleted nothing; it has deleted nothing in {}, although {} in breach:"
    " it runs, and deletes nothing."
)


def at(day: int, hour: int = 3) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def check(purge: Purge | None, rows: int = 12, since: date = LONG_AGO) -> CheckResult:
    """A check with so many rows in breach since that day."""
    tally = Tally(
        population=100,
        compliant=100 - rows,
        violating=rows,
        held=0,
        undecidable=0,
        out_of_scope=0,
        subjects=rows,
        overdue_since=since if rows else None,
        ages=(rows, 0, 0, 0, 0),
    )
    outcome = Outcome.FAIL if rows else Outcome.PASS
    return CheckResult("app/app.t/RET-3", "RET-3", "app", "app.t", "", outcome, "", tally=tally, purge=purge)


IDLE = Purge(at(23), at(14), 9)
SENTENCES: dict[str, tuple[CheckResult, str, str]] = {
    "no log": (check(None), "", ""),
    "no run": (check(Purge(None, None, 0)), NO_RUN, NO_RUN),
    "no run, and nothing in breach": (check(Purge(None, None, 0), 0), NO_RUN, ""),
    "runs and deletes": (
        check(Purge(at(23), at(23), 0)),
        "The purge last ran on 23 November 2026 and deleted rows.",
        "",
    ),
    "runs and deletes nothing": (
        check(IDLE),
        IN_VAIN.format("9 runs, since 14 November 2026", "12 rows are"),
        "The purge runs, but has deleted nothing in 9 runs, since 14 November 2026.",
    ),
    "never deleted": (
        check(Purge(at(23), None, 9), 1),
        IN_VAIN.format("any of the 9 runs on file", "1 row is"),
        "The purge runs, but has deleted nothing in any of the 9 runs on file.",
    ),
    "what fell due on the day of its last run": (
        check(IDLE, since=date(2026, 11, 23)),
        IN_VAIN.format("9 runs, since 14 November 2026", "12 rows are"),
        "The purge runs, but has deleted nothing in 9 runs, since 14 November 2026.",
    ),
    "what fell due after its last run": (
        check(IDLE, since=TODAY),
        "The purge last ran on 23 November 2026 and deleted nothing;"
        " it has deleted nothing in 9 runs, since 14 November 2026.",
        "",
    ),
    "nothing was there to delete": (
        check(IDLE, 0),
        "The purge last ran on 23 November 2026 and deleted nothing;"
        " it has deleted nothing in 9 runs, since 14 November 2026.",
        "",
    ),
    "one run deleted nothing": (
        check(Purge(at(23), at(22), 1)),
        "The purge last ran on 23 November 2026 and deleted nothing.",
        "",
    ),
    "two runs prove nothing": (
        check(Purge(at(23), at(21), 2)),
        "The purge last ran on 23 November 2026 and deleted nothing;"
        " it has deleted nothing in 2 runs, since 21 November 2026.",
        "",
    ),
    "some runs do not say": (
        check(Purge(at(23), at(14), 8, 1)),
        "The purge last ran on 23 November 2026;"
        " of 1 run since 14 November 2026 its log does not say how many rows were deleted.",
        "",
    ),
    "no run ever said": (
        check(Purge(at(23), None, 0, 3)),
        "The purge last ran on 23 November 2026; of 3 runs its log does not say how many rows were deleted.",
        "",
    ),
    "two days ago": (check(Purge(at(22), at(22), 0)), "The purge last ran on 22 November 2026 and deleted rows.", ""),
    "three days ago": (check(Purge(at(21), at(21), 0)), STOPPED.format(21), STOPPED.format(21)),
    "three days ago, of the policy's zone": (
        check(Purge(at(21, 22), at(21, 22), 0)),
        STOPPED.format(21),
        STOPPED.format(21),
    ),
    "two days ago, of the policy's zone": (
        check(Purge(at(21, 23), at(21, 23), 0)),
        "The purge last ran on 22 November 2026 and deleted rows.",
        "",
    ),
    "stopped after it ran in vain": (check(Purge(at(14), at(3), 9)), STOPPED.format(14), STOPPED.format(14)),
    "rarely, and nothing in breach": (
        check(Purge(at(3), at(3), 0), 0),
        "The purge last ran on 3 November 2026 and deleted rows.",
        "",
    ),
    "not counted": (
        replace(check(IDLE), tally=None),
        "The purge last ran on 23 November 2026 and deleted nothing;"
        " it has deleted nothing in 9 runs, since 14 November 2026.",
        "",
    ),
}


@pytest.mark.parametrize(("told", "sentence", "alarm"), SENTENCES.values(), ids=SENTENCES)
def test_a_log_in_words(told: CheckResult, sentence: str, alarm: str) -> None:
    assert purge_history.sentence(told, TODAY, PARIS) == sentence
    assert purge_history.alarm(told, TODAY, PARIS) == alarm
