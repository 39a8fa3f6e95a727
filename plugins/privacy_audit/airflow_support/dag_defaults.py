"""What the DAG files share: which errors are tried again, and how the owner of the platform hears of a failed run.

A task that fails gives its cause as one sentence of ours; the last task of the run collects the sentences and tells
the owner of the platform once. Where the last task could not run, because the run reached its time limit, Airflow
itself calls `tell_of_time_out`. Parsing a DAG file imports nothing heavy from here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import AirflowSkipException, AirflowTaskTimeout

from privacy_audit.domain.errors import ConfigurationRefusedError, MayHealError, PrivacyAuditError

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")

# What the project refuses in its own words does not heal by itself; a lost worker or a full disk may.
WHAT_MAY_HEAL = ExceptionRetryPolicy(
    rules=[  # the first that fits
        RetryRule(exception=[MayHealError], action=RetryAction.RETRY, reason="It may heal by itself."),
        RetryRule(exception=[PrivacyAuditError], action=RetryAction.FAIL, reason="It would be refused again."),
    ]
)
_CAUSE = "cause"
"""Key of the XCom in which a failed task gives its cause."""
_LONGEST = 400


class RunFailedError(PrivacyAuditError):
    """The run failed, and the owner of the platform was told why."""


def gives_cause(work: Callable[..., Result]) -> Callable[..., Result]:
    """A task that gives the cause of its failure as one sentence, for the last task of the run."""

    @wraps(work)
    def task(*arguments: Any, **named: Any) -> Result:
        try:
            return work(*arguments, **named)
        except AirflowSkipException:
            raise
        except BaseException as error:
            get_current_context()["ti"].xcom_push(key=_CAUSE, value=cause_of(error))
            raise

    return task


def cause_of(error: BaseException) -> str:
    """One sentence for people. Of an error that is not ours only its type is told: its words may quote a row."""
    match error:
        case ConfigurationRefusedError(mistakes=(first, *others)):
            more = f" And {len(others)} more: the task's log has them." if others else ""
            return _one_sentence(str(first)) + more
        case PrivacyAuditError():
            return _one_sentence(str(error))
        case AirflowTaskTimeout():
            return "It reached its time limit."
        case _:
            return f"It broke off with {type(error).__name__}; its log says where."


def _one_sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def causes_of_tasks(task_ids: Sequence[str]) -> list[str]:
    """What the failed tasks of this run gave as causes, each with the name of its task, in their order."""
    context = get_current_context()
    task_instance, run = context["ti"], context["dag_run"]
    states = task_instance.get_task_states(dag_id=run.dag_id, task_ids=list(task_ids), run_ids=[run.run_id])
    failed = [name for name in task_ids if states.get(run.run_id, {}).get(name) == "failed"]
    return [f"Task {name} failed: {_given(task_instance, name)}" for name in failed]


def _given(task_instance: Any, task_id: str) -> str:
    """The cause that a task gave; a task whose process was killed gave none."""
    given = task_instance.xcom_pull(task_ids=task_id, key=_CAUSE)
    return str(given) if given else "It ended without a word; its log may say why."


def fail_run(causes: Sequence[str]) -> None:
    """Fails the run and tells the owner of the platform why; does nothing without a cause.

    RunFailedError with the causes; NotToldError, which is tried again, when no channel took the message.
    """
    if not causes:
        return
    from privacy_audit.notify import platform_owner

    run = get_current_context()["dag_run"]
    platform_owner.tell(_run(run.dag_id, run.run_id), causes, datetime.now(UTC))
    raise RunFailedError("\n".join(causes))


def tell_of_time_out(context: Any) -> None:
    """Tells the owner of the platform of a run whose last task Airflow skipped: it reached its time limit.

    Airflow calls it in the process that reads DAG files, which must know the connection of the platform's owner, too.
    """
    if context.get("reason") == "task_failure":
        return  # the last task has told it
    from privacy_audit.notify import platform_owner

    cause = (
        "The run reached its time limit. Airflow ended what was still running and skipped the rest, so nothing was"
        " filed, published or told after that."
    )
    try:
        platform_owner.tell(_run(context["dag"].dag_id, context["run_id"]), [cause], datetime.now(UTC))
    except PrivacyAuditError as error:
        LOG.error("%s", error)


def _run(dag_id: str, run_id: str) -> Any:
    from airflow.configuration import conf

    from privacy_audit.notify.platform_owner import FailedRun

    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return FailedRun(dag_id, run_id, f"{base}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if base else "")
