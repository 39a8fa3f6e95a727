"""Passwords and keys of the demo: drawn once per machine, kept where only their owner can read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path


def folder(path: Path) -> Path:
    """The folder, made where missing, closed to everyone else."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def kept(file: Path, draw: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """What the file holds; drawn and written at the first call. Whole or not at all: a kill leaves no half of it."""
    if not file.exists():
        draft = folder(file.parent) / f"{file.name}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(dict(draw())) + "\n")
        draft.replace(file)
    content: dict[str, str] = json.loads(file.read_text())
    return content
