"""The controls' semantics in plain Python, row by row: the second mind that the SQL must agree with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.consents import consent_at_event, guardian_consent
from tests.oracle.deletion import retention, soft_delete
from tests.oracle.moments import Calendar, Row, Tables
from tests.oracle.registers import guardian_consent_form, legal_hold
from tests.oracle.verdict import State, Verdict, there

from privacy_audit.model import AGE_BUCKETS, Tally


@dataclass(frozen=True)
class Judgement:
    """What the oracle says of a table."""

    tally: Tally
    late_holds: int
    violating: list[int]
    """Ids of the violating rows."""

    @property
    def fields(self) -> dict[str, Any]:
        """The tally by name, with the late holds."""
        return {**asdict(self.tally), "late_holds": self.late_holds}


def judge(rule: Any, tables: Tables, as_of: datetime) -> Judgement:
    """Every row of the rule's table, one by one, and what they add up to."""
    calendar = Calendar(as_of, ZoneInfo(rule.zone), rule.no_data_before)
    verdicts = [_KINDS[rule.kind](rule, row, tables, calendar) for row in tables[rule.table]]
    violating = [
        row["id"] for row, verdict in zip(tables[rule.table], verdicts, strict=True) if verdict.state is State.VIOLATING
    ]
    return Judgement(_tally(verdicts, calendar.today), sum(verdict.late for verdict in verdicts), violating)


def _tally(verdicts: list[Verdict], today: date) -> Tally:
    states = [verdict.state for verdict in verdicts]
    bad = [verdict for verdict in verdicts if verdict.state is State.VIOLATING]
    ages = [0] * len(AGE_BUCKETS)
    for verdict in bad:
        days = (today - there(verdict.breach)).days
        ages[max(number for number, (_, bound) in enumerate(AGE_BUCKETS) if bound <= days)] += 1
    return Tally(
        population=len(verdicts),
        **{state.value: states.count(state) for state in State},
        subjects=len({verdict.subject for verdict in bad} - {None}),
        oldest=min((there(verdict.shown) for verdict in bad), default=None),
        newest=max((there(verdict.shown) for verdict in bad), default=None),
        overdue_since=min((there(verdict.breach) for verdict in bad), default=None),
        ages=tuple(ages),
    )


_KINDS: dict[str, Callable[[Any, Row, Tables, Calendar], Verdict]] = {
    "retention": retention,
    "soft_delete": soft_delete,
    "consent_at_event": consent_at_event,
    "guardian_consent": guardian_consent,
    "guardian_consent_form": guardian_consent_form,
    "legal_hold": legal_hold,
}
