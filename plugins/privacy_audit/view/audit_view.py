"""An audit as it may be shown: the only thing that renderers of every kind get.

Every text is clean (no control characters, no bidi marks), every date that comes from rows is a `ShownDate`, every
count is exact. `make_view` alone makes these values. A new format therefore cannot leak what is not in them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy_audit.domain.outcomes import Cause, Outcome, Plan, roll_up
from privacy_audit.domain.promises import Policy
from privacy_audit.domain.tally import Forecast, Purge
from privacy_audit.findings.trends import NightCounts
from privacy_audit.view.finding_view import HistoryView
from privacy_audit.view.shown_date import ShownDate


def key_of(name: str) -> str:
    """Digest of a name as it stands in the database, in hex: finds what has this name without showing it."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class TallyView:
    """What one check counted; the counts are those of `domain.tally.Tally`."""

    population: int
    compliant: int
    violating: int
    held: int
    undecidable: int
    out_of_scope: int
    subjects: int
    oldest: ShownDate | None
    newest: ShownDate | None
    overdue_since: ShownDate | None
    """First civil day on which one of the violating rows was in breach."""
    overdue_days: int | None
    """Civil days since then, at the audit; None where dates are shown by month only."""
    ages: tuple[int, ...]
    """Violating rows per bucket of `AGE_BUCKETS`; by month, all rows of up to a month are in one bucket."""
    estimated: bool
    by_month: bool
    """Whether dates are shown by month, because few rows violate or they are of few persons."""


@dataclass(frozen=True, slots=True)
class NightView:
    """What one audit counted at one place."""

    as_of: datetime
    outcome: Outcome
    violating: int | None
    """None when nobody could look: a gap in a chart, never a zero."""
    undecidable: int | None
    held: int | None
    population: int | None
    ages: tuple[int, ...]
    overdue_since: ShownDate | None
    by_month: bool


@dataclass(frozen=True, slots=True)
class ChartView:
    """Rows in breach, night by night."""

    nights: tuple[NightCounts, ...]
    """Every civil day from the first on file to the last, those on which nobody looked included."""
    peak: ShownDate | None
    """First night with the largest count; None when no night had a row in breach."""


@dataclass(frozen=True, slots=True)
class TrendView:
    """What the nights of a check show."""

    nights: int
    """Civil days from the first night on file to tonight."""
    backlog: int | None
    """Rows in breach tonight; None when nobody could look."""
    change_in_a_week: int | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check with what it counted and what that means."""

    id: str
    key: str
    """`key_of` its id as it stands in the database."""
    suite_key: str
    """`key_of` the name of its suite."""
    control: str
    store: str
    table: str
    """`schema.table`; empty for a check on the store as a whole."""
    qualifier: str
    fingerprint: str
    """Of the finding that its rows break the promise or cannot be decided."""
    unseen_fingerprint: str
    """Of the finding that nobody could look."""
    outcome: Outcome
    sentence: str
    tally: TallyView | None
    plan: Plan | None
    plan_reason: str
    cause: Cause | None
    reason: str
    show_rows: str
    show_undecidable: str
    fix: str
    draft: str
    forecast: Forecast | None
    purge: Purge | None
    """Days of a job, not of persons, so they are exact."""
    purge_sentence: str
    """What the log of purge runs says; empty without a log."""
    purge_alarm: str
    """The same in short, for who has to mend the purge; empty when there is nothing to mend."""
    late_holds: int
    reading: str
    attested_until: date | None
    nights: tuple[NightView, ...]
    """The oldest first, this one last; empty without a history."""
    chart: ChartView
    trend: TrendView | None
    """None while there is only one night."""

    @property
    def anchor(self) -> str:
        """Where a page shows it: the same every night."""
        return f"check-{self.fingerprint[:16]}"


@dataclass(frozen=True, slots=True)
class StoreView:
    """What the audit says of one store."""

    name: str
    title: str
    owner: str
    alert: str
    """Name of the Airflow connection that holds the owner's channels."""
    unseen_fingerprint: str
    """Of the finding that the whole store could not be audited; empty when it could."""
    outcome: Outcome
    checks: tuple[CheckView, ...]
    cause: Cause | None
    reason: str
    snapshot: str
    limits: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Where a page shows that it could not be read."""
        return f"down-{self.name}"


@dataclass(frozen=True, slots=True)
class AuditView:
    """One run over all stores, judged by one instant, as it may be shown."""

    id: str
    as_of: datetime
    today: date
    """Civil day of that instant in the policy's zone."""
    policy: Policy
    stores: tuple[StoreView, ...]
    limits: tuple[str, ...]
    triggered_by: str
    whole: bool
    database: str
    verdict: str
    """The audit in one sentence."""
    small_count: int
    """Below so many violating rows, or rows of so many persons, dates are shown by month."""
    history: HistoryView

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the policy's civil days."""
        return ZoneInfo(self.policy.zone)

    @property
    def outcome(self) -> Outcome:
        """Fail, then not audited, then review, then pass."""
        return roll_up([store.outcome for store in self.stores])

    @property
    def checks(self) -> tuple[CheckView, ...]:
        """All checks of all stores, in the order of the stores."""
        return tuple(check for store in self.stores for check in store.checks)
