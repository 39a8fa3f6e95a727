"""What is said of one row, and what several kinds of controls ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

from privacy_audit.config.map_clocks import JoinedSubject
from privacy_audit.config.map_tables import Condition
from tests.oracle.moments import Row, Tables, joins

Value = TypeVar("Value")


class State(Enum):
    """Where a row belongs: exactly one."""

    OUT_OF_SCOPE = "out_of_scope"
    UNDECIDABLE = "undecidable"
    HELD = "held"
    VIOLATING = "violating"
    COMPLIANT = "compliant"


@dataclass(frozen=True)
class Verdict:
    """What is said of one row; the rest only where it violates or is held."""

    state: State
    subject: Any = None
    shown: datetime | None = None
    """Its clock, as the tally's oldest and newest show it."""
    breach: date | None = None
    """The first civil day of the breach."""
    late: bool = False
    """Held, by holds that all began once the breach had."""


OUT, UNDECIDABLE, COMPLIANT = (Verdict(state) for state in (State.OUT_OF_SCOPE, State.UNDECIDABLE, State.COMPLIANT))


def there(value: Value | None) -> Value:
    """A value that must be there."""
    assert value is not None
    return value


def _matches(condition: Condition, value: Any) -> bool:
    if condition.is_null:
        return value is None
    if value is None:
        return False
    return value in condition.in_ if condition.in_ else value == condition.equals


def outside(rule: Any, row: Row) -> bool:
    """Whether the promise does not speak of a row: a condition holds, or all of the group's columns are null."""
    group = getattr(rule, "columns_of_group", ())
    return any(_matches(condition, row.get(condition.column)) for condition in rule.out_of_scope) or (
        bool(group) and all(row.get(column) is None for column in group)
    )


def subject_of(rule: Any, row: Row, tables: Tables) -> Any:
    """Whose row it is, or None."""
    subject = rule.subject
    if subject is None:
        return None
    if not isinstance(subject, JoinedSubject):
        return row.get(subject.column)
    return next((other.get(subject.column) for other in tables[subject.table] if joins(row, other, subject.on)), None)


def blank(text: str | None) -> bool:
    """Whether a text says nothing."""
    return text is None or not text.strip()
