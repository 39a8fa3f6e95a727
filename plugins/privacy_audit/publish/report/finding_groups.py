"""The findings of a view in the groups in which a report shows them: new, back, worse, due, waived, gone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from privacy_audit.findings.finding_state import FindingChange, FindingStatus, WaiverState
from privacy_audit.view.audit_view import AuditView, CheckView, StoreView
from privacy_audit.view.finding_view import FindingView, WaiverView

_WORSE = frozenset({FindingChange.WORSENED, FindingChange.GREW})


class FindingGroups:
    """The findings of a view, in the groups in which a report shows them."""

    def __init__(self, audit: AuditView) -> None:
        self._audit = audit
        self._history = audit.history

    @property
    def is_known(self) -> bool:
        """Whether it is known how findings stand: not when the audit was filed without history."""
        return self._history.is_known

    def of(self, check: CheckView) -> FindingView | None:
        """The finding that rows of this check break its promise or cannot be decided."""
        return self._by_fingerprint.get(check.fingerprint)

    def sight_of(self, check: CheckView) -> FindingView | None:
        """The finding that nobody could look at this check."""
        return self._by_fingerprint.get(check.unseen_fingerprint)

    def sight_of_store(self, store: StoreView) -> FindingView | None:
        """The finding that nobody could look at this store at all."""
        return self._by_fingerprint.get(store.unseen_fingerprint)

    @property
    def quiet(self) -> frozenset[str]:
        """Fingerprints of the checks whose rows a waiver covers: told after the others, never hidden."""
        return frozenset(one.fingerprint for one in self.waived)

    @property
    def all(self) -> tuple[FindingView, ...]:
        """Every finding that is known, the most urgent first."""
        return self._history.findings

    @cached_property
    def open(self) -> tuple[FindingView, ...]:
        """What is not known to be gone."""
        return tuple(one for one in self.all if one.is_open)

    @property
    def new(self) -> tuple[FindingView, ...]:
        """Found tonight, and never before."""
        return tuple(one for one in self.open if one.status is FindingStatus.NEW)

    @property
    def returned(self) -> tuple[FindingView, ...]:
        """Open again since tonight: resolved before, or no longer under its waiver."""
        return tuple(one for one in self.open if one.status is FindingStatus.REOPENED)

    @property
    def worse(self) -> tuple[FindingView, ...]:
        """Known before, and worse since its owner was last told; without those that are told as new, back or braked."""
        told = (*self.new, *self.returned, *self.braked)
        return tuple(one for one in self.open if _WORSE & {*one.changes} and one not in told)

    @property
    def changed(self) -> tuple[FindingView, ...]:
        """What a reader should know tonight of the open findings: unusual, new, back or worse."""
        news = (*self.braked, *self.new, *self.returned, *self.worse)
        return tuple(one for one in self.open if one in news)

    @property
    def resolved(self) -> tuple[FindingView, ...]:
        """Gone, as an audit saw tonight."""
        return tuple(one for one in self._closed if FindingChange.RENAMED not in one.changes)

    @property
    def renamed(self) -> tuple[FindingView, ...]:
        """Closed under a former name only: they go on under the name that their table or control has now."""
        return tuple(one for one in self._closed if FindingChange.RENAMED in one.changes)

    @property
    def waived(self) -> tuple[FindingView, ...]:
        """Open, and covered by a waiver."""
        return tuple(one for one in self.open if one.waived)

    @property
    def overdue(self) -> tuple[FindingView, ...]:
        """Open past their day, the oldest day first."""
        return tuple(one for one in self.due if one.overdue_days)

    @property
    def due(self) -> tuple[FindingView, ...]:
        """Open and not waived, by the day by which each is to be closed."""
        unwaived = (one for one in self.open if not one.waived)
        return tuple(sorted(unwaived, key=lambda one: one.due_by))

    @property
    def braked(self) -> tuple[FindingView, ...]:
        """Those with many times their usual rows."""
        return tuple(one for one in self.open if one.braked)

    @property
    def adrift(self) -> tuple[FindingView, ...]:
        """Open findings that no card of tonight tells: no check looks there any more."""
        return tuple(one for one in self.open if not one.home)

    @property
    def waiver_reports(self) -> tuple[tuple[WaiverView, WaiverState | None], ...]:
        """Each waiver and its state; None where tonight's audit did not look, for then nobody knows its use."""
        looked = {check.id for check in self._audit.checks} if self._history.moved else frozenset()
        unused = WaiverState.UNUSED
        return tuple(
            (report, None if report.state is unused and report.check not in looked else report.state)
            for report in self._history.waivers
        )

    @property
    def _closed(self) -> Iterable[FindingView]:
        return (one for one in self.all if not one.is_open)

    @cached_property
    def _by_fingerprint(self) -> dict[str, FindingView]:
        return {one.fingerprint: one for one in self.open}
