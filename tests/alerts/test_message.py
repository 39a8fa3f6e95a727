"""What an owner is told: whole messages, in three forms, and nothing that a title could smuggle in."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.reports.audits import broken, clean, nothing

from privacy_audit.alerts import body, messages
from privacy_audit.model import Outcome

EXPECTED = Path(__file__).parent / "expected"
LINK = "reports/a/report.html"
FORMS = {"txt": body.text, "html": body.html, "json": body.document}


def _told(audit) -> tuple:
    first = audit.checks[0].fingerprint
    return messages(audit, LINK, {first: datetime(2026, 11, 1, 1, 15, tzinfo=UTC)})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(len(_told(broken()))))
def test_the_message_is_the_expected_document(form: str, number: int) -> None:
    written = FORMS[form](_told(broken())[number])
    path = EXPECTED / f"owner_{number}.{form}"
    if os.environ.get("REGENERATE"):
        path.write_text(written)
    assert written == path.read_text()


def test_an_owner_without_findings_is_left_in_peace() -> None:
    assert messages(clean(), LINK, {}) == ()


def test_nothing_audited_is_told_loudly() -> None:
    told = messages(nothing(), LINK, {})
    assert told
    assert all("not audited" in message.subject and message.outcome is Outcome.NOT_AUDITED for message in told)


def test_stores_of_one_owner_are_told_in_one_message() -> None:
    audit = broken()
    same = tuple(replace(store, owner="Platform", alert="alerts") for store in audit.stores)
    assert len(messages(replace(audit, stores=same), LINK, {})) == 1


def test_the_key_is_the_same_for_the_same_audit_and_owner_only() -> None:
    keys = [message.key for message in _told(broken())]
    assert keys == [message.key for message in _told(broken())]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {message.key for message in _told(replace(broken(), id="other"))}


@pytest.mark.parametrize(
    "name", ["A\r\nBcc: all@example.org", "A\x00B", "A\u2028B", "\u202eevil", "<!channel> @here", "<script>x</script>"]
)
def test_no_title_can_smuggle_anything_in(name: str) -> None:
    audit = broken()
    stores = tuple(replace(store, title=name, owner=name) for store in audit.stores)
    for message in messages(replace(audit, stores=stores), LINK, {}):
        assert message.subject.isprintable()
        assert message.owner.isprintable()
        assert "<!channel>" not in body.text(message)
        assert "@here" not in body.text(message)
        assert "<script>" not in body.html(message)


def test_dates_of_few_rows_are_told_by_month() -> None:
    lines = [line for message in _told(broken()) for line in message.lines if line.outcome is Outcome.FAIL]
    few = [line for line in lines if line.violating < 5]
    assert few
    assert all(not line.since or len(line.since.split()) == 2 for line in few)
    assert any(len(line.since.split()) == 3 for line in lines if line.violating >= 5)
