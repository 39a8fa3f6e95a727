"""The policy and the law as frozen values: clauses, controls, packs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from privacy_audit.domain.categories import Category
from privacy_audit.domain.outcomes import Severity


class OwnKind(StrEnum):
    """Kinds of controls about the audit itself. No store has to do with them."""

    OWN_RECORDS = "own_records"
    """It keeps what it wrote no longer than laid down."""
    NIGHTLY = "nightly"
    """It takes place."""


COMPANY = "company"
"""Name under which the company as a whole stands among the stores."""
OWN_RECORDS = "privacy_audit"
"""Name under which the audit's own records stand among them."""
NO_DATABASES = frozenset({COMPANY, OWN_RECORDS})
"""What is told as a store and is none: a control that is answered there concerns no database."""


class Automation(StrEnum):
    """How far a clause is audited."""

    CONTROL = "control"
    """At least one control computes it."""
    NOT_YET_AUTOMATED = "not_yet_automated"
    """It could be computed, and is not: a gap, and said."""
    NOT_CHECKABLE = "not_checkable"
    """No database can show it; the reason is given."""
    INFORMATION = "information"
    """It promises nothing (a heading's answer, an address)."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the privacy policy, quoted word by word."""

    id: str
    """Stable, as `retention.geolocation`."""
    section: str
    """The policy's own heading."""
    quote: str
    automation: Automation
    reason: str = ""
    """Why it is not checkable, or what is missing before it is automated."""


class Pack(StrEnum):
    """Whose rule a control is. The two are versioned apart, and a row may keep one and break the other."""

    POLICY = "policy"
    """What the company's own policy promises."""
    LAW = "law"
    """What the law asks, whether the policy promises it or not."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the law says it, and who read it there."""

    where: str
    """As `Regulation (EU) 2016/679, art. 12(3)`."""
    quote: str
    """The words, or what they amount to."""
    checked_on: date
    checked_by: str


@dataclass(frozen=True, slots=True)
class Control:
    """One promise made computable. Its `kind` names the file in `controls/` that evaluates it."""

    id: str
    """As `RET-3`; never changes."""
    kind: str
    title: str
    """The promise as one short sentence: `Positions are deleted 2 months after they were recorded`."""
    severity: Severity
    clauses: tuple[str, ...]
    """Ids of the clauses it computes."""
    legal_basis: tuple[str, ...]
    """Articles, as `GDPR art. 5(1)(e)`."""
    effective_from: date
    """First civil day (policy's zone) on which it is promised."""
    effective_to: date | None = None
    """Last civil day, or None while it holds."""
    categories: tuple[Category, ...] = ()
    """Categories it speaks of; empty when it is not about a category."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the kind asks for, as `{"period": "P2M"}`: texts, and lists and mappings of them."""
    formerly: tuple[str, ...] = ()
    """Ids it had before: findings filed under them go on under its id."""
    fix: str = ""
    """How to close a finding, where the kind alone cannot say it."""
    pack: Pack = Pack.POLICY
    source: Source | None = None
    """Of a rule of the law."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where the policy differs from itself or from the law. Part of every report."""

    id: str
    policy: str
    law: str
    consequence: str
    """What the audit does about it."""
    controls: tuple[str, ...] = ()
    """Ids of the controls, of the policy or of the law, whose outcomes show what it comes to tonight."""


@dataclass(frozen=True, slots=True)
class Law:
    """A version of what the law asks, as controls. It changes on other days than the policy, and by other hands."""

    version: str
    title: str
    effective_from: date
    digest: str
    """Digest of its file, `expectations/law.yaml`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A version of the privacy policy as clauses and controls, with the law beside which it is read."""

    version: str
    title: str
    effective_from: date
    effective_to: date | None
    zone: str
    """IANA name of the zone whose civil dates the policy speaks of."""
    source_sha256: str
    """Digest of the full text, `expectations/policy.txt`."""
    digest: str
    """Digest of the file that turns the text into controls, `expectations/policy.yaml`."""
    clauses: tuple[Clause, ...]
    controls: tuple[Control, ...]
    """Of the policy, and after them those of the law; `Control.pack` tells them apart."""
    conflicts: tuple[Conflict, ...]
    law: Law | None = None

    def clause(self, clause_id: str) -> Clause:
        """The clause of that id; KeyError when the policy has none."""
        return {clause.id: clause for clause in self.clauses}[clause_id]

    def control(self, control_id: str) -> Control:
        """The control of that id; KeyError when the policy has none."""
        return {control.id: control for control in self.controls}[control_id]
