"""What Great Expectations files of a validation: a whitelist stands at the door, whatever a result holds."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.engine.check_details import KEYS
from privacy_audit.engine.checkpoint import ephemeral_context
from tests.conftest import MakeDatabase
from tests.unit.engine.conftest import made

CANARY = "anne.canari@example.org"
ERROR = f'invalid input syntax for type bigint: "{CANARY}"'
RAISED = {"raised_exception": True, "exception_message": ERROR, "exception_traceback": f"DataError: {ERROR}"}
METRIC = f"('privacy_audit.tally', 'batch_id={CANARY}')"
"""Great Expectations names a metric by all it was computed from."""

Plant = Callable[[Any, Any], object]
"""Puts the canary into a suite's result, and into the one entry of it."""

PLANTS: dict[str, Plant] = {
    "a sample": lambda _, entry: entry.result.update(partial_unexpected_list=[CANARY]),
    "rows": lambda _, entry: entry.result.update(unexpected_rows=[{"email": CANARY}]),
    "an index of rows": lambda _, entry: entry.result.update(unexpected_index_list=[{"id": CANARY}]),
    "a query": lambda _, entry: entry.result.update(unexpected_index_query=f"SELECT '{CANARY}'"),
    "an observed value": lambda _, entry: entry.result.update(observed_value=CANARY),
    "a detail of no known name": lambda _, entry: entry.result["details"].update(sample=CANARY),
    "a raised exception": lambda _, entry: setattr(entry, "exception_info", RAISED),
    "a metric's raised exception": lambda _, entry: setattr(entry, "exception_info", {METRIC: RAISED}),
    "an exception that was not raised": lambda _, entry: setattr(
        entry, "exception_info", {**RAISED, "raised_exception": False}
    ),
    "a metric without exception": lambda _, entry: setattr(
        entry, "exception_info", {METRIC: {"raised_exception": False}}
    ),
    "a keyword": lambda _, entry: entry.expectation_config.kwargs.update(value_set=[CANARY]),
    "a condition": lambda _, entry: entry.expectation_config.kwargs.update(row_condition=f"email = '{CANARY}'"),
    "the expectation's meta": lambda _, entry: entry.expectation_config.meta.update(profiled=CANARY),
    "the expectation's notes": lambda _, entry: setattr(entry.expectation_config, "notes", CANARY),
    "the expectation's description": lambda _, entry: setattr(entry.expectation_config, "description", CANARY),
    "the expectation as rendered": lambda _, entry: setattr(
        entry.expectation_config, "rendered_content", [_rendered()]
    ),
    "the entry's meta": lambda _, entry: entry.meta.update(sample=CANARY),
    "the entry as rendered": lambda _, entry: setattr(entry, "rendered_content", [_rendered()]),
    "the result's meta": lambda suite, _: suite.meta.update(sample=CANARY),
    "the batch's query": lambda suite, _: suite.meta.update(batch_spec={"query": f"SELECT '{CANARY}'"}),
    "the batch's markers": lambda suite, _: suite.meta.update(batch_markers={"fingerprint": CANARY}),
    "the batch's identifiers": lambda suite, _: suite.meta.update(
        active_batch_definition={"batch_identifiers": {"email": CANARY}}
    ),
    "the batch's parameters": lambda suite, _: suite.meta.update(batch_parameters={"email": CANARY}),
    "suite parameters": lambda suite, _: suite.suite_parameters.update(threshold=CANARY),
    "statistics": lambda suite, _: suite.statistics.update(sample=CANARY),
}


def _rendered() -> Any:
    from great_expectations.render import RenderedAtomicContent, RenderedAtomicValue

    value = RenderedAtomicValue(template=CANARY, params={"value": {"schema": {"type": "string"}, "value": CANARY}})
    return RenderedAtomicContent("atomic.diagnostic.observed_value", value, "StringValueType")


@pytest.fixture(scope="module")
def filed(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Key and result of a real validation, as they were filed."""
    folder = tmp_path_factory.mktemp("filed")
    data = [{"category": "geolocation", "clock": {"column": "recorded_at"}}]
    positions = {"title": "Positions", "key": ["id"], "subject": {"column": "user_id"}, "data": data}
    with made(make_database()) as store:
        store.do(
            "CREATE TABLE app.positions (id bigint, user_id text, recorded_at timestamptz)",
            f"INSERT INTO app.positions VALUES (1, '{CANARY}', '2026-01-01')",
        )
        store.audit(folder, {"app.positions": positions}, controls=("RET-3",))
    results = ephemeral_context(folder).validation_results_store
    (key,) = results.list_keys()
    assert CANARY not in written(folder)
    return key, results.get(key)


@pytest.fixture
def result(filed: tuple[Any, Any]) -> Any:
    """The result, for a test to spoil."""
    return copy.deepcopy(filed[1])


@pytest.fixture
def key(filed: tuple[Any, Any]) -> Any:
    """Under which it is filed."""
    return filed[0]


def written(results: Path) -> str:
    """Every name and every byte below a folder."""
    paths = sorted(results.rglob("*"))
    assert any(path.suffix == ".json" for path in paths)
    return "".join(f"{path}\n" + (path.read_text() if path.is_file() else "") for path in paths)


def test_a_result_is_filed_with_its_counts_and_what_it_was_about(result: Any) -> None:
    (entry,) = result.results
    assert entry.result["observed_value"] == 1
    assert entry.result["details"]["subjects"] == 1
    assert set(entry.result["details"]) <= KEYS
    assert entry.exception_info["raised_exception"] is False
    assert entry.expectation_config.kwargs["rule"]["table"] == "app.positions"
    assert entry.expectation_config.meta["control"] == "RET-3"
    assert result.statistics["unsuccessful_expectations"] == 1
    assert result.meta["run_id"]["run_name"] == "a1"


@pytest.mark.parametrize("what", PLANTS)
def test_what_is_not_known_to_be_harmless_is_not_filed(key: Any, result: Any, tmp_path: Path, what: str) -> None:
    details = copy.deepcopy(result.results[0].result["details"])
    PLANTS[what](result, result.results[0])
    ours = ephemeral_context(tmp_path / "ours").validation_results_store
    theirs = ephemeral_context(tmp_path / "theirs").validation_results_store
    assert type(ours).__name__ == "CountsOnlyResultsStore"
    ours.set(key, result)
    super(type(theirs), theirs).set(key, result)
    assert CANARY in written(tmp_path / "theirs"), "the store of Great Expectations itself files it"
    assert CANARY not in written(tmp_path / "ours")
    assert ours.get(key).results[0].result["details"] == details


@pytest.mark.parametrize("info", [RAISED, {METRIC: RAISED}], ids=["of the check", "of its metric"])
def test_that_a_check_raised_is_filed_without_what_it_said(
    key: Any, result: Any, tmp_path: Path, info: dict[str, Any]
) -> None:
    result.results[0].exception_info = info
    results = ephemeral_context(tmp_path).validation_results_store
    results.set(key, result)
    said = results.get(key).results[0].exception_info
    assert said["raised_exception"] is True
    assert (said["exception_message"], said["exception_traceback"]) == ("the check could not be run", "")


def test_the_result_itself_is_left_as_it_is(key: Any, result: Any, tmp_path: Path) -> None:
    # The engine reads the counts from it after it was filed.
    result.results[0].result["sample"] = CANARY
    before = copy.deepcopy(result.to_json_dict())
    ephemeral_context(tmp_path).validation_results_store.set(key, result)
    assert result.to_json_dict() == before
