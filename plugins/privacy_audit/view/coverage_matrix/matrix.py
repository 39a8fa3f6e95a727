"""What the table holds: frozen values and their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import groupby

from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.promises import Clause, Control, Pack
from privacy_audit.view.audit_view import CheckView, StoreView

_SHORT = 90
"""Characters of a clause that its row shows before it is opened."""


class CellState(StrEnum):
    """What became of a clause. In the order in which people are told: what nobody looked at comes first."""

    NOT_AUDITED = "not_audited"
    """Controls compute it, and one of them could not look, or nobody attested."""
    CHECKED = "checked"
    """Its controls looked; the outcome says what they found."""
    ATTESTED = "attested"
    """No database shows it, and somebody's word for it counts today."""
    LAPSED = "lapsed"
    """Somebody's word for it has ended."""
    NOT_APPLICABLE = "not_applicable"
    """There is nothing it could apply to, as owners signed."""
    LATER = "later"
    """Its controls are not in force on the day of the audit."""
    NOT_CHECKABLE = "not_checkable"
    """Nothing can show it; the reason is given."""
    INFORMATION = "information"
    """It promises nothing."""
    GAP = "gap"
    """It could be computed and is not; or nobody says what becomes of it."""


WORDS: dict[CellState, tuple[str, str]] = {
    CellState.NOT_AUDITED: ("not audited", "not audited"),
    CellState.CHECKED: ("checked", "checked"),
    CellState.ATTESTED: ("attested", "attested"),
    CellState.LAPSED: ("attestation ended", "attestations ended"),
    CellState.NOT_APPLICABLE: ("not applicable", "not applicable"),
    CellState.LATER: ("not in force", "not in force"),
    CellState.NOT_CHECKABLE: ("not checkable", "not checkable"),
    CellState.INFORMATION: ("information", "information"),
    CellState.GAP: ("gap", "gaps"),
}
"""What one clause of each state is called, and many."""
SIGNS: dict[CellState, str] = {
    CellState.NOT_AUDITED: "○",
    CellState.CHECKED: "✓",
    CellState.ATTESTED: "✎",
    CellState.LAPSED: "?",
    CellState.NOT_APPLICABLE: "–",  # noqa: RUF001 - a dash on purpose
    CellState.LATER: "…",
    CellState.NOT_CHECKABLE: "×",  # noqa: RUF001 - a sign of its own
    CellState.INFORMATION: "·",
    CellState.GAP: "∅",
}
"""A shape for each, so that colour is never the only difference. Where there is an outcome, its own sign is shown."""
_ALWAYS_SAID = (CellState.CHECKED, CellState.ATTESTED, CellState.NOT_CHECKABLE, CellState.INFORMATION, CellState.GAP)


@dataclass(frozen=True, slots=True)
class ControlOutcome:
    """What the checks of one control amount to over all stores."""

    control: Control
    outcome: Outcome | None
    """None when it was not in force on the day of the audit."""
    checks: tuple[CheckView, ...]
    """The worst first."""

    @property
    def violating(self) -> int:
        """Rows in breach, over all stores."""
        return sum(check.tally.violating for check in self.checks if check.tally)

    @property
    def unlooked(self) -> bool:
        """In force, and without any check: nobody looked anywhere."""
        return self.outcome is not None and not self.checks


class CellText(StrEnum):
    """What a cell says."""

    CHECKED = "checked"
    ATTESTED = "attested"
    NOT_APPLICABLE = "not_applicable"
    UNREAD = "unread"
    """The store could not be read, before anybody knew what to check in it."""
    ELSEWHERE = "elsewhere"
    """Company-wide, and other stores answer it."""
    NOTHING = "nothing"
    """The controls do not concern this store."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What the controls of a row amount to in one store."""

    store: str
    shown: CellText
    outcome: Outcome | None = None
    """Of the worst check; None where no check stands behind the cell."""
    checks: tuple[CheckView, ...] = ()
    """The worst first; without those that do not apply, where others do."""
    elsewhere: tuple[str, ...] = ()
    """Names of the stores that answer."""

    @property
    def until(self) -> date | None:
        """Last civil day on which all that was attested still counts."""
        return earliest_end(self.checks)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A clause in every store, and its verdict."""

    clause: Clause
    state: CellState
    outcome: Outcome | None
    """Over all its controls of the policy and all stores; None where the state alone is the verdict."""
    controls: tuple[ControlOutcome, ...]
    cells: tuple[MatrixCell, ...]
    """One for each store; none where a reason spans the row."""
    reason: str = ""
    """Why there is no outcome; empty when there is one, and when nobody says."""

    @property
    def unstated(self) -> bool:
        """Whether it has neither a verdict nor a reason. No such clause may ever be overlooked."""
        return self.state is CellState.GAP and not self.reason

    @property
    def until(self) -> date | None:
        """Last civil day on which all that was attested for it counts, or counted."""
        return earliest_end(check for told in self.controls for check in told.checks)

    @property
    def short(self) -> str:
        """The beginning of the clause, by whole words."""
        words = " ".join(self.clause.quote.split())
        if len(words) <= _SHORT:
            return words
        return f"{words[:_SHORT].rpartition(' ')[0] or words[:_SHORT]}\u00a0…"


@dataclass(frozen=True, slots=True)
class LawRow:
    """A rule of the law in every store."""

    told: ControlOutcome
    clauses: tuple[Clause, ...]
    """Those beside which it stands."""
    cells: tuple[MatrixCell, ...]


class LawDifference(StrEnum):
    """How a promise and its twin in the law part."""

    LAW_BROKEN = "Kept by the policy, broken by the law"
    POLICY_BROKEN = "Broken by the policy, kept by the law"
    BOTH_BROKEN = "Broken by both, in different numbers of rows"
    UNEVEN = "Not the same is known of both"


@dataclass(frozen=True, slots=True)
class LawPair:
    """A promise and its twin in the law, where their outcomes differ."""

    policy: ControlOutcome
    law: ControlOutcome
    difference: LawDifference


@dataclass(frozen=True, slots=True)
class PackVerdict:
    """What the audit says of all rules of one pack together."""

    pack: Pack
    outcome: Outcome | None
    """None when no rule of it was in force."""
    rules: int
    """In force on the day of the audit."""
    broken: int
    not_audited: int
    """Rules that nobody could look at everywhere, and of which nothing is known to be broken."""


@dataclass(frozen=True)
class Matrix:
    """The whole table. Its parts are computed once, from the audit in memory."""

    stores: tuple[StoreView, ...]
    """The columns."""
    rows: tuple[MatrixRow, ...]
    """Every clause, in the order of the policy."""
    law: tuple[LawRow, ...]
    verdicts: tuple[PackVerdict, ...]
    """Of the policy, then of the law."""
    pairs: tuple[LawPair, ...]
    """What is kept by one and broken by the other first."""

    @cached_property
    def sections(self) -> tuple[tuple[str, tuple[MatrixRow, ...]], ...]:
        """The rows under the headings of the policy."""
        return tuple((heading, tuple(group)) for heading, group in groupby(self.rows, lambda row: row.clause.section))

    @cached_property
    def counts(self) -> Mapping[CellState, int]:
        """How many clauses ended in each state: together, all of them."""
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in CellState}

    @property
    def gaps(self) -> tuple[MatrixRow, ...]:
        """The clauses that nothing answers, those without a stated reason first."""
        return tuple(sorted((row for row in self.rows if row.state is CellState.GAP), key=lambda row: not row.unstated))

    @property
    def unstated(self) -> tuple[MatrixRow, ...]:
        """The clauses with neither a verdict nor a stated reason."""
        return tuple(row for row in self.rows if row.unstated)

    @property
    def parted(self) -> tuple[tuple[LawDifference, tuple[LawPair, ...]], ...]:
        """The pairs by how they part."""
        return tuple((name, tuple(group)) for name, group in groupby(self.pairs, lambda pair: pair.difference))

    @property
    def summary(self) -> str:
        """As `48 clauses: 30 checked, 6 attested, 5 not checkable, 4 information, 3 gaps`."""
        told = (
            f"{phrases.number(number)} {WORDS[state][number != 1]}"
            for state, number in self.counts.items()
            if number or state in _ALWAYS_SAID
        )
        return f"{phrases.count(len(self.rows), 'clause')}: {', '.join(told)}"


def earliest_end(checks: Iterable[CheckView]) -> date | None:
    """Last civil day on which all that was attested still counts; None when nothing was."""
    return min((check.attested_until for check in checks if check.attested_until), default=None)
