"""Nothing but a view of an audit can be rendered, so a format that forgets everything still leaks nothing."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import privacy_audit
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import CheckCount, FindingHistory
from privacy_audit.publish.report import interface
from privacy_audit.view.audit_view import AuditView
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import audits, histories
from tests.unit.publish.report.test_hostile_names import NAMES, UNSEEN

PACKAGE = Path(privacy_audit.__file__).parent
SURFACES = ("publish", "notify", "cli")
"""Packages that show something to somebody."""

RAW = {
    "privacy_audit.domain.audit": {"Audit", "CheckResult", "StoreResult"},
    "privacy_audit.domain.tally": {"Tally"},
    "privacy_audit.findings.finding_state": {
        "CheckCount", "FindingHistory", "FindingState", "TriageDecision", "WaiverReport",
    },
    "privacy_audit.findings": {"disclosure", "from_audit", "purge_history"},
    "privacy_audit.findings.trends": {"Trend", "sentences", "trend"},
}  # fmt: skip
"""What holds exact dates and texts as they were read, by module."""

GETS_AN_AUDIT = {
    "publish/report/report_folder.py": "files a report: makes the view, and only hands that to the formats",
    "publish/data_docs/docs_site.py": "puts the pages in place: hands the audit to the builder, shows nothing of it",
    "publish/data_docs/site_builder.py": "makes the view, and finds the results of the run by the audit's exact id",
}
"""Modules of the surfaces that get an audit, and why."""

COARSENS = {
    "view/make_view.py": "the one place that decides how exactly a date is shown",
    "findings/trends/counts.py": "below the view: only the number below which its sentences give dates by month",
}
"""Modules that import `disclosure`, and why."""

CLEANS = {
    "view/make_view.py": "cleans the whole view",
    "view/simulation_view.py": "cleans what a simulation says beside its two audits",
    "view/templates.py": "cleans what a template gets that is of no view, as the address of a page",
    "notify/message.py": "cleans the causes of a failed run, which quote files and errors and are of no audit",
    "notify/notices.py": "puts texts of the view on one line, for headers of mails, beside names of handling.yaml",
    "cli/findings_commands.py": "cleans what a person types before it is stored",
    "cli/audit_db_commands.py": "cleans what a person types before it is stored",
    "cli/residue_command.py": "shows names of columns and tables from a search of its own, of which there is no audit",
}
"""Modules that import a cleaning function, and why."""

SMALL_DAYS = (date(2026, 2, 11), date(2026, 2, 12), date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 15))
"""Exact days of few rows: of the oldest and newest row, of a breach, of a finding, of a night."""


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Path below the package and syntax tree of each module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not packages or name.split("/")[0] in packages:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of each import, wherever it stands; the name is empty for a module as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def importers(wanted: str) -> set[str]:
    """Modules that import a module, or something of it."""
    return {
        name
        for name, tree in modules()
        if any(wanted in (module, f"{module}.{part}") for module, part in imported(tree))
    }


def test_no_surface_imports_what_holds_exact_dates() -> None:
    raw = {
        name: found
        for name, tree in modules(*SURFACES)
        if (found := sorted(part for module, part in imported(tree) if part in RAW.get(module, ())))
        or any(module in RAW and not part for module, part in imported(tree))
    }
    assert raw.keys() == GETS_AN_AUDIT.keys(), raw


def test_only_the_view_coarsens_dates() -> None:
    assert importers("privacy_audit.findings.disclosure") == set(COARSENS)


def test_only_the_view_cleans_texts() -> None:
    assert importers("privacy_audit.view.clean_text") == set(CLEANS)


def test_nobody_cleans_in_a_way_of_their_own() -> None:
    own = {
        name
        for name, tree in modules(*SURFACES, "view", "findings")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "category" and ast.unparse(node.value) == "unicodedata"
    }
    assert own == {"view/clean_text.py"}


def test_one_factory_makes_the_environments_of_templates() -> None:
    makers = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Environment"
    }
    assert makers == {"view/templates.py"}


@pytest.mark.parametrize("form", interface.formats(), ids=lambda form: form.FILE_NAME)
def test_a_format_gets_a_view_and_nothing_else(form: interface.ReportFormat) -> None:
    assert list(typing.get_type_hints(form.render).values()) == [AuditView, bytes]


class JUnit:
    """A format as an honest newcomer writes it: every text and every date goes into the document as it comes."""

    FILE_NAME = "junit.xml"

    @staticmethod
    def render(view: AuditView) -> bytes:
        root = ElementTree.Element("testsuites")
        for place, text in said(view, "view"):
            ElementTree.SubElement(root, "testcase", name=place).text = text
        return ElementTree.tostring(root, encoding="utf-8")


def said(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text and date that can be reached from a value by its fields, its properties and its parts."""
    if isinstance(value, str):
        yield place, value.value if isinstance(value, Enum) else value
    elif isinstance(value, date):
        yield place, value.isoformat()
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from said(key, place)
            yield from said(part, f"{place}.{key}")
    elif isinstance(value, tuple | list | frozenset):
        for part in value:
            yield from said(part, place)
    elif is_dataclass(value):
        properties = [name for name, found in vars(type(value)).items() if isinstance(found, property)]
        for name in (*(field.name for field in fields(value)), *properties):
            yield from said(getattr(value, name), f"{place}.{name}")


def with_few_rows(audit: Audit, history: FindingHistory) -> tuple[Audit, FindingHistory]:
    """The same night, with three rows in breach of exact dates, a finding of few rows, and nights of few rows."""
    oldest, newest, since, of_finding, of_night = SMALL_DAYS
    tally = replace(
        audits.MINORS,
        oldest=datetime(oldest.year, oldest.month, oldest.day, 9, 12, 5, tzinfo=UTC),
        newest=datetime(newest.year, newest.month, newest.day, 9, 12, 6, tzinfo=UTC),
        overdue_since=since,
        ages=(1, 2, 0, 0, 0),
    )
    store, *others = audit.stores
    first, *more = store.checks
    few = replace(store, checks=(replace(first, tally=tally), *more))
    nights = tuple(
        CheckCount(audits.AS_OF - timedelta(days=ago), Outcome.FAIL, 3, 0, 0, 9, (1, 2, 0, 0, 0), of_night)
        for ago in reversed(range(5))
    )
    return replace(audit, stores=(few, *others)), replace(
        history,
        standings=tuple(replace(state, violating=3, overdue_since=of_finding) for state in history.standings),
        series={first.fingerprint: nights},
    )


@pytest.mark.parametrize("form", [*interface.formats(), JUnit], ids=lambda form: form.FILE_NAME)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_format_leaks_what_it_did_not_think_of(name: str, form: interface.ReportFormat) -> None:
    document = form.render(make_view(*with_few_rows(*histories.hostile(name)))).decode()
    assert not UNSEEN & set(document)
    for day in SMALL_DAYS:
        assert day.isoformat() not in document
        assert f"{day.day} February" not in document
    assert "09:12" not in document


def test_the_honest_format_reaches_what_it_must() -> None:
    document = JUnit.render(make_view(*with_few_rows(*histories.hostile("name")))).decode()
    assert document.count("2026-02-01") >= 5
    assert "view.stores.checks.tally.oldest.day" in document
    assert "view.history.findings.overdue_since.iso" in document
    assert "view.stores.checks.trend.sentences" in document
    assert "view.policy.controls.source.quote" in document


def test_the_honest_format_would_have_leaked_what_no_view_holds_back() -> None:
    audit, history = with_few_rows(*histories.hostile(NAMES["bidi"]))
    leaked = "".join(text for value in (audit, history) for _, text in said(value, "raw"))
    assert UNSEEN & set(leaked)
    assert "2026-02-11T09:12:05" in leaked
