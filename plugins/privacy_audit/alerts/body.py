"""A message as text, as HTML for mail, and as JSON for programs. Pure; findings are told the same in all three."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from privacy_audit.alerts.message import Message

SCHEMA = "privacy_audit.alert/1"
_ZERO_WIDTH = "\u2060"


def text(message: Message) -> str:
    """Plain text, for mail readers and chats. What chats would take for a call to everyone is broken up."""
    rendered = _environment().get_template("alert.txt.j2").render(message=message)
    return rendered.replace("<!", f"<{_ZERO_WIDTH}!").replace("@", f"@{_ZERO_WIDTH}")


def html(message: Message) -> str:
    """HTML for mail: everything escaped, nothing fetched from anywhere."""
    return _environment().get_template("alert.html.j2").render(message=message)


def document(message: Message) -> str:
    """JSON for programs, with sorted keys and one shape for every night:

    `schema`, `key` (the same when the message comes twice), `audit_id`, `as_of`, `owner`, `outcome`, `subject`, `link`,
    `not_told` (findings beyond those listed) and `findings`: `check`, `control`, `severity`, `outcome`, `violating`,
    `subjects`, `undecidable`, `since`, `first_seen`, `promise`, `reason`, `fix`.
    """
    return json.dumps(_content(message), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _content(message: Message) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "key": message.key,
        "audit_id": message.audit_id,
        "as_of": message.as_of.isoformat().replace("+00:00", "Z"),
        "owner": message.owner,
        "outcome": message.outcome.value,
        "subject": message.subject,
        "link": message.link,
        "not_told": message.not_told,
        "findings": [
            {
                "check": line.check,
                "control": line.control,
                "severity": line.severity.value,
                "outcome": line.outcome.value,
                "violating": line.violating,
                "subjects": line.subjects,
                "undecidable": line.undecidable,
                "since": line.since,
                "first_seen": line.first_seen,
                "promise": line.promise,
                "reason": line.reason,
                "fix": line.fix,
            }
            for line in message.lines
        ],
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("privacy_audit.alerts"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
