"""All rules that there are to try: of the committed configuration, and of the case files with their variants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from privacy_audit.controls import Rule, kinds
from privacy_audit.pipeline.configuration import read_configuration
from tests.cases.case_files import books


@dataclass(frozen=True)
class Named:
    """A rule, and what tests call it."""

    name: str
    rule: Rule


@cache
def committed_rules() -> dict[str, Rule]:
    """The rules of the committed configuration by the id of their check."""
    return {check.id: check.rule for coverage in read_configuration().coverages for check in coverage.checks}


@cache
def case_rules() -> dict[str, Rule]:
    """The rules of all case files as `kind/variant`, and those that a case of its own changes as `kind: case`."""
    found = {}
    for book in books("rows").values():
        kind, variants = kinds()[book["kind"]], {None: {}, **book.get("variants", {})}
        for name, variant in variants.items():
            found[f"{kind.kind}/{name}"] = kind.model_validate({**book["rule"], **variant})
        for case in book["cases"]:
            if "rule" in case:
                own = {**book["rule"], **variants[case.get("variant")], **case["rule"]}
                found[f"{kind.kind}: {case['name']}"] = kind.model_validate(own)
    return found


def named_rules() -> dict[str, Rule]:
    """All of them."""
    return {**committed_rules(), **case_rules()}
