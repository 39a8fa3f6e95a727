"""Legal holds, the other way round: what was held must still be there ("we are required to retain all relevant
personal data for the duration of the legal process").

Each night a keyed digest of each held row is put on file; whatever is on file and is not there any more was destroyed.
The moment a row was created is part of its digest: a new row under an old key does not stand in for the one that is
gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.erasure.keyring import Keyring

_ROW = "privacy_audit/hold/v1"
_SUBJECT = "privacy_audit/hold/subject/v1"
_KEY_CHECK = "privacy_audit/hold/key check/v1"


@dataclass(frozen=True, slots=True)
class RowDigester:
    """What held rows of a table are digested with. Another table, store or key gives other digests."""

    keyring: Keyring = field(repr=False)
    version: int
    store: str
    table: str
    """`schema.table`."""

    def row(self, texts: Sequence[str | None]) -> bytes:
        """Digest of a row by what tells it: its key, and when it was created; see `telling`."""
        return self._digest(_ROW, texts)

    def subject(self, key: str) -> bytes:
        """Digest of the key of the person held."""
        return self._digest(_SUBJECT, (key,))

    def key_check(self) -> bytes:
        """Digest of nothing but the key: it tells the key that rows were put on file with from any other."""
        return self._digest(_KEY_CHECK, ())

    def _digest(self, name: str, texts: Sequence[str | None]) -> bytes:
        """Each part with its length, so that no two rows give the same bytes; a null is no text at all."""
        parts = (name, self.store, self.table, *texts)
        message = "".join("-;" if part is None else f"{len(part)}:{part};" for part in parts)
        return self.keyring.seal(self.version, message.encode("utf-8", "surrogatepass"))


def telling(row: sa.FromClause, key: Sequence[str], created: ColumnClock | None) -> list[sa.ColumnElement[str]]:
    """What tells a row from all others, as text under the session's contract (UTC, ISO): its key and its creation.

    The creation counts as it is written: a moment that cannot be a fact still tells one row from another.
    """
    columns: list[sa.ColumnElement[Any]] = [row.c[name] for name in key]
    if created:
        moment = row.c[created.column]
        columns.append(sa.func.timezone("UTC", moment) if created.encoding is Encoding.TIMESTAMPTZ else moment)
    return [sa.cast(column, sa.Text()) for column in columns]
