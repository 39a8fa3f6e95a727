"""What is foretold is what a later audit finds: today's SQL and the oracle of that day agree on random databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.tally import Forecast
from privacy_audit.engine.forecast import count_due, estimate_due
from privacy_audit.engine.measurement import count_all
from tests.oracle import tables
from tests.oracle.compare import connected, thrice
from tests.oracle.deletion import hold_starts
from tests.oracle.draws import Case
from tests.oracle.moments import Calendar, Row, Tables
from tests.oracle.oracle import evaluate
from tests.oracle.test_oracle_retention import retention_cases, soft_delete_cases

pytestmark = pytest.mark.slow


def later(as_of: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time on the clock so many days on."""
    local = as_of.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    return local.replace(tzinfo=zone).astimezone(UTC)


def violating(rule: Rule, held: Tables, as_of: datetime) -> int:
    """How many rows violate."""
    return len(evaluate(rule, held, as_of).violating)


def as_they_hold(rule: Rule, all_tables: Tables, as_of: datetime) -> Tables:
    """The tables with only the holds in force at T, and none of those ever released."""
    register = rule.holds  # type: ignore[attr-defined]  # both kinds have it
    if register is None:
        return all_tables
    calendar = Calendar(as_of, ZoneInfo(rule.zone), rule.no_data_before)

    def in_force(hold: Row) -> bool:
        alone = {**all_tables, register.table: [hold]}
        words = [hold.get(register.category)]
        return bool(hold_starts(register, words, hold.get(register.subject), alone, calendar))

    kept = [{**hold, register.released.column: None} for hold in all_tables[register.table] if in_force(hold)]
    return {**all_tables, register.table: kept}


def agree(connection: sa.Connection, case: Case) -> None:
    """The forecast is the oracle's, and the planner's guess is one."""
    rule = kinds()[case.kind].model_validate(case.rule)
    held, zone = as_they_hold(rule, case.tables, case.as_of), ZoneInfo(rule.zone)
    now, soon, late = (violating(rule, held, later(case.as_of, days, zone)) for days in (0, 30, 90))
    with tables.filled(connection, case.tables):
        counted = count_all(connection, rule, rule.context(case.as_of)).tally.violating
        assert counted == now
        assert count_due(connection, rule, rule.context(case.as_of), counted) == Forecast(
            soon - now, late - now, estimated=False
        )
        assert estimate_due(connection, rule, rule.context(case.as_of)).estimated


def test_what_is_foretold_is_what_a_later_audit_finds(database: str) -> None:
    with connected(database) as connection:

        @thrice
        @given(st.one_of(retention_cases(), soft_delete_cases()))
        def test(case: Case) -> None:
            agree(connection, case)

        test()
