"""What a view holds back and what it keeps: dates, texts, statements, counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.view.audit_view import key_of
from privacy_audit.view.clean_text import clean, clean_all, one_line
from privacy_audit.view.make_view import make_closing_view, make_finding_views, make_view
from privacy_audit.view.shown_date import ShownDate
from tests.unit.publish.report import audits, histories

HIDING = "gnp\u202e.exe\x00"


class Word(StrEnum):
    """A word of ours that is a text at the same time."""

    HIDING = HIDING


@dataclass(frozen=True, slots=True)
class Part:
    """A value with texts in every kind of part."""

    text: str
    inner: tuple[Part, ...] = ()
    mapped: dict[str, list[str]] | None = None


def test_a_date_by_month_cannot_hold_a_day() -> None:
    assert (ShownDate(date(2026, 2, 1), by_month=True).iso, ShownDate(date(2026, 2, 11), by_month=False).iso) == (
        "2026-02",
        "2026-02-11",
    )
    with pytest.raises(ValueError, match="first of its month"):
        ShownDate(date(2026, 2, 11), by_month=True)


def test_every_text_is_cleaned_wherever_it_stands() -> None:
    dirty = Part(HIDING, (Part("plain", (Part(HIDING),)),), {HIDING: [HIDING, "plain"]})
    assert clean_all(dirty) == Part("gnp.exe", (Part("plain", (Part("gnp.exe"),)),), {"gnp.exe": ["gnp.exe", "plain"]})


def test_what_is_clean_already_is_the_same_object() -> None:
    part = Part("plain", (Part("plain"),))
    assert clean_all(part) is part
    assert clean_all(Word.HIDING) is Word.HIDING


@given(st.text())
def test_cleaning_twice_changes_nothing_and_any_file_can_hold_it(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_a_statement_is_shown_whole_or_not_at_all() -> None:
    """Without its hidden character the name would be that of another table, and the script would delete there."""
    store, *others = audits.broken().stores
    first, *more = store.checks
    told = replace(first, draft='DELETE FROM "users\u200b"', show_rows="SELECT 1", show_undecidable="")
    audit = replace(audits.broken(), stores=(replace(store, checks=(told, *more)), *others))
    shown = make_view(audit).checks[0]
    assert (shown.show_rows, shown.show_undecidable) == ("SELECT 1", "")
    assert "users" not in shown.draft
    assert all(line.startswith("-- ") for line in shown.draft.splitlines())
    texts = {"sentence": "", "reason": "", "fix": "", "show_rows": "", "show_undecidable": ""}
    assert make_closing_view(**texts, draft=told.draft).draft == shown.draft


def test_names_that_look_alike_keep_keys_of_their_own() -> None:
    store, *others = audits.broken().stores
    first, second, *more = store.checks
    alike = replace(first, id=f"{second.id}\u200b", table=f"{second.table}\u200b")
    audit = replace(audits.broken(), stores=(replace(store, checks=(alike, second, *more)), *others))
    one, other, *_ = make_view(audit).checks
    assert (one.id, one.table) == (other.id, other.table)
    assert (one.key, one.suite_key) == (key_of(alike.id), key_of(f"{alike.store}.{alike.table}"))
    assert (one.key != other.key, one.suite_key != other.suite_key) == (True, True)


def test_counts_are_exact() -> None:
    audit = audits.broken()
    names = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")
    for check, shown in zip(audit.checks, make_view(audit).checks, strict=True):
        assert (check.tally is None) == (shown.tally is None)
        if check.tally and shown.tally:
            assert [getattr(shown.tally, name) for name in names] == [getattr(check.tally, name) for name in names]
            assert sum(shown.tally.ages) == check.tally.violating


def test_an_audit_without_history_is_known_to_have_none() -> None:
    assert not make_view(audits.broken()).history.is_known
    assert not make_view(audits.broken(), FindingHistory()).history.is_known
    assert make_view(*histories.NIGHTS["lively"]()).history.is_known


def test_findings_of_the_audit_database_are_as_coarse_as_those_of_a_night() -> None:
    audit, history = histories.NIGHTS["lively"]()
    stored = make_finding_views(history.standings)
    assert [one.overdue_since for one in stored] == [
        one.overdue_since for one in make_view(audit, history).history.findings
    ]
    assert {one.by_month for one in stored if one.violating < 5} == {True}
