"""Makes the tables of an audit database and upgrades them, by the migrations beside this file.

Only `init` makes tables in an empty database. A database that is empty where audits were filed was lost; making a new
one in silence would forget every finding and every held row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from privacy_audit.audit_db.transaction import AuditDatabaseOutdatedError, transaction
from privacy_audit.postgres import audit_database
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError

_LOCK = 7_309_441_126
"""Advisory lock of the audit database, so that two upgrades wait for each other."""
_RELATIONS = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'information_schema'
          AND n.nspname NOT LIKE 'pg\\_%'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                          WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                            AND d.deptype = 'e'))
    """
)
"""Whether there is a table, view or sequence that belongs to no extension."""


def init(url: sa.URL | str) -> None:
    """Makes the tables and the identity of an audit database in an empty one.

    AuditDatabaseRefusedError when it holds anything, AuditDatabaseUnavailableError when it is down.
    """
    with _locked(url) as connection:
        if is_ours(connection):
            raise AuditDatabaseRefusedError(
                "is initialised already.", "There is nothing to do: an older version upgrades itself."
            )
        if connection.scalar(_RELATIONS):
            raise _of_others()
        _migrate(connection)


def upgrade(url: sa.URL | str) -> None:
    """Upgrades in one transaction, and does nothing to a database that is of this version.

    AuditDatabaseRefusedError when it is empty or another program's, AuditDatabaseOutdatedError when a newer version has
    upgraded it, AuditDatabaseUnavailableError when it is down.
    """
    with _locked(url) as connection:
        prove_ours(connection)
        _migrate(connection)


def is_empty(url: sa.URL | str) -> bool:
    """Whether the database is empty, so that `init` would work."""
    with transaction(url) as connection:
        return not connection.scalar(_RELATIONS)


def is_ours(connection: sa.Connection) -> bool:
    """Whether the tables of an audit are there, of whatever version."""
    there = sa.inspect(connection)
    return all(there.has_table(name) for name in ("alembic_version", "audits", "results"))


def prove_ours(connection: sa.Connection) -> None:
    """AuditDatabaseRefusedError when the database is empty, or another program's."""
    if is_ours(connection):
        return
    if connection.scalar(_RELATIONS):
        raise _of_others()
    raise AuditDatabaseRefusedError(
        "is empty.",
        "Run `privacy-audit db init` if this is a first installation; otherwise restore the backup.",
    )


def versions(url: sa.URL | str) -> tuple[str, str]:
    """The version of a database's tables, and the one that this program makes. AuditDatabaseRefusedError as above."""
    from alembic.script import ScriptDirectory

    with transaction(url) as connection:
        prove_ours(connection)
        return ", ".join(_heads(connection)), ScriptDirectory.from_config(_config()).get_current_head() or ""


def _of_others() -> AuditDatabaseRefusedError:
    return AuditDatabaseRefusedError(
        "holds tables of another program.", "Make an empty database for the audit, and lead the connection there."
    )


@contextmanager
def _locked(url: sa.URL | str) -> Iterator[sa.Connection]:
    with transaction(url, audit_database.LONG_SECONDS) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # configparser reads % as a reference
    return config


def _heads(connection: sa.Connection) -> tuple[str, ...]:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_heads()


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config()
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if not known.issuperset(_heads(connection)):
        raise AuditDatabaseOutdatedError(
            "the audit database: a newer version of privacy_audit has upgraded it. Run that version, or a later one."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
