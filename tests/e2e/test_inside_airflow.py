"""`make up`, as a person meets it: the real api-server, scheduler, dag-processor and triggerer, then `make down`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from demo import ports
from tests import browser
from tests.places import ROOT

DAG = "privacy_audit_nightly"
PAGES = "/privacy-audit"
PATIENCE_SECONDS = 420

pytestmark = pytest.mark.slow


@dataclass
class Airflow:
    address: str
    home: Path
    passwords: dict[str, str]

    def token(self, name: str) -> dict[str, str]:
        login = {"username": name, "password": self.passwords[name]}
        answer = requests.post(f"{self.address}/auth/token", json=login, timeout=30)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def get(self, path: str, name: str | None = None, **headers: str) -> requests.Response:
        sent = headers | (self.token(name) if name else {})
        request = requests.Request("GET", self.address, headers=sent).prepare()
        request.url = self.address + path  # as it stands: requests would tidy up `../`
        return requests.Session().send(request, timeout=60, allow_redirects=False)

    def trigger(self, name: str, **conf: Any) -> requests.Response:
        body = {"logical_date": None, "conf": conf}
        runs = f"{self.address}/api/v2/dags/{DAG}/dagRuns"
        return requests.post(runs, json=body, headers=self.token(name), timeout=60)

    def finished(self, run: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.get(f"/api/v2/dags/{DAG}/dagRuns/{run}", "admin").json()
            if told["state"] in {"success", "failed"}:
                return told
            time.sleep(1)
        raise AssertionError(f"{run} did not end within {PATIENCE_SECONDS} s")

    def states(self, run: str) -> dict[str, str]:
        told = self.get(f"/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances", "admin").json()["task_instances"]
        return {task["task_id"]: task["state"] for task in told}


def demo(home: Path, *arguments: str) -> str:
    environment = os.environ | {"PRIVACY_AUDIT_HOME": str(home), "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    command = [sys.executable, "-m", "demo.commands", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("make up")
    with ports.reserved() as port:
        try:
            told = demo(home, "up", "--scale", "20000", "--port", str(port))
            passwords = dict(re.findall(r"Log in as: (\w+) / (\S+)", told))
            yield Airflow(f"http://127.0.0.1:{port}", home, passwords)
        finally:
            started = children_of(home)
            demo(home, "down")
            assert [process for process in started if runs(process)] == []
            assert children_of(home) == []
            demo(home, "clean")


def children_of(home: Path) -> list[psutil.Process]:
    """Every process that works in or for this home, found without the project's own records."""
    mine = [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and str(home) in " ".join(environment_of(process))
    ]
    return [process for process in mine if runs(process)]


def runs(process: psutil.Process) -> bool:
    """Whether it does anything: one that has ended may wait for its parent to ask, for ever."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment_of(process: psutil.Process) -> list[str]:
    try:
        return [process.environ().get("PRIVACY_AUDIT_HOME", ""), *process.cmdline()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def test_it_listens_on_this_machine_only(airflow: Airflow) -> None:
    addresses = set()
    for process in children_of(airflow.home):
        # Airflow's own processes start children for a moment; one that has ended listens nowhere.
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            for connection in process.net_connections(kind="inet"):
                if connection.status == psutil.CONN_LISTEN:
                    addresses.add(connection.laddr.ip)
    assert addresses
    assert addresses <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("path", ["/", "/reports/x/report.html", "/data-docs/index.html", "/icon.svg"])
def test_nobody_reads_without_logging_in(airflow: Airflow, path: str) -> None:
    assert airflow.get(PAGES + path).status_code == 401
    assert airflow.get(PAGES + path, Authorization="Bearer nonsense").status_code == 403


def test_a_person_is_taken_to_the_login_and_back(airflow: Airflow) -> None:
    answer = airflow.get(f"{PAGES}/", Accept="text/html")
    assert answer.status_code == 307
    assert re.search(r"/auth/login\?next=.*privacy-audit", answer.headers["Location"])


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_there_are_no_automatic_pages(airflow: Airflow, path: str) -> None:
    assert airflow.get(PAGES + path).status_code == 404


@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "x/../.."])
def test_no_path_leads_out_of_the_reports(airflow: Airflow, up: str) -> None:
    for path in (f"{PAGES}/reports/{up}/airflow/passwords.json", f"{PAGES}/data-docs/{up}/airflow/passwords.json"):
        assert airflow.get(path, "admin").status_code == 404


def test_what_is_not_asked_for_properly_is_not_run(airflow: Airflow) -> None:
    assert airflow.trigger("admin", stores=["nowhere"]).status_code == 400
    assert airflow.trigger("admin", as_of="yesterday").status_code == 400
    assert airflow.trigger("admin", as_of="2026-11-24T01:15:00").status_code == 400  # without a zone it is no instant
    assert airflow.trigger("reviewer").status_code == 403


def test_an_instant_that_cannot_be_is_refused_and_the_run_is_red(airflow: Airflow) -> None:
    run = airflow.trigger("admin", as_of="2999-01-01T00:00:00Z").json()["dag_run_id"]
    assert airflow.finished(run)["state"] == "failed"
    assert airflow.states(run) == {
        "fix_instant": "failed",
        "audit_app": "upstream_failed",
        "audit_web": "upstream_failed",
        "audit_records": "upstream_failed",
        "file_report": "skipped",
        "publish_data_docs": "skipped",
        "send_alerts": "skipped",
        "gate": "failed",
    }


def test_the_real_scheduler_runs_it_and_the_reviewer_reads_the_report(airflow: Airflow) -> None:
    run = airflow.trigger("admin").json()["dag_run_id"]
    assert airflow.finished(run)["state"] == "success", airflow.states(run)
    assert set(airflow.states(run).values()) == {"success"}

    latest = (airflow.home / "reports" / "latest").resolve()
    assert json.loads((latest / "audit.json").read_bytes())["triggered_by"] == run
    listed = airflow.get(f"{PAGES}/", "reviewer")
    assert f"{PAGES}/reports/{latest.name}/report.html" in listed.text
    for name in ("report.html", "audit.json", "findings.csv"):
        answer = airflow.get(f"{PAGES}/reports/{latest.name}/{name}", "reviewer")
        assert answer.content == (latest / name).read_bytes()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in listed.headers["Content-Security-Policy"]
    style = re.search(r'<link rel="stylesheet" href="([^"]+)">', listed.text)
    assert style
    assert airflow.get(style[1], "reviewer").headers["Content-Type"].startswith("text/css")
    docs = airflow.get(f"{PAGES}/data-docs/index.html", "reviewer")
    assert docs.content == (airflow.home / "data_docs" / "index.html").read_bytes()


@pytest.mark.parametrize("dag", [DAG, "privacy_audit_maintenance"])
def test_backfill_is_refused(airflow: Airflow, dag: str) -> None:
    days = {"from_date": "2026-11-26T00:00:00Z", "to_date": "2026-11-28T00:00:00Z"}
    body = {"dag_id": dag, **days, "run_backwards": False, "dag_run_conf": {}}
    answer = requests.post(f"{airflow.address}/api/v2/backfills", json=body, headers=airflow.token("admin"), timeout=60)
    assert 400 <= answer.status_code < 500
    assert "backfill" in answer.text.lower()


def test_the_pages_work_in_a_browser_under_the_policy_that_is_sent_with_them(airflow: Airflow, tmp_path: Path) -> None:
    report = (airflow.home / "reports" / "latest").resolve().name
    token = airflow.token("reviewer")["Authorization"].removeprefix("Bearer ")
    with browser.opened(tmp_path / "profile") as page:
        page.open(f"{airflow.address}/auth/login")
        page.keep("_token", token)
        for path in ("/", f"/reports/{report}/report.html", "/data-docs/index.html"):
            page.open(f"{airflow.address}{PAGES}{path}")
            assert page.complaints == [], path
            assert page.overflow == [], path
            assert page.runs("return getComputedStyle(document.body).fontFamily").startswith("system-ui"), path
        page.open(f"{airflow.address}{PAGES}/")
        page.follow("td a")
        assert page.address.endswith(f"{report}/report.html")


def test_a_run_over_one_store_is_filed_and_is_not_what_people_open(airflow: Airflow) -> None:
    latest = (airflow.home / "reports" / "latest").resolve()
    docs = (airflow.home / "data_docs").readlink()
    run = airflow.trigger("admin", stores=["web"]).json()["dag_run_id"]
    assert airflow.finished(run)["state"] == "success"
    by_name = airflow.states(run)
    assert by_name.pop("audit_app") == by_name.pop("audit_records") == "skipped"
    assert set(by_name.values()) == {"success"}
    reports = (airflow.home / "reports").glob("*/audit.json")
    assert run in [json.loads(path.read_bytes())["triggered_by"] for path in reports]
    assert (airflow.home / "reports" / "latest").resolve() == latest
    assert (airflow.home / "data_docs").readlink() == docs


def test_starting_it_twice_starts_nothing(airflow: Airflow) -> None:
    before = {process.pid for process in children_of(airflow.home)}
    assert "running already" in demo(airflow.home, "up")
    # Airflow's own processes start children for a moment: one that reads the DAGs, one for a task.
    until = time.monotonic() + 60
    while (more := {process.pid for process in children_of(airflow.home)} - before) and time.monotonic() < until:
        time.sleep(0.5)
    assert not more
    assert before & {process.pid for process in children_of(airflow.home)}
