"""A simulation as it is told: on the screen, and as canonical JSON (RFC 8785) for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rfc8785
from rich.console import Console
from rich.table import Table
from rich.text import Text

from privacy_audit.compiler.change_directions import Direction
from privacy_audit.domain import phrases
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.publish.report import canonical_json
from privacy_audit.view.audit_view import AuditView, CheckView
from privacy_audit.view.simulation_view import DifferenceView, SimulationView

SCHEMA = "privacy_audit.simulation/1"
"""Name and major version of the document; a field that changes its meaning raises the number."""

_COLOURS = {Direction.LOOSENED: "bold red", Direction.CHANGED: "yellow", Direction.TIGHTENED: "green"}
_HEADS = ("Check", "In breach today", "then", "Would come", "Would go", "Undecidable today", "then", "Remark")


def render(simulation: SimulationView) -> bytes:
    """The simulation as canonical JSON, without a newline at its end (RFC 8785 allows no white space)."""
    canonical: bytes = rfc8785.dumps(to_dict(simulation))
    return canonical


def to_dict(simulation: SimulationView) -> dict[str, Any]:
    """The simulation as plain values. What each policy says of a check is told as a report tells it."""
    today, other = canonical_json.to_dict(simulation.today), canonical_json.to_dict(simulation.other)
    return {
        "schema": SCHEMA,
        "as_of": today["as_of"],
        "policies": {"today": today["policy"], "other": {**other["policy"], "file": simulation.policy_file}},
        "changes": [
            {"direction": change.direction.value, "subject": change.subject, "sentence": change.sentence}
            for change in simulation.changes
        ],
        "stores": [{key: store[key] for key in ("name", "cause", "reason", "snapshot")} for store in today["stores"]],
        "checks": [_check(it, today["checks"], other["checks"]) for it in _by_id(simulation)],
        "limits": list(_limits(simulation)),
    }


def _by_id(simulation: SimulationView) -> list[DifferenceView]:
    return sorted(simulation.differences, key=lambda it: it.id)


def _check(it: DifferenceView, today: list[dict[str, Any]], other: list[dict[str, Any]]) -> dict[str, Any]:
    sides = ([told for told in checks if told["id"] == it.id] for checks in (today, other))
    before, after = (next(iter(found), None) for found in sides)
    return {
        "id": it.id,
        "today": before if it.today else None,
        "other": after if it.other else None,
        "coming": it.coming if it.seen else None,
        "coming_at_most": it.coming_at_most if it.seen else None,
        "going": it.going if it.seen else None,
    }


def show(simulation: SimulationView, console: Console, *, show_rows: bool = False) -> None:
    """What would change: in the promises, then check by check, then in one sentence, then what was not looked at."""
    for line in _opening(simulation):
        console.print(line, markup=False)
    for change in simulation.changes:
        console.print(Text.assemble((change.direction.value, _COLOURS[change.direction]), f": {change.sentence}"))
    console.print(_table(simulation))
    for sentence in (_verdict(simulation), *_unseen(simulation), *_limits(simulation)):
        console.print(sentence, markup=False)
    for it in simulation.differences if show_rows else ():
        if not it.coming_at_most:
            continue
        console.print(f"\n-- {it.id}", markup=False, highlight=False)
        console.print(it.other.show_rows if it.other else "", markup=False, highlight=False)


def _opening(simulation: SimulationView) -> Iterator[str]:
    today, other = simulation.today.policy, simulation.other.policy
    instant = phrases.iso(simulation.today.as_of)
    yield (
        f"What {simulation.policy_file} (version {other.version}) would change against today's policy"
        f" (version {today.version}), judged as of {instant}. Nothing was filed, and nobody was told."
    )
    if not simulation.changes:
        yield "Both policies promise the same."


def _table(simulation: SimulationView) -> Table:
    table = Table()
    for head in _HEADS:
        table.add_column(head, overflow="fold")
    for it in simulation.differences:
        come = f"{it.coming:,}" if it.one_way else f"{it.coming:,} to {it.coming_at_most:,}"
        counts = (
            _count(it.today, "violating"),
            _count(it.other, "violating"),
            come if it.seen else "?",
            f"{it.going:,}" if it.seen else "?",
            _count(it.today, "undecidable"),
            _count(it.other, "undecidable"),
        )
        table.add_row(it.id, *counts, Text(_remark(it)), style="bold" if it.coming_at_most or not it.seen else "")
    return table


def _count(side: CheckView | None, part: str) -> str:
    return f"{getattr(side.tally, part):,}" if side and side.tally else ""


def _remark(it: DifferenceView) -> str:
    only = "Only today's policy has it." if not it.other else "Only the other policy has it." if not it.today else ""
    sides = (("today", it.today), ("under the other policy", it.other))
    unseen = [f"Not audited {when}: {side.reason}" for when, side in sides if side and not _seen(side)]
    mixed = "" if it.one_way or not it.seen else "Rows may both come and go; the counts show only the balance."
    return " ".join(part for part in (only, *_once(unseen), mixed) if part)


def _once(unseen: list[str]) -> list[str]:
    """A reason that holds under both policies is told once."""
    reasons = {sentence.partition(": ")[2] for sentence in unseen}
    return [f"Not audited: {reasons.pop()}"] if len(unseen) == 2 and len(reasons) == 1 else unseen


def _seen(side: CheckView) -> bool:
    return side.outcome is not Outcome.NOT_AUDITED


def _verdict(simulation: SimulationView) -> str:
    coming = sum(it.coming for it in simulation.differences)
    going = sum(it.going for it in simulation.differences)
    mixed = any(it.coming_at_most > it.coming for it in simulation.differences)
    least = "At least " if mixed else ""
    ends = f"{phrases.count(coming, 'row')} would come into breach, {phrases.count(going, 'row')} would no longer be."
    return least + ends


def _unseen(simulation: SimulationView) -> Iterator[str]:
    unseen = sum(not it.seen for it in simulation.differences)
    if unseen:
        yield f"Of {phrases.count(unseen, 'check')} nothing is known, and that is not counted as no change."
    for store in simulation.today.stores:
        if store.cause:
            yield f"Store {store.name} was not audited. {store.reason}"


def _limits(simulation: SimulationView) -> Iterator[str]:
    yield from simulation.limits
    yield from _of_roles(simulation.today)


def _of_roles(audit: AuditView) -> Iterator[str]:
    yield from (f"In store {store.name}, {limit}." for store in audit.stores for limit in store.limits)
