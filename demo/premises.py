"""The company's premises: its server running, its databases there, its people in, and the keys to the doors."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from demo import company, inbox, ports, secrets_file
from demo.filed_holds import initialise
from demo.server import EmbeddedPostgres

_KEYS = ("auditor_app", "auditor_web", "register")


@dataclass(frozen=True, slots=True)
class Premises:
    """A running server with the databases of the demo."""

    stores: company.DemoStores
    connections: dict[str, str] = field(repr=False)
    """Airflow connection id to URL: what an audit is given, and nothing that may write to a store."""
    inbox_port: int
    """Where the owners' alerts are sent; `inbox.opened` listens there. Nobody else is given it meanwhile."""
    airflow: str = field(repr=False)
    """SQLAlchemy's address of a database for Airflow's own tables, which many processes may write at once."""


@contextmanager
def opened(home: Path) -> Iterator[Premises]:
    """The server runs, with its databases and roles, until this is left by the last one who entered."""
    drawn = secrets_file.kept(
        home / "run" / "demo_keys.json", lambda: {name: secrets.token_urlsafe(24) for name in _KEYS}
    )
    passwords = company.DemoPasswords(**drawn)
    with EmbeddedPostgres.start(home) as server, ports.reserved() as inbox_port:
        keys = _keys_of_the_ledger(home)
        register = server.url("register", "register", passwords.register)
        stores = replace(
            company.create_databases(server.superuser_url, passwords), erasure_keys=keys, register=register
        )
        initialise(register)
        own = secrets_file.kept(home / "run" / "airflow_key.json", lambda: {"airflow": secrets.token_urlsafe(24)})
        company.create_owned(server.superuser_url, "airflow", own["airflow"])
        yield Premises(
            stores,
            {
                "store_app": _as_connection(server.url("app", "auditor_app", passwords.auditor_app)),
                "store_web": _as_connection(server.url("web", "auditor_web", passwords.auditor_web)),
                "erasure_keys": json.dumps({"conn_type": "generic", "password": keys}),
                "privacy_audit_db": _as_connection(register),
                **inbox.connections(inbox_port),
            },
            inbox_port,
            server.url("airflow", "airflow", own["airflow"]),
        )


def _keys_of_the_ledger(home: Path) -> str:
    """What the ledger of erasures is digested with: no database ever holds it."""
    file = home / "run" / "erasure_keys.json"
    keys = secrets_file.kept(file, lambda: {"1": base64.b64encode(secrets.token_bytes(32)).decode()})
    return json.dumps({"keys": keys})


def _as_connection(url: str) -> str:
    """SQLAlchemy's address as Airflow writes it."""
    return url.replace("postgresql+psycopg2://", "postgresql://")
