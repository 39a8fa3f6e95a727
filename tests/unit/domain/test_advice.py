"""No advice deletes what nobody could judge: what each kind says of rows in breach, and of rows it cannot decide."""

from __future__ import annotations

import inspect
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from privacy_audit import controls
from privacy_audit.compiler.suites import Check
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.policy.consistency import OF_THE_COMPANY
from privacy_audit.controls import Rule, kinds
from privacy_audit.domain import phrases
from privacy_audit.domain.advice import APART, Advice
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, Severity
from privacy_audit.domain.promises import Control, OwnKind
from privacy_audit.domain.tally import Tally
from privacy_audit.engine import check_outcome
from privacy_audit.engine.measurement import Measurement
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.self_audit import company_checks as company
from privacy_audit.self_audit import missing_nights
from privacy_audit.self_audit import record_checks as records
from tests import builders
from tests.all_rules import named_rules
from tests.places import EXPECTATIONS

PROMISES = policy_reader.load(EXPECTATIONS, kinds())
MARKED = kinds()["soft_delete"]
RULES = named_rules()
T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)

_VERBS = "delete|erase|purge|remove|clear|truncate|drop|update|anonymise|anonymize|wipe|destroy|overwrite|set|empty"
_HARM = re.compile(rf"(?<!is )(?<!not )(?<!never )\b(?:{_VERBS})\b(?! nothing| none)", re.IGNORECASE)
"""Words that take data away, as an advice says them. `Delete nothing before that`, `do not delete` and `why the table
is empty` are none."""


def takes_away(advice: str) -> list[str]:
    """The words of an advice by which data would go."""
    return _HARM.findall(advice)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Find out the date. Delete nothing before that.", []),
        ("Do not delete these rows.", []),
        ("Find out why the table is empty.", []),
        ("The rows were deleted; the settings are updated.", []),
        ("Find out the date, or delete the rows.", ["delete"]),
        ("Set place to null.", ["Set"]),
        ("Delete nothing, then empty the column and update it.", ["empty", "update"]),
    ],
)
def test_the_pattern_finds_what_takes_data_away(words: str, found: list[str]) -> None:
    assert takes_away(words) == found


def test_each_kind_is_looked_at() -> None:
    assert {rule.kind for rule in RULES.values()} == set(kinds())


@pytest.mark.parametrize("name", RULES)
def test_each_rule_says_how_to_close_and_how_to_decide(name: str) -> None:
    rule = RULES[name]
    texts = (rule.fix, rule.decide)
    assert all(text == text.strip() and text.endswith(".") and "  " not in text for text in texts)
    assert rule.fix != rule.decide
    assert takes_away(rule.decide) == []


def test_a_control_that_says_how_to_close_a_finding_does_not_say_how_to_decide_rows() -> None:
    """`fix:` of policy and law stands in for the closing text of a kind, and for nothing else."""
    own = {control.fix for control in PROMISES.controls if control.fix}
    of_rules = [rule for rule in RULES.values() if rule.fix in own]
    assert len(of_rules) > 50
    assert [rule for rule in of_rules if rule.decide in own] == []


def test_a_kind_without_a_text_for_undecided_rows_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(inspect.getfile(MARKED)).read_text()
    without = re.sub(r"    @property\n    def decide.*?\n\n", "", source, flags=re.DOTALL)
    assert without != source
    (tmp_path / "forgetful.py").write_text(without.replace('"soft_delete"', '"forgetful"'))
    monkeypatch.setattr(controls, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "privacy_audit.controls.forgetful", raising=False)
    try:
        with pytest.raises(ImportError, match=r"controls/forgetful\.py does not say decide\."):
            kinds.__wrapped__()
    finally:
        sys.modules.pop("privacy_audit.controls.forgetful", None)


def test_a_rule_without_a_text_for_undecided_rows_cannot_be_made() -> None:
    class Forgetful(MARKED):  # type: ignore[misc, valid-type]
        decide = Rule.decide

    assert inspect.isabstract(Forgetful)
    with pytest.raises(TypeError, match="decide"):
        Forgetful()


def test_the_kinds_without_a_store_say_both_as_well() -> None:
    control = Control("A-1", "attestation", "It is so", Severity.LOW, (), (), builders.SINCE, fix="Delete them all.")
    of_the_company = {kind: of(control) for kind, of in company.ADVICE.items()}
    of_the_audit = {OwnKind.OWN_RECORDS: records.ADVICE, OwnKind.NIGHTLY: missing_nights.ADVICE}
    assert (set(of_the_company), set(of_the_audit)) == (OF_THE_COMPANY, set(OwnKind))
    for advice in (*of_the_company.values(), *of_the_audit.values()):
        assert advice.closing
        assert advice.deciding
        assert advice.closing != advice.deciding
        assert takes_away(f"{advice.deciding} {advice.looking}") == []


@pytest.mark.parametrize("cause", Cause)
def test_no_cause_of_a_review_or_of_a_blind_check_takes_data_away(cause: Cause) -> None:
    advice = Advice("Delete them.", "Find it out.")
    assert takes_away(phrases.WAYS_OUT[cause]) == []
    for outcome in (Outcome.REVIEW, Outcome.NOT_AUDITED):
        assert takes_away(advice.given(outcome, cause, None)) == []
        assert advice.given(outcome, cause, None)


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.NOT_APPLICABLE])
def test_where_nothing_is_to_be_done_nothing_is_advised(outcome: Outcome) -> None:
    assert Advice("Delete them.", "Find it out.").given(outcome, Cause.EMPTY, builders.tally()) == ""


CLOSE, DECIDE = "Delete these rows of app.t", "Find out when each of these rows of app.t was marked"


def _judged(tally: Tally, **more: bool) -> str:
    rule = MARKED.model_validate(
        {
            "table": "app.t",
            "title": "Rows",
            "key": ["id"],
            "zone": "Europe/Paris",
            "no_data_before": "2019-01-01",
            "period": "P30D",
            "categories": ["financial"],
            "mark": {"clock": {"column": "deleted_at"}},
            **more,
        }
    )
    check = Check("app/app.t/DEL-1", PROMISES.control("DEL-1"), "app", rule)
    return check_outcome.judged(check, Measurement(tally, Plan.FULL, "", 0), T).fix


@pytest.mark.parametrize(("violating", "undecidable"), [(0, 3), (2, 0), (2, 3)])
def test_the_counts_decide_which_text_is_shown(violating: int, undecidable: int) -> None:
    fix = _judged(builders.tally(violating=violating, undecidable=undecidable))
    assert (CLOSE in fix, DECIDE in fix, APART in fix) == (
        violating > 0,
        undecidable > 0,
        violating > 0 and undecidable > 0,
    )


def test_an_empty_table_is_not_advised_to_lose_rows() -> None:
    assert _judged(builders.tally(population=0)) == phrases.WAYS_OUT[Cause.EMPTY]
    assert _judged(builders.tally(population=0), may_be_empty=True) == ""


def test_who_could_not_look_is_not_advised_to_delete() -> None:
    rule = next(rule for rule in RULES.values() if CLOSE.split(" rows")[0] in rule.fix)
    check = Check("app/app.t/DEL-1", PROMISES.control("DEL-1"), "app", rule)
    fix = check_outcome.not_audited(check, StoreError(Cause.DRIFT, "the column is gone"), T).fix
    assert fix == phrases.WAYS_OUT[Cause.DRIFT]
