"""Telling the owners: each of them once, of their own stores only, and nobody is passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.audit.company import Rows
from tests.audit.one_night import OneNight, Result, Results, through_xcom
from tests.audit.owner import PASSWORD, Owner, open_channels

from privacy_audit import audit, settings

FINDINGS = {"app/app.sessions/RET-4", "web/web.cookies/RET-5"}


@pytest.mark.usefixtures("filed")
def test_an_owner_of_two_stores_is_told_once_of_both(night: OneNight, owner: Owner) -> None:
    told = through_xcom(audit.send_alerts(night.order, night.results))
    assert told == {"sent": 2, "failed": []}
    assert owner.received == {"mailto": 1, "json": 1}  # one message, by each of the two channels
    document = json.loads(owner.posts[0]["message"])
    assert (document["audit_id"], document["owner"]) == (night.order["audit_id"], "Product")
    counts = {line["check"]: (line["violating"], line["subjects"]) for line in document["findings"]}
    assert counts == {"app/app.sessions/RET-4": (3, 2), "web/web.cookies/RET-5": (2, 1)}
    assert owner.mails[0]["Subject"] == owner.posts[0]["title"]
    assert "2 promises broken in Product database and Web site database" in owner.mails[0]["Subject"]


@pytest.mark.usefixtures("filed")
def test_whoever_was_told_is_not_told_again(night: OneNight, owner: Owner) -> None:
    audit.send_alerts(night.order, night.results)
    assert owner.received == {"mailto": 1, "json": 1}
    assert audit.send_alerts(night.order, night.results) == {"sent": 0, "failed": []}
    assert owner.received == {"mailto": 1, "json": 1}


@pytest.mark.usefixtures("filed")
def test_a_message_leads_to_the_report(night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    audit.send_alerts(night.order, night.results)
    link = json.loads(owner.posts[0]["message"])["link"]
    assert night.order["audit_id"] in Path(link).read_text()
    assert link in owner.page

    monkeypatch.setenv("PRIVACY_AUDIT_REPORTS_URL", "https://airflow.example.org/privacy-audit/")
    path = f"reports/{night.order['audit_id']}/report.html"
    assert audit.report_link(settings.load(), night.order["audit_id"]).endswith(f".org/privacy-audit/{path}")


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize(("down", "up"), [("mailto", "json"), ("json", "mailto")])
def test_a_channel_that_is_down_stops_no_other_and_is_used_once_it_is_back(
    night: OneNight, owner: Owner, down: str, up: str
) -> None:
    owner.out_of_order = {down}
    told = through_xcom(audit.send_alerts(night.order, night.results))
    assert told == {"sent": 1, "failed": [f"Product, by {down}: it did not take the message"]}
    assert owner.received == {up: 1, down: 0}
    assert audit.send_alerts(night.order, night.results) == {**told, "sent": 0}  # said for as long as it is so

    owner.out_of_order = set()
    assert audit.send_alerts(night.order, night.results) == {"sent": 1, "failed": []}
    assert audit.send_alerts(night.order, night.results) == {"sent": 0, "failed": []}
    assert owner.received == {up: 1, down: 1}


def _listing(*channels: str) -> str:
    """An Airflow connection that lists these channels."""
    return json.dumps({"extra": {"urls": channels}})


BROKEN_ALERTS = {
    "missing": (None, "Set AIRFLOW_CONN_ALERTS_WEB, or add it with `airflow connections add alerts_web`."),
    "without a channel": (_listing(), "lists no channel."),
    "with a list for its extra": (
        json.dumps({"extra": json.dumps([f"json://{PASSWORD}@127.0.0.1"])}),
        "cannot be read.",
    ),
    "with an address of nothing": (_listing(f"nonsense://{PASSWORD}"), "none that Apprise knows"),
    "with half an address": (_listing(f"json://audit:{PASSWORD}@[::1/"), "none that Apprise knows"),
}


@pytest.mark.usefixtures("filed", "without_airflow")
@pytest.mark.parametrize("how", BROKEN_ALERTS)
def test_an_owner_without_a_usable_channel_is_counted_and_the_others_are_told(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    value, reason = BROKEN_ALERTS[how]
    if value:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", value)
    # "Aaa" is told before "Product": whoever comes first must not stop who comes after.
    told = audit.send_alerts(night.order, [night.results[0], _of("Aaa", "alerts_web", night.results[1])])
    assert told["sent"] == 2
    assert owner.received == {"mailto": 1, "json": 1}
    (failure,) = told["failed"]
    assert failure.startswith("Aaa")
    assert reason in failure
    assert PASSWORD not in failure


@pytest.mark.usefixtures("filed")
def test_each_of_two_owners_is_told_of_their_own_store_only(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_channels() as other:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", other.connection)
        told = audit.send_alerts(night.order, [night.results[0], _of("Web", "alerts_web", night.results[1])])
    assert told == {"sent": 4, "failed": []}
    assert _checks_told(owner) == ["app/app.sessions/RET-4"]
    assert _checks_told(other) == ["web/web.cookies/RET-5"]


@pytest.mark.usefixtures("filed")
def test_no_finding_is_lost_where_one_owner_has_two_connections_to_the_same_channel(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", owner.connection)
    audit.send_alerts(night.order, [night.results[0], _of("Product", "alerts_web", night.results[1])])
    assert set(_checks_told(owner)) == FINDINGS


@pytest.mark.usefixtures("filed")
def test_a_message_that_a_killed_sender_left_behind_is_not_passed_over_in_silence(
    night: OneNight, rows: Rows, owner: Owner
) -> None:
    audit.send_alerts(night.order, night.results)
    rows("UPDATE deliveries SET sent_at = NULL")  # what a kill between claiming and sending leaves
    told = audit.send_alerts(night.order, night.results)
    assert told["sent"] + len(told["failed"]) == 2  # sent again, or said: never neither


@pytest.mark.usefixtures("rows")
def test_whoever_owns_nothing_but_passes_is_left_alone(night: OneNight, owner: Owner) -> None:
    passing = night.passing
    audit.file(night.order, passing)
    assert audit.send_alerts(night.order, passing) == {"sent": 0, "failed": []}
    assert owner.received == {"mailto": 0, "json": 0}


@pytest.mark.usefixtures("rows")
def test_an_owner_is_told_of_a_store_that_was_lost(night: OneNight, owner: Owner) -> None:
    lost: Results = [night.passing[0], None]
    audit.file(night.order, lost)
    assert audit.send_alerts(night.order, lost) == {"sent": 2, "failed": []}
    assert "1 store not audited in Product database and Web site database" in owner.mails[0]["Subject"]


def _of(owner: str, alert: str, result: Result | None) -> Result:
    """The same result of a store that belongs to another team."""
    assert result is not None
    return {**result, "owner": owner, "alert": alert}


def _checks_told(owner: Owner) -> list[str]:
    return [line["check"] for post in owner.posts for line in json.loads(post["message"])["findings"]]
