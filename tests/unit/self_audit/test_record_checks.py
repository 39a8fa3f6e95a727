"""When a record is past its period: by the calendar of everybody's data, civil days in the policy's zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Control
from privacy_audit.domain.record_periods import OwnRecord, PurgeResult, RecordDeadline, RecordKind, sort
from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.self_audit import record_checks
from privacy_audit.self_audit.self_audit_order import RecordsOrder
from privacy_audit.self_audit.self_auditor import crashed, told

PARIS = ZoneInfo("Europe/Paris")
EDGES: dict[str, tuple[str, str, str, bool]] = {
    # period, today, instant of the record, past?
    "on the day of its expiry": ("P3Y", "2026-11-24", "2023-11-24T00:00:00+01:00", False),
    "the day after, by a second": ("P3Y", "2026-11-24", "2023-11-23T23:59:59+01:00", True),
    "the civil day is that of the zone": ("P3Y", "2026-11-24", "2023-11-23T23:00:00+00:00", False),
    "a month that is shorter": ("P3M", "2026-05-31", "2026-02-28T12:00:00+01:00", True),
    "29 February and three months, on 29 May": ("P3M", "2024-05-29", "2024-02-29T12:00:00+01:00", False),
    "29 February and three months, on 30 May": ("P3M", "2024-05-30", "2024-02-29T12:00:00+01:00", True),
    "31 August and a month ends on 30 September": ("P1M", "2026-09-30", "2026-08-31T12:00:00+02:00", False),
    "31 August and a month, on 1 October": ("P1M", "2026-10-01", "2026-08-31T12:00:00+02:00", True),
    "29 February and a year, on 28 February": ("P1Y", "2025-02-28", "2024-02-29T12:00:00+01:00", False),
    "29 February and a year, on 1 March": ("P1Y", "2025-03-01", "2024-02-29T12:00:00+01:00", True),
    "the spring night has 23 hours": ("P1D", "2026-03-30", "2026-03-29T00:00:00+01:00", False),
    "the autumn night has 25 hours": ("P1D", "2026-10-27", "2026-10-25T23:59:59+01:00", True),
}


@pytest.mark.parametrize("edge", EDGES)
def test_the_edges_of_the_calendar(edge: str) -> None:
    period, today, instant, past = EDGES[edge]
    deadline = RecordDeadline(Period.parse(period), date.fromisoformat(today), PARIS)
    record = OwnRecord("a", datetime.fromisoformat(instant))
    found = sort([record], deadline.before)
    assert (found.past, found.within) == (((record,), ()) if past else ((), (record,)))
    assert (deadline.overdue_since(datetime.fromisoformat(instant)) <= deadline.today) is past


T = datetime(2026, 11, 24, 1, 15, tzinfo=PARIS)
CONTROL = Control("META-5", "own_records", "Kept in time", Severity.MEDIUM, (), (), date(2024, 1, 1))
PERIODS = dict.fromkeys(RecordKind, Period.parse("P1Y"))
ORDER = RecordsOrder((CONTROL,), "tonight", "scheduled__t", T, PARIS, PERIODS, "Platform", "alerts_platform")
YOUNG = OwnRecord("young", datetime(2026, 11, 1, tzinfo=PARIS))
OLD = OwnRecord("old", datetime(2025, 11, 20, 12, tzinfo=PARIS))
OLDER = OwnRecord("older", datetime(2024, 1, 1, 12, tzinfo=PARIS))
KEPT = OwnRecord("kept", OLDER.instant, "the newest")
STRANGE = OwnRecord("strange", None)


def judged(order: RecordsOrder, kind: RecordKind, records: Sequence[OwnRecord]) -> CheckResult:
    return record_checks.of_kind(order, CONTROL, kind, record_checks.judged(order, kind, records))


def test_what_is_past_its_period_fails_and_is_told_with_its_age() -> None:
    check = judged(ORDER, RecordKind.REPORTS, [YOUNG, OLD, OLDER, KEPT, STRANGE])
    tally = check.tally
    assert tally is not None
    assert (check.id, check.store, check.table) == ("privacy_audit/_store/META-5/reports", "privacy_audit", "")
    assert (check.outcome, check.cause) == (Outcome.FAIL, None)
    assert (tally.population, tally.compliant, tally.violating, tally.held, tally.undecidable) == (5, 1, 2, 1, 1)
    assert (tally.oldest, tally.newest, tally.overdue_since) == (OLDER.instant, OLD.instant, date(2025, 1, 2))
    assert dict(zip((label for label, _ in AGE_BUCKETS), tally.ages, strict=True)) == {
        "up to a week": 1,  # in breach since 21 November
        "up to a month": 0,
        "up to 3 months": 0,
        "up to a year": 0,
        "over a year": 1,
    }
    assert "privacy-audit maintain" in check.fix
    assert (check.show_rows, check.draft) == ("", "")


@pytest.mark.parametrize(
    ("records", "outcome", "cause", "reason"),
    [
        ([], Outcome.NOT_APPLICABLE, Cause.EMPTY, "There is none yet."),
        ([YOUNG], Outcome.PASS, None, ""),
        ([YOUNG, KEPT], Outcome.PASS, None, ""),
        ([KEPT], Outcome.PASS, None, ""),
        ([YOUNG, STRANGE], Outcome.REVIEW, Cause.UNDECIDABLE_ROWS, "1 entry is no folder that an audit made"),
        ([OwnRecord("tonight", OLDER.instant)], Outcome.NOT_APPLICABLE, Cause.EMPTY, "There is none yet."),
    ],
)
def test_what_is_said_of_records(records: list[OwnRecord], outcome: Outcome, cause: Cause | None, reason: str) -> None:
    check = judged(ORDER, RecordKind.AUDITS, records)
    assert (check.outcome, check.cause) == (outcome, cause)
    assert check.reason.startswith(reason)
    assert bool(check.reason) is bool(reason)


def test_the_promise_is_said_in_words() -> None:
    assert judged(ORDER, RecordKind.VALIDATIONS, []).sentence == (
        "Validation results of Great Expectations are deleted 1 year after the instant of their audit."
    )


def test_a_task_that_ended_without_a_result_audited_none_of_them() -> None:
    store = crashed(ORDER)
    assert (store.name, store.owner, store.alert) == ("privacy_audit", "Platform", "alerts_platform")
    assert store.outcome is Outcome.NOT_AUDITED
    assert [check.qualifier for check in store.checks] == ["audits", "reports", "validations", "messages"]
    assert {check.outcome for check in store.checks} == {Outcome.NOT_AUDITED}
    assert {check.cause for check in store.checks} == {Cause.INTERNAL}


def test_what_was_done_is_told_in_counts() -> None:
    swept = PurgeResult(RecordKind.AUDITS, 1_080, {"the newest": 1}, {"results": 40, "standings": 0, "audits": 3})
    assert told(swept, dry_run=False) == (
        "audits: 3 deleted, with 40 results; 1,080 left within their period; 1 left: the newest."
    )
    assert told(swept, dry_run=True).startswith("audits: 3 would be deleted, with 40 results;")
