"""Reports the rows that the store map excludes from a promise, beside the counts.

Nobody checks whether the reason in the map is true for each row: a row for which it is wrong is not evaluated, and its
check may pass. So the reader of a pass must see the reason too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from privacy_audit.compiler.suites import Check
from privacy_audit.config.map_tables import Condition
from privacy_audit.domain.audit import CheckResult


def left_out(checks: Iterable[Check], results: Iterable[CheckResult]) -> Iterator[str]:
    """Returns one limit of the store for each control and each reason why rows are excluded."""
    tables: dict[tuple[str, str], list[str]] = defaultdict(list)
    for check, result in zip(checks, results, strict=True):
        if result.tally:
            for condition in _conditions(check):
                tables[check.control.id, condition.because].append(f"{check.rule.table} by {condition.column}")
    for (control, because), places in tables.items():
        places_once = ", ".join(dict.fromkeys(places))
        yield f"{control} leaves out rows of {places_once}, as the store map says: {because.rstrip('.')}"


def _conditions(check: Check) -> tuple[Condition, ...]:
    """Conditions of the kinds that know any."""
    conditions: tuple[Condition, ...] = getattr(check.rule, "out_of_scope", ())
    return conditions
