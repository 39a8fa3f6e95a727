"""The oracle of read rights: become each login role in turn, and really try to read everything.

It knows nothing of the catalog. It says SELECT, and before that what a role may say to get further: SET ROLE, a GRANT
of a role it administers, a GRANT on what it owns. Everything happens in one transaction, which the caller rolls back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg2.errors
from psycopg2 import extensions

Reach = Mapping[tuple[str, str], frozenset[str]]
"""Columns that can be read, by login role and `schema.table`; a pair that is missing has none."""

_REFUSALS = (
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.InvalidGrantOperation,  # a circle of members
    psycopg2.errors.InternalError_,  # "no possible grantors": an administrator only by a role it does not inherit
    psycopg2.errors.FeatureNotSupported,  # pg_database_owner takes no members
)


@dataclass(frozen=True)
class Opening:
    """A statement that shows columns of personal tables to anyone who may run it."""

    statement: str
    shows: Mapping[str, frozenset[str]]
    gifts: tuple[str, ...] = ()
    """What an owner may say first, to give back to itself what it took."""


def columns_of(relation: str, shows: Mapping[str, Iterable[str]], *gifts: str) -> Iterator[Opening]:
    """One opening per column of a stored relation; `shows` names the tables whose rows stand there, with columns."""
    for column in sorted({column for columns in shows.values() for column in columns}):
        seen = {table: frozenset({column}) for table, columns in shows.items() if column in columns}
        yield Opening(f"SELECT {column} FROM {relation}", seen, gifts)


def view(name: str, column: str, table: str, *columns: str) -> Opening:
    """A view that touches these columns of a table, read by one column of its own."""
    return Opening(f"SELECT {column} FROM {name}", {table: frozenset(columns)})


def try_everything(
    cursor: extensions.cursor, logins: Iterable[str], roles: Sequence[str], openings: Sequence[Opening], database: str
) -> Reach:
    """Who can read what. `roles` are all that someone may try to become."""
    reach: dict[tuple[str, str], frozenset[str]] = {}
    for login in logins:
        cursor.execute("SELECT has_database_privilege(%s, %s, 'CONNECT')", (login, database))
        if not cursor.fetchone()[0]:
            continue
        cursor.execute("SAVEPOINT login")
        cursor.execute(f'SET SESSION AUTHORIZATION "{login}"')
        for role in _become(cursor, login, roles):
            cursor.execute(f'SET ROLE "{role}"')
            for opening in openings:
                new = any(columns - reach.get((login, table), frozenset()) for table, columns in opening.shows.items())
                if new and _opens(cursor, opening):
                    for table, columns in opening.shows.items():
                        reach[login, table] = reach.get((login, table), frozenset()) | columns
        cursor.execute("ROLLBACK TO SAVEPOINT login")
        cursor.execute("RESET SESSION AUTHORIZATION")
    return reach


def _become(cursor: extensions.cursor, login: str, roles: Sequence[str]) -> list[str]:
    """The roles that a login role can become, with the grants to itself that this takes left in place."""
    became = [login]
    for role in became:
        for other in roles:
            if other in became:
                continue
            cursor.execute(f'SET ROLE "{role}"')
            granted = _may(cursor, f'GRANT "{other}" TO "{login}" WITH INHERIT FALSE, SET TRUE')
            cursor.execute("RESET ROLE")
            if _may(cursor, f'SET ROLE "{other}"'):
                became.append(other)
            elif granted:
                raise AssertionError(f"{login} granted itself {other} and still cannot become it")
    return became


def _opens(cursor: extensions.cursor, opening: Opening) -> bool:
    cursor.execute("SAVEPOINT opening")
    opens = _may(cursor, opening.statement)
    if not opens and opening.gifts:
        for gift in opening.gifts:
            _may(cursor, gift)
        opens = _may(cursor, opening.statement)
    cursor.execute("ROLLBACK TO SAVEPOINT opening")
    return opens


def _may(cursor: extensions.cursor, statement: str) -> bool:
    cursor.execute("SAVEPOINT attempt")
    try:
        cursor.execute(statement)
    except _REFUSALS:
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
        return False
    cursor.execute("RELEASE SAVEPOINT attempt")
    return True
