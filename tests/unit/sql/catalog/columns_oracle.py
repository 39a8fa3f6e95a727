"""Which columns no map knows and what they may hold, in plain Python: without a look at the SQL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from tests.unit.sql.catalog.place import Judged
from tests.unit.sql.catalog.stored import Column, Kind, Relation, Stored

MEANINGS = {
    "bank account": ("iban",),
    "payment card": ("card",),
    "identity document": ("passport",),
    "health": ("health",),
    "password or secret": ("token",),
    "e-mail": ("email", "mail"),
    "telephone number": ("phone", "telephone"),
    "birth date": ("birth",),
    "IP address": ("ip",),
    "position": ("lat",),
    "income": ("salary",),
    "cookie, session or device": ("cookie", "user agent"),
    "person's name": ("name", "prenom"),
    "person": ("user", "client"),
    "free text": ("comment",),
}
"""What a name says, to the words that say it, of all that are drawn. Where several do, the first counts."""

KEPT_AS = {
    "bank account": {"financial"},
    "payment card": {"financial"},
    "position": {"geolocation"},
    "type point": {"geolocation"},
    "IP address": {"connection"},
    "type inet": {"connection"},
    "cookie, session or device": {"connection", "cookie"},
    "password or secret": set[str](),
    "birth date": set[str](),
    "identity document": set[str](),
    "health": set[str](),
    "income": set[str](),
}
"""What no row holds by itself, to the categories under which it is kept. Whatever else is said goes with any row."""

DETECTED = {
    "FR76 3000 6000 0112 3456 7890 189": "bank account numbers (IBAN)",
    "255081416802538": "French social security numbers (NIR)",
    "4111111111111111": "payment card numbers",
    "a@b.fr": "e-mail addresses",
    "83.152.4.9": "IP addresses",
    "2001:db8::17": "IP addresses",
    "0612345678": "telephone numbers",
}
"""What stands in the values that are drawn, in the order in which it is told."""
FREE_TEXT = "free text"


@dataclass(frozen=True)
class Type:
    told: str
    """Its name in the catalog."""
    says: str = ""
    looked_into: bool = True


TYPES = {
    "integer": Type("int4", looked_into=False),
    "bigint": Type("int8"),
    "numeric": Type("numeric"),
    "text": Type("text", FREE_TEXT),
    "varchar(99)": Type("varchar"),
    "varchar(100)": Type("varchar", FREE_TEXT),
    "text[]": Type("_text", FREE_TEXT),
    "varchar(20)[]": Type("_varchar"),
    "types.prose": Type("prose", FREE_TEXT),
    "types.code": Type("code"),
    "types.birth_date": Type("birth_date", "type says birth date", looked_into=False),
    "types.email_address": Type("email_address", "type says e-mail"),
    "types.place": Type("place", "several values in one"),
    "types.mood": Type("mood", looked_into=False),
    "jsonb": Type("jsonb", "json"),
    "inet": Type("inet", "type inet"),
    "bytea": Type("bytea", "binary data", looked_into=False),
    "point": Type("point", "type point", looked_into=False),
    "boolean": Type("bool", looked_into=False),
    "date": Type("date", looked_into=False),
}


def judge_columns(stored: Stored) -> Judged:
    """What looks personal and is unknown breaks the promise; what may be, and nobody can tell, is undecidable."""
    speaks_of = {name for name, _ in (*stored.map.tables, *stored.map.not_personal)}
    compliant, violating, undecidable = len(speaks_of), [], []
    for one, column in _unknown(stored):
        suspicion, holds = _suspicion(column), _holds(one, column, stored)
        told = f"{one.full} | {column.name} | {TYPES[column.type].told} | {suspicion} | "
        told = f"{told}{'-' if holds is None else ', '.join(holds)}".rstrip()
        if holds or suspicion not in ("", FREE_TEXT):
            violating.append(told)
        elif suspicion or holds is None or one.full not in speaks_of:
            undecidable.append(told)
        else:
            compliant += 1
    return Judged.of(compliant, violating, undecidable)


def _unknown(stored: Stored) -> Iterator[tuple[Relation, Column]]:
    """The columns that hold rows of their own and of which the map says nothing, whatever they are read through."""
    said = (*stored.map.tables, *stored.map.not_personal)
    whole = {name for name, columns in said if not columns}
    known = {(name, column) for name, columns in said for column in columns}
    for one in stored.relations:
        if one.kind is Kind.VIEW or one.attached or whole & {*one.line}:
            continue
        for column in one.columns:
            if not known & {(name, column.name) for name in one.line} and not _goes_with_its_row(one, column, stored):
                yield one, column


def _goes_with_its_row(one: Relation, column: Column, stored: Stored) -> bool:
    """Whether its row is as a whole data, and the column says nothing that is kept under no category of that row.

    Where the row is read through several tables that are data as a whole, it has to go with each of them.
    """
    wholes = [categories for name, categories in stored.map.wholes if name in one.line]
    suspicion = _suspicion(column)
    kept_as = KEPT_AS.get(suspicion.partition(" says ")[2] or suspicion)
    return bool(wholes) and (kept_as is None or all(kept_as & categories for categories in wholes))


def _holds(one: Relation, column: Column, stored: Stored) -> list[str] | None:
    """What its values are, as far as they are looked into; None where they should be and the auditor may not."""
    if not TYPES[column.type].looked_into:
        return []
    shown = one.filled and not one.row_security
    if not shown or one.schema not in stored.usable or column.name not in one.readable:
        return None
    values = [*_values(one, column, stored)]
    found = (what for text, what in DETECTED.items() if any(text in value for value in values))
    return list(dict.fromkeys(found))


def _values(one: Relation, column: Column, stored: Stored) -> Iterator[str]:
    """Every value that is read there, those of partitions and children among them."""
    if one.reads:
        yield from _values(one.reads, column, stored)
    for part in stored.relations:
        if one.full in part.line:
            at = [each.name for each in part.columns].index(column.name)
            yield from (value for row in part.rows if (value := row[at]) is not None)


# What a column says ---------------------------------------------------------------------------------------------------


def _suspicion(column: Column) -> str:
    """The name says more than the type."""
    said = _said_by(column.name)
    return f"name says {said}" if said else TYPES[column.type].says


def _said_by(name: str) -> str | None:
    text = f" {' '.join(words_of(name))} "
    found = (
        meaning
        for meaning, known in MEANINGS.items()
        if any(f" {word}{ending} " in text for word in known for ending in ("", "s"))
    )
    return next(found, None)


def words_of(name: str) -> list[str]:
    """The words of a name in small letters, without accents: between its capitals, and whatever is no letter."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if letter.isascii())
    return [word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)]
