"""Made-up rows for self-test cases: persons, holds, births, joined parts of clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from privacy_audit.config.map_clocks import (
    Clock,
    ColumnClock,
    Encoding,
    JoinedClock,
    JoinedSubject,
    MomentMeaning,
    Subject,
)
from privacy_audit.config.map_fields import Zone
from privacy_audit.config.map_registers import EventLedger, LegalHolds
from privacy_audit.config.map_tables import BirthEncoding, Condition, Persons
from privacy_audit.domain.categories import Category
from privacy_audit.domain.periods import birthday
from privacy_audit.selftest.case import OTHER, OWN, Cells, Fixture, OwnKey, SelfTestCase
from privacy_audit.selftest.made_up_times import (
    DAY,
    MOMENT,
    ClockValue,
    OutOfRange,
    encode,
    first_of,
    is_exact,
    next_after,
    of_part,
    parts_of,
    recent,
    row_with_time,
    running_state,
    too_early,
    until,
)
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.row_predicates import RowState


def with_subject(subject: Subject | None) -> Fixture:
    """What makes a row the self-test case's own person's."""
    if subject is None:
        return Fixture()
    if not isinstance(subject, JoinedSubject):
        return Fixture({subject.column: OWN})
    key = dict.fromkeys(subject.on.values(), OWN)
    return Fixture(dict.fromkeys(subject.on, OWN), {subject.table: [{**key, subject.column: OWN}]})


def without_subject(subject: Subject) -> Fixture:
    """What makes a row nobody's."""
    if not isinstance(subject, JoinedSubject):
        return Fixture({subject.column: None})
    return Fixture(dict.fromkeys(subject.on, None))


def several(clock: Clock, past: datetime, limit: date, context: EvaluationContext) -> Iterator[SelfTestCase]:
    """Rows with an old moment and a recent one, of which the latest counts. `past` is violating, and `limit` the last
    day past the period; where a year must be more than that, nothing recent can be told.
    """
    zone, parts, new = context.zone_name, parts_of(clock), recent(clock, context)
    for part in parts:
        if until(part, new, limit, context) is not False:
            continue
        if isinstance(part, JoinedClock):
            null, future = (
                running_state(means is MomentMeaning.RUNNING) for means in (part.null_means, part.future_means)
            )
            for name, state, moment in (
                ("whose latest of two rows is new", RowState.COMPLIANT, new),
                ("one of whose rows has no moment", null, None),
                ("one of whose rows is to come", future, context.as_of + 366 * DAY),
                ("one of whose rows is to come at once", future, next_after(part, context)),
                ("one of whose rows is of before the company", RowState.UNDECIDABLE, too_early(context)),
                ("one of whose rows is of what nobody can mean", RowState.UNDECIDABLE, OutOfRange(context.as_of)),
            ):
                if part.encoding is not Encoding.YEAR or moment in (None, new):
                    values = [encode(part, past, zone), None if moment is None else encode(part, moment, zone)]
                    yield SelfTestCase(name, state, _beside(clock, part, past, context) | of_part(part, values))
        elif len(parts) > 1:
            edge = first_of(limit + DAY, context)
            for moment in (new, edge):
                if is_exact(part, moment) and until(part, moment, limit, context) is False:
                    one = row_with_time(clock, past, zone) | row_with_time(part, moment, zone)
                    yield SelfTestCase("one of whose moments is new", RowState.COMPLIANT, one)
            if part.encoding is not Encoding.YEAR:
                future = running_state(part.future_means is MomentMeaning.RUNNING)
                moments: list[tuple[ClockValue, RowState]] = [(too_early(context), RowState.UNDECIDABLE)]
                moments += [(OutOfRange(context.as_of), RowState.UNDECIDABLE), (next_after(part, context), future)]
                for odd_one, state in moments:
                    odd = row_with_time(clock, past, zone) | row_with_time(part, odd_one, zone)
                    yield SelfTestCase("one of whose moments cannot be", state, odd)
            if part.null_means is MomentMeaning.UNKNOWN:
                none = row_with_time(clock, past, zone) | row_with_time(part, None, zone)
                yield SelfTestCase("one of whose moments is missing", RowState.VIOLATING, none)


def _beside(clock: Clock, part: ColumnClock, moment: datetime, context: EvaluationContext) -> Fixture:
    """What makes the other parts of a clock tell a moment."""
    others = (of_part(one, [encode(one, moment, context.zone_name)]) for one in parts_of(clock) if one is not part)
    return reduce(or_, others, Fixture())


# Holds


def holds(
    register: LegalHolds | None, categories: Sequence[Category], context: EvaluationContext
) -> Iterator[SelfTestCase]:
    """Rows past their period, without holds and with holds of all sorts on their person, each held or not."""
    if register is None:
        return
    began, ended, zone = register.started, register.released, context.zone_name
    word = {category: register.categories.get(category, category.value) for category in Category}
    ours = [word[category] for category in categories] + [register.every_category]
    yesterday, long_ago = context.as_of - 2 * DAY, context.earliest
    soon = {clock: next_after(clock, context) for clock in (began, ended)}
    just_ended = min(context.as_of - timedelta(seconds=1), first_of(context.today, context) - MOMENT)

    def hold(
        start: ClockValue | None, end: ClockValue | None = None, *, who: object = OWN, says: str = ours[0] or ""
    ) -> Cells:
        moments = {clock.column: None if at is None else encode(clock, at, zone)
                   for clock, at in ((began, start), (ended, end))}  # fmt: skip
        return {register.subject: who, register.category: says, **moments}

    found = [
        ("under a legal hold", RowState.HELD, [hold(yesterday)]),
        ("under a legal hold that ends after this moment", RowState.HELD, [hold(yesterday, soon[ended])]),
        ("under a legal hold that was released", RowState.VIOLATING, [hold(long_ago, just_ended)]),
        ("under one legal hold that was released and one that was not", RowState.HELD,
         [hold(long_ago, yesterday), hold(yesterday)]),
        ("under a legal hold that begins after this moment", RowState.VIOLATING, [hold(soon[began])]),
        ("under a legal hold without a beginning", RowState.VIOLATING, [hold(None)]),
        ("under a legal hold from before the company's first day", RowState.VIOLATING,
         [hold(too_early(context))]),
        ("under a legal hold since what nobody can mean", RowState.VIOLATING,
         [hold(OutOfRange(context.as_of))]),
        ("under a legal hold until what nobody can mean", RowState.VIOLATING,
         [hold(yesterday, OutOfRange(context.as_of))]),
        ("under a legal hold without an end in sight", RowState.HELD,
         [hold(yesterday, OutOfRange(context.as_of, last=True))]),
        ("under a legal hold without an end", RowState.HELD,
         [hold(yesterday, OutOfRange(context.as_of, infinite=True))]),
        ("under a legal hold that never begins", RowState.VIOLATING, [hold(OutOfRange(context.as_of, infinite=True))]),
        ("under a legal hold on somebody else", RowState.VIOLATING, [hold(yesterday, who=OTHER)]),
        *(("under a legal hold on its data", RowState.HELD, [hold(yesterday, says=says)]) for says in ours[1:] if says),
    ]  # fmt: skip
    other = next((says for says in word.values() if says not in ours), None)
    if other is not None:
        found.append(("under a legal hold on other data", RowState.VIOLATING, [hold(yesterday, says=other)]))
    if is_exact(began, context.as_of):
        found.append(("under a legal hold that begins at this moment", RowState.HELD, [hold(context.as_of)]))
    if is_exact(ended, context.as_of):
        last_day = RowState.HELD if ended.encoding is Encoding.DATE else RowState.VIOLATING
        found.append(("under a legal hold that ends at this moment", last_day, [hold(yesterday, context.as_of)]))
    if is_exact(began, context.earliest):
        found.append(("under a legal hold of the company's first day", RowState.HELD, [hold(context.earliest)]))
    for name, state, rows in found:
        yield SelfTestCase(f"past its period and {name}", state, Fixture({}, {register.table: rows}))


# Which rows a promise speaks of


def in_scope_row(conditions: Sequence[Condition], columns: Sequence[str] = ()) -> Fixture:
    """Cells of a row that a promise speaks of, whatever else it says."""
    return Fixture(dict.fromkeys((*(one.column for one in conditions if one.is_null), *columns), "a value"))


def with_exclusions(
    self_test_cases: Iterable[SelfTestCase],
    broken: Fixture,
    conditions: Sequence[Condition],
    columns: Sequence[str] = (),
) -> Iterator[SelfTestCase]:
    """The self-test cases, and rows that are in breach (`broken`) but for what a map leaves out; those are out of
    scope."""
    yield from self_test_cases
    for one in conditions:
        value = None if one.is_null else next(iter(one.in_), one.equals)
        yield SelfTestCase(
            "of which the promise does not speak", RowState.OUT_OF_SCOPE, broken | Fixture({one.column: value})
        )
    if columns:
        nothing = Fixture(dict.fromkeys(columns, None))
        yield SelfTestCase("that holds none of the data", RowState.OUT_OF_SCOPE, broken | nothing)


def with_defaults(
    self_test_cases: Iterable[SelfTestCase], base: Fixture, conditions: Sequence[Condition], columns: Sequence[str] = ()
) -> Iterator[SelfTestCase]:
    """Each over the base; out of scope where a map leaves a row out for a cell that the self-test case needs."""
    for self_test_case in self_test_cases:
        whole = self_test_case.over(base)
        out = _left_out(whole.fixture.row, conditions, columns)
        if out == (self_test_case.state is RowState.OUT_OF_SCOPE):
            yield whole
        elif out:
            yield SelfTestCase(whole.name, RowState.OUT_OF_SCOPE, whole.fixture)


def _left_out(row: Cells, conditions: Sequence[Condition], columns: Sequence[str]) -> bool:
    return (bool(columns) and all(row.get(column) is None for column in columns)) or any(
        _meets(row.get(one.column), one) for one in conditions
    )


def _meets(value: Any, condition: Condition) -> bool:
    if condition.is_null or value is None:
        return condition.is_null and value is None
    if isinstance(condition.equals, bool):
        return value is condition.equals
    return str(value) in {str(word) for word in (condition.in_ or (condition.equals,))}


# Persons and consents


def births(persons: Persons, age: int, on: date) -> dict[str, Any]:
    """How `persons` writes the births of a `minor` and an `adult` of the day, each the nearest to the limit; where
    years are written, also of a person who is `either`."""
    born = persons.born
    if born.encoding is BirthEncoding.YEAR:
        wanted = {"minor": (on.year - age + 1, 1), "adult": (on.year - age - 1, -1), "either": (on.year - age, 0)}
        found = {name: _but(year, step, born.default_years) for name, (year, step) in wanted.items()}
        unsure = born.default_years.count(found["either"]) == 0 and (on.month, on.day) != (12, 31)
        return {name: year for name, year in found.items() if unsure or name != "either"}
    last = date(on.year - age, 12, 31)
    while birthday(last, age) > on:
        last -= DAY
    return {"minor": _but(last + DAY, DAY, born.default_dates), "adult": _but(last, -DAY, born.default_dates)}


def _but(value: Any, step: Any, never: Sequence[Any]) -> Any:
    while step and value in never:
        value += step
    return value


def born(persons: Persons, value: Any) -> Fixture:
    """The self-test case's person in the table of persons."""
    return Fixture({}, {persons.table: [{persons.key: OWN, persons.born.column: value}]})


def without_subject_cases(
    register: EventLedger, word: str, clock: ColumnClock, at: datetime, context: EvaluationContext
) -> Iterator[SelfTestCase]:
    """Events beside two withdrawals that name nobody, three days and one before `at`: they may be anyone's.

    They would mean everybody in the ledger, so that these self-test cases share one of their own.
    """
    yes, no = register.action.grant, register.action.withdraw
    d4, d3, d2, d1, half = at - 4 * DAY, at - 3 * DAY, at - 2 * DAY, at - DAY, at - DAY / 2
    compliant, violating, unknown = RowState.COMPLIANT, RowState.VIOLATING, RowState.UNDECIDABLE
    others = [entry(register, no, d3, None, None, context), entry(register, no, d1, word, " ", context),
              entry(register, yes, d4, word, None, context)]  # fmt: skip
    for name, state, consent, event in (
        ("after both withdrawals of nobody", unknown, d4, at),
        ("after the second withdrawal of nobody", unknown, d2, at),
        ("between two withdrawals of nobody", unknown, d4, d2),
        ("at the very moment of the first withdrawal of nobody", unknown, d4, d3),
        ("before two withdrawals of nobody", compliant, d4, d4 + DAY / 2),
        ("under a consent since, after both withdrawals of nobody", compliant, half, at),
        ("under a consent of the moment of the second withdrawal of nobody", unknown, d1, at),
        ("without a consent, after withdrawals and a consent of nobody", violating, None, at),
        ("without a consent, before withdrawals of nobody", violating, None, d4 + DAY / 2),
    ):
        own = [entry(register, yes, consent, word, OWN, context)] if consent else []
        if all(is_exact(register.at, moment) for moment in (d4, d3, d1, consent) if moment) and is_exact(clock, event):
            fixture = row_with_time(clock, event, context.zone_name) | Fixture({}, {register.table: [*others, *own]})
            yield SelfTestCase(name, state, fixture, alone="beside withdrawals of nobody")


def entry(
    register: EventLedger, does: str | None, moment: datetime | None, purpose: str | None, who: OwnKey | str | None,
    context: EvaluationContext,
) -> Cells:  # fmt: skip
    """A row of a ledger of events."""
    return {
        register.subject: who,
        register.purpose: purpose,
        register.action.column: does,
        **cell(register.at, moment, context.zone_name),
    }


def otherwise(word: str) -> str:
    """The same word with blanks around it and one letter in the other case; but an i is another letter in Turkish."""
    letter = next((each for each in word if each.isascii() and each.isalpha() and each not in "iI"), "")
    return f"\t{word.replace(letter, letter.swapcase(), 1)} "


def cell(clock: ColumnClock, moment: ClockValue | None, zone: Zone) -> Cells:
    """The cell of a column that tells a moment, or none."""
    return {clock.column: None if moment is None else encode(clock, moment, zone)}


IntervalCase = tuple[ClockValue | None, ClockValue | None]
"""From when until when a row of a register holds."""


def interval_cases(at: datetime, context: EvaluationContext) -> list[tuple[str, bool | None, list[IntervalCase]]]:
    """Rows of a register days away from an event: whether one of them held at it, or None where nobody can tell."""
    d2, d3, d4, d5, d6 = (at - days * DAY for days in (2, 3, 4, 5, 6))
    a2, a3, a4 = (at + days * DAY for days in (2, 3, 4))
    early, beyond = too_early(context), OutOfRange(context.as_of)
    last, never = OutOfRange(context.as_of, last=True), OutOfRange(context.as_of, infinite=True)
    return [
        ("before which a row began", True, [(d3, None)]),
        ("between begin and end of a row", True, [(d3, a2)]),
        ("within a row since the company's first day", True, [(context.earliest, None)]),
        ("after a row of the company's first day", False, [(context.earliest, context.earliest)]),
        ("after the end of a row", False, [(d5, d2)]),
        ("before the begin of a row", False, [(a2, None)]),
        ("between two rows", False, [(d6, d4), (a2, None)]),
        ("within two rows", True, [(d5, None), (d3, None)]),
        ("within the later of two rows", True, [(d6, d3), (d4, a2)]),
        ("within the former of two rows", True, [(d2, a3), (a2, a4)]),
        ("within two of three rows", True, [(d6, a4), (d5, d4), (d3, a3)]),
        ("beside a row that began nobody knows when", None, [(None, None)]),
        ("beside two rows that began nobody knows when", None, [(None, a2), (None, d2)]),
        ("beside two rows that ended at no moment there can be", None, [(d2, early), (a2, early)]),
        ("beside a row that began at no moment there can be", None, [(early, None)]),
        ("beside a row that ended at no moment there can be", None, [(d3, early)]),
        ("before a row that ended at no moment there can be", False, [(a2, early)]),
        ("beside a row that began at what nobody can mean", None, [(beyond, None)]),
        ("beside a row that ended at what nobody can mean", None, [(d3, beyond)]),
        ("before a row that ended at what nobody can mean", False, [(a2, beyond)]),
        ("beside a row that never began", None, [(never, None)]),
        ("within a row that never ends", True, [(d3, never)]),
        ("within a row without an end in sight", True, [(d3, last)]),
        ("beside a row that ended before it began", None, [(a2, d2)]),
        ("after a row that began nobody knows when", False, [(None, d2)]),
        ("within a row and beside one that began nobody knows when", True, [(d3, None), (None, None)]),
    ]
