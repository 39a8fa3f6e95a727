"""Rows, days, holds and counts for the oracle: what it needs before it can speak of promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from dateutil.relativedelta import relativedelta
from psycopg2.extras import DictCursor

PARIS = ZoneInfo("Europe/Paris")
FOUNDED = date(2001, 1, 1)
Rows = list[Mapping[str, Any]]


@dataclass
class Found:
    """What the oracle counted for one check."""

    states: Counter[str] = field(default_factory=Counter)
    subjects: set[Any] = field(default_factory=set)
    late_holds: int = 0


class Court:
    """The two databases at T."""

    def __init__(self, app: str, web: str, as_of: datetime) -> None:
        self.urls = {"app": app, "web": web}
        self.as_of = as_of
        self.today = as_of.astimezone(PARIS).date()
        self.found: dict[str, Found] = defaultdict(Found)
        self.cache: dict[str, Rows] = {}

    def rows(self, table: str) -> Rows:
        """All rows of a table, infinite moments as the ends of the calendar."""
        if table not in self.cache:
            with (
                psycopg2.connect(self.urls[table.partition(".")[0]]) as connection,
                connection.cursor(cursor_factory=DictCursor) as cursor,
            ):
                cursor.execute("SET TIME ZONE 'UTC'")
                cursor.execute(f"SELECT * FROM {table}")
                self.cache[table] = [dict(row) for row in cursor.fetchall()]
            connection.close()
        return self.cache[table]

    def put(self, check: str, state: str, subject: Any = None) -> None:
        """Count one row."""
        found = self.found[check]
        found.states[state] += 1
        if state == "violating" and subject is not None:
            found.subjects.add(subject)

    def day_of(self, moment: Any, zone: ZoneInfo = PARIS) -> date | None:
        """The civil day in Paris; None when nobody can say or when it cannot be a fact."""
        if moment is None:
            return None
        if isinstance(moment, datetime):
            if moment.year in (1, 9999):
                return None
            instant = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            day = instant.astimezone(PARIS).date()
            return None if instant > self.as_of or day < FOUNDED else day
        return None if not FOUNDED <= moment <= self.today else moment

    def is_over(self, day: date, period: relativedelta) -> bool:
        """Whether the last day has passed."""
        return day + period < self.today

    def hold_since(self, store: str, subject: Any, *categories: str) -> date | None:
        """The day on which the earliest hold in force on somebody's data began."""
        owner = "user_id" if store == "app" else "visitor_id"
        starts = [
            row["started_at"].astimezone(PARIS).date()
            for row in self.rows(f"{store}.legal_holds")
            if row[owner] == subject
            and row["category"] in ("*", *categories)
            and row["started_at"] <= self.as_of
            and (row["released_at"] is None or row["released_at"] > self.as_of)
        ]
        return min(starts, default=None)

    def keep(self, check: str, category: str, subject: Any, day: date | None, period: relativedelta) -> None:
        """Judge one row whose period begins on a day."""
        if day is None:
            self.put(check, "undecidable")
        elif not self.is_over(day, period):
            self.put(check, "compliant")
        elif since := self.hold_since(check.partition("/")[0], subject, category):
            self.put(check, "held")
            self.found[check].late_holds += since > day + period
        else:
            self.put(check, "violating", subject)
