"""One whole audit in this process, timed by stage; prints one line of JSON. Run by the benchmark."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from privacy_audit.pipeline import auditing, filing_step, own_records, planning, publishing

seconds: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


def main(as_of: str) -> None:
    now = max(datetime.now(UTC), datetime.fromisoformat(as_of)) + timedelta(seconds=1)
    with stage("read and check the configuration"):
        order = planning.plan(as_of, None, None, f"bench {as_of}", now)
    with stage("import Great Expectations"):
        import privacy_audit.engine.expectations  # noqa: F401
    results = []
    for store in order["stores"]:
        with stage(f"audit {store}"):
            results.append(auditing.audit_store(order, store))
    with stage("audit the audit's own records"):
        results.append(own_records.audit_records(order))
    with stage("file the report"):
        filed = filing_step.file(order, results)
    with stage("publish the Data Docs"):
        publishing.publish_docs(order, results)
    violating = sum(check["tally"]["violating"] for result in results for check in result["checks"] if check["tally"])
    told = {"seconds": seconds, "violating": violating, "megabytes": _peak(), "outcome": filed["outcome"]}
    sys.stdout.write(json.dumps(told) + "\n")


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1])
