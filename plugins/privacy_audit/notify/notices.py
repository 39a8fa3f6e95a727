"""Who is told what of a night: news only, each once to each recipient, and once a week how everything stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.config.handling import Handling, NotifiedPerson, Route
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import FOUND, Cause, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.findings import disclosure, purge_history
from privacy_audit.findings.finding_state import FindingChange, FindingHistory, FindingKind, FindingState, WaiverState
from privacy_audit.notify import notice_phrases
from privacy_audit.notify.message import FindingNotice, Message, MessageSection, TicketAction, WeeklyDigest, one_line

_AUDIBLE = frozenset(FindingChange) - {FindingChange.WAIVED, FindingChange.RENAMED}
_THROUGH_A_WAIVER = frozenset({FindingChange.WAIVER_ENDING, FindingChange.RESOLVED, FindingChange.JUMPED})
"""What is told although a waiver covers the finding: its end, the good news, and what nobody should delete by."""
_ENDS = frozenset({FindingChange.WAIVER_EXPIRED, FindingChange.WAIVER_EXCEEDED, FindingChange.WAIVER_WITHDRAWN})
_WAIVERS = _ENDS | {FindingChange.WAIVER_ENDING}
"""What compliance is told of the findings themselves."""
_REOPENING = _ENDS | {FindingChange.FOUND, FindingChange.RETURNED}
_POLICY = {
    Direction.LOOSENED: "Promises or checks that were loosened",
    Direction.CHANGED: "Promises or checks that changed",
    Direction.TIGHTENED: "Promises or checks that were tightened",
}
_WAIVER_TITLES = {
    WaiverState.EXCEEDED: "Waivers that are exceeded",
    WaiverState.EXPIRED: "Waivers that have expired",
    WaiverState.ENDING: "Waivers that end soon",
    WaiverState.OVER_BROAD: "Waivers that are over-broad",
    WaiverState.UNUSED: "Waivers without anything to cover",
}
_SEVERITIES = tuple(Severity)


class NoticeAddress(NamedTuple):
    """A recipient: one message per address and night."""

    owner: str
    alert: str


def messages(
    audit: Audit,
    chronicle: FindingHistory,
    handling: Handling,
    link: str,
    digests: Mapping[str, datetime],
    before: Mapping[str, FindingState] | None = None,
) -> tuple[Message, ...]:
    """What each recipient is told of an audit; nothing for whom there is no news, and nothing of an audit of the past.

    `digests` maps `owner|alert` to T of the last digest; `before` maps fingerprints to how each finding stood until
    tonight, and lets the words say since when and from how many. A run over some stores or controls brings no digest.
    """
    if not chronicle.moved:
        return ()
    night = _Night(audit, chronicle, handling, link, digests, before or {})
    return tuple(night.messages())


class _Night:
    """One audit, and everybody who may be told of it."""

    def __init__(
        self,
        audit: Audit,
        chronicle: FindingHistory,
        handling: Handling,
        link: str,
        digests: Mapping[str, datetime],
        before: Mapping[str, FindingState],
    ) -> None:
        self._audit = audit
        self._chronicle = chronicle
        self._handling = handling
        self._link = link
        self._digests = digests
        self._before = before
        self._zone = ZoneInfo(audit.policy.zone)
        self._today = local_date(audit.as_of, self._zone)
        self._stores = {store.name: store for store in audit.stores}
        self._checks = {check.id: check for check in audit.checks}
        self._controls = {control.id: control for control in audit.policy.controls}

    def messages(self) -> Iterator[Message]:
        for address in self._addresses:
            message = self._message(address)
            if message.lines or message.sections or message.digest:
                yield message

    @cached_property
    def _addresses(self) -> list[NoticeAddress]:
        named = (self._handling.platform, self._handling.compliance, *self._handling.routes)
        return sorted({*map(_owner, self._audit.stores), *(_address(one) for one in named if one)})

    @cached_property
    def _standings(self) -> list[tuple[FindingState, frozenset[NoticeAddress]]]:
        """The findings of tonight's stores, each with whom it concerns."""
        known = (one for one in self._chronicle.standings if one.store in self._stores)
        return [(one, self._concerned(one)) for one in known]

    def _concerned(self, standing: FindingState) -> frozenset[NoticeAddress]:
        """The one who can close it, and each route that fits."""
        platform = self._handling.platform
        blind = standing.kind is FindingKind.NOT_AUDITED
        closer = _address(platform) if blind and platform else _owner(self._stores[standing.store])
        return frozenset({closer, *(_address(route) for route in self._handling.routes if self._fits(route, standing))})

    def _fits(self, route: Route, standing: FindingState) -> bool:
        control = self._controls.get(standing.control)
        categories: Sequence[Category] = control.categories if control else ()
        return (not route.severities or standing.severity in route.severities) and (
            not route.categories or any(category in route.categories for category in categories)
        )

    def _message(self, address: NoticeAddress) -> Message:
        for_compliance = address == _address(self._handling.compliance)
        told = [
            standing
            for standing, concerned in self._standings
            if address in concerned or (for_compliance and _WAIVERS & set(standing.changes))
        ]
        lines = tuple(line for line in map(self._line, told) if line)
        digest = self._digest(address, {line.fingerprint for line in lines}) if self._is_digest_due(address) else None
        shown = {line.fingerprint for line in (*lines, *(digest.open if digest else ()))}
        sections = [*self._policy()] if for_compliance else []
        if for_compliance and digest:
            sections += [*self._waivers(), self._summary()]
        return Message(
            audit_id=self._audit.id,
            as_of=self._audit.as_of,
            day=self._today,
            owner=address.owner,
            alert=address.alert,
            link=self._link,
            stores=self._titles(address, shown),
            lines=tuple(sorted(lines, key=urgency)),
            sections=tuple(sections),
            digest=digest,
            nights=(self._today,),
        )

    def _titles(self, address: NoticeAddress, shown: set[str]) -> tuple[str, ...]:
        """The stores of the findings that are shown; without any, the recipient's own."""
        named = {standing.store for standing, _ in self._standings if standing.fingerprint in shown}
        own = {name for name, store in self._stores.items() if _owner(store) == address}
        return tuple(one_line(store.title) for name, store in self._stores.items() if name in (named or own))

    def _line(self, standing: FindingState) -> FindingNotice | None:
        news = _news(standing)
        if news:
            before = self._before.get(standing.fingerprint)
            said = tuple(notice_phrases.of_change(change, standing, before, self._zone) for change in news)
            if FindingChange.RESOLVED in news and self._is_loosened(standing):
                said = (notice_phrases.LOOSENED,)
            return self._told(standing, news, said)
        if standing.waived and _action(standing) is TicketAction.CLOSE:
            said = (notice_phrases.of_change(FindingChange.WAIVED, standing, None, self._zone),)
            return self._told(standing, (FindingChange.WAIVED,), said, quiet=True)
        return None

    def _is_loosened(self, standing: FindingState) -> bool:
        """Whether its promise or its check asks for less, or for something else, than on the night before."""
        changed = {it.subject for it in self._chronicle.policy_changes if it.direction is not Direction.TIGHTENED}
        return bool(changed & {standing.control, standing.check})

    def _told(
        self, standing: FindingState, news: tuple[FindingChange, ...], said: tuple[str, ...], *, quiet: bool = False
    ) -> FindingNotice:
        check = self._checks.get(standing.check) if standing.unseen_since is None else None
        counted = check.tally if check and standing.is_open else None
        few = disclosure.is_few(standing.violating)
        return FindingNotice(
            fingerprint=standing.fingerprint,
            kind=standing.kind,
            check=one_line(standing.check),
            control=standing.control,
            outcome=standing.outcome,
            severity=standing.severity,
            status=standing.status,
            changes=news,
            said=tuple(one_line(notice_phrases) for notice_phrases in said),
            action=_action(standing),
            promise=one_line(self._promise(standing)),
            violating=standing.violating,
            subjects=counted.subjects if counted else 0,
            undecidable=standing.undecidable,
            since=_iso(standing.overdue_since, by_month=few),
            first_seen=local_date(standing.first_seen, self._zone).isoformat(),
            due_by=standing.due_by.isoformat(),
            owner=one_line(standing.owner),
            reason=one_line(self._reason(standing, check)),
            fix=one_line(self._fix(standing, check)),
            waiver=standing.waiver,
            waived_until=local_date(standing.waived_until, self._zone).isoformat() if standing.waived_until else "",
            decision=one_line(
                notice_phrases.of_decision(self._chronicle.decisions.get(standing.fingerprint), self._zone)
            ),
            quiet=quiet,
        )

    def _promise(self, standing: FindingState) -> str:
        if not standing.control:
            store = self._stores[standing.store]
            if not standing.is_open:
                return f"{store.title} as a whole."
            checks = phrases.count(len(store.checks), "check")
            return f"{checks} of {store.title} could not be run; nothing is known of them."
        check = self._checks.get(standing.check)
        control = self._controls.get(standing.control)
        return check.sentence if check else f"{control.title}." if control else standing.control

    def _reason(self, standing: FindingState, check: CheckResult | None) -> str:
        if not standing.is_open:
            return ""
        if standing.unseen_since:
            since, seen = (
                notice_phrases.day(moment, self._zone) for moment in (standing.unseen_since, standing.last_seen)
            )
            return f"Nobody could look since {since}: the counts are those of {seen}."
        if check is None:
            return "" if standing.control else self._stores[standing.store].reason
        return " ".join(filter(None, (check.reason, purge_history.alarm(check, self._today, self._zone))))

    def _fix(self, standing: FindingState, check: CheckResult | None) -> str:
        if not standing.is_open:
            return ""
        if not standing.control:
            return phrases.WAYS_OUT[self._stores[standing.store].cause or Cause.INTERNAL]
        if check is None:
            return ""
        return check.fix or (phrases.WAYS_OUT[check.cause] if check.cause else "")

    def _is_digest_due(self, address: NoticeAddress) -> bool:
        """Once a week, on the day that the handling names or on the first night after it that was audited whole."""
        if not self._audit.whole:
            return False
        wanted = self._handling.alerts.digest_on.last_on_or_before(self._today)
        last = self._digests.get("|".join(address))
        return wanted == self._today if last is None else local_date(last, self._zone) < wanted

    def _digest(self, address: NoticeAddress, told: set[str]) -> WeeklyDigest:
        """Everything open that concerns a recipient; compliance is concerned with everything."""
        everything = address == _address(self._handling.compliance)
        concerning = [one for one, concerned in self._standings if one.is_open and (everything or address in concerned)]
        lines = [
            self._told(one, (), notice_phrases.of_standing(one, self._today, self._zone))
            for one in concerning
            if one.fingerprint not in told
        ]
        return WeeklyDigest(self._today, tuple(self._unseen(address)), tuple(sorted(lines, key=urgency)))

    def _unseen(self, address: NoticeAddress) -> Iterator[str]:
        """Stores of an owner that were not audited, where somebody else is told to repair it."""
        for store in self._stores.values():
            if _owner(store) != address:
                continue
            blind = [one for one in self._blind(store) if address not in self._concerned(one)]
            if any(not one.control for one in blind):
                yield one_line(f"{store.title} was not audited: {store.reason}")
            elif blind:
                yield one_line(f"{phrases.count(len(blind), 'check')} of {store.title} could not be run.")

    def _blind(self, store: StoreResult) -> list[FindingState]:
        standings = (one for one, _ in self._standings)
        return [
            one for one in standings if one.store == store.name and one.kind is FindingKind.NOT_AUDITED and one.is_open
        ]

    def _policy(self) -> Iterator[MessageSection]:
        """What is promised or checked otherwise than at the audit before. Nobody is called for what was tightened."""
        found = {
            direction: [change for change in self._chronicle.policy_changes if change.direction is direction]
            for direction in _POLICY
        }
        if found[Direction.LOOSENED] or found[Direction.CHANGED]:
            for direction, changes in found.items():
                if changes:
                    sentences = tuple(one_line(change.sentence) for change in changes)
                    yield MessageSection(f"policy_{direction}", _POLICY[direction], sentences)

    def _waivers(self) -> Iterator[MessageSection]:
        for state, title in _WAIVER_TITLES.items():
            found = [report for report in self._chronicle.waivers if report.state is state]
            if found:
                sentences = tuple(one_line(notice_phrases.of_report(report, self._zone)) for report in found)
                yield MessageSection(f"waivers_{state}", title, sentences)

    def _summary(self) -> MessageSection:
        """Each store in a sentence: what a compliance officer asks first."""
        sentences = tuple(one_line(self._summed_up(store)) for store in self._stores.values())
        return MessageSection("stores", "How the stores stand", sentences)

    def _summed_up(self, store: StoreResult) -> str:
        open_ones = [one for one, _ in self._standings if one.store == store.name and one.is_open]
        broken = [one for one in open_ones if one.kind is FindingKind.NONCONFORMITY]
        blind = self._blind(store)
        if any(not one.control for one in blind):
            return f"{store.title}: not audited. {store.reason} Known before: {self._amounts(broken)}."
        unseen = f"{phrases.count(len(blind), 'check')} not audited; " if blind else ""
        return f"{store.title}: {unseen}{self._amounts(broken)}."

    def _amounts(self, broken: Sequence[FindingState]) -> str:
        if not broken:
            return "nothing open"
        amounts = {
            "critical": sum(one.severity is Severity.CRITICAL for one in broken),
            "past their day": sum(self._today > one.due_by and not one.waived for one in broken),
            "waived": sum(one.waived for one in broken),
        }
        said = ", ".join(f"{amount} {what}" for what, amount in amounts.items() if amount)
        return f"{len(broken)} open" + (f" ({said})" if said else "")


def urgency(line: FindingNotice) -> tuple[bool, bool, int, int, int, str, str]:
    """Sorts what people should read first: open before closed, not audited before failed, then by severity."""
    return (
        not line.is_open,
        line.waiver != "",
        FOUND.index(line.outcome),
        _SEVERITIES.index(line.severity),
        -(line.violating + line.undecidable),
        line.check,
        line.fingerprint,
    )


def _news(standing: FindingState) -> tuple[FindingChange, ...]:
    """The changes that are told; most of them are not while a waiver covers the finding. Nobody was told of the rows
    under a waiver, so when it ends they have not grown: they are all news."""
    unwaived = bool(_ENDS & set(standing.changes))
    audible = _THROUGH_A_WAIVER if standing.waived else _AUDIBLE - ({FindingChange.GREW} if unwaived else set())
    return tuple(change for change in standing.changes if change in audible)


def _action(standing: FindingState) -> TicketAction:
    waived = FindingChange.WAIVED in standing.changes and not _REOPENING & set(standing.changes)
    if not standing.is_open or waived:
        return TicketAction.CLOSE
    return TicketAction.OPEN if _REOPENING & set(standing.changes) else TicketAction.UPDATE


def _address(recipient: NotifiedPerson | None) -> NoticeAddress:
    return NoticeAddress(one_line(recipient.owner), recipient.alert) if recipient else NoticeAddress("", "")


def _owner(store: StoreResult) -> NoticeAddress:
    return NoticeAddress(one_line(store.owner), store.alert)


def _iso(day: date | None, *, by_month: bool) -> str:
    if day is None:
        return ""
    return f"{day:%Y-%m}" if by_month else day.isoformat()
