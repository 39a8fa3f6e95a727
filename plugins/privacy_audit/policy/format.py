"""The format of `expectations/policy.yaml`: headings and quotes in the order of the text, controls, conflicts."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from privacy_audit.model import Automation, Category, Severity
from privacy_audit.store_map import Line, Part, Zone


def _id(pattern: str, what: str, example: str) -> AfterValidator:
    """A rule for ids: they go into reports, file names and links, and never change."""

    def check(name: str) -> str:
        if not re.fullmatch(pattern, name):
            raise ValueError(f'"{name[:80]}" is not the id of a {what}. Write it as {example}.')
        return name

    return AfterValidator(check)


def words_of(text: str) -> str:
    """The text with each run of blanks and line breaks as one space: how texts are compared word for word."""
    return " ".join(text.split())


def _quote(text: str) -> str:
    words = words_of(text)
    if not any(char.isalnum() for char in words):
        raise ValueError("This quotes nothing. Copy the words of the policy.")
    return words


ClauseId = Annotated[str, _id(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", "clause", "retention.geolocation")]
ControlId = Annotated[str, _id("[A-Z]{2,8}-[1-9][0-9]?", "control", "RET-3")]
ConflictId = Annotated[str, _id("G[1-9][0-9]?", "conflict", "G3")]
Quote = Annotated[str, AfterValidator(_quote)]
"""Words of the policy as they stand there; only blanks and line breaks may differ."""
Prose = Annotated[str, Field(max_length=1000), AfterValidator(_quote)]
"""A few sentences for people."""


class Source(Part):
    """The text of the policy, as a file of its own."""

    file: Literal["policy.txt"]
    sha256: Annotated[str, Field(min_length=64, max_length=64)]


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
