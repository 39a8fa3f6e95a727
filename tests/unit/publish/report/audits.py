"""Audits to report on: with every outcome, without nonconformity, without a look, with hostile names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, Plan, Severity
from privacy_audit.domain.promises import Automation, Clause, Conflict, Control, Law, Pack, Source
from privacy_audit.domain.tally import Forecast, Purge, Tally
from tests.unit.publish.report.policy_data import POLICY, SINCE

AS_OF = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)

SENTENCES = {
    "RET-1": "Client contacts are deleted 5 years after the latest end of their contracts.",
    "RET-3": "Positions are deleted 2 months after recorded_at.",
    "RET-4": "Connection records are deleted 1 year after at.",
    "RET-5": "Cookies are deleted 13 months after first_set_at.",
    "MIN-1": "Accounts of persons under 15 are created only after a guardian consented.",
    "GEO-1": "Each position is covered by a consent to geolocation that was in force at recorded_at.",
}
SCAN = {"plan": Plan.FULL, "plan_reason": "a scan costs less than the budget of 2 minutes"}
SEEK = {"plan": Plan.SEEK, "plan_reason": "an index on at reads 120 rows instead of about 91,000,000"}


def check(store: str, table: str, control: str, outcome: Outcome, **more: Any) -> CheckResult:
    """A check with an id as the engine makes them."""
    qualifier = more.pop("qualifier", "")
    name = "/".join(filter(None, (store, table or "_store", control, qualifier)))
    return CheckResult(name, control, store, table, qualifier, outcome, SENTENCES[control], **more)


def fail(table: str, control: str, counted: Tally, **more: Any) -> CheckResult:
    """A check that failed, with the statement that lists its rows."""
    store, _ = table.split(".")
    return check(store, table, control, Outcome.FAIL, tally=counted, **more)


POSITIONS = Tally(
    population=184_203,
    compliant=171_850,
    violating=12_290,
    held=41,
    undecidable=22,
    out_of_scope=0,
    subjects=1_377,
    oldest=datetime(2025, 3, 2, 22, 30, tzinfo=UTC),
    newest=datetime(2026, 9, 23, 21, 59, 59, tzinfo=UTC),
    overdue_since=date(2025, 5, 4),
    ages=(912, 3_204, 6_801, 1_301, 72),
)
MINORS = Tally(
    population=20_410,
    compliant=20_364,
    violating=3,
    held=0,
    undecidable=43,
    out_of_scope=0,
    subjects=3,
    oldest=datetime(2026, 2, 11, 9, 12, 5, tzinfo=UTC),
    newest=datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
    overdue_since=date(2026, 2, 11),
    ages=(0, 1, 0, 2, 0),
)
CONSENTLESS = Tally(
    population=184_203,
    compliant=173_801,
    violating=9_990,
    held=0,
    undecidable=412,
    out_of_scope=0,
    subjects=804,
    oldest=datetime(2026, 1, 14, 7, 0, tzinfo=UTC),
    newest=datetime(2026, 11, 23, 22, 4, 11, tzinfo=UTC),
    overdue_since=date(2026, 1, 14),
    ages=(20, 310, 2_660, 7_000, 0),
)
LOGS = Tally(
    population=91_000_000,
    compliant=90_999_880,
    violating=100,
    held=20,
    undecidable=0,
    out_of_scope=0,
    subjects=0,
    oldest=datetime(2025, 11, 20, 3, 0, tzinfo=UTC),
    newest=datetime(2025, 11, 23, 3, 0, tzinfo=UTC),
    overdue_since=date(2026, 11, 21),
    ages=(100, 0, 0, 0, 0),
    estimated=True,
)


def tally(population: int, held: int = 0, undecidable: int = 0, out_of_scope: int = 0, **more: bool) -> Tally:
    """A tally without a violation."""
    compliant = population - held - undecidable - out_of_scope
    return Tally(population, compliant, 0, held, undecidable, out_of_scope, 0, **more)


GEO_SQL = """SELECT p.*
FROM "app"."positions" AS p
WHERE NOT EXISTS (
  SELECT FROM "app"."consents" AS c
  WHERE c."user_id" = p."user_id" AND c."purpose" = 'geolocation' AND c."at" <= p."recorded_at" AND c."action" = 'grant'
)
ORDER BY p."recorded_at" """
RET_SQL = """SELECT *
FROM "app"."positions"
WHERE "recorded_at" < TIMESTAMPTZ '2026-09-24 00:00 Europe/Paris'"""
MIN_SQL = """SELECT *
FROM "app"."accounts"
WHERE "created_at" < "born" + INTERVAL '15 years'"""
LOG_SQL = """SELECT *
FROM "web"."connection_logs"
WHERE "at" < TIMESTAMPTZ '2025-11-24 00:00 Europe/Paris'"""

ASK_FIRST = "Delete the positions that the statement below lists, and let the app ask before it records."
CLOSE = "Close the accounts, or obtain the consent of a guardian before they are used again."
PURGE = "Run the purge of app.positions, and find out why it stopped on 4 May 2025."
PURGE_LOGS = "Run the nightly purge again; it stopped on 21 November 2026."
IN_VAIN = Purge(datetime(2026, 11, 23, 22, 4, tzinfo=UTC), datetime(2026, 10, 15, 21, 4, tzinfo=UTC), 39)
STOPPED = Purge(datetime(2026, 11, 21, 2, 10, tzinfo=UTC), datetime(2026, 11, 21, 2, 10, tzinfo=UTC), 0)
NO_END = "64 ended contracts carry no end date, so their period cannot be counted."
DRIFTED = "Column last_contact_at of app.prospects does not exist; the store map names it as the clock."
SIGNED = "The product sets no cookies: signed by Camille Laurent, head of product, on 3 March 2026."
SILENT = "The server of the archive does not answer (no connection within 10 seconds)."


def app() -> StoreResult:
    """The product's store, with every outcome but `not_audited` for a whole store."""
    last_position = tally(20_410, out_of_scope=8_001)
    no_end = {"cause": Cause.UNDECIDABLE_ROWS, "reason": NO_END, "tally": tally(8_120, undecidable=64)}
    checks = (
        fail("app.positions", "GEO-1", CONSENTLESS, fix=ASK_FIRST, show_rows=GEO_SQL, reading="events", **SCAN),
        fail("app.accounts", "MIN-1", MINORS, fix=CLOSE, show_rows=MIN_SQL, **SCAN),
        fail("app.positions", "RET-3", POSITIONS, fix=PURGE, show_rows=RET_SQL, late_holds=7, purge=IN_VAIN, **SCAN),
        check("app", "app.users", "RET-3", Outcome.PASS, qualifier="last_position", tally=last_position, **SCAN),
        check("app", "app.contracts", "RET-1", Outcome.REVIEW, purge=Purge(None, None, 0), **no_end, **SCAN),
        check("app", "app.prospects", "RET-1", Outcome.NOT_AUDITED, cause=Cause.DRIFT, reason=DRIFTED),
        check("app", "app.sessions", "RET-4", Outcome.PASS, tally=tally(48_222, held=3), late_holds=1, **SCAN),
        check("app", "", "RET-5", Outcome.NOT_APPLICABLE, reason=SIGNED),
    )
    snapshot, seconds = "2026-11-24T01:30:04Z, PostgreSQL 18.1", {"checks": 1.25}
    names = ("app", "Product database", "team-product", "alerts_product")
    return StoreResult(*names, Outcome.FAIL, checks, snapshot=snapshot, seconds=seconds)


def web() -> StoreResult:
    """The store of visits: one failure on an estimated table, one pass."""
    cookies = tally(1_204_003, held=12, estimated=True)
    checks = (
        fail("web.connection_logs", "RET-4", LOGS, fix=PURGE_LOGS, show_rows=LOG_SQL, purge=STOPPED, **SEEK),
        check("web", "web.cookies", "RET-5", Outcome.PASS, tally=cookies, **SEEK),
    )
    names = ("web", "Website database", "team-web", "alerts_web")
    return StoreResult(*names, Outcome.FAIL, checks, snapshot="2026-11-24T01:30:05Z, PostgreSQL 18.1")


def down() -> StoreResult:
    """A store that refused the connection; its planned checks are told one by one."""
    planned = (("archive.identities", "RET-1"), ("archive.positions", "RET-3"), ("archive.positions", "GEO-1"))
    unread = {"cause": Cause.UNREACHABLE, "reason": SILENT}
    checks = tuple(check("archive", table, control, Outcome.NOT_AUDITED, **unread) for table, control in planned)
    names = ("archive", "Archive", "team-platform", "alerts_platform")
    return StoreResult(*names, Outcome.NOT_AUDITED, checks, Cause.UNREACHABLE, SILENT)


def broken() -> Audit:
    """Every outcome, every severity but low, a store down, small counts, estimates, late holds."""
    limits = (
        "Only the stores named above were looked at.",
        "HLD-1 is promised from 1 January 2027 and was not yet judged.",
    )
    return Audit("2026-11-24T013000Z-7c1f", AS_OF, POLICY, (app(), web(), down()), limits, "scheduled__2026-11-24")


def clean() -> Audit:
    """Nothing found. The verdict must not promise more than that."""
    checks = (
        check("app", "app.positions", "RET-3", Outcome.PASS, tally=tally(184_203), **SCAN),
        check("app", "app.accounts", "MIN-1", Outcome.PASS, tally=tally(20_410), **SCAN),
    )
    names = ("app", "Product database", "team-product", "alerts_product")
    store = StoreResult(*names, Outcome.PASS, checks, snapshot="2026-11-24T01:30:04Z, PostgreSQL 18.1")
    return Audit("2026-11-24T013000Z-0a0a", AS_OF, replace(POLICY, conflicts=()), (store,), (), "command line")


def nothing() -> Audit:
    """The only store is down, before any check could be planned."""
    store = replace(down(), checks=())
    return Audit("2026-11-24T013000Z-dead", AS_OF, POLICY, (store,), (), "command line")


AUDITS = {"broken": broken, "clean": clean, "nothing": nothing}


def hostile(name: str) -> Audit:
    """An audit in which everything that could be text is that text."""
    clause = Clause(name, name, name, Automation.NOT_YET_AUTOMATED, name)
    control = Control("RET-3", name, name, Severity.HIGH, (name,), (name,), SINCE)
    rule = replace(control, id="LAW-RET-3", pack=Pack.LAW, source=Source(name, name, SINCE, name))
    conflict = Conflict(name, name, name, name, ("RET-3", "LAW-RET-3"))
    place = name.encode(errors="replace").decode()  # no database holds a lone surrogate, and no fingerprint
    texts = {"version": name, "title": name, "source_sha256": name, "digest": name}
    policy = replace(POLICY, clauses=(clause,), controls=(control, rule), conflicts=(conflict,), **texts)
    policy = replace(policy, law=Law(name, name, SINCE, name))
    said = {"plan": Plan.FULL, "plan_reason": name, "reason": name, "show_rows": name, "fix": name, "reading": name}
    said |= {"show_undecidable": name, "draft": name, "forecast": Forecast(1, 2, estimated=True), "purge": IN_VAIN}
    checks = tuple(
        CheckResult(f"{name}/{outcome}", "RET-3", place, place, place, outcome, name, counted, late_holds=1, **said)
        for outcome, counted in zip(Outcome, (POSITIONS, None, tally(9, undecidable=9), tally(9), None), strict=True)
    )
    word = CheckResult(
        f"{name}/law", "LAW-RET-3", place, place, place, Outcome.PASS, name, attested_until=SINCE, **said
    )
    names = (place, name, name, name)
    store = StoreResult(*names, Outcome.FAIL, (*checks, word), reason=name, snapshot=name)
    lost = StoreResult(*names, Outcome.NOT_AUDITED, (), Cause.LOST, name)
    return Audit("hostile", AS_OF, policy, (store, lost), (name,), name)
