"""Whether each night has its audit, by what the audit database holds. Pure.

A night without an audit is not a night without breaches, and a scheduler that stopped reports nothing. A night is a
civil day in the policy's zone, and its audit is any that was filed by an instant of that day, whatever it looked at and
however it ended: what it could not look at is said by itself. Nights count from the first audit that the schedule
started, so that a company which audits by hand has missed none. The night under way has the audit that judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from privacy_audit.config.policy.consistency import NIGHTS
from privacy_audit.domain import phrases
from privacy_audit.domain.advice import Advice
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.domain.promises import Control
from privacy_audit.domain.record_periods import RecordKind, StartedAudit
from privacy_audit.domain.tally import Tally
from privacy_audit.self_audit.self_audit_order import CheckVerdict, RecordsOrder, ages, check

ADVICE = Advice(
    closing="Find out why the scheduler did not start the DAG `privacy_audit_nightly` on these nights, or why the run"
    " filed nothing: its log says so. Then run the DAG by hand for each of them, with an instant of that day as"
    " `as_of`, as 2026-11-24T01:15:00+01:00. What was deleted since is not seen by it, so that it passes nothing.",
    deciding="Look in the scheduler's log whether these nights had an audit.",
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ExpectedNights:
    """The nights that had to have an audit, in order."""

    expected: tuple[date, ...]
    """Empty when the schedule has not started an audit yet."""
    missed: tuple[date, ...]
    """Those without one."""


def look_back(audits: Iterable[StartedAudit], until: datetime, zone: ZoneInfo, since: date) -> ExpectedNights:
    """Returns the nights from the first scheduled audit, but not before a civil day, to that of an instant."""
    known = [audit for audit in audits if audit.as_of <= until]
    nights = {local_date(audit.as_of, zone) for audit in known}
    by_schedule = (local_date(audit.as_of, zone) for audit in known if audit.by_schedule)
    first, last = min(by_schedule, default=None), local_date(until, zone)
    if first is None:
        return ExpectedNights((), ())
    begin = max(first, since)
    expected = tuple(begin + number * _DAY for number in range((last - begin).days + 1))
    return ExpectedNights(expected, tuple(night for night in expected if night not in nights))


def judged(order: RecordsOrder, control: Control, filed: Sequence[StartedAudit]) -> CheckVerdict:
    """Returns the verdict on the nights, from the filed audits and the one under way."""
    under_way = StartedAudit(order.as_of, order.triggered_by)
    nights = look_back([*filed, under_way], order.as_of, order.zone, _since(order, control))
    tally = _tally(nights, order)
    if not nights.expected:
        return CheckVerdict(Outcome.NOT_APPLICABLE, Cause.EMPTY, "The schedule has not started an audit yet.", tally)
    if nights.missed:
        return CheckVerdict(Outcome.FAIL, None, _missed(nights.missed), tally)
    return CheckVerdict(Outcome.PASS, tally=tally)


def of_nights(control: Control, said: CheckVerdict) -> CheckResult:
    """Returns the check of the nights."""
    sentence = (
        "Each night since the schedule started its first audit has an audit in the audit database;"
        f" the last {control.parameters[NIGHTS]} nights are looked at."
    )
    return check(control, "", said, sentence, ADVICE)


def _since(order: RecordsOrder, control: Control) -> date:
    """The first night that is looked at: promised by then, and its audit not yet due to be deleted."""
    kept_since = local_date(order.deadline(RecordKind.AUDITS).before, order.zone)
    within = order.today - (int(control.parameters[NIGHTS]) - 1) * _DAY
    return max(within, kept_since, control.effective_from)


def _tally(nights: ExpectedNights, order: RecordsOrder) -> Tally:
    """A night may still get its audit until its day ends: it is in breach from the next one on."""
    breaches = [night + _DAY for night in nights.missed]
    begins = [start_of_day(night, order.zone) for night in nights.missed]
    return Tally(
        population=len(nights.expected),
        compliant=len(nights.expected) - len(nights.missed),
        violating=len(nights.missed),
        held=0,
        undecidable=0,
        out_of_scope=0,
        subjects=0,  # a night is no person
        oldest=min(begins, default=None),
        newest=max(begins, default=None),
        overdue_since=min(breaches, default=None),
        ages=ages(breaches, order.today),
    )


def _missed(nights: Sequence[date]) -> str:
    """As `4 nights have no audit: 3 November 2026 to 5 November 2026, 9 November 2026.`"""
    told = (
        phrases.day(first) if first == last else f"{phrases.day(first)} to {phrases.day(last)}"
        for first, last in _stretches(nights)
    )
    have = "1 night has" if len(nights) == 1 else f"{len(nights)} nights have"
    return f"{have} no audit: {', '.join(told)}."


def _stretches(nights: Sequence[date]) -> list[tuple[date, date]]:
    """First and last of each run of nights that follow one another."""
    firsts = [night for night in nights if night - _DAY not in nights]
    lasts = [night for night in nights if night + _DAY not in nights]
    return list(zip(firsts, lasts, strict=True))
