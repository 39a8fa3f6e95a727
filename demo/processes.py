"""Processes that outlive the command which started them: how they are found again, and ended with all their children.

A number alone may have passed to another program since, so a process is remembered by number and moment of creation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it carries no types

PATIENCE_SECONDS = 30
"""How long a process may take to end when asked; after that it is killed."""


def remember(file: Path, processes: Iterable[psutil.Process]) -> None:
    """Writes which processes were started, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps([[process.pid, process.create_time()] for process in processes]) + "\n")
    draft.replace(file)


def remembered(file: Path) -> list[psutil.Process]:
    """Those of the remembered processes that still run."""
    if not file.exists():
        return []
    return [process for pid, created in json.loads(file.read_text()) if (process := alive(pid, created))]


def end(processes: Iterable[psutil.Process]) -> None:
    """Asks each process and all its descendants to end, then kills what did not. Returns when they are gone."""
    family = _with_descendants(processes)
    for process in family:
        _signal(process, psutil.Process.terminate)
    stubborn = _with_descendants(wait(family, PATIENCE_SECONDS))
    for process in stubborn:
        _signal(process, psutil.Process.kill)
    wait(stubborn, PATIENCE_SECONDS)


def wait(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Waits until all have ended; gives those that have not when the time is over.

    psutil's own would wait for one that has ended until its parent asks for it. Some parents never do, and the first
    process of many containers is one of them.
    """
    deadline = time.monotonic() + seconds
    left = list(processes)
    while (left := [process for process in left if not _has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def alive(pid: int, created: float) -> psutil.Process | None:
    """The process of this number, when it was created at that moment and still runs."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _has_ended(process: psutil.Process) -> bool:
    with suppress(psutil.TimeoutExpired):
        process.wait(0)  # asks for it, where it is our own child
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _with_descendants(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    family: dict[int, psutil.Process] = {}
    for process in processes:
        try:
            family |= {member.pid: member for member in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return list(family.values())


def _signal(process: psutil.Process, send: Callable[[psutil.Process], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send(process)
