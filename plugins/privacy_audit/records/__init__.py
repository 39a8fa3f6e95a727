"""What the audit keeps of itself: how long, whether it did, and the deletion of what is past its period.

It promises of others' data that it is deleted in time, so its own obeys the same calendar: `audit` counts what is past
its period, as any control does, and `maintain` deletes it. `keeping` and `verdict` are pure; `folders` and
`registered` are where the records lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from privacy_audit.errors import MayHealError, PrivacyAuditError
from privacy_audit.model import Cause, CheckResult, StoreResult
from privacy_audit.periods import Period, local_date
from privacy_audit.records import verdict
from privacy_audit.records.folders import Folders
from privacy_audit.records.keeping import Deadline, Kind, Record, Shelf, Swept
from privacy_audit.records.registered import Audits, Messages
from privacy_audit.records.verdict import STORE, RecordsOrder, crashed

__all__ = [
    "STORE",
    "Audits",
    "Deadline",
    "Folders",
    "Kind",
    "Messages",
    "NotMaintainedError",
    "Record",
    "RecordsOrder",
    "Shelf",
    "Swept",
    "audit",
    "crashed",
    "maintain",
    "told",
]


class NotMaintainedError(MayHealError):
    """Some records that are past their period could not be deleted. The next run finishes it."""


def audit(order: RecordsOrder, shelves: Iterable[Shelf]) -> StoreResult:
    """What the audit says of its own records. What cannot be read is not audited: an outcome, never an error."""
    return verdict.result(order, [_look(order, shelf) for shelf in shelves])


def _look(order: RecordsOrder, shelf: Shelf) -> CheckResult:
    try:
        return verdict.judged(order, shelf.kind, shelf.records())
    except PrivacyAuditError as error:
        return verdict.not_audited(order, shelf.kind, Cause.UNREACHABLE, str(error))


def maintain(
    shelves: Iterable[Shelf], periods: Mapping[Kind, Period], now: datetime, zone: ZoneInfo, *, dry_run: bool
) -> tuple[Swept, ...]:
    """Deletes what is past its period on the civil day of an instant, or only counts it.

    A shelf that cannot be swept stops no other; NotMaintainedError then says which, and what was done all the same.
    """
    swept, troubles = [], []
    for shelf in shelves:
        deadline = Deadline(periods[shelf.kind], local_date(now, zone), zone)
        try:
            swept.append(shelf.sweep(deadline.before, dry_run=dry_run))
        except PrivacyAuditError as error:
            troubles.append(str(error))
    if troubles:
        raise NotMaintainedError("\n".join([*troubles, *(told(one, dry_run=dry_run) for one in swept)]))
    return tuple(swept)


def told(swept: Swept, *, dry_run: bool) -> str:
    """What became of the records of one kind, as a line for people."""
    return f"{swept.kind}: {'; '.join(_parts(swept, dry_run=dry_run))}."


def _parts(swept: Swept, *, dry_run: bool) -> Iterator[str]:
    others = [f"{number:,} {name}" for name, number in swept.deleted.items() if number and name != swept.kind]
    also = f", with {', '.join(others)}" if others else ""
    yield f"{swept.deleted[swept.kind]:,} {'would be deleted' if dry_run else 'deleted'}{also}"
    yield f"{swept.within:,} left within their period"
    for reason, number in swept.left.items():
        yield f"{number:,} left: {reason}"
