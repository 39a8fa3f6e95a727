"""When the stores are audited, in which order. What must be true is in `expectations/`, who finds out in `plugins/`.

Task names and their order, nothing else: each task calls one function of `airflow_support.nightly_tasks`. Parsing this
file reads no policy and no store map, only the names of their files, and so succeeds whatever is wrong in them: the
first task says what is. It imports neither Great Expectations nor pandas and opens no connection.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from privacy_audit.airflow_support import dag_defaults, nightly_tasks
from privacy_audit.pipeline.configuration import store_names

# What tasks hand to each other: the audit's id, and counts. None stands for a task that ended without a result.
AuditId = str
Counts = dict[str, Any] | None

STORES = store_names()

# Others may schedule on it: `schedule=[Asset("privacy_audit_report")]` runs as soon as an audit is filed.
REPORT = Asset("privacy_audit_report")

# 01:15 exists exactly once on each day of the year in Paris; 02:30 does not exist in March and exists twice in October.
EVERY_NIGHT = CronTriggerTimetable("15 1 * * *", timezone="Europe/Paris")

PARAMS = {
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$",  # Airflow checks no formats
        title="Audited as of",
        description="The instant to judge by, as 2026-11-24T01:15:00+01:00. Empty: the moment the run starts. As of an"
        " earlier day nothing passes: what was deleted since is not seen.",
    ),
    "stores": Param(
        None,
        type=["null", "array"],
        items={"type": "string", **({"enum": STORES} if STORES else {})},
        examples=STORES,
        minItems=1,
        uniqueItems=True,
        title="Stores",
        description="Only these stores. Empty: all of them.",
    ),
    "controls": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "pattern": r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$"},
        minItems=1,
        uniqueItems=True,
        title="Controls",
        description="Only these controls, by their ids in policy.yaml and law.yaml, as RET-3. Empty: all of them.",
    ),
}

ABOUT = """
Compares each production store with the privacy policy, every night at 01:15 in Paris.

`fix_instant` fixes the one instant by which everything is judged, and checks the configuration.
One task per store then counts what breaks a promise; **findings do not fail a task**.
`audit_records` counts which of the audit's own records are past their period (the DAG `privacy_audit_maintenance`
deletes them), and which nights had no audit.
`file_report` files the audit in its database and writes the report, `publish_data_docs` renders the pages,
`send_alerts` tells each owner once.

**`gate` is red when something was not audited**: a store that was down, a table that could not be read.
What was not audited was not found in order, so the run fails although the report of the others is there. It tells the
owner of the platform why, in at most ten lines.

Runs by hand take *as of*, *stores* and *controls*. A run over some of them says so in its report, and changes neither
`reports/latest` nor the Data Docs. Backfill is refused: rows that were deleted meanwhile would pass for that night.
Reports and Data Docs: **Compliance** in the menu on the left.
"""


def _begun(audit_id: AuditId | None) -> AuditId:
    """Without an instant there is nothing to file, to show or to say; `gate` then fails the run."""
    if audit_id is None:
        raise AirflowSkipException("Nothing was audited: `fix_instant` says why.")
    return audit_id


@dag(
    dag_id="privacy_audit_nightly",
    schedule=EVERY_NIGHT,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    allowed_run_types=["scheduled", "manual", "operator_triggered"],
    max_active_runs=1,
    # Longer than all tries of the tasks one after another: at its end Airflow skips what has not run, filing included.
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "owner": "compliance",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "retry_policy": dag_defaults.WHAT_MAY_HEAL,
        "execution_timeout": timedelta(minutes=10),
    },
    on_failure_callback=dag_defaults.tell_of_time_out,
    params=PARAMS,
    tags=["privacy", "audit"],
    doc_md=ABOUT,
)
def privacy_audit_nightly() -> None:
    """The tasks and their order."""

    @task(multiple_outputs=False)
    @dag_defaults.gives_cause
    def fix_instant() -> AuditId:
        context = get_current_context()
        return nightly_tasks.begin(context["params"], context["run_id"], datetime.now(UTC))

    @task(multiple_outputs=False, retries=1, execution_timeout=timedelta(minutes=105))
    @dag_defaults.gives_cause
    def audit_store(audit_id: AuditId, store: str) -> Counts:
        if not nightly_tasks.asks_for_store(audit_id, store):
            raise AirflowSkipException("This run was started for other stores.")
        return nightly_tasks.audit_store(audit_id, store, datetime.now(UTC))

    @task(multiple_outputs=False)
    @dag_defaults.gives_cause
    def audit_records(audit_id: AuditId) -> Counts:
        if not nightly_tasks.asks_for_records(audit_id):
            raise AirflowSkipException("This run was started for some stores, or for other controls.")
        return nightly_tasks.audit_records(audit_id)

    # With one store lost, what is known of the others is still filed, shown and said. The rule with "min one success"
    # would skip all of it as soon as one store was not asked for.
    whatever_was_found = TriggerRule.ALL_DONE

    @task(multiple_outputs=False, outlets=[REPORT], trigger_rule=whatever_was_found)
    @dag_defaults.gives_cause
    def file_report(audit_id: AuditId | None) -> Counts:
        filed = nightly_tasks.file(_begun(audit_id))
        get_current_context()["outlet_events"][REPORT].extra = {key: filed[key] for key in ("audit_id", "outcome")}
        return filed

    @task(multiple_outputs=False, trigger_rule=whatever_was_found)
    @dag_defaults.gives_cause
    def publish_data_docs(audit_id: AuditId | None) -> Counts:
        return nightly_tasks.publish_docs(_begun(audit_id))

    @task(multiple_outputs=False, trigger_rule=whatever_was_found)
    @dag_defaults.gives_cause
    def send_alerts(audit_id: AuditId | None) -> Counts:
        return nightly_tasks.send_alerts(_begun(audit_id))

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def gate(audit_id: AuditId | None, filed: Counts, told: Counts, published: Counts) -> None:
        failures = dag_defaults.causes_of_tasks(BEFORE_THE_GATE)
        dag_defaults.fail_run(nightly_tasks.causes(audit_id, filed, told, published, failures))

    audit_id = fix_instant()
    stores = [
        audit_store.override(task_id=f"audit_{store}", doc_md=f"Audits the store `{store}`.")(audit_id, store)
        for store in STORES
    ]
    stores.append(audit_records(audit_id))
    filed, published, told = file_report(audit_id), publish_data_docs(audit_id), send_alerts(audit_id)
    stores >> filed
    filed >> [published, told]
    gate(audit_id, filed, told, published)


BEFORE_THE_GATE = [
    "fix_instant",
    *(f"audit_{store}" for store in STORES),
    "audit_records",
    "file_report",
    "publish_data_docs",
    "send_alerts",
]
"""The tasks whose failures `gate` tells, in the order of a run."""

privacy_audit_nightly()
