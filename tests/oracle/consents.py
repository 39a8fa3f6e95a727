"""A consent, of the person or of a guardian, was in force at the moment of the event."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from privacy_audit.config.map_tables import BirthEncoding
from privacy_audit.domain.consent_reading import ConsentReading
from tests.oracle.moments import Calendar, Far, Kind, Place, Row, Tables, instant_of, place, read_value
from tests.oracle.records import BLANKS
from tests.oracle.verdict import COMPLIANT, OUT, UNDECIDABLE, State, Verdict, outside, subject_of, there


def consent_at_event(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """The person's consent to the purpose was in force."""
    if outside(rule, row):
        return OUT
    event = read_value(row.get(rule.clock.column), rule.clock, calendar)
    subject = subject_of(rule, row, tables)
    if event.kind is not Kind.FINE or subject is None:
        return UNDECIDABLE
    ledger = rule.consents
    ours = {ledger.purposes.get(rule.purpose, rule.purpose).lower(), _said(ledger.every_purpose)}
    rows = [other for other in tables[ledger.table] if _said(other.get(ledger.purpose)) in ours | {None}]
    moment = there(event.shown)
    if ledger.reading is ConsentReading.EVENTS:
        elsewhere = {word.strip(BLANKS).lower() for word in ledger.other_purposes}
        strange = [
            {**other, ledger.purpose: None, ledger.action.column: ledger.action.withdraw}
            for other in tables[ledger.table]
            if _said(other.get(ledger.purpose)) not in ours | elsewhere | {None}
            and other.get(ledger.action.column) != ledger.action.grant
        ]  # what nobody knows the meaning of may be a withdrawal of anything, and grants nothing
        covered, may_cover, may_end = _by_events(ledger, rows + strange, subject, moment, calendar)
    else:
        own = [other for other in rows if other.get(ledger.subject) == subject]
        covered, may_cover = _by_intervals(ledger, own, moment, calendar)
        may_end = False
    if covered:
        return UNDECIDABLE if may_end else COMPLIANT
    return UNDECIDABLE if may_cover else Verdict(State.VIOLATING, subject, moment, event.first)


def _said(value: Any) -> str | None:
    """In small letters and without blanks around it; None when it says nothing."""
    return None if value is None else str(value).strip(BLANKS).lower() or None


def _by_events(
    ledger: Any, rows: list[Row], subject: Any, moment: datetime, calendar: Calendar
) -> tuple[bool, bool, bool]:
    """Whether the last grant or withdrawal up to the moment grants, and what rows in doubt may have done."""
    granted: dict[datetime, bool] = {}
    begins: list[datetime] = []
    ends: dict[str, list[tuple[datetime, datetime]]] = {"own": [], "anyone's": []}
    for row in rows:
        at, action, whose = row.get(ledger.at.column), row.get(ledger.action.column), row.get(ledger.subject)
        where = Place.NOWHERE if at is None else place(at, ledger.at, calendar)
        nameless = _said(whose) is None
        if where is Place.FUTURE or not (nameless or whose == subject):
            continue
        instant = instant_of(at, ledger.at) if where is Place.FINE else None
        known = action in (ledger.action.grant, ledger.action.withdraw) and _said(row.get(ledger.purpose)) is not None
        if instant and known and not nameless:
            if instant <= moment:
                granted[instant] = granted.get(instant, True) and action == ledger.action.grant
            continue
        if action != ledger.action.withdraw and not nameless:
            begins.append(instant or _ALWAYS)
        if action != ledger.action.grant:
            ends["anyone's" if nameless else "own"].append((instant or _ALWAYS, instant or _NEVER))
    last = max(granted, default=_ALWAYS)
    may_end = any(
        min(first for first, _ in each) <= moment and max(until for _, until in each) >= last
        for each in ends.values()
        if each
    )
    return bool(granted) and granted[last], min(begins, default=_NEVER) <= moment, may_end


def _by_intervals(ledger: Any, rows: list[Row], moment: datetime, calendar: Calendar) -> tuple[bool, bool]:
    """Whether a row covers the moment, and whether rows in doubt may: from the first's begin to the last's end."""
    read = [
        (_said(row.get(ledger.purpose)) is None, _interval(row, ledger.granted, ledger.withdrawn, calendar))
        for row in rows
    ]
    covered = any(not silent and not unsure and since <= moment < until for silent, (unsure, since, until) in read)
    doubts = [
        (_ALWAYS, _NEVER) if unsure else (since, until)
        for silent, (unsure, since, until) in read
        if unsure or (silent and since != _NEVER)
    ]
    may_cover = bool(doubts) and min(since for since, _ in doubts) <= moment < max(until for _, until in doubts)
    return covered, may_cover


_NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def _interval(row: Row, begins: Any, ends: Any, calendar: Calendar) -> tuple[bool, datetime, datetime]:
    """Whether a row of a register is unreadable, and from when until when it covers."""
    since, until = row.get(begins.column), row.get(ends.column)
    begin = Place.NOWHERE if since is None else place(since, begins, calendar)
    end = Place.FUTURE if until is None else place(until, ends, calendar, end=True)
    if begin in (Place.PAST, Place.NOWHERE) or end in (Place.PAST, Place.NOWHERE):
        return True, _ALWAYS, _ALWAYS
    if begin is Place.FUTURE:
        return False, _NEVER, _NEVER
    return False, instant_of(since, begins), _NEVER if end is Place.FUTURE else instant_of(until, ends)


def guardian_consent(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """The person was old enough on the civil day, or a guardian's consent came before and was not revoked."""
    if outside(rule, row):
        return OUT
    use = read_value(row.get(rule.clock.column), rule.clock, calendar)
    subject = subject_of(rule, row, tables)
    if use.kind is not Kind.FINE or subject is None:
        return UNDECIDABLE
    ages = _ages(rule, subject, use.first, tables, calendar)
    if not ages:
        return UNDECIDABLE
    if min(ages) >= rule.age:
        return COMPLIANT
    register, moment = rule.guardian_consents, there(use.shown)
    intervals = [
        _interval(other, register.received, register.revoked, calendar)
        for other in tables[register.table]
        if other.get(register.subject) == subject
    ]
    if any(not unsure and since < moment < until for unsure, since, until in intervals):
        return COMPLIANT
    if max(ages) >= rule.age or any(unsure for unsure, _, _ in intervals):
        return UNDECIDABLE
    return Verdict(State.VIOLATING, subject, moment, use.first)


def _ages(rule: Any, subject: Any, day: date, tables: Tables, calendar: Calendar) -> set[int]:
    """The ages the person may have on a day; empty when they cannot be known."""
    born = rule.persons.born
    person = next((other for other in tables[rule.persons.table] if other[rule.persons.key] == subject), None)
    birth = person.get(born.column) if person else None
    if birth is None or isinstance(birth, Far):
        return set()
    oldest = calendar.today.year - 120
    if born.encoding is BirthEncoding.DATE:
        readable = date(oldest, 1, 1) <= birth <= calendar.today and birth not in born.default_dates
        return {_age(birth, day)} if readable and birth <= day else set()
    if not oldest <= birth <= min(calendar.today.year, day.year) or birth in born.default_years:
        return set()
    return {_age(date(birth, 1, 1), day), _age(date(birth, 12, 31), day)}


def _age(born: date, day: date) -> int:
    """Whole years on a day; who is born on 29 February has a birthday on 1 March of a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
