"""findings.csv: one row per check that is not a pass, for a spreadsheet. No cell can become a formula.

After them come the open findings that have no row yet: what was known of a check that nobody could look at tonight, or
that no audit looks at any more.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from zoneinfo import ZoneInfo

from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import FOUND, Outcome
from privacy_audit.domain.periods import local_date
from privacy_audit.findings.finding_state import FindingKind
from privacy_audit.publish.report import summary
from privacy_audit.publish.report.finding_groups import FindingGroups
from privacy_audit.view.audit_view import AuditView, StoreView, TallyView
from privacy_audit.view.finding_view import FindingView
from privacy_audit.view.shown_date import ShownDate

FILE_NAME = "findings.csv"

COLUMNS = (
    "outcome", "severity", "control", "promise", "store", "owner", "table", "qualifier",
    "violating_rows", "persons", "held_rows", "late_holds", "undecidable_rows", "out_of_scope_rows",
    "population", "population_is_estimated", "oldest", "newest", "in_breach_since",
    "cause", "reason", "way_out", "clauses", "legal_basis", "check_id", "fingerprint", "as_of",
    "finding", "status", "first_seen", "last_seen", "due_by", "triage", "waived_until", "waived_rows", "pack",
)  # fmt: skip
"""Dates are civil dates in the policy's zone; only year and month where fewer than five rows violate, or
they are of fewer than five persons.

`finding` is the fingerprint of the finding: another than the check's where nobody could look.
"""

_STARTS_A_FORMULA = tuple("=+-@\t\r")
_SKIPPED_BEFORE_IT = " \n\"'`\u00a0\u2018\u2019\u201c\u201d"


def render(view: AuditView) -> bytes:
    """All findings, not audited first; every cell quoted, UTF-8, lines ended by CRLF."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\r\n", restval="")
    writer.writeheader()
    for row in _rows(view, FindingGroups(view)):
        writer.writerow({column: safe(cell) for column, cell in row.items()})
    return text.getvalue().encode()


def safe(cell: str) -> str:
    """A text of the view as text for a spreadsheet: an apostrophe before what would be read as a formula, also behind
    spaces, quotes and in full-width forms (OWASP, CSV injection)."""
    start = unicodedata.normalize("NFKC", cell).lstrip(_SKIPPED_BEFORE_IT)
    return "'" + cell if start.startswith(_STARTS_A_FORMULA) or cell.startswith(_STARTS_A_FORMULA) else cell


def _rows(audit: AuditView, life: FindingGroups) -> list[dict[str, str]]:
    unread = [store for store in summary.stores_not_audited(audit) if not store.checks]
    findings = [entry for entry in summary.entries(audit) if entry.check.outcome is not Outcome.PASS]
    rows = [
        *((_store_row(store), life.sight_of_store(store)) for store in unread),
        *((_check_row(entry), _known(entry, life)) for entry in findings),
    ]
    told = {known.fingerprint for _, known in rows if known}
    rows += [(_finding_row(known), known) for known in life.open if known.fingerprint not in told]
    as_of = phrases.iso(audit.as_of)
    return [{**row, **(_life(known, audit.zone) if known else {}), "as_of": as_of} for row, known in rows]


def _known(entry: summary.CheckEntry, life: FindingGroups) -> FindingView | None:
    """The finding that the row of a check tells: that nobody could look, or that its promise is not kept."""
    look = life.sight_of if entry.check.outcome is Outcome.NOT_AUDITED else life.of
    return look(entry.check)


def _store_row(store: StoreView) -> dict[str, str]:
    """A store that could not be opened has no checks to list; it is a row of its own rather than nothing."""
    return {
        "outcome": store.outcome.value,
        "store": store.name,
        "owner": store.owner,
        "cause": store.cause.value if store.cause else "",
        "reason": store.reason,
        "way_out": phrases.WAYS_OUT[store.cause] if store.cause else "",
    }


def _check_row(entry: summary.CheckEntry) -> dict[str, str]:
    check, control = entry.check, entry.control
    return {
        "outcome": check.outcome.value,
        "severity": control.severity.value,
        "control": check.control,
        "pack": control.pack.value,
        "promise": control.title,
        "store": check.store,
        "owner": entry.store.owner,
        "table": check.table,
        "qualifier": check.qualifier,
        "cause": check.cause.value if check.cause else "",
        "reason": check.reason,
        "way_out": check.fix or (phrases.WAYS_OUT[check.cause] if check.cause and check.outcome in FOUND else ""),
        "clauses": " ".join(control.clauses),
        "legal_basis": "; ".join(control.legal_basis),
        "late_holds": str(check.late_holds),
        "check_id": check.id,
        "fingerprint": check.fingerprint,
        **(_counts(check.tally) if check.tally else {}),
    }


def _finding_row(known: FindingView) -> dict[str, str]:
    """A finding without a check of tonight, as it was last seen."""
    unseen = known.kind is FindingKind.NONCONFORMITY
    why = "Nobody looked tonight; this is how it was last seen." if unseen else "Nobody could look at it."
    counts = {"violating_rows": str(known.violating), "undecidable_rows": str(known.undecidable)}
    return {
        "outcome": known.outcome.value,
        "severity": known.severity.value,
        "control": known.control,
        "pack": known.pack.value if known.pack else "",
        "promise": known.title,
        "store": known.store,
        "owner": known.owner,
        "table": known.table,
        "qualifier": known.qualifier,
        "reason": why,
        "check_id": known.check,
        **(counts if unseen else {}),
        "in_breach_since": _iso(known.overdue_since),
    }


def _life(known: FindingView, zone: ZoneInfo) -> dict[str, str]:
    until = known.waived_until
    return {
        "finding": known.fingerprint,
        "status": known.status.value,
        "first_seen": local_date(known.first_seen, zone).isoformat(),
        "last_seen": local_date(known.last_seen, zone).isoformat(),
        "due_by": known.due_by.isoformat(),
        "triage": known.decision.triage.value if known.decision else "",
        "waived_until": local_date(until, zone).isoformat() if until else "",
        "waived_rows": str(known.waived_rows) if known.waived else "",
    }


def _counts(tally: TallyView) -> dict[str, str]:
    return {
        "violating_rows": str(tally.violating),
        "persons": str(tally.subjects),
        "held_rows": str(tally.held),
        "undecidable_rows": str(tally.undecidable),
        "out_of_scope_rows": str(tally.out_of_scope),
        "population": str(tally.population),
        "population_is_estimated": "yes" if tally.estimated else "no",
        "oldest": _iso(tally.oldest),
        "newest": _iso(tally.newest),
        "in_breach_since": _iso(tally.overdue_since),
    }


def _iso(shown: ShownDate | None) -> str:
    return shown.iso if shown else ""
