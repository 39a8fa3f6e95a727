"""Free ports on 127.0.0.1 that stay free until their listener has come."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
_MAY_BE_SHARED = platform.system() == "Linux"
"""Whether a program that names a reserved port may listen at it. BSD and macOS would refuse it."""


@contextmanager
def reserved() -> Iterator[int]:
    """A port that nothing listens at, and that the system gives to no other program while the context lasts.

    A program that is told the number can listen at it, inside the context or after it, if it sets SO_REUSEADDR, as
    PostgreSQL, asyncio and `http.server` do. Where the system does not allow that, the port is only free at first.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        port = int(holder.getsockname()[1])
        if not _MAY_BE_SHARED:
            holder.close()
        yield port
