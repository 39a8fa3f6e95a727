"""A server of a test file's own: what is set for the whole of it disturbs no other test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from demo.installation import installation
from demo.server import EmbeddedPostgres

SMALL = {"shared_buffers": "32MB", "max_connections": "40"}


@contextmanager
def whole_server(**settings: str) -> Iterator[EmbeddedPostgres]:
    """A running server; its folder is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="privacy-audit-catalog-"))
    with EmbeddedPostgres.start(home, extra_settings={**SMALL, **settings}) as running:
        yield running
    installation(home).remove()
    shutil.rmtree(home)


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """URL of an empty database for the superuser; dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    owner = sa.create_engine(server.url(), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with owner.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0")
        yield server.url(name)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
