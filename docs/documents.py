"""The page of the documents: what an audit writes for people and programs, by its JSON Schemas and docstrings."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.reading import PACKAGE, ROOT, first_paragraph, module_notes, table


def schema_ids() -> dict[str, Path]:
    """The name and version of every document, and the module that writes it."""
    found: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and re.fullmatch(r"privacy_audit\.[a-z_]+/\d+", value):
                found.setdefault(value, path)
    return dict(sorted(found.items()))


def documents_page() -> Iterator[str]:
    """Every document that the audit writes."""
    schemas = {_identity(schema): (path, schema) for path, schema in _schemas()}
    yield from ("# Documents", "", "What an audit writes for people and programs.", "")
    rows = [(f"`{name}`", first_paragraph(_doc_of(path))) for name, path in schema_ids().items()]
    yield from table(("document", "what it is"), rows)
    yield from ("## Files of a report", "")
    interface = import_module("privacy_audit.publish.report.interface")
    rows = [(f"`{form.FILE_NAME}`", first_paragraph(form.__doc__ or "")) for form in interface.formats()]
    yield from table(("file", "what it is"), rows)
    sheet = import_module("privacy_audit.publish.report.findings_csv")
    yield from ("## Columns of `findings.csv`", "", ", ".join(f"`{column}`" for column in sheet.COLUMNS), "")
    yield from (module_notes(sheet).get("COLUMNS", ""), "")
    for name, path in schema_ids().items():
        yield from (f"## `{name}`", "")
        if name in schemas:
            place, schema = schemas[name]
            yield from (f"Its JSON Schema: `{place.relative_to(ROOT)}`.", "", schema.get("description", ""), "")
            yield from table(("field", "type", "meaning"), list(_properties(schema, schema, "")))
        else:
            notes = [note for note in _writers(path, name) if note]
            yield from (notes or [_doc_of(path)])
            yield ""


def _schemas() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(PACKAGE.rglob("*.schema.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def _identity(schema: dict[str, Any]) -> str:
    return str(schema["properties"]["schema"].get("const", ""))


def _doc_of(path: Path) -> str:
    return inspect.cleandoc(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")


def _writers(path: Path, name: str) -> Iterator[str]:
    """The docstrings of the functions of a module that write a document."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and node.value.value == name
    }
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and constants & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
            yield inspect.cleandoc(ast.get_docstring(node) or "")


def _properties(schema: Any, whole: Any, above: str) -> Iterator[tuple[str, str, str]]:
    for name, one in schema.get("properties", {}).items():
        place = f"{above}.{name}" if above else name
        one = _resolved(one, whole)
        kind = one.get("type", "constant" if "const" in one else "one of" if "enum" in one else "")
        words = " or ".join(kind) if isinstance(kind, list) else kind
        values = [one["const"]] if "const" in one else one.get("enum", [])
        shown = ", ".join(f"`{_shown(value)}`" for value in values)
        yield f"`{place}`", f"{words}: {shown}" if shown else words, one.get("description", "")
        yield from _properties(one, whole, place)
        if isinstance(one.get("items"), dict):
            yield from _properties(_resolved(one["items"], whole), whole, f"{place}[]")


def _resolved(one: Any, whole: Any) -> Any:
    reference = one.get("$ref", "")
    if reference.startswith("#/$defs/"):
        return {**whole["$defs"][reference.removeprefix("#/$defs/")], **{k: v for k, v in one.items() if k != "$ref"}}
    for choice in (*one.get("anyOf", ()), *one.get("oneOf", ())):
        if choice.get("type") != "null":
            return {**_resolved(choice, whole), **{k: v for k, v in one.items() if k not in ("anyOf", "oneOf")}}
    return one


def _shown(value: Any) -> str:
    """A constant of a schema, as JSON but for the quotes."""
    return value if isinstance(value, str) else json.dumps(value)
