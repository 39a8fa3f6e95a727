"""Where reports lie: `<home>/reports/<audit id>/`, complete or absent, and `<home>/reports/latest` at the newest
that is of all stores and controls.

A report is rendered in memory, written to a sibling folder, forced to disk and renamed. A kill, a crash or a full disk
at any point leaves the reports that were there, and at most a `.part` folder that the next writer sweeps away.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from privacy_audit.config.file_modes import for_the_group
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.errors import MayHealError, Mistake
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import canonical_json, interface
from privacy_audit.view.make_view import make_view

FOLDER = "reports"
LATEST = "latest"
UNFILED = ".unfiled"
"""Ends the name of a folder whose audit the audit database did not take yet."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_PLANNED = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{8}")
"""Id of an audit as it is planned: T, and a digest of who asked for it."""
_STAGING = ".part"
_NEXT_LATEST = ".latest"
LOCK = ".lock"
"""Who writes among the reports, or deletes there, holds this file locked."""
_PATIENCE_SECONDS = 60


class ReportNotFiledError(MayHealError):
    """The report could not be written. Reports filed before are untouched."""

    def __init__(self, place: Path, fact: str, way_out: str) -> None:
        super().__init__(str(Mistake(str(place), fact, way_out)))


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report of an audit that was filed."""

    audit_id: str
    as_of: datetime


def filed_reports(home: Path) -> tuple[FiledReport, ...]:
    """The reports of filed audits, in no order: not `latest`, which is a link, nor what is unfiled or not yet whole.

    Raises ReportNotFiledError when the folder of the reports cannot be read.
    """
    root = home / FOLDER
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return ()
    except OSError as error:
        fact = f"The reports cannot be read: {error.strerror or 'the system gave no reason'}."
        raise ReportNotFiledError(root, fact, "Grant this user the right to read them.") from error
    of_audits = [name for name in names if _NAME.fullmatch(name) and not name.endswith(UNFILED)]
    dated = ((name, _planned_for(name) or _instant_of(root / name)) for name in of_audits)
    return tuple(FiledReport(name, instant) for name, instant in dated if instant)


def database_of(home: Path, report: FiledReport) -> str:
    """Identity of the database in which a report was filed; empty where it names none, or cannot be read."""
    try:
        named = json.loads((home / FOLDER / report.audit_id / canonical_json.FILE_NAME).read_bytes())["database"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return named if isinstance(named, str) else ""


def _planned_for(name: str) -> datetime | None:
    """T, as the id of an audit tells it."""
    planned = _PLANNED.fullmatch(name)
    try:
        return planned and datetime.strptime(planned[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # as digits may be that are no day
        return None


def write(audit: Audit, chronicle: FindingHistory, home: Path) -> Path:
    """Write the report of a filed audit and return its folder. The same report again changes nothing.

    Only an audit of every store and control moves `latest`: another one says nothing of the rest.

    Raises ReportNotFiledError: the audit's id is no folder name, another report has that id, the disk is full, ...
    """
    root = home / FOLDER
    name = _folder_name(audit.id, root)
    target = _write(root, name, audit, chronicle, latest=audit.whole)
    shutil.rmtree(root / f"{name}{UNFILED}", ignore_errors=True)
    return target


def write_unfiled(audit: Audit, home: Path) -> Path:
    """Write what an audit found while the audit database cannot take it, so that nothing is lost with the run.

    The folder is called after the audit and `.unfiled`; it knows of no other night, and goes when the audit is filed.
    Raises ReportNotFiledError as `write` does.
    """
    root = home / FOLDER
    return _write(root, _folder_name(audit.id, root) + UNFILED, audit, FindingHistory(), latest=False)


def _write(root: Path, name: str, audit: Audit, chronicle: FindingHistory, *, latest: bool) -> Path:
    target = root / name
    view = make_view(audit, chronicle)
    files = {form.FILE_NAME: form.render(view) for form in interface.formats()}
    try:
        _prepare(root)
        with for_the_group(), FileLock(root / LOCK, timeout=_PATIENCE_SECONDS):
            _file(target, files)
            if latest:
                _point_latest(root, audit)
    except Timeout as error:
        raise ReportNotFiledError(root, "Another audit has been writing here for a minute.", "Try again.") from error
    except OSError as error:
        fact = f"The report could not be written: {error.strerror or 'the system gave no reason'}."
        way_out = "Reports filed before are untouched. Make room or grant the right to write, and file it again."
        raise ReportNotFiledError(root, fact, way_out) from error
    return target


def _folder_name(audit_id: str, root: Path) -> str:
    if not _NAME.fullmatch(audit_id) or audit_id == LATEST:
        fact = f"{audit_id[:100]!r} is no name for the folder of a report."
        way_out = "Use at most 100 letters, digits and the signs . _ + -, a letter or digit first."
        raise ReportNotFiledError(root, fact, way_out)
    return audit_id


def _prepare(root: Path) -> None:
    with for_the_group():
        root.mkdir(parents=True, exist_ok=True)
    if root.is_symlink():
        way_out = "Put a folder in its place, or move the whole home with PRIVACY_AUDIT_HOME."
        raise ReportNotFiledError(root, "The folder of the reports is a link to elsewhere.", way_out)


def _file(target: Path, files: dict[str, bytes]) -> None:
    if target.is_symlink() or target.exists():
        _refuse_unless_same(target, files)
        return
    staging = target.parent / _STAGING
    shutil.rmtree(staging, ignore_errors=True)  # what a killed writer left; the lock says that nobody writes now
    try:
        staging.mkdir()
        for name, content in files.items():
            _write_through(staging / name, content)
        _sync_folder(staging)
        staging.rename(target)
        _sync_folder(target.parent)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _refuse_unless_same(target: Path, files: dict[str, bytes]) -> None:
    if target.is_symlink() or not target.is_dir():
        raise ReportNotFiledError(target, "Something else than the folder of a report has this name.", "Move it away.")
    there = {path.name: path.read_bytes() for path in target.iterdir()}
    if there != files:
        other = ", ".join(sorted(name for name in files | there if files.get(name) != there.get(name)))
        fact = f"Another report is already filed under this id; it differs in {other}."
        way_out = "A filed report is never overwritten: give the new audit an id of its own."
        raise ReportNotFiledError(target, fact, way_out)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk: after a power cut a renamed folder is there, or is not, but never half."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _point_latest(root: Path, audit: Audit) -> None:
    """Let `latest` show the report judged by the latest instant; filing an older audit again does not move it back."""
    latest = root / LATEST
    newest = _instant_of(latest)
    if newest is not None and newest > audit.as_of:
        return
    following = root / _NEXT_LATEST
    following.unlink(missing_ok=True)
    following.symlink_to(audit.id, target_is_directory=True)
    following.replace(latest)
    _sync_folder(root)


def _instant_of(folder: Path) -> datetime | None:
    """The as-of instant of a filed report; None when there is none that can be read."""
    try:
        document = json.loads((folder / canonical_json.FILE_NAME).read_bytes())
        instant = datetime.fromisoformat(document["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return instant if instant.tzinfo else None
