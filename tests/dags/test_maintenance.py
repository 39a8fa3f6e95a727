"""The DAG that deletes the audit's own records: as Airflow sees it, and run once for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.demo.installation import installation

ROOT = Path(__file__).parents[2]
PAST, WITHIN = "20200101T001500Z-0000000a", "20991231T001500Z-0000000b"


@pytest.fixture
def dag(described_dags: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = described_dags["dags"]["maintenance"]
    return described


def test_it_runs_before_the_nightly_audit_at_a_time_that_every_day_has_once(
    dag: dict[str, Any], described_dags: dict[str, Any]
) -> None:
    nightly = described_dags["dags"]["nightly_audit"]
    assert (dag["schedule"], dag["zone"]) == ("30 0 * * *", "Europe/Paris")
    assert nightly["schedule"] == "15 1 * * *"
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)


def test_it_is_one_task_that_does_not_wait_for_ever(dag: dict[str, Any]) -> None:
    (task,) = dag["tasks"].values()
    assert 0 < task["timeout"] < dag["timeout"]
    assert "`delete_what_is_past`" in dag["doc"]
    assert "META-5" in dag["doc"]


def test_what_may_heal_is_tried_again_and_a_refusal_is_not(dag: dict[str, Any]) -> None:
    retried = dag["retried"]["delete_what_is_past"]
    assert (retried["RegisterUnavailableError"], retried["ConfigurationRefusedError"]) == ("retry", "fail")


def test_a_dry_run_is_asked_for_by_name(dag: dict[str, Any]) -> None:
    assert dag["params"]["dry_run"]["type"] == "boolean"


@pytest.mark.slow
def test_it_runs_once_for_real(tmp_path: Path) -> None:
    for name in (PAST, WITHIN):
        (tmp_path / "reports" / name).mkdir(parents=True)
    told = run_once(tmp_path)
    assert (told["state"], told["tasks"]) == ("success", {"delete_what_is_past": "success"})
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


def run_once(home: Path) -> dict[str, Any]:
    """The DAG over the register of the demo, which has not even its tables yet."""
    command = [sys.executable, str(Path(__file__).with_name("maintain_once.py")), str(home)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
