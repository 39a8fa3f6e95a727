"""Airflow connections by name, without importing Airflow where the environment already knows them.

`AIRFLOW_CONN_<NAME>` is read as Airflow reads it, as a URI or as JSON. What is not there is asked of Airflow, so that
its secrets backends and its own tables work too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import sqlalchemy as sa

from privacy_audit.domain.errors import PrivacyAuditError

_POSTGRES = {"postgres", "postgresql"}
_SSL_OPTIONS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "target_session_attrs", "options"}


class ConnectionMissingError(PrivacyAuditError):
    """A connection is not configured, or is not what it is needed for."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An Airflow connection. Its text never shows the password or what the extra holds."""

    name: str
    kind: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    """Airflow calls it the schema."""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def find(name: str, env: Mapping[str, str] | None = None) -> Connection:
    """The connection of that name; ConnectionMissingError says how to make it."""
    env = os.environ if env is None else env
    variable = f"AIRFLOW_CONN_{name.upper()}"
    text = env.get(variable)
    if text is not None:
        return _parse(name, text, variable)
    return _ask_airflow(name, variable)


def sqlalchemy_url(connection: Connection) -> sa.URL:
    """The address of a PostgreSQL database for SQLAlchemy with psycopg2."""
    if connection.kind not in _POSTGRES:
        raise ConnectionMissingError(
            f"connection {connection.name}: is of type {connection.kind or 'nothing'}, and only PostgreSQL can be read."
            " Make its type postgres."
        )
    options = {key: str(value) for key, value in connection.extra.items() if key in _SSL_OPTIONS}
    return sa.URL.create(
        "postgresql+psycopg2",
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port,
        database=connection.database or None,
        query=options,
    )


def _parse(name: str, text: str, variable: str) -> Connection:
    try:
        return _from_json(name, text) if text.lstrip().startswith("{") else _from_uri(name, text)
    except (ValueError, TypeError, AttributeError):
        # The parser's own words could quote the password.
        raise ConnectionMissingError(
            f"{variable}: cannot be read. Write it as postgresql://user:password@host:5432/database, with"
            " special characters percent-encoded, or as a JSON object."
        ) from None


def _from_json(name: str, text: str) -> Connection:
    given = json.loads(text)
    extra = given.get("extra") or {}
    return Connection(
        name=name,
        kind=_kind(_text(given.get("conn_type"))),
        host=_text(given.get("host")),
        port=int(given["port"]) if given.get("port") else None,
        login=_text(given.get("login")),
        password=_text(given.get("password")),
        database=_text(given.get("schema")),
        extra=_object(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _from_uri(name: str, text: str) -> Connection:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError("no scheme")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra = json.loads(query["__extra__"]) if "__extra__" in query else query
    return Connection(
        name=name,
        kind=_kind(parts.scheme),
        host=unquote(parts.hostname or ""),
        port=parts.port,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.removeprefix("/")),
        extra=_object(extra),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str | None):
        raise TypeError("no text")
    return value or ""


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _kind(scheme: str) -> str:
    return "postgres" if scheme in _POSTGRES else scheme.replace("-", "_")


def _ask_airflow(name: str, variable: str) -> Connection:
    missing = ConnectionMissingError(
        f"connection {name}: is not configured. Set {variable}, or add it with `airflow connections add {name}`."
    )
    if not _airflow_is_configured():
        raise missing  # asking it would make it a home in somebody's folder
    try:
        from airflow.exceptions import AirflowNotFoundException
        from airflow.models.connection import Connection as StoredConnection
        from airflow.sdk import Connection as AirflowConnection
        from airflow.sdk.exceptions import AirflowRuntimeError
    except ImportError:
        raise missing from None
    try:
        found = AirflowConnection.get(name)
    except (AirflowNotFoundException, AirflowRuntimeError):
        # Outside a task that asks only the environment and the secrets backends, not Airflow's own tables.
        try:
            found = StoredConnection.get_connection_from_secrets(name)
        except (AirflowNotFoundException, sa.exc.SQLAlchemyError):
            raise missing from None
    return Connection(
        name=name,
        kind=_kind(found.conn_type or ""),
        host=found.host or "",
        port=found.port,
        login=found.login or "",
        password=found.password or "",
        database=found.schema or "",
        extra=found.extra_dejson,
    )


def _airflow_is_configured() -> bool:
    """Whether this is a process of Airflow's, or one whose user has an Airflow."""
    return "airflow" in sys.modules or "AIRFLOW_HOME" in os.environ or (Path.home() / "airflow").exists()
