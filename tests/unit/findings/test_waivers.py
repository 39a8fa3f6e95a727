"""Waivers: what is read of them, what is refused and in which words, and what is said of each after an audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from privacy_audit import controls
from privacy_audit.config.handling import Handling
from privacy_audit.config.policy import policy_reader
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.promises import Control
from privacy_audit.findings import waivers
from privacy_audit.findings.finding_state import FindingState, WaiverState
from privacy_audit.findings.waivers import WaivableCheck, Waiver
from tests import builders
from tests.places import EXPECTATIONS
from tests.unit.findings.nights import Look, Night, Paper, Place, after, fold

FILE = """\
waivers:
  W-2026-7:
    check: app/app.positions/RET-3
    reason: The table is being migrated.
    requested_by: Ada
    approved_by: Bob
    granted: 2026-10-01
    expires: 2026-12-30
    max_rows: 10
"""
NEVER = "nobody may accept that a child's data is processed without its guardian's consent."
SEVERITIES = {"RET-1": Severity.MEDIUM, "RET-3": Severity.HIGH, "RET-4": Severity.LOW, "GEO-1": Severity.CRITICAL}


def _control(name: str, severity: Severity) -> Control:
    return replace(builders.policy().control("RET-3"), id=name, severity=severity)


CHECKS = {
    f"app/app.positions/{name}": WaivableCheck(_control(name, severity)) for name, severity in SEVERITIES.items()
} | {"app/app.users/MIN-1": WaivableCheck(_control("MIN-1", Severity.HIGH), NEVER)}


def _read(folder: Path, text: str) -> tuple[Waiver, ...]:
    expectations = folder / "expectations"
    expectations.mkdir(exist_ok=True)
    (expectations / "waivers.yaml").write_text(text, encoding="utf-8")
    return waivers.read(expectations, CHECKS, Handling(), "Europe/Paris")


def _edited(*edits: tuple[str, str]) -> str:
    text = FILE
    for was, becomes in edits:
        assert was in text
        text = text.replace(was, becomes, 1)
    return text


def _twice(*edits: tuple[str, str]) -> str:
    """The file with a second waiver below, which is edited."""
    return FILE + _edited(("W-2026-7", "W-2026-8"), *edits).removeprefix("waivers:\n")


def test_a_waiver_holds_on_whole_civil_days_of_the_policy(tmp_path: Path) -> None:
    (waiver,) = _read(tmp_path, FILE)
    begins, over = datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 12, 30, 23, tzinfo=UTC)
    assert waiver == Waiver(
        "W-2026-7",
        "app/app.positions/RET-3",
        "The table is being migrated.",
        "Ada",
        "Bob",
        begins,
        over - timedelta(microseconds=1),
        10,
    )
    least = timedelta(microseconds=1)
    held = [waiver.holds(instant) for instant in (begins - least, begins, over - least, over)]
    assert held == [False, True, True, False]


def test_a_waiver_may_end_at_an_instant(tmp_path: Path) -> None:
    (waiver,) = _read(tmp_path, _edited(("2026-12-30", "2026-12-30T18:00:00+01:00")))
    assert waiver.expires == datetime(2026, 12, 30, 17, tzinfo=UTC)


def test_without_the_file_nothing_is_waived(tmp_path: Path) -> None:
    assert waivers.read(tmp_path, CHECKS, Handling(), "Europe/Paris") == ()
    assert _read(tmp_path, "waivers: {}") == ()


def test_one_waiver_may_follow_another(tmp_path: Path) -> None:
    text = _twice(("granted: 2026-10-01", "granted: 2026-12-31"), ("2026-12-30", "2027-01-30"))
    assert [waiver.id for waiver in _read(tmp_path, text)] == ["W-2026-7", "W-2026-8"]


REFUSALS: dict[str, tuple[str, list[str]]] = {
    "a check with a slip of the pen": (
        _edited(("app.positions/RET-3", "app.position/RET-3")),
        ['3:12: waiver W-2026-7: there is no check "app/app.position/RET-3". Did you mean "app/app.positions/RET-3"?'],
    ),
    "a check that is like no other": (
        _edited(("app/app.positions/RET-3", "orders")),
        ['3:12: waiver W-2026-7: there is no check "orders". Copy the id of the check from a report.'],
    ),
    "one person on both sides": (
        _edited(("Bob", "aDA")),
        [
            "2:3: waivers.W-2026-7: Nobody approves a waiver of their own: "
            "`approved_by` must be another person."  # however the name is written
        ],
    ),
    "an instant in no zone": (
        _edited(("2026-12-30", "2026-12-30T18:00:00")),
        ["2:3: waivers.W-2026-7: `expires` has a time and no zone. Write 2026-12-31T18:00:00+01:00, or a date alone."],
    ),
    "no end": (_edited(("    expires: 2026-12-30\n", "")), ['2:3: waivers.W-2026-7: the key "expires" is missing.']),
    "no number of rows": (
        _edited(("    max_rows: 10\n", "")),
        ['2:3: waivers.W-2026-7: the key "max_rows" is missing.'],
    ),
    "a waiver for no row": (
        _edited(("max_rows: 10", "max_rows: 0")),
        ["9:15: waivers.W-2026-7.max_rows: must be at least 1."],
    ),
    "nobody who approved": (
        _edited(("    approved_by: Bob\n", "")),
        ['2:3: waivers.W-2026-7: the key "approved_by" is missing.'],
    ),
    "a key with a slip of the pen": (
        _edited(("max_rows", "max_row")),
        ['9:5: waivers.W-2026-7: the key "max_row" is unknown. Did you mean "max_rows"?'],
    ),
    "an end before the start": (
        _edited(("2026-12-30", "2026-09-30")),
        ["8:14: waiver W-2026-7: ends before it begins. Write a later end."],
    ),
    "an end at the very start": (
        _edited(("2026-12-30", "2026-10-01T00:00:00+02:00")),
        ["8:14: waiver W-2026-7: ends before it begins. Write a later end."],
    ),
    "a promise that nobody may waive": (
        _edited(("app.positions/RET-3", "app.users/MIN-1")),
        [f"3:12: waiver W-2026-7: MIN-1 cannot be waived: {NEVER} Close the finding instead."],
    ),
    "two at once": (
        _twice(("granted: 2026-10-01", "granted: 2026-12-30"), ("expires: 2026-12-30", "expires: 2027-01-30")),
        ["10:3: waiver W-2026-8: W-2026-7 covers the same check in the same time. Keep one of the two."],
    ),
    "an id that is used twice": (
        FILE + FILE.removeprefix("waivers:\n"),
        ['10:3: the key "W-2026-7" stands here again; it first stands in line 2. Keep one of the two.'],
    ),
    "an id that is none": (
        _edited(("W-2026-7", "W 7")),
        ["2:3: waivers.W 7: 'W 7' is no id of a waiver. Use letters, digits, - _ and . as in W-2026-7."],
    ),
    "all mistakes at once": (
        _edited(("RET-3", "RET-33"), ("2026-12-30", "2026-09-30")),
        [
            "8:14: waiver W-2026-7: ends before it begins. Write a later end.",
            '3:12: waiver W-2026-7: there is no check "app/app.positions/RET-33". '
            'Did you mean "app/app.positions/RET-3"?',
        ],
    ),
}


@pytest.mark.parametrize(("text", "says"), REFUSALS.values(), ids=REFUSALS)
def test_a_waiver_that_could_rot_is_refused_in_these_words(tmp_path: Path, text: str, says: list[str]) -> None:
    with pytest.raises(ConfigurationRefusedError) as refused:
        _read(tmp_path, text)
    assert str(refused.value).splitlines() == [f"expectations/waivers.yaml:{line}" for line in says]


@pytest.mark.parametrize(
    ("control", "first", "last", "day_after"),
    [
        ("GEO-1", "2026-06-01", "2026-06-15", "2026-06-16"),
        ("GEO-1", "2026-10-20", "2026-11-03", "2026-11-04"),  # one of these days has 25 hours
        ("GEO-1", "2026-03-20", "2026-04-03", "2026-04-04"),  # and one of these 23
        ("RET-3", "2026-10-01", "2026-12-30", "2026-12-31"),
        ("RET-1", "2026-01-01", "2026-06-30", "2026-07-01"),
        ("RET-4", "2026-01-01", "2027-01-01", "2027-01-02"),
    ],
)
def test_a_waiver_lasts_as_long_as_the_severity_allows(
    tmp_path: Path, control: str, first: str, last: str, day_after: str
) -> None:
    edits = ("RET-3", control), ("2026-10-01", first)
    assert _read(tmp_path, _edited(*edits, ("2026-12-30", last)))
    severity = SEVERITIES[control]
    longest = Handling().waiver_days[severity]
    with pytest.raises(ConfigurationRefusedError) as refused:
        _read(tmp_path, _edited(*edits, ("2026-12-30", day_after)))
    assert str(refused.value) == (
        f"expectations/waivers.yaml:8:14: waiver W-2026-7: lasts longer than the {longest} days allowed for a finding "
        f"of {severity} severity. Let it end earlier; it can be renewed when it has been looked at again."
    )


@pytest.mark.parametrize(("was", "becomes"), [("2026-12-30", "9999-12-31"), ("2026-10-01", "0001-01-01")])
def test_a_day_that_means_never_or_always_is_refused(tmp_path: Path, was: str, becomes: str) -> None:
    with pytest.raises(ConfigurationRefusedError, match=r"expectations/waivers\.yaml:\d+:\d+: "):
        _read(tmp_path, _edited((was, becomes)))


def test_the_promises_of_the_policy_that_nobody_may_waive() -> None:
    never = {name for name, kind in controls.kinds().items() if kind.never_waived}
    promises = policy_reader.load(EXPECTATIONS, controls.kinds()).controls
    assert {control.id for control in promises if control.kind in never} == {"MIN-1", "MIN-2", "HLD-1", "HLD-2"}


def _waiver(**parts: Any) -> Waiver:
    usual = Waiver("W-1", POSITIONS.check, "It is migrated.", "Ada", "Bob", after(0), after(60), 20)
    return replace(usual, **parts)


Nights = list[tuple[float, int | None]]
"""Days after the start and rows in breach; None where nobody could look."""
POSITIONS = Place("app", "app.positions", "RET-3")
FAILED: Nights = [(1, 12)]
STATES = {
    "it covers what there is": (_waiver(), FAILED, WaiverState.IN_FORCE),
    "its end is more than two weeks away": (_waiver(expires=after(15.1)), FAILED, WaiverState.IN_FORCE),
    "its end is two weeks away": (_waiver(expires=after(15)), FAILED, WaiverState.ENDING),
    "tonight is its last instant": (_waiver(expires=after(1)), FAILED, WaiverState.ENDING),
    "its last instant is over": (_waiver(expires=after(0.9)), FAILED, WaiverState.EXPIRED),
    "it begins tonight": (_waiver(begins=after(1)), FAILED, WaiverState.IN_FORCE),
    "it begins later": (_waiver(begins=after(1.1)), FAILED, WaiverState.NOT_YET),
    "there is nothing to cover": (_waiver(), [(1, 0)], WaiverState.UNUSED),
    "nobody could look, and so nobody knows": (_waiver(), [(1, None)], WaiverState.IN_FORCE),
    "nobody could look at what it covers": (_waiver(), [(0, 12), (1, None)], WaiverState.IN_FORCE),
    "what it covered is gone": (_waiver(), [(0, 12), (1, 0)], WaiverState.UNUSED),
    "there are as many rows as it covers": (_waiver(max_rows=12), FAILED, WaiverState.IN_FORCE),
    "there is one row more": (_waiver(max_rows=11), FAILED, WaiverState.EXCEEDED),
    "there was one row more": (_waiver(max_rows=12), [(0, 12), (0.5, 13), (1, 12)], WaiverState.EXCEEDED),
    "it covers twice as many rows": (_waiver(max_rows=24), FAILED, WaiverState.IN_FORCE),
    "it covers more than twice as many rows": (_waiver(max_rows=25), FAILED, WaiverState.OVER_BROAD),
    "it covers many times the rows, and few": (_waiver(max_rows=10), [(1, 1)], WaiverState.IN_FORCE),
    "it covers many times the rows, and ten more": (_waiver(max_rows=11), [(1, 1)], WaiverState.OVER_BROAD),
    "it covers far too many rows and ends": (_waiver(max_rows=99, expires=after(9)), FAILED, WaiverState.ENDING),
}


@pytest.mark.parametrize(("waiver", "nights", "state"), STATES.values(), ids=STATES)
def test_what_is_said_of_a_waiver_after_an_audit(waiver: Waiver, nights: Nights, state: WaiverState) -> None:
    (told,) = waivers.reports([waiver], *_last(waiver, nights), 14)
    assert told.state is state
    assert (told.id, told.check, told.reason) == ("W-1", POSITIONS.check, "It is migrated.")
    assert (told.requested_by, told.approved_by, told.expires) == ("Ada", "Bob", waiver.expires)
    rows = [rows for _, rows in nights if rows is not None]
    assert (told.max_rows, told.rows) == (waiver.max_rows, rows[-1] if rows else 0)  # strict, whatever is waived


def _last(waiver: Waiver, nights: Nights) -> tuple[tuple[FindingState, ...], Audit]:
    """How findings stand after the last of these nights, and its audit."""
    papers = {POSITIONS: (Paper(waiver.id, waiver.begins, waiver.expires, waiver.max_rows),)}
    made = [Night(after(day), {POSITIONS: _look(rows)}, ("app",), papers=papers) for day, rows in nights]
    *_, (_, stands) = fold(made)
    return stands, made[-1].audit("n")


def _look(rows: int | None) -> Look:
    if rows is None:
        return Look(Outcome.NOT_AUDITED)
    return Look(Outcome.FAIL, rows, 0, builders.SINCE) if rows else Look(Outcome.PASS)


def test_waivers_are_reported_in_the_order_of_the_file() -> None:
    several = [_waiver(id="W-2"), _waiver(id="W-1", check="app/app.other/RET-1")]
    told = waivers.reports(several, *_last(_waiver(id="W-2"), FAILED), 14)
    assert [(it.id, it.rows) for it in told] == [("W-2", 12), ("W-1", 0)]
    assert waivers.reports((), *_last(_waiver(), FAILED), 14) == ()


def test_a_changed_waiver_is_another_one() -> None:
    same = [_waiver(), _waiver(reason="Still."), _waiver(expires=after(60).astimezone())]
    other = [_waiver(id="W-2"), _waiver(max_rows=21), _waiver(expires=after(61))]
    assert len({it.terms for it in same}) == 1
    assert len({it.terms for it in [*same, *other]}) == 4
