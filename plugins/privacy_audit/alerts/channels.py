"""How a message reaches its owner: by Apprise, to the channels that an Airflow connection lists.

The connection holds Apprise addresses in its extra, `{"urls": ["mailtos://...", "jsons://..."]}`, or a single one as
its password. Mail gets HTML (Apprise adds the plain text), `json` and `jsons` get the document of `body.document` as
the string `message` beside Apprise's own `title`, `type` and `version`; every other service gets plain text.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from privacy_audit.alerts import body
from privacy_audit.alerts.message import Message
from privacy_audit.errors import PrivacyAuditError

TIMEOUTS = {"cto": "5", "rto": "20"}
"""Seconds to connect and to be answered, where an address does not say."""
_NO_ADDRESS = "its address is none that Apprise knows"


class ChannelsMissingError(PrivacyAuditError):
    """A connection lists no channel."""


class Form(StrEnum):
    """The form in which a kind of channel wants a message."""

    HTML = "html"
    DOCUMENT = "document"
    TEXT = "text"


_FORMS = {"mailto": Form.HTML, "mailtos": Form.HTML, "json": Form.DOCUMENT, "jsons": Form.DOCUMENT}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message on one channel."""

    channel: str
    """The kind of channel; never its address, which holds secrets."""
    sent: bool
    reason: str = ""
    """Why it was not sent, in our words."""


def channel_urls(name: str, password: str, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses a connection lists; ChannelsMissingError when it lists none."""
    urls = extra.get("urls")
    listed = tuple(url for url in urls if isinstance(url, str) and url) if isinstance(urls, list) else ()
    if not listed and password:
        listed = (password,)
    if not listed:
        raise ChannelsMissingError(
            f'connection {name}: lists no channel. Give its extra {{"urls": ["mailtos://..."]}},'
            " with one Apprise address per channel."
        )
    return listed


def channel_key(message: Message, url: str) -> str:
    """Tells a message on a channel from all others, without telling the address."""
    return f"{message.key}:{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def deliver(message: Message, url: str) -> Delivery:
    """Sends a message by one channel. Never raises for a channel that is down, and never says its address."""
    import apprise
    from apprise.persistent_store import PersistentStoreMode

    # Apprise's own log names addresses, tokens and what servers answered.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    try:
        kind, address = urlsplit(url).scheme.lower(), _with_timeouts(url)
    except ValueError:  # half an address, as `json://[::1/`
        return Delivery("unknown", sent=False, reason=_NO_ADDRESS)
    asset = apprise.AppriseAsset(secure_logging=True, storage_mode=PersistentStoreMode.MEMORY, plugin_paths=[])
    channel = apprise.Apprise(asset=asset)
    if not channel.add(address):
        return Delivery(kind or "unknown", sent=False, reason=_NO_ADDRESS)
    form = _FORMS.get(kind, Form.TEXT)
    sent = channel.notify(
        title=message.subject,
        body={Form.HTML: body.html, Form.DOCUMENT: body.document, Form.TEXT: body.text}[form](message),
        body_format=apprise.NotifyFormat.HTML if form is Form.HTML else apprise.NotifyFormat.TEXT,
    )
    return Delivery(kind, sent=bool(sent), reason="" if sent else "it did not take the message")


def _with_timeouts(url: str) -> str:
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    wanted = [(name, value) for name, value in TIMEOUTS.items() if name not in dict(given)]
    return urlunsplit(parts._replace(query=urlencode(given + wanted)))
