"""In which direction a changed parameter moves a promise: looser, tighter, or nobody can say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from privacy_audit.compiler.change_wording import inside, leaves, name, said, shown
from privacy_audit.config.policy.consistency import SECONDS_TOLERATED
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.periods import Period

Compare = Callable[[Any, Any], "Direction"]


class Direction(StrEnum):
    """What a change does to the persons whose data it is. In the order in which people are told."""

    LOOSENED = "loosened"
    """Something is promised, checked or found no more that was before."""
    CHANGED = "changed"
    """Something else is checked, and nobody can tell which of the two is stricter. As suspicious as loosened."""
    TIGHTENED = "tightened"
    """Something is promised, checked or found that was not before."""

    @property
    def reverse(self) -> Direction:
        """What the way back would be."""
        return _REVERSE.get(self, self)


_REVERSE = {Direction.LOOSENED: Direction.TIGHTENED, Direction.TIGHTENED: Direction.LOOSENED}


def plain(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    moved = direction(field, was, now)
    if moved is Direction.CHANGED and isinstance(was, dict) and isinstance(now, dict):
        yield moved, inside(field, leaves(was), leaves(now))
    else:
        yield moved, said(field, was, now)


def _clock(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    """A clock, and apart from it what a moment that is missing or to come stands for: there the direction is known."""
    old, new = leaves(was), leaves(now)
    for path in sorted({*old, *new}):
        name = path.rpartition(".")[2]
        before, after = (side.pop(path, _UNKNOWN) if name in _MEANINGS else None for side in (old, new))
        if before != after:
            yield direction(name, before, after), said(name, before, after)
    if old != new:
        yield Direction.CHANGED, inside(field, old, new)


def _out_of_scope(field: str, was: Any, now: Any) -> Iterator[tuple[Direction, str]]:
    """Conditions as the rows they leave out; together they leave out what any of them does."""
    old, new = _conditions(was), _conditions(now)
    if more := new - old:
        yield Direction.LOOSENED, f"rows are left out now where {_alternatives(more)}"
    if less := old - new:
        yield Direction.TIGHTENED, f"rows are left out no more where {_alternatives(less)}"
    if old == new:
        yield Direction.CHANGED, f"{name(field)} are written in another way"


def _conditions(conditions: Any) -> frozenset[tuple[str, str]]:
    """Column and value, in words, of each condition."""
    return frozenset(
        (it["column"], shown("value", value))
        for it in conditions or ()
        for value in (["missing"] if it.get("is_null") else it.get("in") or [it.get("equals")])
    )


def _alternatives(conditions: Collection[tuple[str, str]]) -> str:
    columns = sorted({column for column, _ in conditions})
    values = {name: " or ".join(sorted(value for column, value in conditions if column == name)) for name in columns}
    return ", or ".join(f"column {name} is {values[name]}" for name in columns)


_UNKNOWN = "unknown"
_MEANINGS = ("null_means", "future_means", "absent_means")
SPECIAL = {"clock": _clock, "mark": _clock, "out_of_scope": _out_of_scope}
_START = date(2023, 1, 1)
_STARTS = [_START + timedelta(days=day) for day in range(4 * 365 + 1)]
"""Each day of four years: a month has 28 to 31 days, and a year one more in one of them."""


def _looser_the_higher(rank: Callable[[Any], Any]) -> Compare:
    def compare(was: Any, now: Any) -> Direction:
        old, new = rank(was), rank(now)
        if old == new:
            return Direction.CHANGED
        return Direction.LOOSENED if old < new else Direction.TIGHTENED

    return compare


def _looser_the_lower(rank: Callable[[Any], Any]) -> Compare:
    compare = _looser_the_higher(rank)
    return lambda was, now: compare(was, now).reverse


def _by_length(was: str | None, now: str | None) -> Direction:
    """Periods by when they end, from whichever day they run. None never ends."""
    if was is None or now is None:
        return Direction.LOOSENED if now is None else Direction.TIGHTENED
    old, new = Period.parse(was), Period.parse(now)
    ends = [(old.add_to(day), new.add_to(day)) for day in _STARTS]
    later, earlier = any(one < other for one, other in ends), any(one > other for one, other in ends)
    if later is earlier:
        return Direction.CHANGED
    return Direction.LOOSENED if later else Direction.TIGHTENED


def _by_columns(was: list[str] | None, now: list[str] | None) -> Direction:
    """A row in which all of the columns are empty is left out; without columns none is."""
    old, new = frozenset(was or ()), frozenset(now or ())
    if (old > new and new) or not old:
        return Direction.LOOSENED
    return Direction.TIGHTENED if new > old or not new else Direction.CHANGED


def _reasons(legal_reason: Any) -> int:
    """How many rows a reason may keep on after the shorter period: 0 none, 1 those that name one, 2 all."""
    return 0 if legal_reason is None else 1 if "column" in legal_reason else 2


_DIRECTIONS: dict[str, Compare] = {
    "severity": _looser_the_higher(lambda severity: list(Severity).index(Severity(severity))),
    "effective_from": _looser_the_higher(str),
    "effective_to": _looser_the_lower(lambda day: day or "9999-12-31"),
    "age": _looser_the_lower(lambda age: int(age or 0)),
    "nights": _looser_the_lower(lambda nights: int(nights or 0)),
    "tolerance_seconds": _looser_the_higher(lambda seconds: int(seconds or SECONDS_TOLERATED)),
    "period": _by_length,
    "review_after": _by_length,
    "columns_of_group": _by_columns,
    "may_be_empty": _looser_the_higher(bool),
    "null_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "future_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "absent_means": _looser_the_lower(lambda means: means == _UNKNOWN),
    "row_period": _looser_the_lower(bool),  # the policy's caps it, so it can only be shorter
    "legal_reason": _looser_the_higher(_reasons),
    "holds": _looser_the_higher(bool),
}
"""Which way a difference goes, where that can be told. All else is changed."""


def direction(field: str, was: Any, now: Any) -> Direction:
    compare = _DIRECTIONS.get(field)
    return compare(was, now) if compare else Direction.CHANGED
