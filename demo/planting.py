"""What a planting is: a few rows put into the demo on purpose, and what an audit must count because of them.

Moments are computed from T with the calendar of the policy, so that a planted row lies exactly on an edge on any day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from privacy_audit.domain.categories import IdentifierKind
from privacy_audit.domain.periods import Period, local_date, start_of_day

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


@dataclass(frozen=True, slots=True)
class Numbered:
    """A text with the planting's number in the place of `{n}`, so that each copy of it has a name of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Digested:
    """The digest of an identifier, as the ledger of erasures holds it: made with the keys of the ledger when sown."""

    kind: IdentifierKind
    identifier: Own | Numbered
    of: str = ""
    """Of a key: what it is a key of."""


Value = None | bool | int | float | str | date | datetime | Own | Numbered | Digested
"""What a planted column may hold; texts such as `infinity` are read by the column's type."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to insert; columns that are not named take the table's ordinary values."""

    table: str
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class OnFile:
    """A row of the planted person that an earlier audit saw under a legal hold and put on file."""

    table: str
    key: Own
    part: str
    """Which data of it is held, and by which columns it is told, as the check writes it."""
    first_seen: datetime


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
    once: bool = False
    """Whether even a large demo holds it once: it is about a register as a whole."""
    on_file: tuple[OnFile, ...] = ()
    """What is in the audit database. Such a planting is left out where that is not filled as well."""


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


def account(at: Moments, **values: Value) -> Row:
    """A person with an account, and nothing else."""
    made = {"id": SELF, "birth_date": date(at.today.year - 40, 5, 17), "created_at": at.ago(800), **values}
    return Row("app.users", made)


def notice(when: Value, kind: str = "privacy_policy") -> Row:
    """The planted person was shown a text."""
    version = version_at(when) if isinstance(when, datetime) else "1"
    return Row("app.notices", {"shown_at": when, "kind": kind, "version": version})


def person(at: Moments, **values: Value) -> tuple[Row, Row]:
    """A person with an account, who was shown the policy in the instant in which it was made: just in time."""
    made = account(at, **values)
    return made, notice(made.values["created_at"])


def user(at: Moments, **values: Value) -> tuple[Row, ...]:
    """The same with a running contract: somebody who keeps every promise."""
    made, shown = person(at, **values)
    return made, shown, Row("app.contracts", {"user_id": SELF, "started_at": made.values["created_at"]})


def former(at: Moments, end: datetime) -> tuple[Row, ...]:
    """The same whose only contract ended at a moment."""
    contract = Row("app.contracts", {"user_id": SELF, "started_at": at.ago(3390), "ended_at": end})
    return (*person(at, created_at=at.ago(3400)), contract)


def visitor(at: Moments, **values: Value) -> tuple[Row]:
    """A visitor of the web site."""
    return (Row("web.visitors", {"id": SELF, "created_at": at.ago(800), **values}),)


def consent(
    at: Moments, when: datetime | None = None, action: str = "grant", purpose: str | None = "geolocation"
) -> Row:
    """An event of the ledger of consents, put on record at its moment, to the text that was in force then."""
    moment = when or at.ago(799)
    said: dict[str, Value] = {"user_id": SELF, "purpose": purpose, "action": action, "version": version_at(moment)}
    return Row("app.consent_events", {**said, "at": moment, "recorded_at": moment})


VERSIONS = (("0.1", None), ("0.2", date(2018, 5, 25)), ("1", date(2024, 1, 1)))
"""Versions of the policy and their first days, as expectations/registers/policy_versions.csv has them."""


def version_at(moment: datetime) -> str:
    """The version of the policy that was in force."""
    day = local_date(moment, PARIS)
    return [version for version, first in VERSIONS if first is None or first <= day][-1]


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
        "reviewed_at": at.ago(60),
    }
    return Row(f"{store}.legal_holds", values)


def erased(completed: datetime, *identifiers: Digested) -> tuple[Row, ...]:
    """A request that was carried out, as the ledger holds it: of an address, its mailbox as well."""
    mailboxes = (
        Digested(IdentifierKind.MAILBOX, it.identifier) for it in identifiers if it.kind is IdentifierKind.EMAIL
    )
    return tuple(
        Row(
            "app.erasures",
            {
                "request": SELF,
                "key_version": 1,
                "kind": identifier.kind.value,
                "digest": identifier,
                "completed_at": completed,
            },
        )
        for identifier in (*identifiers, *mailboxes)
    )


GONE = Digested(IdentifierKind.EMAIL, Numbered("erased{n}@example.org"))
"""The address of an erased person of whom nothing is left."""


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
    "app.credentials": {
        "user_id": SELF,
        "password_hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE",
    },
    "app.prospects": {"id": SELF, "email": "p{n}@example.org", "full_name": "Sacha Fictif {n}"},
    "app.newsletter_subscriptions": {"user_id": SELF, "email": "person{n}@example.org"},
    "app.guardian_consents": {
        "user_id": SELF,
        "guardian": "Dominique Exemple {n}",
        "channel": "email",
        "mailbox": "dpo@spimed-ai.com",
        "message_id": "<consent-{n}@example.org>",
        "proof_sha256": "c0ffee" + 58 * "0",
    },
    "app.notices": {"person_id": SELF},
    "app.consent_events": {"proof": "consents/planted-{n}"},
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
        "number": "P-{n}-1",
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
    "app.marketing_messages": {"user_id": SELF, "campaign": "campaign-0", "channel": "email"},
    "app.rights_requests": {"id": SELF, "user_id": SELF},
    "app.objections": {"user_id": SELF, "channel": "email"},
    "app.phone_consents": {"user_id": SELF, "purpose": "phone_marketing"},
    "app.restrictions": {"user_id": SELF, "ground": "accuracy"},
    "app.deaths": {"user_id": SELF},
    "app.processing_events": {"user_id": SELF, "purpose": "service"},
    "app.applicants": {"id": SELF, "email": "applicant{n}@example.org"},
    "app.processing_activities": {
        "purpose": "service",
        "legal_basis": "contract",
        "categories": "clients",
        "recipients": "hosting",
        "retention": "see the policy",
        "transfers": "none",
        "security": "see the security plan",
    },
    "app.recipients": {"recipient": "Prestataire {n}", "role": "processor", "country": "FR", "in_eea": "yes"},
    "app.transfers": {"dataset": "app.users", "category": "professional_identity", "purpose": "service"},
    "app.tools": {"name": "tool {n}", "kind": "tool", "country": "FR", "in_eea": "yes"},
    "app.backups": {"store": "store {n}"},
    "app.monthly_statistics": {"region": "Région {n}", "age_band": "25-44", "plan": "solo"},
    "web.visits": {"visitor_id": SELF, "page": "/", "lat": None, "lon": None, "ip": None, "cookie_id": None},
    "web.cookies": {"visitor_id": SELF, "name": "sid", "value": "planted-{n}"},
    "web.connection_logs": {"visitor_id": SELF, "ip": "198.51.100.10", "method": "GET", "path": "/", "status": 200},
    "web.security_events": {"visitor_id": SELF, "kind": "login_failed", "ip": "198.51.100.11"},
    "web.consent_intervals": {"visitor_id": SELF, "purpose": "geolocation"},
    "web.legal_holds": {"matter_ref": "TJ Lyon {n}"},
}
