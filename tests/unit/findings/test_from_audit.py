"""From an audit to its findings: which, in which order, and what each says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.findings import Finding, findings_of, store_not_audited
from tests import builders

PASSED = (Outcome.PASS, Outcome.NOT_APPLICABLE)


def test_the_findings_of_a_night_come_by_urgency() -> None:
    found = findings_of(builders.audit(builders.app(), builders.down(builders.web())))
    assert [(one.check, one.outcome.value, one.severity.value) for one in found] == [
        ("web/_store", "not_audited", "high"),
        ("web/web.visits/RET-5/first_party", "not_audited", "high"),
        ("web/web.visits/RET-5/third_party", "not_audited", "high"),
        ("app/app.prospects/RET-1", "not_audited", "medium"),
        ("web/web.connection_logs/RET-4", "not_audited", "low"),
        ("app/app.positions/GEO-1", "fail", "critical"),
        ("app/app.positions/RET-3", "fail", "high"),
        ("app/app.contracts/RET-1", "review", "medium"),
    ]


def test_a_broken_promise_says_what_where_whose_since_when_and_what_to_do() -> None:
    check = builders.check("app/app.positions", "RET-3", Outcome.FAIL, qualifier="gps")
    assert findings_of(builders.audit(builders.app(check))) == (
        Finding(
            fingerprint=check.fingerprint,
            check="app/app.positions/RET-3/gps",
            control="RET-3",
            store="app",
            owner="Product",
            table="app.positions",
            qualifier="gps",
            outcome=Outcome.FAIL,
            severity=Severity.HIGH,
            violating=12,
            undecidable=0,
            overdue_since=date(2026, 11, 18),
            summary="Positions are deleted 2 months after they were recorded. 12 rows break this promise.",
            show_rows="SELECT id FROM app.positions;",
            fix="Run the purge again, and find out why it stopped.",
        ),
    )


@pytest.mark.parametrize(
    ("outcome", "summary", "fix"),
    [
        (
            Outcome.REVIEW,
            "Contacts are deleted 3 years after the last contract. 4 rows cannot be decided: a date is missing.",
            "Settle what cannot be decided: complete or correct the rows, or the store map.",
        ),
        (
            Outcome.NOT_AUDITED,
            "Not audited: Contacts are deleted 3 years after the last contract. app.c is not what the map says.",
            "Remove what keeps the auditor from looking, then run the audit again.",
        ),
    ],
)
def test_what_is_no_broken_promise_has_no_rows_to_show(outcome: Outcome, summary: str, fix: str) -> None:
    (found,) = findings_of(builders.audit(builders.app(builders.check("app/app.c", "RET-1", outcome))))
    assert (found.summary, found.fix, found.show_rows, found.violating) == (summary, fix, "", 0)


def test_one_row_is_said_in_the_singular() -> None:
    check = builders.check("app/app.c", "RET-1", Outcome.FAIL, builders.tally(violating=1))
    (found,) = findings_of(builders.audit(builders.app(check)))
    assert found.summary.endswith("1 row breaks this promise.")


def test_a_store_that_was_not_audited_is_a_finding_without_any_check() -> None:
    store = replace(builders.down(builders.web()), checks=())
    (found,) = findings_of(builders.audit(store))
    assert (found.control, found.table, found.qualifier, found.owner) == ("", "", "", "Web")
    assert (found.outcome, found.severity) == (Outcome.NOT_AUDITED, Severity.CRITICAL)
    assert found.summary == "Not audited: Website database as a whole. The server does not answer."


def test_a_store_as_a_whole_keeps_its_fingerprint_and_shares_it_with_nothing() -> None:
    tonight = builders.audit(builders.down(builders.app()), builders.down(builders.web()))
    tomorrow = replace(builders.down(builders.app()), checks=(), cause=Cause.REFUSED, reason="Login was refused.")
    prints = [one.fingerprint for one in findings_of(tonight)]
    assert len(prints) == len(set(prints)) == 2 + len(tonight.checks)
    assert findings_of(builders.audit(tomorrow))[0].fingerprint in prints


def test_a_store_that_was_looked_at_is_no_finding_although_each_check_failed_to_look() -> None:
    store = builders.app(builders.check("app/app.prospects", "RET-1", Outcome.NOT_AUDITED))
    assert store.outcome is Outcome.NOT_AUDITED
    assert store_not_audited(store) is None
    assert [one.control for one in findings_of(builders.audit(store))] == ["RET-1"]


def test_what_no_control_of_the_policy_speaks_of_is_still_a_finding() -> None:
    audit = builders.audit()
    found = findings_of(replace(audit, policy=replace(audit.policy, controls=())))
    assert len(found) == len(findings_of(audit))
    assert {one.severity for one in found} == {Severity.HIGH}


STORES = st.lists(
    st.tuples(st.sampled_from(list(builders.PROMISES)), st.sampled_from(list(Outcome))), min_size=1, max_size=12
)


@given(STORES, st.randoms(use_true_random=False))
def test_no_check_is_dropped_or_made_up_and_the_order_of_the_stores_is_no_matter(drawn, random) -> None:
    checks = [builders.check(f"app/app.t{n}", control, outcome) for n, (control, outcome) in enumerate(drawn)]
    found = findings_of(builders.audit(builders.app(*checks)))
    assert {one.check for one in found} == {check.id for check in checks if check.outcome not in PASSED}
    urgency = [Outcome.NOT_AUDITED, Outcome.FAIL, Outcome.REVIEW]
    ranks = [(urgency.index(one.outcome), list(Severity).index(one.severity)) for one in found]
    assert ranks == sorted(ranks)
    random.shuffle(checks)
    assert findings_of(builders.audit(builders.app(*checks))) == found


def test_a_finding_is_frozen() -> None:
    (found, *_) = findings_of(builders.audit())
    for field in fields(found):
        with pytest.raises(AttributeError):
            setattr(found, field.name, None)
