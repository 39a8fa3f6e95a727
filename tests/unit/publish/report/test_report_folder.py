"""Filing: complete or absent, never overwritten, never outside its folder, whatever kills the writer."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import interface, report_folder
from privacy_audit.publish.report.report_folder import ReportNotFiledError
from privacy_audit.view.make_view import make_view
from tests.places import ROOT
from tests.unit.publish.report import audits, histories

FILES = {form.FILE_NAME for form in interface.formats()}


def visible(home: Path) -> set[str]:
    return {path.name for path in (home / "reports").iterdir() if not path.name.startswith(".")}


def content(filed: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in filed.iterdir()}


def test_files_every_format_and_points_latest_at_it(tmp_path: Path) -> None:
    audit, history = histories.NIGHTS["lively"]()
    filed = report_folder.write(audit, history, tmp_path / "var")
    assert filed == tmp_path / "var" / "reports" / audit.id
    assert content(filed) == {form.FILE_NAME: form.render(make_view(audit, history)) for form in interface.formats()}
    assert (filed.parent / "latest").resolve() == filed.resolve()
    assert not (filed.parent / "latest").readlink().is_absolute(), "the home may be moved"
    assert visible(tmp_path / "var") == {audit.id, "latest"}


def test_the_same_report_again_changes_nothing(tmp_path: Path) -> None:
    filed = report_folder.write(audits.broken(), FindingHistory(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in filed.iterdir()}
    assert report_folder.write(audits.broken(), FindingHistory(), tmp_path) == filed
    assert {path: path.stat().st_mtime_ns for path in filed.iterdir()} == before


def test_another_report_under_the_same_id_is_refused(tmp_path: Path) -> None:
    filed = report_folder.write(audits.broken(), FindingHistory(), tmp_path)
    before = content(filed)
    with pytest.raises(ReportNotFiledError) as refused:
        report_folder.write(replace(audits.broken(), triggered_by="somebody else"), FindingHistory(), tmp_path)
    assert str(refused.value) == (
        f"{filed}: Another report is already filed under this id; it differs in audit.json, report.html. "
        "A filed report is never overwritten: give the new audit an id of its own."
    )
    assert content(filed) == before


def test_a_tampered_report_is_refused(tmp_path: Path) -> None:
    filed = report_folder.write(audits.broken(), FindingHistory(), tmp_path)
    (filed / "extra.txt").write_text("x")
    with pytest.raises(ReportNotFiledError, match=r"differs in extra\.txt"):
        report_folder.write(audits.broken(), FindingHistory(), tmp_path)


def test_latest_is_the_newest_instant_not_the_last_written(tmp_path: Path) -> None:
    newest = report_folder.write(audits.broken(), FindingHistory(), tmp_path)
    older = replace(audits.clean(), as_of=audits.AS_OF - timedelta(days=1))
    report_folder.write(older, FindingHistory(), tmp_path)
    assert (tmp_path / "reports" / "latest").resolve() == newest.resolve()


@pytest.mark.parametrize("pointer", ["gone", "unreadable"])
def test_a_latest_that_shows_nothing_is_replaced(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "reports" / "unreadable").mkdir(parents=True)
    (tmp_path / "reports" / "unreadable" / "audit.json").write_text("[]")
    (tmp_path / "reports" / "latest").symlink_to(pointer)
    filed = report_folder.write(audits.broken(), FindingHistory(), tmp_path)
    assert (tmp_path / "reports" / "latest").resolve() == filed.resolve()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc/x", "-x", ".part", "latest", "a\0b", "é", "a b", "x" * 101]
)
def test_an_id_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportNotFiledError, match="is no name for the folder of a report"):
        report_folder.write(replace(audits.broken(), id=name), FindingHistory(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_links_to_elsewhere_are_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "reports").symlink_to(elsewhere)
    with pytest.raises(ReportNotFiledError, match="is a link to elsewhere"):
        report_folder.write(audits.broken(), FindingHistory(), tmp_path / "a")
    (tmp_path / "b" / "reports").mkdir(parents=True)
    (tmp_path / "b" / "reports" / audits.broken().id).symlink_to(elsewhere)
    with pytest.raises(ReportNotFiledError, match="Something else"):
        report_folder.write(audits.broken(), FindingHistory(), tmp_path / "b")
    assert not list(elsewhere.iterdir())


# The child forks before each step that touches the disk and kills the fork there, with SIGKILL. Python tells its audit
# hooks of every open, mkdir, rename, symlink and remove, so no step is missed and nothing is replaced by a fake.
KILLED_AT_EACH_STEP = """
import os, signal, sys
from pathlib import Path
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import interface, report_folder
from privacy_audit.view.make_view import make_view
from tests.unit.publish.report import audits

base = Path(sys.argv[1])
for form in interface.formats():
    form.render(make_view(audits.clean()))
step = 0
while True:
    step += 1
    home = base / str(step)
    report_folder.write(audits.broken(), FindingHistory(), home)
    child = os.fork()
    if child == 0:
        seen = 0
        def hook(event, arguments):
            global seen
            if event.split(".")[0] in ("open", "os", "shutil") and str(home) in str(arguments[:2]):
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        report_folder.write(audits.clean(), FindingHistory(), home)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
"""


def test_kill_9_at_any_step_leaves_complete_reports_only(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, str(tmp_path)],
        check=True, env={"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}, timeout=120,
    )  # fmt: skip
    homes = list(tmp_path.iterdir())
    assert len(homes) > 10, "killed at every open, rename, symlink and remove"
    states = set()
    for home in homes:
        states.add(frozenset(visible(home)))
        for name in visible(home):
            assert set(content(home / "reports" / name)) == FILES
            json.loads((home / "reports" / name / "audit.json").read_bytes())
        report_folder.write(audits.clean(), FindingHistory(), home)
        assert visible(home) == {audits.broken().id, audits.clean().id, "latest"}
        assert not (home / "reports" / ".part").exists()
    assert len(states) == 2, "before the rename, and after it"


# A limit on the size of a file is a full disk that any user can have: the write fails in the middle, from the kernel.
DISK_FULL = """
import resource, sys
from pathlib import Path
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import report_folder
from tests.unit.publish.report import audits
from tests.unit.publish.report import audits

home = Path(sys.argv[1])
report_folder.write(audits.clean(), FindingHistory(), home)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    report_folder.write(audits.broken(), FindingHistory(), home)
except report_folder.ReportNotFiledError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_reports_that_were_there(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path)],
        check=True, capture_output=True, text=True, env={"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}, timeout=60,
    ).stdout  # fmt: skip
    assert said == (
        f"{tmp_path / 'reports'}: The report could not be written: File too large. Reports filed before are untouched. "
        "Make room or grant the right to write, and file it again.\n"
    )
    assert visible(tmp_path) == {audits.clean().id, "latest"}
    assert not (tmp_path / "reports" / ".part").exists()
    assert content(tmp_path / "reports" / "latest") == {
        form.FILE_NAME: form.render(make_view(audits.clean())) for form in interface.formats()
    }
