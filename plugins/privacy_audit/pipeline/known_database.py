"""Whether the audit's own database is the one in which the reports beside it were filed.

A database that was lost and made anew, or restored from an older backup, passes for a first installation: held rows
that vanished are no more missed, missed nights no more known, and every finding is new. So each report carries the
identity of its database, and a database is refused that does not know an audit whose report is there, until a person
accepts it. What retention deleted is not missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from privacy_audit.config.settings import Settings
from privacy_audit.domain import phrases
from privacy_audit.postgres import connections
from privacy_audit.postgres.audit_database import AuditDatabaseRefusedError
from privacy_audit.publish.report.report_folder import FiledReport

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DatabaseDoubt:
    """Why a database is not the one that the reports know; its text goes on from "the audit database"."""

    newest: FiledReport
    """Of all reports."""
    database: str
    """The identity that the newest report names; empty when it names none."""
    is_another: bool
    """Whether that is the identity of another database."""
    unknown: tuple[FiledReport, ...]
    """Reports whose audits the database does not know, the newest first."""

    def __str__(self) -> str:
        if self.is_another:
            return f"is not the one in which the newest report, {self.newest.audit_id}, was filed"
        number = phrases.count(len(self.unknown), "audit")
        newest = self.unknown[0].audit_id
        return f"does not know {number} of which there is a report, the newest {newest}: it is new or an old backup"


def url_of(settings: Settings) -> Any:
    """Where the audit database is; ConnectionMissingError when nobody has said it."""
    return connections.sqlalchemy_url(connections.find(settings.database))


def prove(settings: Settings) -> str:
    """The identity of the audit database, once it is shown to know all that is reported.

    AuditDatabaseRefusedError when it does not, or is empty; AuditDatabaseUnavailableError when it cannot be reached.
    """
    identity, doubt = look(settings)
    if doubt:
        raise AuditDatabaseRefusedError(
            f"{doubt}.",
            "Connect the database in which it was filed, or restore its newest backup. If that is lost, run"
            ' `privacy-audit db accept --because "..."`: it says what is lost with it.',
            settings.database,
        )
    return identity


def look(settings: Settings) -> tuple[str, DatabaseDoubt | None]:
    """The identity of the audit database, and what speaks against it. Errors as `prove`."""
    from privacy_audit import audit_db
    from privacy_audit.publish.report import report_folder

    reports = report_folder.filed_reports(settings.home)
    known = audit_db.known(url_of(settings), [report.audit_id for report in reports])
    if not reports:
        return known.database, None
    return known.database, _doubt(settings, reports, known)


def _doubt(settings: Settings, reports: Sequence[FiledReport], known: Any) -> DatabaseDoubt | None:
    from privacy_audit.publish.report import report_folder

    newest = max(reports, key=lambda report: (report.as_of, report.audit_id))
    until = known.accepted_until
    # What an older version deleted is on file nowhere: there only the newest is asked for, which always stays.
    since = known.swept_before or (_EVER if known.database else newest.as_of)
    told = [report for report in reports if until is None or report.as_of > until]
    unknown = [report for report in told if report.as_of >= since and report.audit_id in known.missing]
    named = {
        report: report_folder.database_of(settings.home, report) for report in told if report.as_of == newest.as_of
    }
    is_another = any(name not in ("", known.database) for name in named.values())
    if not unknown and not is_another:
        return None
    database = report_folder.database_of(settings.home, newest)
    ordered = sorted(unknown, key=lambda report: (report.as_of, report.audit_id), reverse=True)
    return DatabaseDoubt(newest, database, is_another, tuple(ordered))
