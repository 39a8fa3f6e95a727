"""Nights without an audit: found by the next one, told like any other finding, and closed by an audit by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from privacy_audit import audit_db
from privacy_audit.config.settings import load
from privacy_audit.domain.audit import CheckResult
from privacy_audit.pipeline import assembling, audit_order, filing_step, order_lookups, own_records, planning
from tests.unit.pipeline.company import RECORDS, Rows
from tests.unit.pipeline.one_night import NOW, Results, handed_on

META_5 = "  META-5:"
META_4 = """  META-4:
    kind: nightly
    title: Each night has its audit
    severity: medium
    clauses: [deletion.after_retention]
    legal_basis: [GDPR art. 5(2)]
    effective_from: 2024-01-01
    parameters: {nights: "35"}
"""
CHECK = "privacy_audit/_store/META-4"


@pytest.fixture(autouse=True)
def promised(expectations: Path, rows: Rows) -> Rows:
    """The policy promises it, and the register is empty."""
    policy = expectations / "policy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace(META_5, META_4 + META_5, 1), encoding="utf-8")
    return rows


reports: dict[datetime, Path] = {}
"""The folder of the report of each night, by its moment."""


def audited(now: datetime, run: str, as_of: str | None = None) -> tuple[audit_order.AuditOrder, Results]:
    """A night over the audit's own records alone, which needs no store."""
    order = handed_on(planning.plan(as_of, None, ["META-4", "META-5"], run, now))
    assert order.own_records == ("META-4", "META-5")
    return order, [handed_on(own_records.audit_records(order))]


def filed(now: datetime, run: str, as_of: str | None = None) -> CheckResult:
    """What such a night says of the nights; it is filed, with its report."""
    order, results = audited(now, run, as_of)
    reports[now] = filing_step.file(order, results).report
    (result,) = [check for check in results[0].checks if check.id == CHECK] if results[0] else []
    return handed_on(result)


def outcome(result: CheckResult) -> tuple[str, str]:
    return result.outcome.value, result.reason


def test_from_the_first_night_by_schedule_to_a_gap_that_is_made_up_for() -> None:
    asked = filed(NOW - timedelta(days=9), "manual__1")
    assert outcome(asked) == ("not_applicable", "The schedule has not started an audit yet.")
    assert outcome(filed(NOW - timedelta(days=5), "scheduled__1")) == ("pass", "")
    assert outcome(filed(NOW - timedelta(days=4), "scheduled__2")) == ("pass", "")

    late = filed(NOW - timedelta(days=1), "scheduled__3")
    assert outcome(late) == ("fail", "2 nights have no audit: 21 November 2026 to 22 November 2026.")
    assert late.tally
    assert late.tally.population == 5
    (finding,) = [one for one in audit_db.findings(order_lookups.audit_db_url(load())) if one.check == CHECK]
    assert (finding.store, finding.violating, finding.is_open) == (RECORDS, 2, True)
    page = (reports[NOW - timedelta(days=1)] / "report.html").read_text()
    assert late.reason in page
    assert "Find out why the scheduler did not start the DAG" in page

    for day in (21, 22):
        filed(NOW - timedelta(hours=20), f"manual__{day}", f"2026-11-{day}T01:15:00+01:00")
    assert outcome(filed(NOW, "scheduled__4")) == ("pass", "")
    (finding,) = [one for one in audit_db.findings(order_lookups.audit_db_url(load())) if one.check == CHECK]
    assert not finding.is_open


def test_an_audit_that_is_started_again_finds_the_same() -> None:
    filed(NOW - timedelta(days=2), "scheduled__1")
    first = filed(NOW, "scheduled__2")
    _, (again,) = audited(NOW, "scheduled__2")
    assert again is not None
    assert first == again.checks[0]


def test_a_task_that_was_lost_leaves_both_promises_not_audited() -> None:
    order, results = audited(NOW, "scheduled__1")
    (lost,), (whole,) = (assembling.assemble(order, found).stores for found in ([None], results))
    assert [check.id for check in lost.checks] == [check.id for check in whole.checks]
    assert {check.outcome.value for check in lost.checks} == {"not_audited"}
    assert lost.checks[0].id == CHECK
