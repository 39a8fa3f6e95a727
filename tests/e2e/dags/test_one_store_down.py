"""A store that cannot be reached: the others are audited all the same, the report says it first, the run is red."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.installation import installation
from privacy_audit.config import file_modes
from privacy_audit.domain.outcomes import Outcome
from tests.places import FEW_PROMISES, ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web is down")


@pytest.fixture(scope="module")
def run(home: Path) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("run_once.py")), str(home), "2000", "--down", "web"]
    few = str(FEW_PROMISES)
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PRIVACY_AUDIT_EXPECTATIONS": few}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def report(run: dict[str, Any], home: Path) -> dict[str, Any]:
    filed: dict[str, Any] = json.loads((home / "reports" / "latest" / "audit.json").read_bytes())
    return filed


def test_tasks_hand_on_the_id_of_the_audit_and_counts(run: dict[str, Any], report: dict[str, Any]) -> None:
    handed = {task: value for task, key, value in run["handed"] if key == "return_value"}
    assert handed.pop("fix_instant") == report["audit_id"]
    words = {report["audit_id"], *(outcome.value for outcome in Outcome)}
    assert set(handed) == {"audit_app", "audit_web", "audit_records", "file_report", "publish_data_docs", "send_alerts"}
    for counts in handed.values():
        assert all(isinstance(value, int) or value in words for value in counts.values())
    assert {key for _, key, _ in run["handed"]} == {"return_value"}


def test_the_owner_of_the_platform_is_told_the_cause_once(home: Path, report: dict[str, Any]) -> None:
    documents = [json.loads(path.read_bytes()) for path in (home / "alerts").rglob("*.json")]
    (told,) = [it for it in documents if it.get("kind") == "run_failed"]
    (note,) = told["notes"]
    (cause,) = note["sentences"]
    (web,) = [store for store in report["stores"] if store["name"] == "web"]
    assert cause == f"Store web was not audited: {web['reason']}"
    assert told["owner"] == "Data platform"


def test_only_user_and_group_may_read_what_a_run_leaves(home: Path, run: dict[str, Any]) -> None:
    assert run["state"] == "failed"
    left = [path for name in ("reports", "validations") for path in (home / name, *(home / name).rglob("*"))]
    left += [path for site in home.glob(".data_docs.2*") for path in (site, *site.rglob("*"))]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in left if not path.is_symlink()}
    assert modes == {(False, file_modes.FILE), (True, file_modes.FOLDER)}


def test_the_run_fails_at_its_last_task_and_nowhere_else(run: dict[str, Any]) -> None:
    assert run["state"] == "failed"
    assert [name for name, state in run["tasks"].items() if state != "success"] == ["gate"]


def test_the_other_store_is_audited(report: dict[str, Any]) -> None:
    outcomes = {store["name"]: store["outcome"] for store in report["stores"]}
    # Of the company one attestation is over.
    assert outcomes == {"app": "fail", "web": "not_audited", "privacy_audit": "not_applicable", "company": "review"}
    assert any(check["outcome"] == "fail" for check in report["checks"] if check["store"] == "app")


def test_no_check_of_the_store_that_is_down_is_said_to_be_in_order(report: dict[str, Any]) -> None:
    checks = [check for check in report["checks"] if check["store"] == "web"]
    assert {check["outcome"] for check in checks} <= {"not_audited", "not_applicable"}
    assert any(check["cause"] == "unreachable" for check in checks + report["stores"])


def test_the_report_says_it_first(home: Path, report: dict[str, Any]) -> None:
    page = (home / "reports" / "latest" / "report.html").read_text()
    assert 0 < page.lower().index("not audited") < page.index("RET-")


def test_whoever_schedules_on_the_report_is_told(run: dict[str, Any], report: dict[str, Any]) -> None:
    assert run["events"] == [{"audit_id": report["audit_id"], "outcome": report["outcome"]}]
