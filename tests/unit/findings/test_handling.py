"""How findings are handled: what holds without the file, what a file changes, and what it is refused for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from privacy_audit.config import handling
from privacy_audit.config.handling import Alerts, Handling, NotifiedPerson, RecordPeriods, Route, Weekday
from privacy_audit.domain.categories import Category
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Severity

CRITICAL, HIGH, MEDIUM, LOW = Severity


def _read(folder: Path, text: str) -> Handling:
    expectations = folder / "expectations"
    expectations.mkdir()
    (expectations / "handling.yaml").write_text(text, encoding="utf-8")
    return handling.read(expectations)


def test_without_the_file_the_defaults_hold(tmp_path: Path) -> None:
    said = handling.read(tmp_path)
    assert said == Handling()
    assert said.due_days == {CRITICAL: 7, HIGH: 30, MEDIUM: 90, LOW: 120}
    assert said.waiver_days == {CRITICAL: 14, HIGH: 90, MEDIUM: 180, LOW: 365}
    assert said.alerts == Alerts(
        growth_percent=20, waiver_warning_days=14, digest_on=Weekday.MONDAY, jump_factor=10, jump_rows=1000
    )
    assert (said.platform, said.compliance, said.routes) == (None, None, ())
    assert said.records == RecordPeriods(audits="P3Y", reports="P3Y", validations="P3M", messages="P1Y")


def test_a_file_names_only_what_differs(tmp_path: Path) -> None:
    said = _read(tmp_path, "due_days: {critical: 3}\nalerts: {growth_percent: 50}\nrecords: {audits: P5Y}\n")
    assert said.due_days == {CRITICAL: 3, HIGH: 30, MEDIUM: 90, LOW: 120}
    assert said.alerts == Alerts(growth_percent=50)
    assert said.records == RecordPeriods(audits="P5Y")
    assert said.waiver_days == Handling().waiver_days


def test_who_is_told_beside_the_owners(tmp_path: Path) -> None:
    text = """\
platform: {owner: Platform, alert: alerts_platform}
compliance: {owner: DPO, alert: alerts_dpo}
routes:
- {owner: Security, alert: alerts_security, categories: [geolocation], severities: [critical]}
"""
    said = _read(tmp_path, text)
    assert said.platform == NotifiedPerson(owner="Platform", alert="alerts_platform")
    assert said.compliance == NotifiedPerson(owner="DPO", alert="alerts_dpo")
    assert said.routes == (
        Route(owner="Security", alert="alerts_security", categories=(Category.GEOLOCATION,), severities=(CRITICAL,)),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("du_days: {}", '1:1: the key "du_days" is unknown. Did you mean "due_days"?'),
        ("due_days: {critical: 0}", "1:1: due_days: Days are whole numbers from 1 to 3660."),
        ("waiver_days: {low: 3661}", "1:1: waiver_days: Days are whole numbers from 1 to 3660."),
        ("due_days: {high: '3'}", '1:18: due_days.high: must be a whole number, not the text "3".'),
        ("due_days: {hi: 3}", '1:12: due_days.hi: "hi" is unknown. Did you mean "high"?'),
        ("alerts: {growth_percent: 0}", "1:26: alerts.growth_percent: must be at least 1."),
        ("alerts: {jump_factor: 1}", "1:23: alerts.jump_factor: must be at least 2."),
        ("alerts: {waiver_warning_days: 61}", "1:31: alerts.waiver_warning_days: must be at most 60."),
        ("alerts: {digest_on: firday}", '1:21: alerts.digest_on: "firday" is unknown. Did you mean "friday"?'),
        ("platform: {owner: Platform}", '1:1: platform: the key "alert" is missing.'),
        (
            "compliance: {owner: DPO, alert: a b}",
            "1:33: compliance.alert: 'a b' is not a plain name. "
            "Use small letters, digits and underscores, first a letter.",
        ),
        (
            "routes: [{owner: DPO, alert: alerts_dpo}]",
            "1:10: routes[0]: A route names `categories`, `severities` or both: what is it for?",
        ),
        (
            "records: {audits: 3 years}",
            '1:19: records.audits: "3 years" is not a period. Write months or years or days as in P2M, P1Y6M or P30D.',
        ),
        ("alerts:", "1:1: alerts: must be a mapping (keys with values), but nothing stands here."),
    ],
)
def test_what_a_file_is_refused_for(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationRefusedError) as refused:
        _read(tmp_path, text)
    assert str(refused.value) == f"expectations/handling.yaml:{says}"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefusedError) as refused:
        _read(tmp_path, "alerts: {jump_factor: 1, jump_rows: 0}\nroutes: [{owner: DPO}]")
    assert len(refused.value.mistakes) == 3


@pytest.mark.parametrize(("severity", "due"), [(CRITICAL, date(2026, 11, 1)), (HIGH, date(2026, 11, 24))])
def test_the_last_day_is_counted_in_civil_days(severity: Severity, due: date) -> None:
    assert Handling().due_by(date(2026, 10, 25), severity) == due


@pytest.mark.parametrize(
    ("weekday", "last"),
    [
        (Weekday.TUESDAY, date(2026, 11, 24)),
        (Weekday.MONDAY, date(2026, 11, 23)),
        (Weekday.WEDNESDAY, date(2026, 11, 18)),
    ],
)
def test_the_last_such_weekday_may_be_today(weekday: Weekday, last: date) -> None:
    assert weekday.last_on_or_before(date(2026, 11, 24)) == last  # a Tuesday
