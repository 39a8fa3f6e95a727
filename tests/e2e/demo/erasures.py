"""Who was erased, and what is left of them in the demo, judged one row at a time with digests of our own."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.e2e.demo.court import Court

KEY = hashlib.sha256(b"the demo without keys of its own").digest()
USER_KEYS = {
    "app.bank_details": "user_id", "app.credentials": "user_id", "app.deaths": "user_id",
    "app.devices": "user_id", "app.downloads": "user_id",
    "app.invoices": "user_id", "app.marketing_messages": "user_id", "app.newsletter_subscriptions": "user_id",
    "app.notices": "person_id", "app.objections": "user_id", "app.phone_consents": "user_id",
    "app.positions": "user_id", "app.processing_events": "user_id", "app.restrictions": "user_id",
    "app.rights_requests": "user_id", "app.sessions": "user_id", "app.social_comments": "user_id",
    "app.support_tickets": "user_id", "app.users": "id",
}  # fmt: skip
OTHER_KEYS = {
    "app.applicants": ("id", "applicant"), "app.payments": ("invoice_id", "invoice"),
    "app.prospects": ("id", "prospect"),
    "web.connection_logs": ("visitor_id", "visitor"), "web.cookies": ("visitor_id", "visitor"),
    "web.security_events": ("visitor_id", "visitor"), "web.visitors": ("id", "visitor"),
    "web.visits": ("visitor_id", "visitor"),
}  # fmt: skip
EMAILS = {"app.users": "email", "app.prospects": "email", "app.newsletter_subscriptions": "email"}
NAMES = {
    "app.users": "full_name",
    "app.prospects": "full_name",
    "app.invoices": "client_name",
    "app.bank_details": "holder",
}
WEAK = {"mailbox", "name"}


class Erasures:
    """What DEL-4 says of each row."""

    def __init__(self, court: Court) -> None:
        self.court = court
        entries = (row for row in court.rows("app.erasures") if row["completed_at"] <= court.as_of)
        self.ledger = {(row["kind"], row["digest"]): row for row in entries}

    def evaluate(self) -> None:
        """Every table in which persons can be found."""
        for table in (*USER_KEYS, *OTHER_KEYS):
            for row in self.court.rows(table):
                self._judge(table, row, self._identifiers(table, row))
        for row in self.court.rows("app.ticket_messages"):
            self._judge("app.ticket_messages", row, (("email", one) for one in _addresses(row["body"])))

    def _identifiers(self, table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        column, of = (USER_KEYS[table], "user") if table in USER_KEYS else OTHER_KEYS[table]
        if row[column] is not None:
            yield "key", f"{of}:{row[column]}"
        if table in EMAILS:
            yield "email", row[EMAILS[table]]
        if table in NAMES:
            yield "name", row[NAMES[table]]

    def _judge(self, table: str, row: Mapping[str, Any], identifiers: Iterator[tuple[str, str]]) -> None:
        check = f"{table.partition('.')[0]}/{table}/DEL-4"
        found = [entry for kind, text in identifiers for entry in self._entries(kind, text)]
        strong = [entry for entry in found if entry["kind"] not in WEAK]
        created: datetime | None = row.get("created_at") if table == "app.users" else None
        newer = created is not None and all(created > entry["completed_at"] for entry in strong)
        if strong and not newer:
            self.court.put(check, "violating")
            self.court.found[check].subjects |= {entry["request"] for entry in strong}
        else:
            self.court.put(check, "undecidable" if found else "compliant")

    def _entries(self, kind: str, text: str) -> Iterator[Mapping[str, Any]]:
        for read, value in _read(kind, text):
            if entry := self.ledger.get((read, _digest(read, value))):
                yield entry


def _read(kind: str, text: str) -> Iterator[tuple[str, str]]:
    plain = text.strip().lower()
    if kind == "key":
        yield kind, text
    elif kind == "name":
        letters = "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))
        yield kind, " ".join(sorted(re.findall(r"[^\W\d_]+", letters)))
    else:
        yield kind, plain
        yield "mailbox", re.sub(r"\+[^@]*@", "@", plain)


def _addresses(text: str) -> list[str]:
    return re.findall(r"[\w.+-]+@[\w.-]+\w", text)


def _digest(kind: str, value: str) -> str:
    return hmac.new(KEY, b"privacy_audit/erasure/v1\0" + kind.encode() + b"\0" + value.encode(), "sha256").hexdigest()
