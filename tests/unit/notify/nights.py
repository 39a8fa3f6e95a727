"""Nights, one after another, with what a register would remember of them: what everybody is told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from privacy_audit.compiler.policy_changes import PolicyChange
from privacy_audit.config.handling import Handling
from privacy_audit.domain.audit import Audit, CheckResult, StoreResult
from privacy_audit.domain.outcomes import Outcome, roll_up
from privacy_audit.findings.finding_state import FindingHistory, FindingState, TriageDecision
from privacy_audit.findings.transitions import FindingMemory, HandlingRules, apply_audit, moves
from privacy_audit.findings.waivers import Waiver, reports
from privacy_audit.notify import Message, messages
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report.audits import broken

TUESDAY = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""T of `broken()`."""
MONDAY = TUESDAY + timedelta(days=6)
LINK = "reports/a/report.html"

HANDLING = Handling.model_validate(
    {
        "platform": {"owner": "team-platform", "alert": "alerts_platform"},
        "compliance": {"owner": "Data protection officer", "alert": "alerts_compliance"},
        "routes": [
            {
                "owner": "Mobility",
                "alert": "alerts_mobility",
                "categories": ["geolocation"],
                "severities": ["critical"],
            }
        ],
    }
)


@dataclass
class Company:
    """What is remembered from night to night."""

    handling: Handling = HANDLING
    waivers: Sequence[Waiver] = ()
    known: dict[str, FindingState] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    judged: dict[str, datetime] = field(default_factory=dict)
    digests: dict[str, datetime] = field(default_factory=dict)
    decisions: Mapping[str, TriageDecision] = field(default_factory=dict)

    def night(self, audit: Audit, *differences: PolicyChange) -> tuple[Message, ...]:
        """Files an audit, and gives what everybody is told of it."""
        before, chronicle = dict(self.known), replace(self.file(audit), policy_changes=differences)
        told = messages(make_view(audit, chronicle, before), self.handling, LINK, self.digests)
        for message in told:
            if message.digest:
                self.digests[f"{message.owner}|{message.alert}"] = audit.as_of
        return told

    def file(self, audit: Audit) -> FindingHistory:
        """How the findings stand after an audit."""
        memory = FindingMemory(self.known, self.counts, self.judged)
        stands = apply_audit(audit, memory, HandlingRules(self.handling, tuple(self.waivers)))
        moved = moves(audit, memory)
        self.known = {**self.known, **{one.fingerprint: one for one in stands}}
        for check in audit.checks:
            if check.tally:
                self.counts.setdefault(check.fingerprint, []).append(check.tally.violating)
        self.judged = {**self.judged, **{store.name: audit.as_of for store in audit.stores}}
        waived = reports(self.waivers, stands, audit, self.handling.alerts.waiver_warning_days)
        return FindingHistory(standings=stands, decisions=self.decisions, waivers=waived, moved=moved)


def after(audit: Audit, days: int) -> Audit:
    """The same audit so many nights after that Tuesday."""
    return replace(audit, id=f"night-{days:+}", as_of=TUESDAY + timedelta(days=days))


def changed(audit: Audit, **outcomes: Any) -> Audit:
    """The audit with checks replaced: `table_control` to the fields that differ; outcomes of stores follow."""
    return replace(audit, stores=tuple(_changed(store, outcomes) for store in audit.stores))


def _changed(store: StoreResult, outcomes: Mapping[str, Mapping[str, Any]]) -> StoreResult:
    checks = tuple(replace(check, **outcomes.get(_name(check), {})) for check in store.checks)
    if store.cause:
        return store
    return replace(store, checks=checks, outcome=roll_up([check.outcome for check in checks]))


def _name(check: CheckResult) -> str:
    return f"{check.table.split('.')[-1]}_{check.control}".replace("-", "")


def passed(audit: Audit, name: str) -> dict[str, Any]:
    """The fields with which a check passes: its rows in breach, and those undecided, keep the promise now."""
    check = next(check for check in audit.checks if _name(check) == name)
    assert check.tally
    tally = check.tally
    kept = tally.compliant + tally.violating + tally.undecidable
    clean = replace(
        tally, compliant=kept, violating=0, undecidable=0, subjects=0, oldest=None, newest=None, overdue_since=None,
        ages=(0,) * len(tally.ages),
    )  # fmt: skip
    return {"outcome": Outcome.PASS, "tally": clean, "cause": None, "reason": ""}


def grown(audit: Audit, name: str, factor: int) -> dict[str, Any]:
    """The fields with which a check has so many times its rows in breach."""
    check = next(check for check in audit.checks if _name(check) == name)
    assert check.tally
    tally = check.tally
    more = tally.violating * (factor - 1)
    ages = (tally.ages[0] + more, *tally.ages[1:])
    return {"tally": replace(tally, population=tally.population + more, violating=tally.violating + more, ages=ages)}


def waiver(name: str, check: str, begins: int, ends: int, most: int = 100_000) -> Waiver:
    """A waiver from so many days after that Tuesday to so many."""
    instants = (TUESDAY + timedelta(days=begins), TUESDAY + timedelta(days=ends))
    reason = "The purge waits for the new storage."
    return Waiver(name, check, reason, "Alex Martin", "Camille Laurent", *instants, most)


def by_owner(told: Sequence[Message]) -> dict[str, Message]:
    """Each owner's one message."""
    owners = {message.owner: message for message in told}
    assert len(owners) == len(told), "one owner was told twice"
    return owners


def first_night() -> tuple[Message, ...]:
    """Everything is new, and a store is down."""
    return Company().night(broken())
