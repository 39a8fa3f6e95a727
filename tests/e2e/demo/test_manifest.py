"""How an audit and the manifest are compared, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.manifest import Expected, Manifest
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import Tally

CHECK, OTHER = "app/app.positions/RET-3", "app/app.users/RET-1"
MANIFEST = Manifest(
    datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    1_000,
    (Expected(CHECK, violating=2, held=1, undecidable=3, out_of_scope=4, subjects=1, late_holds=1, why=("é",)),),
)
TALLY = Tally(
    population=20, compliant=10, violating=2, held=1, undecidable=3, out_of_scope=4, subjects=1, ages=(2, 0, 0, 0, 0)
)
CLEAN = Tally(population=9, compliant=9, violating=0, held=0, undecidable=0, out_of_scope=0, subjects=0)


def _result(
    check: str = CHECK, outcome: Outcome = Outcome.FAIL, tally: Tally | None = TALLY, late: int = 1
) -> CheckResult:
    store, table, control = check.split("/")
    return CheckResult(check, control, store, table, "", outcome, "", tally, late_holds=late)


def test_an_audit_that_found_what_was_planted_has_no_differences() -> None:
    clean = _result(OTHER, Outcome.PASS, CLEAN, late=0)
    assert MANIFEST.differences([_result(), clean]) == []


def test_rows_out_of_scope_of_a_check_without_plantings_say_nothing() -> None:
    partly = replace(CLEAN, compliant=5, out_of_scope=4)
    assert MANIFEST.differences([_result(), _result(OTHER, Outcome.PASS, partly, late=0)]) == []


def test_an_estimated_tally_says_nothing_of_rows_out_of_scope() -> None:
    estimated = replace(TALLY, compliant=14, out_of_scope=0, estimated=True)
    assert MANIFEST.differences([_result(tally=estimated)]) == []


def test_how_the_server_is_set_up_was_not_planted() -> None:
    server = _result(
        "app/_store.catalog/SEC-1", Outcome.FAIL, replace(CLEAN, violating=1, compliant=8, ages=(1, 0, 0, 0, 0)), late=0
    )
    assert MANIFEST.differences([_result(), server]) == []


def test_on_which_nights_the_schedule_ran_was_not_planted() -> None:
    """Who ran `make up` once, and then let the machine sleep, has missed nights, and the demo is as it should be."""
    missed = replace(CLEAN, violating=1, compliant=8, ages=(1, 0, 0, 0, 0))
    nights = CheckResult("privacy_audit/_store/META-4", "META-4", "privacy_audit", "", "", Outcome.FAIL, "", missed)
    assert MANIFEST.differences([_result(), nights]) == []


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.REVIEW, Outcome.NOT_AUDITED])
def test_what_people_attest_was_not_planted(outcome: Outcome) -> None:
    attested = CheckResult("company/_store/APP-2", "APP-2", "company", "", "", outcome, "", None)
    assert MANIFEST.differences([_result(), attested]) == []


def test_a_broken_promise_of_the_company_as_a_whole_is_said() -> None:
    broken = CheckResult("company/_store/SCP-1", "SCP-1", "company", "", "", Outcome.FAIL, "", None)
    assert MANIFEST.differences([_result(), broken]) == ["company/_store/SCP-1: fail without a tally; expected pass."]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], [f"{CHECK}: planted, and missing from the audit."]),
        ([_result(), _result()], [f"{CHECK}: reported twice."]),
        (
            [_result(tally=replace(TALLY, violating=1, compliant=11, ages=(1, 0, 0, 0, 0)))],
            [f"{CHECK}: 1 violating, planted 2."],
        ),
        ([_result(tally=replace(TALLY, held=2, compliant=9))], [f"{CHECK}: 2 held, planted 1."]),
        ([_result(tally=replace(TALLY, undecidable=0, compliant=13))], [f"{CHECK}: 0 undecidable, planted 3."]),
        ([_result(tally=replace(TALLY, out_of_scope=0, compliant=14))], [f"{CHECK}: 0 out of scope, planted 4."]),
        ([_result(tally=replace(TALLY, subjects=2))], [f"{CHECK}: 2 subjects, planted 1."]),
        ([_result(late=0)], [f"{CHECK}: 0 late holds, planted 1."]),
        ([_result(outcome=Outcome.REVIEW)], [f"{CHECK}: outcome review, expected fail."]),
        (
            [_result(outcome=Outcome.NOT_AUDITED, tally=None)],
            [f"{CHECK}: not_audited without a tally; expected fail."],
        ),
        (
            [_result(), _result(OTHER, Outcome.REVIEW, replace(CLEAN, compliant=8, undecidable=1), late=0)],
            [f"{OTHER}: 1 undecidable, planted 0.", f"{OTHER}: outcome review, expected pass."],
        ),
    ],
)
def test_every_difference_is_said(results: list[CheckResult], expected: list[str]) -> None:
    assert MANIFEST.differences(results) == expected


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    MANIFEST.write(path)
    assert Manifest.read(path) == MANIFEST
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
