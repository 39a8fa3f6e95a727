"""The words for numbers, dates, outcomes and causes on every surface: English, whatever the locale."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain.audit import Audit
from privacy_audit.domain.consent_reading import ConsentReading
from privacy_audit.domain.outcomes import Cause, Outcome, Severity
from privacy_audit.domain.promises import Pack

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_THIN = "\u202f"  # narrow no-break space: groups digits, and is no decimal mark in any country

OUTCOMES: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "not audited",
    Outcome.FAIL: "failed",
    Outcome.REVIEW: "to review",
    Outcome.PASS: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
"""The outcomes as a reader meets them, in the order of the report: not audited is said first."""

SIGNS: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "○",
    Outcome.FAIL: "✕",
    Outcome.REVIEW: "?",
    Outcome.PASS: "✓",
    Outcome.NOT_APPLICABLE: "–",  # noqa: RUF001 - a dash on purpose
}
"""A shape for each outcome, so that colour is never the only difference."""

MEANINGS: dict[Outcome, str] = {
    Outcome.NOT_AUDITED: "The audit could not look. Nothing is known, so it is never counted among what passed.",
    Outcome.FAIL: "The audit looked, and found rows that break the promise.",
    Outcome.REVIEW: "The audit looked, and some rows cannot be decided. Unknown is not taken for kept.",
    Outcome.PASS: "The audit looked at every row in scope and found none that breaks the promise.",
    Outcome.NOT_APPLICABLE: "There is nothing that this promise speaks of, and the store's owner declared it so.",
}

PACKS: dict[Pack, str] = {Pack.POLICY: "The policy", Pack.LAW: "The law"}
"""Whose rules they are."""

RULES: dict[Pack, tuple[str, str]] = {Pack.POLICY: ("promise", "promises"), Pack.LAW: ("rule", "rules")}
"""What the rules of each are called: one of them, and many."""

SEVERITIES: dict[Severity, str] = {severity: severity.value.capitalize() for severity in Severity}

READINGS: dict[str, str] = {
    ConsentReading.EVENTS.value: "Read as events: the last grant or withdrawal before the moment counts.",
    ConsentReading.INTERVALS.value: "Read as intervals: a moment is covered by any period from grant to withdrawal.",
}
"""How a ledger of consents was read."""

WAYS_OUT: dict[Cause, str] = {
    Cause.UNDECIDABLE_ROWS: "Complete what these rows lack, or let a person look at them. Until then nobody can say "
    "whether they keep the promise.",
    Cause.EMPTY: "Find out why the table is empty. If it is no longer used, take it out of the store map.",
    Cause.UNREACHABLE: "Bring the store back, or correct its connection in Airflow, and run the audit again.",
    Cause.REFUSED: "Grant the audit's role the right to read the mapped tables, or correct its login, "
    "and run the audit again.",
    Cause.HIDDEN_ROWS: "Let the audit's role see every row of the table, and run the audit again. "
    "It cannot vouch for rows that are hidden from it.",
    Cause.DRIFT: "Make the store map and the table say the same, compile the suites, and run the audit again.",
    Cause.UNSAFE_SESSION: "Give the audit a role that may read and nothing more, and run the audit again.",
    Cause.TIME_ZONES: "Bring the time zone data of the server and of the auditor up to date, or name another zone in "
    "policy or store map, and run the audit again.",
    Cause.TIMEOUT: "Add the index that the check asks for, or allow the check more time, and run the audit again.",
    Cause.CANCELLED: "The query was ended from outside. Find out by whom and why, and run the audit again.",
    Cause.STALE: "Let the replica catch up, or lead the audit's connection to the primary, and run the audit again.",
    Cause.LOST: "Run the audit again. If the connection is lost again, ask the store's owner for the server's log.",
    Cause.INTERNAL: "The audit contradicted itself here. Do not rely on this check; report its id to the team "
    "that runs the audit.",
    Cause.READ_LATER: "Nobody can prove it any more: the rows of that day are gone. Rely on the audit of that night, "
    "or on one as of now.",
    Cause.EXPIRED: "Look at it again, and write down in attestations.yaml who saw what, when, and by which evidence.",
    Cause.MISSING: "Map the table that holds this data, or have the store's owner sign that there is none.",
    Cause.BUSY: "Wait until the other audit of this store has ended, and run the audit again.",
}
"""What to do when a check or a store could not be audited or decided."""


def number(count: int) -> str:
    """`1 234 567`, with narrow no-break spaces."""
    return f"{count:,}".replace(",", _THIN)


def count(amount: int, noun: str, plural: str = "") -> str:
    """`1 row`, `1 234 rows`."""
    return f"{number(amount)} {noun if amount == 1 else plural or noun + 's'}"


def day(civil: date) -> str:
    """`24 November 2026`."""
    return f"{civil.day} {month(civil)}"


def month(civil: date) -> str:
    """`November 2026`."""
    return f"{_MONTHS[civil.month - 1]} {civil.year}"


def instant(moment: datetime, zone: ZoneInfo) -> str:
    """`24 November 2026, 02:30:00 in Europe/Paris`."""
    local = moment.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M:%S} in {zone.key}"


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, with Z: `2026-11-24T01:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def verdict(audit: Audit) -> str:
    """The audit in one sentence. It never says that the company complies: only what was found in what was looked at."""
    outcomes = [check.outcome for check in audit.checks]
    of_all = f"of {count(len(outcomes), 'check')}"
    match audit.outcome:
        case Outcome.FAIL:
            failed = outcomes.count(Outcome.FAIL)
            return f"{_broken(audit, failed)}: {number(failed)} {of_all} failed"
        case Outcome.REVIEW:
            undecided = outcomes.count(Outcome.REVIEW)
            return f"Some rows cannot be decided: {number(undecided)} {of_all} {_need(undecided)} a review"
        case Outcome.PASS:
            return "No nonconformity was found in what was audited"
        case Outcome.NOT_APPLICABLE:
            return "There was nothing to audit: the owners of the stores declared it so"
        case _:
            return _not_audited(audit, outcomes, of_all)


def _broken(audit: Audit, failed: int) -> str:
    """Where the policy is kept and only the law is not, no promise is broken."""
    of_law = {control.id for control in audit.policy.controls if control.pack is Pack.LAW}
    if all(check.control in of_law for check in audit.checks if check.outcome is Outcome.FAIL) and failed:
        return "A rule of the law is broken" if failed == 1 else "Rules of the law are broken"
    return "A promise is broken" if failed == 1 else "Promises are broken"


def _need(amount: int) -> str:
    return "needs" if amount == 1 else "need"


def _not_audited(audit: Audit, outcomes: list[Outcome], of_all: str) -> str:
    down = sum(1 for store in audit.stores if store.cause and store.outcome is Outcome.NOT_AUDITED)
    if down == len(audit.stores):
        return "Nothing was audited"
    if down:
        return f"Not everything was audited: {number(down)} of {count(len(audit.stores), 'store')} could not be read"
    missed = outcomes.count(Outcome.NOT_AUDITED)
    return f"Not everything was audited: {number(missed)} {of_all} could not be carried out"
