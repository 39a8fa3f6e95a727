"""Checks how long the audit keeps its own records: one check per kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from privacy_audit.domain.advice import Advice
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.promises import Control
from privacy_audit.domain.record_periods import OwnRecord, RecordDeadline, RecordKind, SortedRecords, sort
from privacy_audit.domain.tally import Tally
from privacy_audit.self_audit.self_audit_order import CheckVerdict, RecordsOrder, ages, check

ADVICE = Advice(
    closing="Run the DAG `privacy_audit_maintenance`, or `privacy-audit maintain`, and find out why it did not run.",
    deciding="Find out what these entries are and who put them there, and move what is not the audit's elsewhere."
    " Delete nothing before that.",
)

_NOUNS = {
    RecordKind.AUDITS: "Audits in the audit database, with their results, standings and decisions,",
    RecordKind.REPORTS: "Reports",
    RecordKind.VALIDATIONS: "Validation results of Great Expectations",
    RecordKind.MESSAGES: "Messages to the owners",
}
_INSTANTS = dict.fromkeys(RecordKind, "the instant of their audit") | {RecordKind.AUDITS: "their instant"}
_EXCEPT = {
    RecordKind.AUDITS: " The newest stays, and where a finding that is still open stood last.",
    RecordKind.REPORTS: " The newest stays.",
    RecordKind.VALIDATIONS: "",
    RecordKind.MESSAGES: " What was not delivered stays.",
}


def judged(order: RecordsOrder, kind: RecordKind, records: Sequence[OwnRecord]) -> CheckVerdict:
    """Returns the verdict on the records of one kind."""
    deadline = order.deadline(kind)
    return _said(
        _tally(sort((record for record in records if record.name != order.audit_id), deadline.before), deadline)
    )


def of_kind(order: RecordsOrder, control: Control, kind: RecordKind, said: CheckVerdict) -> CheckResult:
    """Returns the check of the records of one kind."""
    sentence = f"{_NOUNS[kind]} are deleted {order.periods[kind].words} after {_INSTANTS[kind]}.{_EXCEPT[kind]}"
    return check(control, kind.value, said, sentence, ADVICE)


def _said(tally: Tally) -> CheckVerdict:
    if tally.violating:
        return CheckVerdict(Outcome.FAIL, None, _unknown(tally.undecidable), tally)
    if tally.undecidable:
        return CheckVerdict(Outcome.REVIEW, Cause.UNDECIDABLE_ROWS, _unknown(tally.undecidable), tally)
    if not tally.population:
        return CheckVerdict(Outcome.NOT_APPLICABLE, Cause.EMPTY, "There is none yet.", tally)
    return CheckVerdict(Outcome.PASS, tally=tally)


def _unknown(number: int) -> str:
    if not number:
        return ""
    entries = "1 entry is" if number == 1 else f"{number:,} entries are"
    return f"{entries} no folder that an audit made: nobody can tell how old. Move what is not the audit's elsewhere."


def _tally(found: SortedRecords, deadline: RecordDeadline) -> Tally:
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
        ages=ages(days, deadline.today),
    )
