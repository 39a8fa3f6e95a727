"""The policy is read whole or not at all: every word of its text is quoted, every promise computed or called a gap."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_audit.config.policy import policy_reader
from privacy_audit.config.yaml.tree import compose
from privacy_audit.controls import kinds
from privacy_audit.domain.categories import Category
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Severity
from privacy_audit.domain.periods import Period
from privacy_audit.domain.promises import Automation, Clause, Conflict, Control, Policy
from tests.places import ROOT

REAL = ROOT / "expectations"
DOCUMENTS = Path(__file__).parent / "files"
SMALL = DOCUMENTS / "small" / "expectations"
SLIPS: Any = compose((DOCUMENTS / "policy_slips.yaml").read_text(encoding="utf-8"), "policy_slips.yaml").value
GOOD = (SMALL / "policy.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of expectations whose policy.yaml each test writes anew."""
    return Path(shutil.copytree(SMALL, tmp_path_factory.mktemp("policy") / "expectations"))


def loaded(folder: Path, text: str) -> Policy:
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return policy_reader.load(folder, kinds())


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip["case"])
def test_slip_of_the_pen_is_refused_in_these_words(slip: dict[str, Any], folder: Path) -> None:
    text = GOOD
    for edit in slip["edits"]:
        assert edit["replace"] in text
        text = text.replace(edit["replace"], edit["by"], 1)
    with pytest.raises(ConfigurationRefusedError) as refused:
        loaded(folder, text)
    assert str(refused.value) + "\n" == slip["says"]


def test_policy_is_read_as_it_is_written(folder: Path) -> None:
    keeping, checked = "How long do we keep your data?", Automation.CONTROL
    said = loaded(folder, GOOD)
    assert said == Policy(
        version="7",
        title="Privacy policy of the lending library",
        effective_from=date(2025, 3, 1),
        effective_to=date(2027, 12, 31),
        zone="Europe/Brussels",
        source_sha256=hashlib.sha256((SMALL / "policy.txt").read_bytes()).hexdigest(),
        digest=hashlib.sha256(GOOD.encode()).hexdigest(),
        clauses=(
            Clause("age.minimum", "Who may borrow?", "You may borrow books if you are at least 12 years old.", checked),
            Clause("age.guardian", "Who may borrow?", "Younger readers need the consent of a guardian.", checked),
            Clause("keeping.loans", keeping, "Loans are kept for 3 months after the book came back;", checked),
            Clause(
                "keeping.positions",
                keeping,
                "Where you go in the library is recorded with your prior consent.",
                Automation.NOT_YET_AUTOMATED,
                "Positions are not mapped.",
            ),
            Clause("love.readers", keeping, "We love readers.", Automation.NOT_CHECKABLE, "No database shows love."),
        ),
        controls=(
            Control(
                "RET-1",
                "retention",
                "Loans are deleted 3 months after the book came back",
                Severity.HIGH,
                ("keeping.loans",),
                ("GDPR art. 5(1)(e)",),
                date(2025, 3, 1),
                date(2027, 12, 31),
                (Category.CONNECTION, Category.COOKIE),
                {"period": "P3M"},
            ),
            Control(
                "MIN-1",
                "guardian_consent",
                "Nobody under 12 borrows without a guardian's prior consent",
                Severity.CRITICAL,
                ("age.minimum", "age.guardian"),
                ("GDPR art. 8(1)", "GDPR art. 7(1)"),
                date(2025, 6, 1),
                date(2026, 12, 31),
                parameters={"age": "12"},
            ),
        ),
        conflicts=(
            Conflict(
                "G1",
                "Loans are kept after the book came back.",
                "A book that never comes back keeps its loan for ever.",
                "The period runs from the day the book was due.",
            ),
        ),
    )


def test_a_conflict_may_name_controls_of_both_packs(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SMALL, tmp_path / "expectations"))
    law = (REAL / "law.yaml").read_text(encoding="utf-8")
    (folder / "law.yaml").write_text(
        law.partition("  LAW-DSR-2:")[0].replace("clauses: [rights.response_time]", "clauses: []"), encoding="utf-8"
    )
    said = loaded(folder, f"{GOOD.rstrip()}\n    controls: [RET-1, LAW-DSR-3]\n")
    assert said.conflicts[0].controls == ("RET-1", "LAW-DSR-3")


def test_text_that_changed_is_refused_until_somebody_read_it(tmp_path: Path) -> None:
    changed = Path(shutil.copytree(SMALL, tmp_path / "expectations"))
    text = (SMALL / "policy.txt").read_text(encoding="utf-8").replace("3 months", "4 months")
    (changed / "policy.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationRefusedError) as refused:
        policy_reader.load(changed)
    digest, quote = refused.value.mistakes
    assert (digest.place, quote.place) == ("expectations/policy.yaml:8:11", "expectations/policy.yaml:23:16")
    assert hashlib.sha256(text.encode()).hexdigest() in digest.fact
    assert "here it says “Loans are kept for 4 months after" in quote.fact


@pytest.mark.parametrize("missing", ["policy.yaml", "policy.txt"])
def test_file_that_is_not_there(missing: str, tmp_path: Path) -> None:
    incomplete = Path(shutil.copytree(SMALL, tmp_path / "expectations"))
    (incomplete / missing).unlink()
    with pytest.raises(ConfigurationRefusedError, match=f"^expectations/{missing}: there is no such file.$"):
        policy_reader.load(incomplete)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    latin = Path(shutil.copytree(SMALL, tmp_path / "expectations"))
    (latin / "policy.txt").write_bytes(b"top of page\nPolitique de confidentialit\xe9\n")
    with pytest.raises(ConfigurationRefusedError, match=r"^expectations/policy.txt:2:28: is not UTF-8\."):
        policy_reader.load(latin)


lines = GOOD.splitlines(keepends=True)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The good file after a few accidents of editing."""
    text = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text) - 2))
        match draw(st.sampled_from(["delete", "repeat", "swap", "indent", "typo", "stop"])):
            case "delete":
                del text[at]
            case "repeat":
                text.insert(at, text[at])
            case "swap":
                text[at], text[at + 1] = text[at + 1], text[at]
            case "indent":
                text[at] = "  " + text[at] if draw(st.booleans()) else text[at].removeprefix("  ")
            case "typo":
                column = draw(st.integers(0, len(text[at])))
                text[at] = text[at][:column] + draw(st.sampled_from("x0 :-'\"{[#&*!|\n\t")) + text[at][column + 1 :]
            case _:
                text = text[: max(at, 8)]
    return "".join(text)


def plain(text: str) -> str:
    return " ".join(text.replace("•", " ").split())


@given(text=spoilt())
def test_spoilt_file_is_refused_or_is_still_a_whole_policy(text: str, folder: Path) -> None:
    try:
        said = loaded(folder, text)
    except ConfigurationRefusedError as refused:
        mistakes = refused.mistakes
        assert mistakes
        assert all(re.match(r"expectations/policy\.yaml(:\d+:\d+)?$", it.place) for it in mistakes)
        return
    headings = re.findall(r"heading: (.*)", GOOD)
    left = plain((SMALL / "policy.txt").read_text(encoding="utf-8"))
    for part in (*headings, *(clause.quote for clause in said.clauses)):
        assert part in left
        left = left.replace(part, " ", 1)
    assert not left.split()
    assert said.digest == hashlib.sha256(text.encode()).hexdigest()
    computed = {clause for control in said.controls for clause in control.clauses}
    assert computed == {clause.id for clause in said.clauses if clause.automation is Automation.CONTROL}
    assert all(
        Period.parse(control.parameters["period"]) for control in said.controls if "period" in control.parameters
    )


@given(at=st.integers(0, len((SMALL / "policy.txt").read_bytes()) - 1), byte=st.binary(min_size=1, max_size=1))
def test_no_byte_of_the_text_changes_unseen(at: int, byte: bytes, folder: Path) -> None:
    good = (SMALL / "policy.txt").read_bytes()
    changed = good[:at] + byte + good[at + 1 :]
    (folder / "policy.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "policy.txt").write_bytes(changed)
    try:
        if changed == good:
            assert policy_reader.load(folder).version == "7"
            return
        with pytest.raises(ConfigurationRefusedError):
            policy_reader.load(folder)
    finally:
        (folder / "policy.txt").write_bytes(good)


@pytest.fixture(scope="module")
def real() -> Policy:
    return policy_reader.load(REAL, kinds())


def test_the_real_policy_promises_what_it_always_promised(real: Policy) -> None:
    promised = {control.id: (control.kind, control.severity.value, control.parameters) for control in real.controls}
    always: dict[str, tuple[str, str, dict[str, Any]]] = {
        "RET-1": ("retention", "high", {"period": "P5Y"}),
        "RET-2": ("retention", "high", {"period": "P10Y", "review_after": "P5Y"}),
        "RET-3": ("retention", "high", {"period": "P2M"}),
        "RET-4": ("retention", "high", {"period": "P1Y"}),
        "RET-5": ("retention", "high", {"period": "P13M"}),
        "MIN-1": ("guardian_consent", "critical", {"age": "15"}),
        "MIN-2": (
            "guardian_consent_form",
            "critical",
            {"channel": "email", "mailbox": "dpo@spimed-ai.com", "children": "10"},
        ),
        "GEO-1": ("consent_at_event", "critical", {"purpose": "geolocation"}),
        "DEL-1": ("soft_delete", "high", {"period": "P30D"}),
        "HLD-1": ("legal_hold", "critical", {}),
        "META-3": ("clocks_agree", "medium", {"tolerance_seconds": "5"}),
        "META-4": ("nightly", "medium", {"nights": "35"}),
        "META-5": ("own_records", "medium", {}),
    }
    assert {name: promised[name] for name in always} == always
    assert [control.categories for control in real.controls[:5]] == [(category,) for category in Category]
    assert real.zone == "Europe/Paris"


def test_the_periods_of_the_real_policy_stand_in_its_quotes(real: Policy) -> None:
    """A loosened period does not only differ from this test: it differs from the words next to it."""
    for name in ("RET-1", "RET-2", "RET-3", "RET-4", "RET-5"):
        control = real.control(name)
        assert Period.parse(control.parameters["period"]).months
        quoted = " ".join(real.clause(clause).quote for clause in control.clauses)
        months = Period.parse(control.parameters["period"]).months
        words = f"{months // 12} year" if months % 12 == 0 else f"{months} month"
        assert words in quoted, name


def test_the_version_in_force_must_be_the_text_that_is_audited(real: Policy) -> None:
    (claim,) = real.control("VER-3").parameters["must"]
    assert claim["says"] == {"version": [real.version], "sha256": [real.source_sha256]}


def test_no_word_of_the_real_text_is_missing(real: Policy) -> None:
    text = plain((REAL / "policy.txt").read_text(encoding="utf-8"))
    sections = dict.fromkeys(clause.section for clause in real.clauses)
    for part in (*(clause.quote for clause in real.clauses), *sections, "top of page", "bottom of page"):
        assert part in text
        text = text.replace(part, " ", 1)
    assert text.split() == ["Privacy", "Policy"]  # the title


def test_every_gap_of_the_real_policy_says_what_is_missing(real: Policy) -> None:
    for clause in real.clauses:
        assert bool(clause.reason) is (clause.automation is not Automation.CONTROL)
    assert [conflict.id for conflict in real.conflicts] == [f"G{number}" for number in range(1, 16)]


def test_reading_the_policy_loads_neither_great_expectations_nor_sqlalchemy() -> None:
    program = "import sys; from privacy_audit.config.policy import policy_reader; from pathlib import Path;"
    program += "policy_reader.load(Path(sys.argv[1]));"
    program += (
        "print([name for name in ('great_expectations', 'sqlalchemy', 'pandas', 'airflow') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(REAL)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
