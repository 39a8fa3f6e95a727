"""`make up` and `make down`: Airflow with its schedule and its pages, over the demo company, until it is ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it carries no types

from demo import company, local_airflow, premises, processes, supervisor
from demo.installation import installation, remove_programs
from demo.local_airflow import LOOPBACK, ROOT
from demo.screen import Screen, screen
from demo.server import EmbeddedPostgres
from privacy_audit.domain.errors import PrivacyAuditError

_PATIENCE_SECONDS = 240
"""How long the four components may take until all of them are healthy. Half a minute is usual."""


class NotStartedError(PrivacyAuditError):
    """Airflow could not be started; nothing was left running."""


def up(home: Path, rows: int, port: int) -> int:
    """Starts it all, waits until it is healthy, says where it is and who may log in."""
    with screen(home / "log" / "up.log") as terminal, ExitStack() as stack:
        if processes.remembered(supervisor.record(home)):
            terminal.say("Airflow is running already.")
            _welcome(home, terminal)
            return 0
        _refuse_taken(port)
        with terminal.stage("Started the embedded PostgreSQL"):
            place = stack.enter_context(premises.opened(home))
        bar = terminal.bar("Filling the demo company")
        with terminal.stage(f"Filled the demo company with about {rows:,} rows", bar):
            company.fill(place.stores, datetime.now(UTC), rows, bar.tell)
        with terminal.stage("Prepared Airflow"):
            local_airflow.enter(local_airflow.environment(home, place.connections, place.airflow, port))
            local_airflow.prepare()
        os.environ[supervisor.INBOX_PORT] = str(place.inbox_port)
        with terminal.stage("Started api-server, scheduler, dag-processor and triggerer"):
            _start(home, port)
        _welcome(home, terminal)
    return 0


def down(home: Path) -> int:
    """Ends whatever `up` started, and the server when nobody else uses it."""
    with screen(home / "log" / "down.log") as terminal:
        running = processes.remembered(supervisor.record(home))
        if not running:
            terminal.say("Airflow is not running.")
        if not (home / "run").exists():
            return 0
        with terminal.stage("Ended Airflow and the embedded PostgreSQL"):
            if running:
                first = running[0]  # the keeper ends the others in order; what it leaves is ended by force
                first.terminate()
                processes.wait([first], 2 * processes.PATIENCE_SECONDS)
                processes.end(running)
            supervisor.record(home).unlink(missing_ok=True)
            EmbeddedPostgres.sweep(home)  # after a keeper that was killed
    return 0


def clean(home: Path) -> int:
    """Ends what runs and removes the server's data: as root it lies outside the project."""
    if home.exists():
        down(home)
        installation(home).remove()
        remove_programs()
    return 0


def _refuse_taken(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            way_out = f"Choose another: make up PORT={port + 1}"
            raise NotStartedError(f"Port {port} on {LOOPBACK} is used by another program. {way_out}") from error


def _start(home: Path, port: int) -> None:
    command = [sys.executable, "-m", "demo.supervisor"]
    with (home / "log" / "keeper.log").open("w") as log:
        started = psutil.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    (home / "run" / "address.json").write_text(json.dumps({"port": port}) + "\n")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        if _healthy(port):
            return
        time.sleep(1)
    processes.end([started])
    raise NotStartedError(f"Airflow did not become healthy. Its components say why in {home / 'log'}")


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(
        health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")
    )


def _welcome(home: Path, terminal: Screen) -> None:
    port = json.loads((home / "run" / "address.json").read_text())["port"]
    terminal.say(f"Airflow:   http://{LOOPBACK}:{port}   (the DAG privacy_audit_nightly, and Compliance in its menu)")
    for login in local_airflow.logins(home):
        terminal.say(f"Log in as: {login.name} / {login.password}   ({login.role})")
    terminal.say("End it with: make down")
