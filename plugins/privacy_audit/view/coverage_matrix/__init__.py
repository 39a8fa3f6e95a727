"""What became of every clause in every store: the audit as one table, clause by store. Pure.

Nothing may be silently missing, so every clause ends in a verdict, which sums up the controls of the policy that
compute it, or in a stated reason why there is none. A clause with neither is a gap, and is told as one. The rules of
the law stand in a table of their own, each beside the promise it is the twin of: one may be kept and the other broken.

Report and Data Docs show the same table; `templates/` holds it once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from privacy_audit.config.attestation_file import KIND as ATTESTATION
from privacy_audit.domain import phrases
from privacy_audit.view.coverage_matrix.matrix import (
    SIGNS,
    WORDS,
    CellState,
    CellText,
    ControlOutcome,
    LawDifference,
    LawPair,
    LawRow,
    Matrix,
    MatrixCell,
    MatrixRow,
    PackVerdict,
)
from privacy_audit.view.coverage_matrix.matrix_builder import control_outcomes, matrix

__all__ = [
    "ATTESTATION",
    "NAMES",
    "SIGNS",
    "STYLE",
    "TEMPLATES",
    "WORDS",
    "CellState",
    "CellText",
    "ControlOutcome",
    "LawDifference",
    "LawPair",
    "LawRow",
    "Matrix",
    "MatrixCell",
    "MatrixRow",
    "PackVerdict",
    "control_outcomes",
    "matrix",
]

TEMPLATES = Path(__file__).parent / "templates"
"""The table as Jinja macros, with its style."""
STYLE = "matrix.css"
NAMES: dict[str, Any] = {
    "state_word": WORDS,
    "state_sign": SIGNS,
    "pack_word": phrases.PACKS,
    "rule_word": phrases.RULES,
}
"""What the macros ask of the environment that renders them, beside the words and signs of outcomes."""
