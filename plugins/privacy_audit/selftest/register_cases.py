"""Self-test cases of a company's registers: rows by what their fields say, before any map has named their columns.

Which rows a control speaks of is reckoned here in plain Python, in three ways as everywhere: yes, no, and None where
nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.config.registers import COMPANY_REGISTERS, FieldType
from privacy_audit.domain.periods import local_date
from privacy_audit.selftest.case import OWN, Cells, Fixture, SelfTestCase
from privacy_audit.selftest.made_up_times import (
    DAY,
    OutOfRange,
    dst_free_noon,
    encode,
    first_of,
    is_exact,
    next_after,
    too_early,
)
from privacy_audit.sql.evaluation_context import EvaluationContext
from privacy_audit.sql.register_rows import InForceFields, Only
from privacy_audit.sql.row_predicates import RowState

FieldValues = Mapping[str, Any]
"""Field to what it says: a text in the policy's words, a number, a flag, a moment, `OWN`, or None for nothing."""


@dataclass(frozen=True, slots=True)
class RegisterCase:
    """A row of a register, with rows of other registers, and what must be said of it where it is meant."""

    name: str
    state: RowState
    says: FieldValues
    others: Mapping[str, Sequence[FieldValues]] = field(default_factory=dict)
    """Rows of other registers, by the register's name."""
    beside: Sequence[FieldValues] = ()
    """Further rows of its own register; of a rule that judges a register as a whole, all of them."""

    alone: bool = False
    """Whether it cannot share registers with others, because it speaks of a word that others speak of."""

    def but(self, name: str, state: RowState, /, **says: Any) -> RegisterCase:
        """The same but for some fields."""
        return replace(self, name=name, state=state, says={**self.says, **says})


@dataclass(frozen=True)
class Selector:
    """Which rows of a register a control speaks of."""

    register: str
    records: RegisterBinding
    only: Only
    in_force: InForceFields | None
    context: EvaluationContext
    since: tuple[str, date] | None = None
    """A field, and the first civil day on which what it tells is meant."""

    def base(self, avoid: Only | None = None) -> dict[str, Any]:
        """What a row says that is meant, and that is not all that `avoid` says."""
        avoid, says = avoid or {}, {}
        for name, words in avoid.items():
            says[name] = self._other_than(name, words)
        for name, words in self.only.items():
            others = avoid.get(name, ())
            says[name] = self.value(name) if words == "stated" else None if words == "absent" else next(
                (word for word in words if word not in others), words[0]
            )  # fmt: skip
        if self.in_force:
            says |= {self.in_force.from_: self.context.earliest + DAY, self.in_force.to: None}
        return says

    def no_facts(self, name: str) -> list[datetime | None]:
        """What a moment may not be: none, one from before the company, one after T."""
        return [None, *self.impossible(name)]

    def impossible(self, name: str) -> list[datetime]:
        """Moments that cannot be a fact: one from before the company, one after T."""
        return [too_early(self.context), next_after(self.records.fields[name], self.context)]

    def value(self, name: str) -> Any:
        """Something that a field may say."""
        match COMPANY_REGISTERS[self.register].fields[name]:
            case FieldType.TEXT:
                return "a value"
            case FieldType.PERSON:
                return OWN
            case FieldType.MOMENT:
                return dst_free_noon(self.context)
            case FieldType.NUMBER:
                return 1
            case FieldType.FLAG:
                return True

    def holds(self, says: FieldValues) -> bool | None:
        """Whether a row is meant."""
        return all_of([meant(self.only, says), self._in_force(says), self._is_since(says)])

    def edges(self, broken: RegisterCase) -> Iterator[RegisterCase]:
        """A row in breach that is not meant, or of which nobody can tell; fields that it needs itself stay."""
        context = self.context
        changes = [{name: value} for name, words in self.only.items() for value in self.alternatives(name, words)]
        if self.in_force:
            first, last = self.in_force.from_, self.in_force.to
            yesterday = first_of(context.today, context) - DAY / 24
            changes += [{first: moment} for moment in (*self.no_facts(first), context.earliest, context.as_of)]
            changes += [{last: moment} for moment in (*self.no_facts(last), yesterday, context.as_of)]
            changes += [{first: context.earliest, last: context.earliest}, {first: OutOfRange(context.as_of)}]
            changes += [{last: OutOfRange(context.as_of)}, {last: OutOfRange(context.as_of, last=True)}]
            changes += [{edge: OutOfRange(context.as_of, infinite=True)} for edge in (first, last)]
        for change in changes:
            if not change.keys() & broken.says.keys():
                yield broken.but(f"whose {' and '.join(change)} may leave it out", broken.state, **change)

    def alternatives(self, name: str, words: Any) -> list[Any]:
        """What a field may say so that it says one of the words, another, or nothing."""
        own = [*words, f" {words[0].upper()} "] if isinstance(words, tuple) else [self.value(name)]
        return [*own, self._other_than(name, words), None, *self.blanks(name)]

    def blanks(self, name: str) -> list[str]:
        """What says as little as nothing does."""
        return ["  "] if COMPANY_REGISTERS[self.register].fields[name] is FieldType.TEXT else []

    def _other_than(self, name: str, words: Any) -> Any:
        if words in ("stated", "absent"):
            return None if words == "stated" else self.value(name)
        return f"not {words[0]}"

    def _in_force(self, says: FieldValues) -> bool | None:
        if self.in_force is None:
            return True
        begin, end = says.get(self.in_force.from_), says.get(self.in_force.to)
        clocks, earliest = self.records.fields, self.context.earliest
        begun = goes_on = None
        if isinstance(begin, datetime) and begin >= earliest:
            begun = self._order(clocks[self.in_force.from_], begin) <= 0
        if end is None or isinstance(end, OutOfRange):
            goes_on = True if end is None or end.last or end.infinite else None
        elif end >= earliest:
            goes_on = self._goes_on(clocks[self.in_force.to], end)
        return all_of([begun, goes_on])

    def _is_since(self, says: FieldValues) -> bool | None:
        if self.since is None:
            return True
        name, first = self.since
        moment = says.get(name)
        if moment is None or moment < self.context.earliest or self._order(self.records.fields[name], moment) > 0:
            return None
        return local_date(moment, self.context.zone) >= first

    def _goes_on(self, clock: ColumnClock, end: datetime) -> bool:
        """Of a day, it is the last on which a row holds."""
        order = self._order(clock, end)
        return order >= 0 if clock.encoding is Encoding.DATE else order > 0

    def _order(self, clock: ColumnClock, moment: datetime) -> int:
        """1 after T, 0 at T, -1 before; by the day where the column tells no more."""
        one, now = moment, self.context.as_of
        if clock.encoding is Encoding.DATE:
            day, today = local_date(one, self.context.zone), self.context.today
            return (day > today) - (day < today)
        return (one > now) - (one < now)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether all are so: surely not when one is surely not."""
    found = list(answers)
    return False if False in found else None if None in found else True


def some_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether one of them is so."""
    found = list(answers)
    return True if True in found else None if None in found else False


def says_one_of(value: Any, words: Any) -> bool | None:
    """Whether a field says one of these words; or `stated`, or `absent`: whether it says anything."""
    silent = value is None or (isinstance(value, str) and not value.strip())
    if words in ("stated", "absent"):
        return bool(silent == (words == "absent"))
    if silent:
        return None
    return str(value).strip().lower() in {word.lower() for word in words}


def that_says(words: Any, value: Any) -> Any:
    """What a field says so that it says one of the words; `value` is something that it may say."""
    return None if words == "absent" else value if words == "stated" else words[0]


def meant(only: Only, says: FieldValues) -> bool | None:
    """Whether a row is one of those that are meant."""
    return all_of(says_one_of(says.get(name), words) for name, words in only.items())


def scene_of(
    entry: RegisterCase,
    register: str,
    records: RegisterBinding,
    joined: Mapping[str, RegisterBinding],
    context: EvaluationContext,
) -> Fixture | None:
    """The entry in the columns that a map names; None where they cannot tell one of its moments."""
    whole = {register: [entry.says, *entry.beside], **entry.others}
    bound = {register: records, **joined}
    for name, rows in whole.items():
        for says in rows:
            for told, value in says.items():
                if isinstance(value, datetime | OutOfRange) and not is_exact(bound[name].fields[told], value):
                    return None
    others = {
        bound[name].name: [_cells(says, bound[name], context) for says in rows] for name, rows in entry.others.items()
    }
    own = [*(_cells(says, records, context) for says in entry.beside), *others.pop(records.name, ())]
    return Fixture(_cells(entry.says, records, context), others, own)


def _cells(says: FieldValues, records: RegisterBinding, context: EvaluationContext) -> Cells:
    return {records.fields[name].column: _cell(records, name, value, context) for name, value in says.items()}


def _cell(records: RegisterBinding, name: str, value: Any, context: EvaluationContext) -> Any:
    if isinstance(value, datetime | OutOfRange):
        return encode(records.fields[name], value, context.zone_name)
    return _translated(records, name, value) if isinstance(value, str) else value


def _translated(records: RegisterBinding, name: str, text: str) -> str:
    """The register's word for one of the policy's, in capitals and with blanks round it as that is."""
    word = text.strip()
    theirs = {ours.lower(): word for ours, word in records.words.get(name, {}).items()}.get(word.lower(), word)
    return text.replace(word, theirs.upper() if word.isupper() else theirs) if word else text


def on_edges(entries: Sequence[RegisterCase], who: Selector) -> Iterator[RegisterCase]:
    """The entries, with rows of which it is the question whether they are meant."""
    yield from entries
    for state in (RowState.VIOLATING, RowState.COMPLIANT):
        yield from (edge for entry in [one for one in entries if one.state is state][:1] for edge in who.edges(entry))


def in_scope(entry: RegisterCase, who: Selector, base: FieldValues) -> RegisterCase:
    """The entry over what a row says that is meant; out of scope or undecidable where it says otherwise itself."""
    says = {**base, **entry.says}
    holds, state = who.holds(says), entry.state
    if holds is False:
        state = RowState.OUT_OF_SCOPE
    elif holds is None and state is not RowState.COMPLIANT:
        state = RowState.UNDECIDABLE
    return replace(entry, state=state, says=says, beside=[{**base, **other} for other in entry.beside])


def self_test_cases_of(
    entries: Iterable[RegisterCase], who: Selector, joined: Mapping[str, RegisterBinding]
) -> Iterator[SelfTestCase]:
    """The entries as self-test cases; without those whose moments the columns that a map names cannot tell."""
    for entry in entries:
        fixture = scene_of(entry, who.register, who.records, joined, who.context)
        if fixture is not None:
            yield SelfTestCase(entry.name, entry.state, fixture, entry.alone)


def exceptions(broken: RegisterCase, unless: Only, who: Selector) -> Iterator[RegisterCase]:
    """A row in breach that says that it is excepted, and so keeps the promise; or perhaps does, or does not."""
    every = {name: that_says(words, who.value(name)) for name, words in unless.items()}
    for name, words in unless.items():
        for value in who.alternatives(name, words):
            is_excepted = meant(unless, {**every, name: value})
            state = {True: RowState.COMPLIANT, False: RowState.VIOLATING, None: RowState.UNDECIDABLE}[is_excepted]
            yield broken.but(f"whose {name} may except it", state, **{**every, name: value})


def standing(name: str, meant: Selector, says: FieldValues) -> Iterator[SelfTestCase]:
    """What leans on one row of a register, which may hold at T or not: compliant where it does."""
    row = RegisterCase("registered", RowState.COMPLIANT, says)
    for entry in (row, *meant.edges(row)):
        whole = replace(entry, says={**meant.base(), **entry.says})
        fixture = scene_of(whole, meant.register, meant.records, {}, meant.context)
        if fixture is not None:
            state = STATES_OF_KEPT[meant.holds(whole.says)]
            yield SelfTestCase(f"{name} {entry.name}", state, Fixture({}, {meant.records.name: [fixture.row]}))


STATES_OF_KEPT = {True: RowState.COMPLIANT, False: RowState.VIOLATING, None: RowState.UNDECIDABLE}
"""What a row is by whether the promise is kept."""
