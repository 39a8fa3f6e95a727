"""Rows that another server holds: a foreign table, be it only as a part of a table, leaves the check not audited.

What another server shows is decided there (row-level security, a filtering view, an empty file), outside our snapshot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain.outcomes import Cause, Outcome
from tests.unit.engine.conftest import Store, by_control

SERVER = "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere"
COLUMNS = "(id bigint, user_id bigint, recorded_at timestamptz)"
TABLES: dict[str, Any] = {
    "app.positions": {
        "title": "Positions",
        "key": ["id"],
        "subject": {"column": "user_id"},
        "data": [{"category": "geolocation", "clock": {"column": "recorded_at"}}],
    },
    "app.sessions": {
        "title": "Sessions",
        "key": ["id"],
        "subject": {"column": "user_id"},
        "data": [
            {
                "category": "connection",
                "clock": {
                    "latest": [
                        {"column": "started_at"},
                        {"table": "app.visits", "on": {"id": "session"}, "column": "seen_at"},
                    ]
                },
            }
        ],
    },
}
HOLDS: dict[str, Any] = {
    "table": "app.holds",
    "key": ["id"],
    "subject": "person",
    "category": "category",
    "matter": "matter",
    "started": {"column": "started"},
    "released": {"column": "released"},
}
PLAIN = f"""
    CREATE TABLE app.positions {COLUMNS};
    CREATE TABLE app.sessions (id bigint, user_id bigint, started_at timestamptz);
    CREATE TABLE app.visits (session bigint, seen_at timestamptz);
    CREATE TABLE app.holds
        (id int, person bigint, category text, matter text, started timestamptz, released timestamptz);
    INSERT INTO app.positions VALUES (1, 1, '2026-11-20');
    INSERT INTO app.sessions VALUES (1, 1, '2026-11-20');
    INSERT INTO app.visits VALUES (1, '2026-11-20');
"""
PARTITIONED = f"""
    DROP TABLE app.positions;
    CREATE TABLE app.positions {COLUMNS} PARTITION BY RANGE (recorded_at);
    CREATE TABLE app.positions_2026 PARTITION OF app.positions FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO app.positions VALUES (1, 1, '2026-11-20')
"""
PARTS = {
    "a child": ("CREATE FOREIGN TABLE app.far () INHERITS (app.positions) SERVER elsewhere", {"RET-3"}),
    "a child of a child": (
        "CREATE TABLE app.near () INHERITS (app.positions);"
        "CREATE FOREIGN TABLE app.far () INHERITS (app.near) SERVER elsewhere",
        {"RET-3"},
    ),
    "a partition": (
        f"{PARTITIONED}; CREATE FOREIGN TABLE app.far PARTITION OF app.positions"
        " FOR VALUES FROM ('2019-01-01') TO ('2026-01-01') SERVER elsewhere",
        {"RET-3"},
    ),
    "a part of what a clock joins": (
        "CREATE FOREIGN TABLE app.far () INHERITS (app.visits) SERVER elsewhere",
        {"RET-4"},
    ),
    "a part of a register": (
        "CREATE FOREIGN TABLE app.far () INHERITS (app.holds) SERVER elsewhere",
        {"RET-3", "RET-4"},
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_foreign_table_as_a_part_of_what_a_check_reads_leaves_it_not_audited(
    store: Store, tmp_path: Path, part: str
) -> None:
    making, hidden = PARTS[part]
    store.do(PLAIN, SERVER, making)
    tables = TABLES
    if "PARTITION BY" in making:
        tables = {**TABLES, "app.positions": {**TABLES["app.positions"], "relation": "partitioned"}}
    checks = by_control(store.audit(tmp_path, tables, registers={"legal_holds": HOLDS}))
    for control, check in checks.items():
        if control in hidden:
            assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.DRIFT)
            assert "app.far is read as a part of app." in check.reason
            assert "another server decides" in check.reason
        else:
            assert check.outcome is Outcome.PASS


def test_a_foreign_table_itself_is_told_in_the_same_words(store: Store, tmp_path: Path) -> None:
    store.do(PLAIN, SERVER, f"DROP TABLE app.positions; CREATE FOREIGN TABLE app.positions {COLUMNS} SERVER elsewhere")
    check = by_control(store.audit(tmp_path, TABLES))["RET-3"]
    assert (check.outcome, check.cause) == (Outcome.NOT_AUDITED, Cause.DRIFT)
    assert check.reason.startswith("app.positions is a foreign table: another server decides")


def test_all_foreign_parts_are_counted(store: Store, tmp_path: Path) -> None:
    far = (f"CREATE FOREIGN TABLE app.far_{n} () INHERITS (app.positions) SERVER elsewhere" for n in (1, 2, 3))
    store.do(PLAIN, SERVER, *far)
    check = by_control(store.audit(tmp_path, TABLES))["RET-3"]
    assert check.reason.startswith("app.far_1, and so are 2 more, is read as a part of app.positions")


@pytest.mark.parametrize("forced", ["", "; ALTER TABLE app.child FORCE ROW LEVEL SECURITY"])
def test_row_level_security_of_a_child_hides_nothing_from_who_reads_its_parent(
    store: Store, tmp_path: Path, forced: str
) -> None:
    """Shown, because it stands in no guard of ours: the server applies only what the named relation says."""
    store.do(
        PLAIN,
        "CREATE TABLE app.child () INHERITS (app.positions)",
        "INSERT INTO app.child VALUES (2, 2, '2026-01-01')",
        f"ALTER TABLE app.child ENABLE ROW LEVEL SECURITY {forced}",
    )
    check = by_control(store.audit(tmp_path, TABLES))["RET-3"]
    assert check.outcome is Outcome.FAIL
    assert check.tally is not None
    assert (check.tally.population, check.tally.violating) == (2, 1)
