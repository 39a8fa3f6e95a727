"""A store as the audit meets it: a real database with tables, and a role that may only read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from privacy_audit.compiler import suites
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.store_map import StoreMap
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.engine import auditor
from privacy_audit.engine.measurement import FULL_SCAN_ROWS
from privacy_audit.postgres.store_session import open_store
from tests.places import EXPECTATIONS

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
PASSWORD = "not-for-the-log"
PROMISES = policy_reader.load(EXPECTATIONS)


@dataclass
class Store:
    """A database with a schema `app` and a role that may read whatever is in it."""

    owner: str
    reader: sa.URL

    @property
    def role(self) -> str:
        return self.reader.username or ""

    @contextmanager
    def as_owner(self) -> Iterator[sa.Connection]:
        """A connection that may do everything, one statement at a time."""
        engine_of_owner = sa.create_engine(self.owner, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine_of_owner.connect() as connection:
            yield connection

    def do(self, *statements: str) -> None:
        """Runs statements as the owner, each in a transaction of its own."""
        with self.as_owner() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def ask(self, statement: str) -> Any:
        """The one value that a statement gives to the owner."""
        with self.as_owner() as connection:
            return connection.exec_driver_sql(statement.replace("%", "%%")).scalar_one()

    def through(self, port: int) -> Store:
        """The same store, reached by another port."""
        return Store(self.owner, self.reader.set(port=port))

    @contextmanager
    def opened(self) -> Iterator[sa.Connection]:
        """A connection as a check gets it: under the contract, in the snapshot."""
        with open_store(self.reader, "a1") as door, door.engine.connect() as connection:
            connection.begin()
            yield connection

    def audit(
        self,
        results: Path,
        tables: Mapping[str, Any],
        *,
        controls: tuple[str, ...] = ("RET-3", "RET-4"),
        budget: int = FULL_SCAN_ROWS,
        **more: Any,
    ) -> StoreResult:
        """What the engine says of the store when it is mapped like this."""
        coverage = suites.bind(PROMISES, StoreMap.model_validate({**_ABOUT, "tables": tables, **more}))
        order = auditor.StoreOrder(
            audit_id="a1",
            as_of=T,
            coverage=coverage,
            controls=frozenset(controls),
            suites=[json.loads(content) for content in suites.compile_suites(PROMISES, [coverage]).values()],
            results=results,
            budget=budget,
        )
        return auditor.audit_store(order, lambda: self.reader)


_ABOUT = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
}


def by_control(result: StoreResult) -> dict[str, CheckResult]:
    """The checks on tables by their control."""
    return {check.control: check for check in result.checks if check.table}


@contextmanager
def made(url: str) -> Iterator[Store]:
    """An empty database as a store; what is made in its schema `app` may be read by its role."""
    role = f"reader_{uuid4().hex[:8]}"
    store = Store(url, sa.make_url(url).set(username=role, password=PASSWORD))
    store.do(
        f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'",
        f"CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO {role}",
    )
    yield store
    store.do(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    with made(database) as store:
        yield store
