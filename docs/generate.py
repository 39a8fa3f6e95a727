"""Writes `docs/reference/` from docstrings, models and schemas: `python -m docs.generate`, or `make docs`.

`--check` writes nothing and exits with 1 where a page is not what the code says. The same code gives the same bytes.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from pydantic import BaseModel
from ruamel.yaml import YAML
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from docs.documents import documents_page
from docs.reading import (
    ROOT,
    Words,
    anchor,
    described,
    field_notes,
    fields,
    first_paragraph,
    own_doc,
    table,
    tree,
    values,
)

REFERENCE = ROOT / "docs" / "reference"
POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
NOTE = "<!-- Written by `make docs`. Do not edit: change the docstring or the model, then run `make docs`. -->"

FILES: Mapping[str, tuple[str, str, str]] = {
    # page: its title, the file that people write, the model of the whole file
    "policy": ("The policy", "expectations/policy.yaml", "config.policy.policy_files:PolicyFile"),
    "law": ("The law", "expectations/law.yaml", "config.policy.policy_files:LawFile"),
    "store-map": ("A store map", "expectations/stores/<store>.yaml", "config.store_map:StoreMap"),
    "attestations": ("Attestations", "expectations/attestations.yaml", "config.attestation_file:_File"),
    "waivers": ("Waivers", "expectations/waivers.yaml", "findings.waivers:WaiverFile"),
    "handling": ("Handling of findings", "expectations/handling.yaml", "config.handling:Handling"),
}


def file_page(title: str, written: str, model: str) -> Iterator[str]:
    """Every key of one kind of file that people write."""
    name, _, root_name = model.partition(":")
    module = import_module(f"privacy_audit.{name}")
    root, words = getattr(module, root_name), Words()
    yield from (f"# {title}: `{written}`", "", inspect.cleandoc(module.__doc__ or ""), "")
    yield from ("Unknown keys are refused. Every mistake is reported with file, line and column, all at once.", "")
    yield from ("## The whole file", "", own_doc(root), "")
    yield from fields(root, words)
    yield from described(words, root)


def registers_page() -> Iterator[str]:
    """Every register and its fields."""
    from privacy_audit.config import register_files, registers

    yield from ("# The registers of the company", "", inspect.cleandoc(registers.__doc__ or ""), "")
    yield from ("## As a file", "", inspect.cleandoc(register_files.__doc__ or ""), "")
    yield from ("## Types of fields", "")
    yield from values(registers.FieldType)
    for name, register in sorted(registers.COMPANY_REGISTERS.items()):
        yield from (f"## `{name}`", "", f"Rows: {register.title}.", "")
        yield from table(("field", "type"), [(f"`{key}`", kind.value) for key, kind in register.fields.items()])


def _uses() -> dict[str, list[tuple[str, str]]]:
    """The controls of each kind: id and title."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, key in (("policy.yaml", "controls"), ("law.yaml", "rules")):
        for control, entry in YAML(typ="safe").load(ROOT / "expectations" / name)[key].items():
            found.setdefault(entry["kind"], []).append((control, entry["title"]))
    return found


def kinds_page() -> Iterator[str]:
    """Every control kind: what it promises, why, how to close a finding, its parameters, its controls."""
    from privacy_audit.config.policy.consistency import OF_THE_AUDIT, OF_THE_COMPANY
    from privacy_audit.controls import kinds

    uses, found = _uses(), kinds()
    docs = {name: inspect.cleandoc(import_module(kind.__module__).__doc__ or "") for name, kind in found.items()}
    yield from ("# Control kinds", "", "Which kind answers which question? Choose one before you write a new one.", "")
    yield from table(
        ("kind", "what it promises", "controls"),
        [(f"[`{name}`](#{name})", first_paragraph(docs[name]), str(len(uses.get(name, [])))) for name in sorted(found)],
    )
    yield from ("Kinds in no file of `controls/`, because no table of a store is read for them:", "")
    own = sorted(OF_THE_AUDIT | OF_THE_COMPANY)
    yield from table(("kind", "controls"), [(f"`{name}`", _listed(uses.get(name, []))) for name in own])
    words = Words()
    for name, kind in sorted(found.items()):
        yield from (f"## {name}", "", docs[name], "")
        yield from _parameters(kind, words)
        yield from (f"- Great Expectations name: `{kind.expectation}`",)
        yield f"- One store is enough: {'yes' if kind.company_wide else 'no'}"
        yield f"- Waivers: {'refused. ' + kind.never_waived if kind.never_waived else 'allowed'}"
        yield from (f"- Controls: {_listed(uses.get(name, []))}", "")
    yield from described(words)


def _listed(controls: list[tuple[str, str]]) -> str:
    return "; ".join(f"{control} ({title})" for control, title in controls) or "none"


def _parameters(kind: Any, words: Words) -> Iterator[str]:
    asked = kind.model_fields["asks"].annotation if "asks" in kind.model_fields else None
    if inspect.isclass(asked) and issubclass(asked, BaseModel):
        yield from ("Parameters:", "")
        yield from fields(asked, words)
        return
    named = [(f"`{name}`", "required") for name in sorted(kind.parameters)]
    named += [(f"`{name}`", "") for name in sorted(kind.optional_parameters)]
    if named:
        yield from ("Parameters:", "")
        yield from table(("parameter", ""), named)
    else:
        yield from ("Parameters: none.", "")


def commands() -> dict[str, Any]:
    """Every command of the command line, by the words that call it."""
    from privacy_audit.cli.main import app

    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for name, child in sorted(command.commands.items()):
                yield from below((*words, name), child)
        else:
            yield " ".join(words), command

    return dict(below((), typer.main.get_command(app)))


def commands_page() -> Iterator[str]:
    """Every command and option."""
    from privacy_audit.cli import main

    yield from ("# Commands", "", inspect.cleandoc(main.__doc__ or ""), "")
    yield from table(
        ("command", "what it does"),
        [
            (f"[`privacy-audit {name}`](#privacy-audit-{anchor(name)})", first_paragraph(command.help or ""))
            for name, command in commands().items()
        ],
    )
    for name, command in commands().items():
        yield from (f"## `privacy-audit {name}`", "", inspect.cleandoc(command.help or ""), "")
        rows = []
        for one in command.params:
            if one.name != "help":
                called = (
                    f"`{'`, `'.join(one.opts)}`"
                    if one.opts[0].startswith("-")
                    else f"`{one.metavar or one.name.upper()}`"
                )
                many = "may be repeated" if getattr(one, "multiple", False) or one.nargs == -1 else ""
                rows.append((called, "required" if one.required else many, getattr(one, "help", "") or ""))
        if rows:
            yield from table(("option or argument", "", "meaning"), rows)


def settings() -> dict[str, tuple[str, str]]:
    """Every environment variable of the project itself: its default, and what it is."""
    from privacy_audit.config import settings as module

    found: dict[str, tuple[str, str]] = {}
    defaults = _default_settings(module)
    for name, note in field_notes(module.Settings).items():
        for variable in re.findall(r"PRIVACY_AUDIT_\w+", note):
            found[variable] = (defaults.get(name, ""), note)
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            for variable in re.findall(r"PRIVACY_AUDIT_\w+", ast.unparse(node)):
                if variable not in found:
                    found[variable] = (str(getattr(module, node.name)({})), ast.get_docstring(node) or "")
    return dict(sorted(found.items()))


def _default_settings(module: Any) -> dict[str, str]:
    given = module.load({})
    named = {name: getattr(given, name) for name in field_notes(module.Settings)}
    return {name: _below_the_project(value) if isinstance(value, Path) else str(value) for name, value in named.items()}


def _below_the_project(path: Path) -> str:
    """The path from the project's folder; empty elsewhere, for a page names no machine's paths."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""


def settings_page() -> Iterator[str]:
    """Every setting."""
    yield from ("# Settings", "", "Settings are environment variables. Each of them may be left out.", "")
    rows = [(f"`{name}`", f"`{given}`" if given else "", note) for name, (given, note) in settings().items()]
    rows.append(("`AIRFLOW_CONN_<NAME>`", "", "An Airflow connection, as Airflow itself reads it: a URI or JSON."))
    rows.append(("`AIRFLOW_HOME`", "", "The Airflow that is asked for connections which no variable holds."))
    yield from table(("variable", "default", "meaning"), rows)
    yield from ("## Connections", "")
    connections = import_module("privacy_audit.postgres.connections")
    yield from (inspect.cleandoc(connections.__doc__ or ""), "")
    yield from ("## Settings of make", "")
    found = re.findall(r"^([A-Z_]+) = ([\w. ]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    yield from table(("variable", "default"), [(f"`{name}`", f"`{value}`") for name, value in found])
    yield from ("Write it behind the target: `make audit SCALE=20000`. `make help` lists the targets.", "")


def database_page() -> Iterator[str]:
    """Every table of the audit's own database."""
    from privacy_audit.audit_db import tables

    yield from ("# The audit database", "", inspect.cleandoc(tables.__doc__ or ""), "")
    remarks = _remarks(tables)
    for name, one in tables.metadata.tables.items():
        yield from (f"## `{name}`", "", remarks.get(name, ""), "")
        rows = []
        for column in one.columns:
            kind = column.type.compile(dialect=POSTGRES).lower()
            target = next((f"refers to `{key.target_fullname}`. " for key in column.foreign_keys), "")
            marks = " ".join(
                ["key"] * column.primary_key + ["not null"] * (not column.nullable and not column.primary_key)
            )
            rows.append((f"`{column.name}`", kind, marks, f"{target}{column.comment or ''}"))
        yield from table(("column", "type", "", "meaning"), rows)


def _remarks(module: ModuleType) -> dict[str, str]:
    """The comment above each table, or the one that its definition begins with."""
    lines, found = inspect.getsource(module).splitlines(), {}
    for number, line in enumerate(lines):
        if line.endswith("= sa.Table("):
            name = ast.literal_eval(lines[number + 1].strip().rstrip(","))
            above = _comment_lines(lines, range(number - 1, -1, -1))[::-1]
            found[name] = " ".join(above or _comment_lines(lines, range(number + 3, len(lines))))
    return found


def _comment_lines(lines: list[str], numbers: range) -> list[str]:
    found = []
    for number in numbers:
        if not lines[number].strip().startswith("#"):
            break
        found.append(lines[number].strip().lstrip("# "))
    return found


def index_page() -> Iterator[str]:
    """The list of the pages."""
    yield from ("# Reference", "", "Generated from docstrings, models and schemas by `make docs`.", "")
    for name, page in pages().items():
        if name != "README.md":
            title = next(line for line in page() if line.startswith("# ")).removeprefix("# ")
            yield f"- [{title}]({name})"


def pages() -> dict[str, Callable[[], Iterator[str]]]:
    """The pages by the names of their files."""
    files = {f"{name}.md": partial(file_page, *entry) for name, entry in FILES.items()}
    return {
        "README.md": index_page,
        **files,
        "registers.md": registers_page,
        "kinds.md": kinds_page,
        "commands.md": commands_page,
        "settings.md": settings_page,
        "documents.md": documents_page,
        "database.md": database_page,
    }


def rendered(page: Callable[[], Iterator[str]]) -> str:
    """A page as its file holds it."""
    text = "\n".join([NOTE, "", *page()])
    return re.sub(r"\n{3,}", "\n\n", textwrap.dedent(text)).rstrip() + "\n"


def stale(folder: Path = REFERENCE) -> list[str]:
    """The pages that are not what the code says: missing, different, or no longer generated."""
    wanted = {name: rendered(page) for name, page in pages().items()}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path = REFERENCE) -> None:
    """Writes all pages, and removes those that are no longer generated."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in pages():
            path.unlink()
    for name, page in pages().items():
        (folder / name).write_text(rendered(page), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Writes the pages, or with `--check` compares them."""
    if arguments == ["--check"]:
        if wrong := stale():
            sys.stderr.write(f"Not current: {', '.join(f'docs/reference/{name}' for name in wrong)}. Run make docs.\n")
        return 1 if wrong else 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
