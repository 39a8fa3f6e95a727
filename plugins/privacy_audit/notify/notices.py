"""Who is told what of a night: news only, each once to each recipient, and once a week how everything stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.config.handling import Handling, NotifiedPerson, Route
from privacy_audit.domain import phrases
from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import FOUND, Cause, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.finding_state import FindingChange, FindingKind, WaiverState
from privacy_audit.notify import notice_phrases
from privacy_audit.notify.message import FindingNotice, Message, MessageSection, TicketAction, WeeklyDigest
from privacy_audit.view.audit_view import AuditView, CheckView, StoreView
from privacy_audit.view.clean_text import one_line
from privacy_audit.view.finding_view import FindingView

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


def messages(audit: AuditView, handling: Handling, link: str, digests: Mapping[str, datetime]) -> tuple[Message, ...]:
    """What each recipient is told of an audit; nothing for whom there is no news, and nothing of an audit of the past.

    `digests` maps `owner|alert` to T of the last digest. A run over some stores or controls brings no digest.
    """
    if not audit.history.moved:
        return ()
    return tuple(_Night(audit, handling, link, digests).messages())


class _Night:
    """One audit, and everybody who may be told of it."""

    def __init__(self, audit: AuditView, handling: Handling, link: str, digests: Mapping[str, datetime]) -> None:
        self._audit = audit
        self._history = audit.history
        self._handling = handling
        self._link = link
        self._digests = digests
        self._zone = audit.zone
        self._today = audit.today
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
    def _findings(self) -> list[tuple[FindingView, frozenset[NoticeAddress]]]:
        """The findings of tonight's stores, each with whom it concerns."""
        known = (one for one in self._history.findings if one.store in self._stores)
        return [(one, self._concerned(one)) for one in known]

    def _concerned(self, finding: FindingView) -> frozenset[NoticeAddress]:
        """The one who can close it, and each route that fits."""
        platform = self._handling.platform
        blind = finding.kind is FindingKind.NOT_AUDITED
        closer = _address(platform) if blind and platform else _owner(self._stores[finding.store])
        return frozenset({closer, *(_address(route) for route in self._handling.routes if self._fits(route, finding))})

    def _fits(self, route: Route, finding: FindingView) -> bool:
        control = self._controls.get(finding.control)
        categories: Sequence[Category] = control.categories if control else ()
        return (not route.severities or finding.severity in route.severities) and (
            not route.categories or any(category in route.categories for category in categories)
        )

    def _message(self, address: NoticeAddress) -> Message:
        for_compliance = address == _address(self._handling.compliance)
        told = [
            finding
            for finding, concerned in self._findings
            if address in concerned or (for_compliance and _WAIVERS & set(finding.changes))
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
        named = {finding.store for finding, _ in self._findings if finding.fingerprint in shown}
        own = {name for name, store in self._stores.items() if _owner(store) == address}
        return tuple(one_line(store.title) for name, store in self._stores.items() if name in (named or own))

    def _line(self, finding: FindingView) -> FindingNotice | None:
        news = _news(finding)
        if news:
            said = tuple(notice_phrases.of_change(change, finding, self._zone) for change in news)
            if FindingChange.RESOLVED in news and self._is_loosened(finding):
                said = (notice_phrases.LOOSENED,)
            return self._told(finding, news, said)
        if finding.waived and _action(finding) is TicketAction.CLOSE:
            said = (notice_phrases.of_waiver_begun(finding, self._zone),)
            return self._told(finding, (FindingChange.WAIVED,), said, quiet=True)
        return None

    def _is_loosened(self, finding: FindingView) -> bool:
        """Whether its promise or its check asks for less, or for something else, than on the night before."""
        changed = {it.subject for it in self._history.policy_changes if it.direction is not Direction.TIGHTENED}
        return bool(changed & {finding.control, finding.check})

    def _told(
        self, finding: FindingView, news: tuple[FindingChange, ...], said: tuple[str, ...], *, quiet: bool = False
    ) -> FindingNotice:
        check = self._checks.get(finding.check) if finding.unseen_since is None else None
        counted = check.tally if check and finding.is_open else None
        return FindingNotice(
            fingerprint=finding.fingerprint,
            kind=finding.kind,
            check=one_line(finding.check),
            control=finding.control,
            outcome=finding.outcome,
            severity=finding.severity,
            status=finding.status,
            changes=news,
            said=tuple(map(one_line, said)),
            action=_action(finding),
            promise=one_line(self._promise(finding)),
            violating=finding.violating,
            subjects=counted.subjects if counted else 0,
            undecidable=finding.undecidable,
            since=finding.overdue_since.iso if finding.overdue_since else "",
            first_seen=local_date(finding.first_seen, self._zone).isoformat(),
            due_by=finding.due_by.isoformat(),
            owner=one_line(finding.owner),
            reason=one_line(self._reason(finding, check)),
            fix=one_line(self._fix(finding, check)),
            waiver=finding.waiver,
            waived_until=local_date(finding.waived_until, self._zone).isoformat() if finding.waived_until else "",
            decision=one_line(notice_phrases.of_decision(finding.decision, self._zone)),
            quiet=quiet,
        )

    def _promise(self, finding: FindingView) -> str:
        if not finding.control:
            store = self._stores[finding.store]
            if not finding.is_open:
                return f"{store.title} as a whole."
            checks = phrases.count(len(store.checks), "check")
            return f"{checks} of {store.title} could not be run; nothing is known of them."
        check = self._checks.get(finding.check)
        control = self._controls.get(finding.control)
        return check.sentence if check else f"{control.title}." if control else finding.control

    def _reason(self, finding: FindingView, check: CheckView | None) -> str:
        if not finding.is_open:
            return ""
        if finding.unseen_since:
            since, seen = (
                notice_phrases.day(moment, self._zone) for moment in (finding.unseen_since, finding.last_seen)
            )
            return f"Nobody could look since {since}: the counts are those of {seen}."
        if check is None:
            return "" if finding.control else self._stores[finding.store].reason
        return " ".join(filter(None, (check.reason, check.purge_alarm)))

    def _fix(self, finding: FindingView, check: CheckView | None) -> str:
        if not finding.is_open:
            return ""
        if not finding.control:
            return phrases.WAYS_OUT[self._stores[finding.store].cause or Cause.INTERNAL]
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
        concerning = [one for one, concerned in self._findings if one.is_open and (everything or address in concerned)]
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

    def _blind(self, store: StoreView) -> list[FindingView]:
        findings = (one for one, _ in self._findings)
        return [
            one for one in findings if one.store == store.name and one.kind is FindingKind.NOT_AUDITED and one.is_open
        ]

    def _policy(self) -> Iterator[MessageSection]:
        """What is promised or checked otherwise than at the audit before. Nobody is called for what was tightened."""
        found = {
            direction: [change for change in self._history.policy_changes if change.direction is direction]
            for direction in _POLICY
        }
        if found[Direction.LOOSENED] or found[Direction.CHANGED]:
            for direction, changes in found.items():
                if changes:
                    sentences = tuple(one_line(change.sentence) for change in changes)
                    yield MessageSection(f"policy_{direction}", _POLICY[direction], sentences)

    def _waivers(self) -> Iterator[MessageSection]:
        for state, title in _WAIVER_TITLES.items():
            found = [report for report in self._history.waivers if report.state is state]
            if found:
                sentences = tuple(one_line(notice_phrases.of_report(report, self._zone)) for report in found)
                yield MessageSection(f"waivers_{state}", title, sentences)

    def _summary(self) -> MessageSection:
        """Each store in a sentence: what a compliance officer asks first."""
        sentences = tuple(one_line(self._summed_up(store)) for store in self._stores.values())
        return MessageSection("stores", "How the stores stand", sentences)

    def _summed_up(self, store: StoreView) -> str:
        open_ones = [one for one, _ in self._findings if one.store == store.name and one.is_open]
        broken = [one for one in open_ones if one.kind is FindingKind.NONCONFORMITY]
        blind = self._blind(store)
        if any(not one.control for one in blind):
            return f"{store.title}: not audited. {store.reason} Known before: {self._amounts(broken)}."
        unseen = f"{phrases.count(len(blind), 'check')} not audited; " if blind else ""
        return f"{store.title}: {unseen}{self._amounts(broken)}."

    def _amounts(self, broken: Sequence[FindingView]) -> str:
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


def _news(finding: FindingView) -> tuple[FindingChange, ...]:
    """The changes that are told; most of them are not while a waiver covers the finding. Nobody was told of the rows
    under a waiver, so when it ends they have not grown: they are all news."""
    unwaived = bool(_ENDS & set(finding.changes))
    audible = _THROUGH_A_WAIVER if finding.waived else _AUDIBLE - ({FindingChange.GREW} if unwaived else set())
    return tuple(change for change in finding.changes if change in audible)


def _action(finding: FindingView) -> TicketAction:
    waived = FindingChange.WAIVED in finding.changes and not _REOPENING & set(finding.changes)
    if not finding.is_open or waived:
        return TicketAction.CLOSE
    return TicketAction.OPEN if _REOPENING & set(finding.changes) else TicketAction.UPDATE


def _address(recipient: NotifiedPerson | None) -> NoticeAddress:
    return NoticeAddress(one_line(recipient.owner), recipient.alert) if recipient else NoticeAddress("", "")


def _owner(store: StoreView) -> NoticeAddress:
    return NoticeAddress(one_line(store.owner), store.alert)
