"""A real store with visits of persons, one of them under a legal hold, and the audit's own register."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError
from privacy_audit.controls.held_rows_present import HeldRowsPresent
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control
from privacy_audit.domain.tally import Tally
from privacy_audit.engine.measurement import measure
from privacy_audit.erasure import hold_manifests
from privacy_audit.postgres.store_errors import StoreErrors
from tests.unit.engine.conftest import Store

KEYS = {"1": base64.b64encode(bytes(range(32))).decode(), "2": base64.b64encode(bytes(range(50, 90))).decode()}
CONTROL = Control(
    "HLD-2",
    "held_rows_present",
    "Nothing that a legal hold keeps has vanished",
    Severity.CRITICAL,
    (),
    (),
    date(2024, 1, 1),
)
MAP: dict[str, Any] = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "registers": {
        "legal_holds": {
            "table": "app.legal_holds",
            "key": ["id"],
            "subject": "person",
            "category": "category",
            "every_category": "*",
            "matter": "matter",
            "started": {"column": "started"},
            "released": {"column": "released"},
            "keys": "hold_keys",
            "register": "the_register",
        }
    },
    "tables": {
        "app.visits": {
            "title": "Visits",
            "key": ["id"],
            "subject": {"column": "person"},
            "collected": {"column": "created"},
            "data": [
                {"category": "geolocation", "columns": ["lat", "lon"], "clock": {"column": "created"}},
                {"category": "connection", "columns": ["ip"], "clock": {"column": "created"}},
            ],
        }
    },
}
HOLDS = "app.legal_holds"
ROWS = (
    "INSERT INTO app.visits SELECT n, n % 4, 48.8, 2.3, '192.0.2.1', timestamptz '2026-01-01Z' + n * interval '1 hour'"
    " FROM generate_series(1, 40) n",
    "INSERT INTO app.legal_holds VALUES (1, 1, 'geolocation', 'M-1', '2026-02-01Z', NULL)",
)
"""Ten visits of each of four persons, of whom the first is under a hold."""
SCHEMA = (
    "CREATE TABLE app.legal_holds (id int PRIMARY KEY, person bigint, category text, matter text,"
    " started timestamptz, released timestamptz)",
    "CREATE TABLE app.visits (id int PRIMARY KEY, person int, lat float, lon float, ip text, created timestamptz)",
    *ROWS,
)


def conn(url: str | sa.URL) -> str:
    """An address as Airflow writes it."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def give_keys(monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    """Puts these versions of the keys where the check looks for them."""
    text = json.dumps({"keys": {version: KEYS[version] for version in versions}})
    monkeypatch.setenv("AIRFLOW_CONN_HOLD_KEYS", json.dumps({"conn_type": "generic", "password": text}))


@dataclass
class Held:
    """The store and the register."""

    store: Store
    register: str

    def file(self) -> list[tuple[Any, ...]]:
        """What is on file of rows, without the digests."""
        statement = (
            "SELECT store, \"table\", part, key_version FROM hold_manifests WHERE part <> 'key check'"
            " ORDER BY part, digest"
        )
        with sa.create_engine(self.register, poolclass=sa.NullPool).connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def parts(self) -> dict[str, int]:
        names = [part.split(" ")[0] for _, _, part, _ in self.file()]
        return {name: names.count(name) for name in sorted(set(names))}

    def night(
        self,
        *do: str,
        filing: bool = True,
        as_of: datetime | None = None,
        edit: Callable[[dict[str, Any]], object] | None = None,
        table: str = "app.visits",
    ) -> Tally:
        """What the check of a table counts after something was done in the store."""
        self.store.do(*do)
        with (
            hold_manifests.filing() if filing else nullcontext(),
            self.store.opened() as connection,
            StoreErrors.watch(),
        ):
            return measure(connection, rule(edit, table), as_of or datetime.now(UTC)).tally


def rule(edit: Callable[[dict[str, Any]], object] | None = None, table: str = "app.visits") -> HeldRowsPresent:
    """The rule for a table: of visits, or of whatever `edit` calls them."""
    rules = [one for one in bound(edit) if isinstance(one, HeldRowsPresent)]
    assert [one.table for one in rules if one.qualifier == "holds"] == [HOLDS]
    (one,) = [one for one in rules if (one.table == HOLDS) == (table == HOLDS)]
    return HeldRowsPresent.model_validate(json.loads(json.dumps(one.as_json())))  # as a compiled suite carries it


def bound(edit: Callable[[dict[str, Any]], object] | None = None) -> list[HeldRowsPresent | BindingError]:
    """What the control becomes in the map, which `edit` may change."""
    given = json.loads(json.dumps(MAP))
    if edit:
        edit(given)
    return list(HeldRowsPresent.bind(CONTROL, StoreMap.model_validate(given), "Europe/Paris"))


def counts(tally: Tally) -> dict[str, int]:
    """Of a tally what is not zero."""
    names = ("population", "compliant", "violating", "undecidable", "subjects")
    return {name: count for name in names if (count := getattr(tally, name))}
