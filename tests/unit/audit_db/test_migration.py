"""The migrations make the tables the code knows, once, anyone who else is upgrading."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from privacy_audit import audit_db
from privacy_audit.audit_db.tables import metadata
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import FindingKind, FindingStatus, Triage
from tests import builders

MIGRATIONS = Path(audit_db.__file__).parent / "migrations"
HEAD = max(path.name for path in (MIGRATIONS / "versions").glob("0*.py"))[:4]
# compare_metadata does not look at CHECK constraints.
CATALOG = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('alembic_version'), 0)
UNION ALL
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2, 3
"""


def _ask(url: str, statement: str) -> list[tuple]:
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def _upgrade_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_every_constraint_and_index(url: str, database: str) -> None:
    metadata.create_all(sa.create_engine(database, poolclass=sa.NullPool))
    migrated = _ask(url, CATALOG)
    assert migrated == _ask(database, CATALOG)
    assert len([name for _, name, _ in migrated if name.endswith("_check")]) >= 10


def test_two_upgrades_at_once_are_safe(database: str) -> None:
    _upgrade_to(database, "0004")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(audit_db.upgrade, [database, database]))
    assert _ask(database, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_an_upgrade_waits_for_the_one_under_way(database: str) -> None:
    from privacy_audit.audit_db.migration import _LOCK

    audit_db.init(database)
    with ThreadPoolExecutor(1) as pool, sa.create_engine(database, poolclass=sa.NullPool).connect() as other:
        other.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
        upgrade = pool.submit(audit_db.upgrade, database)
        with pytest.raises(TimeoutError):
            upgrade.result(timeout=1)
        other.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
        upgrade.result(timeout=120)


def test_an_upgrade_again_keeps_what_was_filed(url: str) -> None:
    filed = audit_db.file(url, audit_db.AuditSubmission(builders.audit(), "d"))
    audit_db.decide(url, filed.chronicle.standings[0].fingerprint, Triage.REMEDIATING, "The purge is mended.", "Ada")
    tables = [name for (name,) in _ask(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    before = {table: _ask(url, f"SELECT * FROM {table} ORDER BY 1") for table in tables}
    audit_db.upgrade(url)
    assert {table: _ask(url, f"SELECT * FROM {table} ORDER BY 1") for table in tables} == before
    assert {table for table, rows in before.items() if rows} >= {"audits", "results", "standings", "decisions"}


DAY = timedelta(days=1)
FAILED = (5, 0, 3, 0, 2, 0, 1)
"""A tally: 5 rows, of which 3 are in breach and 2 undecidable; one subject."""


def _file_until_0002(url: str, revision: str, nights: Mapping[str, Mapping[str, str]]) -> None:
    """Nights as they were filed then: id of each audit to checks and their outcomes."""
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        for number, (audit, outcomes) in enumerate(nights.items()):
            when = builders.T + number * DAY
            connection.exec_driver_sql(
                "INSERT INTO audits VALUES (%s, %s, %s, '1', 'a', 'b', 'fail', '', 'd')", (audit, when, when)
            )
            for name, outcome in outcomes.items():
                passed = (5, 5, 0, 0, 0, 0, 0)
                counts = {"fail": FAILED, "review": (2, 0, 0, 0, 2, 0, 0), "pass": passed}.get(outcome, (None,) * 7)
                rest = (False, date(2026, 11, 3), [counts[2], 0, 0, 0, 0]) if counts[0] else (None, None, None)
                connection.exec_driver_sql(
                    "INSERT INTO results (audit_id, check_id, fingerprint, control, store, table_name, qualifier,"
                    " outcome, reason, late_holds, population, compliant, violating, held, undecidable, out_of_scope,"
                    " subjects, estimated, overdue_since, ages)"
                    " VALUES (%s, %s, %s, 'RET-3', 'app', 'app.t', '', %s, '', 0" + ", %s" * 10 + ")",
                    (audit, f"check {name}", name, outcome, *counts, *rest),
                )
        for name in sorted({name for outcomes in nights.values() for name in outcomes}):
            had = [(at, outcomes[name]) for at, outcomes in enumerate(nights.values()) if name in outcomes]
            found = [(at, outcome) for at, outcome in had if outcome in ("fail", "review", "not_audited")]
            looked = [at for at, outcome in found if outcome != "not_audited"]
            seen = [builders.T + at * DAY for at in (found[0][0], max(looked, default=-1))]
            last = seen[1] if looked else builders.T + found[-1][0] * DAY if revision == "0001" else None
            ends = [list(nights)[found[0][0]], list(nights)[found[-1][0]], found[-1][1]]
            connection.exec_driver_sql(
                "INSERT INTO findings VALUES (%s, 'RET-3', 'app', 'app.t', '', %s, %s, %s, %s, %s)",
                (name, seen[0], last, *ends),
            )


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_findings_known_before_0003_go_on(database: str, revision: str) -> None:
    _upgrade_to(database, revision)
    words = {"f": "fail", "r": "review", "p": "pass", "a": "not_applicable", "b": "not_audited"}
    histories = {"open": "frf", "late": "bff", "unseen": "frb", "gone": "ffp", "still gone": "fpb", "none": "raa"}
    histories |= {"blind": "bbb", "looked": "bpp"}
    nights = {f"n{n}": {name: words[it[n]] for name, it in histories.items()} for n in range(3)}
    _file_until_0002(database, revision, nights)
    audit_db.upgrade(database)
    findings = {one.check.removeprefix("check "): one for one in audit_db.findings(database)}
    day = {builders.T + n * DAY: n for n in range(3)} | {None: None}
    told = {
        name: (
            one.kind,
            one.status,
            one.outcome,
            [day[it] for it in (one.first_seen, one.last_seen, one.resolved_at, one.unseen_since)],
            (one.occurrences, one.rows),
        )
        for name, one in findings.items()
    }
    breach, sight, opened, closed = (
        FindingKind.NONCONFORMITY,
        FindingKind.NOT_AUDITED,
        FindingStatus.OPEN,
        FindingStatus.RESOLVED,
    )
    assert told == {
        "open": (breach, opened, Outcome.FAIL, [0, 2, None, None], (3, 5)),
        "late": (breach, opened, Outcome.FAIL, [1, 2, None, None], (2, 5)),
        "unseen": (breach, opened, Outcome.REVIEW, [0, 1, None, 2], (2, 2)),
        "gone": (breach, closed, Outcome.FAIL, [0, 1, 2, None], (2, 5)),
        "still gone": (breach, closed, Outcome.FAIL, [0, 0, 1, None], (1, 5)),
        "none": (breach, closed, Outcome.REVIEW, [0, 0, 1, None], (1, 2)),
        "blind": (sight, opened, Outcome.NOT_AUDITED, [0, 2, None, None], (3, 0)),
        "looked": (sight, closed, Outcome.NOT_AUDITED, [0, 0, 1, None], (1, 0)),
    }
    assert findings["open"].overdue_since == date(2026, 11, 3)
    assert findings["open"].told_rows == 5  # its owner was told every night
    assert [one.changes for one in findings.values()] == [()] * len(findings)


def test_a_finding_that_was_carried_over_lives_on(database: str) -> None:
    _upgrade_to(database, "0002")
    check = builders.check("app/app.t", "RET-3", Outcome.NOT_AUDITED)
    _file_until_0002(database, "0002", {"n0": {check.fingerprint: "not_audited"}})
    audit_db.upgrade(database)
    (carried,) = audit_db.findings(database)
    tonight = builders.audit(builders.app(check), as_of=builders.T + DAY)
    (standing,) = audit_db.file(database, audit_db.AuditSubmission(tonight, "d")).chronicle.standings
    assert (standing.fingerprint, standing.first_seen, standing.status) == (
        carried.fingerprint,
        builders.T,
        FindingStatus.OPEN,
    )


def test_a_register_of_a_newer_version_is_left_alone(url: str) -> None:
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(audit_db.AuditDatabaseOutdatedError, match=r"newer version .* Run that version"):
        audit_db.upgrade(url)
    assert _ask(url, "SELECT version_num FROM alembic_version") == [("9999",)]
