"""Waits for PostgreSQL so that a signal is heard, and ends the program when one came.

psycopg2 waits in C, where Python runs no signal handler: Ctrl-C, SIGTERM and Airflow's time-out (SIGALRM) wait for the
server. Here it waits in Python. What is raised while it waits (by a signal's handler) cancels the statement on
the server and goes up; afterwards no connection that was open then is waited for longer than a second. psycopg2 knows
one way to wait for a whole process: COPY does not work in a process that uses this module, named cursors do.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import psycopg2
import sqlalchemy as sa
from psycopg2 import extensions
from sqlalchemy import event

AFTERWARDS_SECONDS = 1.0
"""So long a connection is still waited for once the wait for one was interrupted: for a rollback, or a cancellation."""
LAST_SECONDS = 3.5
"""So long after a signal a program that has not ended by itself is ended: code in C may hear no signal at all."""
EXIT_CODE = 3
"""Something was not audited."""
_COMING_OR_GOING = ("starting up", "shutting down")
_WAIT_FOR = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


class EndedBySignalError(BaseException):
    """A signal asked the program to end. No `except Exception` on the way holds it up."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        return f"Ended by {name} before it was done: what was not said until here was not audited."


class _OfThread(threading.local):
    """The connections that a thread has waited for, each with what interrupted it since."""

    def __init__(self) -> None:
        self.connections: WeakKeyDictionary[Any, BaseException | None] = WeakKeyDictionary()


_of_thread = _OfThread()


def listen(engine: sa.Engine) -> None:
    """Every statement of the engine can be interrupted, and so can its connecting."""
    extensions.set_wait_callback(_wait)
    event.listen(engine, "do_connect", _connect)


def _connect(dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
    """Connects to the first place that answers. libpq leaves going on to the next one to the code that waits for it."""
    *others, last = _places(parameters)
    for place in others:
        try:
            return dialect.connect(*arguments, **place)
        except psycopg2.OperationalError as error:
            if "FATAL" in str(error) and not any(words in str(error) for words in _COMING_OR_GOING):
                raise  # it answered, and refuses the login: the password is not tried elsewhere
    return dialect.connect(*arguments, **last)


def _places(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters once for each address of each host, in their order; as they are where there is one or none."""
    hosts = str(parameters.get("host") or "").split(",")
    ports = str(parameters.get("port") or "").split(",")
    if {"hostaddr", "service"} & set(parameters) or len(ports) not in (1, len(hosts)):
        return [parameters]
    ports = ports * len(hosts) if len(ports) == 1 else ports
    places = [
        {**parameters, "host": host} | ({"port": port} if port else {}) | ({"hostaddr": address} if address else {})
        for host, port in zip(hosts, ports, strict=True)
        for address in _addresses(host)
    ]
    if len(places) == 1:
        return [parameters]
    if parameters.get("target_session_attrs") == "prefer-standby":
        return [{**place, "target_session_attrs": wanted} for wanted in ("standby", "any") for place in places]
    return places


def _addresses(host: str) -> list[str]:
    """The addresses of a host; an empty one where libpq is to find out (a socket's folder, a name nobody knows)."""
    if not host or host.startswith(("/", "@")):
        return [""]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return [""]
    return list(dict.fromkeys(str(entry[4][0]) for entry in found)) or [""]


def _wait(connection: Any) -> None:
    """Waits until an operation of psycopg2 is done; OperationalError when the connection cannot be made in time."""
    known = _of_thread.connections
    interruption = known.setdefault(connection, None)
    limit = AFTERWARDS_SECONDS if interruption else _seconds_to_connect(connection)
    until = None if limit is None else time.monotonic() + limit
    try:
        while (state := connection.poll()) != extensions.POLL_OK:
            poller = select.poll()
            poller.register(connection.fileno(), _WAIT_FOR[state])
            if until is None:
                poller.poll()
            elif not poller.poll(max(0.0, until - time.monotonic()) * 1000):
                raise interruption or psycopg2.OperationalError("timeout expired")
    except psycopg2.Error:
        raise
    except BaseException as error:
        if interruption is None:
            for each in list(known):
                known[each] = _again(error)
            _cancel(connection)
        raise


def _seconds_to_connect(connection: Any) -> float | None:
    """What the connection's own `connect_timeout` allows while it is being made: libpq leaves that to who waits."""
    if connection.status != extensions.STATUS_SETUP:
        return None
    seconds = int(extensions.parse_dsn(connection.dsn).get("connect_timeout") or 0)
    return seconds if seconds > 0 else None


def _again(error: BaseException) -> BaseException:
    """The same once more, without what it holds on to."""
    try:
        return type(error)(*error.args)
    except Exception:  # noqa: BLE001 - made otherwise than others are
        return KeyboardInterrupt()


def _cancel(connection: Any) -> None:
    """Asks the server to give the statement up. It is asked over a connection of its own, and not waited for long.

    By libpq itself: psycopg2's own `cancel` holds up every thread while a silent server is asked.
    """
    if connection.status == extensions.STATUS_SETUP or not connection.pgconn_ptr:
        return
    libpq = ctypes.CDLL(psycopg2._psycopg.__file__)  # as psycopg2 has loaded it
    libpq.PQgetCancel.restype = ctypes.c_void_p
    libpq.PQgetCancel.argtypes = libpq.PQfreeCancel.argtypes = [ctypes.c_void_p]
    libpq.PQcancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    if not (key := libpq.PQgetCancel(connection.pgconn_ptr)):
        return

    def ask() -> None:
        words = ctypes.create_string_buffer(256)
        libpq.PQcancel(key, words, len(words))
        libpq.PQfreeCancel(key)

    asking = threading.Thread(target=ask, name="cancels a statement", daemon=True)
    asking.start()
    asking.join(AFTERWARDS_SECONDS)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """A program of which SIGINT and SIGTERM end the block, and it with `EXIT_CODE` and a sentence on stderr.

    They raise EndedBySignalError in the main thread, so that what is open is closed. When that has not ended the block
    some seconds later (the thread is in C, or somebody held the error up), the program is ended where it is. For a
    program's main thread; what was set before is set again when the block ends.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, _raise) for number in (signal.SIGINT, signal.SIGTERM)}
    waker = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    over = threading.Event()
    threading.Thread(target=_end_at_last, args=(reader, over), name="hears signals", daemon=True).start()
    try:
        yield
    except EndedBySignalError as ended:
        with suppress(OSError, ValueError):  # nobody reads any more
            sys.stdout.flush()
        _leave(ended)
    finally:
        over.set()
        signal.set_wakeup_fd(waker)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise EndedBySignalError(number)


def _end_at_last(reader: int, over: threading.Event) -> None:
    """The system tells of a signal here the moment it comes, whatever the main thread does."""
    while told := os.read(reader, 1):
        number = told[0]
        if number in (signal.SIGINT, signal.SIGTERM) and not over.wait(LAST_SECONDS):
            _leave(EndedBySignalError(number))
    os.close(reader)


def _leave(ended: EndedBySignalError) -> NoReturn:
    """At once: Python takes seconds to tidy up after Great Expectations."""
    with suppress(OSError):
        os.write(2, f"{ended}\n".encode())  # not `sys.stderr`, which the thread that hears nothing may hold
    os._exit(EXIT_CODE)
