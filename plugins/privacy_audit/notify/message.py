"""What is said to an owner about a night: in counts, with the way to the rows and the way out. Nouns, and pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from privacy_audit.domain import phrases
from privacy_audit.domain.outbox_message import OutboxMessage
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingStatus
from privacy_audit.view.clean_text import clean

DETAILED = 10
"""So many findings are told to people one by one; the others are counted. Programs and the report get them all."""
LISTED = 30
"""So many open findings a digest lists for people; the others are counted."""
_NAMED = 3
"""A subject names so many stores; more are counted."""


class TicketAction(StrEnum):
    """What a ticket of the finding has to do."""

    OPEN = "open"
    UPDATE = "update"
    CLOSE = "close"


class MessageKind(StrEnum):
    """What a message is about, in one word."""

    NOT_AUDITED = "not_audited"
    """Nothing but places where nobody could look."""
    FINDINGS = "findings"
    POLICY = "policy"
    """What is promised or checked has changed."""
    GOOD_NEWS = "good_news"
    DIGEST = "digest"
    RUN_FAILED = "run_failed"
    """A run failed. It is about no finding."""


class Urgency(StrEnum):
    """How a channel should show it, in the words of Apprise."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class FindingNotice:
    """One finding, told. Dates are civil and written `2026-11-24`, or `2026-11` where few rows are meant."""

    fingerprint: str
    kind: FindingKind
    check: str
    """Id of the check; `store/_store` for a store as a whole."""
    control: str
    outcome: Outcome
    """As it was last seen."""
    severity: Severity
    status: FindingStatus
    changes: tuple[FindingChange, ...]
    """What the audit changed that is worth telling; empty in a digest."""
    said: tuple[str, ...]
    """The same in words; in a digest, how the finding stands."""
    action: TicketAction
    promise: str
    violating: int
    """Rows, as last seen; strict, whatever is waived."""
    subjects: int
    undecidable: int
    since: str
    """First day of the breach, from the data; empty when nobody knows."""
    first_seen: str
    due_by: str
    owner: str
    """Team that owns the store."""
    reason: str
    fix: str
    waiver: str = ""
    """Id of the waiver that covers it."""
    waived_until: str = ""
    decision: str = ""
    """What a person last said of it."""
    quiet: bool = False
    """Not told to people: only its ticket closes, for a waiver covers it from tonight on."""

    @property
    def is_open(self) -> bool:
        """Whether it is not known to be gone."""
        return self.status is not FindingStatus.RESOLVED

    @property
    def command(self) -> str:
        """Prints the SELECT that lists the rows, and the draft that removes them."""
        return f"privacy-audit findings show {self.fingerprint[:12]}"


@dataclass(frozen=True, slots=True)
class MessageSection:
    """Sentences under a title, beside the findings."""

    about: str
    """A stable word for programs: `policy_loosened`, `waivers_ending`."""
    title: str
    sentences: tuple[str, ...]


RUN_FAILED = "run_failed"
"""What a section is about that tells the owner of the platform of a failed run."""


def run_failed(run_of: str, causes: Sequence[str]) -> MessageSection:
    """The part of a message that tells of a failed run, with its causes. They quote files and errors, and are of no
    audit whose view has been made."""
    return MessageSection(RUN_FAILED, f"The run of {run_of} failed", tuple(map(clean, causes)))


@dataclass(frozen=True, slots=True)
class WeeklyDigest:
    """The weekly digest: what stands beside tonight's news. Without anything open it is the sign of life."""

    day: date
    """Civil day of its audit."""
    unseen: tuple[str, ...]
    """What nobody could look at, as sentences: said first, for what is open there is not known."""
    open: tuple[FindingNotice, ...]
    """The most urgent first, the waived ones last."""


@dataclass(frozen=True, slots=True)
class Message:
    """All that one owner is told by one connection of one night, or of several when a channel was down."""

    audit_id: str
    as_of: datetime
    day: date
    """Civil day of the instant, in the policy's zone."""
    owner: str
    alert: str
    """Name of the Airflow connection with the owner's channels."""
    link: str
    stores: tuple[str, ...] = ()
    """Titles of the stores that the lines are about."""
    lines: tuple[FindingNotice, ...] = ()
    """The most urgent first."""
    sections: tuple[MessageSection, ...] = ()
    digest: WeeklyDigest | None = None
    nights: tuple[date, ...] = field(default=())
    """Civil days of the audits it tells; one entry per audit."""

    @property
    def key(self) -> str:
        """The same for the same audit, owner and connection, so that a message is known when it comes twice."""
        return hashlib.sha256(f"{self.audit_id}|{self.owner}|{self.alert}".encode()).hexdigest()

    @property
    def told(self) -> tuple[FindingNotice, ...]:
        """The findings that people are told of."""
        return tuple(line for line in self.lines if not line.quiet)

    @property
    def failed_run(self) -> MessageSection | None:
        """What it tells of a failed run; None for a message about findings."""
        return next((section for section in self.sections if section.about == RUN_FAILED), None)

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing in it for people: only tickets that close."""
        return not (self.told or self.sections or self.digest)

    @property
    def kind(self) -> MessageKind:
        """What it is about."""
        if self.failed_run:
            return MessageKind.RUN_FAILED
        opened = [line for line in self.told if line.is_open]
        if opened:
            blind = all(line.kind is FindingKind.NOT_AUDITED for line in opened)
            return MessageKind.NOT_AUDITED if blind else MessageKind.FINDINGS
        if any(section.about.startswith("policy") for section in self.sections):
            return MessageKind.POLICY
        if self.told and not (self.digest and (self.digest.open or self.digest.unseen)):
            return MessageKind.GOOD_NEWS
        return MessageKind.DIGEST

    @property
    def urgency(self) -> Urgency:
        """How loudly a channel should tell it."""
        match self.kind:
            case MessageKind.GOOD_NEWS:
                return Urgency.SUCCESS
            case MessageKind.DIGEST:
                return Urgency.INFO
            case MessageKind.POLICY:
                return Urgency.WARNING
            case MessageKind.RUN_FAILED:
                return Urgency.FAILURE
            case _:
                loud = (Outcome.FAIL, Outcome.NOT_AUDITED)
                pressing = any(line.is_open and not line.waiver and line.outcome in loud for line in self.told)
                return Urgency.FAILURE if pressing else Urgency.WARNING

    @property
    def subject(self) -> str:
        """One line: what happened, where and when."""
        nights = f" ({len(self.nights)} nights)" if len(self.nights) > 1 else ""
        return f"privacy_audit{nights}: {'; '.join(self._headlines())}{self._where()} - {phrases.day(self.day)}"

    def _headlines(self) -> list[str]:
        if self.failed_run:
            return [self.failed_run.title.lower()]
        loosened = sum(len(section.sentences) for section in self.sections if section.about == "policy_loosened")
        changed = any(section.about.startswith("policy") for section in self.sections)
        said = [_counted(("promise loosened", "promises loosened"), loosened)] if loosened else []
        if changed and not loosened:
            said.append("what is promised has changed")
        news = ", ".join([*said, *_news(self.told)])
        digest = f"weekly digest: {_digested(self.digest, bool(self.told))}" if self.digest else ""
        return [part for part in (news, digest) if part]

    def _where(self) -> str:
        if not self.stores or not (self.told or self.digest):
            return ""
        if len(self.stores) > _NAMED:
            return f" in {len(self.stores)} stores"
        *others, last = self.stores
        return f" in {', '.join(others)} and {last}" if others else f" in {last}"


_HEADLINES = (
    ("store not audited", "stores not audited"),
    ("check not audited", "checks not audited"),
    ("promise broken", "promises broken"),
    ("check to review", "checks to review"),
    ("jump to look at", "jumps to look at"),
    ("waiver ended", "waivers ended"),
    ("finding worse", "findings worse"),
    ("finding past its day", "findings past their day"),
    ("waiver about to end", "waivers about to end"),
    ("resolved", "resolved"),
)
"""What a subject counts, singular and plural, in the order in which it is said."""
_STORE, _CHECK, _BROKEN, _REVIEW, _JUMP, _UNWAIVED, _WORSE, _DUE, _ENDING, _RESOLVED = _HEADLINES
_BY_CHANGE = {
    FindingChange.JUMPED: _JUMP,
    FindingChange.WAIVER_EXPIRED: _UNWAIVED,
    FindingChange.WAIVER_EXCEEDED: _UNWAIVED,
    FindingChange.WAIVER_WITHDRAWN: _UNWAIVED,
    FindingChange.WORSENED: _WORSE,
    FindingChange.GREW: _WORSE,
    FindingChange.DUE_PASSED: _DUE,
    FindingChange.WAIVER_ENDING: _ENDING,
}


def _headline(line: FindingNotice) -> tuple[str, str]:
    """Under which of the headlines a finding is counted: each under one."""
    if not line.is_open:
        return _RESOLVED
    if line.kind is FindingKind.NOT_AUDITED:
        return _CHECK if line.control else _STORE
    if FindingChange.FOUND in line.changes or FindingChange.RETURNED in line.changes:
        return _REVIEW if line.outcome is Outcome.REVIEW else _BROKEN
    return next((said for change, said in _BY_CHANGE.items() if change in line.changes), _WORSE)


def _counted(noun: tuple[str, str], amount: int) -> str:
    return f"{amount} {noun[0] if amount == 1 else noun[1]}"


def _news(lines: tuple[FindingNotice, ...]) -> list[str]:
    """What a subject counts, and how much of what is open is critical."""
    said = []
    for noun in _HEADLINES:
        counted = [line for line in lines if _headline(line) is noun]
        critical = sum(line.is_open and line.severity is Severity.CRITICAL for line in counted)
        if counted:
            said.append(_counted(noun, len(counted)) + (f" ({critical} critical)" if critical else ""))
    return said


def _digested(digest: WeeklyDigest, beside_news: bool) -> str:
    unseen = "not everything was audited, " if digest.unseen else ""
    more = " more" if beside_news else ""
    return unseen + (f"{len(digest.open)}{more} open" if digest.open else f"nothing{more} open")


_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def dump(message: Message) -> dict[str, Any]:
    """The message as plain JSON; `load` gives it back.

    It may wait in the outbox while a newer version is installed: a field that is added later needs a default.
    """
    dumped: dict[str, Any] = _MESSAGE.dump_python(message, mode="json")
    return dumped


def load(content: dict[str, Any]) -> Message:
    """The message that was dumped."""
    return _MESSAGE.validate_python(content)


def letter(message: Message) -> OutboxMessage:
    """The message as the audit database keeps it until it has been sent."""
    return OutboxMessage(
        key=message.key,
        audit_id=message.audit_id,
        as_of=message.as_of,
        owner=message.owner,
        alert=message.alert,
        digest=message.digest is not None,
        content=dump(message),
    )
