"""The demo company: a small French AI company in two databases, in which every broken promise was planted.

`create_databases` makes the databases and the roles that audit them, `fill` the rows; both may be run again.
Everything is relative to one instant T, so that the same promises are kept and broken on any day.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import psycopg2
from dateutil.relativedelta import relativedelta
from psycopg2 import extensions
from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Identifier, Literal
from sqlalchemy.engine import make_url

from demo.background import Sizes, sql
from demo.filed_holds import put_on_file
from demo.manifest import Expected, Manifest
from demo.planted import all_plantings
from demo.planting import FIRST_PLANTED, Digested, Effect, Moments, Numbered, Own, Planting, Row, Value, ordinary
from privacy_audit.domain.categories import IdentifierKind
from privacy_audit.erasure import Keyring, traces

OnProgress = Callable[[int, int], None]
"""Told how many rows are in, of how many."""

DEFAULT_ROWS = 300_000
_ROWS_PER_COPY = 300_000
"""A larger demo holds everything that is planted once more per so many rows."""
_STORES = ("app", "web")
_KEY_OF_NOBODY = hashlib.sha256(b"the demo without keys of its own").digest()
_TOOLS = ("campaign_tool", "former_agency", "support_tool")
"""Roles of tools, with the rights that app_catalog.sql gives them."""
_COUNTS = ("violating", "held", "undecidable", "out_of_scope", "subjects", "late_holds")


@dataclass(frozen=True, slots=True)
class DemoPasswords:
    """Passwords of the roles that the demo makes; never printed."""

    auditor_app: str = field(repr=False)
    auditor_web: str = field(repr=False)
    register: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoStores:
    """Where the demo's rows are: URLs of a role that may write, for filling only; never printed."""

    app: str = field(repr=False)
    web: str = field(repr=False)
    erasure_keys: str = field(default="", repr=False)
    """What the ledger of erasures is digested with, as JSON; keys that nobody else has where none are given."""
    register: str = field(default="", repr=False)
    """The audit's own register, for its owner, where it is filled as well: with what was seen under legal holds."""

    @property
    def keyring(self) -> Keyring:
        """The keys of the ledger."""
        return Keyring.parse(self.erasure_keys) if self.erasure_keys else Keyring({1: _KEY_OF_NOBODY})


def create_databases(superuser_url: str, passwords: DemoPasswords) -> DemoStores:
    """Make the databases `app`, `web` and `register` and their roles, where missing; set the passwords.

    An auditing role may log in to its own database and read what `fill` grants it, nothing else. `register` owns its
    database. Who may connect at all is named: no database is open to everybody.
    """
    with closing(_connect(superuser_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for store in _STORES:
            reader = f"auditor_{store}"
            _make_role(cursor, reader, getattr(passwords, reader), sessions=8)
            cursor.execute(SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(Identifier(reader)))
            _make_database(cursor, store, reader)
        for role in _TOOLS:
            _make_tool(cursor, role)
        _make_owned(cursor, "register", passwords.register)
        cursor.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
    return DemoStores(*(_in_database(superuser_url, store) for store in _STORES))


def create_owned(superuser_url: str, name: str, password: str) -> None:
    """Make a database and the role of the same name that owns it, where missing; set the password."""
    with closing(_connect(superuser_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        _make_owned(cursor, name, password)


def fill(
    stores: DemoStores, as_of: datetime, rows: int = DEFAULT_ROWS, on_progress: OnProgress | None = None
) -> Manifest:
    """Fill both databases anew with about `rows` rows as they are at T, and say what was planted.

    Each database is filled in one transaction: a fill that is broken off leaves what was there before.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of is an instant: give it a time zone")
    at, sizes, keyring = Moments(as_of.astimezone(UTC)), Sizes(rows), stores.keyring
    plantings = tuple(it for it in all_plantings(at) if stores.register or not it.on_file)
    copies = max(1, rows // _ROWS_PER_COPY)
    total = sizes.total + sum(_copies(planting, copies) * len(planting.rows) for planting in plantings)
    done = _Progress(total, on_progress)
    for store, url in zip(_STORES, (stores.app, stores.web), strict=True):
        _fill_store(url, store, at, sizes, _sown(plantings, copies, store, keyring), done)
    if stores.register:
        put_on_file(stores.register, keyring, _numbers(plantings, copies))
    return Manifest(at.as_of, total, _expected(plantings, copies, sizes))


class _Progress:
    """Counts the rows that are in."""

    def __init__(self, total: int, tell: OnProgress | None) -> None:
        self._done, self._total, self._tell = 0, total, tell

    def add(self, rows: int) -> None:
        self._done += rows
        if self._tell:
            self._tell(self._done, self._total)


class _Sown(NamedTuple):
    table: str
    columns: tuple[str, ...]
    values: tuple[Any, ...]


def _connect(url: str) -> Any:
    return psycopg2.connect(_in_database(url))


def _in_database(url: str, database: str | None = None) -> str:
    """The URL, of another database of the same server where one is named, in the form libpq reads."""
    parts = make_url(url).set(drivername="postgresql")
    return (parts.set(database=database) if database else parts).render_as_string(hide_password=False)


def _make_owned(cursor: extensions.cursor, name: str, password: str) -> None:
    _make_role(cursor, name, password, sessions=-1)
    # Up to PostgreSQL 15 an owner makes tables in `public` only by what it inherits from pg_database_owner.
    cursor.execute(SQL("ALTER ROLE {} INHERIT").format(Identifier(name)))
    _make_database(cursor, name, reader=name, owner=name)


def _make_role(cursor: extensions.cursor, role: str, password: str, sessions: int) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    verb = SQL("ALTER" if cursor.fetchone() else "CREATE")
    # Without the log settings a failing statement would stand in the server's log with the password.
    cursor.execute("SET log_min_error_statement = panic; SET log_statement = none; SET log_min_duration_statement = -1")
    cursor.execute(
        SQL(
            "{} ROLE {} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS"
            " CONNECTION LIMIT {} PASSWORD {}"
        ).format(verb, Identifier(role), Literal(sessions), Literal(password))
    )


def _make_tool(cursor: extensions.cursor, role: str) -> None:
    """A role that may log in, and cannot: it has no password."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if not cursor.fetchone():
        cursor.execute(SQL("CREATE ROLE {} LOGIN NOINHERIT").format(Identifier(role)))


def _make_database(cursor: extensions.cursor, database: str, reader: str, owner: str | None = None) -> None:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    name = Identifier(database)
    if not cursor.fetchone():
        cursor.execute(SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
    if owner:
        cursor.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(name, Identifier(owner)))
    cursor.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    cursor.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, Identifier(reader)))


def _fill_store(url: str, store: str, at: Moments, sizes: Sizes, sown: Iterator[_Sown], done: _Progress) -> None:
    with closing(_connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'; SET synchronous_commit = off; SET maintenance_work_mem = '256MB'")
            cursor.execute(f"SET client_min_messages = warning; DROP SCHEMA IF EXISTS {store} CASCADE")
            cursor.execute(sql(f"{store}_schema.sql"))
            cursor.execute(sql("helpers.sql"))
            if store == "app":
                _partition_positions(cursor, at)
            for statement, told, count in sizes.statements(store, at):
                cursor.execute(statement, told)
                done.add(count)
            _insert(cursor, sown, done)
            cursor.execute(sql(f"{store}_indexes.sql"))
            if store == "app":
                cursor.execute(sql("app_catalog.sql"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")


def _partition_positions(cursor: extensions.cursor, at: Moments) -> None:
    """One partition per month (UTC) from 5 months before T to the month after it, and one for all else."""
    month = at.as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - relativedelta(months=5)
    for _ in range(7):
        following = month + relativedelta(months=1)
        name = Identifier("app", f"positions_{month:%Y_%m}")
        values = SQL("FROM ({}) TO ({})").format(Literal(month), Literal(following))
        cursor.execute(SQL("CREATE TABLE {} PARTITION OF app.positions FOR VALUES {}").format(name, values))
        month = following
    cursor.execute("CREATE TABLE app.positions_other PARTITION OF app.positions DEFAULT")


def _copies(planting: Planting, copies: int) -> int:
    return 1 if planting.once else copies


def _numbers(plantings: tuple[Planting, ...], copies: int) -> Iterator[tuple[int, Planting]]:
    """Each planting as often as it is sown, with the number of its person."""
    for copy in range(copies):
        for number, planting in enumerate(plantings, start=copy * len(plantings) + 1):
            if not (copy and planting.once):
                yield number, planting


def _sown(plantings: tuple[Planting, ...], copies: int, store: str, keyring: Keyring) -> Iterator[_Sown]:
    """The planted rows of a store with their persons' numbers, parents before children."""
    for number, planting in _numbers(plantings, copies):
        for row in planting.rows:
            if row.table.startswith(f"{store}."):
                yield _numbered(row, number, keyring)


def _numbered(row: Row, number: int, keyring: Keyring) -> _Sown:
    values = {**dict(ordinary(row.table, number)), **row.values}
    return _Sown(row.table, tuple(values), tuple(_of_planting(value, number, keyring) for value in values.values()))


def _of_planting(value: Value, number: int, keyring: Keyring) -> Any:
    if isinstance(value, Digested):
        text = str(_of_planting(value.identifier, number, keyring))
        read_as = IdentifierKind.EMAIL if value.kind is IdentifierKind.MAILBOX else value.kind
        return dict(traces(keyring, read_as, text, value.of))[value.kind].hex()
    if isinstance(value, Own):
        return FIRST_PLANTED + number + value.offset
    return value.text.format(n=number) if isinstance(value, Numbered) else value


def _insert(cursor: extensions.cursor, sown: Iterator[_Sown], done: _Progress) -> None:
    """Insert planted rows a few thousand at a time, those of one table and one set of columns together."""
    while some := tuple(islice(sown, 20_000)):
        groups: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = defaultdict(list)
        for row in some:
            groups[row.table, row.columns].append(row.values)
        for (table, columns), values in sorted(groups.items(), key=lambda group: _RANK.get(group[0][0], 9)):
            into = SQL("INSERT INTO {} ({}) VALUES %s").format(
                Identifier(*table.split(".")), SQL(", ").join(map(Identifier, columns))
            )
            execute_values(cursor, into, values, page_size=1000)
        done.add(len(some))


_RANK = {"app.users": 0, "web.visitors": 0, "app.invoices": 1, "app.support_tickets": 1}
"""Tables others refer to go first."""


def _expected(plantings: Iterable[Planting], copies: int, sizes: Sizes) -> tuple[Expected, ...]:
    """The effects of everything planted, summed up per check."""
    effects: dict[str, list[tuple[int, Effect, str]]] = defaultdict(list)
    for planting in plantings:
        for effect in planting.effects:
            effects[effect.check].append((_copies(planting, copies), effect, planting.why))
    for effect in sizes.out_of_scope():
        effects[effect.check].append((1, effect, "ordinary rows the promise does not speak of"))
    return tuple(_sum(check, parts) for check, parts in sorted(effects.items()))


def _sum(check: str, parts: list[tuple[int, Effect, str]]) -> Expected:
    counts = {name: sum(times * getattr(effect, name) for times, effect, _ in parts) for name in _COUNTS}
    return Expected(check, **counts, why=tuple(dict.fromkeys(why for _, _, why in parts)))
