"""The types that the fields of a store map share: names, zones, places in the file."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
)

from privacy_audit.domain.errors import did_you_mean

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_ABBREVIATIONS = frozenset({"CET", "EET", "EST", "HST", "MET", "MST", "WET"})
"""Names of zones that a PostgreSQL as it is installed takes for abbreviations. A server may know more: it is asked."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        foreign = next((f" (U+{ord(char):04X} is no plain letter)" for char in name if not char.isascii()), "")
        raise ValueError(
            f"{name[:80]!r} is not a plain identifier{foreign}. Use letters, digits and underscores, at most 63 bytes:"
            " PostgreSQL cuts longer names silently and could read another table."
        )
    return name


def _table_name(name: str) -> str:
    schema, dot, table = name.partition(".")
    if not dot:
        raise ValueError(f"{name[:80]!r} names no schema. Write schema.table, so that only that table can be meant.")
    _identifier(schema), _identifier(table)
    return name


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} is not a plain name. Use small letters, digits and underscores, first a letter."
        )
    return name


def _zone(name: str) -> str:
    if name in _ABBREVIATIONS:
        raise ValueError(
            f"{name!r} is an abbreviation to PostgreSQL, one offset all year, and a zone of its own elsewhere."
            " Write the place whose clocks are meant, as Europe/Paris."
        )
    if name not in _zones():
        raise ValueError(
            f"{name[:80]!r} is not a time zone. {did_you_mean(name, _zones(), 'Write it as Europe/Paris.')}"
        )
    return name


@cache
def _zones() -> frozenset[str]:
    """Without two names that say nothing of where a writer lived: the auditing machine's own zone, and none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def line(text: str) -> str:
    """The text, when it is one line; ValueError else."""
    if not text.strip() or any(ord(char) < 32 or ord(char) in range(0x7F, 0xA0) for char in text):
        raise ValueError("This must be one line of text, without line breaks or control characters.")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
"""A column's name, exactly as the catalog spells it."""
TableName = Annotated[str, AfterValidator(_table_name)]
"""`schema.table`, exactly as the catalog spells it."""
Name = Annotated[str, AfterValidator(_name)]
"""A name of ours: of a store, a connection, a group of columns."""
Zone = Annotated[str, AfterValidator(_zone)]
"""IANA name of a time zone."""
Line = Annotated[str, Field(max_length=300), AfterValidator(line)]
"""One line of text for people."""


class MapPart(BaseModel):
    """A frozen piece of a store map or of a compiled check; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
