"""Random histories that are filed: the register remembers all that the life of a finding needs, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as budget

from privacy_audit import audit_db
from tests.unit.findings.drawn import histories
from tests.unit.findings.nights import Night, fold
from tests.unit.findings.reference import agree

pytestmark = pytest.mark.slow


@given(histories(most=12))
@budget(max_examples=8)
def test_findings_stand_in_the_register_as_they_do_in_memory(make_database, upgraded: str, nights: list[Night]) -> None:
    url = make_database(upgraded)
    for number, (night, (moved, stands)) in enumerate(zip(nights, fold(nights), strict=True)):
        submission = audit_db.AuditSubmission(night.audit(f"n{number}"), f"d{number}", rules=night.rules())
        filed = audit_db.file(url, submission)
        assert (filed.already_filed, filed.chronicle.moved, filed.chronicle.standings) == (False, moved, stands)
        again = audit_db.file(url, submission)
        assert (again.already_filed, again.chronicle) == (True, filed.chronicle)
        agree(nights[: number + 1], moved, filed.chronicle.standings)
