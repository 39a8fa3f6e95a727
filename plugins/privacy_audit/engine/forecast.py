"""What falls due next: rows that are not in breach at T and will be 30 and 90 civil days later, if nothing is deleted.

The same predicates evaluate them at the later day; the rows and the legal holds are those of T.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from privacy_audit.controls import Rule
from privacy_audit.domain.tally import Forecast
from privacy_audit.sql.evaluation_context import EvaluationContext, day
from privacy_audit.sql.row_predicates import breaches_statement

SOON, LATER = 30, 90
"""The two horizons, in civil days of the policy's zone."""


def count_due(connection: sa.Connection, rule: Rule, context: EvaluationContext, violating: int) -> Forecast:
    """Each row judged: of those in breach at the later horizon, the day of the breach tells which are so before."""
    breaches = _breaches(rule, context.after(LATER)).subquery("breach")
    # A breach without a day counts as begun: what nobody ever kept did not begin to be stale on a day.
    soon = sa.func.count().filter(
        sa.or_(breaches.c.began.is_(None), breaches.c.began <= day(context.today + timedelta(days=SOON)))
    )
    in_30, in_90 = connection.execute(sa.select(soon, sa.func.count()).select_from(breaches)).one()
    # Rows in breach now may no longer be in force by then.
    return Forecast(max(in_30 - violating, 0), max(in_90 - violating, 0), estimated=False)


def estimate_due(connection: sa.Connection, rule: Rule, context: EvaluationContext) -> Forecast:
    """The planner's estimates, without reading a row. What it believes of T goes off, so that its bias does too."""
    now, in_30, in_90 = (
        _planned_rows(connection, _breaches(rule, at)) for at in (context, context.after(SOON), context.after(LATER))
    )
    soon = max(in_30 - now, 0)
    return Forecast(soon, max(in_90 - now, soon), estimated=True)


def _breaches(rule: Rule, context: EvaluationContext) -> sa.Select[Any]:
    return breaches_statement(rule.evaluate(rule.rows(context), context))


def _planned_rows(connection: sa.Connection, statement: sa.Select[Any]) -> int:
    compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    answer = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params)
    return int(answer.scalar_one()[0]["Plan"]["Plan Rows"])
