"""What looks like a copy of a mapped table, in plain Python: written from what a copy is, without a look at the SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.unit.sql.catalog.place import Judged
from tests.unit.sql.catalog.stored import Kind, Relation, Stored, Tie

REASONS = (
    "default partition", "detached partition", "materialized view that reads it", "named as a copy", "same columns",
    "foreign table", "schema named as for copies",
)  # fmt: skip
"""The strongest first."""
DEFAULT, DETACHED, READS, NAME, COLUMNS, FOREIGN, SCHEMA = range(len(REASONS))

COPY_WORDS = ("old", "bak", "backup", "copy", "tmp", "temp", "archive", "staging", "stg")
LATER_WORDS = (*COPY_WORDS, "new", "hist", "history", "test", "v2")
"""Those that make a copy only after the name."""
EARLIER_WORDS = (*COPY_WORDS, "hist", "history", "zz")
SCHEMAS = ("backup", "Archive", "stg_crm", "tmp2")
"""The schemas, of all that are drawn, whose name is one for copies."""
KIND_OF_TYPE = {
    "integer": "number",
    "bigint": "number",
    "text": "text",
    "varchar(40)": "text",
    "types.code": "text",
    "date": "time",
    "timestamptz": "time",
    "boolean": "truth",
    "text[]": "list",
}


@dataclass(frozen=True)
class Likeness:
    """One reason why a relation looks like a copy of a mapped table, or of none that can be named."""

    reason: int
    of: str
    nearness: float = 1
    """Among those that have the same reason."""


def judge_copies(stored: Stored) -> Judged:
    """Each mapped table that is there is looked at; each copy of which nobody decided otherwise breaks the promise."""
    decided = {name for name, columns in stored.map.not_personal if not columns}
    names = sorted({name for name, _ in (*stored.map.tables, *stored.map.not_personal)} - decided)
    there = {one.full: one for one in stored.relations if one.kind is not Kind.VIEW}
    mapped = [there[name] for name in names if name in there]
    copies = (_told(one, mapped, stored) for one in there.values() if one.full not in decided)
    gone = [f"{name} |  | -" for name in names if name not in there]
    return Judged.of(len(mapped), [copy for copy in copies if copy], gone)


def _told(one: Relation, mapped: Sequence[Relation], stored: Stored) -> str | None:
    """What is told of a relation: the table that it resembles most, and all that makes it resemble that."""
    if one in mapped or one.attached or _read_through(one, mapped):
        found = list(_as_default(one, mapped, stored))
    else:
        found = [*_by_itself(one), *(why for table in mapped for why in _compared(one, table, mapped, stored))]
    if not found:
        return None
    nearest = min(found, key=lambda like: (like.of == "", like.reason, -like.nearness, like.of)).of
    reasons = sorted({like.reason for like in found if like.of in (nearest, "")})
    return f"{one.full} | {nearest} | {', '.join(REASONS[reason] for reason in reasons)}"


def _read_through(one: Relation, mapped: Iterable[Relation]) -> bool:
    """Whether its rows are read through a mapped table."""
    return any(table.full in one.line for table in mapped)


def _as_default(one: Relation, mapped: Sequence[Relation], stored: Stored) -> Iterator[Likeness]:
    """Into a default partition falls what no dated partition takes: it is told once it may hold rows."""
    if one.tie is Tie.DEFAULT and one not in mapped and _may_hold_rows(one, stored):
        yield from (Likeness(DEFAULT, table.full) for table in mapped if table.full in one.line)


def _may_hold_rows(one: Relation, stored: Stored) -> bool:
    parts = [part for part in stored.relations if one.full in part.line]
    return any(part.rows or part.kind is Kind.FOREIGN for part in parts)


def _by_itself(one: Relation) -> Iterator[Likeness]:
    """What is odd whatever is mapped."""
    if one.kind is Kind.FOREIGN:
        yield Likeness(FOREIGN, "")
    if one.schema in SCHEMAS:
        yield Likeness(SCHEMA, "")


def _compared(one: Relation, table: Relation, mapped: Sequence[Relation], stored: Stored) -> Iterator[Likeness]:
    """Why it resembles one mapped table."""
    in_common = len(_columns(one) & _columns(table))
    if table.kind is Kind.PARTITIONED and in_common == len(table.columns) and _named_as_part(one, table, stored):
        yield Likeness(DETACHED, table.full)
    if one.kind is Kind.COPY and _reads(one, table, stored):
        yield Likeness(READS, table.full)
    if _named_as_copy(one.name.lower(), _stem(table.name)):
        yield Likeness(NAME, table.full, len(_stem(table.name)) + (0.5 if one.schema == table.schema else 0))
    share = 2 * in_common / (len(one.columns) + len(table.columns))
    if in_common >= 3 and share >= 0.8:
        yield Likeness(COLUMNS, table.full, share)
    if one.schema in SCHEMAS and one.name == table.name:
        yield Likeness(SCHEMA, table.full)


def _columns(one: Relation) -> set[tuple[str, str]]:
    return {(column.name, KIND_OF_TYPE[column.type]) for column in one.columns}


def _named_as_part(one: Relation, table: Relation, stored: Stored) -> bool:
    """Named as the partitions of a table are: with its name before, or as one that it has, but for the numbers."""
    others = [part.name for part in stored.relations if table.full in part.line[1:]]
    return one.name.startswith(f"{table.name}_") or _shape(one.name) in map(_shape, others)


def _shape(name: str) -> str:
    return re.sub("[0-9]+", "#", name)


def _reads(one: Relation, table: Relation, stored: Stored) -> bool:
    """Whether rows of the table come into it: from the table, a part of it, or what is read together with it."""
    return any(table.full in part.line for source in _sources(one) for part in _beneath(source, stored))


def _sources(one: Relation) -> Iterator[Relation]:
    """What a view reads, and what that reads."""
    if one.reads:
        yield one.reads
        yield from _sources(one.reads)


def _beneath(one: Relation, stored: Stored) -> Iterator[Relation]:
    """A relation and all that is read through it."""
    return (part for part in stored.relations if one.full in part.line)


# Names ----------------------------------------------------------------------------------------------------------------


def _stem(name: str) -> str:
    """A name in small letters, of one instead of many."""
    return name.lower().removesuffix("s")


def _named_as_copy(name: str, stem: str) -> bool:
    """Whether a copy's word follows the name of the table, or stands before it."""
    return any(
        (
            _is_after(name[at + len(stem) :])
            if at == 0
            else _is_before(name[:at]) and _may_follow(name[at + len(stem) :])
        )
        for at in range(len(name))
        if name.startswith(stem, at)
    )


def _is_after(text: str) -> bool:
    """Whether a text behind the table's name begins with a number, or with a copy's word and then ends or goes on."""
    return any(
        _is_number(rest) or re.match("y?20[0-9]{2}", rest) is not None or _begins(rest, LATER_WORDS)
        for rest in (text.lstrip("_"), text.removeprefix("s").lstrip("_"))
    )


def _is_number(text: str) -> bool:
    """Whether a text is a number, or begins with one and no letter follows: users_2fa is no second copy of users."""
    return re.match("[0-9]+s?(_|$)", text) is not None


def _may_follow(text: str) -> bool:
    """After a name that has a copy's word before it: nothing more, or another one."""
    return text.removeprefix("s").strip("_") == "" or _is_after(text)


def _begins(text: str, words: Iterable[str]) -> bool:
    """Whether a text is one of the words, in the plural or not, or begins with it and no letter follows."""
    first = re.split("[_0-9]", text)[0]
    return first in words or first.removesuffix("s") in words or _digits_belong(text, words)


def _digits_belong(text: str, words: Iterable[str]) -> bool:
    return any(word[-1].isdigit() and (text + "_").startswith((f"{word}_", f"{word}s_")) for word in words)


def _is_before(text: str) -> bool:
    """Whether what stands before the table's name is a number, or a copy's word, alone or as `copy_of_`."""
    words = [word for word in re.split("[_0-9]+", text) if word]
    if words[1:] in (["of"], ["de"]):
        words = words[:1]
    if not words:
        return any(letter.isdigit() for letter in text)
    return len(words) == 1 and (words[0] in EARLIER_WORDS or words[0].removesuffix("s") in COPY_WORDS)
