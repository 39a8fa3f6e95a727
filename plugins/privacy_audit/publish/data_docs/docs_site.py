"""Puts the Data Docs of a night in place at once: `<home>/data_docs` shows one whole night, the newest, at any moment.

It is a link to the folder of that night, a hidden sibling; one rename changes over. Older nights are in the reports.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from privacy_audit.config.file_modes import for_the_group
from privacy_audit.domain.audit import Audit
from privacy_audit.publish.data_docs.site_builder import DataDocsError, build

__all__ = ["ENTRY", "DataDocsError", "publish"]

ENTRY = "data_docs"
"""What people open, below the home."""
_SITE = ".data_docs."
_INSTANT = "%Y%m%dT%H%M%SZ"
_LOCK = ".data_docs.lock"
_NEXT = ".data_docs.next"
_PATIENCE_SECONDS = 120


def publish(results: Path, audit: Audit, home: Path) -> Path:
    """Builds tonight's pages from the audit's validation results and puts them in place; gives the index.

    Where a newer night is in place already, it stays. DataDocsError says what is missing; then nothing has changed.
    """
    entry = home / ENTRY
    try:
        with for_the_group():
            home.mkdir(parents=True, exist_ok=True)
            _refuse_a_folder(entry)
            with FileLock(home / _LOCK, timeout=_PATIENCE_SECONDS):
                if not _is_newer(entry, audit.as_of):
                    _publish(results, audit, entry)
    except Timeout as error:
        raise DataDocsError(f"{entry}: another audit has been publishing here for minutes. Try again.") from error
    except OSError as error:
        raise DataDocsError(
            f"{entry}: the pages could not be written: {error.strerror or 'the system gave no reason'}."
            " Make room or grant the right to write, and publish again; the report is not affected."
        ) from error
    return entry / "index.html"


def _refuse_a_folder(entry: Path) -> None:
    if entry.exists() and not entry.is_symlink():
        raise DataDocsError(
            f"{entry}: is not the link that an audit puts there. Move it away, or name another PRIVACY_AUDIT_HOME."
        )


def _is_newer(entry: Path, as_of: datetime) -> bool:
    """Whether the night in place was judged by a later instant."""
    name = entry.readlink().name.removeprefix(_SITE) if entry.is_symlink() and entry.is_dir() else ""
    try:
        return datetime.strptime(name.partition(".")[0], _INSTANT).replace(tzinfo=UTC) > as_of
    except ValueError:
        return False


def _publish(results: Path, audit: Audit, entry: Path) -> None:
    home = entry.parent
    site = home / f"{_SITE}{audit.as_of.astimezone(UTC):{_INSTANT}}.{uuid4().hex[:8]}"
    site.mkdir()
    try:
        _build(results, audit, site)
        before = home / entry.readlink() if entry.is_symlink() else site
        _point(entry, site)
    except BaseException:
        shutil.rmtree(site, ignore_errors=True)
        raise
    _sweep(home, {site, before})


def _build(results: Path, audit: Audit, site: Path) -> None:
    if results.is_dir():
        build(results, audit, site)
        return
    nothing = site / "nothing"  # no store could be read: the index tells it, from an empty folder of results
    nothing.mkdir()
    build(nothing, audit, site)
    nothing.rmdir()


def _point(entry: Path, site: Path) -> None:
    """A reader sees the night before or this one, never a mix and never nothing."""
    following = entry.with_name(_NEXT)
    following.unlink(missing_ok=True)
    following.symlink_to(site.name, target_is_directory=True)
    following.replace(entry)


def _sweep(home: Path, kept: set[Path]) -> None:
    """Removes older nights and what a killed publisher left. The night before stays: someone may be reading it."""
    for folder in home.glob(f"{_SITE}*"):
        if folder.is_dir() and not folder.is_symlink() and folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)
