"""A night as it really comes about: two stores, one of them read by the real engine through Great Expectations.

What is slow (PostgreSQL, importing Great Expectations) happens once; each test publishes into a home of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa
from psycopg2.sql import SQL, Identifier, Literal

from privacy_audit import controls
from privacy_audit.compiler import suites
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.store_map import StoreMap
from privacy_audit.config.yaml import documents
from privacy_audit.domain.audit import Audit, StoreResult
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.promises import Policy
from privacy_audit.engine import auditor, checkpoint
from privacy_audit.postgres import store_errors
from privacy_audit.publish.data_docs import docs_site
from tests.conftest import MakeDatabase
from tests.places import FEW_PROMISES
from tests.unit.publish.data_docs.browsing import Site

HERE = Path(__file__).parent
EXPECTATIONS = FEW_PROMISES
AS_OF = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
AUDIT = "20261124T013000Z-5ca1ab1e"
CONTROLS = frozenset({"RET-1", "RET-2", "RET-3", "RET-4", "RET-5", "GEO-1"})
SMALL_BUDGET = 1000
"""Rows above which a table is read through its index, so that positions are counted by an estimate."""


@dataclass(frozen=True)
class Filed:
    """What the engine left behind: the audit, and the folder of its validation results."""

    audit: Audit
    results: Path


@pytest.fixture(scope="session")
def filed(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filed]:
    url = make_database()
    role = f"reader_{uuid4().hex[:12]}"
    _fill(url, role)
    results = tmp_path_factory.mktemp("home") / checkpoint.RESULTS / AUDIT
    promises = policy_reader.load(EXPECTATIONS, controls.kinds())
    stores = (_audited(promises, results, reader(url, role)), _refused(promises, results))
    yield Filed(Audit(AUDIT, AS_OF, promises, stores, ("Stores not asked for in this run: web.",), "a test"), results)
    _execute(url, SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(role)))


@pytest.fixture(scope="session")
def night(filed: Filed, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The night, published once; for tests that only read."""
    home = tmp_path_factory.mktemp("published")
    return Site(docs_site.publish(filed.results, filed.audit, home).parent)


def reader(url: str, role: str) -> sa.URL:
    return sa.make_url(url).set(username=role, password=role)


def _fill(url: str, role: str) -> None:
    _execute(url, SQL((HERE / "shop.sql").read_text()))
    grants = "CREATE ROLE {0} LOGIN PASSWORD {1}; GRANT USAGE ON SCHEMA shop TO {0}; {2}"
    select = SQL("GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {}").format(Identifier(role))
    _execute(url, SQL(grants).format(Identifier(role), Literal(role), select))


def _execute(url: str, statement: object) -> None:
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _audited(promises: Policy, results: Path, url: sa.URL) -> StoreResult:
    return auditor.audit_store(_order(promises, "shop", "Shop database", results), lambda: url)


def _refused(promises: Policy, results: Path) -> StoreResult:
    """The same map for a store that does not let the audit in."""
    trouble = store_errors.StoreError(Cause.REFUSED, "the login of the audit was refused (28P01)")
    return auditor.store_not_audited(_order(promises, "archive", "Archive", results), trouble)


def _order(promises: Policy, name: str, title: str, results: Path) -> auditor.StoreOrder:
    store = documents.read(HERE / "shop.yaml", StoreMap, root=HERE).value
    coverage = suites.bind(promises, store.model_copy(update={"store": name, "title": title}))
    files = suites.compile_suites(promises, [replace(coverage)])
    return auditor.StoreOrder(
        audit_id=AUDIT,
        as_of=AS_OF,
        coverage=coverage,
        controls=CONTROLS,
        suites=[json.loads(content) for content in files.values()],
        results=results,
        budget=SMALL_BUDGET,
    )
