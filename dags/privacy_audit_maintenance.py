"""When the audit deletes what it no longer needs, and when somebody looks whether last night had an audit.

How long records are kept is in `expectations/handling.yaml`. Each task calls one function of the package. Parsing
this file reads no configuration and opens no connection.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import MultipleCronTriggerTimetable, Param, TriggerRule, dag, get_current_context, task

from privacy_audit.airflow_support import dag_defaults, maintenance_tasks

# 00:30, before the nightly audit, which counts what is past its period; 07:45, when that audit must have been filed.
# Both exist exactly once on each day in Paris.
TWICE_A_DAY = MultipleCronTriggerTimetable("30 0 * * *", "45 7 * * *", timezone="Europe/Paris")

ABOUT = """
Deletes the audit's own records when their period is over, and looks for last night's audit: at 00:30 in Paris, before
the audit, and at 07:45, when it must have been filed.

The periods are `records` in `expectations/handling.yaml`: audits in the audit's database with their results, standings
and decisions; folders of reports; validation results; messages that were delivered. The nightly audit counts what is
past its period as control META-5, and so tells when this did not run.

`delete_what_is_past` never deletes the newest audit and report, the last standing of a finding that is still open,
or a message that was not delivered. It says in its log and its result what it deleted, and what it left and why.
Runs by hand take *dry run*: nothing is deleted, and all is counted.

`look_for_last_audit` fails when the night that should be over has no audit, and tells the owner of the platform: a
night without a run cannot tell it by itself. `gate` tells the owner of the platform of any other failure.

Data Docs need no maintenance: they show tonight and nothing else.
"""


@dag(
    dag_id="privacy_audit_maintenance",
    schedule=TWICE_A_DAY,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    allowed_run_types=["scheduled", "manual", "operator_triggered"],
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    default_args={
        "owner": "compliance",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "retry_policy": dag_defaults.WHAT_MAY_HEAL,
        "execution_timeout": timedelta(minutes=30),
    },
    on_failure_callback=dag_defaults.tell_of_time_out,
    params={
        "dry_run": Param(
            False, type="boolean", title="Dry run", description="Delete nothing; count what would be deleted."
        )
    },
    tags=["privacy", "audit"],
    doc_md=ABOUT,
)
def privacy_audit_maintenance() -> None:
    """The tasks and their order."""

    @task(multiple_outputs=False)
    @dag_defaults.gives_cause
    def delete_what_is_past() -> dict[str, Any]:
        dry_run = get_current_context()["params"]["dry_run"]
        return maintenance_tasks.delete_what_is_past(datetime.now(UTC), dry_run=dry_run)

    @task(multiple_outputs=False, execution_timeout=timedelta(minutes=5))
    @dag_defaults.gives_cause
    def look_for_last_audit() -> str:
        return maintenance_tasks.look_for_last_audit(datetime.now(UTC))

    @task(trigger_rule=TriggerRule.ALL_DONE, execution_timeout=timedelta(minutes=5))
    def gate() -> None:
        dag_defaults.fail_run(dag_defaults.causes_of_tasks(["delete_what_is_past", "look_for_last_audit"]))

    [delete_what_is_past(), look_for_last_audit()] >> gate()


privacy_audit_maintenance()
