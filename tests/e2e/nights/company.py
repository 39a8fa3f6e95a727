"""The company of the sixty nights: the demo's real tables with a few rows in them, each of which is known.

Ten positions arrive each day, and a purge of the company's own deletes them each night when their two months are over.
Everything else that happens is a method here, called by the script in the words of its name: `old cookies: 20`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg2
import sqlalchemy as sa

from demo.background import sql

STORES = ("app", "web")
HERE = Path(__file__).parent

_TODAY = "%(today)s::date"
_OVERDUE = f"(recorded_at AT TIME ZONE 'Europe/Paris')::date + interval '2 months' < {_TODAY}"
_HELD = "user_id IN (SELECT user_id FROM app.legal_holds WHERE category = 'geolocation' AND released_at IS NULL)"
_NOON = f"({_TODAY} - 1 + time '12:00') AT TIME ZONE 'Europe/Paris'"
"""Of the day before the night."""


class Company:
    """Two databases, and what becomes of them from night to night."""

    def __init__(self, databases: dict[str, str]) -> None:
        self._databases = databases
        self._role, self._password = f"auditor_{uuid4().hex[:12]}", uuid4().hex
        self._purge_works = True
        self._purged_at_most: int | None = None
        self.today = date.min
        """Civil day of the night: what happens, happens on the day before it."""

    @classmethod
    @contextmanager
    def opened(cls, databases: dict[str, str], first_night: date) -> Iterator[Company]:
        """The company on the evening before its first night; its role is gone afterwards."""
        company = cls(databases)
        company._found(first_night)
        try:
            yield company
        finally:
            for store in STORES:
                company._run(store, f"DROP OWNED BY {company._role}")
            company._run("app", f"DROP ROLE {company._role}")

    def connection(self, store: str) -> str:
        """The address of a store for its auditor, as an Airflow connection."""
        url = sa.make_url(self._databases[store]).set(username=self._role, password=self._password)
        return url.set(drivername="postgresql").render_as_string(hide_password=False)

    def work(self) -> None:
        """What happens on every day: ten positions arrive, and the purge runs unless it is broken."""
        self._positions(self.today - timedelta(days=1), self.today - timedelta(days=1))
        if self._purge_works:
            due = f"SELECT id FROM app.positions WHERE {_OVERDUE} AND NOT ({_HELD}) ORDER BY recorded_at, id"
            self._run("app", f"DELETE FROM app.positions WHERE id IN ({due} LIMIT %(most)s)", most=self._purged_at_most)

    # The purge of positions

    def the_purge_stops(self) -> None:
        self._purge_works = False

    def the_purge_works_again(self) -> None:
        self._purge_works, self._purged_at_most = True, None

    def the_purge_works_off_its_backlog_each_night(self, rows: int) -> None:
        self._purge_works, self._purged_at_most = True, rows

    def a_legal_hold_on_basile(self) -> None:
        hold = "INSERT INTO app.legal_holds (user_id, category, matter_ref, started_at) VALUES"
        self._run("app", f"{hold} (2, 'geolocation', 'TJ Paris 26/0002', {_NOON})")

    def the_hold_is_released(self) -> None:
        self._run("app", f"UPDATE app.legal_holds SET released_at = {_NOON} WHERE user_id = 2")

    # Other rows of the product

    def positions_without_consent(self, rows: int) -> None:
        into = "INSERT INTO app.positions (user_id, recorded_at, lat, lon)"
        self._run("app", f"{into} SELECT 3, {_NOON}, 48.85, 2.35 FROM generate_series(1, %(rows)s)", rows=rows)

    def positions_without_consent_are_deleted(self) -> None:
        self._run("app", "DELETE FROM app.positions WHERE user_id = 3")

    def a_device_nobody_knows_when_it_was_seen(self) -> None:
        self._run("app", "INSERT INTO app.devices (user_id, label, last_ip) VALUES (2, 'old phone', '203.0.113.3')")

    def the_device_turns_out_to_be_from_2024(self) -> None:
        seen = "extract(epoch FROM timestamptz '2024-05-01 10:00+02')"
        self._run("app", f"UPDATE app.devices SET last_seen_s = {seen} WHERE label = 'old phone'")

    def the_address_of_the_device_is_emptied(self) -> None:
        self._run("app", "UPDATE app.devices SET last_ip = NULL WHERE label = 'old phone'")

    def old_downloads(self, rows: int) -> None:
        into = "INSERT INTO app.downloads (user_id, document, ip, downloaded_at)"
        row = "2, 'old.pdf', inet '203.0.113.3', timestamp '2025-08-20 10:00'"
        self._run("app", f"{into} SELECT {row} FROM generate_series(1, %(rows)s)", rows=rows)

    def the_table_of_downloads_is_renamed(self) -> None:
        self._run("app", "ALTER TABLE app.downloads RENAME TO document_downloads")

    def old_downloads_are_deleted(self) -> None:
        self._run("app", "DELETE FROM app.document_downloads WHERE document = 'old.pdf'")

    def old_sessions(self, rows: int) -> None:
        into = "INSERT INTO app.sessions (user_id, ip, user_agent, started_ms)"
        row = "2, inet '203.0.113.3', 'old', 1000 * extract(epoch FROM timestamptz '2025-08-20 10:00+02')"
        self._run("app", f"{into} SELECT {row} FROM generate_series(1, %(rows)s)", rows=rows)

    def all_but_so_many_old_sessions_are_deleted(self, rows: int) -> None:
        old = "SELECT id FROM app.sessions WHERE user_agent = 'old' ORDER BY id OFFSET %(rows)s"
        self._run("app", f"DELETE FROM app.sessions WHERE id IN ({old})", rows=rows)

    # The web site

    def old_cookies(self, rows: int) -> None:
        into = "INSERT INTO web.cookies (visitor_id, name, value, first_set_at)"
        row = "1, 'old ' || gen_random_uuid(), 'old', timestamptz '2025-08-10 10:00+02'"
        self._run("web", f"{into} SELECT {row} FROM generate_series(1, %(rows)s)", rows=rows)

    def old_cookies_are_deleted(self) -> None:
        self._run("web", "DELETE FROM web.cookies WHERE value = 'old'")

    def old_log_lines(self, rows: int) -> None:
        into = "INSERT INTO web.connection_logs (ip, method, path, status, logged_at)"
        row = "inet '203.0.113.3', 'GET', '/old', 200, timestamp '2025-08-01 10:00'"
        self._run("web", f"{into} SELECT {row} FROM generate_series(1, %(rows)s)", rows=rows)

    def one_old_log_line_is_deleted(self) -> None:
        one = "SELECT min(id) FROM web.connection_logs WHERE path = '/old'"
        self._run("web", f"DELETE FROM web.connection_logs WHERE id = ({one})")

    def old_log_lines_are_deleted(self) -> None:
        self._run("web", "DELETE FROM web.connection_logs WHERE path = '/old'")

    # How it began

    def _found(self, first_night: date) -> None:
        self._run("app", f"CREATE ROLE {self._role} LOGIN PASSWORD '{self._password}'")
        for store in STORES:
            self._run(store, sql(f"{store}_schema.sql"))
            if store == "app":
                self._run(store, "CREATE TABLE app.positions_all PARTITION OF app.positions DEFAULT")
            self._run(store, (HERE / "stores" / f"{store}.sql").read_text())
            self._run(store, sql(f"{store}_indexes.sql").replace(f"auditor_{store}", self._role))
        self._positions(date(2026, 7, 20), first_night - timedelta(days=2))
        self._run("app", "UPDATE app.positions SET user_id = 2 WHERE recorded_at BETWEEN '2026-08-01' AND '2026-08-05'")

    def _positions(self, first: date, last: date) -> None:
        """Ten of Amal's on each day, at noon."""
        noon = "(day::date + time '12:00') AT TIME ZONE 'Europe/Paris'"
        days = "generate_series(%(first)s::timestamp, %(last)s, '1 day') AS day, generate_series(1, 10)"
        into = "INSERT INTO app.positions (user_id, recorded_at, lat, lon)"
        self._run("app", f"{into} SELECT 1, {noon}, 48.85, 2.35 FROM {days}", first=first, last=last)

    def _run(self, store: str, statement: str, **values: object) -> None:
        url = sa.make_url(self._databases[store]).set(drivername="postgresql").render_as_string(hide_password=False)
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, {"today": self.today, **values} if "%(" in statement else None)
