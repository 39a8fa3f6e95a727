"""Applies an audit to the findings: (earlier states, tonight's audit) -> new states. Pure.

Only outcomes change a status. A night on which a store could not be read changes nothing but the calendar: it resolves
nothing and changes no date of a breach. Triage is kept beside and changes nothing. A waiver stops messages, and its end
reopens the finding once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from privacy_audit.config.handling import Handling
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import FOUND, Outcome, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingState, FindingStatus
from privacy_audit.findings.from_audit import severity_of, store_not_audited
from privacy_audit.findings.waivers import Waiver, in_force, terms_of

NIGHTS_BEFORE_A_JUMP = 5
"""So many nights must have looked before a number of rows can be called unusual."""
_SEVERITIES = tuple(Severity)
_CHANGES = tuple(FindingChange)


@dataclass(frozen=True, slots=True)
class FindingMemory:
    """The state of the findings before an audit is filed."""

    known: Mapping[str, FindingState] = field(default_factory=dict)
    """Fingerprint to how the finding stood last, resolved ones too."""
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Fingerprint of a check to its rows in breach on the last nights that looked, the oldest first."""
    judged: Mapping[str, datetime] = field(default_factory=dict)
    """Store to the latest T by which it was judged."""


@dataclass(frozen=True, slots=True)
class HandlingRules:
    """The rules that people wrote for findings: handling and waivers."""

    handling: Handling = field(default_factory=Handling)
    waivers: tuple[Waiver, ...] = ()
    formerly: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fingerprint of a check to those it had when its table or control had another name."""


def moves(audit: Audit, memory: FindingMemory) -> bool:
    """Whether the audit changes statuses in some store: one that no audit with a later T has judged, and that was not
    read on a later day than that of T."""
    return any(_moves(audit, store, memory) for store in audit.stores)


def apply_audit(audit: Audit, memory: FindingMemory, rules: HandlingRules) -> tuple[FindingState, ...]:
    """Returns the new state of each finding of the audited stores, the most urgent first.

    Includes open findings and those that were resolved or renamed tonight. Leaves out a store that an audit with a
    later T has judged: an audit of the past rewrites no history.
    """
    night = _Night(audit, memory, rules)
    stands = [one for store in audit.stores if _moves(audit, store, memory) for one in night.of_store(store)]
    return tuple(sorted(stands, key=urgency))


def urgency(standing: FindingState) -> tuple[bool, bool, int, int, int, str]:
    """Returns a sort key: open before closed, not audited before failed, then severity and rows."""
    return (
        not standing.is_open,
        standing.waived,
        FOUND.index(standing.outcome),
        _SEVERITIES.index(standing.severity),
        -standing.rows,
        standing.check,
    )


def fingerprint_of(check: CheckResult, kind: FindingKind) -> str:
    """Returns the identity of a finding: the check's own, or another one for "could not be audited"."""
    if kind is FindingKind.NONCONFORMITY:
        return check.fingerprint
    return hashlib.sha256(f"{kind}|{check.fingerprint}".encode()).hexdigest()


def _moves(audit: Audit, store: StoreResult, memory: FindingMemory) -> bool:
    latest = memory.judged.get(store.name)
    return not store.read_later and (latest is None or audit.as_of >= latest)


class _Night:
    """One audit, compared with the earlier states."""

    def __init__(self, audit: Audit, memory: FindingMemory, rules: HandlingRules) -> None:
        self._audit = audit
        self._memory = memory
        self._rules = rules
        self._zone = ZoneInfo(audit.policy.zone)
        self._today = local_date(audit.as_of, self._zone)

    def of_store(self, store: StoreResult) -> Iterator[FindingState]:
        whole = store_not_audited(store)
        for check in store.checks:
            yield from self._nonconformity(store, check)
            yield from self._sight(store, check, down=whole is not None)
        yield from self._sight(store, whole or _store_as_a_whole(store))
        yield from self._absent(store, down=whole is not None)

    def _nonconformity(self, store: StoreResult, check: CheckResult) -> Iterator[FindingState]:
        seen = check.outcome in (Outcome.FAIL, Outcome.REVIEW)
        old = self._under_former_names(check, seen)
        before = self._memory.known.get(check.fingerprint)
        for one in old:
            before = _joined(before, one, check)
            yield replace(self._gone(one), changes=(FindingChange.RENAMED,))
        if seen:
            yield self._seen(before, self._observed(store, check, FindingKind.NONCONFORMITY))
        elif before and before.is_open:
            yield self._unseen(before) if check.outcome is Outcome.NOT_AUDITED else self._gone(before)

    def _under_former_names(self, check: CheckResult, seen: bool) -> list[FindingState]:
        """Returns the states that continue under the new name of a check. A resolved one waits until it is reopened."""
        names = self._rules.formerly.get(check.fingerprint, ())
        old = [self._memory.known[name] for name in names if name in self._memory.known]
        return [one for one in old if one.is_open or (seen and FindingChange.RENAMED not in one.changes)]

    def _sight(self, store: StoreResult, place: CheckResult, *, down: bool = False) -> Iterator[FindingState]:
        before = self._memory.known.get(fingerprint_of(place, FindingKind.NOT_AUDITED))
        if down and before and before.is_open:
            yield self._kept(before)  # the store is what nobody could look at: one thing, and not one for each check
        elif down:
            return
        elif place.outcome is Outcome.NOT_AUDITED:
            yield self._seen(before, self._observed(store, place, FindingKind.NOT_AUDITED))
        elif before and before.is_open:
            yield self._gone(before)

    def _absent(self, store: StoreResult, *, down: bool) -> Iterator[FindingState]:
        """Findings at places that no check looks at any more. A breach stays open: nobody saw it gone. That a place
        could not be looked at is over once its control looks elsewhere in the store, or is promised no more."""
        places = {check.fingerprint for check in (*store.checks, _store_as_a_whole(store))}
        sights = {fingerprint_of(check, FindingKind.NOT_AUDITED) for check in (*store.checks, _store_as_a_whole(store))}
        going_on = {old for place in places for old in self._rules.formerly.get(place, ())}
        asked = {check.control for check in store.checks}
        blind = asked - {check.control for check in store.checks if check.outcome is not Outcome.NOT_AUDITED}
        for one in self._memory.known.values():
            known = one.fingerprint in places | sights | going_on
            if one.store != store.name or not one.is_open or known or not (self._audit.whole or one.control in asked):
                continue
            if one.kind is FindingKind.NONCONFORMITY:
                yield self._unseen(one)
            else:
                yield self._kept(one) if down or one.control in blind else self._gone(one)

    def _observed(self, store: StoreResult, check: CheckResult, kind: FindingKind) -> FindingState:
        """Returns tonight's finding as a new one."""
        severity = severity_of(self._audit.policy, store, check)
        tally = check.tally
        return FindingState(
            fingerprint=fingerprint_of(check, kind),
            kind=kind,
            check=check.id,
            control=check.control,
            store=check.store,
            table=check.table,
            qualifier=check.qualifier,
            owner=store.owner,
            status=FindingStatus.NEW,
            outcome=check.outcome,
            severity=severity,
            first_seen=self._audit.as_of,
            last_seen=self._audit.as_of,
            due_by=self._rules.handling.due_by(self._today, severity),
            violating=tally.violating if tally else 0,
            undecidable=tally.undecidable if tally else 0,
            overdue_since=tally.overdue_since if tally else None,
        )

    def _seen(self, before: FindingState | None, tonight: FindingState) -> FindingState:
        changes: set[FindingChange] = set()
        if before is None:
            changes.add(FindingChange.FOUND)
            now = tonight
        else:
            now = self._continued(before, tonight)
            if before.is_open:
                changes |= self._worse(before, now)
            else:
                changes.add(FindingChange.RETURNED)
                now = replace(now, status=FindingStatus.REOPENED, reopened_at=self._audit.as_of)
        jumped = self._has_jumped(now)
        if jumped and not now.braked:
            changes.add(FindingChange.JUMPED)
        now, changes = self._under_waiver(replace(now, braked=jumped), changes)
        return self._told(now, changes)

    def _continued(self, before: FindingState, tonight: FindingState) -> FindingState:
        """Returns tonight's finding with the dates and marks of its earlier state."""
        first_day = local_date(before.first_seen, self._zone)
        known = before.overdue_since if before.is_open else None  # what was found gone is no part of what came back
        days = [day for day in (known, tonight.overdue_since) if day]
        return replace(
            tonight,
            status=FindingStatus.OPEN,
            first_seen=before.first_seen,
            due_by=self._rules.handling.due_by(first_day, tonight.severity),
            occurrences=before.occurrences + 1,
            overdue_since=min(days, default=None),
            reopened_at=before.reopened_at,
            told_rows=before.told_rows,
            due_told=before.due_told,
            braked=before.braked,
            waiver=before.waiver,
            waived_rows=before.waived_rows,
            waived_until=before.waived_until,
            lapsed=before.lapsed,
            ending_told=before.ending_told,
        )

    def _worse(self, before: FindingState, now: FindingState) -> set[FindingChange]:
        worse = set()
        proved = before.outcome is Outcome.REVIEW and now.outcome is Outcome.FAIL
        if proved or _SEVERITIES.index(now.severity) < _SEVERITIES.index(before.severity):
            worse.add(FindingChange.WORSENED)
        was_told = before.told_rows > 0 or not before.waived  # else it was waived since it was found
        if was_told and now.rows * 100 > before.told_rows * (100 + self._rules.handling.alerts.growth_percent):
            worse.add(FindingChange.GREW)
        return worse

    def _has_jumped(self, now: FindingState) -> bool:
        alerts = self._rules.handling.alerts
        usual = self._memory.counts.get(now.fingerprint, ()) if now.kind is FindingKind.NONCONFORMITY else ()
        if len(usual) < NIGHTS_BEFORE_A_JUMP or now.violating < alerts.jump_rows:
            return False
        unusual = now.violating > alerts.jump_factor * max(1, median(usual))
        return unusual and (now.braked or now.violating > usual[-1])  # a night without a rise is no jump

    def _unseen(self, before: FindingState) -> FindingState:
        now = replace(before, status=FindingStatus.OPEN, unseen_since=before.unseen_since or self._audit.as_of)
        return self._told(*self._under_waiver(now, set()))

    def _kept(self, before: FindingState) -> FindingState:
        return self._told(replace(before, status=FindingStatus.OPEN), set())

    def _gone(self, before: FindingState) -> FindingState:
        return replace(
            before,
            status=FindingStatus.RESOLVED,
            resolved_at=self._audit.as_of,
            unseen_since=None,
            told_rows=0,
            braked=False,
            waiver="",
            waived_rows=0,
            waived_until=None,
            changes=(FindingChange.RESOLVED,),
        )

    def _under_waiver(self, now: FindingState, changes: set[FindingChange]) -> tuple[FindingState, set[FindingChange]]:
        """Returns the finding with the waiver that covers it tonight. The end of a waiver reopens the finding once."""
        instant = self._audit.as_of
        waiver = in_force(self._rules.waivers, now.check, instant) if now.kind is FindingKind.NONCONFORMITY else None
        if waiver and waiver.terms not in now.lapsed.split() and now.rows <= waiver.max_rows:
            return self._covered(now, waiver, changes)
        if not now.waived:
            return now, changes
        ended = self._why_it_ended(now)
        over = terms_of(now.waiver, now.waived_until or instant, now.waived_rows)
        reopened = replace(
            now,
            status=FindingStatus.REOPENED,
            reopened_at=instant,
            waiver="",
            waived_rows=0,
            waived_until=None,
            lapsed=f"{now.lapsed} {over}".strip(),
        )
        return reopened, changes | {ended}

    def _covered(
        self, now: FindingState, waiver: Waiver, changes: set[FindingChange]
    ) -> tuple[FindingState, set[FindingChange]]:
        instant = self._audit.as_of
        changes = changes - {FindingChange.GREW}
        if not now.waived:
            changes |= {FindingChange.WAIVED}
        ending = timedelta(days=self._rules.handling.alerts.waiver_warning_days)
        if instant >= waiver.expires - ending and waiver.terms not in now.ending_told.split():
            changes |= {FindingChange.WAIVER_ENDING}
            now = replace(now, ending_told=f"{now.ending_told} {waiver.terms}".strip())
        covered = replace(now, waiver=waiver.id, waived_rows=waiver.max_rows, waived_until=waiver.expires)
        return covered, changes

    def _why_it_ended(self, now: FindingState) -> FindingChange:
        """Returns why a waiver ended: by the file of tonight, or by its last entry if it was removed."""
        instant = self._audit.as_of
        written = next((one for one in self._rules.waivers if one.id == now.waiver), None)
        if written and written.holds(instant) and now.rows > written.max_rows:
            return FindingChange.WAIVER_EXCEEDED
        until = written.expires if written else now.waived_until
        return FindingChange.WAIVER_EXPIRED if until and instant > until else FindingChange.WAIVER_WITHDRAWN

    def _told(self, now: FindingState, changes: set[FindingChange]) -> FindingState:
        """Returns the finding with the rows that its owner has been notified of, tonight included."""
        if self._today > now.due_by and not now.due_told and not now.waived:
            changes = changes | {FindingChange.DUE_PASSED}
            now = replace(now, due_told=True)
        fell = (
            now.rows * 2 < now.told_rows
        )  # growth is growth from where it fell to, though nobody was told of the fall
        if (changes or fell) and not now.waived:
            now = replace(now, told_rows=now.rows)
        return replace(now, changes=tuple(change for change in _CHANGES if change in changes))


def _store_as_a_whole(store: StoreResult) -> CheckResult:
    """Returns the check that stands for a store as a whole."""
    return CheckResult(f"{store.name}/_store", "", store.name, "", "", Outcome.PASS, "")


def _joined(own: FindingState | None, old: FindingState, check: CheckResult) -> FindingState:
    """Joins two states of a renamed finding under its new name: the earlier dates of both, and the open one
    continues."""
    renamed = replace(
        old,
        fingerprint=check.fingerprint,
        check=check.id,
        control=check.control,
        table=check.table,
        qualifier=check.qualifier,
    )
    if (
        own is None or FindingChange.RENAMED in own.changes
    ):  # renamed back: what was known by this name went on by the other
        return renamed
    days = [day for day in (own.overdue_since, old.overdue_since) if day]
    return replace(
        renamed if old.is_open and not own.is_open else own,
        first_seen=min(own.first_seen, old.first_seen),
        occurrences=own.occurrences + old.occurrences,
        overdue_since=min(days, default=None),
    )
