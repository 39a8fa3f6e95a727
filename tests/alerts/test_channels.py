"""Messages over a real SMTP server and a real HTTP server, and channels that are down."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from tests.reports.audits import broken

from privacy_audit.alerts import ChannelsMissingError, body, channel_key, channel_urls, deliver, messages
from privacy_audit.alerts.message import Message

SECRET = "hush-hush-hush"


@pytest.fixture
def message() -> Message:
    return messages(broken(), "reports/a/report.html", {})[0]


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[_Mailbox, str]]:
    box = _Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=_free_port())
    controller.start()
    yield box, f"mailto://127.0.0.1:{controller.port}?from=audit@example.org&to=owner@example.org"
    controller.stop()


@pytest.fixture
def webhook() -> Iterator[tuple[list[dict], str]]:
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield received, f"json://127.0.0.1:{server.server_port}/alerts"
    server.shutdown()
    thread.join()
    server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_mail_arrives_once_as_text_and_html(mailbox: tuple[_Mailbox, str], message: Message) -> None:
    box, url = mailbox
    assert deliver(message, url).sent
    (mail,) = box.mails
    assert mail["Subject"] == message.subject
    assert {part.get_content_type() for part in mail.walk()} >= {"text/plain", "text/html"}
    html = mail.get_body(("html",))
    assert html is not None
    assert message.lines[0].promise in html.get_content()


def test_a_webhook_receives_the_documented_body(webhook: tuple[list[dict], str], message: Message) -> None:
    received, url = webhook
    assert deliver(message, url).sent
    (posted,) = received
    assert posted["title"] == message.subject
    assert posted["message"] == body.document(message)
    assert json.loads(posted["message"])["key"] == message.key


def test_a_channel_that_is_down_is_said_without_its_secrets(
    message: Message, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    delivery = deliver(message, f"json://user:{SECRET}@127.0.0.1:{_free_port()}/")
    assert (delivery.channel, delivery.sent) == ("json", False)
    assert delivery.reason
    out, err = capfd.readouterr()
    assert SECRET not in delivery.reason + caplog.text + out + err


def test_one_channel_down_does_not_silence_the_other(webhook: tuple[list[dict], str], message: Message) -> None:
    received, url = webhook
    down = f"mailto://127.0.0.1:{_free_port()}?from=a@example.org&to=b@example.org"
    assert [deliver(message, channel).sent for channel in (down, url)] == [False, True]
    assert len(received) == 1


def test_a_channel_that_never_answers_is_given_up(message: Message) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        delivery = deliver(message, f"json://127.0.0.1:{silent.getsockname()[1]}/?cto=1&rto=1")
        assert not delivery.sent
        assert time.monotonic() - began < 15


def test_an_address_that_is_none_is_said(message: Message) -> None:
    assert "none that Apprise knows" in deliver(message, "nonsense://x").reason


def test_nothing_is_left_in_the_home_folder(
    webhook: tuple[list[dict], str], message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    deliver(message, webhook[1])
    assert list(tmp_path.rglob("*")) == []


def test_a_connection_lists_its_channels_in_its_extra_or_as_its_password() -> None:
    assert channel_urls("a", "", {"urls": ["json://x", "mailto://y"]}) == ("json://x", "mailto://y")
    assert channel_urls("a", "json://x", {}) == ("json://x",)
    with pytest.raises(ChannelsMissingError, match="connection a: lists no channel"):
        channel_urls("a", "", {"urls": []})


def test_the_key_of_a_channel_does_not_tell_its_address(message: Message) -> None:
    url = f"json://user:{SECRET}@127.0.0.1/"
    assert SECRET not in channel_key(message, url)
    assert channel_key(message, url) != channel_key(message, "json://127.0.0.1/")
