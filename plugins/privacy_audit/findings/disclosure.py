"""What of an audit may be told. Small counts come first: a date and a store together may single a person out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from privacy_audit.findings.finding_state import CheckCount, FindingHistory, FindingState

SMALL_COUNT = 5
"""Below this many violating rows, dates are told by month only."""

_MONTH_IN_DAYS = 30


def is_small(tally: Tally) -> bool:
    """Whether the dates of this tally may be told by month only."""
    return 0 < tally.violating < SMALL_COUNT


def is_few(rows: int) -> bool:
    """Whether a date that was kept beside so many violating rows may be told by month only. None is few, too: the
    date is then of rows that there were before, and nobody knows how many."""
    return rows < SMALL_COUNT


def disclosed(audit: Audit) -> Audit:
    """The same audit with the dates of small counts coarsened. Each format calls it once, first."""
    zone = ZoneInfo(audit.policy.zone)
    return replace(audit, stores=tuple(_disclosed_store(store, zone) for store in audit.stores))


def disclosed_chronicle(chronicle: FindingHistory) -> FindingHistory:
    """The same chronicle with the dates of small counts coarsened, in findings and in each of their nights."""
    return replace(
        chronicle,
        standings=tuple(map(_disclosed_standing, chronicle.standings)),
        series={place: tuple(map(_disclosed_point, points)) for place, points in chronicle.series.items()},
    )


def _disclosed_standing(standing: FindingState) -> FindingState:
    if not is_few(standing.violating):
        return standing
    return replace(standing, overdue_since=_first_day(standing.overdue_since))


def _disclosed_point(point: CheckCount) -> CheckCount:
    if not is_few(point.violating or 0):
        return point
    ages = _merged_below_a_month(point.ages) if point.ages else ()
    return replace(point, overdue_since=_first_day(point.overdue_since), ages=ages)


def _disclosed_store(store: StoreResult, zone: ZoneInfo) -> StoreResult:
    return replace(store, checks=tuple(_disclosed_check(check, zone) for check in store.checks))


def _disclosed_check(check: CheckResult, zone: ZoneInfo) -> CheckResult:
    if check.tally is None or not is_small(check.tally):
        return check
    return replace(check, tally=_by_month(check.tally, zone))


def _by_month(tally: Tally, zone: ZoneInfo) -> Tally:
    return replace(
        tally,
        oldest=_first_of_month(tally.oldest, zone),
        newest=_first_of_month(tally.newest, zone),
        overdue_since=_first_day(tally.overdue_since),
        ages=_merged_below_a_month(tally.ages),
    )


def _first_of_month(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Midnight UTC of the first day of the instant's civil month in the policy's zone."""
    if instant is None:
        return None
    day = local_date(instant, zone)
    return datetime(day.year, day.month, 1, tzinfo=UTC)


def _first_day(day: date | None) -> date | None:
    return day and day.replace(day=1)


def _merged_below_a_month(ages: tuple[int, ...]) -> tuple[int, ...]:
    """A bucket of a week is finer than a month: its rows are told in the last bucket that ends within a month."""
    fine = sum(1 for _, above in AGE_BUCKETS if above < _MONTH_IN_DAYS)
    return (0,) * (fine - 1) + (sum(ages[:fine]),) + ages[fine:]
