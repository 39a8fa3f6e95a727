"""The script of the sixty nights as plain values: what `sixty_nights.yaml` says, night by night.

The table names a finding on the nights on which something about it differs from the night before. On all other nights
it stands as it stood: open, with the same rows, without a change; and one that was resolved is no longer there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FIRST_NIGHT = date(2026, 9, 20)
_STANDS = re.compile(
    r"(?P<status>new|open|reopened|resolved)(?: (?P<rows>\d+))?(?: \+ (?P<undecided>\d+) undecided)?"
    r"(?: under (?P<waiver>\S+))?(?:, (?P<rest>.+))?"
)
_MARKS = ("unseen", "braked")
"""What the table says of a finding beside its changes."""


@dataclass(frozen=True)
class Finding:
    """What never changes about a finding."""

    check: str
    first_seen: date
    due_by: date
    kind: str = "nonconformity"


@dataclass(frozen=True)
class Stands:
    """How a finding stands after a night."""

    status: str
    rows: int = 0
    """In breach."""
    undecided: int = 0
    waiver: str = ""
    changes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: str) -> Stands:
        """`open 20 under W-cookies, waived`, `new 0 + 1 undecided, found`, `resolved 3, renamed`."""
        found = _STANDS.fullmatch(words)
        assert found, f"no such standing: {words}"
        rest = tuple((found["rest"] or "").split(", ")) if found["rest"] else ()
        changes = tuple(word for word in rest if word not in _MARKS)
        marks = tuple(word for word in rest if word in _MARKS)
        if found["status"] == "resolved" and not changes:
            changes = ("resolved",)
        rows, undecided = (int(found[name] or 0) for name in ("rows", "undecided"))
        return cls(found["status"], rows, undecided, found["waiver"] or "", changes, marks)


@dataclass(frozen=True)
class Told:
    """One message."""

    subject: str
    """Without the words that every subject begins with, and without the day at its end."""
    tells: dict[str, str] = field(default_factory=dict)
    """Finding to its changes."""
    open: list[str] | None = None
    """What the weekly digest lists beside; None without a digest."""
    unseen: list[str] = field(default_factory=list)
    """What the digest says that nobody could look at."""
    notes: list[str] = field(default_factory=list)
    nights: list[int] = field(default_factory=list)
    """The nights it tells, where it is not tonight alone."""


@dataclass(frozen=True)
class Night:
    """One night of the script."""

    number: int
    does: tuple[tuple[str, Any], ...]
    """Events in the company, each with its argument: None without one."""
    people: tuple[tuple[str, Any], ...]
    """What people do about the audit."""
    stands: dict[str, Stands]
    """Every finding that stands, or went tonight."""
    told: dict[str, Told]
    """Recipient, or `recipient by channel`, to the message."""
    tickets: dict[str, str]
    gate: str
    hears: str
    charts: dict[str, dict[str, str]]

    @property
    def day(self) -> date:
        """Its civil day in Paris."""
        return FIRST_NIGHT + timedelta(days=self.number - 1)


@dataclass(frozen=True)
class Script:
    """The whole table."""

    findings: dict[str, Finding]
    waivers: dict[str, dict[str, Any]]
    nights: tuple[Night, ...]

    @classmethod
    def read(cls, path: Path) -> Script:
        """The table of a file. Each night's heading says number and day; both must be right."""
        table = YAML(typ="safe").load(path)
        findings = {name: Finding(**entry) for name, entry in table["findings"].items()}
        return cls(findings, table["waivers"], tuple(_nights(table["nights"], findings)))


def _nights(entries: Mapping[str, Mapping[str, Any] | None], findings: Mapping[str, Finding]) -> Iterator[Night]:
    stands: dict[str, Stands] = {}
    for number, (heading, entry) in enumerate(entries.items(), 1):
        said = entry or {}
        stands = {name: _next(one) for name, one in stands.items() if one.status != "resolved"}
        stands |= {name: Stands.parse(words) for name, words in said.get("stands", {}).items()}
        assert set(stands) <= set(findings)
        night = Night(
            number=number,
            does=tuple(map(_event, said.get("does", []))),
            people=tuple(map(_event, said.get("people", []))),
            stands=stands,
            told={name: Told(**message) for name, message in said.get("told", {}).items()},
            tickets=said.get("tickets", {}),
            gate=said.get("gate", ""),
            hears=said.get("hears", ""),
            charts=said.get("charts", {}),
        )
        assert heading == f"{number} {night.day:%a %-d %b}", heading
        yield night


def _next(one: Stands) -> Stands:
    """How it stands on the night after, when nothing happens."""
    return replace(one, status="open", changes=())


def _event(event: Any) -> tuple[str, Any]:
    if isinstance(event, str):
        return event, None
    ((name, argument),) = event.items()
    return name, argument
