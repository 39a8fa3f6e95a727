"""Reads the audit database: audits, states of findings, their nights, and their triage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from privacy_audit.audit_db.tables import audits, decisions, policies, results, standings
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.compiler.policy_changes import PolicyChange, changes
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.findings import waivers
from privacy_audit.findings.finding_state import (
    CheckCount,
    FindingChange,
    FindingHistory,
    FindingKind,
    FindingState,
    FindingStatus,
    Triage,
    TriageDecision,
)
from privacy_audit.findings.transitions import HandlingRules, urgency

NIGHTS = 90
"""So many days of a check are shown."""
_FIELDS = tuple(part.name for part in fields(FindingState))


@dataclass(frozen=True, slots=True)
class FiledAudit:
    """An audit as it was filed."""

    id: str
    as_of: datetime
    outcome: Outcome
    policy_version: str
    triggered_by: str
    filed_at: datetime
    report_sha256: str
    """Digest of the canonical report."""


def last_audits(url: sa.URL | str, n: int) -> tuple[FiledAudit, ...]:
    """Returns the n audits with the latest T, the latest first; of two with the same T, the one filed last."""
    names = ("id", "as_of", "outcome", "policy_version", "triggered_by", "filed_at", "report_sha256")
    latest = sa.select(*(audits.c[name] for name in names)).order_by(audits.c.as_of.desc(), audits.c.seq.desc())
    with transaction(url) as connection:
        rows = connection.execute(latest.limit(n)).mappings().all()
    return tuple(FiledAudit(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows)


@dataclass(frozen=True, slots=True)
class ClosingInstructions:
    """What closes a finding, as the last audit that had it wrote it."""

    as_of: datetime
    """T by which the statements judge."""
    sentence: str
    reason: str
    fix: str
    show_rows: str
    show_undecidable: str
    draft: str
    """Empty where only a person can settle it."""


def findings(url: sa.URL | str) -> tuple[FindingState, ...]:
    """Returns the current state of every finding that was ever filed, the most urgent first."""
    with transaction(url) as connection:
        return tuple(sorted(known(connection).values(), key=urgency))


def instructions(url: sa.URL | str, fingerprint: str) -> ClosingInstructions | None:
    """Returns what closes the finding of a check; None if no filed audit found rows there."""
    names = ("sentence", "reason", "fix", "show_rows", "show_undecidable", "draft")
    last = (
        sa.select(audits.c.as_of, *(results.c[name] for name in names))
        .join(audits, audits.c.id == results.c.audit_id)
        .where(results.c.fingerprint == fingerprint, results.c.outcome.in_(["fail", "review"]))
        .order_by(audits.c.as_of.desc(), audits.c.seq.desc())
        .limit(1)
    )
    with transaction(url) as connection:
        row = connection.execute(last).mappings().one_or_none()
    return ClosingInstructions(**row) if row else None


def standing_decisions(url: sa.URL | str, fingerprints: Sequence[str]) -> dict[str, TriageDecision]:
    """Returns the last triage of each finding that is still open."""
    with transaction(url) as connection:
        now = connection.execute(sa.select(sa.func.now())).scalar_one()
        return _decisions(connection, fingerprints, {}, now)


def nights(url: sa.URL | str, fingerprint: str) -> tuple[tuple[datetime, FindingState], ...]:
    """Returns the state of one finding after each audit that had it, with the T of that audit, the oldest first."""
    of_one = (
        sa.select(audits.c.as_of, standings)
        .join(audits, audits.c.id == standings.c.audit_id)
        .where(standings.c.fingerprint == fingerprint)
        .order_by(standings.c.seq)
    )
    with transaction(url) as connection:
        return tuple((row["as_of"], _standing(row)) for row in connection.execute(of_one).mappings())


def known(connection: sa.Connection, stores: Sequence[str] | None = None) -> dict[str, FindingState]:
    """Returns the last state of each finding by fingerprint, resolved ones too; of these stores, or of all."""
    last = sa.select(standings).ext(distinct_on(standings.c.fingerprint))
    if stores is not None:
        last = last.where(standings.c.store.in_(stores))
    rows = connection.execute(last.order_by(standings.c.fingerprint, standings.c.seq.desc())).mappings()
    return {row["fingerprint"]: _standing(row) for row in rows}


def judged(connection: sa.Connection, stores: Sequence[str]) -> dict[str, datetime]:
    """Returns the latest T of each store."""
    latest = (
        sa.select(results.c.store, sa.func.max(audits.c.as_of).label("as_of"))
        .join(audits, audits.c.id == results.c.audit_id)
        .where(results.c.store.in_(stores))
        .group_by(results.c.store)
    )
    return {row.store: row.as_of for row in connection.execute(latest)}


def chronicle(connection: sa.Connection, audit: Audit, rules: HandlingRules) -> FindingHistory:
    """Returns the history that the report of an audit shows, as it was when the audit was filed."""
    filed = connection.execute(
        sa.select(audits.c.seq, audits.c.moved, audits.c.filed_at).where(audits.c.id == audit.id)
    ).one()
    of_night = sa.select(standings).where(standings.c.audit_id == audit.id)
    stands = tuple(sorted((_standing(row) for row in connection.execute(of_night).mappings()), key=urgency))
    warning = rules.handling.alerts.waiver_warning_days
    return FindingHistory(
        standings=stands,
        decisions=_decisions(connection, [one.fingerprint for one in stands], rules.formerly, filed.filed_at),
        series=series(connection, audit, rules.formerly),
        waivers=waivers.reports(rules.waivers, stands, audit, warning),
        policy_changes=_policy_changes(connection, audit.id, filed.seq),
        moved=filed.moved,
    )


def series(
    connection: sa.Connection, audit: Audit, formerly: Mapping[str, Sequence[str]]
) -> dict[str, tuple[CheckCount, ...]]:
    """Fingerprint of each check of an audit to its nights, the oldest first and this audit's last, one per civil day.

    Nights under a former name of the table or control are included.
    """
    now_called = {old: new for new, names in formerly.items() for old in names}
    wanted = {check.fingerprint for check in audit.checks}
    own = sa.select(audits.c.seq).where(audits.c.id == audit.id).scalar_subquery()
    columns = ("outcome", "violating", "undecidable", "held", "population", "ages", "overdue_since")
    rows = connection.execute(
        sa.select(results.c.fingerprint, audits.c.as_of, *(results.c[name] for name in columns))
        .join(audits, audits.c.id == results.c.audit_id)
        .where(
            results.c.fingerprint.in_([*wanted, *(old for old, new in now_called.items() if new in wanted)]),
            audits.c.as_of <= audit.as_of,
            audits.c.as_of > audit.as_of - timedelta(days=NIGHTS),
            audits.c.seq <= own,
        )
        .order_by(audits.c.as_of, audits.c.seq)
    ).mappings()
    points: dict[str, list[CheckCount]] = defaultdict(list)
    for row in rows:
        values = {name: row[name] for name in columns}
        point = CheckCount(
            row["as_of"], **{**values, "outcome": Outcome(row["outcome"]), "ages": tuple(row["ages"] or ())}
        )
        points[now_called.get(row["fingerprint"], row["fingerprint"])].append(point)
    zone = ZoneInfo(audit.policy.zone)
    return {fingerprint: _one_a_day(of_check, zone) for fingerprint, of_check in points.items()}


def _one_a_day(points: Iterable[CheckCount], zone: ZoneInfo) -> tuple[CheckCount, ...]:
    """Returns one count per civil day: the last one that was audited, else the last one."""
    days = groupby(points, key=lambda point: local_date(point.as_of, zone))
    return tuple(max(enumerate(day), key=lambda it: (it[1].violating is not None, it[0]))[1] for _, day in days)


def _decisions(
    connection: sa.Connection, fingerprints: Sequence[str], formerly: Mapping[str, Sequence[str]], until: datetime
) -> dict[str, TriageDecision]:
    """Returns the last triage of each finding at an instant; a finding that was resolved later has none."""
    last: dict[str, TriageDecision] = {}
    for one in fingerprints:
        names = (one, *formerly.get(one, ()))
        closed = (
            sa.select(sa.func.max(audits.c.filed_at))
            .join(standings, standings.c.audit_id == audits.c.id)
            .where(
                standings.c.fingerprint.in_(names),
                standings.c.status == FindingStatus.RESOLVED.value,
                sa.not_(standings.c.changes.contains([FindingChange.RENAMED.value])),
                audits.c.filed_at < until,
            )
            .scalar_subquery()
        )
        said = (
            sa.select(decisions)
            .where(
                decisions.c.fingerprint.in_(names),
                decisions.c.at <= until,
                sa.or_(closed.is_(None), decisions.c.at > closed),
            )
            .order_by(decisions.c.seq.desc())
            .limit(1)
        )
        row = connection.execute(said).mappings().one_or_none()
        if row:
            last[one] = TriageDecision(one, Triage(row["triage"]), row["comment"], row["by"], row["at"])
    return last


def _policy_changes(connection: sa.Connection, audit_id: str, seq: int) -> tuple[PolicyChange, ...]:
    """What is promised otherwise than at the audit that was filed before. One of the past, of which nobody is told,
    is passed over: else what was loosened since would never be announced."""
    of_audit = sa.select(policies.c.promises).join(audits, audits.c.promises == policies.c.digest)
    earlier = of_audit.where(audits.c.seq < seq, audits.c.moved).order_by(audits.c.seq.desc())
    now = connection.scalar(of_audit.where(audits.c.id == audit_id))
    before = connection.scalar(earlier.limit(1))
    return changes(before, now) if before and now else ()


def standing_row(audit_id: str, standing: FindingState) -> dict[str, Any]:
    """Returns the state of a finding as a row of its table."""
    return {**asdict(standing), "changes": [change.value for change in standing.changes], "audit_id": audit_id}


def _standing(row: Mapping[Any, Any]) -> FindingState:
    values = {name: row[name] for name in _FIELDS}
    words = {
        "kind": FindingKind(row["kind"]),
        "status": FindingStatus(row["status"]),
        "outcome": Outcome(row["outcome"]),
        "severity": Severity(row["severity"]),
        "changes": tuple(FindingChange(word) for word in row["changes"]),
    }
    return FindingState(**{**values, **words})
