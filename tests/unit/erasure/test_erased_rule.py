"""The check `erased` from its map to its outcome. What it says of rows and entries is data: cases/erased.yaml."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.compiler import suites
from privacy_audit.compiler.suites import Check, StoreCoverage
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.promises import Policy
from privacy_audit.engine import auditor, check_outcome
from privacy_audit.engine.measurement import measure
from privacy_audit.erasure.ledger import KEY_CHECK
from tests.conftest import MakeDatabase
from tests.unit.engine.conftest import PASSWORD
from tests.unit.erasure.erasing import (
    CONTROL,
    EMAIL,
    JEAN,
    KEYRING,
    MAP,
    SECRETS,
    T,
    Two,
    bound,
    conn,
    counts,
    give_keys,
    ledger,
    rule,
    two_stores,
)


@pytest.fixture
def two(database: str, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    with two_stores(database, make_database(), monkeypatch) as both:
        yield both


def _user(email: str = "'x@example.fr'", **columns: str) -> str:
    values = {"email": email, "origin": "'form'", "created": "'2026-02-01Z'", **columns}
    return f"INSERT INTO app.users (id, {', '.join(values)}) VALUES (2, {', '.join(values.values())})"


HIT = {"violating": 1, "subjects": 1}


def test_the_ledger_in_the_store_itself(two: Two) -> None:
    """Its digests as bytes this time, and its moments as seconds."""
    two.erase()
    digest = two.web.ask("SELECT digest FROM app.erasures WHERE kind = 'email' AND request = 'E-1'")
    check, at = KEYRING.digest(2, EMAIL, KEY_CHECK).hex(), "extract(epoch FROM date '2026-03-01')"
    two.app.do(
        "CREATE TABLE app.erasures (id int, request text, key_version int, kind text, digest bytea, at bigint)",
        *(
            f"INSERT INTO app.erasures VALUES (1, '{request}', 2, 'email', '\\x{one}', {at})"
            for request, one in (("E-1", digest), ("key check", check))
        ),
    )
    here = ledger(connection=None, completed={"column": "at", "encoding": "epoch_seconds"})
    assert counts(two.look(_user(f"'{JEAN}'"), edit=here)) == {"compliant": 1} | HIT
    assert "cannot be a fact" in two.refusal("UPDATE app.erasures SET at = at * 1000", edit=here).reason


def test_another_key_under_the_right_version_lets_nothing_pass(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """With it nobody would be found, and every row would be in order."""
    two.erase()
    give_keys(monkeypatch, [SECRETS[0], base64.b64encode(bytes(range(7, 47))).decode()])
    trouble = two.refusal(_user(f"'{JEAN}'"))
    assert "nothing in the ledger shows that the key under version 2 is the one" in trouble.reason
    assert trouble.cause is Cause.MISSING


def test_a_ledger_without_a_key_check_lets_nothing_pass(two: Two) -> None:
    two.erase()
    two.web.do("DELETE FROM app.erasures WHERE request = 'key check' AND key_version = '1'")
    assert counts(two.look(_user(f"'{JEAN}'"))) == {"compliant": 1} | HIT  # nobody was filed with that key
    two.web.do("DELETE FROM app.erasures WHERE request = 'key check' AND kind = 'email'")
    assert "`privacy-audit key-check` says what to file" in two.refusal().reason


def test_a_key_check_holds_for_what_was_digested_before_it_was_filed(two: Two) -> None:
    two.erase()
    two.web.do("UPDATE app.erasures SET completed = now() WHERE request = 'key check'")
    assert counts(two.look(_user(f"'{JEAN}'"))) == {"compliant": 1} | HIT


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (None, "connection ledger_keys: is not configured"),
        ("", "the password of connection ledger_keys is no JSON"),
        (SECRETS[0], "the password of connection ledger_keys is no JSON"),
        (json.dumps({"keys": {"2": SECRETS[0][:20]}}), "the password of connection ledger_keys"),
        (json.dumps({"keys": {"1": SECRETS[0]}}), "entries under key version 2, which the keyring does not hold"),
    ],
)
def test_without_the_keys_it_is_not_audited(
    two: Two, monkeypatch: pytest.MonkeyPatch, password: str | None, words: str
) -> None:
    two.erase()
    monkeypatch.delenv("AIRFLOW_CONN_LEDGER_KEYS")
    if password is not None:
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER_KEYS", json.dumps({"conn_type": "generic", "password": password}))
    trouble = two.refusal(_user(f"'{JEAN}'"))
    assert words in trouble.reason
    assert trouble.cause is Cause.MISSING


def test_a_key_that_was_put_back_works_at_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a keyring outlives a check: a worker that lives on would else keep an old one."""
    two.erase()
    give_keys(monkeypatch, SECRETS[:1])
    two.refusal()
    give_keys(monkeypatch, SECRETS)
    assert counts(two.look()) == {"compliant": 1}


@pytest.mark.parametrize(
    ("do", "wrong", "cause", "words"),
    [
        ("", {"port": 1}, Cause.UNREACHABLE, "nothing listens"),
        ("", {"password": "sesame"}, Cause.REFUSED, "refused the password"),
        ("REVOKE SELECT ON app.erasures FROM {role}", {}, Cause.REFUSED, "SQLSTATE 42501"),
        ("ALTER TABLE app.erasures DROP COLUMN kind", {}, Cause.DRIFT, "SQLSTATE 42703"),
        ("ALTER TABLE app.erasures RENAME TO others", {}, Cause.DRIFT, "no such table"),
        (
            "ALTER TABLE app.erasures RENAME TO others; CREATE VIEW app.erasures AS SELECT * FROM app.others",
            {},
            Cause.DRIFT,
            "may hide entries",
        ),
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
            " CREATE FOREIGN TABLE app.far () INHERITS (app.erasures) SERVER s",
            {},
            Cause.DRIFT,
            "a part of it is a foreign table, which may hide entries",
        ),
        (
            "ALTER TABLE app.erasures ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.erasures USING (id > 5)",
            {},
            Cause.REFUSED,
            "row-level security",
        ),
        ("ALTER ROLE {role} SUPERUSER", {}, Cause.UNSAFE_SESSION, "is a superuser. Give the auditor"),
        (
            "ALTER ROLE {role} SET standard_conforming_strings = off",
            {},
            Cause.UNSAFE_SESSION,
            "did not keep these settings",
        ),
    ],
)
def test_a_ledger_elsewhere_that_cannot_be_read(
    two: Two, monkeypatch: pytest.MonkeyPatch, do: str, wrong: dict[str, Any], cause: Cause, words: str
) -> None:
    two.erase()
    two.web.do(*([do.format(role=two.web.role)] if do else []))
    monkeypatch.setenv("AIRFLOW_CONN_STORE_WEB", conn(two.web.reader.set(**wrong)))
    trouble = two.refusal()
    assert words in trouble.reason
    assert "the erasure ledger (connection store_web)" in trouble.reason or "connection store_web" in trouble.reason
    assert trouble.cause is cause


def test_a_ledger_elsewhere_is_read_under_the_contract_and_at_one_instant(two: Two) -> None:
    from privacy_audit.postgres import other_databases
    from privacy_audit.postgres.session_settings import read_back

    two.erase()
    count = "SELECT count(*) FROM app.erasures WHERE request <> 'key check'"
    with other_databases.reading("store_web", "the erasure ledger") as connection:
        assert read_back(connection).session_user == two.web.role
        before = connection.exec_driver_sql(count).scalar()
        two.erase(request="E-2")
        assert connection.exec_driver_sql(count).scalar() == before == 2
        two.web.do(f"GRANT DELETE ON app.erasures TO {two.web.role}")
        with pytest.raises(sa.exc.InternalError, match="read-only transaction"):
            connection.exec_driver_sql("DELETE FROM app.erasures")
    assert two.web.ask(count) == 4


def test_through_great_expectations(two: Two, tmp_path: Path) -> None:
    two.erase()
    two.app.do(_user(f"'{JEAN}'"))
    result = _audited(two, tmp_path / "found")
    assert (result.outcome, result.tally and result.tally.violating) == (Outcome.FAIL, 1)
    assert "`privacy-audit residue --store app --table app.users`" in result.fix
    assert result.show_rows == result.show_undecidable == result.draft == ""
    two.web.do("DROP TABLE app.erasures")
    lost = _audited(two, tmp_path / "lost")
    assert (lost.outcome, lost.cause) == (Outcome.NOT_AUDITED, Cause.DRIFT)
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert written
    assert not [secret for secret in (*SECRETS, JEAN, PASSWORD) if secret in written]


def _audited(two: Two, results: Path) -> CheckResult:
    checks = (Check("app/app.users/DEL-4", CONTROL, "app", rule()),)
    coverage = StoreCoverage(StoreMap.model_validate(MAP), checks, (), ())
    policy = Policy("1", "Policy", date(2024, 1, 1), None, "Europe/Paris", "", "", (), (CONTROL,), ())
    order = auditor.StoreOrder(
        audit_id="a1",
        as_of=T,
        coverage=coverage,
        controls=frozenset({"DEL-4"}),
        suites=[json.loads(content) for content in suites.compile_suites(policy, [coverage]).values()],
        results=results,
    )
    (result,) = auditor.audit_store(order, lambda: two.app.reader).checks
    return result


def test_what_cannot_be_decided_says_why(two: Two) -> None:
    two.erase()
    two.app.do(_user("'gAAAAABkZm9v'"))
    erased = rule()
    with two.app.opened() as connection:
        measured = measure(connection, erased, T)
    result = check_outcome.judged(Check("app/app.users/DEL-4", CONTROL, "app", erased), measured, T)
    assert result.outcome is Outcome.REVIEW
    assert result.reason.startswith("1 row cannot be decided: they are newer than the erasure,")


def test_where_the_map_says_too_little() -> None:
    def without_ledger(given: dict[str, Any]) -> None:
        del given["registers"]["erasures"]

    def without_identifiers(given: dict[str, Any]) -> None:
        del given["tables"]["app.users"]["identifiers"]

    (unledgered,), (unidentified,) = bound(without_ledger), bound(without_identifiers)
    assert isinstance(unledgered, BindingError)
    assert "`registers.erasures`" in unledgered.reason
    assert isinstance(unidentified, BindingError)
    assert "app.users: DEL-4 needs `identifiers`" in unidentified.reason
