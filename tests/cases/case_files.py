"""The case files of the control kinds: `<kind>.cases.yaml` beside the kind that they try."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.places import PACKAGE

Book = dict[str, Any]
"""A case file: its kind, who runs it (`source`), and its cases."""


def books(source: str) -> dict[str, Book]:
    """The case files that one of the modules of this folder runs, by kind."""
    found = {book["kind"]: book for book in map(_read, _paths())}
    return {kind: book for kind, book in found.items() if book["source"] == source}


def sources() -> dict[str, str]:
    """Each kind that has a case file, with who runs it."""
    return {path.name.removesuffix(".cases.yaml"): _read(path)["source"] for path in _paths()}


def _paths() -> list[Path]:
    return sorted(PACKAGE.glob("*/*.cases.yaml"))


@cache
def _read(path: Path) -> Book:
    book: Book = YAML(typ="safe").load(path)
    assert book["kind"] == path.name.removesuffix(".cases.yaml"), path
    return book
