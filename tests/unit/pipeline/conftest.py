"""A night, stage by stage, as the tasks of the DAG call it: two real stores, a real register, channels that answer.

The stores are read once; each test then goes on from there in a home of its own. Findings stop nothing: both stores
break a promise, and no stage minds. What a stage hands to the next goes through JSON, as Airflow's XCom does it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.pipeline import auditing, filing_step
from privacy_audit.pipeline.filing_step import FilingOutcome
from tests.conftest import MakeDatabase
from tests.unit.pipeline.company import STORES, Company, Rows, airflow_url, enter, execute, fill, make_expectations
from tests.unit.pipeline.one_night import OneNight, handed_on, plan
from tests.unit.pipeline.owner import Owner, open_channels


@pytest.fixture(scope="session")
def company(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    expectations = make_expectations(tmp_path_factory.mktemp("company") / "expectations")
    databases = {store: make_database() for store in STORES}
    role, secret = f"auditor_{uuid4().hex[:12]}", uuid4().hex
    for store, url in databases.items():
        fill(url, store)
    execute(databases["app"], f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
    for store, url in databases.items():
        execute(url, f"GRANT USAGE ON SCHEMA {store} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {store} TO {role}")
    connections = {
        f"AIRFLOW_CONN_STORE_{store.upper()}": airflow_url(sa.make_url(url).set(username=role, password=secret))
        for store, url in databases.items()
    }
    yield Company(expectations, connections, tuple(databases.values()), secret)
    for url in databases.values():
        execute(url, f"DROP OWNED BY {role}")
    execute(databases["app"], f"DROP ROLE {role}")


@pytest.fixture(scope="session")
def night(company: Company, register: str, tmp_path_factory: pytest.TempPathFactory) -> OneNight:
    """The one night on which the stores are read.

    One for all files of this folder: reading the stores imports Great Expectations, which takes seconds.
    """
    home = tmp_path_factory.mktemp("night") / "home"
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(monkeypatch, company, home)
        monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", airflow_url(sa.make_url(register)))
        audit_db.init(register)
        order = plan()
        return OneNight(home, order, [handed_on(result) for result in auditing.audit_everything(order)])


@pytest.fixture(autouse=True)
def home(company: Company, night: OneNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one test's own, in which the stores have just been read."""
    own = tmp_path / "home"
    shutil.copytree(night.home, own)
    enter(monkeypatch, company, own)
    return own


@pytest.fixture
def expectations(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Expectations that a test may change."""
    own = tmp_path / "expectations"
    shutil.copytree(company.expectations, own)
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(own))
    return own


@pytest.fixture(scope="session")
def register(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture
def rows(register: str, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """What a statement gives in the register, which was just made."""
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", airflow_url(sa.make_url(register)))
    execute(register, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    audit_db.init(register)
    return lambda statement: execute(register, statement)


@pytest.fixture
def filed(rows: Rows, night: OneNight) -> FilingOutcome:
    return handed_on(filing_step.file(night.order, night.results))


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    """The owner of both stores."""
    with open_channels() as opened:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PRODUCT", opened.connection)
        yield opened


@pytest.fixture
def without_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without Airflow, which is asked for what the environment does not know.

    Importing it takes hold of the whole process; `tests/unit/postgres/test_connections.py` asks it in one of its own.
    """
    monkeypatch.setitem(sys.modules, "airflow", None)
