"""The visibility proof: before any check, the catalog must show that the auditor will see every row it speaks of.

Elsewhere a table that is hidden by row-level security, replaced by a view or stripped of a column "succeeds" silently.
Here the check is not audited, with the reason. The same holds if rows lie on another server, be it only those of one
partition or child: that server decides which are visible, outside the audit's snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from privacy_audit.config.map_tables import Relation
from privacy_audit.controls import Rule
from privacy_audit.domain.errors import did_you_mean
from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.catalog.relations import FOREIGN_LEAVES
from privacy_audit.sql.evaluation_context import AnyNeed, ColumnRequirement, UniqueRequirement
from privacy_audit.sql.purge_runs import needs_of_purges

_KINDS = {
    "r": "table",
    "p": "partitioned",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "S": "sequence",
}
_ELSEWHERE = (
    "another server decides which of its rows are seen, and when. Audit that server as a store of its own, and keep"
    " here only what this one holds."
)


@dataclass(frozen=True, slots=True)
class _Column:
    type: str
    readable: bool
    required: bool
    """Whether it can hold no null as the table is."""
    relaxable: bool
    """Whether it could as soon as its own NOT NULL is taken away."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of another table, or of the same one, that points to a table."""

    table: str
    """`schema.table` whose rows refer."""
    columns: tuple[str, ...]
    to: tuple[str, ...]
    """The columns they refer to, in the same order."""
    acts: bool
    """Whether the server itself would delete or change referring rows instead of refusing."""
    full: bool = False
    """MATCH FULL: all of `columns` are null, or none is."""
    nullable: frozenset[str] = frozenset()
    """Those of `columns` that may be null."""
    shared: frozenset[str] = frozenset()
    """Those of `columns` that belong to another foreign key of their table as well."""
    drags: bool = False
    """Whether a foreign key would delete or change other rows by itself when the referring rows are deleted."""


@dataclass(frozen=True, slots=True)
class _Table:
    kind: str
    rows_hidden: bool
    columns: Mapping[str, _Column]
    unique: tuple[frozenset[str], ...]
    references: tuple[ForeignKey, ...]
    foreign_leaves: tuple[str, ...]
    """Its partitions and children, at any depth, that are foreign tables."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The catalog entries of the tables that rules read."""

    tables: Mapping[str, _Table]
    all_names: frozenset[str]

    def prove(self, rule: Rule) -> None:
        """Raises StoreError if the auditor cannot see all that a rule reads."""
        self._prove(list(rule.needs()), {rule.table: Relation(rule.relation)})

    def prove_log(self, rule: Rule) -> None:
        """Raises StoreError if the auditor cannot see the log of purge runs. The rule can be evaluated without it."""
        self._prove(list(needs_of_purges(rule.purge_runs)), {})

    def _prove(self, needs: list[AnyNeed], declared: Mapping[str, Relation]) -> None:
        for name in dict.fromkeys(need.table for need in needs):
            self._prove_table(name, declared.get(name))
        for need in needs:
            if isinstance(need, UniqueRequirement):
                self._prove_unique(need)
            elif isinstance(need, ColumnRequirement):
                self._prove_column(need)

    def requires(self, table: str, column: str) -> bool:
        """Whether a column can hold no null."""
        return self.tables[table].columns[column].required

    def relaxable(self, table: str, column: str) -> bool:
        """Whether a column that can hold no null could as soon as its own NOT NULL is taken away."""
        return self.tables[table].columns[column].relaxable

    def references(self, table: str) -> tuple[ForeignKey, ...]:
        """The foreign keys that point to a table, in the order of their tables."""
        return self.tables[table].references

    def _prove_table(self, name: str, declared: Relation | None) -> None:
        table = self.tables.get(name)
        if table is None:
            raise StoreError(Cause.DRIFT, f"{name}: no such table. {did_you_mean(name, self.all_names)}".strip())
        allowed = {declared.value} if declared else {relation.value for relation in Relation}
        if table.kind == _KINDS["f"]:
            raise StoreError(Cause.DRIFT, f"{name} is a foreign table: {_ELSEWHERE}")
        if table.foreign_leaves:
            first, *more = table.foreign_leaves
            others = f", and so are {len(more)} more," if more else ""
            raise StoreError(
                Cause.DRIFT, f"{first}{others} is read as a part of {name} and is a foreign table: {_ELSEWHERE}"
            )
        if table.kind not in allowed:
            raise StoreError(
                Cause.DRIFT,
                f"{name} is a {table.kind}, the map says {' or '.join(sorted(allowed))}."
                " A view may filter rows: map the table beneath it.",
            )
        if table.rows_hidden:
            raise StoreError(
                Cause.HIDDEN_ROWS,
                f"{name} has row-level security that would hide rows from the auditor."
                " Give its role BYPASSRLS, or a policy that lets it see every row and FORCE off.",
            )

    def _prove_column(self, need: ColumnRequirement) -> None:
        columns = self.tables[need.table].columns
        column = columns.get(need.column)
        if column is None:
            hint = did_you_mean(need.column, columns)
            raise StoreError(Cause.DRIFT, f'{need.table}: no such column "{need.column}". {hint}'.strip())
        if need.types and column.type not in need.types:
            raise StoreError(
                Cause.DRIFT,
                f"{need.table}.{need.column} is of type {column.type}, the map implies"
                f" {' or '.join(sorted(need.types))}. Correct the encoding in the map.",
            )
        if not column.readable:
            raise StoreError(Cause.REFUSED, f"the role may not read {need.table}.{need.column}. Grant it SELECT.")

    def _prove_unique(self, need: UniqueRequirement) -> None:
        if not any(unique <= need.columns for unique in self.tables[need.table].unique):
            columns = ", ".join(sorted(need.columns))
            raise StoreError(
                Cause.DRIFT,
                f"{need.table} has no unique index on ({columns}): the same row of ours could be counted twice.",
            )


_TABLES = sa.text(
    """
    SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind, c.oid AS oid,
           pg_catalog.row_security_active(c.oid) AS rows_hidden
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
    """
)
_TREE = """
    WITH RECURSIVE tree AS (
        SELECT c.oid AS root, c.oid AS leaf FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION
        SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.leaf
    ), strict_domains AS (
        SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.typnotnull
        UNION
        SELECT t.oid FROM pg_catalog.pg_type t JOIN strict_domains d ON t.typbasetype = d.oid WHERE t.typtype = 'd'
    )
"""
"""Each table with itself, its partitions and what inherits from it; and the domains that refuse null."""
_KEYED = """
    (a.attgenerated <> '' OR a.attidentity <> '' OR a.atttypid IN (SELECT d.oid FROM strict_domains d)
     OR EXISTS (
        SELECT FROM pg_catalog.pg_index i
        WHERE i.indrelid = a.attrelid AND (i.indisprimary OR i.indisreplident)
          AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
     ) OR EXISTS (
        SELECT FROM tree JOIN pg_catalog.pg_attribute l ON l.attrelid = tree.leaf AND l.attname = a.attname
        WHERE tree.root = a.attrelid AND tree.leaf <> tree.root AND l.attnotnull AND NOT a.attnotnull
     ))
"""
"""Whether what keeps a column `a` from holding a null is more than its own NOT NULL."""
_COLUMNS = sa.text(
    f"""
    {_TREE}
    SELECT a.attrelid AS oid, a.attname AS name, t.typname AS type,
           pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable,
           a.attnotnull AS strict, {_KEYED} AS keyed
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ANY (CAST(:oids AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
    """  # noqa: S608 - parts of this file
)
_UNIQUE = sa.text(
    """
    SELECT i.indrelid AS oid,
           (SELECT array_agg(a.attname::text) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE k.n <= i.indnkeyatts) AS columns
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = ANY (CAST(:oids AS oid[]))
      AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    """
)
_REFERENCES = sa.text(
    f"""
    {_TREE}
    SELECT DISTINCT tree.root AS oid, n.nspname || '.' || c.relname AS name, f.conname AS constraint,
           f.confdeltype NOT IN ('a', 'r') AS acts, f.confmatchtype = 'f' AS "full",
           (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum) AS columns,
           (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum) AS "to",
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) AND NOT (a.attnotnull OR {_KEYED})
            ORDER BY a.attnum) AS nullable,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) AND EXISTS (
                SELECT FROM pg_catalog.pg_constraint other
                WHERE other.conrelid = f.conrelid AND other.oid <> f.oid AND other.conparentid = 0
                  AND other.contype = 'f' AND a.attnum = ANY (other.conkey))
            ORDER BY a.attnum) AS shared,
           EXISTS (SELECT FROM pg_catalog.pg_constraint onward JOIN tree of_it ON of_it.leaf = onward.confrelid
            WHERE of_it.root = f.conrelid AND onward.contype = 'f' AND onward.confdeltype NOT IN ('a', 'r')) AS drags
    FROM pg_catalog.pg_constraint f JOIN tree ON tree.leaf = f.confrelid
    JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE f.contype = 'f' AND f.conparentid = 0 AND tree.root = ANY (CAST(:oids AS oid[]))
    ORDER BY name, f.conname
    """  # noqa: S608 - parts of this file
)
"""Foreign keys that point to a table or to a part of it. Of a partitioned table the one of the whole, and those that
a partition has of its own."""


def read_catalog(connection: sa.Connection, rules: Iterable[Rule]) -> Catalog:
    """Five statements, however many rules: the tables they read, their columns, unique indexes, who refers, and which
    parts of them lie on another server."""
    wanted = {need.table for rule in rules for need in (*rule.needs(), *needs_of_purges(rule.purge_runs))}
    all_tables = connection.execute(_TABLES).all()
    oids = {row.oid: row.name for row in all_tables if row.name in wanted}
    columns: dict[str, dict[str, _Column]] = {name: {} for name in oids.values()}
    unique: dict[str, list[frozenset[str]]] = {name: [] for name in oids.values()}
    references: dict[str, list[ForeignKey]] = {name: [] for name in oids.values()}
    for row in connection.execute(_COLUMNS, {"oids": list(oids)}):
        columns[oids[row.oid]][row.name] = _Column(
            row.type, row.readable, row.strict or row.keyed, row.strict and not row.keyed
        )
    for row in connection.execute(_UNIQUE, {"oids": list(oids)}):
        unique[oids[row.oid]].append(frozenset(row.columns))
    for row in connection.execute(_REFERENCES, {"oids": list(oids)}):
        reference = ForeignKey(
            table=row.name,
            columns=tuple(row.columns),
            to=tuple(row.to),
            acts=row.acts,
            full=row.full,
            nullable=frozenset(row.nullable),
            shared=frozenset(row.shared),
            drags=row.drags,
        )
        references[oids[row.oid]].append(reference)
    foreign: dict[str, list[str]] = {name: [] for name in oids.values()}
    for row in connection.execute(FOREIGN_LEAVES, {"roots": list(oids)}):
        foreign[oids[row.root]].append(row.name)
    tables = {
        row.name: _Table(
            _KINDS[row.kind],
            row.rows_hidden,
            columns[row.name],
            tuple(unique[row.name]),
            tuple(references[row.name]),
            tuple(foreign[row.name]),
        )
        for row in all_tables
        if row.oid in oids
    }
    return Catalog(tables, frozenset(row.name for row in all_tables))
