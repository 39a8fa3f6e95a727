"""What hypothesis draws of the ways out of a store: servers, roles, extensions, words of sale; and a register."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.unit.sql.catalog.random_stores import spelled
from tests.unit.sql.catalog.stored import quoted

Draw = st.DrawFn

PLAIN = ("db.example", "10.0.0.1", "fd00::2", "a.example,b.example", "/var/run/postgresql")
TELLING = ("postgresql://u:hunter2@h/leads", "u:hunter2@h", "host=h password=hunter2", "")
"""What may hold more than a name."""
SERVER_ROLES = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
ROLES = ("@ann", "@bob", "@group", "@staff", "@boss")
WORDS = ("sold", "to", "partner", "id", "broker", "brokers", "lead", "price", "affiliate", "our", "name")
EXTENSIONS = ("dblink", "postgres_fdw", "odd_fdw", "fdw_like", "ltree", "http", "aws_s3")
MAY_BE = ("internal", "processor", "sub_processor", "authority")
"""The roles of recipients that are no third party, as the policy has them."""
OWN_WORDS = {"processor": "sous-traitant"}
"""The words of a register that speaks another language, of the policy's."""
OTHERS_ARE = ("partner", "third_party", "process", "sub processor", "internal, partner", "Sous-Traitant")
KINDS = ("TABLE", "PARTITIONED", "PARTITION", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE")


FAR = tuple(datetime(year, 1, 1, 12, tzinfo=UTC) for year in (2018, 2019, 2030))
"""Before the company was there, since it is, and later than anybody knows."""


@dataclass(frozen=True)
class Server:
    name: str
    host: str | None
    dbname: str | None
    mapped: bool
    """Whether users are mapped to it."""


@dataclass(frozen=True)
class Role:
    name: str
    logs_in: bool
    replicates: bool
    is_superuser: bool
    member_of: frozenset[str]
    inherits: bool


@dataclass(frozen=True)
class Holder:
    """A relation with a column."""

    name: str
    kind: str
    column: str


@dataclass(frozen=True)
class Entry:
    """A row of the register of recipients."""

    recipient: str | None
    role: str | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Ways:
    """A store with ways out of it."""

    as_of: datetime
    servers: tuple[Server, ...]
    publications: frozenset[str]
    """`everything` is of all tables, `nothing` of none."""
    subscriptions: frozenset[str]
    roles: tuple[Role, ...]
    extensions: frozenset[str]
    languages: frozenset[str]
    holders: tuple[Holder, ...]
    fields: dict[str, Any] | None
    """The register's, as the map writes them; None: no register is bound."""
    words: dict[str, str]
    """What the register says for the policy's roles, where it says it in words of its own."""
    entries: tuple[Entry, ...]

    def written(self) -> dict[str, Any]:
        """As a store map writes it."""
        words = {"role": self.words} if self.fields and "role" in self.fields else {}
        register = {"table": "app.recipients", "key": ["id"], "fields": self.fields, "words": words}
        return {"registers": {} if self.fields is None else {"recipients": register}}


# Drawing --------------------------------------------------------------------------------------------------------------


@st.composite
def ways(draw: Draw) -> Ways:
    """Some of everything, and a register that knows some of it."""
    as_of = draw(st.sampled_from(("2026-11-24 00:00+01:00", "2026-11-24 10:00+01:00", "2026-11-24 23:59:59+01:00")))
    at = datetime.fromisoformat(as_of)
    some = draw(st.lists(servers(), max_size=3, unique_by=lambda server: server.name))
    drawn = (
        tuple(some),
        draw(st.frozensets(st.sampled_from(("nothing", "everything", "one")), max_size=2)),
        draw(st.frozensets(st.sampled_from(("taken_in", "one")), max_size=1)),
        draw(roles()),
        draw(st.frozensets(st.sampled_from(EXTENSIONS))),
        draw(st.frozensets(st.sampled_from(("plwild", "pltame")))),
        tuple(draw(st.lists(holders(), max_size=5, unique_by=lambda holder: holder.name))),
    )
    things = [one.name for one in (*some, *drawn[3])]
    names = [*things, *drawn[1], *drawn[2], *drawn[4], *SERVER_ROLES, "host db.example", "host 10.0.0.1"]
    fields, words = draw(registers()), draw(st.sampled_from(({}, {}, OWN_WORDS)))
    return Ways(at, *drawn, fields, words, tuple(draw(st.lists(entries(at, names), max_size=8))) if fields else ())


@st.composite
def servers(draw: Draw) -> Server:
    name = draw(st.sampled_from(("partner", "nowhere", "Leads; 2", "one")))
    host, dbname = (draw(st.sampled_from((None, *PLAIN, *PLAIN, *TELLING))) for _ in range(2))
    return Server(name, host, dbname, draw(st.booleans()))


@st.composite
def roles(draw: Draw) -> tuple[Role, ...]:
    """Roles of which each may be a member of those before it. The auditor is the last one."""
    made: list[Role] = []
    for name in (*ROLES[: draw(st.integers(0, len(ROLES)))], "@auditor"):
        others = [*SERVER_ROLES, *(role.name for role in made), *(role.name for role in made)]
        member_of = draw(st.frozensets(st.sampled_from(others), max_size=2)) if draw(st.booleans()) else frozenset()
        is_auditor = name == "@auditor"
        logs_in, inherits = is_auditor or draw(st.booleans()), draw(st.booleans())
        is_superuser = not is_auditor and draw(st.integers(0, 7)) == 0
        made.append(Role(name, logs_in, draw(st.integers(0, 3)) == 0, is_superuser, member_of, inherits))
    return tuple(made)


@st.composite
def holders(draw: Draw) -> Holder:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
    wanted = draw(st.sampled_from((words, ["sold", "to"], ["our", "partner", "id"], ["lead", "price", "name"])))
    style = draw(st.integers(0, 3))
    return Holder(draw(st.sampled_from("abcdefg")), draw(st.sampled_from(KINDS)), spelled(wanted, style))


@st.composite
def registers(draw: Draw) -> dict[str, Any] | None:
    """The fields of the register; now and then one is missing, and then nobody is registered."""
    encodings = st.sampled_from(("date", "timestamptz"))
    since, until = ({"column": name, "encoding": draw(encodings)} for name in ("since", "until"))
    texts = {name: {"column": name} for name in ("recipient", "role")}
    whole = {**texts, "from": since, "to": until}
    left_out = draw(st.sampled_from((*[""] * 8, "to", "role")))
    fields = {name: told for name, told in whole.items() if name != left_out}
    return draw(st.sampled_from((*[fields] * 8, None)))


@st.composite
def entries(draw: Draw, as_of: datetime, names: Sequence[str]) -> Entry:
    recipient = draw(st.sampled_from((*names, *names, None, "", "somebody")))
    spelt = draw(st.sampled_from((recipient, recipient, f" {recipient}\t" if recipient else None)))
    near = [as_of + timedelta(days=days) for days in (-1, 0, 1)]
    since, until = (draw(st.sampled_from((*near, None, *FAR))) for _ in range(2))
    times = draw(st.sampled_from((since, FAR[1]))), draw(st.sampled_from((until, None)))
    return Entry(spelt, draw(roles_of_recipients()), *times)


@st.composite
def roles_of_recipients(draw: Draw) -> str | None:
    """Of somebody who is no third party or who is one, written in one way or another; or nothing."""
    role = draw(st.sampled_from(draw(st.sampled_from((MAY_BE, OTHERS_ARE)))))
    return draw(st.sampled_from((role, role, role, role.upper(), f" {role.title()}\t", "", " \n", None)))


# The SQL that makes them ----------------------------------------------------------------------------------------------

PREMISES = (
    "CREATE FOREIGN DATA WRAPPER w",
    "CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO @auditor",
    "CREATE FUNCTION app.wild() RETURNS language_handler AS '$libdir/plpgsql', 'plpgsql_call_handler' LANGUAGE C",
    "CREATE TABLE app.one (id int PRIMARY KEY)",
    "SET allow_system_table_mods = on",
)
"""What every store begins with."""


def statements(drawn: Ways) -> Iterator[str]:
    """What makes the store. `@auditor` is the auditor's role."""
    yield from PREMISES
    for server in drawn.servers:
        yield from _server(server)
    tables = {"nothing": "", "everything": " FOR ALL TABLES", "one": " FOR TABLE app.one"}
    yield from (f"CREATE PUBLICATION {name}{tables[name]}" for name in drawn.publications)
    unconnected = "CONNECTION 'host=x' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false)"
    yield from (f"CREATE SUBSCRIPTION {name} {unconnected}" for name in drawn.subscriptions)
    for role in drawn.roles:
        yield from _role(role)
    for number, name in enumerate(sorted(drawn.extensions), start=900_001):
        yield f"INSERT INTO pg_extension VALUES ({number}, '{name}', 10, 'app'::regnamespace, true, '1.0')"
    yield from (f"CREATE {_trusted(name)}LANGUAGE {name} HANDLER app.wild" for name in drawn.languages)
    for holder in drawn.holders:
        yield from _holder(holder)
    yield from _register(drawn)


def _server(server: Server) -> Iterator[str]:
    told = {"host": server.host, "dbname": server.dbname, "port": "5432"}
    options = ", ".join(f"{name} '{value}'" for name, value in told.items() if value is not None)
    yield f"CREATE SERVER {quoted(server.name)} FOREIGN DATA WRAPPER w OPTIONS ({options})"
    if server.mapped:
        yield f"CREATE USER MAPPING FOR PUBLIC SERVER {quoted(server.name)}"


def _role(role: Role) -> Iterator[str]:
    may = {"LOGIN": role.logs_in, "REPLICATION": role.replicates, "SUPERUSER": role.is_superuser}
    what = "ALTER" if role.name == "@auditor" else "CREATE"
    yield f"{what} ROLE {role.name} {' '.join(right if has else f'NO{right}' for right, has in may.items())}"
    for other in sorted(role.member_of):
        yield f"GRANT {other} TO {role.name} WITH INHERIT {role.inherits}"


def _trusted(language: str) -> str:
    return "TRUSTED " if language == "pltame" else ""


def _holder(holder: Holder) -> Iterator[str]:
    column, name = quoted(holder.column), f"app.{holder.name}"
    made = {
        "TABLE": f"CREATE TABLE {name} ({column} text)",
        "PARTITIONED": f"CREATE TABLE {name} ({column} text) PARTITION BY LIST ({column})",
        "PARTITION": f"CREATE TABLE {name} ({column} text) PARTITION BY LIST ({column});"
        f" CREATE TABLE {name}_1 PARTITION OF {name} DEFAULT",
        "FOREIGN TABLE": f"CREATE SERVER IF NOT EXISTS own FOREIGN DATA WRAPPER w;"
        f" CREATE FOREIGN TABLE {name} ({column} text) SERVER own",
    }
    yield made.get(holder.kind, f"CREATE {holder.kind} {name} AS SELECT id AS {column} FROM app.one")


def _register(drawn: Ways) -> Iterator[str]:
    if drawn.fields is None:
        return
    types = {name: drawn.fields.get(name, {}).get("encoding", "date") for name in ("from", "to")}
    yield f"CREATE TABLE app.recipients (id int, recipient text, role text, since {types['from']}, until {types['to']})"
    yield "GRANT SELECT ON app.recipients TO @auditor; SET LOCAL TIME ZONE 'Europe/Paris'"
    for entry in drawn.entries:
        texts = (entry.recipient, entry.role, entry.since, entry.until)
        recipient, role, since, until = ("NULL" if text is None else f"'{text}'" for text in texts)
        times = f"CAST({since} AS timestamptz), CAST({until} AS timestamptz)"
        yield f"INSERT INTO app.recipients VALUES (1, {recipient}, {role}, {times})"
