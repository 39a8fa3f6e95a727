"""The Airflow of the demo before it starts: nothing inherited, nothing open to others, its inbox and its terminal."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import stat
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from cryptography.fernet import Fernet

from demo import inbox, local_airflow, ports, supervisor
from demo.local_airflow import LOOPBACK, ROOT
from privacy_audit.notify import Channel, deliver, message_body
from tests.unit.notify.nights import first_night

NONSENSE = "nonsense-of-the-caller"
FOREIGN = (
    "AIRFLOW_HOME",
    "AIRFLOW_CONFIG",
    "AIRFLOW_CONN_STORE_APP",
    "AIRFLOW_CONN_ELSEWHERE",
    "AIRFLOW_VAR_SOMETHING",
    "AIRFLOW__API__HOST",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__FERNET_KEY_CMD",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK",
    "_AIRFLOW__AS_LIBRARY",
    "_AIRFLOW_PROCESS_CONTEXT",
    "__AIRFLOW_SUPERVISOR_FD",
    "PGHOST",
    "PGSERVICE",
    "PGOPTIONS",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "GX_ANALYTICS_ENABLED",
    "GX_CLOUD_ACCESS_TOKEN",
    "PRIVACY_AUDIT_HOME",
    "PRIVACY_AUDIT_EXPECTATIONS",
    "PRIVACY_AUDIT_DATABASE",
    "PRIVACY_AUDIT_REPORTS_URL",
)
CONNECTIONS = {"store_app": "postgresql://auditor@127.0.0.1:54321/app"}


def environment(home: Path, port: int = 8123) -> dict[str, str]:
    return local_airflow.environment(home, CONNECTIONS, local_airflow.sqlite(home, "own"), port)


def run(script: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own: Airflow and the screen take hold of the process they are in."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_of_the_callers_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, NONSENSE)
    monkeypatch.setenv("UNRELATED", "kept")
    made = environment(tmp_path)
    assert NONSENSE not in made.values()
    assert made["UNRELATED"] == "kept"
    assert made["PATH"] == os.environ["PATH"]
    assert made["AIRFLOW_CONN_STORE_APP"] == CONNECTIONS["store_app"]


ASK_AIRFLOW = """
import json, os, sys
from pathlib import Path
from demo import local_airflow

home, names, nonsense = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
os.environ.update(dict.fromkeys(names, nonsense))
local_airflow.enter(local_airflow.environment(home, {}, local_airflow.sqlite(home, "own"), 8123))

from airflow.configuration import AIRFLOW_HOME, conf

print(json.dumps({
    "home": AIRFLOW_HOME,
    "folders": [conf.get("core", "dags_folder"), conf.get("core", "plugins_folder")],
    "database": conf.get("database", "sql_alchemy_conn"),
    "logs": conf.get("logging", "base_log_folder"),
    "host": conf.get("api", "host"),
    "port": conf.getint("api", "port"),
    "addresses": [conf.get("api", "base_url"), conf.get("core", "execution_api_server_url")],
    "scheduler listens": conf.getboolean("scheduler", "enable_health_check"),
    "jwt": len(conf.get("api_auth", "jwt_secret")),
}))
"""


def test_airflow_itself_reads_what_was_made_and_none_of_the_callers(tmp_path: Path) -> None:
    told = run(ASK_AIRFLOW, tmp_path, json.dumps(FOREIGN), NONSENSE)
    assert told.returncode == 0, told.stderr
    read = json.loads(told.stdout.splitlines()[-1])
    assert read.pop("jwt") >= 64
    assert read == {
        "home": str(tmp_path / "airflow"),
        "folders": [str(ROOT / "dags"), str(ROOT / "plugins")],
        "database": f"sqlite:///{tmp_path / 'airflow' / 'own.db'}",
        "logs": str(tmp_path / "log" / "airflow"),
        "host": "127.0.0.1",
        "port": 8123,
        "addresses": ["http://127.0.0.1:8123", "http://127.0.0.1:8123/execution/"],
        "scheduler listens": False,
    }


def test_every_listener_is_on_this_machine_only(tmp_path: Path) -> None:
    # That the running components keep to it is seen in tests/e2e/test_inside_airflow.py.
    addresses = [value for name, value in environment(tmp_path).items() if name.startswith("AIRFLOW__")]
    hosts = [urllib.parse.urlsplit(address).hostname for address in addresses if address.startswith("http")]
    assert len(hosts) >= 2
    assert {*hosts, environment(tmp_path)["AIRFLOW__API__HOST"]} == {"127.0.0.1"}
    assert {name: arguments for name, arguments in supervisor.COMPONENTS.items() if arguments} == {
        "api-server": ("--host", "127.0.0.1"),
        "scheduler": ("--skip-serve-logs",),
        "triggerer": ("--skip-serve-logs",),
    }


def test_keys_are_long_kept_and_their_owners_only(tmp_path: Path) -> None:
    names = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY")
    first, again, elsewhere = (
        [environment(home)[name] for name in names] for home in (tmp_path / "a", tmp_path / "a", tmp_path / "b")
    )
    assert first == again
    assert len({*first, *elsewhere}) == 2 * len(names)
    assert len(first[0]) >= 64  # Airflow signs with HMAC-SHA-512
    assert len(first[1]) >= 32
    Fernet(first[2])
    folder = tmp_path / "a" / "airflow"
    assert {path.name for path in folder.iterdir()} == {"keys.json", "passwords.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_who_may_log_in_is_who_airflow_knows(tmp_path: Path) -> None:
    made = environment(tmp_path)
    logins = local_airflow.logins(tmp_path)
    assert [(login.name, login.role) for login in logins] == [("admin", "admin"), ("reviewer", "viewer")]
    known = made["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(",")
    assert known == [f"{login.name}:{login.role}" for login in logins]
    passwords = json.loads(Path(made["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text())
    assert passwords == {login.name: login.password for login in logins}
    assert min(map(len, passwords.values())) >= 12
    assert local_airflow.logins(tmp_path) == logins


ASK_THE_INBOX = """
import json, os, sys, urllib.request
from pathlib import Path

import httpx
import requests

from demo import local_airflow

local_airflow.enter(local_airflow.environment(Path(sys.argv[1]), {}, "sqlite://"))
print(requests.post(sys.argv[2] + "product", json={"message": "{}"}, timeout=5).status_code)  # as Apprise does
print(httpx.post(sys.argv[2] + "product", json={"message": "{}"}, timeout=5).status_code)  # as Airflow's tasks do
sent = urllib.request.Request(sys.argv[2] + "product", data=b'{"message": "{}"}')
print(urllib.request.urlopen(sent, timeout=5).status)  # as `make up` asks whether all are healthy
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder = tmp_path_factory.mktemp("inbox") / "alerts"
    with ports.reserved() as port, inbox.opened(folder, port):
        yield folder, port


@pytest.fixture
def letters(opened: tuple[Path, int]) -> tuple[Path, int]:
    """The inbox, open and empty: its folder and port."""
    for path in opened[0].iterdir():
        path.unlink()
    return opened


@pytest.mark.parametrize("spelled", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_company_is_not_asked_for_what_runs_here(
    letters: tuple[Path, int], tmp_path: Path, spelled: str
) -> None:
    address = f"http://{LOOPBACK}:{letters[1]}/"
    with ports.reserved() as nobodys:
        company = {spelled: f"http://127.0.0.1:{nobodys}", "no_proxy": "intranet"}
        told = run(ASK_THE_INBOX, tmp_path, address, **company)
    assert told.stdout.split() == ["200", "200", "200"], told.stderr


def test_each_team_finds_its_newest_alert(letters: tuple[Path, int]) -> None:
    folder, port = letters
    address = f"http://{LOOPBACK}:{port}"
    for team, text in (("product", "first"), ("web", "only"), ("product", "newest é")):
        answer = requests.post(f"{address}/{team}", json={"message": json.dumps({"text": text})}, timeout=10)
        assert answer.status_code == 200
    kept = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    assert kept == {"product.json": {"text": "newest é"}, "web.json": {"text": "only"}}


@pytest.mark.parametrize("team", inbox.TEAMS)
def test_the_connection_of_a_team_leads_to_its_file(letters: tuple[Path, int], team: str) -> None:
    folder, port = letters
    (message, *_) = first_night()
    (url,) = json.loads(inbox.connections(port)[f"alerts_{team}"])["extra"]["urls"]
    assert deliver(message, Channel(url)).sent
    assert [path.name for path in folder.iterdir()] == [f"{team}.json"]
    assert json.loads((folder / f"{team}.json").read_text()) == json.loads(message_body.document(message))


def test_it_is_shown_who_was_told_what_of_tonight(letters: tuple[Path, int]) -> None:
    folder, port = letters
    for team, message in zip(inbox.TEAMS, first_night(), strict=True):
        (url,) = json.loads(inbox.connections(port)[f"alerts_{team}"])["extra"]["urls"]
        assert deliver(message, Channel(url)).sent
    told = inbox.told(folder, first_night()[0].audit_id)
    assert sorted(told) == sorted(f"{message.owner}: {message.subject}" for message in first_night())
    assert inbox.told(folder, "another night") == []


UNKNOWN = ("/", "/nobody", "/PRODUCT", "/products", "/product|web", "/product/x", "/product.json", "/product%00", "/*")
WAYS_OUT = ("/.", "/..", "/../product", "/product/../web", "/..%2fproduct", "/%2e%2e/web", "/..\\web", "//alerts/web")


@pytest.mark.parametrize("path", [*UNKNOWN, *WAYS_OUT])
def test_an_unknown_team_and_a_way_out_of_the_folder_are_refused(letters: tuple[Path, int], path: str) -> None:
    folder, port = letters
    before = set(folder.parent.rglob("*"))
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)  # sends the path as it stands
    connection.request("POST", path, json.dumps({"message": "{}"}))
    assert connection.getresponse().status == 404
    connection.close()
    assert set(folder.parent.rglob("*")) == before


def test_what_is_too_large_or_no_alert_does_no_harm(letters: tuple[Path, int]) -> None:
    folder, port = letters
    address = f"http://{LOOPBACK}:{port}/web"
    assert requests.post(address, json={"message": '{"text": "kept"}'}, timeout=10).status_code == 200
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    connection.putrequest("POST", "/web")
    connection.putheader("Content-Length", str(1 << 40))  # said, never sent
    connection.endheaders()
    assert connection.getresponse().status == 404
    connection.close()
    for nonsense in ("nonsense", '{"message": 3}', "{}"):
        with pytest.raises(requests.ConnectionError):
            requests.post(address, data=nonsense, timeout=10)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"web.json": '{\n  "text": "kept"\n}\n'}


def test_the_inbox_listens_on_this_machine_only_and_ends(tmp_path: Path) -> None:
    def listening() -> list[str]:
        found = psutil.Process().net_connections("inet")
        return [at.laddr.ip for at in found if at.laddr.port == port and at.status == psutil.CONN_LISTEN]

    with ports.reserved() as port:
        with inbox.opened(tmp_path, port):
            assert listening() == ["127.0.0.1"]
        assert listening() == []


NOISY = """
import logging, os, subprocess, sys, time, warnings
from pathlib import Path

from demo.screen import screen

print("before")
with screen(Path(sys.argv[1])) as terminal:
    with terminal.stage("Counted the rows"):
        print("noise of print")
        print("noise of stderr", file=sys.stderr)
        os.write(1, b"noise of descriptor 1\\n")
        os.write(2, b"noise of descriptor 2\\n")
        logging.warning("noise of logging")
        warnings.warn("noise of warnings")
        subprocess.run([sys.executable, "-c", "print('noise of a child')"])
        subprocess.run([sys.executable, "-c", "import sys; sys.exit('noise of a failing child')"])
        time.sleep(0.3)
    with terminal.stage("Filled the company", terminal.bar("Filling")):
        print("noise beside a bar")
        time.sleep(0.3)
    terminal.say("Report: [red]" + "long/" * 60)
    if len(sys.argv) > 2:
        with terminal.stage("Never done"):
            raise SystemExit(sys.argv[2])
print("after")
print("after, to stderr", file=sys.stderr)
"""
NOISES = ("print", "stderr", "descriptor 1", "descriptor 2", "logging", "warnings", "a child", "a failing child")
TOLD = (
    r"before\n"
    r" +\d+\.\d s  Counted the rows \(\d+\.\d s\)\n"
    r" +\d+\.\d s  Filled the company \(\d+\.\d s\)\n"
    r"Report: \[red\](long/){60}\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "audit.log").write_text("noise of yesterday\n")
    return tmp_path / "log" / "audit.log"


def test_only_what_is_meant_for_the_reader_reaches_a_pipe(log: Path) -> None:
    told = run(NOISY, log)
    assert re.fullmatch(TOLD + "after\n", told.stdout)
    assert told.stderr == "after, to stderr\n"
    kept = log.read_text()
    assert [noise for noise in NOISES if f"noise of {noise}\n" not in kept] == []
    assert "noise beside a bar\n" in kept
    assert "yesterday" not in kept


def test_an_error_reaches_the_reader_after_what_was_told(log: Path) -> None:
    told = run(NOISY, log, "it broke")
    assert told.returncode == 1
    assert re.fullmatch(TOLD, told.stdout)
    assert told.stderr == "it broke\n"


def test_only_what_is_meant_for_the_reader_reaches_a_terminal(log: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", NOISY, str(log)]
    variables = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, env=variables, stdin=theirs, stdout=theirs, stderr=theirs) as noisy:
        os.close(theirs)
        shown = "".join(read(ours))
        assert noisy.wait(timeout=30) == 0
    os.close(ours)
    assert "noise" not in shown
    still = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"\d s  Counted the rows \(\d+\.\d s\)", still)
    assert still.count("Counted the rows") > 2  # it moved while that was done
    assert "Filling" in still
    assert "after, to stderr" in still
    assert all(f"noise of {noise}\n" in log.read_text() for noise in NOISES)


def read(descriptor: int) -> Iterator[str]:
    """What is written to a terminal until nobody holds it any more, which Linux tells as an error."""
    while True:
        try:
            yield os.read(descriptor, 4096).decode()
        except OSError:
            return
