"""The controls over a company's registers, in plain Python: what is not known is tried both ways.

A kind that judges more than a row alone gives the verdicts of the whole table, each with its key.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any, TypeVar

from privacy_audit.config.map_clocks import Encoding, MomentMeaning
from tests.oracle.moments import (
    DAY,
    Calendar,
    Far,
    Kind,
    Place,
    Reading,
    Row,
    Tables,
    day_later,
    instant_of,
    micros_of,
    month_later,
    place,
    read_value,
)
from tests.oracle.verdict import COMPLIANT, OUT, UNDECIDABLE, State, Verdict, there

BLANKS = " \t\n\r\f\v"
Keyed = tuple[Any, Verdict]
Chosen = TypeVar("Chosen")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Known = bool | None
"""None: nobody can tell."""


# What a row says ------------------------------------------------------------------------------------------------------


def text_of(rule: Any, field: str, row: Row) -> str:
    """What a field says, without blanks around it."""
    value = row.get(rule.records.fields[field].column)
    return "" if value is None else str(value).strip(BLANKS)


def reading_of(rule: Any, field: str, row: Row, calendar: Calendar) -> Reading:
    """The moment in a field, of something that happened."""
    clock = rule.records.fields[field].model_copy(
        update={"null_means": MomentMeaning.UNKNOWN, "future_means": MomentMeaning.UNKNOWN}
    )
    return read_value(row.get(clock.column), clock, calendar)


def place_of(rule: Any, field: str, row: Row, calendar: Calendar, *, end: bool = False) -> Place | None:
    """Where the moment in a field lies; None where there is none. An end may lie at infinity."""
    clock = rule.records.fields[field]
    value = row.get(clock.column)
    return None if value is None else place(value, clock, calendar, end=end)


def is_said(rule: Any, field: str, words: Any, row: Row) -> Known:
    """Whether a field says one of these words, or something, or nothing."""
    text = text_of(rule, field, row)
    if isinstance(words, str):
        return bool(text) is (words == "stated")
    if not text:
        return None
    theirs = rule.records.words.get(field, {})
    return text.lower() in {theirs.get(word, word).lower() for word in words}


def all_of(answers: Iterable[Known]) -> Known:
    """Whether all are so."""
    found = set(answers)
    return False if False in found else None if None in found else True


def is_meant(rule: Any, row: Row, only: dict[str, Any]) -> Known:
    """Whether a row is one of those that are meant."""
    return all_of(is_said(rule, field, words, row) for field, words in only.items())


def holds(rule: Any, row: Row, calendar: Calendar) -> Known:
    """Whether a row is in force at T."""
    if rule.asks.in_force is None:
        return True
    begin = place_of(rule, rule.asks.in_force.from_, row, calendar)
    begun = {Place.FINE: True, Place.FUTURE: False}.get(begin) if begin else None
    clock = rule.records.fields[rule.asks.in_force.to]
    end = place_of(rule, rule.asks.in_force.to, row, calendar, end=True)
    if end in (None, Place.FUTURE):
        goes_on: Known = True
    elif end is Place.FINE:
        goes_on = clock.encoding is Encoding.DATE and row[clock.column] == calendar.today
    else:
        goes_on = None
    return all_of((begun, goes_on))


def in_scope(rule: Any, row: Row, calendar: Calendar) -> Known:
    """Whether the promise speaks of a row."""
    return all_of((is_meant(rule, row, rule.asks.only), holds(rule, row, calendar)))


def person_of(rule: Any, row: Row) -> Any:
    """The key of the person in the register, where it has one."""
    clock = rule.records.fields.get("person")
    return row.get(clock.column) if clock else None


def later(day: date, period: str) -> date:
    """The civil day a period later."""
    for number, unit in re.findall(r"(\d+)([YMD])", period):
        day = day_later(day, int(number)) if unit == "D" else month_later(day, int(number) * (12 if unit == "Y" else 1))
    return day


def precedes(rule: Any, fields: tuple[str, str], readings: tuple[Reading, Reading]) -> bool:
    """Whether the first of two readable moments lies before the second; where one is a day, by the days."""
    if all(rule.records.fields[field].is_instant for field in fields):
        return there(readings[0].shown) < there(readings[1].shown)
    return readings[0].first < readings[1].first


# Row by row -----------------------------------------------------------------------------------------------------------

Judge = Callable[[Any, Row, Calendar], Verdict]


def scoped(evaluate: Judge) -> Callable[[Any, Row, Tables, Calendar], Verdict]:
    """A kind that judges a row alone, with what `only` and `in_force` leave out."""

    def judged(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
        scope = in_scope(rule, row, calendar)
        if scope is False:
            return OUT
        verdict = evaluate(rule, row, calendar)
        return UNDECIDABLE if scope is None and verdict.state is not State.COMPLIANT else verdict

    return judged


@scoped
def deadline(rule: Any, row: Row, calendar: Calendar) -> Verdict:
    """Done by the last day of its period, or of the longer one that was announced in time with a reason."""
    asks = rule.asks
    spared = is_meant(rule, row, asks.unless) if asks.unless else False
    if spared:
        return COMPLIANT
    begun = reading_of(rule, asks.from_, row, calendar)
    if begun.kind is not Kind.FINE:
        return UNDECIDABLE
    if asks.hours:
        return _within_hours(rule, row, calendar, begun, spared)
    due = later(begun.first, asks.period)
    if asks.extension:
        told = reading_of(rule, asks.extension.told, row, calendar)
        in_time = told.kind is Kind.FINE and begun.first <= told.first <= due
        if in_time and text_of(rule, asks.extension.reason, row):
            due = later(begun.first, asks.extension.period)
    by = calendar.today
    if asks.done:
        done = reading_of(rule, asks.done, row, calendar)
        if done.kind is Kind.ODD:
            return UNDECIDABLE
        if done.kind is Kind.FINE:
            if precedes(rule, (asks.done, asks.from_), (done, begun)):
                return UNDECIDABLE
            by = done.first
    if by <= due:
        return COMPLIANT
    if spared is None:
        return UNDECIDABLE
    return Verdict(State.VIOLATING, person_of(rule, row), begun.shown, due + DAY)


def _within_hours(rule: Any, row: Row, calendar: Calendar, begun: Reading, spared: bool | None) -> Verdict:
    """By the moment where both sides tell one; by the day otherwise, and then nobody can say of the last day."""
    assert begun.shown is not None
    last = begun.shown + timedelta(hours=rule.asks.hours)
    last_day = last.astimezone(calendar.zone).date()
    exact = rule.records.fields[rule.asks.from_].is_instant
    done = reading_of(rule, rule.asks.done, row, calendar)
    if done.kind is Kind.ODD:
        return UNDECIDABLE
    by, moment = calendar.today, calendar.as_of
    if done.kind is Kind.FINE:
        assert done.shown is not None
        exact = exact and rule.records.fields[rule.asks.done].is_instant
        by, moment = done.first, done.shown
        if exact and done.shown < begun.shown:
            return UNDECIDABLE
    late = moment > last if exact else None if by == last_day else by > last_day
    if late is False:
        return COMPLIANT
    if late is None or spared is None:
        return UNDECIDABLE
    return Verdict(State.VIOLATING, person_of(rule, row), begun.shown, last_day)


@scoped
def stated(rule: Any, row: Row, calendar: Calendar) -> Verdict:
    """Each claim that speaks of the row is kept in all of its parts."""
    broken = {_is_broken(rule, claim, row, calendar) for claim in rule.asks.must}
    if True in broken:
        at = reading_of(rule, rule.asks.at, row, calendar) if rule.asks.at else Reading(Kind.MISSING)
        known = at.kind is Kind.FINE
        return Verdict(State.VIOLATING, person_of(rule, row), at.shown if known else None, at.first if known else None)
    return UNDECIDABLE if None in broken else COMPLIANT


def _is_broken(rule: Any, claim: Any, row: Row, calendar: Calendar) -> Known:
    kept = all_of(_parts(rule, claim, row, calendar))
    return all_of((is_meant(rule, row, claim.when), None if kept is None else not kept))


def _parts(rule: Any, claim: Any, row: Row, calendar: Calendar) -> Iterator[Known]:
    """Whether each part of a claim is kept."""

    def raw(field: str) -> Any:
        return row.get(rule.records.fields[field].column)

    for field in claim.states:
        yield _is_stated(rule, field, row, calendar)
    for field in claim.ahead:
        yield _is_ahead(rule, field, row, calendar)
    for field, words in claim.says.items():
        yield is_said(rule, field, words, row)
    for field, words in claim.never_says.items():
        said = is_said(rule, field, words, row)
        yield None if said is None else not said
    for field, most in claim.at_most.items():
        yield None if raw(field) is None else _is_at_most(raw(field), most)
    for field, most in claim.nothing_or_at_most.items():
        yield raw(field) is None or _is_at_most(raw(field), most)
    for field in claim.true:
        yield raw(field)
    for field in claim.false:
        yield None if raw(field) is None else not raw(field)
    for one, other in claim.not_after.items():
        first, second = (reading_of(rule, field, row, calendar) for field in (one, other))
        if first.kind is Kind.FINE and second.kind is Kind.FINE:
            yield not precedes(rule, (other, one), (second, first))
        else:
            yield None


MOMENTS = ("received", "responded", "extension_told")


def _is_stated(rule: Any, field: str, row: Row, calendar: Calendar) -> Known:
    """What was done has a moment at which it can have been done."""
    if field not in MOMENTS or not text_of(rule, field, row):
        return bool(text_of(rule, field, row))
    return True if reading_of(rule, field, row, calendar).kind is Kind.FINE else None


def _is_ahead(rule: Any, field: str, row: Row, calendar: Calendar) -> Known:
    """What is planned is planned for today or later, and for a day that somebody can mean."""
    where = place_of(rule, field, row, calendar)
    if where is None:
        return False
    if where in (Place.PAST, Place.NOWHERE):
        return None
    clock = rule.records.fields[field]
    value = row[clock.column]
    if isinstance(value, Far) or (not isinstance(value, date) and math.isinf(value)):
        return None

    def reaches(day: date) -> bool:
        if clock.encoding is Encoding.DATE:
            return bool(value >= day)
        return micros_of(value, clock) >= (calendar.start(day) - EPOCH) // timedelta(microseconds=1)

    return None if reaches(month_later(calendar.today, 120) + DAY) else reaches(calendar.today)


def _is_at_most(number: Any, most: int) -> bool:
    """What is no number is no small one."""
    return not math.isnan(number) and bool(number <= most)


@scoped
def lifetime(rule: Any, row: Row, calendar: Calendar) -> Verdict:
    """Set to end on a civil day within the period from the day it was first set."""
    asks = rule.asks
    begun = reading_of(rule, asks.from_, row, calendar)
    ends = place_of(rule, asks.until, row, calendar, end=True)
    value = row.get(rule.records.fields[asks.until].column)
    nonsense = ends is Place.NOWHERE and isinstance(value, Decimal) and value.is_nan()  # too far off is too long
    if begun.kind is not Kind.FINE or ends is Place.PAST or nonsense:
        return UNDECIDABLE
    if ends is None or _lies_after(rule, row, later(begun.first, asks.period), calendar):
        return Verdict(State.VIOLATING, person_of(rule, row), begun.shown, begun.first)
    return COMPLIANT


def _lies_after(rule: Any, row: Row, last: date, calendar: Calendar) -> bool:
    """Whether the end lies after a day; it may be one that Python cannot hold."""
    clock = rule.records.fields[rule.asks.until]
    value = row[clock.column]
    try:
        if clock.encoding is Encoding.DATE:
            return bool(value > last)
        limit = calendar.start(last + DAY) - datetime(1970, 1, 1, tzinfo=UTC)
        return micros_of(value, clock) >= round(limit.total_seconds()) * 10**6
    except (TypeError, OverflowError, AttributeError):
        return True  # infinite, or in a year beyond 9999


# The whole register ---------------------------------------------------------------------------------------------------


def _choices(these: Collection[Chosen]) -> Iterator[tuple[Chosen, ...]]:
    """Every choice among what nobody can tell whether it is meant."""
    return chain.from_iterable(combinations(these, size) for size in range(len(these) + 1))


def freshness(rule: Any, tables: Tables, calendar: Calendar) -> list[Keyed]:
    """The latest readable moment of the register, or of each group, is not older than the period."""
    groups: dict[Any, list[tuple[Known, Row]]] = {} if rule.asks.per else {(): []}
    for row in tables[rule.table]:
        scope = in_scope(rule, row, calendar)
        if scope is not False:
            key = (text_of(rule, rule.asks.per, row) or None) if rule.asks.per else ()
            groups.setdefault(key, []).append((scope, row))
    return [(key, _freshness_of(rule, rows, calendar)) for key, rows in groups.items()]


def _freshness_of(rule: Any, rows: list[tuple[Known, Row]], calendar: Calendar) -> Verdict:
    sure = {reading_of(rule, rule.asks.at, row, calendar) for scope, row in rows if scope}
    maybe = {reading_of(rule, rule.asks.at, row, calendar) for scope, row in rows if scope is None}
    verdicts = set()
    for chosen in _choices(maybe):
        readings = sure | set(chosen)
        exists = bool(sure) or bool(chosen) or not rule.asks.per
        verdicts.add(_freshness_by(rule, readings, calendar) if exists else State.OUT_OF_SCOPE)
    if verdicts == {State.COMPLIANT}:
        return COMPLIANT
    if verdicts != {State.VIOLATING}:
        return UNDECIDABLE
    told = [reading for reading in sure | maybe if reading.kind is Kind.FINE]
    if not told:
        return Verdict(State.VIOLATING)
    last = max(reading.first for reading in told)
    return Verdict(
        State.VIOLATING, None, max(there(reading.shown) for reading in told), later(last, rule.asks.period) + DAY
    )


def _freshness_by(rule: Any, readings: set[Reading], calendar: Calendar) -> State:
    told = [reading.first for reading in readings if reading.kind is Kind.FINE]
    if told:
        return State.COMPLIANT if later(max(told), rule.asks.period) >= calendar.today else State.VIOLATING
    return State.UNDECIDABLE if Kind.ODD in {reading.kind for reading in readings} else State.VIOLATING


def one_in_force(rule: Any, tables: Tables, calendar: Calendar) -> list[Keyed]:
    """As many rows hold as must, at T and at every instant since the day from which on it is asked."""
    spans = [_span(rule, row, calendar) for row in tables[rule.table]]
    since = rule.asks.without_gaps_since
    first = min(calendar.start(since), calendar.as_of) if since else calendar.as_of
    edges = {edge for _, begin, end in spans for edge in (begin, end) if first <= edge <= calendar.as_of}
    most = 1 if rule.asks.must == "exactly_one" else len(spans) + 1
    wrong: list[datetime] = []
    unsure = False
    for instant in sorted(edges | {first, calendar.as_of}):
        here = [certain for certain, begin, end in spans if begin <= instant < end]
        if not here or here.count(True) > most:
            wrong.append(instant)
        elif True not in here or len(here) > most:
            unsure = True
    if wrong:
        return [((), Verdict(State.VIOLATING, breach=calendar.day(wrong[0]) if since else None))]
    return [((), UNDECIDABLE if unsure else COMPLIANT)]


_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _span(rule: Any, row: Row, calendar: Calendar) -> tuple[bool, datetime, datetime]:
    """Whether a row surely held, from when, and until when."""
    during, fields = rule.asks.in_force, rule.records.fields
    meant = is_meant(rule, row, rule.asks.only)
    begins = place_of(rule, during.from_, row, calendar)
    ends = place_of(rule, during.to, row, calendar, end=True)
    if meant is False or begins is Place.FUTURE:
        return False, _NEVER, _NEVER
    known = begins is Place.FINE and ends in (None, Place.FUTURE, Place.FINE)
    begin = there(reading_of(rule, during.from_, row, calendar).shown) if begins is Place.FINE else _EVER
    end = _NEVER
    if ends is Place.FINE:
        value = row[fields[during.to].column]
        is_day = fields[during.to].encoding is Encoding.DATE
        end = calendar.start(value + DAY) if is_day else instant_of(value, fields[during.to])
    return meant is True and known, begin, end


def sequence(rule: Any, tables: Tables, calendar: Calendar) -> list[Keyed]:
    """Before each row of a series the number before it is there, or its document may be gone. A series begins with 1,
    or not later than a month after what may be gone."""
    rows = [(in_scope(rule, row, calendar), row) for row in tables[rule.table]]
    sure = [row for scope, row in rows if scope]
    maybe = [row for scope, row in rows if scope is None]
    states: dict[int, set[State]] = {}
    for chosen in _choices(maybe):
        for row in (present := [*sure, *chosen]):
            states.setdefault(row["id"], set()).add(_sequel(rule, row, present, calendar))
    return [(row["id"], _of_row(rule, scope, row, states.get(row["id"], set()), calendar)) for scope, row in rows]


def _of_row(rule: Any, scope: Known, row: Row, states: set[State], calendar: Calendar) -> Verdict:
    if scope is False:
        return OUT
    if states == {State.COMPLIANT}:
        return COMPLIANT
    if states != {State.VIOLATING} or scope is None:
        return UNDECIDABLE
    at = reading_of(rule, rule.asks.at, row, calendar)
    known = at.kind is Kind.FINE
    return Verdict(State.VIOLATING, person_of(rule, row), at.shown if known else None, at.first if known else None)


def _numbered(rule: Any, row: Row) -> tuple[str, int] | None:
    """The series and the number of a row."""
    found = re.search(r"[0-9]+\Z", text := text_of(rule, rule.asks.number, row))
    return (text[: found.start()].lower(), int(found[0])) if found and len(found[0]) <= 30 else None


def _sequel(rule: Any, row: Row, present: list[Row], calendar: Calendar) -> State:
    """What is said of a row, were these the rows that are meant."""
    own = _numbered(rule, row)
    numbers = Counter(_numbered(rule, other) for other in present)
    if own is None or numbers[own] > 1:
        return State.UNDECIDABLE
    series, number = own
    before = [other for other in present if (its := _numbered(rule, other)) and its[0] == series and its[1] < number]
    if (series, number - 1) in numbers:
        return State.COMPLIANT
    if not before:
        begins = number < 2 or _may_begin(rule, row, calendar)
        return State.COMPLIANT if begins else State.UNDECIDABLE
    mine = _may_be_gone(rule, row, calendar)
    if mine:
        return State.COMPLIANT
    theirs = [_may_be_gone(rule, other, calendar) for other in before]
    return State.VIOLATING if False in theirs else State.UNDECIDABLE


def _may_begin(rule: Any, row: Row, calendar: Calendar) -> bool:
    """Whether a series may begin on this day: it is of a year that may be gone, or of the January after."""
    at = reading_of(rule, rule.asks.at, row, calendar)
    if at.kind is not Kind.FINE:
        return False
    january = at.first.month == 1
    return later(date(at.first.year - january, 12, 31), rule.asks.kept_for) < calendar.today


def _may_be_gone(rule: Any, row: Row, calendar: Calendar) -> Known:
    """Whether a document of this day need not be kept any more."""
    at = reading_of(rule, rule.asks.at, row, calendar)
    return later(date(at.first.year, 12, 31), rule.asks.kept_for) < calendar.today if at.kind is Kind.FINE else None
