"""The filed reports, newest first, and the one safe way to a file below a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.domain.outcomes import Outcome, roll_up
from privacy_audit.publish.report import interface


@dataclass(frozen=True, slots=True)
class IndexedStore:
    """One line of the list: a store and what the audit said of it."""

    name: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class IndexedReport:
    """A report as the list shows it."""

    id: str
    as_of: datetime | None
    """In the policy's zone. None when `audit.json` cannot be read: the report is listed all the same."""
    stores: tuple[IndexedStore, ...]
    files: tuple[str, ...]
    checks_not_audited: int = 0
    """Checks that nobody could run, in stores that were looked into otherwise."""

    @property
    def outcome(self) -> Outcome:
        """Of the stores together; `not_audited` when nothing can be read."""
        return roll_up([store.outcome for store in self.stores])

    @property
    def not_audited(self) -> tuple[str, ...]:
        """Names of the stores that nobody looked into. Said first."""
        return tuple(store.name for store in self.stores if store.outcome is Outcome.NOT_AUDITED)


def folders(reports: Path) -> list[Path]:
    """Folders of complete reports, the one filed last first. Links and unfinished ones are left out."""
    if not reports.is_dir():
        return []
    found = [entry for entry in reports.iterdir() if _is_report(entry)]
    return sorted(found, key=lambda folder: (folder.stat().st_mtime, folder.name), reverse=True)


def file_names() -> tuple[str, ...]:
    """Names of the files of a whole report, one per format: the page that people read first, the others by name."""
    names = (form.FILE_NAME for form in interface.formats())
    return tuple(sorted(names, key=lambda name: (not name.endswith(".html"), name)))


def read(folder: Path) -> IndexedReport:
    """What the list says of a report. A file that cannot be read makes the line poorer, never the page fail."""
    files = tuple(name for name in file_names() if (folder / name).is_file())
    try:
        audit: dict[str, Any] = json.loads((folder / "audit.json").read_bytes())
        as_of = datetime.fromisoformat(audit["as_of"]).astimezone(ZoneInfo(audit["policy"]["zone"]))
        stores = tuple(IndexedStore(store["name"], Outcome(store["outcome"])) for store in audit["stores"])
        unread = [check["store"] for check in audit["checks"] if check["outcome"] == Outcome.NOT_AUDITED]
    except (OSError, ValueError, KeyError, TypeError):
        return IndexedReport(folder.name, None, (), files)
    report = IndexedReport(folder.name, as_of, stores, files)
    return replace(report, checks_not_audited=sum(store not in report.not_audited for store in unread))


def inside(base: Path, path: str) -> Path | None:
    """The file at a path below a folder; None when there is none, when it is hidden, or when it lies elsewhere.

    Links are followed first and judged by where they lead, so neither `..` nor a link leaves the folder.
    """
    if any(part.startswith(".") for part in Path(path).parts):
        return None
    try:
        target = (base / path).resolve()
        if target.is_dir():
            target = (target / "index.html").resolve()
        return target if target.is_relative_to(base.resolve()) and target.is_file() else None
    except (OSError, ValueError):  # a name too long, a null byte, a loop of links: no file of ours
        return None


def _is_report(entry: Path) -> bool:
    return (
        entry.is_dir()
        and not entry.is_symlink()
        and not entry.name.startswith(".")
        and (entry / "report.html").is_file()
    )
