"""The gate at the end of a night: findings pass it; what was not audited, filed, published or told does not."""

from __future__ import annotations

import pytest

from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import assembling, audit_order, auditing, filing_step, publishing, run_gate, sending
from privacy_audit.view.make_view import make_view
from tests.unit.pipeline.one_night import OneNight, Result, Results, plan
from tests.unit.pipeline.owner import Owner

FILED: Result = {"causes": []}
TOLD: Result = {"sent": 2, "failed": []}
DOCS: Result = {"index": "index.html"}
UNSEEN = "Store web: 12 checks were not audited: The statement was cancelled by its time limit."
FAILED = "Task file_report failed: the register: it is read-only."
PROBLEMS: dict[str, tuple[Result | None, Result | None, Result | None, list[str]]] = {
    "The audit was not filed.": (None, TOLD, DOCS, []),
    "The owners were not told.": (FILED, None, DOCS, []),
    "The Data Docs were not published.": (FILED, TOLD, None, []),
    UNSEEN: ({"causes": [UNSEEN]}, TOLD, DOCS, []),
    "Not told: Product, by json: it did not take the message.": (
        FILED,
        {"sent": 1, "failed": ["Product, by json: it did not take the message"]},
        DOCS,
        [],
    ),
    "The audit was not filed.\nThe Data Docs were not published.\nThe owners were not told.": (None, None, None, []),
    FAILED: (None, None, None, [FAILED]),
    f"{FAILED}\n{UNSEEN}": ({"causes": [UNSEEN]}, TOLD, None, [FAILED]),
}


@pytest.mark.parametrize("sentences", PROBLEMS)
def test_each_problem_alone_fails_the_run_with_a_sentence(sentences: str) -> None:
    with pytest.raises(audit_order.NotAuditedError) as failed:
        run_gate.gate(*PROBLEMS[sentences])
    assert str(failed.value) == sentences


def test_causes_are_counted_beyond_ten_lines() -> None:
    causes = [f"Store s{number} was not audited: it is down." for number in range(50)]
    for number, lines in ((10, 10), (11, 10), (50, 10)):
        with pytest.raises(audit_order.NotAuditedError) as failed:
            run_gate.gate({"causes": causes[:number]}, TOLD, DOCS)
        said = str(failed.value).splitlines()
        assert len(said) == lines
        assert said[:9] == causes[:9]
    assert said[9] == "And 41 more causes: see the report, which says them first."


def test_checks_of_one_cause_are_one_line(night: OneNight) -> None:
    lost = {"outcome": "not_audited", "cause": "timeout", "tally": None}
    checks = [
        {**check, **lost, "reason": f"It took too long {number % 2}."}
        for number, check in enumerate(night.app["checks"])
    ]
    app = {**night.app, "outcome": "not_audited", "checks": checks}
    causes = filing_step.causes(make_view(assembling.assemble(night.order, [app, *night.results[1:]])))
    assert [cause for cause in causes if cause.startswith("Store app")] == [
        f"Store app: {(len(checks) + 1) // 2} checks were not audited: It took too long 0.",
        f"Store app: {len(checks) // 2} checks were not audited: It took too long 1.",
    ]
    assert not any("/" in cause for cause in causes)  # no id of a check


def test_a_night_with_findings_passes_when_all_was_audited_filed_published_and_told(
    night: OneNight, filed: Result, owner: Owner
) -> None:
    published = publishing.publish_docs(night.order, night.results)
    told = sending.send_alerts(night.order, night.results)
    assert filed["outcome"] == "fail"
    assert owner.received == {"mailto": 1, "json": 1}
    assert (set(told), set(published)) == (set(TOLD), set(DOCS))  # the other tests of the gate speak of the same
    run_gate.gate(filed, told, published)


@pytest.mark.usefixtures("rows")
def test_a_night_on_which_no_control_was_in_force_fails_the_run() -> None:
    outcome, filed = _night_of(plan("2023-06-01T12:00:00+02:00"))
    assert outcome is Outcome.NOT_AUDITED
    with pytest.raises(audit_order.NotAuditedError, match=r"Store app was not audited: no control was in force\."):
        run_gate.gate(filed, TOLD, DOCS)


@pytest.mark.usefixtures("rows")
def test_a_night_that_asks_only_for_what_the_owners_signed_for_passes() -> None:
    outcome, filed = _night_of(plan(controls=["RET-1"]))
    assert outcome is Outcome.NOT_APPLICABLE
    run_gate.gate(filed, TOLD, DOCS)


def _night_of(order: audit_order.Order) -> tuple[Outcome, Result]:
    """The outcome of a whole night, and what was filed of it."""
    results: Results = [*auditing.audit_everything(order)]
    return assembling.assemble(order, results).outcome, filing_step.file(order, results)
