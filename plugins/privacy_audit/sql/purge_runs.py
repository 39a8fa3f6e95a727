"""The log of purge runs in SQL: when the job of a table last ran, last deleted, and how often it ran in vain since.

A run counts when it finished at a moment that can be a fact: a null (it did not finish), infinity, a moment before the
company's first day or after T do not. Nothing here decides an outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from privacy_audit.config.map_registers import PurgeRuns
from privacy_audit.sql.clocks import read_event
from privacy_audit.sql.evaluation_context import TYPES, ColumnRequirement, EvaluationContext

_WHOLE_NUMBERS = frozenset({"int2", "int4", "int8"})


def purge_statement(log: PurgeRuns, table_name: str, context: EvaluationContext) -> sa.Select[*tuple[Any, ...]]:
    """One row of aggregates over the runs of a table's job, by the names of the fields of `model.Purge`."""
    runs = context.table(log.table, log.target, log.finished.column, log.deleted, alias="run")
    finished, deleted = read_event(log.finished, runs, context), runs.c[log.deleted]
    facts = (
        sa.select(
            finished.moment.label("at"),
            deleted.label("deleted"),
            sa.func.max(finished.moment).filter(deleted > 0).over().label("worked"),
        )
        .where(sa.cast(runs.c[log.target], sa.Text()) == log.word_for(table_name), sa.not_(finished.undatable))
        .subquery("finished")
    )
    since = sa.or_(facts.c.worked.is_(None), facts.c.at > facts.c.worked)
    untold = sa.or_(facts.c.deleted.is_(None), facts.c.deleted < 0)
    return sa.select(
        sa.func.max(facts.c.at).label("last_ran"),
        sa.func.max(facts.c.worked).label("last_deleted"),
        sa.func.count().filter(since, facts.c.deleted == 0).label("idle_runs"),
        sa.func.count().filter(since, untold).label("untold_runs"),
    ).select_from(facts)


def needs_of_purges(log: PurgeRuns | None) -> Iterator[ColumnRequirement]:
    """The columns of the log that are read."""
    if log is not None:
        yield ColumnRequirement(log.table, log.target)
        yield ColumnRequirement(log.table, log.finished.column, TYPES[log.finished.encoding])
        yield ColumnRequirement(log.table, log.deleted, _WHOLE_NUMBERS)
