"""`docker-compose.yaml` and `Dockerfile`, read as Docker would read them: no Docker may be where the tests run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import apprise
import pytest
from ruamel.yaml import YAML

from privacy_audit.config import settings
from privacy_audit.notify import channels_of
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres import connections
from tests.places import ROOT

FILE = ROOT / "docker-compose.yaml"
JOBS = {"init", "demo-fill"}
"""Services that end by themselves: others wait for their success, so they need no health check."""


def read() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(FILE)
    return content


SERVICES: dict[str, dict[str, Any]] = read()["services"]


def refused(document: str, tmp_path: Path) -> bool:
    file = tmp_path / "docker-compose.yaml"
    file.write_text(document)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_it_is_a_compose_file(tmp_path: Path) -> None:
    assert not refused(FILE.read_text(), tmp_path)
    assert refused(FILE.read_text().replace("healthcheck:", "healthcheque:", 1), tmp_path)  # the schema can refuse


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_is_there(name: str) -> None:
    service, document = SERVICES[name], read()
    for other, wanted in service.get("depends_on", {}).items():
        assert other in SERVICES
        ends = wanted["condition"] == "service_completed_successfully"
        assert ends == (other in JOBS), f"{name} waits for {other}"
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in document["volumes"]
    for network in service.get("networks", []):
        assert network in document["networks"]
    for config in service.get("configs", []):
        assert config["source"] in document["configs"]


def test_nothing_is_declared_for_nobody() -> None:
    document = read()
    for kind in ("volumes", "networks", "configs"):
        used = "\n".join(str(service.get(kind, ["default"])) for service in SERVICES.values())
        assert [entry for entry in document[kind] if entry not in used] == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in JOBS])
def test_it_is_known_whether_a_service_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    repository, _, tag = SERVICES[name]["image"].partition(":")
    assert repository
    assert re.search(r"\d+\.\d+", tag), f"{name} runs {SERVICES[name]['image']}"


def test_secrets_are_required_and_none_has_a_default() -> None:
    text = re.sub(r"^\s*#.*$", "", FILE.read_text(), flags=re.MULTILINE)
    references = re.findall(r"(?<!\$)\$\{?[A-Za-z_][^}\s\"]*\}?", text.replace("$$", ""))
    assert len(references) > 10
    assert [reference for reference in references if not re.match(r"\$\{[A-Z_]+:\?", reference)] == []
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        if re.search(r"PASSWORD|SECRET|FERNET_KEY|AUTH$|CONN_|_URL|BACKEND$", key) and key.isupper():
            assert "${" in value or "://" in value, f"{key} is written down"
            assert not re.search(r"://[^$/]*:[^$/@]+@", value), f"{key} holds a password"


def test_the_secrets_that_the_head_tells_to_make_are_those_that_are_asked_for() -> None:
    head, _, body = FILE.read_text().partition("\nname:")
    listed = re.search(r"for name in (.*?); do", head, flags=re.DOTALL)
    assert listed
    made = {f"{name}_PASSWORD" for name in listed[1].split()} | set(re.findall(r'echo "([A-Z_]+)=\$\(openssl', head))
    assert made == set(re.findall(r"\$\{([A-Z_]+):\?", body))


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_outside_the_machine_reaches_it(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_worker_may_log_in_to_a_store(name: str) -> None:
    held = [variable for variable in SERVICES[name].get("environment", {}) if variable.startswith("AIRFLOW_CONN_")]
    others = {"init": ["AIRFLOW_CONN_PRIVACY_AUDIT_DB"], "dag-processor": ["AIRFLOW_CONN_ALERTS_PLATFORM"]}
    if name == "worker":
        assert {"AIRFLOW_CONN_STORE_APP", "AIRFLOW_CONN_STORE_WEB"} < set(held)
    else:
        assert held == others.get(name, [])


def test_the_audit_database_is_made_once_and_an_upgrade_leaves_it() -> None:
    assert "bin/privacy-audit db init --if-empty\n" in SERVICES["init"]["command"][-1]
    worker = SERVICES["worker"]["environment"]["AIRFLOW_CONN_PRIVACY_AUDIT_DB"]
    assert SERVICES["init"]["environment"]["AIRFLOW_CONN_PRIVACY_AUDIT_DB"] == worker


def test_the_worker_has_every_connection_that_the_audit_asks_for() -> None:
    given = SERVICES["worker"]["environment"].items()
    environment = {name: re.sub(r"\$\{[^}]+\}", "secret", str(value)) for name, value in given}
    stores = [coverage.store for coverage in read_configuration().coverages]
    assert len(stores) > 1
    databases = {store.connection for store in stores} | {settings.load({}).database}
    for name in databases:
        url = connections.sqlalchemy_url(connections.find(name, environment))
        assert (url.host in SERVICES, url.password) == (True, "secret")
    rules = read_configuration().handling
    people = [*stores, *(one for one in (rules.platform, rules.compliance, *rules.routes) if one)]
    for name in {one.alert for one in people}:
        connection = connections.find(name, environment)
        for listed in channels_of(name, connection.password, connection.extra):
            channel = apprise.Apprise.instantiate(listed.url)
            assert channel is not None, name
            assert (channel.smtp_host, channel.port) == ("mailpit", 1025)


def test_every_airflow_shares_the_same_keys() -> None:
    components = [service for service in SERVICES.values() if "airflow" in str(service.get("command", ""))]
    assert len(components) >= 5
    for shared in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY"):
        assert len({service["environment"][shared] for service in components}) == 1


def test_the_image_holds_what_is_pinned_and_is_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    instructions = [line.split()[0] for line in lines if re.match(r"[A-Z]+ ", line)]
    first = next(line for line in lines if line.startswith("FROM"))
    assert re.fullmatch(r"FROM python:3\.1[123]\.\d+-slim-bookworm AS runtime", first)
    assert any("--require-hashes" in line for line in lines)
    stages = " ".join(instructions).split("FROM")[1:]
    assert [stage.split()[-1] for stage in stages] == ["CMD", "USER"]
    assert re.findall(r"^USER (\S+)$", "\n".join(lines), flags=re.MULTILINE) == ["50000", "0", "50000"]
    assert lines[-1] == "USER 50000", "a number, and not root"


def test_the_image_of_production_holds_no_demo() -> None:
    runtime, _, demo = (ROOT / "Dockerfile").read_text().partition("FROM runtime AS demo")
    assert "demo demo" in demo
    assert "COPY demo" not in runtime
    assert "requirements-runtime.txt" in runtime
    assert "pixeltable" not in (ROOT / "requirements-runtime.txt").read_text()
    builds = {name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service}
    assert {name for name, target in builds.items() if target == "demo"} == {"demo-fill"}


def test_what_runs_tasks_waits_for_the_api_server() -> None:
    for name in ("scheduler", "dag-processor", "worker"):
        assert SERVICES[name]["depends_on"]["api-server"] == {"condition": "service_healthy"}
    assert "api-server" not in SERVICES["api-server"]["depends_on"]


def test_a_worker_that_is_told_to_end_may_finish_an_audit() -> None:
    assert SERVICES["worker"]["stop_grace_period"] == "110m"
    dag = (ROOT / "dags" / "privacy_audit_nightly.py").read_text()
    assert "execution_timeout=timedelta(minutes=105)" in dag


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded(name: str) -> None:
    assert SERVICES[name]["mem_limit"]
    assert SERVICES[name]["cpus"]
    assert SERVICES[name]["logging"]["options"]["max-size"] == "10m"


def test_nothing_runs_that_no_task_needs() -> None:
    """No task is deferrable, so there is nothing for a triggerer to do."""
    assert "triggerer" not in SERVICES


def test_what_the_image_copies_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?:--\S+ )?(\S+) \S+$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert set(copied) == sent
    assert all((ROOT / path).exists() for path in copied)
