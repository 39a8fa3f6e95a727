"""What the pages of a night say: pure, from the audit to the content of the index and of each suite's page.

Every check of the audit is on the index, and on its suite's page when Great Expectations filed a validation result for
the suite. A check that was blocked before it ran is thus told too, and a store that was down is told first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from privacy_audit.domain import phrases
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import TELLING, Outcome, Severity, roll_up
from privacy_audit.domain.promises import Clause, Control
from privacy_audit.view import coverage_matrix
from privacy_audit.view.audit_view import AuditView, CheckView, StoreView, key_of

_COUNTS = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")
INDEX = "index.html"
COVERAGE = "coverage.html"
"""The page of clauses and stores, beside the index."""
ABOVE_A_RESULT = 3
"""Folders between a suite's own folder and its page: `validations`, the run's name, the run's time."""


class EvidenceMismatchError(PrivacyAuditError):
    """The filed validation results do not say what the audit says: no page may be made of them."""


@dataclass(frozen=True, slots=True)
class CheckPage:
    """A check as a page tells it."""

    check: CheckView
    control: Control
    clauses: tuple[Clause, ...]
    store: StoreView
    oldest: str
    since: str
    days: int | None
    """Days since the first violating row was in breach; None where dates are told by month only."""
    page: str = ""
    """Where its suite's page is, seen from the index; empty when it has none."""

    @property
    def key(self) -> str:
        """Its anchor, the same every night, here and in the report."""
        return self.check.anchor

    @property
    def place(self) -> str:
        """Where it is told in full, seen from the index."""
        return f"{self.page}#{self.key}"

    @property
    def urgency(self) -> tuple[int, int, int, str]:
        """Sorts what is told first: by outcome, severity, violating rows."""
        violating = self.check.tally.violating if self.check.tally else 0
        order = TELLING.index(self.check.outcome), list(Severity).index(self.control.severity)
        return (*order, -violating, self.check.id)


@dataclass(frozen=True, slots=True)
class Suite:
    """The checks of one table, or of a store as a whole when `table` is empty. The most urgent check stands first."""

    table: str
    told: tuple[CheckPage, ...]
    page: str

    @property
    def outcome(self) -> Outcome:
        """Of its checks together."""
        return roll_up([entry.check.outcome for entry in self.told])

    @property
    def counts(self) -> list[tuple[Outcome, int]]:
        """Outcomes that occur, and how often."""
        return [(outcome, number) for outcome, number in scores(self.told) if number]


def scores(told: Iterable[CheckPage]) -> list[tuple[Outcome, int]]:
    """All five outcomes with the number of checks that ended so."""
    outcomes = [entry.check.outcome for entry in told]
    return [(outcome, outcomes.count(outcome)) for outcome in TELLING]


def by_control(told: Iterable[CheckPage]) -> list[tuple[Control, list[CheckPage]]]:
    """The same checks under their controls, in the order of the first of each."""
    groups: dict[str, list[CheckPage]] = {}
    for entry in told:
        groups.setdefault(entry.control.id, []).append(entry)
    return [(group[0].control, group) for group in groups.values()]


@dataclass(frozen=True)
class NightPages:
    """An audit as its pages tell it."""

    audit: AuditView

    @property
    def counted_suites(self) -> dict[str, str]:
        """Suites in which a check was counted: each must have a validation result, and a page. Key to shown name.

        What was counted in no table (the audit's own records) was not counted by Great Expectations.
        """
        counted = (check for check in self.audit.checks if check.tally is not None and check.table)
        return {check.suite_key: f"{check.store}.{check.table}" for check in counted}

    def prove(self, suite: str, evidence: Mapping[str, Mapping[str, Any]]) -> None:
        """EvidenceMismatchError unless a suite's filed results hold these very checks and counts, by check id.

        Suite and ids are as Great Expectations filed them, so they are compared by their keys.
        """
        checks = {check.key: check for check in self.audit.checks if check.suite_key == key_of(suite)}
        filed = {key_of(name): counts for name, counts in evidence.items()}
        strangers = sorted(name for name in evidence if key_of(name) not in checks)
        if strangers:
            raise EvidenceMismatchError(
                f"suite {suite}: its validation result holds checks that are not in the audit: {', '.join(strangers)}."
            )
        for key, check in checks.items():
            counts = filed.get(key, {})
            if check.tally and any(counts.get(name) != getattr(check.tally, name) for name in _COUNTS):
                raise EvidenceMismatchError(
                    f"suite {suite}: the filed validation result of {check.id} does not hold the counts of the audit."
                )

    def suite(self, name: str) -> dict[str, Any]:
        """The content of a suite's page."""
        told = sorted((t for t in self._all() if t.check.suite_key == key_of(name)), key=lambda entry: entry.urgency)
        if not told:
            raise EvidenceMismatchError(f"suite {name}: the audit has no check of it.")
        up = "../" * (len(name.split(".")) + ABOVE_A_RESULT)
        suite = Suite(told[0].check.table, tuple(told), "")
        return {"suite": suite, "store": told[0].store, "scores": scores(told), "index": f"{up}{INDEX}"} | (
            self._common(up)
        )

    def index(self, pages: Mapping[str, str]) -> dict[str, Any]:
        """The content of the index. `pages`: from suite to the address of its page."""
        told = sorted(self._all(pages), key=lambda entry: entry.urgency)
        lost = [store for store in self.audit.stores if store.cause and store.outcome is Outcome.NOT_AUDITED]
        unread = [entry for entry in told if entry.check.outcome is Outcome.NOT_AUDITED and entry.store not in lost]
        return {
            "scores": scores(told),
            "lost": [(store, [entry for entry in told if entry.store is store]) for store in lost],
            "unread": unread,
            "unread_with_page": by_control(entry for entry in unread if entry.page),
            "coverage": self._matrix,
            "clauses_page": COVERAGE,
            "failed": by_control(entry for entry in told if entry.check.outcome is Outcome.FAIL),
            "reviewed": by_control(entry for entry in told if entry.check.outcome is Outcome.REVIEW),
            "shelves": self._shelves(told),
            "suites": len({(entry.store.name, entry.check.table) for entry in told if entry.page}),
        } | self._common("")

    def coverage(self, pages: Mapping[str, str]) -> dict[str, Any]:
        """The content of the page of clauses and stores. `pages` as for the index."""
        places = {entry.check.key: entry for entry in self._all(pages)}

        def link(check: CheckView) -> str:
            entry = places[check.key]
            return entry.place if entry.page else f"{INDEX}#{entry.key}"

        return {"coverage": self._matrix, "link": link, "index": INDEX} | self._common("")

    @cached_property
    def _matrix(self) -> coverage_matrix.Matrix:
        return coverage_matrix.matrix(self.audit)

    def _common(self, up: str) -> dict[str, Any]:
        audit = self.audit
        return {
            "audit": audit,
            "policy": audit.policy,
            "as_of_day": phrases.day(audit.today),
            "as_of_local": phrases.instant(audit.as_of, audit.zone),
            "as_of_utc": phrases.iso(audit.as_of),
            "small_count": audit.small_count,
            "report": f"{up}../reports/{quote(audit.id, safe='')}/report.html",
        }

    def _shelves(self, told: list[CheckPage]) -> list[tuple[StoreView, list[Suite]]]:
        """The stores, each with its suites; what holds the most urgent check comes first."""
        shelves = [
            (store, self._suites([entry for entry in told if entry.store is store])) for store in self.audit.stores
        ]
        return sorted(shelves, key=lambda shelf: (_first(shelf[0], shelf[1]), shelf[0].name))

    def _suites(self, told: list[CheckPage]) -> list[Suite]:
        tables = dict.fromkeys(entry.check.table for entry in told)  # in the order of the most urgent check of each
        grouped = ((table, tuple(entry for entry in told if entry.check.table == table)) for table in tables)
        suites = [Suite(table, group, group[0].page) for table, group in grouped]
        return sorted(suites, key=lambda suite: TELLING.index(suite.told[0].check.outcome))

    def _all(self, pages: Mapping[str, str] | None = None) -> list[CheckPage]:
        controls = {control.id: control for control in self.audit.policy.controls}
        clauses = {clause.id: clause for clause in self.audit.policy.clauses}
        of_suites = {key_of(suite): page for suite, page in (pages or {}).items()}
        return [
            self._tell(store, check, controls, clauses, of_suites.get(check.suite_key, ""))
            for store in self.audit.stores
            for check in store.checks
        ]

    def _tell(
        self,
        store: StoreView,
        check: CheckView,
        controls: Mapping[str, Control],
        clauses: Mapping[str, Clause],
        page: str,
    ) -> CheckPage:
        control = controls.get(check.control) or self._unnamed(check)
        return CheckPage(
            check=check,
            control=control,
            clauses=tuple(clauses[name] for name in control.clauses if name in clauses),
            store=store,
            oldest=check.tally.oldest.words if check.tally and check.tally.oldest else "",
            since=check.tally.overdue_since.words if check.tally and check.tally.overdue_since else "",
            days=check.tally.overdue_days if check.tally else None,
            page=page,
        )

    def _unnamed(self, check: CheckView) -> Control:
        """A result is told even when the policy does not name its control: nothing that was found is dropped."""
        return Control(check.control, "", check.sentence, Severity.HIGH, (), (), self.audit.policy.effective_from)


def _first(store: StoreView, suites: list[Suite]) -> int:
    outcomes = [store.outcome, *(suite.told[0].check.outcome for suite in suites)]
    return min(TELLING.index(outcome) for outcome in outcomes)
