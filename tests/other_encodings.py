"""Databases in other encodings than UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from demo.server import EmbeddedPostgres
from tests.conftest import drop_database
from tests.unit.pipeline.company import execute

WITH_ACCENTS = ("LATIN1", "WIN1252", "EUC_JP")
"""Encodings that have é, each with other bytes than UTF-8's."""


@contextmanager
def database_in(server: EmbeddedPostgres, encoding: str) -> Iterator[str]:
    """The address of an empty database, for the superuser."""
    name = f"test_{uuid4().hex[:12]}"
    execute(
        server.url(), f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    try:
        yield server.url(name)
    finally:
        drop_database(server, name)
