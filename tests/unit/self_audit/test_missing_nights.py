"""Whether each night has its audit: cases as data, an oracle that walks through the days, and a real register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from privacy_audit import audit_db
from privacy_audit.audit_db import filed_records
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Control
from privacy_audit.domain.record_periods import RecordKind
from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError
from privacy_audit.self_audit import self_auditor
from privacy_audit.self_audit.missing_nights import StartedAudit, look_back
from privacy_audit.self_audit.self_audit_order import RecordsOrder
from tests import builders
from tests.cases.case_files import books
from tests.unit.self_audit.conftest import Rows

PARIS = ZoneInfo("Europe/Paris")
CASES = books("nights")["nightly"]["cases"]
RUNS = {"schedule": "scheduled__2026-11-24T00:15:00+00:00", "hand": "manual__2026-11-24T00:15:00+00:00"}


def moment(told: str) -> datetime:
    read = datetime.fromisoformat(told)
    return read if read.tzinfo else read.replace(tzinfo=PARIS)


def begun(told: str) -> StartedAudit:
    at, by = told.split(" by ")
    return StartedAudit(moment(at), RUNS[by])


def order_of(
    at: datetime, by: str = "schedule", nights: int = 35, kept: str = "P3Y", since: date = date(2024, 1, 1)
) -> RecordsOrder:
    promise = Control(
        "META-4", "nightly", "Each night", Severity.MEDIUM, (), (), since, parameters={"nights": str(nights)}
    )
    periods = dict.fromkeys(RecordKind, Period.parse("P1Y")) | {RecordKind.AUDITS: Period.parse(kept)}
    return RecordsOrder((promise,), "tonight", RUNS[by], at, PARIS, periods, "Platform", "alerts_platform")


def said(order: RecordsOrder, filed: Sequence[StartedAudit]) -> CheckResult:
    (check,) = self_auditor.audit(order, (), lambda: filed).checks
    return check


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_is_said_of_the_nights(case: dict[str, Any]) -> None:
    order = order_of(
        moment(str(case["T"])),
        case["under_way"],
        case.get("nights", 35),
        case.get("kept", "P3Y"),
        case.get("promised_from", date(2024, 1, 1)),
    )
    check, must = said(order, [begun(told) for told in case["audits"]]), case["says"]
    tally = check.tally
    assert tally is not None
    assert (check.outcome.value, tally.population, tally.violating) == (
        must["outcome"],
        must["population"],
        len(must["missed"]),
    )
    assert tally.compliant == tally.population - tally.violating
    assert check.cause is (Cause.EMPTY if check.outcome is Outcome.NOT_APPLICABLE else None)
    if "reason" in must:
        assert check.reason == must["reason"]
    assert bool(check.reason) is (check.outcome is not Outcome.PASS)
    missed = must["missed"]
    assert tally.overdue_since == (missed[0] + timedelta(days=1) if missed else None)
    assert [it and it.astimezone(PARIS) for it in (tally.oldest, tally.newest)] == [
        datetime(it.year, it.month, it.day, tzinfo=PARIS) if it else None
        for it in (missed[0] if missed else None, missed[-1] if missed else None)
    ]


def test_the_check_in_words() -> None:
    check = said(order_of(moment("2026-11-24 01:15")), [begun("2026-11-10 01:15 by schedule")])
    assert (check.id, check.store, check.table, check.qualifier) == (
        "privacy_audit/_store/META-4",
        "privacy_audit",
        "",
        "",
    )
    assert check.sentence == (
        "Each night since the schedule started its first audit has an audit in the audit database;"
        " the last 35 nights are looked at."
    )
    assert check.reason == "13 nights have no audit: 11 November 2026 to 23 November 2026."
    assert "as_of" in check.fix
    assert (check.show_rows, check.draft) == ("", "")
    assert check.tally is not None
    ages = dict(zip((label for label, _ in AGE_BUCKETS), check.tally.ages, strict=True))
    assert (ages["up to a week"], ages["up to a month"]) == (7, 6)  # in breach since the day after


@pytest.mark.parametrize(
    ("run", "by_schedule"),
    [
        ("scheduled__2026-11-24T00:15:00+00:00", True),
        ("manual__2026-11-24T00:15:00+00:00", False),
        ("backfill__2026-11-24T00:15:00+00:00", False),
        ("asset_triggered__2026-11-24T00:15:00+00:00", False),
        ("simulation", False),
        ("", False),
    ],
)
def test_what_started_a_run_is_told_by_its_id(run: str, by_schedule: bool) -> None:
    assert StartedAudit(builders.T, run).by_schedule is by_schedule


def oracle(filed: Sequence[StartedAudit], until: datetime, zone: ZoneInfo, since: date) -> tuple[int, list[date]]:
    """Walks back through the days by what stands on the wall clock, an audit at a time."""
    counted, missed, day = 0, [], until.astimezone(zone).date()
    while day >= since:
        of_today = [it for it in filed if it.as_of <= until and it.as_of.astimezone(zone).date() == day]
        earlier = [it for it in filed if it.as_of <= until and it.as_of.astimezone(zone).date() <= day]
        if not any("scheduled" in it.triggered_by for it in earlier):
            break
        counted += 1
        if not of_today:
            missed.insert(0, day)
        day -= timedelta(days=1)
    return counted, missed


ZONES = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
DST = (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 18, tzinfo=UTC))
"""Before the clocks change, in spring and in autumn."""
INSTANTS = st.builds(datetime.__add__, st.sampled_from(DST), st.timedeltas(timedelta(0), timedelta(days=22)))
AUDITS = st.lists(st.builds(StartedAudit, INSTANTS, st.sampled_from(sorted(RUNS.values()))))


@given(
    filed=AUDITS,
    until=INSTANTS,
    zone=ZONES.map(ZoneInfo),
    back=st.integers(0, 60),
)
@example([StartedAudit(datetime(2026, 10, 24, 22, tzinfo=UTC), RUNS["schedule"])] * 2, builders.T, PARIS, 35)
def test_the_nights_are_those_that_a_walk_through_the_days_finds(
    filed: list[StartedAudit], until: datetime, zone: ZoneInfo, back: int
) -> None:
    since = until.astimezone(zone).date() - timedelta(days=back)
    nights = look_back(filed, until, zone, since)
    assert (len(nights.expected), list(nights.missed)) == oracle(filed, until, zone, since)
    assert list(nights.expected) == sorted(set(nights.expected))
    assert set(nights.missed) <= set(nights.expected)


@given(filed=AUDITS, again=st.randoms())
def test_neither_order_nor_repetition_matters(filed: list[StartedAudit], again: Any) -> None:
    more = [*filed, *filed]
    again.shuffle(more)
    at = datetime(2026, 11, 6, tzinfo=UTC)
    assert said(order_of(at), more) == said(order_of(at), filed)


def test_a_register_that_cannot_be_read_is_not_audited() -> None:
    def nowhere() -> Sequence[StartedAudit]:
        raise PrivacyAuditError("connection privacy_audit_db: is not configured.")

    result = self_auditor.audit(order_of(builders.T), (), nowhere)
    (check,) = result.checks
    assert (result.outcome, check.outcome, check.cause) == (
        Outcome.NOT_AUDITED,
        Outcome.NOT_AUDITED,
        Cause.UNREACHABLE,
    )
    assert (check.reason, check.tally) == ("Connection privacy_audit_db: is not configured.", None)


def test_a_task_that_ended_without_a_result_looked_at_no_night() -> None:
    (check,) = self_auditor.crashed(order_of(builders.T)).checks
    assert (check.id, check.outcome, check.cause) == (
        "privacy_audit/_store/META-4",
        Outcome.NOT_AUDITED,
        Cause.INTERNAL,
    )


def test_what_was_filed_is_read_back_from_the_register(url: str, rows: Rows) -> None:
    there = filed_records.filed(lambda: sa.make_url(url))
    assert there == ()
    broken = builders.app(builders.check("app/app.positions", "RET-3", Outcome.NOT_AUDITED))
    for number, name in enumerate(("first", "second")):
        audit = builders.audit(broken, audit_id=name, as_of=builders.T + timedelta(days=2 * number))
        promised: dict[str, Any] = {"controls": {}, "stores": {}, "checks": {}}
        audit_db.file(url, audit_db.AuditSubmission(audit, f"report of {name}", "p", promised))
    there = filed_records.filed(lambda: sa.make_url(url))
    assert sorted(it.as_of for it in there) == [builders.T, builders.T + timedelta(days=2)]
    assert all(it.by_schedule for it in there)
    check = said(order_of(builders.T + timedelta(days=3)), there)
    assert (
        check.reason == "1 night has no audit: 25 November 2026."
    )  # those that could not look were filed, and said so
    assert rows("SELECT count(*) FROM audits") == [(2,)]


def test_a_database_that_was_never_made_says_nothing_of_the_nights(database: str) -> None:
    with pytest.raises(AuditDatabaseRefusedError, match="is empty"):
        filed_records.filed(lambda: sa.make_url(database))
