"""What a legal hold keeps is missed when it vanishes: two real databases, a store and the audit's own register."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from privacy_audit import audit_db
from privacy_audit.compiler import suites
from privacy_audit.compiler.suites import Check, StoreCoverage
from privacy_audit.config.store_map import StoreMap
from privacy_audit.controls import BindingError
from privacy_audit.controls.held_rows_present import HeldRowsPresent
from privacy_audit.domain.audit import CheckResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.domain.promises import Policy
from privacy_audit.domain.tally import Tally
from privacy_audit.engine import auditor, check_outcome
from privacy_audit.engine.measurement import measure
from privacy_audit.erasure import hold_manifests
from privacy_audit.pipeline import auditing, planning
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres.store_errors import StoreError
from tests.conftest import MakeDatabase
from tests.places import EXPECTATIONS
from tests.unit.audit_db.test_migration import _upgrade_to
from tests.unit.engine.conftest import made
from tests.unit.erasure.holding import CONTROL, HOLDS, KEYS, MAP, SCHEMA, Held, bound, conn, counts, give_keys, rule


@pytest.fixture(scope="module")
def upgraded(make_database: MakeDatabase) -> str:
    url = make_database()
    audit_db.init(url)
    return sa.make_url(url).database or ""


@pytest.fixture
def held(database: str, make_database: MakeDatabase, upgraded: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    kept = make_database(upgraded)
    monkeypatch.setenv("AIRFLOW_CONN_THE_REGISTER", conn(kept))
    give_keys(monkeypatch, "1")
    with made(database) as store:
        store.do(*SCHEMA)
        yield Held(store, kept)


STILL_THERE = {"population": 10, "compliant": 10}


def test_the_first_night_puts_on_file_what_is_held_and_nothing_else(held: Held) -> None:
    assert counts(held.night()) == STILL_THERE
    assert held.file() == [("app", "app.visits", "geolocation by id, created", 1)] * 10
    assert counts(held.night()) == STILL_THERE
    assert len(held.file()) == 10


GONE = {"population": 10, "compliant": 9, "violating": 1, "subjects": 1}


def test_what_vanished_stays_vanished_night_after_night(held: Held) -> None:
    held.night()
    first_filed = held.night("DELETE FROM app.visits WHERE id IN (1, 5)").oldest
    again = held.night("DELETE FROM app.visits WHERE id = 9")
    assert (again.violating, again.population, again.oldest) == (3, 10, first_filed)


def test_persons_are_counted_once(held: Held) -> None:
    hold = "INSERT INTO app.legal_holds VALUES (2, 2, '*', 'M-2', '2026-02-01Z', NULL)"
    assert held.night(hold).population == 20
    assert held.parts() == {"connection": 10, "geolocation": 20}
    gone = held.night("DELETE FROM app.visits WHERE id IN (1, 5, 2)")
    assert counts(gone) == {"population": 20, "compliant": 17, "violating": 3, "subjects": 2}


def test_a_row_of_which_two_kinds_of_data_were_held_is_one_row(held: Held) -> None:
    held.night("UPDATE app.legal_holds SET category = '*'")
    assert held.parts() == {"connection": 10, "geolocation": 10}
    emptied = held.night("UPDATE app.visits SET ip = NULL WHERE id = 1")
    assert counts(emptied) == GONE
    assert counts(held.night("DELETE FROM app.visits WHERE id = 1")) == GONE


def test_a_hold_that_does_not_cover_the_table(held: Held) -> None:
    assert counts(held.night("UPDATE app.legal_holds SET category = 'financial'")) == {}
    assert held.file() == []


def test_rows_of_a_person_who_is_told_by_another_table(held: Held) -> None:
    joined = {"table": "app.devices", "on": {"person": "id"}, "column": "owner"}
    devices = (
        "CREATE TABLE app.devices (id int PRIMARY KEY, owner text)",
        "INSERT INTO app.devices SELECT n, 'p' || n FROM generate_series(0, 3) n",
        "ALTER TABLE app.legal_holds ALTER person TYPE text USING 'p' || person",
    )

    def edit(given: dict[str, Any]) -> None:
        given["tables"]["app.visits"]["subject"] = joined

    assert counts(held.night(*devices, edit=edit)) == STILL_THERE
    assert counts(held.night("DELETE FROM app.visits WHERE id = 1", edit=edit)) == GONE
    assert held.night("DELETE FROM app.devices", edit=edit).violating == 10


def test_without_a_moment_of_collection_only_the_key_tells_a_row(held: Held) -> None:
    def edit(given: dict[str, Any]) -> None:
        del given["tables"]["app.visits"]["collected"]

    held.night(edit=edit)
    assert counts(held.night("UPDATE app.visits SET created = now() WHERE id = 1", edit=edit)) == STILL_THERE
    assert counts(held.night("DELETE FROM app.visits WHERE id = 1", edit=edit)) == GONE


def test_what_a_new_map_tells_otherwise_is_undecided_and_never_a_pass(held: Held) -> None:
    def edit(given: dict[str, Any]) -> None:
        del given["tables"]["app.visits"]["collected"]

    held.night()
    tally = held.night("DELETE FROM app.visits WHERE id = 1", edit=edit)
    assert counts(tally) == {"population": 19, "compliant": 9, "undecidable": 10}
    assert _outcome(held, tally).outcome is Outcome.REVIEW
    assert held.night("UPDATE app.legal_holds SET released = now() - interval '1 s'", edit=edit).undecidable == 0


def test_a_table_that_was_renamed_is_held_against_what_is_on_file_under_its_old_name(held: Held) -> None:
    def edit(given: dict[str, Any]) -> None:
        given["tables"]["app.journeys"] = given["tables"].pop("app.visits")
        given["formerly"] = {"app.journeys": ["app.visits"]}

    held.night()
    rename = "ALTER TABLE app.visits RENAME TO journeys"
    assert counts(held.night(rename, "DELETE FROM app.journeys WHERE id = 1", edit=edit)) == GONE
    assert {table for _, table, _, _ in held.file()} == {"app.visits"}
    new = "INSERT INTO app.journeys VALUES (1001, 1, 1, 1, '', now())"
    assert held.night(new, edit=edit).population == 11
    assert counts(held.night("DELETE FROM app.journeys WHERE id = 1001", edit=edit))["violating"] == 2


def test_a_rotation_of_keys_forgets_nothing(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    held.night()
    give_keys(monkeypatch, "1", "2")
    new = "INSERT INTO app.visits VALUES (1001, 1, 1, 1, '', now())"
    assert counts(held.night(new, "DELETE FROM app.visits WHERE id = 1")) == GONE | {"population": 11, "compliant": 10}
    assert sorted(version for *_, version in held.file()) == [1] * 10 + [2]
    assert held.night("DELETE FROM app.visits WHERE id = 1001").violating == 2


def test_without_an_old_key_nobody_can_tell(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    held.night()
    give_keys(monkeypatch, "2")
    with pytest.raises(StoreError, match=r"no key version 1.* Put the old key back") as caught:
        held.night()
    assert not [key for key in KEYS.values() if key in str(caught.value)]


def test_another_key_under_the_right_version_misses_nothing_silently(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it nothing on file would be anybody's, and what vanished would not be missed."""
    held.night()
    text = json.dumps({"keys": {"1": KEYS["2"]}})
    monkeypatch.setenv("AIRFLOW_CONN_HOLD_KEYS", json.dumps({"conn_type": "generic", "password": text}))
    with pytest.raises(StoreError, match="the key under version 1 is not the one that held rows") as caught:
        held.night("DELETE FROM app.visits")
    assert caught.value.cause is Cause.MISSING
    give_keys(monkeypatch, "1")
    assert counts(held.night())["violating"] == 10


def test_without_keys_it_is_not_audited(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_HOLD_KEYS")
    with pytest.raises(StoreError, match=r"connection hold_keys: is not configured") as caught:
        held.night()
    assert caught.value.cause is Cause.MISSING


def test_the_same_night_again_files_nothing_twice_and_finds_the_same(held: Held) -> None:
    held.night()
    night = datetime.now(UTC)
    looks = [held.night("DELETE FROM app.visits WHERE id = 1", as_of=night) for _ in range(2)]
    assert looks[0] == looks[1]
    assert counts(looks[0]) == GONE
    assert len(held.file()) == 10


def test_a_rehearsal_files_nothing(held: Held) -> None:
    assert counts(held.night(filing=False)) == STILL_THERE
    assert held.file() == []
    held.night()
    assert counts(held.night("DELETE FROM app.visits WHERE id = 1", filing=False)) == GONE


def test_an_audit_by_an_earlier_instant_files_nothing_and_judges_by_what_was_on_file_then(held: Held) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert counts(held.night(as_of=yesterday)) == STILL_THERE
    assert held.file() == []
    held.night()
    assert counts(held.night("DELETE FROM app.visits WHERE id = 1", as_of=yesterday)) == {
        "population": 9,
        "compliant": 9,
    }
    assert counts(held.night()) == GONE


def test_what_another_audit_saw_later_is_not_missed_in_an_older_snapshot(held: Held) -> None:
    """Two audits at once: the second sees, and files, a row that the snapshot of the first does not hold."""
    with hold_manifests.filing(), held.store.opened() as older:
        older.exec_driver_sql("SELECT 1")
        as_of = datetime.now(UTC)
        held.night("INSERT INTO app.visits VALUES (1001, 1, 1, 1, '', now())")
        assert counts(measure(older, rule(), as_of).tally) == STILL_THERE
    assert len(held.file()) == 11


def test_two_audits_that_file_at_once(held: Held) -> None:
    from concurrent.futures import ThreadPoolExecutor

    held.store.do(
        "INSERT INTO app.visits SELECT n, 1, 1, 1, '', now() FROM generate_series(2000, 8000) n",
    )
    with ThreadPoolExecutor(3) as pool:
        looks = [look.result() for look in [pool.submit(held.night) for _ in range(3)]]
    assert [counts(look) for look in looks] == [{"population": 6011, "compliant": 6011}] * 3
    assert len(held.file()) == 6011


@pytest.mark.parametrize(
    ("address", "cause", "words"),
    [
        ({"port": 1}, Cause.UNREACHABLE, "nothing listens"),
        ({"database": "template1"}, Cause.DRIFT, "a table is not there"),
    ],
)
def test_a_register_that_is_down_or_too_old(
    held: Held, monkeypatch: pytest.MonkeyPatch, address: dict[str, Any], cause: Cause, words: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_THE_REGISTER", conn(sa.make_url(held.register).set(**address)))
    with pytest.raises(StoreError, match=rf"audit database \(connection the_register\): .*{words}") as caught:
        held.night()
    assert caught.value.cause is cause
    assert "127.0.0.1" not in str(caught.value)


def test_a_register_that_takes_no_writing_is_not_a_pass(held: Held) -> None:
    database = sa.make_url(held.register).database
    with sa.create_engine(held.register, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="takes no writing"):
        held.night()
    assert counts(held.night(filing=False)) == STILL_THERE


def test_what_is_on_file_stays(held: Held) -> None:
    held.night()
    for statement in ("DELETE FROM hold_manifests", "UPDATE hold_manifests SET key_version = 7"):
        with (
            sa.create_engine(held.register, poolclass=sa.NullPool).connect() as connection,
            pytest.raises(sa.exc.IntegrityError, match="what was filed stays as it is"),
        ):
            connection.exec_driver_sql(statement)


def test_no_key_of_a_row_or_person_is_on_file(held: Held) -> None:
    held.store.do("ALTER TABLE app.visits ALTER id TYPE text USING 'canary-' || id")
    held.night()
    with sa.create_engine(held.register, poolclass=sa.NullPool).connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM hold_manifests").all()
    assert len(rows) == 10 + 1  # the key check
    assert "canary" not in repr([[bytes(cell) if isinstance(cell, memoryview) else cell for cell in it] for it in rows])


def _outcome(held: Held, tally: Tally) -> CheckResult:
    one = rule()
    with held.store.opened() as connection:
        measured = replace(measure(connection, one, datetime.now(UTC)), tally=tally)
    return check_outcome.judged(Check("app/app.visits/HLD-2", CONTROL, "app", one), measured, datetime.now(UTC))


def test_nothing_under_a_hold_is_no_pass_and_says_so(held: Held) -> None:
    tally = held.night("UPDATE app.legal_holds SET released = now() - interval '1 s'")
    result = _outcome(held, tally)
    assert (result.outcome, result.reason) == (Outcome.NOT_APPLICABLE, "No row of the table is under a legal hold.")


def test_a_table_whose_key_is_not_unique_is_not_audited(held: Held, tmp_path: Path) -> None:
    held.store.do("ALTER TABLE app.visits DROP CONSTRAINT visits_pkey")
    result = _audited(held, tmp_path)
    assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.DRIFT)


def test_through_great_expectations(held: Held, tmp_path: Path) -> None:
    """Whatever runs the check in between, what it sees is filed when the audit is, and only then."""
    assert _audited(held, tmp_path / "rehearsal").outcome is Outcome.PASS
    assert held.file() == []
    with hold_manifests.filing():
        assert _audited(held, tmp_path / "first").outcome is Outcome.PASS
        held.store.do("DELETE FROM app.visits WHERE id = 1")
        second = _audited(held, tmp_path / "second")
    assert second.outcome is Outcome.FAIL
    assert second.tally is not None
    assert counts(second.tally) == GONE
    assert second.show_rows == second.draft == ""


def _audited(held: Held, results: Path) -> CheckResult:
    given = StoreMap.model_validate(MAP)
    checks = tuple(Check(f"app/{one.table}/HLD-2", CONTROL, "app", one) for one in [rule()])
    coverage = StoreCoverage(given, checks, (), ())
    policy = Policy("1", "Policy", date(2024, 1, 1), None, "Europe/Paris", "", "", (), (CONTROL,), ())
    order = auditor.StoreOrder(
        audit_id="a1",
        as_of=datetime.now(UTC),
        coverage=coverage,
        controls=frozenset({"HLD-2"}),
        suites=[json.loads(content) for content in suites.compile_suites(policy, [coverage]).values()],
        results=results,
    )
    (result,) = auditor.audit_store(order, lambda: held.store.reader).checks
    return result


PROMISE = {
    "kind": "held_rows_present",
    "title": CONTROL.title,
    "severity": "critical",
    "clauses": ["holds.litigation"],
    "legal_basis": ["GDPR art. 17(3)(e)"],
    "effective_from": "2024-01-01",
}


def test_the_nightly_audit_files_and_an_audit_by_hand_does_not(
    held: Held, make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register is of an older version yet: the first night upgrades it before it looks."""
    real, folder, yaml = EXPECTATIONS, tmp_path / "expectations", YAML()
    (folder / "stores").mkdir(parents=True)
    promises = yaml.load((real / "policy.yaml").read_text(encoding="utf-8"))
    promises["controls"]["HLD-2"] = PROMISE
    yaml.dump(promises, folder / "policy.yaml")
    yaml.dump(MAP, folder / "stores" / "app.yaml")
    shutil.copy(real / "policy.txt", folder)
    shutil.copy(real / "law.yaml", folder)
    empty = make_database()
    _upgrade_to(empty, "0004")
    for name in ("THE_REGISTER", "PRIVACY_AUDIT_DB"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", conn(empty))
    monkeypatch.setenv("AIRFLOW_CONN_STORE_APP", conn(held.store.reader))
    monkeypatch.setenv("PRIVACY_AUDIT_EXPECTATIONS", str(folder))
    monkeypatch.setenv("PRIVACY_AUDIT_HOME", str(tmp_path / "home"))
    suites.write(folder, read_configuration().files)
    order = planning.plan(None, None, ["HLD-2"], "a run", datetime.now(UTC))

    def outcome(result: dict[str, Any]) -> tuple[str, str]:
        of_holds, check = sorted(result.checks, key=lambda check: check.table)
        assert (of_holds.table, of_holds.outcome) == (HOLDS, check.outcome)
        return check.outcome, check.cause

    assert outcome(auditing.audit_everything(order)[0]) == ("not_audited", "drift")
    assert outcome(auditing.audit_store(order, "app")) == ("pass", None)
    held.register = empty
    assert held.parts() == {"geolocation": 10, "hold": 1}
    held.store.do("INSERT INTO app.visits VALUES (1001, 1, 1, 1, '', now())")
    assert outcome(auditing.audit_everything(order)[0]) == ("pass", None)
    assert held.parts() == {"geolocation": 10, "hold": 1}


def test_where_the_map_says_too_little() -> None:
    def without_keys(given: dict[str, Any]) -> None:
        del given["registers"]["legal_holds"]["keys"]

    def without_subject(given: dict[str, Any]) -> None:
        del given["tables"]["app.visits"]["subject"]

    def without_holds(given: dict[str, Any]) -> None:
        del given["registers"]["legal_holds"]

    def without_a_word(given: dict[str, Any]) -> None:
        del given["tables"]["app.visits"]["data"], given["registers"]["legal_holds"]["every_category"]

    def for_statistics(given: dict[str, Any]) -> None:
        given["tables"]["app.visits"] = {
            "title": "Visits", "key": ["id"], "anonymous": {"quasi_identifiers": ["person"]}
        }  # fmt: skip

    assert [str(it) for it in bound(without_holds)] == []
    assert [it for it in bound(for_statistics) if not isinstance(it, HeldRowsPresent) or it.table != HOLDS] == []
    (keys,), (_, subject), (_, word) = bound(without_keys), bound(without_subject), bound(without_a_word)
    assert isinstance(keys, BindingError)
    assert "`registers.legal_holds.keys`" in keys.reason
    assert isinstance(subject, BindingError)
    assert "app.visits: HLD-2 needs `subject`" in subject.reason
    assert isinstance(word, BindingError)
    assert "app.visits: HLD-2 needs `data`, or `registers.legal_holds.every_category`" in word.reason


def test_a_register_of_holds_that_is_mapped_as_a_table_too(held: Held) -> None:
    """A hold is put on file as the hold it is, and as a row that holds on its person keep."""

    def edit(given: dict[str, Any]) -> None:
        given["tables"] = {HOLDS: {"title": "Holds", "key": ["id"], "subject": {"column": "person"}}}

    rules = {str(it.qualifier): it for it in bound(edit) if isinstance(it, HeldRowsPresent)}

    def night(*do: str) -> dict[str, dict[str, int]]:
        held.store.do(*do)
        with hold_manifests.filing(), held.store.opened() as connection:
            return {name: counts(measure(connection, one, datetime.now(UTC)).tally) for name, one in rules.items()}

    there, gone = {"population": 1, "compliant": 1}, {"population": 1, "violating": 1, "subjects": 1}
    assert night("UPDATE app.legal_holds SET category = '*'") == {"holds": there, "None": there}
    assert night() == {"holds": there, "None": there}
    assert night("DELETE FROM app.legal_holds") == {"holds": gone, "None": {}}
    assert {part for _, _, part, _ in held.file()} == {"any category by id", "hold on everything by id"}


def test_a_register_of_holds_that_was_renamed(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(given: dict[str, Any]) -> None:
        given["registers"]["legal_holds"]["table"] = "app.kept"
        given["formerly"] = {"app.kept": [HOLDS]}

    assert counts(_of_holds(held)) == {"population": 1, "compliant": 1}
    give_keys(monkeypatch, "1", "2")
    held.store.do("ALTER TABLE app.legal_holds RENAME TO kept")
    assert counts(_of_holds(held, renamed)) == {"population": 1, "compliant": 1}
    held.store.do("DELETE FROM app.kept")
    assert counts(_of_holds(held, renamed)) == {"population": 1, "violating": 1, "subjects": 1}


def test_holds_that_a_new_map_tells_otherwise_are_undecided(held: Held) -> None:
    def by_matter(given: dict[str, Any]) -> None:
        given["registers"]["legal_holds"]["key"] = ["matter"]

    _of_holds(held)
    assert counts(_of_holds(held, by_matter)) == {"population": 2, "compliant": 1, "undecidable": 1}


def _of_holds(held: Held, edit: Callable[[dict[str, Any]], None] | None = None) -> Tally:
    """What the check of the register of holds counts."""
    (one,) = [it for it in bound(edit) if isinstance(it, HeldRowsPresent) and it.qualifier == "holds"]
    with hold_manifests.filing(), held.store.opened() as connection:
        return measure(connection, one, datetime.now(UTC)).tally
