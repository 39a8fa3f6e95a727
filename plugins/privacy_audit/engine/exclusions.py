"""What the store map leaves out of a promise by a word of its own is said beside what was counted.

Nobody judges whether the reason that the map gives is true of each row: a row of which it is wrong is not looked at,
and its check may pass. So who reads a pass must read the reason too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from privacy_audit.compiler.suites import Check
from privacy_audit.config.map_tables import Condition
from privacy_audit.domain.audit import CheckResult


def left_out(checks: Iterable[Check], results: Iterable[CheckResult]) -> Iterator[str]:
    """One limit of the store for each control and each reason why rows of checks that were counted are left out."""
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
