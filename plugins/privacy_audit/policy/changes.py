"""What became of the promises: two versions of policy and store maps held against each other, in sentences. Pure.

`promises` is what is promised and checked, as plain data that can be kept for as long as a report must be explained.
`changes` names every difference between two of them. A difference of which nobody can tell whether it loosens or
tightens (another column, another register) is told as changed: nothing that differs is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from privacy_audit import wording
from privacy_audit.model import Control, Policy, Severity
from privacy_audit.periods import Period
from privacy_audit.policy.consistency import SECONDS_TOLERATED

if TYPE_CHECKING:  # a reader of the policy needs no SQL, and what becomes of it in a store does
    from privacy_audit.suites import Coverage

Promises = Mapping[str, Any]
"""What `promises` makes, also after it was kept as JSON."""
Leaves = dict[str, Any]
"""Path inside a part of a rule, as `latest[0].column`, to what stands there."""
Compare = Callable[[Any, Any], "Direction"]


class Direction(StrEnum):
    """What a change does to the persons whose data it is. In the order in which people are told."""

    LOOSENED = "loosened"
    """Something is promised, checked or found no more that was before."""
    CHANGED = "changed"
    """Something else is checked, and nobody can tell which of the two is stricter. As suspicious as loosened."""
    TIGHTENED = "tightened"
    """Something is promised, checked or found that was not before."""

    @property
    def reverse(self) -> Direction:
        """What the way back would be."""
        return _REVERSE.get(self, self)


_REVERSE = {Direction.LOOSENED: Direction.TIGHTENED, Direction.TIGHTENED: Direction.LOOSENED}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference between two versions of what is promised and checked."""

    direction: Direction
    subject: str
    """Id of the control or of the check, or the name of the store, that differs."""
    sentence: str
    """What differs, for a reader without SQL."""


def promises(policy: Policy, coverages: Iterable[Coverage]) -> dict[str, Any]:
    """What is promised and checked, as plain JSON: controls, each check's rule, and what each store's owner signed."""
    bound = sorted(coverages, key=lambda coverage: coverage.store.store)
    return {
        "controls": {control.id: _control(control) for control in sorted(policy.controls, key=lambda it: it.id)},
        "stores": {it.store.store: {"excused": sorted(entry.control.id for entry in it.excused)} for it in bound},
        "checks": {check.id: _rule(check.rule.as_json()) for coverage in bound for check in coverage.checks},
        "formerly": {
            "controls": {old: it.id for it in policy.controls for old in it.formerly},
            "checks": dict(_former_ids(bound)),
        },
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without the log of purge runs: with or without it, the same is promised and the same rows are found."""
    return {field: value for field, value in rule.items() if field != "purge_runs"}


def _former_ids(bound: Iterable[Coverage]) -> Iterator[tuple[str, str]]:
    """Ids that checks had under other names of their table or control, with the one they have."""
    for coverage in bound:
        for check in coverage.checks:
            for control, table in check.former_names(coverage.store):
                group = [check.rule.qualifier] if check.rule.qualifier else []
                yield "/".join((check.store, table, control, *group)), check.id


def _control(control: Control) -> dict[str, Any]:
    return {
        "title": control.title,
        "kind": control.kind,
        "severity": control.severity.value,
        "categories": sorted(category.value for category in control.categories),
        "parameters": {name: _spelt_alike(name, value) for name, value in sorted(control.parameters.items())},
        "effective_from": control.effective_from.isoformat(),
        "effective_to": control.effective_to.isoformat() if control.effective_to else None,
        "clauses": sorted(control.clauses),
    }


def _spelt_alike(parameter: str, value: str) -> str:
    """12 months and a year are one period, and no change of the promise."""
    return str(Period.parse(value)) if parameter in _PERIODS else value


def changes(before: Promises, after: Promises) -> tuple[PolicyChange, ...]:
    """What differs: loosened first, then changed, then tightened. The same promises give no change, nor does a table
    or a control that has another name now."""
    before = _renamed(before, after.get("formerly", {}))
    found = (*_stores(before, after), *_controls(before, after), *_excused(before, after), *_checks(before, after))
    order = list(Direction)
    return tuple(sorted(found, key=lambda it: (order.index(it.direction), it.subject, it.sentence)))


def _renamed(before: Promises, formerly: Mapping[str, Mapping[str, str]]) -> Promises:
    """What was promised, under the names that its controls and tables have now."""
    controls, checks = formerly.get("controls", {}), formerly.get("checks", {})
    if not controls and not checks:
        return before
    return {
        **before,
        "controls": {controls.get(name, name): control for name, control in before["controls"].items()},
        "stores": {
            name: {**store, "excused": sorted(controls.get(one, one) for one in store["excused"])}
            for name, store in before["stores"].items()
        },
        "checks": dict(_renamed_check(check, rule, checks.get(check)) for check, rule in before["checks"].items()),
    }


def _renamed_check(check: str, rule: Mapping[str, Any], now: str | None) -> tuple[str, Mapping[str, Any]]:
    return (now, {**rule, "table": _CheckName.parse(now).table}) if now else (check, rule)


def one_way(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether one of two rules only finds more than the other, so that what they find can be told by subtraction."""
    directions = {direction for _, direction, _ in _differences(was, now)}
    return len(directions) < 2 and Direction.CHANGED not in directions


def _stores(before: Promises, after: Promises) -> Iterator[PolicyChange]:
    for name, was, now in _pairs(before, after, "stores"):
        if now is None:
            gone = _gone(check for check in _names(before) if check.store == name)
            yield PolicyChange(Direction.LOOSENED, name, f"Store {name}: it is audited no more{gone}.")
        elif was is None:
            yield PolicyChange(Direction.TIGHTENED, name, f"Store {name}: it is audited now.")


def _controls(before: Promises, after: Promises) -> Iterator[PolicyChange]:
    for name, was, now in _pairs(before, after, "controls"):
        if now is None:
            gone = _gone(check for check in _names(before) if check.control == name)
            yield PolicyChange(Direction.LOOSENED, name, f"{name} {was['title']}: it is promised no more{gone}.")
        elif was is None:
            yield PolicyChange(Direction.TIGHTENED, name, f"{name} {now['title']}: it is promised now.")
        else:
            for direction, words in _of_control(was, now):
                yield PolicyChange(direction, name, f"{name} {was['title']}: {words}.")


def _gone(checks: Iterable[_CheckName]) -> str:
    """The checks that go with what they belong to; they are not named one by one."""
    amount = len(list(checks))
    return f", and {wording.count(amount, 'check')} of it {'is' if amount == 1 else 'are'} gone" if amount else ""


def _of_control(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[Direction, str]]:
    for field in ("kind", "title", "severity", "clauses", "effective_from", "effective_to"):
        if was[field] != now[field]:
            yield _direction(field, was[field], now[field]), _said(field, was[field], now[field])
    for category in _left(was["categories"], now["categories"]):
        yield Direction.LOOSENED, f"it speaks no more of the category {_shown('category', category)}"
    for category in _left(now["categories"], was["categories"]):
        yield Direction.TIGHTENED, f"it speaks of the category {_shown('category', category)} now"
    for name in _changed_parameters(was, now):
        old, new = was["parameters"].get(name), now["parameters"].get(name)
        yield _direction(name, old, new), _said(name, old, new)


def _changed_parameters(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    old, new = was["parameters"], now["parameters"]
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _left(names: Iterable[str], others: Collection[str]) -> list[str]:
    return sorted(name for name in names if name not in others)


def _excused(before: Promises, after: Promises) -> Iterator[PolicyChange]:
    """What owners signed, in stores and of controls that both versions have: of the others more was said already."""
    for store, was, now in _pairs(before, after, "stores"):
        if was is None or now is None:
            continue
        for control in _left(now["excused"], was["excused"]):
            if control in before["controls"] and control in after["controls"]:
                words = f"the owner of store {store} signed that it has nothing to look at there"
                yield _of_store(Direction.LOOSENED, store, control, after, words)
        for control in _left(was["excused"], now["excused"]):
            if control in before["controls"] and control in after["controls"]:
                words = f"the owner of store {store} signs no more that it has nothing to look at there"
                yield _of_store(Direction.TIGHTENED, store, control, after, words)


def _of_store(direction: Direction, store: str, control: str, said: Promises, words: str) -> PolicyChange:
    title = said["controls"][control]["title"]
    return PolicyChange(direction, f"{store}/_store/{control}", f"{control} {title}: {words}.")


@dataclass(frozen=True, slots=True)
class _CheckName:
    """The parts of a check's id."""

    store: str
    table: str
    control: str
    group: str

    @classmethod
    def parse(cls, check: str) -> _CheckName:
        store, table, control, *group = check.split("/")
        return cls(store, table, control, "".join(group))

    def in_words(self, rule: Mapping[str, Any]) -> str:
        """`RET-4, Visits (web.visits of store web)`."""
        group = f", group {self.group}" if self.group else ""
        return f"{self.control}, {rule['title']}{group} ({self.table} of store {self.store})"

    def belongs_to(self, said: Promises) -> bool:
        return self.store in said["stores"] and self.control in said["controls"]


def _names(said: Promises) -> Iterator[_CheckName]:
    return map(_CheckName.parse, said["checks"])


def _checks(before: Promises, after: Promises) -> Iterator[PolicyChange]:
    for check, was, now in _pairs(before, after, "checks"):
        name = _CheckName.parse(check)
        if not (name.belongs_to(before) and name.belongs_to(after)):
            continue  # the whole store or the whole control came or went, and that was said
        if now is None:
            yield PolicyChange(Direction.LOOSENED, check, f"{name.in_words(was)}: it is checked no more.")
        elif was is None:
            yield PolicyChange(Direction.TIGHTENED, check, f"{name.in_words(now)}: it is checked now.")
        else:
            said = _changed_parameters(before["controls"][name.control], after["controls"][name.control])
            for field, direction, words in _differences(was, now):
                if field not in said:
                    yield PolicyChange(direction, check, f"{name.in_words(was)}: {words}.")


def _pairs(before: Promises, after: Promises, part: str) -> Iterator[tuple[str, Any, Any]]:
    """Each name with what it stands for before and after; None where it is not there."""
    for name in sorted({*before[part], *after[part]}):
        yield name, before[part].get(name), after[part].get(name)


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Direction, str]]:
    """Field, direction and words of each difference between two rules. What a rule does not name is at its default."""
    for field in sorted({*was, *now}):
        old, new = was.get(field), now.get(field)
        if old == new:
            continue
        told = _SPECIAL.get(field, _plain)(field, old, new)
        yield from ((field, direction, words) for direction, words in told)


def _plain(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    direction = _direction(field, was, now)
    if direction is Direction.CHANGED and isinstance(was, dict) and isinstance(now, dict):
        yield direction, _inside(field, _leaves(was), _leaves(now))
    else:
        yield direction, _said(field, was, now)


def _clock(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    """A clock, and apart from it what a moment that is missing or to come stands for: there the direction is known."""
    old, new = _leaves(was), _leaves(now)
    for path in sorted({*old, *new}):
        name = path.rpartition(".")[2]
        before, after = (side.pop(path, _UNKNOWN) if name in _MEANINGS else None for side in (old, new))
        if before != after:
            yield _direction(name, before, after), _said(name, before, after)
    if old != new:
        yield Direction.CHANGED, _inside(field, old, new)


def _out_of_scope(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    """Conditions as the rows they leave out; together they leave out what any of them does."""
    old, new = _conditions(was), _conditions(now)
    if more := new - old:
        yield Direction.LOOSENED, f"rows are left out now where {_alternatives(more)}"
    if less := old - new:
        yield Direction.TIGHTENED, f"rows are left out no more where {_alternatives(less)}"
    if old == new:
        yield Direction.CHANGED, f"{_name(field)} are written in another way"


def _conditions(conditions: Any) -> frozenset[tuple[str, str]]:
    """Column and value, in words, of each condition."""
    return frozenset(
        (it["column"], _shown("value", value))
        for it in conditions or ()
        for value in (["missing"] if it.get("is_null") else it.get("in") or [it.get("equals")])
    )


def _alternatives(conditions: Collection[tuple[str, str]]) -> str:
    columns = sorted({column for column, _ in conditions})
    values = {name: " or ".join(sorted(value for column, value in conditions if column == name)) for name in columns}
    return ", or ".join(f"column {name} is {values[name]}" for name in columns)


_UNKNOWN = "unknown"
_MEANINGS = ("null_means", "future_means", "absent_means")
_PERIODS = ("period", "review_after")
_SPECIAL = {"clock": _clock, "mark": _clock, "out_of_scope": _out_of_scope}
_START = date(2023, 1, 1)
_STARTS = [_START + timedelta(days=day) for day in range(4 * 365 + 1)]
"""Each day of four years: a month has 28 to 31 days, and a year one more in one of them."""


def _looser_the_higher(rank: Callable[[Any], Any]) -> Compare:
    def compare(was: Any, now: Any) -> Direction:
        old, new = rank(was), rank(now)
        if old == new:
            return Direction.CHANGED
        return Direction.LOOSENED if old < new else Direction.TIGHTENED

    return compare


def _looser_the_lower(rank: Callable[[Any], Any]) -> Compare:
    compare = _looser_the_higher(rank)
    return lambda was, now: compare(was, now).reverse


def _by_length(was: str | None, now: str | None) -> Direction:
    """Periods by when they end, from whichever day they run. None never ends."""
    if was is None or now is None:
        return Direction.LOOSENED if now is None else Direction.TIGHTENED
    old, new = Period.parse(was), Period.parse(now)
    ends = [(old.add_to(day), new.add_to(day)) for day in _STARTS]
    later, earlier = any(one < other for one, other in ends), any(one > other for one, other in ends)
    if later is earlier:
        return Direction.CHANGED
    return Direction.LOOSENED if later else Direction.TIGHTENED


def _by_columns(was: list[str] | None, now: list[str] | None) -> Direction:
    """A row in which all of the columns are empty is left out; without columns none is."""
    old, new = frozenset(was or ()), frozenset(now or ())
    if (old > new and new) or not old:
        return Direction.LOOSENED
    return Direction.TIGHTENED if new > old or not new else Direction.CHANGED


def _reasons(legal_reason: Any) -> int:
    """How many rows a reason may keep on after the shorter period: 0 none, 1 those that name one, 2 all."""
    return 0 if legal_reason is None else 1 if "column" in legal_reason else 2


_DIRECTIONS: dict[str, Compare] = {
    "severity": _looser_the_higher(lambda severity: list(Severity).index(Severity(severity))),
    "effective_from": _looser_the_higher(str),
    "effective_to": _looser_the_lower(lambda day: day or "9999-12-31"),
    "age": _looser_the_lower(lambda age: int(age or 0)),
    "nights": _looser_the_lower(lambda nights: int(nights or 0)),
    "tolerance_seconds": _looser_the_higher(lambda seconds: int(seconds or SECONDS_TOLERATED)),
    "period": _by_length,
    "review_after": _by_length,
    "columns_of_group": _by_columns,
    "may_be_empty": _looser_the_higher(bool),
    "null_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "future_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "absent_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "row_period": _looser_the_lower(bool),  # the policy's caps it, so it can only be shorter
    "legal_reason": _looser_the_higher(_reasons),
    "holds": _looser_the_higher(bool),
}
"""Which way a difference goes, where that can be told. All else is changed."""


def _direction(field: str, was: Any, now: Any) -> Direction:
    compare = _DIRECTIONS.get(field)
    return compare(was, now) if compare else Direction.CHANGED


_NAMES = {
    "kind": "the kind of control",
    "clauses": "the list of its clauses",
    "effective_from": "the first day",
    "effective_to": "the last day",
    "period": "the period",
    "review_after": "the period after which only a legal reason keeps a row",
    "age": "the age from which nobody needs a guardian's consent",
    "nights": "the number of nights that are looked at",
    "tolerance_seconds": "the number of seconds by which clocks may differ",
    "title": "the title",
    "relation": "the kind of table",
    "key": "the key of the rows",
    "zone": "the time zone",
    "no_data_before": "the first day from which a moment is believed",
    "may_be_empty": "whether the table may be empty",
    "columns_of_group": "the data",
    "null_means": "what a missing moment stands for",
    "future_means": "what a moment to come stands for",
    "absent_means": "what it stands for when no row is joined",
    "row_period": "the shorter period of a row's own",
    "holds": "the register of legal holds that keep rows",
    "subject": "the way to the person of a row",
    "mark": "the mark of deleted rows",
    "persons": "the table of persons",
    "consents": "the register of consents",
    "guardian_consents": "the register of guardians' consents",
    "form": "the form of a consent",
    "out_of_scope": "the conditions under which rows are left out",
    "categories": "the list of categories that a hold may keep",
}
"""What a field is called in a sentence; where none is given, its own name will do."""
_NOTHING = {"columns_of_group": "the whole row", "effective_to": "open", "may_be_empty": "no"}
"""What it means that a field is not there."""


def _name(field: str) -> str:
    return _NAMES.get(field) or f"the {field.replace('_', ' ')}"


def _said(field: str, was: Any, now: Any) -> str:
    return f"{_name(field)} was {_shown(field, was)} and is {_shown(field, now)} now"


def _inside(field: str, was: Leaves, now: Leaves) -> str:
    """`the clock changed: column was recorded_at and is created_at now`."""
    paths = sorted(path for path in {*was, *now} if was.get(path) != now.get(path))
    parts = (
        f"{_spaced(path)} was {_shown(path, was.get(path))} and is {_shown(path, now.get(path))}" for path in paths
    )
    return f"{_name(field)} changed: {'; '.join(parts)} now"


def _spaced(path: str) -> str:
    return path.replace("_", " ").replace(".", " ")


def _leaves(part: Any, path: str = "") -> Leaves:
    """A nested part, flat. A list of plain values is one leaf."""
    if isinstance(part, dict):
        parts = [(f"{path}.{key}".lstrip("."), value) for key, value in part.items()]
    elif isinstance(part, list) and any(isinstance(value, dict) for value in part):
        parts = [(f"{path}[{number}]", value) for number, value in enumerate(part)]
    else:
        return {} if part is None else {path: part}
    return {leaf: value for below, inner in parts for leaf, value in _leaves(inner, below).items()}


def _shown(field: str, value: Any) -> str:
    """A value as people write it."""
    match value:
        case None | []:
            return _NOTHING.get(field, "not set")
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_shown(field, item) for item in value)
        case {"table": str(table)}:
            return table
        case dict():
            return ", ".join(f"{_spaced(name)} {_shown(name, item)}" for name, item in _leaves(value).items())
    return _shown_text(field, str(value))


def _shown_text(field: str, text: str) -> str:
    if field in _PERIODS:
        return Period.parse(text).words
    if field in ("effective_from", "effective_to", "no_data_before"):
        return wording.day(date.fromisoformat(text))
    return (
        f"“{text}”"
        if field in ("title", "event", "always")
        else text.replace("_", " ")
        if field in ("category", "kind")
        else text
    )
