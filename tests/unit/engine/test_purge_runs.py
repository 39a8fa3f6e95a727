"""What the log of purge runs says of a check: told by aggregates, beside the tally, and never instead of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome, Plan
from privacy_audit.domain.tally import Purge, TallyMismatchError
from privacy_audit.engine import measurement as measuring
from privacy_audit.engine.check_details import details_of, read_details
from tests.unit.engine.conftest import Store, T, by_control
from tests.unit.engine.test_forecast import soft_delete
from tests.unit.engine.test_plan import ANALYZE, FILL, OVER, ROWS, TABLE, consent, looked, retention

LOG = {"table": "app.purges", "target": "job", "finished": {"column": "ended"}, "deleted": "gone"}
POSITIONS = {
    "title": "Positions",
    "key": ["id"],
    "subject": {"column": "user_id"},
    "use_of_service": {"clock": {"column": "recorded_at"}},
    "data": [{"category": "geolocation", "clock": {"column": "recorded_at"}}],
}
NOTHING = Purge(None, None, 0)


def day(number: int) -> datetime:
    """So many days of November 2026, at three in the morning UTC; T is on the 24th, at 01:15."""
    return datetime(2026, 11, number, 3, tzinfo=UTC)


def log(store: Store, *runs: str, ended: str = "timestamptz", gone: str = "bigint") -> None:
    """Positions, and a log with these rows."""
    store.do(TABLE, FILL, "CREATE INDEX ON app.positions (recorded_at)", ANALYZE)
    store.do(f"CREATE TABLE app.purges (job text, ended {ended}, gone {gone})")
    store.do(*(f"INSERT INTO app.purges VALUES {run}" for run in runs))


def run(job: str, number: int, gone: int | None) -> str:
    return f"('{job}', '{day(number)}', {'NULL' if gone is None else gone})"


def audited(store: Store, results: Path, budget: int = ROWS, **changes: Any) -> StoreResult:
    registers = {"purge_runs": {**LOG, **changes}}
    tables = {"app.positions": POSITIONS}
    return store.audit(results, tables, controls=("RET-3",), budget=budget, registers=registers)


def only_check(result: StoreResult) -> CheckResult:
    return by_control(result)["RET-3"]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ((), NOTHING),
        ((("app.sessions", 20, 4),), NOTHING),
        ((("app.positions", 20, 4),), Purge(day(20), day(20), 0)),
        ((("app.positions", 20, 0),), Purge(day(20), None, 1)),
        ((("app.positions", 20, None),), Purge(day(20), None, 0, 1)),
        ((("app.positions", 20, -1),), Purge(day(20), None, 0, 1)),
        (
            (
                ("app.positions", 12, 0),
                ("app.positions", 13, 7),
                ("app.positions", 14, 3),
                ("app.positions", 15, 0),
                ("app.positions", 17, None),
                ("app.positions", 18, 0),
                ("app.sessions", 19, 5),
            ),
            Purge(day(18), day(14), 2, 1),
        ),
    ],
    ids=["no run", "of another table", "deleted", "in vain", "untold", "less than nothing", "one after another"],
)
@pytest.mark.parametrize(("budget", "plan"), [(ROWS, Plan.FULL), (OVER, Plan.SEEK)])
def test_the_log_is_told_whichever_way_the_table_is_read(
    store: Store, budget: int, plan: Plan, runs: tuple[tuple[str, int, int | None], ...], told: Purge
) -> None:
    log(store, *(run(*one) for one in runs))
    measured = looked(store, retention(purge_runs=LOG), budget)
    assert (measured.plan, measured.purge) == (plan, told)
    assert replace(measured, purge=None) == looked(store, retention(), budget)


@pytest.mark.parametrize(
    "moment",
    ["NULL", "'infinity'", "'-infinity'", "'2018-12-31 22:59:59+00'", f"'{T + timedelta(microseconds=1)}'"],
    ids=["not finished", "never", "since ever", "before the company", "after T"],
)
def test_a_run_at_a_moment_that_is_no_fact_did_not_run(store: Store, moment: str) -> None:
    log(store, run("app.positions", 12, 3), f"('app.positions', {moment}, 5)", f"('app.positions', {moment}, 0)")
    assert looked(store, retention(purge_runs=LOG)).purge == Purge(day(12), day(12), 0)


def test_a_run_that_ended_at_t_counts(store: Store) -> None:
    log(store, f"('app.positions', '{T}', 0)")
    assert looked(store, retention(purge_runs=LOG)).purge == Purge(T, None, 1)


@pytest.mark.parametrize(
    ("ended", "clock", "written", "read"),
    [
        ("date", {"encoding": "date"}, "'2026-11-20'", datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("timestamp", {"encoding": "timestamp", "zone": "Europe/Paris"}, "'2026-11-20 04:00'", day(20)),
        ("bigint", {"encoding": "epoch_seconds"}, f"{day(20).timestamp():.0f}", day(20)),
        ("float8", {"encoding": "epoch_milliseconds"}, f"{day(20).timestamp() * 1000:.0f}", day(20)),
    ],
)
def test_moments_of_runs_are_read_as_they_are_written(
    store: Store, ended: str, clock: dict[str, str], written: str, read: datetime
) -> None:
    log(store, f"('app.positions', {written}, 0)", ended=ended, gone="smallint")
    finished = {"column": "ended", **clock}
    assert looked(store, retention(purge_runs={**LOG, "finished": finished})).purge == Purge(read, None, 1)


def test_two_runs_on_one_day_are_not_told_apart_where_only_the_day_is_written(store: Store) -> None:
    log(store, "('app.positions', '2026-11-20', 0)", "('app.positions', '2026-11-20', 4)", ended="date")
    ran = looked(store, retention(purge_runs={**LOG, "finished": {"column": "ended", "encoding": "date"}})).purge
    assert ran == Purge(datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 19, 23, tzinfo=UTC), 0)


def test_a_table_is_known_by_the_word_of_the_log(store: Store, tmp_path: Path) -> None:
    log(store, run("the job''s", 20, 0), run("app.positions", 21, 5))
    check = only_check(audited(store, tmp_path, targets={"app.positions": "the job's"}))
    assert check.purge == Purge(day(20), None, 1)


def test_rows_marked_as_deleted_have_the_same_job(store: Store) -> None:
    log(store, run("app.positions", 20, 0))
    assert looked(store, soft_delete(purge_runs=LOG)).purge == Purge(day(20), None, 1)


def test_what_the_log_says_reaches_the_result_and_the_file(store: Store, tmp_path: Path) -> None:
    log(store, run("app.positions", 14, 3), run("app.positions", 20, 0))
    result = audited(store, tmp_path)
    assert only_check(result).purge == Purge(day(20), day(14), 1)
    assert result.limits == ()
    (filed,) = tmp_path.rglob("*.json")
    assert '"purge_last_deleted": "2026-11-14T03:00:00+00:00"' in filed.read_text()


@pytest.mark.parametrize("purge", [None, NOTHING, Purge(day(20), None, 2), Purge(day(20), day(14), 1, 2)])
def test_what_the_log_says_passes_through_the_details(store: Store, purge: Purge | None) -> None:
    store.do(TABLE, FILL, ANALYZE)
    measured = replace(looked(store, retention()), purge=purge)
    assert read_details(details_of(measured)) == measured


def test_only_deletion_is_asked_about(store: Store, tmp_path: Path) -> None:
    log(store, run("app.positions", 20, 0))
    store.do("CREATE TABLE app.consents (person bigint, purpose text, granted timestamptz, withdrawn timestamptz)")
    store.do("INSERT INTO app.consents VALUES (1, 'geolocation', '2026-01-01', NULL)")
    ledger = consent().model_dump(mode="json", by_alias=True)["consents"]
    registers = {"purge_runs": LOG, "consents": ledger}
    found = by_control(
        store.audit(tmp_path, {"app.positions": POSITIONS}, controls=("RET-3", "GEO-1"), registers=registers)
    )
    assert (found["RET-3"].purge, found["GEO-1"].purge) == (Purge(day(20), None, 1), None)


HIDDEN = {
    "a log that is not there": (
        "DROP TABLE app.purges",
        'app.purges: no such table. Did you mean "app.purge"?',
    ),
    "a column that is not there": (
        "ALTER TABLE app.purges RENAME gone TO gones",
        'app.purges: no such column "gone". Did you mean "gones"?',
    ),
    "a number that is text": (
        "ALTER TABLE app.purges ALTER gone TYPE text",
        "app.purges.gone is of type text, the map implies int2 or int4 or int8. Correct the encoding in the map",
    ),
    "a moment of another type": (
        "ALTER TABLE app.purges ALTER ended TYPE date",
        "app.purges.ended is of type date, the map implies timestamptz. Correct the encoding in the map",
    ),
    "no right to read it": (
        "REVOKE SELECT ON app.purges FROM {role}",
        "the role may not read app.purges.job. Grant it SELECT",
    ),
    "rows that are hidden": (
        "ALTER TABLE app.purges ENABLE ROW LEVEL SECURITY",
        "app.purges has row-level security that would hide rows from the auditor."
        " Give its role BYPASSRLS, or a policy that lets it see every row and FORCE off",
    ),
    "a view in its place": (
        "ALTER TABLE app.purges RENAME TO old; CREATE VIEW app.purges AS SELECT * FROM app.old",
        "app.purges is a view, the map says partitioned or table. A view may filter rows: map the table beneath it",
    ),
}


@pytest.mark.parametrize(("change", "why"), HIDDEN.values(), ids=HIDDEN)
def test_a_log_that_cannot_be_seen_takes_no_check_with_it(store: Store, tmp_path: Path, change: str, why: str) -> None:
    log(store, run("app.positions", 20, 0))
    store.do("CREATE TABLE app.purge (id int)", change.format(role=store.role))
    result = audited(store, tmp_path)
    check = only_check(result)
    assert (check.outcome, check.purge) == (Outcome.FAIL, None)
    assert replace(check, plan_reason="") == replace(
        only_check(store.audit(tmp_path / "without", {"app.positions": POSITIONS}, controls=("RET-3",), budget=ROWS)),
        plan_reason="",
    )
    assert result.limits == (
        f"the log of purge runs could not be read ({why}), so 1 check went without it:"
        " no outcome depends on it, but whether the purge runs is not known",
    )


def test_a_log_that_fails_while_it_is_read_takes_no_check_with_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(store, run("app.positions", 20, 0))
    monkeypatch.setattr(measuring, "purge_statement", lambda *_: sa.text("SELECT 1 / 0"))
    result = audited(store, tmp_path)
    check = only_check(result)
    assert (check.outcome, check.purge) == (Outcome.FAIL, None)
    assert check.forecast is not None
    (limit,) = result.limits
    assert limit.startswith("the log of purge runs could not be read (the server ended the statement), so 1 check ")


def test_a_log_does_not_help_a_check_that_cannot_look(store: Store, tmp_path: Path) -> None:
    log(store, run("app.positions", 20, 0))
    store.do("ALTER TABLE app.positions DROP COLUMN recorded_at")
    result = audited(store, tmp_path)
    check = only_check(result)
    assert (check.outcome, check.cause, check.purge) == (Outcome.NOT_AUDITED, Cause.DRIFT, None)
    assert result.limits == ()


@pytest.mark.parametrize(
    ("last_ran", "last_deleted", "idle", "untold"),
    [
        (None, None, 1, 0),
        (None, day(3), 0, 0),
        (day(3), None, 0, 0),
        (day(3), day(4), 0, 0),
        (day(3), day(3), -1, 0),
        (day(3), None, 2, -1),
    ],
)
def test_a_log_that_contradicts_itself_is_none(
    last_ran: datetime | None, last_deleted: datetime | None, idle: int, untold: int
) -> None:
    with pytest.raises(TallyMismatchError):
        Purge(last_ran, last_deleted, idle, untold)
