"""One whole night is in place at any moment: nothing missing, nothing half, and never an older one."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from privacy_audit.config import file_modes
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.publish.data_docs import docs_site, views
from tests.unit.publish.data_docs.browsing import Page, Site
from tests.unit.publish.data_docs.conftest import Filed

pytestmark = pytest.mark.slow

SECONDS_FOR_25_SUITES = 5


def later(audit: Audit, seconds: int) -> Audit:
    return replace(audit, as_of=audit.as_of + timedelta(seconds=seconds))


def instant(home: Path) -> str:
    """The instant that the index in place was judged by."""
    found = re.search(r"as of (\S+)\. This page", (home / docs_site.ENTRY / "index.html").read_text())
    assert found
    return found[1]


def folders(home: Path) -> set[str]:
    return {path.name for path in home.iterdir() if path.is_dir() and not path.is_symlink()}


@pytest.fixture
def copied(filed: Filed, tmp_path: Path) -> Filed:
    """The same night with validation results that a test may spoil."""
    results = tmp_path / "results"
    shutil.copytree(filed.results, results)
    return Filed(filed.audit, results)


def result_of(filed: Filed, table: str) -> Path:
    return next(filed.results.rglob(f"*.{table}.json"))


def test_the_index_is_where_people_look(filed: Filed, tmp_path: Path) -> None:
    index = docs_site.publish(filed.results, filed.audit, tmp_path / "home")
    assert index == tmp_path / "home" / "data_docs" / "index.html"
    assert index.is_file()


def spoil_a_result(filed: Filed) -> str:
    result_of(filed, "logs").unlink()
    return r"could not be made: shop\.shop\.logs\."


def contradict_the_audit(filed: Filed) -> str:
    path = result_of(filed, "logs")
    result = json.loads(path.read_text())
    result["results"][0]["result"]["details"]["violating"] = 0
    path.write_text(json.dumps(result))
    return r"suite shop\.shop\.logs: the filed validation result of shop/shop\.logs/RET-4 does not hold the counts"


def forget_a_check(filed: Filed) -> str:
    path = result_of(filed, "visits")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"results": []}))
    return r"suite shop\.shop\.visits: the filed validation result of shop/shop\.visits/RET-3 does not hold"


def add_a_stranger(filed: Filed) -> str:
    path = result_of(filed, "logs")
    result = json.loads(path.read_text())
    stranger = json.loads(json.dumps(result["results"][0]))
    stranger["expectation_config"]["kwargs"]["check"] = "shop/shop.logs/RET-9"
    path.write_text(json.dumps(result | {"results": [*result["results"], stranger]}))
    return r"checks that are not in the audit: shop/shop\.logs/RET-9"


@pytest.mark.parametrize("spoil", [spoil_a_result, contradict_the_audit, forget_a_check, add_a_stranger])
def test_results_that_are_not_those_of_the_audit_are_no_night(
    copied: Filed, tmp_path: Path, spoil: Callable[[Filed], str]
) -> None:
    docs_site.publish(copied.results, copied.audit, tmp_path)
    before = (tmp_path / docs_site.ENTRY).readlink(), folders(tmp_path)
    said = spoil(copied)
    with pytest.raises(docs_site.DataDocsError, match=said):
        docs_site.publish(copied.results, later(copied.audit, 1), tmp_path)
    assert ((tmp_path / docs_site.ENTRY).readlink(), folders(tmp_path)) == before


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("suite.html.j2", r"could not be made: shop\.shop\.cookies, shop\.shop\.logs, .*shop\.shop\.visits\."),
        ("index.html.j2", r"could not be made: the index\."),
    ],
)
def test_a_page_that_great_expectations_could_not_render_is_missed(
    filed: Filed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    template: str,
    said: str,
) -> None:
    docs_site.publish(filed.results, filed.audit, tmp_path)
    before = (tmp_path / docs_site.ENTRY).readlink()
    spoilt = tmp_path / "templates"
    shutil.copytree(views.TEMPLATES, spoilt)
    (spoilt / template).write_text("{{ a_name_that_nobody_gave }}")
    monkeypatch.setattr(views, "TEMPLATES", spoilt)
    with pytest.raises(docs_site.DataDocsError, match=said):
        docs_site.publish(filed.results, later(filed.audit, 1), tmp_path)
    assert "a_name_that_nobody_gave" in caplog.text, "the log says why"
    assert (tmp_path / docs_site.ENTRY).readlink() == before


def test_the_newest_result_counts_where_a_suite_was_looked_at_twice(copied: Filed, tmp_path: Path) -> None:
    path = result_of(copied, "logs")
    first = path.parents[1] / "20260101T000000.000000Z" / path.name
    first.parent.mkdir()
    first.write_text(path.read_text().replace('"violating": 3', '"violating": 2'))
    published = Site(docs_site.publish(copied.results, copied.audit, tmp_path).parent)
    assert len(published.suites) == 6
    assert not list(published.root.rglob("20260101T*"))
    first.rename(path)  # and now the spoilt one is the only one: it was read, it is different
    with pytest.raises(docs_site.DataDocsError, match="does not hold the counts"):
        docs_site.publish(copied.results, copied.audit, tmp_path)


def test_results_of_other_nights_make_no_page(copied: Filed, tmp_path: Path) -> None:
    path = result_of(copied, "logs")
    other = path.parents[2] / "20250101T000000Z-00000000" / path.parent.name / path.name
    other.parent.mkdir(parents=True)
    shutil.copy(path, other)
    published = Site(docs_site.publish(copied.results, copied.audit, tmp_path).parent)
    assert not list(published.root.rglob("20250101T*"))


def test_a_night_in_which_no_store_could_be_read_has_an_index(filed: Filed, tmp_path: Path) -> None:
    lost = filed.audit.stores[1]
    audit = replace(filed.audit, stores=(lost,))
    published = Site(docs_site.publish(tmp_path / "validations" / "none", audit, tmp_path).parent)
    assert published.suites == {}
    assert "Archive: the whole store" in published.index.text
    unknown = [check for check in lost.checks if check.outcome is Outcome.NOT_AUDITED]
    assert f"{len(unknown)} promises about which nothing is known" in published.index.text
    assert all(check.sentence in published.index.within("not-audited") for check in unknown)
    assert not (tmp_path / "validations").exists(), "reading leaves nothing behind"
    assert {path.name for path in published.root.iterdir()} == {"index.html", "coverage.html"}


def test_publishing_writes_nothing_beside_the_results(filed: Filed, tmp_path: Path) -> None:
    before = sorted(filed.results.rglob("*"))
    docs_site.publish(filed.results, filed.audit, tmp_path)
    assert sorted(filed.results.rglob("*")) == before


def test_an_older_night_does_not_come_back(filed: Filed, tmp_path: Path) -> None:
    docs_site.publish(filed.results, later(filed.audit, 60), tmp_path)
    docs_site.publish(filed.results, filed.audit, tmp_path)
    assert instant(tmp_path) == "2026-11-24T01:31:00Z"


def test_the_same_night_may_be_published_again(filed: Filed, tmp_path: Path) -> None:
    for _ in range(3):
        docs_site.publish(filed.results, filed.audit, tmp_path)
    assert instant(tmp_path) == "2026-11-24T01:30:00Z"
    assert len(folders(tmp_path)) == 2, "the one in place, and the one before for who is still reading it"


def test_what_a_killed_publisher_left_is_swept_away(filed: Filed, tmp_path: Path) -> None:
    left = tmp_path / ".data_docs.20261123T013000Z.deadbeef"
    (left / "validations").mkdir(parents=True)
    (tmp_path / ".data_docs.next").symlink_to("nowhere")
    docs_site.publish(filed.results, filed.audit, tmp_path)
    assert folders(tmp_path) == {(tmp_path / docs_site.ENTRY).readlink().name}
    assert not (tmp_path / ".data_docs.next").is_symlink()


def test_a_folder_of_somebody_else_is_not_replaced(filed: Filed, tmp_path: Path) -> None:
    (tmp_path / docs_site.ENTRY).mkdir()
    (tmp_path / docs_site.ENTRY / "mine.txt").touch()
    with pytest.raises(docs_site.DataDocsError, match="Move it away"):
        docs_site.publish(filed.results, filed.audit, tmp_path)
    assert (tmp_path / docs_site.ENTRY / "mine.txt").is_file()


def test_a_home_that_cannot_be_written_is_said(filed: Filed, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(PrivacyAuditError, match=r"could not be written: .*the report is not affected"):
        docs_site.publish(filed.results, filed.audit, tmp_path / "home")


def test_a_publisher_that_waits_too_long_says_so(filed: Filed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_site, "_PATIENCE_SECONDS", 0.05)
    with FileLock(tmp_path / ".data_docs.lock"), pytest.raises(docs_site.DataDocsError, match="another audit"):
        docs_site.publish(filed.results, filed.audit, tmp_path)


def test_readers_see_one_whole_night_while_nights_change(filed: Filed, tmp_path: Path) -> None:
    docs_site.publish(filed.results, filed.audit, tmp_path)
    visits: list[str] = []
    troubles: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                visits.append(visit(tmp_path))
        except BaseException as trouble:  # noqa: BLE001 - it is told by the test, not lost with the thread
            troubles.append(trouble)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for seconds in range(1, 8):
        docs_site.publish(filed.results, later(filed.audit, seconds), tmp_path)
    done.set()
    for reader in readers:
        reader.join()
    assert troubles == []
    assert len(set(visits)) >= 4, "the readers met several nights"


def visit(home: Path) -> str:
    """Opens the index and every page it names, as a server does: the link is followed once per visit. The instant."""
    root = (home / docs_site.ENTRY).resolve()
    index = Page(root / "index.html")
    pages = {index.path} | {
        Site(root).target(index, link)[0] for link in index.values("href") if "validations/" in link
    }
    assert len(pages) == 7
    said = {re.search(r"as of (\S+)\. This page", path.read_text()) for path in pages}
    assert all(path.read_text().endswith("</html>") for path in pages)
    found = {match[1] for match in said if match}
    assert len(found) == 1, "pages of one night"
    return found.pop()


def test_two_publishers_leave_one_whole_night(filed: Filed, tmp_path: Path) -> None:
    troubles: list[BaseException] = []

    def publish(seconds: int) -> None:
        try:
            docs_site.publish(filed.results, later(filed.audit, seconds), tmp_path)
        except BaseException as trouble:  # noqa: BLE001 - it is told by the test, not lost with the thread
            troubles.append(trouble)

    publishers = [threading.Thread(target=publish, args=(seconds,)) for seconds in (1, 3, 2)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    assert troubles == []
    assert visit(tmp_path) == "2026-11-24T01:30:03Z"


def test_25_suites_take_seconds(copied: Filed, tmp_path: Path) -> None:
    audit = multiplied(copied, "logs", 25)
    started = time.process_time()  # of this process alone: others may keep the machine busy
    published = Site(docs_site.publish(copied.results, audit, tmp_path).parent)
    assert time.process_time() - started < SECONDS_FOR_25_SUITES
    assert len(published.suites) == 25


def multiplied(filed: Filed, table: str, times: int) -> Audit:
    """The night with one table so many times, and no other."""
    path = result_of(filed, table)
    content = path.read_text()
    store = filed.audit.stores[0]
    one = next(check for check in store.checks if check.table == f"shop.{table}")
    checks = []
    for number in range(times):
        name = f"t{number:02}"
        checks.append(replace(one, id=one.id.replace(table, name), table=f"shop.{name}"))
        copy = filed.results / "shop" / "shop" / name / Path(*path.parts[-3:-1]) / path.name.replace(table, name)
        copy.parent.mkdir(parents=True)
        copy.write_text(content.replace(f"shop.{table}", f"shop.{name}"))
    for folder in (filed.results / "shop" / "shop").iterdir():
        if not re.fullmatch(r"t\d\d", folder.name):
            shutil.rmtree(folder)
    return replace(filed.audit, stores=(replace(store, checks=tuple(checks)),))


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_user_and_group_may_read_the_pages_and_nobody_else(filed: Filed, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        docs_site.publish(filed.results, filed.audit, tmp_path)
    finally:
        os.umask(before)
    root = (tmp_path / docs_site.ENTRY).resolve()
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (root, *root.rglob("*"))}
    assert modes == {(False, file_modes.FILE), (True, file_modes.FOLDER)}
