"""The list of filed reports, and the one way to a file: never out of the folder, never to what is hidden."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy_audit.domain.outcomes import Outcome
from privacy_audit.publish.pages import report_index
from privacy_audit.publish.report import interface


def file_report(reports: Path, name: str, filed_at: int, **stores: str) -> Path:
    folder = reports / name
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html>")
    listed = [{"name": store, "outcome": outcome} for store, outcome in stores.items()]
    checks = [{"store": store, "outcome": outcome} for store, outcome in stores.items()] * 2
    policy = {"zone": "Europe/Paris"}
    audit = {"as_of": "2026-11-24T00:15:00Z", "policy": policy, "stores": listed, "checks": checks}
    (folder / "audit.json").write_text(json.dumps(audit))
    os.utime(folder, (filed_at, filed_at))
    return folder


def test_the_report_filed_last_comes_first(tmp_path: Path) -> None:
    file_report(tmp_path, "older", 1_000)
    file_report(tmp_path, "newer", 2_000)
    (tmp_path / "latest").symlink_to("newer")
    file_report(tmp_path, ".part", 3_000)
    (tmp_path / "empty").mkdir()
    (tmp_path / ".lock").touch()
    assert [folder.name for folder in report_index.folders(tmp_path)] == ["newer", "older"]


def test_before_the_first_audit_the_list_is_empty(tmp_path: Path) -> None:
    assert report_index.folders(tmp_path / "reports") == []


def test_a_line_says_what_was_not_audited(tmp_path: Path) -> None:
    line = report_index.read(file_report(tmp_path, "a", 1, app="fail", web="not_audited"))
    assert line.outcome is Outcome.FAIL
    assert line.not_audited == ("web",)
    assert line.files == ("report.html", "audit.json")
    assert line.checks_not_audited == 0, "the store itself is named"
    assert f"{line.as_of:%H:%M %Z}" == "01:15 CET"


def test_the_list_shows_every_format_that_there_is(tmp_path: Path) -> None:
    folder = file_report(tmp_path, "a", 1, app="fail")
    for form in interface.formats():
        (folder / form.FILE_NAME).touch()
    assert set(report_index.read(folder).files) == {form.FILE_NAME for form in interface.formats()}


def test_the_list_shows_a_new_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file_report(tmp_path, "a", 1, app="fail")
    (folder / "junit.xml").touch()
    found = (*interface.formats(), SimpleNamespace(FILE_NAME="junit.xml"))
    monkeypatch.setattr(interface, "formats", lambda: found)
    assert report_index.read(folder).files == ("report.html", "audit.json", "junit.xml")


def test_a_line_says_that_a_check_was_not_audited_in_a_store_that_failed(tmp_path: Path) -> None:
    folder = file_report(tmp_path, "a", 1, app="fail")
    audit = json.loads((folder / "audit.json").read_bytes())
    audit["checks"].append({"store": "app", "outcome": "not_audited"})
    (folder / "audit.json").write_text(json.dumps(audit))
    line = report_index.read(folder)
    assert (line.outcome, line.not_audited, line.checks_not_audited) == (Outcome.FAIL, (), 1)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"as_of": 3}', '{"as_of": "2026-11-24", "stores": [{"name": "x"}]}']
)
def test_a_broken_file_makes_its_line_poorer_and_is_no_pass(tmp_path: Path, content: str) -> None:
    folder = file_report(tmp_path, "a", 1)
    (folder / "audit.json").write_text(content)
    line = report_index.read(folder)
    assert line.as_of is None
    assert line.outcome is Outcome.NOT_AUDITED


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "reports"
    (base / "a" / ".hidden").mkdir(parents=True)
    for name in ("a/index.html", "a/report.html", "a/.hidden/secret", ".lock"):
        (base / name).write_text(name)
    (tmp_path / "reports-of-others").mkdir()
    (tmp_path / "reports-of-others" / "secret").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    (base / "latest").symlink_to("a")
    (base / "a" / "way-out").symlink_to(tmp_path / "secret")
    return base


@pytest.mark.parametrize("path", ["a/report.html", "a", "a/", "latest/report.html", "a//report.html"])
def test_files_of_the_folder_are_found(base: Path, path: str) -> None:
    assert report_index.inside(base, path) is not None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "absent",
        "../secret",
        "a/../../secret",
        "../reports-of-others/secret",
        "/etc/hostname",
        "//etc/hostname",
        "a/way-out",
        ".lock",
        "a/.hidden/secret",
        "a/\0",
        "a/report.html/more",
        "a" * 300,
        "a/" * 3_000,
    ],
)
def test_anything_else_is_not(base: Path, path: str) -> None:
    assert report_index.inside(base, path) is None
