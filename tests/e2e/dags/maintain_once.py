"""Run in a fresh process by the test beside it: one run of `privacy_audit_maintenance`, told as one line of JSON.

`maintain_once.py HOME`: over the records that lie there, and an empty register.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from demo import inbox, local_airflow, premises
from privacy_audit import audit_db


def main() -> None:
    home = Path(sys.argv[1])
    with premises.opened(home) as place, inbox.opened(home / "alerts", place.inbox_port):
        made_up = datetime(2100, 1, 1, tzinfo=UTC)  # the reports that lie there were filed nowhere
        audit_db.accept(place.stores.register, "none", made_up, "", by="a test", because="They are made up.")
        grow_old(place.stores.register)
        own = local_airflow.sqlite(home, "maintain_once")
        local_airflow.enter(local_airflow.environment(home, place.connections, own))
        local_airflow.prepare()
        print(json.dumps(run()))


def grow_old(url: str) -> None:
    """Lets the audit's database look as if it had been made some days ago: nights are expected of it."""
    with (
        closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("ALTER TABLE identity DISABLE TRIGGER USER")
        cursor.execute("UPDATE identity SET created_at = created_at - interval '3 days'")
        cursor.execute("ALTER TABLE identity ENABLE TRIGGER USER")


def run() -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(local_airflow.ROOT / "dags").dags["privacy_audit_maintenance"]
    for task in dag.tasks:
        task.retries = 0
    done = dag.test()
    instances = {task.task_id: task for task in done.get_task_instances()}
    return {
        "state": done.state.value,
        "tasks": {name: str(task.state) for name, task in instances.items()},
        "handed": instances["delete_what_is_past"].xcom_pull(task_ids="delete_what_is_past"),
    }


main()
