"""The outcome of a check, the severity of a promise, the plan of a count, and the cause of what was not audited."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What an audit says of a check, a store or the whole. Five words, never fewer."""

    FAIL = "fail"
    """Looked, and the promise is broken."""
    NOT_AUDITED = "not_audited"
    """Could not look. Never counted among what passed."""
    REVIEW = "review"
    """Looked, and some rows cannot be decided. Unknown is not compliant."""
    PASS = "pass"  # noqa: S105 - an outcome, not a password
    """Looked at every row in scope and found no nonconformity."""
    NOT_APPLICABLE = "not_applicable"
    """The store holds nothing this control speaks of, and its owner signed for that."""


ROLL_UP = (Outcome.FAIL, Outcome.NOT_AUDITED, Outcome.REVIEW, Outcome.PASS, Outcome.NOT_APPLICABLE)
"""Which outcome wins when several are summed up: the first one present."""


TELLING = (Outcome.NOT_AUDITED, Outcome.FAIL, Outcome.REVIEW, Outcome.PASS, Outcome.NOT_APPLICABLE)
"""The order in which people are told: what nobody looked at comes first."""

FOUND = TELLING[: TELLING.index(Outcome.PASS)]
"""The outcomes that make a check a finding."""


def roll_up(outcomes: list[Outcome]) -> Outcome:
    """One outcome for many: not applicable only when all are. Nothing evaluated is no pass: it is `not_audited`."""
    return next((outcome for outcome in ROLL_UP if outcome in outcomes), Outcome.NOT_AUDITED)


class Severity(StrEnum):
    """How bad a broken promise is; the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Plan(StrEnum):
    """How a check read its table."""

    FULL = "full"
    """One scan; each row was counted, so the identity of the tally is proved."""
    SEEK = "seek"
    """Only rows that are not compliant were read through an index; the population is the planner's estimate."""


class Cause(StrEnum):
    """Why a check or store ended in review or was not audited. Said in words by `reason`."""

    UNDECIDABLE_ROWS = "undecidable_rows"
    EMPTY = "empty"
    """The table holds no row although the map says it is in use."""
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """Login or privilege refused."""
    HIDDEN_ROWS = "hidden_rows"
    """Row-level security would hide rows."""
    DRIFT = "drift"
    """A table, column or type is not what the map says."""
    UNSAFE_SESSION = "unsafe_session"
    """The session contract could not be established, or the role may do more than read."""
    TIME_ZONES = "time_zones"
    """The server and the auditor do not mean the same by the name of a time zone."""
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    STALE = "stale"
    """The server is a replica that is too far behind, or nobody knows how far."""
    LOST = "lost"
    """The connection was lost while reading."""
    INTERNAL = "internal"
    """The tally did not add up, or the evaluated checks are not the expected ones."""
    READ_LATER = "read_later"
    """The store was read on a later day than the one judged by: what was deleted in between is not seen."""
    EXPIRED = "expired"
    """Somebody's word for it has ended, and nobody has looked since."""
    MISSING = "missing"
    """No table of the store is mapped to what the control speaks of, and no owner signed that there is none."""
    BUSY = "busy"
    """Another audit is reading the store."""
