"""What is said to an owner about a night: said once, in counts, with the way to the rows and the way out. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from privacy_audit import disclosure, wording
from privacy_audit.model import FOUND, Audit, Cause, CheckResult, Outcome, Severity, StoreResult, Tally

DETAILED = 10
"""So many findings are told one by one; the others are counted. The report has them all."""
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, told."""

    check: str
    control: str
    outcome: Outcome
    severity: Severity
    promise: str
    violating: int
    subjects: int
    undecidable: int
    since: str
    """Since when the promise is broken, from the data: `4 May 2025`, or a month where few rows are meant."""
    first_seen: str
    """Civil date of the first audit that found it."""
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Message:
    """All that one owner is told of one night."""

    audit_id: str
    as_of: datetime
    owner: str
    alert: str
    """Name of the Airflow connection with the owner's channels."""
    outcome: Outcome
    subject: str
    lines: tuple[Line, ...]
    """The most urgent findings: not audited first, then failures by severity, then reviews."""
    not_told: int
    """Findings beyond those."""
    link: str

    @property
    def key(self) -> str:
        """The same for the same audit and owner, so that a message is known when it comes twice."""
        return hashlib.sha256(f"{self.audit_id}|{self.owner}|{self.alert}".encode()).hexdigest()


def messages(audit: Audit, link: str, first_seen: Mapping[str, datetime]) -> tuple[Message, ...]:
    """One message per owner of a store in which anything did not pass; nothing for the others.

    `first_seen` maps fingerprints to the T of the first audit that found them; those missing are new tonight.
    """
    by_owner = sorted(audit.stores, key=lambda store: (store.owner, store.alert))
    grouped = groupby(by_owner, key=lambda store: (store.owner, store.alert))
    told = (_message(audit, list(stores), link, first_seen) for _, stores in grouped)
    return tuple(message for message in told if message.lines)


def _message(audit: Audit, stores: Sequence[StoreResult], link: str, first_seen: Mapping[str, datetime]) -> Message:
    lines = sorted((line for store in stores for line in _lines(audit, store, first_seen)), key=_urgency)
    return Message(
        audit_id=audit.id,
        as_of=audit.as_of,
        owner=one_line(stores[0].owner),
        alert=stores[0].alert,
        outcome=lines[0].outcome if lines else Outcome.PASS,
        subject=_subject(audit, stores, lines),
        lines=tuple(lines[:DETAILED]),
        not_told=max(0, len(lines) - DETAILED),
        link=link,
    )


def _subject(audit: Audit, stores: Sequence[StoreResult], lines: Sequence[Line]) -> str:
    titles = " and ".join(one_line(store.title) for store in stores)
    counts = {outcome: [line for line in lines if line.outcome is outcome] for outcome in FOUND}
    parts = []
    if counts[Outcome.NOT_AUDITED]:
        stores_down = [line for line in counts[Outcome.NOT_AUDITED] if line.control == "all"]
        single = len(counts[Outcome.NOT_AUDITED]) - len(stores_down)
        parts += [f"{_many(len(stores_down), 'store')} not audited"] if stores_down else []
        parts += [f"{_many(single, 'check')} not audited"] if single else []
    if broken := counts[Outcome.FAIL]:
        critical = sum(line.severity is Severity.CRITICAL for line in broken)
        parts.append(f"{_many(len(broken), 'promise')} broken" + (f" ({critical} critical)" if critical else ""))
    if not parts:
        parts.append(f"{_many(len(counts[Outcome.REVIEW]), 'check')} to review")
    return f"privacy_audit: {', '.join(parts)} in {titles} - {wording.day(_civil(audit, audit.as_of))}"


def _lines(audit: Audit, store: StoreResult, first_seen: Mapping[str, datetime]) -> list[Line]:
    if store.cause or (store.outcome is Outcome.NOT_AUDITED and not store.checks):
        return [_store_line(audit, store, first_seen)]
    return [_line(audit, check, first_seen) for check in store.checks if check.outcome in FOUND]


def _store_line(audit: Audit, store: StoreResult, first_seen: Mapping[str, datetime]) -> Line:
    """A store that could not be looked at is told as one: its checks all have the same cause."""
    known = [first_seen.get(check.fingerprint, audit.as_of) for check in store.checks]
    severities = [audit.policy.control(check.control).severity for check in store.checks]
    return Line(
        check=f"{store.name}/*",
        control="all",
        outcome=Outcome.NOT_AUDITED,
        severity=min(severities, key=_SEVERITIES.index, default=Severity.CRITICAL),
        promise=f"{len(store.checks)} checks of {one_line(store.title)} could not be run; nothing is known of them.",
        violating=0,
        subjects=0,
        undecidable=0,
        since="",
        first_seen=wording.day(_civil(audit, min(known, default=audit.as_of))),
        reason=one_line(store.reason),
        fix=wording.WAYS_OUT[store.cause or Cause.INTERNAL],
    )


def _line(audit: Audit, check: CheckResult, first_seen: Mapping[str, datetime]) -> Line:
    tally = check.tally
    violating = tally.violating if tally else 0
    return Line(
        check=one_line(check.id),
        control=check.control,
        outcome=check.outcome,
        severity=audit.policy.control(check.control).severity,
        promise=one_line(check.sentence),
        violating=violating,
        subjects=tally.subjects if tally else 0,
        undecidable=tally.undecidable if tally else 0,
        since=_since(tally) if tally else "",
        first_seen=wording.day(_civil(audit, first_seen.get(check.fingerprint, audit.as_of))),
        reason=one_line(check.reason),
        fix=one_line(check.fix) if check.outcome is Outcome.FAIL else "",
    )


def _urgency(line: Line) -> tuple[int, int, int, str]:
    return (FOUND.index(line.outcome), _SEVERITIES.index(line.severity), -line.violating, line.check)


def _civil(audit: Audit, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(audit.policy.zone)).date()


def _since(tally: Tally) -> str:
    if tally.overdue_since is None:
        return ""
    return wording.month(tally.overdue_since) if disclosure.is_small(tally) else wording.day(tally.overdue_since)


def one_line(text: str) -> str:
    """The text without line breaks, control and direction characters: none may reach a mail's header or a chat."""
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in ("Cf", "Cs")).strip()


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
