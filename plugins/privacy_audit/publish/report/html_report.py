"""report.html: the audit as one document for a compliance officer. It needs no SQL, no script and no network.

The page carries its own style and a Content-Security-Policy that allows that style by its digest and nothing else.
What the reader sees, and in which order, stands in `templates/`; this module only gathers it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date, datetime
from functools import cache, partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.domain import phrases
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.promises import Automation, Pack
from privacy_audit.domain.tally import Forecast, Tally
from privacy_audit.findings import disclosure, purge_history, trends
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import age_chart, finding_phrases, summary, trend_chart
from privacy_audit.publish.report.finding_view import AuditHistoryView
from privacy_audit.view import coverage_matrix

FILE_NAME = "report.html"

_STYLES = ("report.css", "life.css", "trend.css", coverage_matrix.STYLE)
_FEW = 6
"""So many checks of one outcome are told open; of more, only the head of each, and the rest when it is asked for."""
_PURGED = ("retention", "soft_delete")
"""Kinds of control that promise deletion, so that rows in breach go by a purge."""


def render(audit: Audit, chronicle: FindingHistory) -> bytes:
    """The whole page, in UTF-8."""
    told = disclosure.disclosed(audit)
    life = AuditHistoryView(told, disclosure.disclosed_chronicle(chronicle))
    template = _environment().get_template("report.html.j2")
    return template.render(
        **_style(),
        **_heading(told, life),
        **_findings(told, life),
        **_life(told, life, chronicle),
        **_nights(told, chronicle),
        **_purges(audit),
        **_due(told),
        **_policy(told),
    ).encode()


@cache
def _environment() -> Environment:
    """Jinja, strict: unknown names are errors, all text is escaped, invisible characters are dropped."""
    environment = Environment(
        loader=_loader(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": phrases.number,
        "count": phrases.count,
        "day": phrases.day,
        "signed": finding_phrases.signed,
    }
    environment.globals |= {
        "age_chart": age_chart.svg,
        "severity_word": phrases.SEVERITIES,
        "outcome_word": phrases.OUTCOMES,
        "outcome_sign": phrases.SIGNS,
        "outcome_meaning": phrases.MEANINGS,
        "ways_out": phrases.WAYS_OUT,
        "reading_words": phrases.READINGS,
        "words": finding_phrases,
        "attestation": coverage_matrix.ATTESTATION,
        **coverage_matrix.NAMES,
        "is_small": disclosure.is_small,
        "small_count": disclosure.SMALL_COUNT,
    }
    return environment


def _loader() -> BaseLoader:
    """Our templates, and those that pages of other stages have too."""
    return ChoiceLoader([PackageLoader("privacy_audit.publish.report"), FileSystemLoader(coverage_matrix.TEMPLATES)])


def _cleaned(value: Any) -> Any:
    return phrases.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> dict[str, Markup]:
    """The style sheet and the policy that admits it. Both come from our own files; nothing here is anybody's input."""
    loader = _loader()
    source = "\n".join(loader.get_source(_environment(), name)[0] for name in _STYLES)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {"css": Markup(source), "csp": Markup(policy)}  # noqa: S704 - a file of this package


def _heading(audit: Audit, life: AuditHistoryView) -> dict[str, Any]:
    """Verdict, scope and instant: the first screen."""
    zone = ZoneInfo(audit.policy.zone)
    outcomes = [check.outcome for check in audit.checks]
    return {
        "audit": audit,
        "policy": audit.policy,
        "verdict": phrases.verdict(audit),
        "scores": [(outcome, outcomes.count(outcome)) for outcome in phrases.OUTCOMES],
        "worst": summary.worst(audit, life.quiet),
        "as_of_day": phrases.day(local_date(audit.as_of, zone)),
        "as_of_local": phrases.instant(audit.as_of, zone),
        "as_of_utc": phrases.iso(audit.as_of),
        "when": partial(_when, zone=zone),
        "overdue_days": partial(_overdue_days, today=local_date(audit.as_of, zone)),
        "scope": _scope(audit),
    }


def _findings(audit: Audit, life: AuditHistoryView) -> dict[str, Any]:
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


def _life(audit: Audit, life: AuditHistoryView, chronicle: FindingHistory) -> dict[str, Any]:
    """How the findings stand, and what changed in the policy since the audit before."""
    zone = ZoneInfo(audit.policy.zone)
    by_direction = {
        direction: [change for change in chronicle.policy_changes if change.direction is direction]
        for direction in Direction
    }
    return {
        "life": life,
        "is_earlier": not chronicle.moved,
        "status": partial(finding_phrases.status, zone=zone),
        "civil": partial(_civil, zone=zone),
        "check_of": {entry.check.id: entry for entry in summary.entries(audit)}.get,
        "policy_changes": {direction: found for direction, found in by_direction.items() if found},
    }


def _nights(audit: Audit, chronicle: FindingHistory) -> dict[str, Any]:
    """Charts and sentences of the nights. Judged by exact dates, which the sentences then tell as coarse as they must:
    a date that is coarse on one night and exact on the next would look like rows that went."""
    zone = ZoneInfo(audit.policy.zone)
    today = local_date(audit.as_of, zone)
    nights = {entry.key: chronicle.series.get(entry.check.fingerprint, ()) for entry in summary.entries(audit)}
    shown = {key: trends.trend(points, zone, today) for key, points in nights.items() if len(points) > 1}
    return {
        "trend_of": shown.get,
        "charted": list(shown),
        "trend_chart": lambda key: trend_chart.svg(nights[key], zone, f"{key}-trend"),
        "sparkline": lambda key: trend_chart.sparkline(nights[key], zone),
        "trend_sentences": lambda entry: trends.sentences(shown[entry.key], purge=entry.control.kind in _PURGED),
        "nights": max((len(trend.nights) for trend in shown.values()), default=0),
    }


def _purges(audit: Audit) -> dict[str, Any]:
    """What the logs of purge runs say, by the check. The audit is the exact one, for the sentences judge by the day."""
    zone = ZoneInfo(audit.policy.zone)
    today = local_date(audit.as_of, zone)
    return {"purge_sentence": {check.id: purge_history.sentence(check, today, zone) for check in audit.checks}.get}


def _due(audit: Audit) -> dict[str, Any]:
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


def _policy(audit: Audit) -> dict[str, Any]:
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
        "link": lambda check: f"#{summary.anchor(check)}",
        "concerned": lambda conflict: [outcomes[name] for name in conflict.controls if name in outcomes],
        "is_law": lambda control: control.pack is Pack.LAW,
    }


def _severity(entry: summary.CheckEntry) -> Severity:
    return entry.control.severity


def _scope(audit: Audit) -> dict[str, Any]:
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


def _when(value: datetime | date, tally: Tally, zone: ZoneInfo) -> Markup:
    """A date of a tally, by month when the tally is small."""
    if disclosure.is_small(tally):
        machine, words = f"{value:%Y-%m}", phrases.month(value)
    else:
        civil = local_date(value, zone) if isinstance(value, datetime) else value
        machine, words = civil.isoformat(), phrases.day(civil)
    return Markup('<time datetime="{}">{}</time>').format(machine, words)


def _civil(moment: datetime, zone: ZoneInfo) -> Markup:
    """The civil day of an instant."""
    day = local_date(moment, zone)
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), phrases.day(day))


def _overdue_days(tally: Tally, today: date) -> int | None:
    """Days since the first of the violating rows was in breach; None where dates are told by month only."""
    if tally.overdue_since is None or disclosure.is_small(tally):
        return None
    return (today - tally.overdue_since).days
