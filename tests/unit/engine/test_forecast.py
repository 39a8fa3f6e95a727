"""What falls due next: exact where a table is counted, estimated where it is not, untold where no clock decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.tally import Forecast, TallyMismatchError
from privacy_audit.engine import measurement as measuring
from privacy_audit.engine.check_details import details_of, read_details
from privacy_audit.engine.forecast import count_due
from privacy_audit.engine.measurement import count_all, count_suspects
from tests.unit.engine.conftest import Store, T, by_control
from tests.unit.engine.test_plan import consent, looked, retention

PARIS = ZoneInfo("Europe/Paris")
DAYS = """
    CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz, gone_on date, keep int);
    INSERT INTO app.positions
    SELECT n, n % 20, ('2023-06-01 00:00'::timestamp + n * interval '12 hours') AT TIME ZONE 'Europe/Paris',
           '2023-06-01'::date + n / 2, CASE WHEN n % 3 = 0 THEN 1 END
    FROM generate_series(0, 2200) n
"""
"""Two positions a day, at midnight and at noon of Paris, for three years."""
HALF_PAST_TWO = time(2, 30)
"""It comes twice on 26 October 2025 and never on 30 March."""
ENDS = [
    date(2024, 1, 31),
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2024, 3, 30),
    date(2024, 11, 30),
    date(2024, 12, 1),
    date(2025, 1, 30),
    date(2025, 2, 28),
    date(2025, 3, 1),
    date(2025, 3, 30),
    date(2025, 10, 26),
]


def soft_delete(**changes: Any) -> Rule:
    rule = {
        "table": "app.positions",
        "title": "Positions",
        "key": ["id"],
        "zone": "Europe/Paris",
        "no_data_before": "2019-01-01",
        "period": "P30D",
        "mark": {"clock": {"column": "recorded_at"}},
        "categories": ["geolocation"],
        **changes,
    }
    return kinds()["soft_delete"].model_validate(rule)


RULES = {
    "2 months": retention(),
    "30 days": retention(period="P30D"),
    "a year": retention(period="P1Y"),
    "a day": retention(period="P1D", clock={"column": "gone_on", "encoding": "date"}),
    "a period of its own": retention(row_period={"column": "keep", "unit": "months"}),
    "a reason asked for after a month": retention(review_after="P1M"),
    "rows marked as deleted": soft_delete(),
}


def violating(connection: sa.Connection, rule: Rule, as_of: datetime) -> set[int]:
    """How many rows violate, by each way of counting."""
    counted = [count_all(connection, rule, rule.context(as_of))]
    counted += [
        count_suspects(connection, rule, rule.context(as_of), seek, 9999) for seek in rule.seeks(rule.context(as_of))
    ]
    return {measured.tally.violating for measured in counted}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_foretold_is_what_an_audit_finds_on_that_day(store: Store, rule: Rule) -> None:
    store.do(DAYS)
    with store.opened() as connection:
        for day in ENDS:
            at = [datetime.combine(day + timedelta(days=days), HALF_PAST_TWO, PARIS) for days in (0, 30, 90)]
            (now,), (soon,), (late,) = (violating(connection, rule, moment.astimezone(UTC)) for moment in at)
            assert count_due(connection, rule, rule.context(at[0]), now) == Forecast(
                soon - now, late - now, estimated=False
            ), day


def test_holds_are_those_of_today(store: Store) -> None:
    holds = {
        "table": "app.holds",
        "key": ["id"],
        "subject": "person",
        "category": "category",
        "matter": "matter",
        "started": {"column": "started"},
        "released": {"column": "released"},
    }
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz)",
        "INSERT INTO app.positions SELECT n, n, '2026-10-01' FROM generate_series(1, 5) n",
        """CREATE TABLE app.holds
            (id int, person bigint, category text, matter text, started timestamptz, released timestamptz)""",
        """INSERT INTO app.holds VALUES (1, 1, 'geolocation', 'A', '2026-11-01', '2026-11-30'),
            (2, 2, 'geolocation', 'B', '2026-11-30', NULL), (3, 3, 'geolocation', 'C', '2026-11-01', NULL)""",
    )
    # 1 and 3 are held today. That one is released soon, and another one placed, nobody knows today.
    assert looked(store, retention(holds=holds)).forecast == Forecast(3, 3, estimated=False)


def test_a_row_that_nobody_will_be_able_to_decide_is_not_called_due(store: Store) -> None:
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz, year int)",
        "INSERT INTO app.positions VALUES (1, 1, now(), 2021), (2, 2, now(), 2022), (3, 3, now(), NULL)",
    )
    rule = retention(period="P5Y", clock={"column": "year", "encoding": "year"})
    measured = looked(store, rule)
    assert (measured.tally.violating, measured.tally.undecidable) == (0, 2)
    # The 5 years from 2021 are over for certain on 31 December 2026; those from 2022 may be over a day later.
    assert measured.forecast == Forecast(0, 1, estimated=False)


def test_beyond_the_budget_the_planner_is_asked(store: Store) -> None:
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz)",
        """INSERT INTO app.positions SELECT n, n, '2026-11-24'::timestamptz - n * interval '1 minute'
            FROM generate_series(0, 100000) n""",
        "CREATE INDEX ON app.positions (recorded_at)",
        "ANALYZE app.positions",
    )
    exact, guess = looked(store, retention(), 100_001).forecast, looked(store, retention(), 1000).forecast
    assert exact is not None
    assert guess is not None
    assert guess.estimated
    assert not exact.estimated
    assert guess.in_30_days == pytest.approx(exact.in_30_days, rel=0.1)
    assert guess.in_90_days == pytest.approx(exact.in_90_days, rel=0.1)
    assert exact.in_90_days == pytest.approx(100_001 - 1440 * 9, abs=1440 * 60)


def test_where_no_clock_decides_alone_nothing_is_foretold(store: Store) -> None:
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz, gone boolean)",
        "CREATE TABLE app.consents (person bigint, purpose text, granted timestamptz, withdrawn timestamptz)",
        "INSERT INTO app.positions VALUES (1, 1, '2026-11-01', true)",
    )
    assert looked(store, consent()).forecast is None
    assert looked(store, soft_delete(mark={"flag": "gone"})).forecast is None


def test_what_is_foretold_reaches_the_result(store: Store, tmp_path: Path) -> None:
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz)",
        "INSERT INTO app.positions VALUES (1, 1, '2026-01-01'), (2, 2, '2026-10-01'), (3, 3, '2026-11-23')",
    )
    positions = {
        "title": "Positions",
        "key": ["id"],
        "subject": {"column": "user_id"},
        "data": [{"category": "geolocation", "clock": {"column": "recorded_at"}}],
    }
    check = by_control(store.audit(tmp_path, {"app.positions": positions}, controls=("RET-3",)))["RET-3"]
    assert check.forecast == Forecast(1, 2, estimated=False)
    (filed,) = tmp_path.rglob("*.json")
    assert '"due_in_90_days": 2' in filed.read_text()


def test_what_is_foretold_passes_through_the_details(store: Store) -> None:
    store.do(
        "CREATE TABLE app.positions (id bigint, user_id bigint, recorded_at timestamptz)",
        f"INSERT INTO app.positions VALUES (1, 1, '{T}')",
    )
    measured = looked(store, retention())
    assert measured.forecast == Forecast(0, 1, estimated=False)
    assert read_details(details_of(measured)) == measured


def test_what_was_counted_is_not_lost_for_what_cannot_be_foretold(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.do(DAYS)

    def fails(connection: sa.Connection, *_: object) -> None:
        connection.exec_driver_sql("SELECT 1 / 0")

    monkeypatch.setattr(measuring, "count_due", fails)
    with store.opened() as connection:
        measured = measuring.measure(connection, retention(), T)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    assert measured.forecast is None
    assert measured.tally.violating > 0


@pytest.mark.parametrize(("soon", "late"), [(-1, 3), (4, 3)])
def test_a_forecast_that_contradicts_itself_is_none(soon: int, late: int) -> None:
    with pytest.raises(TallyMismatchError):
        Forecast(soon, late, estimated=False)
