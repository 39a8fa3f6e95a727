"""Findings as a report tells them: each with what people said and signed, in the groups in which they are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import FOUND, Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Pack
from privacy_audit.findings.finding_state import (
    FindingChange,
    FindingHistory,
    FindingKind,
    FindingState,
    FindingStatus,
    TriageDecision,
    WaiverReport,
    WaiverState,
)
from privacy_audit.findings.from_audit import store_not_audited
from privacy_audit.findings.transitions import fingerprint_of
from privacy_audit.publish.report.summary import anchor

_WORSE = frozenset({FindingChange.WORSENED, FindingChange.GREW})


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding of the register beside what people said of it."""

    standing: FindingState
    title: str
    """The promise that it is about, or the store that nobody could look at."""
    place: str
    """Title of the store; its name when tonight's audit has no such store."""
    decision: TriageDecision | None = None
    waiver: WaiverReport | None = None
    """The waiver that covers it, as its file says it; None when none does."""
    overdue_days: int = 0
    """Civil days since the day by which it was to be closed; 0 while that is not over, and while it is waived."""
    pack: Pack | None = None
    """Whose rule it breaks; None for a store as a whole, and where tonight's policy does not have the control."""
    home: str = ""
    """Anchor of the card in which it is told; empty when no card of tonight is about it."""

    @property
    def key(self) -> str:
        """Its own anchor: the same every night."""
        return f"finding-{self.standing.fingerprint[:16]}"

    @property
    def anchor(self) -> str:
        """Where in the page it is told."""
        return self.home or self.key


class AuditHistoryView:
    """An audit and its chronicle, joined."""

    def __init__(self, audit: Audit, chronicle: FindingHistory) -> None:
        self._audit = audit
        self._chronicle = chronicle
        self._zone = ZoneInfo(audit.policy.zone)
        self._stores = {store.name: store for store in audit.stores}
        self._titles = {control.id: control.title for control in audit.policy.controls}
        self._packs = {control.id: control.pack for control in audit.policy.controls}
        self._waivers = {report.id: report for report in chronicle.waivers}

    @property
    def today(self) -> date:
        """Civil day of the audit in the policy's zone."""
        return local_date(self._audit.as_of, self._zone)

    @property
    def is_known(self) -> bool:
        """Whether the register told how findings stand: not when the audit was filed without history."""
        return self._chronicle.moved and self._chronicle != FindingHistory()

    def of(self, check: CheckResult) -> FindingView | None:
        """The finding that rows of this check break its promise or cannot be decided."""
        return self._by_fingerprint.get(fingerprint_of(check, FindingKind.NONCONFORMITY))

    def sight_of(self, check: CheckResult) -> FindingView | None:
        """The finding that nobody could look at this check."""
        return self._by_fingerprint.get(fingerprint_of(check, FindingKind.NOT_AUDITED))

    def sight_of_store(self, store: StoreResult) -> FindingView | None:
        """The finding that nobody could look at this store at all."""
        whole = store_not_audited(store)
        return self.sight_of(whole) if whole else None

    @property
    def quiet(self) -> frozenset[str]:
        """Fingerprints of the checks whose rows a waiver covers: told after the others, never hidden."""
        return frozenset(one.standing.fingerprint for one in self.waived)

    @cached_property
    def all(self) -> tuple[FindingView, ...]:
        """Every finding of the chronicle, the most urgent first."""
        return tuple(self._known(standing) for standing in self._chronicle.standings)

    @cached_property
    def open(self) -> tuple[FindingView, ...]:
        """What is not known to be gone."""
        return tuple(one for one in self.all if one.standing.is_open)

    @property
    def new(self) -> tuple[FindingView, ...]:
        """Found tonight, and never before."""
        return tuple(one for one in self.open if one.standing.status is FindingStatus.NEW)

    @property
    def returned(self) -> tuple[FindingView, ...]:
        """Open again since tonight: resolved before, or no longer under its waiver."""
        return tuple(one for one in self.open if one.standing.status is FindingStatus.REOPENED)

    @property
    def worse(self) -> tuple[FindingView, ...]:
        """Known before, and worse since its owner was last told; without those that are told as new, back or braked."""
        told = (*self.new, *self.returned, *self.braked)
        return tuple(one for one in self.open if _WORSE & {*one.standing.changes} and one not in told)

    @property
    def changed(self) -> tuple[FindingView, ...]:
        """What a reader should know tonight of the open findings: unusual, new, back or worse."""
        news = (*self.braked, *self.new, *self.returned, *self.worse)
        return tuple(one for one in self.open if one in news)

    @property
    def resolved(self) -> tuple[FindingView, ...]:
        """Gone, as an audit saw tonight."""
        return tuple(one for one in self._closed if FindingChange.RENAMED not in one.standing.changes)

    @property
    def renamed(self) -> tuple[FindingView, ...]:
        """Closed under a former name only: they go on under the name that their table or control has now."""
        return tuple(one for one in self._closed if FindingChange.RENAMED in one.standing.changes)

    @property
    def waived(self) -> tuple[FindingView, ...]:
        """Open, and covered by a waiver."""
        return tuple(one for one in self.open if one.standing.waived)

    @property
    def overdue(self) -> tuple[FindingView, ...]:
        """Open past their day, the oldest day first."""
        return tuple(one for one in self.due if one.overdue_days)

    @property
    def due(self) -> tuple[FindingView, ...]:
        """Open and not waived, by the day by which each is to be closed."""
        unwaived = (one for one in self.open if not one.standing.waived)
        return tuple(sorted(unwaived, key=lambda one: one.standing.due_by))

    @property
    def braked(self) -> tuple[FindingView, ...]:
        """Those with many times their usual rows."""
        return tuple(one for one in self.open if one.standing.braked)

    @property
    def adrift(self) -> tuple[FindingView, ...]:
        """Open findings that no card of tonight tells: no check looks there any more."""
        return tuple(one for one in self.open if not one.home)

    @property
    def waiver_reports(self) -> tuple[tuple[WaiverReport, WaiverState | None], ...]:
        """Each waiver and its state; None where tonight's audit did not look, for then nobody knows its use."""
        looked = {check.id for check in self._audit.checks} if self._chronicle.moved else frozenset()
        unused = WaiverState.UNUSED
        return tuple(
            (report, None if report.state is unused and report.check not in looked else report.state)
            for report in self._chronicle.waivers
        )

    @property
    def _closed(self) -> Iterable[FindingView]:
        return (one for one in self.all if not one.standing.is_open)

    @cached_property
    def _by_fingerprint(self) -> dict[str, FindingView]:
        return {one.standing.fingerprint: one for one in self.open}

    def _known(self, standing: FindingState) -> FindingView:
        past = 0 if standing.waived or not standing.is_open else (self.today - standing.due_by).days
        store = self._stores.get(standing.store)
        place = store.title if store else standing.store
        return FindingView(
            standing=standing,
            title=self._titles.get(standing.control, standing.control) or f"{place}: the whole store",
            place=place,
            decision=self._chronicle.decisions.get(standing.fingerprint),
            waiver=self._waivers.get(standing.waiver),
            overdue_days=max(0, past),
            pack=self._packs.get(standing.control),
            home=self._homes.get(standing.fingerprint, "") if standing.is_open else "",
        )

    @cached_property
    def _homes(self) -> dict[str, str]:
        """Fingerprint of each finding that a card of tonight tells, to the anchor of that card."""
        homes = {}
        for store in self._audit.stores:
            whole = store_not_audited(store)
            if whole and store.cause:
                homes[fingerprint_of(whole, FindingKind.NOT_AUDITED)] = f"down-{store.name}"
            for check in store.checks:
                if check.outcome in FOUND:
                    homes[check.fingerprint] = anchor(check)
                if check.outcome is Outcome.NOT_AUDITED:
                    homes[fingerprint_of(check, FindingKind.NOT_AUDITED)] = anchor(check)
        return homes
