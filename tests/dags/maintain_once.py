"""Run in a fresh process by the test beside it: one run of the DAG `maintenance`, told as one line of JSON.

`maintain_once.py HOME`: over the records that lie there, and an empty register.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from privacy_audit import register
from privacy_audit.demo import airflow as local_airflow
from privacy_audit.demo import premises


def main() -> None:
    home = Path(sys.argv[1])
    with premises.opened(home) as place:
        made_up = datetime(2100, 1, 1, tzinfo=UTC)  # the reports that lie there were filed nowhere
        register.accept(place.stores.register, "none", made_up, "", by="a test", because="They are made up.")
        own = local_airflow.sqlite(home, "maintain_once")
        local_airflow.enter(local_airflow.environment(home, place.connections, own))
        local_airflow.prepare(pools=())
        print(json.dumps(run()))


def run() -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(local_airflow.ROOT / "dags").dags["maintenance"]
    for task in dag.tasks:
        task.retries = 0
    done = dag.test()
    (task_instance,) = done.get_task_instances()
    return {
        "state": done.state.value,
        "tasks": {task_instance.task_id: str(task_instance.state)},
        "handed": task_instance.xcom_pull(task_ids=task_instance.task_id),
    }


main()
