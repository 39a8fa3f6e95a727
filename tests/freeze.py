"""Writes down what the code says today, so that a rebuilt one can be compared with it.

`python -m tests.freeze FOLDER` audits the demo company for three instants at two scales and keeps the compiled suites,
the reports, the Data Docs, the messages and the rows of the audit's own database as files below FOLDER. What differs
between two runs of the same code (durations, ids that a server draws) is left out. Two folders are compared by
`diff -r`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from demo import company, inbox, local_airflow, premises
from demo.installation import installation
from tests.places import EXPECTATIONS

INSTANTS = ("2026-02-28T22:59:59+00:00", "2026-08-31T10:00:00+00:00", "2026-10-25T00:30:00+00:00")
SCALES = (2_000, 20_000)
DOCUMENTS = (".json", ".html", ".csv", ".txt", ".css")
VOLATILE = (
    (r'("(?:seconds|elapsed|duration_ms|checks_seconds)": ?)(?:[\d.e-]+|\{[^}]*\})', r"\1SECONDS"),
    (r"\b\d+\.\d+ s\b", "SECONDS"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b[0-9a-f]{64}(:[0-9a-f]{16})?\b", "DIGEST"),
    (r"20261[12]\d\dT\d{6}\.\d+Z", "TODAY"),
    (r"2026-1[12]-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|\+00|Z)?", "TODAY"),
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copytree(EXPECTATIONS / "suites", folder / "suites")
    for instant in INSTANTS:
        for scale in SCALES:
            target = folder / f"{instant[:10]} {scale}"
            subprocess.run([sys.executable, "-m", "tests.freeze", "one", str(target), instant, str(scale)], check=True)


def one(target: Path, instant: str, scale: int) -> None:
    """Audits the company once, as of an instant."""
    home = Path(tempfile.mkdtemp(prefix="freeze-"))
    (home / "run").mkdir()
    keys = home / "run" / "erasure_keys.json"
    keys.write_text(json.dumps({"1": base64.b64encode(hashlib.sha256(b"freeze").digest()).decode()}))
    keys.chmod(0o600)
    with premises.opened(home) as place, inbox.opened(home / "alerts", place.inbox_port):
        as_of = datetime.fromisoformat(instant)
        company.fill(place.stores, as_of, scale)
        local_airflow.enter(local_airflow.environment(home, place.connections, local_airflow.sqlite(home, "freeze")))
        _audit(instant)
        database = _rows(place.connections["privacy_audit_db"])
    _keep(home, target, database)
    installation(home).remove()
    shutil.rmtree(home)


def _audit(instant: str) -> None:
    from privacy_audit.airflow_support import nightly_tasks

    now = datetime.now(UTC)
    params = {"as_of": instant, "stores": None, "controls": None}
    audit_id = nightly_tasks.begin(params, "freeze", now)
    for store in ("app", "web"):
        nightly_tasks.audit_store(audit_id, store, now)
    nightly_tasks.audit_records(audit_id)
    nightly_tasks.file(audit_id)
    nightly_tasks.publish_docs(audit_id)
    nightly_tasks.send_alerts(audit_id)


def _rows(url: str) -> str:
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_stat_user_tables ORDER BY 1")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            rows += sorted(f"{table}: {row}" for (row,) in cursor.fetchall())
    return "\n".join(rows)


def _keep(home: Path, target: Path, database: str) -> None:
    target.mkdir(parents=True)
    rows = sorted(_steady(database, home).splitlines())
    (target / "audit database.txt").write_text("\n".join(rows))
    report = (home / "reports" / "latest").resolve()
    sources = {"report": report, "alerts": home / "alerts", "data_docs": (home / "data_docs").resolve()}
    for name, source in sources.items():
        for path in sorted(source.rglob("*")):
            if path.is_file() and path.suffix in DOCUMENTS:
                kept = target / name / _steady(str(path.relative_to(source)), home)
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(_steady(path.read_text(), home))


def _steady(text: str, home: Path) -> str:
    text = text.replace(str(home), "HOME")
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text)
    return text


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if sys.argv[1] == "one":
        one(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main(Path(sys.argv[1]))
