"""A night with a history to report on: findings in every stage of their life, waivers in every state, gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.tally import Forecast, Tally
from privacy_audit.findings.finding_state import (
    CheckCount,
    FindingChange,
    FindingHistory,
    FindingKind,
    FindingState,
    FindingStatus,
    Triage,
    TriageDecision,
    WaiverReport,
    WaiverState,
)
from privacy_audit.findings.from_audit import store_not_audited
from privacy_audit.findings.transitions import fingerprint_of
from tests.unit.publish.report import audits, packs
from tests.unit.publish.report.audits import AS_OF, SCAN, check, fail

DAY = timedelta(days=1)
Night = Callable[[], tuple[Audit, FindingHistory]]

UNDECIDABLE_SQL = """SELECT *
FROM "app"."positions"
WHERE "recorded_at" IS NULL"""
DRAFT = """-- DRAFT for the owner of store app (team-product), who reviews it and runs it; the audit never does.
BEGIN ISOLATION LEVEL READ COMMITTED;
DELETE FROM "app"."positions" AS gone USING pg_temp.due WHERE gone.ctid = due.at_place;
ROLLBACK;"""
DEVICES = Tally(
    population=3_020,
    compliant=3_000,
    violating=20,
    held=0,
    undecidable=0,
    out_of_scope=0,
    subjects=20,
    oldest=datetime(2025, 1, 3, 8, 0, tzinfo=UTC),
    newest=datetime(2025, 9, 30, 8, 0, tzinfo=UTC),
    overdue_since=date(2026, 2, 4),
    ages=(0, 2, 8, 10, 0),
)


def lively() -> Audit:
    """The broken audit, with what closes its findings and what falls due, and a failure that is waived."""
    audit = audits.broken()
    app, web, archive = audit.stores
    devices = fail("app.devices", "RET-5", DEVICES, fix="Run the purge of app.devices.", **SCAN)
    return replace(audit, stores=(replace(app, checks=(*map(_closing, app.checks), devices)), _coming(web), archive))


def _closing(one: CheckResult) -> CheckResult:
    if one.control == "RET-3" and one.outcome is Outcome.FAIL:
        due = Forecast(1_200, 3_800, estimated=False)
        return replace(one, draft=DRAFT, show_undecidable=UNDECIDABLE_SQL, forecast=due)
    if one.control == "RET-4":
        return replace(one, forecast=Forecast(0, 0, estimated=False))
    return one


def _coming(web: StoreResult) -> StoreResult:
    logs, cookies = web.checks
    due = Forecast(1, 90_000, estimated=True)
    return replace(web, checks=(replace(logs, draft=DRAFT, forecast=due), replace(cookies, forecast=due)))


def of(audit: Audit, check_id: str) -> CheckResult:
    """The check of that id."""
    return next(one for one in audit.checks if one.id == check_id)


def standing(one: CheckResult, kind: FindingKind = FindingKind.NONCONFORMITY, **more: Any) -> FindingState:
    """A finding about a check as it stands since 3 August 2026, with the counts of tonight."""
    tally = one.tally
    usual = {
        "status": FindingStatus.OPEN,
        "severity": Severity.HIGH,
        "outcome": one.outcome,
        "first_seen": datetime(2026, 8, 3, 1, 30, tzinfo=UTC),
        "last_seen": AS_OF,
        "due_by": date(2026, 12, 2),
        "occurrences": 112,
        "violating": tally.violating if tally else 0,
        "undecidable": tally.undecidable if tally else 0,
        "overdue_since": tally.overdue_since if tally else None,
    }
    place = (one.id, one.control, one.store, one.table, one.qualifier)
    return FindingState(fingerprint_of(one, kind), kind, *place, f"team-{one.store}", **{**usual, **more})


UNSEEN = {"unseen_since": AS_OF - 6 * DAY, "last_seen": AS_OF - 7 * DAY}
FOUND = {"status": FindingStatus.NEW, "first_seen": AS_OF, "occurrences": 1, "changes": (FindingChange.FOUND,)}
GONE = {
    "status": FindingStatus.RESOLVED,
    "resolved_at": AS_OF,
    "last_seen": AS_OF - DAY,
    "changes": (FindingChange.RESOLVED,),
}


def chronicle(audit: Audit) -> FindingHistory:
    """What the register tells of the lively audit."""
    positions, consents = of(audit, "app/app.positions/RET-3"), of(audit, "app/app.positions/GEO-1")
    minors, logs = of(audit, "app/app.accounts/MIN-1"), of(audit, "web/web.connection_logs/RET-4")
    return FindingHistory(
        standings=(*_open(audit), *_waived(audit), *_closed(audit)),
        decisions={
            one.fingerprint: TriageDecision(one.fingerprint, triage, comment, by, AS_OF - 3 * DAY)
            for one, triage, comment, by in (
                (positions, Triage.REMEDIATING, "The purge is being mended, ticket 4711.", "Nadia Benali"),
                (minors, Triage.UNDER_REVIEW, "", "Camille Laurent"),
                (of(audit, "app/app.contracts/RET-1"), Triage.RISK_ACCEPTED, "Dates are being asked for.", "Ida Roth"),
                (logs, Triage.FALSE_POSITIVE, "A backfill?", "Ola Berg"),
            )
        },
        series={
            positions.fingerprint: tuple(_purge_stopped(positions)),
            minors.fingerprint: tuple(_few(minors)),
            consents.fingerprint: (_tonight(consents),),
            logs.fingerprint: tuple(_jumping(logs)),
            **{
                one.fingerprint: tuple(_quiet(one))
                for one in audit.checks
                if one.control == "RET-4" and one.outcome is Outcome.PASS
            },
            **{one.fingerprint: tuple(_dark(one)) for one in audit.checks if one.store == "archive"},
        },
        waivers=tuple(_waivers()),
        policy_changes=(
            PolicyChange(Direction.LOOSENED, "RET-4", "RET-4 Logs: the period was 6 months and is 1 year now."),
            PolicyChange(Direction.CHANGED, "app/app.users/RET-3", "RET-3, Positions: the clock changed."),
            PolicyChange(Direction.TIGHTENED, "web", "Store web: it is audited now."),
        ),
    )  # fmt: skip


def _open(audit: Audit) -> tuple[FindingState, ...]:
    archive = audit.stores[2]
    down = store_not_audited(archive)
    assert down
    prospects = of(audit, "app/app.prospects/RET-1")
    old = check("app", "app.old_positions", "RET-3", Outcome.FAIL)
    back = {"status": FindingStatus.REOPENED, "reopened_at": AS_OF, "changes": (FindingChange.RETURNED,)}
    late = {"due_by": date(2026, 9, 2), "due_told": True, "changes": (FindingChange.GREW, FindingChange.DUE_PASSED)}
    jumped = {"braked": True, "severity": Severity.MEDIUM, "changes": (FindingChange.JUMPED,)}
    return (
        standing(down, FindingKind.NOT_AUDITED, severity=Severity.CRITICAL, due_by=date(2026, 11, 20)),
        standing(prospects, FindingKind.NOT_AUDITED, **FOUND),
        standing(of(audit, "app/app.positions/GEO-1"), severity=Severity.CRITICAL, **FOUND),
        standing(of(audit, "app/app.accounts/MIN-1"), severity=Severity.CRITICAL, **back),
        standing(of(audit, "app/app.positions/RET-3"), **late),
        standing(of(audit, "web/web.connection_logs/RET-4"), **jumped),
        standing(prospects, outcome=Outcome.FAIL, violating=2, overdue_since=date(2026, 5, 9), **UNSEEN),
        standing(of(audit, "archive/archive.positions/RET-3"), outcome=Outcome.FAIL, violating=311, **UNSEEN),
        standing(old, violating=4, overdue_since=date(2026, 3, 17), **UNSEEN),
    )


def _waived(audit: Audit) -> tuple[FindingState, ...]:
    until = datetime(2026, 12, 1, 22, 59, 59, tzinfo=UTC)
    covered = {"waived_until": until, "changes": (FindingChange.WAIVED, FindingChange.WAIVER_ENDING)}
    back = {"reopened_at": AS_OF - 20 * DAY}
    return (
        standing(of(audit, "app/app.devices/RET-5"), waiver="W-2026-2", waived_rows=25, **covered, **back),
        standing(of(audit, "app/app.contracts/RET-1"), waiver="W-2026-1", waived_rows=100, waived_until=until),
    )


def _closed(audit: Audit) -> tuple[FindingState, ...]:
    renamed = check("app", "app.sessions_v1", "RET-4", Outcome.FAIL)
    return (
        standing(of(audit, "app/app.sessions/RET-4"), outcome=Outcome.FAIL, violating=48, **GONE),
        standing(of(audit, "web/web.cookies/RET-5"), FindingKind.NOT_AUDITED, outcome=Outcome.NOT_AUDITED, **GONE),
        standing(renamed, violating=7, **{**GONE, "changes": (FindingChange.RENAMED,)}),
    )


def _waivers() -> list[WaiverReport]:
    checks = {
        WaiverState.IN_FORCE: ("app/app.contracts/RET-1", 100, 64),
        WaiverState.ENDING: ("app/app.devices/RET-5", 25, 20),
        WaiverState.UNUSED: ("app/app.sessions/RET-4", 50, 0),
        WaiverState.OVER_BROAD: ("app/app.positions/RET-3", 90_000, 12_312),
        WaiverState.EXCEEDED: ("web/web.connection_logs/RET-4", 20, 100),
        WaiverState.EXPIRED: ("app/app.prospects/RET-1", 5, 2),
        WaiverState.NOT_YET: ("archive/archive.positions/GEO-1", 9, 0),
    }
    ends = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    people = ("The owner of the data needs time to mend it.", "Nadia Benali", "Camille Laurent")
    return [
        WaiverReport(f"W-2026-{number}", check_id, state, *people, ends, allowed, there)
        for number, (state, (check_id, allowed, there)) in enumerate(checks.items(), 1)
    ]


def _tonight(one: CheckResult) -> CheckCount:
    tally = one.tally
    if tally is None:
        return CheckCount(AS_OF, one.outcome)
    counts = (tally.violating, tally.undecidable, tally.held, tally.population, tally.ages, tally.overdue_since)
    return CheckCount(AS_OF, one.outcome, *counts)


def _night(one: CheckResult, ago: int, rows: int, since: date | None) -> CheckCount:
    outcome = Outcome.FAIL if rows else Outcome.PASS
    return CheckCount(AS_OF - ago * DAY, outcome, rows, 0, 0, 100_000, (0, 0, rows, 0, 0), since if rows else None)


def growing(one: CheckResult, rows: Sequence[int]) -> tuple[CheckCount, ...]:
    """So many rows on each of the last nights, of which none ever went."""
    return tuple(_night(one, len(rows) - 1 - place, count, date(2025, 5, 4)) for place, count in enumerate(rows))


def _purge_stopped(one: CheckResult) -> list[CheckCount]:
    """A purge that stopped 40 nights ago, and three nights on which nobody could look."""
    rows = (
        [9_000 - 40 * ago for ago in range(89, 40, -1)] + [200] + [10_000 + 58 * (40 - ago) for ago in range(39, 0, -1)]
    )
    nights = [_night(one, ago, count, date(2025, 5, 4)) for ago, count in zip(range(89, 0, -1), rows, strict=True)]
    blind = [CheckCount(point.as_of, Outcome.NOT_AUDITED) for point in nights[60:63]]
    return [*nights[:60], *blind, *nights[63:], _tonight(one)]  # fmt: skip


def _few(one: CheckResult) -> list[CheckCount]:
    """Four rows at most, and a week without a run of the audit."""
    return [*(_night(one, ago, ago % 5, date(2026, 2, 11)) for ago in (*range(40, 12, -1), 4, 3, 2, 1)), _tonight(one)]


def _jumping(one: CheckResult) -> list[CheckCount]:
    return [*(_night(one, ago, 3, date(2026, 6, 17)) for ago in range(20, 0, -1)), _tonight(one)]


def _quiet(one: CheckResult) -> list[CheckCount]:
    return [*(_night(one, ago, 0, None) for ago in range(89, 0, -1)), _tonight(one)]


def _dark(one: CheckResult) -> list[CheckCount]:
    seen = [_night(one, ago, 311, date(2026, 7, 1)) for ago in range(30, 6, -1)]
    return [*seen, *(CheckCount(AS_OF - ago * DAY, Outcome.NOT_AUDITED) for ago in range(6, -1, -1))]


def hostile(name: str) -> tuple[Audit, FindingHistory]:
    """The hostile audit, with a history in which everything that people may write is that text."""
    audit = audits.hostile(name)
    place = name.encode(errors="replace").decode()
    written = {
        "waiver": name,
        "waived_rows": 9,
        "waived_until": AS_OF,
        "changes": tuple(FindingChange),
        "overdue_since": None,
    }
    told = {
        "alike": FindingState(
            audit.checks[0].fingerprint, FindingKind.NONCONFORMITY, name, "RET-3", place, place, place, name,
            FindingStatus.OPEN, Outcome.FAIL, Severity.HIGH, AS_OF, AS_OF, AS_OF.date(),
            braked=True, unseen_since=AS_OF, **written,
        )
    }  # fmt: skip
    told["adrift"] = replace(told["alike"], fingerprint="a" * 64, control=name, store="elsewhere", braked=False)
    told["gone"] = replace(
        told["alike"], fingerprint="b" * 64, status=FindingStatus.RESOLVED, changes=(FindingChange.RESOLVED,)
    )
    told["renamed"] = replace(told["gone"], fingerprint="c" * 64, changes=(FindingChange.RENAMED,))
    told["new"] = replace(told["adrift"], fingerprint="d" * 64, status=FindingStatus.NEW, waiver="", waived_until=None)
    report = WaiverReport(name, name, WaiverState.ENDING, name, name, name, AS_OF, 9, 9)
    elsewhere = replace(report, check=audit.checks[0].id, state=WaiverState.OVER_BROAD)
    return audit, FindingHistory(
        standings=tuple(told.values()),
        decisions={
            one.fingerprint: TriageDecision(one.fingerprint, Triage.RISK_ACCEPTED, name, name, AS_OF)
            for one in told.values()
        },
        series={audit.checks[0].fingerprint: tuple(_quiet(audit.checks[0]))},
        waivers=(report, elsewhere),
        policy_changes=tuple(PolicyChange(direction, name, name) for direction in Direction),
    )


def _lively() -> tuple[Audit, FindingHistory]:
    audit = lively()
    return audit, chronicle(audit)


def _earlier() -> tuple[Audit, FindingHistory]:
    """The lively audit, filed after one of a later instant: it has nights, waivers and no standing."""
    audit, history = _lively()
    return audit, replace(history, standings=(), decisions={}, policy_changes=(), moved=False)


def _alone(make: Callable[[], Audit]) -> Night:
    return lambda: (make(), FindingHistory())


NIGHTS: dict[str, Night] = {
    **{name: _alone(make) for name, make in audits.AUDITS.items()},
    "packs": _alone(packs.packs),
    "lively": _lively,
    "earlier": _earlier,
}
"""Name to an audit and what the register tells of it; those of `audits` were filed without history."""
