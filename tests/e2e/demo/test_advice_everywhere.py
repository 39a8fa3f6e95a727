"""No card of what nobody could judge advises to take data away: every surface of one night of the demo company.

One store has a table that the auditor may not read, so that some checks are not audited.
"""

from __future__ import annotations

import base64
import csv
import html
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from typer.testing import CliRunner

from demo.company import create_databases, fill
from demo.filed_holds import initialise
from demo.server import EmbeddedPostgres
from privacy_audit.cli.main import app
from privacy_audit.pipeline import auditing, filing_step, planning, publishing, sending
from tests.e2e.demo.test_company import PASSWORDS
from tests.unit.domain.test_advice import takes_away
from tests.unit.pipeline.owner import Owner, open_channels

pytestmark = pytest.mark.slow

UNREAD = "app.sessions"
CREDENTIALS = "app/app.credentials/RET-1"
"""A retention check of which no row is in breach and three cannot be decided."""
HARMLESS = {"review", "not_audited", "not_applicable", "pass"}


@dataclass(frozen=True)
class Night:
    """What one night left behind."""

    report: Path
    """The folder of its report."""
    docs: Path
    owner: Owner
    """Who got every message."""
    checks: dict[str, dict[str, Any]]
    """Id to what `audit.json` says of it."""

    def named(self, *outcomes: str) -> dict[str, dict[str, Any]]:
        """The checks with these outcomes."""
        return {name: check for name, check in self.checks.items() if check["outcome"] in outcomes}


@pytest.fixture(scope="module")
def night(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Audited, filed, published and told, as the tasks of the DAG do it."""
    stores = create_databases(server.url("postgres"), PASSWORDS)
    fill(stores, datetime.now(UTC).replace(microsecond=0), 1500)
    with psycopg2.connect(server.url("app").replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute(f"REVOKE SELECT ON {UNREAD} FROM auditor_app")
    home = tmp_path_factory.mktemp("advice")
    keys = json.dumps({"keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}})
    with pytest.MonkeyPatch.context() as patch, open_channels() as owner:
        patch.setenv("PRIVACY_AUDIT_HOME", str(home))
        for name in ("PRIVACY_AUDIT_EXPECTATIONS", "PRIVACY_AUDIT_DATABASE", "PRIVACY_AUDIT_REPORTS_URL"):
            patch.delenv(name, raising=False)
        for store in ("app", "web"):
            url = server.url(store, f"auditor_{store}", getattr(PASSWORDS, f"auditor_{store}"))
            patch.setenv(f"AIRFLOW_CONN_STORE_{store.upper()}", url.replace("+psycopg2", ""))
        register = server.url("register", "register", PASSWORDS.register)
        initialise(register)
        patch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", register.replace("+psycopg2", ""))
        patch.setenv("AIRFLOW_CONN_ERASURE_KEYS", json.dumps({"conn_type": "generic", "password": keys}))
        for name in ("PRODUCT", "WEB", "PLATFORM", "COMPLIANCE"):
            patch.setenv(f"AIRFLOW_CONN_ALERTS_{name}", owner.connection)
        order = planning.plan(None, None, None, "a test", datetime.now(UTC))
        results = auditing.audit_everything(order)
        filing_step.file(order, results)
        publishing.publish_docs(order, results)
        sending.send_alerts()
        report = (home / "reports" / "latest").resolve()
        checks = {check["id"]: check for check in json.loads((report / "audit.json").read_bytes())["checks"]}
        yield Night(report, home / "data_docs", owner, checks)


def test_the_night_has_all_that_is_to_be_looked_at(night: Night) -> None:
    causes = {check["cause"] for check in night.checks.values()}
    assert causes >= {"undecidable_rows", "expired", "refused", "missing"}
    assert min(len(night.named(outcome)) for outcome in ("review", "not_audited", "not_applicable", "fail")) > 3
    tally = night.checks[CREDENTIALS]["tally"]
    assert (tally["violating"], tally["undecidable"] > 0) == (0, True)


def test_the_report_for_programs_takes_nothing_away(night: Night) -> None:
    harmful = {name: check["fix"] for name, check in night.named(*HARMLESS).items() if takes_away(check["fix"])}
    assert harmful == {}
    assert all(check["fix"] for check in night.named("review", "not_audited").values())
    fix = night.checks[CREDENTIALS]["fix"]
    assert fix.startswith("Find out from when the period of each of these rows of app.credentials runs")
    assert fix.endswith("Delete nothing before that.")
    assert not [check["draft"] for check in night.named(*HARMLESS).values() if check["draft"]]
    assert night.checks[CREDENTIALS]["show_undecidable"].startswith("SELECT")
    assert any(takes_away(check["fix"]) for check in night.named("fail").values())  # the pattern can find it


def test_the_sheet_takes_nothing_away(night: Night) -> None:
    with (night.report / "findings.csv").open(newline="", encoding="utf-8") as sheet:
        rows = [row for row in csv.DictReader(sheet) if row["outcome"] in HARMLESS]
    assert len(rows) > 20
    assert {row["check_id"]: row["way_out"] for row in rows if takes_away(row["way_out"])} == {}
    assert next(row for row in rows if row["check_id"] == CREDENTIALS)["way_out"] == night.checks[CREDENTIALS]["fix"]


def _advised(page: Path) -> dict[str, list[str]]:
    """Class of a card to what the cards of it advise."""
    found: dict[str, list[str]] = {}
    cards = re.findall(r'<article class="card (\w+)"(.*?)</article>', page.read_text(), re.DOTALL)
    for outcome, card in cards:
        advised = re.findall(r">(?:What to do|How to fix it)</h\d>\s*<p>(.*?)</p>", card, re.DOTALL)
        found.setdefault(outcome, []).extend(html.unescape(text) for text in advised)
    return found


def test_the_page_takes_nothing_away(night: Night) -> None:
    advised = _advised(night.report / "report.html")
    for outcome in ("review", "not_audited"):
        assert len(advised[outcome]) == len(night.named(outcome))
        assert [text for text in advised[outcome] if takes_away(text)] == []
    assert night.checks[CREDENTIALS]["fix"] in advised["review"]


def test_the_data_docs_take_nothing_away(night: Night) -> None:
    pages = [_advised(page) for page in night.docs.rglob("*.html")]
    for outcome in ("review", "not_audited"):
        texts = [text for page in pages for text in page.get(outcome, [])]
        assert texts
        assert [text for text in texts if takes_away(text)] == []
    assert any(night.checks[CREDENTIALS]["fix"] in text for page in pages for text in page.get("review", []))


def test_no_message_takes_anything_away(night: Night) -> None:
    lines = {line["check"]: line for document in night.owner.documents for line in document["findings"]}
    harmless = {name: line for name, line in lines.items() if line["outcome"] in HARMLESS}
    assert {line["outcome"] for line in harmless.values()} == {"review", "not_audited"}
    assert {name: line["fix"] for name, line in harmless.items() if takes_away(line["fix"])} == {}
    assert harmless[CREDENTIALS]["fix"] == night.checks[CREDENTIALS]["fix"]
    pages = [str(mail.get_body(("html",)).get_content()) for mail in night.owner.mails]
    shown = {html.unescape(text) for page in pages for text in re.findall(r"How to close it: (.*?)</p>", page)}
    assert shown
    assert shown <= {line["fix"] for line in lines.values()}  # the mail says what the webhook is told


def test_the_command_line_takes_nothing_away(night: Night) -> None:
    for name in night.named("review"):
        shown = CliRunner().invoke(app, ["findings", "show", name])
        assert shown.exit_code == 0
        (text,) = re.findall(r"^How to close it: (.*)$", shown.stdout, re.MULTILINE)
        assert text == night.checks[name]["fix"]
        assert takes_away(text) == []
        assert not re.search(r"^(-- )?(DELETE|UPDATE) ", shown.stdout, re.MULTILINE)
