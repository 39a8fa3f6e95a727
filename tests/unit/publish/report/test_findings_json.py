"""findings.json keeps its schema and its canonical form, and its schema knows every word of the findings."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib.resources import files
from typing import Any

import pytest
import rfc8785
from jsonschema import Draft202012Validator

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.domain.outcomes import FOUND, Outcome, Severity
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingStatus, Triage, WaiverState
from privacy_audit.publish.report import findings_json
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import histories
from tests.unit.publish.report.histories import Night

SCHEMA = json.loads((files("privacy_audit.publish.report") / "findings.schema.json").read_text())
FINDING = SCHEMA["properties"]["findings"]["items"]["properties"]
NIGHT = SCHEMA["properties"]["checks"]["items"]["properties"]["nights"]["items"]["properties"]
LIVELY = findings_json.to_dict(make_view(*histories.NIGHTS["lively"]()))


@pytest.mark.parametrize("make", [*histories.NIGHTS.values(), lambda: histories.hostile("<b>\u202e")])
def test_keeps_its_schema(make: Night) -> None:
    told = findings_json.render(make_view(*make()))
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(told))
    assert rfc8785.dumps(json.loads(told)) == told


def test_schema_refuses_a_field_it_does_not_describe() -> None:
    document = json.loads(json.dumps(LIVELY))
    document["findings"][0]["example_row"] = "Jeanne"
    assert not Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (FindingKind, FINDING["kind"]),
        (FindingStatus, FINDING["status"]),
        (FOUND, FINDING["outcome"]),
        (Severity, FINDING["severity"]),
        (FindingChange, FINDING["changes"]["items"]),
        (Triage, FINDING["decision"]["properties"]["triage"]),
        (WaiverState, SCHEMA["properties"]["waivers"]["items"]["properties"]["state"]),
        (Direction, SCHEMA["properties"]["policy_changes"]["items"]["properties"]["direction"]),
        (Outcome, NIGHT["outcome"]),
    ],
)
def test_schema_knows_every_word(words: Any, place: dict[str, list[StrEnum]]) -> None:
    assert set(place["enum"]) == {word.value for word in words}


def test_a_finding_has_its_life_its_waiver_and_what_people_say() -> None:
    contracts = next(one for one in LIVELY["findings"] if one["check"] == "app/app.contracts/RET-1")
    assert contracts["waiver"] == {"id": "W-2026-1", "until": "2026-12-01T22:59:59Z", "rows": 100}
    assert contracts["decision"] == {
        "triage": "risk_accepted",
        "comment": "Dates are being asked for.",
        "by": "Ida Roth",
        "at": "2026-11-21T01:30:00Z",
    }
    assert (contracts["violating"], contracts["undecidable"], contracts["outcome"]) == (0, 64, "review")


def test_dates_of_fewer_than_five_rows_are_given_by_month() -> None:
    minors = next(one for one in LIVELY["findings"] if one["check"] == "app/app.accounts/MIN-1")
    assert (minors["overdue_since"], minors["dates_by"]) == ("2026-02-01", "month")
    nights = next(one for one in LIVELY["checks"] if one["id"] == "app/app.accounts/MIN-1")["nights"]
    assert {night["overdue_since"] for night in nights} == {"2026-02-01", None}
    positions = next(one for one in LIVELY["checks"] if one["id"] == "app/app.positions/RET-3")["nights"]
    assert (positions[-1]["overdue_since"], positions[-1]["dates_by"]) == ("2025-05-04", "day")


def test_a_night_on_which_nobody_could_look_has_no_count() -> None:
    nights = next(one for one in LIVELY["checks"] if one["id"] == "archive/archive.positions/RET-3")["nights"]
    assert [night["violating"] for night in nights[-3:]] == [None, None, None]
