"""Two real stores, the ledger of erasures in one of them, and the map and keys by which the other is searched."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError
from privacy_audit.controls.erased import Erased
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import Tally
from privacy_audit.engine.measurement import measure
from privacy_audit.erasure import IdentifierKind, Keyring, traces
from privacy_audit.erasure.ledger import KEY_CHECK
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from tests.unit.engine.conftest import PASSWORD, Store, made

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
COMPLETED = "2026-03-01 12:00:00Z"
KEYS = {1: bytes(range(32)), 2: bytes(range(50, 90))}
SECRETS = [base64.b64encode(key).decode() for key in KEYS.values()]
KEYRING = Keyring(KEYS)
EMAIL, PHONE, KEY, NAME = IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.KEY, IdentifierKind.NAME
JEAN = "jean.dupont@example.fr"
CONTROL = Control("DEL-4", "erased", "Who was erased stays erased", Severity.CRITICAL, (), (), date(2024, 1, 1))
LEDGER: dict[str, Any] = {
    "table": "app.erasures",
    "key": ["id"],
    "request": "request",
    "key_version": "key_version",
    "kind": "kind",
    "digest": "digest",
    "completed": {"column": "completed"},
    "keys": "ledger_keys",
}
MAP: dict[str, Any] = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "registers": {"erasures": {**LEDGER, "connection": "store_web"}},
    "tables": {
        "app.users": {
            "title": "Users",
            "key": ["id"],
            "subject": {"column": "id"},
            "identifiers": {
                "email": "email",
                "phone": "phone",
                "name": "name",
                "note": "text",
                "old_id": {"kind": "key", "of": "customer"},
            },
            "collected": {"column": "created"},
            "origin": {"column": "origin", "direct": ["form"]},
        }
    },
}
SCHEMA = (
    "CREATE TABLE app.users (id int PRIMARY KEY, email text, phone text, name text, note jsonb, old_id text,"
    " created timestamptz, origin text)",
    "INSERT INTO app.users VALUES (1, 'anne@example.fr', '0612345678', 'Anne Martin', '{}', '17', '2026-01-01Z', '')",
)
OTHER_SCHEMA = (
    "CREATE TABLE app.erasures (id serial PRIMARY KEY, request text, key_version text, kind text, digest text,"
    " completed timestamptz, shared boolean)"
)


@dataclass
class Two:
    """The store that is searched, and the one where the ledger is."""

    app: Store
    web: Store

    def erase(self, *given: Any, **more: Any) -> None:
        """Files an identifier of an erased person."""
        self.web.do(*entries(*given, **more))

    def look(self, *do: str, edit: Callable[[dict[str, Any]], object] | None = None) -> Tally:
        self.app.do(*do)
        with self.app.opened() as connection, StoreErrors.watch():
            return measure(connection, rule(edit), T).tally

    def refusal(self, *do: str, edit: Callable[[dict[str, Any]], object] | None = None) -> StoreError:
        """Why the check cannot be looked at; whatever the reason, its words carry no key and no identifier."""
        with pytest.raises(StoreError) as caught:
            self.look(*do, edit=edit)
        said = f"{caught.value} {caught.value.args}"
        assert not [secret for secret in (*SECRETS, PASSWORD, "dupont", "127.0.0.1") if secret in said]
        return caught.value


def entries(
    text: str = JEAN,
    kind: IdentifierKind = EMAIL,
    *,
    of: str = "",
    request: str = "E-1",
    completed: str = f"'{COMPLETED}'",
    version: int = 2,
    shared: str = "false",
) -> Iterator[str]:
    """The statements that file an identifier of an erased person."""
    for traced, digest in sorted(traces(KEYRING, kind, text, of, version=version)):
        yield (
            "INSERT INTO app.erasures (request, key_version, kind, digest, completed, shared)"
            f" VALUES ('{request}', '{version}', '{traced}', '{digest.hex()}', {completed}, {shared})"
        )


def bound(edit: Callable[[dict[str, Any]], object] | None = None) -> list[Erased | BindingError]:
    """What the control becomes in the map, which `edit` may change."""
    given = json.loads(json.dumps(MAP))
    if edit:
        edit(given)
    return list(Erased.bind(CONTROL, StoreMap.model_validate(given), "Europe/Paris"))


def rule(edit: Callable[[dict[str, Any]], object] | None = None) -> Erased:
    """The rule for the table of users."""
    (one,) = bound(edit)
    assert isinstance(one, Erased)
    return Erased.model_validate(json.loads(json.dumps(one.as_json())))  # as a compiled suite carries it


def ledger(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """An edit of the map: what it says of the ledger."""
    return lambda given: given["registers"]["erasures"].update(changes)


def conn(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def give_keys(monkeypatch: pytest.MonkeyPatch, secrets: list[str]) -> None:
    text = json.dumps({"keys": {str(number): secret for number, secret in enumerate(secrets, 1)}})
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_KEYS", json.dumps({"conn_type": "generic", "password": text}))


def counts(tally: Tally) -> dict[str, int]:
    """Of a tally what is not zero."""
    names = ("compliant", "violating", "undecidable", "out_of_scope", "subjects")
    return {name: count for name in names if (count := getattr(tally, name))}


@contextmanager
def two_stores(app_url: str, web_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    """Both stores, with a key check under each key."""
    give_keys(monkeypatch, SECRETS)
    with made(app_url) as app, made(web_url) as web:
        app.do(*SCHEMA)
        web.do(OTHER_SCHEMA)
        monkeypatch.setenv("AIRFLOW_CONN_STORE_WEB", conn(web.reader))
        both = Two(app, web)
        for version in KEYRING.versions:
            both.erase(KEY_CHECK, request="key check", version=version)
        yield both
