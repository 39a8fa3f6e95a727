"""Auditing a store: its counts, and what is said of a store that nobody can connect to."""

from __future__ import annotations

import json

import pytest

from privacy_audit.engine import auditor
from privacy_audit.pipeline import assembling, auditing
from tests.unit.pipeline.one_night import OneNight, handed_on
from tests.unit.pipeline.owner import PASSWORD


def test_a_store_is_told_in_counts(night: OneNight) -> None:
    assembled = assembling.assemble(night.order, night.results)
    counted = {
        check.id: (check.outcome.value, check.tally.population, check.tally.violating, check.tally.undecidable)
        for check in assembled.checks
        if check.tally and check.table
    }
    assert counted == {
        "app/app.sessions/RET-4": ("fail", 5, 3, 0),
        "app/app.logins/RET-4": ("pass", 2, 0, 0),
        "web/web.cookies/RET-5": ("fail", 4, 2, 1),
    }


BROKEN_CONNECTIONS = {
    "missing": (None, "Set AIRFLOW_CONN_STORE_APP, or add it with `airflow connections add store_app`."),
    "unreadable": (f"postgresql://auditor:{PASSWORD}@127.0.0.1:port/app", "Write it as postgresql://"),
    "of another kind": (f"mysql://auditor:{PASSWORD}@127.0.0.1/app", "Make its type postgres."),
    "with a list for its extra": (
        json.dumps({"conn_type": "postgres", "extra": json.dumps([PASSWORD])}),
        "cannot be read.",
    ),
}


@pytest.mark.usefixtures("without_airflow")
@pytest.mark.parametrize("how", BROKEN_CONNECTIONS)
def test_a_store_without_a_usable_connection_is_not_audited_and_the_way_out_is_said(
    night: OneNight, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(auditor, "PAUSE_SECONDS", 0)
    value, way_out = BROKEN_CONNECTIONS[how]
    monkeypatch.delenv("AIRFLOW_CONN_STORE_APP")
    if value:
        monkeypatch.setenv("AIRFLOW_CONN_STORE_APP", value)
    result = handed_on(auditing.audit_store(night.order, "app"))
    assert (result.outcome, result.cause) == ("not_audited", "unreachable")
    assert way_out in result.reason
    assert PASSWORD not in str(result)
    assert {check.id for check in result.checks} == {check.id for check in night.app.checks}
    assert {check.outcome for check in result.checks if check.table} == {"not_audited"}
