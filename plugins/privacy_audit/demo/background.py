"""The ordinary rows: how many each table takes of the whole, and what the filling statements are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from privacy_audit.demo.planting import Effect, Moments, beside

_BATCH = 250_000
"""Rows per statement: a progress bar moves every second or so."""
PURGED = (
    "app.users", "app.prospects", "app.newsletter_subscriptions", "app.positions", "app.sessions", "app.devices",
    "app.downloads", "app.invoices", "app.payments", "app.bank_details", "app.ticket_messages", "app.support_tickets",
    "app.marketing_messages", "app.rights_requests",
)  # fmt: skip
"""Tables of the product that have a nightly purge, in the order in which its job takes them."""
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
        shares = {"prospects": 8, "positions": 360, "sessions": 90, "devices": 12, "downloads": 25}
        later = {"support_tickets": 8, "ticket_messages": 24, "social_comments": 6, "marketing_messages": 18}
        return {
            "app.users": users,
            "app.contracts": users + users // 5,
            "app.newsletter_subscriptions": users // 3,
            "app.guardian_consents": users // 50,
            "app.consent_events": 2 * users,
            **{f"app.{table}": self._share(share) for table, share in shares.items()},
            "app.invoices": self.invoices,
            "app.payments": self.invoices + self.own_name_invoices // 2,
            "app.bank_details": self._share(10),
            **{f"app.{table}": self._share(share) for table, share in later.items()},
            "app.rights_requests": self._share(1),
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
        bank, messages = self.tables["app.bank_details"], self.tables["app.ticket_messages"]
        visits = self.tables["web.visits"]
        yield beside("app/app.invoices/RET-2", self.invoices - self.own_name_invoices)
        yield beside("app/app.payments/RET-2", self.invoices - self.own_name_invoices)
        yield beside("app/app.bank_details/RET-2", bank - bank * 2 // 5)
        yield beside("app/app.ticket_messages/RET-4", messages - messages * 4 // 5)
        yield beside("web/web.visits/RET-3", visits * 3 // 4)
        yield beside("web/web.visits/GEO-1", visits * 3 // 4)
        yield beside("web/web.visits/RET-4", visits // 5)

    def _told(self, table: str) -> dict[str, object]:
        """What the statement of a table is told besides T and its numbers."""
        size = self.tables[table]
        people = self.tables["app.users" if table.startswith("app.") else "web.visitors"]
        return {
            "size": size,
            "users": people,
            "visitors": people,
            "consenting": people * 3 // 4,
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
