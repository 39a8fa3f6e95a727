"""Counts the rows of a table by a rule: chooses the plan, runs one statement, returns a tally."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import sqlalchemy as sa

from privacy_audit.config.map_registers import PurgeRuns
from privacy_audit.controls import IndexPlan, Rule
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Cause, Plan
from privacy_audit.domain.tally import AGE_BUCKETS, Forecast, Purge, Tally
from privacy_audit.engine.forecast import count_due, estimate_due
from privacy_audit.engine.row_queries import RowQueries, listing
from privacy_audit.engine.self_test import prove_can_fail
from privacy_audit.postgres.other_databases import OtherDatabaseError
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.evaluation_context import EvaluationContext, Predicate, RowRequirement, table, yes
from privacy_audit.sql.every_row import every_row, untrusted_index
from privacy_audit.sql.purge_runs import purge_statement
from privacy_audit.sql.row_predicates import RowPredicates, tally_statement

FULL_SCAN_ROWS = 500_000
"""The cost budget: up to so many rows (the planner's estimate) a table is scanned, for that proves every row."""
PROBES_WORTH = 4
"""A probe into an index costs about as much as reading so many rows in order."""
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one check counted, and how."""

    tally: Tally
    plan: Plan
    plan_reason: str
    late_holds: int
    """Held rows whose hold began after they were already in breach."""
    forecast: Forecast | None = None
    purge: Purge | None = None
    listing: RowQueries | None = None
    """What lists the rows, where that takes more than rule and T: what was found out in the store first."""


@dataclass(frozen=True, slots=True)
class _Size:
    rows: int
    """The planner's estimate; -1 when the table was never analysed."""
    partitions: int


def measure(connection: sa.Connection, rule: Rule, as_of: datetime, budget: int = FULL_SCAN_ROWS) -> Measurement:
    """Returns the tally of a rule at T, by the plan that fits its table.

    Raises StoreError if a table that must have rows is empty; the check would pass without having seen anything.
    """
    prove_can_fail(connection, rule, as_of)
    context = rule.context(as_of)
    for need in rule.needs():
        if isinstance(need, RowRequirement) and not _holds_a_row(connection, table(need.table, alias="t")):
            raise StoreError(Cause.EMPTY, f"{need.table} holds no row, and without one every row here would pass.")
    if (own := _in_memory(connection, rule, context)) is not None:
        return Measurement(own, Plan.FULL, "every row read, and compared in memory", 0)
    if not rule.in_store:
        return count_all(connection, rule, context, "every row counted")
    size = _size(connection, rule.table)
    measured = _count(connection, rule, context, budget, size)

    due = partial(_forecast_of, connection, rule, context, measured.tally, exact=size.rows <= budget)
    forecast = _beside(connection, due) if rule.foreseeable else None
    purge = (
        _beside(connection, partial(_purge, connection, rule, rule.purge_runs, context)) if rule.purge_runs else None
    )
    return replace(measured, forecast=forecast, purge=purge)


def _in_memory(connection: sa.Connection, rule: Rule, context: EvaluationContext) -> Tally | None:
    """Returns the tally of a rule that compares in memory. Raises StoreError if what it compares with is missing."""
    try:
        with every_row(connection):
            return rule.count(connection, context)
    except StoreError:
        raise
    except OtherDatabaseError as error:
        raise StoreError(error.cause, error.reason) from None
    except PrivacyAuditError as error:
        raise StoreError(Cause.MISSING, str(error)) from None


def _forecast_of(
    connection: sa.Connection, rule: Rule, context: EvaluationContext, tally: Tally, *, exact: bool
) -> Forecast:
    """Returns the rows that fall due next. A table beyond the budget is not read again for that."""
    if not exact:
        return estimate_due(connection, rule, context)
    with every_row(connection):
        return count_due(connection, rule, context, tally.violating)


def _purge(connection: sa.Connection, rule: Rule, log: PurgeRuns, context: EvaluationContext) -> Purge:
    """Returns what the log of purge runs holds about the job of this table."""
    return Purge(**connection.execute(purge_statement(log, rule.table, context)).one()._mapping)


def _beside(connection: sa.Connection, ask: Callable[[], _Told]) -> _Told | None:
    """Returns a figure beside the tally, or None if the server ends its statement; the tally is kept."""
    try:
        with connection.begin_nested():
            return ask()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None


def _count(connection: sa.Connection, rule: Rule, context: EvaluationContext, budget: int, size: _Size) -> Measurement:
    if size.rows < 0:
        return count_all(
            connection, rule, context, "every row counted: the table was never analysed, its size is unknown"
        )
    if size.rows <= budget:
        return count_all(connection, rule, context, f"every row counted: about {size.rows:,}, within {budget:,}")
    if index := untrusted_index(connection, {need.table for need in rule.needs()}):
        seek, reason = None, f"what index {index} leaves out depends on a function that is not the server's"
    else:
        seek, reason = _choose(connection, rule, size, rule.seeks(context))
    if seek is not None and not _has_rows_in_scope(connection, rule.evaluate(rule.rows(context), context)):
        # An estimate would call them compliant: a table of nothing but empty columns must not pass.
        seek, reason = None, "no row of it is in scope, or it is empty"
    if seek is None:
        return count_all(connection, rule, context, f"every row counted, about {size.rows:,}: {reason}")
    return count_suspects(connection, rule, context, seek, size.rows, f"about {size.rows:,} rows: {reason}")


def count_all(connection: sa.Connection, rule: Rule, context: EvaluationContext, reason: str = "") -> Measurement:
    """Counts every row in one scan; the parts are counted independently of the whole.

    Tables of the store are read by no index. Those of the catalog may be: their indexes are the server's own.
    """
    prepared = rule.prepared(connection, context)
    with nullcontext() if isinstance(rule, CatalogRule) else every_row(connection):
        counts = _run(connection, rule.evaluate(rule.rows(prepared), prepared), context)
    tally = _tally(counts, counts["population"], counts["compliant"])
    listed = None if prepared is context else listing(rule, prepared)
    return Measurement(tally, Plan.FULL, reason, counts["late_holds"], listing=listed)


def count_suspects(
    connection: sa.Connection, rule: Rule, context: EvaluationContext, seek: IndexPlan, estimate: int, reason: str = ""
) -> Measurement:
    """Counts only rows that may not be compliant; the population is the planner's estimate."""
    counts = _run(connection, seek.predicates, context)
    found = counts["violating"] + counts["held"] + counts["undecidable"]
    population = max(estimate, found)
    tally = _tally({**counts, "out_of_scope": 0}, population, population - found, estimated=True)
    return Measurement(tally, Plan.SEEK, reason, counts["late_holds"])


def _run(connection: sa.Connection, predicates: RowPredicates, context: EvaluationContext) -> dict[str, Any]:
    row = connection.execute(tally_statement(predicates, context)).one()
    return dict(row._mapping)


def _tally(counts: dict[str, Any], population: int, compliant: int, *, estimated: bool = False) -> Tally:
    return Tally(
        population=population,
        compliant=compliant,
        violating=counts["violating"],
        held=counts["held"],
        undecidable=counts["undecidable"],
        out_of_scope=counts["out_of_scope"],
        subjects=counts["subjects"],
        oldest=counts["oldest"],
        newest=counts["newest"],
        overdue_since=counts["overdue_since"],
        ages=_ages(counts),
        estimated=estimated,
    )


def _ages(counts: dict[str, Any]) -> tuple[int, ...]:
    """Rows per bucket, from how many are at least as old as each bucket's lower bound."""
    at_least = [counts["violating"], *(counts[f"older_{bound}"] for _, bound in AGE_BUCKETS[1:]), 0]
    return tuple(older - oldest for older, oldest in pairwise(at_least))


def _choose(
    connection: sa.Connection, rule: Rule, size: _Size, seeks: Sequence[IndexPlan]
) -> tuple[IndexPlan | None, str]:
    """Returns the first index plan that the catalog allows, and why it was chosen."""
    advice = ""
    for seek in seeks:
        columns = ", ".join(seek.index)
        if not seek.index:
            return seek, f"suspects filtered out in one scan{advice}"
        if not _has_index(connection, rule.table, seek.index):
            advice = f"; an index on ({columns}) would spare it"
        elif _probes_find(connection, rule.table, seek) and not _too_many_probes(connection, seek, size):
            return seek, f"suspects sought by the index on ({columns})"
    return None, "no shorter way shows what this check asks"


def _probes_find(connection: sa.Connection, table_name: str, seek: IndexPlan) -> bool:
    """Whether what is probed with compares as the index does: in its type, and in the order of its collation."""
    if not seek.probes_per_row_of:
        return True
    names = {"table": quoted(table_name), "column": seek.index[0]}
    others = {"other": quoted(seek.probes_per_row_of), "other_column": seek.probed_by}
    return bool(connection.execute(_ALIKE, names | others).scalar())


def _too_many_probes(connection: sa.Connection, seek: IndexPlan, size: _Size) -> bool:
    if not seek.probes_per_row_of:
        return False
    gaps = _size(connection, seek.probes_per_row_of).rows
    return gaps < 0 or gaps * max(size.partitions, 1) * PROBES_WORTH > size.rows


_SIZE = sa.text(
    """
    SELECT coalesce(sum(leaf.reltuples) FILTER (WHERE leaf.reltuples >= 0), 0)::bigint AS rows,
           bool_or(leaf.reltuples < 0) AS unknown, count(*)::int AS partitions
    FROM (SELECT CAST(:table AS regclass)::oid AS root) r
    CROSS JOIN LATERAL (
        SELECT c.reltuples FROM pg_catalog.pg_partition_tree(r.root) p JOIN pg_catalog.pg_class c ON c.oid = p.relid
        WHERE p.isleaf
        UNION ALL
        SELECT c.reltuples FROM pg_catalog.pg_class c WHERE c.oid = r.root AND c.relkind <> 'p' AND NOT c.relispartition
    ) leaf
    """
)

_INDEX = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_am am ON am.oid = c.relam
        WHERE i.indrelid = CAST(:table AS regclass) AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND i.indnkeyatts >= cardinality(CAST(:columns AS text[]))
          AND (am.amname = 'btree' OR (am.amname = 'brin' AND cardinality(CAST(:columns AS text[])) = 1))
          AND (SELECT array_agg(a.attname::text ORDER BY k.n)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
               WHERE k.n <= cardinality(CAST(:columns AS text[]))) = CAST(:columns AS text[])
          -- in the order in which the columns themselves compare, else the server cannot use it
          AND NOT EXISTS (
              SELECT FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
                          WITH ORDINALITY AS k(attnum, opclass, collation_, option, n)
              JOIN pg_catalog.pg_opclass o ON o.oid = k.opclass
              JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.n <= cardinality(CAST(:columns AS text[]))
                AND (NOT o.opcdefault OR k.collation_ <> a.attcollation
                     OR (k.option <> 0 AND cardinality(CAST(:columns AS text[])) > 1))
          )
    )
    """
)

_ALIKE = sa.text(
    """
    SELECT count(DISTINCT CASE WHEN t.typname IN ('int2', 'int4', 'int8') THEN 'integer'
                               WHEN t.typname IN ('text', 'varchar') THEN 'text' ELSE t.oid::text END) = 1
       AND count(DISTINCT a.attcollation) = 1
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE (a.attrelid, a.attname) IN ((CAST(:table AS regclass), :column), (CAST(:other AS regclass), :other_column))
    """
)


def quoted(table: str) -> str:
    """`schema.table` as PostgreSQL reads it back exactly."""
    schema, _, relation = table.partition(".")
    return f'"{schema}"."{relation}"'


def _size(connection: sa.Connection, table: str) -> _Size:
    row = connection.execute(_SIZE, {"table": quoted(table)}).one()
    return _Size(-1 if row.unknown and row.rows == 0 else row.rows, row.partitions)


def _has_index(connection: sa.Connection, table: str, columns: tuple[str, ...]) -> bool:
    return bool(connection.execute(_INDEX, {"table": quoted(table), "columns": list(columns)}).scalar())


def _has_rows_in_scope(connection: sa.Connection, predicates: RowPredicates) -> bool:
    """Whether there is a row that the promise speaks of: one row read, unless the first ones are out of scope."""
    return _holds_a_row(connection, predicates.row, sa.not_(yes(predicates.out_of_scope)))


def _holds_a_row(connection: sa.Connection, relation: sa.FromClause, *conditions: Predicate) -> bool:
    row = sa.select(sa.literal(1)).select_from(relation).where(*conditions)
    return bool(connection.execute(sa.select(sa.exists(row))).scalar())
