"""Made-up consents for self-test cases, as events and as intervals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from privacy_audit.config.map_clocks import (
    ColumnClock,
)
from privacy_audit.config.map_registers import EventLedger
from privacy_audit.selftest.case import OTHER, OWN, Cells, Fixture, SelfTestCase
from privacy_audit.selftest.made_up_rows import cell, entry, otherwise
from privacy_audit.selftest.made_up_times import DAY, ClockValue, OutOfRange, is_exact, too_early
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.row_predicates import RowState


def intervals(
    table: str, subject: str, begin: ColumnClock, end: ColumnClock, at: datetime, context: EvaluationContext, *,
    strict: bool, more: Cells | None = None,
) -> Iterator[SelfTestCase]:  # fmt: skip
    """Consents from grant to withdrawal, held against an event `at`: what follows from them and nothing else.

    `strict`: a consent must come before the event itself. `more` are cells of all its rows.
    """
    zone, touching = context.zone_name, RowState.VIOLATING if strict else RowState.COMPLIANT
    d3, d2, d1, after, later = at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY, at + 2 * DAY
    never, coming = too_early(context), context.as_of + timedelta(seconds=1)
    beyond, last = OutOfRange(context.as_of), OutOfRange(context.as_of, last=True)
    never_comes = OutOfRange(context.as_of, infinite=True)
    found: list[tuple[str, RowState, list[tuple[ClockValue | None, ClockValue | None]]]] = [
        ("with a consent of what nobody can mean", RowState.UNDECIDABLE, [(beyond, None)]),
        ("with a consent withdrawn at what nobody can mean", RowState.UNDECIDABLE, [(d1, beyond)]),
        ("with a consent without an end in sight", RowState.COMPLIANT, [(d1, last)]),
        ("with a consent that is not in sight", RowState.VIOLATING, [(last, None)]),
        ("with a consent without an end", RowState.COMPLIANT, [(d1, never_comes)]),
        ("with a consent that never begins", RowState.UNDECIDABLE, [(never_comes, None)]),
        ("without any consent", RowState.VIOLATING, []),
        ("after a consent", RowState.COMPLIANT, [(d1, None)]),
        ("at the very moment of the consent", touching, [(at, None)]),
        ("before the consent", RowState.VIOLATING, [(after, None)]),
        ("after a withdrawal", RowState.VIOLATING, [(d2, d1)]),
        ("at the very moment of the withdrawal", RowState.VIOLATING, [(d1, at)]),
        ("before the withdrawal", RowState.COMPLIANT, [(d1, after)]),
        ("after a second consent", RowState.COMPLIANT, [(d3, d2), (d1, None)]),
        ("between two consents", RowState.VIOLATING, [(d3, d1), (after, later)]),
        ("at the end of one consent and the beginning of the next", touching, [(d1, at), (at, None)]),
        ("after two consents the longer of which goes on", RowState.COMPLIANT, [(d3, after), (d2, d1)]),
        ("after two consents the later of which goes on", RowState.COMPLIANT, [(d3, d1), (d2, after)]),
        ("after three consents of which two go on", RowState.COMPLIANT, [(d3, later), (d2, d1), (d1 + DAY / 2, after)]),
        ("after two consents that both go on", RowState.COMPLIANT, [(d2, None), (d1, after)]),
        ("between two consents of which the first goes on", RowState.COMPLIANT, [(d1, later), (after, later + DAY)]),
        ("under a consent that ends before it begins", RowState.VIOLATING, [(after, d1)]),
        ("under a consent of no length", RowState.VIOLATING, [(at, at)]),
        ("with a consent at an unknown moment", RowState.UNDECIDABLE, [(None, None)]),
        ("with a consent at no moment there can be", RowState.UNDECIDABLE, [(never, None)]),
        ("with a consent withdrawn at no moment there can be", RowState.UNDECIDABLE, [(d1, never)]),
        ("with a consent that covers it and another at an unknown moment", RowState.COMPLIANT,
         [(d1, None), (None, None)]),
        ("with a consent since the company's first moment", RowState.COMPLIANT, [(context.earliest, None)]),
        ("with a consent that ended as the company began", RowState.VIOLATING, [(context.earliest, context.earliest)]),
        ("with a consent still to come", RowState.VIOLATING, [(coming, None)]),
        ("with a consent that ends in time to come", RowState.COMPLIANT, [(d1, coming)]),
    ]  # fmt: skip
    for name, state, rows in found:
        if all(
            is_exact(clock, moment) for row in rows for clock, moment in zip((begin, end), row, strict=True) if moment
        ):
            cells = [{subject: OWN, **(more or {}), **cell(begin, lo, zone), **cell(end, hi, zone)} for lo, hi in rows]
            yield SelfTestCase(name, state, Fixture({}, {table: cells}))
    alien = {subject: OTHER, **(more or {}), **cell(begin, d1, zone)}
    yield SelfTestCase("with the consent of somebody else", RowState.VIOLATING, Fixture({}, {table: [alien]}))


def events(register: EventLedger, word: str, at: datetime, context: EvaluationContext) -> Iterator[SelfTestCase]:
    """Grants and withdrawals, held against an event `at`: what follows from them and nothing else."""
    action, zone = register.action, context.zone_name
    yes, no = action.grant, action.withdraw
    other = next(each for each in ("something", "anything", "whatever") if each not in (yes, no))
    d3, d2, d1, after = at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY
    never, coming = too_early(context), context.as_of + timedelta(seconds=1)
    beyond, last = OutOfRange(context.as_of), OutOfRange(context.as_of, last=True)
    never_comes = OutOfRange(context.as_of, infinite=True)
    found: list[tuple[str, RowState, list[tuple[str | None, ClockValue | None]]]] = [
        ("with a consent of what nobody can mean", RowState.UNDECIDABLE, [(yes, beyond)]),
        ("with a consent and a withdrawal of what nobody can mean", RowState.UNDECIDABLE, [(yes, d1), (no, beyond)]),
        ("with a consent and a withdrawal that is not in sight", RowState.COMPLIANT, [(yes, d1), (no, last)]),
        ("with a consent that never comes", RowState.UNDECIDABLE, [(yes, never_comes)]),
        ("with a consent and a withdrawal that never comes", RowState.UNDECIDABLE, [(yes, d1), (no, never_comes)]),
        ("without any consent", RowState.VIOLATING, []),
        ("after a consent", RowState.COMPLIANT, [(yes, d1)]),
        ("at the very moment of the consent", RowState.COMPLIANT, [(yes, at)]),
        ("before the consent", RowState.VIOLATING, [(yes, after)]),
        ("after a withdrawal", RowState.VIOLATING, [(yes, d2), (no, d1)]),
        ("at the very moment of the withdrawal", RowState.VIOLATING, [(yes, d1), (no, at)]),
        ("before the withdrawal", RowState.COMPLIANT, [(yes, d1), (no, after)]),
        ("after a second consent", RowState.COMPLIANT, [(yes, d3), (no, d2), (yes, d1)]),
        ("after a withdrawal that undoes two consents", RowState.VIOLATING, [(yes, d3), (yes, d2), (no, d1)]),
        ("after consent and withdrawal at one moment", RowState.VIOLATING, [(yes, d1), (no, d1)]),
        ("after a withdrawal alone", RowState.VIOLATING, [(no, d1)]),
        ("with a consent at an unknown moment", RowState.UNDECIDABLE, [(yes, None)]),
        ("with a consent at no moment there can be", RowState.UNDECIDABLE, [(yes, never)]),
        ("with a consent since the company's first moment", RowState.COMPLIANT, [(yes, context.earliest)]),
        (
            "with a consent that covers it and another at an unknown moment",
            RowState.COMPLIANT,
            [(yes, d1), (yes, None)],
        ),
        ("with a consent and a withdrawal at an unknown moment", RowState.UNDECIDABLE, [(yes, d1), (no, None)]),
        ("with a withdrawal at an unknown moment", RowState.VIOLATING, [(no, None)]),
        ("with both at unknown moments", RowState.UNDECIDABLE, [(yes, None), (no, None)]),
        ("with both at unknown moments, after a consent", RowState.UNDECIDABLE, [(yes, d1), (yes, None), (no, None)]),
        ("after the company's first withdrawal and a consent", RowState.COMPLIANT, [(no, context.earliest), (yes, d1)]),
        ("after what may be a consent", RowState.UNDECIDABLE, [(other, d1)]),
        ("after what may be a consent at no known moment", RowState.UNDECIDABLE, [(None, None)]),
        ("after a consent and what may be a withdrawal", RowState.UNDECIDABLE, [(yes, d2), (other, d1)]),
        ("after a consent and what nobody named", RowState.UNDECIDABLE, [(yes, d2), (None, d1)]),
        ("with a consent still to come", RowState.VIOLATING, [(yes, coming)]),
        ("with what may be a consent still to come", RowState.VIOLATING, [(other, coming)]),
    ]
    key = {register.subject: OWN, register.purpose: word}
    for name, state, rows in found:
        if all(moment is None or is_exact(register.at, moment) for _, moment in rows):
            cells = [{**key, action.column: does, **cell(register.at, moment, zone)} for does, moment in rows]
            yield SelfTestCase(name, state, Fixture({}, {register.table: cells}))
    granted = {**key, action.column: yes, **cell(register.at, d1, zone)}
    for what, changed in (("of somebody else", {register.subject: OTHER}),
                       ("to something else", {register.purpose: f"not {word}"})):  # fmt: skip
        alien = Fixture({}, {register.table: [{**granted, **changed}]})
        yield SelfTestCase(f"with the consent {what}", RowState.VIOLATING, alien)
    yield from _events_of_doubt(register, word, at, context)


def _events_of_doubt(
    register: EventLedger, word: str, at: datetime, context: EvaluationContext
) -> Iterator[SelfTestCase]:
    """Grants and withdrawals that spell the purpose in another way, do not tell it, or tell what nobody knows."""
    yes, no = register.action.grant, register.action.withdraw
    d4, d3, d2, d1, after = at - 4 * DAY, at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY
    coming = context.as_of + timedelta(seconds=1)
    compliant, violating, unknown = RowState.COMPLIANT, RowState.VIOLATING, RowState.UNDECIDABLE
    granted = (yes, d2, word)
    found: list[tuple[str, RowState, list[tuple[str | None, datetime | None, str | None]]]] = [
        ("after a consent in another spelling", compliant, [(yes, d1, otherwise(word))]),
        ("after a withdrawal in another spelling", violating, [granted, (no, d1, otherwise(word))]),
        ("with a consent in another spelling at an unknown moment", unknown, [(yes, None, otherwise(word))]),
    ]
    for purpose, name in ((None, "no purpose"), (" \n", "a blank purpose")):
        found += [
            (f"after a withdrawal of {name}", unknown, [granted, (no, d1, purpose)]),
            (f"at the very moment of a withdrawal of {name}", unknown, [granted, (no, at, purpose)]),
            (f"before a withdrawal of {name}", compliant, [granted, (no, after, purpose)]),
            (f"between two withdrawals of {name}", unknown, [granted, (no, d3, purpose), (no, after, purpose)]),
            (f"after two withdrawals of {name}", compliant, [granted, (no, d4, purpose), (no, d3, purpose)]),
            (f"after a withdrawal of {name} with its consent", unknown, [granted, (no, d2, purpose)]),
            (f"before a withdrawal of {name} still to come", compliant, [granted, (no, coming, purpose)]),
            (f"with a withdrawal of {name} at an unknown moment", unknown, [granted, (no, None, purpose)]),
            (f"after what may be a withdrawal of {name}", unknown, [granted, (None, d1, purpose)]),
            (f"without a consent, after a withdrawal of {name}", violating, [(no, d1, purpose)]),
            (f"after a consent to {name}", unknown, [(yes, d1, purpose)]),
            (f"at the very moment of a consent to {name}", unknown, [(yes, at, purpose)]),
            (f"before a consent to {name}", violating, [(yes, after, purpose)]),
            (f"between two consents to {name}", unknown, [(yes, d1, purpose), (yes, after, purpose)]),
            (f"after two consents, one to {name}", compliant, [granted, (yes, d1, purpose)]),
        ]
    strange, name = f"not {word}", "a purpose nobody knows"
    found += [
        (f"after a withdrawal of {name}", unknown, [granted, (no, d1, strange)]),
        ("after a withdrawal of several purposes at once", unknown, [granted, (no, d1, f"{word}, {strange}")]),
        (f"before a withdrawal of {name}", compliant, [granted, (no, after, strange)]),
        (f"after a withdrawal of {name} and a consent", compliant, [(no, d3, strange), granted]),
        (f"before a withdrawal of {name} still to come", compliant, [granted, (no, coming, strange)]),
        (f"with a withdrawal of {name} at an unknown moment", unknown, [granted, (no, None, strange)]),
        (f"after what may be a withdrawal of {name}", unknown, [granted, (None, d1, strange)]),
        (f"without a consent, after a withdrawal of {name}", violating, [(no, d1, strange)]),
        (f"without a consent, after what may be a consent to {name}", violating, [(None, d1, strange)]),
        (f"with a consent to {name} at an unknown moment", violating, [(yes, None, strange)]),
    ]
    for other in register.other_purposes:
        if other.lower() not in (word.lower(), (register.every_purpose or "").lower()):
            found += [
                ("after a withdrawal of another purpose", compliant, [granted, (no, d1, otherwise(other))]),
                ("with a withdrawal of another purpose at an unknown moment", compliant, [granted, (no, None, other)]),
                ("after what may be a withdrawal of another purpose", compliant, [granted, (None, d1, other)]),
                ("after what may be a consent to another purpose", violating, [(None, d1, other)]),
            ]
    if (every := register.every_purpose) is not None:
        found += [
            ("after a consent to everything", compliant, [(yes, d1, every)]),
            ("after a withdrawal of everything", violating, [granted, (no, d1, otherwise(every))]),
        ]
    for name, state, cells in found:
        if all(moment is None or is_exact(register.at, moment) for _, moment, _ in cells):
            ledger = [entry(register, *cell, OWN, context) for cell in cells]
            yield SelfTestCase(name, state, Fixture({}, {register.table: ledger}))
