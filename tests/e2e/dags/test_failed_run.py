"""A run that fails at its first task: the owner of the platform hears why, once, and nothing is filed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.installation import installation
from tests.places import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a slip of the pen")


@pytest.fixture(scope="module")
def run(home: Path) -> dict[str, Any]:
    folder = home / "expectations"
    shutil.copytree(ROOT / "expectations", folder)
    web = folder / "stores" / "web.yaml"
    web.write_text(web.read_text().replace("owner:", "ownr:", 1))
    script = str(Path(__file__).with_name("run_once.py"))
    command = [sys.executable, script, str(home), "1000", "--expectations", str(folder)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_nothing_is_filed_and_the_run_is_red(run: dict[str, Any], home: Path) -> None:
    assert run["state"] == "failed"
    assert [name for name, state in run["tasks"].items() if state == "failed"] == ["fix_instant", "gate"]
    assert not (home / "reports").exists()


def test_the_owner_of_the_platform_hears_the_cause_in_one_sentence(run: dict[str, Any], home: Path) -> None:
    assert run["tasks"]["gate"] == "failed"
    (file,) = (home / "alerts").rglob("*.json")
    told = json.loads(file.read_bytes())
    assert (told["kind"], told["urgency"], told["owner"]) == ("run_failed", "failure", "Data platform")
    (note,) = told["notes"]
    (cause,) = note["sentences"]
    assert cause.startswith("Task fix_instant failed: expectations/stores/web.yaml:")
    assert 'the key "ownr" is unknown. Did you mean "owner"?' in cause
    assert "/dags/privacy_audit_nightly/runs/" in told["link"]
