"""Where things lie in the checkout, for every test."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
EXPECTATIONS = ROOT / "expectations"
"""What the demo company promises, as it is committed."""
FEW_PROMISES = TESTS / "few_promises" / "expectations"
"""A small set of promises, which changes less often than the committed one."""
PACKAGE = ROOT / "plugins" / "privacy_audit"
