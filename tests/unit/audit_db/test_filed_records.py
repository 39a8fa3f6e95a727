"""Records in the audit database: four years of audits, of which exactly those stay that must."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from privacy_audit import audit_db
from privacy_audit.audit_db.filed_records import FiledAudits, FiledMessages
from privacy_audit.audit_db.outbox import enqueue
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import MayHealError, PrivacyAuditError
from privacy_audit.domain.outbox_message import OutboxMessage
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.periods import Period
from privacy_audit.domain.record_periods import PurgeResult, RecordKind
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError
from privacy_audit.self_audit.self_auditor import NotMaintainedError, maintain
from tests import builders
from tests.unit.self_audit.conftest import Rows

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 24, 0, 30, tzinfo=PARIS)
PERIODS = {kind: Period.parse("P3Y") for kind in RecordKind}

BROKEN = builders.app(builders.check("app/app.positions", "RET-3", Outcome.FAIL))
KEPT_NOW = builders.app(builders.check("app/app.positions", "RET-3", Outcome.PASS))
GONE = builders.web(builders.check("web/web.connection_logs", "RET-4", Outcome.FAIL))
"""A store whose map was removed in 2023: nobody saw its finding gone."""
WEB_AS_WELL = builders.web(builders.check("web/web.connection_logs", "RET-4", Outcome.PASS))

NIGHTS: dict[str, tuple[str, tuple[StoreResult, ...], str]] = {
    # audit: its instant, its stores, the promises it names
    "first": ("2022-11-24T00:15:00+00:00", (BROKEN, GONE), "p1"),
    "second": ("2023-02-01T00:15:00+00:00", (BROKEN, GONE), "p2"),
    "resolved": ("2023-03-01T00:15:00+00:00", (KEPT_NOW,), "p2"),
    "plain": ("2023-06-01T00:15:00+00:00", (KEPT_NOW,), "p3"),
    "last of the past": ("2023-11-23T23:59:59+01:00", (KEPT_NOW,), "p3"),
    "first within": ("2023-11-24T00:00:00+01:00", (KEPT_NOW,), "p4"),
    "last": ("2026-11-23T01:15:00+01:00", (BROKEN,), "p4"),
}
LEFT = ["second", "first within", "last"]


@pytest.fixture
def four_years(url: str) -> str:
    for name, (instant, stores, promises) in NIGHTS.items():
        file(url, name, instant, stores, promises)
    return url


def file(url: str, name: str, instant: str, stores: tuple[StoreResult, ...], promises: str = "p") -> None:
    audit = builders.audit(*stores, audit_id=name, as_of=datetime.fromisoformat(instant).astimezone(UTC))
    promised = {"controls": {}, "stores": {}, "checks": {}}
    audit_db.file(url, audit_db.AuditSubmission(audit, f"report of {name}", promises, promised))


def sweep(url: str, *, dry_run: bool = False) -> PurgeResult:
    shelf = FiledAudits(lambda: sa.make_url(url))
    (swept,) = maintain([shelf], PERIODS, NOW, PARIS, dry_run=dry_run)
    return swept


def decide(rows: Rows, fingerprint: str, at: str, comment: str) -> None:
    columns = "fingerprint, triage, comment, by, at"
    rows(f"INSERT INTO decisions ({columns}) VALUES ('{fingerprint}', 'remediating', '{comment}', 'Ada', '{at}')")


def column(rows: Rows, statement: str) -> list[Any]:
    return [row[0] for row in rows(statement)]


def test_what_is_left_of_four_years(four_years: str, rows: Rows) -> None:
    swept = sweep(four_years)
    assert column(rows, "SELECT id FROM audits ORDER BY as_of") == LEFT
    assert column(rows, "SELECT DISTINCT audit_id FROM results ORDER BY 1") == sorted(LEFT)
    assert rows("SELECT audit_id, store, status FROM standings ORDER BY seq") == [
        ("second", "app", "open"),
        ("second", "web", "open"),
        ("last", "app", "reopened"),
    ]
    assert column(rows, "SELECT digest FROM policies ORDER BY 1") == ["p2", "p4"]
    assert swept == PurgeResult(
        RecordKind.AUDITS,
        within=2,
        left={"where an open finding stood last": 1},
        deleted={"audits": 4, "results": 5, "standings": 3, "decisions": 0, "policies": 2},
    )


def test_again_there_is_nothing_left_to_do(four_years: str, rows: Rows) -> None:
    sweep(four_years)
    again = sweep(four_years)
    assert set(again.deleted.values()) == {0}
    assert (again.within, again.left) == (2, {"where an open finding stood last": 1})
    assert column(rows, "SELECT id FROM audits ORDER BY as_of") == LEFT


def test_a_dry_run_counts_the_same_and_deletes_nothing(four_years: str, rows: Rows) -> None:
    tables = ("audits", "results", "standings", "decisions", "policies")
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    before = rows(counts)
    dry = sweep(four_years, dry_run=True)
    assert rows(counts) == before
    assert sweep(four_years) == dry


def test_a_finding_of_a_store_that_is_gone_stays_open(four_years: str) -> None:
    before = {one.fingerprint: one for one in audit_db.findings(four_years) if one.store == "web"}
    sweep(four_years)
    assert {one.fingerprint: one for one in audit_db.findings(four_years) if one.store == "web"} == before
    (one,) = before.values()
    assert one.is_open


def test_an_open_finding_keeps_its_first_day_when_its_first_audit_goes(url: str) -> None:
    file(url, "first", "2022-11-24T00:15:00+00:00", (BROKEN,))
    file(url, "last", "2026-11-23T00:15:00+00:00", (BROKEN,))
    assert sweep(url).deleted["audits"] == 1
    (one,) = audit_db.findings(url)
    assert (one.first_seen, one.occurrences) == (datetime(2022, 11, 24, 0, 15, tzinfo=UTC), 2)


def test_once_the_finding_is_gone_its_old_audit_goes(four_years: str, rows: Rows) -> None:
    sweep(four_years)
    file(four_years, "web again", "2026-11-23T12:00:00+00:00", (WEB_AS_WELL,), "p4")
    assert sweep(four_years).left == {}
    assert column(rows, "SELECT id FROM audits ORDER BY as_of") == ["first within", "last", "web again"]


def test_the_newest_audit_stays_however_old_it_is(url: str, rows: Rows) -> None:
    for number in (1, 2):
        file(url, f"night {number}", f"2020-01-0{number}T00:15:00+00:00", (KEPT_NOW,))
    assert sweep(url).left == {"the newest": 1}
    assert column(rows, "SELECT id FROM audits") == ["night 2"]


def test_decisions_go_with_the_last_standing_of_their_finding(four_years: str, rows: Rows) -> None:
    web, app = (store.checks[0].fingerprint for store in (GONE, BROKEN))
    decide(rows, web, "2022-12-01", "the store is still there")
    decide(rows, app, "2022-12-01", "the finding is back")
    decide(rows, "of no finding", "2022-12-01", "long ago")
    decide(rows, "of no finding", "2026-11-01", "of late")
    assert sweep(four_years).deleted["decisions"] == 1
    assert column(rows, "SELECT comment FROM decisions ORDER BY seq") == [
        "the store is still there",
        "the finding is back",
        "of late",
    ]


@pytest.mark.parametrize("table", ["audits", "results", "standings", "decisions"])
def test_without_maintenance_nothing_goes_and_with_it_nothing_changes(four_years: str, rows: Rows, table: str) -> None:
    decide(rows, "f", "2022-12-01", "said")
    column_of = {"audits": "outcome", "results": "reason", "standings": "owner", "decisions": "comment"}[table]
    for statement in (
        f"DELETE FROM {table}",
        f"UPDATE {table} SET {column_of} = {column_of}",
        f"SET LOCAL privacy_audit.maintenance = 'on'; UPDATE {table} SET {column_of} = {column_of}",
    ):
        with pytest.raises(sa.exc.IntegrityError, match="what was filed stays as it is"):
            rows(statement)


def test_the_permission_ends_with_the_transaction(four_years: str, rows: Rows) -> None:
    sweep(four_years)
    assert rows("SELECT current_setting('privacy_audit.maintenance', true)") in ([(None,)], [("",)])
    with pytest.raises(sa.exc.IntegrityError):
        rows("DELETE FROM standings")


def test_a_run_that_is_lost_in_the_middle_deletes_nothing(four_years: str, rows: Rows) -> None:
    rows("""CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END'""")
    rows("CREATE TRIGGER lost BEFORE DELETE ON policies FOR EACH ROW EXECUTE FUNCTION lost()")  # the last of them
    with pytest.raises(NotMaintainedError, match="no connection came about, or it was lost"):
        sweep(four_years)
    assert column(rows, "SELECT count(*) FROM audits") == [len(NIGHTS)]
    rows("DROP TRIGGER lost ON policies")
    sweep(four_years)
    assert column(rows, "SELECT id FROM audits ORDER BY as_of") == LEFT


@pytest.mark.parametrize("shelf", [FiledAudits, FiledMessages])
def test_a_database_that_was_never_made_is_not_taken_for_one_without_records(
    database: str, shelf: type[FiledAudits | FiledMessages]
) -> None:
    with pytest.raises(AuditDatabaseRefusedError, match="is empty"):
        shelf(lambda: sa.make_url(database)).records()
    with pytest.raises(NotMaintainedError, match="is empty"):
        maintain([shelf(lambda: sa.make_url(database))], PERIODS, NOW, PARIS, dry_run=False)


def test_a_shelf_that_is_lost_stops_no_other_and_may_heal(four_years: str, rows: Rows) -> None:
    def nowhere() -> sa.URL:
        raise PrivacyAuditError("connection privacy_audit_db: is not configured.")

    with pytest.raises(NotMaintainedError) as failed:
        maintain(
            [FiledMessages(nowhere), FiledAudits(lambda: sa.make_url(four_years))], PERIODS, NOW, PARIS, dry_run=False
        )
    lost, done = str(failed.value).splitlines()
    assert lost == "connection privacy_audit_db: is not configured."
    assert done.startswith("audits: 4 deleted, with 5 results, 3 standings, 2 policies; 2 left within their period;")
    assert isinstance(failed.value, MayHealError)
    assert column(rows, "SELECT id FROM audits ORDER BY as_of") == LEFT


LETTER = OutboxMessage(
    "old and done", "a", datetime(2020, 1, 1, tzinfo=UTC), "Product", "alerts_app", digest=False, content={}
)


def test_messages_go_when_they_were_delivered_and_never_before(url: str, rows: Rows) -> None:
    young = datetime(2026, 1, 1, tzinfo=UTC)
    letters = [LETTER, replace(LETTER, key="old and waiting"), replace(LETTER, key="young and done", as_of=young)]
    with transaction(url) as connection:
        enqueue(connection, letters)
    rows("UPDATE messages SET done_at = as_of WHERE key LIKE '%% and done'")
    columns = "key, audit_id, owner, sent_at, message"
    rows(f"INSERT INTO deliveries ({columns}) SELECT key || ':mail', audit_id, owner, done_at, key FROM messages")
    rows(f"INSERT INTO deliveries ({columns}) VALUES ('alone', 'a', 'Product', '2020-01-01', NULL)")
    (swept,) = maintain([FiledMessages(lambda: sa.make_url(url))], PERIODS, NOW, PARIS, dry_run=False)
    assert column(rows, "SELECT key FROM messages ORDER BY 1") == ["old and waiting", "young and done"]
    assert column(rows, "SELECT key FROM deliveries ORDER BY 1") == ["old and waiting:mail", "young and done:mail"]
    assert (swept.within, swept.left) == (1, {"not delivered yet": 1})
    assert swept.deleted == {"messages": 1, "deliveries": 2}
