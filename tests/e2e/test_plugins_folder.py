"""Airflow's plugin loader runs over `plugins/` without its dot file: `cp -r plugins/* ...` leaves that one behind.

The loader executes each file as a top-level module that bears the file's own name. Nothing of ours may then stand in
the place of another module, end the process, or fail.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo import local_airflow
from tests.conftest import MakeDatabase
from tests.places import ROOT
from tests.unit.pipeline.owner import Owner, open_channels

PATIENCE_SECONDS = 240
DOT_FILE = ".airflowignore"

LOAD = """
import json, sys
from airflow._shared.plugins_manager.plugins_manager import _load_plugins_from_plugin_directory as load
before = dict(sys.modules)
plugins, errors = load(sys.argv[1])
replaced = [name for name, module in before.items() if sys.modules.get(name) is not module]
print(json.dumps({"plugins": [type(it).__name__ for it in plugins], "errors": errors, "replaced": replaced}))
"""


WAITING = """
from datetime import UTC, datetime, timedelta
from time import sleep
from airflow.sdk import dag, task
from privacy_audit.airflow_support import dag_defaults

@dag(
    schedule="@once",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    dagrun_timeout=timedelta(seconds=5),
    on_failure_callback=dag_defaults.tell_of_time_out,
)
def waiting():
    @task
    def wait():
        sleep(600)

    wait()

waiting()
"""
"""A DAG whose run reaches its time limit."""


def test_no_module_bears_the_name_of_a_standard_or_installed_one() -> None:
    names = {path.relative_to(ROOT).as_posix(): path.stem for path in (ROOT / "plugins").rglob("*.py")}
    others = {
        "__main__",
        *sys.stdlib_module_names,
        *sys.builtin_module_names,
        *importlib.metadata.packages_distributions(),
    } - {"privacy_audit", "privacy_audit_plugin"}
    assert len(names) > 100
    assert {path: name for path, name in names.items() if name in others} == {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugins folder as a glob copies it: all files but the one that hides the package from Airflow.

    No `expectations/` lies beside it, so that the settings are wrong, too.
    """
    copy = tmp_path_factory.mktemp("home") / "plugins"
    ignored = shutil.ignore_patterns(DOT_FILE, "__pycache__")
    shutil.copytree(ROOT / "plugins", copy, ignore=ignored)
    assert not (copy / DOT_FILE).exists()
    return copy


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    """The owner of the platform."""
    with open_channels() as opened:
        yield opened


@pytest.fixture(scope="module")
def environment(
    folder: Path, owner: Owner, make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of a local Airflow over that folder, with its tables made and one DAG of its own."""
    home = tmp_path_factory.mktemp("airflow")
    dags = tmp_path_factory.mktemp("dags")
    (dags / "waiting.py").write_text(WAITING)
    connections = {"alerts_platform": owner.connection}
    own = local_airflow.environment(home, connections, make_database(), free_port())
    variables = own | {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "PYTHONPATH": str(folder),
    }
    done = airflow(variables, "db", "migrate")
    assert done.returncode == 0, done.stderr
    return variables


@pytest.mark.slow
def test_the_loader_replaces_no_module_and_meets_no_error(folder: Path, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-c", LOAD, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "plugins": ["PrivacyAuditPlugin"],
        "errors": {},
        "replaced": [],
    }


@pytest.mark.slow
def test_airflow_lists_the_plugin(environment: Mapping[str, str]) -> None:
    done = airflow(environment, "plugins", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert "privacy_audit" in done.stdout


@pytest.fixture(scope="module")
def started(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The api-server, the scheduler and the process that reads DAGs; gives the folder of their logs."""
    logs = tmp_path_factory.mktemp("logs")
    port = environment["AIRFLOW__API__PORT"]
    with (
        running(environment, logs / "api.log", "api-server", "--port", port),
        running(environment, logs / "scheduler.log", "scheduler", "--skip-serve-logs"),
        running(environment, logs / "dags.log", "dag-processor"),
    ):
        yield logs


@pytest.mark.slow
def test_the_scheduler_and_the_api_server_start(environment: Mapping[str, str], started: Path) -> None:
    address = f"http://127.0.0.1:{environment['AIRFLOW__API__PORT']}/api/v2/monitor/health"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (health := asked(address)) != "healthy":
        assert time.monotonic() < deadline, f"{health}\n{told_by(started)}"
        time.sleep(1)


@pytest.mark.slow
def test_a_run_that_reaches_its_time_limit_is_told_to_the_owner_of_the_platform(owner: Owner, started: Path) -> None:
    """Airflow skips the last task then, so that the run cannot tell it by itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not owner.documents:
        assert time.monotonic() < deadline, told_by(started)
        time.sleep(1)
    (document,) = owner.documents
    assert document["kind"] == "run_failed"
    assert document["subject"].startswith("privacy_audit: the run of waiting failed")
    (cause,) = document["notes"][0]["sentences"]
    assert cause.startswith("The run reached its time limit.")


def told_by(logs: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in sorted(logs.iterdir()))


def asked(address: str) -> str:
    """What the api-server says of the scheduler; a reason while it does not answer."""
    try:
        told: str = requests.get(address, timeout=10).json()["scheduler"]["status"]
    except requests.RequestException as error:
        return type(error).__name__
    return told


@contextmanager
def running(environment: Mapping[str, str], log: Path, *command: str) -> Iterator[None]:
    """A component of Airflow in a process group of its own, ended at the end. It must still run then."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *command],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
        assert process.poll() is None, log.read_text()[-2000:]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def airflow(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "airflow", *command]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=PATIENCE_SECONDS)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
