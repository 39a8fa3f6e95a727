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

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from privacy_audit import disclosure, wording
from privacy_audit.model import Audit, Automation, Outcome, Severity, Tally
from privacy_audit.periods import local_date
from privacy_audit.reports import age_chart, summary

FILE_NAME = "report.html"


def render(audit: Audit) -> bytes:
    """The whole page, in UTF-8."""
    told = disclosure.disclosed(audit)
    template = _environment().get_template("report.html.j2")
    return template.render(**_style(), **_heading(told), **_findings(told), **_policy(told)).encode()


@cache
def _environment() -> Environment:
    """Jinja, strict: unknown names are errors, all text is escaped, invisible characters are dropped."""
    environment = Environment(
        loader=PackageLoader("privacy_audit.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": wording.number, "count": wording.count, "day": wording.day}
    environment.globals |= {
        "age_chart": age_chart.svg,
        "severity_word": wording.SEVERITIES,
        "outcome_word": wording.OUTCOMES,
        "outcome_sign": wording.SIGNS,
        "outcome_meaning": wording.MEANINGS,
        "ways_out": wording.WAYS_OUT,
        "reading_words": wording.READINGS,
        "is_small": disclosure.is_small,
        "small_count": disclosure.SMALL_COUNT,
    }
    return environment


def _cleaned(value: Any) -> Any:
    return wording.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> dict[str, Markup]:
    """The style sheet and the policy that admits it. Both come from our own files; nothing here is anybody's input."""
    source, _, _ = PackageLoader("privacy_audit.reports").get_source(_environment(), "report.css")
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {"css": Markup(source), "csp": Markup(policy)}  # noqa: S704 - a file of this package


def _heading(audit: Audit) -> dict[str, Any]:
    """Verdict, scope and instant: the first screen."""
    zone = ZoneInfo(audit.policy.zone)
    outcomes = [check.outcome for check in audit.checks]
    return {
        "audit": audit,
        "policy": audit.policy,
        "verdict": wording.verdict(audit),
        "scores": [(outcome, outcomes.count(outcome)) for outcome in wording.OUTCOMES],
        "worst": summary.worst(audit),
        "as_of_day": wording.day(local_date(audit.as_of, zone)),
        "as_of_local": wording.instant(audit.as_of, zone),
        "as_of_utc": wording.iso(audit.as_of),
        "when": partial(_when, zone=zone),
        "overdue_days": partial(_overdue_days, today=local_date(audit.as_of, zone)),
        "scope": _scope(audit),
    }


def _findings(audit: Audit) -> dict[str, Any]:
    """The checks, grouped as they are told."""
    stores_down = summary.stores_not_audited(audit)
    down = {store.name for store in stores_down}
    failed = summary.with_outcome(audit, Outcome.FAIL)
    return {
        "entries": summary.entries(audit),
        "stores_down": stores_down,
        "unread": [entry for entry in summary.with_outcome(audit, Outcome.NOT_AUDITED) if entry.store.name not in down],
        "failed": failed,
        "failed_by_severity": [(severity, list(group)) for severity, group in groupby(failed, _severity)],
        "undecided_elsewhere": [entry for entry in failed if entry.check.tally and entry.check.tally.undecidable],
        "reviewed": summary.with_outcome(audit, Outcome.REVIEW),
        "passed": summary.with_outcome(audit, Outcome.PASS),
        "inapplicable": summary.with_outcome(audit, Outcome.NOT_APPLICABLE),
    }


def _policy(audit: Audit) -> dict[str, Any]:
    """The policy, clause by clause, under its own headings."""
    clauses = audit.policy.clauses
    sections = [
        (section, [(clause, summary.controls_of(clause, audit)) for clause in group])
        for section, group in groupby(clauses, lambda clause: clause.section)
    ]
    kinds = [clause.automation for clause in clauses]
    return {"sections": sections, "automation": {kind.value: kinds.count(kind) for kind in Automation}}


def _severity(entry: summary.Entry) -> Severity:
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
    made = sum(1 for check in audit.checks if check.outcome not in (Outcome.NOT_AUDITED, Outcome.NOT_APPLICABLE))
    return {"made": made, "tables": len(rows), "rows": sum(rows.values()), "estimated": estimated}


def _when(value: datetime | date, tally: Tally, zone: ZoneInfo) -> Markup:
    """A date of a tally, by month when the tally is small."""
    if disclosure.is_small(tally):
        machine, words = f"{value:%Y-%m}", wording.month(value)
    else:
        civil = local_date(value, zone) if isinstance(value, datetime) else value
        machine, words = civil.isoformat(), wording.day(civil)
    return Markup('<time datetime="{}">{}</time>').format(machine, words)


def _overdue_days(tally: Tally, today: date) -> int | None:
    """Days since the first of the violating rows was in breach; None where dates are told by month only."""
    if tally.overdue_since is None or disclosure.is_small(tally):
        return None
    return (today - tally.overdue_since).days
