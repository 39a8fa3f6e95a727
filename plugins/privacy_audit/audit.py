"""The only place where the stages meet. The DAG's tasks and the command line call these functions, in this order.

What passes between them is plain JSON with counts and ids, fit for XCom: an *order* (what is audited, and by which
instant) and store results. Heavy libraries are imported by the stage that needs them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from privacy_audit import connections, controls, documents, policy, suites
from privacy_audit.errors import ConfigurationRefusedError, Mistake, PrivacyAuditError, did_you_mean
from privacy_audit.model import Audit, Cause, Control, Outcome, Policy, StoreResult
from privacy_audit.periods import local_date
from privacy_audit.settings import Settings, load
from privacy_audit.store_map import StoreMap

Order = dict[str, Any]
_STORE_RESULT: TypeAdapter[StoreResult] = TypeAdapter(StoreResult)


class NotAuditedError(PrivacyAuditError):
    """Something was not audited, not filed or not told: the run must not look well."""


@dataclass(frozen=True)
class Configuration:
    """What must be true, read and proved to be whole."""

    settings: Settings
    policy: Policy
    coverages: tuple[suites.Coverage, ...]

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The compiled suites as they should be."""
        return suites.compile_suites(self.policy, self.coverages)

    @cached_property
    def digest(self) -> str:
        """Of policy and store maps: all that a verdict depends on besides the stores and T."""
        maps = (coverage.store.model_dump_json() for coverage in self.coverages)
        return hashlib.sha256("\n".join((self.policy.digest, *maps)).encode()).hexdigest()

    def coverage(self, store: str) -> suites.Coverage:
        """What becomes of each control in a store; KeyError when there is no such store."""
        return {coverage.store.store: coverage for coverage in self.coverages}[store]


def read_configuration(settings: Settings | None = None) -> Configuration:
    """Policy and store maps; ConfigurationRefusedError with every mistake of every file."""
    settings = settings or load()
    mistakes: list[Mistake] = []
    coverages: list[suites.Coverage] = []
    promises: Policy | None = None
    try:
        promises = policy.load(settings.expectations, controls.kinds())
    except ConfigurationRefusedError as error:
        mistakes += error.mistakes
    for path in _map_files(settings.expectations):
        try:
            parsed = _read_map(path, settings.expectations)
            if promises:
                coverages.append(suites.bind(promises, parsed.value, parsed.document.place))
        except ConfigurationRefusedError as error:
            mistakes += error.mistakes
    mistakes += _unread(settings.expectations)
    if not coverages and not mistakes:
        mistakes.append(Mistake("expectations/stores", "holds no store map.", "Add one file per store."))
    if mistakes or promises is None:
        raise ConfigurationRefusedError(mistakes)
    return Configuration(settings, promises, tuple(coverages))


def _unread(expectations: Path) -> Iterable[Mistake]:
    """Files that somebody took for store maps: a store that is not audited by a slip of the pen is not silent."""
    for path in sorted((expectations / "stores").glob("*")):
        if path.suffix != ".yaml" and path.suffix.lower() in (".yaml", ".yml"):
            place = documents.name_of(path, expectations.parent)
            yield Mistake(place, "is not read: its name does not end in .yaml.", f"Call it {path.stem}.yaml.")


def _map_files(expectations: Path) -> list[Path]:
    return sorted((expectations / "stores").glob("*.yaml"))


def _read_map(path: Path, expectations: Path) -> documents.Parsed[StoreMap]:
    parsed = documents.read(path, StoreMap, root=expectations.parent)
    if parsed.value.store != path.stem:
        fact = f'names store "{parsed.value.store}", but the file is called {path.name}.'
        raise ConfigurationRefusedError([Mistake(parsed.document.place("store"), fact, "Make the two the same.")])
    return parsed


def store_names(settings: Settings | None = None) -> list[str]:
    """The stores that have a map, by file name alone: cheap enough for a DAG file."""
    return [path.stem for path in _map_files((settings or load()).expectations)]


def control_ids(settings: Settings | None = None) -> list[str]:
    """The ids of the policy's controls."""
    return [control.id for control in policy.load((settings or load()).expectations).controls]


def plan(
    as_of: str | None, stores: Sequence[str] | None, controls: Sequence[str] | None, run_key: str, now: datetime
) -> Order:
    """Fixes what is audited and by which instant, once. The same instant and `run_key` give the same audit id.

    ConfigurationRefusedError when the configuration is wrong, a name is unknown, or the compiled suites are stale.
    """
    configuration = read_configuration()
    suites.check(configuration.settings.expectations, configuration.files)
    instant = _instant(as_of, now)
    known_stores = [coverage.store.store for coverage in configuration.coverages]
    known_controls = [control.id for control in configuration.policy.controls]
    chosen = _chosen("store", stores, known_stores)
    asked = _chosen("control", controls, known_controls)
    in_force = [control.id for control in _in_force(configuration.policy, instant) if control.id in asked]
    return {
        "audit_id": f"{instant:%Y%m%dT%H%M%SZ}-{hashlib.sha256(run_key.encode()).hexdigest()[:8]}",
        "as_of": instant.isoformat(),
        "stores": chosen,
        "controls": in_force,
        "expectations_digest": configuration.digest,
        "limits": _limits(configuration, instant, now, chosen, asked, in_force),
        "triggered_by": run_key,
    }


def _instant(as_of: str | None, now: datetime) -> datetime:
    """T, to the whole second: the first moment the audit was asked for, unless one was given."""
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


def _chosen(what: str, asked: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    unknown = [name for name in asked or [] if name not in known]
    if unknown:
        raise ConfigurationRefusedError(
            Mistake(f"parameter {what}s", f'there is no {what} "{name}".', did_you_mean(name, known))
            for name in unknown
        )
    return [name for name in known if not asked or name in asked]


def _in_force(promises: Policy, instant: datetime) -> list[Control]:
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
    """What this audit does not look at, said in its report."""
    limits = []
    left_out = [c.store.store for c in configuration.coverages if c.store.store not in stores]
    if left_out:
        limits.append(f"Stores not asked for in this run: {', '.join(left_out)}.")
    others = [control.id for control in configuration.policy.controls if control.id not in asked]
    if others:
        limits.append(f"Controls not asked for in this run: {', '.join(others)}.")
    idle = [name for name in asked if name not in in_force]
    if idle:
        limits.append(f"Controls not in force at the instant of the audit: {', '.join(idle)}.")
    if (now - instant).total_seconds() > 86_400:
        limits.append("The stores were read later than the instant judged by: what was deleted in between is not seen.")
    return limits


def audit_store(order: Order, store: str) -> dict[str, Any]:
    """What the audit says of one store, as JSON with counts and ids only. A store that is down is an outcome."""
    from privacy_audit import engine

    configuration = _configuration_of(order)
    coverage = configuration.coverage(store)
    store_order = _store_order(order, configuration, coverage)

    def url() -> Any:
        try:
            return connections.sqlalchemy_url(connections.find(coverage.store.connection))
        except connections.ConnectionMissingError as error:
            raise engine.TroubleError(Cause.UNREACHABLE, str(error)) from None

    return _dump(engine.audit_store(store_order, url))


def _configuration_of(order: Order) -> Configuration:
    """What must be true, as it was when the audit began: a report names the policy that its stores were judged by."""
    configuration = read_configuration()
    if configuration.digest != order["expectations_digest"]:
        fact = "policy or store maps changed after the audit had begun."
        raise ConfigurationRefusedError([Mistake("expectations", fact, "Start a new audit.")])
    return configuration


def _store_order(order: Order, configuration: Configuration, coverage: suites.Coverage) -> Any:
    from privacy_audit import engine

    settings = configuration.settings
    return engine.StoreOrder(
        audit_id=order["audit_id"],
        as_of=datetime.fromisoformat(order["as_of"]),
        coverage=coverage,
        controls=frozenset(order["controls"]),
        suites=suites.load(settings.expectations, coverage.store.store),
        results=settings.home / engine.RESULTS / order["audit_id"],
    )


def _dump(result: StoreResult) -> dict[str, Any]:
    dumped: dict[str, Any] = _STORE_RESULT.dump_python(result, mode="json")
    return dumped


def assemble(order: Order, results: Sequence[Mapping[str, Any] | None]) -> Audit:
    """The audit of all its stores. A store without a result crashed while it was looked at: it is not audited."""
    configuration = _configuration_of(order)
    found = {result["name"]: _STORE_RESULT.validate_python(dict(result)) for result in results if result}
    stores = tuple(found.get(name) or _crashed(order, configuration, name) for name in order["stores"])
    limits = (*order["limits"], *(f"In store {store.name}, {limit}." for store in stores for limit in store.limits))
    return Audit(
        id=order["audit_id"],
        as_of=datetime.fromisoformat(order["as_of"]),
        policy=configuration.policy,
        stores=stores,
        limits=limits,
        triggered_by=order["triggered_by"],
    )


def _crashed(order: Order, configuration: Configuration, store: str) -> StoreResult:
    from privacy_audit import engine

    trouble = engine.TroubleError(Cause.INTERNAL, "the task that audits this store ended without a result; see its log")
    return engine.store_not_audited(_store_order(order, configuration, configuration.coverage(store)), trouble)


def file(order: Order, results: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Writes the report and files the audit in the register. Doing it again files nothing twice."""
    from privacy_audit import register
    from privacy_audit.reports import canonical_json, folder

    settings = load()
    audit = assemble(order, results)
    report = folder.write(audit, settings.home)
    digest = hashlib.sha256(canonical_json.render(audit)).hexdigest()
    url = register_url(settings)
    register.upgrade(url)
    filed = register.file(url, audit, digest)
    return {
        "audit_id": audit.id,
        "outcome": audit.outcome.value,
        "report": str(report),
        "already_filed": filed.already_filed,
        "not_audited": sorted(_not_audited(audit)),
        "counts": _counts(audit),
    }


def register_url(settings: Settings) -> Any:
    """Where the register is."""
    return connections.sqlalchemy_url(connections.find(settings.register))


def _not_audited(audit: Audit) -> Iterable[str]:
    for store in audit.stores:
        unseen = [check.id for check in store.checks if check.outcome is Outcome.NOT_AUDITED]
        if store.cause or (store.outcome is Outcome.NOT_AUDITED and not unseen):
            yield store.name
        yield from unseen


def _counts(audit: Audit) -> dict[str, int]:
    outcomes = [check.outcome for check in audit.checks]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}


def publish_docs(order: Order, results: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Builds tonight's Data Docs and puts them in place at once."""
    from privacy_audit import engine
    from privacy_audit.data_docs import site

    settings = load()
    index = site.publish(settings.home / engine.RESULTS / order["audit_id"], assemble(order, results), settings.home)
    return {"index": str(index)}


def send_alerts(order: Order, results: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Tells each owner once. A channel that is down is counted, and neither hides a finding nor stops the filing."""
    from privacy_audit import alerts, register

    settings = load()
    audit = assemble(order, results)
    url = register_url(settings)
    seen = register.first_seen(url, [check.fingerprint for check in audit.checks])
    sent, failed = 0, []
    for message in alerts.messages(audit, report_link(settings, audit.id), seen):
        try:
            connection = connections.find(message.alert)
            channels = alerts.channel_urls(connection.name, connection.password, connection.extra)
        except (connections.ConnectionMissingError, alerts.ChannelsMissingError) as error:
            failed.append(f"{message.owner}: {error}")
            continue
        for channel in channels:
            key = alerts.channel_key(message, channel)
            if not register.claim_delivery(url, audit.id, message.owner, key):
                if not register.was_delivered(url, key):
                    failed.append(f"{message.owner}: another sender claimed the message and has not sent it")
                continue
            delivery = alerts.deliver(message, channel)
            if delivery.sent:
                register.mark_delivered(url, key)
                sent += 1
            else:
                register.release_delivery(url, key)
                failed.append(f"{message.owner}, by {delivery.channel}: {delivery.reason}")
    return {"sent": sent, "failed": failed}


def report_link(settings: Settings, audit_id: str) -> str:
    """Where people open the report: an address if one is configured, else the file."""
    path = f"reports/{audit_id}/report.html"
    return f"{settings.reports_url.rstrip('/')}/{path}" if settings.reports_url else str(settings.home / path)


def gate(filed: Mapping[str, Any] | None, told: Mapping[str, Any] | None, docs: Mapping[str, Any] | None) -> None:
    """Fails the run when something was not audited, filed, published or told, so that `all_done` hides nothing."""
    problems = []
    if filed is None:
        problems.append("the audit was not filed")
    else:
        problems += [f"{name} was not audited" for name in filed["not_audited"]]
    if docs is None:
        problems.append("the Data Docs were not published")
    if told is None:
        problems.append("the owners were not told")
    else:
        problems += [f"not told: {failure}" for failure in told["failed"]]
    if problems:
        raise NotAuditedError("; ".join(problems) + ". See the report, which says this first.")
