"""Calls an outside address for each whole audit that was filed.

A service outside the company's Airflow then notices a night without an audit even when the whole Airflow stands still.
The address is a secret (who knows it can fake a night), so an Airflow connection holds it. Nothing is sent with the
call, and its answer is not read.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from enum import Enum
from urllib.parse import urlsplit

from privacy_audit.config.settings import Settings
from privacy_audit.postgres import connections

_SECONDS = 10.0


class HeartbeatResult(Enum):
    """What became of the call."""

    NOT_ASKED_FOR = "not_asked_for"
    CALLED = "called"
    NOT_CONFIGURED = "not_configured"
    FAILED = "failed"

    @property
    def causes(self) -> tuple[str, ...]:
        """What is wrong, as sentences; none when nothing is."""
        match self:
            case HeartbeatResult.NOT_CONFIGURED:
                return (
                    "The outside address was not called: the connection that PRIVACY_AUDIT_HEARTBEAT names holds no"
                    ' http or https address. Give its extra {"url": "https://..."}.',
                )
            case HeartbeatResult.FAILED:
                return ("The outside address of PRIVACY_AUDIT_HEARTBEAT did not take the call.",)
            case _:
                return ()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is a failure: it may lead to anything."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def call(settings: Settings) -> HeartbeatResult:
    """Calls the address by GET, for ten seconds at most. Never raises for an address that is down."""
    if not settings.heartbeat:
        return HeartbeatResult.NOT_ASKED_FOR
    try:
        connection = connections.find(settings.heartbeat)
    except connections.ConnectionMissingError:
        return HeartbeatResult.NOT_CONFIGURED
    address = connection.extra.get("url") or connection.password
    if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
        return HeartbeatResult.NOT_CONFIGURED
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(address, timeout=_SECONDS):
            return HeartbeatResult.CALLED
    except (OSError, ValueError, urllib.error.URLError):  # its words could quote the address
        return HeartbeatResult.FAILED
