"""The compiled suites: the same input gives the same bytes, a loosened promise is one line, no rule gets lost."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.compiler import suites
from privacy_audit.config.settings import Settings
from privacy_audit.controls import kinds
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.pipeline.configuration import Configuration, read_configuration
from tests.places import ROOT

REAL = ROOT / "expectations"
COMMITTED = {path.relative_to(REAL / "suites").as_posix(): path for path in sorted((REAL / "suites").rglob("*.json"))}
GX_SEVERITY = {"critical": "critical", "high": "critical", "medium": "warning", "low": "info"}


@pytest.fixture(scope="module")
def real() -> Configuration:
    return configuration(REAL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The expectations of the repository, with their suites, to be changed."""
    return Path(shutil.copytree(REAL, tmp_path / "expectations"))


def configuration(expectations: Path) -> Configuration:
    return read_configuration(Settings(expectations.parent / "home", expectations, "register", ""))


def edit(file: Path, was: str, becomes: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")


def held(expectations: Path) -> dict[str, bytes]:
    """Every file below `suites/`, whatever it is."""
    root = expectations / "suites"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def entries(files: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    for content in files.values():
        yield from json.loads(content)["expectations"]


def test_the_suites_of_the_repository_are_what_its_policy_and_maps_say(real: Configuration) -> None:
    suites.check(REAL, real.files)
    assert held(REAL) == real.files
    assert len(real.files) > 20


def test_every_check_of_every_store_stands_in_exactly_one_suite(real: Configuration) -> None:
    checks = [check.id for coverage in real.coverages for check in coverage.checks]
    compiled = [entry["kwargs"]["check"] for entry in entries(real.files)]
    assert sorted(compiled) == sorted(checks)
    assert len(set(checks)) == len(checks) > len(real.files)


def test_the_same_input_gives_the_same_bytes(real: Configuration) -> None:
    again = configuration(REAL)
    assert list(again.files.items()) == list(real.files.items())


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_order_in_which_python_keeps_its_sets_is_no_matter(seed: str, real: Configuration) -> None:
    program = "import json, sys; from privacy_audit.pipeline.configuration import read_configuration; "
    program += "json.dump({n: c.decode() for n, c in read_configuration().files.items()}, sys.stdout)"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PYTHONHASHSEED": seed}
    run = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == {name: content.decode() for name, content in real.files.items()}


def test_a_suite_is_a_text_that_people_review(real: Configuration) -> None:
    for name, content in real.files.items():
        assert content.endswith(b"\n}\n"), name
        assert json.dumps(json.loads(content), indent=2, ensure_ascii=False) + "\n" == content.decode(), name


def changed_lines(before: bytes, after: bytes) -> list[str]:
    diff = difflib.unified_diff(before.decode().splitlines(), after.decode().splitlines(), n=0, lineterm="")
    return [f"{line[0]}{line[1:].strip()}" for line in list(diff)[2:] if line[0] in "+-"]


def test_a_loosened_period_is_one_line_of_a_diff(folder: Path, real: Configuration) -> None:
    edit(folder / "policy.yaml", "parameters: {period: P2M}", "parameters: {period: P3M}")
    loosened = configuration(folder).files
    assert loosened.keys() == real.files.keys()
    changed = {name: changed_lines(real.files[name], content) for name, content in loosened.items()}
    expected = {}
    for check in (check for coverage in real.coverages for check in coverage.checks if check.control.id == "RET-3"):
        was = f'"promise": "{check.rule.sentence}",'  # the only other line: it says the period in words
        becomes = was.replace("2 months", "3 months")
        file = f"{check.store}/{check.rule.table}.json"
        expected[file] = ['-"period": "P2M",', '+"period": "P3M",', f"-{was}", f"+{becomes}"]
    assert {name: lines for name, lines in changed.items() if lines} == expected
    assert expected.keys() == {"app/app.positions.json", "web/web.visits.json"}


WORDINGS = {
    "period": ("policy.yaml", "{period: P2M}", "{period: P20Y}"),
    "severity": ("policy.yaml", "severity: high", "severity: low"),
    "title of a control": ("policy.yaml", "title: Positions are deleted 2 months", "title: Positions go 2 months"),
    "legal basis": ("policy.yaml", "legal_basis: [GDPR art. 5(1)(e)]", "legal_basis: [GDPR art. 5]"),
    "version": ("policy.yaml", 'version: "1"', 'version: "2"'),
    "title of a table": ("stores/app.yaml", "title: Positions", "title: Whereabouts"),
    "words for a clock": ("stores/app.yaml", "event: they were recorded", "event: they were written"),
    "zone of a clock": ("stores/app.yaml", "zone: Europe/Paris", "zone: Europe/Rome"),
    "first day of the company": ("stores/app.yaml", "no_data_before: 2001-01-01", "no_data_before: 2002-02-02"),
}


def ids(files: Mapping[str, bytes]) -> dict[str, str]:
    """Suite or check to its id in Great Expectations."""
    read = [json.loads(content) for content in files.values()]
    return {
        **{suite["name"]: suite["id"] for suite in read},
        **{entry["kwargs"]["check"]: entry["id"] for suite in read for entry in suite["expectations"]},
    }


@pytest.mark.parametrize("what", WORDINGS)
def test_ids_stay_when_what_is_said_changes(what: str, folder: Path, real: Configuration) -> None:
    file, was, becomes = WORDINGS[what]
    edit(folder / file, was, becomes)
    files = configuration(folder).files
    assert ids(files) == ids(real.files)
    assert what == "title of a control" or files != real.files  # a control's title stands in reports only


def test_ids_are_names_made_into_numbers(real: Configuration) -> None:
    told = ids(real.files)
    assert {uuid.UUID(number).version for number in told.values()} == {5}
    assert len(set(told.values())) == len(told)
    # Written down: findings of all nights hang on them, also of those before this version.
    assert told["app.app.positions"] == "7316ebea-4d1a-5c68-b4bb-f3238290a66b"
    assert told["app/app.positions/RET-3"] == "b908d2c7-4f72-5492-b239-945ff74e72a6"


def test_no_instant_is_compiled_only_the_place_where_each_run_puts_it(real: Configuration) -> None:
    for entry in entries(real.files):
        assert entry["kwargs"]["as_of"] == {"$PARAMETER": "as_of"}
        assert entry["kwargs"]["budget"] == {"$PARAMETER": "budget"}
    for name, content in real.files.items():
        text = content.decode()
        assert text.count('"as_of": ') == text.count('"$PARAMETER": "as_of"') > 0, name
        assert not re.search(r"\d{4}-\d\d-\d\dT\d\d", text), name


def test_a_suite_says_what_it_holds_the_table_to(real: Configuration) -> None:
    by_id = {check.id: check for coverage in real.coverages for check in coverage.checks}
    for entry in entries(real.files):
        check = by_id[entry["kwargs"]["check"]]
        assert kinds()[check.control.kind].model_validate(entry["kwargs"]["rule"]) == check.rule
        assert (entry["type"], entry["meta"]["promise"]) == (check.rule.expectation, check.rule.sentence)
        assert (entry["meta"]["control"], entry["meta"]["severity"]) == (check.control.id, check.control.severity)
        assert entry["severity"] == GX_SEVERITY[check.control.severity]
        assert entry["meta"]["clauses"] == [real.policy.clause(name).quote for name in check.control.clauses] != []


def _is_missing(file: Path) -> None:
    file.unlink()


def _was_altered(file: Path) -> None:
    edit(file, '"period": "P2M"', '"period": "P20Y"')


def _has_a_blank_more(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


def _was_left_over(file: Path) -> None:
    shutil.copy(file, file.with_name("app.sold.json"))


def _was_left_of_a_store(file: Path) -> None:
    (file.parent.parent / "sold").mkdir()
    shutil.copy(file, file.parent.parent / "sold" / "sold.users.json")


POSITIONS = "app/app.positions.json"
SPOILT: dict[str, Callable[[Path], None]] = {
    "app/app.positions.json is missing": _is_missing,
    "app/app.positions.json was altered": _was_altered,
    "app/app.positions.json has a blank more": _has_a_blank_more,
    "app/app.sold.json is left over": _was_left_over,
    "sold/sold.users.json is left over": _was_left_of_a_store,
}


def mistake(path: str) -> str:
    way_out = "Run `privacy-audit compile`, review the difference and commit it."
    return f"expectations/suites/{path}: is not what policy and store map say. {way_out}"


@pytest.mark.parametrize("case", SPOILT)
def test_a_suite_that_is_not_what_was_compiled_is_named_with_a_way_out(
    case: str, folder: Path, real: Configuration
) -> None:
    SPOILT[case](folder / "suites" / POSITIONS)
    with pytest.raises(ConfigurationRefusedError) as refused:
        suites.check(folder, real.files)
    path = case.partition(" ")[0]
    assert str(refused.value) == mistake(path)
    assert suites.stale(folder, real.files) == [path]


@pytest.mark.parametrize("case", SPOILT)
def test_writing_makes_the_folder_hold_exactly_the_suites(case: str, folder: Path, real: Configuration) -> None:
    SPOILT[case](folder / "suites" / POSITIONS)
    assert held(folder) != real.files
    assert suites.write(folder, real.files) == [case.partition(" ")[0]]
    assert held(folder) == real.files
    assert suites.write(folder, real.files) == []


def test_all_stale_suites_are_named_at_once(folder: Path, real: Configuration) -> None:
    _was_left_of_a_store(folder / "suites" / POSITIONS)
    _was_left_over(folder / "suites" / POSITIONS)
    _is_missing(folder / "suites" / POSITIONS)
    _has_a_blank_more(folder / "suites" / "web" / "web.visits.json")
    paths = [POSITIONS, "app/app.sold.json", "sold/sold.users.json", "web/web.visits.json"]
    with pytest.raises(ConfigurationRefusedError) as refused:
        suites.check(folder, real.files)
    assert str(refused.value).splitlines() == [mistake(path) for path in paths]
    assert suites.write(folder, real.files) == paths
    assert held(folder) == real.files


def test_the_first_suites_are_written_where_no_folder_was(tmp_path: Path, real: Configuration) -> None:
    assert suites.write(tmp_path, real.files) == sorted(real.files)
    assert held(tmp_path) == real.files


def test_what_did_not_change_is_not_written(folder: Path, real: Configuration) -> None:
    _is_missing(folder / "suites" / POSITIONS)
    others = [path for path in (folder / "suites").rglob("*.json") if path.is_file()]
    for path in others:
        os.utime(path, (0, 0))
    suites.write(folder, real.files)
    assert len(others) == len(real.files) - 1
    assert {path.stat().st_mtime for path in others} == {0}


def test_looking_for_stale_suites_changes_nothing(folder: Path, real: Configuration) -> None:
    _was_left_over(folder / "suites" / POSITIONS)
    _was_altered(folder / "suites" / POSITIONS)
    before = held(folder)
    with pytest.raises(ConfigurationRefusedError):
        suites.check(folder, real.files)
    assert held(folder) == before


def test_the_suites_of_one_store_are_loaded_without_those_of_another(real: Configuration) -> None:
    for store in ("app", "web"):
        names = [f"{store}.{Path(path).stem}" for path in sorted(COMMITTED) if path.startswith(f"{store}/")]
        assert [suite["name"] for suite in suites.load(REAL, store)] == names != []
    assert suites.load(REAL, "sold") == []


@pytest.fixture(scope="module")
def registered() -> dict[str, Any]:
    """Our expectation classes, registered with Great Expectations. Importing it takes seconds."""
    from privacy_audit.engine.expectations import expectations

    return dict(expectations())


@pytest.mark.parametrize("path", COMMITTED)
def test_great_expectations_loses_no_rule_of_a_committed_suite(path: str, registered: dict[str, Any]) -> None:
    import great_expectations as gx

    committed = json.loads(COMMITTED[path].read_bytes())
    suite = gx.ExpectationSuite(**committed)
    loaded = [expectation.configuration for expectation in suite.expectations]
    assert [type(expectation) for expectation in suite.expectations] == [
        registered[entry["type"]] for entry in committed["expectations"]
    ]
    assert (suite.name, suite.id) == (committed["name"], committed["id"])
    assert len(loaded) == len(committed["expectations"]) > 0
    for configuration, entry in zip(loaded, committed["expectations"], strict=True):
        assert (configuration.type, configuration.id) == (entry["type"], entry["id"])
        assert {name: configuration.kwargs[name] for name in entry["kwargs"]} == entry["kwargs"]


def test_great_expectations_drops_a_rule_it_does_not_know_without_a_word(registered: dict[str, Any]) -> None:
    """Why rules are counted above, and after each run: such a suite would succeed."""
    import great_expectations as gx

    committed = json.loads(COMMITTED[POSITIONS].read_bytes())
    entry = {**committed["expectations"][0], "type": "expect_a_rule_that_nobody_made"}
    assert entry["type"] not in registered
    assert list(gx.ExpectationSuite(**{**committed, "expectations": [entry]}).expectations) == []


def test_every_kind_of_control_is_an_expectation_and_is_used(registered: dict[str, Any], real: Configuration) -> None:
    assert registered.keys() == {rule.expectation for rule in kinds().values()}
    assert {entry["type"] for entry in entries(real.files)} == registered.keys()
