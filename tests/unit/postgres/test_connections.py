"""Airflow's connections: read as Airflow reads them, refused in our words, and silent about what they keep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.postgres import connections
from privacy_audit.postgres.connections import Connection, ConnectionMissingError
from tests.places import ROOT

NAME = "store_app"
VARIABLE = "AIRFLOW_CONN_STORE_APP"
SECRET = "geheim"
"""Stands wherever a password might be quoted."""

HARD = "p@:/?#[]%+ &=é\"'\\"
"""A password of all the characters that mean something in a URI or in JSON."""
ENCODED = "p%40%3A%2F%3F%23%5B%5D%25%2B%20%26%3D%C3%A9%22%27%5C"

CLIENT = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/our root.pem"}
CHANNELS = {"urls": ["mailtos://user:pass@mail.example.org?to=a@example.org", "jsons://hook"]}


def find(text: str) -> Connection:
    return connections.find(NAME, {VARIABLE: text})


def connection(**fields: Any) -> Connection:
    return Connection(**{"name": NAME, "kind": "postgres", **fields})


READ: dict[str, tuple[str, Connection]] = {
    "the whole address": (
        "postgresql://reader:word@db.example.org:5433/app",
        connection(host="db.example.org", port=5433, login="reader", password="word", database="app"),
    ),
    "the shorter name of the type": ("postgres://db/app", connection(host="db", database="app")),
    "large letters in the type": ("POSTGRES://db/app", connection(host="db", database="app")),
    "a type with a hyphen": ("google-cloud://", connection(kind="google_cloud")),
    "nothing but the type": ("postgres://", connection()),
    "no password": ("postgres://reader@db", connection(host="db", login="reader")),
    "no login": ("postgres://:word@db", connection(host="db", password="word")),
    "a password that is empty": ("postgres://reader:@db", connection(host="db", login="reader")),
    "special characters in the password": (
        f"postgres://reader:{ENCODED}@db/app",
        connection(host="db", login="reader", password=HARD, database="app"),
    ),
    "special characters everywhere else": (
        "postgres://the%20reader%40home:word@db/app%2Fold",
        connection(host="db", login="the reader@home", password="word", database="app/old"),
    ),
    "a plus in the password, which is no blank": ("postgres://:a+b@db", connection(host="db", password="a+b")),
    "an IPv6 address": ("postgres://[::1]:5433/app", connection(host="::1", port=5433, database="app")),
    "a socket's folder": ("postgres://%2FVar%2FRun%2Fpg/app", connection(host="/Var/Run/pg", database="app")),
    "an extra": (
        "postgres://db/app?sslmode=verify-full&sslrootcert=%2Fetc%2Fssl%2Four+root.pem",
        connection(host="db", database="app", extra=CLIENT),
    ),
    "an extra without a database": (
        "postgres://db?sslmode=require",
        connection(host="db", extra={"sslmode": "require"}),
    ),
    "an extra with an empty value": ("postgres://db/?options=", connection(host="db", extra={"options": ""})),
    "an extra that is nested": (
        "generic://?__extra__=%7B%22urls%22%3A+%5B%22jsons%3A%2F%2Fhook%22%5D%7D",
        connection(kind="generic", extra={"urls": ["jsons://hook"]}),
    ),
    "JSON": (
        '{"conn_type": "postgres", "host": "db", "port": 5433, "login": "reader", "password": "word", "schema": "app"}',
        connection(host="db", port=5433, login="reader", password="word", database="app"),
    ),
    "JSON with the longer name of the type": ('{"conn_type": "postgresql"}', connection()),
    "JSON with a port in quotes": ('{"conn_type": "postgres", "port": "5433"}', connection(port=5433)),
    "JSON with nulls": (
        '{"conn_type": "postgres", "host": null, "port": null, "login": null, "extra": null}',
        connection(),
    ),
    "JSON with an extra": (
        json.dumps({"conn_type": "generic", "extra": CHANNELS}),
        connection(kind="generic", extra=CHANNELS),
    ),
    "JSON with an extra as text": (
        json.dumps({"conn_type": "generic", "extra": json.dumps(CHANNELS)}),
        connection(kind="generic", extra=CHANNELS),
    ),
    "JSON on several lines": ('\n {\n "conn_type": "postgres",\n "host": "db"}\n', connection(host="db")),
    "JSON with special characters": (
        json.dumps({"conn_type": "postgres", "password": HARD}),
        connection(password=HARD),
    ),
}
"""What is written to what is read. Airflow reads the same; see below."""


@pytest.mark.parametrize("what", READ)
def test_a_connection_is_read(what: str) -> None:
    text, meant = READ[what]
    assert find(text) == meant


@pytest.mark.parametrize("name", ["store_app", "Store_App"])
def test_the_variable_is_named_as_airflow_names_it(name: str) -> None:
    found = connections.find(name, {VARIABLE: "postgres://db", "AIRFLOW_CONN_STORE_WEB": "postgres://other"})
    assert (found.name, found.host) == (name, "db")


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "postgres://db/app")
    assert connections.find(NAME) == connection(host="db", database="app")


WAY_OUT = (
    "cannot be read. Write it as postgresql://user:password@host:5432/database, with special characters"
    " percent-encoded, or as a JSON object."
)
UNREADABLE = {
    "nothing": "",
    "blanks": "  ",
    "a password alone": SECRET,
    "words for psql": f"host=db user=reader password={SECRET}",
    "no type": f"//reader:{SECRET}@db/app",
    "a slash in the password": f"postgres://reader:{SECRET}/x@db/app",
    "a hash in the password": f"postgres://reader:{SECRET}#x@db/app",
    "a question mark in the password": f"postgres://reader:{SECRET}?x@db/app",
    "a bracket in the password": f"postgres://reader:{SECRET}[@db/app",
    "a port that is a word": f"postgres://reader:word@db:{SECRET}/app",
    "a port that is too large": f"postgres://reader:{SECRET}@db:99999/app",
    "an extra that is not JSON": f"postgres://db/app?__extra__={SECRET}",
    "an extra that is a number": f"postgres://reader:{SECRET}@db/app?__extra__=5",
    "an extra that is a list": f'postgres://db/app?__extra__=["{SECRET}"]',
    "an extra that is null": f"postgres://reader:{SECRET}@db/app?__extra__=null",
    "JSON that breaks off": f'{{"conn_type": "postgres", "password": "{SECRET}"',
    "JSON with a port that is a word": f'{{"conn_type": "postgres", "port": "{SECRET}"}}',
    "JSON with a port that is a list": f'{{"conn_type": "postgres", "port": ["{SECRET}"]}}',
    "JSON with a type that is a number": f'{{"conn_type": 5, "password": "{SECRET}"}}',
    "JSON with a host that is a list": f'{{"conn_type": "postgres", "host": ["db"], "password": "{SECRET}"}}',
    "JSON with a login that is a number": f'{{"conn_type": "postgres", "login": 5, "password": "{SECRET}"}}',
    "JSON with a password that is a list": f'{{"conn_type": "postgres", "password": ["{SECRET}"]}}',
    "JSON with a database that is an object": f'{{"conn_type": "postgres", "schema": {{"x": "{SECRET}"}}}}',
    "JSON with an extra that is a list": f'{{"conn_type": "postgres", "extra": ["{SECRET}"]}}',
    "JSON with an extra that is a text of a list": f'{{"conn_type": "postgres", "extra": "[\\"{SECRET}\\"]"}}',
    "JSON with an extra that is no JSON": f'{{"conn_type": "postgres", "extra": "{SECRET}"}}',
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_refused_without_a_word_of_it(what: str) -> None:
    with pytest.raises(ConnectionMissingError) as refused:
        find(UNREADABLE[what])
    assert str(refused.value) == f"{VARIABLE}: {WAY_OUT}"
    assert SECRET not in "".join(traceback.format_exception(refused.value))


URLS: dict[str, tuple[Connection, sa.URL]] = {
    "everything": (
        connection(host="db", port=5433, login="reader", password=HARD, database="app", extra=CLIENT),
        sa.URL.create("postgresql+psycopg2", "reader", HARD, "db", 5433, "app", CLIENT),
    ),
    "nothing": (connection(), sa.URL.create("postgresql+psycopg2")),
    "what is for Airflow's own hooks and not for PostgreSQL": (
        connection(host="db", extra={"cursor": "dictcursor", "iam": True, "sslmode": "require"}),
        sa.URL.create("postgresql+psycopg2", host="db", query={"sslmode": "require"}),
    ),
}


@pytest.mark.parametrize("what", URLS)
def test_the_address_for_sqlalchemy(what: str) -> None:
    given, url = URLS[what]
    assert connections.sqlalchemy_url(given) == url


def test_the_address_survives_being_written_as_text() -> None:
    """Great Expectations takes it as text."""
    url = connections.sqlalchemy_url(connection(host="db", login=HARD, password=HARD, database="app"))
    again = sa.make_url(url.render_as_string(hide_password=False))
    assert (again.username, again.password, again.host, again.database) == (HARD, HARD, "db", "app")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"mysql://reader:{SECRET}@db/app", "mysql"),
        (f"postgresql+psycopg2://reader:{SECRET}@db/app", "postgresql+psycopg2"),
        (f"google-cloud-sql://reader:{SECRET}@db/app", "google_cloud_sql"),
        (f'{{"host": "db", "password": "{SECRET}"}}', "nothing"),
    ],
)
def test_a_store_of_another_type_is_refused_in_these_words(text: str, kind: str) -> None:
    with pytest.raises(ConnectionMissingError) as refused:
        connections.sqlalchemy_url(find(text))
    says = f"connection {NAME}: is of type {kind}, and only PostgreSQL can be read. Make its type postgres."
    assert str(refused.value) == says


def test_the_text_of_a_connection_shows_neither_password_nor_extra() -> None:
    shown = connection(host="db", login="reader", password=SECRET, extra={"urls": [f"jsons://{SECRET}"]})
    for text in (repr(shown), str(shown), f"{shown}", repr([shown])):
        assert SECRET not in text
        assert "reader" in text


FIELDS: list[dict[str, Any]] = [
    {"conn_type": "postgres", "host": "db", "port": 5433, "login": "reader", "password": "word", "schema": "app"},
    {"conn_type": "postgres", "host": "db", "login": HARD, "password": HARD, "schema": HARD},
    {"conn_type": "postgres", "host": "/Var/Run/pg", "schema": "app", "extra": CLIENT},
    {"conn_type": "postgres", "host": "::1", "port": 5433, "password": "word"},
    {"conn_type": "postgres", "host": "db", "extra": {"sslmode": "require", "keepalives": 1}},
    {"conn_type": "postgres", "port": 5433},
    {"conn_type": "generic", "extra": CHANNELS},
    {"conn_type": "generic", "password": "mailtos://user:pass@mail.example.org?to=a@example.org"},
    {"conn_type": "google_cloud_platform", "extra": {"é": "ü&=", "": "?"}},
]
"""Connections as people give them to Airflow."""

PROGRAM = """
import json, sys
from airflow.models.connection import Connection as Stored
from airflow.sdk import Connection as Told
from privacy_audit.postgres import connections

NAMES = ("conn_type", "host", "port", "login", "password", "schema")
given = json.load(sys.stdin)

def read(text):
    made = Told.from_json(text, "x") if text.lstrip().startswith("{") else Told.from_uri(text, "x")
    return {**{name: getattr(made, name) for name in NAMES}, "extra": made.extra_dejson}

written = []
for fields in given["fields"]:
    extra = json.dumps(fields["extra"]) if "extra" in fields else None
    made = [kind(conn_id="x", **{**fields, "extra": extra}) for kind in (Stored, Told)]
    written.append([text for one in made for text in (one.get_uri(), one.as_json())])
try:
    missing = str(connections.find("store_app", {}))
except connections.ConnectionMissingError as error:
    missing = str(error)
print(json.dumps({"read": [read(text) for text in given["texts"]], "written": written, "missing": missing}))
"""
"""Run where Airflow may make its folder, for it does so when it is imported."""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow reads from our texts, what it writes of our connections, and what we say when it knows none."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
    }
    given = json.dumps({"fields": FIELDS, "texts": [text for text, _ in READ.values()]})
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=given, env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return told


def of_airflow(fields: dict[str, Any]) -> Connection:
    """A connection of Airflow's fields in our words; nothing and an empty text are the same to both."""
    return connection(
        kind=fields["conn_type"],
        host=fields.get("host") or "",
        port=fields.get("port"),
        login=fields.get("login") or "",
        password=fields.get("password") or "",
        database=fields.get("schema") or "",
        extra=fields.get("extra") or {},
    )


@pytest.mark.parametrize("what", READ)
def test_airflow_reads_the_same(what: str, airflow: dict[str, Any]) -> None:
    text, meant = READ[what]
    assert of_airflow(airflow["read"][list(READ).index(what)]) == meant == find(text)


@pytest.mark.parametrize("number", range(len(FIELDS)))
def test_what_airflow_writes_is_read_back(number: int, airflow: dict[str, Any]) -> None:
    texts = airflow["written"][number]
    assert [text.startswith("{") for text in texts] == [False, True, False, True]
    for text in texts:
        assert find(text) == of_airflow(FIELDS[number]), text


def test_a_connection_that_nobody_knows_is_refused_with_a_way_out(airflow: dict[str, Any]) -> None:
    assert airflow["missing"] == (
        "connection store_app: is not configured. Set AIRFLOW_CONN_STORE_APP,"
        " or add it with `airflow connections add store_app`."
    )


def test_asking_makes_no_airflow_where_there_is_none(tmp_path: Path) -> None:
    code = "from privacy_audit.postgres import connections; connections.find('nowhere')"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert "connection nowhere: is not configured. Set AIRFLOW_CONN_NOWHERE" in done.stderr
    assert list(tmp_path.iterdir()) == []
