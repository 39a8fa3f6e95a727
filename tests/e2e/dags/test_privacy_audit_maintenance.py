"""The DAG that deletes the audit's own records: as Airflow sees it, and run once for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.installation import installation
from privacy_audit.pipeline import missed_night
from tests.places import ROOT

PAST, WITHIN = "20200101T001500Z-0000000a", "20991231T001500Z-0000000b"


@pytest.fixture
def dag(described_dags: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = described_dags["dags"]["privacy_audit_maintenance"]
    return described


def test_it_runs_before_the_nightly_audit_at_a_time_that_every_day_has_once(
    dag: dict[str, Any], described_dags: dict[str, Any]
) -> None:
    nightly = described_dags["dags"]["privacy_audit_nightly"]
    assert (dag["schedule"], dag["zone"]) == (["30 0 * * *", "45 7 * * *"], ["Europe/Paris"])
    assert nightly["schedule"] == ["15 1 * * *"]
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)


def test_it_looks_for_last_night_when_that_must_be_over(dag: dict[str, Any], described_dags: dict[str, Any]) -> None:
    nightly = described_dags["dags"]["privacy_audit_nightly"]
    assert missed_night.RUN_TAKES.total_seconds() == nightly["timeout"]
    minutes = missed_night.STARTS.total_seconds() / 60
    assert nightly["schedule"] == [f"{minutes % 60:.0f} {minutes // 60:.0f} * * *"]
    assert timedelta(hours=7, minutes=45) >= missed_night.STARTS + missed_night.RUN_TAKES


def test_its_tasks_do_not_wait_for_ever_and_are_explained(dag: dict[str, Any]) -> None:
    assert {name: task["after"] for name, task in dag["tasks"].items()} == {
        "delete_what_is_past": [],
        "look_for_last_audit": [],
        "gate": ["delete_what_is_past", "look_for_last_audit"],
    }
    for name, task in dag["tasks"].items():
        assert 0 < (task["retries"] + 1) * task["timeout"] < dag["timeout"]
        assert f"`{name}`" in dag["doc"]
    assert dag["tasks"]["gate"]["rule"] == "all_done"
    assert "META-5" in dag["doc"]


def test_what_may_heal_is_tried_again_and_a_refusal_is_not(dag: dict[str, Any]) -> None:
    retried = dag["retried"]["delete_what_is_past"]
    assert (retried["AuditDatabaseUnavailableError"], retried["ConfigurationRefusedError"]) == ("retry", "fail")


def test_a_dry_run_is_asked_for_by_name(dag: dict[str, Any]) -> None:
    assert dag["params"]["dry_run"]["type"] == "boolean"


@pytest.mark.slow
def test_it_runs_once_for_real(tmp_path: Path) -> None:
    for name in (PAST, WITHIN):
        (tmp_path / "reports" / name).mkdir(parents=True)
    told = run_once(tmp_path)
    tasks = {"delete_what_is_past": "success", "look_for_last_audit": "failed", "gate": "failed"}
    assert (told["state"], told["tasks"]) == ("failed", tasks)
    assert told["handed"]["reports"] == {
        "kind": "reports",
        "within": 1,
        "left": {},
        "deleted": {"reports": 1},
    }
    assert [line.partition(":")[0] for line in told["handed"]["told"]] == [
        "audits",
        "reports",
        "validations",
        "messages",
    ]
    assert sorted(path.name for path in (tmp_path / "reports").iterdir() if path.is_dir()) == [WITHIN]
    # No audit was ever filed here: the owner of the platform hears of it.
    alert = json.loads((tmp_path / "alerts" / "platform.json").read_bytes())
    assert alert["subject"].startswith("privacy_audit: the run of privacy_audit_maintenance failed")
    (cause,) = alert["notes"][0]["sentences"]
    assert cause.startswith("Task look_for_last_audit failed: No audit was ever filed.")


def run_once(home: Path) -> dict[str, Any]:
    """The DAG over the register of the demo, which has not even its tables yet."""
    command = [sys.executable, str(Path(__file__).with_name("maintain_once.py")), str(home)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
