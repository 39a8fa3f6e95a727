"""From a tally to an outcome: no data is never a pass, unknown is not compliant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from privacy_audit.compiler.suites import Check, ExcusedControl, UncheckedControl
from privacy_audit.controls import Rule
from privacy_audit.domain.advice import Advice
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.check_id import of_store
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.phrases import WAYS_OUT
from privacy_audit.domain.tally import Tally
from privacy_audit.engine.measurement import Measurement
from privacy_audit.engine.remediation_script import NONE, RemediationScript
from privacy_audit.engine.row_queries import RowQueries, listing
from privacy_audit.postgres.store_errors import StoreError

"""Stands for the store as a whole in the id of a check that has no table."""


def judged(check: Check, measured: Measurement, as_of: datetime, drafted: RemediationScript = NONE) -> CheckResult:
    """Returns the result of a check that was counted, with the remediation script."""
    outcome, cause, reason = _outcome(check.rule, measured.tally)
    closing = " ".join(filter(None, (check.rule.fix, drafted.reason)))
    return replace(
        _result(check, outcome, as_of, measured.listing),
        fix=Advice(closing, check.rule.decide).given(outcome, cause, measured.tally),
        draft=drafted.script,
        tally=measured.tally,
        plan=measured.plan,
        plan_reason=measured.plan_reason,
        cause=cause,
        reason=reason,
        late_holds=measured.late_holds,
        forecast=measured.forecast,
        purge=measured.purge,
    )


def not_audited(check: Check, trouble: StoreError, as_of: datetime) -> CheckResult:
    """Returns the result of a check that could not be done."""
    return replace(
        _result(check, Outcome.NOT_AUDITED, as_of),
        fix=Advice(check.rule.fix, check.rule.decide).given(Outcome.NOT_AUDITED, trouble.cause, None),
        cause=trouble.cause,
        reason=sentence(trouble.reason),
    )


def excused(entry: ExcusedControl) -> CheckResult:
    """Returns the result of a control that the owner signed as not applicable."""
    return _of_store(entry, Outcome.NOT_APPLICABLE, None)


def unchecked(entry: UncheckedControl) -> CheckResult:
    """Returns the result of a control that cannot be checked here: a gap."""
    return _of_store(entry, Outcome.NOT_AUDITED, Cause.MISSING)


def _outcome(rule: Rule, tally: Tally) -> tuple[Outcome, Cause | None, str]:
    rows = "1 row" if tally.undecidable == 1 else f"{tally.undecidable:,} rows"
    unknown = f"{rows} cannot be decided: {rule.undecided_because}."
    if tally.violating:
        return Outcome.FAIL, None, unknown if tally.undecidable else ""
    if tally.undecidable:
        return Outcome.REVIEW, Cause.UNDECIDABLE_ROWS, unknown
    if not tally.population and rule.nothing_to_judge:
        return Outcome.NOT_APPLICABLE, Cause.EMPTY, rule.nothing_to_judge
    if tally.population == tally.out_of_scope:
        found = "The table holds no row" if not tally.population else "No row of the table is in scope"
        if rule.may_be_empty:
            return Outcome.NOT_APPLICABLE, Cause.EMPTY, f"{found}, and its map says that this may be."
        return Outcome.REVIEW, Cause.EMPTY, f"{found}, although its map says it is in use. No data is never a pass."
    return Outcome.PASS, None, ""


def _result(check: Check, outcome: Outcome, as_of: datetime, listed: RowQueries | None = None) -> CheckResult:
    listed = listed or listing(check.rule, check.rule.context(as_of))
    return CheckResult(
        id=check.id,
        control=check.control.id,
        store=check.store,
        table=check.rule.table,
        qualifier=check.rule.qualifier or "",
        outcome=outcome,
        sentence=check.rule.sentence,
        show_rows=listed.violating,
        show_undecidable=listed.undecidable,
        reading=check.rule.reading,
    )


def _of_store(entry: ExcusedControl | UncheckedControl, outcome: Outcome, cause: Cause | None) -> CheckResult:
    return CheckResult(
        id=of_store(entry.store, entry.control.id),
        control=entry.control.id,
        store=entry.store,
        table="",
        qualifier="",
        outcome=outcome,
        sentence=f"{entry.control.title}.",
        cause=cause,
        reason=sentence(entry.reason),
        fix=WAYS_OUT[cause] if cause else "",
    )


def sentence(text: str) -> str:
    """Returns the text with a capital letter, unless it begins with a name, and with a full stop."""
    text = text.strip()
    begins_with_name = any(char in text.split(" ")[0] for char in "._")
    return (text if begins_with_name else text[:1].upper() + text[1:]) + ("" if text.endswith((".", "?", "!")) else ".")
