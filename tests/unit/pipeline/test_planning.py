"""Planning: by which instant a night judges, what it audits, what it leaves out and says so, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.pipeline import assembling, auditing
from privacy_audit.pipeline.configuration import read_configuration
from tests.unit.pipeline.company import STORES
from tests.unit.pipeline.one_night import plan


def test_the_instant_is_the_moment_of_asking_to_the_whole_second() -> None:
    assert plan().as_of == datetime(2026, 11, 24, 0, 15, 30, tzinfo=UTC)


def test_an_instant_that_is_given_is_kept_in_utc_to_the_whole_second() -> None:
    assert plan("2026-11-23T02:15:00.75+01:00").as_of == datetime(2026, 11, 23, 1, 15, tzinfo=UTC)


def test_a_store_is_judged_by_the_instant_of_the_plan_and_not_by_the_clock() -> None:
    order = plan("2026-08-01T12:00:00+02:00", stores=["app"], controls=["RET-4"])
    assembled = assembling.assemble(order, [auditing.audit_store(order, "app")])
    assert assembled.as_of == datetime(2026, 8, 1, 10, tzinfo=UTC)
    sessions = next(check.tally for check in assembled.checks if check.table == "app.sessions")
    assert sessions is not None
    # The session of August 2025 is not a year old by then, and that of November 2026 has not begun.
    assert (sessions.violating, sessions.undecidable) == (2, 1)


def test_the_same_run_gives_the_same_audit_and_another_run_another() -> None:
    again, other = plan(), plan(run="manual__2026-11-24")
    assert again == plan()
    assert other.audit_id != again.audit_id
    assert other.triggered_by == "manual__2026-11-24"


def test_a_run_without_wishes_audits_everything_and_leaves_nothing_to_be_said() -> None:
    order = plan()
    assert order.stores == tuple(STORES)
    assert order.controls == tuple(control.id for control in read_configuration().policy.controls)
    assert {"RET-4", "RET-5", "GEO-1"} <= set(order.controls)
    assert order.own_records == ("META-5",)
    assert order.limits == ()


def test_what_was_not_asked_for_is_said() -> None:
    order = plan(stores=["web"], controls=["RET-5", "RET-4"])
    assert order.stores == ("web",)
    assert order.controls == ("RET-4", "RET-5")  # in the policy's order, anyone who asks
    assert order.own_records == ()
    stores, controls = order.limits
    assert stores == "Stores not asked for in this run: app."
    assert controls.startswith("Controls not asked for in this run: RET-1, RET-2, RET-3, MIN-1,")


def test_whoever_asks_for_the_own_records_alone_gets_no_store() -> None:
    order = plan(controls=["META-5"])
    assert (order.stores, order.controls, order.own_records) == ((), ("META-5",), ("META-5",))
    (limit,) = order.limits
    assert limit.startswith("Controls not asked for in this run: RET-1, RET-2,")


def test_the_own_records_are_left_out_of_a_run_over_some_stores_and_that_is_said() -> None:
    order = plan(stores=["web"])
    assert order.own_records == ()
    assert "Looked at only when all stores are asked for: META-5." in order.limits


@pytest.mark.parametrize(("as_of", "in_force"), [("2024-12-31T22:59:59Z", False), ("2024-12-31T23:00:00Z", True)])
def test_a_control_that_is_not_in_force_is_not_judged_by_and_said(
    expectations: Path, as_of: str, in_force: bool
) -> None:
    _change(expectations / "policy.yaml", "RET-4:", "effective_from: 2024-01-01", "effective_from: 2025-01-01")
    order = plan(as_of)  # the first civil day begins at midnight in Paris, at 23:00 in UTC
    said = "Controls not in force at the instant of the audit: RET-4."
    assert ("RET-4" in order.controls, said in order.limits) == (in_force, not in_force)
    assert "RET-5" in order.controls


def test_judging_by_an_instant_long_past_is_said() -> None:
    (limit,) = plan("2026-11-22T02:15:00+01:00").limits
    assert limit.startswith("The stores were read on a later day than the one judged by")


WRITE_IT_AS = "Write it as 2026-11-24T02:15:00+01:00."
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no instant": ({"as_of": "last night"}, "parameter as_of: is not an instant", WRITE_IT_AS),
    "no zone": ({"as_of": "2026-11-23T02:15:00"}, "parameter as_of: has no zone", WRITE_IT_AS),
    "before time": ({"as_of": "0001-01-01T00:00:00+01:00"}, "parameter as_of: ", WRITE_IT_AS),
    "the future": ({"as_of": "2026-11-24T01:15:31+01:00"}, "parameter as_of: lies in the future", "leave it out"),
    "a store": ({"stores": ["web", "ap"]}, 'parameter stores: there is no store "ap".', 'Did you mean "app"?'),
    "a control": ({"controls": ["RET-44"]}, 'parameter controls: there is no control "RET-44".', "Did you mean"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_audited_is_refused_with_the_way_out(what: str) -> None:
    wishes, fact, way_out = REFUSED[what]
    with pytest.raises(ConfigurationRefusedError) as refused:
        plan(**wishes)
    (mistake,) = refused.value.mistakes
    assert str(mistake).startswith(fact)
    assert way_out in mistake.way_out


def test_suites_that_are_not_what_the_policy_says_are_refused(expectations: Path) -> None:
    _change(expectations / "suites" / "app" / "app.sessions.json", "", "P1Y", "P9Y")
    with pytest.raises(ConfigurationRefusedError, match=r"app\.sessions\.json.*Run `privacy-audit compile`"):
        plan()


def _change(path: Path, after: str, old: str, new: str) -> None:
    """Writes `new` for the first `old` that stands after a piece of the file."""
    before, found, rest = path.read_text().partition(after) if after else ("", "", path.read_text())
    assert old in rest
    path.write_text(before + found + rest.replace(old, new, 1))
