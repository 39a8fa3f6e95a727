"""Columns of which no store map speaks, why they may hold personal data, and what a sample of them holds.

*Why*: what nobody mapped, nobody deletes on time (GDPR art. 5(1)(e)), and no register of processing names it (art. 30).
Unknown is not compliant: each such column is told, and a suspicion only says which to look at first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from privacy_audit.sql.catalog.column_names import said_by, words_of
from privacy_audit.sql.catalog.relations import LINEAGE, RELATIONS
from privacy_audit.sql.detectors import Detector, detects

FREE_TEXT_LENGTH = 100
"""A text column that takes so many characters, or any number of them, is free text."""
SAMPLED_CHARACTERS = 100_000
"""Of each value only so many are searched: one document of gigabytes must not hold up the night."""

SEARCHABLE = frozenset(
    {"text", "varchar", "bpchar", "citext", "name", "json", "jsonb", "xml", "hstore", "inet", "cidr", "int8", "numeric"}
)
"""Types (`pg_type.typname`) in which the detectors may find something: texts, documents, addresses, long numbers."""

_ADDRESS_TYPES = ("inet", "cidr", "macaddr", "macaddr8")
_PLACE_TYPES = ("point", "line", "lseg", "box", "path", "polygon", "circle", "geometry", "geography")
_SUSPECT_TYPES = {
    "type {}": (*_ADDRESS_TYPES, *_PLACE_TYPES),
    "json": ("json", "jsonb"),
    "xml": ("xml",),
    "keys and values": ("hstore",),
    "words of a text": ("tsvector",),
    "binary data": ("bytea", "lo"),
}  # fmt: skip
"""What is said of a column, to the types of which it is said."""


class ColumnHint(StrEnum):
    """What a name or a type speaks of, where rows of one category do not hold it by themselves."""

    MONEY = "money"
    PLACE = "place"
    ADDRESS = "address"
    DEVICE = "device"
    NO_CATEGORY = "no category"
    """What the policy has no category for: whatever row it stands in, its period was not meant for it."""


_SPEAKS: Mapping[ColumnHint, tuple[str, ...]] = {
    ColumnHint.MONEY: ("bank account", "payment card"),
    ColumnHint.PLACE: ("position",),
    ColumnHint.ADDRESS: ("IP address",),
    ColumnHint.DEVICE: ("cookie, session or device",),
    ColumnHint.NO_CATEGORY: (
        "password or secret", "birth date", "social security number", "identity document", "health",
        "origin, belief or opinion", "income",
    ),
}  # fmt: skip
"""The meanings (`words.MEANINGS`) of each."""
_SPEAKING_TYPES = {ColumnHint.ADDRESS: _ADDRESS_TYPES, ColumnHint.PLACE: _PLACE_TYPES}

_COLUMNS = (
    sa.text(
        """
        WITH RECURSIVE beneath (type, base, length) AS (
            SELECT t.oid, t.oid, -1 FROM pg_catalog.pg_type t
            UNION
            SELECT b.type,
                   CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END,
                   CASE WHEN t.typtype = 'd' AND t.typtypmod >= 0 THEN t.typtypmod ELSE b.length END
            FROM beneath b JOIN pg_catalog.pg_type t ON t.oid = b.base
            WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0)
        )
        SELECT a.attrelid AS oid, a.attname::text AS name, t.typname::text AS type,
               CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN '' ELSE t.typname::text END AS own_type,
               base.typname::text AS base, base.typtype::text AS base_kind,
               CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.length END - 4 AS length
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN beneath b ON b.type = t.oid
        JOIN pg_catalog.pg_type base ON base.oid = b.base
        WHERE a.attnum > 0 AND NOT a.attisdropped
          AND base.typtype <> 'd' AND NOT (base.typcategory = 'A' AND base.typelem <> 0)
        """
    )
    .columns(
        sa.column("oid"), sa.column("name", sa.Text()), sa.column("type", sa.Text()),
        sa.column("own_type", sa.Text()), sa.column("base", sa.Text()), sa.column("base_kind", sa.Text()),
        sa.column("length", sa.Integer()),
    )
    .cte("attribute")
)  # fmt: skip
"""Every column of every relation, with the type beneath its domain or array: `base`, and its length (below 0: none)."""
_NAMED = sa.select(
    *_COLUMNS.c, words_of(_COLUMNS.c.name).label("words"), words_of(_COLUMNS.c.own_type).label("type_words")
).cte("named")
"""The same with the words of its name and of its type's, where that is no type of PostgreSQL's own."""

_ANCESTOR = RELATIONS.alias("ancestor")
_FOR_US = frozenset({"oid"})
"""Columns by which we look on, and of which nobody is told."""


def unmapped_columns(
    mapped: Mapping[str, frozenset[str] | None], covered: Mapping[str, frozenset[ColumnHint]] | None = None
) -> sa.Subquery:
    """One row per column that the store map does not know, in every schema but the system's.

    `mapped` is `schema.table` to the columns that the map knows; None: the whole table. Of the other columns of a
    `covered` table only those are told whose name or type speaks of what stands there. What is known of a table is
    known of its partitions and children, since they are read through it; a partition has no columns of its own. Views
    hold nothing and are left out. Any role may ask: all of it stands in the catalog.

    Columns: `relation`, and the `schema` and `name` in it, `kind` (table, partitioned, materialized
    view, foreign table), `column_name`, `type` (its `pg_type.typname`), `suspicion` (why the name or the type looks
    personal, in words; empty when nothing does), `searchable` (whether `sampled_counts` may find something in it),
    `readable` (whether the role may look).
    """
    unknown = _suspected(mapped)
    columns = (column for column in unknown.c if column.name not in _FOR_US)
    return sa.select(*columns).where(sa.not_(_is_covered(covered or {}, unknown))).subquery("unmapped")


def _suspected(mapped: Mapping[str, frozenset[str] | None]) -> sa.CTE:
    """The columns that no map knows, each with what is said of it: said once, for it is dear to find out."""
    relation, column = RELATIONS.c, _NAMED.c
    unknown = (
        sa.select(
            relation.oid,
            relation.relation,
            relation.schema,
            relation.name,
            relation.kind,
            column.name.label("column_name"),
            column.type,
            _suspicion(column).label("suspicion"),
            sa.or_(column.base.in_(sorted(SEARCHABLE)), column.base_kind == "c").label("searchable"),
            _readable(relation, column.name).label("readable"),
        )
        .select_from(RELATIONS.join(_NAMED, column.oid == relation.oid))
        .where(sa.not_(relation.attached), sa.not_(_is_known(mapped)))
    )
    return unknown.cte("suspected").prefix_with("MATERIALIZED")


def _readable(
    relation: sa.ColumnCollection[str, sa.ColumnElement[Any]], column: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Whether the role may read the column; by the relation's oid, for a name would be folded to small letters."""
    named = sa.func.pg_catalog.has_schema_privilege(relation.schema, "USAGE")
    granted = sa.func.pg_catalog.has_column_privilege(relation.oid, column, "SELECT")
    return sa.func.coalesce(sa.and_(relation.shown, named, granted), sa.false())


def _is_known(mapped: Mapping[str, frozenset[str] | None]) -> sa.ColumnElement[bool]:
    """Whether the map knows the column of the relation itself, or of one through which it is read."""
    pairs = [(name, column) for name, columns in sorted(mapped.items()) for column in _known(columns)]
    return _is_among(pairs, RELATIONS.c.oid, _NAMED.c.name, "known")


def _is_covered(covered: Mapping[str, frozenset[ColumnHint]], column: sa.CTE) -> sa.ColumnElement[bool]:
    """Whether the column falls due with the row it stands in, and speaks of nothing that is told all the same."""
    if not covered:
        return sa.false()
    speaks = sa.case(*((column.c.suspicion.in_(list(_suspicions(it))), it.value) for it in ColumnHint), else_="")
    told = [(name, it.value) for name, each in sorted(covered.items()) for it in sorted(each)]
    tables: list[tuple[str, str | None]] = [(name, None) for name in sorted(covered)]
    return sa.and_(
        _is_among(tables, column.c.oid, speaks, "covered"), sa.not_(_is_among(told, column.c.oid, speaks, "told"))
    )


def _suspicions(speaks: ColumnHint) -> Iterator[str]:
    """All that is said of columns that speak of this."""
    for meaning in _SPEAKS[speaks]:
        yield from (f"name says {meaning}", f"type says {meaning}")
    yield from (f"type {name}" for name in _SPEAKING_TYPES.get(speaks, ()))


def _is_among(
    pairs: Sequence[tuple[str, str | None]], oid: sa.ColumnElement[Any], second: sa.ColumnElement[str], alias: str
) -> sa.ColumnElement[bool]:
    """Whether the relation itself, or one through which it is read, is paired with this, or with anything."""
    known = _pairs(pairs).alias(alias)
    read_through = LINEAGE.join(_ANCESTOR, _ANCESTOR.c.oid == LINEAGE.c.ancestor)
    return sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(read_through.join(known, known.c.relation == _ANCESTOR.c.relation))
        .where(
            LINEAGE.c.oid == oid,
            sa.or_(known.c.column_name.is_(None), known.c.column_name == second),
        )
        .correlate_except(LINEAGE, _ANCESTOR, known)
    )


def _known(columns: frozenset[str] | None) -> Iterable[str | None]:
    return [None] if columns is None else sorted(columns)


def _pairs(pairs: Sequence[tuple[str, str | None]]) -> sa.TableValuedAlias:
    """Rows of `relation` and `column_name`, as one text: an array with a null could not be written out to paste."""
    rows = json.dumps([{"relation": relation, "column_name": column} for relation, column in pairs])
    records = sa.func.jsonb_to_recordset(sa.cast(sa.literal(rows, sa.Text()), JSONB))
    columns = (sa.column("relation", sa.Text()), sa.column("column_name", sa.Text()))
    return records.table_valued(*columns).render_derived(with_types=True)


def _suspicion(column: sa.ColumnCollection[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
    """The name says more than a type of the company's own, and that more than what lies beneath it."""
    return sa.func.coalesce(
        sa.literal("name says ") + said_by(column.words),
        sa.literal("type says ") + said_by(column.type_words),
        sa.case(*_suspect_types(column), else_=""),
    )


def _suspect_types(
    column: sa.ColumnCollection[str, sa.ColumnElement[Any]],
) -> Iterator[tuple[sa.ColumnElement[bool], sa.ColumnElement[str]]]:
    for words, types in _SUSPECT_TYPES.items():
        yield column.base.in_(types), sa.func.replace(words, "{}", column.base)
    yield column.base_kind == "c", sa.literal("several values in one")
    may_be_long = sa.or_(column.length < 0, column.length >= FREE_TEXT_LENGTH)
    yield sa.and_(column.base.in_(("text", "varchar", "bpchar", "citext")), may_be_long), sa.literal("free text")


def sampled_counts(
    schema: str, name: str, columns: Sequence[str], detectors: Iterable[Detector], limit: int
) -> sa.Select[Any]:
    """How many values of a sample hold what detectors look for: one row per column, whatever the relation holds.

    The sample is the first `limit` rows the server happens to meet, read once for all columns. It is no proof: a
    count of zero says only that nothing was found among them, and `sampled` says among how many values (nulls are
    none). Values of more than `SAMPLED_CHARACTERS` are searched up to there.

    Columns: `column_name`, `sampled`, and for each detector its name in small letters.
    """
    rows = sa.table(name, *map(sa.column, columns), schema=schema).alias("t")
    text = {name: sa.func.left(sa.cast(rows.c[name], sa.Text()), SAMPLED_CHARACTERS) for name in columns}
    sample = sa.select(*(text[name].label(name) for name in columns)).limit(limit).subquery("sample")
    pair = (sa.column("column_name", sa.Text()), sa.column("value", sa.Text()))
    values = sa.values(*pair, name="cell").data([(name, sample.c[name]) for name in columns]).lateral()
    asked = sa.values(sa.column("column_name", sa.Text()), name="asked").data([(name,) for name in columns])
    cells = sa.select(*values.c).select_from(sample.join(values, sa.true())).subquery("cells")
    count = sa.func.count(cells.c.value)
    return (
        sa.select(
            asked.c.column_name,
            count.label("sampled"),
            *(count.filter(detects(detector, cells.c.value)).label(detector.name.lower()) for detector in detectors),
        )
        .select_from(asked.outerjoin(cells, cells.c.column_name == asked.c.column_name))
        .group_by(asked.c.column_name)
    )
