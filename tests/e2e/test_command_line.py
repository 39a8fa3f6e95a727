"""`privacy-audit` as people and scripts meet it: its exit codes, its words, what it writes, and what it never shows.

Each test starts the real command. Where a check is run, it imports Great Expectations for seconds; so the runs that
do are few, each is made once, and several tests look at what it said.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import rfc8785
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from psycopg2.sql import SQL, Composable, Identifier, Literal
from rich.console import Console

from demo import ports
from privacy_audit.cli import main as command_line
from privacy_audit.cli.main import Exit
from privacy_audit.config.policy import policy_reader
from privacy_audit.domain.audit import Audit
from privacy_audit.domain.outcomes import Outcome
from privacy_audit.engine import checkpoint
from privacy_audit.publish.report import canonical_json
from privacy_audit.view.make_view import make_view
from tests import builders
from tests.conftest import MakeDatabase
from tests.places import FEW_PROMISES, ROOT

pytestmark = pytest.mark.slow

REAL = FEW_PROMISES
SECRET = "geheim-of-the-auditor"
"""Password of the auditor's role."""
OUTDATED = f"{SECRET}-of-yesterday"
"""A password that no server takes."""
NAME = "Jeanne Exemple"
"""Stands in a row that is in breach."""

SCHEMA = """
    CREATE SCHEMA shop;
    CREATE TABLE shop.visits (id bigint PRIMARY KEY, visited_at timestamptz);
    CREATE TABLE shop.cookies (id bigint PRIMARY KEY, set_at timestamptz);
    INSERT INTO shop.visits VALUES (1, now() - interval '1 day'), (2, now() - interval '2 days');
    INSERT INTO shop.cookies VALUES (1, now() - interval '1 day');
    CREATE SCHEMA archive;
    CREATE TABLE archive.logs (id bigint PRIMARY KEY, name text, logged_at timestamptz);
    INSERT INTO archive.logs VALUES (1, '{name}', now() - interval '3 years'), (2, '{name}', now());
"""
"""In the shop nothing is to be found; in the archive one row is in breach."""
TABLES = {
    "shop": {"shop.visits": ("Visits", "connection", "visited_at"), "shop.cookies": ("Cookies", "cookie", "set_at")},
    "archive": {"archive.logs": ("Logs", "connection", "logged_at")},
}
"""Store to its tables: title, category, clock."""
COMPUTED = {"connection": "RET-4", "cookie": "RET-5"}
SUITES = ["archive/archive.logs.json", "shop/shop.cookies.json", "shop/shop.visits.json"]
REASON = "Nothing of it is here."


@dataclass(frozen=True)
class Told:
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Company:
    """Expectations of two stores in one real database, an empty register, and the environment to audit them in."""

    folder: Path
    store: sa.URL
    """The store for the auditor's role."""
    register: str

    @property
    def expectations(self) -> Path:
        return self.folder / "expectations"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def connections(self) -> dict[str, str]:
        plain = self.store.set(drivername="postgresql").render_as_string(hide_password=False)
        return {"AIRFLOW_CONN_STORE_SHOP": plain, "AIRFLOW_CONN_STORE_ARCHIVE": plain}

    def tells(self, *arguments: str, without: str = "", **variables: str) -> Told:
        """Runs the command. Whatever it was asked, it shows no traceback, no password, and no server's own words."""
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "HOME": str(self.folder),
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "PRIVACY_AUDIT_HOME": str(self.home),
            "PRIVACY_AUDIT_EXPECTATIONS": str(self.expectations),
            "AIRFLOW_CONN_PRIVACY_AUDIT_DB": self.register,
            **self.connections(),
            **variables,
        }
        env.pop(without, None)
        run = subprocess.run(
            [sys.executable, "-m", "privacy_audit.cli.main", *arguments],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        for hidden in ("Traceback", SECRET, NAME, "FATAL", "authentication", "psycopg2", "sqlalche"):
            assert hidden not in run.stdout + run.stderr, run.stdout + run.stderr
        return Told(run.returncode, run.stdout, run.stderr)


@pytest.fixture(scope="module")
def audited(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company of which runs are made; nothing of it is changed."""
    url, role = make_database(), f"reader_{uuid4().hex[:12]}"
    do(url, SQL(SCHEMA.format(name=NAME)))
    do(url, SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(role), Literal(SECRET)))
    for schema in TABLES:
        grants = "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1}"
        do(url, SQL(grants).format(Identifier(schema), Identifier(role)))
    register = sa.make_url(make_database()).set(drivername="postgresql").render_as_string(hide_password=False)
    folder = tmp_path_factory.mktemp("company")
    made = Company(folder, sa.make_url(url).set(username=role, password=SECRET), register)
    write_expectations(made.expectations)
    assert made.tells("compile").code == Exit.NOTHING_FOUND
    assert made.tells("db", "init").code == Exit.NOTHING_FOUND
    yield made
    do(url, SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(role)))


@pytest.fixture
def company(audited: Company, tmp_path: Path) -> Company:
    """The same company with expectations and a home of its own, to be changed."""
    shutil.copytree(audited.expectations, tmp_path / "expectations")
    return Company(tmp_path, audited.store, audited.register)


def do(url: str, statement: Composable) -> None:
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def write_expectations(folder: Path) -> None:
    """The real policy, and a map of each store that signs for all that the store does not hold."""
    (folder / "stores").mkdir(parents=True)
    for name in ("policy.yaml", "policy.txt"):
        shutil.copy(REAL / name, folder / name)
    controls = [control.id for control in policy_reader.load(REAL).controls if control.id != "META-5"]  # of no store
    for store, tables in TABLES.items():
        checked = {COMPUTED[category] for _, category, _ in tables.values()}
        document = {
            "store": store,
            "title": f"The {store}",
            "connection": f"store_{store}",
            "owner": f"Team of the {store}",
            "alert": f"alerts_{store}",
            "no_data_before": "2001-01-01",
            "tables": {
                table: {"title": title, "key": ["id"], "data": [{"category": category, "clock": {"column": clock}}]}
                for table, (title, category, clock) in tables.items()
            },
            "not_applicable": [
                {
                    "controls": [control for control in controls if control not in checked],
                    "reason": REASON,
                    "signed_by": "Head",
                    "on": "2026-10-01",
                }
            ],
        }
        (folder / "stores" / f"{store}.yaml").write_text(json.dumps(document, indent=2))  # JSON is YAML


def edit(file: Path, was: str, becomes: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# compile


def test_compile_names_the_suites_that_it_writes(company: Company) -> None:
    suites = company.expectations / "suites"
    before = held(suites)
    assert sorted(before) == SUITES
    shutil.rmtree(suites)
    names = [f"expectations/suites/{name}" for name in SUITES]
    assert company.tells("compile") == Told(0, "\n".join([*names, "3 suites, 3 changed.", ""]), "")
    assert held(suites) == before
    assert company.tells("compile") == Told(0, "3 suites, 0 changed.\n", "")


def test_compile_check_finds_fresh_suites_in_order(company: Company) -> None:
    before = held(company.folder)
    assert company.tells("compile", "--check") == Told(0, "3 suites are what policy and store maps say.\n", "")
    assert held(company.folder) == before


def loosen(expectations: Path) -> None:
    """RET-4, the only promise of a year, is kept for two; and the suites stay as they were."""
    edit(expectations / "policy.yaml", "parameters: {period: P1Y}", "parameters: {period: P2Y}")


STALE = "is not what policy and store map say. Run `privacy-audit compile`, review the difference and commit it."


@pytest.mark.parametrize("arguments", [("compile", "--check"), ("run",)])
def test_stale_suites_are_refused_and_left_as_they_are(arguments: tuple[str, ...], company: Company) -> None:
    loosen(company.expectations)
    before = held(company.folder)
    told = company.tells(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines() == [f"expectations/suites/{name}: {STALE}" for name in (SUITES[0], SUITES[2])]
    assert held(company.folder) == before


# refused


def _break_both_maps(expectations: Path) -> None:
    for store in ("archive", "shop"):
        edit(expectations / "stores" / f"{store}.yaml", '"category": "connection"', '"category": "connections"')


def _break_policy(expectations: Path) -> None:
    edit(expectations / "policy.yaml", "kind: soft_delete", "kind: soft_deletes")


def _break_policy_and_map(expectations: Path) -> None:
    _break_policy(expectations)
    _break_both_maps(expectations)


def _rename_map(expectations: Path) -> None:
    (expectations / "stores" / "shop.yaml").rename(expectations / "stores" / "shops.yaml")


def _remove_maps(expectations: Path) -> None:
    shutil.rmtree(expectations / "stores")


def _nothing(expectations: Path) -> None:
    assert expectations.is_dir()


EXAMPLE = "Write it as 2026-11-24T02:15:00+01:00."
MISSPELT = '"connections" is unknown. Did you mean "connection"?'
Break = Callable[[Path], None]
REFUSED: dict[str, tuple[Break, list[str], list[str]]] = {
    "a store that nobody mapped": (
        _nothing,
        ["--store", "shopp"],
        ['parameter stores: there is no store "shopp". Did you mean "shop"?'],
    ),
    "two stores that nobody mapped": (
        _nothing,
        ["--store", "crm", "--store", "shop", "--store", "archives"],
        [
            'parameter stores: there is no store "crm". Known here: archive, shop.',
            'parameter stores: there is no store "archives". Did you mean "archive"?',
        ],
    ),
    "a control that the policy does not have": (
        _nothing,
        ["--control", "RET4"],
        ['parameter controls: there is no control "RET4". Did you mean "RET-4"?'],
    ),
    "no instant": (_nothing, ["--as-of", "yesterday"], [f"parameter as_of: is not an instant in ISO 8601. {EXAMPLE}"]),
    "a month that no year has": (
        _nothing,
        ["--as-of", "2026-13-01T00:00:00Z"],
        [f"parameter as_of: is not an instant in ISO 8601. {EXAMPLE}"],
    ),
    "an instant without a zone": (
        _nothing,
        ["--as-of", "2026-11-24T02:15:00"],
        [f"parameter as_of: has no zone, so it names no instant. {EXAMPLE}"],
    ),
    "a day without a zone": (
        _nothing,
        ["--as-of", "2026-11-24"],
        [f"parameter as_of: has no zone, so it names no instant. {EXAMPLE}"],
    ),
    "an instant before the calendar": (
        _nothing,
        ["--as-of", "0001-01-01T00:00:00+23:59"],  # in UTC it lies in the year 0, which there is not
        [f"parameter as_of: is not an instant in ISO 8601. {EXAMPLE}"],
    ),
    "an instant to come": (
        _nothing,
        ["--as-of", "9999-12-31T23:59:59Z"],
        ["parameter as_of: lies in the future. Nobody knows yet what the stores will hold."],
    ),
    "a map that says what there is not": (
        _break_both_maps,
        [],
        [
            "expectations/stores/archive.yaml:16:23: tables.archive.logs.data[0].category: " + MISSPELT,
            "expectations/stores/shop.yaml:16:23: tables.shop.visits.data[0].category: " + MISSPELT,
        ],
    ),
    "a map under another name": (
        _rename_map,
        [],
        ['expectations/stores/shops.yaml:2:12: names store "shop", but the file is called shops.yaml.'],
    ),
    "no map": (_remove_maps, [], ["expectations/stores: holds no store map. Add one file per store."]),
    "a policy that says what there is not": (
        _break_policy,
        [],
        ["controls.DEL-1.kind: there is no kind of control"],
    ),
    "a policy and maps that say what there is not": (
        _break_policy_and_map,
        [],
        ["controls.DEL-1.kind: there is no kind of control", "archive.yaml:16:23:", "shop.yaml:16:23:"],
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_told_with_a_way_out_and_nothing_is_run(what: str, company: Company) -> None:
    spoil, arguments, says = REFUSED[what]
    spoil(company.expectations)
    before = held(company.folder)
    told = company.tells("run", *arguments, "--json", "report.json")
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert len(lines) == len(says)
    for line, words in zip(lines, says, strict=True):
        assert words in line
    assert held(company.folder) == before
    assert not company.home.exists()
    commands = {entry.name or getattr(entry.callback, "__name__", "") for entry in command_line.app.registered_commands}
    assert set(re.findall(r"`(?:privacy-audit )?([a-z]+)`", told.err)) <= commands  # a way out that is there


@pytest.mark.parametrize("command", ["run", "compile"])
def test_settings_that_cannot_be_are_refused_all_at_once(command: str, company: Company) -> None:
    told = company.tells(command, PRIVACY_AUDIT_HOME="var", PRIVACY_AUDIT_EXPECTATIONS=str(company.folder / "none"))
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines() == [
        "PRIVACY_AUDIT_HOME: var is relative, and tasks run in folders of their own. Write it in full.",
        f"PRIVACY_AUDIT_EXPECTATIONS: {company.folder / 'none'} holds no policy.yaml."
        " Name the folder with policy.yaml and stores/.",
    ]


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_read(company: Company) -> None:
    told = company.tells("run", "--store", "archive", "--control", "RET-1", "--json", "none/report.json")
    assert told.code == 2
    assert "none/report.json" in told.err


def test_a_home_that_cannot_be_written_is_told_and_is_no_finding(company: Company) -> None:
    (company.folder / "taken").touch()
    home = company.folder / "taken" / "home"
    told = company.tells("run", "--store", "archive", "--control", "RET-4", PRIVACY_AUDIT_HOME=str(home))
    assert told.code == 3
    assert str(home) in told.out + told.err


# nothing found, findings


@dataclass(frozen=True)
class Run:
    """A run, and the canonical report it wrote."""

    told: Told
    written: bytes

    @property
    def report(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.written)
        return document

    def outcomes(self) -> dict[str, str]:
        """Check on a table to its outcome."""
        return {check["id"]: check["outcome"] for check in self.report["checks"] if check["table"]}


def made(company: Company, name: str, *arguments: str, **variables: str) -> Run:
    path = company.folder / f"{name}.json"
    told = company.tells("run", *arguments, "--json", str(path), **variables)
    return Run(told, path.read_bytes())


@pytest.fixture(scope="module")
def nothing_found(audited: Company) -> Run:
    return made(audited, "nothing found", "--store", "shop")


@pytest.fixture(scope="module")
def findings(audited: Company) -> Run:
    return made(audited, "findings")


@pytest.fixture(scope="module")
def one_down(audited: Company) -> Run:
    refused = audited.store.set(drivername="postgresql", password=OUTDATED)
    return made(audited, "one down", AIRFLOW_CONN_STORE_ARCHIVE=refused.render_as_string(hide_password=False))


@pytest.fixture(params=["nothing_found", "findings", "one_down"])
def run(request: pytest.FixtureRequest) -> Run:
    each: Run = request.getfixturevalue(request.param)
    return each


def test_nothing_found_is_0(nothing_found: Run) -> None:
    assert nothing_found.told.code == 0
    assert nothing_found.report["outcome"] == "pass"
    assert nothing_found.outcomes() == {"shop/shop.visits/RET-4": "pass", "shop/shop.cookies/RET-5": "pass"}
    assert "Stores not asked for in this run: archive." in nothing_found.report["limits"]


def test_findings_are_1(findings: Run) -> None:
    assert findings.told.code == 1
    assert findings.report["outcome"] == "fail"
    assert findings.outcomes() == {
        "archive/archive.logs/RET-4": "fail",
        "shop/shop.visits/RET-4": "pass",
        "shop/shop.cookies/RET-5": "pass",
    }
    (tally,) = [check["tally"] for check in findings.report["checks"] if check["store"] == "archive" and check["tally"]]
    assert (tally["population"], tally["violating"]) == (2, 1)


def test_a_store_that_is_down_is_3_although_another_passes(one_down: Run) -> None:
    assert one_down.told.code == 3
    assert one_down.report["outcome"] == "not_audited"
    outcomes = {store["name"]: store["outcome"] for store in one_down.report["stores"]}
    assert outcomes.pop("privacy_audit") in ("pass", "not_applicable")  # as runs before left records, or none did
    assert outcomes == {"archive": "not_audited", "shop": "pass"}
    assert one_down.outcomes() == {
        "archive/archive.logs/RET-4": "not_audited",
        "shop/shop.visits/RET-4": "pass",
        "shop/shop.cookies/RET-5": "pass",
    }
    (archive,) = [store for store in one_down.report["stores"] if store["name"] == "archive"]
    assert (archive["cause"], archive["reason"]) == ("refused", "The server refused the password.")


def test_the_report_is_the_canonical_one(run: Run) -> None:
    assert rfc8785.dumps(run.report) == run.written
    assert run.report["schema"] == canonical_json.SCHEMA
    assert {"schema", "audit_id", "as_of", "policy", "outcome", "stores", "checks", "limits"} <= run.report.keys()
    assert run.report.keys() == canonical_json.to_dict(make_view(builders.audit())).keys()
    schema = json.loads((files("privacy_audit.publish.report") / "audit.schema.json").read_text())
    Draft202012Validator(schema).validate(run.report)
    assert run.report["policy"]["digest"] == policy_reader.load(REAL).digest
    assert run.report["triggered_by"].startswith("command line ")


def shown(told: Told) -> str:
    """The table without its lines, for what stands in a single cell of the last column."""
    return " ".join(re.sub("[│┃]", " ", told.out).split())


def test_what_is_shown_is_what_is_written(run: Run) -> None:
    """On a pipe, where nobody can make the window wider: nothing is cut off."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in run.told.out.splitlines()]
    for check in run.report["checks"]:
        tally = check["tally"]
        counts = [str(tally[name]) if tally else "" for name in ("population", "violating", "undecidable")]
        assert [check["id"], check["outcome"].replace("_", " "), *counts, check["reason"]] in rows
    for limit in run.report["limits"]:
        assert limit in shown(run.told)


def test_what_was_not_audited_is_shown_first(one_down: Run) -> None:
    assert 0 < one_down.told.out.index("not audited") < one_down.told.out.index("pass")


def test_nothing_but_the_audit_is_said(run: Run) -> None:
    """No progress bar, no warning and no log of the libraries below."""
    assert run.told.err == ""
    assert run.told.out.lstrip().startswith("Audit as of ")


def test_a_run_files_nothing_and_keeps_no_secret(run: Run, audited: Company) -> None:
    assert [path.name for path in audited.home.iterdir()] == [checkpoint.RESULTS]  # what was counted, and no report
    with closing(psycopg2.connect(audited.register)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM audits) + (SELECT count(*) FROM hold_manifests)")
        assert cursor.fetchone() == (0,)
    left = held(audited.home).values()
    assert any(b"RET-4" in content for content in left)
    for content in (*left, run.written):
        assert SECRET.encode() not in content
        assert NAME.encode() not in content


# not audited; nothing is read of a store that is down, so these runs are quick


_RESERVED = ExitStack()


def closed_port() -> int:
    """A port at which nothing listens as long as this process lives."""
    return _RESERVED.enter_context(ports.reserved())


@dataclass(frozen=True)
class Down:
    """A way in which a store is down."""

    connection: Callable[[sa.URL], str]
    """The connection of the archive, made from one that works."""
    reason: str
    control: str = "RET-4"


DOWN = {
    "nobody listens": Down(
        lambda url: url.set(port=closed_port()).render_as_string(hide_password=False),
        "Nothing listens at the connection's host and port.",
    ),
    "the password is refused": Down(
        lambda url: url.set(password=OUTDATED).render_as_string(hide_password=False),
        "The server refused the password.",
    ),
    "the password is refused, and no check can show it, for all that was asked for is signed": Down(
        lambda url: url.set(password=OUTDATED).render_as_string(hide_password=False),
        "The server refused the password.",
        control="RET-1",
    ),
    "the connection cannot be read": Down(
        lambda url: url.render_as_string(hide_password=False) + "?__extra__=5",
        "AIRFLOW_CONN_STORE_ARCHIVE: cannot be read.",
    ),
}


@pytest.mark.parametrize("what", DOWN)
def test_a_store_that_is_down_is_3_and_the_reason_is_shown(what: str, company: Company) -> None:
    down = DOWN[what]
    variable = down.connection(company.store.set(drivername="postgresql"))
    told = company.tells("run", "--store", "archive", "--control", down.control, AIRFLOW_CONN_STORE_ARCHIVE=variable)
    assert told.code == 3
    assert down.reason in shown(told)


def test_a_connection_that_nobody_made_is_told_with_a_way_out(company: Company) -> None:
    told = company.tells("run", "--store", "archive", "--control", "RET-4", without="AIRFLOW_CONN_STORE_ARCHIVE")
    assert told.code == 3
    assert "store_archive: is not configured. Set AIRFLOW_CONN_STORE_ARCHIVE, or add it with" in shown(told)


PUT_INTO_AIRFLOW = """
import sys
from airflow.utils.db import initdb
initdb()
from airflow.models.connection import Connection
from airflow.utils.session import create_session
with create_session() as session:
    session.add(Connection(conn_id="store_archive", uri=sys.argv[1]))
"""


def test_a_connection_in_airflows_own_tables_is_found(company: Company) -> None:
    """`airflow connections add` is the way out that is offered. A password that is refused shows that it was read."""
    home = company.folder / "airflow"
    env = {"AIRFLOW__CORE__FERNET_KEY": "", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db"}
    refused = company.store.set(drivername="postgres", password=OUTDATED).render_as_string(hide_password=False)
    subprocess.run(
        [sys.executable, "-c", PUT_INTO_AIRFLOW, refused],
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(home), **env},
        capture_output=True,
        check=True,
    )
    told = company.tells("run", "--store", "archive", "--control", "RET-4", without="AIRFLOW_CONN_STORE_ARCHIVE", **env)
    assert told.code == 3
    assert "The server refused the password." in shown(told)


def test_a_control_for_which_every_owner_signed_is_nothing_found(company: Company) -> None:
    told = company.tells("run", "--store", "archive", "--control", "RET-1")
    assert told.code == 0
    assert REASON in shown(told)


def test_brackets_in_what_an_owner_wrote_are_shown_as_they_are(company: Company) -> None:
    remark = "None, see the list [/srv/lists] and [bold]the register[12]."
    edit(company.expectations / "stores" / "archive.yaml", REASON, remark)
    told = company.tells("run", "--store", "archive", "--control", "RET-1")
    assert remark in shown(told)


def test_an_instant_before_every_promise_is_3_for_nothing_was_looked_at(company: Company) -> None:
    told = company.tells("run", "--store", "archive", "--as-of", "2001-01-01T00:00:00Z")
    assert told.code == 3
    assert "Controls not in force at the instant of the audit: RET-1" in told.out


# the exit code and the table, as functions


def check(place: str, outcome: Outcome) -> Any:
    return builders.check(place, "RET-4", outcome)


SIGNED = check("web", Outcome.NOT_APPLICABLE)
CODES: dict[str, tuple[Audit, Exit]] = {
    "passed": (builders.audit(builders.app(check("app/app.s", Outcome.PASS))), Exit.NOTHING_FOUND),
    "to review": (builders.audit(builders.app(check("app/app.s", Outcome.REVIEW))), Exit.FINDINGS),
    "broken": (builders.audit(builders.app(check("app/app.s", Outcome.FAIL))), Exit.FINDINGS),
    "broken, and not looked at": (
        builders.audit(builders.app(check("app/app.s", Outcome.FAIL), check("app/app.t", Outcome.NOT_AUDITED))),
        Exit.NOT_AUDITED,
    ),
    "broken, and a store down of which all is signed": (
        builders.audit(
            builders.app(check("app/app.s", Outcome.FAIL)),
            replace(builders.down(builders.web(SIGNED)), checks=(SIGNED,)),
        ),
        Exit.NOT_AUDITED,
    ),
    "passed, and a store of which all is signed": (
        builders.audit(builders.app(check("app/app.s", Outcome.PASS)), builders.web(SIGNED)),
        Exit.NOTHING_FOUND,
    ),
}


@pytest.mark.parametrize("what", CODES)
def test_the_exit_code_of_an_audit(what: str) -> None:
    audit, code = CODES[what]
    assert command_line.exit_code(audit) is code


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_narrow_terminal_lines_break_but_nothing_is_cut_off(width: int) -> None:
    page, audit = io.StringIO(), builders.audit()
    command_line.show(audit, Console(file=page, width=width))
    lines = page.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    first_column = "".join(line.split("│")[1].strip() for line in lines if line.startswith("│"))
    for check in audit.checks:
        assert check.id in first_column
    assert "…" not in page.getvalue()
