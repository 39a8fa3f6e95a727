"""The edge cases of the controls of the company as a whole, as data in cases/. No store is asked."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import pytest

from privacy_audit.config import attestation_file
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control
from privacy_audit.self_audit import company_checks
from tests.cases.case_files import books

Case = dict[str, Any]
BOOKS = books("company")
CASES = [(kind, case) for kind, book in BOOKS.items() for case in book["cases"]]
STATES = ("compliant", "violating", "undecidable", "held", "out_of_scope")


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{kind}: {case['name']}" for kind, case in CASES])
def test_a_case(kind: str, case: Case) -> None:
    check = _checked(kind, case)
    assert (check.outcome.value, check.cause and check.cause.value) == (case["outcome"], case.get("cause"))
    if "expect" not in case:
        assert check.tally is None
        return
    assert check.tally is not None
    found, expected = asdict(check.tally), {name: case["expect"].get(name, 0) for name in STATES}
    assert {name: found[name] for name in STATES} == expected
    assert check.tally.population == sum(expected.values())


def _checked(kind: str, case: Case) -> CheckResult:
    book = BOOKS[kind]
    control = Control(
        book.get("attestation", {}).get("control", "SCP-1"), kind, "Kept", Severity.HIGH, (), (), date(2024, 1, 1)
    )
    result = company_checks.result(
        company_checks.CompanyOrder(
            today=book.get("today", date(2026, 11, 24)),
            attested=[control] if kind == "attestation" else [],
            residence=[control] if kind == "no_residence_filter" else [],
            unanswered=[],
            attestations=[
                attestation_file.Attestation.model_validate({**book["attestation"], **one})
                for one in case.get("attestations", [])
            ],
            conditions=[(f"app/app.users_{number}/RET-1", name) for number, name in enumerate(case.get("columns", []))],
            checks={"checks": 0, **book, **case}["checks"],
            owner="Data protection",
            alert="alerts_compliance",
        )
    )
    assert result is not None
    (check,) = result.checks
    assert result.outcome is check.outcome
    return check
