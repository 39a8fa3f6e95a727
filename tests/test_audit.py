"""A night, stage by stage, as the tasks of the DAG call it: two real stores, a real register, channels that answer.

The stores are read once; each test then goes on from there in a home of its own. Findings stop nothing: both stores
break a promise, and no stage minds. What a stage hands to the next goes through JSON, as Airflow's XCom does it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa
from tests.audit_owner import PASSWORD, Owner, open_channels
from tests.conftest import MakeDatabase

from privacy_audit import audit, engine, settings, suites
from privacy_audit.demo.server import EmbeddedPostgres
from privacy_audit.errors import ConfigurationRefusedError, PrivacyAuditError
from privacy_audit.model import Cause, Outcome
from privacy_audit.register import RegisterUnavailableError

HERE = Path(__file__).parent
EXPECTATIONS = HERE.parent / "expectations"
NOW = datetime(2026, 11, 24, 0, 15, 30, 987_654, tzinfo=UTC)
"""When the scheduler starts the run: 01:15 in Paris, and half a minute late."""
RUN = "scheduled__2026-11-24T00:15:00+00:00"
STORES = ["app", "web"]
FINDINGS = {"app/app.sessions/RET-4", "web/web.cookies/RET-5"}
PERSONAL = ("8812345001", "8812345003", "zoe.quillfeather@example.net", "203.0.113.77", "zq-5f2e77c1")
"""What stands in the violating rows, and may stand nowhere else."""

Result = dict[str, Any]
Results = list[Result | None]
Rows = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Company:
    """What is there before the first night."""

    expectations: Path
    connections: dict[str, str]
    """Airflow's variables."""
    databases: tuple[str, ...]
    """The stores, for their superuser."""
    secret: str
    """Password of the auditor."""


@dataclass(frozen=True)
class OneNight:
    """What the tasks before filing leave behind."""

    home: Path
    order: audit.Order
    results: Results


@pytest.fixture(scope="module")
def company(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    expectations = _expectations(tmp_path_factory.mktemp("company") / "expectations")
    databases = {store: make_database() for store in STORES}
    role, secret = f"auditor_{uuid4().hex[:12]}", uuid4().hex
    for store, url in databases.items():
        _do(url, (HERE / "audit_stores" / f"{store}.sql").read_text())
    _do(databases["app"], f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
    for store, url in databases.items():
        _do(url, f"GRANT USAGE ON SCHEMA {store} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {store} TO {role}")
    connections = {
        f"AIRFLOW_CONN_STORE_{store.upper()}": _airflow(sa.make_url(url).set(username=role, password=secret))
        for store, url in databases.items()
    }
    yield Company(expectations, connections, tuple(databases.values()), secret)
    for url in databases.values():
        _do(url, f"DROP OWNED BY {role}")
    _do(databases["app"], f"DROP ROLE {role}")


@pytest.fixture(scope="module")
def night(company: Company, tmp_path_factory: pytest.TempPathFactory) -> OneNight:
    """The one night on which the stores are read."""
    home = tmp_path_factory.mktemp("night") / "home"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _enter(monkeypatch, company, home)
        order = _plan()
        return OneNight(home, order, [_through_xcom(audit.audit_store(order, store)) for store in order["stores"]])


@pytest.fixture(autouse=True)
def home(company: Company, night: OneNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one test's own, in which the stores have just been read."""
    own = tmp_path / "home"
    shutil.copytree(night.home, own)
    _enter(monkeypatch, company, own)
    return own


@pytest.fixture
def expectations(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Expectations that a test may change."""
    own = tmp_path / "expectations"
    shutil.copytree(company.expectations, own)
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(own))
    return own


@pytest.fixture(scope="module")
def register(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture
def rows(register: str, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """What a statement gives in the register, which has not even its tables until something is filed."""
    monkeypatch.setenv("AIRFLOW_CONN_PRIVACY_AUDIT_REGISTER", _airflow(sa.make_url(register)))
    _do(register, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return lambda statement: _do(register, statement)


@pytest.fixture
def filed(rows: Rows, night: OneNight) -> Result:
    return _through_xcom(audit.file(night.order, night.results))


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    """The owner of both stores."""
    with open_channels() as opened:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_PRODUCT", opened.connection)
        yield opened


@pytest.fixture
def without_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without Airflow, which is asked for what the environment does not know.

    Importing it takes hold of the whole process; `tests/test_connections.py` asks it in one of its own.
    """
    monkeypatch.setitem(sys.modules, "airflow", None)


def _expectations(folder: Path) -> Path:
    """The real policy, our two store maps, and the suites that both make."""
    (folder / "stores").mkdir(parents=True)
    for name in ("policy.txt", "policy.yaml"):
        shutil.copy(EXPECTATIONS / name, folder)
    for store in STORES:
        shutil.copy(HERE / "audit_stores" / f"{store}.yaml", folder / "stores")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(folder))
        suites.write(folder, audit.read_configuration().files)
    return folder


def _enter(monkeypatch: pytest.MonkeyPatch, company: Company, home: Path) -> None:
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(home))
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(company.expectations))
    for name in ("PRIVACY_AUDIT_REGISTER", "PRIVACY_AUDIT_REPORTS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in company.connections.items():
        monkeypatch.setenv(name, value)


def _airflow(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _do(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(_airflow(sa.make_url(url)))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def _plan(
    as_of: str | None = None, stores: list[str] | None = None, controls: list[str] | None = None, run: str = RUN
) -> audit.Order:
    return _through_xcom(audit.plan(as_of, stores, controls, run, NOW))


def _through_xcom(handed: Result) -> Result:
    """What the next task gets; refused when JSON would change anything of it."""
    text = json.dumps(handed, allow_nan=False)
    got: Result = json.loads(text)
    assert got == handed
    return got


def _of(owner: str, alert: str, result: Result | None) -> Result:
    """The same result of a store that belongs to another team."""
    assert result is not None
    return {**result, "owner": owner, "alert": alert}


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- plan ---------------------------------------------------------------------------------------------------------


def test_the_instant_is_the_moment_of_asking_to_the_whole_second() -> None:
    assert _plan()["as_of"] == "2026-11-24T00:15:30+00:00"


def test_an_instant_that_is_given_is_kept_in_utc_to_the_whole_second() -> None:
    assert _plan("2026-11-23T02:15:00.75+01:00")["as_of"] == "2026-11-23T01:15:00+00:00"


def test_a_store_is_judged_by_the_instant_of_the_plan_and_not_by_the_clock() -> None:
    order = _plan("2026-08-01T12:00:00+02:00", stores=["app"], controls=["RET-4"])
    assembled = audit.assemble(order, [audit.audit_store(order, "app")])
    assert assembled.as_of == datetime(2026, 8, 1, 10, tzinfo=UTC)
    sessions = next(check.tally for check in assembled.checks if check.table == "app.sessions")
    assert sessions is not None
    # The session of August 2025 is not a year old by then, and that of November 2026 has not begun.
    assert (sessions.violating, sessions.undecidable) == (2, 1)


def test_the_same_run_gives_the_same_audit_and_another_run_another() -> None:
    again, other = _plan(), _plan(run="manual__2026-11-24")
    assert again == _plan()
    assert other["audit_id"] != again["audit_id"]
    assert other["triggered_by"] == "manual__2026-11-24"


def test_a_run_without_wishes_audits_everything_and_leaves_nothing_to_be_said() -> None:
    order = _plan()
    assert order["stores"] == STORES
    assert order["controls"] == audit.control_ids()
    assert {"RET-4", "RET-5", "GEO-1"} <= set(order["controls"])
    assert order["limits"] == []


def test_what_was_not_asked_for_is_said() -> None:
    order = _plan(stores=["web"], controls=["RET-5", "RET-4"])
    assert order["stores"] == ["web"]
    assert order["controls"] == ["RET-4", "RET-5"]  # in the policy's order, whoever asks
    stores, controls = order["limits"]
    assert stores == "Stores not asked for in this run: app."
    assert controls.startswith("Controls not asked for in this run: RET-1, RET-2, RET-3, MIN-1,")


@pytest.mark.parametrize(("as_of", "in_force"), [("2024-12-31T22:59:59Z", False), ("2024-12-31T23:00:00Z", True)])
def test_a_control_that_is_not_in_force_is_not_judged_by_and_said(
    expectations: Path, as_of: str, in_force: bool
) -> None:
    _change(expectations / "policy.yaml", "RET-4:", "effective_from: 2024-01-01", "effective_from: 2025-01-01")
    order = _plan(as_of)  # the first civil day begins at midnight in Paris, at 23:00 in UTC
    said = "Controls not in force at the instant of the audit: RET-4."
    assert ("RET-4" in order["controls"], said in order["limits"]) == (in_force, not in_force)
    assert "RET-5" in order["controls"]


def test_judging_by_an_instant_long_past_is_said() -> None:
    (limit,) = _plan("2026-11-22T02:15:00+01:00")["limits"]
    assert limit.startswith("The stores were read later than the instant judged by")


WRITE_IT_AS = "Write it as 2026-11-24T02:15:00+01:00."
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no instant": ({"as_of": "last night"}, "parameter as_of: is not an instant", WRITE_IT_AS),
    "no zone": ({"as_of": "2026-11-23T02:15:00"}, "parameter as_of: has no zone", WRITE_IT_AS),
    "before time": ({"as_of": "0001-01-01T00:00:00+01:00"}, "parameter as_of: ", WRITE_IT_AS),
    "the future": ({"as_of": "2026-11-24T01:15:31+01:00"}, "parameter as_of: lies in the future", "leave it out"),
    "a store": ({"stores": ["web", "ap"]}, 'parameter stores: there is no store "ap".', 'Did you mean "app"?'),
    "a control": ({"controls": ["RET-44"]}, 'parameter controls: there is no control "RET-44".', "Did you mean"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_audited_is_refused_with_the_way_out(what: str) -> None:
    wishes, fact, way_out = REFUSED[what]
    with pytest.raises(ConfigurationRefusedError) as refused:
        _plan(**wishes)
    (mistake,) = refused.value.mistakes
    assert str(mistake).startswith(fact)
    assert way_out in mistake.way_out


def test_suites_that_are_not_what_the_policy_says_are_refused(expectations: Path) -> None:
    _change(expectations / "suites" / "app" / "app.sessions.json", "", "P1Y", "P9Y")
    with pytest.raises(ConfigurationRefusedError, match=r"app\.sessions\.json.*Run `privacy-audit compile`"):
        _plan()


def test_an_order_holds_no_secret(company: Company, owner: Owner, night: OneNight) -> None:
    told = json.dumps([_plan(), night.results])
    assert "app/app.sessions/RET-4" in told
    assert company.secret not in told
    assert PASSWORD not in told


def _change(path: Path, after: str, old: str, new: str) -> None:
    """Writes `new` for the first `old` that stands after a piece of the file."""
    before, found, rest = path.read_text().partition(after) if after else ("", "", path.read_text())
    assert old in rest
    path.write_text(before + found + rest.replace(old, new, 1))


# --- audit_store --------------------------------------------------------------------------------------------------


def test_a_store_is_told_in_counts(night: OneNight) -> None:
    assembled = audit.assemble(night.order, night.results)
    counted = {
        check.id: (check.outcome.value, check.tally.population, check.tally.violating, check.tally.undecidable)
        for check in assembled.checks
        if check.tally
    }
    assert counted == {
        "app/app.sessions/RET-4": ("fail", 5, 3, 0),
        "app/app.logins/RET-4": ("pass", 2, 0, 0),
        "web/web.cookies/RET-5": ("fail", 4, 2, 1),
    }


@pytest.mark.parametrize("stage", ["audit_store", "file", "publish_docs", "send_alerts"])
def test_a_policy_that_changes_during_the_night_is_refused(
    night: OneNight, expectations: Path, rows: Rows, home: Path, stage: str
) -> None:
    before = _bytes_below(home)
    with (expectations / "policy.yaml").open("a") as policy:
        policy.write("# a comment is a change, too\n")
    begin: Callable[[], Any] = {
        "audit_store": lambda: audit.audit_store(night.order, "app"),
        "file": lambda: audit.file(night.order, night.results),
        "publish_docs": lambda: audit.publish_docs(night.order, night.results),
        "send_alerts": lambda: audit.send_alerts(night.order, night.results),
    }[stage]
    with pytest.raises(ConfigurationRefusedError, match=r"changed after the audit had begun\. Start a new audit\."):
        begin()
    assert _bytes_below(home) == before


BROKEN_CONNECTIONS = {
    "missing": (None, "Set AIRFLOW_CONN_STORE_APP, or add it with `airflow connections add store_app`."),
    "unreadable": (f"postgresql://auditor:{PASSWORD}@127.0.0.1:port/app", "Write it as postgresql://"),
    "of another kind": (f"mysql://auditor:{PASSWORD}@127.0.0.1/app", "Make its type postgres."),
    "with a list for its extra": (
        json.dumps({"conn_type": "postgres", "extra": json.dumps([PASSWORD])}),
        "cannot be read.",
    ),
}


@pytest.mark.usefixtures("without_airflow")
@pytest.mark.parametrize("how", BROKEN_CONNECTIONS)
def test_a_store_without_a_usable_connection_is_not_audited_and_the_way_out_is_said(
    night: OneNight, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(engine, "PAUSE_SECONDS", 0)
    value, way_out = BROKEN_CONNECTIONS[how]
    monkeypatch.delenv("AIRFLOW_CONN_STORE_APP")
    if value:
        monkeypatch.setenv("AIRFLOW_CONN_STORE_APP", value)
    result = _through_xcom(audit.audit_store(night.order, "app"))
    assert (result["outcome"], result["cause"]) == ("not_audited", "unreachable")
    assert way_out in result["reason"]
    assert PASSWORD not in json.dumps(result)
    assert {check["id"] for check in result["checks"]} == {check["id"] for check in _first(night)["checks"]}
    assert {check["outcome"] for check in result["checks"] if check["table"]} == {"not_audited"}


def _first(night: OneNight) -> Result:
    first = night.results[0]
    assert first is not None
    return first


# --- assemble -----------------------------------------------------------------------------------------------------


def test_a_store_without_a_result_is_not_audited_and_neither_is_any_of_its_checks(night: OneNight) -> None:
    app, web = audit.assemble(night.order, [None, night.results[1]]).stores
    whole, _ = audit.assemble(night.order, night.results).stores
    assert (app.outcome, app.cause) == (Outcome.NOT_AUDITED, Cause.INTERNAL)
    assert "ended without a result; see its log" in app.reason
    assert [check.id for check in app.checks] == [check.id for check in whole.checks]
    assert {check.outcome for check in app.checks if check.table} == {Outcome.NOT_AUDITED}
    assert not any(check.tally for check in app.checks)
    assert web.outcome is Outcome.FAIL


@pytest.mark.parametrize("lost", [[None, None], [None], []])
def test_a_night_on_which_every_store_was_lost_is_no_pass(night: OneNight, lost: Results) -> None:
    assembled = audit.assemble(night.order, lost)
    assert [store.name for store in assembled.stores] == STORES
    assert assembled.outcome is Outcome.NOT_AUDITED


def test_one_lost_store_among_stores_that_pass_is_no_pass(night: OneNight) -> None:
    passing = _passing(night)
    assert audit.assemble(night.order, passing).outcome is Outcome.PASS  # else the next line would prove nothing
    assert audit.assemble(night.order, [passing[0], None]).outcome is Outcome.NOT_AUDITED


def test_the_stores_keep_the_order_of_the_plan_whichever_was_read_first(night: OneNight) -> None:
    assembled = audit.assemble(night.order, list(reversed(night.results)))
    assert [store.name for store in assembled.stores] == STORES
    assert assembled == audit.assemble(night.order, night.results)


def test_results_of_stores_that_were_not_asked_for_change_nothing(night: OneNight) -> None:
    only_web = _plan(stores=["web"])
    assembled = audit.assemble(only_web, night.results)
    assert [store.name for store in assembled.stores] == ["web"]
    stranger: Result = {**_first(night), "name": "stranger"}
    (web,) = audit.assemble(only_web, [stranger]).stores  # a stranger stands for nobody
    assert (web.name, web.outcome) == ("web", Outcome.NOT_AUDITED)


def test_what_the_plan_leaves_out_is_said_by_the_audit(night: OneNight) -> None:
    assert audit.assemble(_plan(stores=["web"]), night.results).limits == ("Stores not asked for in this run: app.",)


def test_a_role_that_may_do_more_than_read_is_said_by_the_audit(night: OneNight) -> None:
    writing: Result = {**_first(night), "limits": ["role x may write to 1 relations; it should hold SELECT only"]}
    limits = audit.assemble(night.order, [writing, night.results[1]]).limits
    assert limits == ("In store app, role x may write to 1 relations; it should hold SELECT only.",)


def _passing(night: OneNight) -> Results:
    """The results as if neither store had broken a promise."""

    def passed(result: Result | None) -> Result:
        assert result is not None
        checks = [check for check in result["checks"] if check["id"] == "app/app.logins/RET-4"]
        assert result["name"] == "web" or checks
        return {**result, "outcome": "pass", "checks": checks}

    return [passed(result) for result in night.results]


# --- file ---------------------------------------------------------------------------------------------------------

COUNT_ALL = "SELECT (SELECT count(*) FROM audits), (SELECT count(*) FROM results), (SELECT count(*) FROM findings)"


def test_the_audit_is_filed_as_a_report_and_in_the_register(
    night: OneNight, rows: Rows, filed: Result, home: Path
) -> None:
    folder = home / "reports" / night.order["audit_id"]
    assert filed == {
        "audit_id": night.order["audit_id"],
        "outcome": "fail",
        "report": str(folder),
        "already_filed": False,
        "not_audited": [],
        "counts": {"fail": 2, "not_audited": 0, "review": 0, "pass": 1, "not_applicable": 18},
    }
    assert set(_bytes_below(folder)) == {"audit.json", "report.html", "findings.csv"}
    assert rows("SELECT id, as_of, outcome, triggered_by FROM audits") == [
        (night.order["audit_id"], NOW.replace(microsecond=0), "fail", RUN)
    ]
    assert dict(rows("SELECT check_id, violating FROM results WHERE outcome = 'fail'")) == {
        "app/app.sessions/RET-4": 3,
        "web/web.cookies/RET-5": 2,
    }
    assert rows("SELECT count(*) FROM findings WHERE first_audit = last_audit") == [(2,)]


def test_filing_again_files_nothing_twice(night: OneNight, rows: Rows, filed: Result, home: Path) -> None:
    counted, written = rows(COUNT_ALL), _bytes_below(home)
    assert counted == [(1, 21, 2)]
    assert audit.file(night.order, night.results) == {**filed, "already_filed": True}
    assert rows(COUNT_ALL) == counted
    assert _bytes_below(home) == written


def test_what_was_filed_is_never_overwritten_by_other_results(
    night: OneNight, rows: Rows, filed: Result, home: Path
) -> None:
    counted, written = rows(COUNT_ALL), _bytes_below(home)
    with pytest.raises(PrivacyAuditError, match="Another report is already filed under this id"):
        audit.file(night.order, [None, night.results[1]])
    assert filed["outcome"] == "fail"
    assert rows(COUNT_ALL) == counted
    assert _bytes_below(home) == written


def test_a_register_that_is_down_loses_no_report_and_gets_it_once_it_is_back(
    night: OneNight, rows: Rows, register: str, server: EmbeddedPostgres, home: Path
) -> None:
    with _down(register, server), pytest.raises(RegisterUnavailableError, match="no connection came about"):
        audit.file(night.order, night.results)
    written = _bytes_below(home / "reports")
    assert f"{night.order['audit_id']}/audit.json" in written
    assert rows("SELECT count(*) FROM pg_tables WHERE tablename = 'audits'") == [(0,)]  # nothing half-filed either

    assert audit.file(night.order, night.results)["already_filed"] is False
    assert audit.file(night.order, night.results)["already_filed"] is True
    assert rows(COUNT_ALL) == [(1, 21, 2)]
    assert _bytes_below(home / "reports") == written


@contextmanager
def _down(register: str, server: EmbeddedPostgres) -> Iterator[None]:
    """A register whose server lets nobody in."""
    allow = f"ALTER DATABASE {sa.make_url(register).database} ALLOW_CONNECTIONS "
    _do(server.superuser_url, allow + "false")
    try:
        yield
    finally:
        _do(server.superuser_url, allow + "true")


def test_a_lost_store_is_filed_and_named_with_its_checks(night: OneNight, rows: Rows) -> None:
    filed = _through_xcom(audit.file(night.order, [night.results[0], None]))
    assert filed["not_audited"] == ["web", "web/web.cookies/RET-5"]
    assert filed["outcome"] == "fail"  # of the other store
    assert rows("SELECT outcome FROM results WHERE check_id = 'web/web.cookies/RET-5'") == [("not_audited",)]


# --- publish_docs -------------------------------------------------------------------------------------------------


def test_the_data_docs_show_the_audit(night: OneNight, home: Path) -> None:
    published = _through_xcom(audit.publish_docs(night.order, night.results))
    assert published == {"index": str(home / "data_docs" / "index.html")}
    page = Path(published["index"]).read_text()
    assert night.order["audit_id"] in page
    assert "Product database" in page
    assert "Web site database" in page


# --- send_alerts --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filed")
def test_an_owner_of_two_stores_is_told_once_of_both(night: OneNight, owner: Owner) -> None:
    told = _through_xcom(audit.send_alerts(night.order, night.results))
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
    assert link in _text(owner)

    monkeypatch.setenv("PRIVACY_AUDIT_REPORTS_URL", "https://airflow.example.org/privacy-audit/")
    path = f"reports/{night.order['audit_id']}/report.html"
    assert audit.report_link(settings.load(), night.order["audit_id"]).endswith(f".org/privacy-audit/{path}")


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize(("down", "up"), [("mailto", "json"), ("json", "mailto")])
def test_a_channel_that_is_down_stops_no_other_and_is_used_once_it_is_back(
    night: OneNight, owner: Owner, down: str, up: str
) -> None:
    owner.out_of_order = {down}
    told = _through_xcom(audit.send_alerts(night.order, night.results))
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
    passing = _passing(night)
    audit.file(night.order, passing)
    assert audit.send_alerts(night.order, passing) == {"sent": 0, "failed": []}
    assert owner.received == {"mailto": 0, "json": 0}


@pytest.mark.usefixtures("rows")
def test_an_owner_is_told_of_a_store_that_was_lost(night: OneNight, owner: Owner) -> None:
    lost: Results = [_passing(night)[0], None]
    audit.file(night.order, lost)
    assert audit.send_alerts(night.order, lost) == {"sent": 2, "failed": []}
    assert "1 store not audited in Product database and Web site database" in owner.mails[0]["Subject"]


@pytest.mark.usefixtures("filed")
def test_nothing_personal_and_no_secret_leaves_the_stores(
    company: Company,
    night: OneNight,
    owner: Owner,
    home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    audit.send_alerts(night.order, night.results)
    audit.publish_docs(night.order, night.results)
    told = [*owner.posts, *(mail.as_string() for mail in owner.mails), _text(owner)]
    files = b"\n".join(_bytes_below(home).values()).decode(errors="replace")
    everything = "\n".join([json.dumps(told), json.dumps(night.results), files, caplog.text, *capfd.readouterr()])
    assert everything.count("app/app.sessions/RET-4") > 5  # it is in each of them
    assert [word for word in (*PERSONAL, company.secret, PASSWORD) if word in everything] == []
    tables = zip(company.databases, ("app.sessions", "web.cookies"), strict=True)
    stored = str([_do(url, f"SELECT row::text FROM {table} AS row") for url, table in tables])
    assert [word for word in PERSONAL if word not in stored] == []  # else there would have been nothing to find


def _text(owner: Owner) -> str:
    """The mail as its reader sees it."""
    page = owner.mails[0].get_body(("html",))
    assert page is not None
    return str(page.get_content())


def _checks_told(owner: Owner) -> list[str]:
    return [line["check"] for post in owner.posts for line in json.loads(post["message"])["findings"]]


# --- gate ---------------------------------------------------------------------------------------------------------

FILED: Result = {"not_audited": []}
TOLD: Result = {"sent": 2, "failed": []}
DOCS: Result = {"index": "index.html"}
PROBLEMS: dict[str, tuple[Result | None, Result | None, Result | None]] = {
    "the audit was not filed": (None, TOLD, DOCS),
    "the owners were not told": (FILED, None, DOCS),
    "the Data Docs were not published": (FILED, TOLD, None),
    "web was not audited; web/web.cookies/RET-5 was not audited": (
        {"not_audited": ["web", "web/web.cookies/RET-5"]},
        TOLD,
        DOCS,
    ),
    "not told: Product, by json: it did not take the message": (
        FILED,
        {"sent": 1, "failed": ["Product, by json: it did not take the message"]},
        DOCS,
    ),
    "the audit was not filed; the Data Docs were not published; the owners were not told": (None, None, None),
}


@pytest.mark.parametrize("sentence", PROBLEMS)
def test_each_problem_alone_fails_the_run_with_a_sentence(sentence: str) -> None:
    with pytest.raises(audit.NotAuditedError) as failed:
        audit.gate(*PROBLEMS[sentence])
    assert str(failed.value) == f"{sentence}. See the report, which says this first."


def test_a_night_with_findings_passes_when_all_was_audited_filed_published_and_told(
    night: OneNight, filed: Result, owner: Owner
) -> None:
    published = audit.publish_docs(night.order, night.results)
    told = audit.send_alerts(night.order, night.results)
    assert filed["outcome"] == "fail"
    assert owner.received == {"mailto": 1, "json": 1}
    assert (set(told), set(published)) == (set(TOLD), set(DOCS))  # the other tests of the gate speak of the same
    audit.gate(filed, told, published)


@pytest.mark.usefixtures("rows")
def test_a_night_on_which_no_control_was_in_force_fails_the_run() -> None:
    outcome, filed = _night_of(_plan("2023-06-01T12:00:00+02:00"))
    assert outcome is Outcome.NOT_AUDITED
    with pytest.raises(audit.NotAuditedError, match="app was not audited; web was not audited"):
        audit.gate(filed, TOLD, DOCS)


@pytest.mark.usefixtures("rows")
def test_a_night_that_asks_only_for_what_the_owners_signed_for_passes() -> None:
    outcome, filed = _night_of(_plan(controls=["RET-1"]))
    assert outcome is Outcome.NOT_APPLICABLE
    audit.gate(filed, TOLD, DOCS)


def _night_of(order: audit.Order) -> tuple[Outcome, Result]:
    """The outcome of a whole night, and what was filed of it."""
    results: Results = [audit.audit_store(order, store) for store in order["stores"]]
    return audit.assemble(order, results).outcome, audit.file(order, results)
