"""The gate at the end of a night: findings pass it; what was not audited, filed, published or told does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.pipeline import assembling, audit_order, auditing, filing_step, publishing, run_gate, sending
from privacy_audit.pipeline.filing_step import FilingOutcome
from privacy_audit.view.make_view import make_view
from tests.unit.pipeline.one_night import OneNight, Results, plan
from tests.unit.pipeline.owner import Owner

UNSEEN = "Store web: 12 checks were not audited: The statement was cancelled by its time limit."
FAILED = "Task file_report failed: the audit database: it is read-only."
PROBLEMS: dict[str, tuple[list[str] | None, list[str] | None, bool, list[str]]] = {
    "The audit was not filed.": (None, [], True, []),
    "The owners were not told.": ([], None, True, []),
    "The Data Docs were not published.": ([], [], False, []),
    UNSEEN: ([UNSEEN], [], True, []),
    "Not told: Product, by json: it did not take the message.": (
        [],
        ["Product, by json: it did not take the message"],
        True,
        [],
    ),
    "The audit was not filed.\nThe Data Docs were not published.\nThe owners were not told.": (None, None, False, []),
    FAILED: (None, None, False, [FAILED]),
    f"{FAILED}\n{UNSEEN}": ([UNSEEN], [], False, [FAILED]),
}
"""The sentences, and what leads to them: causes, who was not reached, whether the Data Docs are there, and failures."""


@pytest.mark.parametrize("sentences", PROBLEMS)
def test_each_problem_alone_fails_the_run_with_a_sentence(sentences: str) -> None:
    causes, undelivered, docs_done, failures = PROBLEMS[sentences]
    with pytest.raises(audit_order.NotAuditedError) as failed:
        run_gate.gate(causes, undelivered, docs_done=docs_done, failures=failures)
    assert str(failed.value) == sentences


def test_causes_are_counted_beyond_ten_lines() -> None:
    causes = [f"Store s{number} was not audited: it is down." for number in range(50)]
    for number, lines in ((10, 10), (11, 10), (50, 10)):
        with pytest.raises(audit_order.NotAuditedError) as failed:
            run_gate.gate(causes[:number], [], docs_done=True)
        said = str(failed.value).splitlines()
        assert len(said) == lines
        assert said[:9] == causes[:9]
    assert said[9] == "And 41 more causes: see the report, which says them first."


def test_checks_of_one_cause_are_one_line(night: OneNight) -> None:
    checks = tuple(
        replace(
            check,
            outcome=Outcome.NOT_AUDITED,
            cause=Cause.TIMEOUT,
            tally=None,
            reason=f"It took too long {number % 2}.",
        )
        for number, check in enumerate(night.app.checks)
    )
    app = replace(night.app, outcome=Outcome.NOT_AUDITED, checks=checks)
    causes = filing_step.causes(make_view(assembling.assemble(night.order, [app, *night.results[1:]])))
    assert [cause for cause in causes if cause.startswith("Store app")] == [
        f"Store app: {(len(checks) + 1) // 2} checks were not audited: It took too long 0.",
        f"Store app: {len(checks) // 2} checks were not audited: It took too long 1.",
    ]
    assert not any("/" in cause for cause in causes)  # no id of a check


def test_a_night_with_findings_passes_when_all_was_audited_filed_published_and_told(
    night: OneNight, filed: FilingOutcome, owner: Owner
) -> None:
    published = publishing.publish_docs(night.order, night.results)
    messages = sending.send_alerts()
    assert filed.outcome is Outcome.FAIL
    assert owner.received == {"mailto": 1, "json": 1}
    assert messages.sent == 2
    run_gate.gate(filed.causes, messages.failed, docs_done=published is not None)


@pytest.mark.usefixtures("rows")
def test_a_night_on_which_no_control_was_in_force_fails_the_run() -> None:
    outcome, filed = _night_of(plan("2023-06-01T12:00:00+02:00"))
    assert outcome is Outcome.NOT_AUDITED
    with pytest.raises(audit_order.NotAuditedError, match=r"Store app was not audited: no control was in force\."):
        run_gate.gate(filed.causes, [], docs_done=True)


@pytest.mark.usefixtures("rows")
def test_a_night_that_asks_only_for_what_the_owners_signed_for_passes() -> None:
    outcome, filed = _night_of(plan(controls=["RET-1"]))
    assert outcome is Outcome.NOT_APPLICABLE
    run_gate.gate(filed.causes, [], docs_done=True)


def _night_of(order: audit_order.AuditOrder) -> tuple[Outcome, FilingOutcome]:
    """The outcome of a whole night, and what was filed of it."""
    results: Results = [*auditing.audit_everything(order)]
    return assembling.assemble(order, results).outcome, filing_step.file(order, results)
