"""Who can read personal data, by the catalog, against an oracle that becomes each role and tries.

Roles belong to the whole server, so every test names its own (`@name`), in a transaction that is rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_audit.sql.catalog.rights import future_rights, read_rights
from tests.unit.sql.catalog.trying import Opening, Reach, columns_of, try_everything, view

COLUMNS = {
    "app.contacts": ("id", "email", "phone"),
    "app.events": ("id", "place"),
    "app.events_a": ("id", "place"),
    "app.people": ("id", "name"),
    "hidden.secrets": ("id", "secret"),
    "app.notices": ("id", "text"),
}
"""The personal tables of the company below."""

COMPANY = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE ROLE @owner; CREATE ROLE @hidden_owner; CREATE ROLE @readers; CREATE ROLE @analysts; CREATE ROLE @stewards;
CREATE ROLE @power SUPERUSER; CREATE ROLE @unread; CREATE ROLE @doorman; CREATE ROLE @middle;
CREATE SCHEMA app; CREATE SCHEMA hidden; CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA app, shop TO PUBLIC; GRANT USAGE ON SCHEMA hidden TO @hidden_owner, @doorman;
GRANT CREATE ON SCHEMA app TO @owner; GRANT CREATE ON SCHEMA hidden TO @hidden_owner;

CREATE TABLE app.contacts (id int, gone int, email text, phone text); ALTER TABLE app.contacts DROP COLUMN gone;
CREATE TABLE app.events (id int, place text) PARTITION BY LIST (id);
CREATE TABLE app.events_a PARTITION OF app.events FOR VALUES IN (1);
CREATE TABLE app.events_b PARTITION OF app.events FOR VALUES IN (2);
CREATE TABLE app.people (id int, name text);
CREATE TABLE app.guests (invited_by text) INHERITS (app.people);
CREATE TABLE hidden.secrets (id int, secret text);
CREATE TABLE app.notices (id int, text text);
CREATE TABLE app.harmless (id int, email text);
ALTER TABLE app.contacts OWNER TO @owner; ALTER TABLE hidden.secrets OWNER TO @hidden_owner;
ALTER TABLE app.events OWNER TO @owner; ALTER TABLE app.people OWNER TO @owner;

CREATE VIEW app.v_contacts AS SELECT lower(email) AS mail FROM app.contacts WHERE phone IS NOT NULL;
CREATE VIEW app.v_reader WITH (security_invoker = on) AS SELECT email FROM app.contacts;
CREATE VIEW app.v_definer WITH (security_invoker = off) AS SELECT email FROM app.contacts;
CREATE VIEW app.v_upon AS SELECT mail FROM app.v_contacts;
CREATE VIEW app.v_reader_twice WITH (security_invoker) AS SELECT email FROM app.v_reader;
CREATE VIEW app.v_upon_reader AS SELECT email FROM app.v_reader;
CREATE VIEW app.v_powerless AS SELECT email FROM app.contacts;
CREATE VIEW app.v_rows AS SELECT id, to_jsonb(c) AS doc FROM app.contacts c;
CREATE VIEW app.v_count AS SELECT count(*) AS n FROM app.contacts;
CREATE VIEW app.v_partition AS SELECT place FROM app.events_b;
CREATE VIEW app.v_guests AS SELECT invited_by FROM app.guests;
CREATE VIEW shop.v_secrets AS SELECT secret FROM hidden.secrets;
CREATE MATERIALIZED VIEW app.m_contacts AS SELECT phone FROM app.contacts;
CREATE VIEW app.v_upon_copy AS SELECT phone FROM app.m_contacts;

CREATE FUNCTION app.parsed() RETURNS SETOF text SECURITY DEFINER BEGIN ATOMIC SELECT email FROM app.contacts; END;
CREATE FUNCTION app.parsed_for_reader() RETURNS SETOF text BEGIN ATOMIC SELECT secret FROM hidden.secrets; END;
CREATE FUNCTION app.parsed_upon_reader() RETURNS SETOF text SECURITY DEFINER
    BEGIN ATOMIC SELECT email FROM app.v_reader; END;
CREATE FUNCTION app.named(wanted int) RETURNS SETOF text SECURITY DEFINER LANGUAGE sql
    AS 'SELECT phone FROM App.Contacts WHERE id = wanted';
CREATE FUNCTION app.open(relation text) RETURNS SETOF text SECURITY DEFINER LANGUAGE plpgsql
    AS $$ BEGIN RETURN QUERY EXECUTE format('SELECT email FROM %s', relation); END $$;
CREATE FUNCTION app.helper() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM app.contacts';
CREATE FUNCTION app.through() RETURNS SETOF text SECURITY DEFINER LANGUAGE plpgsql
    AS $$ BEGIN RETURN QUERY SELECT app.helper(); END $$;
CREATE FUNCTION app.other() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql
    AS 'SELECT email FROM app.harmless -- not app.contacts_old';
CREATE FUNCTION app.powerless() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql AS 'SELECT email FROM app.contacts';
CREATE FUNCTION app.on_change() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql
    AS $$ BEGIN PERFORM email FROM app.contacts; RETURN NEW; END $$;
CREATE VIEW shop.v_parsed AS SELECT parsed FROM app.parsed();
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
ALTER VIEW app.v_contacts OWNER TO @owner; ALTER VIEW app.v_powerless OWNER TO @unread;
ALTER VIEW app.v_upon OWNER TO @stewards; GRANT SELECT ON app.v_contacts TO @stewards;
ALTER VIEW app.v_upon_reader OWNER TO @owner; GRANT SELECT ON app.v_reader TO @owner;
ALTER VIEW shop.v_secrets OWNER TO @hidden_owner;
ALTER FUNCTION app.parsed() OWNER TO @owner; ALTER FUNCTION app.named(int) OWNER TO @owner;
ALTER FUNCTION app.open(text) OWNER TO @owner; ALTER FUNCTION app.through() OWNER TO @owner;
GRANT EXECUTE ON FUNCTION app.helper() TO @owner;
ALTER FUNCTION app.powerless() OWNER TO @unread;
ALTER FUNCTION app.parsed_upon_reader() OWNER TO @stewards; GRANT SELECT ON app.v_reader TO @stewards;
GRANT SELECT ON app.notices TO PUBLIC; GRANT SELECT ON hidden.secrets TO @owner;
"""

LOGINS = {
    "nobody": "",
    "bystander": "GRANT EXECUTE ON FUNCTION app.other(), app.powerless(), app.on_change(), app.helper() TO @bystander;"
    "GRANT SELECT ON app.v_powerless, app.v_count, app.v_guests, app.harmless TO @bystander",
    "direct": "GRANT SELECT ON app.contacts TO @direct",
    "writer": "GRANT INSERT, UPDATE, DELETE ON app.contacts TO @writer",
    "revoked": "GRANT SELECT ON app.contacts TO @revoked; REVOKE SELECT ON app.contacts FROM @revoked",
    "expired": "GRANT SELECT ON app.contacts TO @expired; ALTER ROLE @expired VALID UNTIL '2020-01-01 00:00Z'",
    "endless": "GRANT SELECT ON app.contacts TO @endless; ALTER ROLE @endless VALID UNTIL 'infinity'",
    "column": "GRANT SELECT (phone, email) ON app.contacts TO @column",
    "columns": "GRANT SELECT (id, email, phone) ON app.contacts TO @columns",
    "member": "GRANT SELECT ON app.contacts TO @analysts; GRANT @analysts TO @member",
    "nested": "GRANT SELECT ON app.people TO @readers; GRANT @readers TO @analysts; GRANT @analysts TO @nested",
    "switching": "GRANT @analysts TO @switching WITH INHERIT FALSE",
    "noinherit": "ALTER ROLE @noinherit NOINHERIT; GRANT @analysts TO @noinherit",
    "inert": "GRANT @analysts TO @inert WITH INHERIT FALSE, SET FALSE",
    "admin": "GRANT @analysts TO @admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    "half_way": "GRANT @analysts TO @middle WITH INHERIT FALSE; GRANT @middle TO @half_way WITH SET FALSE",
    "owning": "GRANT @owner TO @owning",
    "careful": "CREATE TABLE app.own (id int, name text); ALTER TABLE app.own OWNER TO @careful;"
    "REVOKE ALL ON app.own FROM @careful",
    "root": "ALTER ROLE @root SUPERUSER",
    "rootable": "GRANT @power TO @rootable WITH INHERIT FALSE",
    "half_rootable": "GRANT @power TO @half_rootable WITH SET FALSE",
    "root_admin": "GRANT @power TO @root_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    "all_data": "GRANT pg_read_all_data TO @all_data",
    "all_data_by_switch": "GRANT pg_read_all_data TO @all_data_by_switch WITH INHERIT FALSE",
    "bypassing": "ALTER ROLE @bypassing BYPASSRLS; GRANT SELECT ON app.people TO @bypassing",
    "unschemed": "GRANT SELECT ON hidden.secrets TO @unschemed",
    "unschemed_view": "GRANT SELECT ON shop.v_secrets TO @unschemed_view",
    "unschemed_function": "GRANT SELECT ON hidden.secrets TO @unschemed_function;"
    "GRANT EXECUTE ON FUNCTION app.parsed_for_reader() TO @unschemed_function",
    "schemed": "GRANT SELECT ON hidden.secrets TO @schemed; GRANT pg_write_all_data TO @schemed",
    "two_halves": "GRANT SELECT ON hidden.secrets TO @two_halves; GRANT @doorman TO @two_halves WITH INHERIT FALSE",
    "by_view": "GRANT SELECT ON app.v_contacts TO @by_view",
    "by_view_column": "GRANT SELECT (mail) ON app.v_contacts TO @by_view_column",
    "by_reader_view": "GRANT SELECT ON app.v_reader TO @by_reader_view",
    "by_reader_view_and_column": "GRANT SELECT ON app.v_reader TO @by_reader_view_and_column;"
    "GRANT SELECT (email) ON app.contacts TO @by_reader_view_and_column",
    "by_reader_view_and_other": "GRANT SELECT ON app.v_reader TO @by_reader_view_and_other;"
    "GRANT SELECT (phone) ON app.contacts TO @by_reader_view_and_other",
    "by_reader_views_only": "GRANT SELECT ON app.v_reader, app.v_reader_twice TO @by_reader_views_only",
    "by_definer_view": "GRANT SELECT ON app.v_definer TO @by_definer_view",
    "by_view_of_view": "GRANT SELECT ON app.v_upon TO @by_view_of_view",
    "by_view_of_reader_view": "GRANT SELECT ON app.v_upon_reader TO @by_view_of_reader_view",
    "by_view_of_reader_view_and_table": "GRANT SELECT ON app.v_upon_reader TO @by_view_of_reader_view_and_table;"
    "GRANT SELECT (email) ON app.contacts TO @by_view_of_reader_view_and_table",
    "by_rows": "GRANT SELECT ON app.v_rows TO @by_rows",
    "by_copy": "GRANT SELECT ON app.m_contacts TO @by_copy",
    "by_view_of_copy": "GRANT SELECT ON app.v_upon_copy TO @by_view_of_copy",
    "by_partition": "GRANT SELECT (place) ON app.events_a TO @by_partition",
    "by_parent": "GRANT SELECT ON app.events TO @by_parent",
    "by_view_of_partition": "GRANT SELECT ON app.v_partition TO @by_view_of_partition",
    "by_child": "GRANT SELECT ON app.guests, app.v_guests TO @by_child",
    "by_parsed": "GRANT EXECUTE ON FUNCTION app.parsed() TO @by_parsed",
    "by_parsed_upon_reader": "GRANT EXECUTE ON FUNCTION app.parsed_upon_reader() TO @by_parsed_upon_reader",
    "by_named": "GRANT EXECUTE ON FUNCTION app.named(int) TO @by_named",
    "by_open": "GRANT EXECUTE ON FUNCTION app.open(text) TO @by_open",
    "by_through": "GRANT EXECUTE ON FUNCTION app.through() TO @by_through",
    "by_view_of_function": "GRANT SELECT ON shop.v_parsed TO @by_view_of_function;"
    "GRANT EXECUTE ON FUNCTION app.parsed() TO @by_view_of_function",
    "by_view_of_function_only": "GRANT SELECT ON shop.v_parsed TO @by_view_of_function_only",
}
"""Each login role of the company, by what makes it one."""

OPENINGS: tuple[Opening, ...] = (
    *columns_of("app.contacts", {"app.contacts": COLUMNS["app.contacts"]}),
    *columns_of("app.events", {"app.events": COLUMNS["app.events"], "app.events_a": COLUMNS["app.events"]}),
    *columns_of("app.events_a", {"app.events": COLUMNS["app.events"], "app.events_a": COLUMNS["app.events"]}),
    *columns_of("app.events_b", {"app.events": COLUMNS["app.events"]}),
    *columns_of("app.people", {"app.people": COLUMNS["app.people"]}),
    *columns_of("app.guests", {"app.people": COLUMNS["app.people"]}),
    *columns_of("hidden.secrets", {"hidden.secrets": COLUMNS["hidden.secrets"]}),
    *columns_of("app.notices", {"app.notices": COLUMNS["app.notices"]}),
    *columns_of("app.own", {"app.own": ("id", "name")}, "GRANT SELECT ON app.own TO CURRENT_USER"),
    view("app.v_contacts", "mail", "app.contacts", "email", "phone"),
    view("app.v_reader", "email", "app.contacts", "email"),
    view("app.v_reader_twice", "email", "app.contacts", "email"),
    view("app.v_definer", "email", "app.contacts", "email"),
    view("app.v_upon", "mail", "app.contacts", "email", "phone"),
    view("app.v_upon_reader", "email", "app.contacts", "email"),
    view("app.v_powerless", "email", "app.contacts", "email"),
    view("app.v_rows", "doc", "app.contacts", "id", "email", "phone"),
    view("app.v_partition", "place", "app.events", "place"),
    view("app.m_contacts", "phone", "app.contacts", "phone"),
    view("app.v_upon_copy", "phone", "app.contacts", "phone"),
    view("shop.v_secrets", "secret", "hidden.secrets", "secret"),
    view("shop.v_parsed", "parsed", "app.contacts", "email"),
    Opening("SELECT app.parsed()", {"app.contacts": frozenset({"email"})}),
    Opening("SELECT app.parsed_upon_reader()", {"app.contacts": frozenset({"email"})}),
    Opening("SELECT app.parsed_for_reader()", {"hidden.secrets": frozenset({"secret"})}),
    # What a text may read is any column its owner may.
    Opening("SELECT app.named(1)", {"app.contacts": frozenset(COLUMNS["app.contacts"])}),
    Opening("SELECT app.through()", {"app.contacts": frozenset(COLUMNS["app.contacts"])}),
    Opening("SELECT app.powerless()", {"app.contacts": frozenset({"email"})}),
    Opening("SELECT app.open('app.contacts')", {"app.contacts": frozenset(COLUMNS["app.contacts"])}),
    *(
        Opening(
            f"SELECT app.open('(SELECT CAST({c} AS text) AS email FROM {t}) t')",
            {name: frozenset({c}) for name in names},
        )
        for t, c, names in [
            ("app.events", "id", ("app.events", "app.events_a")),
            ("app.events", "place", ("app.events", "app.events_a")),
            ("app.people", "id", ("app.people",)),
            ("app.people", "name", ("app.people",)),
            ("hidden.secrets", "secret", ("hidden.secrets",)),
        ]
    ),
)


@dataclass(frozen=True)
class Place:
    """A database within a transaction that ends in nothing, with names of roles of its own."""

    connection: sa.Connection
    prefix: str

    def run(self, script: str) -> None:
        """Statements in which `@name` is a role of this test."""
        self.connection.exec_driver_sql(re.sub(r"@(?=\w)", f"{self.prefix}_", script).replace("%", "%%"))

    def rows(self, subquery: sa.Subquery) -> list[dict[str, Any]]:
        """Rows with `@name` for the roles of this test, and the superuser; other tests' roles do not count."""
        found = [dict(row) for row in self.connection.execute(sa.select(subquery)).mappings()]
        told = [{k: self._short(v) for k, v in row.items()} for row in found]
        return [row for row in told if row["role"].startswith("@") or row["role"] in ("postgres", "PUBLIC")]

    def reach(self, tables: Sequence[str], all_columns: dict[str, tuple[str, ...]]) -> Reach:
        """What `read_rights` says, as the oracle does."""
        return {
            (row["role"], row["relation"]): frozenset(row["columns"].split(", ") or ())
            if row["columns"]
            else frozenset(all_columns[row["relation"]])
            for row in self.rows(read_rights(tables))
        }

    def tried(self, logins: Sequence[str], others: Sequence[str], openings: Sequence[Opening]) -> Reach:
        """What the oracle says."""
        named = [self._long(login) for login in logins]
        everyone = [*named, *(self._long(other) for other in others), "pg_read_all_data", "pg_database_owner"]
        with self.connection.connection.cursor() as cursor:
            found = try_everything(cursor, named, everyone, openings, self.connection.engine.url.database or "")
        return {(self._short(role), table): columns for (role, table), columns in found.items()}

    def _long(self, role: str) -> str:
        return role.replace("@", f"{self.prefix}_")

    def _short(self, value: Any) -> Any:
        return value.replace(f"{self.prefix}_", "@") if isinstance(value, str) else value


@contextmanager
def place(database: str) -> Iterator[Place]:
    """A place to grant in, undone at the end."""
    engine = sa.create_engine(database, poolclass=sa.pool.NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        yield Place(connection, f"r{uuid4().hex[:8]}")
        transaction.rollback()
    engine.dispose()


def _company(where: Place) -> None:
    where.run(COMPANY)
    where.run(" ".join(f"CREATE ROLE @{login} LOGIN;" for login in LOGINS))
    for login, script in LOGINS.items():
        where.run(script or f"GRANT USAGE ON SCHEMA app TO @{login}")


TABLES = {**COLUMNS, "app.own": ("id", "name")}
OTHERS = ("@owner", "@hidden_owner", "@readers", "@analysts", "@stewards", "@power", "@unread", "@doorman", "@middle")


def test_each_role_reads_what_it_can_really_read_and_nothing_else(database: str) -> None:
    with place(database) as where:
        _company(where)
        tried = where.tried([*(f"@{login}" for login in LOGINS), "postgres"], OTHERS, OPENINGS)
        said = where.reach(list(TABLES), TABLES)
    assert {pair: sorted(columns) for pair, columns in said.items()} == {
        pair: sorted(columns) for pair, columns in tried.items()
    }


PATHS = {
    ("@direct", "app.contacts"): "granted",
    ("@columns", "app.contacts"): "columns id, email, phone granted",
    ("@column", "app.contacts"): "columns email, phone granted",
    ("@nobody", "app.notices"): "granted to PUBLIC",
    ("@member", "app.contacts"): "granted to @analysts, of which it is a member",
    ("@nested", "app.people"): "granted to @readers, of which it is a member",
    ("@switching", "app.contacts"): "granted to @analysts, by SET ROLE @analysts",
    ("@switching", "app.people"): "granted to @readers, of which @analysts is a member, by SET ROLE @analysts",
    ("@admin", "app.contacts"): "granted to @analysts, once it has granted itself @analysts",
    ("@careful", "app.own"): "owner",
    ("@root", "app.notices"): "granted to PUBLIC; superuser",
    ("@rootable", "app.events"): "superuser, by SET ROLE @power",
    ("@all_data", "app.events"): "member of pg_read_all_data",
    ("@by_view", "app.contacts"): "view app.v_contacts (rights of its owner): granted",
    ("@by_reader_view_and_column", "app.contacts"): "columns email granted;"
    " view app.v_reader (rights of the reader): granted",
    ("@by_copy", "app.contacts"): "materialized view app.m_contacts: granted",
    ("@by_partition", "app.events"): "partition app.events_a: columns place granted",
    ("@by_parent", "app.events_a"): "table app.events: granted",
    ("@by_child", "app.people"): "table app.guests: granted",
    ("@by_parsed", "app.contacts"): "function app.parsed() (runs with the rights of @owner): granted",
    ("@by_named", "app.contacts"): "function app.named(wanted integer) may read it (runs with the rights of @owner):"
    " granted",
    ("@owning", "app.events"): "function app.open(relation text) may read it (runs with the rights of @owner):"
    " owner @owner, of which it is a member; owner @owner, of which it is a member",
}


def test_every_path_is_told_once_and_in_its_most_direct_way(database: str) -> None:
    with place(database) as where:
        _company(where)
        told = {(row["role"], row["relation"]): row["via"] for row in where.rows(read_rights(list(TABLES)))}
    assert {pair: told.get(pair) for pair in PATHS} == PATHS


def test_columns_are_named_in_the_order_of_the_table_and_only_when_some_are_missing(database: str) -> None:
    with place(database) as where:
        _company(where)
        columns = {(row["role"], row["relation"]): row["columns"] for row in where.rows(read_rights(["app.contacts"]))}
    assert columns["@column", "app.contacts"] == "email, phone"
    assert columns["@columns", "app.contacts"] == columns["@direct", "app.contacts"] == ""


def test_a_role_tells_until_when_it_lets_someone_in_and_whether_row_security_binds_it(database: str) -> None:
    with place(database) as where:
        _company(where)
        rows = {row["role"]: row for row in where.rows(read_rights(["app.contacts", "app.people"]))}
    assert rows["@expired"]["valid_until"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert rows["@endless"]["valid_until"] is None
    assert rows["@direct"]["valid_until"] is None
    assert {role for role, row in rows.items() if row["bypasses"]} == {"postgres", "@root", "@rootable", "@bypassing"}


def test_an_ordinary_auditor_sees_what_the_superuser_sees(database: str) -> None:
    with place(database) as where:
        _company(where)
        where.run("ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO @readers")
        where.run("CREATE ROLE @auditor LOGIN; GRANT SELECT ON app.contacts TO @auditor")
        asked = (read_rights(list(TABLES)), future_rights())
        by_superuser = [where.rows(question) for question in asked]
        where.run("SET SESSION AUTHORIZATION @auditor")
        by_auditor = [where.rows(question) for question in asked]
        where.run("RESET SESSION AUTHORIZATION")
    order = repr
    assert [sorted(rows, key=order) for rows in by_auditor] == [sorted(rows, key=order) for rows in by_superuser]
    assert all(by_auditor)


def test_a_role_that_may_not_enter_the_database_reads_nothing_there(database: str) -> None:
    with place(database) as where:
        name = where.connection.engine.url.database
        where.run(
            "CREATE TABLE public.t (id int); GRANT SELECT ON public.t TO PUBLIC;"
            "CREATE ROLE @outside LOGIN; CREATE ROLE @inside LOGIN; CREATE ROLE @guests; CREATE ROLE @guest LOGIN;"
            "CREATE ROLE @keeper LOGIN; CREATE ROLE @deputy LOGIN; CREATE ROLE @switcher LOGIN;"
            f"ALTER DATABASE {name} OWNER TO @keeper; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC, @keeper;"
            f"GRANT CONNECT ON DATABASE {name} TO @inside, @guests;"
            "GRANT @guests TO @guest; GRANT @guests TO @switcher WITH INHERIT FALSE;"
            "GRANT @keeper TO @deputy WITH INHERIT FALSE"
        )
        readers = {row["role"] for row in where.rows(read_rights(["public.t"]))}
    # The owner of a database lets itself in, and so does anyone who can become it.
    assert readers == {"postgres", "@inside", "@guest", "@keeper", "@deputy"}


def test_the_owner_of_the_database_owns_what_its_owner_role_owns(database: str) -> None:
    with place(database) as where:
        where.run(
            "CREATE TABLE public.t (id int); ALTER TABLE public.t OWNER TO pg_database_owner;"
            "CREATE ROLE @keeper LOGIN; CREATE ROLE @other LOGIN;"
            f"ALTER DATABASE {where.connection.engine.url.database} OWNER TO @keeper"
        )
        said = where.reach(["public.t"], {"public.t": ("id",)})
        tried = where.tried(["@keeper", "@other", "postgres"], [], list(columns_of("public.t", {"public.t": ["id"]})))
    assert said == tried
    assert ("@keeper", "public.t") in said


def test_odd_names_are_followed_too(database: str) -> None:
    with place(database) as where:
        where.run(
            'CREATE SCHEMA "Of us"; CREATE TABLE "Of us"."My-Table $1" (id int, "e, mail" text);'
            'CREATE ROLE @r LOGIN; GRANT USAGE ON SCHEMA "Of us" TO @r;'
            'CREATE FUNCTION "Of us"."F x"() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql'
            ' AS $$ SELECT "e, mail" FROM "Of us"."My-Table $1" $$;'
            'CREATE VIEW "Of us"."V""x" AS SELECT "e, mail" FROM "Of us"."My-Table $1";'
            'GRANT SELECT ON "Of us"."V""x" TO @r'
        )
        rows = {row["role"]: row for row in where.rows(read_rights(["Of us.My-Table $1"]))}
    assert rows["@r"]["via"] == (
        "function Of us.F x() may read it (runs with the rights of postgres): granted to PUBLIC;"
        ' view Of us.V"x (rights of its owner): granted'
    )


def test_what_is_no_relation_has_no_readers(database: str) -> None:
    with place(database) as where:
        where.run("CREATE TABLE public.t (id int)")
        assert where.rows(read_rights([])) == []
        assert where.rows(read_rights(["public.gone", "t", "public.t; DROP TABLE t"])) == []
        assert len(where.rows(read_rights(["public.t", "public.t"]))) == 1


def test_functions_that_call_each_other_come_to_an_end(database: str) -> None:
    with place(database) as where:
        where.run(
            "CREATE TABLE public.t (id int); CREATE ROLE @r LOGIN;"
            "CREATE FUNCTION public.ping() RETURNS int LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM id FROM t; RETURN pong(); END';"
            "CREATE FUNCTION public.pong() RETURNS int SECURITY DEFINER LANGUAGE plpgsql"
            " AS 'BEGIN RETURN ping(); END'"
        )
        rows = {row["role"]: row["via"] for row in where.rows(read_rights(["public.t"]))}
    assert rows["@r"] == "function public.pong() may read it (runs with the rights of postgres): granted to PUBLIC"


def test_future_tables_are_read_by_whom_default_privileges_name(database: str) -> None:
    with place(database) as where:
        where.run(
            "CREATE SCHEMA app; CREATE ROLE @maker; CREATE ROLE @readers; CREATE ROLE @others; CREATE ROLE @writers;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker GRANT SELECT ON TABLES TO @readers, PUBLIC;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker IN SCHEMA app GRANT SELECT ON TABLES TO @others;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker IN SCHEMA app GRANT INSERT ON TABLES TO @writers;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker IN SCHEMA app GRANT SELECT ON SEQUENCES TO @writers;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker GRANT SELECT ON TABLES TO @writers;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE @maker REVOKE SELECT ON TABLES FROM @writers"
        )
        rows = where.rows(future_rights())
    assert sorted(tuple(row.values()) for row in rows) == [
        ("@others", "app", "@maker"),
        ("@readers", "", "@maker"),
        ("PUBLIC", "", "@maker"),
    ]


DRAWN_TABLES = {"s0.t0": ("x", "y"), "s0.t1": ("x", "y"), "s1.t2": ("x", "y")}
DRAWN_LOGINS = ("@a", "@b", "@c", "@d")
DRAWN_BASE = """
CREATE SCHEMA s0; CREATE SCHEMA s1;
CREATE ROLE @a LOGIN; CREATE ROLE @b LOGIN; CREATE ROLE @c LOGIN; CREATE ROLE @d LOGIN;
CREATE TABLE s0.t0 (x text, y text); CREATE TABLE s0.t1 (x text, y text); CREATE TABLE s1.t2 (x text, y text);
CREATE VIEW s1.v AS SELECT x FROM s0.t0 WHERE y IS NULL;
CREATE FUNCTION s0.f() RETURNS SETOF text SECURITY DEFINER BEGIN ATOMIC SELECT y FROM s1.t2; END;
REVOKE EXECUTE ON FUNCTION s0.f() FROM PUBLIC;
"""
DRAWN_OPENINGS = (
    *(opening for table, columns in DRAWN_TABLES.items() for opening in columns_of(table, {table: columns})),
    view("s1.v", "x", "s0.t0", "x", "y"),
    Opening("SELECT s0.f()", {"s1.t2": frozenset({"y"})}),
)
_login = st.sampled_from(DRAWN_LOGINS)
_grantee = st.sampled_from([*DRAWN_LOGINS, "PUBLIC"])
_table = st.sampled_from([*DRAWN_TABLES])
_yes_no = st.sampled_from(["TRUE", "FALSE"])
_pair = st.sampled_from([(low, high) for low in DRAWN_LOGINS for high in DRAWN_LOGINS if low < high])
GRANT = st.one_of(
    st.builds("GRANT USAGE ON SCHEMA {} TO {}".format, st.sampled_from(["s0", "s1"]), _grantee),
    st.builds("GRANT SELECT ON {} TO {}".format, _table, _grantee),
    st.builds("GRANT SELECT ({}) ON {} TO {}".format, st.sampled_from(["x", "y", "x, y"]), _table, _grantee),
    st.builds("GRANT {0[0]} TO {0[1]} WITH INHERIT {1}, SET {2}, ADMIN {3}".format, _pair, _yes_no, _yes_no, _yes_no),
    st.builds("GRANT SELECT ON s1.v TO {}".format, _grantee),
    st.builds("GRANT EXECUTE ON FUNCTION s0.f() TO {}".format, _grantee),
    st.builds("REVOKE SELECT ON {} FROM PUBLIC".format, _table),
    st.builds("ALTER TABLE {} OWNER TO {}".format, _table, _login),
    st.builds("ALTER VIEW s1.v OWNER TO {}".format, _login),
    st.builds("ALTER FUNCTION s0.f() OWNER TO {}".format, _login),
    st.builds("ALTER VIEW s1.v SET (security_invoker = {})".format, _yes_no),
)
"""Any step; members only ever point one way, so that they make no circle."""


@given(steps=st.lists(GRANT, min_size=8, max_size=25))
@settings(max_examples=15)
def test_whatever_is_granted_to_whom_the_catalog_tells_who_can_read(database: str, steps: list[str]) -> None:
    with place(database) as where:
        where.run(DRAWN_BASE)
        for step in steps:
            where.run(step)
        tried = where.tried(DRAWN_LOGINS, [], DRAWN_OPENINGS)
        said = where.reach([*DRAWN_TABLES], DRAWN_TABLES)
    assert {pair: columns for pair, columns in said.items() if pair[0] != "postgres"} == tried
