"""Ends the connections to a database that has fallen silent: no time limit of the server reaches an audit then.

Keepalives do not show it where something in between answers them (a pooler, a proxy, a firewall).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event


class Watchdog:
    """Hears every statement begin and end on the engines it watches. Silent for too long, it shuts their sockets down.

    The driver then reports a lost connection to anyone who waits for an answer, of a statement or of a rollback.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds` without the begin or end of a statement: more than one statement may take."""
        self._seconds = seconds
        self._sockets: dict[Any, socket.socket] = {}
        self._heard = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread()

    def __enter__(self) -> Self:
        """Begins to listen. It may be entered again after it was left, while its connections stay open."""
        self._hear()
        self._over.clear()
        self._thread = threading.Thread(target=self._listen, name="watchdog of a database", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def watch(self, engine: sa.Engine) -> None:
        """Watches every connection that the engine will open, from before its first statement: SQLAlchemy itself asks
        a server for its version, and one that accepts the login may be silent already then."""
        event.listen(engine, "connect", self._opened, insert=True)
        event.listen(engine, "close", self._closed)
        for moment in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(engine, moment, self._hear)

    def _opened(self, connection: Any, record: Any) -> None:
        self._hear()
        self._sockets[record] = socket.socket(fileno=os.dup(connection.fileno()))

    def _closed(self, _connection: Any, record: Any) -> None:
        if known := self._sockets.pop(record, None):
            known.close()

    def _hear(self, *_: Any) -> None:
        self._heard = time.monotonic()

    def _listen(self) -> None:
        while not self._over.wait(self._seconds / 10):
            if time.monotonic() - self._heard > self._seconds:
                for known in list(self._sockets.values()):
                    with suppress(OSError):  # it is closed already
                        known.shutdown(socket.SHUT_RDWR)
