"""Brings the tables of a register to this version, by the migrations that are shipped beside this file."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from privacy_audit import audit_database
from privacy_audit.register.access import RegisterOutdatedError, transaction

_LOCK = 7_309_441_126
"""Advisory lock of the register's own database, so that two upgrades wait for each other."""


def upgrade(url: sa.URL | str) -> None:
    """Upgrades in one transaction, and does nothing to a register that is of this version.

    RegisterOutdatedError when a newer version has upgraded it, RegisterUnavailableError when it is down.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # configparser reads % as a reference
    with transaction(url, audit_database.LONG_SECONDS) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
        if not known.issuperset(MigrationContext.configure(connection).get_current_heads()):
            raise RegisterOutdatedError(
                "the register: a newer version of privacy_audit has upgraded it. Run that version, or a later one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
