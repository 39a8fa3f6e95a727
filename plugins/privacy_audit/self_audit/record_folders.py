"""Records that are folders, one for each audit: its report, and what Great Expectations wrote.

The folder that holds them is opened once, not through a link, and everything is done through what was opened: no name
in it can lead elsewhere. A folder is renamed before it is deleted, so that nobody meets half of it; one that was only
renamed when a run broke off is still a record, and the next run deletes it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from privacy_audit.domain.errors import MayHealError, Mistake
from privacy_audit.domain.record_periods import OwnRecord, PurgeResult, RecordKind, SortedRecords, sort

_PATIENCE_SECONDS = 60
_OF_AN_AUDIT = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}(\.unfiled)?")
"""Id of an audit; a report that the audit database has not taken yet says so in its name."""
_INSTANT = "%Y%m%dT%H%M%SZ"
_ASIDE = ".expired."
"""Begins the name of what is being deleted."""


class FolderError(MayHealError):
    """A folder of records could not be read, or what is past its period in it could not be deleted."""

    def __init__(self, root: Path, fact: str, way_out: str) -> None:
        super().__init__(str(Mistake(str(root), fact, way_out)))


@dataclass(frozen=True, slots=True)
class RecordFolders:
    """The folders of audits in one folder."""

    kind: RecordKind
    root: Path
    pointer: str = ""
    """Name of the link to the folder that people open: that one stays, and the newest."""
    lock: str = ""
    """Name of the file that who writes here holds locked."""

    def records(self) -> tuple[OwnRecord, ...]:
        """All entries; hidden ones are other people's, except those that are being deleted."""
        with self._opened() as folder:
            return () if folder is None else self._read(folder)

    def sweep(self, before: datetime, *, dry_run: bool) -> PurgeResult:
        """Deletes the folders whose audits were before an instant."""
        with self._opened() as folder:
            if folder is None:
                return self._swept(sort((), before))
            with self._locked():
                found = sort(self._read(folder), before)
                for record in () if dry_run else found.past:
                    _delete(folder, record.name)
            return self._swept(found)

    def _swept(self, found: SortedRecords) -> PurgeResult:
        return PurgeResult(self.kind, len(found.within), found.left, {self.kind.value: len(found.past)})

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        """The folder as a descriptor; None when there is none yet."""
        try:
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise self._error("cannot be read", error) from error
        try:
            yield folder
        except Timeout as error:
            raise FolderError(self.root, "another audit has been writing here for a minute.", "Try again.") from error
        except OSError as error:
            raise self._error("not all of it could be read or deleted", error) from error
        finally:
            os.close(folder)

    def _error(self, fact: str, error: OSError) -> FolderError:
        reason = error.strerror or "the system gave no reason"
        way_out = "It must be a folder, not a link, and this user must have the right to read and change it."
        return FolderError(self.root, f"{fact}: {reason}.", way_out)

    def _locked(self) -> FileLock | nullcontext[None]:
        return FileLock(self.root / self.lock, timeout=_PATIENCE_SECONDS) if self.lock else nullcontext()

    def _read(self, folder: int) -> tuple[OwnRecord, ...]:
        with os.scandir(folder) as entries:
            found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        names = sorted(name for name in found if name.startswith(_ASIDE) or not name.startswith("."))
        instants = {name: _instant(name) if found[name] else None for name in names if name != self.pointer}
        kept = self._kept(folder, instants) if self.pointer else {}
        return tuple(OwnRecord(name, instant, kept.get(name, "")) for name, instant in instants.items())

    def _kept(self, folder: int, instants: dict[str, datetime | None]) -> dict[str, str]:
        dated = [(instant, name) for name, instant in instants.items() if instant and not name.startswith(_ASIDE)]
        newest = {max(dated)[1]: "the newest"} if dated else {}
        try:
            return {os.readlink(self.pointer, dir_fd=folder): f"shown as `{self.pointer}`"} | newest
        except OSError:  # there is no link
            return newest


def _instant(name: str) -> datetime | None:
    """T, as the id of an audit tells it."""
    of_an_audit = _OF_AN_AUDIT.fullmatch(name.removeprefix(_ASIDE))
    try:
        return of_an_audit and datetime.strptime(of_an_audit[1], _INSTANT).replace(tzinfo=UTC)
    except ValueError:  # as digits may be that are no day
        return None


def _delete(folder: int, name: str) -> None:
    """Deletes a folder in an open folder. A link that took its place meanwhile is not followed: that is refused."""
    aside = name if name.startswith(_ASIDE) else f"{_ASIDE}{name}"
    if aside != name:
        os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    shutil.rmtree(aside, dir_fd=folder)
