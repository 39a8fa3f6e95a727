"""Run in a fresh process by tests: one audit of the demo company on another PostgreSQL.

`python -m tests.e2e.audit_on POSTGRES HOME ROWS`: the program of the server, an empty home, and about how many rows.
Prints one line of JSON with the server's version; the manifest lies in the home.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import demo.server
from demo import company, inbox, local_airflow, premises
from demo.installation import Installation, installation


def main(postgres: Path, home: Path, rows: int) -> None:
    said = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=True).stdout
    version = said.split()[2].split(".")[0]

    def other(home: Path) -> Installation:
        libc = ("--locale-provider=libc", "--locale=C.UTF-8")
        return replace(installation(home), programs=postgres.parent, major_version=version, locale=libc)

    demo.server.installation = other
    with premises.opened(home) as place, inbox.opened(home / "alerts", place.inbox_port):
        now = datetime.now(UTC).replace(microsecond=0)
        company.fill(place.stores, now, rows).write(home / "manifest.json")
        local_airflow.enter(local_airflow.environment(home, place.connections, local_airflow.sqlite(home, "other")))
        _audit(now)
    other(home).remove()
    print(json.dumps({"version": version}))


def _audit(now: datetime) -> None:
    from privacy_audit.airflow_support import nightly_tasks

    audit_id = nightly_tasks.begin({"as_of": None, "stores": None, "controls": None}, "another server", now)
    for store in ("app", "web"):
        nightly_tasks.audit_store(audit_id, store, now)
    nightly_tasks.audit_records(audit_id)
    nightly_tasks.file(audit_id)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
