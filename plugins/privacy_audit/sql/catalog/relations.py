"""What may hold rows in a database, and through which relations these rows are read."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

RELATIONS = (
    sa.text(
        r"""
        SELECT c.oid AS oid, n.nspname::text AS schema, c.relname::text AS name,
               n.nspname || '.' || c.relname AS relation,
               CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'm' THEN 'materialized view'
                              ELSE 'foreign table' END AS kind,
               c.relispartition AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND i.inhdetachpending
               ) AS attached,
               c.relispopulated AND NOT pg_catalog.row_security_active(c.oid) AS shown
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm', 'f')
          AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
        """
    )
    .columns(
        sa.column("oid"), sa.column("schema"), sa.column("name"), sa.column("relation"), sa.column("kind"),
        sa.column("attached"), sa.column("shown"),
    )
    .cte("relation")
)  # fmt: skip
"""Every relation that may hold rows, but those of the system and of sessions (names of schemas in `pg_` are theirs).

`attached` is true of a partition that is read through its parent. One that is being detached no longer is. `shown` is
false where the server refuses to show the role all rows: of a table with row-level security, of a materialized view
that was never filled.
"""

LINEAGE = (
    sa.text(
        """
        SELECT c.oid, c.oid FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'm', 'f')
        UNION
        SELECT l.oid, i.inhparent FROM lineage l
        JOIN pg_catalog.pg_inherits i ON i.inhrelid = l.ancestor AND NOT i.inhdetachpending
        """
    )
    .columns(sa.column("oid"), sa.column("ancestor"))
    .cte("lineage", recursive=True)
)
"""Each relation with itself and with those it is a partition or a child of: anyone who reads these reads its rows
too."""

_MISSING = sa.text(
    """
    SELECT t.relation FROM pg_catalog.unnest(CAST(:names AS text[])) AS t(relation)
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname || '.' || c.relname = t.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    )
    """
).columns(sa.column("relation", sa.Text()))


def missing_relations(names: Sequence[str]) -> sa.Subquery:
    """Those of the names (`schema.table`) that no relation has, as `relation`: nothing could be looked at there."""
    return _MISSING.bindparams(sa.bindparam("names", list(names), ARRAY(sa.Text()), unique=True)).subquery("missing")


FOREIGN_LEAVES = sa.text(
    """
    WITH RECURSIVE part AS (
        SELECT root, root AS oid FROM pg_catalog.unnest(CAST(:roots AS oid[])) AS r(root)
        UNION
        SELECT p.root, i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
    )
    SELECT p.root AS root, n.nspname || '.' || c.relname AS name
    FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE p.oid <> p.root AND c.relkind NOT IN ('r', 'p')
    ORDER BY n.nspname, c.relname
    """
)
"""The partitions and children, at any depth, of relations (`roots`, oids) whose rows are not the server's own.

Anyone who reads the relation reads them too. The server itself allows only foreign tables there. Row-level security of
a partition or child is not asked about: the server applies that of the relation that is named, and no other.
"""
