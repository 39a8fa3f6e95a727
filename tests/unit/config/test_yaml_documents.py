"""Files that people write: what is wrong with them is said with its place, its fact and a way out, all at once."""

from __future__ import annotations

import json
import os
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from privacy_audit.config.yaml.documents import LARGEST_FILE, read
from privacy_audit.config.yaml.scalars import hidden_character
from privacy_audit.config.yaml.tree import compose
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from tests.unit.config.files.harbour import Harbour, Kind

BAD = Path(__file__).parent / "files" / "bad"
GOOD = """\
name: harbour
boats:
  anna: {length: 012, kind: sail}
  bella:
    length: 0x0c
    kind: motor
    sold: true
opened: 2026-01-31
berths:
  - by: number
    number: 3
  - {by: name, name: 'no'}
lights: [{colour: red}, {pattern: [long, short]}]
prices: {sail: 3}
label: 1:30
in: [off, 2026-01-31]
"""


def refusal(path: Path, root: Path) -> str:
    with pytest.raises(ConfigurationRefusedError) as refused:
        read(path, Harbour, root=root)
    return str(refused.value) + "\n"


@pytest.mark.parametrize("case", sorted(BAD.glob("*.yaml")), ids=lambda case: case.stem)
def test_bad_file_is_refused_in_these_words(case: Path) -> None:
    said = refusal(case, BAD)
    expected = case.with_suffix(".txt")
    if os.environ.get("REGENERATE_MISTAKES"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def test_every_expected_refusal_has_its_file() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.yaml")} != set()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "harbour.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_good_file_is_read_by_the_rules_of_yaml_1_2(written: Path) -> None:
    harbour = read(written, Harbour).value
    assert (harbour.boats["anna"].length, harbour.boats["bella"].length) == (12, 12)
    assert harbour.boats["bella"].kind is Kind.MOTOR
    assert harbour.opened == date(2026, 1, 31)
    assert harbour.berths is not None
    assert [berth.model_dump() for berth in harbour.berths] == [
        {"by": "number", "number": 3},
        {"by": "name", "name": "no"},
    ]
    assert (harbour.label, harbour.open_in) == ("1:30", ("off", "2026-01-31"))


@pytest.mark.parametrize(
    ("path", "place", "place_of_key"),
    [
        ((), "1:1", "1:1"),
        (("name",), "1:7", "1:1"),
        (("boats",), "2:1", "2:1"),
        (("boats", "anna"), "3:3", "3:3"),
        (("boats", "anna", "kind"), "3:29", "3:23"),
        (("berths", 0), "10:5", "10:5"),
        (("berths", 0, "number"), "11:13", "11:5"),
        (("berths", 7, "number"), "9:1", "9:1"),
        (("boats", "anna", "colour"), "3:3", "3:3"),
    ],
)
def test_every_part_has_its_place(written: Path, path: tuple[str | int, ...], place: str, place_of_key: str) -> None:
    document = read(written, Harbour, root=written.parent).document
    assert document.place(*path) == f"harbour.yaml:{place}"
    assert document.place_of_key(*path) == f"harbour.yaml:{place_of_key}"


def test_parts_are_found_by_path(written: Path) -> None:
    document = read(written, Harbour).document
    assert document.at("boats", "bella", "sold") is True
    assert document.at("berths", 1, "by") == "name"
    assert document.at("berths", "by") is document.at("name", 0) is document.at("boats", "carla") is None


def test_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "harbour.yaml", tmp_path) == "harbour.yaml: there is no such file.\n"


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "harbour.yaml").mkdir()
    assert refusal(tmp_path / "harbour.yaml", tmp_path) == "harbour.yaml: cannot be read: Is a directory.\n"


def test_largest_file_is_read_and_a_larger_one_is_not(written: Path) -> None:
    fill = LARGEST_FILE - written.stat().st_size
    written.write_text(GOOD + "#" * (fill - 1) + "\n", encoding="utf-8")
    assert read(written, Harbour).value.name == "harbour"
    written.write_text(GOOD + "#" * fill + "\n", encoding="utf-8")
    assert refusal(written, written.parent) == (
        "harbour.yaml: is larger than 256 KiB. Split it, or take out what is not needed.\n"
    )


def test_file_that_is_not_utf8(written: Path) -> None:
    written.write_bytes("name: port\nboats: é".encode() + "é".encode("latin-1"))
    assert refusal(written, written.parent) == (
        "harbour.yaml:2:9: is not UTF-8. Save the file with the encoding UTF-8.\n"
    )


def test_byte_order_mark_of_an_editor_is_no_mistake(written: Path) -> None:
    written.write_text(GOOD, encoding="utf-8-sig")
    assert read(written, Harbour).value.name == "harbour"


@pytest.mark.parametrize(
    "part", ["[", "{a: ", "- ", "? ", "*a ", "&a ", "a: b\n", "? a\n", "[{a: b}, ", '"\\x41', "a: |\n b\n"]
)
def test_hostile_file_of_the_largest_size_is_refused_in_seconds(part: str) -> None:
    begun = time.process_time()  # of this process alone: others may keep the machine busy
    with pytest.raises(ConfigurationRefusedError) as refused:
        compose((part * LARGEST_FILE)[:LARGEST_FILE], "hostile.yaml")
    assert time.process_time() - begun < 20
    assert len(refused.value.mistakes) <= 101


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]).filter(lambda char: not hidden_character(char)))
whole = st.integers(-(10**16), 10**16)
values = st.recursive(
    st.none() | st.booleans() | whole | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, min_size=1))
def test_what_json_says_is_what_is_read(value: dict[str, object]) -> None:
    assert compose(json.dumps(value, ensure_ascii=False), "x.yaml").value == value


SCRAPS = ["{", "}", "[", "]", ": ", ",", "- ", "? ", "&a", "*a", "!", "|", ">", "'", '"', "%", "@", "\\", "\n", "\n  "]
SCRAPS += [
    "\t",
    "#",
    "---",
    "...",
    "<<",
    "~",
    "a",
    "0",
    '"\\U7fffffff"',
    "\u2028",
    "\x00",
    "%YAML 1.1",
    "%TAG ! x",
    "!<",
]


@example("%YAML 1.10")  # the parser once stumbled over itself here
@given(st.lists(st.sampled_from(SCRAPS)).map("".join) | st.text())
def test_no_text_gets_past_the_reader_but_as_data_or_as_mistakes(text: str) -> None:
    try:
        read_as = compose(text, "x.yaml").value
        mistakes: tuple[Mistake, ...] = ()
    except ConfigurationRefusedError as refused:
        read_as, mistakes = None, refused.mistakes
    assert (read_as is None) == bool(mistakes)
    assert all(mistake.place.startswith("x.yaml") and mistake.fact for mistake in mistakes)
