"""One real night for several tests: the DAG over a demo company with canaries in every column, and all that it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.installation import installation
from tests.places import ROOT, TESTS


@dataclass(frozen=True)
class Night:
    """A run of the DAG over the planted stores."""

    home: Path
    told: dict[str, Any]
    """The states of the run and of its tasks."""
    terminal: bytes
    register: bytes
    """The rows of all its tables, as text."""

    @property
    def report(self) -> Path:
        """The folder of the report."""
        return (self.home / "reports" / "latest").resolve()

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """Every byte that was written, by the place where it was found: names of files are written too."""
        yield "terminal", self.terminal
        yield "register", self.register
        for path in sorted(self.home.rglob("*")):
            if "cluster" not in path.parts:  # the stores' own data, where an ordinary user's server keeps it
                name = str(path.relative_to(self.home))
                yield f"name of {name}", name.encode()
                if path.is_file():
                    yield name, path.read_bytes()


def spend(home: Path, register: Path) -> Night:
    """Plants, runs the DAG once in a process of its own, and gathers what it left; `register` is a file to write."""
    program, planting = TESTS / "e2e" / "dags" / "run_once.py", TESTS / "canary.sql"
    command = [sys.executable, str(program), str(home), "20000", "--plant", str(planting), "--keep", str(register)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert done.returncode == 0, done.stderr.decode()
    return Night(home, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr, register.read_bytes())
