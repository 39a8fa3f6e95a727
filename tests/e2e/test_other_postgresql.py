"""The demo company on the PostgreSQL servers that the machine brings: each version finds exactly what was planted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.filed_report import newest
from demo.manifest import Manifest
from tests.places import ROOT
from tests.programs import missing

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
"""Where Debian keeps them, a folder for each version."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("program", SERVERS or [None], ids=[path.parts[-3] for path in SERVERS] or ["none"])
def test_an_audit_finds_exactly_what_was_planted(program: Path | None, tmp_path: Path) -> None:
    if program is None:
        missing("no other PostgreSQL on this machine, so no audit ran on one", "postgresql")
    command = [sys.executable, "-m", "tests.e2e.audit_on", str(program), str(tmp_path), "2000"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["version"] != "18", "the demo's own server is tried by every other test"
    report = newest(tmp_path)
    assert report
    manifest = Manifest.read(tmp_path / "manifest.json")
    assert manifest.as_of < datetime.now(UTC)
    assert manifest.differences(report.checks) == []
