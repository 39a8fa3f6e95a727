"""What Airflow makes of the files in `dags/`, asked once for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT


@pytest.fixture(scope="session")
def described_dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return describe(tmp_path_factory.mktemp("home of the dags"))


def describe(home: Path, *expectations: Path) -> dict[str, Any]:
    """What Airflow makes of the DAG files, over the project's expectations or others."""
    command = [sys.executable, str(Path(__file__).with_name("described.py")), str(home), *map(str, expectations)]
    environment = {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    description: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return description
