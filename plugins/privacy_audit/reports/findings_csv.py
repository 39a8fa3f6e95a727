"""findings.csv: one row per check that is not a pass, for a spreadsheet. No cell can become a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit import disclosure, wording
from privacy_audit.model import Audit, Outcome, StoreResult, Tally
from privacy_audit.periods import local_date
from privacy_audit.reports import summary

FILE_NAME = "findings.csv"

COLUMNS = (
    "outcome", "severity", "control", "promise", "store", "owner", "table", "qualifier",
    "violating_rows", "persons", "held_rows", "late_holds", "undecidable_rows", "out_of_scope_rows",
    "population", "population_is_estimated", "oldest", "newest", "in_breach_since",
    "cause", "reason", "way_out", "clauses", "legal_basis", "check_id", "fingerprint", "as_of",
)  # fmt: skip
"""Dates are civil dates in the policy's zone; only year and month where fewer than five rows violate."""

_STARTS_A_FORMULA = tuple("=+-@\t\r")
_SKIPPED_BEFORE_IT = " \n\"'`\u00a0\u2018\u2019\u201c\u201d"


def render(audit: Audit) -> bytes:
    """All findings, not audited first; every cell quoted, UTF-8, lines ended by CRLF."""
    told = disclosure.disclosed(audit)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\r\n", restval="")
    writer.writeheader()
    for row in _rows(told):
        writer.writerow({column: safe(cell) for column, cell in row.items()})
    return text.getvalue().encode()


def safe(cell: str) -> str:
    """The cell as text for a spreadsheet: an apostrophe before what would be read as a formula, also behind spaces,
    quotes and in full-width forms (OWASP, CSV injection)."""
    visible = wording.clean(cell)
    start = unicodedata.normalize("NFKC", visible).lstrip(_SKIPPED_BEFORE_IT)
    return "'" + visible if start.startswith(_STARTS_A_FORMULA) or cell.startswith(_STARTS_A_FORMULA) else visible


def _rows(audit: Audit) -> list[dict[str, str]]:
    as_of = wording.iso(audit.as_of)
    unread = [_store_row(store) for store in summary.stores_not_audited(audit) if not store.checks]
    zone = ZoneInfo(audit.policy.zone)
    findings = [entry for entry in summary.entries(audit) if entry.check.outcome is not Outcome.PASS]
    return [{**row, "as_of": as_of} for row in [*unread, *(_check_row(entry, zone) for entry in findings)]]


def _store_row(store: StoreResult) -> dict[str, str]:
    """A store that could not be opened has no checks to list; it is a row of its own rather than nothing."""
    return {
        "outcome": store.outcome.value,
        "store": store.name,
        "owner": store.owner,
        "cause": store.cause.value if store.cause else "",
        "reason": store.reason,
        "way_out": wording.WAYS_OUT[store.cause] if store.cause else "",
    }


def _check_row(entry: summary.Entry, zone: ZoneInfo) -> dict[str, str]:
    check, control = entry.check, entry.control
    return {
        "outcome": check.outcome.value,
        "severity": control.severity.value,
        "control": check.control,
        "promise": control.title,
        "store": check.store,
        "owner": entry.store.owner,
        "table": check.table,
        "qualifier": check.qualifier,
        "cause": check.cause.value if check.cause else "",
        "reason": check.reason,
        "way_out": check.fix or (wording.WAYS_OUT[check.cause] if check.cause else ""),
        "clauses": " ".join(control.clauses),
        "legal_basis": "; ".join(control.legal_basis),
        "late_holds": str(check.late_holds),
        "check_id": check.id,
        "fingerprint": check.fingerprint,
        **(_counts(check.tally, zone) if check.tally else {}),
    }


def _counts(tally: Tally, zone: ZoneInfo) -> dict[str, str]:
    return {
        "violating_rows": str(tally.violating),
        "persons": str(tally.subjects),
        "held_rows": str(tally.held),
        "undecidable_rows": str(tally.undecidable),
        "out_of_scope_rows": str(tally.out_of_scope),
        "population": str(tally.population),
        "population_is_estimated": "yes" if tally.estimated else "no",
        "oldest": _date(tally.oldest, tally, zone),
        "newest": _date(tally.newest, tally, zone),
        "in_breach_since": _date(tally.overdue_since, tally, zone),
    }


def _date(value: datetime | date | None, tally: Tally, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if disclosure.is_small(tally):
        return f"{value:%Y-%m}"
    return (local_date(value, zone) if isinstance(value, datetime) else value).isoformat()
