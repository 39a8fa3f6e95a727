"""Spellings of e-mail addresses, numbers and keys, as data in spellings.yaml and free_texts.yaml."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from privacy_audit.erasure.identifiers import IdentifierKind, harvest, normalise, readings

FOLDER = Path(__file__).parent
SPELLINGS: list[dict[str, Any]] = YAML(typ="safe").load(FOLDER / "spellings.yaml")
FREE_TEXTS: list[dict[str, Any]] = YAML(typ="safe").load(FOLDER / "free_texts.yaml")
READ = [
    pytest.param(case, text, id=f"{case['kind']}: {case['name']}: {text!a}")
    for case in SPELLINGS
    for text in case.get("same", [])
]
NOT_READ = [
    pytest.param(case, text, id=f"{case['kind']}: {text!a}") for case in SPELLINGS for text in case.get("not", [])
]


def _read(case: dict[str, Any], text: str) -> str | None:
    return normalise(IdentifierKind(case["kind"]), text, case.get("of", ""))


@pytest.mark.parametrize(("case", "text"), READ)
def test_spellings_of_one_identifier_are_read_alike(case: dict[str, Any], text: str) -> None:
    assert _read(case, text) == case["is"]


@pytest.mark.parametrize(("case", "text"), NOT_READ)
def test_what_is_no_identifier_is_not_read(case: dict[str, Any], text: str) -> None:
    assert _read(case, text) is None


@pytest.mark.parametrize("case", [case for case in SPELLINGS if "is" in case], ids=lambda case: case["name"])
def test_a_canonical_spelling_is_its_own(case: dict[str, Any]) -> None:
    text = case["is"].partition(":")[2] if case["kind"] == "key" else case["is"]
    assert _read(case, text) == case["is"]


@pytest.mark.parametrize("case", FREE_TEXTS, ids=lambda case: case["name"])
def test_free_text_is_searched(case: dict[str, Any]) -> None:
    found = set(harvest(case["text"]))
    wanted = {(IdentifierKind(kind), value) for kind in ("email", "phone") for value in case.get(kind, [])}
    assert wanted <= found
    assert bool(found) != case.get("nothing", False)


@given(st.sampled_from(IdentifierKind), st.text())
def test_no_text_makes_it_raise(kind: IdentifierKind, text: str) -> None:
    normalise(kind, text, "customer")
    readings(kind, text, "customer")


@given(st.sampled_from(IdentifierKind), st.text(alphabet='+0369 .@-_%&;\\"{}[]()<>xn\u00e9\ud800#4jean', max_size=60))
def test_no_text_that_looks_like_one_makes_it_raise(kind: IdentifierKind, text: str) -> None:
    normalise(kind, text, "customer")
    readings(kind, text, "customer")


local_parts = st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,8})?", fullmatch=True)
domains = st.from_regex(r"[a-z]{1,10}\.(fr|com|example)", fullmatch=True)


@given(local_parts, domains, st.text(alphabet=" \n,;:()<>[]«»", min_size=1), st.booleans())
def test_every_address_in_json_is_found(local: str, domain: str, around: str, ascii_only: bool) -> None:
    text = json.dumps({"note": f"é{around}{local.upper()}@{domain}{around}"}, ensure_ascii=ascii_only)
    assert (IdentifierKind.EMAIL, f"{local}@{domain}") in set(harvest(text))


@given(st.from_regex(r"0[1-9]([ .-]?[0-9]{2}){4}", fullmatch=True), st.sampled_from([" ", ", ", "\n", ";"]))
def test_every_french_number_in_text_is_found(number: str, blank: str) -> None:
    value = normalise(IdentifierKind.PHONE, number)
    if value is not None:
        assert (IdentifierKind.PHONE, value) in set(harvest(f"tel{blank}{number}{blank}fin"))


def test_an_address_is_read_as_its_mailbox_too() -> None:
    assert readings(IdentifierKind.EMAIL, "Jean+shop@example.fr") == (
        (IdentifierKind.EMAIL, "jean+shop@example.fr"),
        (IdentifierKind.MAILBOX, "jean@example.fr"),
    )


def test_a_field_with_two_addresses_is_read_as_both() -> None:
    read = dict.fromkeys(value for _, value in readings(IdentifierKind.EMAIL, "a@example.fr; b@example.fr"))
    assert list(read) == ["a@example.fr", "b@example.fr"]


@pytest.mark.parametrize(
    "text",
    [
        "'jean@example.fr'",
        "\u201cjean@example.fr\u201d",
        "mail=jean@example.fr",
        "\u2709jean@example.fr",
        "a/jean@example.fr",
    ],
)
def test_an_address_with_something_around_it_is_read_without_it_too(text: str) -> None:
    assert (IdentifierKind.EMAIL, "jean@example.fr") in readings(IdentifierKind.EMAIL, text)


def test_a_field_for_phones_with_an_address_in_it_is_read() -> None:
    assert (IdentifierKind.EMAIL, "jean@example.fr") in readings(IdentifierKind.PHONE, "jean@example.fr")


def test_bytes_are_read_as_the_text_they_are() -> None:
    shown = "\\x" + b"jean@example.fr".hex()
    assert (IdentifierKind.EMAIL, "jean@example.fr") in readings(IdentifierKind.EMAIL, shown)


@pytest.mark.parametrize("text", ["{41,42}", "[41, 42]", '["41", "42"]', '{"41",42}'])
def test_an_array_of_keys_is_read_as_its_members(text: str) -> None:
    read = readings(IdentifierKind.KEY, text, "customer")
    assert read == ((IdentifierKind.KEY, "customer:41"), (IdentifierKind.KEY, "customer:42"))


def test_keys_of_different_things_differ() -> None:
    assert normalise(IdentifierKind.KEY, "42", "customer") != normalise(IdentifierKind.KEY, "42", "order")


@pytest.mark.parametrize("kind", IdentifierKind)
@pytest.mark.parametrize(
    "hostile", ["a@", "@", " ", "0", "+1 ", "a.", "06 ", "a=", "-", "%40", "&#64;", "\\", "\\u0040"]
)
def test_the_work_grows_with_the_text_and_no_faster(kind: IdentifierKind, hostile: str) -> None:
    def seconds(length: int) -> float:
        text = "x" + hostile * (length // len(hostile)) + "x"
        began = time.process_time()
        readings(kind, text, "customer")
        return time.process_time() - began

    def least(length: int) -> float:
        return min(seconds(length) for _ in range(3))  # a collection of garbage falls into one of them

    assert least(40_000) < 40 * max(least(4_000), 0.001)  # squared it would be 100 times
