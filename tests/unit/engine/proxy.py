"""A way to a server that can fail: real TCP on 127.0.0.1, on which each statement passes in clear.

It acts before a statement goes on: cuts connections, closes them halfway, falls silent, or does whatever a test wants
done at that moment. It keeps every byte that went by.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from threading import Thread
from typing import cast

LOOPBACK = "127.0.0.1"
_NO_GOODBYE = struct.pack("ii", 1, 0)
"""Linger for no time: closing then resets the connection, as a firewall does."""


@dataclass(eq=False)
class Link:
    """One connection of a client, and the one to the server that stands for it."""

    client: socket.socket
    server: socket.socket
    asked: bytearray = field(default_factory=bytearray)
    """Every byte of the client."""
    answered: bytearray = field(default_factory=bytearray)
    """Every byte of the server."""
    is_open: bool = True


Act = Callable[[Link], object]


class Proxy:
    """Listens on a port of its own and passes on to the server's, all in one thread."""

    def __init__(self, server_port: int) -> None:
        self.links: list[Link] = []
        """Every connection there ever was, in their order."""
        self.is_silent = False
        """Whether it takes connections and bytes, and passes on nothing."""
        self._server_port = server_port
        self._acts: list[tuple[bytes, Act]] = []
        self._selector = DefaultSelector()
        self._door = socket.create_server((LOOPBACK, 0))
        self.port: int = self._door.getsockname()[1]
        self._leave, self._left = socket.socketpair()
        for entrance in (self._door, self._left):
            self._selector.register(entrance, EVENT_READ)
        self._thread = Thread(target=self._serve, name="proxy")
        self._failure: Exception | None = None

    def before(self, words: str, act: Act, times: int = 1) -> None:
        """When a statement with these words comes by, acts first; then passes it on if that is still possible."""
        self._acts += [(words.encode(), act)] * times

    def cut(self, link: Link) -> None:
        """Both ends lose this connection without a word."""
        for end in (link.client, link.server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
        self._close(link)

    def cut_all(self, _: Link | None = None) -> None:
        """Every connection is lost."""
        for link in self.links:
            if link.is_open:
                self.cut(link)

    def close_halfway(self, link: Link) -> None:
        """The client hears that no more will come, though its own words still get through."""
        link.client.shutdown(socket.SHUT_WR)

    def said(self, words: str) -> int:
        """How often clients said this."""
        return sum(link.asked.count(words.encode()) for link in self.links)

    @property
    def answers(self) -> bytes:
        """Every byte the server ever answered."""
        return b"".join(link.answered for link in self.links)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """The proxy while it is needed. What it was to act before must have come by: else the test met nothing."""
        self._thread.start()
        try:
            yield self
        finally:
            self._leave.close()
            self._thread.join()
            self.cut_all()
            for opened in (self._door, self._left, self._selector):
                opened.close()
        if self._failure:
            raise self._failure
        assert not self._acts, "what the test waits for never came by"

    def _serve(self) -> None:
        try:
            self._pass_all_on()
        except Exception as failure:  # noqa: BLE001 - whatever an act raises, nobody may wait for this thread
            self._failure = failure
            self.cut_all()
            self._door.close()

    def _pass_all_on(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._left:
                    return
                if key.fileobj is self._door:
                    self._accept()
                elif key.data.is_open:
                    self._pass_on(key.data, cast("socket.socket", key.fileobj))

    def _accept(self) -> None:
        client, _ = self._door.accept()
        link = Link(client, socket.create_connection((LOOPBACK, self._server_port)))
        self.links.append(link)
        for end in (link.client, link.server):
            self._selector.register(end, EVENT_READ, link)

    def _pass_on(self, link: Link, source: socket.socket) -> None:
        try:
            data = source.recv(1 << 20)
            if source is link.client:
                link.asked += data
                self._act(link, len(data))
                target = link.server
            else:
                link.answered += data
                target = link.client
            if data and link.is_open and not self.is_silent:
                target.sendall(data)
        except OSError:
            data = b""
        if not data and link.is_open:
            self._close(link)

    def _act(self, link: Link, size: int) -> None:
        for words, act in dict.fromkeys(self._acts):
            # A statement may come in pieces, so the words may have begun in the piece before.
            if words in link.asked[-size - len(words) + 1 :]:
                self._acts.remove((words, act))
                act(link)

    def _close(self, link: Link) -> None:
        link.is_open = False
        for end in (link.client, link.server):
            self._selector.unregister(end)
            end.close()
