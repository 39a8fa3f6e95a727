"""The commands that a newcomer types, typed: their words, their exit codes, and what they leave behind."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.installation import installation
from tests.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TYPED = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
"""A terminal's environment: the tests may be running under a make themselves."""


def run(*command: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=TYPED | variables)


def test_help_says_what_every_target_is_for() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE)) - {"install", "install-tests"}
    told = run("make", "help")
    assert told.returncode == 0
    assert {line.split()[1] for line in told.stdout.splitlines()} == targets
    assert {"audit", "test", "up", "down"} <= targets


def test_the_integration_runs_all_tests_and_nothing_less(tmp_path: Path) -> None:
    # With these there is nothing to bring.
    for name in ("make", "chromedriver", "pgbouncer", "redis-server", "18/bin/postgres"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*"; exit 7\n')
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    told = run(str(ROOT / ".ci" / "run"), cwd=tmp_path, PATH=path, POSTGRESQL=str(tmp_path))
    assert (told.stdout, told.returncode) == ("make test\n", 7)


def commands(*words: str) -> list[str]:
    """What make would run, one command a line."""
    told = run("make", "--dry-run", *words)
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def test_make_test_leaves_nothing_out() -> None:
    recipe = commands("test")
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "compile --check", "pytest"):
        assert any(tool in line for line in recipe), tool
    assert recipe[-1].rstrip().endswith("--no-loadscope-reorder")  # all tests; their closing line is last


@pytest.mark.parametrize("target", ["check", "test", "test-long"])
def test_a_path_and_an_expression_choose_the_tests(target: str) -> None:
    chosen = commands(target, "T=tests/unit/domain", "K=month and not year")[-1].rstrip()
    assert chosen.endswith('tests/unit/domain -k "month and not year"')
    assert commands(target)[-1].count(" -k ") == 0


def test_the_quick_check_runs_the_oracles_with_few_examples_and_the_long_one_with_many() -> None:
    assert commands("check")[-1].startswith("EXAMPLES=5 ")
    assert "tests/unit tests/cases tests/oracle" in commands("check")[-1]
    assert commands("test-long")[-1].startswith("EXAMPLES=500 ")


def test_a_machine_without_a_fitting_python_is_told_so(tmp_path: Path) -> None:
    for name in ("sh", "make", "awk"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    told = run("make", "audit", PATH=str(tmp_path))
    assert told.returncode == 2
    assert "Python 3.11, 3.12 or 3.13 is needed" in told.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A project whose requirements are installed already."""
    project = tmp_path / "a project"
    shutil.copytree(ROOT / ".ci", project / ".ci")
    (project / "requirements.txt").write_text("")
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    digest = hashlib.sha256(b"").hexdigest()
    (project / ".venv" / "installed.json").write_text(json.dumps({"requirements.txt": digest}))
    return project


def test_what_is_installed_is_not_installed_again(installed: Path) -> None:
    told = run(sys.executable, ".ci/install", "requirements.txt", cwd=installed)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_a_second_installation_waits_for_the_first(installed: Path) -> None:
    (installed / "var").mkdir()
    with (installed / "var" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, str(installed / ".ci" / "install"), "requirements.txt"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout
            assert "waiting for it" in second.stdout.readline()
            assert second.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert second.wait(timeout=120) == 0


class Audit:
    """`make audit` as it runs, in a home of its own."""

    def __init__(self, home: Path, person: Path) -> None:
        variables = {"PRIVACY_AUDIT_HOME": str(home), "HOME": str(person)}
        self.process = subprocess.Popen(
            [str(shutil.which("make")), "audit", "SCALE=30000"],
            cwd=ROOT,
            env=TYPED | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []

    def read_until(self, words: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return
        raise AssertionError("\n".join([f'never said "{words}":', *self.lines]))

    def end(self) -> str:
        assert self.process.stdout
        self.lines += self.process.stdout.read().splitlines()
        text = "\n".join(self.lines)
        assert self.process.wait(timeout=60) == 0, text
        return text


def running_in(home: Path) -> list[list[str]]:
    """Command lines of all processes that were started with this home, the server's among them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PRIVACY_AUDIT_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.slow
def test_an_audit_after_one_that_was_killed_and_beside_another(tmp_path: Path) -> None:
    home, person = tmp_path / "what it leaves", tmp_path / "a person"
    person.mkdir()
    killed = Audit(home, person)
    killed.read_until("Filled the demo company")
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait()

    one = Audit(home, person)
    one.read_until("Started the embedded PostgreSQL")
    other = Audit(home, person)
    other.read_until("waiting until it is done")
    told = one.end(), other.end()

    for text in told:
        assert "found exactly what was planted" in text
        assert "not audited" not in text
        assert not re.search(r"warning|traceback|deprecat|great_expectations|airflow\.", text, flags=re.IGNORECASE)
        report, docs = (re.search(rf"^{name}: +(.+)$", text, flags=re.MULTILINE) for name in ("Report", "Data Docs"))
        assert report
        assert docs
        assert Path(report[1]).is_file()
        assert Path(docs[1]).is_file()
    assert len(filed(home)) == 2
    assert running_in(home) == []
    installation(home).remove()  # as root it lies elsewhere, and nobody else would remove it
    assert list(person.iterdir()) == []  # nothing is written into anyone's home folder


def filed(home: Path) -> list[dict[str, Any]]:
    folders = [folder for folder in (home / "reports").iterdir() if folder.is_dir() and not folder.is_symlink()]
    return [json.loads((folder / "audit.json").read_bytes()) for folder in folders]


def test_clean_removes_what_was_made_and_ends_what_runs() -> None:
    recipe = MAKEFILE.partition("\nclean:")[2].partition("\n\n")[0]
    assert "demo.commands clean" in recipe
    assert "rm -rf .venv var" in recipe
