"""audit.json keeps its schema, its canonical form, and its silence about small counts."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
import rfc8785
from jsonschema import Draft202012Validator

from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, Severity
from privacy_audit.domain.promises import Automation
from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.publish.report import canonical_json
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import audits

SCHEMA = json.loads((files("privacy_audit.publish.report") / "audit.schema.json").read_text())


@pytest.mark.parametrize("make", [*audits.AUDITS.values(), lambda: audits.hostile("<b>\u202e")])
def test_keeps_its_schema(make: Any) -> None:
    document = json.loads(canonical_json.render(make_view(make())))
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document)


def test_schema_refuses_a_field_it_does_not_describe() -> None:
    document = canonical_json.to_dict(make_view(audits.broken()))
    document["checks"][0]["example_row"] = "Jeanne"
    assert not Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    ("enum", "place"),
    [
        (Outcome, SCHEMA["properties"]["outcome"]),
        (Severity, SCHEMA["properties"]["checks"]["items"]["properties"]["severity"]),
        (Cause, SCHEMA["properties"]["checks"]["items"]["properties"]["cause"]),
        (Plan, SCHEMA["properties"]["checks"]["items"]["properties"]["plan"]),
        (Automation, SCHEMA["properties"]["clauses"]["items"]["properties"]["automation"]),
    ],
)
def test_schema_knows_every_word_of_the_model(enum: Any, place: dict[str, Any]) -> None:
    assert {word for word in place["enum"] if word} == {member.value for member in enum}


def test_is_canonical_and_the_same_whenever_it_is_rendered() -> None:
    told = canonical_json.render(make_view(audits.broken()))
    assert rfc8785.dumps(json.loads(told)) == told
    assert canonical_json.render(make_view(audits.broken())) == told


def test_timings_change_nothing() -> None:
    audit = audits.broken()
    slow = replace(audit, stores=tuple(replace(store, seconds={"checks": 99.5}) for store in audit.stores))
    assert canonical_json.render(make_view(slow)) == canonical_json.render(make_view(audit))


def test_dates_of_fewer_than_five_rows_are_given_by_month() -> None:
    told = by_id(audits.broken(), "app/app.accounts/MIN-1")
    # The newest row is of 1 November in Paris, and of 31 October in UTC: the month is the policy's.
    assert (told["oldest"], told["newest"]) == ("2026-02-01", "2026-11-01")
    assert (told["overdue_since"], told["dates_by"]) == ("2026-02-01", "month")
    assert [age["rows"] for age in told["tally"]["ages"]] == [0, 1, 0, 2, 0]


def test_a_bucket_of_a_week_is_finer_than_a_month() -> None:
    told = by_id(with_minors(3, (2, 1, 0, 0, 0)), "app/app.accounts/MIN-1")
    assert [age["rows"] for age in told["tally"]["ages"]] == [0, 3, 0, 0, 0]


def test_dates_of_five_rows_are_civil_days() -> None:
    told = by_id(with_minors(5, (0, 1, 0, 4, 0)), "app/app.accounts/MIN-1")
    assert (told["oldest"], told["dates_by"]) == ("2026-02-11", "day")
    assert told["overdue_since"] == "2026-02-11"


@pytest.mark.parametrize(("subjects", "dates_by"), [(0, "day"), (1, "month"), (4, "month"), (5, "day")])
def test_dates_of_many_rows_of_few_persons_are_given_by_month(subjects: int, dates_by: str) -> None:
    told = by_id(with_minors(900, (0, 100, 0, 800, 0), subjects), "app/app.accounts/MIN-1")
    assert told["dates_by"] == dates_by
    assert told["overdue_since"] == ("2026-02-11" if dates_by == "day" else "2026-02-01")


def test_clauses_say_which_controls_check_them_and_with_what_outcome() -> None:
    clauses = {
        clause["id"]: clause["controls"] for clause in canonical_json.to_dict(make_view(audits.broken()))["clauses"]
    }
    assert clauses["retention.geolocation"] == [{"id": "RET-3", "pack": "policy", "outcome": "fail", "checks": 3}]
    assert clauses["retention.identity"] == [{"id": "RET-1", "pack": "policy", "outcome": "not_audited", "checks": 3}]
    assert clauses["retention.litigation"] == [{"id": "HLD-1", "pack": "policy", "outcome": None, "checks": 0}]
    assert clauses["purpose.only"] == []


def test_a_control_in_force_without_any_check_is_not_audited() -> None:
    clauses = {
        clause["id"]: clause["controls"] for clause in canonical_json.to_dict(make_view(audits.clean()))["clauses"]
    }
    assert clauses["retention.cookies"] == [{"id": "RET-5", "pack": "policy", "outcome": "not_audited", "checks": 0}]


def test_ages_name_the_buckets_of_the_model() -> None:
    told = by_id(audits.broken(), "app/app.positions/RET-3")
    assert [age["label"] for age in told["tally"]["ages"]] == [label for label, _ in AGE_BUCKETS]


def by_id(audit: Audit, check_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {check["id"]: check for check in canonical_json.to_dict(make_view(audit))["checks"]}
    check: dict[str, Any] = found[check_id]
    return check


def with_minors(violating: int, ages: tuple[int, ...], subjects: int = 5) -> Audit:
    """The broken audit, with another number of accounts of minors, and of persons that they are of."""
    audit = audits.broken()
    tally = replace(audits.MINORS, population=20_407 + violating, violating=violating, ages=ages, subjects=subjects)
    store = audit.stores[0]
    checks = tuple(replace(check, tally=tally) if check.control == "MIN-1" else check for check in store.checks)
    return replace(audit, stores=(replace(store, checks=checks), *audit.stores[1:]))
