"""Takes out of a text what a reader cannot see: it could hide, turn around or break what stands beside it.

These are the only cleaning functions. `make_view` calls them once for a whole view, so a renderer has nothing to clean.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, cast

_PLAIN = re.compile(r"[ -~\n\t]*")
"""What nearly every text is: nothing in it needs a second look."""
_Value = TypeVar("_Value")


def clean(text: str) -> str:
    """The text without control characters (line feeds and tabs stay) and without bidi and other format characters.

    A line separator becomes a line feed. A lone surrogate, which no file can hold, becomes the replacement character.
    """
    return text if _PLAIN.fullmatch(text) else "".join(_visible(character) for character in text)


def clean_all(value: _Value) -> _Value:
    """The same value with every text in it clean, in frozen dataclasses, tuples, lists, sets and mappings too.

    A part in which every text is clean already is the same object as before.
    """
    return cast("_Value", _cleaned(value))


def one_line(text: str) -> str:
    """The text on one line, for the header of a mail and for a chat: a space stands for each break or control."""
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in ("Cf", "Cs")).strip()


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cs":
            return "\ufffd"
        case "Zl" | "Zp":
            return "\n"
        case "Cc":
            return character if character in "\n\t" else ""
        case "Cf":
            return ""
        case _:
            return character


def _cleaned(value: Any) -> Any:
    if isinstance(value, Enum):  # its value is ours, and it may be a text at the same time
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple | list | frozenset):
        items = [_cleaned(item) for item in value]
        return value if all(map(_is_same, items, value)) else type(value)(items)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _cleaned_fields(value)
    return value


def _cleaned_fields(value: Any) -> Any:
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    cleaned = {name: _cleaned(part) for name, part in parts.items()}
    changed = {name: part for name, part in cleaned.items() if part is not parts[name]}
    return replace(value, **changed) if changed else value


def _is_same(one: object, other: object) -> bool:
    return one is other
