"""The owner of the platform hears of failures by itself: no audit's database, no sound configuration is needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from privacy_audit.notify import platform_owner
from privacy_audit.notify.platform_owner import FailedRun, NotToldError
from tests.unit.pipeline.owner import PASSWORD, Owner, open_channels

NOW = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
RUN = FailedRun(
    "privacy_audit_nightly", "scheduled__2026-11-24", "https://airflow.example.org/dags/privacy_audit_nightly/runs/1"
)
CAUSE = "Task fix_instant failed: expectations/stores/web.yaml:5:1: the key is unknown."


@pytest.fixture
def owner() -> Iterator[Owner]:
    with open_channels() as opened:
        yield opened


@pytest.fixture(autouse=True)
def expectations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # no Airflow of this machine is asked for connections
    return tmp_path


def tell() -> None:
    platform_owner.tell(RUN, [CAUSE], NOW)


def test_whom_handling_names_is_told_by_every_channel(
    owner: Owner, expectations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (expectations / "handling.yaml").write_text("platform: {owner: Night watch, alert: alerts_watch}\n")
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WATCH", owner.connection)
    tell()
    assert owner.received == {"mailto": 1, "json": 1}
    (document,) = owner.documents
    assert (document["kind"], document["owner"], document["link"]) == ("run_failed", "Night watch", RUN.link)
    assert document["notes"] == [
        {"about": "run_failed", "title": "The run of privacy_audit_nightly failed", "sentences": [CAUSE]}
    ]
    assert owner.mails[0]["Subject"] == "privacy_audit: the run of privacy_audit_nightly failed - 24 November 2026"
    assert CAUSE in owner.page
    assert "SELECT" not in owner.page  # it is about no finding


@pytest.mark.parametrize("handling", ["", "platfrom: {}\n", None], ids=["names nobody", "is wrong", "is not there"])
def test_otherwise_the_connection_of_the_settings_is_told(
    owner: Owner, expectations: Path, monkeypatch: pytest.MonkeyPatch, handling: str | None
) -> None:
    if handling is None:
        shutil.rmtree(expectations)
    else:
        (expectations / "handling.yaml").write_text(handling)
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PLATFORM", owner.connection)
    tell()
    assert owner.received == {"mailto": 1, "json": 1}
    monkeypatch.setenv("PRIVACY_AUDIT_PLATFORM_ALERT", "alerts_of_others")
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_OF_OTHERS", owner.connection)
    monkeypatch.delenv("AIRFLOW_CONN_ALERTS_PLATFORM")
    tell()
    assert owner.received == {"mailto": 2, "json": 2}


def test_one_channel_that_takes_it_is_enough(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PLATFORM", owner.connection)
    owner.out_of_order = {"mailto"}
    tell()
    assert owner.received == {"mailto": 0, "json": 1}


def test_that_nobody_was_told_is_an_error_that_is_tried_again(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PLATFORM", owner.connection)
    owner.out_of_order = {"mailto", "json"}
    with pytest.raises(NotToldError, match="did not take the message") as failed:
        tell()
    assert PASSWORD not in str(failed.value)


def test_a_connection_that_nobody_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ALERTS_PLATFORM", raising=False)
    with pytest.raises(NotToldError, match="alerts_platform: is not configured"):
        tell()


def test_a_connection_with_tickets_only_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"tickets": ["json://127.0.0.1:9/"]}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PLATFORM", json.dumps({"conn_type": "generic", "extra": extra}))
    with pytest.raises(NotToldError, match="lists channels for tickets only"):
        tell()
