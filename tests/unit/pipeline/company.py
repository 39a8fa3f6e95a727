"""The company before its first night: two real stores, the real policy, and a home to work in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from privacy_audit.compiler import suites
from privacy_audit.pipeline.configuration import read_configuration
from tests.places import FEW_PROMISES

HERE = Path(__file__).parent
EXPECTATIONS = FEW_PROMISES
STORES = ["app", "web"]
RECORDS = "privacy_audit"
"""What the audit keeps of itself: beside the stores."""

Rows = Callable[[str], list[tuple[Any, ...]]]
"""What a statement gives."""


@dataclass(frozen=True)
class Company:
    """What is there before the first night."""

    expectations: Path
    connections: dict[str, str]
    """Airflow's variables."""
    databases: tuple[str, ...]
    """The stores, for their superuser."""
    secret: str
    """Password of the auditor."""


def make_expectations(folder: Path) -> Path:
    """The real policy, our two store maps, and the suites that both make."""
    (folder / "stores").mkdir(parents=True)
    for name in ("policy.txt", "policy.yaml"):
        shutil.copy(EXPECTATIONS / name, folder)
    for store in STORES:
        shutil.copy(HERE / "stores" / f"{store}.yaml", folder / "stores")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(folder))
        suites.write(folder, read_configuration().files)
    return folder


def fill(url: str, store: str) -> None:
    execute(url, (HERE / "stores" / f"{store}.sql").read_text())


def enter(monkeypatch: pytest.MonkeyPatch, company: Company, home: Path) -> None:
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(home))
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(company.expectations))
    for name in ("PRIVACY_AUDIT_DATABASE", "PRIVACY_AUDIT_REPORTS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in company.connections.items():
        monkeypatch.setenv(name, value)


def airflow_url(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(airflow_url(sa.make_url(url)))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
