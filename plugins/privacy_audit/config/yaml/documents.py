"""Files that people write, read so that each mistake is named with file, line and column, all mistakes at once.

`tree` turns YAML into plain data that remembers where each part stands, and refuses what a reviewer cannot see
through (anchors, tags, duplicate keys, invisible characters) before any object is built. `wording` holds that data
against a pydantic model and says in plain words what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from privacy_audit.config.yaml.mistake_texts import fit
from privacy_audit.config.yaml.tree import Document, compose
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake

__all__ = ["LARGEST_FILE", "Document", "ParsedFile", "decode", "name_of", "parse", "read", "read_bytes"]

LARGEST_FILE = 256 * 1024
"""Bytes. A file that people write and review is far smaller."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ParsedFile(Generic[Model]):
    """What a file says, and where it says it."""

    value: Model
    document: Document


def read(path: Path, model: type[Model], *, root: Path | None = None) -> ParsedFile[Model]:
    """The file as a model; ConfigurationRefusedError with every mistake of the file, placed relative to `root`."""
    return parse(read_bytes(path, root=root), model, name_of(path, root))


def parse(content: bytes, model: type[Model], name: str) -> ParsedFile[Model]:
    """The bytes of a file called `name` as a model, for a caller that also needs the bytes themselves."""
    document = compose(decode(content, name), name)
    return ParsedFile(fit(document, model), document)


def read_bytes(path: Path, *, root: Path | None = None) -> bytes:
    """The bytes of a file that people write; refused when it is absent, unreadable or larger than LARGEST_FILE."""
    name = name_of(path, root)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _refused(name, "there is no such file.") from None
    except OSError as error:
        raise _refused(name, f"cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST_FILE:
        raise _refused(name, f"is larger than {LARGEST_FILE // 1024} KiB.", "Split it, or take out what is not needed.")
    return content


def name_of(path: Path, root: Path | None) -> str:
    """How a file is called in a message: relative to `root` when it lies below it."""
    inside = root is not None and path.is_relative_to(root)
    return path.relative_to(root).as_posix() if inside and root else path.as_posix()


def decode(content: bytes, name: str) -> str:
    """The text of a file called `name`; ConfigurationRefusedError when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        raise _refused(f"{name}:{line}:{column}", "is not UTF-8.", "Save the file with the encoding UTF-8.") from None


def _refused(place: str, fact: str, way_out: str = "") -> ConfigurationRefusedError:
    return ConfigurationRefusedError([Mistake(place, fact, way_out)])
