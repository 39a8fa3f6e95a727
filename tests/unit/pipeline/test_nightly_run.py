"""The tasks of the DAG as functions: what they hand on, what they leave in the audit's folder, what they log."""

from __future__ import annotations

import json
import logging
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from privacy_audit.airflow_support import nightly_tasks
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import planning, run_gate
from tests.unit.pipeline.company import Rows
from tests.unit.pipeline.one_night import NOW, RUN
from tests.unit.pipeline.owner import Owner

EVERYTHING = {"as_of": None, "stores": None, "controls": None}
NUMBERS = {outcome.value for outcome in Outcome}


@pytest.mark.usefixtures("rows", "owner")
def test_a_night_hands_on_an_id_and_counts_and_logs_a_line_per_task(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="privacy_audit")
    audit_id = nightly_tasks.begin(EVERYTHING, RUN, NOW)
    handed = [nightly_tasks.audit_store(audit_id, store, NOW) for store in ("app", "web")]
    assert nightly_tasks.asks_for_records(audit_id)
    handed.append(nightly_tasks.audit_records(audit_id))
    handed.append(filed := nightly_tasks.file(audit_id))
    handed.append(published := nightly_tasks.publish_docs(audit_id))
    handed.append(told := nightly_tasks.send_alerts(audit_id))
    assert filed["outcome"] == "fail"
    assert filed["fail"] == sum(counts["fail"] for counts in handed[:3])
    assert (published["published"], told["failed"]) == (1, 0)
    for counts in handed:
        assert counts["audit_id"] == audit_id
        assert all(isinstance(value, int) for name, value in counts.items() if name not in ("audit_id", "outcome"))
    causes = nightly_tasks.causes(audit_id, filed, told, published, [])

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("privacy_audit")]
    assert len(lines) == 8, lines
    assert all(line.startswith(f"audit {audit_id}: ") for line in lines)
    assert "app: fail; " in lines[1]
    assert "checks: 1 fail" in lines[1]
    # Of the real policy some controls find no register here: they are not audited, and counted by their cause.
    assert all(line.startswith(("Store ", "And ")) for line in causes)
    assert len(causes) <= run_gate.LINES


@pytest.mark.usefixtures("rows")
def test_a_store_whose_task_left_nothing_is_not_audited_and_the_others_are_filed() -> None:
    audit_id = nightly_tasks.begin(EVERYTHING, RUN, NOW)
    web = nightly_tasks.audit_store(audit_id, "web", NOW)
    filed = nightly_tasks.file(audit_id)
    assert filed["fail"] == web["fail"] > 0
    causes = nightly_tasks.causes(audit_id, filed, None, None, ["Task audit_app failed: It reached its time limit."])
    assert causes[0] == "Task audit_app failed: It reached its time limit."
    assert any(cause.startswith("Store app was not audited: The task that audits this store ended") for cause in causes)
    assert "The owners were not told." not in causes  # a task gave the cause


@pytest.mark.usefixtures("rows")
def test_a_run_over_some_stores_moves_neither_the_newest_report_nor_the_data_docs(home: Path) -> None:
    whole = nightly_tasks.begin(EVERYTHING, RUN, NOW)
    for store in ("app", "web"):
        nightly_tasks.audit_store(whole, store, NOW)
    nightly_tasks.file(whole)
    nightly_tasks.publish_docs(whole)
    shown = (home / "data_docs").readlink()

    for wish in ({"stores": ["web"]}, {"controls": ["RET-4"]}):
        part = nightly_tasks.begin({**EVERYTHING, **wish}, f"manual__{wish}", NOW + timedelta(minutes=5))
        for store in ("app", "web"):
            if nightly_tasks.asks_for_store(part, store):
                nightly_tasks.audit_store(part, store, NOW)
        nightly_tasks.file(part)
        assert nightly_tasks.publish_docs(part)["published"] == 0
        assert (home / "reports" / part / "report.html").is_file()
    assert (home / "reports" / "latest").resolve().name == whole
    assert (home / "data_docs").readlink() == shown


@pytest.mark.usefixtures("rows")
def test_an_audit_as_of_an_earlier_day_passes_nothing_and_moves_no_finding(rows: Rows) -> None:
    yesterday = (NOW - timedelta(days=1)).isoformat()
    audit_id = nightly_tasks.begin({**EVERYTHING, "as_of": yesterday}, "manual__1", NOW)
    app = nightly_tasks.audit_store(audit_id, "app", NOW)
    assert (app["pass"], app["fail"]) == (0, 1)
    nightly_tasks.audit_store(audit_id, "web", NOW)
    nightly_tasks.file(audit_id)
    assert rows("SELECT count(*) FROM standings WHERE store IN ('app', 'web')") == [(0,)]
    ((outcome, cause, reason),) = rows(
        "SELECT outcome, cause, reason FROM results WHERE check_id = 'app/app.logins/RET-4'"
    )
    assert (outcome, cause) == ("review", "read_later")
    assert "deleted since the instant judged by" in reason


@pytest.mark.usefixtures("rows")
def test_a_store_whose_task_is_cleared_days_later_passes_nothing() -> None:
    audit_id = nightly_tasks.begin(EVERYTHING, RUN, NOW)
    assert nightly_tasks.audit_store(audit_id, "app", NOW)["pass"] > 0
    assert nightly_tasks.audit_store(audit_id, "app", NOW + timedelta(days=2))["pass"] == 0


@pytest.mark.parametrize(
    ("as_of", "late"),
    [
        (None, False),
        ("2026-11-24T00:10:00+01:00", False),  # the same civil day
        ("2026-11-23T23:59:00+01:00", True),
    ],
)
def test_what_counts_is_the_civil_day(as_of: str | None, late: bool) -> None:
    assert planning.plan(as_of, None, None, RUN, NOW).read_later is late


def test_an_audit_that_crosses_midnight_is_not_read_later() -> None:
    now = datetime.fromisoformat("2026-11-24T00:20:00+01:00")
    assert planning.plan("2026-11-23T23:50:00+01:00", None, None, RUN, now).read_later is False
    assert planning.plan("2026-11-23T23:10:00+01:00", None, None, RUN, now).read_later is True


@pytest.mark.usefixtures("rows")
def test_a_home_that_workers_do_not_share_is_named(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    audit_id = nightly_tasks.begin(EVERYTHING, RUN, NOW)
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(tmp_path / "another"))
    with pytest.raises(nightly_tasks.HandoverError, match="All workers must share PRIVACY_AUDIT_HOME"):
        nightly_tasks.audit_store(audit_id, "app", NOW)


def test_a_folder_that_cannot_be_written_is_named(home: Path) -> None:
    (home / "validations").rename(home / "moved")
    (home / "validations").write_text("no folder")
    with pytest.raises(nightly_tasks.HandoverError, match="could not be written: Not a directory"):
        nightly_tasks.begin(EVERYTHING, RUN, NOW)


def test_what_is_left_is_for_user_and_group_alone(home: Path) -> None:
    audit_id = nightly_tasks.begin(EVERYTHING, RUN, NOW + timedelta(hours=1))
    folder = home / "validations" / audit_id
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert stat.S_IMODE((folder / "order.json").stat().st_mode) == 0o640
    assert json.loads((folder / "order.json").read_text())["audit_id"] == audit_id


def test_the_gate_says_ten_lines_at_most(owner: Owner) -> None:
    failures = [f"Task audit_{number} failed: It reached its time limit." for number in range(40)]
    causes = nightly_tasks.causes(None, None, None, None, failures)
    assert len(causes) == run_gate.LINES == 10
    assert causes[-1] == "And 31 more causes: see the report, which says them first."
