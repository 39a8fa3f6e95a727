"""findings.json: how findings live, as canonical JSON (RFC 8785), for programs. Same audit and history, same bytes.

Beside audit.json, which holds what one night found and nothing that a person decided. `findings.schema.json` beside
this file says what every field means.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import rfc8785

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.findings import disclosure
from privacy_audit.findings.finding_state import CheckCount, FindingHistory, FindingState, TriageDecision, WaiverReport

FILE_NAME = "findings.json"
SCHEMA = "privacy_audit.findings/1"
"""Name and major version of the document; a field that changes its meaning raises the number."""


def render(audit: Audit, chronicle: FindingHistory) -> bytes:
    """The findings as canonical JSON, without a newline at its end (RFC 8785 allows no white space)."""
    canonical: bytes = rfc8785.dumps(to_dict(audit, chronicle))
    return canonical


def to_dict(audit: Audit, chronicle: FindingHistory) -> dict[str, Any]:
    """The findings as the plain values of findings.json."""
    told = disclosure.disclosed_chronicle(chronicle)
    packs = {control.id: control.pack.value for control in audit.policy.controls}
    document = {
        "schema": SCHEMA,
        "audit_id": audit.id,
        "as_of": phrases.iso(audit.as_of),
        "policy": {"version": audit.policy.version, "digest": audit.policy.digest, "zone": audit.policy.zone},
        "moved": told.moved,
        "findings": [
            _finding(one, told.decisions.get(one.fingerprint)) | {"pack": packs.get(one.control)}
            for one in told.standings
        ],
        "waivers": [_waiver(report) for report in told.waivers],
        "policy_changes": [_policy_change(change) for change in told.policy_changes],
        "checks": [_check(check, told) for check in sorted(audit.checks, key=lambda check: check.id)],
    }
    cleaned: dict[str, Any] = phrases.clean_all(document)
    return cleaned


def _finding(standing: FindingState, decision: TriageDecision | None) -> dict[str, Any]:
    return {
        "fingerprint": standing.fingerprint,
        "kind": standing.kind.value,
        "check": standing.check,
        "control": standing.control,
        "store": standing.store,
        "table": standing.table,
        "qualifier": standing.qualifier,
        "owner": standing.owner,
        "status": standing.status.value,
        "outcome": standing.outcome.value,
        "severity": standing.severity.value,
        "changes": [change.value for change in standing.changes],
        "violating": standing.violating,
        "undecidable": standing.undecidable,
        "occurrences": standing.occurrences,
        "first_seen": phrases.iso(standing.first_seen),
        "last_seen": phrases.iso(standing.last_seen),
        "unseen_since": _instant(standing.unseen_since),
        "reopened_at": _instant(standing.reopened_at),
        "resolved_at": _instant(standing.resolved_at),
        "due_by": standing.due_by.isoformat(),
        "braked": standing.braked,
        "waiver": _cover(standing),
        "decision": decision and _decision(decision),
        **_since(standing.overdue_since, standing.violating),
    }


def _since(day: date | None, violating: int) -> dict[str, Any]:
    return {"overdue_since": _day(day), "dates_by": "month" if disclosure.is_few(violating) else "day"}


def _cover(standing: FindingState) -> dict[str, Any] | None:
    if not standing.waived:
        return None
    return {"id": standing.waiver, "until": _instant(standing.waived_until), "rows": standing.waived_rows}


def _decision(decision: TriageDecision) -> dict[str, Any]:
    return {
        "triage": decision.triage.value,
        "comment": decision.comment,
        "by": decision.by,
        "at": phrases.iso(decision.at),
    }


def _waiver(report: WaiverReport) -> dict[str, Any]:
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


def _check(check: CheckResult, chronicle: FindingHistory) -> dict[str, Any]:
    nights = chronicle.series.get(check.fingerprint, ())
    return {"id": check.id, "fingerprint": check.fingerprint, "nights": [_night(point) for point in nights]}


def _night(point: CheckCount) -> dict[str, Any]:
    return {
        "as_of": phrases.iso(point.as_of),
        "outcome": point.outcome.value,
        "violating": point.violating,
        "undecidable": point.undecidable,
        "held": point.held,
        "population": point.population,
        "ages": list(point.ages),
        **_since(point.overdue_since, point.violating or 0),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else phrases.iso(moment)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
