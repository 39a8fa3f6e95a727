"""One server per module with a database of its own, and an ordinary role beside the owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import MakeDatabase

PASSWORD = "not-for-the-log"


@dataclass(frozen=True)
class Ground:
    """A database that the owner may fill, and an auditor who owns nothing and may read what is granted."""

    owner: sa.Engine
    auditor: sa.Engine

    def do(self, *statements: str) -> None:
        """Runs statements as the owner, each in a transaction of its own."""
        with self.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def ground(url: str) -> Iterator[Ground]:
    """An auditor as the product's sessions are: only `pg_catalog` in its path."""
    role = f"auditor_{uuid4().hex[:8]}"
    path = {"connect_args": {"options": "-csearch_path=pg_catalog"}, "poolclass": sa.NullPool}
    reader = sa.make_url(url).set(username=role, password=PASSWORD)
    made = Ground(sa.create_engine(url, poolclass=sa.NullPool), sa.create_engine(reader, **path))
    made.do(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    yield made
    made.do(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
def fresh(database: str) -> Iterator[Ground]:
    """An empty database."""
    with ground(database) as made:
        yield made


@pytest.fixture(scope="module")
def plain(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """A connection as the auditor has it, to a database without tables."""
    with ground(make_database()) as made, made.auditor.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[sa.Engine]:
    """The superuser's way into an empty database, with names resolved as in the auditor's sessions."""
    engine = sa.create_engine(make_database(), connect_args={"options": "-csearch_path=pg_catalog"})
    yield engine
    engine.dispose()
