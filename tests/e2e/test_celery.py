"""A night through the executor that companies use: Celery's workers, with a real Redis before them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import ROOT
from tests.programs import needed

LOOPBACK = "127.0.0.1"

pytestmark = pytest.mark.slow


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    """The port of a Redis that keeps nothing on the disk."""
    program = needed("redis-server", "redis-server", "no night ran through Celery")
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    command = [program, "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not _listens(port):
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((LOOPBACK, port)) == 0


def test_every_task_of_a_night_runs_on_a_worker(redis: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "tests.e2e.celery_run", str(redis), str(home), "2000"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["state"], set(said["tasks"].values())) == ("success", {"success"})
    audit = json.loads((home / "reports" / "latest" / "audit.json").read_bytes())
    assert {store["name"] for store in audit["stores"]} == {"app", "web", "privacy_audit", "company"}
    assert not any(store["outcome"] == "not_audited" for store in audit["stores"])
