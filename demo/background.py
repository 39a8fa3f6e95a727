"""The ordinary rows: how many each table takes of the whole, and what the filling statements are told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from demo.planting import Effect, Moments, beside
from demo.scope import left_out

_BATCH = 250_000
"""Rows per statement: a progress bar moves every second or so."""
PURGED = (
    "app.users", "app.prospects", "app.newsletter_subscriptions", "app.positions", "app.sessions", "app.devices",
    "app.downloads", "app.invoices", "app.payments", "app.bank_details", "app.ticket_messages", "app.support_tickets",
    "app.marketing_messages", "app.rights_requests", "app.processing_events", "app.objections", "app.restrictions",
    "app.deaths", "app.credentials",
)  # fmt: skip
"""Tables of the product that have a nightly purge, in the order in which its job takes them."""
_KINDS = (
    "access", "rectification", "objection", "erasure", "restriction", "portability", "post_mortem", "child_report",
    "withdrawal",
)  # fmt: skip
_CHANNELS = ("email",) * 7 + ("form", "support", "letter")
_PURGE_NIGHTS = 30
"""So many nights of purges are in the log."""
_HEADING = re.compile(r"^-- rows: (\S+)\n", re.MULTILINE)


def sql(name: str) -> str:
    """The text of a file in `demo/sql`."""
    return files(__package__).joinpath("sql", name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Sizes:
    """How many ordinary rows each table takes of about `rows` in all. Small demos keep at least 40 rows a table."""

    rows: int

    def _share(self, thousandths: int) -> int:
        return max(40, self.rows * thousandths // 1000)

    @cached_property
    def tables(self) -> Mapping[str, int]:
        """Table to number of rows, in the order of filling."""
        users, visitors = self._share(20), self._share(25)
        shares = {"prospects": 8, "positions": 310, "sessions": 90, "devices": 12, "downloads": 25}
        later = {"support_tickets": 8, "ticket_messages": 24, "social_comments": 6, "marketing_messages": 18}
        return {
            "app.users": users,
            "app.contracts": users + users // 5,
            "app.credentials": users,
            "app.newsletter_subscriptions": users // 3,
            "app.guardian_consents": users // 50,
            "app.consent_events": 2 * users,
            **{f"app.{table}": self._share(share) for table, share in shares.items()},
            "app.invoices": self.invoices,
            "app.payments": self.invoices + self.own_name_invoices // 2,
            "app.bank_details": self._share(10),
            **{f"app.{table}": self._share(share) for table, share in later.items()},
            "app.rights_requests": self._share(2),
            "app.erasures": sum(_is_erased(request) for request in map(_request, range(1, self._share(2) + 1))),
            "app.notices": users + self._share(2),
            "app.objections": self._share(1),
            "app.restrictions": self._share(1),
            "app.deaths": self._share(1),
            "app.processing_events": self._share(12),
            "app.applicants": self._share(2),
            "app.processing_activities": 7,
            "app.recipients": 7,
            "app.transfers": self._share(3),
            "app.tools": 8,
            "app.backups": 3,
            "app.incidents": 6,
            "app.monthly_statistics": self._share(4),
            "app.purge_runs": _PURGE_NIGHTS * len(PURGED),
            "web.visitors": visitors,
            "web.visits": self._share(110),
            "web.cookies": visitors + visitors // 5,
            "web.connection_logs": self._share(125),
            "web.security_events": self._share(8),
            "web.consent_intervals": visitors + visitors // 5,
        }

    @property
    def invoices(self) -> int:
        """Ordinary invoices."""
        return self._share(20)

    @property
    def own_name_invoices(self) -> int:
        """The first two fifths of them are of clients whose business name is their own; RET-2 speaks of those only."""
        return self.invoices * 2 // 5

    @property
    def total(self) -> int:
        """Ordinary rows of all tables."""
        return sum(self.tables.values())

    def out_of_scope(self) -> Iterator[Effect]:
        """Ordinary rows a promise does not speak of, counted by the arithmetic that makes them."""
        yield from self._registers_out_of_scope()
        bank, messages = self.tables["app.bank_details"], self.tables["app.ticket_messages"]
        visits = self.tables["web.visits"]
        yield beside("app/app.invoices/RET-2", self.invoices - self.own_name_invoices)
        yield beside("app/app.payments/RET-2", self.invoices - self.own_name_invoices)
        yield beside("app/app.bank_details/RET-2", bank - bank * 2 // 5)
        yield beside("app/app.ticket_messages/RET-4", messages - messages * 4 // 5)
        yield beside("web/web.visits/RET-3", visits * 3 // 4)
        yield beside("web/web.visits/GEO-1", visits * 3 // 4)
        yield beside("web/web.visits/RET-4", visits // 5)

    def _registers_out_of_scope(self) -> Iterator[Effect]:
        sizes, people = self.tables, self.tables["app.users"]
        yield beside("app/app.guardian_consents/MIN-3", sizes["app.guardian_consents"])
        yield beside("app/app.notices/SCP-3", sizes["app.notices"] - people)
        yield beside("app/app.prospects/SCP-4", sizes["app.prospects"])
        yield beside("app/app.marketing_messages/LAW-TEL-1", sizes["app.marketing_messages"])
        for control in ("LAW-GEO-2", "LAW-GEO-3", "LAW-GEO-5"):
            yield beside(f"app/app.consent_events/{control}", people - people * 3 // 4)
        yield beside("app/app.restrictions/LAW-RST-1", sizes["app.restrictions"] - sizes["app.restrictions"] // 2)
        yield beside("app/app.deaths/PMI-1", sizes["app.deaths"] - sizes["app.deaths"] // 2)
        yield beside("app/app.deaths/LAW-PMI-1", sizes["app.deaths"] // 2)
        requests = map(_request, range(1, sizes["app.rights_requests"] + 1))
        unspoken = Counter(check for request in requests for check in left_out("app.rights_requests", request))
        yield from (beside(check, rows) for check, rows in unspoken.items())
        # One activity is over, and so is one recipient's contract; three rest on a legitimate interest. Four tools
        # are stores or backups, one tool was given up. Two incidents of six put nobody at risk.
        for control, rows in (("PUR-1", 1), ("PUR-2", 1), ("LAW-ART-30", 1), ("LAW-REC-2", 1), ("LAW-PUR-2", 4)):
            yield beside(f"app/app.processing_activities/{control}", rows)
        yield beside("app/app.recipients/PRC-2", 1)
        yield beside("app/app.recipients/LAW-PRC-1", 3)
        yield beside("app/app.recipients/XFR-5", 2)
        yield beside("app/app.tools/XFR-2", 4)
        yield beside("app/app.tools/XFR-4", 5)
        yield beside("app/app.tools/XFR-6", 1)
        yield beside("app/app.tools/SEC-6", 5)
        yield beside("app/app.incidents/LAW-SEC-4", 2)

    def _told(self, table: str) -> dict[str, object]:
        """What the statement of a table is told besides T and its numbers."""
        size = self.tables[table]
        people = self.tables["app.users" if table.startswith("app.") else "web.visitors"]
        return {
            "size": size,
            "users": people,
            "visitors": people,
            "consenting": people * 3 // 4,
            "quiet": people * 9 // 10,
            "frozen": self.tables["app.restrictions"],
            "kinds": list(_KINDS),
            "channels": list(_CHANNELS),
            "invoices": self.invoices,
            "tickets": self.tables["app.support_tickets"],
            "own_name": self.own_name_invoices if table in ("app.invoices", "app.payments") else size * 2 // 5,
            "with_address": size * 4 // 5,
            "without_position": size * 3 // 4,
            "without_address": size // 5,
            "purged": list(PURGED),
            "jobs": len(PURGED),
        }

    def statements(self, store: str, at: Moments) -> Iterator[tuple[str, dict[str, object], int]]:
        """Statement, its parameters, and how many rows it inserts, in the order of filling."""
        _, *parts = _HEADING.split(sql(f"{store}_rows.sql"))
        texts = dict(zip(parts[::2], parts[1::2], strict=True))
        for table, size in self.tables.items():
            if not table.startswith(f"{store}."):
                continue
            for first in range(1, size + 1, _BATCH):
                last = min(first + _BATCH - 1, size)
                told = {**self._told(table), "first": first, "last": last, "as_of": at.as_of, "today": at.today}
                yield texts[table], told, last - first + 1


def _is_erased(request: Mapping[str, str | None]) -> bool:
    """Whether an ordinary request ended with an erasure, which stands in the ledger then."""
    return bool(request["completed_at"]) and (request["kind"] == "erasure" or request["outcome"] == "erased")


def _request(number: int) -> Mapping[str, str | None]:
    """What decides of which promises an ordinary request is one; the arithmetic is that of app_rows.sql."""
    kind, open_ = _KINDS[number % 9], number % 4 == 0
    outcome = "open" if open_ else "refused" if number % 8 == 5 else "granted"
    if kind == "child_report" and not open_:
        outcome = ("consent_shown", "erased")[number % 2]
    doubted = "some day" if number % 7 == 2 else None
    return {
        "kind": kind,
        "about": "geolocation" if kind == "withdrawal" else None,
        "channel": _CHANNELS[number % 10],
        "outcome": outcome,
        "responded_at": None if open_ else "some day",
        "doubted_at": doubted,
        "identified_at": doubted,
        "completed_at": None if outcome in ("open", "refused") else "some day",
    }
