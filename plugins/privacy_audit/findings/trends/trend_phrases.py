"""What a trend shows, as sentences for a reader. They claim no more than the counts do.

A purge is named only under a control that promises deletion; elsewhere rows went, whatever made them go.
"""

from __future__ import annotations

from datetime import date, timedelta

from privacy_audit.domain import phrases
from privacy_audit.findings.trends.counts import Trend, TrendDirection

_DAY = timedelta(days=1)
_COME = {True: "fall due", False: "are added"}
"""What rows do before they are in breach, under a control that promises deletion and under another."""


def sentences(shown: Trend, *, purge: bool) -> tuple[str, ...]:
    """What a trend shows, for a reader. `purge`: the control promises deletion, so what makes rows go is a purge."""
    match shown.verdict:
        case TrendDirection.KEPT_UP:
            return (_kept_up(shown), *_first_night(shown))
        case TrendDirection.SHRINKING:
            return _shrinking(shown, purge)
        case TrendDirection.BEHIND:
            return (_behind(shown, purge),)
        case TrendDirection.IDLE:
            return (_since(shown, purge), _idle(shown, purge))
        case TrendDirection.UNKNOWN:
            return _unknown(shown, purge)


def _kept_up(shown: Trend) -> str:
    looked = [night for night in shown.nights if night.rows is not None]
    if len(looked) > 1 and not any(night.rows for night in looked):
        return f"No row was found in breach on any of the {phrases.count(len(looked), 'night')} that looked."
    last = f"; rows last went {_worked(shown, shown.last_worked)}" if shown.last_worked else ""
    return f"No row is in breach tonight{last}."


def _first_night(shown: Trend) -> tuple[str, ...]:
    if len(shown.nights) == 1:
        return ("No night before tonight is on file.",)
    if all(night.rows is None for night in shown.nights[:-1]):
        return ("Nobody could look on any night before tonight that is on file.",)
    return ()


def _shrinking(shown: Trend, purge: bool) -> tuple[str, ...]:
    rate = _about(shown.falling_per_night or 0)
    start = _date(shown, shown.week_from or shown.nights[0].day)
    end = f"empty by {_date(shown, shown.empty_by)}" if shown.empty_by else "not empty within 10 years"
    return (
        f"Rows go faster than they {_COME[purge]}: by {rate} each night on average since {start}.",
        f"At this rate the backlog of {_rows(shown.backlog)} is {end}.",
    )


def _behind(shown: Trend, purge: bool) -> str:
    grown = (shown.backlog or 0) - (shown.rows_on(shown.week_from) or 0)
    if shown.week_from and grown > 0:
        more, than = grown, _on(shown, shown.week_from)
    elif shown.change and shown.change > 0:
        more, than = shown.change, "on the night before that looked"
    else:
        return f"Rows go, but as many {_COME[purge]}: the backlog of {_rows(shown.backlog)} does not shrink."
    backlog = f"the backlog is {_rows(shown.backlog)}, {phrases.number(more)} more than {than}"
    return f"Rows go, but more {_COME[purge]} than go: {backlog}."


def _idle(shown: Trend, purge: bool) -> str:
    gone = f"As far as the counts show, no row has gone on the last {phrases.count(shown.quiet, 'night')} that looked"
    return f"{gone}: the purge did not run, or it ran and deleted nothing." if purge else f"{gone}."


def _unknown(shown: Trend, purge: bool) -> tuple[str, ...]:
    if shown.backlog is None:
        return (_not_looked(shown),)
    if not shown.backlog:
        return ("No row is known to be in breach tonight, but the check is to review: unknown is not taken for kept.",)
    start = (_since(shown, purge),) if shown.per_night is not None else ()
    return _first_night(shown) or (*start, "It cannot be told yet whether rows go.")


def _not_looked(shown: Trend) -> str:
    last = next((night for night in reversed(shown.nights) if night.rows is not None), None)
    if last is None:
        return "Nobody could look on any night that is on file."
    found = f"the last night that looked found {_rows(last.rows)} in breach, {_on(shown, last.day)}"
    return f"Nobody could look tonight; {found}."


def _since(shown: Trend, purge: bool) -> str:
    """From when on rows only fell due, and how many do."""
    start = shown.since or shown.nights[0].day
    more = _more(shown.per_night or 0, purge)
    if shown.rows_on(start) == 0:
        return f"No row was found in breach {_on(shown, start)}; since then {more}."
    if start == shown.last_worked:
        worked = "The purge last worked" if purge else "Rows last went"
        return f"{worked} {_worked(shown, start)}; since then {more}."
    return f"Since {_date(shown, start)} {more}."


def _more(per_night: float, purge: bool) -> str:
    if not per_night:
        return "the number of rows in breach stands still"
    return f"rows {_COME[purge]}, {_about(per_night)} each night on average"


def _about(rate: float) -> str:
    """Two digits, for a mean is no exact number: `about 1 700`."""
    return f"about {phrases.number(round(float(f'{rate:.2g}')))}" if rate >= 1 else "less than one"


def _rows(amount: int | None) -> str:
    return phrases.count(amount or 0, "row")


def _worked(shown: Trend, day: date) -> str:
    """`on 14 November 2026`; `on or before` it where nobody looked the night before."""
    on = _on(shown, day)
    return on if shown.rows_on(day - _DAY) is not None else on.replace(" ", " or before ", 1)


def _on(shown: Trend, day: date) -> str:
    return f"{'in' if shown.small else 'on'} {_date(shown, day)}"


def _date(shown: Trend, day: date) -> str:
    return phrases.month(day) if shown.small else phrases.day(day)
