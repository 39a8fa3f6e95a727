"""The id of a check: `store/schema.table/control[/qualifier]`, the same every night.

PostgreSQL allows any character in a name. Each name is percent-encoded (RFC 3986), so that a slash, a dot, a quote or a
space in it never makes two ids of one check, nor one id of two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

WHOLE_STORE = "_store"
"""Stands in the place of the table where a check is about a store as a whole."""
_PLAIN = re.compile(r"\w+", re.ASCII)
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


@dataclass(frozen=True, slots=True)
class CheckId:
    """The parts of an id, as people write them."""

    store: str
    table: str
    """`schema.table`, or `_store`. A name that is not made of letters, digits and underscores is quoted as in SQL."""
    control: str
    qualifier: str = ""
    """Tells apart the checks of one control on one table; may be empty."""

    def __str__(self) -> str:
        table = ".".join(map(_encoded, _names(self.table)))
        parts = (_encoded(self.store), table, _encoded(self.control))
        return "/".join((*parts, _encoded(self.qualifier)) if self.qualifier else parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the parts of an id. Raises ValueError if the text is no id."""
        store, table, control, *qualifier = (*text.split("/"), "", "")[: max(3, text.count("/") + 1)]
        if not (store and table and control) or len(qualifier) > 1:
            raise ValueError(
                f"{text[:80]!r} is no check. Write store/schema.table/control, or copy it from the report."
            )
        names = ".".join(_written(unquote(name)) for name in table.split("."))
        return cls(unquote(store), names, unquote(control), unquote("".join(qualifier)))


def of_store(store: str, control: str, qualifier: str = "") -> str:
    """Returns the id of a check that is about a store as a whole."""
    return str(CheckId(store, WHOLE_STORE, control, qualifier))


def _names(table: str) -> list[str]:
    """The names in `schema.table`, without quotes."""
    return [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(table)]


def _written(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _encoded(name: str) -> str:
    """A dot separates schema and table, so a dot within a name is encoded as well."""
    return quote(name, safe="").replace(".", "%2E")
