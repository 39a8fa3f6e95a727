"""YAML 1.2 as plain data that knows its places.

Built from the parser's events, one by one and without recursion: what is refused is refused before anything is
built from it, so neither aliases nor tags nor nesting can cost time, memory or code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from privacy_audit.config.yaml.scalars import UnreadableScalarError, hidden_character, resolve
from privacy_audit.config.yaml.syntax import syntax_mistake
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake

DEEPEST = 20
"""Levels of nesting. What people write needs fewer than ten."""
MOST_MISTAKES = 100
"""After so many the file is something else, and nobody reads on."""

Plain: TypeAlias = "bool | int | float | str | date | list[Plain] | dict[str, Plain] | None"
Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, as plain data, and where each part of it stands."""

    name: str
    """The file, as messages call it."""
    value: Plain
    _values: Mapping[Steps, Position]
    _keys: Mapping[Steps, Position]

    def place(self, *path: Step) -> str:
        """`file:line:column` of a part: a value, or the key above a list or mapping. Of the nearest part if absent."""
        return self._place(self._values, path)

    def place_of_key(self, *path: Step) -> str:
        """`file:line:column` of the key that names a part."""
        return self._place(self._keys, path)

    def position(self, *path: Step) -> Position:
        """Line and column of a part, by which mistakes are put in order."""
        return next(self._values[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self._values)

    def at(self, *path: Step) -> Plain:
        """The part itself; None when there is none."""
        part: Any = self.value
        for step in path:
            if not isinstance(part, dict | list):
                return None
            try:
                part = part[step]  # type: ignore[index]
            except (LookupError, TypeError):
                return None
        return part  # type: ignore[no-any-return]

    def _place(self, positions: Mapping[Steps, Position], path: Steps) -> str:
        line, column = positions[path] if path in positions else self.position(*path)
        return f"{self.name}:{line}:{column}"


def in_words(path: Steps) -> str:
    """`tables.app.positions.data[0].clock`."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".")


@lru_cache(maxsize=16)  # each stage of a night reads the same files, and this is the slow part of reading them
def compose(text: str, name: str) -> Document:
    """The only document of a text; ConfigurationRefusedError with everything that may not stand in it."""
    builder = _Builder(name)
    if hidden := hidden_character(text):
        builder.refuse(_position(text, hidden.start()), _HIDDEN.format(ord(hidden.group())), "Delete it.")
        builder.stop()
    if directive := _DIRECTIVE.search(text):
        fact = "a directive (a line that begins with %) changes how the file is read."
        builder.refuse(_position(text, directive.start()), fact, "Delete it.")
        builder.stop()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        builder.mistakes.append(syntax_mistake(error, name))
    except (YAMLError, ValueError, OverflowError, AttributeError):  # the parser's own slips on escapes and directives
        builder.mistakes.append(Mistake(name, "cannot be read as YAML."))
    return builder.finish()


def _position(text: str, index: int) -> Position:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


_DIRECTIVE = re.compile("(?<![^\n\r])%")
_HIDDEN = "the invisible character U+{:04X} stands here; a reviewer would not see what a computer reads."


@dataclass(slots=True)
class _Level:
    """A list or mapping whose end has not come yet."""

    path: Steps
    content: dict[str, Plain] | list[Plain]
    key: str | None = None
    """The key whose value comes next; None when a key comes next."""

    @property
    def next_path(self) -> Steps:
        return (*self.path, len(self.content) if isinstance(self.content, list) else self.key or "")

    @property
    def wants_key(self) -> bool:
        return isinstance(self.content, dict) and self.key is None

    def put(self, value: Plain) -> None:
        if isinstance(self.content, list):
            self.content.append(value)
        else:
            self.content[self.key or ""] = value
            self.key = None


@dataclass(slots=True)
class _Builder:
    name: str
    mistakes: list[Mistake] = field(default_factory=list)
    open: list[_Level] = field(default_factory=list)
    documents: list[Plain] = field(default_factory=list)
    values: dict[Steps, Position] = field(default_factory=dict)
    keys: dict[Steps, Position] = field(default_factory=dict)

    def refuse(self, position: Position, fact: str, way_out: str = "") -> None:
        place = f"{self.name}:{position[0]}:{position[1]}"
        self.mistakes.append(Mistake(place, fact, way_out))
        if len(self.mistakes) == MOST_MISTAKES:
            self.stop()

    def stop(self) -> NoReturn:
        raise ConfigurationRefusedError(self.mistakes)

    def finish(self) -> Document:
        if self.mistakes:
            self.stop()
        if not self.documents or self.documents[0] is None:
            self.mistakes.append(Mistake(self.name, "is empty.", "Nothing can be audited by an empty file."))
            self.stop()
        return Document(self.name, self.documents[0], MappingProxyType(self.values), MappingProxyType(self.keys))

    def take(self, event: Event) -> None:
        position = event.start_mark.line + 1, event.start_mark.column + 1
        match event:
            case DocumentStartEvent():
                self._start_document(position)
            case AliasEvent():
                self.refuse(
                    position, f'"*{event.anchor}" repeats another part of the file.', "Write the part out here."
                )
                self._value(None, position)
            case ScalarEvent():
                self._refuse_marks(event, position)
                self._scalar(event, position)
            case MappingStartEvent():
                self._start({}, event, position)
            case SequenceStartEvent():
                self._start([], event, position)
            case MappingEndEvent() | SequenceEndEvent():
                content = self.open.pop().content
                if self.open:
                    self.open[-1].put(content)
                else:
                    self.documents.append(content)

    def _start_document(self, position: Position) -> None:
        if self.documents:
            self.refuse(position, "a second document begins here (---).", "Write one document per file.")
            self.stop()

    def _refuse_marks(self, event: ScalarEvent | CollectionStartEvent, position: Position) -> None:
        if event.anchor:
            self.refuse(position, f'the anchor "&{event.anchor}" stands here.', "Delete it, and write each part out.")
        if event.tag:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.refuse(position, f'the tag "{tag}" stands here.', "Delete it: the format says what each value is.")

    def _start(self, content: dict[str, Plain] | list[Plain], event: CollectionStartEvent, position: Position) -> None:
        self._refuse_marks(event, position)
        if len(self.open) == DEEPEST:
            self.refuse(position, f"nests deeper than {DEEPEST} levels.", "No part of the format needs that.")
            self.stop()
        if not self.open:
            self.values[()] = position
            self.open.append(_Level((), content))
            return
        if self.open[-1].wants_key:
            self.refuse(position, "a list or mapping stands where a key must.", "A key is one word.")
            self.stop()
        path = self.open[-1].next_path
        self.values[path] = self.keys.get(path, position)
        self.open.append(_Level(path, content))

    def _scalar(self, event: ScalarEvent, position: Position) -> None:
        if hidden := hidden_character(event.value):
            self.refuse(position, _HIDDEN.format(ord(hidden.group())), "Delete it.")
        try:
            value = resolve(event.value) if event.style is None else event.value
        except UnreadableScalarError as error:
            self.refuse(position, *error.fact_and_way_out)
            value = None
        if self.open and self.open[-1].wants_key:
            self._key(event, value, position)
        else:
            self._value(value, position)

    def _key(self, event: ScalarEvent, value: Plain, position: Position) -> None:
        context = self.open[-1]
        if event.value == "<<" and event.style is None:
            self.refuse(position, 'the merge key "<<" stands here.', "Write each key out.")
        elif not isinstance(value, str):
            fact = f'the key "{event.value[:80]}" would be read as {type_in_words(value)}, and a key is text.'
            self.refuse(position, fact, "Put it in quotes.")
        context.key = event.value
        first = self.keys.setdefault(context.next_path, position)
        if first != position:
            fact = f'the key "{event.value[:80]}" stands here again; it first stands in line {first[0]}.'
            self.refuse(position, fact, "Keep one of the two.")
            context.key += f" (line {position[0]})"  # so that the keys below it are not taken for duplicates, too

    def _value(self, value: Plain, position: Position) -> None:
        if not self.open:
            self.values[()] = position
            self.documents.append(value)
            return
        path = self.open[-1].next_path
        self.values[path] = position if value is not None else self.keys.get(path, position)
        self.open[-1].put(value)


def type_in_words(value: Plain) -> str:
    """What a value is, for a sentence: `the number 12`, `a list`, `nothing`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{value[:80]}"'
        case date():
            return f"the date {value}"
        case list():
            return "a list"
    return "a mapping (keys with values)"
