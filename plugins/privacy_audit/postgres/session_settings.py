"""One contract for every session on a database that is not the audit's own: what it sets, and whether that holds.

A session of ours sets nothing that outlives its transaction. Behind a pooler other clients get the same session of the
server next, so whatever stayed would be the application's: no SET but SET LOCAL, no prepared statement, no temporary
table, no cursor that is held, no advisory lock, no name at start-up. All of it is set anew in each transaction, those
of the driver included, and read back before anything is believed: a pooler may lose a setting, or give a session in
which somebody else left another role.

READ ONLY is no boundary (functions may write): the role is the boundary, these settings come second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg2.extensions import adapt
from sqlalchemy import event

from privacy_audit.domain.errors import PrivacyAuditError

CONTRACT: dict[str, str] = {
    "statement_timeout": "600000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "3600000",
    "transaction_timeout": "3600000",
    "search_path": "pg_catalog",
    "row_security": "off",  # PostgreSQL then refuses a query that a policy would filter, instead of hiding rows
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "iso_8601",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "max_parallel_workers_per_gather": "0",  # courtesy: production keeps its cores
    "work_mem": "1024",  # small hash batches stay in the processor's cache: faster here, and no burden there
    "hash_mem_multiplier": "1",
    "jit": "off",
    "constraint_exclusion": "off",  # a CHECK may call its owner's function: it would decide what is shown
    "enable_presorted_aggregate": "off",  # else every row is sorted to count the distinct persons of a few
}
"""Setting to value in the server's own units, as `pg_settings` shows it. Each is local to its transaction."""
TRANSACTION = {"transaction_read_only": "on", "transaction_isolation": "repeatable read"}
"""What SET TRANSACTION sets. `default_transaction_read_only` comes too late for a transaction that has begun."""
_SINCE = {"transaction_timeout": 170000, "enable_presorted_aggregate": 160000}
"""Settings that older servers do not know, and the first version that does."""
CONNECT_SECONDS = 5
UTF8 = "UTF8"
_QUOTED = "\\é", "'\\é'"
"""A text, and how the driver must write it in a statement."""


class UnsafeSessionError(PrivacyAuditError):
    """A session is not what the contract asks for, so nothing that it shows is believed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """Who a transaction is, and which rows it sees, as the server told it."""

    session_user: str
    current_user: str
    snapshot: str
    """The transactions that were in progress."""


def connect_args() -> dict[str, object]:
    """What every connection is opened with. A pooler gives each of its clients what it asked for here."""
    return {
        # The driver reads text by what is asked for here, whatever is set later. Poolers know it and restore it.
        "client_encoding": UTF8,
        # Else PGAPPNAME is sent, which pgbouncer leaves to the next client of the session. It is set as all else is.
        "application_name": "",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }


def keep(engine: sa.Engine, audit_id: str, token: str = "", sight: SessionIdentity | None = None) -> None:
    """Puts every transaction of an engine under the contract, those in which the driver's dialect looks about too.

    `token` is the snapshot that each transaction imports, and `sight` what it must see then. A transaction that does
    not keep the contract raises UnsafeSessionError when it begins.
    """

    def enter(dbapi_connection: Any, _record: object) -> None:
        with dbapi_connection.cursor() as cursor:
            for statement, values in _settings(audit_id):
                cursor.execute(statement, values)

    def leave(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.rollback()

    def begin(connection: sa.Connection) -> None:
        for statement, values in _settings(audit_id, token):
            connection.exec_driver_sql(statement, values)
        seen = read_back(connection)
        if sight not in (None, seen):
            raise UnsafeSessionError(
                "a session is of another role, or sees another instant, than the one that the audit began with."
                " A connection pooler may mix sessions of several roles or servers; let the auditor connect to the"
                " server directly."
            )

    def asked(connection: sa.Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if keeps_bytes(connection) and not all(text.isascii() for text in _texts([statement, values])):
            raise UnsafeSessionError(
                f"the check asks for letters beyond ASCII, and {BYTES} Let the owner make it anew in the encoding of"
                " its text."
            )

    event.listen(engine, "before_cursor_execute", asked)
    event.listen(engine, "connect", enter, insert=True)
    event.listen(engine, "connect", leave)
    event.listen(engine, "begin", begin)


BYTES = "the encoding of the database is SQL_ASCII: it keeps bytes, and nobody knows which letters they are."
"""What is to be said of such a database."""


def keeps_bytes(connection: sa.Connection) -> bool:
    """Whether the database knows no letters beyond ASCII. Its bytes may be read as UTF-8 where they look like it, and
    need not be; so no check asks for such a letter or believes one that it read."""
    driver: Any = connection.connection.driver_connection
    return bool(driver.info.parameter_status("server_encoding") == "SQL_ASCII")


def _texts(values: Any) -> Iterator[str]:
    """Every text in what goes to the server."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        yield from _texts(list(values.values()))
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _texts(value)


def _settings(audit_id: str, token: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The statements that begin a transaction, in the only order that the server allows."""
    yield "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", ()
    if token:
        yield f"SET TRANSACTION SNAPSHOT '{token}'", ()
    wanted = {"application_name": f"privacy-audit/{audit_id}"[:63], **CONTRACT}
    calls = (
        f"CASE WHEN pg_catalog.current_setting('{name}', true) IS NOT NULL THEN {_SET_LOCAL} END"
        if name in _SINCE
        else _SET_LOCAL
        for name in wanted
    )
    yield f"SELECT {', '.join(calls)}", tuple(text for setting in wanted.items() for text in setting)


_SET_LOCAL = "pg_catalog.set_config(%s, %s, true)"
# No operator and no function is looked up by name here: whether the search_path holds is what is asked.
_READ_BACK = """
    SELECT name, setting FROM pg_catalog.pg_settings
    UNION ALL SELECT 'session_user', session_user
    UNION ALL SELECT 'current_user', current_user
    UNION ALL SELECT 'snapshot', CAST(pg_catalog.txid_current_snapshot() AS text)
"""


def read_back(connection: sa.Connection) -> SessionIdentity:
    """Who the transaction is and what it sees; UnsafeSessionError when it does not keep the contract."""
    shown = {row.name: row.setting for row in connection.exec_driver_sql(_READ_BACK)}
    if lost := [*_lost(shown), *_lost_by_driver(connection)]:
        raise UnsafeSessionError(_in_words(lost))
    return SessionIdentity(shown["session_user"], shown["current_user"], shown["snapshot"])


def _lost(shown: dict[str, str]) -> Iterator[str]:
    """Names of the settings that the server does not keep."""
    lower = {name.lower(): setting for name, setting in shown.items()}
    for name, value in sorted({**CONTRACT, **TRANSACTION}.items()):
        found = lower.get(name.lower())
        if found != value and not (found is None and name in _SINCE):
            yield name


_DRIVERS_ENCODING = "client_encoding of the driver"
_DRIVERS_QUOTING = "standard_conforming_strings of the driver"


def _lost_by_driver(connection: sa.Connection) -> Iterator[str]:
    """What the driver takes the server to be when it connects, and keeps to whatever is set later."""
    driver: Any = connection.connection.driver_connection
    text, written = _QUOTED
    if driver.encoding != UTF8:
        yield _DRIVERS_ENCODING
        return
    quoted: Any = adapt(text)
    quoted.prepare(driver)
    if quoted.getquoted() != written.encode():
        yield _DRIVERS_QUOTING


def _in_words(lost: list[str]) -> str:
    """That a session did not keep these settings, and the way out."""
    fact = f"the session did not keep these settings: {', '.join(lost)}."
    if lost == [_DRIVERS_QUOTING]:
        return f"{fact} Run ALTER ROLE ... SET standard_conforming_strings = on for the auditor's role."
    return f"{fact} A connection pooler may drop them; let the auditor connect to the server directly."


_SUPERUSERS = sa.text(
    """
    SELECT who.rolname AS who, boss.rolname AS superuser
    FROM pg_catalog.pg_roles who JOIN pg_catalog.pg_roles boss ON boss.rolsuper AND (
        boss.oid = who.oid OR pg_catalog.pg_has_role(who.oid, boss.oid, CASE
            WHEN CAST(pg_catalog.current_setting('server_version_num') AS int) >= 160000 THEN 'SET' ELSE 'MEMBER' END))
    WHERE who.rolname IN (current_user, session_user, :login) OR who.oid = (
        SELECT a.usesysid FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid())
    ORDER BY boss.oid <> who.oid, who.rolname <> current_user, 1, 2 LIMIT 1
    """
)


def superuser_within_reach(connection: sa.Connection) -> str:
    """Why the session is no reader's, as a sentence with the way out; empty when no superuser is within its reach.

    Who logged in counts as much as who acts: RESET ROLE and SET ROLE ask nobody. The name that the driver logged in by
    counts too, for after SET SESSION AUTHORIZATION the server tells it nowhere.
    """
    driver: Any = connection.connection.driver_connection
    found = connection.execute(_SUPERUSERS, {"login": driver.info.user}).first()
    if found is None:
        return ""
    way_out = "Give the auditor a role that holds SELECT and nothing else."
    if found.who == found.superuser:
        return f"role {found.who} is a superuser. {way_out}"
    return f"role {found.who} may become {found.superuser}, which is a superuser, by SET ROLE. {way_out}"
