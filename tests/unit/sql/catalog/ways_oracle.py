"""Which ways lead out of a store, and whose they are, in plain Python: without a look at the SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from privacy_audit.config.map_clocks import Encoding
from privacy_audit.config.map_registers import RegisterBinding
from privacy_audit.sql.register_rows import InForceFields
from tests.oracle.moments import Calendar
from tests.oracle.records import BLANKS, Known, in_scope
from tests.unit.sql.catalog.columns_oracle import words_of
from tests.unit.sql.catalog.place import Judged
from tests.unit.sql.catalog.random_ways import MAY_BE, PLAIN, SERVER_ROLES, Entry, Role, Server, Ways

REACHING = ("dblink", "postgres_fdw", "odd_fdw", "http", "aws_s3")
"""The extensions, of all that are drawn, by which a query reaches others."""
SALE = ("sold to", "partner id", "broker", "lead price", "affiliate")
LOOKED_THROUGH = 1
"""One row says that all was looked through."""
FIELDS = {"recipient", "role", "from", "to"}
"""What the register of recipients has to say."""
FOUNDED = date(2019, 1, 1)
"""The company's first day."""
Way = tuple[str, str, str | None]
"""Its kind, its name, and where it leads."""


def judge_ways(drawn: Ways) -> Judged:
    """A way that nobody entered as one of somebody who is no third party breaks the promise; where the entry may not
    hold, or does not say what they are, nobody can tell."""
    registered = {way: _registered(way, drawn) for way in _ways(drawn)}
    return Judged.of(
        LOOKED_THROUGH + sum(known is True for known in registered.values()),
        [_told(way) for way, known in registered.items() if known is False],
        [_told(way) for way, known in registered.items() if known is None],
    )


def _told(way: Way) -> str:
    return " | ".join("-" if part is None else part for part in way)


def _ways(drawn: Ways) -> Iterator[Way]:
    for server in drawn.servers:
        yield "foreign server", server.name, _target(server)
    if any(holder.kind == "FOREIGN TABLE" for holder in drawn.holders):
        yield "foreign server", "own", None
    yield from (("publication", name, None) for name in drawn.publications)
    yield from (("subscription", name, None) for name in drawn.subscriptions)
    yield from (("extension", name, None) for name in drawn.extensions if name in REACHING)
    yield from (("untrusted language", name, None) for name in drawn.languages if name == "plwild")
    for holder in drawn.holders:
        if _speaks_of_sale(holder.column):
            yield "column that speaks of sale", f"app.{holder.name}.{holder.column}", None
    yield from _of_roles({role.name: role for role in drawn.roles})


def _target(server: Server) -> str | None:
    """Its host and database, as far as they are plain names."""
    told = (("host", server.host), ("dbname", server.dbname))
    parts = [f"{name} {value if value in PLAIN else 'not shown'}" for name, value in told if value is not None]
    return ", ".join(parts) or None


def _speaks_of_sale(column: str) -> bool:
    text = f" {' '.join(words_of(column))} "
    return any(f" {words}{ending} " in text for words in SALE for ending in ("", "s"))


def _of_roles(roles: Mapping[str, Role]) -> Iterator[Way]:
    """A superuser may do anything anyway: of one nothing is told here."""
    for role in roles.values():
        if role.logs_in and not role.is_superuser:
            if role.replicates:
                yield "replication role", role.name, None
            groups = _groups(role, roles)
            yield from (("server files and programs", role.name, group) for group in SERVER_ROLES if group in groups)


def _groups(role: Role, roles: Mapping[str, Role]) -> frozenset[str]:
    """All of which a role is a member, however far."""
    beyond = (_groups(roles[name], roles) for name in role.member_of if name in roles)
    return role.member_of.union(*beyond)


# Whose they are -------------------------------------------------------------------------------------------------------


def _registered(way: Way, drawn: Ways) -> Known:
    """Whether an entry that counts names the way or where it leads. A register that lacks a field registers nobody."""
    if drawn.fields is None or {*drawn.fields} != FIELDS:
        return False
    records = RegisterBinding.model_validate(drawn.written()["registers"]["recipients"])
    _, name, target = way
    of_it = [entry for entry in drawn.entries if (entry.recipient or "").strip(BLANKS) in {name, target or name}]
    answers = {_counts(entry, drawn, records) for entry in of_it}
    return True if True in answers else None if None in answers else False


def _counts(entry: Entry, drawn: Ways, records: RegisterBinding) -> Known:
    """Whether it is in force at T, and of one of the roles. The registers' own oracle knows how both are read."""
    calendar = Calendar(drawn.as_of, ZoneInfo("Europe/Paris"), FOUNDED)
    row: dict[str, str | date | datetime | None] = {records.fields["role"].column: entry.role}
    for field, moment in (("from", entry.since), ("to", entry.until)):
        clock = records.fields[field]
        is_day = moment is not None and clock.encoding is Encoding.DATE
        row[clock.column] = calendar.day(moment) if is_day else moment
    asks = SimpleNamespace(in_force=InForceFields.model_validate({"from": "from", "to": "to"}), only={"role": MAY_BE})
    return in_scope(SimpleNamespace(records=records, asks=asks), row, calendar)
