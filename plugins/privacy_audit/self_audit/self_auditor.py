"""Audits the audit's own records, and deletes those that are past their period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.errors import MayHealError, PrivacyAuditError
from privacy_audit.domain.outcomes import Cause
from privacy_audit.domain.periods import Period, local_date
from privacy_audit.domain.promises import Control, OwnKind
from privacy_audit.domain.record_periods import PurgeResult, RecordDeadline, RecordKind, RecordStore, StartedAudit
from privacy_audit.self_audit import missing_nights, record_checks
from privacy_audit.self_audit.self_audit_order import CheckVerdict, RecordsOrder, result, unseen


class NotMaintainedError(MayHealError):
    """Some records that are past their period could not be deleted. The next run finishes it."""


Filed = Callable[[], Sequence[StartedAudit]]
"""Asks the audit database for its audits, when it is called. PrivacyAuditError when it cannot be read."""


def audit(order: RecordsOrder, shelves: Sequence[RecordStore], filed: Filed) -> StoreResult:
    """Returns the result of the self-audit. What cannot be read is `not_audited`: an outcome, never an error."""
    return result(order, [check for control in order.controls for check in _looked(order, control, shelves, filed)])


def crashed(order: RecordsOrder) -> StoreResult:
    """Returns the result if the task of the self-audit ended without one."""
    said = unseen(Cause.INTERNAL, "the task that audits the audit's own records ended without a result; see its log.")
    return result(order, [check for control in order.controls for check in _lost(order, control, said)])


def _looked(
    order: RecordsOrder, control: Control, shelves: Sequence[RecordStore], filed: Filed
) -> Iterator[CheckResult]:
    match OwnKind(control.kind):
        case OwnKind.OWN_RECORDS:
            for shelf in shelves:
                said = _or_unseen(partial(_of_shelf, order, shelf))
                yield record_checks.of_kind(order, control, shelf.kind, said)
        case OwnKind.NIGHTLY:
            said = _or_unseen(lambda: missing_nights.judged(order, control, filed()))
            yield missing_nights.of_nights(control, said)


def _lost(order: RecordsOrder, control: Control, said: CheckVerdict) -> Iterator[CheckResult]:
    match OwnKind(control.kind):
        case OwnKind.OWN_RECORDS:
            yield from (record_checks.of_kind(order, control, kind, said) for kind in RecordKind)
        case OwnKind.NIGHTLY:
            yield missing_nights.of_nights(control, said)


def _of_shelf(order: RecordsOrder, shelf: RecordStore) -> CheckVerdict:
    return record_checks.judged(order, shelf.kind, shelf.records())


def _or_unseen(look: Callable[[], CheckVerdict]) -> CheckVerdict:
    try:
        return look()
    except PrivacyAuditError as error:
        return unseen(Cause.UNREACHABLE, str(error))


def maintain(
    shelves: Iterable[RecordStore],
    periods: Mapping[RecordKind, Period],
    now: datetime,
    zone: ZoneInfo,
    *,
    dry_run: bool,
) -> tuple[PurgeResult, ...]:
    """Deletes what is past its period on the civil day of an instant, or only counts it.

    A store of records that fails stops no other; NotMaintainedError then names it, and what was done all the same.
    """
    swept, troubles = [], []
    for shelf in shelves:
        deadline = RecordDeadline(periods[shelf.kind], local_date(now, zone), zone)
        try:
            swept.append(shelf.sweep(deadline.before, dry_run=dry_run))
        except PrivacyAuditError as error:
            troubles.append(str(error))
    if troubles:
        raise NotMaintainedError("\n".join([*troubles, *(told(one, dry_run=dry_run) for one in swept)]))
    return tuple(swept)


def told(swept: PurgeResult, *, dry_run: bool) -> str:
    """Returns what became of the records of one kind, as a sentence."""
    return f"{swept.kind}: {'; '.join(_parts(swept, dry_run=dry_run))}."


def _parts(swept: PurgeResult, *, dry_run: bool) -> Iterator[str]:
    others = [f"{number:,} {name}" for name, number in swept.deleted.items() if number and name != swept.kind]
    also = f", with {', '.join(others)}" if others else ""
    yield f"{swept.deleted[swept.kind]:,} {'would be deleted' if dry_run else 'deleted'}{also}"
    yield f"{swept.within:,} left within their period"
    for reason, number in swept.left.items():
        yield f"{number:,} left: {reason}"
