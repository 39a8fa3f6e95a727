"""Columns of which no map speaks, in a real database: which are told, what is said of them, and what a sample holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from privacy_audit.sql.catalog.unknown_columns import sampled_counts, unmapped_columns
from privacy_audit.sql.detectors import Detector
from tests.unit.sql.catalog.conftest import Ground

CASES = YAML(typ="safe").load(Path(__file__).parent / "names.yaml")
Mapped = Mapping[str, frozenset[str] | None]


def told(ground: Ground, mapped: Mapped) -> list[Any]:
    """What the auditor is told; the owner is told the same, but for what each may read."""
    unmapped = unmapped_columns(mapped)
    told_to_all = (column for column in unmapped.c if column.name != "readable")
    statement = sa.select(*told_to_all).order_by(unmapped.c.relation, unmapped.c.column_name)
    with ground.auditor.connect() as auditor, ground.owner.connect() as owner:
        seen = list(auditor.execute(statement).all())
        assert seen == list(owner.execute(statement).all())
    return seen


def columns(ground: Ground, mapped: Mapped) -> set[str]:
    """The columns that are told, by their full name."""
    return {f"{row.relation}.{row.column_name}" for row in told(ground, mapped)}


def test_what_names_and_types_say(fresh: Ground) -> None:
    cases = [(name, "integer", says) for name, says in CASES["names"].items()] + CASES["types"]
    fresh.do(
        "CREATE SCHEMA app",
        "CREATE DOMAIN app.code AS varchar(12)",
        "CREATE DOMAIN app.email_address AS varchar(80)",
        "CREATE DOMAIN app.prose AS text",
        "CREATE DOMAIN app.words AS app.prose",
        "CREATE TYPE app.place AS (x integer, y integer)",
        "CREATE TYPE app.mood AS ENUM ('fine')",
        f"CREATE TABLE app.t ({', '.join(_column(name, kind) for name, kind, _ in cases)})",
    )
    said = {row.column_name: row.suspicion for row in told(fresh, {})}
    assert said == {name: says for name, _, says in cases}


def _column(name: str, kind: str) -> str:
    return f'"{name}" {kind}'


def test_a_type_is_told_by_its_name(fresh: Ground) -> None:
    fresh.do("CREATE SCHEMA app", "CREATE DOMAIN app.mail AS text", "CREATE TABLE app.t (a app.mail, b inet, c int8[])")
    assert [(row.type, row.searchable) for row in told(fresh, {})] == [("mail", True), ("inet", True), ("_int8", True)]


def test_only_what_the_map_does_not_know(fresh: Ground) -> None:
    fresh.do("CREATE SCHEMA app", "CREATE TABLE app.t (a int, b int, c int)", "CREATE TABLE app.u (a int)")
    assert columns(fresh, {}) == {"app.t.a", "app.t.b", "app.t.c", "app.u.a"}
    assert columns(fresh, {"app.t": frozenset({"a", "b"})}) == {"app.t.c", "app.u.a"}
    assert columns(fresh, {"app.t": None}) == {"app.u.a"}
    assert columns(fresh, {"app.t": frozenset()}) == {"app.t.a", "app.t.b", "app.t.c", "app.u.a"}
    assert columns(fresh, {"app.t": None, "app.u": frozenset({"a"}), "app.gone": None}) == set()


def test_what_came_later_is_told_and_what_went_is_not(fresh: Ground) -> None:
    fresh.do("CREATE SCHEMA app", "CREATE TABLE app.t (a int, b int)")
    mapped = {"app.t": frozenset({"a", "b"})}
    assert columns(fresh, mapped) == set()
    fresh.do("ALTER TABLE app.t ADD c int", "ALTER TABLE app.t RENAME b TO d", "ALTER TABLE app.t DROP a")
    assert columns(fresh, mapped) == {"app.t.c", "app.t.d"}


def test_names_that_need_quotes(fresh: Ground) -> None:
    fresh.do('CREATE SCHEMA "My App"', """CREATE TABLE "My App"."it's" ("Ünï:x" int, "%s" int, b int)""")
    assert columns(fresh, {"My App.it's": frozenset({"b", "%s"})}) == {"My App.it's.Ünï:x"}


def test_every_kind_that_holds_rows(fresh: Ground) -> None:
    fresh.do(
        "CREATE SCHEMA app",
        "CREATE TABLE app.plain (a int)",
        "CREATE UNLOGGED TABLE app.unlogged (a int)",
        "CREATE TABLE app.parts (a int) PARTITION BY LIST (a)",
        "CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES IN (1)",
        "CREATE VIEW app.seen AS SELECT a FROM app.plain",
        "CREATE MATERIALIZED VIEW app.kept AS SELECT a FROM app.plain",
        "CREATE SEQUENCE app.numbers",
        "CREATE INDEX ON app.plain (a)",
        "CREATE TYPE app.pair AS (a int)",
        "CREATE TEMPORARY TABLE passing (a int)",
        "CREATE FOREIGN DATA WRAPPER nowhere",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
        "CREATE FOREIGN TABLE app.far (a int) SERVER elsewhere",
        "CREATE TABLE public.shared (a int)",
    )
    assert {row.relation: row.kind for row in told(fresh, {})} == {
        "app.plain": "table",
        "app.unlogged": "table",
        "app.parts": "partitioned",
        "app.kept": "materialized view",
        "app.far": "foreign table",
        "public.shared": "table",
    }


def test_partitions_and_children_are_known_through_their_parents(fresh: Ground) -> None:
    fresh.do(
        "CREATE SCHEMA app",
        "CREATE TABLE app.parts (a int, b int) PARTITION BY RANGE (a)",
        "CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM (0) TO (9) PARTITION BY LIST (b)",
        "CREATE TABLE app.parts_1_1 PARTITION OF app.parts_1 FOR VALUES IN (1)",
        "CREATE TABLE app.parent (a int)",
        "CREATE TABLE app.child (b int) INHERITS (app.parent)",
        "CREATE TABLE app.grandchild (c int) INHERITS (app.child)",
    )
    mapped: Mapped = {"app.parts": frozenset({"a"}), "app.parent": frozenset({"a"}), "app.child": frozenset({"b"})}
    assert columns(fresh, mapped) == {"app.parts.b", "app.grandchild.c"}
    fresh.do("ALTER TABLE app.parts DETACH PARTITION app.parts_1")
    assert columns(fresh, mapped) == {"app.parts.b", "app.parts_1.a", "app.parts_1.b", "app.grandchild.c"}


def test_a_partition_that_is_being_detached_is_read_by_nobody(fresh: Ground) -> None:
    fresh.do(
        "CREATE SCHEMA app",
        "CREATE TABLE app.parts (a int) PARTITION BY LIST (a)",
        "CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES IN (1)",
        # What an interrupted DETACH ... CONCURRENTLY leaves behind.
        "SET allow_system_table_mods = on; UPDATE pg_inherits SET inhdetachpending = true"
        " WHERE inhrelid = 'app.parts_1'::regclass",
    )
    assert columns(fresh, {"app.parts": None}) == {"app.parts_1.a"}


def counted(ground: Ground, table: str, names: list[str], limit: int = 100, *only: Detector) -> dict[str, Any]:
    """Column to its counts, as the auditor gets them."""
    ground.do(f"GRANT USAGE ON SCHEMA app TO {ground.auditor.url.username}")
    ground.do(f"GRANT SELECT ON ALL TABLES IN SCHEMA app TO {ground.auditor.url.username}")
    with ground.auditor.connect() as auditor:
        rows = auditor.execute(sampled_counts("app", table, names, only or tuple(Detector), limit)).all()
    return {row.column_name: dict(row._mapping) for row in rows}


def test_a_sample_is_counted_in_one_statement(fresh: Ground) -> None:
    fresh.do(
        "CREATE SCHEMA app",
        """CREATE TABLE app.t (id int, "Bank; Details" text, raw jsonb, plain json, ip inet, tags text[], code char(40),
           blank text, number int8)""",
        """INSERT INTO app.t
           SELECT i, CASE WHEN i <= 3 THEN 'FR7630006000011234567890189' ELSE 'FR7630006000011234567890188' END,
                  jsonb_build_object('who', 'a' || i || '@b.fr'), '{"a": "06 12 34 56 78"}', '83.152.4.9',
                  ARRAY['x', CASE WHEN i = 1 THEN '255081416802538' END], 'a@b.fr', NULL, 4111111111111111
           FROM generate_series(1, 10) i""",
    )
    names = ["Bank; Details", "raw", "plain", "ip", "tags", "code", "blank", "number"]
    found = counted(fresh, "t", names)
    positive = {
        name: {key: value for key, value in row.items() if value and key != "column_name"}
        for name, row in found.items()
    }
    assert positive == {
        "Bank; Details": {"sampled": 10, "iban": 3},
        "raw": {"sampled": 10, "email": 10},
        "plain": {"sampled": 10, "phone": 10},
        "ip": {"sampled": 10, "ip": 10},
        "tags": {"sampled": 10, "nir": 1},
        "code": {"sampled": 10, "email": 10},
        "blank": {},
        "number": {"sampled": 10, "card": 10},
    }
    assert set(found["raw"]) == {"column_name", "sampled", *(detector.name.lower() for detector in Detector)}


def test_a_sample_is_bounded_and_says_so(fresh: Ground) -> None:
    fresh.do(
        "CREATE SCHEMA app",
        "CREATE TABLE app.t (a text)",
        "INSERT INTO app.t SELECT 'a@b.fr' FROM generate_series(1, 50)",
    )
    assert counted(fresh, "t", ["a"], 20, Detector.EMAIL) == {"a": {"column_name": "a", "sampled": 20, "email": 20}}


def test_an_empty_table_has_a_row_that_says_nothing_was_seen(fresh: Ground) -> None:
    fresh.do("CREATE SCHEMA app", "CREATE TABLE app.t (a text, b text)")
    assert {name: row["sampled"] for name, row in counted(fresh, "t", ["a", "b"]).items()} == {"a": 0, "b": 0}


def test_what_the_auditor_may_not_read_is_refused_not_empty(fresh: Ground) -> None:
    fresh.do("CREATE SCHEMA app", "CREATE TABLE app.t (a text)", "CREATE TABLE app.u (a text)")
    with fresh.auditor.connect() as auditor, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        auditor.execute(sampled_counts("app", "t", ["a"], tuple(Detector), 10))
