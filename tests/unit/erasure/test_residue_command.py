"""`privacy-audit residue`, started as an engineer starts it: at a terminal, over two real stores."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from privacy_audit.erasure import IdentifierKind, Keyring, traces
from privacy_audit.erasure.ledger import KEY_CHECK
from tests.conftest import MakeDatabase
from tests.places import ROOT
from tests.unit.engine.conftest import Store, made

pytestmark = pytest.mark.slow

KEY = bytes(range(32))
SECRET = base64.b64encode(KEY).decode()
JEAN = "jean.dupont@example.fr"
EMAIL, PHONE = IdentifierKind.EMAIL, IdentifierKind.PHONE

STORE = {
    "store": "shop",
    "title": "Shop",
    "connection": "store_shop",
    "owner": "Shop",
    "alert": "alerts_shop",
    "no_data_before": "2019-01-01",
    "registers": {
        "erasures": {
            "table": "app.erasures",
            "key": ["id"],
            "request": "request",
            "key_version": "version",
            "kind": "kind",
            "digest": "digest",
            "completed": {"column": "completed"},
            "connection": "store_ledger",
            "keys": "ledger_keys",
        }
    },
    "tables": {
        "app.users": {
            "title": "Users",
            "key": ["id", "part"],
            "identifiers": {"email": "email", "phone": "phone"},
            "collected": {"column": "created"},
        },
        "app.letters": {"title": "Letters", "key": ["email"], "identifiers": {"email": "email"}},
    },
}
CONTROL = {
    "kind": "erased",
    "title": "Who was erased stays erased",
    "severity": "critical",
    "clauses": ["deletion.after_retention"],
    "legal_basis": ["GDPR art. 17"],
    "effective_from": "2024-01-01",
}


@dataclass(frozen=True)
class Told:
    code: int
    said: str


@dataclass
class Shop:
    """A shop, the store of its ledger, and the environment of the command."""

    folder: Path
    store: Store
    ledger: Store
    environment: dict[str, str] = field(default_factory=dict)
    command: str = "residue"

    def at_a_terminal(self, *words: str, **variables: str | None) -> Told:
        """What an engineer sees. The terminal is real, and wide."""
        master, slave = pty.openpty()
        with subprocess.Popen(self._command(words), env=self._env(variables), stdout=slave, stderr=slave) as run:
            os.close(slave)
            said = b""
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                said += piece
            code = run.wait()
        os.close(master)
        text = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())
        assert not [secret for secret in (SECRET, JEAN, "0712345678", "Traceback") if secret in text]
        return Told(code, " ".join(text.split()))

    def in_a_pipe(self, *words: str) -> Told:
        run = subprocess.run(self._command(words), env=self._env({}), capture_output=True, text=True, check=False)
        return Told(run.returncode, run.stdout + run.stderr)

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "privacy_audit.cli.main", self.command, *words]

    def _env(self, variables: dict[str, str | None]) -> dict[str, str]:
        given = {**self.environment, **variables}
        return {name: value for name, value in given.items() if value is not None}


def _conn(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def expectations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real policy with one control more, over the shop alone."""
    folder = tmp_path_factory.mktemp("residue") / "expectations"
    (folder / "stores").mkdir(parents=True)
    yaml = YAML()
    policy = yaml.load((ROOT / "expectations" / "policy.yaml").read_text(encoding="utf-8"))
    policy["controls"]["DEL-9"] = CONTROL | {"clauses": list(policy["controls"]["DEL-1"]["clauses"])}
    with (folder / "policy.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(policy, file)
    for name in ("policy.txt", "law.yaml"):
        shutil.copy(ROOT / "expectations" / name, folder)
    with (folder / "stores" / "shop.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(STORE, file)
    return folder


@pytest.fixture
def shop(database: str, make_database: MakeDatabase, tmp_path: Path, expectations: Path) -> Iterator[Shop]:
    with made(database) as store, made(make_database()) as ledger:
        store.do(
            "CREATE TABLE app.users (id int, part text, email text, phone text, created timestamptz)",
            "CREATE TABLE app.letters (email text)",
            f"INSERT INTO app.users VALUES (701, 'a', '{JEAN}', NULL, '2024-02-01Z'),"
            f" (702, E'b\\x1b[31m', '{JEAN}', NULL, '2024-05-01Z'),"
            " (703, 'c', 'jean.dupont+x@example.fr', NULL, '2024-02-01Z'), (704, 'd', 'gAAAAABkZm9v', NULL, NULL),"
            " (705, NULL, NULL, '07 12 34 56 78', NULL), (799, 'z', 'anne@example.fr', '', NULL)",
            "INSERT INTO app.letters VALUES ('anne@example.fr')",
        )
        ledger.do(
            "CREATE TABLE app.erasures (id serial, request text, version int, kind text, digest text,"
            " completed timestamptz)"
        )
        filed = (("E-1", EMAIL, JEAN), ("E-2", PHONE, "0712345678"), ("key check", EMAIL, KEY_CHECK))
        for request, kind, text in filed:
            for traced, digest in sorted(traces(Keyring({1: KEY}), kind, text)):
                ledger.do(
                    "INSERT INTO app.erasures (request, version, kind, digest, completed)"
                    f" VALUES ('{request}', 1, '{traced}', '{digest.hex()}', '2024-03-01Z')"
                )
        keys = {"conn_type": "generic", "password": json.dumps({"keys": {"1": SECRET}})}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TERM": "xterm",
            "COLUMNS": "300",
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "PRIVACY_AUDIT_EXPECTATIONS": str(expectations),
            "PRIVACY_AUDIT_HOME": str(tmp_path),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW_CONN_STORE_SHOP": _conn(store.reader),
            "AIRFLOW_CONN_STORE_LEDGER": _conn(ledger.reader),
            "AIRFLOW_CONN_LEDGER_KEYS": json.dumps(keys),
        }
        yield Shop(tmp_path, store, ledger, environment)


def test_rows_are_named_by_their_keys_and_never_by_an_identifier(shop: Shop) -> None:
    told = shop.at_a_terminal("--store", "shop")
    assert told.code == 1, told.said
    rows = re.findall(r"(70\d) │ (\S+) │ (\S+) │ ([^│]*?) [│┃]", told.said)
    assert [(id_, kind, request.strip()) for id_, _, kind, request in rows] == [
        ("701", "hit", "E-1"),
        ("702", "returned", "E-1"),
        ("703", "weak", "E-1"),
        ("704", "unread", "unknown"),
        ("705", "hit", "E-2"),
    ]
    assert "\x1b" not in told.said
    assert "799" not in told.said
    assert "app.letters: nothing was found." in told.said
    assert "hit: 2 rows. It leads to an erased person" in told.said


def test_a_key_that_is_an_identifier_is_not_shown(shop: Shop) -> None:
    shop.store.do(f"INSERT INTO app.letters VALUES ('{JEAN}')")
    told = shop.at_a_terminal("--store", "shop", "--table", "app.letters")
    assert told.code == 1
    assert "(0,2) │ hit │ E-1" in told.said
    assert "email identifies a person and is not shown" in told.said
    assert "app.users" not in told.said


def test_a_limit_is_said(shop: Shop) -> None:
    told = shop.at_a_terminal("--store", "shop", "--table", "app.users", "--limit", "2")
    assert "app.users: 5 rows" in told.said
    assert "3 more are not listed" in told.said
    assert "703" not in told.said


def test_nothing_found(shop: Shop) -> None:
    assert shop.at_a_terminal("--store", "shop", "--table", "app.letters") == Told(0, "app.letters: nothing was found.")


def test_it_goes_to_a_terminal_only(shop: Shop) -> None:
    told = shop.in_a_pipe("--store", "shop")
    assert (told.code, told.said) == (
        2,
        "residue: shows keys of rows, and so to a terminal only. Run it there, without a pipe or a file behind it.\n",
    )


def test_what_could_not_be_looked_at_is_no_clean_table(shop: Shop) -> None:
    shop.store.do("DELETE FROM app.users", f"REVOKE SELECT ON app.letters FROM {shop.store.role}")
    told = shop.at_a_terminal("--store", "shop")
    assert told.code == 3
    assert (
        "app.users: nothing was found. Not looked at: app.letters: the role may not read app.letters.email" in told.said
    )
    lost = shop.at_a_terminal("--store", "shop", AIRFLOW_CONN_LEDGER_KEYS=None)
    assert (lost.code, lost.said.count("connection ledger_keys: is not configured")) == (3, 1)
    down = shop.at_a_terminal("--store", "shop", AIRFLOW_CONN_STORE_SHOP="postgresql://a:b@127.0.0.1:1/c")
    assert (down.code, down.said) == (
        3,
        "Not looked at: store shop: nothing listens at the connection's host and port",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--store", "shoop"), 'there is no store "shoop". Did you mean "shop"?'),
        (("--store", "shop", "--table", "app.user"), 'there is no table "app.user". Did you mean "app.users"?'),
    ],
)
def test_a_name_that_is_none_is_refused(shop: Shop, words: tuple[str, ...], said: str) -> None:
    told = shop.at_a_terminal(*words)
    assert told.code == 2
    assert said in told.said


def test_what_to_file_so_that_the_key_can_be_told(shop: Shop) -> None:
    shop.command = "key-check"
    told = shop.in_a_pipe("--store", "shop")
    digest = Keyring({1: KEY}).digest(1, EMAIL, KEY_CHECK).hex()
    assert told == Told(
        0,
        f"File in app.erasures, as a request that is completed ({KEY_CHECK} is nobody's address):\n"
        f"request: key check, version: 1, kind: email, digest: {digest}\n",
    )
    shop.ledger.do("DELETE FROM app.erasures WHERE request = 'key check'")
    shop.command = "residue"
    lost = shop.at_a_terminal("--store", "shop", "--table", "app.users")
    assert lost.code == 3
    assert "`privacy-audit key-check` says what to file" in lost.said
    line = dict(part.split(": ") for part in told.said.splitlines()[1].split(", "))
    names, values = ", ".join(line), ", ".join(f"'{value}'" for value in line.values())
    shop.ledger.do(f"INSERT INTO app.erasures ({names}, completed) VALUES ({values}, now())")
    assert shop.at_a_terminal("--store", "shop", "--table", "app.users").code == 1
