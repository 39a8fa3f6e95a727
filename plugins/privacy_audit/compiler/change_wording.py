"""Names and values of changed parameters, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from privacy_audit.domain import phrases
from privacy_audit.domain.periods import Period

PERIODS = ("period", "review_after")
Leaves = dict[str, Any]
"""Path inside a part of a rule, as `latest[0].column`, to what stands there."""
_NAMES = {
    "kind": "the kind of control",
    "clauses": "the list of its clauses",
    "effective_from": "the first day",
    "effective_to": "the last day",
    "period": "the period",
    "review_after": "the period after which only a legal reason keeps a row",
    "age": "the age from which nobody needs a guardian's consent",
    "nights": "the number of nights that are looked at",
    "tolerance_seconds": "the number of seconds by which clocks may differ",
    "title": "the title",
    "relation": "the kind of table",
    "key": "the key of the rows",
    "zone": "the time zone",
    "no_data_before": "the first day from which a moment is believed",
    "may_be_empty": "whether the table may be empty",
    "columns_of_group": "the data",
    "null_means": "what a missing moment stands for",
    "future_means": "what a moment to come stands for",
    "absent_means": "what it stands for when no row is joined",
    "row_period": "the shorter period of a row's own",
    "holds": "the register of legal holds that keep rows",
    "subject": "the way to the person of a row",
    "mark": "the mark of deleted rows",
    "persons": "the table of persons",
    "consents": "the register of consents",
    "guardian_consents": "the register of guardians' consents",
    "form": "the form of a consent",
    "out_of_scope": "the conditions under which rows are left out",
    "categories": "the list of categories that a hold may keep",
}
"""What a field is called in a sentence; where none is given, its own name will do."""
_NOTHING = {"columns_of_group": "the whole row", "effective_to": "open", "may_be_empty": "no"}
"""What it means that a field is not there."""


def name(field: str) -> str:
    return _NAMES.get(field) or f"the {field.replace('_', ' ')}"


def said(field: str, was: Any, now: Any) -> str:
    return f"{name(field)} was {shown(field, was)} and is {shown(field, now)} now"


def inside(field: str, was: Leaves, now: Leaves) -> str:
    """`the clock changed: column was recorded_at and is created_at now`."""
    paths = sorted(path for path in {*was, *now} if was.get(path) != now.get(path))
    parts = (f"{_spaced(path)} was {shown(path, was.get(path))} and is {shown(path, now.get(path))}" for path in paths)
    return f"{name(field)} changed: {'; '.join(parts)} now"


def _spaced(path: str) -> str:
    return path.replace("_", " ").replace(".", " ")


def leaves(part: Any, path: str = "") -> Leaves:
    """A nested part, flat. A list of plain values is one leaf."""
    if isinstance(part, dict):
        parts = [(f"{path}.{key}".lstrip("."), value) for key, value in part.items()]
    elif isinstance(part, list) and any(isinstance(value, dict) for value in part):
        parts = [(f"{path}[{number}]", value) for number, value in enumerate(part)]
    else:
        return {} if part is None else {path: part}
    return {leaf: value for below, inner in parts for leaf, value in leaves(inner, below).items()}


def shown(field: str, value: Any) -> str:
    """A value as people write it."""
    match value:
        case None | []:
            return _NOTHING.get(field, "not set")
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(shown(field, item) for item in value)
        case {"table": str(table)}:
            return table
        case dict():
            return ", ".join(f"{_spaced(name)} {shown(name, item)}" for name, item in leaves(value).items())
    return _shown_text(field, str(value))


def _shown_text(field: str, text: str) -> str:
    if field in PERIODS:
        return Period.parse(text).words
    if field in ("effective_from", "effective_to", "no_data_before"):
        return phrases.day(date.fromisoformat(text))
    return (
        f"“{text}”"
        if field in ("title", "event", "always")
        else text.replace("_", " ")
        if field in ("category", "kind")
        else text
    )
