"""Makes the view of an audit: the only place that decides how exactly a date is shown, and that cleans texts.

What is judged by exact dates (trends, logs of purge runs) is worked out here too, from the audit as it was filed, and
handed on as sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import FOUND, Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Control, Pack
from privacy_audit.domain.tally import Tally
from privacy_audit.findings import disclosure, purge_history, trends
from privacy_audit.findings.finding_state import (
    CheckCount,
    FindingHistory,
    FindingKind,
    FindingState,
    TriageDecision,
    WaiverReport,
)
from privacy_audit.findings.from_audit import store_not_audited
from privacy_audit.findings.transitions import fingerprint_of
from privacy_audit.view.audit_view import (
    AuditView,
    ChartView,
    CheckView,
    NightView,
    StoreView,
    TallyView,
    TrendView,
    key_of,
)
from privacy_audit.view.clean_text import clean, clean_all
from privacy_audit.view.finding_view import (
    ClosingView,
    DecisionView,
    EarlierFinding,
    FindingNight,
    FindingView,
    HistoryView,
    WaiverView,
)
from privacy_audit.view.shown_date import ShownDate

_PURGED = ("retention", "soft_delete")
"""Kinds of control that promise deletion, so that rows in breach go by a purge."""
_NOT_SHOWN = (
    "-- This statement is not shown: a name in it holds characters that nobody can see,\n"
    "-- and without them it would name something else."
)
_WITHOUT_HISTORY = FindingHistory()
_NO_FINDINGS: Mapping[str, FindingState] = {}
_NO_DECISIONS: Mapping[str, TriageDecision] = {}


def make_view(
    audit: Audit, history: FindingHistory = _WITHOUT_HISTORY, before: Mapping[str, FindingState] = _NO_FINDINGS
) -> AuditView:
    """The audit as it may be shown, with what is known of other nights; without `history`, as filed without any.

    `before` maps fingerprints to how each finding stood until tonight.
    """
    return clean_all(_Night(audit, history, before).view())


def make_chart(points: Sequence[CheckCount], zone: ZoneInfo) -> ChartView:
    """The nights of a check as a chart shows them; `zone` is the policy's. Without points there are no nights."""
    shown = trends.nights(points, zone, local_date(points[-1].as_of, zone)) if points else ()
    most = max((night.rows for night in shown if night.rows is not None), default=0)
    peak = next((night.day for night in shown if most and night.rows == most), None)
    return ChartView(shown, _shown(peak, most < disclosure.SMALL_COUNT))


def make_finding_views(
    states: Iterable[FindingState], decisions: Mapping[str, TriageDecision] = _NO_DECISIONS
) -> tuple[FindingView, ...]:
    """Findings as the audit database holds them, in the same order; tonight's policy and stores are not asked."""
    return clean_all(tuple(_finding(state, decisions.get(state.fingerprint)) for state in states))


def make_finding_nights(nights: Iterable[tuple[datetime, FindingState]]) -> tuple[FindingNight, ...]:
    """How one finding stood after each of its audits."""
    return clean_all(tuple(FindingNight(as_of, _finding(state, None)) for as_of, state in nights))


def make_decision_views(decisions: Iterable[TriageDecision]) -> tuple[DecisionView, ...]:
    """What people said of findings, in the same order."""
    return clean_all(tuple(map(_decision, decisions)))


def make_closing_view(
    *, sentence: str, reason: str, fix: str, show_rows: str, show_undecidable: str, draft: str
) -> ClosingView:
    """What closes a finding, from the texts that the audit database holds of it."""
    statements = map(_statement, (show_rows, show_undecidable, draft))
    return clean_all(ClosingView(sentence, reason, fix, *statements))


class _Night:
    """An audit beside its history, and what is looked up in them for each part of the view."""

    def __init__(self, audit: Audit, history: FindingHistory, before: Mapping[str, FindingState]) -> None:
        self._audit = audit
        self._history = history
        self._before = before
        self._zone = ZoneInfo(audit.policy.zone)
        self._today = local_date(audit.as_of, self._zone)
        self._controls = {control.id: control for control in audit.policy.controls}
        self._stores = {store.name: store for store in audit.stores}
        self._checks = {check.fingerprint: check for check in audit.checks}
        self._waivers = {report.id: report for report in history.waivers}

    def view(self) -> AuditView:
        audit = self._audit
        stores = tuple(map(self._store, audit.stores))
        return AuditView(
            id=audit.id,
            as_of=audit.as_of,
            today=self._today,
            policy=audit.policy,
            stores=stores,
            limits=audit.limits,
            triggered_by=audit.triggered_by,
            whole=audit.whole,
            database=audit.database,
            verdict=phrases.verdict(audit),
            small_count=disclosure.SMALL_COUNT,
            history=self._history_view(_cards(stores)),
        )

    def _store(self, store: StoreResult) -> StoreView:
        whole = store_not_audited(store)
        return StoreView(
            name=store.name,
            title=store.title,
            owner=store.owner,
            alert=store.alert,
            unseen_fingerprint=fingerprint_of(whole, FindingKind.NOT_AUDITED) if whole else "",
            outcome=store.outcome,
            checks=tuple(map(self._check, store.checks)),
            cause=store.cause,
            reason=store.reason,
            snapshot=store.snapshot,
            limits=store.limits,
        )

    def _check(self, check: CheckResult) -> CheckView:
        points = self._history.series.get(check.fingerprint, ())
        return CheckView(
            id=check.id,
            key=key_of(check.id),
            suite_key=key_of(f"{check.store}.{check.table}"),
            control=check.control,
            store=check.store,
            table=check.table,
            qualifier=check.qualifier,
            fingerprint=check.fingerprint,
            unseen_fingerprint=fingerprint_of(check, FindingKind.NOT_AUDITED),
            outcome=check.outcome,
            sentence=check.sentence,
            tally=_tally(check.tally, self._today, self._zone) if check.tally else None,
            plan=check.plan,
            plan_reason=check.plan_reason,
            cause=check.cause,
            reason=check.reason,
            show_rows=_statement(check.show_rows),
            show_undecidable=_statement(check.show_undecidable),
            fix=check.fix,
            draft=_statement(check.draft),
            forecast=check.forecast,
            purge=check.purge,
            purge_sentence=purge_history.sentence(check, self._today, self._zone),
            purge_alarm=purge_history.alarm(check, self._today, self._zone),
            late_holds=check.late_holds,
            reading=check.reading,
            attested_until=check.attested_until,
            nights=tuple(_night(point, few_persons=self._is_small(check)) for point in points),
            chart=make_chart(points, self._zone),
            trend=self._trend(points, self._controls.get(check.control)),
        )

    def _is_small(self, check: CheckResult | None) -> bool:
        """Whether tonight few rows or few persons are meant; a history holds rows of other nights, and no persons."""
        return check is not None and check.tally is not None and disclosure.is_small(check.tally)

    def _trend(self, points: Sequence[CheckCount], control: Control | None) -> TrendView | None:
        """Judged by exact dates: one that is coarse on one night and exact on the next would look like rows that went.
        Its sentences give dates by month where few rows are in breach."""
        if len(points) < 2:
            return None
        trend = trends.trend(points, self._zone, self._today)
        sentences = trends.sentences(trend, purge=control is not None and control.kind in _PURGED)
        return TrendView(len(trend.nights), trend.backlog, trend.change_in_a_week, sentences)

    def _history_view(self, cards: Mapping[str, str]) -> HistoryView:
        known = self._history
        return HistoryView(
            findings=tuple(self._finding(state, cards) for state in known.standings),
            waivers=tuple(map(_waiver, known.waivers)),
            policy_changes=known.policy_changes,
            moved=known.moved,
            is_known=known.moved and known != _WITHOUT_HISTORY,
        )

    def _finding(self, state: FindingState, cards: Mapping[str, str]) -> FindingView:
        control, store = self._controls.get(state.control), self._stores.get(state.store)
        waiver, before = self._waivers.get(state.waiver), self._before.get(state.fingerprint)
        place = store.title if store else state.store
        past = 0 if state.waived or not state.is_open else (self._today - state.due_by).days
        return _finding(
            state,
            self._history.decisions.get(state.fingerprint),
            few_persons=self._is_small(self._checks.get(state.fingerprint)),
            waiver_report=_waiver(waiver) if waiver else None,
            before=_earlier(before) if before else None,
            title=(control.title if control else state.control) or f"{place}: the whole store",
            place=place,
            pack=control.pack if control else None,
            overdue_days=max(0, past),
            home=cards.get(state.fingerprint, "") if state.is_open else "",
        )


def _cards(stores: Iterable[StoreView]) -> dict[str, str]:
    """Fingerprint of each finding that a card of tonight shows, to the anchor of that card."""
    cards = {}
    for store in stores:
        if store.unseen_fingerprint and store.cause:
            cards[store.unseen_fingerprint] = store.anchor
        for check in store.checks:
            if check.outcome in FOUND:
                cards[check.fingerprint] = check.anchor
            if check.outcome is Outcome.NOT_AUDITED:
                cards[check.unseen_fingerprint] = check.anchor
    return cards


def _finding(
    state: FindingState,
    decision: TriageDecision | None,
    *,
    few_persons: bool = False,
    waiver_report: WaiverView | None = None,
    before: EarlierFinding | None = None,
    title: str = "",
    place: str = "",
    pack: Pack | None = None,
    overdue_days: int = 0,
    home: str = "",
) -> FindingView:
    few = few_persons or disclosure.is_few(state.violating)
    return FindingView(
        fingerprint=state.fingerprint,
        kind=state.kind,
        check=state.check,
        control=state.control,
        store=state.store,
        table=state.table,
        qualifier=state.qualifier,
        owner=state.owner,
        status=state.status,
        outcome=state.outcome,
        severity=state.severity,
        first_seen=state.first_seen,
        last_seen=state.last_seen,
        due_by=state.due_by,
        occurrences=state.occurrences,
        violating=state.violating,
        undecidable=state.undecidable,
        overdue_since=_shown(state.overdue_since, few),
        by_month=few,
        reopened_at=state.reopened_at,
        resolved_at=state.resolved_at,
        unseen_since=state.unseen_since,
        braked=state.braked,
        waiver=state.waiver,
        waived_rows=state.waived_rows,
        waived_until=state.waived_until,
        changes=state.changes,
        decision=_decision(decision) if decision else None,
        waiver_report=waiver_report,
        before=before,
        title=title,
        place=place,
        pack=pack,
        overdue_days=overdue_days,
        home=home,
    )


def _decision(decision: TriageDecision) -> DecisionView:
    return DecisionView(decision.triage, decision.comment, decision.by, decision.at)


def _waiver(report: WaiverReport) -> WaiverView:
    return WaiverView(
        id=report.id,
        check=report.check,
        state=report.state,
        reason=report.reason,
        requested_by=report.requested_by,
        approved_by=report.approved_by,
        expires=report.expires,
        max_rows=report.max_rows,
        rows=report.rows,
    )


def _earlier(state: FindingState) -> EarlierFinding:
    return EarlierFinding(
        outcome=state.outcome,
        severity=state.severity,
        told_rows=state.told_rows,
        resolved_at=state.resolved_at,
        waiver=state.waiver,
        waived_rows=state.waived_rows,
    )


def _tally(tally: Tally, today: date, zone: ZoneInfo) -> TallyView:
    small = disclosure.is_small(tally)
    since = tally.overdue_since
    return TallyView(
        population=tally.population,
        compliant=tally.compliant,
        violating=tally.violating,
        held=tally.held,
        undecidable=tally.undecidable,
        out_of_scope=tally.out_of_scope,
        subjects=tally.subjects,
        oldest=_shown(tally.oldest and local_date(tally.oldest, zone), small),
        newest=_shown(tally.newest and local_date(tally.newest, zone), small),
        overdue_since=_shown(since, small),
        overdue_days=None if since is None or small else (today - since).days,
        ages=disclosure.merged_below_a_month(tally.ages) if small else tally.ages,
        estimated=tally.estimated,
        by_month=small,
    )


def _night(point: CheckCount, *, few_persons: bool) -> NightView:
    few = few_persons or disclosure.is_few(point.violating or 0)
    return NightView(
        as_of=point.as_of,
        outcome=point.outcome,
        violating=point.violating,
        undecidable=point.undecidable,
        held=point.held,
        population=point.population,
        ages=disclosure.merged_below_a_month(point.ages) if few and point.ages else point.ages,
        overdue_since=_shown(point.overdue_since, few),
        by_month=few,
    )


def _shown(day: date | None, by_month: bool) -> ShownDate | None:
    if day is None:
        return None
    return ShownDate(disclosure.first_of_month(day) if by_month else day, by_month)


def _statement(sql: str) -> str:
    """A statement is shown whole or not at all: one with characters left out may delete rows of another table."""
    return sql if clean(sql) == sql else _NOT_SHOWN
