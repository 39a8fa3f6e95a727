"""Compiles policy and store maps into Great Expectations suites: `expectations/suites/<store>/<schema>.<table>.json`.

The suites are generated, committed and reviewed: a loosened period is one line of a diff. `check` says when they no
longer are what policy and maps say. The same check keeps the same id every night.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from privacy_audit.config.policy.consistency import WITHOUT_A_TABLE
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError, Rule, kinds
from privacy_audit.domain.audit import fingerprint_of
from privacy_audit.domain.check_id import CheckId
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Control, Policy

_NAMESPACE = uuid.UUID("6b1d6e0e-5f0a-5d7a-9c3e-2f0d3c1a7b55")
_TAKEN = ("privacy_audit", "records", "company")
"""No store may be called so: among results and tasks these are the audit's own records, and the company as a whole."""
_GX_SEVERITY = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}


@dataclass(frozen=True)
class Check:
    """A control applied to one table of one store."""

    id: str
    """`store/schema.table/control[/qualifier]`."""
    control: Control
    store: str
    rule: Rule

    @property
    def suite(self) -> str:
        """Name of the suite it belongs to: `store.schema.table`."""
        return f"{self.store}.{self.rule.table}"

    def former_names(self, store: StoreMap) -> Iterator[tuple[str, str]]:
        """Control and table as they were called before one of them was renamed, in each combination."""
        controls = (self.control.id, *self.control.formerly)
        tables = (self.rule.table, *store.formerly.get(self.rule.table, ()))
        return islice(product(controls, tables), 1, None)


@dataclass(frozen=True)
class UncheckedControl:
    """A control that nothing in a store lets us check, and nobody signed that there is nothing to check."""

    control: Control
    store: str
    reason: str


@dataclass(frozen=True)
class ExcusedControl:
    """A control that has nothing to look at in a store, as its owner signed."""

    control: Control
    store: str
    reason: str


@dataclass(frozen=True)
class StoreCoverage:
    """What becomes of every control in one store: each is checked, excused or unchecked, never absent."""

    store: StoreMap
    checks: tuple[Check, ...]
    excused: tuple[ExcusedControl, ...]
    unchecked: tuple[UncheckedControl, ...]

    @property
    def answered(self) -> frozenset[str]:
        """Ids of the controls of which this store says something, be it only why it cannot."""
        parts: tuple[Sequence[Check | ExcusedControl | UncheckedControl], ...] = (
            self.checks,
            self.excused,
            self.unchecked,
        )
        return frozenset(entry.control.id for part in parts for entry in part)


Place = Callable[..., str]
"""Where the part at the end of a path stands, as `file:line:column`."""


def bind(policy: Policy, store: StoreMap, place: Place | None = None) -> StoreCoverage:
    """Every control of the policy, bound to one store. ConfigurationRefusedError when map and policy contradict.

    Those about the audit itself and the company as a whole are about no store; those that are company-wide are absent
    where the store keeps no register of theirs (`unanswered` says which no store answers).
    """
    place = place or (lambda *path: f"expectations/stores/{store.store}.yaml")
    signed = {
        name: f"{entry.reason} Signed by {entry.signed_by} on {entry.on:%-d %B %Y}."
        for entry in store.not_applicable
        for name in entry.controls
    }
    checks: list[Check] = []
    unchecked: list[UncheckedControl] = []
    mapped: set[str] = set()
    knowing = store.model_copy(update={"registers": store.registers.knowing(_every_purpose(policy))})
    for control in policy.controls:
        if control.kind in WITHOUT_A_TABLE:
            continue
        bound, problem = _bind_control(control, knowing, policy.zone)
        checks += bound
        mapped |= {control.id} if bound or problem else set()
        elsewhere = kinds()[control.kind].company_wide
        if problem or not (bound or control.id in signed or elsewhere):
            unchecked.append(UncheckedControl(control, store.store, problem or _nothing_mapped(control)))
    mistakes = [
        *_taken(store, place),
        *_unknown_purposes(policy, store, place),
        *_unknown_targets(store, {check.rule.table for check in checks if check.rule.purge_runs}, place),
        *_twice(checks, place),
        *_signed_wrongly(policy, store, mapped, place),
        *_renamed_wrongly(store, {check.rule.table for check in checks}, place),
    ]
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    excused = tuple(ExcusedControl(policy.control(name), store.store, reason) for name, reason in signed.items())
    return StoreCoverage(store, tuple(checks), excused, tuple(unchecked))


def _bind_control(control: Control, store: StoreMap, zone: str) -> tuple[list[Check], str]:
    """The checks of a control, and why it could not bind everywhere (empty when it could)."""
    checks: list[Check] = []
    problems: list[str] = []
    for rule in kinds()[control.kind].bind(control, store, zone):
        if isinstance(rule, BindingError):
            problems.append(f"{rule.reason}.")
            continue
        check_id = CheckId(store.store, rule.table, control.id, rule.qualifier or "")
        checks.append(Check(str(check_id), control, store.store, rule))
    return checks, " ".join(problems)


def unanswered(policy: Policy, coverages: Iterable[StoreCoverage]) -> tuple[Control, ...]:
    """The controls of the policy that need a store to answer them, and that none does."""
    answered = {name for coverage in coverages for name in coverage.answered}
    return tuple(it for it in policy.controls if it.kind not in WITHOUT_A_TABLE and it.id not in answered)


def _nothing_mapped(control: Control) -> str:
    what = ", ".join(category.replace("_", " ") for category in control.categories) or "what it speaks of"
    return (
        f"no table of the store is mapped to {what}, and no owner has signed that the store holds none."
        " Map the table, or add an entry under `not_applicable`."
    )


def _taken(store: StoreMap, place: Place) -> Iterator[Mistake]:
    if store.store in _TAKEN:
        yield Mistake(
            place("store"),
            f'"{store.store}" names the audit\'s own records, or the company as a whole.',
            "Give the store another name.",
        )


def _unknown_purposes(policy: Policy, store: StoreMap, place: Place) -> Iterator[Mistake]:
    """A misspelt purpose would leave the policy's own word standing, which the ledger may not know."""
    known = _purposes(policy)
    for purpose in store.registers.consents.purposes if store.registers.consents else ():
        if purpose not in known:
            where = place("registers", "consents", "purposes", purpose)
            yield Mistake(
                where, f'no control of the policy speaks of purpose "{purpose}".', did_you_mean(purpose, known)
            )


def _every_purpose(policy: Policy) -> set[str]:
    """The purposes of which a control speaks in any way: that one of them is withdrawn says nothing of the others."""

    def spoken_of(value: Any) -> Iterator[str]:
        for key, inner in value.items() if isinstance(value, Mapping) else ():
            if key == "purpose":
                words = [inner] if isinstance(inner, str) else inner
                yield from (word for word in words if isinstance(word, str) and word not in ("stated", "absent"))
            else:
                yield from spoken_of(inner)
        for inner in value if isinstance(value, list | tuple) else ():
            yield from spoken_of(inner)

    return {word for control in policy.controls for word in spoken_of(control.parameters)}


def _purposes(policy: Policy) -> set[str]:
    """The purposes for which a control asks for a consent."""
    return {control.parameters["purpose"] for control in policy.controls if "purpose" in control.parameters}


def _unknown_targets(store: StoreMap, purged: set[str], place: Place) -> Iterator[Mistake]:
    """A misspelt table would leave its own name standing, which the log may not know: no run would be on file."""
    for table in store.registers.purge_runs.targets if store.registers.purge_runs else ():
        if table not in purged:
            fact = f"purge_runs.targets names table {table}, of which no check asks whether rows were deleted."
            yield Mistake(place("registers", "purge_runs", "targets", table), fact, did_you_mean(table, purged))


def _twice(checks: Iterable[Check], place: Place) -> Iterator[Mistake]:
    seen: set[str] = set()
    for check in checks:
        if check.id in seen:
            where = place("tables", check.rule.table, "data")
            fact = f"{check.rule.table} has two groups of columns under {check.control.id}."
            yield Mistake(where, fact, "Give each group a `name`, so that each check keeps an id of its own.")
        seen.add(check.id)


def _signed_wrongly(policy: Policy, store: StoreMap, mapped: set[str], place: Place) -> Iterator[Mistake]:
    known = [control.id for control in policy.controls]
    of_no_store = [control.id for control in policy.controls if control.kind in WITHOUT_A_TABLE]
    seen: set[str] = set()
    for index, entry in enumerate(store.not_applicable):
        for number, name in enumerate(entry.controls):
            where = place("not_applicable", index, "controls", number)
            if name not in known:
                fact = f'not_applicable names control "{name}", which the policy does not have.'
                yield Mistake(where, fact, did_you_mean(name, known))
            elif name in of_no_store:
                fact = f"{name} is about the audit itself or the company as a whole, and about no store."
                yield Mistake(where, fact, "Remove it here.")
            elif name in seen:
                yield Mistake(where, f"{name} is signed as not applicable twice.", "Keep one of the two.")
            elif name in mapped:
                fact = f"{name} is signed as not applicable, but tables are mapped to it."
                yield Mistake(where, fact, "Remove the entry under `not_applicable`, or the mapping.")
            seen.add(name)


def _renamed_wrongly(store: StoreMap, tables: set[str], place: Place) -> Iterator[Mistake]:
    seen: set[str] = set()
    for table, names in store.formerly.items():
        if table not in tables:
            fact = f"formerly names table {table}, which no check looks at."
            yield Mistake(place("formerly", table), fact, did_you_mean(table, tables))
        for number, name in enumerate(names):
            if name in tables or name in seen:
                fact = f"{name} is the name of a table of this map, or the former name of another."
                yield Mistake(place("formerly", table, number), fact, "Its findings can go on under one name only.")
            seen.add(name)


def former_fingerprints(coverage: StoreCoverage) -> dict[str, tuple[str, ...]]:
    """Fingerprint of each check whose table or control was renamed, to those it had before."""

    def of(check: Check, control: str, table: str) -> str:
        return fingerprint_of(control, check.store, table, check.rule.qualifier or "")

    return {
        of(check, check.control.id, check.rule.table): names
        for check in coverage.checks
        if (names := tuple(of(check, *former) for former in check.former_names(coverage.store)))
    }


def compile_suites(policy: Policy, coverages: Iterable[StoreCoverage]) -> dict[str, bytes]:
    """The suites as files: path below `suites/` to content; the same input gives the same bytes."""
    files: dict[str, bytes] = {}
    for coverage in coverages:
        for table in dict.fromkeys(check.rule.table for check in coverage.checks):
            checks = [check for check in coverage.checks if check.rule.table == table]
            text = json.dumps(_suite(policy, checks), indent=2, ensure_ascii=False)
            files[f"{coverage.store.store}/{table}.json"] = f"{text}\n".encode()
    return files


def _suite(policy: Policy, checks: list[Check]) -> dict[str, Any]:
    return {
        "name": checks[0].suite,
        "id": _id(checks[0].suite),
        "meta": {"policy": policy.version, "compiled_by": "privacy-audit compile"},
        "expectations": [_expectation(policy, check) for check in checks],
    }


def _expectation(policy: Policy, check: Check) -> dict[str, Any]:
    return {
        "type": check.rule.expectation,
        "id": _id(check.id),
        "severity": _GX_SEVERITY[check.control.severity],
        "kwargs": {
            "check": check.id,
            "rule": check.rule.as_json(),
            "as_of": {"$PARAMETER": "as_of"},
            "budget": {"$PARAMETER": "budget"},
        },
        "meta": {
            "control": check.control.id,
            "severity": check.control.severity.value,
            "promise": check.rule.sentence,
            "clauses": [policy.clause(clause).quote for clause in check.control.clauses],
            "legal_basis": list(check.control.legal_basis),
        },
    }


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def write(expectations: Path, files: Mapping[str, bytes]) -> list[str]:
    """Makes `suites/` hold exactly these files; the paths that changed."""
    changed = stale(expectations, files)
    root = expectations / "suites"
    for path in changed:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path])
        else:
            target.unlink()
    return changed


def stale(expectations: Path, files: Mapping[str, bytes]) -> list[str]:
    """The paths below `suites/` that are missing, different or no longer wanted."""
    root = expectations / "suites"
    present = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.glob("*/*.json"))}
    return sorted(path for path in {*present, *files} if present.get(path) != files.get(path))


def check(expectations: Path, files: Mapping[str, bytes]) -> None:
    """ConfigurationRefusedError when the committed suites are not what policy and maps say."""
    mistakes = [
        Mistake(
            f"expectations/suites/{path}",
            "is not what policy and store map say.",
            "Run `privacy-audit compile`, review the difference and commit it.",
        )
        for path in stale(expectations, files)
    ]
    if mistakes:
        raise ConfigurationRefusedError(mistakes)


def load(expectations: Path, store: str) -> list[dict[str, Any]]:
    """The committed suites of a store, as Great Expectations reads them, in the order of their names."""
    return [json.loads(path.read_bytes()) for path in sorted((expectations / "suites" / store).glob("*.json"))]
