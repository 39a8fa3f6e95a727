"""Registers to keep records in: one is upgraded, the others are copies of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from tests.conftest import MakeDatabase

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def upgraded(make_database: MakeDatabase) -> str:
    """Name of the upgraded register that the others are copied from."""
    url = make_database()
    audit_db.init(url)
    return sa.make_url(url).database or ""


@pytest.fixture
def url(make_database: MakeDatabase, upgraded: str) -> str:
    """An empty register."""
    return make_database(upgraded)


@pytest.fixture
def rows(url: str) -> Rows:
    """What a statement gives in the register; what it changes is committed."""

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    return ask
