"""A database as a case makes it, and what a control over the catalog says of it: judged as the auditor, then undone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import uuid4

import sqlalchemy as sa

from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control
from privacy_audit.engine.measurement import count_all
from privacy_audit.engine.row_queries import RowQueries, listing

ABOUT = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "tables": {"app.users": {"title": "Users", "key": ["id"]}},
}
OTHERS_STAY_OUT = """
DO $$ DECLARE role name; BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname <> 'postgres' LOOP
        EXECUTE format('ALTER ROLE %I NOLOGIN', role);
    END LOOP;
END $$;
CREATE ROLE @auditor LOGIN;
"""
"""Roles that other tests left on the server are none of the case's."""


@dataclass(frozen=True)
class Place:
    """A database within a transaction, with names of roles of its own."""

    connection: sa.Connection
    prefix: str

    def run(self, *statements: str) -> None:
        database = str(self.connection.engine.url.database)
        for statement in statements:
            script = re.sub(r"(?<![\w.])@(?=[a-z])", self.prefix, statement.replace("{database}", database))
            self.connection.exec_driver_sql(script.replace("%", "%%"))

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """What is done meanwhile is undone, anyone who one became."""
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()

    def short(self, cells: Sequence[Any]) -> str:
        database = str(self.connection.engine.url.database)
        told = " | ".join("-" if cell is None else str(cell) for cell in cells)
        return told.replace(self.prefix, "@").replace(database, "{database}").rstrip()


@contextmanager
def a_place(engine: sa.Engine, *statements: str) -> Iterator[Place]:
    """A place in which others may begin, with what they begin with. All of it is undone at the end."""
    with engine.connect() as connection, connection.begin() as transaction:
        made = Place(connection, f"r{uuid4().hex[:8]}_")
        made.run(OTHERS_STAY_OUT, *statements)
        yield made
        transaction.rollback()


@dataclass(frozen=True)
class Judged:
    """All that a control says of a place: its tally by name, and every row that it lists."""

    tally: Mapping[str, int]
    violating: Sequence[str]
    """What is listed of each: the columns of the control's key."""
    undecidable: Sequence[str]

    @classmethod
    def of(cls, compliant: int, violating: Sequence[str], undecidable: Sequence[str]) -> Self:
        """What must be said of so many that keep the promise, and of the others by what they are."""
        parts = {
            "compliant": compliant,
            "violating": len(violating),
            "undecidable": len(undecidable),
            "held": 0,
            "out_of_scope": 0,
        }
        return cls({"population": sum(parts.values()), **parts}, sorted(violating), sorted(undecidable))


def rule_of(kind: str, store_map: Mapping[str, Any], parameters: Mapping[str, Any]) -> Rule:
    """The control of a kind over a store with this map."""
    control = Control("T-1", kind, "Kept", Severity.HIGH, (), (), date(2024, 1, 1), parameters=parameters)
    (rule,) = kinds()[kind].bind(control, StoreMap.model_validate({**ABOUT, **store_map}), "Europe/Paris")
    assert isinstance(rule, Rule)
    return type(rule).model_validate(rule.as_json())  # as a compiled suite carries it


def judged(where: Place, rule: Rule, as_of: datetime) -> Judged:
    """What the control says, with the rights of the auditor, whom the place becomes."""
    where.run("SET SESSION AUTHORIZATION @auditor")
    measured = count_all(where.connection, rule, rule.context(as_of))
    tally = asdict(measured.tally)
    counts = {name: tally[name] for name in Judged.of(0, (), ()).tally}
    if not counts["violating"] + counts["undecidable"]:
        return Judged(counts, [], [])
    shown = measured.listing or listing(rule, rule.context(as_of))
    return Judged(counts, **_listed(where, shown, len(rule.key)))


def _listed(where: Place, shown: RowQueries, names: int) -> dict[str, list[str]]:
    """Every row by what it is, but those that keep the promise, as the report's SELECTs list them: first its names."""
    rows = {name: where.connection.exec_driver_sql(text.replace("%", "%%")) for name, text in asdict(shown).items()}
    return {name: sorted(where.short(cells[:names]) for cells in found.all()) for name, found in rows.items()}
