"""What must be true, read and proved to be whole: policy and store maps, and what people laid down about findings.

Nothing half-configured ever runs: every mistake of every file is told at once, and then nothing is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from privacy_audit import controls
from privacy_audit.compiler import suites
from privacy_audit.config import attestation_file, handling, register_files
from privacy_audit.config.handling import Handling
from privacy_audit.config.policy import policy_reader
from privacy_audit.config.settings import Settings, expectations, load
from privacy_audit.config.store_map import StoreMap
from privacy_audit.config.yaml import documents
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.domain.promises import Policy
from privacy_audit.findings import waivers
from privacy_audit.findings.transitions import HandlingRules
from privacy_audit.findings.waivers import Waiver


@dataclass(frozen=True)
class Configuration:
    """What must be true, read and proved to be whole."""

    settings: Settings
    policy: Policy
    coverages: tuple[suites.StoreCoverage, ...]
    handling: Handling = field(default_factory=Handling)
    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[attestation_file.Attestation, ...] = ()
    """What people say of promises that no database shows."""

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The compiled suites as they should be."""
        return suites.compile_suites(self.policy, self.coverages)

    @cached_property
    def digest(self) -> str:
        """Of policy, law, store maps with their registers on file, attestations, waivers and handling: all that a
        report depends on besides the stores, T and the audit database."""
        maps = (coverage.store.model_dump_json() for coverage in self.coverages)
        waived = (waiver.key for waiver in self.waivers)
        attested = (attestation.model_dump_json() for attestation in self.attestations)
        law = self.policy.law.digest if self.policy.law else ""
        parts = (self.policy.digest, law, *maps, *attested, *waived, self.handling.model_dump_json())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def rules(self) -> HandlingRules:
        """What people laid down about findings."""
        formerly = {new: old for it in self.coverages for new, old in suites.former_fingerprints(it).items()}
        return HandlingRules(self.handling, self.waivers, formerly)

    def coverage(self, store: str) -> suites.StoreCoverage:
        """What becomes of each control in a store; KeyError when there is no such store."""
        return {coverage.store.store: coverage for coverage in self.coverages}[store]


def read_configuration(settings: Settings | None = None, policy_file: Path | None = None) -> Configuration:
    """Policy and store maps; ConfigurationRefusedError with every mistake of every file.

    `policy_file` stands in for the policy of the expectations.
    """
    settings = settings or load()
    mistakes: list[Mistake] = []
    coverages: list[suites.StoreCoverage] = []
    promises: Policy | None = None
    try:
        promises = policy_reader.load(settings.expectations, controls.kinds(), policy_file)
    except ConfigurationRefusedError as error:
        mistakes += error.mistakes
    for path in _map_files(settings.expectations):
        try:
            parsed = _read_map(path, settings.expectations)
            if promises:
                store = register_files.with_files(parsed.value, settings.expectations)
                coverages.append(suites.bind(promises, store, parsed.document.place))
        except ConfigurationRefusedError as error:
            mistakes += error.mistakes
    mistakes += _unread(settings.expectations)
    if not coverages and not mistakes:
        mistakes.append(Mistake("expectations/stores", "holds no store map.", "Add one file per store."))
    attested: tuple[attestation_file.Attestation, ...] = ()
    try:
        attested = attestation_file.read(settings.expectations, promises)
    except ConfigurationRefusedError as error:
        mistakes += error.mistakes
    handled, waived, faults = _rules_of_people(settings.expectations, promises, coverages, sound=not mistakes)
    mistakes += faults
    if mistakes or promises is None:
        raise ConfigurationRefusedError(mistakes)
    return Configuration(settings, promises, tuple(coverages), handled, waived, attested)


def _rules_of_people(
    expectations: Path, promises: Policy | None, coverages: Sequence[suites.StoreCoverage], *, sound: bool
) -> tuple[Handling, tuple[Waiver, ...], list[Mistake]]:
    """How findings are handled and which are waived, with the mistakes of both files. Waivers name checks: they are
    read only where policy and store maps are sound."""
    rules = Handling()
    try:
        rules = handling.read(expectations)
        if promises and sound:
            return rules, waivers.read(expectations, _waivable(coverages), rules, promises.zone), []
    except ConfigurationRefusedError as error:
        return rules, (), list(error.mistakes)
    return rules, (), []


def _waivable(coverages: Iterable[suites.StoreCoverage]) -> dict[str, waivers.WaivableCheck]:
    return {
        check.id: waivers.WaivableCheck(check.control, check.rule.never_waived)
        for coverage in coverages
        for check in coverage.checks
    }


def _unread(expectations: Path) -> Iterable[Mistake]:
    """Files that somebody took for store maps: a store that is not audited by a slip of the pen is not silent."""
    for path in sorted((expectations / "stores").glob("*")):
        if path.suffix != ".yaml" and path.suffix.lower() in (".yaml", ".yml"):
            place = documents.name_of(path, expectations.parent)
            yield Mistake(place, "is not read: its name does not end in .yaml.", f"Call it {path.stem}.yaml.")


def _map_files(expectations: Path) -> list[Path]:
    return sorted((expectations / "stores").glob("*.yaml"))


def _read_map(path: Path, expectations: Path) -> documents.ParsedFile[StoreMap]:
    parsed = documents.read(path, StoreMap, root=expectations.parent)
    if parsed.value.store != path.stem:
        fact = f'names store "{parsed.value.store}", but the file is called {path.name}.'
        raise ConfigurationRefusedError([Mistake(parsed.document.place("store"), fact, "Make the two the same.")])
    return parsed


def store_names(folder: Path | None = None) -> list[str]:
    """The stores that have a map in a folder of expectations, by file name alone; none where it holds no maps.

    A DAG file calls it: nothing is read and nothing refused. A name that can be no store's is left out, for no task
    could bear it; `read_configuration` says what is wrong with the file.
    """
    names = [path.stem for path in _map_files(folder or expectations())]
    return [name for name in names if _STORE.fullmatch(name)]


_STORE = re.compile(r"[a-z][a-z0-9_]{0,62}")
