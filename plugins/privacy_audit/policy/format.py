"""The format of `expectations/policy.yaml`: headings and quotes in the order of the text, controls, conflicts."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from privacy_audit.model import Automation, Category, Severity
from privacy_audit.store_map import Line, Part, Zone


def _spelt(pattern: str, what: str, way_out: str) -> AfterValidator:
    """A rule for words that go into reports, file names and links."""

    def check(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError(f'"{word[:80]}" is not {what}. {way_out}')
        return word

    return AfterValidator(check)


def words_of(text: str) -> str:
    """The text with each run of blanks and line breaks as one space: how texts are compared word for word."""
    return " ".join(text.split())


def _quote(text: str) -> str:
    words = words_of(text)
    if not any(char.isalnum() for char in words):
        raise ValueError("This quotes nothing. Copy the words of the policy.")
    return words


ClauseId = Annotated[
    str, _spelt(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", "the id of a clause", "Write it as retention.geolocation.")
]
ControlId = Annotated[str, _spelt("[A-Z]{2,8}-[1-9][0-9]?", "the id of a control", "Write it as RET-3.")]
ConflictId = Annotated[str, _spelt("G[1-9][0-9]?", "the id of a conflict", "Write it as G3.")]
Sha256 = Annotated[str, _spelt("[0-9a-f]{64}", "a SHA-256 digest", "Write its 64 digits, in quotes.")]
Quote = Annotated[str, AfterValidator(_quote)]
"""Words of the policy as they stand there; only blanks and line breaks may differ."""
Prose = Annotated[str, Field(max_length=1000), AfterValidator(_quote)]
"""A few sentences for people."""


class Source(Part):
    """The text of the policy, as a file of its own."""

    file: Literal["policy.txt"]
    sha256: Sha256


class ClauseEntry(Part):
    """One sentence of the policy, or the part of one that can be judged by itself."""

    quote: Quote
    automation: Automation
    reason: Line | None = None

    @model_validator(mode="after")
    def _says_why_not(self) -> ClauseEntry:
        gap = self.automation in (Automation.NOT_YET_AUTOMATED, Automation.NOT_CHECKABLE)
        if gap and self.reason is None:
            raise ValueError(f"A clause that is {self.automation.value} needs a `reason`: what is missing?")
        if self.automation is Automation.CONTROL and self.reason is not None:
            raise ValueError("A clause that a control computes needs no `reason`. Split it, if part of it is a gap.")
        return self


class Section(Part):
    """What stands below one heading of the policy, in the order of the text. A line of navigation has no clauses."""

    heading: Quote
    clauses: dict[ClauseId, ClauseEntry] = {}


class ControlEntry(Part):
    """A promise made computable; `controls/<kind>.py` says how."""

    kind: Line
    title: Line
    severity: Severity
    clauses: tuple[str, ...] = Field(min_length=1)
    legal_basis: tuple[Line, ...] = Field(min_length=1)
    effective_from: date
    effective_to: date | None = None
    categories: tuple[Category, ...] = ()
    parameters: dict[str, Line] = {}
    formerly: tuple[ControlId, ...] = ()
    """Ids it had before, so that its findings go on."""


class ConflictEntry(Part):
    """Where the policy differs from itself or from the law."""

    policy: Prose
    law: Prose
    consequence: Prose


class PolicyFile(Part):
    """The whole file."""

    version: Line
    title: Line
    effective_from: date
    effective_to: date | None = None
    zone: Zone
    source: Source
    sections: tuple[Section, ...] = Field(min_length=1)
    controls: dict[ControlId, ControlEntry] = Field(min_length=1)
    conflicts: dict[ConflictId, ConflictEntry] = {}
