"""Numbers, dates and verdicts as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from tests.unit.publish.report import audits, packs


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (999, "999"), (1_000, "1\u202f000"), (1_234_567, "1\u202f234\u202f567")]
)
def test_number(count: int, said: str) -> None:
    assert phrases.number(count) == said


def test_dates() -> None:
    assert phrases.day(date(2026, 11, 24)) == "24 November 2026"
    assert phrases.month(date(2026, 1, 1)) == "January 2026"
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert phrases.instant(moment, ZoneInfo("Europe/Paris")) == "29 March 2026, 03:30:00 in Europe/Paris"
    assert phrases.iso(moment) == "2026-03-29T01:30:00Z"


def test_every_word_of_the_model_has_words() -> None:
    assert set(phrases.OUTCOMES) == set(phrases.SIGNS) == set(phrases.MEANINGS) == set(Outcome)
    assert set(phrases.SEVERITIES) == set(Severity)
    assert set(phrases.WAYS_OUT) == set(Cause)
    assert next(iter(phrases.OUTCOMES)) is Outcome.NOT_AUDITED, "said first"
    assert len(set(phrases.SIGNS.values())) == len(Outcome), "a shape of its own for each"


def audit(*outcomes: Outcome) -> Audit:
    """One store whose checks ended so."""
    checks = tuple(replace(audits.clean().checks[0], id=f"c{n}", outcome=outcome) for n, outcome in enumerate(outcomes))
    worst = next((outcome for outcome in Outcome if outcome in outcomes), Outcome.NOT_AUDITED)
    return replace(audits.clean(), stores=(StoreResult("app", "Product", "team", "alerts", worst, checks),))


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((Outcome.FAIL, Outcome.FAIL, Outcome.NOT_AUDITED), "Promises are broken: 2 of 3 checks failed"),
        ((Outcome.FAIL,), "A promise is broken: 1 of 1 check failed"),
        (
            (Outcome.NOT_AUDITED, Outcome.REVIEW),
            "Not everything was audited: 1 of 2 checks could not be carried out",
        ),
        ((Outcome.REVIEW, Outcome.PASS), "Some rows cannot be decided: 1 of 2 checks needs a review"),
        ((Outcome.REVIEW, Outcome.REVIEW), "Some rows cannot be decided: 2 of 2 checks need a review"),
        ((Outcome.NOT_APPLICABLE,), "There was nothing to audit: the owners of the stores declared it so"),
        ((Outcome.PASS, Outcome.NOT_APPLICABLE), "No nonconformity was found in what was audited"),
    ],
)
def test_verdict(outcomes: tuple[Outcome, ...], said: str) -> None:
    assert phrases.verdict(audit(*outcomes)) == said


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (("LAW-DSR-3",), "A rule of the law is broken: 1 of 1 check failed"),
        (("LAW-DSR-3", "LAW-DSR-8"), "Rules of the law are broken: 2 of 2 checks failed"),
        (("LAW-DSR-3", "RET-3"), "Promises are broken: 2 of 2 checks failed"),
    ],
)
def test_where_only_the_law_is_broken_no_promise_is_said_to_be(controls: tuple[str, ...], said: str) -> None:
    failed = audit(*[Outcome.FAIL] * len(controls))
    checks = tuple(replace(one, control=name) for one, name in zip(failed.checks, controls, strict=True))
    told = replace(failed, policy=packs.policy(), stores=(replace(failed.stores[0], checks=checks),))
    assert phrases.verdict(told) == said


def test_verdict_when_stores_are_down() -> None:
    assert phrases.verdict(audits.nothing()) == "Nothing was audited"
    assert phrases.verdict(replace(audits.nothing(), stores=())) == "Nothing was audited"
    half = replace(audits.clean(), stores=(*audits.clean().stores, audits.down()))
    assert phrases.verdict(half) == "Not everything was audited: 1 of 2 stores could not be read"
