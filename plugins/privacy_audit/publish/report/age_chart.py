"""How long violating rows have been in breach, as bars in inline SVG. Readable aloud, in print, and without colour."""

from __future__ import annotations

from markupsafe import Markup

from privacy_audit.domain import phrases
from privacy_audit.domain.tally import AGE_BUCKETS
from privacy_audit.view.audit_view import TallyView

_WIDTH = 340
_LABELS = 112
_NUMBERS = 84
_ROW = 26
_BAR = 14
_THINNEST = 2.0


def svg(tally: TallyView, key: str) -> Markup:
    """One bar per bucket of `AGE_BUCKETS`, the number beside it. `key` makes the ids of the figure its own."""
    longest = max(tally.ages)
    bars = Markup("").join(
        _bar(position, label, rows, longest)
        for position, ((label, _), rows) in enumerate(zip(AGE_BUCKETS, tally.ages, strict=True))
    )
    return Markup(
        '<svg class="ages" role="img" viewBox="0 0 {width} {height}" aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">How long the violating rows have been in breach</title>'
        '<desc id="{key}-desc">{words}</desc>{bars}</svg>'
    ).format(width=_WIDTH, height=_ROW * len(AGE_BUCKETS), key=key, words=in_words(tally), bars=bars)


def in_words(tally: TallyView) -> str:
    """`up to a week: 12 rows; up to a month: 0 rows; ...`, for who hears the chart."""
    pairs = zip(AGE_BUCKETS, tally.ages, strict=True)
    return "; ".join(f"{label}: {phrases.count(rows, 'row')}" for (label, _), rows in pairs) + "."


def _bar(position: int, label: str, rows: int, longest: int) -> Markup:
    room = _WIDTH - _LABELS - _NUMBERS
    length = max(_THINNEST, room * rows / longest) if rows else 0.0
    top = position * _ROW
    return Markup(
        '<text class="age-label" x="0" y="{base}">{label}</text>'
        '<path class="age-axis" d="M{start} {top}v{row}"/>'
        '<rect class="age-bar age-{position}" x="{start}" y="{bar_top}" width="{length:.1f}" height="{bar}"/>'
        '<text class="age-rows" x="{end:.1f}" y="{base}">{rows}</text>'
    ).format(
        base=top + 18, label=label, start=_LABELS, top=top, row=_ROW, position=position, bar_top=top + 6,
        length=length, bar=_BAR, end=_LABELS + length + 8, rows=phrases.number(rows),
    )  # fmt: skip
