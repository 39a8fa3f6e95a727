"""The controls about the audit itself: they are about no store, and a store can neither sign for them nor be it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from privacy_audit.config.settings import Settings
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.pipeline.configuration import Configuration, read_configuration
from tests.places import FEW_PROMISES

REAL = FEW_PROMISES
META_5 = "  META-5:"
KIND = "kind: own_records"


@pytest.fixture
def expectations(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REAL, tmp_path / "expectations"))


def read(expectations: Path) -> Configuration:
    return read_configuration(Settings(expectations.parent / "home", expectations, "register", ""))


def edit(file: Path, was: str, becomes: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")


def refusal(expectations: Path) -> str:
    with pytest.raises(ConfigurationRefusedError) as refused:
        read(expectations)
    (mistake,) = refused.value.mistakes
    return str(mistake)


def test_it_is_about_no_store(expectations: Path) -> None:
    for coverage in read(expectations).coverages:
        named = [*coverage.checks, *coverage.excused, *coverage.unchecked]
        assert [entry for entry in named if entry.control.id == "META-5"] == []


def test_no_store_can_sign_for_it(expectations: Path) -> None:
    signed = '  - controls: [META-5]\n    reason: "None here."\n    signed_by: Head\n    on: 2026-10-01\n'
    file = expectations / "stores" / "web.yaml"
    begins = "not_applicable:\n"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(begins, begins + signed) if begins in text else f"{text}\n{begins}{signed}")
    told = refusal(expectations)
    assert told.startswith("expectations/stores/web.yaml:")
    assert told.endswith(
        "META-5 is about the audit itself or the company as a whole, and about no store. Remove it here."
    )


@pytest.mark.parametrize("name", ["privacy_audit", "records"])
def test_no_store_can_be_called_like_it(expectations: Path, name: str) -> None:
    (expectations / "stores" / "web.yaml").rename(expectations / "stores" / f"{name}.yaml")
    edit(expectations / "stores" / f"{name}.yaml", "store: web\n", f"store: {name}\n")
    assert refusal(expectations) == (
        f'expectations/stores/{name}.yaml:2:8: "{name}" names the audit\'s own records, or the company as'
        " a whole. Give the store another name."
    )


def test_it_takes_no_parameters(expectations: Path) -> None:
    edit(expectations / "policy.yaml", KIND, f"{KIND}\n    parameters: {{period: P3Y}}")
    assert 'kind own_records takes no parameter "period".' in refusal(expectations)


NIGHTLY = """  META-4:
    kind: nightly
    title: Each night has its audit
    severity: medium
    clauses: [deletion.after_retention]
    legal_basis: [GDPR art. 5(2)]
    effective_from: 2024-01-01
    parameters: {nights: "35"}
"""


def test_each_kind_may_be_there(expectations: Path) -> None:
    edit(expectations / "policy.yaml", META_5, NIGHTLY + META_5)
    read_ = read(expectations)
    assert read_.policy.control("META-4").parameters == {"nights": "35"}
    assert not any("META-4" in coverage.answered for coverage in read_.coverages)


@pytest.mark.parametrize("nights", ["0", "1", "367", "-5", "many", "3.5"])
def test_a_number_of_nights_that_is_none_is_refused(expectations: Path, nights: str) -> None:
    edit(expectations / "policy.yaml", META_5, NIGHTLY.replace("35", nights) + META_5)
    assert f'"{nights}" is no number of nights. Write one from 2 to 366, as "35".' in refusal(expectations)


def test_the_number_of_nights_is_asked_for(expectations: Path) -> None:
    edit(expectations / "policy.yaml", META_5, NIGHTLY.replace('    parameters: {nights: "35"}\n', "") + META_5)
    assert 'kind nightly needs the parameter "nights".' in refusal(expectations)


def test_there_is_one_at_most(expectations: Path) -> None:
    policy = expectations / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    begins = text.index(META_5)
    block = text[begins : text.index("\nconflicts:")]
    policy.write_text(text.replace(block, block + block.replace("META-5", "META-55")), encoding="utf-8")
    assert "META-5 is of kind own_records already. The audit has its own records once." in refusal(expectations)
