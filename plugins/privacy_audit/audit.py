"""The only place where the stages meet. The DAG's tasks and the command line call these functions, in this order.

What passes between them is plain JSON with counts and ids, fit for XCom: an *order* (what is audited, and by which
instant) and store results. Heavy libraries are imported by the stage that needs them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from privacy_audit import connections, known_database, one_at_a_time, suites
from privacy_audit.audit_database import AuditDatabaseRefusedError
from privacy_audit.configuration import Configuration as Configuration
from privacy_audit.configuration import control_ids as control_ids
from privacy_audit.configuration import read_configuration as read_configuration
from privacy_audit.configuration import store_names as store_names
from privacy_audit.errors import ConfigurationRefusedError, Mistake, PrivacyAuditError, did_you_mean
from privacy_audit.findings.standing import Chronicle, Standing
from privacy_audit.letter import Letter
from privacy_audit.model import Audit, Cause, Control, Outcome, Policy, StoreResult
from privacy_audit.periods import Period, local_date
from privacy_audit.policy.consistency import OF_THE_AUDIT, OF_THE_COMPANY, WITHOUT_A_TABLE
from privacy_audit.settings import Settings, load
from privacy_audit.store_map import StoreMap

Order = dict[str, Any]
_STORE_RESULT: TypeAdapter[StoreResult] = TypeAdapter(StoreResult)


class NotAuditedError(PrivacyAuditError):
    """Something was not audited, not filed or not told: the run must not look well."""


def plan(
    as_of: str | None, stores: Sequence[str] | None, controls: Sequence[str] | None, run_key: str, now: datetime
) -> Order:
    """Fixes what is audited and by which instant, once. The same instant and `run_key` give the same audit id.

    ConfigurationRefusedError when the configuration is wrong, a name is unknown, the compiled suites are stale, or the
    audit database is not the one that the reports know.
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
    return {
        "audit_id": f"{instant:%Y%m%dT%H%M%SZ}-{hashlib.sha256(run_key.encode()).hexdigest()[:8]}",
        "as_of": instant.isoformat(),
        "stores": chosen if _of_stores(configuration.policy, in_force) or not in_force else [],
        "controls": in_force,
        "records": own if chosen == known_stores else [],
        "company": chosen == known_stores and bool(_of_the_company(configuration, in_force)),
        "whole": len(chosen) == len(known_stores) and len(asked) == len(known_controls),
        "expectations_digest": configuration.digest,
        "limits": _limits(configuration, instant, now, chosen, asked, in_force),
        "triggered_by": run_key,
    }


def prove_known(settings: Settings) -> None:
    """AuditDatabaseRefusedError when the audit database can be reached and is not the one that the reports know.

    One that cannot be reached stops no audit: the checks that need it say so, and what was found is kept unfiled.
    """
    from privacy_audit import register

    with suppress(connections.ConnectionMissingError, register.RegisterUnavailableError):
        known_database.prove(settings)


def _of_stores(promises: Policy, names: Iterable[str]) -> list[str]:
    """Those of some controls that stores have something to do with."""
    return [name for name in names if promises.control(name).kind not in WITHOUT_A_TABLE]


def _of_the_audit(promises: Policy, names: Iterable[str]) -> list[str]:
    """Those of some controls that are about the audit itself."""
    return [name for name in names if promises.control(name).kind in OF_THE_AUDIT]


def instant_of(as_of: str | None, now: datetime) -> datetime:
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


def chosen_from(what: str, asked: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """The known names that were asked for, all when none was; ConfigurationRefusedError when one is unknown."""
    unknown = [name for name in asked or [] if name not in known]
    if unknown:
        raise ConfigurationRefusedError(
            Mistake(f"parameter {what}s", f'there is no {what} "{name}".', did_you_mean(name, known))
            for name in unknown
        )
    return [name for name in known if not asked or name in asked]


def in_force_at(promises: Policy, instant: datetime) -> list[Control]:
    """The controls that are promised on the civil day of an instant."""
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
    own = _of_the_audit(configuration.policy, in_force)
    if own and left_out:
        limits.append(f"Looked at only when all stores are asked for: {', '.join(own)}.")
    idle = [name for name in asked if name not in in_force]
    if idle:
        limits.append(f"Controls not in force at the instant of the audit: {', '.join(idle)}.")
    return [*limits, *read_later(instant, now)]


def read_later(instant: datetime, now: datetime) -> list[str]:
    """What is not seen by who judges by an instant that is over for more than a day."""
    if (now - instant).total_seconds() <= 86_400:
        return []
    return ["The stores were read later than the instant judged by: what was deleted in between is not seen."]


def audit_store(order: Order, store: str) -> dict[str, Any]:
    """What the audit says of one store, as JSON with counts and ids only. A store that is down is an outcome.

    The audit is going to be filed: what a legal hold keeps there is put on file as well.
    """
    from privacy_audit.erasure import on_file

    configuration = _configuration_of(order)
    prove_known(configuration.settings)
    _make_ready_for_manifests(order, configuration, store)
    with on_file.filing():
        return _look_at(order, configuration, store)


def _make_ready_for_manifests(order: Order, configuration: Configuration, store: str) -> None:
    """Upgrades the register before the first check that puts something on file there, as filing does afterwards."""
    from privacy_audit import register

    kinds = {check.rule.kind for check in configuration.coverage(store).checks if check.control.id in order["controls"]}
    if "held_rows_present" in kinds:
        with suppress(PrivacyAuditError):  # the check itself says what is wrong with the register
            register.upgrade(register_url(configuration.settings))


def _look_at(order: Order, configuration: Configuration, store: str) -> dict[str, Any]:
    coverage = configuration.coverage(store)
    asked = _store_order(order, configuration, coverage)
    return _dump(one_at_a_time.audit_store(asked, address_of(coverage.store), configuration.settings))


def audit_records(order: Order) -> dict[str, Any]:
    """What the audit says of its own records, as JSON: a store beside the others. What cannot be read is an outcome.

    Only for an order whose `records` names controls.
    """
    from privacy_audit import records

    configuration = _configuration_of(order)
    settings = configuration.settings
    filed = partial(records.filed, partial(register_url, settings))
    return _dump(records.audit(_records_order(order, configuration), _shelves(settings), filed))


def _records_order(order: Order, configuration: Configuration) -> Any:
    from privacy_audit import records

    told = configuration.handling.platform or configuration.coverages[0].store
    return records.RecordsOrder(
        controls=tuple(map(configuration.policy.control, order["records"])),
        audit_id=order["audit_id"],
        triggered_by=order["triggered_by"],
        as_of=datetime.fromisoformat(order["as_of"]),
        zone=ZoneInfo(configuration.policy.zone),
        periods=_periods(configuration),
        owner=told.owner,
        alert=told.alert,
    )


def _periods(configuration: Configuration) -> dict[Any, Period]:
    """How long the records of each kind are kept."""
    from privacy_audit import records

    return {records.Kind(name): Period.parse(text) for name, text in configuration.handling.records}


def _shelves(settings: Settings) -> list[Any]:
    """Where the audit keeps what it wrote. Data Docs are none of it: they show tonight and nothing else."""
    from privacy_audit import engine, records
    from privacy_audit.reports import folder

    def url() -> Any:
        return register_url(settings)

    return [
        records.Audits(url),
        records.Folders(records.Kind.REPORTS, settings.home / folder.FOLDER, folder.LATEST, folder.LOCK),
        records.Folders(records.Kind.VALIDATIONS, settings.home / engine.RESULTS),
        records.Messages(url),
    ]


def audit_everything(order: Order) -> list[dict[str, Any]]:
    """What the audit says of all that an order names, one after the other. It is only looked at: nothing is filed."""
    configuration = _configuration_of(order)
    stores = [_look_at(order, configuration, store) for store in order["stores"]]
    return [*stores, audit_records(order)] if order["records"] else stores


def address_of(store: StoreMap) -> Callable[[], Any]:
    """Finds where a store is, when it is called. A connection that nobody made is a store that cannot be reached."""
    from privacy_audit import engine

    def url() -> Any:
        try:
            return connections.sqlalchemy_url(connections.find(store.connection))
        except connections.ConnectionMissingError as error:
            raise engine.TroubleError(Cause.UNREACHABLE, str(error)) from None

    return url


def _configuration_of(order: Order) -> Configuration:
    """What must be true, as it was when the audit began: a report names the policy that its stores were judged by."""
    configuration = read_configuration()
    if configuration.digest != order["expectations_digest"]:
        fact = "policy, store maps, waivers or handling changed after the audit had begun."
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
    if order["records"]:
        stores += (_of_records(order, configuration, found),)
    if order["company"]:
        stores += (_of_company(order, configuration),)
    limits = (*order["limits"], *(f"In store {store.name}, {limit}." for store in stores for limit in store.limits))
    return Audit(
        id=order["audit_id"],
        as_of=datetime.fromisoformat(order["as_of"]),
        policy=configuration.policy,
        stores=stores,
        limits=limits,
        triggered_by=order["triggered_by"],
        whole=order["whole"],
    )


def _of_the_company(configuration: Configuration, names: Collection[str]) -> list[Control]:
    """Those of some controls of which no store says anything: it is said of the company as a whole."""
    unanswered = suites.unanswered(configuration.policy, configuration.coverages)
    known = [control for control in configuration.policy.controls if control.kind in OF_THE_COMPANY]
    return [control for control in (*known, *unanswered) if control.id in names]


def _of_company(order: Order, configuration: Configuration) -> StoreResult:
    from privacy_audit import company

    told = configuration.handling.compliance or configuration.coverages[0].store
    of_company = _of_the_company(configuration, order["controls"])
    checks = [check for coverage in configuration.coverages for check in coverage.checks]
    said = company.result(
        company.CompanyOrder(
            today=local_date(datetime.fromisoformat(order["as_of"]), ZoneInfo(configuration.policy.zone)),
            attested=[it for it in of_company if it.kind == "attestation"],
            residence=[it for it in of_company if it.kind == "no_residence_filter"],
            unanswered=[it for it in of_company if it.kind not in OF_THE_COMPANY],
            attestations=configuration.attestations,
            conditions=[
                (check.id, condition.column)
                for check in checks
                for condition in getattr(check.rule, "out_of_scope", ())
            ],
            checks=len(checks),
            owner=told.owner,
            alert=told.alert,
        )
    )
    assert said is not None, "the order names it only when there is something to say"  # noqa: S101
    return said


def _crashed(order: Order, configuration: Configuration, store: str) -> StoreResult:
    from privacy_audit import engine

    trouble = engine.TroubleError(Cause.INTERNAL, "the task that audits this store ended without a result; see its log")
    return engine.store_not_audited(_store_order(order, configuration, configuration.coverage(store)), trouble)


def _of_records(order: Order, configuration: Configuration, found: Mapping[str, StoreResult]) -> StoreResult:
    from privacy_audit import records

    return found.get(records.STORE) or records.crashed(_records_order(order, configuration))


def file(order: Order, results: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Files the audit in the register and writes the report of how findings stand since. Doing it again files nothing
    twice and writes the same report."""
    from privacy_audit import register
    from privacy_audit.reports import folder

    settings, configuration = load(), _configuration_of(order)
    audit = assemble(order, results)
    try:
        url = register_url(settings)
        register.upgrade(url)
        audit = replace(audit, database=known_database.prove(settings))
        filed = register.file(url, _docket(configuration, audit), _telling(configuration, audit))
    except (
        AuditDatabaseRefusedError,
        connections.ConnectionMissingError,
        register.RegisterUnavailableError,
        register.RegisterOutdatedError,
        register.RegisterRefusedError,
    ):
        folder.write_unfiled(replace(audit, database=""), settings.home)
        raise
    report = folder.write(audit, filed.chronicle, settings.home)
    return {
        "audit_id": audit.id,
        "outcome": audit.outcome.value,
        "report": str(report),
        "already_filed": filed.already_filed,
        "not_audited": sorted(_not_audited(audit)),
        "counts": _counts(audit),
    }


def _docket(configuration: Configuration, audit: Audit) -> Any:
    """All that is filed of an audit."""
    from privacy_audit import register
    from privacy_audit.policy.changes import promises
    from privacy_audit.reports import canonical_json

    promised = promises(configuration.policy, configuration.coverages)
    return register.Docket(
        audit,
        report_sha256=hashlib.sha256(canonical_json.render(audit)).hexdigest(),
        promises_digest=hashlib.sha256(json.dumps(promised, sort_keys=True).encode()).hexdigest(),
        promises=promised,
        rules=configuration.rules,
    )


def register_url(settings: Settings) -> Any:
    """Where the register is."""
    return known_database.url_of(settings)


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


def _telling(configuration: Configuration, audit: Audit) -> Callable[[Any, Chronicle, Mapping[str, Standing]], None]:
    """Files, in the transaction of an audit, what each recipient is to be told of it. Nobody is told here: a message
    that waits beside its audit is not lost when its channel is down, nor sent of an audit that was not filed."""
    from privacy_audit import alerts, register

    link = report_link(configuration.settings, audit.id)

    def enqueue(connection: Any, chronicle: Chronicle, before: Mapping[str, Standing]) -> None:
        digests = register.digests(connection)
        messages = alerts.messages(audit, chronicle, configuration.handling, link, digests, before)
        register.enqueue(connection, map(alerts.letter, messages))

    return enqueue


def send_alerts(*_handed: object) -> dict[str, Any]:
    """Tells each owner all that was filed for them and that some channel of theirs has not taken yet.

    What the tasks before hand on is not looked at: the outbox of the register is. A channel that is down is counted,
    stops no other, and is told everything in one message once it is back.
    """
    from privacy_audit import register

    settings = load()
    url = register_url(settings)
    register.upgrade(url)
    known_database.prove(settings)
    sent, failed = 0, []
    letters = sorted(register.pending(url), key=_addressee)
    for _, waiting in groupby(letters, key=_addressee):
        amount, failures = _send_to_owner(url, list(waiting))
        sent += amount
        failed += failures
    return {"sent": sent, "failed": failed}


def _addressee(letter: Letter) -> tuple[str, str]:
    return letter.owner, letter.alert


def _send_to_owner(url: Any, letters: Sequence[Letter]) -> tuple[int, list[str]]:
    """Tells one owner by each channel of one connection; gives how many messages were sent, and what was not."""
    from privacy_audit import alerts, register

    owner, alert = _addressee(letters[0])
    try:
        connection = connections.find(alert)
        channels = alerts.channels_of(connection.name, connection.password, connection.extra)
    except (connections.ConnectionMissingError, alerts.ChannelsMissingError) as error:
        return 0, [f"{owner}: {error}"]
    outcomes = [_send_by_channel(url, letters, channel) for channel in channels]
    register.close(url, [letter.key for letter in letters], [channel.key for channel in channels])
    return sum(amount for amount, _ in outcomes), [f"{owner}{failure}" for _, failure in outcomes if failure]


def _send_by_channel(url: Any, letters: Sequence[Letter], channel: Any) -> tuple[int, str]:
    """Tells a channel in one message what it has not been told; gives how many were sent, and why it was not told."""
    from privacy_audit import alerts, register

    keys = register.claim(url, letters, channel.key)
    if keys is None:
        return 0, ": another sender claimed the message and has not sent it"
    if not keys:
        return 0, ""
    delivery = alerts.deliver(alerts.merge([alerts.load(it.content) for it in letters if it.key in keys]), channel)
    if not delivery.sent:
        register.release(url, keys, channel.key)
        return delivery.count, f", by {delivery.channel}: {delivery.reason}"
    register.mark_delivered(url, keys, channel.key)
    return delivery.count, ""


def report_link(settings: Settings, audit_id: str) -> str:
    """Where people open the report: an address if one is configured, else the file."""
    path = f"reports/{audit_id}/report.html"
    return f"{settings.reports_url.rstrip('/')}/{path}" if settings.reports_url else str(settings.home / path)


def maintain(now: datetime, *, dry_run: bool = False) -> dict[str, Any]:
    """Deletes the audit's own records that are past their period, or only counts them: by kind, what went and what was
    left, and why. Doing it again finishes what broke off.

    NotMaintainedError when something could not be deleted; all else was then deleted all the same.
    AuditDatabaseRefusedError when the audit database is not the one that the reports know: nothing was deleted.
    """
    from privacy_audit import records

    configuration = read_configuration()
    prove_known(configuration.settings)
    shelves, zone = _shelves(configuration.settings), ZoneInfo(configuration.policy.zone)
    swept = records.maintain(shelves, _periods(configuration), now, zone, dry_run=dry_run)
    return {one.kind.value: asdict(one) for one in swept} | {
        "told": [records.told(one, dry_run=dry_run) for one in swept]
    }


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
