"""The format of `expectations/handling.yaml`: by when findings are to be closed, who is told, what a waiver may be.

Every part has a default, so the file may be absent or name only what differs.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator, model_validator

from privacy_audit.config.map_fields import Line, MapPart, Name
from privacy_audit.config.yaml import documents
from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.periods import Period

FILE = "handling.yaml"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    def last_on_or_before(self, day: date) -> date:
        """The latest such weekday that is not after the day."""
        return day - timedelta(days=(day.weekday() - list(Weekday).index(self)) % 7)


class NotifiedPerson(MapPart):
    """Somebody who is told, and the Airflow connection that lists their channels."""

    owner: Line
    """Name of the person or team, as messages show it."""
    alert: Name
    """Airflow connection that lists their channels."""


class Route(NotifiedPerson):
    """A recipient beside the owner of the store, for findings of some categories and severities."""

    categories: tuple[Category, ...] = ()
    """Empty: of all."""
    severities: tuple[Severity, ...] = ()
    """Empty: of all."""

    @model_validator(mode="after")
    def _narrows(self) -> Route:
        if not (self.categories or self.severities):
            raise ValueError("A route names `categories`, `severities` or both: what is it for?")
        return self


class Alerts(MapPart):
    """When people are told, beside what is new, worse or gone."""

    growth_percent: int = Field(default=20, ge=1, le=1000)
    """Rows must have grown by more than this since they were last told."""
    waiver_warning_days: int = Field(default=14, ge=1, le=60)
    """Days before the end of a waiver on which its end is announced."""
    digest_on: Weekday = Weekday.MONDAY
    """Day of the weekly digest."""
    jump_factor: int = Field(default=10, ge=2, le=1000)
    """Rows beyond so many times their median of the last nights are a jump ..."""
    jump_rows: int = Field(default=1000, ge=1)
    """... when they are at least so many."""


_MOST_DAYS = 3660
_DUE = {Severity.CRITICAL: 7, Severity.HIGH: 30, Severity.MEDIUM: 90, Severity.LOW: 120}
_WAIVER = {Severity.CRITICAL: 14, Severity.HIGH: 90, Severity.MEDIUM: 180, Severity.LOW: 365}


class RecordPeriods(MapPart):
    """How long the audit keeps what it wrote: the DAG `privacy_audit_maintenance` applies it, META-5 audits it."""

    audits: str = "P3Y"
    """Audits with their results, standings and decisions."""
    reports: str = "P3Y"
    """Folders of reports."""
    validations: str = "P3M"
    """What Great Expectations wrote of each audit."""
    messages: str = "P1Y"
    """Alerts that were sent."""

    @field_validator("*")
    @classmethod
    def _is_a_period(cls, text: str) -> str:
        return str(Period.parse(text))


class Handling(MapPart):
    """The whole file."""

    due_days: dict[Severity, int] = Field(default_factory=dict, validate_default=True)
    """Days from the night on which a finding was first seen to the last day for closing it."""
    waiver_days: dict[Severity, int] = Field(default_factory=dict, validate_default=True)
    """The longest a waiver may last, from its grant to its end."""
    alerts: Alerts = Alerts()
    """When people are told."""
    platform: NotifiedPerson | None = None
    """Told of what was not audited; the owners of the stores are, where there is none."""
    compliance: NotifiedPerson | None = None
    """Told of loosened promises and of waivers."""
    routes: tuple[Route, ...] = ()
    """Recipients beside the owners."""
    records: RecordPeriods = RecordPeriods()
    """How long the audit keeps its own records."""

    @field_validator("due_days", "waiver_days")
    @classmethod
    def _are_days(cls, days: dict[Severity, int], info: ValidationInfo) -> dict[Severity, int]:
        if not all(1 <= one <= _MOST_DAYS for one in days.values()):
            raise ValueError(f"Days are whole numbers from 1 to {_MOST_DAYS}.")
        return {**(_DUE if info.field_name == "due_days" else _WAIVER), **days}

    def due_by(self, first_seen: date, severity: Severity) -> date:
        """The last civil day for closing a finding of that severity, first seen on that day."""
        return first_seen + timedelta(days=self.due_days[severity])


def read(expectations: Path) -> Handling:
    """What the file of a folder of expectations says; the defaults when there is none."""
    path = expectations / FILE
    return documents.read(path, Handling, root=expectations.parent).value if path.exists() else Handling()
