"""Run in a fresh process by the tests beside it: one run of the DAG over the demo company, told as JSON.

`run_once.py HOME ROWS [STORE ...]`: the stores named are down, which their connections then show.
"""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from privacy_audit.demo import airflow as local_airflow
from privacy_audit.demo import company, premises


def main(home: Path, rows: int, down: list[str]) -> None:
    with premises.opened(home) as place:
        manifest = company.fill(place.stores, datetime.now(UTC).replace(microsecond=0), rows)
        nowhere = {f"store_{name}": f"postgresql://nobody:nothing@127.0.0.1:{closed_port()}/{name}" for name in down}
        local_airflow.enter(local_airflow.environment(home, place.connections | nowhere, "run_once"))
        local_airflow.prepare(pools=())
        print(json.dumps(run({"as_of": manifest.as_of.isoformat()})))


def run(conf: dict[str, str]) -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    dag = DagBag(local_airflow.ROOT / "dags").dags["nightly_audit"]
    for task in dag.tasks:
        task.retries = 0
    done = dag.test(run_conf=conf)
    with create_session() as session:
        events = [event.extra for event in session.scalars(select(AssetEvent))]
    return {
        "state": done.state.value,
        "tasks": {task.task_id: str(task.state) for task in done.get_task_instances()},
        "events": events,
    }


def closed_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
