"""What a planting is: a few rows put into the demo on purpose, and what an audit must count because of them.

Moments are computed from T with the calendar of the policy, so that a planted row lies exactly on an edge on any day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from privacy_audit.periods import Period, local_date, start_of_day

PARIS = ZoneInfo("Europe/Paris")
"""The zone of the policy's civil dates, and of the naive columns that say so."""
FIRST_PLANTED = 1_000_000_000
"""Planted persons, and what they own, have numbers from here up: no background row is ever theirs."""
STRANGER = 3_000_000_000
"""Numbers from here up name nobody."""
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Own:
    """Stands for the planted person's number, moved by `offset`; known only when the planting is sown."""

    offset: int = 0


SELF = Own()
NOBODY = Own(STRANGER - FIRST_PLANTED)

Value = None | bool | int | float | str | date | datetime | Own
"""What a planted column may hold; texts such as `infinity` are read by the column's type."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to insert; columns that are not named take the table's ordinary values."""

    table: str
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Effect:
    """What one check must count because of a planting."""

    check: str
    """`store/schema.table/CONTROL`."""
    violating: int = 0
    held: int = 0
    undecidable: int = 0
    out_of_scope: int = 0
    subjects: int = 0
    """Distinct persons among the violating rows."""
    late_holds: int = 0


@dataclass(frozen=True, slots=True)
class Planting:
    """Rows of one person (or of nobody), why they are there, and their effects. No effect: they keep every promise."""

    why: str
    rows: tuple[Row, ...]
    effects: tuple[Effect, ...] = ()


def breaks(check: str, rows: int = 1, *, subjects: int = 1) -> Effect:
    """Rows that break a promise."""
    return Effect(check, violating=rows, subjects=subjects)


def held(check: str, rows: int = 1, *, late: int = 0) -> Effect:
    """Rows that would break it, but for a legal hold; `late` of the holds began when the row was already overdue."""
    return Effect(check, held=rows, late_holds=late)


def unknown(check: str, rows: int = 1) -> Effect:
    """Rows of which nobody can say."""
    return Effect(check, undecidable=rows)


def beside(check: str, rows: int = 1) -> Effect:
    """Rows of which the promise does not speak."""
    return Effect(check, out_of_scope=rows)


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments that matter at T."""

    as_of: datetime
    """T, in UTC."""

    @property
    def today(self) -> date:
        """The civil date of T in Paris."""
        return local_date(self.as_of, PARIS)

    def ago(self, days: float) -> datetime:
        """So many times 24 hours before T."""
        return self.as_of - timedelta(days=days)

    def overdue_day(self, period: str) -> date:
        """The last civil date whose period is over: in breach since today, or since a month's end."""
        return Period.parse(period).cutoff(self.today)

    def due_day(self, period: str) -> date:
        """The day after it: the row expires today at the earliest, and may still be there."""
        return self.overdue_day(period) + timedelta(days=1)

    def overdue(self, period: str) -> datetime:
        """The last microsecond that is in breach."""
        return self.due(period) - MICROSECOND

    def due(self, period: str) -> datetime:
        """The first microsecond that is not: the edge."""
        return start_of_day(self.due_day(period), PARIS)


def paris(instant: datetime) -> datetime:
    """As a naive column of Paris time keeps it."""
    return instant.astimezone(PARIS).replace(tzinfo=None)


def utc(instant: datetime) -> datetime:
    """As a naive column of UTC keeps it."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def seconds(instant: datetime) -> int:
    """As whole seconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def milliseconds(instant: datetime) -> int:
    """As whole milliseconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def user(at: Moments, **values: Value) -> tuple[Row, Row]:
    """A person with an account and a running contract, who keeps every promise."""
    made = {"id": SELF, "birth_date": date(at.today.year - 40, 5, 17), "created_at": at.ago(800), **values}
    return Row("app.users", made), Row("app.contracts", {"user_id": SELF, "started_at": made["created_at"]})


def visitor(at: Moments, **values: Value) -> tuple[Row]:
    """A visitor of the web site."""
    return (Row("web.visitors", {"id": SELF, "created_at": at.ago(800), **values}),)


def consent(at: Moments, when: datetime | None = None, action: str = "grant", purpose: str = "geolocation") -> Row:
    """An event of the ledger of consents."""
    return Row("app.consent_events", {"user_id": SELF, "purpose": purpose, "action": action, "at": when or at.ago(799)})


def hold(
    at: Moments, category: str, started: datetime | None = None, released: datetime | None = None, *, store: str = "app"
) -> Row:
    """A legal hold on the planted person."""
    owner = "user_id" if store == "app" else "visitor_id"
    values: dict[str, Value] = {
        owner: SELF,
        "category": category,
        "started_at": started or at.ago(700),
        "released_at": released,
    }
    return Row(f"{store}.legal_holds", values)


def ordinary(table: str, number: int) -> Iterator[tuple[str, Value]]:
    """The ordinary values of a table's columns that have no default: what a planting does not name."""
    columns = _ORDINARY.get(table, {})
    return ((name, value.format(n=number) if isinstance(value, str) else value) for name, value in columns.items())


_ORDINARY: dict[str, dict[str, Value]] = {
    "app.users": {
        "email": "person{n}@example.org",
        "full_name": "Alix Exemple {n}",
        "job_title": "Graphiste",
        "company": "Alix Exemple EI",
        "phone": "+33 6 39 98 00 00",
    },
    "app.contracts": {"reference": "C-{n}", "plan": "solo"},
    "app.prospects": {"id": SELF, "email": "p{n}@example.org", "full_name": "Sacha Fictif {n}", "source": "trade_show"},
    "app.newsletter_subscriptions": {"user_id": SELF, "email": "person{n}@example.org"},
    "app.guardian_consents": {
        "user_id": SELF,
        "guardian": "Dominique Exemple {n}",
        "channel": "email",
        "mailbox": "dpo@spimed-ai.com",
        "message_id": "<consent-{n}@example.org>",
        "proof_sha256": "c0ffee" + 58 * "0",
    },
    "app.positions": {"user_id": SELF, "lat": 48.8566, "lon": 2.3522, "accuracy_m": 12.0},
    "app.sessions": {"user_id": SELF, "ip": "198.51.100.7", "user_agent": "Mozilla/5.0 (demo)"},
    "app.devices": {
        "id": "00000000-0000-4000-8000-{n:012d}",
        "user_id": SELF,
        "label": "phone",
        "last_ip": "198.51.100.8",
    },
    "app.downloads": {"user_id": SELF, "document": "guide-1.pdf", "ip": "198.51.100.9"},
    "app.invoices": {
        "id": SELF,
        "user_id": SELF,
        "number": "P-{n}",
        "client_name": "Alix Exemple",
        "client_legal_form": "EI",
        "amount_cents": 4900,
    },
    "app.payments": {"invoice_id": SELF, "payer_legal_form": "EI", "iban_last4": "0189", "amount_cents": 4900},
    "app.bank_details": {
        "user_id": SELF,
        "holder": "Alix Exemple",
        "holder_legal_form": "EI",
        "iban": "FR7612345987650123456789014",
        "rib_key": "14",
    },
    "app.legal_holds": {"matter_ref": "TJ Paris {n}"},
    "app.support_tickets": {"id": SELF, "user_id": SELF, "subject": "Question {n}", "status": "closed"},
    "app.ticket_messages": {"ticket_id": SELF, "body": "Bonjour"},
    "app.social_comments": {"user_id": SELF, "network": "LinkedIn", "body": "Bravo"},
    "web.visits": {"visitor_id": SELF, "page": "/", "lat": None, "lon": None, "ip": None, "cookie_id": None},
    "web.cookies": {"visitor_id": SELF, "name": "sid", "value": "planted-{n}"},
    "web.connection_logs": {"visitor_id": SELF, "ip": "198.51.100.10", "method": "GET", "path": "/", "status": 200},
    "web.security_events": {"visitor_id": SELF, "kind": "login_failed", "ip": "198.51.100.11"},
    "web.consent_intervals": {"visitor_id": SELF, "purpose": "geolocation"},
    "web.legal_holds": {"matter_ref": "TJ Lyon {n}"},
}
