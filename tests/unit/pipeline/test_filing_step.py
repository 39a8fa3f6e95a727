"""Filing and publishing: the report, the register and the Data Docs, of which nothing is lost, doubled or replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from demo.server import EmbeddedPostgres
from privacy_audit.audit_db import AuditDatabaseUnavailableError
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import filing_step, publishing
from privacy_audit.pipeline.filing_step import FilingOutcome
from privacy_audit.publish.report.interface import formats
from tests.unit.pipeline.company import Rows, execute
from tests.unit.pipeline.one_night import NOW, RUN, OneNight, bytes_below, handed_on

COUNT_ALL = "SELECT (SELECT count(*) FROM audits), (SELECT count(*) FROM results), (SELECT count(*) FROM standings)"


def test_the_audit_is_filed_as_a_report_and_in_the_register(
    night: OneNight, rows: Rows, filed: FilingOutcome, home: Path
) -> None:
    folder = home / "reports" / night.order.audit_id
    assert filed == FilingOutcome(
        audit_id=night.order.audit_id,
        outcome=Outcome.FAIL,
        report=folder,
        already_filed=False,
        not_audited=(),
        causes=(),
        counts={
            Outcome.FAIL: 2,
            Outcome.NOT_AUDITED: 0,
            Outcome.REVIEW: 0,
            Outcome.PASS: 1,
            Outcome.NOT_APPLICABLE: 22,
        },
    )
    assert set(bytes_below(folder)) == {form.FILE_NAME for form in formats()}
    assert rows("SELECT id, as_of, outcome, triggered_by FROM audits") == [
        (night.order.audit_id, NOW.replace(microsecond=0), "fail", RUN)
    ]
    assert dict(rows("SELECT check_id, violating FROM results WHERE outcome = 'fail'")) == {
        "app/app.sessions/RET-4": 3,
        "web/web.cookies/RET-5": 2,
    }
    assert rows("SELECT count(*) FROM standings WHERE first_seen = last_seen") == [(2,)]


def test_filing_again_files_nothing_twice(night: OneNight, rows: Rows, filed: FilingOutcome, home: Path) -> None:
    counted, written = rows(COUNT_ALL), bytes_below(home)
    assert counted == [(1, 25, 2)]
    assert filing_step.file(night.order, night.results) == replace(filed, already_filed=True)
    assert rows(COUNT_ALL) == counted
    assert bytes_below(home) == written


def test_what_was_filed_is_never_overwritten_by_other_results(
    night: OneNight, rows: Rows, filed: FilingOutcome, home: Path
) -> None:
    counted, written = rows(COUNT_ALL), bytes_below(home)
    with pytest.raises(PrivacyAuditError, match="was filed before with another report"):
        filing_step.file(night.order, [None, *night.results[1:]])
    assert filed.outcome == "fail"
    assert rows(COUNT_ALL) == counted
    assert bytes_below(home) == written


def test_a_register_that_is_down_loses_no_report_and_gets_it_once_it_is_back(
    night: OneNight, rows: Rows, register: str, server: EmbeddedPostgres, home: Path
) -> None:
    with _down(register, server), pytest.raises(AuditDatabaseUnavailableError, match="no connection came about"):
        filing_step.file(night.order, night.results)
    written = bytes_below(home / "reports")
    assert f"{night.order.audit_id}.unfiled/audit.json" in written
    assert rows("SELECT count(*) FROM audits") == [(0,)]  # nothing half-filed either

    assert filing_step.file(night.order, night.results).already_filed is False
    assert filing_step.file(night.order, night.results).already_filed is True
    assert rows(COUNT_ALL) == [(1, 25, 2)]
    filed = {path for path in bytes_below(home / "reports") if path.endswith("audit.json")}
    assert filed >= {f"{night.order.audit_id}/audit.json"}
    assert not any(".unfiled" in path for path in filed)


@contextmanager
def _down(register: str, server: EmbeddedPostgres) -> Iterator[None]:
    """A register whose server lets nobody in."""
    allow = f"ALTER DATABASE {sa.make_url(register).database} ALLOW_CONNECTIONS "
    execute(server.superuser_url, allow + "false")
    try:
        yield
    finally:
        execute(server.superuser_url, allow + "true")


def test_a_lost_store_is_filed_and_named_with_its_checks(night: OneNight, rows: Rows) -> None:
    filed = handed_on(filing_step.file(night.order, [night.results[0], None, night.results[2]]))
    assert filed.not_audited == ("web", "web/web.cookies/RET-5")
    assert filed.outcome == "fail"  # of the other store
    assert rows("SELECT outcome FROM results WHERE check_id = 'web/web.cookies/RET-5'") == [("not_audited",)]


def test_the_data_docs_show_the_audit(night: OneNight, home: Path) -> None:
    published = handed_on(publishing.publish_docs(night.order, night.results))
    assert published == home / "data_docs" / "index.html"
    page = published.read_text()
    assert night.order.audit_id in page
    assert "Product database" in page
    assert "Web site database" in page
