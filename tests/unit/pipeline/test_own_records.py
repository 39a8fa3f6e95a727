"""The audit's own records: what is past its period is found, deleted by maintenance, and then found no more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from typer.testing import CliRunner

from privacy_audit import audit_db
from privacy_audit.cli.main import app
from privacy_audit.config.settings import load
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import assembling, filing_step, order_lookups, own_records, publishing
from privacy_audit.pipeline.filing_step import FilingOutcome
from privacy_audit.self_audit.self_auditor import NotMaintainedError
from tests.unit.pipeline.company import RECORDS, Rows
from tests.unit.pipeline.one_night import NOW, OneNight, handed_on, plan

PAST = "20231122T001500Z-0000000a"
WITHIN = "20231124T001500Z-0000000b"


def outcomes(result: StoreResult) -> dict[str, str]:
    return {check.qualifier: check.outcome.value for check in result.checks}


def look() -> StoreResult:
    return handed_on(own_records.audit_records(plan(run="another run")))


def make(home: Path, *places: str) -> None:
    """Folders of audits that were never filed; a person accepted that the audit database does not know them."""
    for place in places:
        (home / place).mkdir(parents=True)
        (home / place / "audit.json").write_text("{}")
    url = order_lookups.audit_db_url(load())
    audit_db.accept(url, WITHIN, NOW - timedelta(days=1), "", by="a test", because="Its reports are made up.")


@pytest.fixture
def old_night(night: OneNight, rows: Rows, filed: FilingOutcome) -> None:
    """In the register, an audit of years ago whose findings were filed as resolved since."""
    rows("""INSERT INTO audits (id, as_of, policy_version, policy_text_sha256, policy_digest, outcome, triggered_by,
                report_sha256, promises, moved)
            VALUES ('old', '2020-01-01', '1', '', '', 'pass', '', '', '', true)""")


def test_before_the_first_night_there_is_none_of_any_kind(night: OneNight) -> None:
    *_, result = night.results
    assert result is not None
    assert (result.name, result.title, result.outcome) == (
        RECORDS,
        "The audit's own records",
        "not_applicable",
    )
    assert outcomes(result) == dict.fromkeys(("audits", "reports", "validations", "messages"), "not_applicable")


@pytest.mark.usefixtures("old_night")
def test_what_is_past_its_period_fails_until_it_was_deleted(rows: Rows, home: Path) -> None:
    make(home, f"reports/{PAST}", f"reports/{WITHIN}", f"validations/{PAST}", f"validations/{WITHIN}")
    before = look()
    assert before.outcome == "fail"
    assert outcomes(before) == {"audits": "fail", "reports": "fail", "validations": "fail", "messages": "pass"}
    counted = {check.qualifier: (check.tally.population, check.tally.violating) for check in before.checks}
    assert counted == {"audits": (2, 1), "reports": (3, 1), "validations": (3, 2), "messages": (1, 0)}

    dry = own_records.maintain(NOW, dry_run=True)
    assert look() == before
    done = own_records.maintain(NOW)
    assert {result.kind.value: result.deleted for result in done} == {
        "audits": {"results": 0, "standings": 0, "audits": 1, "decisions": 0, "policies": 0},
        "reports": {"reports": 1},
        "validations": {"validations": 2},
        "messages": {"deliveries": 0, "messages": 0},
    }
    assert done == dry
    assert own_records.in_words(done[0], dry_run=False) == "audits: 1 deleted; 1 left within their period."

    assert set(outcomes(look()).values()) == {"pass"}
    assert rows("SELECT count(*) FROM audits") == [(1,)]
    assert not (home / "reports" / PAST).exists()
    assert (home / "reports" / "latest" / "audit.json").exists()


@pytest.mark.usefixtures("rows")
def test_periods_are_those_of_the_handling_file(expectations: Path, home: Path) -> None:
    make(home, f"reports/{WITHIN}", "reports/20261123T001500Z-0000000c")  # the newest stays anyhow
    assert outcomes(look())["reports"] == "pass"
    (expectations / "handling.yaml").write_text("records:\n  reports: P1Y\n")
    assert outcomes(look())["reports"] == "fail"


def test_who_runs_the_audit_owns_its_records(expectations: Path, night: OneNight) -> None:
    *_, usual = night.results
    assert usual is not None
    assert (usual.owner, usual.alert) == (night.app.owner, night.app.alert)
    (expectations / "handling.yaml").write_text("platform: {owner: Platform team, alert: alerts_platform}\n")
    result = look()
    assert (result.owner, result.alert) == ("Platform team", "alerts_platform")


@pytest.mark.usefixtures("rows", "without_airflow")
def test_a_register_that_nobody_named_is_not_audited_and_the_folders_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(home, f"reports/{WITHIN}", f"reports/{PAST}")
    monkeypatch.delenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB")
    result = look()
    assert outcomes(result) == {
        "audits": "not_audited",
        "reports": "fail",
        "validations": "pass",
        "messages": "not_audited",
    }
    assert result.checks[0].reason.startswith("Connection privacy_audit_db: is not configured. Set AIRFLOW_")
    with pytest.raises(NotMaintainedError, match="is not configured"):
        own_records.maintain(NOW)
    assert not (home / "reports" / PAST).exists()


@pytest.mark.usefixtures("rows")
def test_a_folder_of_reports_that_leads_elsewhere_is_not_audited(home: Path, tmp_path: Path) -> None:
    make(tmp_path, f"elsewhere/{PAST}")
    (home / "reports").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    result = look()
    assert outcomes(result)["reports"] == "not_audited"
    with pytest.raises(NotMaintainedError, match="It must be a folder, not a link"):
        own_records.maintain(NOW)
    assert (tmp_path / "elsewhere" / PAST).exists()


@pytest.mark.usefixtures("rows")
def test_what_is_past_its_period_is_a_finding_like_any_other(night: OneNight, home: Path) -> None:
    make(home, f"reports/{PAST}", f"reports/{WITHIN}")
    results = [*night.results[:2], handed_on(own_records.audit_records(night.order))]
    assert assembling.assemble(night.order, results).outcome is Outcome.FAIL
    filed = filing_step.file(night.order, results)
    (finding,) = [one for one in audit_db.findings(order_lookups.audit_db_url(load())) if one.store == RECORDS]
    assert (finding.check, finding.violating) == ("privacy_audit/_store/META-5/reports", 1)
    for page in (
        filed.report / "report.html",
        publishing.publish_docs(night.order, results),
    ):
        text = page.read_text()
        assert "Reports are deleted 3 years after the instant of their audit. The newest stays." in text
    assert "privacy-audit maintain" in (filed.report / "report.html").read_text()


@pytest.mark.usefixtures("rows")
def test_the_command_line_tells_what_it_would_delete_and_what_it_deleted(home: Path) -> None:
    make(home, f"reports/{PAST}", f"reports/{WITHIN}")
    own_records.maintain(NOW)
    make(home, f"reports/{PAST}")
    for arguments, done, left in ((["--dry-run"], "would be deleted", True), ([], "deleted", False)):
        with time_machine.travel(NOW):
            told = CliRunner().invoke(app, ["maintain", *arguments])
        assert told.exit_code == 0, told.output
        assert told.output.splitlines() == [
            f"audits: 0 {done}; 0 left within their period.",
            f"reports: 1 {done}; 1 left within their period.",
            f"validations: 0 {done}; 1 left within their period.",
            f"messages: 0 {done}; 0 left within their period.",
        ]
        assert (home / "reports" / PAST).exists() is left
