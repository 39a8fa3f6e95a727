"""What the generator reads: docstrings below fields, and types in plain words."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "plugins" / "privacy_audit"


@cache
def tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _notes(body: list[ast.stmt]) -> dict[str, str]:
    """The text below each assignment of a body, by the assigned name."""
    found = {}
    for statement, following in pairwise(body):
        target: ast.expr | None = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
        if isinstance(target, ast.Name) and isinstance(following, ast.Expr):
            value = following.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[target.id] = inspect.cleandoc(value.value)
    return found


def module_notes(module: ModuleType) -> dict[str, str]:
    """What is written below each constant of a module."""
    return _notes(tree(module).body)


@cache
def field_notes(cls: type) -> dict[str, str]:
    """What is written below each field of a class, inherited fields included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("privacy_audit"):
            classes = [
                node for node in ast.walk(tree(import_module(base.__module__))) if isinstance(node, ast.ClassDef)
            ]
            found |= next((_notes(node.body) for node in classes if node.name == base.__name__), {})
    return found


def own_doc(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table in Markdown, with an empty line behind it."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---'] * len(head))}|"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


@cache
def _aliases() -> list[tuple[str, Any, str]]:
    """The named kinds of text and number of the formats: name, type, what it is."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "Annotated[" not in (text := path.read_text(encoding="utf-8")) or "migrations" in path.parts:
            continue
        named = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
        module = import_module(".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts))
        notes = module_notes(module)
        for node in named:
            if isinstance(node.targets[0], ast.Name) and not node.targets[0].id.startswith("_"):
                value = getattr(module, node.targets[0].id, None)
                if get_origin(value) is Annotated:
                    found.append((node.targets[0].id, value, notes.get(node.targets[0].id, "")))
    return found


def spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.strip("_")).lower()


class Words:
    """Types in plain words, and which named ones were met on a page."""

    def __init__(self) -> None:
        self.classes: list[type] = []
        self.aliases: dict[str, str] = {}

    def of(self, kind: Any) -> str:
        """The type as a reader of YAML knows it."""
        for name, alias, note in _aliases():
            if kind == alias and note and get_origin(get_args(kind)[0]) not in (Union, UnionType):
                self.of(get_args(kind)[0])
                self.aliases.setdefault(spaced(name), note)
                return f"[{spaced(name)}](#{anchor(spaced(name))})"
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self.of(arguments[0])
        if origin in (Union, UnionType):
            return " or ".join(dict.fromkeys(self.of(one) for one in arguments if one is not NoneType))
        if origin is Literal:
            return " or ".join(f"`{getattr(one, 'value', one)}`" for one in arguments)
        if origin in (tuple, list):
            return f"list of {self.of(arguments[0])}"
        if origin is dict:
            return f"mapping: {self.of(arguments[0])} to {self.of(arguments[1])}"
        if inspect.isclass(kind) and issubclass(kind, (BaseModel, Enum)):
            if kind not in self.classes:
                self.classes.append(kind)
            return f"[{spaced(kind.__name__)}](#{anchor(spaced(kind.__name__))})"
        plain = {str: "text", int: "whole number", bool: "`true` or `false`", date: "day", datetime: "instant"}
        return plain.get(kind, "anything")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value in (None, (), {}):
        return ""
    return f"`{json.dumps(value, default=lambda one: getattr(one, 'value', str(one)))}`"


def fields(cls: type[BaseModel], words: Words) -> Iterator[str]:
    """The keys of a model as a table."""
    hints, notes = get_type_hints(cls, include_extras=True), field_notes(cls)
    rows = []
    for name, field in cls.model_fields.items():
        note = notes.get(name, "") or _title_of_register(cls, name)
        if "Never written by hand" not in note:
            rows.append((f"`{field.alias or name}`", words.of(hints[name]), _default(field), note))
    yield from table(("key", "value", "default", "meaning"), rows)


def _title_of_register(cls: type, name: str) -> str:
    """The rows of a company's register, where the key binds one."""
    from privacy_audit.config.registers import COMPANY_REGISTERS

    known = COMPANY_REGISTERS if cls.__name__ == "Registers" else {}
    return f"{known[name].title}; see [registers](registers.md#{name})." if name in known else ""


def values(cls: type[Enum]) -> Iterator[str]:
    """The words of an enumeration, as a table where something is said of them."""
    notes = field_notes(cls)
    if notes:
        yield from table(("value", "meaning"), [(f"`{one.value}`", notes.get(one.name, "")) for one in cls])
    else:
        yield from (", ".join(f"`{one.value}`" for one in cls) + ".", "")


def described(words: Words, *already: type) -> Iterator[str]:
    """A section for each class that was met and is not described already, and for each named kind of text."""
    done = set(already)
    while todo := [cls for cls in words.classes if cls not in done]:
        done.add(todo[0])
        yield from (f"## {spaced(todo[0].__name__).capitalize()}", "", own_doc(todo[0]), "")
        if issubclass(todo[0], BaseModel):
            yield from fields(todo[0], words)
        elif issubclass(todo[0], Enum):
            yield from values(todo[0])
    for name, note in sorted(words.aliases.items()):
        yield from (f"## {name.capitalize()}", "", note, "")
