"""A rehearsal of another policy counts what a real audit under it counts, and leaves nothing behind.

Two real stores, and policies that are the real one after a few edits. The simulation is asked in this process; how it
is told, and its exit codes, are asked of the real command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import rfc8785
import sqlalchemy as sa
from typer.testing import CliRunner

from privacy_audit import audit_db
from privacy_audit.cli import main as command_line
from privacy_audit.cli import simulation_screen
from privacy_audit.compiler import suites
from privacy_audit.compiler.change_directions import Direction
from privacy_audit.config.policy import policy_reader
from privacy_audit.controls import kinds
from privacy_audit.domain.audit import Audit, CheckResult
from privacy_audit.domain.errors import ConfigurationRefusedError
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.pipeline import assembling, auditing, planning, simulation_run
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.simulation.differences import Simulation
from privacy_audit.view.simulation_view import make_simulation_view
from tests.conftest import MakeDatabase
from tests.places import FEW_PROMISES, ROOT
from tests.unit.pipeline.company import airflow_url, execute

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
REAL = FEW_PROMISES
STORES = ("archive", "shop")
AS_OF = "2024-11-24T01:15:30+01:00"
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
NAME, SECRET = "Jeanne Exemple", "geheim-of-the-auditor"

VISITS, COOKIES, LOGS = "shop/shop.visits/RET-4", "shop/shop.cookies/RET-5", "archive/archive.logs/RET-4"
FORM = "shop/shop.guardian_consents/MIN-2"

Edit = tuple[str, str]
STRICTER: Edit = ("parameters: {period: P1Y}", "parameters: {period: P6M}")
LOOSER: Edit = ("parameters: {period: P13M}", "parameters: {period: P15M}")
OTHER_MAILBOX: Edit = ("mailbox: dpo@spimed-ai.com", "mailbox: privacy@spimed-ai.com")
ENDED: Edit = (
    "    effective_from: 2024-01-01\n    categories: [cookie]",
    "    effective_from: 2024-01-01\n    effective_to: 2024-06-30\n    categories: [cookie]",
)
LATER: Edit = (
    "    effective_from: 2024-01-01\n    categories: [connection]",
    "    effective_from: 2025-01-01\n    categories: [connection]",
)
ANOTHER: Edit = (
    "  MIN-1:\n",
    """  RET-6:
    kind: retention
    title: Cookies are gone a month after they were first set
    severity: high
    clauses: [retention.cookies]
    legal_basis: [GDPR art. 5(1)(e)]
    effective_from: 2024-01-01
    categories: [cookie]
    parameters: {period: P1M}
  MIN-1:
""",
)
POLICIES: dict[str, list[Edit]] = {
    "all at once": [STRICTER, LOOSER, OTHER_MAILBOX, ANOTHER],
    "one promise has ended": [ENDED],
}


@dataclass(frozen=True)
class Company:
    """Expectations and two stores, for an auditor who may only read."""

    folder: Path
    connections: dict[str, str]
    register: str

    @property
    def expectations(self) -> Path:
        return self.folder / "expectations"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.connections,
            "AIRFLOW_CONN_PRIVACY_AUDIT_DB": self.register,
            "PRIVACY_AUDIT_HOME": str(self.folder / "home"),
            "PRIVACY_AUDIT_EXPECTATIONS": str(self.expectations),
        }

    def policy(self, *edits: Edit, file: str = "policy2.yaml") -> Path:
        """The real policy after these edits, far from the text that it quotes."""
        text = (REAL / "policy.yaml").read_text(encoding="utf-8")
        for was, becomes in edits:
            assert text.count(was) == 1, was
            text = text.replace(was, becomes)
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def company(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    databases = {store: make_database() for store in STORES}
    role = f"auditor_{uuid4().hex[:12]}"
    execute(databases["shop"], f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
    for store, url in databases.items():
        execute(url, (HERE / "stores" / f"{store}.sql").read_text())
        execute(url, f"GRANT USAGE ON SCHEMA {store} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {store} TO {role}")
    connections = {
        f"AIRFLOW_CONN_STORE_{store.upper()}": airflow_url(sa.make_url(url).set(username=role, password=SECRET))
        for store, url in databases.items()
    }
    made = Company(tmp_path_factory.mktemp("company"), connections, airflow_url(sa.make_url(make_database())))
    write_expectations(made.expectations)
    audit_db.init(made.register.replace("postgresql:", "postgresql+psycopg2:", 1))
    yield made
    for url in databases.values():
        execute(url, f"DROP OWNED BY {role}")
    execute(databases["shop"], f"DROP ROLE {role}")


def write_expectations(folder: Path, policy_file: Path = REAL / "policy.yaml") -> None:
    """A policy, the two maps, and the suites that both make."""
    (folder / "stores").mkdir(parents=True)
    shutil.copy(REAL / "policy.txt", folder)
    shutil.copy(policy_file, folder / "policy.yaml")
    for store in STORES:
        shutil.copy(HERE / "stores" / f"{store}.yaml", folder / "stores")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(folder))
        suites.write(folder, read_configuration().files)


@pytest.fixture(autouse=True)
def environment(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in company.environment.items():
        monkeypatch.setenv(name, value)


def simulated(policy_file: Path, *controls: str, store: str | None = None) -> Simulation:
    return simulation_run.simulate(policy_file, AS_OF, [store] if store else None, controls, NOW)


Rehearse = Callable[..., Simulation]


@pytest.fixture(scope="module")
def rehearsals() -> dict[tuple[Edit, ...], Simulation]:
    return {}


@pytest.fixture
def rehearsed(company: Company, rehearsals: dict[tuple[Edit, ...], Simulation]) -> Rehearse:
    """The simulation of the real policy after some edits; each is made once."""

    def rehearse(*edits: Edit) -> Simulation:
        if edits not in rehearsals:
            rehearsals[edits] = simulated(company.policy(*edits))
        return rehearsals[edits]

    return rehearse


def counts(told: Simulation) -> dict[str, tuple[int | None, int | None]]:
    """Check to its violating rows under each of the two; None where that does not have the check, or did not look."""
    return {it.id: (violating(it.today), violating(it.other)) for it in told.differences}


def violating(side: CheckResult | None) -> int | None:
    return side.tally.violating if side and side.tally else None


# the same as a real audit


def really_audited(expectations: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(expectations))
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(home))
    order = planning.plan(AS_OF, None, None, "the real one", NOW)
    return assembling.assemble(order, [auditing.audit_store(order, store) for store in order.stores])


def as_told(audited: Audit) -> dict[str, CheckResult]:
    """What is said of the stores, without the script that deletes, which a rehearsal does not hand out."""
    return {check.id: replace(check, draft="") for check in audited.checks if check.store in STORES}


@pytest.fixture(scope="module")
def tonight(company: Company) -> Audit:
    """The real audit under today's policy."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in company.connections.items():
            monkeypatch.setenv(name, value)
        return really_audited(company.expectations, company.folder.parent / "home of today", monkeypatch)


@pytest.mark.parametrize("what", POLICIES)
def test_what_is_simulated_is_what_an_audit_under_that_policy_finds(
    what: str, company: Company, rehearsed: Rehearse, tonight: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = company.policy(*POLICIES[what])
    told = rehearsed(*POLICIES[what])
    write_expectations(tmp_path / "expectations", other)
    real = really_audited(tmp_path / "expectations", tmp_path / "home", monkeypatch)
    for simulated_audit, real_audit in ((told.other, real), (told.today, tonight)):
        assert as_told(simulated_audit) == as_told(real_audit)
        assert outcomes(simulated_audit) == outcomes(real_audit)


def outcomes(audited: Audit) -> dict[str, Outcome]:
    return {store.name: store.outcome for store in audited.stores if store.name in STORES}


def test_the_same_policy_changes_nothing(rehearsed: Rehearse) -> None:
    told = rehearsed()
    assert (told.changes, told.breaking, told.whole) == ((), (), True)
    assert counts(told) == {VISITS: (1, 1), COOKIES: (3, 3), LOGS: (6, 6), FORM: (1, 1)}
    assert all((it.coming, it.going, it.one_way) == (0, 0, True) for it in told.differences)


def test_a_shorter_period_brings_rows_into_breach(rehearsed: Rehearse) -> None:
    told = rehearsed(STRICTER)
    assert counts(told) == {VISITS: (1, 3), LOGS: (6, 6), COOKIES: (3, 3), FORM: (1, 1)}
    (visits,) = told.breaking
    assert (visits.id, visits.coming, visits.coming_at_most, visits.going) == (VISITS, 2, 2, 0)
    assert [side.tally and side.tally.undecidable for side in visits.sides] == [1, 1]
    (change,) = told.changes
    assert (change.direction, change.subject) == (Direction.TIGHTENED, "RET-4")


def test_the_select_lists_the_rows_under_the_other_policy(
    company: Company, rehearsed: Rehearse, tmp_path: Path
) -> None:
    (visits,) = rehearsed(STRICTER).breaking
    assert visits.other is not None
    rows = execute(company.connections["AIRFLOW_CONN_STORE_SHOP"], visits.other.show_rows)
    assert sorted(row[0] for row in rows) == [2, 3, 4]


def test_a_longer_period_takes_rows_out_of_breach(rehearsed: Rehearse) -> None:
    told = rehearsed(LOOSER)
    (cookies,) = [it for it in told.differences if it.id == COOKIES]
    assert (cookies.coming, cookies.coming_at_most, cookies.going) == (0, 0, 1)
    assert (told.breaking, told.whole) == ((), True)
    assert [change.direction for change in told.changes] == [Direction.LOOSENED]


def test_where_rows_come_and_go_an_even_balance_is_not_taken_for_no_change(rehearsed: Rehearse) -> None:
    told = rehearsed(OTHER_MAILBOX)
    (form,) = told.breaking
    assert (form.id, violating(form.today), violating(form.other)) == (FORM, 1, 1)
    assert (form.coming, form.coming_at_most, form.one_way) == (0, 1, False)


def test_a_check_that_only_one_policy_has(company: Company, rehearsed: Rehearse) -> None:
    told = rehearsed(ENDED)
    (ended,) = [it for it in told.differences if not it.other]
    assert (ended.id, ended.coming, ended.going, told.breaking) == (COOKIES, 0, 3, ())
    told = simulated(company.policy(ANOTHER), store="shop")
    (more,) = told.breaking
    assert (more.id, more.today, more.coming) == ("shop/shop.cookies/RET-6", None, 3)


def test_what_no_map_mentions_is_not_audited(rehearsed: Rehearse) -> None:
    told = rehearsed(ANOTHER)
    assert not told.whole
    first = told.differences[0]
    assert (first.id, first.seen, first.coming) == ("archive/_store/RET-6", False, 0)


def test_what_is_promised_only_later_is_no_difference_that_is_known(rehearsed: Rehearse) -> None:
    told = rehearsed(LATER)
    assert not told.whole
    later = [it for it in told.differences if not it.seen]
    assert [(it.id, it.going) for it in later] == [(LOGS, 0), (VISITS, 0)]
    reason = "RET-4 is promised only from 1 January 2025 on. Write an earlier effective_from to see what it would find."
    assert {it.other and it.other.reason for it in later} == {reason}


def test_only_the_stores_and_controls_asked_for(company: Company) -> None:
    told = simulated(company.policy(STRICTER, ANOTHER), "RET-6", store="shop")
    assert counts(told) == {"shop/shop.cookies/RET-6": (None, 3)}
    assert told.limits[0] == "Stores not asked for in this run: archive."
    assert told.limits[1].startswith("Controls not asked for in this run: RET-1, RET-2,")


def test_a_store_that_is_down_is_said(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = sa.make_url(company.connections["AIRFLOW_CONN_STORE_ARCHIVE"]).set(password="of-yesterday")
    monkeypatch.setenv("AIRFLOW_CONN_STORE_ARCHIVE", refused.render_as_string(hide_password=False))
    told = simulated(company.policy(STRICTER))
    assert counts(told) == {LOGS: (None, None), VISITS: (1, 3), COOKIES: (3, 3), FORM: (1, 1)}
    assert not told.whole
    document = simulation_screen.to_dict(make_simulation_view(told))
    (archive,) = [store for store in document["stores"] if store["name"] == "archive"]
    assert (archive["cause"], archive["reason"]) == ("refused", "The server refused the password.")
    (logs,) = [check for check in document["checks"] if check["id"] == LOGS]
    assert (logs["coming"], logs["going"]) == (None, None)
    assert {logs[side]["outcome"] for side in ("today", "other")} == {"not_audited"}


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_left_behind(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = company.policy(*POLICIES["all at once"])
    before = held(company.folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert simulated(other).breaking
    assert held(company.folder) == before
    assert not (company.folder / "home").exists()
    assert list(tmp_path.iterdir()) == []
    counted = "SELECT (SELECT count(*) FROM audits) + (SELECT count(*) FROM hold_manifests)"
    assert execute(company.register, counted) == [(0,)]


# the document


def test_the_document_is_canonical_and_tells_dates_as_a_report_does(rehearsed: Rehearse) -> None:
    told = rehearsed(STRICTER)
    written = simulation_screen.render(make_simulation_view(told))
    document = json.loads(written)
    assert rfc8785.dumps(document) == written
    assert document["schema"] == "privacy_audit.simulation/1"
    assert document["as_of"] == "2024-11-24T00:15:30Z"
    assert document["policies"]["other"]["file"] == "policy2.yaml"
    assert document["policies"]["today"]["digest"] == policy_reader.load(REAL, kinds()).digest
    checks = {check["id"]: check for check in document["checks"]}
    assert list(checks) == sorted(checks)
    visits, logs = checks[VISITS], checks[LOGS]
    assert (visits["coming"], visits["going"], visits["other"]["tally"]["violating"]) == (2, 0, 3)
    assert (visits["other"]["dates_by"], visits["other"]["newest"]) == ("month", "2024-03-01")
    assert (logs["other"]["dates_by"], logs["other"]["newest"]) == ("day", "2021-06-07")
    assert visits["other"]["show_rows"].startswith("SELECT")
    for hidden in (NAME, SECRET):
        assert hidden.encode() not in written


def test_the_same_simulation_gives_the_same_bytes(company: Company) -> None:
    first, second = (
        json.loads(simulation_screen.render(make_simulation_view(simulated(company.policy(STRICTER), store="shop"))))
        for _ in range(2)
    )
    for document in (first, second):
        for store in document["stores"]:
            store["snapshot"] = "another instant each time"
    assert first == second


# what is refused


REFUSED: dict[str, tuple[list[Edit], str]] = {
    "a slip in the policy": (
        [("kind: soft_delete", "kind: soft_deletes")],
        r'{file}:\d+:\d+: controls.DEL-1.kind: there is no kind of control "soft_deletes"\.'
        r' Did you mean "soft_delete"\?',
    ),
    "a map that speaks of another control": (
        [("  RET-5:\n", "  RET-7:\n")],
        r"expectations/stores/archive.yaml:\d+:\d+: does not fit {file}: not_applicable names control \"RET-5\","
        r" which the policy does not have\. Did you mean \"RET-\d\"\?",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_policy_that_is_wrong_is_refused_with_its_place(what: str, company: Company) -> None:
    edits, words = REFUSED[what]
    file = company.policy(*edits)
    with pytest.raises(ConfigurationRefusedError) as refused:
        simulated(file)
    name = re.escape(file.relative_to(company.folder).as_posix())
    assert re.fullmatch(words.replace("{file}", name), str(refused.value)), refused.value


def test_a_policy_that_is_not_there_is_refused(company: Company) -> None:
    with pytest.raises(ConfigurationRefusedError, match=r"policy3\.yaml: there is no such file\.$"):
        simulated(company.folder / "policy3.yaml")


def test_a_control_that_neither_policy_has_is_refused(company: Company) -> None:
    with pytest.raises(ConfigurationRefusedError, match=r'there is no control "RET-66"\. Did you mean "RET-6"'):
        simulated(company.policy(ANOTHER), "RET-66")


def test_the_text_beside_the_policy_comes_first(company: Company, tmp_path: Path) -> None:
    file = Path(shutil.copy(company.policy(), tmp_path))
    shutil.copy(REAL / "policy.txt", tmp_path)
    assert policy_reader.load(company.expectations, kinds(), file) == policy_reader.load(REAL, kinds())
    with (tmp_path / "policy.txt").open("a") as text:
        text.write("And we sell it all.\n")
    with pytest.raises(ConfigurationRefusedError, match=r"source\.sha256: policy\.txt was changed"):
        policy_reader.load(company.expectations, kinds(), file)


# the command


def tells(company: Company, *arguments: str, **variables: str) -> tuple[int, str, str]:
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "HOME": str(company.folder),
        **company.environment,
        **variables,
    }
    run = subprocess.run(
        [sys.executable, "-m", "privacy_audit.cli.main", "simulate", *arguments, "--as-of", AS_OF],
        cwd=company.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    for hidden in ("Traceback", SECRET, NAME):
        assert hidden not in run.stdout + run.stderr, run.stdout + run.stderr
    return run.returncode, run.stdout, run.stderr


def test_rows_that_would_come_into_breach_are_1(company: Company, tmp_path: Path) -> None:
    company.policy(STRICTER)
    written = tmp_path / "simulated.json"
    code, out, err = tells(company, "policy2.yaml", "--json", str(written), "--show-rows")
    assert (code, err) == (1, "")
    assert json.loads(written.read_bytes())["schema"] == simulation_screen.SCHEMA
    assert out == (HERE / "screen.txt").read_text(encoding="utf-8")


def test_no_row_that_would_come_into_breach_is_0(company: Company) -> None:
    """In this process, which has imported Great Expectations already."""
    arguments = ["simulate", str(company.policy(LOOSER)), "--store", "shop", "--control", "RET-5", "--as-of", AS_OF]
    told = CliRunner().invoke(command_line.app, arguments)
    assert (told.exit_code, told.stderr) == (0, "")
    was = "loosened: RET-5 Cookies are gone 13 months after they were first set: the period was 1 year and 1 month"
    assert f"{was} and is 1 year and 3 months now." in told.stdout
    assert "0 rows would come into breach, 1 row would no longer be." in told.stdout


def test_a_policy_that_is_refused_is_2(company: Company) -> None:
    assert tells(company, "nowhere.yaml") == (2, "", "nowhere.yaml: there is no such file.\n")
    company.policy()
    elsewhere = ("policy2.yaml", "--json", "nowhere/out.json")
    assert tells(company, *elsewhere) == (2, "", "nowhere/out.json: lies in no folder. Make the folder first.\n")


def test_a_store_that_is_down_is_3(company: Company) -> None:
    company.policy(STRICTER)
    refused = sa.make_url(company.connections["AIRFLOW_CONN_STORE_ARCHIVE"]).set(password="of-yesterday")
    down = refused.render_as_string(hide_password=False)
    code, out, err = tells(company, "policy2.yaml", "--store", "archive", AIRFLOW_CONN_STORE_ARCHIVE=down)
    assert (code, err) == (3, "")
    assert "Of 1 check nothing is known, and that is not counted as no change." in out
    assert "Store archive was not audited. The server refused the password." in out
