"""When the audit deletes what it no longer needs. How long it keeps what is in `expectations/handling.yaml`.

One task that calls one function of `privacy_audit.audit`. Parsing this file opens no connection.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    dag,
    get_current_context,
    task,
)

from privacy_audit import audit
from privacy_audit.errors import MayHealError, PrivacyAuditError

# Before the nightly audit, which counts what is past its period. 00:30 exists exactly once on each day in Paris.
EVERY_NIGHT = CronTriggerTimetable("30 0 * * *", timezone="Europe/Paris")

# As in nightly_audit.py. What broke off is finished by the next try.
WHAT_MAY_HEAL = ExceptionRetryPolicy(
    rules=[  # the first that fits
        RetryRule(exception=[MayHealError], action=RetryAction.RETRY, reason="It may heal by itself."),
        RetryRule(exception=[PrivacyAuditError], action=RetryAction.FAIL, reason="It would be refused again."),
    ]
)

ABOUT = """
Deletes the audit's own records when their period is over, every night at 00:30 in Paris, before the audit.

The periods are `records` in `expectations/handling.yaml`: audits in the register with their results, standings and
decisions; folders of reports; validation results of Great Expectations; messages that were delivered. The nightly
audit counts what is past its period as control META-5, and so tells when this did not run.

`delete_what_is_past` never deletes the newest audit and report, the last standing of a finding that is still open,
or a message that was not delivered. It says in its log and its result what it deleted, and what it left and why.
Runs by hand take *dry run*: nothing is deleted, and all is counted.

Data Docs need no maintenance: they show tonight and nothing else.
"""


@dag(
    schedule=EVERY_NIGHT,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args={
        "owner": "compliance",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "retry_policy": WHAT_MAY_HEAL,
        "execution_timeout": timedelta(minutes=30),
    },
    params={
        "dry_run": Param(
            False, type="boolean", title="Dry run", description="Delete nothing; count what would be deleted."
        )
    },
    tags=["privacy", "audit"],
    doc_md=ABOUT,
)
def maintenance() -> None:
    """The one task."""

    @task
    def delete_what_is_past() -> dict[str, Any]:
        return audit.maintain(datetime.now(UTC), dry_run=get_current_context()["params"]["dry_run"])

    delete_what_is_past()


maintenance()
