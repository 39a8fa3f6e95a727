"""What other registers permit: an event by its moment, a word by a list; and rows that are kept for statistics."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from privacy_audit.config.map_clocks import ColumnClock, Encoding, MomentMeaning
from privacy_audit.config.map_registers import RegisterBinding
from tests.oracle.moments import Calendar, Kind, Place, Reading, Row, Tables, micros_of, place, read_value
from tests.oracle.verdict import COMPLIANT, OUT, UNDECIDABLE, State, Verdict, there

Maybe = bool | None
"""Whether something is so, or None: nobody can tell."""


def permission_at_event(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """While the event happened a row of the other register held, or none did."""
    asks, during = rule.asks, rule.asks.during
    ledger, forbids = rule.joined[during.register_], asks.events == "forbidden"
    event, person = _event(rule.records.fields[asks.at], row, calendar), _person(rule.records, row, forbids)
    broken: Maybe = None
    if event is not None and person is not None:
        held = [
            (_person(ledger, other, forbids), _held(ledger, other, during, during.strict, calendar))
            for other in _rows_of(ledger, tables)
        ]
        met = _met([part for whose, part in held if part and whose == person], event)
        nobodys = [part for whose, part in held if part and whose is None and part.begins < part.ends]
        if met is False and forbids and nobodys:
            hull = _Held(
                min(part.begins for part in nobodys), max(part.ends for part in nobodys), certain_from=math.inf
            )
            met = _met([hull], event)
        broken = met if forbids or met is None else not met
    if asks.unless:
        exempt = _meant(rule.records, row, asks.unless)
        broken = _all([broken, None if exempt is None else not exempt])
    return _verdict(rule, row, broken, asks.at, calendar)


def listed(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """The word stands in the list, at the row's moment or at T."""
    asks, listing = rule.asks, rule.asks.list_
    other = rule.joined[listing.register_]
    word = _word(rule.records, row, asks.field)
    event: _Event | None = _Event(_micros(calendar.as_of), _micros(calendar.as_of))
    if asks.at and listing.in_force:
        event = _event(rule.records.fields[asks.at], row, calendar)
    broken: Maybe = None
    if word is not None and event is not None:
        same = [entry for entry in _rows_of(other, tables) if _word(other, entry, listing.field) == word]
        met = _met([part for entry in same if (part := _entry(other, entry, listing, calendar))], event)
        broken = None if met is None else not met
    return _verdict(rule, row, broken, asks.at, calendar)


def anonymous(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """Enough rows are alike, they differ in what is sensitive, and nobody is named, nor said what few others say."""
    declared = rule.declared
    alike = [
        other
        for other in tables[rule.table]
        if all(other.get(column) == row.get(column) for column in declared.quasi_identifiers)
    ]
    few = len(alike) < rule.k
    for column in declared.sensitive if rule.l else ():
        values = {other[column] for other in alike if other.get(column) is not None}
        few = few or 0 < len(values) < rule.l
    named = any(identifies(str(row[column])) for column in declared.direct if row.get(column) is not None)
    if few or named:
        return Verdict(State.VIOLATING)
    texts = [(column, str(row[column])) for column in declared.direct if row.get(column) is not None]
    rare = any(
        sum(str(other.get(column)) == text for other in tables[rule.table]) < rule.k
        for column, text in texts
        if column not in declared.quasi_identifiers and text.strip(" ")
    )
    return UNDECIDABLE if rare else COMPLIANT


def identifies(text: str) -> bool:
    """Whether a text holds an e-mail address, an IBAN, a number of a card or a telephone, an IP address or a digest."""
    words = [word.strip(".,;()") for word in text.split()]
    parts = re.split(r"[^0-9A-Za-z-]+", text.replace("\\x", ""))
    found = (
        *(is_one(word) for word in words for is_one in (_is_mail, _is_address)),
        *(_is_digest(part) for part in parts),
        *(is_one(text) for is_one in (_is_iban, _is_telephone, _is_card)),
    )
    return any(found)


def _is_digest(word: str) -> bool:
    """In hexadecimal, or a UUID."""
    bare = word.replace("-", "")
    groups = [len(group) for group in word.split("-")]
    is_hex = bool(bare) and not set(bare.lower()) - set("0123456789abcdef")
    return is_hex and (groups == [8, 4, 4, 4, 12] or (len(groups) == 1 and len(bare) in (32, 40, 56, 64, 96, 128)))


def _is_card(text: str) -> bool:
    """Sixteen digits of the two great issuers whose check digit fits: as many as the drawn values need."""
    digits = text.replace(" ", "")
    if not (digits.isdigit() and len(digits) == 16 and digits[0] in "45"):
        return False
    doubled = [2 * int(char) if number % 2 == 0 else int(char) for number, char in enumerate(digits)]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_mail(word: str) -> bool:
    local, at, host = word.partition("@")
    return bool(local and at and "." in host.strip("."))


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _is_iban(text: str) -> bool:
    """By its check digits."""
    compact = text.replace(" ", "").upper()
    if not (14 < len(compact) < 35 and compact.isalnum() and compact[:2].isalpha() and compact[2:4].isdigit()):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_telephone(text: str) -> bool:
    digits = "".join(char for char in text if char.isdigit())
    if not digits or set(text) - set("0123456789 .-()+"):
        return False
    return 8 <= len(digits) <= 17 if text.startswith(("+", "00")) else digits[0] == "0" and len(digits) == 10


@dataclass(frozen=True)
class _Event:
    """The first and the last microsecond at which it may have happened: of a day, all of it."""

    first: int
    last: int


@dataclass(frozen=True)
class _Held:
    """From when until when a row may have held, in microseconds, and from when it held for certain."""

    begins: float
    ends: float
    certain_from: float


def _event(clock: ColumnClock, row: Row, calendar: Calendar) -> _Event | None:
    reading = _read(clock, row, calendar)
    if reading.kind is not Kind.FINE:
        return None
    first = _micros(there(reading.shown))
    if clock.encoding is Encoding.DATE:
        return _Event(first, _start_after(reading.first, calendar) - 1)
    return _Event(first, first)


def _met(parts: Iterable[_Held], event: _Event) -> Maybe:
    """Whether rows held as long as the event may have lasted; None where some may have held for some of it."""
    rows = list(parts)
    reached: float = event.first
    while True:
        further = max((row.ends for row in rows if row.certain_from <= reached < row.ends), default=reached)
        if further > event.last:
            return True
        if further == reached:
            break
        reached = further
    possible = any(row.begins < row.ends and row.begins <= event.last and event.first < row.ends for row in rows)
    return None if possible else False


def _entry(records: RegisterBinding, row: Row, listing: Any, calendar: Calendar) -> _Held | None:
    if listing.in_force:
        return _held(records, row, _Fields(listing.in_force.from_, listing.in_force.to, listing.only), False, calendar)
    meant = _meant(records, row, listing.only)
    if meant is False:
        return None
    return _Held(-math.inf, math.inf, certain_from=-math.inf if meant else math.inf)


@dataclass(frozen=True)
class _Fields:
    from_: str
    to: str | None
    only: Mapping[str, Any]


def _held(records: RegisterBinding, row: Row, during: Any, strict: bool, calendar: Calendar) -> _Held | None:
    """How long a row held; None when it surely never did."""
    meant = _meant(records, row, during.only)
    starts = records.fields[during.from_]
    value = row.get(starts.column)
    where = Place.NOWHERE if value is None else place(value, starts, calendar)
    if meant is False or where is Place.FUTURE:
        return None
    ends, end_known, last = math.inf, True, math.inf
    if during.to and (end := row.get(records.fields[during.to].column)) is not None:
        stops = records.fields[during.to]
        until = place(end, stops, calendar, end=True)
        end_known = until not in (Place.PAST, Place.NOWHERE)
        if until is Place.FINE and stops.encoding is Encoding.DATE:
            ends = _start_after(end, calendar)
            last = ends - 1
        elif until is Place.FINE:
            ends = last = micros_of(end, stops)
    if where is not Place.FINE:
        return _Held(-math.inf, ends, certain_from=math.inf)
    begins = _micros(there(read_value(value, starts, calendar).shown))
    if last < begins:
        return _Held(-math.inf, math.inf, certain_from=math.inf)
    certainly = begins
    if strict:
        certainly = _start_after(value, calendar) if starts.encoding is Encoding.DATE else begins + 1
        begins += 1
    return _Held(begins, ends, certain_from=certainly if meant and end_known else math.inf)


def _verdict(rule: Any, row: Row, broken: Maybe, at: str | None, calendar: Calendar) -> Verdict:
    """What is said of a row of a register, by its scope."""
    asks, records = rule.asks, rule.records
    scope = _all(
        [
            _meant(records, row, asks.only),
            _in_force(records, row, asks.in_force, calendar),
            _is_since(records, row, getattr(asks, "since", None), at, calendar),
        ]
    )
    if scope is False:
        return OUT
    if broken is None or (scope is None and broken):
        return UNDECIDABLE
    if not broken:
        return COMPLIANT
    subject = row.get(records.fields["person"].column) if "person" in records.fields else None
    if at is None:
        return Verdict(State.VIOLATING, subject)
    reading = _read(records.fields[at], row, calendar)
    if reading.kind is not Kind.FINE:
        return Verdict(State.VIOLATING, subject)
    return Verdict(State.VIOLATING, subject, reading.shown, reading.first)


def _in_force(records: RegisterBinding, row: Row, during: Any, calendar: Calendar) -> Maybe:
    if during is None:
        return True
    begin, end = row.get(records.fields[during.from_].column), row.get(records.fields[during.to].column)
    starts, stops = records.fields[during.from_], records.fields[during.to]
    began = Place.NOWHERE if begin is None else place(begin, starts, calendar)
    ended = Place.FUTURE if end is None else place(end, stops, calendar, end=True)
    begun = {Place.FINE: True, Place.FUTURE: False}.get(began)
    goes_on = {Place.FUTURE: True, Place.FINE: stops.encoding is Encoding.DATE and end == calendar.today}.get(ended)
    return _all([begun, goes_on])


def _is_since(records: RegisterBinding, row: Row, first: date | None, at: str | None, calendar: Calendar) -> Maybe:
    """Whether it happened on that civil day or later."""
    if first is None or at is None:
        return True
    reading = _read(records.fields[at], row, calendar)
    return reading.first >= first if reading.kind is Kind.FINE else None


def _all(answers: Iterable[Maybe]) -> Maybe:
    known = list(answers)
    return False if False in known else None if None in known else True


def _meant(records: RegisterBinding, row: Row, only: Mapping[str, Any]) -> Maybe:
    return _all(_says(records, row, field, words) for field, words in only.items())


def _says(records: RegisterBinding, row: Row, field: str, words: Any) -> Maybe:
    text = _text(row.get(records.fields[field].column))
    if words in ("stated", "absent"):
        return (text is None) == (words == "absent")
    return None if text is None else text.lower() in {records.word(field, word).lower() for word in words}


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _person(records: RegisterBinding, row: Row, forbids: bool) -> str | None:
    key = _text(row.get(records.fields["person"].column))
    return key.lower() if key and forbids else key


def _word(records: RegisterBinding, row: Row, field: str) -> str | None:
    """In the policy's words."""
    text = _text(row.get(records.fields[field].column))
    if text is None:
        return None
    ours = {theirs.lower(): our.lower() for our, theirs in records.words.get(field, {}).items()}
    return ours.get(text.lower(), text.lower())


def _rows_of(records: RegisterBinding, tables: Tables) -> list[Row]:
    """The rows of a register, in its table or in its file."""
    if records.table:
        return tables[records.table]
    return [
        {name: _cell(records.fields[name], text) for name, text in zip(records.line_fields, line, strict=True)}
        for line in records.lines
    ]


def _cell(clock: ColumnClock, text: str | None) -> Any:
    if text is None or clock.column not in ("from", "to", "received", "withdrawn", "at"):
        return text
    return date.fromisoformat(text) if clock.encoding is Encoding.DATE else datetime.fromisoformat(text)


def _read(clock: ColumnClock, row: Row, calendar: Calendar) -> Reading:
    plain = clock.model_copy(update={"null_means": MomentMeaning.UNKNOWN, "future_means": MomentMeaning.UNKNOWN})
    return read_value(row.get(clock.column), plain, calendar)


def _micros(instant: datetime) -> int:
    return micros_of(instant, ColumnClock(column="at"))


def _start_after(day: date, calendar: Calendar) -> int:
    return _micros(calendar.start(day + timedelta(days=1)))
