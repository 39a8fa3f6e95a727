"""Holds the parts of the policy file against each other: ids, dates, parameters, and who computes what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from privacy_audit.config.policy.policy_files import ControlEntry, LawFile, PolicyFile
from privacy_audit.config.yaml.documents import Document
from privacy_audit.config.yaml.tree import Step, in_words
from privacy_audit.domain.errors import Mistake, did_you_mean
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Automation, OwnKind

_PERIODS = ("period", "review_after")
"""Parameters that are calendar periods, whatever the kind."""
OF_THE_AUDIT = frozenset(kind.value for kind in OwnKind)
"""Kinds about the audit itself, in no file of `controls/`: no table is bound to them."""
OF_THE_COMPANY = frozenset({"attestation", "no_residence_filter"})
"""Kinds about the company as a whole, in no file of `controls/`: what is said of them needs no store."""
SECONDS_TOLERATED = 5
"""Between two clocks, where a control of kind `clocks_agree` does not say how many."""
NIGHTS = "nights"
"""Parameter of kind `nightly`: so many nights are looked at, tonight among them."""
_MOST_NIGHTS = 366
_OLDEST_MINOR = 25
"""Years. A higher age of consent is a slip of the pen in every country."""


class KindParameters(Protocol):
    """What a control kind asks of its controls."""

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the parameters that must be there."""

    @property
    def optional_parameters(self) -> frozenset[str]:
        """Names of those that may be left out."""

    def faults(self, parameters: Mapping[str, Any], /) -> Iterable[tuple[tuple[Step, ...], str]]:
        """What is wrong with parameters whose names are right: where, and the fact."""


@dataclass(frozen=True, slots=True)
class _NoParameters:
    """Names of parameters, of which nothing more is asked."""

    parameters: frozenset[str] = frozenset()
    optional_parameters: frozenset[str] = frozenset()

    def faults(self, parameters: Mapping[str, Any], /) -> Iterable[tuple[tuple[Step, ...], str]]:
        return ()


@dataclass(frozen=True, slots=True)
class _Nights:
    """How many nights are looked at."""

    parameters: frozenset[str] = frozenset({NIGHTS})
    optional_parameters: frozenset[str] = frozenset()

    def faults(self, parameters: Mapping[str, Any], /) -> Iterable[tuple[tuple[Step, ...], str]]:
        text = str(parameters[NIGHTS])
        if not (text.isdecimal() and text.isascii() and len(text) < 4 and 2 <= int(text) <= _MOST_NIGHTS):
            yield (NIGHTS,), f'"{text[:80]}" is no number of nights. Write one from 2 to {_MOST_NIGHTS}, as "35".'


_NOTHING: KindParameters = _NoParameters()
WITHOUT_A_TABLE: Mapping[str, KindParameters] = {
    OwnKind.OWN_RECORDS.value: _NOTHING,
    OwnKind.NIGHTLY.value: _Nights(),
    **dict.fromkeys(OF_THE_COMPANY, _NOTHING),
}
"""Kinds in no file of `controls/`, with what they ask."""


def contradictions(
    file: PolicyFile, document: Document, kinds: Mapping[str, KindParameters] | None, rules: Iterable[str] = ()
) -> list[Mistake]:
    """Every place where one part of the policy file does not fit another. `rules`: ids of what the law asks."""
    return [
        *_Clauses(file, document).mistakes(),
        *_of_policy(file, document).mistakes(kinds),
        *_of_conflicts(file, document, (*file.controls, *rules)),
    ]


def _of_conflicts(file: PolicyFile, document: Document, known: Sequence[str]) -> Iterator[Mistake]:
    """A conflict is told with outcomes of controls that there are, each of them once."""
    for name, conflict in file.conflicts.items():
        for number, control in enumerate(conflict.controls):
            path = ("conflicts", name, "controls", number)
            if control not in known:
                fact = f'{in_words(path)}: neither policy nor law has a control "{control}".'
                yield Mistake(document.place(*path), fact, did_you_mean(control, known))
            elif control in conflict.controls[:number]:
                fact = f'{in_words(path)}: "{control}" stands here twice.'
                yield Mistake(document.place(*path), fact, "Once is enough.")


def contradictions_of_law(
    law: LawFile, document: Document, file: PolicyFile, kinds: Mapping[str, KindParameters] | None
) -> list[Mistake]:
    """Every place where a part of the law file does not fit another, or the policy that it is read beside."""
    clauses = tuple(clause for section in file.sections for clause in section.clauses)
    rules = _Controls("rules", law.rules, "the law's", clauses, law.effective_from, None, document)
    return [*rules.mistakes(kinds)]


def _of_policy(file: PolicyFile, document: Document) -> _Controls:
    clauses = tuple(clause for section in file.sections for clause in section.clauses)
    dates = (file.effective_from, file.effective_to)
    return _Controls("controls", file.controls, "the policy's", clauses, *dates, document)


def _dates(document: Document, path: tuple[Step, ...], begins: date, ends: date | None) -> Iterator[Mistake]:
    if ends is not None and ends < begins:
        where = (*path, "effective_to")
        fact = f"{in_words(where)}: {ends} lies before effective_from, {begins}."
        yield Mistake(document.place(*where), fact, "Write a later day.")


@dataclass(frozen=True, slots=True)
class _Clauses:
    """The clauses of the policy, and who computes them. A rule of the law computes no clause: it is no promise."""

    file: PolicyFile
    document: Document

    def mistakes(self) -> Iterator[Mistake]:
        yield from _dates(self.document, (), self.file.effective_from, self.file.effective_to)
        computed = {clause for control in self.file.controls.values() for clause in control.clauses}
        seen: set[str] = set()
        for number, section in enumerate(self.file.sections):
            for name, clause in section.clauses.items():
                path = ("sections", number, "clauses", name)
                if name in seen:
                    yield self._mistake(path, "another section has a clause of this id.", "An id names one clause.")
                seen.add(name)
                if clause.automation is Automation.CONTROL and name not in computed:
                    yield self._mistake(
                        (*path, "automation"),
                        "no control names this clause.",
                        "Name it in one, or write what is missing.",
                    )
                if clause.automation is not Automation.CONTROL and name in computed:
                    fact = f"says {clause.automation.value}, but a control names this clause."
                    yield self._mistake((*path, "automation"), fact, "Write control, or take the clause out there.")

    def _mistake(self, path: tuple[Step, ...], fact: str, way_out: str = "") -> Mistake:
        return Mistake(self.document.place(*path), f"{in_words(path)}: {fact}", way_out)


@dataclass(frozen=True, slots=True)
class _Controls:
    """The controls of one file, the policy's or the law's."""

    root: str
    """Key of the file under which they stand."""
    entries: Mapping[str, ControlEntry]
    whose: str
    clauses: tuple[str, ...]
    """Ids of the policy's clauses."""
    begins: date
    ends: date | None
    document: Document

    def mistakes(self, kinds: Mapping[str, KindParameters] | None) -> Iterator[Mistake]:
        yield from self._twice_of_the_audit()
        for name, control in self.entries.items():
            yield from self._control(name, control)
            if kinds is not None:
                yield from self._kind(name, control, kinds)

    def _mistake(self, path: tuple[Step, ...], fact: str, way_out: str = "") -> Mistake:
        return Mistake(self.document.place(*path), f"{in_words(path)}: {fact}", way_out)

    def _twice_of_the_audit(self) -> Iterator[Mistake]:
        seen: dict[str, str] = {}
        for name, control in self.entries.items():
            if control.kind in OF_THE_AUDIT and seen.setdefault(control.kind, name) != name:
                fact = f"{seen[control.kind]} is of kind {control.kind} already."
                yield self._mistake((self.root, name, "kind"), fact, "The audit has its own records once.")

    def _control(self, name: str, control: ControlEntry) -> Iterator[Mistake]:
        path = (self.root, name)
        yield from _dates(self.document, path, control.effective_from, control.effective_to)
        yield from self._promised_while_in_force(path, control)
        for number, clause in enumerate(control.clauses):
            if clause not in self.clauses:
                fact = f'the policy has no clause "{clause[:80]}".'
                yield self._mistake((*path, "clauses", number), fact, did_you_mean(clause, self.clauses))
        yield from self._repeated((*path, "clauses"), control.clauses)
        yield from self._repeated((*path, "categories"), control.categories)
        yield from self._formerly(path, name, control)
        yield from self._parameters(path, control.parameters)

    def _promised_while_in_force(self, path: tuple[Step, ...], control: ControlEntry) -> Iterator[Mistake]:
        if control.effective_from < self.begins:
            fact = f"{control.effective_from} lies before {self.whose} own first day, {self.begins}."
            yield self._mistake((*path, "effective_from"), fact, "No promise is older than its policy.")
        if self.ends is not None and (control.effective_to is None or control.effective_to > self.ends):
            fact = f"is promised beyond {self.whose} own last day, {self.ends}."
            yield self._mistake((*path, "effective_to"), fact, f"Write effective_to: {self.ends} or earlier.")

    def _formerly(self, path: tuple[Step, ...], name: str, control: ControlEntry) -> Iterator[Mistake]:
        """A former id belongs to one control, which is the only one that its findings can go on under."""
        taken = {old for other, entry in self.entries.items() if other != name for old in entry.formerly}
        for number, old in enumerate(control.formerly):
            if old in self.entries:
                fact = f'"{old}" is the id of a control of this policy.'
                yield self._mistake(
                    (*path, "formerly", number), fact, "Only an id that is no longer used can be former."
                )
            elif old in taken:
                fact = f'another control was "{old}" too.'
                yield self._mistake((*path, "formerly", number), fact, "Its findings can go on under one of them.")
        yield from self._repeated((*path, "formerly"), control.formerly)

    def _repeated(self, path: tuple[Step, ...], names: tuple[str, ...]) -> Iterator[Mistake]:
        for number, name in enumerate(names):
            if name in names[:number]:
                yield self._mistake((*path, number), f'"{name[:80]}" stands here twice.', "Once is enough.")

    def _parameters(self, path: tuple[Step, ...], parameters: Mapping[str, Any]) -> Iterator[Mistake]:
        for name, value in parameters.items():
            fault = (
                _fault_of_period(str(value)) if name in _PERIODS else _fault_of_age(str(value)) if name == "age" else ""
            )
            if fault:
                yield self._mistake((*path, "parameters", name), fault)

    def _kind(self, name: str, control: ControlEntry, kinds: Mapping[str, KindParameters]) -> Iterator[Mistake]:
        path = (self.root, name)
        asks = WITHOUT_A_TABLE.get(control.kind) or kinds.get(control.kind)
        if asks is None:
            fact = f'there is no kind of control "{control.kind[:80]}".'
            yield self._mistake((*path, "kind"), fact, did_you_mean(control.kind, [*kinds, *WITHOUT_A_TABLE]))
            return
        named = True
        known: Iterable[str] = asks.parameters | asks.optional_parameters
        for parameter in control.parameters:
            if parameter not in known:
                named = False
                fact = f'kind {control.kind} takes no parameter "{parameter[:80]}".'
                yield self._mistake((*path, "parameters", parameter), fact, did_you_mean(parameter, known))
        for parameter in sorted(asks.parameters - control.parameters.keys()):
            named = False
            yield self._mistake((*path, "parameters"), f'kind {control.kind} needs the parameter "{parameter}".')
        for where, fact in asks.faults(control.parameters) if named else ():
            yield self._mistake((*path, "parameters", *where), fact)


def _fault_of_period(text: str) -> str:
    try:
        Period.parse(text)
    except ValueError as error:
        return str(error)
    return ""


def _fault_of_age(text: str) -> str:
    if text.isdecimal() and text.isascii() and len(text) < 3 and 1 <= int(text) <= _OLDEST_MINOR:
        return ""
    return f'"{text[:80]}" is no age of consent. Write whole years from 1 to {_OLDEST_MINOR}, as "15".'
