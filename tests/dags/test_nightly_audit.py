"""The DAG as Airflow sees it: cheap to parse, in the right order, and red when something was not audited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STORES = sorted(file.stem for file in (ROOT / "expectations" / "stores").glob("*.yaml"))


@pytest.fixture(scope="module")
def dag(described_dags: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = described_dags["dags"]["nightly_audit"]
    return described


def test_they_are_read_without_an_error(described_dags: dict[str, Any]) -> None:
    assert described_dags["errors"] == {}
    assert sorted(described_dags["dags"]) == ["maintenance", "nightly_audit"]


def test_reading_them_is_cheap(described_dags: dict[str, Any]) -> None:
    assert described_dags["seconds"] < 1
    heavy = {"great_expectations", "pandas", "numpy", "scipy", "apprise", "alembic"}
    assert heavy.isdisjoint(described_dags["imported"])
    assert "privacy_audit" in described_dags["imported"]


def test_it_runs_at_a_time_that_every_night_has_exactly_once(dag: dict[str, Any]) -> None:
    minute, hour = dag["schedule"].split()[:2]
    assert dag["zone"] == "Europe/Paris"
    assert (int(hour), int(minute)) < (2, 0)  # from 02:00 to 03:00 a night has none or two of each minute
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1


def test_each_store_is_one_named_task_with_a_pool_of_its_own(dag: dict[str, Any]) -> None:
    assert STORES
    audits = {name: task["pool"] for name, task in dag["tasks"].items() if name.startswith("audit_")}
    assert audits.pop("audit_records") == "default_pool"
    assert audits == {f"audit_{store}": f"store_{store}" for store in STORES}


def test_the_order(dag: dict[str, Any]) -> None:
    audits = [*(f"audit_{store}" for store in STORES), "audit_records"]
    after = {name: task["after"] for name, task in dag["tasks"].items()}
    assert after == {
        "fix_instant": [],
        **{name: ["fix_instant"] for name in audits},
        "file_report": sorted([*audits, "fix_instant"]),
        "publish_data_docs": sorted([*audits, "file_report", "fix_instant"]),
        "send_alerts": sorted([*audits, "file_report", "fix_instant"]),
        "gate": ["file_report", "publish_data_docs", "send_alerts"],
    }


def test_one_lost_store_stops_nothing_and_the_gate_is_not_fooled(dag: dict[str, Any]) -> None:
    rules = {name: task["rule"] for name, task in dag["tasks"].items()}
    for name in ("file_report", "publish_data_docs", "send_alerts"):
        assert rules[name] == "all_done"
    assert rules["gate"] == "all_done"  # and it fails on whatever ended without a result
    assert dag["tasks"]["gate"]["retries"] == 0


def test_nothing_waits_for_ever(dag: dict[str, Any]) -> None:
    assert dag["timeout"] > 0
    assert all(0 < task["timeout"] < dag["timeout"] for task in dag["tasks"].values())


def test_others_can_schedule_on_the_filed_report(dag: dict[str, Any]) -> None:
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"file_report": ["privacy_audit_report"]}


def test_a_run_by_hand_is_asked_for_by_name(dag: dict[str, Any]) -> None:
    params = dag["params"]
    assert params["stores"]["items"]["enum"] == STORES
    assert {"RET-1", "MIN-1", "GEO-1"} <= set(params["controls"]["items"]["enum"])
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
            "RegisterUnavailableError": "retry",
            "ReportNotFiledError": "retry",
            "ConfigurationRefusedError": "fail",
            "AlreadyFiledError": "fail",
            "OSError": "default",
        }
    )
