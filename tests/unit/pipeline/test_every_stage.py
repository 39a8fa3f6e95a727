"""What holds in every stage: one policy for the whole night, and nothing personal and no secret in what it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.pipeline import auditing, filing_step, own_records, publishing, sending
from tests.unit.pipeline.company import Company, Rows, execute
from tests.unit.pipeline.one_night import OneNight, bytes_below, plan
from tests.unit.pipeline.owner import PASSWORD, Owner

PERSONAL = ("8812345001", "8812345003", "zoe.quillfeather@example.net", "203.0.113.77", "zq-5f2e77c1")
"""What stands in the violating rows, and may stand nowhere else."""


@pytest.mark.parametrize("stage", ["audit_store", "audit_records", "file", "publish_docs"])
def test_a_policy_that_changes_during_the_night_is_refused(
    night: OneNight, expectations: Path, rows: Rows, home: Path, stage: str
) -> None:
    before = bytes_below(home)
    with (expectations / "policy.yaml").open("a") as policy:
        policy.write("# a comment is a change, too\n")
    begin: Callable[[], Any] = {
        "audit_store": lambda: auditing.audit_store(night.order, "app"),
        "audit_records": lambda: own_records.audit_records(night.order),
        "file": lambda: filing_step.file(night.order, night.results),
        "publish_docs": lambda: publishing.publish_docs(night.order, night.results),
    }[stage]
    with pytest.raises(ConfigurationRefusedError, match=r"changed after the audit had begun\. Start a new audit\."):
        begin()
    assert bytes_below(home) == before


def test_an_order_holds_no_secret(company: Company, owner: Owner, night: OneNight) -> None:
    told = str([plan(), night.results])
    assert "app/app.sessions/RET-4" in told
    assert company.secret not in told
    assert PASSWORD not in told


@pytest.mark.usefixtures("filed")
def test_nothing_personal_and_no_secret_leaves_the_stores(
    company: Company,
    night: OneNight,
    owner: Owner,
    home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sending.send_alerts()
    publishing.publish_docs(night.order, night.results)
    told = [*owner.posts, *(mail.as_string() for mail in owner.mails), owner.page]
    files = b"\n".join(bytes_below(home).values()).decode(errors="replace")
    everything = "\n".join([json.dumps(told), str(night.results), files, caplog.text, *capfd.readouterr()])
    assert everything.count("app/app.sessions/RET-4") > 5  # it is in each of them
    assert [word for word in (*PERSONAL, company.secret, PASSWORD) if word in everything] == []
    tables = zip(company.databases, ("app.sessions", "web.cookies"), strict=True)
    stored = str([execute(url, f"SELECT row::text FROM {table} AS row") for url, table in tables])
    assert [word for word in PERSONAL if word not in stored] == []  # else there would have been nothing to find
