"""The documentation: what it names exists, what exists is named, and its commands run.

How-tos are followed in a copy of the project: their files are written and their commands run. `docs/README.md` says
what the marks of blocks mean.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from docs import generate
from docs.reading import PACKAGE, ROOT, anchor
from privacy_audit.config.policy.consistency import WITHOUT_A_TABLE
from privacy_audit.controls import kinds

DOCS = ROOT / "docs"
REFERENCE = sorted((DOCS / "reference").glob("*.md"))
WRITTEN = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in DOCS.rglob("*.md") if path not in REFERENCE and path.name != "moved.md"),
]
"""Pages that people write. `moved.md` names paths that are gone: that is what it is for."""
PAGES = [*WRITTEN, *REFERENCE]
MARKS = {"run", "installed", "by hand", "docker", "cluster"}
AT_RUN_TIME = re.compile(r"(var|reports|data_docs|suites|registers)/")
"""Where paths begin that an audit makes, or that stand for a file of the reader's own."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def mark(self) -> str:
        return self.info.partition(" ")[2]


def _call(*words: str, cwd: Path = ROOT, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(words, cwd=cwd, input=text, capture_output=True, text=True, check=False, env=environment)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(page, info, text) for info, text in found]


def _prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _code(page: Path) -> list[str]:
    """What stands in backticks within sentences."""
    return re.findall(r"`([^`\n]+)`", _prose(page))


def _commands(page: Path) -> Iterator[list[str]]:
    """Each command of a page, as words: of its blocks, and in backticks."""
    lines = [
        line
        for block in _blocks(page)
        if block.language == "sh"
        for line in re.sub(r"\\\n", " ", block.text).splitlines()
    ]
    for line in (*lines, *_code(page)):
        if re.match(r"(\S*=\S+ )?(make|\S*privacy-audit)( |$)", line):
            yield [word for word in shlex.split(line, comments=True) if not re.match(r"^[A-Z_]+=\S+$", word)]


BLOCKS = [block for page in WRITTEN for block in _blocks(page)]
by_page = pytest.mark.parametrize("page", PAGES, ids=_name)
by_written_page = pytest.mark.parametrize("page", WRITTEN, ids=_name)


# What is documented exists -------------------------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {anchor(re.sub(r"`", "", heading)) for heading in headings}


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if target.startswith("https://"):
            continue
        path, _, place = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if place:
            assert place in _anchors(linked), target


def _exists(path: str) -> bool:
    places = (ROOT, PACKAGE, PACKAGE.parent, DOCS, ROOT / "expectations")
    pattern = re.sub(r"<[^>]+>", "*", path).rstrip("/")
    return any(next(place.glob(pattern), None) for place in places) or next(PACKAGE.rglob(pattern), None) is not None


@by_page
def test_paths_exist(page: Path) -> None:
    blocks = "".join(f"{block.info} {block.text}" for block in _blocks(page))
    for text in _code(page):
        path = text.removesuffix(".")
        part = r"([\w.*-]|<[^>]+>)"
        is_path = re.fullmatch(rf"{part}+(/{part}*)+|[\w-]+\.(py|md|yaml|toml|txt)", path)
        made = AT_RUN_TIME.match(path) or path in blocks
        if is_path and not made and not _is_no_path(path):
            assert _exists(path), path


def _is_no_path(text: str) -> bool:
    """Ids of checks and versions of documents have slashes, too."""
    of_ids = re.match(r"(store|app|web|privacy_audit\.\w+)/", text) or re.search(r"/[A-Z]+-\d", text)
    return bool(of_ids) or text in ("recipients.csv", "recipients.yaml", "policy2.yaml")


@by_page
def test_modules_exist(page: Path) -> None:
    for text in _code(page):
        if re.fullmatch(r"privacy_audit(\.[a-z_]+)+", text):
            assert (PACKAGE.parent / text.replace(".", "/")).with_suffix(".py").exists() or (
                PACKAGE.parent / text.replace(".", "/")
            ).is_dir(), text


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))


@by_written_page
def test_commands_exist(page: Path) -> None:
    known = generate.commands()
    for words in _commands(page):
        if words[0] == "make":
            named = [word for word in words[1:] if "=" not in word]
            assert set(named) <= _targets(), words
            continue
        rest = [word for word in words[1:] if word != "..."]
        name = next((one for one in (" ".join(rest[:2]), *rest[:1]) if one in known), "")
        is_group = any(one.startswith(f"{' '.join(rest)} ") for one in known)
        assert name or not rest or is_group, words
        if name:
            options = {option for parameter in known[name].params for option in parameter.opts} | {"--help"}
            assert {word for word in rest if word.startswith("--")} <= options, words


@by_page
def test_settings_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?<!CONN_)\bPRIVACY_AUDIT_[A-Z_]+", text)) <= set(generate.settings())


def test_every_block_of_commands_says_how_it_is_tried() -> None:
    assert {block.mark for block in BLOCKS if block.language == "sh"} <= MARKS


@by_written_page
def test_a_page_says_which_commands_are_not_run(page: Path) -> None:
    if {block.mark for block in _blocks(page)} & {"docker", "cluster"}:
        assert "only their syntax is checked" in " ".join(page.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{_name(block.page)}: {block.info}")
def test_blocks_are_well_formed(block: Block) -> None:
    match block.language:
        case "sh":
            checked = _call("bash", "-n", text=block.text)
            assert checked.returncode == 0, checked.stderr
        case "yaml":
            YAML(typ="safe").load(block.text)
        case "python" if "insert" not in block.mark:
            ast.parse(block.text)
        case "json":
            json.loads(block.text)


@by_page
def test_nothing_names_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|tmp|home|root|Users)/|pypi\.org|ghcr\.io|docker\.io", text)


def test_counts_are_true() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    loaded = {name: YAML(typ="safe").load(ROOT / "expectations" / f"{name}.yaml") for name in ("policy", "law")}
    assert f"{len(loaded['policy']['controls'])} controls of" in text
    assert f"{len(loaded['law']['rules'])}\nrules of" in text or f"{len(loaded['law']['rules'])} rules of" in text
    assert f"{len(kinds())} kinds and {len(WITHOUT_A_TABLE)} without a table" in text


# What exists is documented -------------------------------------------------------------------------------------------


def _text(*pages: Path) -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def test_every_folder_is_in_the_architecture() -> None:
    text = _text(DOCS / "architecture.md")
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) & packages
    tracked = _call("git", "ls-files").stdout
    for folder in {line.partition("/")[0] for line in tracked.splitlines() if "/" in line} - {".readme"}:
        assert f"| `{folder}/` |" in text, folder


def test_the_order_of_the_packages_is_that_of_the_contract() -> None:
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8").partition("layers =")[2].partition("exhaustive")[0]
    floors = [re.findall(r"\w+", line) for line in contract.splitlines() if line.strip()]
    told = re.findall(r"^\| `(\w+)` \|", _text(DOCS / "architecture.md"), re.MULTILINE)
    expected = [name for floor in floors for name in floor]
    floor_of = {name: number for number, floor in enumerate(floors) for name in floor}
    assert sorted(told) == sorted(expected)
    assert [floor_of[name] for name in told] == sorted(floor_of.values())


def test_every_target_of_make_is_named() -> None:
    named = {word for page in WRITTEN for words in _commands(page) if words[0] == "make" for word in words[1:]}
    assert _targets() - named == set()


def test_every_command_is_named() -> None:
    text = " ".join(" ".join(words) for page in WRITTEN for words in _commands(page))
    for name in generate.commands():
        assert f"privacy-audit {name}" in text, name


def test_every_setting_is_documented() -> None:
    found = set()
    for path in (*PACKAGE.rglob("*.py"), *(ROOT / "dags").glob("*.py")):
        found |= set(re.findall(r"(?<!CONN_)\bPRIVACY_AUDIT_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert found == set(generate.settings())


def test_every_kind_is_documented() -> None:
    text = _text(DOCS / "reference" / "kinds.md")
    for name in kinds():
        assert f"\n## {name}\n" in text
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert "*Why*" in section, name
        assert "*Fix*" in section, name
    for name in WITHOUT_A_TABLE:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize("name", generate.FILES)
def test_every_key_has_a_meaning(name: str) -> None:
    text = _text(DOCS / "reference" / f"{name}.md")
    assert not re.findall(r"^\| `\w+` \| .* \| .*\|  \|$", text, re.MULTILINE)


def test_every_word_of_the_glossary_is_used_and_in_its_place() -> None:
    words = re.findall(r"^\| \*\*([^*]+)\*\*", _text(DOCS / "glossary.md"), re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    others = [page for page in PAGES if page.name != "glossary.md"]
    used = _text(*others, *PACKAGE.rglob("*.py")).lower()
    for word in words:
        assert word.lower() in used or re.sub("[ -]", "_", word.lower()) in used, word


def test_every_page_is_in_the_index() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in (DOCS / "README.md", DOCS / "reference" / "README.md")
        for target in re.findall(r"\]\(([^)\s]+\.md[^)\s]*)\)", page.read_text(encoding="utf-8"))
    }
    assert set(DOCS.rglob("*.md")) - {DOCS / "README.md"} <= linked


def test_decisions_are_numbered() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]}: ")
        assert all(part in text for part in ("**Question.**", "**Decision.**", "**Reasons.**", "**Consequences.**"))


def test_the_readme_is_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_the_hooks_need_no_network() -> None:
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert [hook["id"] for hook in hooks["repos"][0]["hooks"]] == ["ruff-check", "ruff-format", "mypy"]
    assert all(hook["language"] == "system" for hook in hooks["repos"][0]["hooks"])


# The reference is generated ------------------------------------------------------------------------------------------


def test_the_reference_is_current() -> None:
    assert generate.stale() == [], "run make docs"


def test_a_page_that_is_not_current_is_found(tmp_path: Path) -> None:
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []
    (tmp_path / "settings.md").write_text("Something else")
    (tmp_path / "database.md").unlink()
    (tmp_path / "gone.md").write_text("A page that nothing generates any more")
    assert generate.stale(tmp_path) == ["database.md", "gone.md", "settings.md"]


# The commands run ----------------------------------------------------------------------------------------------------

FOLLOWED = [page for page in WRITTEN if any(block.mark == "run" for block in _blocks(page))]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, as far as the pages change it, in a terminal where nothing is set."""
    for name in list(os.environ):
        if name.startswith(("PRIVACY_", "AIRFLOW", "MAKE")):
            monkeypatch.delenv(name)
    root = tmp_path / "project"
    for name in ("docs", "expectations", "plugins", ".ci", "dags", "tests/oracle"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "README.md"):
        shutil.copy(ROOT / name, root / name)
    (root / ".venv").symlink_to(Path(sys.prefix))
    for command in (("init", "--quiet"), ("add", "--all")):
        assert _call("git", *command, cwd=root).returncode == 0
    return root


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=_name)
def test_a_page_is_followed_to_its_end(page: Path, copy: Path) -> None:
    for block in _blocks(page):
        if match := re.match(r"file=(\S+)", block.mark):
            (copy / match[1]).parent.mkdir(parents=True, exist_ok=True)
            (copy / match[1]).write_text(block.text, encoding="utf-8")
        elif match := re.match(r'insert=(\S+) after="(.*)"', block.mark):
            _insert(copy / match[1], match[2], block.text)
        elif block.mark == "run":
            _run(block.text, copy)
    for path in copy.rglob("plugins/**/*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def _insert(path: Path, after: str, text: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (place,) = (number for number, line in enumerate(lines) if re.search(after, line))
    path.write_text("".join([*lines[: place + 1], text, *lines[place + 1 :]]), encoding="utf-8")


def _run(script: str, root: Path) -> None:
    """The script as a terminal in the project's folder runs it. What is installed is not installed again."""
    script = re.sub(r"^make ", "make --old-file=install --old-file=install-tests ", script, flags=re.MULTILINE)
    done = _call("bash", "-eu", "-o", "pipefail", "-c", script, cwd=root, PYTHONPATH=f"{root}/plugins:{root}")
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
