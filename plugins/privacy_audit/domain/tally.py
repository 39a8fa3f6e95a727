"""What a check counts: a tally that must add up, and what it counts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

AGE_BUCKETS: tuple[tuple[str, int], ...] = (
    ("up to a week", 0),
    ("up to a month", 7),
    ("up to 3 months", 30),
    ("up to a year", 90),
    ("over a year", 365),
)
"""Label and lower bound in days: how long violating rows have been in breach, 0 on the first day of the breach."""


class TallyMismatchError(ValueError):
    """The parts of a tally do not add up to its population: the check proves nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one check counted. `population = compliant + violating + held + undecidable + out_of_scope`, asserted.

    With `estimated`, only violating, held and undecidable rows were counted; population is the planner's estimate,
    `compliant` is the remainder and also contains the rows out of scope.
    """

    population: int
    compliant: int
    violating: int
    held: int
    """Would violate, but a legal hold in force names the subject and the category."""
    undecidable: int
    out_of_scope: int
    subjects: int
    """Distinct persons among the violating rows."""
    oldest: datetime | None = None
    """Earliest clock among violating rows."""
    newest: datetime | None = None
    """Latest clock among violating rows."""
    overdue_since: date | None = None
    """First civil day on which one of the violating rows was in breach."""
    ages: tuple[int, ...] = (0,) * len(AGE_BUCKETS)
    """Violating rows per bucket of AGE_BUCKETS."""
    estimated: bool = False

    def __post_init__(self) -> None:
        parts = self.compliant + self.violating + self.held + self.undecidable + self.out_of_scope
        if self.population != parts:
            raise TallyMismatchError(f"population {self.population} is not the sum of its parts {parts}")
        counts = (self.compliant, self.violating, self.held, self.undecidable, self.out_of_scope, self.subjects)
        if min(*counts, *self.ages) < 0:
            raise TallyMismatchError("a part of the tally is negative")
        if sum(self.ages) != self.violating:
            raise TallyMismatchError(f"age buckets sum to {sum(self.ages)}, violating rows are {self.violating}")


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many rows that are not in breach at T will be, by time alone, if nothing is deleted before.

    Judged as the tally is, some civil days (policy's zone) after T: of the rows that are there at T, under the legal
    holds in force at T. A row that becomes undecidable is not counted.
    """

    in_30_days: int
    in_90_days: int
    """These rows too, so never fewer than in 30 days."""
    estimated: bool
    """Whether the numbers are the planner's estimates; otherwise each row was judged."""

    def __post_init__(self) -> None:
        if not 0 <= self.in_30_days <= self.in_90_days:
            raise TallyMismatchError(f"{self.in_30_days} rows due in 30 days, {self.in_90_days} in 90")


@dataclass(frozen=True, slots=True)
class Purge:
    """What the store's own log says of the job that deletes the rows of a check. It decides no outcome.

    Of its runs only those count that finished, at a moment that can be a fact, at T or before.
    """

    last_ran: datetime | None
    """When the last run finished; None when no run is on file."""
    last_deleted: datetime | None
    """When the last run finished that is known to have deleted a row; None when none is."""
    idle_runs: int
    """Runs after that one which deleted nothing."""
    untold_runs: int = 0
    """Runs after that one of which the log does not say how many rows they deleted."""

    def __post_init__(self) -> None:
        runs = self.idle_runs + self.untold_runs + (self.last_deleted is not None)
        if min(self.idle_runs, self.untold_runs) < 0 or (self.last_ran is None) is (runs > 0):
            raise TallyMismatchError(f"{runs} runs of a purge that last ran at {self.last_ran}")
        if self.last_ran and self.last_deleted and self.last_ran < self.last_deleted:
            raise TallyMismatchError("the last run of a purge was before one that deleted")
