"""Nights as a test writes or draws them, and the audits and rules that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult, fingerprint_of
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.findings.finding_state import FindingState
from privacy_audit.findings.transitions import FindingMemory, HandlingRules, apply_audit, moves
from privacy_audit.findings.waivers import Waiver
from tests import builders

START = datetime(2026, 10, 19, 22, 30, tzinfo=UTC)
"""00:30 in Paris, on 20 October: on the 25th the clocks go back, and from then on 22:30 in UTC is still the day before.
"""
ROWS = 100_000
"""In each table."""
SEVERITIES = {control: severity for control, (_, _, severity) in builders.PROMISES.items()}


class Place(NamedTuple):
    """A control on a table of a store; without both, the store as a whole."""

    store: str
    table: str = ""
    control: str = ""
    qualifier: str = ""

    @property
    def check(self) -> str:
        return "/".join(filter(None, (self.store, self.table or "_store", self.control, self.qualifier)))

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.control, self.store, self.table, self.qualifier)


class Look(NamedTuple):
    """What a night says of a place."""

    outcome: Outcome
    violating: int = 0
    undecidable: int = 0
    since: date | None = None

    @property
    def counted(self) -> bool:
        return self.outcome in (Outcome.FAIL, Outcome.REVIEW, Outcome.PASS)


class Paper(NamedTuple):
    """A waiver, whatever the check that it is for is called."""

    id: str
    begins: datetime
    expires: datetime
    max_rows: int

    @property
    def terms(self) -> tuple[str, datetime, int]:
        """What makes it another waiver when it is changed."""
        return self.id, self.expires, self.max_rows


@dataclass(frozen=True)
class Night:
    """One audit. A place that is not in `looks` is not in the audit."""

    at: datetime
    looks: Mapping[Place, Look]
    stores: tuple[str, ...] = ("app", "web")
    down: tuple[str, ...] = ()
    whole: bool = True
    severities: Mapping[str, Severity] = field(default_factory=lambda: SEVERITIES)
    papers: Mapping[Place, tuple[Paper, ...]] = field(default_factory=dict)
    formerly: Mapping[Place, Place] = field(default_factory=dict)

    def of(self, store: str) -> dict[Place, Look]:
        """What is said of the places of a store; of one that is down, that nobody could look."""
        blind = Look(Outcome.NOT_AUDITED)
        return {it: blind if store in self.down else look for it, look in self.looks.items() if it.store == store}

    def is_down(self, store: str) -> bool:
        """Whether the store as a whole could not be looked at. Where nothing was to be checked nobody looked either."""
        return store in self.down or not self.of(store)

    def severity(self, place: Place) -> Severity:
        """The control's; of a store as a whole the worst of what was to be checked there."""
        asked = [place.control] if place.control else [it.control for it in self.of(place.store)]
        return min((self.severities[it] for it in asked), key=list(Severity).index, default=Severity.CRITICAL)

    def audit(self, audit_id: str) -> Audit:
        """The night as an audit."""
        promised = builders.policy()
        controls = tuple(replace(it, severity=self.severities[it.id]) for it in promised.controls)
        made = builders.audit(*map(self._store, self.stores), audit_id=audit_id, as_of=self.at)
        return replace(made, policy=replace(promised, controls=controls), whole=self.whole)

    def rules(self) -> HandlingRules:
        """What people laid down before the night."""
        waivers = tuple(
            Waiver(it.id, place.check, "It is being migrated.", "Ada", "Bob", it.begins, it.expires, it.max_rows)
            for place, papers in self.papers.items()
            for it in papers
        )
        formerly = {now.fingerprint: (old.fingerprint,) for now, old in self.formerly.items()}
        return HandlingRules(waivers=waivers, formerly=formerly)

    def _store(self, name: str) -> StoreResult:
        checks = tuple(_check(place, look) for place, look in self.of(name).items())
        make = {"app": builders.app, "web": builders.web}[name]
        if not checks:
            return replace(builders.down(make()), checks=())
        return builders.down(make(*checks)) if name in self.down else make(*checks)


def _check(place: Place, look: Look) -> CheckResult:
    counted = builders.tally(ROWS, look.violating, look.undecidable) if look.counted else None
    if counted:
        counted = replace(counted, overdue_since=look.since)
    at = f"{place.store}/{place.table}"
    return builders.check(at, place.control, look.outcome, counted, place.qualifier)


def after(days: float) -> datetime:
    """So many days after the start."""
    return START + timedelta(days=days)


def day_of(at: datetime) -> date:
    """The civil day of the policy."""
    return at.astimezone(ZoneInfo("Europe/Paris")).date()


def usual(nights: Sequence[Night], place: Place) -> tuple[int, ...]:
    """Rows in breach on the last fourteen civil days before the last night on which a place was counted."""
    names, now = (place, nights[-1].formerly.get(place)), nights[-1].at
    counted = {
        day_of(night.at): look.violating
        for night in sorted(nights[:-1], key=lambda night: night.at)
        if place.store in night.stores and now - timedelta(days=90) < night.at <= now
        for it, look in night.of(place.store).items()
        if it in names and look.counted
    }
    return tuple(rows for day, rows in counted.items() if day < day_of(now))[-14:]


def fold(nights: Sequence[Night]) -> Iterator[tuple[bool, tuple[FindingState, ...]]]:
    """Whether each night moved anything, and how the findings stood after it; remembered as the register does."""
    known: dict[str, FindingState] = {}
    judged: dict[str, datetime] = {}
    for number, night in enumerate(nights):
        counts = {place.fingerprint: usual(nights[: number + 1], place) for place in night.looks}
        audit, memory = night.audit(f"n{number}"), FindingMemory(dict(known), counts, dict(judged))
        stands = apply_audit(audit, memory, night.rules())
        yield moves(audit, memory), stands
        known |= {one.fingerprint: one for one in stands}
        judged |= {store: max(night.at, judged.get(store, night.at)) for store in night.stores}
