"""What a store map leaves out of a promise is said, with the reason that it gives, beside what was counted."""

from __future__ import annotations

from pathlib import Path

from privacy_audit.domain.audit import StoreResult
from tests.unit.engine.conftest import Store

BECAUSE = "The policy speaks of businesses named after a person. Nobody looks at the names."
ROWS = """
    CREATE TABLE app.invoices (id bigint PRIMARY KEY, user_id bigint, form text, paid_on date);
    CREATE TABLE app.payments (id bigint PRIMARY KEY, user_id bigint, form text, paid_on date);
    INSERT INTO app.invoices VALUES (1, 1, 'SARL', '2010-01-01'), (2, 2, 'EI', '2026-01-01');
    INSERT INTO app.payments VALUES (1, 1, 'SARL', '2010-01-01'), (2, 2, 'EI', '2026-01-01')
"""


def _audited(store: Store, results: Path, *, without: bool = False) -> StoreResult:
    condition = [] if without else [{"column": "form", "in": ["SARL"], "because": BECAUSE}]
    data = {"category": "financial", "clock": {"column": "paid_on", "encoding": "date"}, "out_of_scope": condition}
    table = {"title": "Rows", "key": ["id"], "subject": {"column": "user_id"}, "data": [data]}
    return store.audit(results, {"app.invoices": table, "app.payments": table}, controls=("RET-2",))


def test_the_reason_is_said_once_with_the_tables_that_it_is_given_of(store: Store, tmp_path: Path) -> None:
    store.do(ROWS)
    result = _audited(store, tmp_path / "both")
    assert {check.tally.out_of_scope for check in result.checks if check.tally} == {1}
    assert result.limits == (
        f"RET-2 leaves out rows of app.invoices by form, app.payments by form, as the store map says: {BECAUSE[:-1]}",
    )
    store.do("DROP TABLE app.payments")
    assert [limit.count("app.payments") for limit in _audited(store, tmp_path / "one").limits] == [0]


def test_where_nothing_is_left_out_nothing_is_said(store: Store, tmp_path: Path) -> None:
    store.do(ROWS)
    assert _audited(store, tmp_path, without=True).limits == ()
