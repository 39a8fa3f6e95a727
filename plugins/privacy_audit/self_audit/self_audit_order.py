"""The order of a self-audit and its result, which has the form of a store's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain.advice import Advice
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.check_id import of_store
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, roll_up
from privacy_audit.domain.periods import Period, local_date
from privacy_audit.domain.promises import OWN_RECORDS, Control
from privacy_audit.domain.record_periods import RecordDeadline, RecordKind
from privacy_audit.domain.tally import AGE_BUCKETS, Tally

STORE = OWN_RECORDS
TITLE = "The audit's own records"


@dataclass(frozen=True, slots=True)
class RecordsOrder:
    """The order of a self-audit."""

    controls: tuple[Control, ...]
    """Those about the audit itself that are asked for, each of another `OwnKind`."""
    audit_id: str
    """The audit under way: what it has written so far is not yet a record."""
    triggered_by: str
    """What started it."""
    as_of: datetime
    zone: ZoneInfo
    periods: Mapping[RecordKind, Period]
    owner: str
    alert: str

    @property
    def today(self) -> date:
        """The civil day of the audit."""
        return local_date(self.as_of, self.zone)

    def deadline(self, kind: RecordKind) -> RecordDeadline:
        """Returns the deadline of the records of a kind, on the day of the audit."""
        return RecordDeadline(self.periods[kind], self.today, self.zone)


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """The verdict of a check."""

    outcome: Outcome
    cause: Cause | None = None
    reason: str = ""
    tally: Tally | None = None


def unseen(cause: Cause, reason: str) -> CheckVerdict:
    """Returns the verdict of a check that could not be done."""
    return CheckVerdict(Outcome.NOT_AUDITED, cause, f"{reason[:1].upper()}{reason[1:]}")


def check(control: Control, qualifier: str, said: CheckVerdict, sentence: str, advice: Advice) -> CheckResult:
    """Returns the check of a control about the audit itself, or of a part of it."""
    return CheckResult(
        id=of_store(STORE, control.id, qualifier),
        control=control.id,
        store=STORE,
        table="",
        qualifier=qualifier,
        outcome=said.outcome,
        sentence=sentence,
        tally=said.tally,
        plan=Plan.FULL if said.tally else None,
        cause=said.cause,
        reason=said.reason,
        fix=advice.given(said.outcome, said.cause, said.tally),
    )


def result(order: RecordsOrder, checks: Sequence[CheckResult]) -> StoreResult:
    """Returns all checks as one result."""
    outcome = roll_up([check.outcome for check in checks])
    return StoreResult(STORE, TITLE, order.owner, order.alert, outcome, tuple(checks))


def ages(breaches: Sequence[date], today: date) -> tuple[int, ...]:
    """Returns how many are in breach for how long, in the buckets of a tally, from the first civil day of each
    breach."""
    bounds = [bound for _, bound in AGE_BUCKETS]
    buckets = [sum((today - day).days >= bound for bound in bounds) - 1 for day in breaches]
    return tuple(buckets.count(number) for number in range(len(bounds)))
