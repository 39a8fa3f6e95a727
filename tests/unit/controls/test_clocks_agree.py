"""Whether the clocks of store and auditor agree: readings as data, a real server, and a worker whose clock is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.controls.clocks_agree import SURELY_WRONG, ClockReading, ClocksAgree, read
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.engine.measurement import measure
from privacy_audit.engine.self_test import prove_can_fail, self_test_context
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.row_predicates import RowState
from tests.cases.case_files import books
from tests.unit.engine.conftest import Store, T, by_control, made

CASES = books("clocks")["clocks_agree"]["cases"]
NIGHT = date(2026, 11, 24)
LOGS = {
    "app.logs": {"title": "Logs", "key": ["id"], "data": [{"category": "connection", "clock": {"column": "at"}}]},
}


def rule(tolerance: int = 5) -> ClocksAgree:
    return ClocksAgree(
        title="Clocks of the store",
        key=("clock",),
        zone="Europe/Paris",
        no_data_before=date(2019, 1, 1),
        promise="The clocks agree",
        tolerance_seconds=tolerance,
    )


def moment(told: str) -> datetime:
    clock, *earlier = told.split(" ", 1)
    day = NIGHT - timedelta(days=len(earlier))
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_a_reading_shows(case: dict[str, Any]) -> None:
    reading = ClockReading(*(moment(case[name]) for name in ("before", "store", "after")))
    said = reading.state(timedelta(seconds=case.get("tolerance", 5)))
    assert said.name.lower() == case["says"]


def test_the_readings_of_all_states_are_among_the_cases() -> None:
    assert {case["says"] for case in CASES} == {"compliant", "undecidable", "violating"}


SPANS = st.timedeltas(timedelta(hours=-2), timedelta(hours=2)) | st.timedeltas(timedelta(0), timedelta(seconds=6))


@given(truly=SPANS, there=st.timedeltas(timedelta(0), timedelta(seconds=9)), back=st.timedeltas(timedelta(0)))
def test_clocks_are_never_said_to_be_wrong_when_they_are_not_and_never_right_when_far_apart(
    truly: timedelta, there: timedelta, back: timedelta
) -> None:
    """`truly` is the real difference: what no reading can show, and what each must be true of."""
    back = min(back, timedelta(seconds=9))
    began = datetime(2026, 11, 24, tzinfo=UTC)
    said = ClockReading(began, began + there + truly, began + there + back).state(timedelta(seconds=5))
    if said is RowState.VIOLATING:
        assert abs(truly) > SURELY_WRONG
    if said is RowState.COMPLIANT:
        assert abs(truly) <= timedelta(seconds=5) + there + back <= timedelta(seconds=10)
    if abs(truly) > SURELY_WRONG + there + back:
        assert said is RowState.VIOLATING


@pytest.fixture
def plain(store: Store) -> Iterator[sa.Connection]:
    """A connection as an audit opens it."""
    with store.opened() as connection:
        yield connection


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store with a table, for a map has one at least."""
    with made(database) as store:
        store.do("CREATE TABLE app.logs (id int PRIMARY KEY, at timestamptz)")
        yield store


def measured(connection: sa.Connection, wrong_by: timedelta) -> tuple[int, int, int]:
    """What a check counts over a real server when the auditor's clock goes wrong by so much."""
    with time_machine.travel(datetime.now(UTC) + wrong_by):
        tally = measure(connection, rule(), T).tally
    assert tally.population == 1
    return tally.compliant, tally.undecidable, tally.violating


@pytest.mark.parametrize("way", [-1, 1], ids=["slow", "fast"])
def test_a_worker_whose_clock_is_wrong_is_told(plain: sa.Connection, way: int) -> None:
    assert measured(plain, timedelta()) == (1, 0, 0)
    assert measured(plain, way * timedelta(seconds=2)) == (1, 0, 0)
    assert measured(plain, way * timedelta(seconds=10)) == (0, 1, 0)
    assert measured(plain, way * timedelta(minutes=59)) == (0, 1, 0)
    assert measured(plain, way * timedelta(minutes=61)) == (0, 0, 1)


def test_the_clock_that_is_read_does_not_stand_still_in_the_snapshot(store: Store) -> None:
    with store.opened() as connection:
        first, second = read(connection), read(connection)
    assert first.store < second.store
    assert first.before <= first.after <= second.before
    assert first.apart < timedelta(seconds=5)


def test_how_long_the_answer_took_is_measured(plain: sa.Connection) -> None:
    with time_machine.travel(T, tick=False) as clock:
        sa.event.listen(plain, "before_cursor_execute", lambda *_: clock.shift(6), once=True)
        reading = read(plain)
    assert reading.after - reading.before == timedelta(seconds=6)


def audited(store: Store, folder: Path) -> CheckResult:
    return by_control(store.audit(folder, LOGS, controls=("META-3",)))["META-3"]


def test_the_whole_audit_says_it_of_the_store_and_not_of_its_instant(store: Store, tmp_path: Path) -> None:
    """The audit judges by T, which is another instant than now: that says nothing of clocks."""
    check = audited(store, tmp_path / "right")
    assert (check.id, check.outcome, check.reason) == ("app/_store.catalog/META-3", Outcome.PASS, "")
    assert check.sentence == "The clocks of the store and of the auditor differ by 5 seconds at most."
    assert (check.show_rows, check.show_undecidable, check.draft) == ("", "", "")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        check = audited(store, tmp_path / "wrong")
    assert (check.outcome, check.cause) == (Outcome.REVIEW, Cause.UNDECIDABLE_ROWS)
    assert check.reason.startswith("1 row cannot be decided: the clocks differ by more than 5 seconds and nobody knows")
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1)):
        check = audited(store, tmp_path / "a day behind")
    assert (check.outcome, check.reason) == (Outcome.FAIL, "")
    assert "clock_timestamp()" in check.fix


STATE = ClockReading.state
SLIPS: dict[str, Callable[[ClockReading, timedelta], RowState]] = {
    "always agree": lambda *_: RowState.COMPLIANT,
    "never sure": lambda *_: RowState.UNDECIDABLE,
    "the answer may take any time": lambda it, most: STATE(replace(it, after=it.before), most),
    "only a slow clock is wrong": lambda it, most: STATE(replace(it, store=min(it.store, it.after)), most),
    "only a fast clock is wrong": lambda it, most: STATE(replace(it, store=max(it.store, it.before)), most),
    "twice as much is tolerated": lambda it, most: STATE(it, 2 * most),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_rule_that_misjudges_clocks_fails_its_specimens(
    slip: str, plain: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove_can_fail(plain, rule(), T)
    monkeypatch.setattr(ClockReading, "state", SLIPS[slip])
    with pytest.raises(StoreError, match="the rule fails its own self-test cases, so it proves nothing: of a clock "):
        prove_can_fail(plain, rule(), T)


@pytest.mark.parametrize("seconds", [1, 5, 60])
def test_the_specimens_hold_for_every_tolerance(seconds: int) -> None:
    assert not list(rule(seconds).disproof(self_test_context(rule(seconds), T)))


@pytest.mark.parametrize("text", ["0", "61", "-1", "5.5", "five", "", "٣"])
def test_a_tolerance_that_is_none_is_refused(text: str) -> None:
    ((where, fact),) = ClocksAgree.faults({"tolerance_seconds": text})
    assert where == ("tolerance_seconds",)
    assert fact.endswith('is no tolerance. Write whole seconds from 1 to 60, as "5".')


def test_a_tolerance_may_be_left_out() -> None:
    assert not list(ClocksAgree.faults({}))
