"""Reads tables from their first page to their last, whatever their owner's functions say while a statement is planned.

PostgreSQL computes IMMUTABLE functions when it plans a statement, as the role that sent it. One that stands in the
predicate of an index, and answers the auditor otherwise than others, makes the server take an index that lacks rows for
one that has all. Who counts every row therefore takes no index, and skips no partition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

_IN_ORDER = "; ".join(
    f"SET LOCAL {name} = off"
    for name in ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan", "enable_partition_pruning")
)


@contextmanager
def every_row(connection: sa.Connection) -> Iterator[None]:
    """The statements inside read their tables as a whole. Afterwards the transaction plans as it did before."""
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql(_IN_ORDER)
        yield
        savepoint.rollback()  # which undoes the settings, and there is nothing else to undo


_LEANING_INDEX = sa.text(
    """
    WITH RECURSIVE part AS (
        SELECT c.oid AS oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname || '.' || c.relname = ANY (CAST(:names AS text[]))
        UNION
        SELECT i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
    )
    SELECT pg_catalog.min(n.nspname || '.' || c.relname)
    FROM part p
    JOIN pg_catalog.pg_index i ON i.indrelid = p.oid AND i.indpred IS NOT NULL
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
    LEFT JOIN pg_catalog.pg_operator o
      ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
    JOIN pg_catalog.pg_proc f
      ON (d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.refobjid) OR f.oid = o.oprcode
    JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    WHERE l.lanname NOT IN ('internal', 'c')
    """
)


def untrusted_index(connection: sa.Connection, tables: Collection[str]) -> str | None:
    """A partial index of these tables, or of their parts, whose predicate calls a function that anybody may have
    written: not one of the server's, and not one of a library, which only a superuser can load."""
    names = sa.bindparam("names", sorted(tables), ARRAY(sa.Text()))
    name: str | None = connection.execute(_LEANING_INDEX.bindparams(names)).scalar()
    return name
