"""What people are advised to do about a check: how to close rows in breach, and how to decide rows that nobody could
judge.

No advice deletes what nobody could judge: where no row is in breach, nothing that is said here deletes, empties or
changes a row of the store. Each kind of control has both texts; the outcome alone decides, here, which one is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.phrases import WAYS_OUT
from privacy_audit.domain.tally import Tally

APART = "The rows that cannot be decided are another matter."
"""Stands between the two texts where a check has rows of both sorts."""
_OF_ROWS = frozenset({Cause.UNDECIDABLE_ROWS, Cause.EXPIRED})
"""Causes of a review that the kind knows more of than that there is one."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The texts of a kind of control, bound to one check."""

    closing: str
    """How to close the finding of rows in breach, in sentences."""
    deciding: str
    """How to find out what nobody could judge, in sentences. It never deletes, empties or changes data."""
    looking: str = ""
    """What to do where nobody could look; empty where the cause alone says it."""

    def given(self, outcome: Outcome, cause: Cause | None, tally: Tally | None) -> str:
        """What is advised for a check with this outcome; empty where nothing is to be done."""
        match outcome:
            case Outcome.FAIL:
                undecided = tally is not None and tally.undecidable > 0
                return " ".join(filter(None, (self.closing, *((APART, self.deciding) if undecided else ()))))
            case Outcome.REVIEW:
                return self.deciding if cause is None or cause in _OF_ROWS else WAYS_OUT[cause]
            case Outcome.NOT_AUDITED:
                return self.looking or WAYS_OUT[cause or Cause.INTERNAL]
            case _:
                return ""
