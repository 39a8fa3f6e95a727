"""What became of the promises is named, each loosened one in a sentence, and nothing that differs is left out."""

from __future__ import annotations

import copy
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.compiler.policy_changes import PolicyChange, changes, one_way, promises
from privacy_audit.config.settings import Settings
from privacy_audit.config.yaml.tree import compose
from privacy_audit.pipeline.configuration import read_configuration
from tests.places import EXPECTATIONS, FEW_PROMISES

HERE = Path(__file__).parent / "policy_changes"
REAL = FEW_PROMISES
AS_COMMITTED = EXPECTATIONS
SLIPS: Any = compose((HERE / "slips.yaml").read_text(encoding="utf-8"), "slips.yaml").value

Promises = dict[str, Any]


def read(expectations: Path) -> Promises:
    """What is promised, as it comes back from where it was kept."""
    settings = Settings(home=expectations, expectations=expectations, database="none", reports_url="")
    configuration = read_configuration(settings)
    kept: Promises = json.loads(json.dumps(promises(configuration.policy, configuration.coverages), allow_nan=False))
    return kept


def edited(slip: dict[str, Any], folder: Path) -> Path:
    expectations = Path(shutil.copytree(HERE / "expectations", folder / "expectations"))
    for edit in slip["edits"]:
        file = expectations / edit.get("in", "policy.yaml")
        if edit.get("remove"):
            file.unlink()
            continue
        text = file.read_text(encoding="utf-8")
        assert text.count(edit["replace"]) == 1, edit
        file.write_text(text.replace(edit["replace"], edit["by"]), encoding="utf-8")
    return expectations


@pytest.fixture(scope="module")
def before() -> Promises:
    return read(HERE / "expectations")


def in_lines(found: tuple[PolicyChange, ...]) -> str:
    return "".join(f"{change.direction} | {change.subject} | {change.sentence}\n" for change in found)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip["case"])
def test_what_changed_is_said_in_these_words(slip: dict[str, Any], before: Promises, tmp_path: Path) -> None:
    after = read(edited(slip, tmp_path))
    assert in_lines(changes(before, after)) == slip["says"]
    assert weighed(changes(after, before)) == weighed(changes(before, after), undone=True)


def test_another_name_of_a_table_or_a_control_loosens_nothing(before: Promises, tmp_path: Path) -> None:
    library = {"in": "stores/library.yaml"}
    edits = [
        {"replace": "  RET-1:\n", "by": "  RET-9:\n    formerly: [RET-1]\n"},
        {**library, "replace": "  lib.loans:\n", "by": "  lib.lendings:\n"},
        {
            **library,
            "replace": "no_data_before: 2001-01-01\n",
            "by": "no_data_before: 2001-01-01\nformerly: {lib.lendings: [lib.loans]}\n",
        },
    ]
    assert changes(before, read(edited({"edits": edits}, tmp_path))) == ()
    longer = [*edits, {"replace": "{period: P3M}", "by": "{period: P4M}"}]
    assert in_lines(changes(before, read(edited({"edits": longer}, tmp_path / "longer")))) == (
        "loosened | RET-9 | RET-9 Loans are deleted 3 months after the book came back: "
        "the period was 3 months and is 4 months now.\n"
    )


@pytest.mark.parametrize(
    ("control", "parameter", "value", "said"),
    [
        ("META-3", "tolerance_seconds", "30", "loosened: the number of seconds by which clocks may differ was 5"),
        ("META-3", "tolerance_seconds", "1", "tightened: the number of seconds by which clocks may differ was 5"),
        ("META-4", "nights", "7", "loosened: the number of nights that are looked at was 35"),
        ("META-4", "nights", "90", "tightened: the number of nights that are looked at was 35"),
    ],
)
def test_what_the_audit_asks_of_itself_has_a_direction(control: str, parameter: str, value: str, said: str) -> None:
    before = read(AS_COMMITTED)
    after = copy.deepcopy(before)
    after["controls"][control]["parameters"][parameter] = value
    (change,) = changes(before, after)
    title = before["controls"][control]["title"]
    direction, _, words = said.partition(": ")
    assert (change.direction.value, change.sentence) == (direction, f"{control} {title}: {words} and is {value} now.")


def test_a_tolerance_that_is_left_out_is_the_usual_one() -> None:
    before = read(AS_COMMITTED)
    after = copy.deepcopy(before)
    del after["controls"]["META-3"]["parameters"]["tolerance_seconds"]
    (change,) = changes(before, after)
    assert change.direction is Direction.CHANGED
    before["controls"]["META-3"]["parameters"]["tolerance_seconds"] = "6"
    (change,) = changes(before, after)
    assert change.direction is Direction.TIGHTENED


def weighed(found: tuple[PolicyChange, ...], *, undone: bool = False) -> Counter[tuple[Direction, str]]:
    return Counter((it.direction.reverse if undone else it.direction, it.subject) for it in found)


# what holds of any two


REAL_PROMISES = read(REAL)
VALUES: dict[str, list[Any]] = {
    "period": ["P1M", "P30D", "P2M", "P3Y"],
    "review_after": ["P1M", "P30D", "P2M", "P3Y"],
    "severity": ["critical", "high", "medium", "low"],
    "age": ["9", "12", "16"],
    "nights": ["7", "35"],
    "tolerance_seconds": ["1", "5", "30"],
    "effective_from": ["2024-06-01", "2025-01-01"],
    "effective_to": [None, "2027-06-30", "2028-01-01"],
    "no_data_before": ["1999-01-01", "2002-02-02"],
    "null_means": ["unknown", "running"],
}
"""What may stand there in other versions; of all else any word may."""


def places(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands that can be another."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, value in inner:
        yield from places(value, (*path, step))
    if path and not isinstance(part, dict | list):
        yield path


def removable(promised: Promises) -> list[tuple[Any, ...]]:
    whole = [(part, name) for part in promised for name in promised[part]]
    fields = ("clock", "holds", "out_of_scope", "legal_reason", "review_after", "row_period", "may_be_empty")
    return whole + [
        ("checks", name, field) for name, rule in promised["checks"].items() for field in fields if field in rule
    ]


@st.composite
def versions(draw: st.DrawFn) -> Promises:
    """The real promises after a few changes."""
    promised = copy.deepcopy(REAL_PROMISES)
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            path = draw(st.sampled_from(removable(promised)))
            del at(promised, path[:-1])[path[-1]]
        else:
            path = draw(st.sampled_from([*places(promised)]))
            name = path[-1]
            at(promised, path[:-1])[name] = draw(st.sampled_from(VALUES.get(name, ["one", "another", "a third"])))
    return promised


def at(part: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        part = part[step]
    return part


@given(version=versions())
def test_the_same_promises_give_no_change(version: Promises) -> None:
    assert changes(version, copy.deepcopy(version)) == ()


@given(before=versions(), after=versions())
def test_what_is_undone_goes_the_other_way(before: Promises, after: Promises) -> None:
    assert weighed(changes(after, before)) == weighed(changes(before, after), undone=True)


@given(version=versions())
def test_nothing_that_differs_is_left_out(version: Promises) -> None:
    found = changes(REAL_PROMISES, version)
    subjects = {change.subject for change in found}
    for name, control in REAL_PROMISES["controls"].items():
        assert (control != version["controls"].get(name)) is (name in subjects)
    for name in REAL_PROMISES["stores"]:
        assert (name in version["stores"]) is (name not in subjects)
    for check, rule in REAL_PROMISES["checks"].items():
        store, _, control, *_ = check.split("/")
        if store in version["stores"] and control in version["controls"]:
            differs = _without_log(rule) != _without_log(version["checks"].get(check, {}))
            told = changed_above(REAL_PROMISES, version, control)
            assert (check in subjects) is differs or (differs and told)


def _without_log(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without the log of purge runs, which decides nothing."""
    return {field: value for field, value in rule.items() if field != "purge_runs"}


def changed_above(before: Promises, after: Promises, control: str) -> bool:
    """Whether a parameter differs, which the control tells for all its checks."""
    differs: bool = before["controls"][control]["parameters"] != after["controls"][control]["parameters"]
    return differs


@given(before=versions(), after=versions())
def test_loosened_is_told_first(before: Promises, after: Promises) -> None:
    found = changes(before, after)
    order = [(list(Direction).index(change.direction), change.subject) for change in found]
    assert order == sorted(order)


def test_the_snapshot_is_small_and_the_same_each_time() -> None:
    assert read(REAL) == REAL_PROMISES
    assert len(json.dumps(REAL_PROMISES)) < 40_000


def test_only_rules_of_which_one_finds_more_are_one_way() -> None:
    rule = REAL_PROMISES["checks"]["app/app.positions/RET-3"]
    assert one_way(rule, rule)
    assert one_way(rule, {**rule, "period": "P3M"})
    assert not one_way(rule, {**rule, "period": "P61D"})
    assert not one_way(rule, {**rule, "zone": "UTC"})
