"""`make ask`: the command line over the demo company, as an engineer would use it with the connections of Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from demo import premises

_PREFIX = "AIRFLOW_CONN_"


def ask(home: Path, words: Sequence[str]) -> int:
    """Runs `privacy-audit` with these words while the demo's server is up; its exit code is the command's."""
    with premises.opened(home) as place:
        own = {f"{_PREFIX}{name.upper()}": url for name, url in place.connections.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith((_PREFIX, "PG"))}
        own["PRIVACY_AUDIT_HOME"] = str(home)
        command = [sys.executable, "-m", "privacy_audit.cli.main", *words]
        return subprocess.run(command, env={**inherited, **own}, check=False).returncode
