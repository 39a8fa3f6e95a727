"""Shows before each audit that its rules can fail: their specimens are judged by the SQL that will judge the store.

One statement for each rule, as a rule, over rows that are sent along with it; the store is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from privacy_audit.controls import Rule
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.periods import Period
from privacy_audit.postgres.store_errors import TroubleError
from privacy_audit.selftest.case import NUMBER, Specimen, disagreements, fits, planted_world
from privacy_audit.sql.evaluation_context import Frame
from privacy_audit.sql.inline_relation import WORLD

_TOLD = 3
"""Specimens that are named: enough to see what is wrong."""


def prove_can_fail(connection: sa.Connection, rule: Rule, as_of: datetime) -> None:
    """TroubleError when the rule says of one of its specimens what it must not: then its pass would prove nothing."""
    frame = specimen_frame(rule, as_of)
    wrong = list(rule.disproof(frame))
    specimens = specimens_of(rule, frame)
    said = [
        (row.number, row.state)
        for statement in statements(rule, specimens, frame)
        for row in connection.execute(statement)
    ]
    wrong += disagreements(specimens, said)
    if wrong:
        more = f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
        raise TroubleError(
            Cause.INTERNAL, f"the rule fails its own specimens, so it proves nothing: {'; '.join(wrong[:_TOLD])}{more}"
        )


def specimen_frame(rule: Rule, as_of: datetime) -> Frame:
    """T and the rule's calendar, for a company that is old enough to be in breach: a young one is still shown how."""
    frame = rule.frame(as_of)
    first_day = Period.parse(rule.longest_period).cutoff(frame.today) - timedelta(days=1000)
    return replace(frame, no_data_before=min(frame.no_data_before, first_day))


def specimens_of(rule: Rule, frame: Frame) -> tuple[Specimen, ...]:
    """Those that can be."""
    return tuple(specimen for specimen in rule.specimens(frame) if fits(specimen, rule.table))


def statements(rule: Rule, specimens: Sequence[Specimen], frame: Frame) -> list[sa.Select[tuple[int, int]]]:
    """What tells the number of each specimen and the State that the rule says it is in: columns `number`, `state`."""
    numbered = dict(enumerate(specimens, start=1))
    if not numbered:
        return []
    together = {number: one for number, one in numbered.items() if not one.alone}
    world = _world(frame, rule, together)
    row = rule.rows(world, NUMBER)
    if NUMBER not in row.c:
        return [_of_whole_registers(rule, _world(frame, rule, numbered, whole=True), len(numbered))]
    alone = ((each.c[NUMBER], rule.judge(each, one)) for each, one in _alone(rule, numbered, frame))
    there = [(row.c[NUMBER], rule.judge(row, world))] if together else []
    return [
        sa.select(number.label("number"), truth.state.label("state")).select_from(truth.source)
        for number, truth in (*there, *alone)
    ]


def _alone(rule: Rule, numbered: Mapping[int, Specimen], frame: Frame) -> Iterator[tuple[sa.FromClause, Frame]]:
    """Specimens that cannot share tables with others, each in a world of its own or of its kind."""
    worlds: dict[int | str, dict[int, Specimen]] = {}
    for number, one in numbered.items():
        if one.alone:
            worlds.setdefault(number if one.alone is True else one.alone, {})[number] = one
    for specimens in worlds.values():
        world = _world(frame, rule, specimens)
        yield rule.rows(world, NUMBER), world


def _of_whole_registers(rule: Rule, world: Frame, count: int) -> sa.Select[tuple[int, int]]:
    """A rule that judges a register as a whole says one thing of all its rows: each specimen is a register apart."""
    truth = rule.judge(rule.rows(world, NUMBER), world)
    numbers = sa.select(sa.func.generate_series(1, count).label(NUMBER)).subquery(WORLD)
    told = sa.select(truth.state.label("state")).select_from(truth.source).lateral("told")
    return sa.select(numbers.c[NUMBER].label("number"), told.c.state).select_from(numbers.join(told, sa.true()))


def _world(frame: Frame, rule: Rule, specimens: Mapping[int, Specimen], *, whole: bool = False) -> Frame:
    planted = planted_world(specimens, rule.table, rule.key, rule.needs(), frame.planted, whole=whole)
    return replace(frame, planted=planted)
