"""What every test may ask for: one embedded PostgreSQL per run, and a fresh database per test; one real night."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from psycopg2.sql import SQL, Identifier

from demo.installation import installation
from demo.server import EmbeddedPostgres
from tests.night import Night, spend
from tests.places import TESTS

settings.register_profile(
    "default",
    deadline=None,  # two shared cores: a slow moment is no failure
    max_examples=int(os.environ.get("EXAMPLES", "50")),
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")

MakeDatabase = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, or one process would end with them long after the others have nothing to do."""
    for item in items:
        if TESTS / "oracle" in item.path.parents:
            item.add_marker("oracle")
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL of this run, in a folder of its own that is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="privacy-audit-tests-"))
    with EmbeddedPostgres.start(home) as running:
        yield running
    installation(home).remove()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def make_database(server: EmbeddedPostgres) -> Iterator[MakeDatabase]:
    """Makes a database, empty or as a copy of a template, and gives its URL; all are dropped at the end."""
    made: list[str] = []

    def make(template: str = "template0") -> str:
        name = f"test_{uuid4().hex[:12]}"
        _execute(server, SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        made.append(name)
        return server.url(name)

    yield make
    for name in made:
        drop_database(server, name)


@pytest.fixture(scope="session")
def real_night(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Night:
    """One real night over stores in which every column was planted with canaries, for all processes of a run."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent
    told = folder / "planted night.pickle"
    with FileLock(folder / "planted night.lock"):
        if not told.exists():
            night = spend(folder / "planted night", folder / "rows of the register.txt")
            told.write_bytes(pickle.dumps(night))
        read: Night = pickle.loads(told.read_bytes())  # noqa: S301 - written by one of us
        return read


@pytest.fixture
def database(server: EmbeddedPostgres) -> Iterator[str]:
    """URL of an empty database, for the superuser; dropped after the test."""
    name = f"test_{uuid4().hex[:12]}"
    _execute(server, SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    yield server.url(name)
    drop_database(server, name)


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    """Drops a database even while someone is connected to it."""
    _execute(server, SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def _execute(server: EmbeddedPostgres, statement: object) -> None:
    address = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "password": server.password}
    with closing(psycopg2.connect(dbname="postgres", **address)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
