"""The gate at the end of a night: findings pass it; what was not audited, filed, published or told does not."""

from __future__ import annotations

import pytest
from tests.audit.one_night import OneNight, Result, Results, plan
from tests.audit.owner import Owner

from privacy_audit import audit
from privacy_audit.model import Outcome

FILED: Result = {"not_audited": []}
TOLD: Result = {"sent": 2, "failed": []}
DOCS: Result = {"index": "index.html"}
PROBLEMS: dict[str, tuple[Result | None, Result | None, Result | None]] = {
    "the audit was not filed": (None, TOLD, DOCS),
    "the owners were not told": (FILED, None, DOCS),
    "the Data Docs were not published": (FILED, TOLD, None),
    "web was not audited; web/web.cookies/RET-5 was not audited": (
        {"not_audited": ["web", "web/web.cookies/RET-5"]},
        TOLD,
        DOCS,
    ),
    "not told: Product, by json: it did not take the message": (
        FILED,
        {"sent": 1, "failed": ["Product, by json: it did not take the message"]},
        DOCS,
    ),
    "the audit was not filed; the Data Docs were not published; the owners were not told": (None, None, None),
}


@pytest.mark.parametrize("sentence", PROBLEMS)
def test_each_problem_alone_fails_the_run_with_a_sentence(sentence: str) -> None:
    with pytest.raises(audit.NotAuditedError) as failed:
        audit.gate(*PROBLEMS[sentence])
    assert str(failed.value) == f"{sentence}. See the report, which says this first."


def test_a_night_with_findings_passes_when_all_was_audited_filed_published_and_told(
    night: OneNight, filed: Result, owner: Owner
) -> None:
    published = audit.publish_docs(night.order, night.results)
    told = audit.send_alerts(night.order, night.results)
    assert filed["outcome"] == "fail"
    assert owner.received == {"mailto": 1, "json": 1}
    assert (set(told), set(published)) == (set(TOLD), set(DOCS))  # the other tests of the gate speak of the same
    audit.gate(filed, told, published)


@pytest.mark.usefixtures("rows")
def test_a_night_on_which_no_control_was_in_force_fails_the_run() -> None:
    outcome, filed = _night_of(plan("2023-06-01T12:00:00+02:00"))
    assert outcome is Outcome.NOT_AUDITED
    with pytest.raises(audit.NotAuditedError, match="app was not audited; web was not audited"):
        audit.gate(filed, TOLD, DOCS)


@pytest.mark.usefixtures("rows")
def test_a_night_that_asks_only_for_what_the_owners_signed_for_passes() -> None:
    outcome, filed = _night_of(plan(controls=["RET-1"]))
    assert outcome is Outcome.NOT_APPLICABLE
    audit.gate(filed, TOLD, DOCS)


def _night_of(order: audit.Order) -> tuple[Outcome, Result]:
    """The outcome of a whole night, and what was filed of it."""
    results: Results = [*audit.audit_everything(order)]
    return audit.assemble(order, results).outcome, audit.file(order, results)
