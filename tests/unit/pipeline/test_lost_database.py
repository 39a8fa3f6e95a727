"""A database of the audit that is lost, empty, restored from an older backup or another's is noticed, until somebody
accepts it. Reports lie beside it, filed by real nights; backups are copies of real databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from privacy_audit import audit_db
from privacy_audit.cli.main import app
from privacy_audit.config import settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import ConfigurationRefusedError, PrivacyAuditError
from privacy_audit.pipeline import filing_step, known_database, own_records, planning, sending
from privacy_audit.pipeline.filing_step import FilingOutcome
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError
from tests.conftest import MakeDatabase
from tests.unit.pipeline.company import airflow_url, execute
from tests.unit.pipeline.one_night import NOW, OneNight, handed_on

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)


class Databases:
    """The databases to which the connection may lead."""

    def __init__(self, make: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
        self._make, self._monkeypatch = make, monkeypatch
        self.url = ""

    def connect(self, url: str) -> str:
        self._monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", airflow_url(sa.make_url(url)))
        self.url = url
        return url

    def empty(self) -> str:
        return self.connect(self._make())

    def made(self) -> str:
        url = self.empty()
        audit_db.init(url)
        return url

    def backup(self) -> str:
        """A copy of the database as it is now."""
        return self._make(sa.make_url(self.url).database or "")


@pytest.fixture
def databases(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> Databases:
    made = Databases(make_database, monkeypatch)
    made.made()
    return made


def file_night(now: datetime, results: list[StoreResult | None] | None = None) -> FilingOutcome:
    """A night over the audit's own records, filed with its report."""
    order = handed_on(planning.plan(None, None, ["META-5"], f"night {now}", now))
    return handed_on(filing_step.file(order, results or [handed_on(own_records.audit_records(order))]))


def told(*words: str) -> tuple[int, str]:
    """Exit code and words of a command, as the console script gives them."""
    done = CliRunner().invoke(app, list(words))
    error = done.exception
    if isinstance(error, ConfigurationRefusedError):
        return 2, str(error)
    return (3, str(error)) if isinstance(error, PrivacyAuditError) else (done.exit_code, done.output)


ALTERED: dict[str, Callable[[Databases], object]] = {
    "made anew": lambda databases: databases.made(),
    "empty": lambda databases: databases.empty(),
}
WRITES: dict[str, Callable[[], object]] = {
    "plan": lambda: planning.plan(None, None, ["META-5"], "another night", NOW + 5 * DAY),
    "send": sending.send_alerts,
    "maintain": lambda: own_records.maintain(NOW),
    "dry run": lambda: own_records.maintain(NOW, dry_run=True),
}


@pytest.mark.parametrize("altered", ALTERED)
@pytest.mark.parametrize("write", WRITES)
def test_a_lost_database_is_refused_wherever_something_depends_on_it(
    databases: Databases, altered: str, write: str
) -> None:
    file_night(NOW)
    ALTERED[altered](databases)
    with pytest.raises(AuditDatabaseRefusedError) as caught:
        WRITES[write]()
    words = str(caught.value)
    assert words.startswith("the audit database")
    assert "`privacy-audit db init`" in words if altered == "empty" else "`privacy-audit db accept" in words


@pytest.mark.parametrize("altered", ALTERED)
@pytest.mark.parametrize(
    "words",
    [
        ["run", "--control", "META-5"],
        ["findings", "list"],
        ["findings", "triage", "x", "remediating", "--comment", "c"],
        ["maintain"],
        ["db", "status"],
    ],
)
def test_the_command_line_refuses_it_with_2(databases: Databases, altered: str, words: list[str]) -> None:
    file_night(NOW)
    ALTERED[altered](databases)
    code, said = told(*words)
    assert code == 2
    assert "the audit database" in said


def test_what_was_found_before_it_was_lost_is_kept_unfiled(databases: Databases, home: Path) -> None:
    file_night(NOW)
    order = handed_on(planning.plan(None, None, ["META-5"], "the next night", NOW + DAY))
    results = [handed_on(own_records.audit_records(order))]
    databases.made()
    with pytest.raises(AuditDatabaseRefusedError):
        filing_step.file(order, results)
    unfiled = home / "reports" / f"{order.audit_id}.unfiled" / "audit.json"
    assert json.loads(unfiled.read_bytes())["database"] is None
    assert execute(databases.url, "SELECT count(*) FROM audits") == [(0,)]


def test_a_first_installation(databases: Databases, home: Path) -> None:
    databases.empty()
    assert told("db", "status")[0] == 2
    with pytest.raises(AuditDatabaseRefusedError, match=r"is empty\. Run `privacy-audit db init`"):
        file_night(NOW)
    code, said = told("db", "init")
    assert (code, "accept" in said) == (0, False)
    identity = said.rsplit(" ", 1)[1].strip(".\n")
    report = file_night(NOW).report
    assert json.loads((report / "audit.json").read_bytes())["database"] == identity
    code, said = told("db", "status")
    assert code == 0
    assert f"Identity: {identity}" in said
    assert "knows all that was reported" in said
    assert told("db", "init") == (
        2,
        "the audit database: is initialised already. There is nothing to do: an older version upgrades itself.",
    )
    assert told("db", "init", "--if-empty")[0] == 0
    assert json.loads((report / "audit.json").read_bytes())["database"] == known_database.prove(settings.load())


def test_a_database_of_another_program_is_refused(databases: Databases) -> None:
    execute(databases.empty(), "CREATE TABLE alembic_version (version_num text); CREATE TABLE dag_run (id int)")
    for words in (["db", "init"], ["db", "init", "--if-empty"], ["db", "status"], ["db", "accept", "--because", "x"]):
        code, said = told(*words)
        assert (code, "holds tables of another program" in said) == (2, True), words
    with pytest.raises(AuditDatabaseRefusedError, match="another program"):
        planning.plan(None, None, ["META-5"], "a night", NOW)


def test_an_extension_is_no_table_of_another_program(databases: Databases) -> None:
    url = databases.empty()
    execute(url, "CREATE EXTENSION vector; CREATE VIEW of_the_extension AS SELECT 1 AS one")
    assert not audit_db.is_empty(url)
    execute(url, "ALTER EXTENSION vector ADD VIEW of_the_extension")
    assert audit_db.is_empty(url)
    assert told("db", "init")[0] == 0


def test_the_same_audit_filed_again_files_nothing_twice(databases: Databases) -> None:
    order = handed_on(planning.plan(None, None, ["META-5"], "a night", NOW))
    results = [handed_on(own_records.audit_records(order))]
    first, again = filing_step.file(order, results), filing_step.file(order, results)
    assert replace(again, already_filed=False) == first
    assert execute(databases.url, "SELECT count(*) FROM audits") == [(1,)]


def test_an_older_backup_is_noticed_and_accepted(databases: Databases) -> None:
    file_night(NOW)
    backup = databases.backup()
    lost = [file_night(NOW + DAY).audit_id, file_night(NOW + 2 * DAY).audit_id]
    databases.connect(backup)
    with pytest.raises(AuditDatabaseRefusedError, match=f"does not know 2 audits .*{lost[1]}"):
        file_night(NOW + 3 * DAY)
    assert told("db", "accept", "--because", " ")[0] == 2
    code, said = told("db", "accept", "--because", "The disk failed; see OPS-9.")
    assert code == 0
    assert ", ".join(reversed(lost)) in said
    assert "HLD-2" in said
    ((by, because, accepted, database),) = execute(backup, "SELECT by, because, audit_id, database FROM acceptances")
    assert (because, accepted) == ("The disk failed; see OPS-9.", lost[1])
    assert by
    assert database == known_database.prove(settings.load())
    assert told("db", "accept", "--because", "again") == (
        0,
        "Nothing to accept: the audit database knows all that was reported.\n",
    )
    file_night(NOW + 3 * DAY)
    assert told("db", "status")[0] == 0
    databases.connect(databases.backup())
    file_night(NOW + 4 * DAY)


def test_an_older_backup_is_noticed_by_an_audit_of_the_past_too(databases: Databases) -> None:
    """The newest report is that of the latest instant; what was filed last may be of an earlier one."""
    file_night(NOW)
    backup = databases.backup()
    order = handed_on(planning.plan((NOW - DAY).isoformat(), None, ["META-5"], "by hand", NOW))
    filing_step.file(order, [handed_on(own_records.audit_records(order))])
    databases.connect(backup)
    with pytest.raises(AuditDatabaseRefusedError, match=f"does not know 1 audit .*{order.audit_id}"):
        known_database.prove(settings.load())


def test_another_companys_database_is_noticed(databases: Databases) -> None:
    night = file_night(NOW).audit_id
    databases.made()
    row = "'2026-11-24', '1', '', '', 'pass', '', '', '', true"
    columns = "id, as_of, policy_version, policy_text_sha256, policy_digest, outcome, triggered_by, report_sha256"
    execute(databases.url, f"INSERT INTO audits ({columns}, promises, moved) VALUES ('{night}', {row})")
    with pytest.raises(
        AuditDatabaseRefusedError, match=f"is not the one in which the newest report, {night}, was filed"
    ):
        file_night(NOW + DAY)
    assert told("db", "accept", "--because", "We moved.")[0] == 0
    file_night(NOW + DAY)


def test_the_old_database_is_refused_once_another_took_its_place(databases: Databases) -> None:
    old = databases.url
    file_night(NOW)
    databases.made()
    told("db", "accept", "--because", "The old one was lost.")
    file_night(NOW + DAY)
    databases.connect(old)
    with pytest.raises(AuditDatabaseRefusedError):
        file_night(NOW + 2 * DAY)


def test_a_lost_database_is_made_anew_and_accepted(databases: Databases) -> None:
    lost = file_night(NOW).audit_id
    databases.empty()
    code, said = told("db", "init")
    assert code == 0
    assert "`privacy-audit db accept" in said
    assert told("run", "--control", "META-5")[0] == 2
    code, said = told("db", "accept", "--because", "It was lost.")
    assert (code, lost in said) == (0, True)
    file_night(NOW + DAY)


def test_reports_from_before_databases_had_an_identity_are_known_by_their_audits(
    databases: Databases, home: Path
) -> None:
    report = file_night(NOW).report / "audit.json"
    document = json.loads(report.read_bytes())
    del document["database"]
    report.write_text(json.dumps(document))
    file_night(NOW + DAY)
    shutil.rmtree(home / "reports" / planning.plan(None, None, ["META-5"], f"night {NOW + DAY}", NOW + DAY).audit_id)
    known_database.prove(settings.load())
    databases.made()
    with pytest.raises(AuditDatabaseRefusedError, match="does not know 1 audit"):
        known_database.prove(settings.load())


def test_what_is_unfiled_broken_off_or_the_link_is_no_report(databases: Databases, home: Path) -> None:
    file_night(NOW)
    later = "20991231T001500Z-0000000b"
    (home / "reports" / f"{later}.unfiled").mkdir()
    (home / "reports" / ".part").mkdir()
    (home / "reports" / ".expired.20991231T001500Z-0000000c").mkdir()
    (home / "reports" / "20991231T001500Z-0000000d").symlink_to("latest")
    known_database.prove(settings.load())
    (home / "reports" / later).mkdir()
    with pytest.raises(AuditDatabaseRefusedError, match=later):
        known_database.prove(settings.load())


def test_neither_deleted_audits_nor_deleted_reports_are_missed(databases: Databases, home: Path) -> None:
    """Whichever is kept for longer: what retention deleted is no sign of a loss, and what came after it is."""
    handling = "records: {audits: P3Y, reports: P10Y}\n"
    file_night(NOW - 1500 * DAY)
    file_night(NOW - 1400 * DAY)
    file_night(NOW - DAY)
    backup = databases.backup()
    file_night(NOW)
    expectations = settings.load().expectations
    with pytest.MonkeyPatch.context() as patched:
        own = home.parent / "other expectations"
        shutil.copytree(expectations, own)
        (own / "handling.yaml").write_text(handling)
        patched.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(own))
        deleted = {result.kind.value: result.deleted for result in own_records.maintain(NOW)}
        assert (deleted["audits"]["audits"], deleted["reports"]["reports"]) == (1, 0)
    known_database.prove(settings.load())
    own_records.maintain(NOW + 5000 * DAY)
    assert len([path for path in (home / "reports").iterdir() if path.is_dir() and not path.is_symlink()]) == 1
    known_database.prove(settings.load())
    databases.connect(backup)
    with pytest.raises(AuditDatabaseRefusedError, match="does not know 1 audit"):
        known_database.prove(settings.load())


def test_a_database_of_an_older_version_upgrades_itself_and_gets_an_identity(databases: Databases, home: Path) -> None:
    from tests.unit.audit_db.test_migration import _upgrade_to

    _upgrade_to(databases.empty(), "0005")
    assert "none yet" in told("db", "status")[1]
    identity = json.loads((file_night(NOW).report / "audit.json").read_bytes())["database"]
    assert identity == known_database.prove(settings.load())
    assert len(identity) == 36


def test_an_old_version_restored_beside_newer_reports_is_noticed(databases: Databases) -> None:
    from tests.unit.audit_db.test_migration import _upgrade_to

    file_night(NOW)
    _upgrade_to(databases.empty(), "0005")
    with pytest.raises(AuditDatabaseRefusedError):
        planning.plan(None, None, ["META-5"], "a night", NOW + DAY)
    with pytest.raises(AuditDatabaseRefusedError):
        sending.send_alerts()


def test_one_that_cannot_be_reached_stops_no_audit_and_files_nothing(
    databases: Databases, night: OneNight, home: Path
) -> None:
    file_night(NOW)
    databases.connect(str(sa.make_url(databases.url).set(port=1).render_as_string(hide_password=False)))
    order = handed_on(planning.plan(None, None, None, "a night", NOW + DAY))
    with pytest.raises(audit_db.AuditDatabaseUnavailableError):
        filing_step.file(order, [])
    assert (home / "reports" / f"{order.audit_id}.unfiled").is_dir()


def test_an_audit_is_filed_in_the_database_that_its_report_names_or_not_at_all(databases: Databases) -> None:
    from dataclasses import replace

    from tests import builders

    other = replace(builders.audit(), database="00000000-0000-0000-0000-000000000000")
    with pytest.raises(AuditDatabaseRefusedError, match="another one than a moment ago"):
        audit_db.file(databases.url, audit_db.AuditSubmission(other, "d"))


@pytest.mark.parametrize("table", ["identity", "acceptances", "sweeps"])
def test_what_it_is_and_what_was_accepted_stays_as_it_is(databases: Databases, table: str) -> None:
    audit_db.accept(databases.url, "n", NOW.astimezone(UTC), "", by="me", because="so")
    execute(databases.url, "INSERT INTO sweeps (before) VALUES (now())")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {'id' if table == 'identity' else 'seq'} = DEFAULT"):
        with pytest.raises(Exception, match="what was filed stays as it is"):
            execute(databases.url, statement)
    with pytest.raises(Exception, match="identity_pkey"):
        execute(databases.url, "INSERT INTO identity (id) VALUES (gen_random_uuid())")
