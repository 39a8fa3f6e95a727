"""The migrations make the tables the code knows, once, whoever else is upgrading."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from tests import builders

from privacy_audit import register
from privacy_audit.register.tables import metadata

MIGRATIONS = Path(register.__file__).parent / "migrations"
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
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(register.upgrade, [database, database]))
    assert _ask(database, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_an_upgrade_waits_for_the_one_under_way(database: str) -> None:
    from privacy_audit.register.migration import _LOCK

    with ThreadPoolExecutor(1) as pool, sa.create_engine(database, poolclass=sa.NullPool).connect() as other:
        other.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
        upgrade = pool.submit(register.upgrade, database)
        with pytest.raises(TimeoutError):
            upgrade.result(timeout=1)
        other.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
        upgrade.result(timeout=30)


def test_an_upgrade_again_keeps_what_was_filed(url: str) -> None:
    register.file(url, builders.audit(), "d")
    register.upgrade(url)
    assert [audit.id for audit in register.last_audits(url, 9)] == [builders.audit().id]


def test_what_was_filed_before_0002_says_when_it_was_last_looked_at(database: str) -> None:
    _upgrade_to(database, "0001")
    with sa.create_engine(database, poolclass=sa.NullPool).begin() as connection:
        for name, night, outcomes in (("n0", 0, ("fail", "not_audited")), ("n1", 1, ("not_audited", "not_audited"))):
            when = builders.T + timedelta(days=night)
            connection.exec_driver_sql(
                "INSERT INTO audits VALUES (%s, %s, %s, '1', 'a', 'b', 'fail', '', 'd')", (name, when, when)
            )
            for check, outcome in zip("ab", outcomes, strict=True):
                counts = (1, 0, 1, 0, 0, 0, 1) if outcome == "fail" else (None,) * 7
                rest = (False, [1, 0, 0, 0, 0]) if outcome == "fail" else (None, None)
                connection.exec_driver_sql(
                    "INSERT INTO results (audit_id, check_id, fingerprint, control, store, table_name, qualifier,"
                    " outcome, reason, late_holds, population, compliant, violating, held, undecidable, out_of_scope,"
                    " subjects, estimated, ages) VALUES (%s, %s, %s, '', '', '', '', %s, '', 0" + ", %s" * 9 + ")",
                    (name, check, check, outcome, *counts, *rest),
                )
        for check in "ab":
            connection.exec_driver_sql(
                "INSERT INTO findings VALUES (%s, '', '', '', '', %s, %s, 'n0', 'n1', 'not_audited')",
                (check, builders.T, builders.T + timedelta(days=1)),
            )
    register.upgrade(database)
    seen = _ask(database, "SELECT fingerprint, first_seen, last_seen FROM findings ORDER BY 1")
    assert seen == [("a", builders.T, builders.T), ("b", builders.T, None)]


def test_a_register_of_a_newer_version_is_left_alone(url: str) -> None:
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(register.RegisterOutdatedError, match=r"newer version .* Run that version"):
        register.upgrade(url)
    assert _ask(url, "SELECT version_num FROM alembic_version") == [("9999",)]
