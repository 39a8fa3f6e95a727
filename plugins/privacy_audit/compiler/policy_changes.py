"""What changed between two policies and their maps: which promise was loosened, tightened, added or dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privacy_audit.domain import phrases
from privacy_audit.domain.check_id import CheckId, of_store
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Control, Policy

if TYPE_CHECKING:  # a reader of the policy needs no SQL, and what becomes of it in a store does
    from privacy_audit.compiler.suites import StoreCoverage

from privacy_audit.compiler.change_directions import SPECIAL, Direction, direction, plain
from privacy_audit.compiler.change_wording import PERIODS, said, shown

Promises = Mapping[str, Any]
"""What `promises` makes, also after it was kept as JSON."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference between two versions of what is promised and checked."""

    direction: Direction
    subject: str
    """Id of the control or of the check, or the name of the store, that differs."""
    sentence: str
    """What differs, for a reader without SQL."""


def promises(policy: Policy, coverages: Iterable[StoreCoverage]) -> dict[str, Any]:
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


def _former_ids(bound: Iterable[StoreCoverage]) -> Iterator[tuple[str, str]]:
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
    return str(Period.parse(value)) if parameter in PERIODS else value


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
    return (now, {**rule, "table": CheckId.parse(now).table}) if now else (check, rule)


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


def _gone(checks: Iterable[CheckId]) -> str:
    """The checks that go with what they belong to; they are not named one by one."""
    amount = len(list(checks))
    return f", and {phrases.count(amount, 'check')} of it {'is' if amount == 1 else 'are'} gone" if amount else ""


def _of_control(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[Direction, str]]:
    for field in ("kind", "title", "severity", "clauses", "effective_from", "effective_to"):
        if was[field] != now[field]:
            yield direction(field, was[field], now[field]), said(field, was[field], now[field])
    for category in _left(was["categories"], now["categories"]):
        yield Direction.LOOSENED, f"it speaks no more of the category {shown('category', category)}"
    for category in _left(now["categories"], was["categories"]):
        yield Direction.TIGHTENED, f"it speaks of the category {shown('category', category)} now"
    for name in _changed_parameters(was, now):
        old, new = was["parameters"].get(name), now["parameters"].get(name)
        yield direction(name, old, new), said(name, old, new)


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
    return PolicyChange(direction, of_store(store, control), f"{control} {title}: {words}.")


def _in_words(check: CheckId, rule: Mapping[str, Any]) -> str:
    """`RET-4, Visits (web.visits of store web)`."""
    group = f", group {check.qualifier}" if check.qualifier else ""
    return f"{check.control}, {rule['title']}{group} ({check.table} of store {check.store})"


def _belongs_to(check: CheckId, promised: Promises) -> bool:
    return check.store in promised["stores"] and check.control in promised["controls"]


def _names(said: Promises) -> Iterator[CheckId]:
    return map(CheckId.parse, said["checks"])


def _checks(before: Promises, after: Promises) -> Iterator[PolicyChange]:
    for check, was, now in _pairs(before, after, "checks"):
        name = CheckId.parse(check)
        if not (_belongs_to(name, before) and _belongs_to(name, after)):
            continue  # the whole store or the whole control came or went, and that was said
        if now is None:
            yield PolicyChange(Direction.LOOSENED, check, f"{_in_words(name, was)}: it is checked no more.")
        elif was is None:
            yield PolicyChange(Direction.TIGHTENED, check, f"{_in_words(name, now)}: it is checked now.")
        else:
            said = _changed_parameters(before["controls"][name.control], after["controls"][name.control])
            for field, direction, words in _differences(was, now):
                if field not in said:
                    yield PolicyChange(direction, check, f"{_in_words(name, was)}: {words}.")


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
        told = SPECIAL.get(field, plain)(field, old, new)
        yield from ((field, direction, words) for direction, words in told)
