"""The SELECTs of a report: what lists the rows of a check to an entitled engineer, ready to paste."""

from __future__ import annotations

from dataclasses import dataclass

from privacy_audit.controls import Rule
from privacy_audit.sql.evaluation_context import Frame
from privacy_audit.sql.row_predicates import rows_statement, undecidable_statement
from privacy_audit.sql.statement_text import pasteable


@dataclass(frozen=True, slots=True)
class Listing:
    """Empty texts where no SELECT can list the rows."""

    violating: str
    undecidable: str


def listing(rule: Rule, frame: Frame) -> Listing:
    """What lists the rows that violate, and those that cannot be decided, as the rule sees them in a frame."""
    if not rule.listable:
        return Listing("", "")
    truth = rule.judge(rule.rows(frame, *rule.key), frame)
    statements = rows_statement(truth, rule.key), undecidable_statement(truth, rule.key)
    return Listing(*(f"{pasteable(statement)};" for statement in statements))
