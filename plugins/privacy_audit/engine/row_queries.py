"""The SELECTs of a report: they list the rows of a check for an entitled engineer, ready to paste."""

from __future__ import annotations

from dataclasses import dataclass

from privacy_audit.controls import Rule
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.row_predicates import rows_statement, undecidable_statement
from privacy_audit.sql.statement_text import pasteable


@dataclass(frozen=True, slots=True)
class RowQueries:
    """The SELECTs of a check; empty where no SELECT can list the rows."""

    violating: str
    undecidable: str


def listing(rule: Rule, context: EvaluationContext) -> RowQueries:
    """What lists the rows that violate, and those that cannot be decided, as the rule sees them in an evaluation
    context."""
    if not rule.listable:
        return RowQueries("", "")
    predicates = rule.evaluate(rule.rows(context, *rule.key), context)
    statements = rows_statement(predicates, rule.key), undecidable_statement(predicates, rule.key)
    return RowQueries(*(f"{pasteable(statement)};" for statement in statements))
