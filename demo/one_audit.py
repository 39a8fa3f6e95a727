"""`make audit`: the demo company, filled now, audited by the DAG `privacy_audit_nightly` in this one process.

Airflow's own `dag.test` runs the tasks as a real run, with real XComs and in the real order, and needs no scheduler.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from filelock import FileLock, Timeout
from pluggy import HookimplMarker

from demo import company, filed_report, inbox, local_airflow, premises
from demo.manifest import Manifest
from demo.screen import Screen, screen
from privacy_audit.domain.errors import PrivacyAuditError

DAG = "privacy_audit_nightly"
_hookimpl = HookimplMarker("airflow")
_LITTER = 50_000
"""So many new objects are looked through at once."""

_TOLD = {
    "fix_instant": "Fixed the instant and checked the configuration",
    "audit_records": "Audited the audit's own records",
    "file_report": "Filed the report",
    "publish_data_docs": "Published the Data Docs",
    "send_alerts": "Sent the alerts",
    "gate": "Made sure that everything was audited",
}
"""What a task has done, for a reader. Any other task audited a store."""


class DemoFailedError(PrivacyAuditError):
    """The demo could not be run to its end."""


def audit(home: Path, rows: int) -> int:
    """Runs it all and shows it. 0 when the audit found exactly what was planted, 1 otherwise."""
    with screen(home / "log" / "audit.log") as terminal, _alone(home, terminal), ExitStack() as stack:
        with terminal.stage("Started the embedded PostgreSQL"):
            place = stack.enter_context(premises.opened(home))
            stack.enter_context(inbox.opened(home / "alerts", place.inbox_port))
        stack.enter_context(_meanwhile_imported())
        manifest = _fill(place, rows, terminal)
        _awake_airflow(home, place, terminal)
        before = filed_report.newest(home)
        succeeded = _run_dag(manifest, terminal)
        report = filed_report.newest(home)
        if report is None or (before and before.audit_id == report.audit_id):
            raise DemoFailedError(f"The run filed no report. What Airflow said is in {terminal.log}")
        found_all = _compare(manifest, report, terminal)
        _point_at(home, report, terminal)
        return 0 if succeeded and found_all else 1


@contextmanager
def _alone(home: Path, terminal: Screen) -> Iterator[None]:
    """One audit of the demo at a time: a second would fill the company anew under the first."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "run" / "audit.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        terminal.say("Another `make audit` runs in this project; waiting until it is done ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _meanwhile_imported() -> Iterator[None]:
    """Great Expectations takes five seconds to import, and the server is who fills the company: done meanwhile. It sets
    no variable of the environment, as the start of Airflow does."""
    thread = Thread(target=import_module, args=("privacy_audit.engine.expectations",), name="imports")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _fill(place: premises.Premises, rows: int, terminal: Screen) -> Manifest:
    """One after the other, and not beside the start of Airflow: that sets variables of the environment while a driver
    that connects reads them, and the C library then crashes now and then."""
    bar = terminal.bar("Filling the demo company")
    with terminal.stage(f"Filled the demo company with about {rows:,} rows", bar):
        return company.fill(place.stores, datetime.now(UTC).replace(microsecond=0), rows, bar.tell)


def _awake_airflow(home: Path, place: premises.Premises, terminal: Screen) -> None:
    with terminal.stage("Prepared Airflow"):
        own = local_airflow.sqlite(home, "one_audit")
        local_airflow.enter(local_airflow.environment(home, place.connections, own))
        local_airflow.prepare()
    # What was imported lives to the end: looking through all of it for what may go cost a tenth of the run.
    gc.freeze()
    gc.set_threshold(_LITTER)


def _run_dag(manifest: Manifest, terminal: Screen) -> bool:
    """Whether the whole run succeeded. Judged by the instant for which the manifest holds."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.listener import get_listener_manager

    bag = DagBag(local_airflow.ROOT / "dags")
    dag = bag.dags.get(DAG)
    if dag is None:
        raise DemoFailedError("dags/privacy_audit_nightly.py cannot be read:\n" + "\n".join(bag.import_errors.values()))
    for task in dag.tasks:
        task.retries = 0  # nothing heals in a minute on one machine; a failure is better seen at once
    get_listener_manager().add_listener(_Teller(terminal))
    run = dag.test(run_conf={"as_of": manifest.as_of.isoformat()})
    return str(run.state) == "success"


class _Teller:
    """Hears from Airflow which task runs, and tells the terminal when it ended."""

    def __init__(self, terminal: Screen) -> None:
        self._terminal = terminal
        self._began = time.monotonic()

    @_hookimpl
    def on_task_instance_running(self) -> None:
        self._began = time.monotonic()

    @_hookimpl
    def on_task_instance_success(self, task_instance: Any) -> None:
        task = task_instance.task_id
        told = _TOLD.get(task, f'Audited the store "{task.removeprefix("audit_")}"')
        self._terminal.done(told, time.monotonic() - self._began)

    @_hookimpl
    def on_task_instance_failed(self, task_instance: Any, error: object) -> None:
        words = str(error) if isinstance(error, PrivacyAuditError) else f"see {self._terminal.log}"
        self._terminal.say(f"The task {task_instance.task_id} failed: {words}")


def _compare(manifest: Manifest, report: filed_report.Filed, terminal: Screen) -> bool:
    terminal.table(report.checks)
    for store in report.not_audited:
        terminal.say(f"Not audited: {store}")
    differences = manifest.differences(report.checks)
    if differences:
        terminal.say(f"The audit differs from what was planted in {len(differences)} points:")
        for difference in differences:
            terminal.say(f"  {difference}")
        return False
    planted = sum(check.violating for check in manifest.checks)
    terminal.say(f"The audit found exactly what was planted: {planted:,} violating rows among {manifest.rows:,}.")
    return True


def _point_at(home: Path, report: filed_report.Filed, terminal: Screen) -> None:
    terminal.say(f"Report:    {report.folder / 'report.html'}")
    terminal.say(f"Data Docs: {home / 'data_docs' / 'index.html'}")
    terminal.say(f"Alerts:    {home / 'alerts'}")
    for line in inbox.told(home / "alerts", report.audit_id) or ["nobody was told anything: nothing is new"]:
        terminal.say(f"           {line}")
