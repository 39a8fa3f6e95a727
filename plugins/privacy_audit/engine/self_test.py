"""Shows before each audit that its rules can fail: the SQL that will evaluate the store evaluates their self-test
cases.

Usually one statement per rule, over rows that are sent with it; the store is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from privacy_audit.controls import Rule
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.periods import Period
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.selftest.case import CASE_ID, SelfTestCase, case_set, disagreements, fits
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.inline_relation import WORLD

_TOLD = 3
"""Self-test cases that are named: enough to see what is wrong."""


def prove_can_fail(connection: sa.Connection, rule: Rule, as_of: datetime) -> None:
    """Raises StoreError if the rule gives one of its self-test cases a wrong state; its pass would prove nothing."""
    context = self_test_context(rule, as_of)
    wrong = list(rule.disproof(context))
    self_test_cases = self_test_cases_of(rule, context)
    said = [
        (row.number, row.state)
        for statement in statements(rule, self_test_cases, context)
        for row in connection.execute(statement)
    ]
    wrong += disagreements(self_test_cases, said)
    if wrong:
        more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
        raise StoreError(
            Cause.INTERNAL,
            f"the rule fails its own self-test cases, so it proves nothing: {'; '.join(wrong[:_TOLD])}{more}",
        )


def self_test_context(rule: Rule, as_of: datetime) -> EvaluationContext:
    """Returns the evaluation context of a company that is old enough to be in breach, whatever the rule's company
    is."""
    context = rule.context(as_of)
    first_day = Period.parse(rule.longest_period).cutoff(context.today) - timedelta(days=1000)
    return replace(context, no_data_before=min(context.no_data_before, first_day))


def self_test_cases_of(rule: Rule, context: EvaluationContext) -> tuple[SelfTestCase, ...]:
    """Returns the self-test cases that can exist in the table of the rule."""
    return tuple(self_test_case for self_test_case in rule.self_test_cases(context) if fits(self_test_case, rule.table))


def statements(
    rule: Rule, self_test_cases: Sequence[SelfTestCase], context: EvaluationContext
) -> list[sa.Select[tuple[int, int]]]:
    """What tells the number of each self-test case and the State that the rule says it is in: columns `number`,
    `state`."""
    numbered = dict(enumerate(self_test_cases, start=1))
    if not numbered:
        return []
    together = {number: one for number, one in numbered.items() if not one.alone}
    world = _world(context, rule, together)
    row = rule.rows(world, CASE_ID)
    if CASE_ID not in row.c:
        return [_of_whole_registers(rule, _world(context, rule, numbered, whole=True), len(numbered))]
    alone = ((each.c[CASE_ID], rule.evaluate(each, one)) for each, one in _alone(rule, numbered, context))
    there = [(row.c[CASE_ID], rule.evaluate(row, world))] if together else []
    return [
        sa.select(number.label("number"), predicates.state.label("state")).select_from(predicates.source)
        for number, predicates in (*there, *alone)
    ]


def _alone(
    rule: Rule, numbered: Mapping[int, SelfTestCase], context: EvaluationContext
) -> Iterator[tuple[sa.FromClause, EvaluationContext]]:
    """Self-test cases that cannot share tables with others, each in a world of its own or of its kind."""
    worlds: dict[int | str, dict[int, SelfTestCase]] = {}
    for number, one in numbered.items():
        if one.alone:
            worlds.setdefault(number if one.alone is True else one.alone, {})[number] = one
    for self_test_cases in worlds.values():
        world = _world(context, rule, self_test_cases)
        yield rule.rows(world, CASE_ID), world


def _of_whole_registers(rule: Rule, world: EvaluationContext, count: int) -> sa.Select[tuple[int, int]]:
    """A rule that judges a register as a whole says one thing of all its rows: each self-test case is a register
    apart."""
    predicates = rule.evaluate(rule.rows(world, CASE_ID), world)
    numbers = sa.select(sa.func.generate_series(1, count).label(CASE_ID)).subquery(WORLD)
    told = sa.select(predicates.state.label("state")).select_from(predicates.source).lateral("told")
    return sa.select(numbers.c[CASE_ID].label("number"), told.c.state).select_from(numbers.join(told, sa.true()))


def _world(
    context: EvaluationContext, rule: Rule, self_test_cases: Mapping[int, SelfTestCase], *, whole: bool = False
) -> EvaluationContext:
    planted = case_set(self_test_cases, rule.table, rule.key, rule.needs(), context.planted, whole=whole)
    return replace(context, planted=planted)
