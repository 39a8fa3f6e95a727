"""The check `erased` from its map to its outcome: two real stores, the ledger in one of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import MakeDatabase
from tests.engine.conftest import PASSWORD, Store, made

from privacy_audit import engine, suites
from privacy_audit.controls import Lack
from privacy_audit.controls.erased import Erased
from privacy_audit.engine import verdict
from privacy_audit.engine.measure import measure
from privacy_audit.engine.trouble import Trouble, TroubleError
from privacy_audit.erasure import IdentifierKind, Keyring, traces
from privacy_audit.erasure.ledger import KEY_CHECK
from privacy_audit.model import Cause, CheckResult, Control, Outcome, Policy, Severity, Tally
from privacy_audit.store_map import StoreMap
from privacy_audit.suites import Check, Coverage

T = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
COMPLETED = "2026-03-01 12:00:00Z"
KEYS = {1: bytes(range(32)), 2: bytes(range(50, 90))}
SECRETS = [base64.b64encode(key).decode() for key in KEYS.values()]
KEYRING = Keyring(KEYS)
EMAIL, PHONE, KEY, NAME = IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.KEY, IdentifierKind.NAME
JEAN = "jean.dupont@example.fr"
CONTROL = Control("DEL-4", "erased", "Who was erased stays erased", Severity.CRITICAL, (), (), date(2024, 1, 1))
LEDGER: dict[str, Any] = {
    "table": "app.erasures",
    "key": ["id"],
    "request": "request",
    "key_version": "key_version",
    "kind": "kind",
    "digest": "digest",
    "completed": {"column": "completed"},
    "keys": "ledger_keys",
}
MAP: dict[str, Any] = {
    "store": "app",
    "title": "Product database",
    "connection": "store_app",
    "owner": "Product",
    "alert": "alerts_product",
    "no_data_before": "2019-01-01",
    "registers": {"erasures": {**LEDGER, "connection": "store_web"}},
    "tables": {
        "app.users": {
            "title": "Users",
            "key": ["id"],
            "subject": {"column": "id"},
            "identifiers": {
                "email": "email",
                "phone": "phone",
                "name": "name",
                "note": "text",
                "old_id": {"kind": "key", "of": "customer"},
            },
            "collected": {"column": "created"},
            "origin": {"column": "origin", "direct": ["form"]},
        }
    },
}
SCHEMA = (
    "CREATE TABLE app.users (id int PRIMARY KEY, email text, phone text, name text, note jsonb, old_id text,"
    " created timestamptz, origin text)",
    "INSERT INTO app.users VALUES (1, 'anne@example.fr', '0612345678', 'Anne Martin', '{}', '17', '2026-01-01Z', '')",
)
OTHER_SCHEMA = (
    "CREATE TABLE app.erasures (id serial PRIMARY KEY, request text, key_version text, kind text, digest text,"
    " completed timestamptz, shared boolean)"
)


@dataclass
class Two:
    """The store that is searched, and the one where the ledger is."""

    app: Store
    web: Store

    def erase(
        self,
        text: str = JEAN,
        kind: IdentifierKind = EMAIL,
        *,
        of: str = "",
        request: str = "E-1",
        completed: str = f"'{COMPLETED}'",
        version: int = 2,
        shared: str = "false",
    ) -> None:
        """Files an identifier of an erased person."""
        for traced, digest in sorted(traces(KEYRING, kind, text, of, version=version)):
            self.web.do(
                "INSERT INTO app.erasures (request, key_version, kind, digest, completed, shared)"
                f" VALUES ('{request}', '{version}', '{traced}', '{digest.hex()}', {completed}, {shared})"
            )

    def look(self, *do: str, edit: Callable[[dict[str, Any]], object] | None = None) -> Tally:
        self.app.do(*do)
        with self.app.opened() as connection, Trouble.watch():
            return measure(connection, _rule(edit), T).tally

    def refusal(self, *do: str, edit: Callable[[dict[str, Any]], object] | None = None) -> TroubleError:
        """Why the check cannot be looked at; whatever the reason, its words carry no key and no identifier."""
        with pytest.raises(TroubleError) as caught:
            self.look(*do, edit=edit)
        said = f"{caught.value} {caught.value.args}"
        assert not [secret for secret in (*SECRETS, PASSWORD, "dupont", "127.0.0.1") if secret in said]
        return caught.value


def _bound(edit: Callable[[dict[str, Any]], object] | None = None) -> list[Erased | Lack]:
    given = json.loads(json.dumps(MAP))
    if edit:
        edit(given)
    return list(Erased.bind(CONTROL, StoreMap.model_validate(given), "Europe/Paris"))


def _rule(edit: Callable[[dict[str, Any]], object] | None = None) -> Erased:
    (rule,) = _bound(edit)
    assert isinstance(rule, Erased)
    return Erased.model_validate(json.loads(json.dumps(rule.as_json())))


def _ledger(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda given: given["registers"]["erasures"].update(changes)


@pytest.fixture
def two(database: str, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    _give_keys(monkeypatch, SECRETS)
    with made(database) as app, made(make_database()) as web:
        app.do(*SCHEMA)
        web.do(OTHER_SCHEMA)
        monkeypatch.setenv("AIRFLOW_CONN_STORE_WEB", _conn(web.reader))
        both = Two(app, web)
        for version in KEYRING.versions:
            both.erase(KEY_CHECK, request="key check", version=version)
        yield both


def _conn(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _give_keys(monkeypatch: pytest.MonkeyPatch, secrets: list[str]) -> None:
    text = json.dumps({"keys": {str(number): secret for number, secret in enumerate(secrets, 1)}})
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_KEYS", json.dumps({"conn_type": "generic", "password": text}))


def _counts(tally: Tally) -> dict[str, int]:
    names = ("compliant", "violating", "undecidable", "out_of_scope", "subjects")
    return {name: count for name in names if (count := getattr(tally, name))}


def _user(email: str = "'x@example.fr'", **columns: str) -> str:
    values = {"email": email, "origin": "'form'", "created": "'2026-02-01Z'", **columns}
    return f"INSERT INTO app.users (id, {', '.join(values)}) VALUES (2, {', '.join(values.values())})"


HIT, REVIEW, NOBODY = {"violating": 1, "subjects": 1}, {"undecidable": 1}, {"compliant": 1}
ROWS: dict[str, tuple[str, dict[str, int]]] = {
    "nobody who was erased": (_user(), NOBODY),
    "restored": (_user(f"'{JEAN}'"), HIT),
    "restored, written otherwise": (_user(f"' {JEAN.upper()} '"), HIT),
    "at the very moment of the erasure": (_user(f"'{JEAN}'", created=f"'{COMPLETED}'"), HIT),
    "signed up again": (_user(f"'{JEAN}'", created="'2026-05-01Z'"), REVIEW),
    "synced after the erasure": (_user(f"'{JEAN}'", created="'2026-05-01Z'", origin="'crm'"), HIT),
    "nobody knows when": (_user(f"'{JEAN}'", created="NULL"), HIT),
    "the same mailbox": (_user("'jean.dupont+shop@example.fr'"), REVIEW),
    "in JSON": (_user(note=f"""'{{"from": "Jean <{JEAN}>"}}'"""), HIT),
    "in JSON, escaped": (_user(note="""'["jean.dupont\\u0040example.fr"]'"""), HIT),
    "by a soft key": (_user(old_id="'0042'"), HIT),
    "by a soft key, as a spreadsheet writes it": (_user(old_id="'42.0'"), HIT),
    "by a name": (_user(name="'DUPONT Jean'"), REVIEW),
    "by a phone, written otherwise": (_user(phone="'+33 (0)7 12 34 56 78'"), HIT),
    "a cipher nobody can read": (_user("'gAAAAABkZm9v'"), REVIEW),
    "two ciphers in one row": (_user("'gAAAAABkZm9v'", phone="'gAAAAABkZm9v'"), REVIEW),
    "a cipher in a row that is a hit": (_user(f"'{JEAN}'", phone="'gAAAAABkZm9v'"), HIT),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_is(two: Two, name: str) -> None:
    insert, expected = ROWS[name]
    two.erase()
    two.erase("42", KEY, of="customer")
    two.erase("Jean Dupont", NAME)
    two.erase("07 12 34 56 78", PHONE, version=1)
    others = {"compliant": 1}
    sums = {key: expected.get(key, 0) + others.get(key, 0) for key in {*expected, *others}}
    assert _counts(two.look(insert)) == sums


def test_a_table_in_which_the_data_may_stay(two: Two) -> None:
    two.erase()
    exempt = _ledger(exempt={"app.users": "GDPR art. 17(3)(b): kept for accounting"})
    rows = (_user(f"'{JEAN}'"), "INSERT INTO app.users (id, email) VALUES (3, 'gAAAAABkZm9v')")
    assert _counts(two.look(*rows, edit=exempt)) == {"compliant": 1, "out_of_scope": 2}
    elsewhere = _ledger(exempt={"app.invoices": "GDPR art. 17(3)(b): kept for accounting"})
    assert _counts(two.look(edit=elsewhere)) == {"compliant": 1, "violating": 1, "undecidable": 1, "subjects": 1}


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
    here = _ledger(connection=None, completed={"column": "at", "encoding": "epoch_seconds"})
    assert _counts(two.look(_user(f"'{JEAN}'"), edit=here)) == {"compliant": 1} | HIT
    assert "cannot be a fact" in two.refusal("UPDATE app.erasures SET at = at * 1000", edit=here).reason


def test_only_what_was_completed_at_t_counts(two: Two) -> None:
    two.erase(completed="NULL")
    two.erase("other@example.fr", request="E-0")
    two.erase(request="E-2", completed="'2026-11-24 01:15:00.000001Z'")
    assert _counts(two.look(_user(f"'{JEAN}'"))) == {"compliant": 2}
    two.erase(request="E-3", completed="'2026-11-24 01:15:00Z'")
    assert _counts(two.look())["violating"] == 1


def test_a_request_is_completed_when_the_last_of_its_entries_is(two: Two) -> None:
    two.erase("42", KEY, of="customer", completed="'2026-06-01Z'")
    two.erase()
    two.erase(version=1)
    assert _counts(two.look(_user(f"'{JEAN}'", created="'2026-05-01Z'"))) == {"compliant": 1} | HIT


def test_a_line_that_others_share_is_for_a_person_to_look_at(two: Two) -> None:
    two.erase("0712345678", PHONE, shared="true")
    two.erase("0698765432", PHONE)
    edit = _ledger(shared="shared")
    assert _counts(two.look(_user(phone="'07 12 34 56 78'"), edit=edit)) == {"compliant": 1, "undecidable": 1}
    assert _counts(two.look("UPDATE app.users SET phone = '0698765432' WHERE id = 2", edit=edit))["violating"] == 1
    assert _counts(two.look("UPDATE app.users SET phone = '0712345678' WHERE id = 2"))["violating"] == 1


def _entry(**changes: str) -> str:
    values = {"request": "'E-9'", "key_version": "'2'", "kind": "'email'", "digest": f"'{'ab' * 32}'"}
    values |= {"completed": f"'{COMPLETED}'", **changes}
    return f"INSERT INTO app.erasures ({', '.join(values)}) VALUES ({', '.join(values.values())})"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (_entry(digest=f"'{JEAN}'"), "no digest of 32 bytes"),
        (_entry(digest="'abcd'"), "no digest of 32 bytes"),
        (_entry(digest="NULL"), "no digest of 32 bytes"),
        (_entry(kind="'text'"), "a kind that is none of email, mailbox"),
        (_entry(kind=f"'{JEAN}'"), "a kind that is none of"),
        (_entry(kind="NULL"), "a kind that is none of"),
        (_entry(request="NULL"), "names no request"),
        (_entry(key_version="NULL"), "no key version"),
        (_entry(key_version=f"'{JEAN}'"), "no key version"),
        (_entry(key_version="'7'"), "entries under key version 7"),
        (_entry(completed="'infinity'"), "cannot be a fact"),
        (_entry(completed="'-infinity'"), "cannot be a fact"),
        (_entry(completed="'1970-01-01Z'"), "cannot be a fact"),
        (_entry(completed="'4000-01-01 BC'"), "cannot be a fact"),
        (_entry(completed="now() + interval '2 days'"), "cannot be a fact"),
    ],
)
def test_an_entry_that_finds_nobody_is_refused(two: Two, entry: str, words: str) -> None:
    two.erase()
    assert _counts(two.look()) == {"compliant": 1}
    two.web.do(entry)
    assert words in two.refusal().reason


def test_an_empty_ledger_lets_nothing_pass(two: Two) -> None:
    assert "names nobody who was erased" in two.refusal().reason
    assert _counts(two.look(edit=_ledger(may_be_empty=True))) == {"compliant": 1}


def test_another_key_under_the_right_version_lets_nothing_pass(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """With it nobody would be found, and every row would be in order."""
    two.erase()
    _give_keys(monkeypatch, [SECRETS[0], base64.b64encode(bytes(range(7, 47))).decode()])
    trouble = two.refusal(_user(f"'{JEAN}'"))
    assert "nothing in the ledger shows that the key under version 2 is the one" in trouble.reason
    assert trouble.cause is Cause.MISSING


def test_a_ledger_without_a_key_check_lets_nothing_pass(two: Two) -> None:
    two.erase()
    two.web.do("DELETE FROM app.erasures WHERE request = 'key check' AND key_version = '1'")
    assert _counts(two.look(_user(f"'{JEAN}'"))) == {"compliant": 1} | HIT  # nobody was filed with that key
    two.web.do("DELETE FROM app.erasures WHERE request = 'key check' AND kind = 'email'")
    assert "`privacy-audit key-check` says what to file" in two.refusal().reason


def test_a_key_check_holds_for_what_was_digested_before_it_was_filed(two: Two) -> None:
    two.erase()
    two.web.do("UPDATE app.erasures SET completed = now() WHERE request = 'key check'")
    assert _counts(two.look(_user(f"'{JEAN}'"))) == {"compliant": 1} | HIT


def test_nobody_has_the_address_of_the_key_check(two: Two) -> None:
    """Who writes it into a row names no erased person by it."""
    two.erase()
    assert _counts(two.look(_user(f"'{KEY_CHECK}'"))) == {"compliant": 2}


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
    _give_keys(monkeypatch, SECRETS[:1])
    two.refusal()
    _give_keys(monkeypatch, SECRETS)
    assert _counts(two.look()) == {"compliant": 1}


@pytest.mark.parametrize(
    ("do", "wrong", "cause", "words"),
    [
        ("", {"port": 1}, Cause.UNREACHABLE, "no connection came about"),
        ("", {"password": "sesame"}, Cause.UNREACHABLE, "no connection came about"),
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
            "ALTER TABLE app.erasures ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.erasures USING (id > 5)",
            {},
            Cause.REFUSED,
            "row-level security",
        ),
        ("ALTER ROLE {role} SUPERUSER", {}, Cause.UNSAFE_SESSION, "its role is a superuser"),
    ],
)
def test_a_ledger_elsewhere_that_cannot_be_read(
    two: Two, monkeypatch: pytest.MonkeyPatch, do: str, wrong: dict[str, Any], cause: Cause, words: str
) -> None:
    two.erase()
    two.web.do(*([do.format(role=two.web.role)] if do else []))
    monkeypatch.setenv("AIRFLOW_CONN_STORE_WEB", _conn(two.web.reader.set(**wrong)))
    trouble = two.refusal()
    assert words in trouble.reason
    assert "the erasure ledger (connection store_web)" in trouble.reason or "connection store_web" in trouble.reason
    assert trouble.cause is cause


def test_a_ledger_elsewhere_is_read_under_the_contract_and_at_one_instant(two: Two) -> None:
    from privacy_audit.contract import lost_settings
    from privacy_audit.erasure import elsewhere

    two.erase()
    count = "SELECT count(*) FROM app.erasures WHERE request <> 'key check'"
    with elsewhere.reading("store_web", "the erasure ledger") as connection:
        assert lost_settings(connection) == []
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
    checks = (Check("app/app.users/DEL-4", CONTROL, "app", _rule()),)
    coverage = Coverage(StoreMap.model_validate(MAP), checks, (), ())
    policy = Policy("1", "Policy", date(2024, 1, 1), None, "Europe/Paris", "", "", (), (CONTROL,), ())
    order = engine.StoreOrder(
        audit_id="a1",
        as_of=T,
        coverage=coverage,
        controls=frozenset({"DEL-4"}),
        suites=[json.loads(content) for content in suites.compile_suites(policy, [coverage]).values()],
        results=results,
    )
    (result,) = engine.audit_store(order, lambda: two.app.reader).checks
    return result


def test_what_cannot_be_decided_says_why(two: Two) -> None:
    two.erase()
    two.app.do(_user("'gAAAAABkZm9v'"))
    rule = _rule()
    with two.app.opened() as connection:
        measured = measure(connection, rule, T)
    result = verdict.judged(Check("app/app.users/DEL-4", CONTROL, "app", rule), measured, T)
    assert result.outcome is Outcome.REVIEW
    assert result.reason.startswith("1 row cannot be decided: they are newer than the erasure,")


def test_where_the_map_says_too_little() -> None:
    def without_ledger(given: dict[str, Any]) -> None:
        del given["registers"]["erasures"]

    def without_identifiers(given: dict[str, Any]) -> None:
        del given["tables"]["app.users"]["identifiers"]

    (ledger,), (identifiers,) = _bound(without_ledger), _bound(without_identifiers)
    assert isinstance(ledger, Lack)
    assert "`registers.erasures`" in ledger.reason
    assert isinstance(identifiers, Lack)
    assert "app.users: DEL-4 needs `identifiers`" in identifiers.reason
