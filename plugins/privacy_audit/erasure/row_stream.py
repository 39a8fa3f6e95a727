"""The only door to a database here: rows of a statement through a server-side cursor, in bounded batches.

The connection stands in the store's read-only snapshot. Values are held as long as their batch, and no error that
leaves here carries one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.postgres.session_settings import BYTES, keeps_bytes

BATCH = 10_000
"""Rows that are fetched at once, at most."""
_FIRST = 100
"""Rows of the first batch: how wide rows are is not known before."""
_CHARACTERS = 8_000_000
"""Of one batch, about: rows with long documents come in fewer at a time."""


class UnreadableTextError(PrivacyAuditError):
    """A table holds text that is no text in the database's encoding: it cannot be searched, so it is not audited."""


_Read = TypeVar("_Read")
Rows = Sequence[sa.Row[*tuple[Any, ...]]]


def batches(connection: sa.Connection, statement: sa.Select[*tuple[Any, ...]], place: str) -> Iterator[Rows]:
    """The rows in batches, none of them empty. `place` is the table's name, for errors.

    Errors of the server are raised as they are: they name tables and columns. UnreadableTextError for broken text, and
    for letters beyond ASCII in a database that does not know them.
    """
    is_bytes = keeps_bytes(connection)
    options = {"stream_results": True, "max_row_buffer": BATCH}
    result = _read(lambda: connection.execute(statement, execution_options=options), place)
    try:
        size = _FIRST
        while rows := _read(partial(result.fetchmany, size), place):
            if is_bytes and not all(cell.isascii() for row in rows for cell in row if isinstance(cell, str)):
                raise UnreadableTextError(
                    f"{place} holds text beyond ASCII, and {BYTES} Let the owner make it anew in the encoding of its"
                    " text."
                )
            yield rows
            characters = sum(len(cell) for row in rows for cell in row if isinstance(cell, str))
            size = max(1, min(BATCH, 10 * size, _CHARACTERS * len(rows) // max(1, characters)))
    finally:
        result.close()


def _read(step: Callable[[], _Read], place: str) -> _Read:
    try:
        return step()
    except UnicodeDecodeError:
        pass  # raised anew below, outside: this error carries the text it could not read
    raise UnreadableTextError(
        f"{place} holds text that is not in the encoding of its database. Nothing after it could be read; let the"
        " owner convert the column, or the database, to UTF-8."
    )
