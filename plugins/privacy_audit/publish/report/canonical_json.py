"""audit.json: the audit as canonical JSON (RFC 8785), for programs and for evidence. Same audit, same bytes.

`audit.schema.json` beside this file says what every field means. Timings are not in it, for they differ each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import rfc8785

from privacy_audit.domain import phrases
from privacy_audit.domain.promises import Clause, Policy
from privacy_audit.domain.tally import AGE_BUCKETS, Forecast, Purge
from privacy_audit.publish.report import summary
from privacy_audit.view.audit_view import AuditView, StoreView, TallyView
from privacy_audit.view.coverage_matrix import ControlOutcome, control_outcomes

FILE_NAME = "audit.json"
SCHEMA = "privacy_audit.audit/2"
"""Name and major version of the document; a field that changes its meaning raises the number."""


def render(view: AuditView) -> bytes:
    """The audit as canonical JSON, without a newline at its end (RFC 8785 allows no white space).

    The history of the view is not used: this is what was found, whatever people decided and other nights showed.
    """
    canonical: bytes = rfc8785.dumps(to_dict(view))
    return canonical


def to_dict(view: AuditView) -> dict[str, Any]:
    """The audit as the plain values of audit.json; also what the command line's `--json` prints."""
    outcomes = control_outcomes(view).values()
    return {
        "schema": SCHEMA,
        "audit_id": view.id,
        "as_of": phrases.iso(view.as_of),
        "triggered_by": view.triggered_by,
        "database": view.database or None,
        "policy": _policy(view.policy),
        "outcome": view.outcome.value,
        "stores": [_store(store) for store in view.stores],
        "checks": [_check(entry) for entry in sorted(summary.entries(view), key=lambda entry: entry.check.id)],
        "clauses": [_clause(clause, outcomes) for clause in view.policy.clauses],
        "limits": list(view.limits),
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "version": policy.version,
        "title": policy.title,
        "effective_from": policy.effective_from.isoformat(),
        "effective_to": _day(policy.effective_to),
        "zone": policy.zone,
        "source_sha256": policy.source_sha256,
        "digest": policy.digest,
        "law": policy.law and {"version": policy.law.version, "digest": policy.law.digest},
    }


def _store(store: StoreView) -> dict[str, Any]:
    return {
        "name": store.name,
        "title": store.title,
        "owner": store.owner,
        "outcome": store.outcome.value,
        "cause": store.cause and store.cause.value,
        "reason": store.reason,
        "snapshot": store.snapshot,
    }


def _check(entry: summary.CheckEntry) -> dict[str, Any]:
    check, tally = entry.check, entry.check.tally
    return {
        "id": check.id,
        "control": check.control,
        "pack": entry.control.pack.value,
        "store": check.store,
        "table": check.table,
        "qualifier": check.qualifier,
        "fingerprint": check.fingerprint,
        "severity": entry.control.severity.value,
        "sentence": check.sentence,
        "outcome": check.outcome.value,
        "cause": check.cause and check.cause.value,
        "reason": check.reason,
        "fix": check.fix,
        "show_rows": check.show_rows,
        "show_undecidable": check.show_undecidable,
        "draft": check.draft,
        "plan": check.plan and check.plan.value,
        "plan_reason": check.plan_reason,
        "reading": check.reading,
        "late_holds": check.late_holds,
        "tally": tally and _tally(tally),
        "forecast": check.forecast and _forecast(check.forecast),
        "purge": check.purge and _purge(check.purge),
        **_dates(tally),
    }


def _tally(tally: TallyView) -> dict[str, Any]:
    return {
        "population": tally.population,
        "estimated": tally.estimated,
        "compliant": tally.compliant,
        "violating": tally.violating,
        "held": tally.held,
        "undecidable": tally.undecidable,
        "out_of_scope": tally.out_of_scope,
        "subjects": tally.subjects,
        "ages": [{"label": label, "rows": rows} for (label, _), rows in zip(AGE_BUCKETS, tally.ages, strict=True)],
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "in_30_days": forecast.in_30_days,
        "in_90_days": forecast.in_90_days,
        "estimated": forecast.estimated,
    }


def _purge(purge: Purge) -> dict[str, Any]:
    return {
        "last_ran": purge.last_ran and phrases.iso(purge.last_ran),
        "last_deleted": purge.last_deleted and phrases.iso(purge.last_deleted),
        "idle_runs": purge.idle_runs,
        "untold_runs": purge.untold_runs,
    }


def _dates(tally: TallyView | None) -> dict[str, Any]:
    """Civil days in the policy's zone; the first of the month where a day could single a person out."""
    if tally is None:
        return {"oldest": None, "newest": None, "overdue_since": None, "dates_by": "day"}
    return {
        "oldest": tally.oldest and _day(tally.oldest.day),
        "newest": tally.newest and _day(tally.newest.day),
        "overdue_since": tally.overdue_since and _day(tally.overdue_since.day),
        "dates_by": "month" if tally.by_month else "day",
    }


def _clause(clause: Clause, outcomes: Iterable[ControlOutcome]) -> dict[str, Any]:
    return {
        "id": clause.id,
        "section": clause.section,
        "quote": clause.quote,
        "automation": clause.automation.value,
        "reason": clause.reason,
        "controls": [
            {
                "id": told.control.id,
                "pack": told.control.pack.value,
                "outcome": told.outcome and told.outcome.value,
                "checks": len(told.checks),
            }
            for told in summary.controls_of(clause, outcomes)
        ],
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
