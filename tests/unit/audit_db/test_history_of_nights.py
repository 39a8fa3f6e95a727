"""A finding over many nights: what the register returns of it is what was said of it, night after night."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from privacy_audit import audit_db
from privacy_audit.audit_db import AuditSubmission
from privacy_audit.compiler.policy_changes import promises
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingHistory, FindingKind, FindingStatus
from privacy_audit.findings.transitions import HandlingRules
from tests import builders
from tests.unit.audit_db.conftest import Rows

PLACE = "app/app.positions"
FINGERPRINT = builders.check(PLACE, "RET-3", Outcome.FAIL).fingerprint


def _at(night: float) -> datetime:
    return builders.T + timedelta(days=night)


def _fail(rows: int) -> CheckResult:
    return builders.check(PLACE, "RET-3", Outcome.FAIL, builders.tally(100_000, rows))


def _night(night: float, *checks: CheckResult | Outcome) -> Audit:
    made = (builders.check(PLACE, "RET-3", it) if isinstance(it, Outcome) else it for it in checks)
    return builders.audit(builders.app(*made), audit_id=f"n{night}", as_of=_at(night))


def _file(url: str, audit: Audit, rules: HandlingRules | None = None) -> FindingHistory:
    return audit_db.file(url, AuditSubmission(audit, "d", rules=rules or HandlingRules())).chronicle


def test_the_nights_of_a_finding_are_what_was_said_on_each(url: str) -> None:
    outcomes = (Outcome.FAIL, Outcome.NOT_AUDITED, Outcome.REVIEW, Outcome.PASS, Outcome.PASS, Outcome.FAIL)
    told = [_file(url, _night(night, outcome)) for night, outcome in enumerate(outcomes)]
    said = [(_at(night), told[night].standing(FINGERPRINT)) for night in (0, 1, 2, 3, 5)]
    assert told[4].standings == ()
    assert audit_db.nights(url, FINGERPRINT) == tuple(said)
    assert [one.status for _, one in said if one] == ["new", "open", "open", "resolved", "reopened"]


def test_findings_are_as_they_stood_last_also_the_resolved_ones_and_the_open_come_first(url: str) -> None:
    _file(url, builders.audit(builders.app(builders.check("app/app.x", "RET-1", Outcome.FAIL), _fail(5))))
    first = _night(1, Outcome.PASS, builders.check("app/app.x", "RET-1", Outcome.FAIL))
    _file(url, first)
    _file(url, _night(2, Outcome.PASS, builders.check("app/app.x", "RET-1", Outcome.FAIL)))
    told = [(one.check, one.status, one.last_seen) for one in audit_db.findings(url)]
    assert told == [
        ("app/app.x/RET-1", FindingStatus.OPEN, _at(2)),
        ("app/app.positions/RET-3", FindingStatus.RESOLVED, _at(0)),
    ]


def test_a_store_that_was_not_audited_again_stands_as_it_did(url: str) -> None:
    _file(url, builders.audit())
    before = [one for one in audit_db.findings(url) if one.store == "web"]
    chronicle = _file(url, _night(1, Outcome.PASS))
    assert {one.store for one in chronicle.standings} == {"app"}
    assert [one for one in audit_db.findings(url) if one.store == "web"] == before != []


def test_an_audit_of_an_earlier_night_is_filed_and_moves_nothing(url: str, rows: Rows) -> None:
    _file(url, _night(1, Outcome.FAIL))
    before = audit_db.findings(url)
    late = _file(url, _night(0, Outcome.PASS))
    assert (late.moved, late.standings, audit_db.findings(url)) == (False, (), before)
    assert rows("SELECT id, moved FROM audits ORDER BY seq") == [("n1", True), ("n0", False)]
    assert [audit.id for audit in audit_db.last_audits(url, 9)] == ["n1", "n0"]
    assert _file(url, replace(_night(1, Outcome.PASS), id="again")).moved is True


def test_a_loosened_promise_is_told_once_and_by_an_audit_of_which_people_are_told(url: str) -> None:
    """An audit of the past tells nobody: it must not use up what the next night has to say."""
    strict = promises(builders.policy(), ())
    loose = {**strict, "controls": {**strict["controls"], "RET-3": {**strict["controls"]["RET-3"], "severity": "low"}}}

    def night(number: int, digest: str, promised: dict[str, Any]) -> list[str]:
        submission = AuditSubmission(_night(number, Outcome.PASS), "d", digest, promised)
        return [change.subject for change in audit_db.file(url, submission).chronicle.policy_changes]

    assert night(0, "strict", strict) == []
    night(-1, "loose", loose)
    assert night(1, "loose", loose) == ["RET-3"]
    assert night(2, "loose", loose) == []


def test_what_is_usual_is_counted_by_civil_days_that_looked(url: str) -> None:
    """Two audits of one day are one night, a night that could not look is none; five are needed to know a jump."""
    nights = [(0, 100), (0.2, 100), (1, 100), (2, 100), (3, None), (4, 100)]
    for night, counted in nights:
        _file(url, _night(night, _fail(counted) if counted else Outcome.NOT_AUDITED))
    jumps = {}
    for night in (5, 6):
        standing = _file(url, _night(night, _fail(5_000 + night))).standing(FINGERPRINT)
        jumps[night] = standing and standing.braked
    assert jumps == {5: False, 6: True}


def test_only_the_last_fourteen_nights_are_usual(url: str) -> None:
    for night in range(20):
        _file(url, _night(night, _fail(10 if night < 6 else 600)))
    standing = _file(url, _night(20, _fail(2_000))).standing(FINGERPRINT)
    assert standing
    assert standing.braked is False


def test_the_series_of_a_check_ends_with_tonight_and_goes_on_under_a_new_name(url: str) -> None:
    moved = builders.check("app/app.tracks", "RET-3", Outcome.FAIL, builders.tally(100_000, 7))
    rules = HandlingRules(formerly={moved.fingerprint: (FINGERPRINT,)})
    _file(url, _night(0, _fail(5)))
    _file(url, _night(1, Outcome.NOT_AUDITED))
    chronicle = _file(url, _night(2, moved), rules)
    points = [(it.as_of, it.outcome, it.violating) for it in chronicle.series[moved.fingerprint]]
    assert points == [
        (_at(0), Outcome.FAIL, 5),
        (_at(1), Outcome.NOT_AUDITED, None),
        (_at(2), Outcome.FAIL, 7),
    ]
    assert [one.first_seen for one in chronicle.standings if one.kind is FindingKind.NONCONFORMITY and one.is_open] == [
        _at(0)
    ]


@pytest.mark.parametrize("nights", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_last_night_counts_in_whatever_order_they_are_filed(url: str, nights: tuple[int, ...]) -> None:
    for night in nights:
        _file(url, _night(night, Outcome.PASS if night == 2 else Outcome.FAIL))
    assert not [one for one in audit_db.findings(url) if one.is_open]


def test_nothing_is_known_of_what_was_never_found(url: str) -> None:
    _file(url, _night(0, Outcome.PASS))
    assert (audit_db.findings(url), audit_db.nights(url, FINGERPRINT)) == ((), ())
