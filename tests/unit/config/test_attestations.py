"""What people attest: it counts from its first day to its last, 90 days at most, and not before or after."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.config import attestation_file
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.domain.promises import Control, Policy
from privacy_audit.self_audit import company_checks
from tests.builders import policy

TODAY = date(2026, 11, 24)
CONTROL = Control(
    "SEC-2", "attestation", "Disks and backups are encrypted", Severity.HIGH, (), ("GDPR art. 32",), date(2024, 1, 1)
)


def attestation(
    on: date = TODAY, until: date = TODAY, control: str = "SEC-2", **others: str
) -> attestation_file.Attestation:
    words = {"statement": "All volumes are encrypted.", "attested_by": "A. Martin", "evidence": "ticket 4711"}
    return attestation_file.Attestation(control=control, on=on, until=until, **{**words, **others})


def order(*attestations: attestation_file.Attestation, **others: Any) -> company_checks.CompanyOrder:
    given: dict[str, Any] = {
        "today": TODAY,
        "attested": [CONTROL],
        "residence": [],
        "unanswered": [],
        "attestations": attestations,
        "conditions": [],
        "checks": 0,
        "owner": "Data protection",
        "alert": "alerts_compliance",
    }
    return company_checks.CompanyOrder(**{**given, **others})


def said(*attestations: attestation_file.Attestation) -> tuple[Outcome, Cause | None, str]:
    result = company_checks.result(order(*attestations))
    assert result is not None
    (check,) = result.checks
    assert check.id == "company/_store/SEC-2"
    assert result.outcome is check.outcome
    return check.outcome, check.cause, check.reason


def test_nobody_has_attested_it() -> None:
    outcome, cause, reason = said()
    assert (outcome, cause) == (Outcome.NOT_AUDITED, Cause.MISSING)
    assert reason == (
        "No database shows this, and nobody has attested it. Add an entry to `attestations.yaml`: who saw what, when,"
        " and by which evidence, for 90 days at most."
    )


def test_it_says_who_when_and_by_what() -> None:
    _, _, reason = said(attestation())
    assert reason == (
        "Attested until 24 November 2026. “All volumes are encrypted.” Attested by A. Martin on 24 November 2026;"
        " evidence: ticket 4711."
    )


def test_what_has_ended_says_so() -> None:
    ended = attestation(TODAY - timedelta(days=9), TODAY - timedelta(days=2))
    _, cause, reason = said(ended)
    assert cause is Cause.EXPIRED
    assert reason.startswith("The attestation ended on 22 November 2026, and nobody has looked since.")


def written(folder: Path, text: str, promised: Policy | None = None) -> tuple[attestation_file.Attestation, ...]:
    expectations = folder / "expectations"
    expectations.mkdir(exist_ok=True)
    (expectations / "attestations.yaml").write_text(text, encoding="utf-8")
    return attestation_file.read(expectations, promised)


ENTRY = """attestations:
  - control: SEC-2
    statement: All volumes are encrypted.
    attested_by: A. Martin
    on: 2026-11-01
    until: {until}
    evidence: ticket 4711
"""


def test_the_file_is_read(tmp_path: Path) -> None:
    (read,) = written(tmp_path, ENTRY.format(until="2027-01-30"))
    assert read == attestation(date(2026, 11, 1), date(2027, 1, 30))
    assert attestation_file.read(tmp_path, None) == ()


@pytest.mark.parametrize("until", ["2027-01-31", "2026-10-31"])
def test_it_lasts_90_days_at_most(tmp_path: Path, until: str) -> None:
    with pytest.raises(ConfigurationRefusedError) as refused:
        written(tmp_path, ENTRY.format(until=until))
    assert "90 days at most: 2027-01-30 is the last day for this one." in str(refused.value)


def test_what_the_audit_sees_for_itself_nobody_attests(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefusedError) as refused:
        written(tmp_path, ENTRY.replace("SEC-2", "RET-3").format(until="2026-11-30"), policy())
    assert str(refused.value).startswith(
        'expectations/attestations.yaml:2:14: "RET-3" is no control of kind attestation: of the others the audit sees'
    )


RESIDENCE = Control("SCP-1", "no_residence_filter", "Nobody is left out", Severity.HIGH, (), (), date(2024, 1, 1))


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("country", "app/app.users/RET-1 leaves rows out by column country."),
        ("plan", "7 checks looked at: none leaves rows out by where a person lives."),
    ],
)
def test_it_says_which_check_leaves_persons_out(column: str, reason: str) -> None:
    result = company_checks.result(
        order(attested=[], residence=[RESIDENCE], conditions=[("app/app.users/RET-1", column)], checks=7)
    )
    assert result is not None
    assert [check.reason for check in result.checks] == [reason]


def test_a_control_that_no_store_answers_is_said_and_not_audited() -> None:
    lost = Control(
        "DSR-3", "deadline", "Answered in time", Severity.HIGH, (), (), date(2024, 1, 1), None, (),
        {"register": "rights_requests"},
    )  # fmt: skip
    result = company_checks.result(order(attested=[], unanswered=[lost]))
    assert result is not None
    (check,) = result.checks
    assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.MISSING)
    assert check.reason.startswith("It needs the register `rights_requests`, and no store map binds one.")


def test_where_nothing_is_asked_nothing_is_said() -> None:
    assert company_checks.result(order(attested=[])) is None
