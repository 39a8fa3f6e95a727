"""The life of each finding of random histories, night after night, against a second opinion of it."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.unit.findings.drawn import histories
from tests.unit.findings.nights import Night, fold
from tests.unit.findings.reference import agree

pytestmark = pytest.mark.slow


@given(histories(most=40))
def test_every_finding_stands_after_each_night_as_its_whole_history_says(nights: list[Night]) -> None:
    for number, (moved, stands) in enumerate(fold(nights)):
        agree(nights[: number + 1], moved, stands)
