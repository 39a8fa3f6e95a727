"""Audits the stores by two policies on one snapshot each, and compares the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.compiler import suites
from privacy_audit.compiler.policy_changes import changes, promises
from privacy_audit.compiler.suites import Check
from privacy_audit.config.policy.consistency import OF_THE_AUDIT
from privacy_audit.config.settings import Settings, load
from privacy_audit.config.yaml import documents
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Cause, Outcome, roll_up
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Control
from privacy_audit.pipeline import auditing, one_at_a_time, planning
from privacy_audit.pipeline.configuration import Configuration, read_configuration
from privacy_audit.simulation.differences import SimulatedChange, Simulation, differences

__all__ = ["SimulatedChange", "Simulation", "simulate"]

_AGAIN = "@other"
"""Marks the id of a check that is run a second time, under the other policy's rule."""


@dataclass(frozen=True)
class _Side:
    """One of the two policies, and what it asks of the stores at T."""

    configuration: Configuration
    in_force: frozenset[str]
    """Ids of the controls asked for that are promised at T."""
    coming: frozenset[str]
    """Ids of those that are promised only later."""

    def checks(self, store: str, controls: frozenset[str]) -> list[Check]:
        return [check for check in self.configuration.coverage(store).checks if check.control.id in controls]


def simulate(
    policy_file: Path, as_of: str | None, stores: Sequence[str] | None, controls: Sequence[str] | None, now: datetime
) -> Simulation:
    """What the policy of a file would change; ConfigurationRefusedError when it, or anything else, is wrong."""
    settings = load()
    configuration, another = read_configuration(settings), _read_other(settings, policy_file)
    planning.prove_known(settings)
    instant = planning.instant_of(as_of, now)
    known_stores = [coverage.store.store for coverage in configuration.coverages]
    known_controls = [*dict.fromkeys(it.id for read in (configuration, another) for it in read.policy.controls)]
    chosen = planning.chosen_from("store", stores, known_stores)
    asked = planning.chosen_from("control", controls, known_controls)
    today, other = _sides(configuration, another, asked, instant)
    with TemporaryDirectory(prefix="privacy-audit-simulation-") as folder:
        looks = [_look(store, today, other, instant, Path(folder)) for store in chosen]
    before = _audit(today, instant, [look[0] for look in looks])
    after = _audit(other, instant, [look[1] for look in looks])
    was, now_promised = (promises(read.policy, read.coverages) for read in (configuration, another))
    return Simulation(
        policy_file.name,
        before,
        after,
        changes(was, now_promised),
        differences(before, after, was["checks"], now_promised["checks"]),
        tuple(_limits(known_stores, chosen, known_controls, asked, (configuration, another), instant, now)),
    )


def _audit(side: _Side, instant: datetime, stores: Sequence[StoreResult]) -> Audit:
    policy = side.configuration.policy
    return Audit(_audit_id(instant), instant, policy, tuple(stores), triggered_by="simulation")


def _read_other(settings: Settings, policy_file: Path) -> Configuration:
    """The maps were well under today's policy: what is wrong with them now is said to be the other's doing."""
    try:
        return read_configuration(settings, policy_file)
    except ConfigurationRefusedError as error:
        name = documents.name_of(policy_file, settings.expectations.parent)
        raise ConfigurationRefusedError(
            mistake if mistake.place.startswith(name) else replace(mistake, fact=f"does not fit {name}: {mistake.fact}")
            for mistake in error.mistakes
        ) from None


def _sides(
    configuration: Configuration, another: Configuration, asked: Sequence[str], instant: datetime
) -> tuple[_Side, _Side]:
    """What neither policy promises yet can make no difference at T, so it is only said; see `_limits`."""
    later = [_coming(read, instant) for read in (configuration, another)]
    neither = later[0] & later[1]

    def side(read: Configuration, coming: frozenset[str]) -> _Side:
        in_force = (control.id for control in planning.in_force_at(read.policy, instant))
        return _Side(read, frozenset(in_force) & frozenset(asked), (coming - neither) & frozenset(asked))

    return side(configuration, later[0]), side(another, later[1])


def _coming(read: Configuration, instant: datetime) -> frozenset[str]:
    today = local_date(instant, ZoneInfo(read.policy.zone))
    return frozenset(control.id for control in read.policy.controls if control.effective_from > today)


def _look(store: str, today: _Side, other: _Side, instant: datetime, results: Path) -> tuple[StoreResult, StoreResult]:
    """What each policy says of a store, on one snapshot."""
    from privacy_audit.engine import auditor

    here, there = (side.checks(store, side.in_force) for side in (today, other))
    rules = {check.id: check.rule for check in here}
    names = {check.id: check.id + ("" if rules.get(check.id) == check.rule else _AGAIN) for check in there}
    again = [replace(check, id=names[check.id]) for check in there if names[check.id] != check.id]
    coverage = today.configuration.coverage(store)
    order = auditor.StoreOrder(
        audit_id=_audit_id(instant),
        as_of=instant,
        coverage=replace(coverage, checks=(*here, *again), excused=(), unchecked=()),
        controls=today.in_force | other.in_force,
        suites=_merged([*_compiled(today, store, here), *_compiled(other, store, again)]),
        results=results,
    )
    seen = one_at_a_time.audit_store(order, auditing.address_of(coverage.store), today.configuration.settings)
    found = {result.id: result for result in seen.checks}
    return (
        _of_side(seen, today, instant, [_told(found[check.id], check) for check in here]),
        _of_side(seen, other, instant, [_told(found[names[check.id]], check) for check in there]),
    )


def _told(result: CheckResult, check: Check) -> CheckResult:
    """The result under the check's own name. Nobody deletes by a rehearsal, so it hands out no draft to do so."""
    return replace(result, id=check.id, draft="")


def _compiled(side: _Side, store: str, checks: Sequence[Check]) -> list[dict[str, Any]]:
    coverage = replace(side.configuration.coverage(store), checks=tuple(checks))
    return [json.loads(content) for content in suites.compile_suites(side.configuration.policy, [coverage]).values()]


def _merged(compiled: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One suite per table, with what both policies ask of it."""
    merged: dict[str, dict[str, Any]] = {}
    for suite in compiled:
        merged.setdefault(suite["name"], {**suite, "expectations": []})["expectations"] += suite["expectations"]
    return [merged[name] for name in sorted(merged)]


def _of_side(seen: StoreResult, side: _Side, instant: datetime, counted: Sequence[CheckResult]) -> StoreResult:
    """The store as an audit under one policy alone would tell of it, and what that policy promises only later."""
    from privacy_audit.engine import check_outcome

    coverage, asked = side.configuration.coverage(seen.name), side.in_force | side.coming
    checks = (
        *counted,
        *(_not_yet(check, instant) for check in side.checks(seen.name, side.coming)),
        *(check_outcome.unchecked(entry) for entry in coverage.unchecked if entry.control.id in asked),
        *(check_outcome.excused(entry) for entry in coverage.excused if entry.control.id in side.in_force),
    )
    outcome = Outcome.NOT_AUDITED if seen.cause else roll_up([check.outcome for check in checks])
    return replace(seen, checks=checks, outcome=outcome)


def _not_yet(check: Check, instant: datetime) -> CheckResult:
    from privacy_audit.engine import check_outcome
    from privacy_audit.postgres import store_errors

    trouble = store_errors.StoreError(Cause.MISSING, _promised_later(check.control))
    return replace(check_outcome.not_audited(check, trouble, instant), cause=None)


def _promised_later(control: Control) -> str:
    begins = phrases.day(control.effective_from)
    return f"{control.id} is promised only from {begins} on. Write an earlier effective_from to see what it would find."


def _audit_id(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}-simulation"


def _limits(
    known_stores: Sequence[str],
    stores: Sequence[str],
    known_controls: Sequence[str],
    controls: Sequence[str],
    read: tuple[Configuration, Configuration],
    instant: datetime,
    now: datetime,
) -> Iterable[str]:
    """What this rehearsal does not look at."""
    coming = [_coming(configuration, instant) for configuration in read]
    told = {
        "Stores not asked for in this run": [name for name in known_stores if name not in stores],
        "Controls not asked for in this run": [name for name in known_controls if name not in controls],
        "Controls that neither policy promises yet": sorted(coming[0] & coming[1] & set(controls)),
        "Not looked at, being about the audit's own records and no store": sorted(
            {it.id for one in read for it in one.policy.controls if it.kind in OF_THE_AUDIT} & set(controls)
        ),
    }
    yield from (f"{what}: {', '.join(names)}." for what, names in told.items() if names)
    yield from planning.read_later(read[0], instant, now)
