"""Permissions, lists and tables kept for statistics: how they bind, how they are refused, what they cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from privacy_audit.compiler import suites
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import kinds
from privacy_audit.domain.outcomes import Cause, Severity
from privacy_audit.domain.promises import Control, Pack
from privacy_audit.engine.measurement import count_all, measure
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.evaluation_context import ColumnRequirement
from privacy_audit.sql.row_predicates import place_statement, tally_statement
from privacy_audit.sql.statement_text import pasteable
from tests.places import EXPECTATIONS

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
PROMISES = policy_reader.load(EXPECTATIONS)
ABOUT: dict[str, Any] = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "tables": {"app.accounts": {"title": "Accounts", "key": ["id"]}},
}
MESSAGES = {"table": "app.messages", "key": ["id"], "fields": {"person": "user_id", "sent": "sent_at"}}
OBJECTIONS: dict[str, Any] = {
    "table": "app.objections",
    "key": ["id"],
    "fields": {"person": "who", "received": "received", "withdrawn": "withdrawn"},
}
AFTER_OBJECTION: dict[str, Any] = {
    "register": "marketing_messages",
    "at": "sent",
    "during": {"register": "objections", "from": "received", "to": "withdrawn"},
    "events": "forbidden",
}
STATISTICS: dict[str, Any] = {
    "title": "Statistics",
    "key": ["id"],
    "anonymous": {"quasi_identifiers": ["region", "band"], "direct": ["note"], "sensitive": ["illness"]},
}


def control(kind: str, parameters: Mapping[str, Any]) -> Control:
    """A promise of a kind."""
    return Control(
        id="NEW-1",
        kind=kind,
        title="No marketing message after an objection",
        severity=Severity.HIGH,
        clauses=(),
        legal_basis=("GDPR art. 21(3)",),
        effective_from=date(2024, 1, 1),
        parameters=dict(parameters),
        pack=Pack.POLICY,
    )


def coverage(kind: str, parameters: Mapping[str, Any], **more: Any) -> suites.StoreCoverage:
    """What becomes of it in a store."""
    promises = replace(PROMISES, controls=(control(kind, parameters),))
    return suites.bind(promises, StoreMap.model_validate({**ABOUT, **more}))


def only_rule(kind: str, parameters: Mapping[str, Any], **more: Any) -> Any:
    """The one rule it becomes, as the compiled suite carries it."""
    (check,) = coverage(kind, parameters, **more).checks
    return kinds()[kind].model_validate(json.loads(json.dumps(check.rule.as_json())))


@pytest.fixture
def connection(database: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA app")
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "parameters", "fact"),
    [
        ("permission_at_event", {**AFTER_OBJECTION, "at": "channel"}, "channel tells no moment. Of marketing_messages"),
        ("permission_at_event", {**AFTER_OBJECTION, "events": "allowed"}, "required"),
        ("permission_at_event", {**AFTER_OBJECTION, "unless": {"exception": "stated"}}, 'no field "exception"'),
        ("permission_at_event", {**AFTER_OBJECTION, "register": "transfers", "at": "at"}, 'no field "person"'),
        (
            "permission_at_event",
            {**AFTER_OBJECTION, "during": {"register": "objections", "from": "received", "to": "channel"}},
            "channel tells no moment. Of objections",
        ),
        (
            "listed",
            {"register": "transfers", "field": "recipient", "list": {"register": "recipients"}},
            "Field required",
        ),
        (
            "listed",
            {"register": "transfers", "field": "recipient", "list": {"register": "recipient", "field": "recipient"}},
            'no register "recipient"',
        ),
        ("anonymous", {"k": "1"}, '"1" is no size of a group'),
        ("anonymous", {"k": "5", "l": "many"}, '"many" is no size of a group'),
        ("anonymous", {"k": "9999999999999999999999"}, "is no size of a group"),
        ("guardian_consent_form", {"children": "0"}, '"0" is no number of children'),
        ("guardian_consent_form", {"children": "many"}, '"many" is no number of children'),
        ("guardian_consent_form", {"children": "9999999999999999999999"}, "is no number of children"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(kind: str, parameters: dict[str, Any], fact: str) -> None:
    assert any(fact in said for _, said in kinds()[kind].faults(parameters))


def test_parameters_that_can_be_meant_are_not() -> None:
    listing = {"register": "policy_versions", "field": "version", "in_force": {"from": "from", "to": "to"}}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("permission_at_event", AFTER_OBJECTION),
        ("listed", {"register": "consent_records", "field": "version", "at": "at", "list": listing}),
        ("anonymous", {"k": "5"}),
        ("anonymous", {"k": "11", "l": "3"}),
    ]
    assert [fault for kind, parameters in asked for fault in kinds()[kind].faults(parameters)] == []


def test_an_empty_register_that_forbids_passes_nothing(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE app.messages (id int, user_id bigint, sent_at timestamptz)")
    connection.exec_driver_sql(
        "CREATE TABLE app.objections (id int, who text, received timestamptz, withdrawn timestamptz)"
    )
    connection.exec_driver_sql("INSERT INTO app.messages VALUES (1, 7, '2026-05-05')")
    registers = {"marketing_messages": MESSAGES, "objections": OBJECTIONS}
    rule = only_rule("permission_at_event", AFTER_OBJECTION, registers=registers)
    with pytest.raises(StoreError) as trouble:
        measure(connection, rule, T)
    assert trouble.value.cause is Cause.EMPTY
    connection.exec_driver_sql("INSERT INTO app.objections VALUES (1, '8', '2026-01-01', NULL)")
    assert measure(connection, rule, T).tally.compliant == 1
    connection.exec_driver_sql("DELETE FROM app.objections")
    may = only_rule(
        "permission_at_event",
        AFTER_OBJECTION,
        registers={**registers, "objections": {**OBJECTIONS, "may_be_empty": True}},
    )
    assert measure(connection, may, T).tally.compliant == 1
    required = only_rule("permission_at_event", {**AFTER_OBJECTION, "events": "required"}, registers=registers)
    assert measure(connection, required, T).tally.violating == 1


@pytest.mark.parametrize(
    ("more", "bound"),
    [({}, False), ({"may_be_empty": True}, True), ({"lines": [["1", "2026-05-05", None]]}, True)],
)
def test_an_empty_file_that_forbids_is_a_gap(more: dict[str, Any], bound: bool) -> None:
    known = ["person", "received", "withdrawn"]
    on_file = {"file": "objections.csv", "line_fields": known, "fields": {name: name for name in known}, **more}
    said = coverage(
        "permission_at_event", AFTER_OBJECTION, registers={"marketing_messages": MESSAGES, "objections": on_file}
    )
    assert bool(said.checks) is bound
    assert [("objections.csv) holds no row" in gap.reason) for gap in said.unchecked] == ([] if bound else [True])


def test_a_register_that_is_not_bound_is_a_gap() -> None:
    said = coverage("permission_at_event", AFTER_OBJECTION, registers={"marketing_messages": MESSAGES})
    assert "needs the register `objections`" in said.unchecked[0].reason


def test_a_year_is_no_moment_of_a_register() -> None:
    fields = {"person": "who", "received": {"column": "year", "encoding": "year"}}
    with pytest.raises(ValidationError, match="tells only a year"):
        StoreMap.model_validate({**ABOUT, "registers": {"objections": {**OBJECTIONS, "fields": fields}}})


def test_a_store_without_statistics_must_sign_so() -> None:
    assert [gap.control.id for gap in coverage("anonymous", {"k": "5"}).unchecked] == ["NEW-1"]
    signed = {"controls": ["NEW-1"], "reason": "No statistics.", "signed_by": "Product", "on": "2026-01-01"}
    said = coverage("anonymous", {"k": "5"}, not_applicable=[signed])
    assert (said.unchecked, len(said.excused)) == ((), 1)


def test_statistics_are_never_called_anonymous() -> None:
    rule = only_rule("anonymous", {"k": "5", "l": "2"}, tables={"app.statistics": STATISTICS})
    assert "no counter-evidence found" in rule.sentence
    assert "anonym" not in f"{rule.sentence} {rule.fix}"


def test_a_sensitive_column_is_no_quasi_identifier() -> None:
    declared = {"quasi_identifiers": ["region"], "sensitive": ["region"]}
    with pytest.raises(ValidationError, match="at once"):
        StoreMap.model_validate({**ABOUT, "tables": {"app.s": {**STATISTICS, "anonymous": declared}}})


def test_a_measure_is_a_number() -> None:
    declared = {**STATISTICS["anonymous"], "measures": ["visits"]}
    rule = only_rule("anonymous", {"k": "5"}, tables={"app.statistics": {**STATISTICS, "anonymous": declared}})
    needs = {need.column: need.types for need in rule.needs() if isinstance(need, ColumnRequirement)}
    assert "int4" in needs["visits"]
    assert "text" not in needs["visits"]
    assert not needs["note"]


def test_what_a_draft_locks_are_the_rows_that_are_listed(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE app.statistics (id int, region text, band int, note text, illness text)")
    connection.exec_driver_sql(
        "INSERT INTO app.statistics VALUES (1, 'A', 1, NULL, 'flu'), (2, 'A', 1, NULL, 'cold'), (3, 'B', 1, NULL, 'x'),"
        " (4, 'C', 1, NULL, 'flu'), (5, 'C', 1, NULL, 'flu'), (6, 'A', 1, 'a@b.fr', 'flu'), (7, 'D', NULL, '', NULL)"
    )
    rule = only_rule("anonymous", {"k": "2", "l": "2"}, tables={"app.statistics": STATISTICS})
    context = rule.context(T)
    truth = rule.evaluate(rule.rows(context, "id", "tableoid", "ctid"), context)
    locked = connection.exec_driver_sql(
        pasteable(place_statement(truth, ("id",), sa.false())).replace("%", "%%")
    ).fetchall()
    assert sorted(row.id for row in locked) == [3, 4, 5, 6, 7]
    assert count_all(connection, rule, rule.context(T)).tally.violating == 5


EVENTS, LEDGER = 200_000, 20_000


@pytest.mark.parametrize("typed", ["bigint", "text"])
@pytest.mark.parametrize("events", ["required", "forbidden"])
def test_events_and_ledger_are_never_multiplied(connection: sa.Connection, typed: str, events: str) -> None:
    connection.exec_driver_sql("CREATE TABLE app.messages (id int, user_id bigint, sent_at timestamptz)")
    connection.exec_driver_sql(
        f"CREATE TABLE app.objections (id int, who {typed}, received timestamptz, withdrawn timestamptz)"
    )
    connection.exec_driver_sql(
        f"INSERT INTO app.messages SELECT n, n %% 50000, '2026-01-01'::timestamptz + n * interval '1 minute'"
        f" FROM generate_series(1, {EVENTS}) n"
    )
    connection.exec_driver_sql(
        f"INSERT INTO app.objections SELECT n, n, '2026-03-01', CASE WHEN n %% 3 = 0 THEN '2026-04-01'::timestamptz END"
        f" FROM generate_series(1, {LEDGER}) n"
    )
    registers = {"marketing_messages": MESSAGES, "objections": OBJECTIONS}
    rule = only_rule("permission_at_event", {**AFTER_OBJECTION, "events": events}, registers=registers)
    for analysed in (False, True):
        if analysed:
            connection.exec_driver_sql("ANALYZE app.messages")
            connection.exec_driver_sql("ANALYZE app.objections")
        began = datetime.now(UTC)
        nodes = list(_nodes(_plan(connection, rule)))
        assert datetime.now(UTC) - began < timedelta(seconds=60)
        assert not [node for node in nodes if node["Node Type"] == "Nested Loop" and _work(node) > EVENTS + LEDGER]
        assert all(node["Actual Rows"] * node["Actual Loops"] <= 2 * EVENTS for node in nodes)


def test_values_and_list_are_never_multiplied(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE app.transfers (id int, at timestamptz, recipient text)")
    connection.exec_driver_sql("CREATE TABLE app.recipients (id int, name text, begins timestamptz, ends timestamptz)")
    connection.exec_driver_sql(
        f"INSERT INTO app.transfers SELECT n, '2026-05-05', 'r' || n %% 25000 FROM generate_series(1, {EVENTS}) n"
    )
    connection.exec_driver_sql(
        f"INSERT INTO app.recipients SELECT n, 'R' || n, '2026-01-01', NULL FROM generate_series(1, {LEDGER}) n"
    )
    registers = {
        "transfers": {"table": "app.transfers", "key": ["id"], "fields": {"at": "at", "recipient": "recipient"}},
        "recipients": {
            "table": "app.recipients",
            "key": ["id"],
            "fields": {"recipient": "name", "from": "begins", "to": "ends"},
        },
    }
    listing = {"register": "recipients", "field": "recipient", "in_force": {"from": "from", "to": "to"}}
    rule = only_rule(
        "listed", {"register": "transfers", "field": "recipient", "at": "at", "list": listing}, registers=registers
    )
    for analysed in (False, True):
        if analysed:
            connection.exec_driver_sql("ANALYZE app.transfers")
            connection.exec_driver_sql("ANALYZE app.recipients")
        nodes = list(_nodes(_plan(connection, rule)))
        assert not [node for node in nodes if node["Node Type"] == "Nested Loop" and _work(node) > EVENTS + LEDGER]


def _plan(connection: sa.Connection, rule: Any) -> dict[str, Any]:
    context = rule.context(T)
    statement = pasteable(tally_statement(rule.evaluate(rule.rows(context), context), context)).replace("%", "%%")
    said = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}").scalar_one()
    return dict(said[0]["Plan"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _work(node: dict[str, Any]) -> float:
    """How many rows its two sides bring: in a nested loop the inner side comes once per row of the outer."""
    removed = node.get("Rows Removed by Join Filter", 0)
    return float(removed) + max(part["Actual Rows"] * part["Actual Loops"] for part in node["Plans"])
