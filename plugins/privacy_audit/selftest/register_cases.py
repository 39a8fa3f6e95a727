"""Specimens of a company's registers: rows by what their fields say, before any map has named their columns.

Which rows a control speaks of is reckoned here in plain Python, in three ways as everywhere: yes, no, and None where
nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from privacy_audit.config.map_clocks import ColumnClock, Encoding
from privacy_audit.config.map_registers import Records
from privacy_audit.config.registers import COMPANY_REGISTERS, Of
from privacy_audit.domain.periods import local_date
from privacy_audit.selftest.case import ME, Cells, Scene, Specimen
from privacy_audit.selftest.made_up_times import DAY, Beyond, first_of, next_after, quiet, tells, too_early, written
from privacy_audit.sql.evaluation_context import Frame
from privacy_audit.sql.register_rows import InForce, Only
from privacy_audit.sql.row_predicates import State

Says = Mapping[str, Any]
"""Field to what it says: a text in the policy's words, a number, a flag, a moment, `ME`, or None for nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a register, with rows of other registers, and what must be said of it where it is meant."""

    name: str
    state: State
    says: Says
    others: Mapping[str, Sequence[Says]] = field(default_factory=dict)
    """Rows of other registers, by the register's name."""
    beside: Sequence[Says] = ()
    """Further rows of its own register; of a rule that judges a register as a whole, all of them."""

    alone: bool = False
    """Whether it cannot share registers with others, because it speaks of a word that others speak of."""

    def but(self, name: str, state: State, /, **says: Any) -> Entry:
        """The same but for some fields."""
        return replace(self, name=name, state=state, says={**self.says, **says})


@dataclass(frozen=True)
class Meant:
    """Which rows of a register a control speaks of."""

    register: str
    records: Records
    only: Only
    in_force: InForce | None
    frame: Frame
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
            says |= {self.in_force.from_: self.frame.earliest + DAY, self.in_force.to: None}
        return says

    def no_facts(self, name: str) -> list[datetime | None]:
        """What a moment may not be: none, one from before the company, one after T."""
        return [None, *self.impossible(name)]

    def impossible(self, name: str) -> list[datetime]:
        """Moments that cannot be a fact: one from before the company, one after T."""
        return [too_early(self.frame), next_after(self.records.fields[name], self.frame)]

    def value(self, name: str) -> Any:
        """Something that a field may say."""
        match COMPANY_REGISTERS[self.register].fields[name]:
            case Of.TEXT:
                return "a value"
            case Of.PERSON:
                return ME
            case Of.MOMENT:
                return quiet(self.frame)
            case Of.NUMBER:
                return 1
            case Of.FLAG:
                return True

    def holds(self, says: Says) -> bool | None:
        """Whether a row is meant."""
        return all_of([meant(self.only, says), self._in_force(says), self._is_since(says)])

    def edges(self, broken: Entry) -> Iterator[Entry]:
        """A row in breach that is not meant, or of which nobody can tell; fields that it needs itself stay."""
        frame = self.frame
        changes = [{name: value} for name, words in self.only.items() for value in self.alternatives(name, words)]
        if self.in_force:
            first, last = self.in_force.from_, self.in_force.to
            yesterday = first_of(frame.today, frame) - DAY / 24
            changes += [{first: moment} for moment in (*self.no_facts(first), frame.earliest, frame.as_of)]
            changes += [{last: moment} for moment in (*self.no_facts(last), yesterday, frame.as_of)]
            changes += [{first: frame.earliest, last: frame.earliest}, {first: Beyond(frame.as_of)}]
            changes += [{last: Beyond(frame.as_of)}, {last: Beyond(frame.as_of, last=True)}]
            changes += [{edge: Beyond(frame.as_of, infinite=True)} for edge in (first, last)]
        for change in changes:
            if not change.keys() & broken.says.keys():
                yield broken.but(f"whose {' and '.join(change)} may leave it out", broken.state, **change)

    def alternatives(self, name: str, words: Any) -> list[Any]:
        """What a field may say so that it says one of the words, another, or nothing."""
        own = [*words, f" {words[0].upper()} "] if isinstance(words, tuple) else [self.value(name)]
        return [*own, self._other_than(name, words), None, *self.blanks(name)]

    def blanks(self, name: str) -> list[str]:
        """What says as little as nothing does."""
        return ["  "] if COMPANY_REGISTERS[self.register].fields[name] is Of.TEXT else []

    def _other_than(self, name: str, words: Any) -> Any:
        if words in ("stated", "absent"):
            return None if words == "stated" else self.value(name)
        return f"not {words[0]}"

    def _in_force(self, says: Says) -> bool | None:
        if self.in_force is None:
            return True
        begin, end = says.get(self.in_force.from_), says.get(self.in_force.to)
        clocks, earliest = self.records.fields, self.frame.earliest
        begun = goes_on = None
        if isinstance(begin, datetime) and begin >= earliest:
            begun = self._order(clocks[self.in_force.from_], begin) <= 0
        if end is None or isinstance(end, Beyond):
            goes_on = True if end is None or end.last or end.infinite else None
        elif end >= earliest:
            goes_on = self._goes_on(clocks[self.in_force.to], end)
        return all_of([begun, goes_on])

    def _is_since(self, says: Says) -> bool | None:
        if self.since is None:
            return True
        name, first = self.since
        moment = says.get(name)
        if moment is None or moment < self.frame.earliest or self._order(self.records.fields[name], moment) > 0:
            return None
        return local_date(moment, self.frame.zone) >= first

    def _goes_on(self, clock: ColumnClock, end: datetime) -> bool:
        """Of a day, it is the last on which a row holds."""
        order = self._order(clock, end)
        return order >= 0 if clock.encoding is Encoding.DATE else order > 0

    def _order(self, clock: ColumnClock, moment: datetime) -> int:
        """1 after T, 0 at T, -1 before; by the day where the column tells no more."""
        one, now = moment, self.frame.as_of
        if clock.encoding is Encoding.DATE:
            day, today = local_date(one, self.frame.zone), self.frame.today
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


def meant(only: Only, says: Says) -> bool | None:
    """Whether a row is one of those that are meant."""
    return all_of(says_one_of(says.get(name), words) for name, words in only.items())


def scene_of(
    entry: Entry, register: str, records: Records, joined: Mapping[str, Records], frame: Frame
) -> Scene | None:
    """The entry in the columns that a map names; None where they cannot tell one of its moments."""
    whole = {register: [entry.says, *entry.beside], **entry.others}
    bound = {register: records, **joined}
    for name, rows in whole.items():
        for says in rows:
            for told, value in says.items():
                if isinstance(value, datetime | Beyond) and not tells(bound[name].fields[told], value):
                    return None
    others = {
        bound[name].name: [_cells(says, bound[name], frame) for says in rows] for name, rows in entry.others.items()
    }
    own = [*(_cells(says, records, frame) for says in entry.beside), *others.pop(records.name, ())]
    return Scene(_cells(entry.says, records, frame), others, own)


def _cells(says: Says, records: Records, frame: Frame) -> Cells:
    return {records.fields[name].column: _cell(records, name, value, frame) for name, value in says.items()}


def _cell(records: Records, name: str, value: Any, frame: Frame) -> Any:
    if isinstance(value, datetime | Beyond):
        return written(records.fields[name], value, frame.zone_name)
    return _translated(records, name, value) if isinstance(value, str) else value


def _translated(records: Records, name: str, text: str) -> str:
    """The register's word for one of the policy's, in capitals and with blanks round it as that is."""
    word = text.strip()
    theirs = {ours.lower(): word for ours, word in records.words.get(name, {}).items()}.get(word.lower(), word)
    return text.replace(word, theirs.upper() if word.isupper() else theirs) if word else text


def on_edges(entries: Sequence[Entry], who: Meant) -> Iterator[Entry]:
    """The entries, with rows of which it is the question whether they are meant."""
    yield from entries
    for state in (State.VIOLATING, State.COMPLIANT):
        yield from (edge for entry in [one for one in entries if one.state is state][:1] for edge in who.edges(entry))


def in_scope(entry: Entry, who: Meant, base: Says) -> Entry:
    """The entry over what a row says that is meant; out of scope or undecidable where it says otherwise itself."""
    says = {**base, **entry.says}
    holds, state = who.holds(says), entry.state
    if holds is False:
        state = State.OUT_OF_SCOPE
    elif holds is None and state is not State.COMPLIANT:
        state = State.UNDECIDABLE
    return replace(entry, state=state, says=says, beside=[{**base, **other} for other in entry.beside])


def specimens_of(entries: Iterable[Entry], who: Meant, joined: Mapping[str, Records]) -> Iterator[Specimen]:
    """The entries as specimens; without those whose moments the columns that a map names cannot tell."""
    for entry in entries:
        scene = scene_of(entry, who.register, who.records, joined, who.frame)
        if scene is not None:
            yield Specimen(entry.name, entry.state, scene, entry.alone)


def exceptions(broken: Entry, unless: Only, who: Meant) -> Iterator[Entry]:
    """A row in breach that says that it is excepted, and so keeps the promise; or perhaps does, or does not."""
    every = {name: that_says(words, who.value(name)) for name, words in unless.items()}
    for name, words in unless.items():
        for value in who.alternatives(name, words):
            is_excepted = meant(unless, {**every, name: value})
            state = {True: State.COMPLIANT, False: State.VIOLATING, None: State.UNDECIDABLE}[is_excepted]
            yield broken.but(f"whose {name} may except it", state, **{**every, name: value})


def standing(name: str, meant: Meant, says: Says) -> Iterator[Specimen]:
    """What leans on one row of a register, which may hold at T or not: compliant where it does."""
    row = Entry("registered", State.COMPLIANT, says)
    for entry in (row, *meant.edges(row)):
        whole = replace(entry, says={**meant.base(), **entry.says})
        scene = scene_of(whole, meant.register, meant.records, {}, meant.frame)
        if scene is not None:
            state = STATES_OF_KEPT[meant.holds(whole.says)]
            yield Specimen(f"{name} {entry.name}", state, Scene({}, {meant.records.name: [scene.row]}))


STATES_OF_KEPT = {True: State.COMPLIANT, False: State.VIOLATING, None: State.UNDECIDABLE}
"""What a row is by whether the promise is kept."""
