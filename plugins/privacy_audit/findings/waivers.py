"""The format of `expectations/waivers.yaml`: findings that the company lives with for a while, and who answers for it.

A waiver quiets one check up to a number of rows and an instant. It rewrites no outcome: the strict counts stay beside
it. It is reviewed in git like the policy, and the file is refused when a waiver could rot: no end, an end beyond
what its severity allows, one person on both sides, or a promise that nobody may waive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from privacy_audit.config.handling import Handling
from privacy_audit.config.map_fields import Line, MapPart
from privacy_audit.config.yaml import documents
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.periods import local_date, start_of_day
from privacy_audit.domain.promises import Control
from privacy_audit.findings.finding_state import FindingKind, FindingState, WaiverReport, WaiverState

FILE = "waivers.yaml"
_BROAD_FACTOR = 2
_BROAD_ROWS = 10
"""A waiver for more than twice the rows that there are, and for ten more at least, is over-broad."""
_LEAST = timedelta(microseconds=1)


def _id(name: str) -> str:
    if not name.isascii() or not all(char.isalnum() or char in "-_." for char in name) or len(name) > 40:
        raise ValueError(f"{name[:80]!r} is no id of a waiver. Use letters, digits, - _ and . as in W-2026-7.")
    return name


WaiverId = Annotated[str, Field(min_length=1), AfterValidator(_id)]
"""Id of a waiver, as `W-2026-7`; never used twice."""


class WaiverEntry(MapPart):
    """One waiver as it is written."""

    check: Line
    """Id of the check, as reports show it: `store/schema.table/control[/qualifier]`."""
    reason: Line
    """Why the company lives with it."""
    requested_by: Line
    """Who asked for it."""
    approved_by: Line
    """Another person than who asked."""
    granted: date
    """First civil day on which it holds."""
    expires: datetime | date
    """Last instant, or last civil day (policy's zone), on which it holds."""
    max_rows: int = Field(ge=1)
    """Most rows, in breach or undecidable, that it covers."""

    @model_validator(mode="after")
    def _two_people_and_an_order(self) -> WaiverEntry:
        if self.requested_by.strip().casefold() == self.approved_by.strip().casefold():
            raise ValueError("Nobody approves a waiver of their own: `approved_by` must be another person.")
        if isinstance(self.expires, datetime) and self.expires.tzinfo is None:
            raise ValueError("`expires` has a time and no zone. Write 2026-12-31T18:00:00+01:00, or a date alone.")
        if not all(2000 <= one.year < 9999 for one in (self.granted, self.expires)):
            raise ValueError("A waiver is granted for a while: `granted` and `expires` are days of this age.")
        return self


class WaiverFile(MapPart):
    """The whole file: an id to each waiver. Ids are never used twice."""

    waivers: dict[WaiverId, WaiverEntry] = {}
    """An id, as `W-2026-7`, to each waiver."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver with its instants."""

    id: str
    check: str
    reason: str
    requested_by: str
    approved_by: str
    begins: datetime
    expires: datetime
    """The last instant at which it holds."""
    max_rows: int

    @property
    def key(self) -> str:
        """Changes with everything that bounds it."""
        text = "|".join((self.id, self.check, self.begins.isoformat(), self.expires.isoformat(), str(self.max_rows)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def terms(self) -> str:
        """Changes with its end and its rows: a waiver that is renewed is another one to the finding that it covers."""
        return terms_of(self.id, self.expires, self.max_rows)

    def holds(self, instant: datetime) -> bool:
        """Whether it is in force at an instant, whatever it covers."""
        return self.begins <= instant <= self.expires


def terms_of(waiver_id: str, expires: datetime, max_rows: int) -> str:
    """`Waiver.terms`, also of one that has left the file. No check in it: a table's new name revives no waiver."""
    text = "|".join((waiver_id, expires.astimezone(UTC).isoformat(), str(max_rows)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class WaivableCheck:
    """What is to be known of a check before it is waived."""

    control: Control
    never: str = ""
    """Why nobody may waive it; empty when it may be waived."""


def read(expectations: Path, checks: Mapping[str, WaivableCheck], handling: Handling, zone: str) -> tuple[Waiver, ...]:
    """The waivers of a folder of expectations; none without a file. ConfigurationRefusedError with every mistake.

    `checks` are all checks there are, by id; `zone` is the policy's.
    """
    path = expectations / FILE
    if not path.exists():
        return ()
    parsed = documents.read(path, WaiverFile, root=expectations.parent)
    waivers = {name: _waiver(name, entry, ZoneInfo(zone)) for name, entry in parsed.value.waivers.items()}
    mistakes = [
        *(it for waiver in waivers.values() for it in _mistakes(waiver, checks, handling, zone, parsed.document)),
        *_overlapping(waivers.values(), parsed.document),
    ]
    if mistakes:
        raise ConfigurationRefusedError(mistakes)
    return tuple(waivers.values())


def _waiver(name: str, entry: WaiverEntry, zone: ZoneInfo) -> Waiver:
    begins = start_of_day(entry.granted, zone)
    expires = entry.expires
    if not isinstance(expires, datetime):
        expires = start_of_day(expires + timedelta(days=1), zone) - _LEAST
    return Waiver(
        name, entry.check, entry.reason, entry.requested_by, entry.approved_by, begins, expires, entry.max_rows
    )


def _mistakes(
    waiver: Waiver, checks: Mapping[str, WaivableCheck], handling: Handling, zone: str, document: documents.Document
) -> Iterator[Mistake]:
    def mistake(field: str, fact: str, way_out: str = "") -> Mistake:
        return Mistake(document.place("waivers", waiver.id, field), f"waiver {waiver.id}: {fact}", way_out)

    known = checks.get(waiver.check)
    if waiver.expires <= waiver.begins:
        yield mistake("expires", "ends before it begins.", "Write a later end.")
    if known is None:
        fact = f'there is no check "{waiver.check[:120]}".'
        yield mistake("check", fact, did_you_mean(waiver.check, checks, "Copy the id of the check from a report."))
        return
    if known.never:
        yield mistake("check", f"{known.control.id} cannot be waived: {known.never}", "Close the finding instead.")
    longest = handling.waiver_days[known.control.severity]
    first, last = (local_date(instant, ZoneInfo(zone)) for instant in (waiver.begins, waiver.expires))
    if last - first > timedelta(days=longest):  # civil days: one of them may have 25 hours
        fact = f"lasts longer than the {longest} days allowed for a finding of {known.control.severity} severity."
        yield mistake("expires", fact, "Let it end earlier; it can be renewed when it has been looked at again.")


def _overlapping(waivers: Iterable[Waiver], document: documents.Document) -> Iterator[Mistake]:
    seen: list[Waiver] = []
    for waiver in waivers:
        for other in seen:
            if other.check == waiver.check and other.begins <= waiver.expires and waiver.begins <= other.expires:
                fact = f"waiver {waiver.id}: {other.id} covers the same check in the same time."
                yield Mistake(document.place("waivers", waiver.id), fact, "Keep one of the two.")
        seen.append(waiver)


def in_force(waivers: Iterable[Waiver], check: str, instant: datetime) -> Waiver | None:
    """The waiver of a check at an instant; at most one is."""
    return next((waiver for waiver in waivers if waiver.check == check and waiver.holds(instant)), None)


def reports(
    waivers: Sequence[Waiver], standings: Iterable[FindingState], audit: Audit, warning_days: int
) -> tuple[WaiverReport, ...]:
    """What is to be said of each waiver after an audit, in the order of the file."""
    found = {one.check: one for one in standings if one.kind is FindingKind.NONCONFORMITY and one.is_open}
    kept = {check.id for check in audit.checks if check.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)}
    return tuple(
        _report(waiver, found.get(waiver.check), waiver.check in kept, audit.as_of, warning_days) for waiver in waivers
    )


def _report(
    waiver: Waiver, standing: FindingState | None, kept: bool, instant: datetime, warning_days: int
) -> WaiverReport:
    return WaiverReport(
        id=waiver.id,
        check=waiver.check,
        state=_state(waiver, standing, kept, instant, timedelta(days=warning_days)),
        reason=waiver.reason,
        requested_by=waiver.requested_by,
        approved_by=waiver.approved_by,
        expires=waiver.expires,
        max_rows=waiver.max_rows,
        rows=standing.rows if standing else 0,
    )


def _state(
    waiver: Waiver, standing: FindingState | None, kept: bool, instant: datetime, warning: timedelta
) -> WaiverState:
    """`kept`: an audit looked tonight and there was nothing to cover. Where nobody looked, nothing is known to be
    unused."""
    if instant < waiver.begins:
        return WaiverState.NOT_YET
    if instant > waiver.expires:
        return WaiverState.EXPIRED
    if standing is None:
        return WaiverState.UNUSED if kept else WaiverState.IN_FORCE
    if standing.waiver != waiver.id:
        return WaiverState.EXCEEDED
    if instant >= waiver.expires - warning:
        return WaiverState.ENDING
    if waiver.max_rows > _BROAD_FACTOR * standing.rows and waiver.max_rows - standing.rows >= _BROAD_ROWS:
        return WaiverState.OVER_BROAD
    return WaiverState.IN_FORCE
