"""What specimens are made of: moments as a map's clocks write them, persons, holds, conditions, consents.

What must be said of them is reckoned here in plain Python, never by the SQL that is to be shown right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.controls.specimen import ME, SOMEBODY_ELSE, Cells, Me, Scene, Specimen
from privacy_audit.model import Category
from privacy_audit.periods import birthday, local_date, start_of_day
from privacy_audit.sql.frame import Frame
from privacy_audit.sql.truth import State
from privacy_audit.store_map import (
    BirthEncoding,
    Clock,
    ColumnClock,
    Condition,
    Encoding,
    EventLedger,
    JoinedClock,
    JoinedSubject,
    LatestClock,
    LegalHolds,
    Means,
    Persons,
    Subject,
    Zone,
)

DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Beyond:
    """The first moment that nobody can mean, so that it is no future; or the last that somebody can; or infinity."""

    as_of: datetime
    last: bool = False
    infinite: bool = False
    """Which ends may say, and years cannot."""

    def written(self, clock: ColumnClock) -> str:
        """It as a column of this encoding holds it: after the year 9999, or as a number more than a century after T."""
        century = self.as_of.replace(microsecond=0) + 36_525 * DAY
        if self.infinite and clock.encoding is not Encoding.YEAR:
            return "infinity"
        match clock.encoding:
            case Encoding.TIMESTAMPTZ:  # in every zone
                return "10000-01-01 23:59:59.999999+00" if self.last else "10000-01-02 00:00:00+00"
            case Encoding.TIMESTAMP:
                return "9999-12-31 23:59:59.999999" if self.last else "10000-01-01 00:00:00"
            case Encoding.DATE:
                return "9999-12-31" if self.last else "10000-01-01"
            case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
                unit = timedelta(seconds=1) if clock.encoding is Encoding.EPOCH_SECONDS else timedelta(milliseconds=1)
                return str((century - _EPOCH) // unit + (not self.last))
            case Encoding.YEAR:
                return str(century.year + (not self.last))


Told = datetime | Beyond
"""What a column may tell."""


def written(clock: ColumnClock, moment: Told, zone: Zone) -> Any:
    """A moment as a column of this encoding holds it; `zone` is the policy's."""
    if isinstance(moment, Beyond):
        return moment.written(clock)
    match clock.encoding:
        case Encoding.TIMESTAMPTZ:
            return moment
        case Encoding.TIMESTAMP:
            return moment.astimezone(ZoneInfo(clock.zone or "UTC")).replace(tzinfo=None)
        case Encoding.DATE:
            return local_date(moment, ZoneInfo(zone))
        case Encoding.EPOCH_SECONDS:
            return (moment - _EPOCH) // timedelta(seconds=1)
        case Encoding.EPOCH_MILLISECONDS:
            return (moment - _EPOCH) // timedelta(milliseconds=1)
        case Encoding.YEAR:
            return local_date(moment, ZoneInfo(zone)).year


def tells(clock: Clock, moment: Told) -> bool:
    """Whether columns of these encodings lead back to the moment itself, as far as they tell the time of day.

    A local time that comes twice is read as the later one; seconds tell no fraction.
    """
    if isinstance(moment, Beyond):
        return True
    for part in parts_of(clock):
        match part.encoding:
            case Encoding.TIMESTAMP:
                local = moment.astimezone(ZoneInfo(part.zone or "UTC"))
                if local.replace(fold=1).astimezone(UTC) != moment:
                    return False
            case Encoding.EPOCH_SECONDS | Encoding.EPOCH_MILLISECONDS:
                unit = 1_000_000 if part.encoding is Encoding.EPOCH_SECONDS else 1000
                if moment.microsecond % unit:
                    return False
            case _:
                pass
    return True


def parts_of(clock: Clock) -> tuple[ColumnClock, ...]:
    """The clocks of which a clock is the latest; itself, if it is one."""
    return clock.latest if isinstance(clock, LatestClock) else (clock,)


def telling(clock: Clock, moment: Told | None, zone: Zone) -> Scene:
    """What makes a clock tell this moment, all of its parts alike; None: no moment at all."""
    scenes = (_of_part(part, [None if moment is None else written(part, moment, zone)]) for part in parts_of(clock))
    return reduce(or_, scenes)


def _of_part(part: ColumnClock, values: Sequence[Any]) -> Scene:
    """A column with the first value, or one joined row for each."""
    if not isinstance(part, JoinedClock):
        return Scene({part.column: values[0]})
    key = dict.fromkeys(part.on.values(), ME)
    return Scene(dict.fromkeys(part.on, ME), {part.table: [{**key, part.column: value} for value in values]})


def person(subject: Subject | None) -> Scene:
    """What makes a row the specimen's own person's."""
    if subject is None:
        return Scene()
    if not isinstance(subject, JoinedSubject):
        return Scene({subject.column: ME})
    key = dict.fromkeys(subject.on.values(), ME)
    return Scene(dict.fromkeys(subject.on, ME), {subject.table: [{**key, subject.column: ME}]})


def nobody(subject: Subject) -> Scene:
    """What makes a row nobody's."""
    if not isinstance(subject, JoinedSubject):
        return Scene({subject.column: None})
    return Scene(dict.fromkeys(subject.on, None))


# Moments


def quiet(frame: Frame, *clocks: Clock) -> datetime:
    """Noon of a recent day round which no clock was put forward or back: there every encoding tells the same."""
    zones = {part.zone for clock in clocks for part in parts_of(clock) if part.zone}
    return noon(_quiet_day(frame.today, frozenset({frame.zone_name, *zones})), frame)


@lru_cache(maxsize=64)
def _quiet_day(today: date, zones: frozenset[str]) -> date:
    """The latest day, ten days before today or earlier, with no change of offset within nine days of it."""
    day = today - 10 * DAY
    while any(_is_changed(day, ZoneInfo(zone)) for zone in zones):
        day -= DAY
    return day


def _is_changed(day: date, zone: ZoneInfo) -> bool:
    noons = (datetime.combine(day + n * DAY, time(12), UTC) for n in range(-9, 10))
    return len({at.astimezone(zone).utcoffset() for at in noons}) > 1


def noon(civil: date, frame: Frame) -> datetime:
    """Noon of a civil day in the policy's zone."""
    return datetime(civil.year, civil.month, civil.day, 12, tzinfo=frame.zone).astimezone(UTC)


def first_of(civil: date, frame: Frame) -> datetime:
    """The first instant of a civil day."""
    return start_of_day(civil, frame.zone)


def last_of(civil: date, frame: Frame) -> datetime:
    """The last instant of a civil day that PostgreSQL can tell."""
    return first_of(civil + DAY, frame) - _MOMENT


def until(clock: Clock, moment: datetime, limit: date, frame: Frame) -> bool | None:
    """Whether a clock all of whose parts tell a moment has reached a day at the latest; None: a year does not say."""
    day = local_date(moment, frame.zone)
    years = [part.encoding is Encoding.YEAR for part in parts_of(clock)]
    if all((date(day.year, 12, 31) if year else day) <= limit for year in years):
        return True
    return None if all((date(day.year, 1, 1) if year else day) <= limit for year in years) else False


def next_after(clock: Clock, frame: Frame) -> datetime:
    """The next moment after T that a clock tells, about: of days, tomorrow."""
    by_day = any(not part.is_instant for part in parts_of(clock))
    return first_of(frame.today + DAY, frame) if by_day else frame.as_of + timedelta(seconds=1)


def lately(clock: Clock, frame: Frame) -> datetime:
    """The last moment up to T that the clock tells: not in an hour that comes twice."""
    moment = frame.as_of.replace(microsecond=0)
    while not tells(clock, moment):
        moment -= timedelta(minutes=30)
    return moment


def too_early(frame: Frame) -> datetime:
    """Just before the company's first day: no fact."""
    return frame.earliest - timedelta(seconds=1)


def around(clock: Clock, limit: date, frame: Frame) -> Iterator[tuple[str, datetime]]:
    """Facts on both sides of the end of the last day that is past a period, with their names."""
    moments = [
        ("at the end of the last day past its period", last_of(limit, frame)),
        ("past its period", noon(limit, frame)),
        ("at the beginning of the first day within its period", first_of(limit + DAY, frame)),
        ("on the first day within its period", noon(limit + DAY, frame)),
        ("of the year before", noon(date(limit.year - 1, 7, 1), frame)),
        ("of the year after", noon(date(limit.year + 1, 7, 1), frame)),
        ("of the day before yesterday", noon(frame.today - 2 * DAY, frame)),
        ("of this moment", frame.as_of),
    ]
    for name, moment in moments:
        if moment <= frame.as_of and (tells(clock, moment) or moment == noon(local_date(moment, frame.zone), frame)):
            yield name, moment


def no_fact(clock: Clock, frame: Frame, ancient: State | None, now: State | None = None) -> Iterator[Specimen]:
    """Rows whose clock tells nothing, or what can be no fact; and one of the company's first day, if it is `ancient`,
    and one of this moment, if it is `now`."""
    zone, parts, first_day = frame.zone_name, parts_of(clock), frame.no_data_before
    running = any(part.null_means is Means.RUNNING for part in parts)
    yield Specimen("without a moment", _running(running), telling(clock, None, zone))
    if isinstance(clock, JoinedClock):
        absent = _running(clock.absent_means is Means.RUNNING)
        yield Specimen("without a row to tell its moment", absent, Scene(dict.fromkeys(clock.on, ME)))
    future = _running(any(part.future_means is Means.RUNNING for part in parts))
    yield Specimen("of what nobody can mean", State.UNDECIDABLE, telling(clock, Beyond(frame.as_of), zone))
    last = telling(clock, Beyond(frame.as_of, last=True), zone)
    yield Specimen("of the last moment that somebody can mean", future, last)
    if all(part.encoding is not Encoding.YEAR for part in parts):
        infinite = telling(clock, Beyond(frame.as_of, infinite=True), zone)
        yield Specimen("of a moment that never comes", future, infinite)
    yield Specimen("of a year to come", future, telling(clock, frame.as_of + 366 * DAY, zone))
    long_before = noon(date(first_day.year - 1, 7, 1), frame)
    yield Specimen("from before the company's first year", State.UNDECIDABLE, telling(clock, long_before, zone))
    if all(part.encoding is not Encoding.YEAR for part in parts):
        yield Specimen("of the moment after this", future, telling(clock, next_after(clock, frame), zone))
        if tells(clock, too_early(frame)):
            early = telling(clock, too_early(frame), zone)
            yield Specimen("from just before the company's first day", State.UNDECIDABLE, early)
    if now is not None and tells(clock, frame.as_of):
        yield Specimen("of this very moment", now, telling(clock, frame.as_of, zone))
    if ancient is not None and (all(part.encoding is Encoding.YEAR for part in parts) or tells(clock, frame.earliest)):
        yield Specimen("of the company's first moment", ancient, telling(clock, frame.earliest, zone))


def _running(runs: bool) -> State:
    return State.COMPLIANT if runs else State.UNDECIDABLE


def several(clock: Clock, past: datetime, limit: date, frame: Frame) -> Iterator[Specimen]:
    """Rows with an old moment and a recent one, of which the latest counts. `past` is violating, and `limit` the last
    day past the period; where a year must be more than that, nothing recent can be told.
    """
    zone, parts, recent = frame.zone_name, parts_of(clock), lately(clock, frame)
    for part in parts:
        if until(part, recent, limit, frame) is not False:
            continue
        if isinstance(part, JoinedClock):
            null, future = (_running(means is Means.RUNNING) for means in (part.null_means, part.future_means))
            for name, state, moment in (
                ("whose latest of two rows is recent", State.COMPLIANT, recent),
                ("one of whose rows has no moment", null, None),
                ("one of whose rows is to come", future, frame.as_of + 366 * DAY),
                ("one of whose rows is to come at once", future, next_after(part, frame)),
                ("one of whose rows is of before the company", State.UNDECIDABLE, too_early(frame)),
                ("one of whose rows is of what nobody can mean", State.UNDECIDABLE, Beyond(frame.as_of)),
            ):
                if part.encoding is not Encoding.YEAR or moment in (None, recent):
                    values = [written(part, past, zone), None if moment is None else written(part, moment, zone)]
                    yield Specimen(name, state, _beside(clock, part, past, frame) | _of_part(part, values))
        elif len(parts) > 1:
            edge = first_of(limit + DAY, frame)
            for moment in (recent, edge):
                if tells(part, moment) and until(part, moment, limit, frame) is False:
                    one = telling(clock, past, zone) | telling(part, moment, zone)
                    yield Specimen("one of whose moments is recent", State.COMPLIANT, one)
            if part.encoding is not Encoding.YEAR:
                future = _running(part.future_means is Means.RUNNING)
                moments: list[tuple[Told, State]] = [(too_early(frame), State.UNDECIDABLE)]
                moments += [(Beyond(frame.as_of), State.UNDECIDABLE), (next_after(part, frame), future)]
                for odd_one, state in moments:
                    odd = telling(clock, past, zone) | telling(part, odd_one, zone)
                    yield Specimen("one of whose moments cannot be", state, odd)
            if part.null_means is Means.UNKNOWN:
                none = telling(clock, past, zone) | telling(part, None, zone)
                yield Specimen("one of whose moments is missing", State.VIOLATING, none)


def _beside(clock: Clock, part: ColumnClock, moment: datetime, frame: Frame) -> Scene:
    """What makes the other parts of a clock tell a moment."""
    others = (_of_part(one, [written(one, moment, frame.zone_name)]) for one in parts_of(clock) if one is not part)
    return reduce(or_, others, Scene())


# Holds


def holds(register: LegalHolds | None, categories: Sequence[Category], frame: Frame) -> Iterator[Specimen]:
    """Rows past their period, without holds and with holds of all sorts on their person, each held or not."""
    if register is None:
        return
    began, ended, zone = register.started, register.released, frame.zone_name
    word = {category: register.categories.get(category, category.value) for category in Category}
    ours = [word[category] for category in categories] + [register.every_category]
    yesterday, long_ago = frame.as_of - 2 * DAY, frame.earliest
    soon = {clock: next_after(clock, frame) for clock in (began, ended)}
    just_ended = min(frame.as_of - timedelta(seconds=1), first_of(frame.today, frame) - _MOMENT)

    def hold(start: Told | None, end: Told | None = None, *, who: object = ME, says: str = ours[0] or "") -> Cells:
        moments = {clock.column: None if at is None else written(clock, at, zone)
                   for clock, at in ((began, start), (ended, end))}  # fmt: skip
        return {register.subject: who, register.category: says, **moments}

    found = [
        ("under a legal hold", State.HELD, [hold(yesterday)]),
        ("under a legal hold that ends after this moment", State.HELD, [hold(yesterday, soon[ended])]),
        ("under a legal hold that was released", State.VIOLATING, [hold(long_ago, just_ended)]),
        ("under one legal hold that was released and one that was not", State.HELD,
         [hold(long_ago, yesterday), hold(yesterday)]),
        ("under a legal hold that begins after this moment", State.VIOLATING, [hold(soon[began])]),
        ("under a legal hold without a beginning", State.VIOLATING, [hold(None)]),
        ("under a legal hold from before the company's first day", State.VIOLATING, [hold(too_early(frame))]),
        ("under a legal hold since what nobody can mean", State.VIOLATING, [hold(Beyond(frame.as_of))]),
        ("under a legal hold until what nobody can mean", State.VIOLATING, [hold(yesterday, Beyond(frame.as_of))]),
        ("under a legal hold without an end in sight", State.HELD,
         [hold(yesterday, Beyond(frame.as_of, last=True))]),
        ("under a legal hold without an end", State.HELD, [hold(yesterday, Beyond(frame.as_of, infinite=True))]),
        ("under a legal hold that never begins", State.VIOLATING, [hold(Beyond(frame.as_of, infinite=True))]),
        ("under a legal hold on somebody else", State.VIOLATING, [hold(yesterday, who=SOMEBODY_ELSE)]),
        *(("under a legal hold on its data", State.HELD, [hold(yesterday, says=says)]) for says in ours[1:] if says),
    ]  # fmt: skip
    other = next((says for says in word.values() if says not in ours), None)
    if other is not None:
        found.append(("under a legal hold on other data", State.VIOLATING, [hold(yesterday, says=other)]))
    if tells(began, frame.as_of):
        found.append(("under a legal hold that begins at this moment", State.HELD, [hold(frame.as_of)]))
    if tells(ended, frame.as_of):
        last_day = State.HELD if ended.encoding is Encoding.DATE else State.VIOLATING
        found.append(("under a legal hold that ends at this moment", last_day, [hold(yesterday, frame.as_of)]))
    if tells(began, frame.earliest):
        found.append(("under a legal hold of the company's first day", State.HELD, [hold(frame.earliest)]))
    for name, state, rows in found:
        yield Specimen(f"past its period and {name}", state, Scene({}, {register.table: rows}))


# Which rows a promise speaks of


def within(conditions: Sequence[Condition], columns: Sequence[str] = ()) -> Scene:
    """Cells of a row that a promise speaks of, whatever else it says."""
    return Scene(dict.fromkeys((*(one.column for one in conditions if one.is_null), *columns), "a value"))


def scoped(
    specimens: Iterable[Specimen], broken: Scene, conditions: Sequence[Condition], columns: Sequence[str] = ()
) -> Iterator[Specimen]:
    """The specimens, and rows that are in breach (`broken`) but for what a map leaves out; those are out of scope."""
    yield from specimens
    for one in conditions:
        value = None if one.is_null else next(iter(one.in_), one.equals)
        yield Specimen("of which the promise does not speak", State.OUT_OF_SCOPE, broken | Scene({one.column: value}))
    if columns:
        nothing = Scene(dict.fromkeys(columns, None))
        yield Specimen("that holds none of the data", State.OUT_OF_SCOPE, broken | nothing)


def settled(
    specimens: Iterable[Specimen], base: Scene, conditions: Sequence[Condition], columns: Sequence[str] = ()
) -> Iterator[Specimen]:
    """Each over the base; out of scope where a map leaves a row out for a cell that the specimen needs."""
    for specimen in specimens:
        whole = specimen.over(base)
        out = _left_out(whole.scene.row, conditions, columns)
        if out == (specimen.state is State.OUT_OF_SCOPE):
            yield whole
        elif out:
            yield Specimen(whole.name, State.OUT_OF_SCOPE, whole.scene)


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


def born(persons: Persons, value: Any) -> Scene:
    """The specimen's person in the table of persons."""
    return Scene({}, {persons.table: [{persons.key: ME, persons.born.column: value}]})


def intervals(
    table: str, subject: str, begin: ColumnClock, end: ColumnClock, at: datetime, frame: Frame, *, strict: bool,
    more: Cells | None = None,
) -> Iterator[Specimen]:  # fmt: skip
    """Consents from grant to withdrawal, held against an event `at`: what follows from them and nothing else.

    `strict`: a consent must come before the event itself. `more` are cells of all its rows.
    """
    zone, touching = frame.zone_name, State.VIOLATING if strict else State.COMPLIANT
    d3, d2, d1, after, later = at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY, at + 2 * DAY
    never, coming = too_early(frame), frame.as_of + timedelta(seconds=1)
    beyond, last = Beyond(frame.as_of), Beyond(frame.as_of, last=True)
    never_comes = Beyond(frame.as_of, infinite=True)
    found: list[tuple[str, State, list[tuple[Told | None, Told | None]]]] = [
        ("with a consent of what nobody can mean", State.UNDECIDABLE, [(beyond, None)]),
        ("with a consent withdrawn at what nobody can mean", State.UNDECIDABLE, [(d1, beyond)]),
        ("with a consent without an end in sight", State.COMPLIANT, [(d1, last)]),
        ("with a consent that is not in sight", State.VIOLATING, [(last, None)]),
        ("with a consent without an end", State.COMPLIANT, [(d1, never_comes)]),
        ("with a consent that never begins", State.UNDECIDABLE, [(never_comes, None)]),
        ("without any consent", State.VIOLATING, []),
        ("after a consent", State.COMPLIANT, [(d1, None)]),
        ("at the very moment of the consent", touching, [(at, None)]),
        ("before the consent", State.VIOLATING, [(after, None)]),
        ("after a withdrawal", State.VIOLATING, [(d2, d1)]),
        ("at the very moment of the withdrawal", State.VIOLATING, [(d1, at)]),
        ("before the withdrawal", State.COMPLIANT, [(d1, after)]),
        ("after a second consent", State.COMPLIANT, [(d3, d2), (d1, None)]),
        ("between two consents", State.VIOLATING, [(d3, d1), (after, later)]),
        ("at the end of one consent and the beginning of the next", touching, [(d1, at), (at, None)]),
        ("after two consents the longer of which goes on", State.COMPLIANT, [(d3, after), (d2, d1)]),
        ("after two consents the later of which goes on", State.COMPLIANT, [(d3, d1), (d2, after)]),
        ("after three consents of which two go on", State.COMPLIANT, [(d3, later), (d2, d1), (d1 + DAY / 2, after)]),
        ("after two consents that both go on", State.COMPLIANT, [(d2, None), (d1, after)]),
        ("between two consents of which the first goes on", State.COMPLIANT, [(d1, later), (after, later + DAY)]),
        ("under a consent that ends before it begins", State.VIOLATING, [(after, d1)]),
        ("under a consent of no length", State.VIOLATING, [(at, at)]),
        ("with a consent at an unknown moment", State.UNDECIDABLE, [(None, None)]),
        ("with a consent at no moment there can be", State.UNDECIDABLE, [(never, None)]),
        ("with a consent withdrawn at no moment there can be", State.UNDECIDABLE, [(d1, never)]),
        ("with a consent that covers it and another at an unknown moment", State.COMPLIANT, [(d1, None), (None, None)]),
        ("with a consent since the company's first moment", State.COMPLIANT, [(frame.earliest, None)]),
        ("with a consent that ended as the company began", State.VIOLATING, [(frame.earliest, frame.earliest)]),
        ("with a consent still to come", State.VIOLATING, [(coming, None)]),
        ("with a consent that ends in time to come", State.COMPLIANT, [(d1, coming)]),
    ]  # fmt: skip
    for name, state, rows in found:
        if all(tells(clock, moment) for row in rows for clock, moment in zip((begin, end), row, strict=True) if moment):
            cells = [{subject: ME, **(more or {}), **told(begin, lo, zone), **told(end, hi, zone)} for lo, hi in rows]
            yield Specimen(name, state, Scene({}, {table: cells}))
    alien = {subject: SOMEBODY_ELSE, **(more or {}), **told(begin, d1, zone)}
    yield Specimen("with the consent of somebody else", State.VIOLATING, Scene({}, {table: [alien]}))


def events(register: EventLedger, word: str, at: datetime, frame: Frame) -> Iterator[Specimen]:
    """Grants and withdrawals, held against an event `at`: what follows from them and nothing else."""
    action, zone = register.action, frame.zone_name
    yes, no = action.grant, action.withdraw
    other = next(each for each in ("something", "anything", "whatever") if each not in (yes, no))
    d3, d2, d1, after = at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY
    never, coming = too_early(frame), frame.as_of + timedelta(seconds=1)
    beyond, last = Beyond(frame.as_of), Beyond(frame.as_of, last=True)
    never_comes = Beyond(frame.as_of, infinite=True)
    found: list[tuple[str, State, list[tuple[str | None, Told | None]]]] = [
        ("with a consent of what nobody can mean", State.UNDECIDABLE, [(yes, beyond)]),
        ("with a consent and a withdrawal of what nobody can mean", State.UNDECIDABLE, [(yes, d1), (no, beyond)]),
        ("with a consent and a withdrawal that is not in sight", State.COMPLIANT, [(yes, d1), (no, last)]),
        ("with a consent that never comes", State.UNDECIDABLE, [(yes, never_comes)]),
        ("with a consent and a withdrawal that never comes", State.UNDECIDABLE, [(yes, d1), (no, never_comes)]),
        ("without any consent", State.VIOLATING, []),
        ("after a consent", State.COMPLIANT, [(yes, d1)]),
        ("at the very moment of the consent", State.COMPLIANT, [(yes, at)]),
        ("before the consent", State.VIOLATING, [(yes, after)]),
        ("after a withdrawal", State.VIOLATING, [(yes, d2), (no, d1)]),
        ("at the very moment of the withdrawal", State.VIOLATING, [(yes, d1), (no, at)]),
        ("before the withdrawal", State.COMPLIANT, [(yes, d1), (no, after)]),
        ("after a second consent", State.COMPLIANT, [(yes, d3), (no, d2), (yes, d1)]),
        ("after a withdrawal that undoes two consents", State.VIOLATING, [(yes, d3), (yes, d2), (no, d1)]),
        ("after consent and withdrawal at one moment", State.VIOLATING, [(yes, d1), (no, d1)]),
        ("after a withdrawal alone", State.VIOLATING, [(no, d1)]),
        ("with a consent at an unknown moment", State.UNDECIDABLE, [(yes, None)]),
        ("with a consent at no moment there can be", State.UNDECIDABLE, [(yes, never)]),
        ("with a consent since the company's first moment", State.COMPLIANT, [(yes, frame.earliest)]),
        ("with a consent that covers it and another at an unknown moment", State.COMPLIANT, [(yes, d1), (yes, None)]),
        ("with a consent and a withdrawal at an unknown moment", State.UNDECIDABLE, [(yes, d1), (no, None)]),
        ("with a withdrawal at an unknown moment", State.VIOLATING, [(no, None)]),
        ("with both at unknown moments", State.UNDECIDABLE, [(yes, None), (no, None)]),
        ("with both at unknown moments, after a consent", State.UNDECIDABLE, [(yes, d1), (yes, None), (no, None)]),
        ("after the company's first withdrawal and a consent", State.COMPLIANT, [(no, frame.earliest), (yes, d1)]),
        ("after what may be a consent", State.UNDECIDABLE, [(other, d1)]),
        ("after what may be a consent at no known moment", State.UNDECIDABLE, [(None, None)]),
        ("after a consent and what may be a withdrawal", State.UNDECIDABLE, [(yes, d2), (other, d1)]),
        ("after a consent and what nobody named", State.UNDECIDABLE, [(yes, d2), (None, d1)]),
        ("with a consent still to come", State.VIOLATING, [(yes, coming)]),
        ("with what may be a consent still to come", State.VIOLATING, [(other, coming)]),
    ]
    key = {register.subject: ME, register.purpose: word}
    for name, state, rows in found:
        if all(moment is None or tells(register.at, moment) for _, moment in rows):
            cells = [{**key, action.column: does, **told(register.at, moment, zone)} for does, moment in rows]
            yield Specimen(name, state, Scene({}, {register.table: cells}))
    granted = {**key, action.column: yes, **told(register.at, d1, zone)}
    for what, cell in (("of somebody else", {register.subject: SOMEBODY_ELSE}),
                       ("to something else", {register.purpose: f"not {word}"})):  # fmt: skip
        alien = Scene({}, {register.table: [{**granted, **cell}]})
        yield Specimen(f"with the consent {what}", State.VIOLATING, alien)
    yield from _events_of_doubt(register, word, at, frame)


def _events_of_doubt(register: EventLedger, word: str, at: datetime, frame: Frame) -> Iterator[Specimen]:
    """Grants and withdrawals that spell the purpose in another way, do not tell it, or tell what nobody knows."""
    yes, no = register.action.grant, register.action.withdraw
    d4, d3, d2, d1, after = at - 4 * DAY, at - 3 * DAY, at - 2 * DAY, at - DAY, at + DAY
    coming = frame.as_of + timedelta(seconds=1)
    compliant, violating, unknown = State.COMPLIANT, State.VIOLATING, State.UNDECIDABLE
    granted = (yes, d2, word)
    found: list[tuple[str, State, list[tuple[str | None, datetime | None, str | None]]]] = [
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
        if all(moment is None or tells(register.at, moment) for _, moment, _ in cells):
            ledger = [_entry(register, *cell, ME, frame) for cell in cells]
            yield Specimen(name, state, Scene({}, {register.table: ledger}))


def of_nobody(register: EventLedger, word: str, clock: ColumnClock, at: datetime, frame: Frame) -> Iterator[Specimen]:
    """Events beside two withdrawals that name nobody, three days and one before `at`: they may be anyone's.

    They would mean everybody in the ledger, so that these specimens share one of their own.
    """
    yes, no = register.action.grant, register.action.withdraw
    d4, d3, d2, d1, half = at - 4 * DAY, at - 3 * DAY, at - 2 * DAY, at - DAY, at - DAY / 2
    compliant, violating, unknown = State.COMPLIANT, State.VIOLATING, State.UNDECIDABLE
    others = [_entry(register, no, d3, None, None, frame), _entry(register, no, d1, word, " ", frame),
              _entry(register, yes, d4, word, None, frame)]  # fmt: skip
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
        own = [_entry(register, yes, consent, word, ME, frame)] if consent else []
        if all(tells(register.at, moment) for moment in (d4, d3, d1, consent) if moment) and tells(clock, event):
            scene = telling(clock, event, frame.zone_name) | Scene({}, {register.table: [*others, *own]})
            yield Specimen(name, state, scene, alone="beside withdrawals of nobody")


def _entry(
    register: EventLedger, does: str | None, moment: datetime | None, purpose: str | None, who: Me | str | None,
    frame: Frame,
) -> Cells:  # fmt: skip
    """A row of a ledger of events."""
    return {
        register.subject: who,
        register.purpose: purpose,
        register.action.column: does,
        **told(register.at, moment, frame.zone_name),
    }


def otherwise(word: str) -> str:
    """The same word with blanks around it and one letter in the other case; but an i is another letter in Turkish."""
    letter = next((each for each in word if each.isascii() and each.isalpha() and each not in "iI"), "")
    return f"\t{word.replace(letter, letter.swapcase(), 1)} "


def told(clock: ColumnClock, moment: Told | None, zone: Zone) -> Cells:
    """The cell of a column that tells a moment, or none."""
    return {clock.column: None if moment is None else written(clock, moment, zone)}


Spell = tuple[Told | None, Told | None]
"""From when until when a row of a register holds."""


def spells(at: datetime, frame: Frame) -> list[tuple[str, bool | None, list[Spell]]]:
    """Rows of a register days away from an event: whether one of them held at it, or None where nobody can tell."""
    d2, d3, d4, d5, d6 = (at - days * DAY for days in (2, 3, 4, 5, 6))
    a2, a3, a4 = (at + days * DAY for days in (2, 3, 4))
    early, beyond = too_early(frame), Beyond(frame.as_of)
    last, never = Beyond(frame.as_of, last=True), Beyond(frame.as_of, infinite=True)
    return [
        ("before which a row began", True, [(d3, None)]),
        ("between begin and end of a row", True, [(d3, a2)]),
        ("within a row since the company's first day", True, [(frame.earliest, None)]),
        ("after a row of the company's first day", False, [(frame.earliest, frame.earliest)]),
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
