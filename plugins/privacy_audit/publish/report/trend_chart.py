"""Rows in breach, night by night, as bars in inline SVG. Readable aloud, in print, and without colour.

A night on which nobody looked is hatched, so that it cannot be taken for a night without rows. The axis is true: each
civil day has the same width, whether it was audited or not. `templates/trend.css` is the style.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from privacy_audit.domain import phrases
from privacy_audit.findings.trends import NightCounts
from privacy_audit.view.audit_view import ChartView

_WIDTH = 400
_HEIGHT = 140
_LEGEND = 22
_WIDEST = 24.0
_LOWEST = 1.5
_FILLED = 0.8  # of a day's width; the rest parts it from the next ...
_PARTED = 3.0  # ... where a day is wide enough for it; finer gaps would only pale the bars


@dataclass(frozen=True, slots=True)
class _Plot:
    """The place of the bars, in units of the drawing, and the nights in it."""

    nights: tuple[NightCounts, ...]
    width: float
    top: float
    base: float

    @property
    def step(self) -> float:
        """Width of one civil day."""
        return self.width / len(self.nights)

    @property
    def most(self) -> int:
        """The largest count of a night."""
        return _most(self.nights)

    def height(self, rows: int) -> float:
        """Length of a bar. One row beside a million can still be seen."""
        return max(_LOWEST, (self.base - self.top) * rows / self.most) if rows else 0.0


def svg(chart: ChartView, key: str) -> Markup:
    """One bar per night, tonight's number at the end; empty without nights. `key`, of letters, digits and hyphens,
    makes the ids of the figure its own."""
    if not chart.nights:
        return Markup("")
    plot = _Plot(chart.nights, width=312, top=20, base=116)
    gaps = _gaps(plot, key)
    return Markup(
        '<svg class="trend" role="img" viewBox="0 0 {width} {height}" aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">Rows in breach, night by night</title>'
        '<desc id="{key}-desc">{words}</desc>{gaps}{most}{bars}{axis}{tonight}</svg>'
    ).format(
        width=_WIDTH, height=_HEIGHT + (_LEGEND if gaps else 0), key=key, words=_words(chart), gaps=gaps,
        most=_largest(plot), bars=_bars(plot), axis=_axis(plot), tonight=_tonight(plot),
    )  # fmt: skip


def sparkline(chart: ChartView) -> Markup:
    """The same bars without words, small enough for a table. A broken line stands where nobody looked."""
    if not chart.nights:
        return Markup("")
    plot = _Plot(chart.nights, width=120, top=2, base=22)
    missed = " ".join(f"M{_units(left)} 12h{_units(width)}" for left, width in _unseen(plot))
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 120 24" aria-label="{words}">{missed}{bars}{base}</svg>'
    ).format(
        words=_words(chart),
        missed=_path("trend-missed", missed),
        bars=_bars(plot),
        base=_path("trend-axis", "M0 22.5h120"),
    )


def in_words(chart: ChartView) -> str:
    """What the bars show, for who hears the chart: first and last day, the most, tonight, and what nobody looked at."""
    return _words(chart) if chart.nights else "No night is on file."


def _words(chart: ChartView) -> str:
    shown = chart.nights
    first, tonight = shown[0], shown[-1]
    days = f"From {phrases.day(first.day)} to {phrases.day(tonight.day)}"
    opening = days if len(shown) > 1 else f"On {phrases.day(tonight.day)}"
    missed = sum(1 for night in shown if night.rows is None)
    if missed == len(shown):
        return f"{opening}: not audited."
    parts = [_most_in_words(chart), "tonight not audited" if tonight.rows is None else f"tonight {_rows(tonight.rows)}"]
    if missed:
        parts.append(f"not audited on {phrases.number(missed)} of {phrases.count(len(shown), 'night')}")
    return f"{opening}: {'; '.join(parts)}."


def _most_in_words(chart: ChartView) -> str:
    if chart.peak is None:
        return "no row in breach on any night that looked"
    when = f"{'in' if chart.peak.by_month else 'on'} {chart.peak.words}"
    return f"at most {_rows(_most(chart.nights))} in breach, reached {when}"


def _most(shown: tuple[NightCounts, ...]) -> int:
    return max((night.rows for night in shown if night.rows is not None), default=0)


def _rows(amount: int) -> str:
    return phrases.count(amount, "row")


def _bars(plot: _Plot) -> Markup:
    width = min(plot.step * (_FILLED if plot.step >= _PARTED else 1), _WIDEST)
    inset = (plot.step - width) / 2
    bars = (
        f"M{_units(place * plot.step + inset)} {_units(plot.base)}v-{_units(plot.height(night.rows))}"
        f"h{_units(width)}V{_units(plot.base)}z"
        for place, night in enumerate(plot.nights)
        if night.rows
    )
    return _path("trend-bar", " ".join(bars))


def _unseen(plot: _Plot) -> Iterator[tuple[float, float]]:
    """Left edge and width of each run of nights on which nobody looked."""
    for unseen, run in groupby(enumerate(plot.nights), lambda placed: placed[1].rows is None):
        if unseen:
            places = [place for place, _ in run]
            yield places[0] * plot.step, len(places) * plot.step


def _gaps(plot: _Plot, key: str) -> Markup:
    """The hatched bands, and below the axis what they mean; nothing when every night looked."""
    bands = Markup("").join(_band(left, plot.top, width, plot.base - plot.top, key) for left, width in _unseen(plot))
    if not bands:
        return bands
    return Markup(
        '<defs><pattern id="{key}-hatch" width="5" height="5" patternUnits="userSpaceOnUse">'
        '<path class="trend-hatch" d="M0 5L5 0"/></pattern></defs>'
        "{bands}{sample}{meaning}"
    ).format(
        key=key,
        bands=bands,
        sample=_band(0, _HEIGHT + 4, 18, 12, key),
        meaning=_text("trend-label", 24, _HEIGHT + 14, "not audited"),
    )


def _band(left: float, top: float, width: float, height: float, key: str) -> Markup:
    box = (_units(left), _units(top), _units(width), _units(height))
    return Markup('<rect class="trend-gap" x="{}" y="{}" width="{}" height="{}" fill="url(#{}-hatch)"/>').format(
        *box, key
    )


def _largest(plot: _Plot) -> Markup:
    """The largest count as a line over the bars; no line when no night had a row in breach."""
    if not plot.most:
        return Markup("")
    line = _path("trend-most", f"M0 {_units(plot.top)}h{_units(plot.width)}")
    return line + _text("trend-label", 0, plot.top - 6, f"most: {phrases.number(plot.most)}")


def _axis(plot: _Plot) -> Markup:
    """The line of zero, with the first and the last day below it."""
    first, last = plot.nights[0].day, plot.nights[-1].day
    line = _path("trend-axis", f"M0 {_units(plot.base + 0.5)}h{_units(plot.width)}")
    start = _text("trend-label", 0, _HEIGHT - 7, phrases.day(first)) if first < last else Markup("")
    return line + start + _text("trend-label trend-end", plot.width, _HEIGHT - 7, phrases.day(last))


def _tonight(plot: _Plot) -> Markup:
    """Tonight's number beside its bar."""
    rows = plot.nights[-1].rows
    left, line = plot.width + 8, min(max(plot.top + 10, plot.base - plot.height(rows or 0)), plot.base - 16)
    number = _text("trend-rows", left, line, "not audited" if rows is None else phrases.number(rows))
    return number + _text("trend-label", left, line + 15, "tonight")


def _text(name: str, left: float, line: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(name, _units(left), _units(line), text)


def _path(name: str, way: str) -> Markup:
    """A path of that class; nothing when there is no way to draw."""
    return Markup('<path class="{}" d="{}"/>').format(name, way) if way else Markup("")


def _units(length: float) -> str:
    """A length in the drawing, to a hundredth: `12`, `3.47`."""
    return f"{length:.2f}".rstrip("0").rstrip(".")
