"""The DAG as Airflow sees it: cheap to parse, in the right order, and red when something was not audited."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.dags.conftest import describe
from tests.places import ROOT

STORES = sorted(file.stem for file in (ROOT / "expectations" / "stores").glob("*.yaml"))


@pytest.fixture(scope="module")
def dag(described_dags: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = described_dags["dags"]["privacy_audit_nightly"]
    return described


def test_they_are_read_without_an_error(described_dags: dict[str, Any]) -> None:
    assert described_dags["errors"] == {}
    assert sorted(described_dags["dags"]) == ["privacy_audit_maintenance", "privacy_audit_nightly"]


def _wrong_key(folder: Path) -> None:
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text().replace("    severity:", "    colour: red\n    severity:", 1))


def _no_policy(folder: Path) -> None:
    (folder / "policy.yaml").unlink()


def _no_maps(folder: Path) -> None:
    shutil.rmtree(folder / "stores")


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _a_map_under_a_name_that_no_task_can_bear(folder: Path) -> None:
    (folder / "stores" / "our web shop!.yaml").write_text("store: shop\n")


@pytest.mark.parametrize(
    "spoil", [_wrong_key, _no_policy, _no_maps, _no_folder, _a_map_under_a_name_that_no_task_can_bear]
)
def test_they_are_read_whatever_is_wrong_with_the_expectations(
    spoil: Callable[[Path], None], tmp_path: Path, described_dags: dict[str, Any]
) -> None:
    folder = tmp_path / "expectations"
    shutil.copytree(ROOT / "expectations", folder)
    spoil(folder)
    described = describe(tmp_path / "home", folder)
    assert described["errors"] == {}
    assert sorted(described["dags"]) == sorted(described_dags["dags"])
    tasks = set(described["dags"]["privacy_audit_nightly"]["tasks"])
    stores = {f"audit_{store}" for store in STORES} if (folder / "stores").exists() else set()
    assert {"fix_instant", "gate", *stores} <= tasks


def test_reading_them_is_cheap(described_dags: dict[str, Any]) -> None:
    assert described_dags["seconds"] < 1
    heavy = {"great_expectations", "pandas", "numpy", "scipy", "apprise", "alembic"}
    assert heavy.isdisjoint(described_dags["imported"])
    assert "privacy_audit" in described_dags["imported"]


def test_it_runs_at_a_time_that_every_night_has_exactly_once(dag: dict[str, Any]) -> None:
    (schedule,) = dag["schedule"]
    minute, hour = schedule.split()[:2]
    assert dag["zone"] == ["Europe/Paris"]
    assert (int(hour), int(minute)) < (2, 0)  # from 02:00 to 03:00 a night has none or two of each minute
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1


def test_each_store_is_one_named_task_in_the_pool_that_every_airflow_has(dag: dict[str, Any]) -> None:
    assert STORES
    audits = {name: task["pool"] for name, task in dag["tasks"].items() if name.startswith("audit_")}
    assert audits == dict.fromkeys(["audit_records", *(f"audit_{store}" for store in STORES)], "default_pool")


def test_backfill_is_refused(described_dags: dict[str, Any]) -> None:
    for dag in described_dags["dags"].values():
        assert dag["run_types"] == ["manual", "operator_triggered", "scheduled"]


def test_all_tries_of_all_tasks_end_before_the_run_does(dag: dict[str, Any]) -> None:
    def longest(task: str) -> float:
        """Seconds that the tries of a task and of the slowest chain before it may take."""
        its = dag["tasks"][task]
        own = (its["retries"] + 1) * its["timeout"] + its["retries"] * its["delay"]
        return float(own + max(map(longest, its["after"]), default=0))

    assert longest("gate") < dag["timeout"]


def test_tasks_hand_on_one_value_each(described_dags: dict[str, Any]) -> None:
    tasks = {name: task for dag in described_dags["dags"].values() for name, task in dag["tasks"].items()}
    assert [name for name, task in tasks.items() if task["multiple_outputs"]] == []


def test_a_run_that_reaches_its_time_limit_is_told_by_airflow(described_dags: dict[str, Any]) -> None:
    assert {dag["on_failure"] for dag in described_dags["dags"].values()} == {"tell_of_time_out"}


def test_the_order(dag: dict[str, Any]) -> None:
    audits = [*(f"audit_{store}" for store in STORES), "audit_records"]
    after = {name: task["after"] for name, task in dag["tasks"].items()}
    assert after == {
        "fix_instant": [],
        **{name: ["fix_instant"] for name in audits},
        "file_report": sorted([*audits, "fix_instant"]),
        "publish_data_docs": ["file_report", "fix_instant"],
        "send_alerts": ["file_report", "fix_instant"],
        "gate": ["file_report", "fix_instant", "publish_data_docs", "send_alerts"],
    }


def test_one_lost_store_stops_nothing_and_the_gate_is_not_fooled(dag: dict[str, Any]) -> None:
    rules = {name: task["rule"] for name, task in dag["tasks"].items()}
    for name in ("file_report", "publish_data_docs", "send_alerts"):
        assert rules[name] == "all_done"
    assert rules["gate"] == "all_done"  # and it fails on whatever ended without a result


def test_nothing_waits_for_ever(dag: dict[str, Any]) -> None:
    assert dag["timeout"] > 0
    assert all(0 < task["timeout"] < dag["timeout"] for task in dag["tasks"].values())


def test_others_can_schedule_on_the_filed_report(dag: dict[str, Any]) -> None:
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"file_report": ["privacy_audit_report"]}


def test_a_run_by_hand_is_asked_for_by_name(dag: dict[str, Any]) -> None:
    params = dag["params"]
    assert params["stores"]["items"]["enum"] == STORES
    assert re.fullmatch(params["controls"]["items"]["pattern"], "LAW-DSR-3")
    assert not re.fullmatch(params["controls"]["items"]["pattern"], "everything")
    assert params["as_of"]["format"] == "date-time"


def test_the_page_of_the_dag_explains_it(dag: dict[str, Any]) -> None:
    stores = [f"audit_{store}" for store in STORES]
    named = [name for name in dag["tasks"] if name not in stores]
    assert [name for name in named if f"`{name}`" not in dag["doc"]] == []


def test_what_may_heal_is_tried_again_and_a_refusal_is_not(dag: dict[str, Any]) -> None:
    assert (
        dag["retried"]["file_report"]
        == dag["retried"]["audit_records"]
        == {
            "AuditDatabaseUnavailableError": "retry",
            "ReportNotFiledError": "retry",
            "ConfigurationRefusedError": "fail",
            "AlreadyFiledError": "fail",
            "OSError": "default",
        }
    )
