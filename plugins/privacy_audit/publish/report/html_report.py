"""report.html: the audit as one document for a compliance officer. It needs no SQL, no script and no network.

The page carries its own style and a Content-Security-Policy that allows that style by its digest and nothing else.
What the reader sees, and in which order, stands in `templates/`; this module only gathers it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Automation, Pack
from privacy_audit.domain.tally import Forecast
from privacy_audit.publish.report import age_chart, finding_phrases, summary, trend_chart
from privacy_audit.publish.report.finding_groups import FindingGroups
from privacy_audit.view import coverage_matrix
from privacy_audit.view.audit_view import AuditView
from privacy_audit.view.shown_date import ShownDate
from privacy_audit.view.templates import environment

FILE_NAME = "report.html"

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = (
    *(_TEMPLATES / name for name in ("report.css", "life.css", "trend.css")),
    coverage_matrix.TEMPLATES / coverage_matrix.STYLE,
)
_FEW = 6
"""So many checks of one outcome are told open; of more, only the head of each, and the rest when it is asked for."""


def render(view: AuditView) -> bytes:
    """The whole page, in UTF-8."""
    life = FindingGroups(view)
    template = _environment().get_template("report.html.j2")
    return template.render(
        **_style(),
        **_heading(view, life),
        **_findings(view, life),
        **_life(view, life),
        **_nights(view),
        **_due(view),
        **_policy(view),
    ).encode()


@cache
def _environment() -> Environment:
    made = environment(_TEMPLATES, coverage_matrix.TEMPLATES)
    made.filters["signed"] = finding_phrases.signed
    made.globals |= {
        "age_chart": age_chart.svg,
        "words": finding_phrases,
        "attestation": coverage_matrix.ATTESTATION,
        "when": _when,
        **coverage_matrix.NAMES,
    }
    return made


@cache
def _style() -> dict[str, Markup]:
    """The style sheet and the policy that admits it. Both come from our own files; nothing here is anybody's input."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in _STYLES)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {"css": Markup(source), "csp": Markup(policy)}  # noqa: S704 - a file of this package


def _heading(audit: AuditView, life: FindingGroups) -> dict[str, Any]:
    """Verdict, scope and instant: the first screen."""
    outcomes = [check.outcome for check in audit.checks]
    return {
        "audit": audit,
        "policy": audit.policy,
        "verdict": audit.verdict,
        "scores": [(outcome, outcomes.count(outcome)) for outcome in phrases.OUTCOMES],
        "worst": summary.worst(audit, life.quiet),
        "as_of_day": phrases.day(audit.today),
        "as_of_local": phrases.instant(audit.as_of, audit.zone),
        "as_of_utc": phrases.iso(audit.as_of),
        "small_count": audit.small_count,
        "scope": _scope(audit),
    }


def _findings(audit: AuditView, life: FindingGroups) -> dict[str, Any]:
    """The checks, grouped as they are told; those under a waiver after the others."""
    stores_down = summary.stores_not_audited(audit)
    down = {store.name for store in stores_down}
    failed = summary.waived_last(summary.with_outcome(audit, Outcome.FAIL), life.quiet)
    passed = summary.with_outcome(audit, Outcome.PASS)
    loud = [entry for entry in failed if entry.check.fingerprint not in life.quiet]
    return {
        "entries": summary.entries(audit),
        "stores_down": stores_down,
        "unread": [entry for entry in summary.with_outcome(audit, Outcome.NOT_AUDITED) if entry.store.name not in down],
        "failed": failed,
        "failed_by_severity": [(severity, list(group)) for severity, group in groupby(loud, _severity)],
        "failed_waived": [entry for entry in failed if entry.check.fingerprint in life.quiet],
        "undecided_elsewhere": [entry for entry in failed if entry.check.tally and entry.check.tally.undecidable],
        "reviewed": summary.waived_last(summary.with_outcome(audit, Outcome.REVIEW), life.quiet),
        "passed": [entry for entry in passed if entry.control.kind != coverage_matrix.ATTESTATION],
        "attested": [entry for entry in passed if entry.control.kind == coverage_matrix.ATTESTATION],
        "inapplicable": summary.with_outcome(audit, Outcome.NOT_APPLICABLE),
        "by_control": summary.by_control,
        "few": _FEW,
    }


def _life(audit: AuditView, life: FindingGroups) -> dict[str, Any]:
    """How the findings stand, and what changed in the policy since the audit before."""
    by_direction = {
        direction: [change for change in audit.history.policy_changes if change.direction is direction]
        for direction in Direction
    }
    return {
        "life": life,
        "is_earlier": not audit.history.moved,
        "status": partial(finding_phrases.status, zone=audit.zone),
        "civil": partial(_civil, zone=audit.zone),
        "check_of": {entry.check.id: entry for entry in summary.entries(audit)}.get,
        "policy_changes": {direction: found for direction, found in by_direction.items() if found},
    }


def _nights(audit: AuditView) -> dict[str, Any]:
    """Charts of the nights, for each check that has more than one."""
    trends = {entry.key: entry.check.trend for entry in summary.entries(audit) if entry.check.trend}
    return {
        "charted": list(trends),
        "trend_chart": lambda entry: trend_chart.svg(entry.check.chart, f"{entry.key}-trend"),
        "sparkline": lambda entry: trend_chart.sparkline(entry.check.chart),
        "nights": max((trend.nights for trend in trends.values()), default=0),
    }


def _due(audit: AuditView) -> dict[str, Any]:
    """What time alone will put in breach: the checks by their rows of the next 30 days, and all of them together."""
    forecast = [(entry, entry.check.forecast) for entry in summary.entries(audit) if entry.check.forecast]
    total = Forecast(
        sum(due.in_30_days for _, due in forecast),
        sum(due.in_90_days for _, due in forecast),
        any(due.estimated for _, due in forecast),
    )
    coming = [(entry, due) for entry, due in forecast if due.in_90_days]
    return {
        "forecast": sorted(coming, key=lambda pair: (-pair[1].in_30_days, -pair[1].in_90_days, pair[0].check.id)),
        "forecast_checks": len(forecast),
        "forecast_total": total,
    }


def _policy(audit: AuditView) -> dict[str, Any]:
    """The policy, clause by clause, under its own headings; the same as a table by store; and the law beside it."""
    clauses = audit.policy.clauses
    outcomes = coverage_matrix.control_outcomes(audit)
    sections = [
        (section, [(clause, summary.controls_of(clause, outcomes.values())) for clause in group])
        for section, group in groupby(clauses, lambda clause: clause.section)
    ]
    kinds = [clause.automation for clause in clauses]
    return {
        "sections": sections,
        "automation": {kind.value: kinds.count(kind) for kind in Automation},
        "coverage": coverage_matrix.matrix(audit),
        "link": lambda check: f"#{check.anchor}",
        "concerned": lambda conflict: [outcomes[name] for name in conflict.controls if name in outcomes],
        "is_law": lambda control: control.pack is Pack.LAW,
    }


def _severity(entry: summary.CheckEntry) -> Severity:
    return entry.control.severity


def _scope(audit: AuditView) -> dict[str, Any]:
    """How much was looked at: tables and their rows, each table once."""
    rows: dict[tuple[str, str], int] = {}
    estimated = False
    for check in audit.checks:
        if check.tally is not None:
            table = (check.store, check.table)
            rows[table] = max(rows.get(table, 0), check.tally.population)
            estimated = estimated or check.tally.estimated
    made = [check for check in audit.checks if check.outcome not in (Outcome.NOT_AUDITED, Outcome.NOT_APPLICABLE)]
    words = [check for check in made if check.attested_until]
    return {
        "made": len(made) - len(words),
        "attested": sum(1 for word in words if word.outcome is Outcome.PASS),
        "tables": len(rows),
        "rows": sum(rows.values()),
        "estimated": estimated,
    }


def _when(shown: ShownDate) -> Markup:
    """A date that comes from rows."""
    return Markup('<time datetime="{}">{}</time>').format(shown.iso, shown.words)


def _civil(moment: datetime, zone: ZoneInfo) -> Markup:
    """The civil day of an instant."""
    day = local_date(moment, zone)
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), phrases.day(day))
