"""When the stores are audited, in which order. What must be true is in `expectations/`, who finds out in `plugins/`.

Task names and their order, nothing else: each task calls one function of `privacy_audit.audit`. Parsing this file
imports neither Great Expectations nor pandas and opens no connection.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    TriggerRule,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from privacy_audit import audit
from privacy_audit.errors import MayHealError, PrivacyAuditError

# What tasks hand to each other: counts and ids only. None stands for a task that ended without a result.
Order = dict[str, Any]
Outcome = dict[str, Any] | None
Results = list[Outcome]

STORES = audit.store_names()
CONTROLS = audit.control_ids()

# Others may schedule on it: `schedule=[Asset("privacy_audit_report")]` runs as soon as an audit is filed.
REPORT = Asset("privacy_audit_report")

# 01:15 exists exactly once on each day of the year in Paris; 02:30 does not exist in March and exists twice in October.
EVERY_NIGHT = CronTriggerTimetable("15 1 * * *", timezone="Europe/Paris")

# What the project refuses in its own words does not heal by itself; a lost worker or a full disk may.
WHAT_MAY_HEAL = ExceptionRetryPolicy(
    rules=[  # the first that fits
        RetryRule(exception=[MayHealError], action=RetryAction.RETRY, reason="It may heal by itself."),
        RetryRule(exception=[PrivacyAuditError], action=RetryAction.FAIL, reason="It would be refused again."),
    ]
)

PARAMS = {
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$",  # Airflow checks no formats
        title="Audited as of",
        description="The instant to judge by, as 2026-11-24T01:15:00+01:00. Empty: the moment the run starts.",
    ),
    "stores": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "enum": STORES},
        examples=STORES,
        minItems=1,
        uniqueItems=True,
        title="Stores",
        description="Only these stores. Empty: all of them.",
    ),
    "controls": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "enum": CONTROLS},
        examples=CONTROLS,
        minItems=1,
        uniqueItems=True,
        title="Controls",
        description="Only these controls. Empty: all of them.",
    ),
}

ABOUT = """
Compares each production store with the privacy policy, every night at 01:15 in Paris.

`fix_instant` fixes the one instant by which everything is judged, and checks the configuration.
One task per store then counts what breaks a promise; **findings do not fail a task**.
`audit_records` counts which of the audit's own records are past their period (the DAG `maintenance` deletes them), and
which nights had no audit.
`file_report` files the audit in the register and writes the report, `publish_data_docs` renders the pages,
`send_alerts` tells each owner once.

**`gate` is red when something was not audited**: a store that was down, a table that could not be read.
What was not audited was not found in order, so the run fails although the report of the others is there.

Runs by hand take *as of*, *stores* and *controls*. A run over some of them says so in its report.
Reports and Data Docs: **Compliance** in the menu on the left.
"""


def _planned(order: Order | None) -> Order:
    """Without an instant there is nothing to file, to show or to say; `gate` then fails the run."""
    if order is None:
        raise AirflowSkipException("Nothing was audited: `fix_instant` says why.")
    return order


@dag(
    schedule=EVERY_NIGHT,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "owner": "compliance",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "retry_policy": WHAT_MAY_HEAL,
        "execution_timeout": timedelta(minutes=30),
    },
    params=PARAMS,
    tags=["privacy", "audit"],
    doc_md=ABOUT,
)
def nightly_audit() -> None:
    """The tasks and their order."""

    @task
    def fix_instant() -> Order:
        context = get_current_context()
        asked = context["params"]
        return audit.plan(asked["as_of"], asked["stores"], asked["controls"], context["run_id"], datetime.now(UTC))

    @task(execution_timeout=timedelta(hours=4))
    def audit_store(order: Order, store: str) -> dict[str, Any]:
        if store not in order["stores"]:
            raise AirflowSkipException("This run was started for other stores.")
        return audit.audit_store(order, store)

    @task
    def audit_records(order: Order) -> dict[str, Any]:
        if not order["records"]:
            raise AirflowSkipException("This run was started for some stores, or for other controls.")
        return audit.audit_records(order)

    # With one store lost, what is known of the others is still filed, shown and said. The rule with "min one success"
    # would skip all of it as soon as one store was not asked for.
    whatever_was_found = TriggerRule.ALL_DONE

    @task(outlets=[REPORT], trigger_rule=whatever_was_found)
    def file_report(order: Order | None, stores: Results) -> dict[str, Any]:
        filed = audit.file(_planned(order), stores)
        get_current_context()["outlet_events"][REPORT].extra = {key: filed[key] for key in ("audit_id", "outcome")}
        return filed

    @task(trigger_rule=whatever_was_found)
    def publish_data_docs(order: Order | None, stores: Results) -> dict[str, Any]:
        return audit.publish_docs(_planned(order), stores)

    @task(trigger_rule=whatever_was_found)
    def send_alerts(order: Order | None, stores: Results) -> dict[str, Any]:
        return audit.send_alerts(_planned(order), stores)

    @task(retries=0, trigger_rule=TriggerRule.ALL_DONE)
    def gate(filed: Outcome, told: Outcome, published: Outcome) -> None:
        audit.gate(filed, told, published)

    order = fix_instant()
    stores = [
        audit_store.override(task_id=f"audit_{store}", pool=f"store_{store}", doc_md=f"Audits the store `{store}`.")(
            order, store
        )
        for store in STORES
    ]
    stores.append(audit_records(order))
    filed = file_report(order, stores)
    published = publish_data_docs(order, stores)
    told = send_alerts(order, stores)
    filed >> [published, told]
    gate(filed, told, published)


nightly_audit()
