"""Plain data held against a pydantic model, and what does not fit said in plain words.

Pydantic names the place of a mistake by a location that also runs through unions of the model. It is walked along
the model's own schema, so that the place is one of the file and the keys that are known there can be told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from itertools import groupby
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from privacy_audit.config.yaml.tree import Document, Step, Steps, in_words, type_in_words
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Schema = dict[str, Any]

_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "date_type": "a day (as 2026-01-31)",
    "date_parsing": "a day (as 2026-01-31)",
    "date_from_datetime_parsing": "a day (as 2026-01-31)",
    "date_from_datetime_inexact": "a day (as 2026-01-31)",
    "model_type": "a mapping (keys with values)",
    "model_attributes_type": "a mapping (keys with values)",
    "dict_type": "a mapping (keys with values)",
    "list_type": "a list",
    "tuple_type": "a list",
    "none_required": "nothing",
}
_BOUNDS = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} parts, and has {actual_length}",
    "too_long": "must have at most {max_length} parts, and has {actual_length}",
}
_LEFT_OPEN: Any = {"type": "left_open"}
_TRANSPARENT = {"function-before", "function-after", "function-wrap", "default", "nullable", "model", "definitions"}
"""Kinds of schema that wrap another and add nothing to a location."""


def fit(document: Document, model: type[Model]) -> Model:
    """The data as the model; ConfigurationRefusedError with every place where it does not fit, in the file's order.

    Strict: a number is no text, `"yes"` is not true. JSON is the form in which pydantic is strict about types and
    still takes lists for tuples and words for enums.
    """
    try:
        text = json.dumps(document.value, default=date.isoformat)
        value, found = model.model_validate_json(text, strict=True, by_alias=True, by_name=False), list[ErrorDetails]()
    except ValidationError as error:
        value, found = None, error.errors(include_url=False)
    walk = _Walk(model.__pydantic_core_schema__)  # type: ignore[arg-type]
    errors = [_Misfit(*walk.along(details["loc"]), details) for details in found]
    known = {misfit.path for misfit in errors}
    errors += [_Misfit(path, {}, False, _LEFT_OPEN) for path in _left_open(document.value) if path not in known]
    if value is not None and not errors:
        return value
    errors.sort(key=lambda misfit: (document.position(*misfit.path), misfit.path))
    raise ConfigurationRefusedError(_mistakes(document, errors))


@dataclass(frozen=True, slots=True)
class _Misfit:
    path: Steps
    """Where in the file."""
    schema: Schema
    """What may stand in that part, or in the mapping around an unknown key."""
    about_key: bool
    details: ErrorDetails


class _Walk:
    """Follows a location of pydantic through a schema."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._named = {part["ref"]: part for part in schema.get("definitions", ())}

    def along(self, location: tuple[Step, ...]) -> tuple[Steps, Schema, bool]:
        """Path in the file, the schema it ends in, and whether the mistake is about the key itself."""
        schema, around, path = self._inner(self._root), self._root, list[Step]()
        for step in location:
            if step == "[key]":
                return tuple(path), self._inner(around["keys_schema"]), True
            following = self._following(schema, step)
            if schema["type"] not in ("union", "tagged-union"):
                path.append(step)
            if following is None:
                return tuple(path), schema, schema["type"] == "model-fields"
            schema, around = self._inner(following), schema
        return tuple(path), schema, False

    def _inner(self, schema: Schema) -> Schema:
        while schema["type"] in _TRANSPARENT or schema["type"] == "definition-ref":
            named = schema["type"] == "definition-ref"
            schema = self._named[schema["schema_ref"]] if named else schema["schema"]
        return schema

    def _following(self, schema: Schema, step: Step) -> Schema | None:
        """The schema one step further; None where the model knows no such step."""
        match schema["type"]:
            case "model-fields":
                return next((field["schema"] for name, field in _fields(schema) if name == step), None)
            case "dict":
                return schema.get("values_schema")
            case "list":
                return schema.get("items_schema")
            case "tuple":
                return schema["items_schema"][0]  # type: ignore[no-any-return]  # tuples of one type, any length
            case "tagged-union":
                return next((choice for tag, choice in schema["choices"].items() if str(tag) == str(step)), None)
            case "union":
                return next(iter(schema["choices"]))  # type: ignore[no-any-return]
        return None


def _left_open(part: Any, path: Steps = ()) -> Iterable[Steps]:
    """Keys behind which nothing stands. Half written is not left out, even where a key may be left out."""
    if part is None:
        yield path
    parts = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, inner in parts:
        yield from _left_open(inner, (*path, step))


def _fields(schema: Schema) -> Iterable[tuple[str, Schema]]:
    """Name in the file and schema of each field."""
    return [(field.get("validation_alias", name), field) for name, field in schema["fields"].items()]


def _mistakes(document: Document, errors: list[_Misfit]) -> Iterable[Mistake]:
    for path, group in groupby(errors, key=lambda misfit: misfit.path):
        misfits = list(group)
        nouns = dict.fromkeys(_NOUNS[it.details["type"]] for it in misfits if it.details["type"] in _NOUNS)
        if nouns:
            yield _wrong_type(document, path, list(nouns))
        for misfit in misfits:
            if misfit.details["type"] in _NOUNS or _is_miscounted(document, misfit):
                continue
            if not _is_misspelt(misfit, errors):
                yield _mistake(document, misfit)


def _is_miscounted(document: Document, misfit: _Misfit) -> bool:
    """Whether a list is called too short only because parts of it, which are named themselves, do not fit."""
    present = document.at(*misfit.path)
    wanted = misfit.details.get("ctx", {}).get("min_length", 0)
    return misfit.details["type"] == "too_short" and isinstance(present, list) and len(present) >= wanted


def _is_misspelt(missing: _Misfit, errors: list[_Misfit]) -> bool:
    """Whether a missing key stands beside it with another spelling: one mistake, said once."""
    if missing.details["type"] != "missing":
        return False
    beside = [it for it in errors if it.path[:-1] == missing.path[:-1] and it.details["type"] == "extra_forbidden"]
    return bool(get_close_matches(str(missing.path[-1]), [str(it.path[-1]) for it in beside]))


def _wrong_type(document: Document, path: Steps, nouns: list[str]) -> Mistake:
    value = document.at(*path)
    found = "but nothing stands here" if value is None else f"not {type_in_words(value)}"
    fact = f"must be {' or '.join(nouns)}, {found}."
    way_out = ""
    if nouns == ["text"] and isinstance(value, bool | int | float):
        way_out = "Put it in quotes."
    if nouns == ["true or false"] and isinstance(value, str):
        way_out = "Write true or false, without quotes."
    return Mistake(document.place(*path), _about(path, fact), way_out)


def _mistake(document: Document, misfit: _Misfit) -> Mistake:
    path, details = misfit.path, misfit.details
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return Mistake(document.place(*path[:-1]), _about(path[:-1], f'the key "{path[-1]}" is missing.'))
        case "extra_forbidden":
            present = document.at(*path[:-1])
            names = [name for name, _ in _fields(misfit.schema)]
            known = [name for name in names if isinstance(present, dict) and name not in present] or names
            about = _about(path[:-1], f'the key "{str(path[-1])[:80]}" is unknown.')
            return Mistake(document.place_of_key(*path), about, did_you_mean(str(path[-1]), known))
        case "enum" | "literal_error":
            members = misfit.schema.get("members") or misfit.schema.get("expected") or []
            return _unknown_word(document, misfit, [str(getattr(member, "value", member)) for member in members])
        case "union_tag_invalid":
            return _unknown_tag(document, path, str(context["discriminator"]), misfit.schema)
        case "union_tag_not_found":
            key = str(context["discriminator"]).strip("'")
            return Mistake(document.place(*path), _about(path, f'the key "{key}" is missing.'))
        case "left_open":
            return Mistake(
                document.place(*path), _about(path, "nothing stands here."), "Write a value, or take the key out."
            )
        case "value_error":
            fact = str(context["error"])
        case "too_short" | "string_too_short" if context["min_length"] == 1:
            fact = "must not be empty."
        case bound if bound in _BOUNDS:
            fact = _BOUNDS[bound].format(**context) + "."
        case _:
            fact = details["msg"].replace("Input should", "must") + "."
    place = document.place_of_key if misfit.about_key else document.place
    return Mistake(place(*path), _about(path, fact))


def _unknown_word(document: Document, misfit: _Misfit, known: list[str]) -> Mistake:
    word = misfit.path[-1] if misfit.about_key else document.at(*misfit.path)
    place = document.place_of_key if misfit.about_key else document.place
    if not isinstance(word, str):
        return _wrong_type(document, misfit.path, ["one of " + ", ".join(known)])
    fact = f'"{word[:80]}" is unknown.'
    return Mistake(place(*misfit.path), _about(misfit.path, fact), did_you_mean(word, known))


def _unknown_tag(document: Document, path: Steps, quoted: str, schema: Schema) -> Mistake:
    """A union told apart by the value of one key."""
    path = (*path, quoted.strip("'"))
    known = [str(tag) for tag in schema["choices"]]
    word = document.at(*path)
    if not isinstance(word, str):
        return _wrong_type(document, path, ["one of " + ", ".join(known)])
    return Mistake(document.place(*path), _about(path, f'"{word[:80]}" is unknown.'), did_you_mean(word, known))


def _about(path: Steps, fact: str) -> str:
    return f"{in_words(path)}: {fact}" if path else fact
