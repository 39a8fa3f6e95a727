"""findings.json: how findings live, as canonical JSON (RFC 8785), for programs. Same audit and history, same bytes.

Beside audit.json, which holds what one night found and nothing that a person decided. `findings.schema.json` beside
this file says what every field means.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import rfc8785

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain import phrases
from privacy_audit.view.audit_view import AuditView, CheckView, NightView
from privacy_audit.view.finding_view import DecisionView, FindingView, WaiverView

FILE_NAME = "findings.json"
SCHEMA = "privacy_audit.findings/1"
"""Name and major version of the document; a field that changes its meaning raises the number."""


def render(view: AuditView) -> bytes:
    """The findings as canonical JSON, without a newline at its end (RFC 8785 allows no white space)."""
    canonical: bytes = rfc8785.dumps(to_dict(view))
    return canonical


def to_dict(view: AuditView) -> dict[str, Any]:
    """The findings as the plain values of findings.json."""
    history = view.history
    return {
        "schema": SCHEMA,
        "audit_id": view.id,
        "as_of": phrases.iso(view.as_of),
        "policy": {"version": view.policy.version, "digest": view.policy.digest, "zone": view.policy.zone},
        "moved": history.moved,
        "findings": [_finding(one) for one in history.findings],
        "waivers": [_waiver(report) for report in history.waivers],
        "policy_changes": [_policy_change(change) for change in history.policy_changes],
        "checks": [_check(check) for check in sorted(view.checks, key=lambda check: check.id)],
    }


def _finding(finding: FindingView) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "kind": finding.kind.value,
        "check": finding.check,
        "control": finding.control,
        "store": finding.store,
        "table": finding.table,
        "qualifier": finding.qualifier,
        "owner": finding.owner,
        "status": finding.status.value,
        "outcome": finding.outcome.value,
        "severity": finding.severity.value,
        "changes": [change.value for change in finding.changes],
        "violating": finding.violating,
        "undecidable": finding.undecidable,
        "occurrences": finding.occurrences,
        "first_seen": phrases.iso(finding.first_seen),
        "last_seen": phrases.iso(finding.last_seen),
        "unseen_since": _instant(finding.unseen_since),
        "reopened_at": _instant(finding.reopened_at),
        "resolved_at": _instant(finding.resolved_at),
        "due_by": finding.due_by.isoformat(),
        "braked": finding.braked,
        "waiver": _cover(finding),
        "decision": finding.decision and _decision(finding.decision),
        "pack": finding.pack and finding.pack.value,
        **_since(finding),
    }


def _since(counted: FindingView | NightView) -> dict[str, Any]:
    since = counted.overdue_since
    return {"overdue_since": since and since.day.isoformat(), "dates_by": "month" if counted.by_month else "day"}


def _cover(finding: FindingView) -> dict[str, Any] | None:
    if not finding.waived:
        return None
    return {"id": finding.waiver, "until": _instant(finding.waived_until), "rows": finding.waived_rows}


def _decision(decision: DecisionView) -> dict[str, Any]:
    return {
        "triage": decision.triage.value,
        "comment": decision.comment,
        "by": decision.by,
        "at": phrases.iso(decision.at),
    }


def _waiver(report: WaiverView) -> dict[str, Any]:
    return {
        "id": report.id,
        "check": report.check,
        "state": report.state.value,
        "reason": report.reason,
        "requested_by": report.requested_by,
        "approved_by": report.approved_by,
        "expires": phrases.iso(report.expires),
        "max_rows": report.max_rows,
        "rows": report.rows,
    }


def _policy_change(change: PolicyChange) -> dict[str, Any]:
    return {"direction": change.direction.value, "subject": change.subject, "sentence": change.sentence}


def _check(check: CheckView) -> dict[str, Any]:
    return {"id": check.id, "fingerprint": check.fingerprint, "nights": [_night(night) for night in check.nights]}


def _night(night: NightView) -> dict[str, Any]:
    return {
        "as_of": phrases.iso(night.as_of),
        "outcome": night.outcome.value,
        "violating": night.violating,
        "undecidable": night.undecidable,
        "held": night.held,
        "population": night.population,
        "ages": list(night.ages),
        **_since(night),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else phrases.iso(moment)
