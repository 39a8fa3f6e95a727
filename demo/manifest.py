"""What an audit of the demo company must find, written down as the rows were planted, not found by looking.

A check that the manifest does not list must find nothing. A check with rows that cannot be decided must say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import Tally

_COUNTS = ("violating", "held", "undecidable", "out_of_scope", "subjects", "late_holds")


@dataclass(frozen=True, slots=True)
class Expected:
    """What one check must count. Every other row of its table is compliant."""

    check: str
    """`store/schema.table/CONTROL`."""
    violating: int = 0
    held: int = 0
    undecidable: int = 0
    out_of_scope: int = 0
    subjects: int = 0
    """Distinct persons among the violating rows."""
    late_holds: int = 0
    """Held rows whose hold began only when they were already overdue."""
    why: tuple[str, ...] = ()
    """What was planted, in words."""

    @property
    def outcome(self) -> Outcome:
        """What the check must end in."""
        if self.violating:
            return Outcome.FAIL
        return Outcome.REVIEW if self.undecidable else Outcome.PASS


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was planted in the demo company at one instant."""

    as_of: datetime
    """T: the counts hold for an audit at this instant only."""
    rows: int
    """Rows in all tables together, planted and ordinary."""
    checks: tuple[Expected, ...]
    """In the order of their ids."""

    def differences(self, audit_checks: Iterable[CheckResult]) -> list[str]:
        """How an audit differs from the manifest, a sentence each; empty when it found exactly what was planted."""
        expected = {check.check: check for check in self.checks}
        found: list[str] = []
        seen: set[str] = set()
        for result in audit_checks:
            if result.id in seen:
                found.append(f"{result.id}: reported twice.")
            seen.add(result.id)
            found += _compare(expected.get(result.id, Expected(result.id)), result, listed=result.id in expected)
        found += [f"{check}: planted, and missing from the audit." for check in expected if check not in seen]
        return found

    def to_json(self) -> str:
        """The manifest as a document for people and programs."""
        checks = [asdict(check) for check in self.checks]
        document = {"as_of": self.as_of.isoformat(), "rows": self.rows, "checks": checks}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read back what `to_json` wrote. ValueError, KeyError or TypeError when it is something else."""
        document: Mapping[str, Any] = json.loads(text)
        checks = tuple(Expected(**{**check, "why": tuple(check["why"])}) for check in document["checks"])
        return cls(datetime.fromisoformat(document["as_of"]), int(document["rows"]), checks)

    def write(self, path: Path) -> None:
        """Write it to a file at once, so that no reader meets half of it."""
        draft = path.with_name(path.name + ".new")
        draft.write_text(self.to_json(), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read the file that `write` wrote."""
        return cls.from_json(path.read_text(encoding="utf-8"))


_NOT_PLANTED = frozenset({"SEC-1", "META-4"})
"""They judge how the server is set up on which the demo happens to run, and on which nights its schedule ran."""

_COMPANY = "company"
"""What people attest, and until when, was not planted either."""


def _compare(expected: Expected, result: CheckResult, *, listed: bool) -> list[str]:
    if result.control in _NOT_PLANTED or (result.store == _COMPANY and result.outcome is not Outcome.FAIL):
        return []
    if result.outcome is Outcome.NOT_APPLICABLE and not listed:
        return []  # its owner signed that the store holds nothing of the kind
    if result.tally is None:
        return [f"{result.id}: {result.outcome} without a tally; expected {expected.outcome}. {result.reason}".rstrip()]
    sentences = [
        f"{result.id}: {count} {name.replace('_', ' ')}, planted {wanted}."
        for name, count, wanted in _counts(expected, result, result.tally, listed=listed)
        if count != wanted
    ]
    if result.outcome is not expected.outcome:
        sentences.append(f"{result.id}: outcome {result.outcome}, expected {expected.outcome}.")
    return sentences


def _counts(expected: Expected, result: CheckResult, tally: Tally, *, listed: bool) -> Iterable[tuple[str, int, int]]:
    """Name, counted and planted. An estimated tally and a check that is not listed say nothing of rows out of scope."""
    for name in _COUNTS:
        if name == "out_of_scope" and (tally.estimated or not listed):
            continue
        counted: int = result.late_holds if name == "late_holds" else getattr(tally, name)
        yield name, counted, getattr(expected, name)
