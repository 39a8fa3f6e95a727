"""Each control can fail: its self-test cases are judged before the store is, and a rule that fails them proves
nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock
from privacy_audit.controls import Rule, erased, kinds, retention
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.engine.measurement import measure
from privacy_audit.engine.self_test import prove_can_fail, self_test_cases_of, self_test_context, statements
from privacy_audit.erasure.identifier_columns import SearchedTable
from privacy_audit.erasure.search import BatchLeads, Residue, counted
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.selftest.case import CASE_ID, OWN, Fixture, SelfTestCase, case_set, fits
from privacy_audit.selftest.made_up_times import dst_free_noon, is_exact
from privacy_audit.sql import clocks
from privacy_audit.sql.evaluation_context import ColumnRequirement, never
from privacy_audit.sql.row_predicates import RowState, tally_statement
from tests.all_rules import case_rules, committed_rules, named_rules
from tests.cases.case_files import books
from tests.conftest import MakeDatabase
from tests.unit.engine.conftest import Store, by_control

pytestmark = pytest.mark.slow

T = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
INSTANTS = {
    "a night in November": T,
    "29 February, past midnight in Paris": datetime(2028, 2, 29, 23, 30, tzinfo=UTC),
    "the end of March": datetime(2027, 3, 31, 1, 30, tzinfo=UTC),
    "an hour that comes twice": datetime(2026, 10, 25, 0, 30, 0, 123456, tzinfo=UTC),
    "the same hour again": datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    "after an hour that never was": datetime(2027, 3, 28, 1, 0, tzinfo=UTC),
    "the first instant of a year in Paris": datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
    "the last day of a year": datetime(2027, 12, 31, 12, 0, tzinfo=UTC),
}
_ALL = {RowState.VIOLATING, RowState.COMPLIANT, RowState.UNDECIDABLE}
IN_MEMORY = {"clocks_agree", "erased", "held_rows_present"}
"""Kinds that no SQL judges: their self-test cases are judged in memory, too."""
LACKING = {
    "app/app.social_comments/DEL-1": (RowState.VIOLATING, "a flag says that a row was deleted, and not when"),
    "soft_delete/flag only": (RowState.VIOLATING, "a flag says that a row was deleted, and not when"),
    "retention/by year, 2 months": (
        RowState.COMPLIANT,
        "of no year that has begun is it sure that 2 months are not over",
    ),
}
"""Rules that lack a self-test case in breach, or one that keeps the promise, and why no row could be one."""


@pytest.fixture(scope="module")
def connection(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """An empty database: self-test cases are sent along with each statement."""
    engine = sa.create_engine(make_database())
    with closing(engine.connect()) as connection:
        yield connection
    engine.dispose()


def _failures(connection: sa.Connection, rules: dict[str, Rule], as_of: datetime) -> Iterator[str]:
    for name, rule in rules.items():
        try:
            prove_can_fail(connection, rule, as_of)
        except StoreError as error:
            yield f"{name}: {error.reason}"


@pytest.mark.parametrize("as_of", INSTANTS.values(), ids=INSTANTS)
def test_the_committed_rules_say_of_their_specimens_what_they_must(connection: sa.Connection, as_of: datetime) -> None:
    assert not list(_failures(connection, committed_rules(), as_of))


@pytest.mark.parametrize("as_of", list(INSTANTS.values())[:4], ids=list(INSTANTS)[:4])
def test_so_do_the_rules_of_all_cases(connection: sa.Connection, as_of: datetime) -> None:
    assert not list(_failures(connection, case_rules(), as_of))


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "UTC"])
def test_so_they_do_in_other_zones(connection: sa.Connection, zone: str) -> None:
    rules = {name: rule.model_copy(update={"zone": zone}) for name, rule in committed_rules().items()}
    assert not list(_failures(connection, rules, T))


def test_so_they_do_in_a_company_that_is_a_day_old(connection: sa.Connection) -> None:
    rules = {name: rule.model_copy(update={"no_data_before": T.date()}) for name, rule in committed_rules().items()}
    assert not list(_failures(connection, rules, T))


def test_every_rule_has_a_specimen_in_breach_and_one_that_keeps_the_promise() -> None:
    lacking = {}
    for name, rule in named_rules().items():
        shown = {self_test_case.state for self_test_case in self_test_cases_of(rule, self_test_context(rule, T))}
        missing = {RowState.VIOLATING, RowState.COMPLIANT} - shown
        if missing and rule.kind not in IN_MEMORY:
            lacking[name] = missing
    assert lacking == {name: {state} for name, (state, _) in LACKING.items()}


def test_the_states_that_each_kind_shows() -> None:
    shown: dict[str, set[RowState]] = {}
    for rule in named_rules().values():
        states = {self_test_case.state for self_test_case in self_test_cases_of(rule, self_test_context(rule, T))}
        shown.setdefault(rule.kind, set()).update(states)
    expected = {
        kind: _ALL | {RowState[state.upper()] for state in book.get("also_shows", [])}
        for kind, book in {**books("rows"), **books("catalog")}.items()
    }
    assert {kind: states for kind, states in shown.items() if kind not in IN_MEMORY} == expected
    assert set(kinds()) == {*expected, *IN_MEMORY}


def test_the_specimens_of_a_night_cost_little_more_than_writing_down_what_is_asked_of_the_store(
    connection: sa.Connection,
) -> None:
    """A ratio, for machines differ: on two idle cores they are 1.4 seconds of a night."""
    rules = [rule for rule in committed_rules().values() if rule.kind not in IN_MEMORY]

    def seconds(act: Callable[[Rule], object]) -> float:
        began = time.process_time()
        for rule in rules:
            act(rule)
        return time.process_time() - began

    def written(rule: Rule) -> object:
        context = rule.context(T)
        return tally_statement(rule.evaluate(rule.rows(context), context), context).compile(connection)

    asked, shown = seconds(written), seconds(lambda rule: prove_can_fail(connection, rule, T))
    assert shown < 2 * asked


TABLES = {
    "app.positions": {
        "title": "Positions",
        "key": ["id"],
        "data": [{"category": "geolocation", "clock": {"column": "at"}}],
    }
}


@pytest.mark.parametrize(
    ("module", "name", "sabotage", "words"),
    [
        (clocks, "_until", lambda *_: never(), "past its period it says compliant, and not violating"),
        (
            clocks,
            "_early",
            lambda *_: never(),
            "before the company's first year it says violating, and not undecidable",
        ),
        (clocks, "_runs", lambda *_: True, "without a moment it says compliant, and not undecidable"),
        (retention, "outside", lambda *_: sa.true(), "it says out_of_scope, and not violating"),
    ],
    ids=["never past its period", "any moment is a fact", "no moment is running", "all out of scope"],
)
def test_a_rule_whose_sql_was_spoiled_is_not_audited(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    sabotage: Callable[..., Any],
    words: str,
) -> None:
    store.do(
        "CREATE TABLE app.positions (id int PRIMARY KEY, at timestamptz)",
        "INSERT INTO app.positions VALUES (1, '2026-11-20')",
    )
    assert by_control(store.audit(tmp_path / "before", TABLES))["RET-3"].outcome is Outcome.PASS
    monkeypatch.setattr(module, name, sabotage)
    spoiled = by_control(store.audit(tmp_path / "after", TABLES))["RET-3"]
    assert (spoiled.outcome, spoiled.cause) == (Outcome.NOT_AUDITED, Cause.INTERNAL)
    assert spoiled.reason.startswith("The rule fails its own self-test cases, so it proves nothing: of a row ")
    assert words in spoiled.reason


def test_a_row_that_is_counted_twice_is_told(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = case_rules()["retention/end of contract"]
    joined = clocks._joined

    def unjoined(*args: Any) -> clocks.ClockSql:
        clock = joined(*args)
        (relation, on), *_ = clock.joins
        twice = sa.values(sa.column("n", sa.Integer()), name="twice").data([(1,), (2,)])
        return replace(clock, joins=((relation, on), (twice, sa.true())))

    monkeypatch.setattr(clocks, "_joined", unjoined)
    with pytest.raises(StoreError, match="violating and violating, and not violating"):
        measure(connection, rule, T)


def test_what_is_judged_in_memory_is_shown_to_fail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = _erased()
    context = self_test_context(rule, T)
    assert not list(rule.disproof(context))
    monkeypatch.setattr(erased, "counted", _of_nobody)
    told = list(rule.disproof(context))
    assert "of a row that names an erased person in email it says compliant, and not violating" in told
    assert not any("somebody else" in each for each in told)


def _of_nobody(place: SearchedTable, leads: Sequence[BatchLeads]) -> Residue:
    """What a search that finds nobody counts."""
    return replace(counted(place, ()), scanned=sum(batch.rows for batch in leads))


@pytest.mark.parametrize("exempt", [{}, {"app.users": "GDPR art. 17(3)(b): invoices are kept"}], ids=["", "exempt"])
@pytest.mark.parametrize("origin", [None, {"column": "source", "direct": ["form"]}], ids=["", "with an origin"])
def test_erased_tells_all_kinds_of_identifiers_apart(exempt: Any, origin: Any) -> None:
    rule = _erased(exempt=exempt, origin=origin)
    assert not list(rule.disproof(self_test_context(rule, T)))


def _erased(exempt: Any = None, origin: Any = None) -> Rule:
    return kinds()["erased"].model_validate({
        "table": "app.users", "title": "Accounts", "key": ["id"], "zone": "Europe/Paris",
        "no_data_before": "2001-01-01", "store": "app", "origin": origin, "collected": {"column": "created_at"},
        "identifiers": {
            "email": {"kind": "email"}, "phone": {"kind": "phone"}, "iban": {"kind": "iban"}, "name": {"kind": "name"},
            "id": {"kind": "key", "of": "customer"}, "notes": {"kind": "text"},
        },
        "ledger": {
            "table": "app.erasures", "key": ["id"], "request": "request", "key_version": "version", "kind": "kind",
            "digest": "digest", "completed": {"column": "completed_at"}, "keys": "erasure_keys",
            "exempt": exempt or {},
        },
    })  # fmt: skip


def test_an_hour_that_comes_twice_is_told_by_its_second_time_only() -> None:
    local = ColumnClock.model_validate({"column": "at", "encoding": "timestamp", "zone": "Europe/Paris"})
    first, second = INSTANTS["an hour that comes twice"], INSTANTS["the same hour again"]
    assert (is_exact(local, first), is_exact(local, second)) == (False, True)


@pytest.mark.parametrize("as_of", INSTANTS.values(), ids=INSTANTS)
def test_no_clock_changes_near_a_quiet_day(as_of: datetime) -> None:
    context = self_test_context(committed_rules()["app/app.downloads/RET-4"], as_of)
    clock = ColumnClock.model_validate({"column": "at", "encoding": "timestamp", "zone": "America/New_York"})
    at = dst_free_noon(context, clock)
    assert at < as_of
    assert is_exact(clock, at)
    for zone in (context.zone, ZoneInfo("America/New_York")):
        assert len({(at + timedelta(days=days)).astimezone(zone).utcoffset() for days in range(-9, 10)}) == 1


def test_a_row_that_leans_on_its_own_table_is_one_row() -> None:
    self_test_case = SelfTestCase("", RowState.COMPLIANT, Fixture({"parent": OWN}, {"s.t": [{"id": OWN, "at": "x"}]}))
    needs = [ColumnRequirement("s.t", "parent"), ColumnRequirement("s.t", "at")]
    assert fits(self_test_case, "s.t")
    planted = case_set({1: self_test_case}, "s.t", ["id"], needs, {})["s.t"]
    assert [dict(zip(planted.columns, row, strict=True)) for row in planted.rows] == [
        {"id": "1", "parent": "1", "at": "x", CASE_ID: "1"}
    ]


def test_a_row_that_needs_another_of_its_own_table_cannot_be() -> None:
    assert not fits(SelfTestCase("", RowState.COMPLIANT, Fixture({"at": "x"}, {"s.t": [{"at": "y"}]})), "s.t")


def test_scenes_unite_the_rows_of_one_key_and_keep_others_apart() -> None:
    one = Fixture({}, {"s.t": [{"id": OWN, "a": 1}]})
    same, other = Fixture({}, {"s.t": [{"id": OWN, "b": 2}]}), Fixture({}, {"s.t": [{"id": OWN, "a": 3}]})
    assert (one | same).others == {"s.t": ({"id": OWN, "a": 1, "b": 2},)}
    assert (one | other).others == {"s.t": ({"id": OWN, "a": 1}, {"id": OWN, "a": 3})}


def test_the_store_is_not_read(connection: sa.Connection) -> None:
    rule = committed_rules()["app/app.positions/RET-3"]
    context = self_test_context(rule, T)
    for statement in statements(rule, self_test_cases_of(rule, context), context):
        assert "app." not in str(statement)
