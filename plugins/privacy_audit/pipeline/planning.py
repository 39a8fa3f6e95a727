"""Fixes what is audited and by which instant, before the first query."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from privacy_audit.compiler import suites
from privacy_audit.config.policy.consistency import OF_THE_AUDIT, OF_THE_COMPANY, WITHOUT_A_TABLE
from privacy_audit.config.settings import Settings
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Control, Policy
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.configuration import Configuration
from privacy_audit.pipeline.configuration import read_configuration as read_configuration
from privacy_audit.postgres import connections

_CROSSES_MIDNIGHT = timedelta(hours=1)


def plan(
    as_of: str | None, stores: Sequence[str] | None, controls: Sequence[str] | None, run_key: str, now: datetime
) -> AuditOrder:
    """Returns the order of an audit. The same instant and `run_key` give the same audit id.

    Raises ConfigurationRefusedError if the configuration is wrong, a name is unknown, the compiled suites are stale, or
    the audit database is not the one that the reports know.
    """
    configuration = read_configuration()
    suites.check(configuration.settings.expectations, configuration.files)
    prove_known(configuration.settings)
    instant = instant_of(as_of, now)
    known_stores = [coverage.store.store for coverage in configuration.coverages]
    known_controls = [control.id for control in configuration.policy.controls]
    chosen = chosen_from("store", stores, known_stores)
    asked = chosen_from("control", controls, known_controls)
    in_force = [control.id for control in in_force_at(configuration.policy, instant) if control.id in asked]
    own = _of_the_audit(configuration.policy, in_force)
    return AuditOrder(
        audit_id=f"{instant:%Y%m%dT%H%M%SZ}-{hashlib.sha256(run_key.encode()).hexdigest()[:8]}",
        as_of=instant,
        stores=tuple(chosen if _of_stores(configuration.policy, in_force) or not in_force else ()),
        controls=tuple(in_force),
        own_records=tuple(own if chosen == known_stores else ()),
        company=chosen == known_stores and bool(of_the_company(configuration, in_force)),
        whole=len(chosen) == len(known_stores) and len(asked) == len(known_controls),
        read_later=_is_read_later(configuration, instant, now),
        expectations_digest=configuration.digest,
        limits=tuple(_limits(configuration, instant, now, chosen, asked, in_force)),
        triggered_by=run_key,
    )


def prove_known(settings: Settings) -> None:
    """Raises AuditDatabaseRefusedError if the audit database is not the one that the reports know.

    A database that cannot be reached stops no audit: the checks that need it report it, and the results stay unfiled.
    """
    from privacy_audit import audit_db

    with suppress(connections.ConnectionMissingError, audit_db.AuditDatabaseUnavailableError):
        known_database.prove(settings)


def _of_stores(promises: Policy, names: Iterable[str]) -> list[str]:
    """Returns the ids of those controls that are evaluated in stores."""
    return [name for name in names if promises.control(name).kind not in WITHOUT_A_TABLE]


def _of_the_audit(promises: Policy, names: Iterable[str]) -> list[str]:
    """Returns the ids of those controls that are about the audit itself."""
    return [name for name in names if promises.control(name).kind in OF_THE_AUDIT]


def of_the_company(configuration: Configuration, names: Collection[str]) -> list[Control]:
    """Returns those controls that no store answers, so that the company as a whole must."""
    unanswered = suites.unanswered(configuration.policy, configuration.coverages)
    known = [control for control in configuration.policy.controls if control.kind in OF_THE_COMPANY]
    return [control for control in (*known, *unanswered) if control.id in names]


def instant_of(as_of: str | None, now: datetime) -> datetime:
    """Returns T, to the whole second: the given instant, or the present moment."""
    if as_of is None:
        return now.astimezone(UTC).replace(microsecond=0)
    place = "parameter as_of"
    try:
        given = datetime.fromisoformat(as_of)
        in_utc = given.astimezone(UTC)
    except (ValueError, OverflowError):
        fact = "is not an instant in ISO 8601."
        raise ConfigurationRefusedError([Mistake(place, fact, "Write it as 2026-11-24T02:15:00+01:00.")]) from None
    if given.tzinfo is None:
        fact = "has no zone, so it names no instant."
        raise ConfigurationRefusedError([Mistake(place, fact, "Write it as 2026-11-24T02:15:00+01:00.")])
    if given > now:
        fact = "lies in the future. Nobody knows yet what the stores will hold."
        raise ConfigurationRefusedError([Mistake(place, fact, "Write an earlier instant, or leave it out.")])
    return in_utc.replace(microsecond=0)


def chosen_from(what: str, asked: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Returns the known names that were asked for, or all. Raises ConfigurationRefusedError for an unknown name."""
    unknown = [name for name in asked or [] if name not in known]
    if unknown:
        raise ConfigurationRefusedError(
            Mistake(f"parameter {what}s", f'there is no {what} "{name}".', did_you_mean(name, known))
            for name in unknown
        )
    return [name for name in known if not asked or name in asked]


def in_force_at(promises: Policy, instant: datetime) -> list[Control]:
    """Returns the controls that are in force on the civil day of an instant."""
    today = local_date(instant, ZoneInfo(promises.zone))
    return [
        control
        for control in promises.controls
        if control.effective_from <= today and (control.effective_to is None or today <= control.effective_to)
    ]


def _limits(
    configuration: Configuration,
    instant: datetime,
    now: datetime,
    stores: Sequence[str],
    asked: Sequence[str],
    in_force: Sequence[str],
) -> list[str]:
    """Returns one sentence for each thing that this audit does not look at; the report shows them."""
    limits = []
    left_out = [c.store.store for c in configuration.coverages if c.store.store not in stores]
    if left_out:
        limits.append(f"Stores not asked for in this run: {', '.join(left_out)}.")
    others = [control.id for control in configuration.policy.controls if control.id not in asked]
    if others:
        limits.append(f"Controls not asked for in this run: {', '.join(others)}.")
    own = _of_the_audit(configuration.policy, in_force)
    if own and left_out:
        limits.append(f"Looked at only when all stores are asked for: {', '.join(own)}.")
    idle = [name for name in asked if name not in in_force]
    if idle:
        limits.append(f"Controls not in force at the instant of the audit: {', '.join(idle)}.")
    return [*limits, *read_later(configuration, instant, now)]


def _is_read_later(configuration: Configuration, instant: datetime, now: datetime) -> bool:
    """Whether T lies on an earlier civil day (policy's zone) than the reading of the stores.

    An audit that only crosses midnight does not count: within the hour the stores still hold what they held.
    """
    zone = ZoneInfo(configuration.policy.zone)
    return local_date(instant, zone) < local_date(now, zone) and now - instant > _CROSSES_MIDNIGHT


def read_later(configuration: Configuration, instant: datetime, now: datetime) -> list[str]:
    """Returns the limit of an audit that reads the stores on a later day than the one by which it judges."""
    if not _is_read_later(configuration, instant, now):
        return []
    return ["The stores were read on a later day than the one judged by: what was deleted in between is not seen."]
