"""The audit's own records and their retention periods, by the same calendar as all data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from privacy_audit.domain.periods import Period, local_date, start_of_day


class RecordKind(StrEnum):
    """The kinds of records. Data Docs are none: they show tonight, and every night replaces them."""

    AUDITS = "audits"
    """Audits in the register, with their results and how findings stood after them."""
    REPORTS = "reports"
    """A folder for each audit."""
    VALIDATIONS = "validations"
    """What Great Expectations wrote, a folder for each audit."""
    MESSAGES = "messages"
    """What people were told, in the register."""


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One thing that is kept."""

    name: str
    """Id of an audit, name of a folder, or key of a message."""
    instant: datetime | None
    """T of its audit, from which its period runs. None when it cannot be told."""
    kept: str = ""
    """Why it stays even past its period; empty when nothing asks for it."""


@dataclass(frozen=True, slots=True)
class RecordDeadline:
    """A period, seen on one civil day."""

    period: Period
    today: date
    zone: ZoneInfo

    @property
    def before(self) -> datetime:
        """Of an instant before this one is what is past its period. It may be there on the day of its expiry."""
        return start_of_day(self.period.cutoff(self.today) + timedelta(days=1), self.zone)

    def overdue_since(self, instant: datetime) -> date:
        """The first civil day on which a record of that instant may no longer be there."""
        return self.period.add_to(local_date(instant, self.zone)) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SortedRecords:
    """Records by what becomes of them."""

    within: tuple[OwnRecord, ...]
    """Their period is not over."""
    past: tuple[OwnRecord, ...]
    """To be deleted."""
    kept: tuple[OwnRecord, ...]
    """Their period is over, and something asks for them."""
    unknown: tuple[OwnRecord, ...]
    """Nobody can tell how old they are."""

    @property
    def left(self) -> dict[str, int]:
        """How many are left although they are not known to be within their period, by the reason."""
        reasons = [*(record.kept for record in self.kept), *(UNKNOWN for _ in self.unknown)]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


UNKNOWN = "no folder that an audit made, so nobody can tell how old it is"


def sort(records: Iterable[OwnRecord], before: datetime) -> SortedRecords:
    """What becomes of records when those of an instant before this one are past their period."""
    by: dict[str, list[OwnRecord]] = {"within": [], "past": [], "kept": [], "unknown": []}
    for record in records:
        by[_part(record, before)].append(record)
    return SortedRecords(**{part: tuple(those) for part, those in by.items()})


def _part(record: OwnRecord, before: datetime) -> str:
    if record.instant is None:
        return "unknown"
    if record.instant >= before:
        return "within"
    return "kept" if record.kept else "past"


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What became of the records of one kind."""

    kind: RecordKind
    within: int
    """Records that are left because their period is not over."""
    left: Mapping[str, int]
    """Reason to how many others are left for it."""
    deleted: Mapping[str, int]
    """What went, by the kind's own name and those of the tables whose rows went with it."""


class RecordStore(Protocol):
    """Where the records of one kind lie."""

    @property
    def kind(self) -> RecordKind:
        """What lies there."""

    def records(self) -> tuple[OwnRecord, ...]:
        """All that lies there. PrivacyAuditError when it cannot be read."""

    def sweep(self, before: datetime, *, dry_run: bool) -> PurgeResult:
        """Deletes what is past its period, or only counts it. PrivacyAuditError when that cannot be done."""


_SCHEDULED = "scheduled__"
"""Airflow begins the ids of the runs with it that the schedule of their DAG started."""


@dataclass(frozen=True, slots=True)
class StartedAudit:
    """An audit, as far as it shows that there was one."""

    as_of: datetime
    triggered_by: str
    """What started it: the id of its run."""

    @property
    def by_schedule(self) -> bool:
        """Whether nobody had to think of it."""
        return self.triggered_by.startswith(_SCHEDULED)
