"""What one unquoted word of a file means: the core schema of YAML 1.2, and dates.

`no`, `off` and `1:30` are text, `012` is twelve (YAML 1.1 read them as false, false, 90 and ten).
"""

from __future__ import annotations

import math
import re
from datetime import date

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_DIGITS = 18
"""More do not fit into a database's whole number."""

_HIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u200a\u2010-\u2027\u202f-\u205f\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Control characters, halves of characters, zero-width characters and those that turn the direction of writing."""


class UnreadableScalarError(ValueError):
    """A word that looks like a number or date and is none that can be used."""

    def __init__(self, fact: str, way_out: str) -> None:
        super().__init__(f"{fact} {way_out}")
        self.fact_and_way_out = fact, way_out


def hidden_character(text: str) -> re.Match[str] | None:
    """The first character that a reader of the file would not see."""
    return _HIDDEN.search(text)


def resolve(word: str) -> bool | int | float | str | date | None:
    """The value of an unquoted word; UnreadableScalarError when no program could work with it."""
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return _integer(word)
    if _FLOAT.fullmatch(word):
        return _float(word)
    if _DATE.fullmatch(word):
        return _date(word)
    return word


def _integer(word: str) -> int:
    if len(word) > _MOST_DIGITS:
        fact = f"a number of {len(word)} digits stands here; the longest that can be used has {_MOST_DIGITS}."
        raise UnreadableScalarError(fact, "Put it in quotes if it is an identifier.")
    return int(word, {"0o": 8, "0x": 16}.get(word[:2], 10))


def _float(word: str) -> float:
    number = math.nan if word.lower().endswith(("inf", "nan")) else float(word)
    if not math.isfinite(number):
        raise UnreadableScalarError(f'"{word[:80]}" is no number that can be compared.', "Write a plain number.")
    return number


def _date(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UnreadableScalarError(f"{word} is not a day of the calendar.", "Write year-month-day.") from None
