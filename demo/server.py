"""The embedded PostgreSQL of the demo and the tests: the wheel's own server, on 127.0.0.1, shared by all who need it.

The programs are started by their full paths, so no other PostgreSQL of the machine is ever met. As root, which
PostgreSQL refuses, it runs as the existing user `nobody` from one folder of its own: the wheel's own starter would make
every folder above it readable for the world, and a privacy tool does not do that.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil  # type: ignore[import-untyped]  # it carries no types
import psycopg2
import sqlalchemy as sa
from filelock import FileLock

from demo import ports, processes
from demo.installation import Installation, installation
from demo.ports import LOOPBACK
from privacy_audit.domain.errors import PrivacyAuditError

SUPERUSER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 60
PORT_ATTEMPTS = 5

SETTINGS: dict[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a deep folder's path does not fit into a socket's address
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log that quotes statements would hold the rows they write, and many an error quotes a value: it has neither.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # What a power cut takes here is filled again in seconds.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""What the server runs with, beside its port."""


class ServerError(PrivacyAuditError):
    """The embedded PostgreSQL could not be started or is not ours."""


@dataclass(frozen=True, slots=True)
class _User:
    """A process that needs the server; one process may need it several times."""

    token: str
    pid: int
    created: float

    @property
    def lives(self) -> bool:
        return processes.alive(self.pid, self.created) is not None


class EmbeddedPostgres:
    """A running server. Leave it as a context manager or call `stop`: the last one to leave ends the server."""

    def __init__(self, place: Installation, port: int, password: str, user: _User) -> None:
        self.port = port
        self.password = password
        self._place = place
        self._user = user

    def __repr__(self) -> str:
        return f"EmbeddedPostgres(port={self.port})"

    @classmethod
    def start(cls, home: Path, *, extra_settings: Mapping[str, str] | None = None) -> Self:
        """The server whose data lies below `home`, started if it does not run yet, taken over if someone left it.

        `extra_settings` count only when this call starts it. ServerError when it cannot be had.
        """
        _forget_the_callers_settings()
        place = installation(home)
        user = _User(uuid.uuid4().hex, os.getpid(), psutil.Process().create_time())
        with _locked(place):
            facts = _facts(place)
            password = facts["password"]
            try:
                port = _found(place, password)
                if port is None:
                    _halt(place)
                    _initialise(place, password)
                    port = _launch(place, password, {**SETTINGS, **(extra_settings or {})})
                server = cls(place, port, password, user)
                server._prove_it_is_ours()
                _write(place, password, [*_users(facts), user])
            except BaseException:
                # Whatever ends a start, Ctrl-C too: nothing that nobody needs is left running.
                if not _users(facts):
                    _halt(place)
                raise
        return server

    @classmethod
    def sweep(cls, home: Path) -> None:
        """Ends a server that nobody needs any more, anyone who left it."""
        place = installation(home)
        with _locked(place):
            if not _users(_facts(place)):
                _halt(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leaves the server; it ends when nobody else needs it. Returns when it has ended. May be called again."""
        with _locked(self._place):
            facts = _facts(self._place)
            others = [user for user in _users(facts) if user.token != self._user.token]
            _write(self._place, facts["password"], others)
            if not others:
                _halt(self._place)

    def is_running(self) -> bool:
        """Whether the server runs, anyone who needs it."""
        return _running_port(self._place) is not None

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """SQLAlchemy's address of a database for a role; the superuser's password where none is given."""
        return sa.URL.create(
            "postgresql+psycopg2", user, password or self.password, LOOPBACK, self.port, database
        ).render_as_string(hide_password=False)

    @property
    def superuser_url(self) -> str:
        """Address of the maintenance database for the superuser."""
        return self.url()

    def _prove_it_is_ours(self) -> None:
        connection = _connect(self.port, self.password)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('data_directory')")
                directory = Path(cursor.fetchone()[0])
        finally:
            connection.close()
        if directory != self._place.data:
            raise ServerError(f"127.0.0.1:{self.port}: another PostgreSQL answers there, with data in {directory}.")


@contextmanager
def _locked(place: Installation) -> Iterator[None]:
    place.facts.parent.mkdir(parents=True, exist_ok=True)
    place.facts.parent.chmod(0o700)
    with FileLock(place.facts.parent / "server.lock"):
        yield


def _facts(place: Installation) -> dict[str, Any]:
    if place.facts.exists():
        facts: dict[str, Any] = json.loads(place.facts.read_text())
        return facts
    if place.data.exists():
        # Data whose password is gone cannot be opened; it is a demo's and is filled anew.
        _halt(place)
        shutil.rmtree(place.data)
    facts = {"password": secrets.token_urlsafe(24), "users": []}
    _write(place, facts["password"], [])
    return facts


def _users(facts: Mapping[str, Any]) -> list[_User]:
    return [user for entry in facts["users"] if (user := _User(*entry)).lives]


def _write(place: Installation, password: str, users: list[_User]) -> None:
    content = {"password": password, "users": [[user.token, user.pid, user.created] for user in users]}
    draft = place.facts.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content) + "\n")
    draft.replace(place.facts)


def _initialise(place: Installation, password: str) -> None:
    """Makes the data directory; a half-made one of a killed start is made anew."""
    if place.data.exists():
        version = (place.data / "PG_VERSION").read_text().strip()
        if version != place.major_version:
            raise ServerError(
                f"{place.data}: its data is of PostgreSQL {version}, the installed wheel brings {place.major_version}."
                " It is the demo's data: remove it with `make clean` and start again."
            )
        return
    draft = place.data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    place.make_folder(place.data.parent)
    secret = place.data.parent / "password"
    place.make_file(secret, password)
    try:
        place.run(
            "initdb", f"--pgdata={draft}", f"--username={SUPERUSER}", f"--pwfile={secret}", "--auth=scram-sha-256",
            "--encoding=UTF8", *place.locale, "--no-sync", "--data-checksums",
        )  # fmt: skip
    finally:
        secret.unlink(missing_ok=True)
    (draft / "pg_hba.conf").write_text(f"host all all {LOOPBACK}/32 scram-sha-256\n")
    draft.rename(place.data)


def _forget_the_callers_settings() -> None:
    """PGSERVICE, PGHOSTADDR, PGOPTIONS and their like would lead libpq elsewhere, or change what it is answered."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def _found(place: Installation, password: str) -> int | None:
    """The port of a server that runs already, as soon as it answers: a killed start may have left it coming up."""
    found = _postmaster(place)
    if found is None:
        return None
    process, port = found
    return port if _wait(lambda: _answers(port, password), process, START_SECONDS) else None


def _launch(place: Installation, password: str, settings: Mapping[str, str]) -> int:
    """Starts the server on a free port and waits until it answers. Tries again if another program took the port."""
    for _ in range(PORT_ATTEMPTS):
        with ports.reserved() as port:
            spawned = place.spawn("postgres", "-D", str(place.data), *_options({**settings, "port": str(port)}))
            process = psutil.Process(spawned.pid)
            if _wait(lambda port=port: _answers(port, password), process, START_SECONDS):  # type: ignore[misc]
                return port
        _halt(place)
    raise ServerError(f"{place.log}: the embedded PostgreSQL does not start. Its log says why.")


def _options(settings: Mapping[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield from ("-c", f"{name}={value}")


def _wait(ready: Callable[[], bool], process: psutil.Process, seconds: float) -> bool:
    """Whether it became ready before its time was over or its process ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and processes.wait([process], 0):
        if ready():
            return True
        time.sleep(0.05)
    return False


def _connect(port: int, password: str) -> Any:
    return psycopg2.connect(host=LOOPBACK, port=port, user=SUPERUSER, password=password, dbname="postgres")


def _answers(port: int, password: str) -> bool:
    try:
        _connect(port, password).close()
    except psycopg2.OperationalError:
        return False
    return True


def _postmaster(place: Installation) -> tuple[psutil.Process, int] | None:
    """The process and port of the server that owns the data directory, if one does."""
    try:
        lines = (place.data / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        ours = str(place.data) in process.cmdline()
        return (process, int(lines[3])) if ours else None
    except (FileNotFoundError, psutil.NoSuchProcess, IndexError, ValueError):
        return None


def _running_port(place: Installation) -> int | None:
    found = _postmaster(place)
    return found[1] if found else None


def _halt(place: Installation) -> None:
    """Ends the server with a fast shutdown, then whatever a killed start or a killed server left at work."""
    found = _postmaster(place)
    if found:
        process, _ = found
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
        processes.wait([process], STOP_SECONDS)
    processes.end(_at_work(place))
    # The number in it may be another program's by now, and PostgreSQL would take that one for the server.
    (place.data / "postmaster.pid").unlink(missing_ok=True)


def _at_work(place: Installation) -> Iterator[psutil.Process]:
    """Programs of the wheel that work where the data lies, however they came to be there."""
    programs = place.programs.resolve()
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if Path(process.cwd()).is_relative_to(place.data.parent) and Path(process.exe()).is_relative_to(programs):
                yield process
