"""Every clause ends in a verdict or a stated reason, in each store; what nobody looked at is never a pass."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.config import attestation_file
from privacy_audit.config.policy import policy_reader
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Outcome, roll_up
from privacy_audit.domain.promises import Automation, Clause, Control, Pack
from privacy_audit.self_audit import company_checks
from privacy_audit.view import coverage_matrix
from privacy_audit.view.coverage_matrix import CellState, CellText, ControlOutcome, LawDifference, Matrix, MatrixRow
from privacy_audit.view.make_view import make_view
from tests import builders
from tests.unit.publish.report import audits, large, packs

PACKS = coverage_matrix.matrix(make_view(packs.packs()))
ROWS = {row.clause.id: row for row in PACKS.rows}


def shown(row: MatrixRow) -> dict[str, CellText]:
    return {cell.store: cell.shown for cell in row.cells}


@pytest.mark.parametrize(
    ("clause", "state", "outcome", "reason"),
    [
        ("scope.age", CellState.CHECKED, Outcome.FAIL, ""),
        ("retention.geolocation", CellState.CHECKED, Outcome.PASS, ""),
        ("retention.cookies", CellState.CHECKED, Outcome.PASS, ""),
        ("security.staff", CellState.ATTESTED, Outcome.PASS, ""),
        ("security.backups", CellState.LAPSED, Outcome.REVIEW, ""),
        ("security.partners", CellState.NOT_AUDITED, Outcome.NOT_AUDITED, ""),
        ("security.register", CellState.NOT_AUDITED, Outcome.NOT_AUDITED, ""),
        (
            "retention.litigation",
            CellState.LATER,
            None,
            "None of its controls is in force on this day: HLD-1 from 1 January 2027.",
        ),
        ("rights.promptly", CellState.NOT_CHECKABLE, None, "No database can show what was possible."),
        ("rights.contact", CellState.INFORMATION, None, "It says where to write."),
        ("purpose.only", CellState.GAP, None, "The register of processing purposes is not yet read by the audit."),
        ("security.everything", CellState.GAP, None, ""),
    ],
)
def test_each_clause_ends_in_a_verdict_or_a_reason(
    clause: str, state: CellState, outcome: Outcome | None, reason: str
) -> None:
    row = ROWS[clause]
    assert (row.state, row.outcome, row.reason) == (state, outcome, reason)
    assert row.unstated is (clause == "security.everything")


def test_a_rule_of_the_law_decides_no_clause() -> None:
    row = ROWS["rights.response_time"]
    assert (row.outcome, [told.control.id for told in row.controls]) == (Outcome.PASS, ["DSR-3"])
    (rule, _) = PACKS.law
    assert (rule.told.control.id, rule.told.outcome) == ("LAW-DSR-3", Outcome.FAIL)
    assert [clause.id for clause in rule.clauses] == ["rights.response_time"]
    assert [cell.outcome for cell in rule.cells] == [Outcome.FAIL, None, None]


def test_a_cell_says_what_was_looked_at_attested_signed_or_answered_elsewhere() -> None:
    assert shown(ROWS["retention.connection"]) == {
        "app": CellText.CHECKED,
        "web": CellText.CHECKED,
        "company": CellText.NOTHING,
    }
    assert shown(ROWS["retention.cookies"])["app"] is CellText.NOT_APPLICABLE
    assert shown(ROWS["security.staff"]) == {
        "app": CellText.NOTHING,
        "web": CellText.NOTHING,
        "company": CellText.ATTESTED,
    }
    assert ROWS["security.staff"].cells[-1].until == ROWS["security.staff"].until == date(2027, 1, 10)
    assert ROWS["security.backups"].cells[-1].shown is CellText.CHECKED, "a word that has ended is no word"
    elsewhere = ROWS["rights.objection"].cells[1]
    assert (elsewhere.shown, elsewhere.elsewhere) == (CellText.ELSEWHERE, ("app",))


def test_a_cell_names_its_worst_check_and_counts_those_that_apply() -> None:
    row = next(
        row
        for row in coverage_matrix.matrix(make_view(audits.broken())).rows
        if row.clause.id == "retention.geolocation"
    )
    app, web, archive = row.cells
    assert (app.outcome, len(app.checks), app.checks[0].table) == (Outcome.FAIL, 2, "app.positions")
    assert web.shown is CellText.ELSEWHERE
    assert archive.outcome is Outcome.NOT_AUDITED


def test_the_summary_counts_every_clause_once_and_what_nobody_looked_at_first() -> None:
    assert PACKS.summary == (
        "18 clauses: 2 not audited, 9 checked, 1 attested, 1 attestation ended, 1 not in force, 1 not checkable,"
        " 1 information, 2 gaps"
    )
    assert [row.clause.id for row in PACKS.gaps] == ["security.everything", "purpose.only"], "without a reason: first"
    assert [row.clause.id for row in PACKS.unstated] == ["security.everything"]


def test_two_verdicts_with_the_rules_that_are_broken() -> None:
    promised, asked = PACKS.verdicts
    assert (promised.pack, promised.outcome, promised.rules, promised.broken) == (Pack.POLICY, Outcome.FAIL, 12, 2)
    assert (asked.pack, asked.outcome, asked.rules, asked.broken) == (Pack.LAW, Outcome.FAIL, 2, 1)
    assert coverage_matrix.matrix(make_view(audits.broken())).verdicts[1].outcome is None, (
        "no rule of the law is computed"
    )


def test_a_promise_without_any_check_is_no_pass_of_the_policy() -> None:
    promised, _ = coverage_matrix.matrix(make_view(audits.clean())).verdicts
    assert (promised.outcome, promised.broken, promised.not_audited) == (Outcome.NOT_AUDITED, 0, 4)


def test_a_store_lost_before_it_was_planned_leaves_no_pass_behind() -> None:
    audit = packs.packs()
    blind = StoreResult("archive", "Archive", "team", "alerts", Outcome.NOT_AUDITED, ())
    rows = {
        row.clause.id: row
        for row in coverage_matrix.matrix(make_view(replace(audit, stores=(*audit.stores, blind)))).rows
    }  # fmt: skip
    assert rows["retention.geolocation"].outcome is Outcome.NOT_AUDITED
    assert rows["retention.geolocation"].cells[-1].shown is CellText.UNREAD
    assert rows["scope.age"].outcome is Outcome.FAIL, "what is broken is known to be"
    assert rows["security.staff"].state is CellState.ATTESTED, "no database was asked"


@pytest.mark.parametrize(
    ("until", "state", "word"),
    [
        (date(2026, 11, 24), CellState.ATTESTED, date(2026, 11, 24)),
        (date(2026, 11, 23), CellState.LAPSED, date(2026, 11, 23)),
        (None, CellState.NOT_AUDITED, None),
    ],
)
def test_a_word_counts_up_to_its_last_day(until: date | None, state: CellState, word: date | None) -> None:
    """By what the audit itself says of the company."""
    audit = packs.packs()
    staff = audit.policy.control("SEC-4")
    said = {"statement": "Seen.", "attested_by": "Ida Roth", "evidence": "HR/7", "control": "SEC-4"}
    given = [attestation_file.Attestation(**said, on=date(2026, 10, 1), until=until)] if until else []
    told = company_checks.result(
        company_checks.CompanyOrder(date(2026, 11, 24), [staff], [], [], given, [], 0, "compliance", "alerts")
    )
    assert told
    found = coverage_matrix.matrix(make_view(replace(audit, stores=(*audit.stores[:2], told))))
    row = next(row for row in found.rows if row.clause.id == "security.staff")
    assert (row.state, row.until) == (state, word)


TWINS = [
    (Outcome.PASS, Outcome.FAIL, LawDifference.LAW_BROKEN),
    (Outcome.FAIL, Outcome.PASS, LawDifference.POLICY_BROKEN),
    (Outcome.PASS, Outcome.REVIEW, LawDifference.UNEVEN),
    (Outcome.NOT_AUDITED, Outcome.FAIL, LawDifference.UNEVEN),
    (Outcome.PASS, Outcome.PASS, None),
    (Outcome.FAIL, Outcome.FAIL, None),
]


@pytest.mark.parametrize(("promised", "asked", "difference"), TWINS)
def test_a_promise_and_its_twin_are_told_where_they_differ(
    promised: Outcome, asked: Outcome, difference: LawDifference | None
) -> None:
    found = [pair.difference for pair in _twins(promised, asked).pairs if pair.policy.control.id == "DSR-3"]
    assert found == ([difference] if difference else [])


def test_twins_that_are_both_broken_are_told_when_their_rows_differ() -> None:
    (pair,) = _twins(Outcome.FAIL, Outcome.FAIL, builders.tally(violating=99)).pairs
    assert pair.difference is LawDifference.BOTH_BROKEN
    assert (pair.policy.violating, pair.law.violating) == (12, 99)


def _twins(promised: Outcome, asked: Outcome, counted: Any = None) -> Matrix:
    ends = {"DSR-3": (promised, None), "LAW-DSR-3": (asked, counted)}
    fits = {Outcome.FAIL: builders.tally(violating=12), Outcome.PASS: builders.tally()}
    audit = packs.packs()
    stores = tuple(
        replace(
            store,
            checks=tuple(
                replace(one, outcome=ends[one.control][0], tally=ends[one.control][1] or fits.get(ends[one.control][0]))
                if one.control in ends
                else one
                for one in store.checks
            ),
        )
        for store in audit.stores
    )
    return coverage_matrix.matrix(make_view(replace(audit, stores=stores)))


# Whatever controls there are and however their checks end: held against a plain reading of the rules.
STORES = ("app", "web", "company")
CHECK = st.tuples(st.sampled_from(STORES), st.sampled_from(["A-1", "A-2", "A-3", "LAW-A-1"]), st.sampled_from(Outcome))
CLAUSE = st.tuples(st.sampled_from(Automation), st.sampled_from(["", "Because."]), st.sets(st.sampled_from("123")))


@given(st.lists(CHECK, max_size=12), st.lists(CLAUSE, min_size=1, max_size=4), st.sets(st.sampled_from("123")))
def test_no_clause_is_missing_and_none_is_better_than_its_worst_check(
    looks: list[tuple[str, str, Outcome]], said: list[tuple[Automation, str, set[str]]], attested: set[str]
) -> None:
    audit = _drawn(looks, said, attested)
    found = coverage_matrix.matrix(make_view(audit))
    assert [row.clause for row in found.rows] == list(audit.policy.clauses)
    assert sum(found.counts.values()) == len(found.rows)
    assert sum(map(int, re.findall(r"\d+", found.summary.partition(":")[2]))) == len(found.rows)
    for row, (automation, reason, names) in zip(found.rows, said, strict=True):
        outcomes = [
            outcome
            for name in sorted(names)
            for outcome in ([it for _, control, it in looks if control == f"A-{name}"] or [Outcome.NOT_AUDITED])
        ]
        assert row.outcome == (roll_up(outcomes) if names else None)
        assert row.outcome or row.state in (CellState.INFORMATION, CellState.GAP, CellState.NOT_CHECKABLE)
        assert row.unstated is (not names and not reason and automation is not Automation.INFORMATION)
        if row.state is CellState.ATTESTED:
            assert names & attested
        for cell in row.cells:
            here = [
                it for where, control, it in looks if where == cell.store and control[2:] in names and control[0] == "A"
            ]
            assert cell.outcome == (roll_up(here) if here else None)


def _drawn(
    looks: list[tuple[str, str, Outcome]], said: list[tuple[Automation, str, set[str]]], attested: set[str]
) -> Audit:
    base = builders.policy()
    clauses = tuple(Clause(f"c{n}", "Heading", "Words.", how, why) for n, (how, why, _) in enumerate(said))
    controls = [
        Control(
            f"A-{name}",
            coverage_matrix.ATTESTATION if name in attested else "retention",
            "Title",
            base.controls[0].severity,
            tuple(f"c{n}" for n, (_, _, names) in enumerate(said) if name in names),
            (),
            builders.SINCE,
        )
        for name in "123"
    ]
    law = replace(controls[0], id="LAW-A-1", pack=Pack.LAW, clauses=tuple(clause.id for clause in clauses))
    promises = replace(base, clauses=clauses, controls=(*controls, law))
    stores = tuple(
        StoreResult(
            name,
            name,
            "team",
            "alerts",
            Outcome.PASS,
            tuple(
                CheckResult(f"{where}/t{n}/{control}", control, where, "t", str(n), outcome, "Said.")
                for n, (where, control, outcome) in enumerate(looks)
                if where == name
            ),
        )
        for name in STORES
    )
    return replace(builders.audit(), policy=promises, stores=stores)


def test_the_real_policy_has_a_reason_for_all_that_it_does_not_compute() -> None:
    from tests.unit.config.test_policy import REAL

    promises = policy_reader.load(REAL)
    audit = Audit("a", builders.T, promises, ())
    assert coverage_matrix.matrix(make_view(audit)).unstated == ()


def test_every_check_of_a_large_night_stands_behind_its_control() -> None:
    audit = large.large()
    outcomes = coverage_matrix.control_outcomes(make_view(audit))
    assert len(outcomes) == 70
    assert isinstance(outcomes["CTL-1"], ControlOutcome)
    assert sum(len(told.checks) for told in outcomes.values()) == len(audit.checks) > 150
