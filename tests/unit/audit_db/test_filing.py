"""An audit is filed whole and once, or not at all: again, at once, killed in the middle, contradicting itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.audit_db import AuditSubmission
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.findings import findings_of
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingStatus, Triage
from privacy_audit.findings.transitions import FindingMemory, HandlingRules, apply_audit
from tests import builders
from tests.unit.audit_db.conftest import Rows
from tests.unit.publish.report.audits import broken, hostile, nothing

COUNTS = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")
REST = ("estimated", "oldest", "newest", "overdue_since")
TABLES = ("audits", "results", "standings")


def _counts(rows: Rows) -> dict[str, int]:
    return {table: rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def _stands(audit: Audit) -> int:
    """Findings of a first night: one for each check, but for those that a store that was down stands for."""
    down = {store.name for store in audit.stores if store.outcome is Outcome.NOT_AUDITED and store.cause}
    return sum(not one.control or one.store not in down for one in findings_of(audit))


def _whole(audit: Audit) -> dict[str, int]:
    down = sum(finding.control == "" for finding in findings_of(audit))
    return {"audits": 1, "results": len(audit.checks) + down, "standings": _stands(audit)}


NOTHING = dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize("audit", [builders.audit(), builders.audit(builders.app(), builders.down(builders.web()))])
def test_the_same_audit_again_files_nothing_and_says_the_same(url: str, rows: Rows, audit: Audit) -> None:
    filed = audit_db.file(url, AuditSubmission(audit, "d1"))
    assert (filed.audit_id, filed.already_filed, filed.chronicle.moved) == (audit.id, False, True)
    assert filed.chronicle.standings == apply_audit(audit, FindingMemory(), HandlingRules())
    assert _counts(rows) == _whole(audit)
    assert audit_db.file(url, AuditSubmission(audit, "d1")) == audit_db.FilingResult(audit.id, True, filed.chronicle)
    assert _counts(rows) == _whole(audit)


def test_an_audit_says_again_what_it_said_whatever_was_filed_since(url: str) -> None:
    first = builders.audit()
    filed = audit_db.file(url, AuditSubmission(first, "d1"))
    audit_db.decide(url, filed.chronicle.standings[0].fingerprint, Triage.REMEDIATING, "Mended.", "Ada")
    clean = builders.app(builders.check("app/app.positions", "RET-3", Outcome.PASS))
    later = builders.audit(clean, builders.down(builders.web()), audit_id="n1", as_of=builders.T + timedelta(days=1))
    audit_db.file(url, AuditSubmission(later, "d2"))
    assert audit_db.file(url, AuditSubmission(first, "d1")).chronicle == filed.chronicle


def test_what_else_belongs_to_an_audit_is_filed_with_it_or_not_at_all(url: str, rows: Rows) -> None:
    told = []

    def fails(*told_of: object) -> None:
        raise ValueError("no letter could be written")

    with pytest.raises(ValueError, match="no letter"):
        audit_db.file(url, AuditSubmission(builders.audit(), "d1"), fails)
    assert _counts(rows) == NOTHING
    for _ in range(2):
        audit_db.file(url, AuditSubmission(builders.audit(), "d1"), lambda *it: told.append(it[1].standings))
    assert [len(standings) for standings in told] == [_stands(builders.audit())]


def test_everything_that_was_counted_is_filed(url: str, rows: Rows) -> None:
    audit = broken()
    audit_db.file(url, AuditSubmission(audit, "d1"))
    columns = ("check_id", "fingerprint", "control", "store", "table_name", "qualifier", "outcome", "cause", "reason")
    columns += ("plan", "late_holds", *COUNTS, *REST, "ages")
    filed = {row[0]: row for row in rows(f"SELECT {', '.join(columns)} FROM results WHERE control <> ''")}
    assert len(filed) == len(audit.checks)
    for check in audit.checks:
        place = (check.id, check.fingerprint, check.control, check.store, check.table, check.qualifier)
        said = (check.outcome, check.cause, check.reason, check.plan, check.late_holds)
        counted = tuple(check.tally and getattr(check.tally, name) for name in (*COUNTS, *REST))
        assert filed[check.id] == (*place, *said, *counted, list(check.tally.ages) if check.tally else None)
    assert len(AGE_BUCKETS) == len(filed[audit.checks[0].id][-1])


def test_what_the_audit_judged_by_is_filed(url: str, rows: Rows) -> None:
    audit = builders.audit()
    audit_db.file(url, AuditSubmission(audit, "d1"))
    columns = "as_of, policy_version, policy_text_sha256, policy_digest, outcome, triggered_by, report_sha256"
    row = (audit.as_of, "2024-01", "a" * 64, "b" * 64, "fail", "scheduled__2026-11-24", "d1")
    assert rows(f"SELECT {columns} FROM audits") == [row]


def test_a_store_that_was_down_is_filed_with_its_reason_even_without_a_check(url: str, rows: Rows) -> None:
    audit = nothing()
    (standing,) = audit_db.file(url, AuditSubmission(audit, "d1")).chronicle.standings
    store = audit.stores[0]
    row = (f"{store.name}/_store", "", store.name, "", "not_audited", store.cause, store.reason)
    assert rows("SELECT check_id, control, store, table_name, outcome, cause, reason FROM results") == [row]
    assert (standing.kind, standing.check, standing.status) == (
        FindingKind.NOT_AUDITED,
        f"{store.name}/_store",
        FindingStatus.NEW,
    )
    assert rows("SELECT control, store, kind, outcome FROM standings") == [("", store.name, *["not_audited"] * 2)]


def test_names_that_look_like_sql_are_only_names(url: str, rows: Rows) -> None:
    name = "x'); DROP TABLE results; -- %s %(audit_id)s :id \\ \""
    audit = hostile(name)
    audit = replace(audit, stores=(replace(audit.stores[0], checks=audit.checks[:1]),))
    audit_db.file(url, AuditSubmission(audit, name))
    assert rows("SELECT DISTINCT reason, table_name FROM results WHERE control <> ''") == [(name, name)]
    assert {(one.table, one.first_seen) for one in audit_db.findings(url) if one.control} == {(name, audit.as_of)}


def test_the_same_id_with_another_report_is_refused(url: str, rows: Rows) -> None:
    audit = builders.audit()
    audit_db.file(url, AuditSubmission(audit, "d1"))
    with pytest.raises(audit_db.AlreadyFiledError, match=rf"audit {audit.id}: .* start a new audit\."):
        audit_db.file(url, AuditSubmission(replace(audit, stores=()), "d2"))
    assert rows("SELECT report_sha256 FROM audits") == [("d1",)]
    assert _counts(rows) == _whole(audit)


def test_filed_at_once_by_four_threads_it_is_filed_by_one(url: str, rows: Rows) -> None:
    audit = builders.audit()
    with ThreadPoolExecutor(4) as pool:
        filed = list(pool.map(lambda _: audit_db.file(url, AuditSubmission(audit, "d1")), range(4)))
    assert sorted(one.already_filed for one in filed) == [False, True, True, True]
    assert all(one.chronicle == filed[0].chronicle for one in filed)
    assert _counts(rows) == _whole(audit)


def test_filed_at_once_by_two_processes_it_is_filed_by_one(url: str, rows: Rows) -> None:
    audit = builders.audit()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        filed = [
            task.result() for task in [pool.submit(audit_db.file, url, AuditSubmission(audit, "d1")) for _ in range(2)]
        ]
    assert sorted(one.already_filed for one in filed) == [False, True]
    assert _counts(rows) == _whole(audit)


def test_nights_that_are_filed_at_once_meet_in_the_same_findings(url: str, rows: Rows) -> None:
    """Every other night lists its findings in the opposite order: without one lock they deadlock."""

    def night(number: int) -> Audit:
        sizes = range(1, 201) if number % 2 else range(200, 0, -1)
        checks = (
            builders.check(f"app/app.t{place:03}", "RET-3", Outcome.FAIL, builders.tally(violating=size))
            for place, size in enumerate(sizes)
        )
        when = builders.T + timedelta(days=number)
        return builders.audit(builders.app(*checks), audit_id=f"n{number}", as_of=when)

    with ThreadPoolExecutor(4) as pool:
        filed = list(
            pool.map(lambda number: audit_db.file(url, AuditSubmission(night(number), "d")).chronicle, range(8))
        )
    new = [one.fingerprint for told in filed for one in told.standings if FindingChange.FOUND in one.changes]
    assert len(new) == len(set(new)) == 200
    known = audit_db.findings(url)
    assert {(one.last_seen, one.occurrences) for one in known} == {
        (builders.T + timedelta(days=7), sum(told.moved for told in filed))
    }


def test_what_breaks_in_the_middle_files_nothing(url: str, rows: Rows) -> None:
    audit = builders.audit()
    twice = replace(audit, stores=(*audit.stores, audit.stores[0]))  # the same ids of checks again break the results
    with pytest.raises(audit_db.FilingRefusedError, match="results_pkey"):
        audit_db.file(url, AuditSubmission(twice, "d1"))
    renamed = replace(audit.checks[0], id="under another name")
    with pytest.raises(audit_db.FilingRefusedError, match="results_fingerprint_key"):
        audit_db.file(url, AuditSubmission(builders.audit(builders.app(audit.checks[0], renamed)), "d1"))
    assert _counts(rows) == NOTHING
    rows("ALTER TABLE standings ADD CONSTRAINT no_more CHECK (control <> 'RET-5')")  # breaks after all results
    with pytest.raises(audit_db.FilingRefusedError, match=r"constraint no_more .*SQLSTATE 23514"):
        audit_db.file(url, AuditSubmission(audit, "d1"))
    assert _counts(rows) == NOTHING


def test_a_sender_killed_in_the_middle_files_nothing_and_stops_nobody(url: str, rows: Rows) -> None:
    audit = builders.audit()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    filing = multiprocessing.get_context("spawn").Process(
        target=audit_db.file, args=(url, AuditSubmission(audit, "d1"))
    )
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as holder:
        holder.exec_driver_sql("LOCK TABLE standings IN EXCLUSIVE MODE")  # audit and results are in, standings not
        filing.start()
        until = time.monotonic() + 120
        while rows(waits) != [(1,)]:
            assert time.monotonic() < until, "filing never came to the standings"
            time.sleep(0.05)
        os.kill(filing.pid or 0, signal.SIGKILL)
        filing.join()
    assert audit_db.file(url, AuditSubmission(audit, "d1")).already_filed is False
    assert _counts(rows) == _whole(audit)


NO_TALLY = ", ".join(f"{name} = NULL" for name in (*COUNTS, "estimated", "ages"))


@pytest.mark.parametrize(
    ("outcome", "change", "constraint"),
    [
        ("fail", "compliant = compliant + 1", "results_tally_adds_up_check"),
        ("fail", "held = NULL", "results_tally_is_whole_check"),
        ("fail", "ages = NULL", "results_tally_is_whole_check"),
        ("fail", "compliant = compliant + held + 1, held = -1", "results_counts_are_rows_check"),
        ("fail", "outcome = 'review'", "results_fail_has_violations_check"),
        ("review", "outcome = 'fail'", "results_fail_has_violations_check"),
        ("pass", "outcome = 'fine'", "results_outcome_check"),
        ("pass", "plan = 'guess'", "results_plan_check"),
        ("review", "outcome = 'pass'", "results_pass_has_rows_check"),
        ("pass", "population = 0, compliant = 0, held = 0", "results_pass_has_rows_check"),
        ("pass", NO_TALLY, "results_pass_has_rows_check"),
    ],
)
def test_the_database_itself_refuses_what_proves_nothing(
    url: str, rows: Rows, outcome: str, change: str, constraint: str
) -> None:
    audit_db.file(url, AuditSubmission(builders.audit(), "d0"))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        rows(
            f"ALTER TABLE results DISABLE TRIGGER append_only; UPDATE results SET {change} WHERE outcome = '{outcome}'"
        )
    assert caught.value.orig.diag.constraint_name == constraint


@pytest.mark.parametrize("table", ["audits", "results", "standings", "decisions"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_what_was_filed_is_neither_changed_nor_deleted(url: str, rows: Rows, table: str, change: str) -> None:
    (first, *_) = audit_db.file(url, AuditSubmission(builders.audit(), "d1")).chronicle.standings
    audit_db.decide(url, first.fingerprint, Triage.REMEDIATING, "The purge is mended.", "Ada")
    column = {"audits": "outcome", "results": "reason", "standings": "status", "decisions": "comment"}[table]
    before = rows(f"SELECT * FROM {table} ORDER BY 1, 2")
    with pytest.raises(sa.exc.IntegrityError, match="what was filed stays as it is"):
        rows(change.format(table, column, column))
    assert rows(f"SELECT * FROM {table} ORDER BY 1, 2") == before != []


def test_the_latest_audits_come_first_whenever_they_were_filed(url: str) -> None:
    for number in (1, 2, 0):
        when = builders.T + timedelta(days=number)
        audit_db.file(url, AuditSubmission(builders.audit(audit_id=f"n{number}", as_of=when), f"d{number}"))
    last = audit_db.last_audits(url, 2)
    assert [(audit.id, audit.report_sha256) for audit in last] == [("n2", "d2"), ("n1", "d1")]
    assert last[0].outcome is Outcome.FAIL
    assert (last[0].as_of, last[0].triggered_by) == (builders.T + timedelta(days=2), "scheduled__2026-11-24")
    assert audit_db.last_audits(url, 0) == ()
