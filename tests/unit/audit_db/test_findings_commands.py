"""`privacy-audit findings` on a real register: what people read of a finding, and what they may say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from privacy_audit import audit_db
from privacy_audit.cli.main import app
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.findings.finding_state import Triage
from tests import builders

POSITIONS = builders.check("app/app.positions", "RET-3", Outcome.FAIL)
ID = POSITIONS.fingerprint[:12]


def _night(url: str, number: int, *checks: CheckResult) -> None:
    audit = replace(
        builders.audit(builders.app(*checks), audit_id=f"night-{number}"), as_of=builders.T + timedelta(days=number)
    )
    audit_db.file(url, audit_db.AuditSubmission(audit, "d"))


@pytest.fixture
def filed(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A register with a night on which positions were found, and the environment that leads to it."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_DB", address)
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(tmp_path))  # no reports lie there that the register must know
    for name in ("PRIVACY_AUDIT_EXPECTATIONS", "PRIVACY_AUDIT_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    draft = replace(POSITIONS, show_undecidable="SELECT 'undecided';", draft="BEGIN;\nROLLBACK;")
    _night(url, 0, draft, builders.check("app/app.contracts", "RET-1", Outcome.REVIEW))
    return url


def _run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["findings", *words])
    if isinstance(result.exception, ConfigurationRefusedError):
        return 2, str(result.exception)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.usefixtures("filed")
def test_the_list_names_each_open_finding_with_what_matters() -> None:
    code, said = _run("list")
    (line,) = [line for line in said.splitlines() if ID in line]
    assert code == 1
    for word in ("new", "high", "app/app.positions/RET-3", "failed", "12", "24 November 2026", "24 December 2026"):
        assert word in line
    assert "app/app.contracts/RET-1" in said


def test_a_resolved_finding_is_listed_only_when_asked_for(filed: str) -> None:
    _night(filed, 1, replace(POSITIONS, outcome=Outcome.PASS, tally=builders.tally()))
    assert ID not in _run("list", "--store", "app")[1]
    assert "resolved" in _run("list", "--all")[1]


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("name", [ID, ID[:6].upper(), "app/app.positions/RET-3"])
def test_a_finding_is_shown_with_its_life_and_its_statements(name: str) -> None:
    code, said = _run("show", name)
    assert code == 0
    assert said.splitlines()[:5] == [
        f"{ID}  app/app.positions/RET-3",
        "new, high, failed; owner: Product",
        "12 rows in breach, 0 rows undecided, in breach since 18 November 2026.",
        "First seen on 24 November 2026, last on 24 November 2026; to be closed by 24 December 2026.",
        "24 November 2026: found",
    ]
    assert "How to close it: Run the purge again, and find out why it stopped." in said
    assert "SELECT id FROM app.positions;" in said
    assert "BEGIN;\nROLLBACK;" in said
    assert "undecided';" not in said  # there is no such row


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize(
    ("option", "statement"),
    [
        ("--select", "SELECT id FROM app.positions;"),
        ("--undecided", "SELECT 'undecided';"),
        ("--script", "BEGIN;\nROLLBACK;"),
    ],
)
def test_a_statement_alone_is_ready_to_be_piped(option: str, statement: str) -> None:
    assert _run("show", ID, option) == (0, f"{statement}\n")


def test_a_statement_that_there_is_not_is_refused_with_the_reason(filed: str) -> None:
    review = builders.check("app/app.contracts", "RET-1", Outcome.REVIEW)
    code, said = _run("show", review.id, "--script")
    assert (code, said) == (
        2,
        f"{review.id}: there is no remediation script, because no row of it is in breach."
        f" `privacy-audit findings show {review.fingerprint[:12]}` says what to do.",
    )
    assert _run("show", review.fingerprint[:12])[0] == 0  # the way out works
    _night(filed, 1, replace(POSITIONS, draft=""), review)
    code, said = _run("show", ID, "--select", "--script", "--undecided")
    assert code == 2
    assert said.splitlines()[0].startswith(f"{POSITIONS.id}: no SELECT can list its rows.")
    assert "there is no remediation script, because a person has to settle what becomes of its rows." in said
    blind = builders.check("app/app.prospects", "RET-1", Outcome.NOT_AUDITED)
    _night(filed, 2, POSITIONS, blind)
    for option in ("--script", "--select", "--undecided"):
        code, said = _run("show", blind.id, option)
        assert (code, "nobody could look, so that there is no statement for it." in said) == (2, True)


def test_no_draft_is_handed_out_while_the_number_of_rows_is_absurd(filed: str) -> None:
    for number in range(1, 6):
        _night(filed, number, POSITIONS)
    _night(filed, 6, replace(POSITIONS, tally=builders.tally(population=90_000, violating=50_000), draft="BEGIN;"))
    code, said = _run("show", ID, "--script")
    assert code == 2
    assert "its rows jumped to many times the usual number" in said
    assert "BEGIN" not in _run("show", ID)[1]


def test_what_people_say_is_kept_and_moves_nothing(filed: str) -> None:
    code, said = _run("triage", ID, "remediating", "--comment", "The purge is mended\u202e.", "--by", "Ada")
    assert (code, said) == (0, "app/app.positions/RET-3: remediating, said Ada.\n")
    _run("triage", ID, "risk_accepted", "--comment", "Few rows.", "--by", "Bo")
    assert "remediating: The purge is mended." in _run("show", ID)[1]
    assert "risk accepted" in _run("list")[1]
    (standing,) = [one for one in audit_db.findings(filed) if one.fingerprint == POSITIONS.fingerprint]
    assert (standing.status.value, standing.outcome.value, standing.violating) == ("new", "fail", 12)
    assert [one.triage for one in audit_db.decisions_of(filed, POSITIONS.fingerprint)] == [
        Triage.REMEDIATING,
        Triage.RISK_ACCEPTED,
    ]


def test_what_was_said_ends_when_the_finding_is_resolved(filed: str) -> None:
    _run("triage", ID, "remediating", "--comment", "Soon.", "--by", "Ada")
    _night(filed, 1, replace(POSITIONS, outcome=Outcome.PASS, tally=builders.tally()))
    code, said = _run("triage", ID, "false_positive", "--comment", "No.", "--by", "Ada")
    assert (code, "is resolved" in said) == (2, True)
    _night(filed, 2, POSITIONS)
    assert "remediating" not in _run("list")[1]


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("app/app.position/RET-3", 'Did you mean "app/app.positions/RET-3"?'),
        ("f" * 12, "Name a finding by its id or its check"),
        (ID[:5], "names no finding"),
    ],
)
def test_a_finding_that_there_is_not_is_refused_with_a_way_out(name: str, words: str) -> None:
    code, said = _run("show", name)
    assert (code, words in said) == (2, True)


@pytest.mark.usefixtures("filed")
def test_nothing_is_said_without_a_reason() -> None:
    code, said = _run("triage", ID, "remediating", "--comment", " ", "--by", "Ada")
    assert (code, "Say why" in said) == (2, True)


@pytest.mark.usefixtures("filed")
def test_the_columns_of_the_list_are_words_for_people() -> None:
    _, said = _run("list")
    header = next(line for line in said.splitlines() if "Severity" in line)
    for name in (
        "Id",
        "Status",
        "Severity",
        "Check",
        "Outcome",
        "Rows",
        "First seen",
        "Due by",
        "Said",
        "Waived until",
    ):
        assert name in header
    assert "Finding" not in header
