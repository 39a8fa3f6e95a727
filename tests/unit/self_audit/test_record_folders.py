"""Folders of records: what is past its period goes, what people open stays, and nothing leads out of the folder."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock

from privacy_audit.domain.errors import MayHealError
from privacy_audit.domain.record_periods import RecordKind
from privacy_audit.findings.finding_state import FindingHistory
from privacy_audit.publish.report import report_folder
from privacy_audit.self_audit import record_folders
from privacy_audit.self_audit.record_folders import FolderError, RecordFolders
from tests import builders

BEFORE = datetime(2023, 11, 24, tzinfo=UTC)
OLD, OLDER = "20231123T235959Z-0000000a", "20200101T001500Z-0000000b"
YOUNG, YOUNGER = "20231124T000000Z-0000000c", "20261124T001500Z-0000000d"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "home" / "reports"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def reports(root: Path) -> RecordFolders:
    return RecordFolders(RecordKind.REPORTS, root, pointer=report_folder.LATEST, lock=".lock")


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name / "inner").mkdir(parents=True)
        (root / name / "inner" / "audit.json").write_text("{}")


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name != ".lock")


def test_what_is_past_its_period_goes_and_is_counted(root: Path, reports: RecordFolders) -> None:
    make(root, OLD, OLDER, YOUNG, YOUNGER)
    swept = reports.sweep(BEFORE, dry_run=False)
    assert names(root) == [YOUNG, YOUNGER]
    assert (swept.deleted, swept.within, swept.left) == ({"reports": 2}, 2, {})
    again = reports.sweep(BEFORE, dry_run=False)
    assert (again.deleted, again.within, again.left) == ({"reports": 0}, 2, {})


def test_a_dry_run_counts_and_changes_nothing(root: Path, reports: RecordFolders) -> None:
    make(root, OLD, YOUNG)
    assert reports.sweep(BEFORE, dry_run=True).deleted == {"reports": 1}
    assert names(root) == [OLD, YOUNG]


def test_the_newest_report_and_the_one_that_people_open_stay(root: Path, reports: RecordFolders) -> None:
    make(root, OLD, OLDER)
    (root / "latest").symlink_to(OLDER)
    swept = reports.sweep(BEFORE, dry_run=False)
    assert names(root) == [OLDER, OLD, "latest"]
    assert (swept.deleted, swept.left) == ({"reports": 0}, {"shown as `latest`": 1, "the newest": 1})
    assert (root / "latest" / "inner" / "audit.json").exists()


def test_validation_results_of_the_newest_audit_go_too(root: Path) -> None:
    make(root, OLD, OLDER)
    assert RecordFolders(RecordKind.VALIDATIONS, root).sweep(BEFORE, dry_run=False).deleted == {"validations": 2}
    assert names(root) == []


def test_a_report_that_the_register_never_took_is_one_too(root: Path, reports: RecordFolders) -> None:
    make(root, f"{OLD}{report_folder.UNFILED}", YOUNG)
    assert reports.sweep(BEFORE, dry_run=False).deleted == {"reports": 1}
    assert names(root) == [YOUNG]


@pytest.mark.parametrize("name", ["notes", "20261399T000000Z-0000000a", "20200101T001500Z", f"{OLDER}.bak"])
def test_a_folder_that_no_audit_made_is_left_and_said(root: Path, reports: RecordFolders, name: str) -> None:
    make(root, name)
    swept = reports.sweep(BEFORE, dry_run=False)
    assert names(root) == [name]
    assert sum(swept.left.values()) == 1
    assert [record.instant for record in reports.records()] == [None]


def test_a_file_that_is_called_like_a_report_is_left(root: Path, reports: RecordFolders) -> None:
    (root / OLDER).write_text("mine")
    assert sum(reports.sweep(BEFORE, dry_run=False).left.values()) == 1
    assert names(root) == [OLDER]


def test_a_link_in_the_place_of_a_report_is_never_followed(root: Path, reports: RecordFolders, tmp_path: Path) -> None:
    make(tmp_path, "elsewhere")
    (root / OLDER).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    swept = reports.sweep(BEFORE, dry_run=False)
    assert (swept.deleted, sum(swept.left.values())) == ({"reports": 0}, 1)
    assert (root / OLDER).is_symlink()
    assert (tmp_path / "elsewhere" / "inner" / "audit.json").exists()


def test_a_link_inside_a_report_is_deleted_and_not_what_it_leads_to(
    root: Path, reports: RecordFolders, tmp_path: Path
) -> None:
    make(tmp_path, "elsewhere")
    make(root, OLDER, YOUNG)
    (root / OLDER / "inner" / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    reports.sweep(BEFORE, dry_run=False)
    assert names(root) == [YOUNG]
    assert (tmp_path / "elsewhere" / "inner" / "audit.json").exists()


def test_a_link_that_takes_the_place_of_a_report_while_it_is_deleted_is_refused(
    root: Path, reports: RecordFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "elsewhere")
    make(root, OLDER, YOUNG)
    rename = os.rename

    def swapped(source: str, target: str, **folders: int) -> None:
        shutil.rmtree(root / source)
        (root / source).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        rename(source, target, **folders)

    monkeypatch.setattr(record_folders.os, "rename", swapped)
    with pytest.raises(FolderError):
        reports.sweep(BEFORE, dry_run=False)
    assert (tmp_path / "elsewhere" / "inner" / "audit.json").exists()


@pytest.mark.parametrize("use", ["records", "sweep"])
def test_a_folder_of_reports_that_is_a_link_is_refused(
    root: Path, reports: RecordFolders, tmp_path: Path, use: str
) -> None:
    make(root, OLDER)
    root.rename(tmp_path / "moved")
    root.symlink_to(tmp_path / "moved", target_is_directory=True)
    with pytest.raises(FolderError, match=r"home/reports: cannot be read: .* It must be a folder, not a link"):
        reports.records() if use == "records" else reports.sweep(BEFORE, dry_run=False)
    assert names(tmp_path / "moved") == [OLDER]


def test_a_folder_that_is_not_there_yet_holds_nothing(root: Path, reports: RecordFolders) -> None:
    root.rmdir()
    assert reports.records() == ()
    assert reports.sweep(BEFORE, dry_run=False).deleted == {"reports": 0}
    assert not root.exists()


def test_what_a_run_that_broke_off_left_is_a_record_until_the_next_run_finishes(
    root: Path, reports: RecordFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(root, OLD, OLDER, YOUNG)

    def lost(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(record_folders.shutil, "rmtree", lost)
        with pytest.raises(FolderError, match="Input/output error") as error:
            reports.sweep(BEFORE, dry_run=False)
    assert isinstance(error.value, MayHealError)
    assert names(root) == [f".expired.{OLDER}", OLD, YOUNG]
    assert [record.instant is not None and record.instant < BEFORE for record in reports.records()] == [
        True,
        True,
        False,
    ]
    assert reports.sweep(BEFORE, dry_run=False).deleted == {"reports": 2}
    assert names(root) == [YOUNG]


def test_who_writes_a_report_meanwhile_is_waited_for(root: Path, reports: RecordFolders) -> None:
    make(root, OLDER, YOUNG)
    with FileLock(root / report_folder.LOCK):
        sweeping = Thread(target=reports.sweep, args=(BEFORE,), kwargs={"dry_run": False})
        sweeping.start()
        sweeping.join(0.3)
        assert names(root) == [OLDER, YOUNG]
    sweeping.join()
    assert names(root) == [YOUNG]


def test_a_report_as_it_is_written_is_recognised(tmp_path: Path) -> None:
    report_folder.write(builders.audit(), FindingHistory(), tmp_path)
    (record,) = RecordFolders(RecordKind.REPORTS, tmp_path / "reports", pointer=report_folder.LATEST).records()
    assert (record.name, record.instant, record.kept) == (builders.audit().id, builders.T, "the newest")
