"""The filed report read back: what the demo compares with its manifest is the document, not what a task remembers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.domain.tally import Tally

_COUNTS = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")


@dataclass(frozen=True, slots=True)
class Filed:
    """The newest report."""

    folder: Path
    audit_id: str
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    not_audited: tuple[str, ...]
    """A sentence per store that could not be audited."""


def newest(home: Path) -> Filed | None:
    """The report that `reports/latest` points at; None when nothing was filed yet."""
    folder = (home / "reports" / "latest").resolve()
    if not (folder / "audit.json").is_file():
        return None
    audit: dict[str, Any] = json.loads((folder / "audit.json").read_bytes())
    return Filed(
        folder,
        audit["audit_id"],
        Outcome(audit["outcome"]),
        tuple(_check(check) for check in audit["checks"]),
        tuple(
            f"{store['name']}: {store['reason']}"
            for store in audit["stores"]
            if store["outcome"] == Outcome.NOT_AUDITED
        ),
    )


def _check(check: dict[str, Any]) -> CheckResult:
    return CheckResult(
        id=check["id"],
        control=check["control"],
        store=check["store"],
        table=check["table"],
        qualifier=check["qualifier"],
        outcome=Outcome(check["outcome"]),
        sentence=check["sentence"],
        tally=check["tally"] and _tally(check),
        reason=check["reason"],
        late_holds=check["late_holds"],
    )


def _tally(check: dict[str, Any]) -> Tally:
    tally = check["tally"]
    return Tally(
        **{name: tally[name] for name in _COUNTS},
        ages=tuple(bucket["rows"] for bucket in tally["ages"]),
        estimated=tally["estimated"],
        oldest=datetime.fromisoformat(check["oldest"]) if check["oldest"] else None,
    )
