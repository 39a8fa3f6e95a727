"""An owner of stores, with a mailbox and a webhook on 127.0.0.1: real servers, each of which can be out of order."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo import ports

PASSWORD = "hush-hush-hush"
"""What the owner's webhook asks for, and what nobody else may read."""


@dataclass
class Owner:
    """What reached an owner."""

    mails: list[EmailMessage] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    out_of_order: set[str] = field(default_factory=set)
    """The channels that take nothing now: `mailto`, `json`."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Kind of channel to its address."""

    @property
    def received(self) -> dict[str, int]:
        """How many messages came, by kind of channel."""
        return {"mailto": len(self.mails), "json": len(self.posts)}

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What the webhook was told, for programs."""
        return [json.loads(post["message"]) for post in self.posts]

    @property
    def page(self) -> str:
        """The first mail as its reader sees it."""
        page = self.mails[0].get_body(("html",))
        assert page is not None
        return str(page.get_content())

    @property
    def connection(self) -> str:
        """The Airflow connection that lists the channels."""
        return json.dumps({"conn_type": "generic", "extra": {"urls": list(self.addresses.values())}})


@contextmanager
def open_channels() -> Iterator[Owner]:
    """An owner whose channels are open."""
    owner = Owner()
    with _mailbox(owner) as mailbox, _webhook(owner) as webhook:
        owner.addresses = {"mailto": mailbox, "json": webhook}
        yield owner


@contextmanager
def _mailbox(owner: Owner) -> Iterator[str]:
    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            if "mailto" in owner.out_of_order:
                return "451 Come again"
            assert isinstance(envelope.content, bytes)
            owner.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 OK"

    with ports.reserved() as port:
        controller = Controller(Handler(), hostname="127.0.0.1", port=port, ready_timeout=60)
        controller.start()
        try:
            yield f"mailto://127.0.0.1:{port}?from=audit@example.org&to=product@example.org"
        finally:
            controller.stop()


@contextmanager
def _webhook(owner: Owner) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            works = "json" not in owner.out_of_order
            if works:
                owner.posts.append(post)
            self.send_response(200 if works else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"json://audit:{PASSWORD}@127.0.0.1:{server.server_port}/alerts"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
