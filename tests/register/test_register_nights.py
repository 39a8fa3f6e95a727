"""A finding over many nights: first seen, last seen, in whatever order the nights are filed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from tests import builders
from tests.register.conftest import Rows

from privacy_audit import register
from privacy_audit.model import Audit, Outcome

PLACE = "app/app.positions"
FINGERPRINT = builders.check(PLACE, "RET-3", Outcome.FAIL).fingerprint
FOUND = (Outcome.FAIL, Outcome.REVIEW, Outcome.NOT_AUDITED)


class Known(NamedTuple):
    """What the register knows of the finding."""

    first_seen: datetime
    last_seen: datetime | None
    first_audit: str
    last_audit: str
    last_outcome: str


def _at(night: int) -> datetime:
    return builders.T + timedelta(days=night)


def _night(night: int, outcome: Outcome) -> Audit:
    store = builders.app(builders.check(PLACE, "RET-3", outcome))
    return builders.audit(store, audit_id=f"n{night}", as_of=_at(night))


def _known(rows: Rows) -> list[Known]:
    columns = ", ".join(Known._fields)
    return [Known(*row) for row in rows(f"SELECT {columns} FROM findings WHERE fingerprint = '{FINGERPRINT}'")]


def _expected(nights: dict[int, Outcome]) -> list[Known]:
    found = {night: outcome for night, outcome in nights.items() if outcome in FOUND}
    if not found:
        return []
    looked = [night for night, outcome in found.items() if outcome is not Outcome.NOT_AUDITED]
    first, last = min(found), max(found)
    return [Known(_at(first), _at(max(looked)) if looked else None, f"n{first}", f"n{last}", found[last].value)]


@given(
    st.dictionaries(st.integers(0, 9), st.sampled_from(list(Outcome)), min_size=1, max_size=4).flatmap(
        lambda nights: st.permutations(list(nights.items()))
    )
)
@budget(max_examples=30)
def test_the_order_of_filing_changes_nothing(url: str, rows: Rows, nights: list[tuple[int, Outcome]]) -> None:
    rows("TRUNCATE audits, results, findings")
    other = builders.app(builders.check("app/app.other", "RET-1", Outcome.FAIL))
    register.file(url, builders.audit(other, audit_id="other", as_of=_at(5)), "d")  # another finding moves nothing here
    for night, outcome in nights:
        register.file(url, _night(night, outcome), "d")
    known = _expected(dict(nights))
    assert _known(rows) == known
    seen = {FINGERPRINT: known[0].first_seen} if known else {}
    assert register.first_seen(url, [FINGERPRINT, "0" * 64]) == seen


def test_a_night_that_could_not_look_is_not_a_night_that_saw(url: str, rows: Rows) -> None:
    register.file(url, _night(0, Outcome.FAIL), "d")
    register.file(url, _night(1, Outcome.NOT_AUDITED), "d")
    assert _known(rows) == [Known(_at(0), _at(0), "n0", "n1", "not_audited")]


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.NOT_APPLICABLE])
def test_a_night_without_the_finding_leaves_it_as_it_was(url: str, rows: Rows, outcome: Outcome) -> None:
    register.file(url, _night(0, Outcome.FAIL), "d")
    register.file(url, _night(1, outcome), "d")
    assert _known(rows) == [Known(_at(0), _at(0), "n0", "n0", "fail")]


def test_only_what_no_night_had_is_new(url: str) -> None:
    assert register.file(url, _night(0, Outcome.FAIL), "d").new_findings == 1
    assert register.file(url, _night(1, Outcome.REVIEW), "d").new_findings == 0
    more = builders.app(
        builders.check(PLACE, "RET-3", Outcome.FAIL),
        builders.check(PLACE, "RET-3", Outcome.FAIL, qualifier="other_columns"),
    )
    assert register.file(url, builders.audit(more, audit_id="n2", as_of=_at(2)), "d").new_findings == 1


def test_nothing_is_asked_of_a_register_about_nothing(url: str) -> None:
    assert register.first_seen(url, []) == {}
