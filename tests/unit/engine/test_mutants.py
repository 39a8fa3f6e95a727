"""The self-test cases kill every mutant of the predicates, but those that are none (`equivalent_mutants.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from privacy_audit.controls import Rule, kinds
from tests.all_rules import Named, case_rules, committed_rules
from tests.cases.case_files import books
from tests.conftest import MakeDatabase
from tests.unit.engine.mutants import mutants_of, survivors

pytestmark = pytest.mark.slow

T = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)


def _mutated() -> Iterator[str]:
    """`kind/variant` of each rule that a case file lists under `mutated`, else of its first; else the `kind` alone."""
    for kind, book in books("rows").items():
        yield from (f"{kind}/{variant}" for variant in book.get("mutated", [None]))
    yield from books("catalog")


RULES = tuple(_mutated())


@dataclass(frozen=True)
class Equivalent:
    """Mutants that no self-test case can tell from the rule, and why."""

    reason: str
    of: tuple[str, ...]
    mutant: str

    def meets(self, rule: str, mutant: str) -> bool:
        """Whether it speaks of a mutant of a rule."""
        return any(_like(name, rule) for name in self.of) and _like(self.mutant, mutant)


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def _equivalent() -> Iterator[Equivalent]:
    for entry in YAML(typ="safe").load(Path(__file__).with_name("equivalent_mutants.yaml")):
        for mutant in entry["mutants"]:
            yield Equivalent(entry["reason"], tuple(entry.get("of", ["*"])), mutant)


EQUIVALENT = tuple(_equivalent())


def _rules() -> dict[str, Rule]:
    rules = {**case_rules(), **{rule.kind: rule for rule in reversed(committed_rules().values())}}
    # What names a person is found by detectors, which have tests of their own.
    anonymous = rules["anonymous/l 3"].as_json()
    nameless = {**anonymous, "k": 4, "l": 2, "declared": {**anonymous["declared"], "direct": []}}
    return {**rules, "anonymous/by numbers": kinds()["anonymous"].model_validate(nameless)}


@pytest.fixture(scope="module")
def connection(make_database: MakeDatabase) -> Iterator[sa.Connection]:
    """An empty database: the self-test cases stand in temporary tables."""
    engine = sa.create_engine(make_database())
    with closing(engine.connect()) as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def alive(connection: sa.Connection) -> dict[str, list[str]]:
    """By rule the mutants that survive its self-test cases."""
    rules = _rules()
    found = {}
    for name in RULES:
        right, made = mutants_of(connection, rules[name], T)
        assert len(made) >= 5, f"{name}: {len(made)} mutants are no test of it"
        found[name] = [mutant.name for mutant in survivors(connection, right, made)]
        connection.rollback()
    return found


@pytest.mark.parametrize("rule", RULES)
def test_specimens_kill_every_mutant_but_the_equivalent(rule: str, alive: dict[str, list[str]]) -> None:
    unexplained = [name for name in alive[rule] if not any(entry.meets(rule, name) for entry in EQUIVALENT)]
    assert not unexplained, "\n".join(unexplained)


def test_no_line_of_the_equivalent_is_idle(alive: dict[str, list[str]]) -> None:
    idle = [
        entry.mutant
        for entry in EQUIVALENT
        if not any(entry.meets(rule, name) for rule, names in alive.items() for name in names)
    ]
    assert not idle, "\n".join(idle)


def test_every_kind_that_sql_judges_is_mutated() -> None:
    rules = _rules()
    judged = {rule.kind for rule in rules.values()} - {"clocks_agree", "erased", "held_rows_present"}
    assert judged == {rules[name].kind for name in RULES}


def test_a_rule_with_too_few_specimens_lets_mutants_live(connection: sa.Connection, only_one: Named) -> None:
    right, made = mutants_of(connection, only_one.rule, T)
    assert len(list(survivors(connection, right, made))) > len(made) // 3
    connection.rollback()


@pytest.fixture
def only_one(monkeypatch: pytest.MonkeyPatch) -> Named:
    """A retention rule that has lost all but its first self-test case."""
    rule = _rules()["retention/held"]
    self_test_cases = type(rule).self_test_cases
    monkeypatch.setattr(
        type(rule), "self_test_cases", lambda self, context: iter([next(self_test_cases(self, context))])
    )
    return Named("retention/held", rule)
