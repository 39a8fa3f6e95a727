"""The format of `expectations/policy.yaml`: headings and quotes in the order of the text, controls, conflicts."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from privacy_audit.config.map_fields import Line, MapPart, Zone
from privacy_audit.config.map_fields import line as _line
from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.promises import Automation


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
"""Id of a clause, as `retention.geolocation`."""
ControlId = Annotated[str, _spelt("[A-Z]{2,8}-[1-9][0-9]?", "the id of a control", "Write it as RET-3.")]
LawId = Annotated[
    str, _spelt("LAW-[A-Z]{2,8}-[1-9][0-9]?", "the id of a rule of the law", "Write it as LAW-DSR-3, beside DSR-3.")
]
"""Id of a rule of the law, as `LAW-DSR-3`, beside `DSR-3`."""
"""Id of a control, as `RET-3`. It never changes."""
AnyControlId = Annotated[
    str, _spelt("(LAW-)?[A-Z]{2,8}-[1-9][0-9]?", "the id of a control", "Write it as RET-3, or LAW-DSR-3.")
]
"""Id of a control, as `RET-3`, or of a rule of the law, as `LAW-DSR-3`."""
ConflictId = Annotated[str, _spelt("G[1-9][0-9]?", "the id of a conflict", "Write it as G3.")]
"""Id of a conflict, as `G3`."""
Sha256 = Annotated[str, _spelt("[0-9a-f]{64}", "a SHA-256 digest", "Write its 64 digits, in quotes.")]
"""A SHA-256 digest, its 64 digits in quotes."""
Quote = Annotated[str, AfterValidator(_quote)]
"""Words of the policy as they stand there; only blanks and line breaks may differ."""
Prose = Annotated[str, Field(max_length=1000), AfterValidator(_quote)]
"""A few sentences for people."""


def _plain(value: Any, depth: int = 0) -> Any:
    """Texts, whole numbers, yes and no, and lists and mappings of them: what a reviewer can read in a diff."""
    match value:
        case str():
            return _line(value)
        case bool() | int() if depth:
            return value
        case bool() | int():
            raise ValueError(f"must be text, not the number {value}. Put it in quotes.")
        case list() if depth < _DEEPEST:
            return [_plain(item, depth + 1) for item in value]
        case dict() if depth < _DEEPEST:
            return {name: _plain(item, depth + 1) for name, item in value.items()}
    raise ValueError("A parameter is a text, a whole number, yes or no, or a list or mapping of them.")


_DEEPEST = 5
Parameter = Annotated[Any, AfterValidator(_plain)]
"""What a kind of control asks for. The kind says in which form (`controls/<kind>.py`)."""


class SourceText(MapPart):
    """The text of the policy, as a file of its own."""

    file: Literal["policy.txt"]
    """Name of the text, beside the policy."""
    sha256: Sha256
    """Digest of that file: the policy is refused when the text was changed."""


class ClauseEntry(MapPart):
    """One sentence of the policy, or the part of one that can be judged by itself."""

    quote: Quote
    """The sentence, word for word."""
    automation: Automation
    """How far it is audited."""
    reason: Line | None = None
    """What is missing, or why no database can show it; needed where no control computes the clause."""

    @model_validator(mode="after")
    def _says_why_not(self) -> ClauseEntry:
        gap = self.automation in (Automation.NOT_YET_AUTOMATED, Automation.NOT_CHECKABLE)
        if gap and self.reason is None:
            raise ValueError(f"A clause that is {self.automation.value} needs a `reason`: what is missing?")
        if self.automation is Automation.CONTROL and self.reason is not None:
            raise ValueError("A clause that a control computes needs no `reason`. Split it, if part of it is a gap.")
        return self


class PolicySection(MapPart):
    """What stands below one heading of the policy, in the order of the text. A line of navigation has no clauses."""

    heading: Quote
    """The policy's own heading."""
    clauses: dict[ClauseId, ClauseEntry] = {}
    """An id to each sentence that can be judged by itself, in the order of the text."""


class ControlEntry(MapPart):
    """A promise made computable; `controls/<kind>.py` says how."""

    kind: Line
    """The control kind that computes it."""
    title: Line
    """The promise as one short sentence, as reports show it."""
    severity: Severity
    """How bad it is when the promise is broken."""
    clauses: tuple[str, ...] = Field(min_length=1)
    """Ids of the clauses that it computes."""
    legal_basis: tuple[Line, ...] = Field(min_length=1)
    """Articles of the law, as `GDPR art. 5(1)(e)`."""
    effective_from: date
    """First civil day, in the policy's zone, on which it is promised."""
    effective_to: date | None = None
    """Last such day; without one it is promised until further notice."""
    categories: tuple[Category, ...] = ()
    """Categories of personal data that it is about; empty when it is about none."""
    parameters: dict[str, Parameter] = {}
    """What the kind needs to know; each kind names its own."""
    formerly: tuple[AnyControlId, ...] = ()
    """Ids it had before, so that its findings go on."""
    fix: Prose | None = None
    """How to close a finding, where the kind serves many promises and cannot say it."""


class SourceEntry(MapPart):
    """Where the law says it, and who read it there."""

    where: Line
    """The article, as `Regulation (EU) 2016/679, art. 12(3)`."""
    quote: Prose
    """The words, or what they amount to."""
    checked_on: date
    """Day on which somebody read it there."""
    checked_by: Line
    """Who read it."""


class LawEntry(ControlEntry):
    """A rule of the law made computable, in the same words as a control. `clauses` are those it is beside."""

    clauses: tuple[str, ...] = ()
    source: SourceEntry
    """Where the law says it."""


class ConflictEntry(MapPart):
    """Where the policy differs from itself or from the law."""

    policy: Prose
    """What the policy says."""
    law: Prose
    """What the law says, or what the policy says elsewhere."""
    consequence: Prose
    """What the audit does about it."""
    controls: tuple[AnyControlId, ...] = ()
    """Controls of the policy and rules of the law whose outcomes are told beside it."""


class LawFile(MapPart):
    """The whole of `expectations/law.yaml`: what the law asks, with a version and first days of its own."""

    version: Line
    """Version of this file; reports name it."""
    title: Line
    """Name of the pack, as reports show it."""
    effective_from: date
    """First civil day on which it is audited."""
    rules: dict[LawId, LawEntry] = Field(min_length=1)
    """An id to each rule."""


class PolicyFile(MapPart):
    """The whole file."""

    version: Line
    """Version of the policy, as its readers know it."""
    title: Line
    """Name of the policy, as reports show it."""
    effective_from: date
    """First civil day on which this version is in force."""
    effective_to: date | None = None
    """Last such day; without one it is in force until further notice."""
    zone: Zone
    """Zone whose civil dates the policy speaks of."""
    source: SourceText
    """The text from which this file was made."""
    sections: tuple[PolicySection, ...] = Field(min_length=1)
    """The whole text, heading by heading: nothing of it may be left out."""
    controls: dict[ControlId, ControlEntry] = Field(min_length=1)
    """An id to each promise that is computed."""
    conflicts: dict[ConflictId, ConflictEntry] = {}
    """An id to each place where the policy differs from itself or from the law."""
