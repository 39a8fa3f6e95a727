"""What the audit says of its own records: the result of a store that has no database, one check for each kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.model import (
    AGE_BUCKETS,
    OWN_RECORDS,
    Cause,
    CheckResult,
    Control,
    Outcome,
    Plan,
    StoreResult,
    Tally,
    roll_up,
)
from privacy_audit.periods import Period, local_date
from privacy_audit.records.keeping import Deadline, Kind, Record, Sorted, sort

STORE = OWN_RECORDS
TITLE = "The audit's own records"
FIX = "Run the DAG `maintenance`, or `privacy-audit maintain`, and find out why it did not run."

_NOUNS = {
    Kind.AUDITS: "Audits in the register, with their results, standings and decisions,",
    Kind.REPORTS: "Reports",
    Kind.VALIDATIONS: "Validation results of Great Expectations",
    Kind.MESSAGES: "Messages to the owners",
}
_INSTANTS = dict.fromkeys(Kind, "the instant of their audit") | {Kind.AUDITS: "their instant"}
_EXCEPT = {
    Kind.AUDITS: " The newest stays, and where a finding that is still open stood last.",
    Kind.REPORTS: " The newest stays.",
    Kind.VALIDATIONS: "",
    Kind.MESSAGES: " What was not delivered stays.",
}


@dataclass(frozen=True, slots=True)
class RecordsOrder:
    """By what the audit judges its own records."""

    control: Control
    audit_id: str
    """The audit under way: what it has written so far is not yet a record."""
    as_of: datetime
    zone: ZoneInfo
    periods: Mapping[Kind, Period]
    owner: str
    alert: str

    def deadline(self, kind: Kind) -> Deadline:
        """Of the records of a kind, on the day of the audit."""
        return Deadline(self.periods[kind], local_date(self.as_of, self.zone), self.zone)


def judged(order: RecordsOrder, kind: Kind, records: Sequence[Record]) -> CheckResult:
    """The check of one kind of records."""
    deadline = order.deadline(kind)
    found = sort((record for record in records if record.name != order.audit_id), deadline.before)
    tally = _tally(found, deadline)
    outcome, cause, reason = _outcome(tally)
    return _check(order, kind, outcome, cause, reason, tally)


def not_audited(order: RecordsOrder, kind: Kind, cause: Cause, reason: str) -> CheckResult:
    """The check of records that nobody could look at."""
    return _check(order, kind, Outcome.NOT_AUDITED, cause, f"{reason[:1].upper()}{reason[1:]}", None)


def crashed(order: RecordsOrder) -> StoreResult:
    """The result when whoever should have looked ended without one."""
    reason = "the task that audits the audit's own records ended without a result; see its log."
    return result(order, [not_audited(order, kind, Cause.INTERNAL, reason) for kind in Kind])


def result(order: RecordsOrder, checks: Sequence[CheckResult]) -> StoreResult:
    """All kinds together."""
    outcome = roll_up([check.outcome for check in checks])
    return StoreResult(STORE, TITLE, order.owner, order.alert, outcome, tuple(checks))


def _outcome(tally: Tally) -> tuple[Outcome, Cause | None, str]:
    if tally.violating:
        return Outcome.FAIL, None, _unknown(tally.undecidable)
    if tally.undecidable:
        return Outcome.REVIEW, Cause.UNDECIDABLE_ROWS, _unknown(tally.undecidable)
    if not tally.population:
        return Outcome.NOT_APPLICABLE, Cause.EMPTY, "There is none yet."
    return Outcome.PASS, None, ""


def _unknown(number: int) -> str:
    if not number:
        return ""
    entries = "1 entry is" if number == 1 else f"{number:,} entries are"
    return f"{entries} no folder that an audit made: nobody can tell how old. Move what is not the audit's elsewhere."


def _tally(found: Sorted, deadline: Deadline) -> Tally:
    instants = [record.instant for record in found.past if record.instant]
    days = [deadline.overdue_since(instant) for instant in instants]
    return Tally(
        population=len(found.within) + len(found.past) + len(found.kept) + len(found.unknown),
        compliant=len(found.within),
        violating=len(found.past),
        held=len(found.kept),
        undecidable=len(found.unknown),
        out_of_scope=0,
        subjects=0,  # they name no person
        oldest=min(instants, default=None),
        newest=max(instants, default=None),
        overdue_since=min(days, default=None),
        ages=_ages(days, deadline.today),
    )


def _ages(days: Sequence[date], today: date) -> tuple[int, ...]:
    bounds = [bound for _, bound in AGE_BUCKETS]
    buckets = [sum((today - day).days >= bound for bound in bounds) - 1 for day in days]
    return tuple(buckets.count(number) for number in range(len(bounds)))


def _check(
    order: RecordsOrder, kind: Kind, outcome: Outcome, cause: Cause | None, reason: str, tally: Tally | None
) -> CheckResult:
    return CheckResult(
        id=f"{STORE}/_store/{order.control.id}/{kind}",
        control=order.control.id,
        store=STORE,
        table="",
        qualifier=kind.value,
        outcome=outcome,
        sentence=f"{_NOUNS[kind]} are deleted {order.periods[kind].words} after {_INSTANTS[kind]}.{_EXCEPT[kind]}",
        tally=tally,
        plan=Plan.FULL if tally else None,
        cause=cause,
        reason=reason,
        fix=FIX,
    )
