"""The demo's rows judged one by one in plain Python, from the words of the policy; shares no code with the audit.

Each function reads the tables and yields, per check, the state of every row and whose it is. Periods are counted
forwards on the calendar: a row is in breach when the day it may last be there lies before today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from tests.e2e.demo.court import FOUNDED, PARIS, Court, Found, Rows
from tests.e2e.demo.erasures import Erasures
from tests.e2e.demo.registers import Registers
from tests.e2e.demo.secrecy import Secrecy

DEFAULT_BIRTHS = {date(1900, 1, 1), date(1970, 1, 1), date(2000, 1, 1)}


class Oracle(Court):
    """What the policy says of each row."""

    def evaluate(self) -> dict[str, Found]:
        """Every check."""
        for part in (self._retention, self._billing, self._deletion, self._holds, self._minors, self._form, self._geo):
            part()
        Registers(self).evaluate()
        Erasures(self).evaluate()
        Secrecy(self).evaluate()
        return self.found

    def _retention(self) -> None:
        years = relativedelta(years=5)
        ends: dict[Any, list[Any]] = defaultdict(list)
        for contract in self.rows("app.contracts"):
            ends[contract["user_id"]].append(contract["ended_at"])
        for user in self.rows("app.users"):
            mine = ends[user["id"]]
            days = [self.day_of(end) for end in mine]
            if None in mine:
                self.put("app/app.users/RET-1", "compliant")
            else:
                last = None if None in days else max((day for day in days if day), default=None)
                self.keep("app/app.users/RET-1", "professional_identity", user["id"], last, years)
        for table in ("credentials", "phone_consents", "objections", "restrictions"):
            for row in self.rows(f"app.{table}"):
                mine = [self.day_of(end) if end else self.today for end in ends[row["user_id"]]]
                last = max((day for day in mine if day), default=None)
                self.keep(f"app/app.{table}/RET-1", "professional_identity", row["user_id"], last, years)
        for row in self.rows("app.prospects"):
            day = self.day_of(row["last_contact_on"])
            self.keep("app/app.prospects/RET-1", "professional_identity", row["id"], day, years)
        for row in self.rows("app.newsletter_subscriptions"):
            self._year(row)
        self._simple_retention()
        self._visits()

    def _year(self, row: Mapping[str, Any]) -> None:
        check, year = "app/app.newsletter_subscriptions/RET-1", row["last_opened_year"]
        if year is None or not FOUNDED.year <= year <= self.today.year:
            self.put(check, "undecidable")
            return
        over = {self.is_over(day, relativedelta(years=5)) for day in (date(year, 1, 1), date(year, 12, 31))}
        state = "undecidable" if len(over) == 2 else "violating" if True in over else "compliant"
        self.put(check, state, row["user_id"])

    def _simple_retention(self) -> None:
        tickets = {row["id"]: row["user_id"] for row in self.rows("app.support_tickets")}
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        year = relativedelta(years=1)
        for row in self.rows("app.positions"):
            self.keep(
                "app/app.positions/RET-3",
                "geolocation",
                row["user_id"],
                self.day_of(row["recorded_at"]),
                relativedelta(months=2),
            )
        for row in self.rows("app.sessions"):
            day = self.day_of(epoch + timedelta(milliseconds=row["started_ms"]))
            self.keep("app/app.sessions/RET-4", "connection", row["user_id"], day, year)
        for row in self.rows("app.devices"):
            seen = row["last_seen_s"]
            day = None if seen is None else self.day_of(epoch + timedelta(seconds=seen))
            self.keep("app/app.devices/RET-4", "connection", row["user_id"], day, year)
        for row in self.rows("app.downloads"):
            self.keep("app/app.downloads/RET-4", "connection", row["user_id"], self.day_of(row["downloaded_at"]), year)
        for row in self.rows("app.ticket_messages"):
            check = "app/app.ticket_messages/RET-4"
            if row["sender_ip"] is None:
                self.put(check, "out_of_scope")
            else:
                self.keep(check, "connection", tickets[row["ticket_id"]], self.day_of(row["sent_at"]), year)
        for row in self.rows("web.cookies"):
            for control, months in (("RET-5", 13), ("LAW-CKY-2", 25)):
                day = self.day_of(row["first_set_at"])
                self.keep(f"web/web.cookies/{control}", "cookie", row["visitor_id"], day, relativedelta(months=months))
        for row in self.rows("web.connection_logs"):
            day = self.day_of(row["logged_at"], ZoneInfo("UTC"))
            self.keep("web/web.connection_logs/RET-4", "connection", row["visitor_id"], day, year)
        for row in self.rows("web.security_events"):
            months = relativedelta(months=min(row["keep_months"], 12))
            self.keep(
                "web/web.security_events/RET-4",
                "connection",
                row["visitor_id"],
                self.day_of(row["occurred_at"]),
                months,
            )

    def _visits(self) -> None:
        groups = (
            ("RET-3", "geolocation", "lat", 2),
            ("RET-4", "connection", "ip", 12),
            ("RET-5", "cookie", "cookie_id", 13),
            ("LAW-CKY-2", "cookie", "cookie_id", 25),
        )
        for row in self.rows("web.visits"):
            day = self.day_of(row["visited_at"])
            for control, category, column, months in groups:
                check = f"web/web.visits/{control}"
                if row[column] is None:
                    self.put(check, "out_of_scope")
                else:
                    self.keep(check, category, row["visitor_id"], day, relativedelta(months=months))

    def _billing(self) -> None:
        paid: dict[Any, list[date]] = defaultdict(list)
        owner = {row["id"]: row["user_id"] for row in self.rows("app.invoices")}
        for row in self.rows("app.payments"):
            paid[row["invoice_id"]].append(row["paid_on"])
            self._financial(
                "app/app.payments/RET-2", row, row["payer_legal_form"], row["paid_on"], owner[row["invoice_id"]]
            )
        for row in self.rows("app.invoices"):
            last = max(paid[row["id"]], default=None)
            self._financial("app/app.invoices/RET-2", row, row["client_legal_form"], last, row["user_id"])
        for row in self.rows("app.bank_details"):
            self._financial(
                "app/app.bank_details/RET-2", row, row["holder_legal_form"], row["last_used_at"], row["user_id"]
            )

    def _financial(self, check: str, row: Mapping[str, Any], form: str, moment: Any, subject: Any) -> None:
        day = self.day_of(moment)
        if form not in ("EI", "micro"):
            self.put(check, "out_of_scope")
        elif day and not self.is_over(day, relativedelta(years=10)) and self.is_over(day, relativedelta(years=5)):
            self.put(check, "compliant" if row["legal_basis_ref"] else "undecidable")
        else:
            self.keep(check, "financial", subject, day, relativedelta(years=10))

    def _deletion(self) -> None:
        tickets = {row["id"]: row["user_id"] for row in self.rows("app.support_tickets")}
        marks: Iterable[tuple[str, str, Callable[[Mapping[str, Any]], Any]]] = (
            ("app.users", "professional_identity", lambda row: row["id"]),
            ("app.ticket_messages", "connection", lambda row: tickets[row["ticket_id"]]),
            ("web.visitors", "*", lambda row: row["id"]),
        )
        for table, category, subject in marks:
            check = f"{table.partition('.')[0]}/{table}/DEL-1"
            for row in self.rows(table):
                if row["deleted_at"] is None:
                    self.put(check, "compliant")
                else:
                    self.keep(check, category, subject(row), self.day_of(row["deleted_at"]), relativedelta(days=30))
        for row in self.rows("app.social_comments"):
            self.put("app/app.social_comments/DEL-1", "undecidable" if row["is_deleted"] else "compliant")

    def _holds(self) -> None:
        users = {row["id"] for row in self.rows("app.users")}
        for store, owner in (("app", "user_id"), ("web", "visitor_id")):
            for row in self.rows(f"{store}.legal_holds"):
                known = store == "web" or row[owner] in users
                ended = row["released_at"] and row["released_at"] < row["started_at"]
                orderly = known and (row["matter_ref"] or "").strip() and not ended
                state = "undecidable" if row["started_at"] > self.as_of else "compliant" if orderly else "violating"
                self.put(f"{store}/{store}.legal_holds/HLD-1", state, row[owner])

    def _uses(self) -> Iterator[tuple[str, Any, datetime | None]]:
        """Check, person and instant of each use of the service; no instant when it cannot be a fact."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        for row in self.rows("app.users"):
            yield "users", row["id"], row["created_at"]
        for row in self.rows("app.positions"):
            yield "positions", row["user_id"], row["recorded_at"]
        for row in self.rows("app.sessions"):
            yield "sessions", row["user_id"], epoch + timedelta(milliseconds=row["started_ms"])
        for row in self.rows("app.downloads"):
            yield "downloads", row["user_id"], row["downloaded_at"].replace(tzinfo=PARIS)
        for row in self.rows("app.newsletter_subscriptions"):
            yield "newsletter_subscriptions", row["user_id"], row["subscribed_at"].replace(tzinfo=PARIS)
        for table, clock in (
            ("support_tickets", "opened_at"),
            ("social_comments", "posted_at"),
            ("processing_events", "at"),
        ):
            for row in self.rows(f"app.{table}"):
                yield table, row["user_id"], row[clock]

    def _minors(self) -> None:
        births = {row["id"]: row["birth_date"] for row in self.rows("app.users")}
        consents: dict[Any, Rows] = defaultdict(list)
        for row in self.rows("app.guardian_consents"):
            consents[row["user_id"]].append(row)
        for table, person, moment in self._uses():
            check, day, born = f"app/app.{table}/MIN-1", self.day_of(moment), births.get(person)
            if day is None or born is None or born in DEFAULT_BIRTHS or born > self.today or moment is None:
                self.put(check, "undecidable")
            elif _age(born, day) >= 15 or any(
                row["received_at"] < moment and (row["revoked_at"] is None or row["revoked_at"] > moment)
                for row in consents[person]
            ):
                self.put(check, "compliant")
            else:
                self.put(check, "violating", person)

    def _form(self) -> None:
        children: dict[str, set[Any]] = defaultdict(set)
        for row in self.rows("app.guardian_consents"):
            children[row["guardian"].strip().lower()].add(row["user_id"])
        for row in self.rows("app.guardian_consents"):
            formal = row["channel"] == "email" and (row["mailbox"] or "").lower() == "dpo@spimed-ai.com"
            formal = formal and bool(row["message_id"]) and bool(row["proof_sha256"])
            many = formal and len(children[row["guardian"].strip().lower()]) > 10
            unsure = many or row["received_at"] > self.as_of
            state = "undecidable" if unsure else "compliant" if formal else "violating"
            self.put("app/app.guardian_consents/MIN-2", state, row["user_id"])

    def _geo(self) -> None:
        events: dict[Any, Rows] = defaultdict(list)
        for row in self.rows("app.consent_events"):
            if _purpose(row) in (None, "geolocation"):
                events[row["user_id"]].append(row)
        for row in self.rows("app.positions"):
            state = self._located(row, events[row["user_id"]], events[None])
            self.put("app/app.positions/GEO-1", state, row["user_id"])
        intervals: dict[Any, Rows] = defaultdict(list)
        for row in self.rows("web.consent_intervals"):
            if _purpose(row) in (None, "geolocation"):
                intervals[row["visitor_id"]].append(row)
        for row in self.rows("web.visits"):
            self.put("web/web.visits/GEO-1", self._covered(row, intervals[row["visitor_id"]]), row["visitor_id"])

    def _located(self, position: Mapping[str, Any], own: Rows, anyones: Rows) -> str:
        """What the last word before it says; unknown where a word that cannot be read may have come after."""
        moment = position["recorded_at"]
        if self.day_of(moment) is None or position["user_id"] is None:
            return "undecidable"
        if any(self.day_of(event["at"]) is None for event in own):
            return "undecidable"
        before = [(event["at"], event["action"]) for event in own if _purpose(event) and event["at"] <= moment]
        # Of two at once the withdrawal wins: "withdraw" sorts after "grant".
        last, word = max(before, default=(moment, "withdraw"))
        unclear = [event for event in own if not _purpose(event) and event["at"] <= moment]
        if word == "grant":
            perhaps = [event for event in (*unclear, *anyones) if event["action"] == "withdraw"]
            return "undecidable" if any(last <= event["at"] <= moment for event in perhaps) else "compliant"
        return "undecidable" if any(event["action"] == "grant" for event in unclear) else "violating"

    def _covered(self, visit: Mapping[str, Any], intervals: Rows) -> str:
        moment = visit["visited_at"]
        if visit["lat"] is None:
            return "out_of_scope"
        if self.day_of(moment) is None:
            return "undecidable"
        covered = [
            _purpose(row)
            for row in intervals
            if row["granted_at"] <= moment and (row["withdrawn_at"] is None or moment < row["withdrawn_at"])
        ]
        return "violating" if not covered else "compliant" if any(covered) else "undecidable"


def _purpose(row: Mapping[str, Any]) -> str | None:
    """In small letters and without blanks around it; None where it says nothing."""
    return (row["purpose"] or "").strip().lower() or None


def _age(born: date, day: date) -> int:
    """Whole years on a day; born on 29 February, years are full on 1 March of a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
