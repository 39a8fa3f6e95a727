"""Run in a fresh process by tests: one night of the demo company through Airflow's CeleryExecutor and a real Redis.

`python -m tests.e2e.celery_run REDIS HOME ROWS`: the port of Redis, an empty home, and about how many rows. Starts an
api-server, a scheduler, a dag-processor and one worker on 127.0.0.1, runs the DAG once, ends them all, and prints one
line of JSON: the state of the run and of its tasks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import requests

from demo import company, inbox, local_airflow, ports, premises, processes
from demo.installation import installation

DAG = "privacy_audit_nightly"
COMPONENTS = (
    ("api-server", "--host", local_airflow.LOOPBACK),
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("celery", "worker", "--concurrency", "2", "--skip-serve-logs", "--without-mingle", "--without-gossip"),
)
PATIENCE_SECONDS = 420


def main(redis: int, home: Path, rows: int) -> None:
    with ExitStack() as stack:
        place = stack.enter_context(premises.opened(home))
        stack.enter_context(inbox.opened(home / "alerts", place.inbox_port))
        company.fill(place.stores, datetime.now(UTC).replace(microsecond=0), rows)
        port = stack.enter_context(ports.reserved())
        environment = local_airflow.environment(home, place.connections, place.airflow, port)
        local_airflow.enter(environment | _celery(redis, place.airflow))
        local_airflow.prepare()
        started = [_start(home, *component) for component in COMPONENTS]
        stack.callback(processes.end, started)
        print(json.dumps(_night(home, f"http://{local_airflow.LOOPBACK}:{port}")))
    installation(home).remove()


def _celery(redis: int, database: str) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://{local_airflow.LOOPBACK}:{redis}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
    }


def _start(home: Path, *words: str) -> psutil.Popen:
    with (home / "log" / f"{'-'.join(words[:2])}.log".replace("---", "-")).open("w") as log:
        command = [sys.executable, "-m", "airflow", *words]
        return psutil.Popen(
            command, cwd=local_airflow.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ.copy()
        )


def _night(home: Path, address: str) -> dict[str, Any]:
    """Runs the DAG once, as soon as the api-server knows it."""
    (admin,) = [login for login in local_airflow.logins(home) if login.role == "admin"]
    login = {"username": admin.name, "password": admin.password}
    until = time.monotonic() + PATIENCE_SECONDS
    run = ""
    while time.monotonic() < until:
        time.sleep(1)
        try:
            token = requests.post(f"{address}/auth/token", json=login, timeout=30).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            runs = f"{address}/api/v2/dags/{DAG}/dagRuns"
            if not run:
                begun = requests.post(runs, json={"logical_date": None, "conf": {}}, headers=headers, timeout=60)
                run = begun.json().get("dag_run_id", "")
                continue
            state = requests.get(f"{runs}/{run}", headers=headers, timeout=60).json()["state"]
            if state in ("success", "failed"):
                tasks = requests.get(f"{runs}/{run}/taskInstances", headers=headers, timeout=60).json()
                return {"state": state, "tasks": {it["task_id"]: it["state"] for it in tasks["task_instances"]}}
        except (OSError, KeyError, ValueError):
            continue  # it is not up yet
    raise TimeoutError(f"The run did not end within {PATIENCE_SECONDS} s. Its components say why in {home / 'log'}.")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
