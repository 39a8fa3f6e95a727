"""The rules of the house that a reader relies on: one name for one thing, small modules, no retired words."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.places import PACKAGE, ROOT

MAY_REPEAT = {"__init__", "interface", "base"}
"""Names that say what a module is in its folder."""
LONGEST = 400
RETIRED_NAMES = {
    "Asked": "params",
    "Chronicle": "FindingHistory",
    "Docket": "AuditSubmission",
    "Door": "StoreSession",
    "Frame": "EvaluationContext",
    "Lack": "BindingError",
    "Letter": "OutboxMessage",
    "Meant": "Selector",
    "Planted": "InlineRelation",
    "Scene": "Fixture",
    "Seek": "IndexPlan",
    "Specimen": "SelfTestCase",
    "Standing": "FindingState",
    "Stretches": "IntervalSet",
    "Swept": "PurgeResult",
    "Trouble": "StoreError",
    "Truth": "RowPredicates",
}
"""A word that is part of a name, and the word to write in its place."""
RETIRED_WORDS = {
    "submission": "submission",
    "frame": "evaluation context",
    "specimen": "self-test case",
    "stretch": "interval",
    "whoever": "anyone who",
}
"""A word of a docstring, and the word to write in its place."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its path below the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def names_of(tree: ast.Module) -> Iterator[str]:
    """The names of the classes and functions that a module defines, and of the values at its top."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def parts_of(name: str) -> list[str]:
    """`StoreSession` -> Store, Session; `row_with_time` -> row, with, time."""
    return re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)


def test_no_two_modules_have_one_name() -> None:
    counted = Counter(Path(name).stem for name in modules() if "migrations" not in name)
    assert [name for name, number in counted.items() if number > 1 and name not in MAY_REPEAT] == []


def test_no_two_public_classes_have_one_name() -> None:
    classes = (node.name for tree in modules().values() for node in tree.body if isinstance(node, ast.ClassDef))
    counted = Counter(name for name in classes if not name.startswith("_"))
    assert [name for name, number in counted.items() if number > 1] == []


def test_no_module_is_named_like_a_standard_or_installed_one() -> None:
    others = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()} - {"privacy_audit"}
    stems = {name: Path(name).stem for name in modules() if Path(name).stem != "__init__"}
    assert [name for name, stem in stems.items() if stem in others] == []


def test_no_module_is_longer_than_a_reader_can_keep_in_mind() -> None:
    lines = {path: path.read_text("utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert {str(path.relative_to(ROOT)): number for path, number in lines.items() if number > LONGEST} == {}


def test_the_root_of_the_package_holds_at_most_five_modules() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 5


def test_every_folder_says_what_it_is_for() -> None:
    assert [
        name for name, tree in modules().items() if name.endswith("__init__.py") and not ast.get_docstring(tree)
    ] == []


def test_one_module_opens_databases() -> None:
    calls = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("create_engine", "psycopg2.connect"))
    }
    assert calls == {"postgres/database_engine.py"}


def test_one_module_knows_what_a_sqlstate_means() -> None:
    state = re.compile(r"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]")
    texts = {
        name: {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and state.fullmatch(node.value)
        }
        for name, tree in modules().items()
    }
    assert {name: found for name, found in texts.items() if found}.keys() == {"postgres/server_errors.py"}


@pytest.mark.parametrize("word", RETIRED_NAMES)
def test_no_name_uses_a_retired_word(word: str) -> None:
    used = {f"{path}: {name}" for path, tree in modules().items() for name in names_of(tree) if word in parts_of(name)}
    assert used == set(), f"write {RETIRED_NAMES[word]}"


def docstrings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text


@pytest.mark.parametrize("word", RETIRED_WORDS)
def test_no_docstring_uses_a_retired_word(word: str) -> None:
    pattern = re.compile(rf"\b{word}(s|es)?\b", re.IGNORECASE)
    used = {path: text for path, tree in modules().items() for text in docstrings(tree) if pattern.search(text)}
    assert used == {}, f"write {RETIRED_WORDS[word]}"
