"""Processes that are found again and ended: with all their descendants, and never a stranger with the same number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from demo import processes

FAMILY = """
import os, subprocess, sys, time
script, generations = sys.argv[1], int(sys.argv[2])
print(os.getpid(), flush=True)
if generations > 1:
    # A session of its own: no signal to a group reaches it.
    subprocess.Popen([sys.executable, "-c", script, script, str(generations - 1)], start_new_session=True)
time.sleep(600)
"""
"""Tells its number, starts the next generation and never asks for it again."""

POLITE = """
import pathlib, signal, sys, time
def leave(*_):
    pathlib.Path(sys.argv[1]).write_text("asked")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""

STUBBORN = """
import os, signal, subprocess, sys, time
def refuse(*_):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    os.write(1, f"{child.pid}\\n".encode())  # print is none of the things that may interrupt themselves
signal.signal(signal.SIGTERM, refuse)
os.write(1, b"ready\\n")
while True:
    time.sleep(1)
"""
"""When asked to end it starts another child instead."""

Start = Callable[..., tuple[psutil.Process, IO[str]]]
Family = Callable[[int], list[psutil.Process]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a script, with what it prints."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str) -> tuple[psutil.Process, IO[str]]:
        command = [sys.executable, "-c", script, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        return psutil.Process(process.pid), process.stdout

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def family(start: Start) -> Iterator[Family]:
    """Starts so many generations: the first is our child, each other a child of the one before."""
    started: list[psutil.Process] = []

    def family(generations: int) -> list[psutil.Process]:
        _, told = start(FAMILY, FAMILY, str(generations))
        members = [psutil.Process(int(told.readline())) for _ in range(generations)]
        started.extend(members)
        assert [member.ppid() for member in members] == [os.getpid(), *(member.pid for member in members[:-1])]
        return members

    yield family
    for member in started:
        with suppress(psutil.NoSuchProcess):
            member.kill()


def runs(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "run" / "started.json"


def test_those_that_still_run_are_found_again_in_their_order(record: Path, family: Family) -> None:
    assert processes.remembered(record) == []
    one, two, three = (family(1)[0] for _ in range(3))
    processes.remember(record, [three, one, two])
    assert processes.remembered(record) == [three, one, two]
    one.kill()
    one.wait()
    assert processes.remembered(record) == [three, two]
    assert [path.name for path in record.parent.iterdir()] == [record.name]  # nothing half-written beside it


def test_one_that_has_ended_but_was_not_asked_for_does_not_run(record: Path, family: Family) -> None:
    (process,) = family(1)
    processes.remember(record, [process])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.pid_exists(process.pid)
    assert processes.remembered(record) == []


@pytest.mark.parametrize("seconds", [-3600, -2, 2, 3600])
def test_a_stranger_that_got_the_number_is_never_ended(record: Path, family: Family, seconds: float) -> None:
    (stranger,) = family(1)
    (ours,) = family(1)
    processes.remember(record, [stranger, ours])
    (number, created), own = json.loads(record.read_text())
    record.write_text(json.dumps([[number, created + seconds], own]))
    processes.end(processes.remembered(record))
    assert runs(stranger)
    assert not runs(ours)


def test_all_descendants_are_ended_with_it(family: Family) -> None:
    bystander = family(2)
    first, second, third, fourth = family(4)
    processes.end([first])
    assert [member for member in (first, second, third, fourth) if runs(member)] == []
    assert all(runs(member) for member in bystander)


def test_what_has_ended_already_is_no_obstacle(family: Family) -> None:
    gone, child = family(2)
    (other,) = family(1)
    child.kill()
    gone.kill()
    gone.wait()
    processes.end([gone, other])
    assert not runs(other)
    processes.end([])


def test_each_is_asked_before_it_is_killed(start: Start, tmp_path: Path) -> None:
    polite, told = start(POLITE, str(tmp_path / "farewell"))
    assert told.readline() == "ready\n"
    processes.end([polite])
    assert (tmp_path / "farewell").read_text() == "asked"
    assert not runs(polite)


def test_one_that_does_not_listen_is_killed_and_what_it_started_meanwhile(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 3)  # in which it starts its child, on a busy machine too
    stubborn, told = start(STUBBORN)
    assert told.readline() == "ready\n"
    began = time.monotonic()
    processes.end([stubborn])
    assert time.monotonic() - began >= 3  # it had its time
    assert not runs(stubborn)
    child = int(told.readline())
    assert not psutil.pid_exists(child) or not runs(psutil.Process(child))


def test_nobody_waits_for_one_that_has_ended_and_whose_parent_does_not_ask(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first process of many containers never asks for the children it inherits.
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 60)
    parent, child = family(2)
    began = time.monotonic()
    processes.end([child])
    assert time.monotonic() - began < 30
    assert child.status() == psutil.STATUS_ZOMBIE
    assert runs(parent)
