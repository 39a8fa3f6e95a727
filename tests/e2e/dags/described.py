"""Run in a fresh process by the tests beside it: prints as JSON what Airflow makes of the files in `dags/`.

`described.py HOME [EXPECTATIONS]`: the environment of the local Airflow is made first, for Airflow reads it at its
first import.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from demo import local_airflow


def main() -> None:
    home = Path(sys.argv[1])
    own = {"PRIVACY_AUDIT_EXPECTATIONS": sys.argv[2]} if len(sys.argv) > 2 else {}
    local_airflow.enter(local_airflow.environment(home, {}, local_airflow.sqlite(home, "described")) | own)
    from airflow.dag_processing.dagbag import DagBag

    before = set(sys.modules)
    began = time.process_time()
    bag = DagBag(local_airflow.ROOT / "dags")
    seconds = time.process_time() - began
    imported = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    document = {
        "seconds": seconds,
        "imported": imported,
        "errors": bag.import_errors,
        "dags": {name: described(dag) for name, dag in bag.dags.items()},
    }
    print(json.dumps(document))


def described(dag: Any) -> dict[str, Any]:
    tables = getattr(dag.timetable, "timetables", [dag.timetable])
    return {
        "schedule": [table.expression for table in tables],
        "zone": sorted({str(table.timezone) for table in tables}),
        "run_types": sorted(str(one.value) for one in dag.allowed_run_types),
        "on_failure": dag.on_failure_callback.__name__,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timeout": dag.dagrun_timeout.total_seconds(),
        "doc": dag.doc_md,
        "retried": {task.task_id: retried(task) for task in dag.tasks},
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {
            task.task_id: {
                "after": sorted(task.upstream_task_ids),
                "pool": task.pool,
                "retries": task.retries,
                "delay": task.retry_delay.total_seconds(),
                "multiple_outputs": getattr(task, "multiple_outputs", False),
                "rule": task.trigger_rule.value,
                "timeout": task.execution_timeout.total_seconds(),
                "outlets": [asset.name for asset in task.outlets],
            }
            for task in dag.tasks
        },
    }


def retried(task: Any) -> dict[str, str]:
    """What becomes of a task that failed with an error."""
    from privacy_audit.audit_db import AlreadyFiledError, AuditDatabaseUnavailableError
    from privacy_audit.domain.errors import ConfigurationRefusedError
    from privacy_audit.publish.report.report_folder import ReportNotFiledError

    kinds = (AuditDatabaseUnavailableError, ReportNotFiledError, ConfigurationRefusedError, AlreadyFiledError, OSError)
    raised = {kind.__name__: kind.__new__(kind) for kind in kinds}
    return {name: task.retry_policy.evaluate(error, 1, 3).action.value for name, error in raised.items()}


main()
