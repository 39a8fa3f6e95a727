"""The controls' semantics in plain Python, row by row or over a table: the second mind that the SQL must agree with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from tests.oracle.consents import consent_at_event, guardian_consent
from tests.oracle.deletion import retention, soft_delete
from tests.oracle.moments import Calendar, Row, Tables
from tests.oracle.permissions import anonymous, listed, permission_at_event
from tests.oracle.records import Keyed, deadline, freshness, lifetime, one_in_force, sequence, stated
from tests.oracle.registers import guardian_consent_form, legal_hold
from tests.oracle.secrecy import secrets
from tests.oracle.verdict import State, Verdict


@dataclass(frozen=True)
class Judgement:
    """What the oracle says of a table."""

    tally: Tally
    late_holds: int
    violating: list[Any]
    """Keys of what violates, in the order of their words: ids of rows, or what tells groups of rows apart."""

    @property
    def fields(self) -> dict[str, Any]:
        """The tally by name, with the late holds."""
        return {**asdict(self.tally), "late_holds": self.late_holds}


def evaluate(rule: Any, tables: Tables, as_of: datetime) -> Judgement:
    """Every row of the rule's table, one by one, or all of them together, and what they add up to."""
    calendar = Calendar(as_of, ZoneInfo(rule.zone), rule.no_data_before)
    if rule.kind in _WHOLE:
        keyed = _WHOLE[rule.kind](rule, tables, calendar)
    else:
        keyed = [(row["id"], _KINDS[rule.kind](rule, row, tables, calendar)) for row in tables[rule.table]]
    verdicts = [verdict for _, verdict in keyed]
    violating = sorted((key for key, verdict in keyed if verdict.state is State.VIOLATING), key=str)
    return Judgement(_tally(verdicts, calendar.today), sum(verdict.late for verdict in verdicts), violating)


def _tally(verdicts: list[Verdict], today: date) -> Tally:
    states = [verdict.state for verdict in verdicts]
    bad = [verdict for verdict in verdicts if verdict.state is State.VIOLATING]
    ages = [0] * len(AGE_BUCKETS)
    for verdict in bad:
        days = (today - (verdict.breach or today)).days  # a breach that nobody can date counts as new
        ages[max(number for number, (_, bound) in enumerate(AGE_BUCKETS) if bound <= days)] += 1
    return Tally(
        population=len(verdicts),
        **{state.value: states.count(state) for state in State},
        subjects=len({verdict.subject for verdict in bad} - {None}),
        oldest=min((verdict.shown for verdict in bad if verdict.shown), default=None),
        newest=max((verdict.shown for verdict in bad if verdict.shown), default=None),
        overdue_since=min((verdict.breach for verdict in bad if verdict.breach), default=None),
        ages=tuple(ages),
    )


_KINDS: dict[str, Callable[[Any, Row, Tables, Calendar], Verdict]] = {
    "retention": retention,
    "soft_delete": soft_delete,
    "consent_at_event": consent_at_event,
    "guardian_consent": guardian_consent,
    "guardian_consent_form": guardian_consent_form,
    "legal_hold": legal_hold,
    "permission_at_event": permission_at_event,
    "listed": listed,
    "anonymous": anonymous,
    "readable_secrets": secrets,
    "deadline": deadline,
    "stated": stated,
    "lifetime": lifetime,
}
"""Kinds that judge a row alone."""

_WHOLE: dict[str, Callable[[Any, Tables, Calendar], list[Keyed]]] = {
    "freshness": freshness,
    "one_in_force": one_in_force,
    "sequence": sequence,
}
"""Kinds that judge a table: one verdict for each row, for each group of rows, or for all of them, with its key."""
