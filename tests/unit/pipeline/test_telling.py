"""Telling the owners: each of them once, of their own stores only, and nobody is passed over in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from privacy_audit import audit_db
from privacy_audit.config import settings
from privacy_audit.domain.audit import CheckResult, StoreResult
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import filing_step, sending
from privacy_audit.pipeline.sending import SentMessages
from tests.unit.pipeline.company import Rows
from tests.unit.pipeline.one_night import OneNight, Results, handed_on, plan
from tests.unit.pipeline.owner import PASSWORD, Owner, open_channels

pytestmark = pytest.mark.slow

FINDINGS = {"app/app.sessions/RET-4", "web/web.cookies/RET-5"}


@pytest.mark.usefixtures("filed")
def test_an_owner_of_two_stores_is_told_once_of_both(night: OneNight, owner: Owner) -> None:
    told = handed_on(sending.send_alerts())
    assert told == SentMessages(2, ())
    assert owner.received == {"mailto": 1, "json": 1}  # one message, by each of the two channels
    (document,) = owner.documents
    assert (document["audit_id"], document["owner"]) == (night.order.audit_id, "Product")
    counts = {line["check"]: (line["violating"], line["subjects"]) for line in document["findings"]}
    assert counts == {"app/app.sessions/RET-4": (3, 2), "web/web.cookies/RET-5": (2, 1)}
    assert owner.mails[0]["Subject"] == owner.posts[0]["title"]
    assert "2 promises broken in Product database and Web site database" in owner.mails[0]["Subject"]


@pytest.mark.usefixtures("filed")
def test_whoever_was_told_is_not_told_again(night: OneNight, owner: Owner) -> None:
    sending.send_alerts()
    assert owner.received == {"mailto": 1, "json": 1}
    assert sending.send_alerts() == SentMessages(0, ())
    assert owner.received == {"mailto": 1, "json": 1}


@pytest.mark.usefixtures("filed")
def test_a_message_leads_to_the_report(night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    sending.send_alerts()
    link = owner.documents[0]["link"]
    assert night.order.audit_id in Path(link).read_text()
    assert link in owner.page

    monkeypatch.setenv("PRIVACY_AUDIT_REPORTS_URL", "https://airflow.example.org/privacy-audit/")
    path = f"reports/{night.order.audit_id}/report.html"
    assert filing_step.report_link(settings.load(), night.order.audit_id).endswith(f".org/privacy-audit/{path}")


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize(("down", "up"), [("mailto", "json"), ("json", "mailto")])
def test_a_channel_that_is_down_stops_no_other_and_is_used_once_it_is_back(
    night: OneNight, owner: Owner, down: str, up: str
) -> None:
    owner.out_of_order = {down}
    told = handed_on(sending.send_alerts())
    assert told == SentMessages(1, (f"Product, by {down}: it did not take the message",))
    assert owner.received == {up: 1, down: 0}
    assert sending.send_alerts() == replace(told, sent=0)  # said for as long as it is so

    owner.out_of_order = set()
    assert sending.send_alerts() == SentMessages(1, ())
    assert sending.send_alerts() == SentMessages(0, ())
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


@pytest.mark.usefixtures("rows", "without_airflow")
@pytest.mark.parametrize("how", BROKEN_ALERTS)
def test_an_owner_without_a_usable_channel_is_counted_and_the_others_are_told(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    value, reason = BROKEN_ALERTS[how]
    if value:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", value)
    # "Aaa" is told before "Product": anyone who comes first must not stop who comes after.
    filing_step.file(night.order, _of_stores(night, night.results[0], _of("Aaa", "alerts_web", night.results[1])))
    told = sending.send_alerts()
    assert told.sent == 2
    assert owner.received == {"mailto": 1, "json": 1}
    (failure,) = told.failed
    assert failure.startswith("Aaa")
    assert reason in failure
    assert PASSWORD not in failure


@pytest.mark.usefixtures("rows")
def test_each_of_two_owners_is_told_of_their_own_store_only(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_channels() as other:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", other.connection)
        filing_step.file(night.order, _of_stores(night, night.results[0], _of("Web", "alerts_web", night.results[1])))
        told = sending.send_alerts()
    assert told == SentMessages(4, ())
    assert _checks_told(owner) == ["app/app.sessions/RET-4"]
    assert _checks_told(other) == ["web/web.cookies/RET-5"]


@pytest.mark.usefixtures("rows")
def test_no_finding_is_lost_where_one_owner_has_two_connections_to_the_same_channel(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_WEB", owner.connection)
    filing_step.file(night.order, _of_stores(night, night.results[0], _of("Product", "alerts_web", night.results[1])))
    sending.send_alerts()
    assert set(_checks_told(owner)) == FINDINGS


@pytest.mark.usefixtures("rows")
def test_whoever_owns_nothing_but_passes_is_left_alone(night: OneNight, owner: Owner) -> None:
    filing_step.file(night.order, night.passing)
    assert sending.send_alerts() == SentMessages(0, ())
    assert owner.received == {"mailto": 0, "json": 0}


@pytest.mark.usefixtures("rows")
def test_an_owner_is_told_of_a_store_that_was_lost(night: OneNight, owner: Owner) -> None:
    filing_step.file(night.order, _of_stores(night, night.passing[0], None))
    assert sending.send_alerts() == SentMessages(2, ())
    assert "1 store not audited (1 critical) in Web site database" in owner.mails[0]["Subject"]


@pytest.mark.usefixtures("filed")
def test_an_audit_that_is_filed_again_tells_nobody_again(night: OneNight, owner: Owner) -> None:
    filing_step.file(night.order, night.results)
    sending.send_alerts()
    assert filing_step.file(night.order, night.results).already_filed
    assert sending.send_alerts() == SentMessages(0, ())
    assert owner.received == {"mailto": 1, "json": 1}


# Night after night


def _night(night: OneNight, days: int, results: Results) -> None:
    """Files another night, so many days after, and tells anyone who can be told."""
    instant = night.order.as_of + timedelta(days=days)
    filing_step.file(replace(night.order, audit_id=f"night-{days}", as_of=instant), results)
    sending.send_alerts()


def _kept(result: StoreResult | None, check: str) -> StoreResult:
    """The same result, with the promise of a check kept by all rows."""
    assert result is not None

    def keep(one: CheckResult) -> CheckResult:
        if one.id != check:
            return one
        assert one.tally
        none = {"violating": 0, "undecidable": 0, "subjects": 0, "oldest": None, "newest": None, "overdue_since": None}
        compliant = one.tally.compliant + one.tally.violating + one.tally.undecidable
        whole = replace(one.tally, **none, compliant=compliant, ages=(0,) * len(one.tally.ages))
        return replace(one, outcome=Outcome.PASS, tally=whole, cause=None, reason="")

    return replace(result, checks=tuple(keep(one) for one in result.checks))


def _settled(night: OneNight) -> Results:
    """The results of a night on which the sessions are deleted and the cookies are not."""
    return _of_stores(night, _kept(night.results[0], "app/app.sessions/RET-4"), night.results[1])


@pytest.mark.usefixtures("rows")
def test_a_channel_that_was_down_for_three_nights_is_told_all_of_it_in_one_message(
    night: OneNight, owner: Owner
) -> None:
    owner.out_of_order = {"json"}
    _night(night, 0, night.results)
    _night(night, 1, _settled(night))
    _night(night, 2, night.results)
    assert owner.received == {"mailto": 3, "json": 0}  # the other channel was told each night

    owner.out_of_order = set()
    assert sending.send_alerts() == SentMessages(1, ())
    assert sending.send_alerts() == SentMessages(0, ())
    (document,) = owner.documents
    assert document["nights"] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert document["audit_id"] == "night-2"
    told = {finding["check"]: (finding["changes"], finding["action"]) for finding in document["findings"]}
    assert told == {
        "app/app.sessions/RET-4": (["found", "resolved", "returned"], "open"),
        "web/web.cookies/RET-5": (["found"], "open"),
    }
    assert "(3 nights)" in owner.posts[0]["title"]
    assert owner.received == {"mailto": 3, "json": 1}


@pytest.mark.usefixtures("rows")
def test_a_night_without_news_is_silent_and_good_news_is_told(night: OneNight, owner: Owner) -> None:
    _night(night, 0, night.results)
    _night(night, 1, night.results)
    assert len(owner.posts) == 1
    _night(night, 2, _settled(night))
    assert [finding["said"] for finding in owner.documents[1]["findings"]] == [["Resolved: found gone tonight."]]
    assert owner.posts[1]["type"] == "success"


@pytest.mark.usefixtures("rows")
def test_the_weekly_digest_comes_in_the_one_message_of_its_night_and_once(night: OneNight, owner: Owner) -> None:
    _night(night, 0, night.results)
    _night(night, 6, _settled(night))  # a Monday
    _night(night, 7, _settled(night))
    assert len(owner.posts) == 2
    digest = owner.documents[1]["digest"]
    assert (digest["day"], [line["check"] for line in digest["open"]]) == ("2026-11-30", ["web/web.cookies/RET-5"])


@pytest.mark.usefixtures("filed")
def test_a_sender_that_was_killed_after_it_had_sent_sends_again_under_the_same_key(
    rows: Rows, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(audit_db, "mark_delivered", killed)
        with pytest.raises(KilledError):
            sending.send_alerts()
    assert owner.received == {"mailto": 1, "json": 0}
    waiting = "Product: another sender claimed the message and has not sent it"
    assert sending.send_alerts() == SentMessages(1, (waiting,))  # the other channel goes on
    rows("UPDATE deliveries SET claimed_at = now() - interval '61 minutes' WHERE sent_at IS NULL")
    assert sending.send_alerts() == SentMessages(1, ())
    assert sending.send_alerts() == SentMessages(0, ())
    assert owner.received == {"mailto": 2, "json": 1}
    assert owner.mails[0].get_content_type() == owner.mails[1].get_content_type()
    assert owner.mails[0]["Subject"] == owner.mails[1]["Subject"]


@pytest.mark.usefixtures("filed")
def test_the_key_of_a_webhook_is_the_same_when_it_comes_twice(rows: Rows, owner: Owner) -> None:
    sending.send_alerts()
    rows("UPDATE deliveries SET sent_at = NULL, claimed_at = now() - interval '2 hours'; "
         "UPDATE messages SET done_at = NULL")  # as a kill between sending and marking leaves it  # fmt: skip
    sending.send_alerts()
    assert len({document["key"] for document in owner.documents}) == 1
    assert len(owner.documents) == 2


@pytest.mark.usefixtures("rows")
def test_a_channel_that_is_added_later_is_not_told_of_the_past(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PRODUCT", _listing(owner.addresses["mailto"]))
    _night(night, 0, night.results)
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PRODUCT", owner.connection)
    assert sending.send_alerts() == SentMessages(0, ())
    _night(night, 1, _settled(night))
    assert owner.received == {"mailto": 2, "json": 1}


@pytest.mark.usefixtures("rows")
def test_tickets_open_and_close_beside_the_messages(
    night: OneNight, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"urls": [owner.addresses["mailto"]], "tickets": [owner.addresses["json"]]}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PRODUCT", json.dumps({"extra": listed}))
    _night(night, 0, night.results)
    _night(night, 1, _settled(night))
    assert [(ticket["check"], ticket["action"]) for ticket in owner.documents] == [
        ("app/app.sessions/RET-4", "open"),
        ("web/web.cookies/RET-5", "open"),
        ("app/app.sessions/RET-4", "close"),
    ]
    assert owner.documents[0]["ticket"] == owner.documents[2]["ticket"]
    assert owner.received["mailto"] == 2


HANDLING = """
platform: {owner: Platform, alert: alerts_platform}
compliance: {owner: Compliance, alert: alerts_compliance}
"""


@pytest.mark.usefixtures("rows")
def test_who_is_told_what_stands_in_a_file(
    night: OneNight, owner: Owner, expectations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (expectations / "handling.yaml").write_text(HANDLING)
    order = plan()
    with open_channels() as platform:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PLATFORM", platform.connection)
        filing_step.file(order, _of_stores(night, night.results[0], None))
        assert sending.send_alerts() == SentMessages(4, ())
    assert _checks_told(owner) == ["app/app.sessions/RET-4"]
    assert _checks_told(platform) == ["web/_store"]
    assert platform.documents[0]["kind"] == "not_audited"


def _of_stores(night: OneNight, app: StoreResult | None, web: StoreResult | None) -> Results:
    """The results of a night on which the stores were found like this."""
    return [app, web, *night.results[2:]]


def _of(owner: str, alert: str, result: StoreResult | None) -> StoreResult:
    """The same result of a store that belongs to another team."""
    assert result is not None
    return replace(result, owner=owner, alert=alert)


def _checks_told(owner: Owner) -> list[str]:
    return [line["check"] for document in owner.documents for line in document["findings"]]
