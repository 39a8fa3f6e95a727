"""The process behind `make up`: it holds the embedded PostgreSQL and Airflow's four components until it is told to end.

`python -m demo.supervisor`, in the environment that `local_airflow.environment` made. When one component ends
by itself it ends the others too: half an Airflow looks alive and audits nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]  # it carries no types

from demo import inbox, processes
from demo.local_airflow import LOOPBACK, ROOT
from demo.server import EmbeddedPostgres
from privacy_audit.config import settings

INBOX_PORT = "DEMO_INBOX_PORT"
"""Variable that tells where the owners' alerts are sent."""

COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("--host", LOOPBACK),
    # Their log servers listen on every interface of the machine and cannot be told not to.
    "scheduler": ("--skip-serve-logs",),
    "triggerer": ("--skip-serve-logs",),
    "dag-processor": (),
}
"""Component of Airflow to the arguments it is started with."""


def main() -> int:
    """Runs until a signal comes (0) or a component ends by itself (1)."""
    home = settings.load().home
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    with EmbeddedPostgres.start(home), inbox.opened(home / "alerts", int(os.environ[INBOX_PORT])):
        started = [_start(name, arguments, home / "log") for name, arguments in COMPONENTS.items()]
        processes.remember(record(home), [psutil.Process(), *started])
        try:
            while not asked and all(process.poll() is None for process in started):
                time.sleep(0.5)
        finally:
            processes.end(started)
    record(home).unlink(missing_ok=True)
    return 0 if asked else 1


def record(home: Path) -> Path:
    """Where it is written which processes run; the keeper is the first of them."""
    return home / "run" / "airflow.json"


def _start(name: str, arguments: tuple[str, ...], log: Path) -> psutil.Popen:
    with (log / f"{name}.log").open("w") as file:
        command = [sys.executable, "-m", "airflow", name, *arguments]
        return psutil.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main())
