"""Run in a fresh process by tests: one run of the DAG over the demo company, told as one line of JSON.

`run_once.py HOME ROWS`; `--down STORE`: its connection leads nowhere; `--plant FILE.sql`: run in each store once it is
filled, with `{store}` replaced; `--keep FILE`: the rows of the register are written there; `--expectations FOLDER`: in
the place of the project's.
"""

from __future__ import annotations

import argparse
import json
import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from demo import company, inbox, local_airflow, premises


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("home", type=Path)
    arguments.add_argument("rows", type=int)
    arguments.add_argument("--down", action="append", default=[])
    arguments.add_argument("--plant", type=Path)
    arguments.add_argument("--keep", type=Path)
    arguments.add_argument("--expectations", type=Path)
    given = arguments.parse_args()
    with premises.opened(given.home) as place, inbox.opened(given.home / "alerts", place.inbox_port):
        manifest = company.fill(place.stores, datetime.now(UTC).replace(microsecond=0), given.rows)
        if given.plant:
            plant(place.stores, given.plant.read_text(encoding="utf-8"))
        nowhere = {
            f"store_{name}": f"postgresql://nobody:nothing@127.0.0.1:{closed_port()}/{name}" for name in given.down
        }
        own = local_airflow.sqlite(given.home, "run_once")
        environment = local_airflow.environment(given.home, place.connections | nowhere, own)
        if given.expectations:
            environment["PRIVACY_AUDIT_EXPECTATIONS"] = str(given.expectations)
        local_airflow.enter(environment)
        local_airflow.prepare()
        print(json.dumps(run({"as_of": manifest.as_of.isoformat()})))
        if given.keep:
            given.keep.write_text(register_of(place.connections["privacy_audit_db"]), encoding="utf-8")


def plant(stores: company.DemoStores, statements: str) -> None:
    for store in ("app", "web"):
        with closing(connect(getattr(stores, store))) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statements.replace("{store}", store))


def register_of(url: str) -> str:
    """Every row of every table of the register, as text."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_stat_user_tables ORDER BY 1")
        rows = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            rows += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def connect(url: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(url.replace("+psycopg2", ""))


def run(conf: dict[str, str]) -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetEvent
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    dag = DagBag(local_airflow.ROOT / "dags").dags["privacy_audit_nightly"]
    for task in dag.tasks:
        task.retries = 0
    done = dag.test(run_conf=conf)
    with create_session() as session:
        events = [event.extra for event in session.scalars(select(AssetEvent))]
        handed = [[row.task_id, row.key, row.value] for row in session.scalars(select(XComModel))]
    return {
        "handed": handed,
        "state": done.state.value,
        "tasks": {task.task_id: str(task.state) for task in done.get_task_instances()},
        "events": events,
    }


def closed_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


main()
