"""A real pgbouncer in transaction mode: one user of the server for all clients, and few sessions that all share."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import needed

LOOPBACK = "127.0.0.1"
SESSIONS = 2
"""Of the server, for each database: the keeper of a snapshot has one, so that one is left for anyone who comes."""
_SECONDS = 30
_SETTINGS = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = {host}
listen_port = {listens}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
query_wait_timeout = 20
"""


@contextmanager
def pooled(port: int, user: str, password: str) -> Iterator[int]:
    """The port of a pooler before the server at `port`. Where none is installed the test says so."""
    program = needed("pgbouncer", "pgbouncer", "no audit went through a pooler")
    folder = Path(tempfile.mkdtemp(prefix="privacy-audit-pooler-"))
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        listens = int(probe.getsockname()[1])
    file = folder / "pgbouncer.ini"
    file.touch(mode=0o600)
    file.write_text(
        _SETTINGS.format(host=LOOPBACK, port=port, user=user, password=password, listens=listens, sessions=SESSIONS)
    )
    process = _started(program, file)
    try:
        _wait(process, listens, folder)
        yield listens
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _started(program: str, file: Path) -> subprocess.Popen[bytes]:
    """As root, which it refuses to run as, it runs as `nobody`."""
    with (file.parent / "log").open("wb") as log:
        command = [program, "-q", str(file)]
        if os.geteuid() != 0:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        nobody = pwd.getpwnam("nobody")
        for path in (file.parent, file):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=file.parent,
            user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
        )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"pgbouncer does not start: {(folder / 'log').read_text()}")
