"""What the kinds over a company's registers do beside judging rows of a table: files, forecasts, faults, and NOT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.config.map_registers import Registers
from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.outcomes import Plan
from privacy_audit.domain.tally import Forecast
from privacy_audit.engine.forecast import count_due
from privacy_audit.engine.measurement import count_all, measure
from privacy_audit.sql.evaluation_context import no, unknown, yes
from tests.conftest import MakeDatabase
from tests.oracle.compare import counted, listed

T = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def connection(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """An empty database, and what a test puts into it."""
    engine = sa.create_engine(make_database())
    with closing(engine.connect()) as connection:
        yield connection
    engine.dispose()


def rule(kind: str, records: dict[str, Any], asks: dict[str, Any], key: tuple[str, ...] = ()) -> Rule:
    """A rule as a compiled suite carries it."""
    return kinds()[kind].model_validate(
        {
            "table": records.get("table") or f"registers.{records['file'].partition('.')[0]}",
            "title": "Rows",
            "key": key,
            "zone": "Europe/Paris",
            "no_data_before": "2001-01-01",
            "promise": "It is kept",
            "how": "Keep it.",
            "records": records,
            "asks": asks,
        }
    )


def sheet(fields: dict[str, str], *lines: tuple[str | None, ...]) -> dict[str, Any]:
    """A register that is a file: its fields with their encodings, and its lines."""
    return {
        "file": "kept.csv",
        "fields": {field: {"column": field, "encoding": encoding} for field, encoding in fields.items()},
        "line_fields": tuple(fields),
        "lines": lines,
    }


def test_a_file_is_judged_as_a_whole_by_value_and_by_line(connection: sa.Connection) -> None:
    probes = sheet(
        {"mailbox": "timestamptz", "at": "timestamptz"},
        ("dpo", "2026-11-20T10:00:00+01:00"),
        ("press", "2026-01-20T10:00:00+01:00"),
        ("privacy", None),
    )
    asked = {"register": "mailbox_probes", "at": "at", "period": "P7D"}
    versions = sheet({"from": "date", "to": "date"}, ("2024-01-01", "2026-06-09"), ("2026-06-10", None))
    invoices = sheet({"number": "timestamptz", "issued": "date"}, ("F-1", "2026-01-01"), ("F-3", "2026-01-02"))
    appointed = {"register": "dpo_appointments", "in_force": {"from": "from", "to": "to"}}
    billed = {"register": "invoices", "number": "number", "at": "issued", "kept_for": "P10Y"}

    def said(rule: Rule) -> tuple[int, int, list[Any]]:
        with connection.begin():
            told = measure(connection, rule, T)
            assert told.plan is Plan.FULL
            return told.tally.compliant, told.tally.violating, listed(connection, rule, T)

    assert said(rule("freshness", probes, asked)) == (1, 0, [])
    assert said(rule("freshness", probes, {**asked, "per": "mailbox"}, ("mailbox",))) == (1, 2, ["press", "privacy"])
    assert said(rule("freshness", {**probes, "lines": ()}, asked)) == (0, 1, [()])
    assert said(rule("one_in_force", versions, {**appointed, "without_gaps_since": "2024-01-01"})) == (1, 0, [])
    assert said(rule("one_in_force", {**versions, "lines": ()}, appointed)) == (0, 1, [()])
    assert said(rule("sequence", invoices, billed, ("line",))) == (1, 1, [2])


def test_what_falls_due_is_foretold(connection: sa.Connection) -> None:
    records = {"table": "foretold.probes", "key": ["id"], "fields": {"mailbox": "mailbox", "at": "at"}}
    asks = {"register": "mailbox_probes", "at": "at", "period": "P1M"}
    with connection.begin() as transaction:
        connection.exec_driver_sql("CREATE SCHEMA foretold")
        connection.exec_driver_sql("CREATE TABLE foretold.probes (id int, mailbox text, at timestamptz)")
        connection.exec_driver_sql(
            "INSERT INTO foretold.probes VALUES (1, 'soon', '2026-11-10 12:00Z'), (2, 'late', '2026-10-01 12:00Z'),"
            " (3, 'later', '2026-11-24 08:00Z'), (4, 'never', NULL)"
        )
        per_mailbox = rule("freshness", records, {**asks, "per": "mailbox"}, ("mailbox",))
        assert per_mailbox.foreseeable
        assert counted(count_all(connection, per_mailbox, per_mailbox.context(T)))["violating"] == 2
        assert count_due(connection, per_mailbox, per_mailbox.context(T), 2) == Forecast(1, 2, estimated=False)
        whole = rule("freshness", records, asks)
        assert count_due(connection, whole, whole.context(T), 0) == Forecast(0, 1, estimated=False)
        transaction.rollback()


def test_what_ends_before_the_horizon_is_no_forecast_below_nothing(connection: sa.Connection) -> None:
    fields = {"vetted": "vetted", "from": "began", "to": "ended"}
    records = {"table": "ending.recipients", "key": ["id"], "fields": fields}
    asks = {"register": "recipients", "from": "vetted", "period": "P1Y", "in_force": {"from": "from", "to": "to"}}
    with connection.begin() as transaction:
        connection.exec_driver_sql("CREATE SCHEMA ending")
        connection.exec_driver_sql(
            "CREATE TABLE ending.recipients (id int, vetted timestamptz, began timestamptz, ended timestamptz)"
        )
        connection.exec_driver_sql(
            "INSERT INTO ending.recipients VALUES (1, '2024-01-01Z', '2024-01-01Z', '2026-12-01Z')"
        )
        vetted = rule("deadline", records, asks, ("id",))
        assert count_all(connection, vetted, vetted.context(T)).tally.violating == 1
        assert count_due(connection, vetted, vetted.context(T), 1) == Forecast(0, 0, estimated=False)
        transaction.rollback()


@pytest.mark.parametrize(
    ("kind", "parameters", "fault"),
    [
        ("freshness", {"at": "mailbox", "period": "P7D"}, "mailbox tells no moment"),
        ("freshness", {"at": "at", "period": "7 days"}, "not a period"),
        ("freshness", {"at": "at", "period": "P7D", "per": "box"}, 'no field "box"'),
        ("one_in_force", {}, "Field required"),
        ("one_in_force", {"in_force": {"from": "mailbox", "to": "at"}}, "mailbox tells no moment"),
        ("one_in_force", {"in_force": {"from": "at", "to": "at"}, "must": "one"}, "exactly_one"),
        ("one_in_force", {"in_force": {"from": "at", "to": "at"}, "without_gaps_since": "May"}, "date"),
        ("lifetime", {"from": "at", "until": "answered", "period": "P13M"}, "answered tells no moment"),
        ("sequence", {"number": "mailbox", "at": "answered", "kept_for": "P10Y"}, "answered tells no moment"),
        ("sequence", {"number": "mailbox", "at": "at", "kept_for": "P1Y6D"}, "mixes months and days"),
        ("deadline", {"from": "at", "done": "answered", "period": "P1M"}, "answered tells no moment"),
        ("deadline", {"from": "at", "period": "P1M", "extension": {"told": "at", "reason": "answered", "period": "3"}},
         "not a period"),
        ("stated", {"must": [{"not_after": {"at": "answered"}}]}, "answered tells no moment"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_meant_are_refused(kind: str, parameters: dict[str, Any], fault: str) -> None:
    found = list(kinds()[kind].faults({"register": "mailbox_probes", **parameters}))
    assert any(fault in fact for _, fact in found), found


def test_a_field_that_tells_only_a_year_is_refused() -> None:
    with pytest.raises(ValueError, match="tells only a year"):
        Registers.model_validate(
            {"invoices": {"table": "a.b", "key": ["id"], "fields": {"issued": {"column": "y", "encoding": "year"}}}}
        )


def test_what_is_unknown_stays_unknown_when_it_is_negated(connection: sa.Connection) -> None:
    """SQLAlchemy writes `NOT CASE ... END IS true`, which the server reads as the negation of the whole."""
    nobody_knows = sa.not_(sa.case((sa.true(), sa.null()), else_=sa.literal(1) < sa.literal(2)))
    with connection.begin():
        row = connection.execute(sa.select(yes(nobody_knows), no(nobody_knows), unknown(nobody_knows))).one()
    assert tuple(row) == (False, False, True)
