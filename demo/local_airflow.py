"""The Airflow of the demo: every setting it runs under, given as environment variables.

It is all in one place and none of it is inherited, so that an Airflow that the reader has installed or configured
elsewhere on the machine can neither be touched nor change what is seen here. For production read `docker-compose.yaml`.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo import secrets_file

ROOT = Path(__file__).resolve().parents[1]
"""The project: `dags/`, `plugins/` and `expectations/` lie here."""

LOOPBACK = "127.0.0.1"

_FOREIGN = ("AIRFLOW", "_AIRFLOW", "__AIRFLOW", "PG", "GX_", "PYTHON", "PRIVACY_AUDIT_")
"""Beginnings of variables that would change what Airflow, PostgreSQL's client, GX or Python do. None is inherited."""

_PASSWORDS = "passwords.json"
_ROLES = {"admin": "admin", "reviewer": "viewer"}
"""Name to role of the two people who may log in."""


@dataclass(frozen=True, slots=True)
class Login:
    """Someone who may use the local Airflow. The password is drawn once per machine and kept in `var/airflow`."""

    name: str
    role: str
    password: str


def sqlite(home: Path, name: str) -> str:
    """SQLAlchemy's address of a file for the tables of an Airflow that is one process: others would find it locked."""
    return f"sqlite:///{secrets_file.folder(home / 'airflow') / name}.db"


def environment(home: Path, connections: Mapping[str, str], metadata: str, port: int = 8080) -> dict[str, str]:
    """All environment variables of an Airflow process.

    `home` is the folder of everything a run leaves behind (`var/`), `connections` maps Airflow connection ids to URLs,
    `metadata` is SQLAlchemy's address of Airflow's own tables: a run in one process and the scheduler each have their
    own, or the scheduler would take over the other's tasks. `port` is the api-server's.
    """
    airflow = secrets_file.folder(home / "airflow")
    log = home / "log" / "airflow"
    log.mkdir(parents=True, exist_ok=True)
    keys = secrets_file.kept(airflow / "keys.json", _draw_keys)
    _passwords(home)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
        # Everything of the demo is on this machine, and a proxy cannot reach it.
        "no_proxy": LOOPBACK,
        "NO_PROXY": LOOPBACK,
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "PYTHONWARNINGS": "ignore",
        "PRIVACY_AUDIT_HOME": str(home),
        "GX_ANALYTICS_ENABLED": "False",
        "AIRFLOW_HOME": str(airflow),
        **_core(metadata, keys),
        **_users(airflow),
        **_server(port, keys),
        **_logging(log),
        **{f"AIRFLOW_CONN_{name.upper()}": url for name, url in connections.items()},
    }


def enter(variables: Mapping[str, str]) -> None:
    """Makes it this process's environment. Airflow reads it when it is imported for the first time, so before that."""
    os.environ.clear()
    os.environ.update(variables)


def logins(home: Path) -> tuple[Login, ...]:
    """The people who may log in, with their passwords."""
    passwords = _passwords(home)
    return tuple(Login(name, role, passwords[name]) for name, role in _ROLES.items())


def _core(database: str, keys: Mapping[str, str]) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",  # the executor forks that many workers at its start; the default is 32
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",  # seconds until an edited DAG is seen; the default is 300
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _users(airflow: Path) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in _ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow / _PASSWORDS),
    }


def _server(port: int, keys: Mapping[str, str]) -> dict[str, str]:
    return {
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "AIRFLOW__API__SECRET_KEY": keys["api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
    }


def _logging(log: Path) -> dict[str, str]:
    return {
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(log),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(log / "dag_processor"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    }


def _draw_keys() -> dict[str, str]:
    return {
        "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt": secrets.token_urlsafe(64),
        "api": secrets.token_urlsafe(32),
    }


def _passwords(home: Path) -> dict[str, str]:
    return secrets_file.kept(home / "airflow" / _PASSWORDS, lambda: {name: secrets.token_urlsafe(9) for name in _ROLES})


def prepare() -> None:
    """Makes or updates Airflow's own tables in this process's environment."""
    from airflow.utils.db import initdb

    initdb()
