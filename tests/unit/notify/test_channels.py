"""Messages and tickets over a real SMTP server and a real HTTP server, and channels that are down."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import apprise
import pytest
from aiosmtpd.controller import Controller

from demo import ports
from privacy_audit.notify import Channel, ChannelsMissingError, Message, channels_of, deliver, message_body
from privacy_audit.notify.channels import _TICKET_KEYS, _address
from privacy_audit.notify.message import TicketAction, Urgency
from privacy_audit.notify.tickets import tickets
from tests.unit.notify.nights import Company, after, by_owner, changed, first_night, grown, passed, waiver
from tests.unit.publish.report.audits import broken, clean

SECRET = "hush-hush-hush"


@pytest.fixture
def message() -> Message:
    return by_owner(first_night())["team-product"]


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[_Mailbox, str]]:
    box = _Mailbox()
    with ports.reserved() as port:
        controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
        controller.start()
        yield box, f"mailto://127.0.0.1:{port}?from=audit@example.org&to=owner@example.org"
        controller.stop()


class _Webhook:
    """A receiver of JSON; `refused` is how many of the next posts it answers with 503."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.posts: list[dict[str, Any]] = []
        self.refused = 0

    def take(self, content: bytes) -> bool:
        if self.refused:
            self.refused -= 1
            return False
        self.posts.append(json.loads(content))
        return True

    @property
    def tickets(self) -> list[dict[str, Any]]:
        return [json.loads(post["message"]) for post in self.posts]


@pytest.fixture
def webhook() -> Iterator[_Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if received.take(content) else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = _Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def _json(webhook: _Webhook) -> Channel:
    return Channel(f"json://127.0.0.1:{webhook.port}/alerts")


def test_a_mail_arrives_once_as_text_and_html(mailbox: tuple[_Mailbox, str], message: Message) -> None:
    box, url = mailbox
    assert deliver(message, Channel(url)).sent
    (mail,) = box.mails
    assert mail["Subject"] == message.subject
    assert {part.get_content_type() for part in mail.walk()} >= {"text/plain", "text/html"}
    html = mail.get_body(("html",))
    assert html is not None
    assert message.lines[0].promise in html.get_content()


def test_a_webhook_receives_the_documented_body(webhook: _Webhook, message: Message) -> None:
    assert deliver(message, _json(webhook)).sent
    (posted,) = webhook.posts
    assert posted["title"] == message.subject
    assert posted["message"] == message_body.document(message)
    assert json.loads(posted["message"])["key"] == message.key


def test_a_channel_is_told_how_loud_a_message_is(webhook: _Webhook) -> None:
    company = Company()
    loud = by_owner(company.night(broken()))["team-web"]
    good = by_owner(company.night(after(changed(broken(), connection_logs_RET4=_gone()), 1)))["team-web"]
    calm = by_owner(company.night(after(clean(), 6)))["team-product"]
    undecided = replace(loud, lines=(_undecided(),))
    for told in (loud, good, calm, undecided):
        assert deliver(told, _json(webhook)).sent
    assert [post["type"] for post in webhook.posts] == ["failure", "success", "info", "warning"]


def _gone() -> dict[str, Any]:
    return passed(broken(), "connection_logs_RET4")


def _undecided() -> Any:
    return next(line for line in by_owner(first_night())["team-product"].lines if line.outcome == "review")


def test_a_channel_that_is_down_is_said_without_its_secrets(
    message: Message, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with ports.reserved() as port:
        delivery = deliver(message, Channel(f"json://user:{SECRET}@127.0.0.1:{port}/"))
    assert (delivery.channel, delivery.sent, delivery.count) == ("json", False, 0)
    assert delivery.reason
    out, err = capfd.readouterr()
    assert SECRET not in delivery.reason + caplog.text + out + err


def test_one_channel_down_does_not_silence_the_other(webhook: _Webhook, message: Message) -> None:
    with ports.reserved() as port:
        down = Channel(f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org")
        assert [deliver(message, channel).sent for channel in (down, _json(webhook))] == [False, True]
    assert len(webhook.posts) == 1


def test_a_channel_that_never_answers_is_given_up(message: Message) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        delivery = deliver(message, Channel(f"json://127.0.0.1:{silent.getsockname()[1]}/?cto=1&rto=1"))
        assert not delivery.sent
        assert time.monotonic() - began < 15


@pytest.mark.parametrize("url", ["nonsense://x", "json://[::1/", ""])
@pytest.mark.parametrize("for_tickets", [False, True])
def test_an_address_that_is_none_is_said(message: Message, url: str, for_tickets: bool) -> None:
    delivery = deliver(message, Channel(url, for_tickets))
    assert not delivery.sent
    assert "none that Apprise knows" in delivery.reason or "cannot close a ticket" in delivery.reason


def test_nothing_is_left_in_the_home_folder(
    webhook: _Webhook, message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    deliver(message, _json(webhook))
    deliver(message, replace(_json(webhook), for_tickets=True))
    assert list(tmp_path.rglob("*")) == []


def test_a_message_without_anything_for_people_is_sent_to_nobody(webhook: _Webhook) -> None:
    company = Company()
    company.night(broken())
    company.waivers = [waiver("W-1", "web/web.connection_logs/RET-4", 0, 60)]
    quiet = by_owner(company.night(after(broken(), 1)))["team-web"]
    delivery = deliver(quiet, _json(webhook))
    assert (delivery.sent, delivery.count, webhook.posts) == (True, 0, [])


def test_a_chat_gets_a_long_message_in_pieces_and_what_its_address_says_stands() -> None:
    assert "overflow=split" in _address("slack://a/b/c", {"overflow": "split"})
    assert "overflow=truncate" in _address("slack://a/b/c?overflow=truncate", {"overflow": "split"})
    assert _address("mailto://x?to=a@x.org&to=b@x.org&rto=3").count("to=") == 2 + len(["cto=", "rto="])
    assert "rto=3" in _address("mailto://x?rto=3")


def test_a_connection_lists_its_channels_in_its_extra_or_as_its_password() -> None:
    listed = {"urls": ["json://x", "mailto://y", "json://x"], "tickets": ["json://x"]}
    assert channels_of("a", "", listed) == (Channel("json://x"), Channel("mailto://y"), Channel("json://x", True))
    assert channels_of("a", "json://x", {}) == (Channel("json://x"),)
    assert channels_of("a", "json://x", {"tickets": ["json://y"]}) == (Channel("json://y", True),)
    with pytest.raises(ChannelsMissingError, match="connection a: lists no channel"):
        channels_of("a", "", {"urls": []})


def test_the_key_of_a_channel_does_not_tell_its_address() -> None:
    url = f"json://user:{SECRET}@127.0.0.1/"
    assert SECRET not in Channel(url).key
    keys = {Channel(url).key, Channel(url, for_tickets=True).key, Channel("json://127.0.0.1/").key}
    assert len(keys) == 3


# Tickets


def _three_nights() -> list[Message]:
    """What the owner of `web` is told when its logs are found, grow, and are gone."""
    company = Company()
    more = grown(broken(), "connection_logs_RET4", 2)
    nights = [broken(), changed(broken(), connection_logs_RET4=more), changed(broken(), connection_logs_RET4=_gone())]
    return [by_owner(company.night(after(night, day)))["team-web"] for day, night in enumerate(nights)]


def test_a_ticket_opens_is_updated_and_closes(webhook: _Webhook) -> None:
    channel = replace(_json(webhook), for_tickets=True)
    nights = _three_nights()
    assert [deliver(night, channel).count for night in nights] == [1, 1, 1]
    found = webhook.tickets
    assert [ticket["action"] for ticket in found] == ["open", "update", "close"]
    assert {ticket["schema"] for ticket in found} == {"privacy_audit.ticket/1"}
    assert {ticket["ticket"] for ticket in found} == {nights[0].lines[0].fingerprint}
    assert [ticket["violating"] for ticket in found] == [100, 200, 200]
    assert len({ticket["key"] for ticket in found}) == 3
    assert len({json.dumps(sorted(ticket)) for ticket in found}) == 1  # one shape
    assert [post["type"] for post in webhook.posts] == ["failure", "failure", "success"]


def test_a_service_closes_the_ticket_that_it_opened(webhook: _Webhook) -> None:
    """GoAlert is a service of Apprise's that a company runs itself, so that it can be asked here."""
    channel = Channel(f"goalert://127.0.0.1:{webhook.port}/{uuid4()}", for_tickets=True)
    nights = _three_nights()
    assert all(deliver(night, channel).sent for night in nights)
    assert {post["dedup"] for post in webhook.posts} == {nights[0].lines[0].fingerprint}
    assert [post.get("action", "open") for post in webhook.posts] == ["open", "open", "close"]
    assert "Broken by 200 rows" in webhook.posts[1]["details"]


ADDRESSES = {
    "firehydrant": "firehydrant://abcdefgh",
    "goalert": f"goalert://localhost/{uuid4()}",
    "goalerts": f"goalerts://localhost/{uuid4()}",
    "ilert": "ilert://abcdefgh",
    "incidentio": "incidentio://sourceid/token",
    "pagerduty": "pagerduty://integration@apikey",
    "pagertree": "pagertree://int_abcdefgh",
    "signl4": "signl4://secret",
    "splunk": "splunk://routing@apikey",
    "victorops": "victorops://routing@apikey",
    "squadcast": "squadcast://abcdefgh",
}


@pytest.mark.parametrize("service", _TICKET_KEYS)
@pytest.mark.parametrize("given", ["", "?action=trigger", "?dedup=mine&entity_id=mine"])
def test_each_service_of_tickets_takes_our_key(service: str, given: str) -> None:
    key = {"action": "map", _TICKET_KEYS[service]: "f" * 64}
    found = apprise.Apprise.instantiate(_address(ADDRESSES[service] + given, {"overflow": "truncate"}, key))
    assert found is not None
    assert found.action == "map"
    assert "f" * 64 in vars(found).values()


def test_every_such_service_is_named_in_the_documentation() -> None:
    from privacy_audit.notify import channels

    assert set(ADDRESSES) == set(_TICKET_KEYS)
    documented = (channels.__doc__ or "").lower().translate(str.maketrans("", "", ". \n-"))
    assert [name for name in _TICKET_KEYS if name.removesuffix("s") not in documented] == []


@pytest.mark.parametrize("url", ["opsgenie://abcdefgh", "jira://abcdefgh", "slack://a/b/c", "mailto://x.org"])
def test_a_service_that_cannot_close_what_it_opened_is_refused(url: str, message: Message) -> None:
    delivery = deliver(message, Channel(url, for_tickets=True))
    assert (delivery.sent, delivery.count) == (False, 0)
    assert delivery.reason.endswith("list it under urls instead of tickets")


def test_tickets_that_failed_are_sent_again_under_the_same_keys(webhook: _Webhook, message: Message) -> None:
    channel = replace(_json(webhook), for_tickets=True)
    webhook.refused = 1
    assert (deliver(message, channel).sent, deliver(message, channel).sent) == (False, True)
    keys = [ticket["key"] for ticket in webhook.tickets]
    assert set(keys) == {ticket.key for ticket in tickets(message)}
    assert len(keys) == 2 * len(set(keys)) - 1


def test_a_waived_finding_has_no_ticket(webhook: _Webhook) -> None:
    company = Company(waivers=[waiver("W-1", "web/web.connection_logs/RET-4", -1, 2)])
    told = [by_owner(company.night(after(broken(), day))).get("team-web") for day in range(4)]
    asked = [[ticket.line.action for ticket in tickets(message)] if message else [] for message in told]
    assert asked == [
        [],
        [],
        [],
        [TicketAction.OPEN],
    ]  # its end was announced on the first night, and opens it on the last
    assert told[0]
    assert told[0].urgency is Urgency.WARNING


def test_a_waiver_that_begins_closes_the_ticket() -> None:
    company = Company()
    company.night(broken())
    company.waivers = [waiver("W-1", "web/web.connection_logs/RET-4", 0, 60)]
    (ticket,) = tickets(by_owner(company.night(after(broken(), 1)))["team-web"])
    assert ticket.line.action is TicketAction.CLOSE
    assert ticket.subject == "privacy_audit: web/web.connection_logs/RET-4 (medium) closed"
