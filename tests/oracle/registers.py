"""The registers themselves: a guardian's consent came in the promised form, a legal hold can do its work."""

from __future__ import annotations

from typing import Any

from tests.oracle.moments import Calendar, Kind, Place, Row, Tables, place, read_value
from tests.oracle.verdict import COMPLIANT, UNDECIDABLE, State, Verdict, blank, there


def guardian_consent_form(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """By the promised channel to the promised mailbox, with a message and a proof, not by the child, not of many."""
    received = read_value(row.get(rule.received.column), rule.received, calendar)
    if received.kind is not Kind.FINE:
        return UNDECIDABLE
    form, child = rule.form, row.get(rule.child)

    def differs(column: str, promised: str) -> bool:
        return (row.get(column) or "").strip().lower() != promised.strip().lower()

    unproven = blank(row.get(form.message)) or blank(row.get(form.proof))
    guardian = _name(row.get(form.guardian)) if form.guardian else ""
    itself = guardian != "" and guardian == _name(child)
    if differs(form.channel, rule.channel) or differs(form.mailbox, rule.mailbox) or unproven or itself:
        return Verdict(State.VIOLATING, child, received.shown, received.first)
    if guardian and rule.children is not None and _wards(guardian, rule, tables) > rule.children:
        return UNDECIDABLE
    return COMPLIANT


def _name(value: Any) -> str:
    """A key or a name as it is compared."""
    return "" if value is None else str(value).strip().lower()


def _wards(guardian: str, rule: Any, tables: Tables) -> int:
    """For how many children a guardian stands at most: a child that is not known may be one more."""
    children = [row.get(rule.child) for row in tables[rule.table] if _name(row.get(rule.form.guardian)) == guardian]
    return len({child for child in children if child is not None}) + children.count(None)


def legal_hold(rule: Any, row: Row, tables: Tables, calendar: Calendar) -> Verdict:
    """A matter, a known person, a known category, an end that does not come before the begin."""
    started, released = row.get(rule.started.column), row.get(rule.released.column)
    begin = read_value(started, rule.started, calendar)
    end = Place.FUTURE if released is None else place(released, rule.released, calendar, end=True)
    if started is None or place(started, rule.started, calendar) is not Place.FINE:
        return UNDECIDABLE
    if end in (Place.PAST, Place.NOWHERE):
        return UNDECIDABLE
    holder = row.get(rule.holder)
    if rule.persons is None:
        unknown = holder is None
    else:
        unknown = holder not in {person[rule.persons.key] for person in tables[rule.persons.table]}
    backwards = end is Place.FINE and _is_before(released, started, rule, calendar)
    if unknown or blank(row.get(rule.matter)) or row.get(rule.category) not in rule.words or backwards:
        return Verdict(State.VIOLATING, holder, begin.shown, begin.first)
    return COMPLIANT


def _is_before(released: Any, started: Any, rule: Any, calendar: Calendar) -> bool:
    """Whether a hold certainly ended before it began; where one is only a day, by the days."""
    end, begin = read_value(released, rule.released, calendar), read_value(started, rule.started, calendar)
    if rule.released.is_instant and rule.started.is_instant:
        return there(end.shown) < there(begin.shown)
    return end.first < begin.first
