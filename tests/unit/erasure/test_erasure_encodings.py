"""Erased persons whose identifiers have letters beyond ASCII, in databases of other encodings than UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demo.server import EmbeddedPostgres
from privacy_audit.audit_db import transaction
from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres import other_databases
from tests.other_encodings import WITH_ACCENTS, database_in
from tests.unit.erasure.erasing import NAME, PHONE, Two, counts, two_stores

MAIL, PERSON = "jérôme.dupont@example.fr", "Jérôme Dupont-Émile"
HIT = {"compliant": 1, "violating": 1, "subjects": 1}
WEAK = {"compliant": 1, "undecidable": 1}


@contextmanager
def stores(server: EmbeddedPostgres, app: str, web: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    with (
        database_in(server, app) as of_app,
        database_in(server, web) as of_web,
        two_stores(of_app, of_web, monkeypatch) as two,
    ):
        yield two


def _user(**columns: str) -> str:
    values = {"email": "'x@example.fr'", "origin": "'form'", "created": "'2026-02-01Z'"} | columns
    return f"INSERT INTO app.users (id, {', '.join(values)}) VALUES (2, {', '.join(values.values())})"


@pytest.mark.parametrize("encoding", ["UTF8", *WITH_ACCENTS])
def test_who_has_an_accent_is_found(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    with stores(server, encoding, encoding, monkeypatch) as two:
        two.erase(MAIL)
        two.erase(PERSON, NAME, request="E-2")
        assert counts(two.look(_user(email=f"'{MAIL.upper()}'"))) == HIT
        two.app.do("DELETE FROM app.users WHERE id = 2")
        assert counts(two.look(_user(name=f"'{PERSON}'"))) == WEAK, "a name alone is somebody's"


@pytest.mark.parametrize("encoding", WITH_ACCENTS)
def test_a_ledger_elsewhere_is_read_in_its_own_encoding(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    with stores(server, "UTF8", encoding, monkeypatch) as two:
        two.erase(MAIL, request="Löschung nº 1" if encoding != "EUC_JP" else "Löschung 1")
        assert counts(two.look(_user(email=f"'{MAIL}'"))) == HIT
        with other_databases.reading("store_web", "the erasure ledger") as connection:
            requests = connection.exec_driver_sql("SELECT request FROM app.erasures").scalars().all()
        assert any(request.startswith("Löschung") for request in requests)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", *WITH_ACCENTS])
def test_the_audits_own_database_may_have_another_encoding(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    with database_in(server, encoding) as url:
        monkeypatch.setenv("AIRFLOW_CONN_KEPT", url.replace("+psycopg2", ""))
        with transaction.transaction(url) as connection:
            connection.exec_driver_sql("CREATE TABLE kept (words text)")
            connection.exec_driver_sql("INSERT INTO kept VALUES (%s)", ("clé",))
        with transaction.transaction(url) as connection:
            assert connection.exec_driver_sql("SELECT words FROM kept").scalar() == "clé"
        with other_databases.audit_database_of("KEPT", writes=True) as connection:
            connection.exec_driver_sql("INSERT INTO kept VALUES (%s)", ("bébé",))
            assert connection.exec_driver_sql("SELECT string_agg(words, ' ') FROM kept").scalar() == "clé bébé"


OCTAL = "E'j\\303\\251r\\303\\264me.dupont@example.fr'"
"""As UTF-8; the database does not know that it is."""
LATIN = "E'j\\351r\\364me.dupont@example.fr'"


@pytest.mark.parametrize(
    ("written", "cause", "words"),
    [
        (OCTAL, Cause.MISSING, "app: app.users holds text beyond ASCII, and the encoding of the database is SQL_ASCII"),
        (LATIN, Cause.DRIFT, "a text is not in the encoding that the database says it is (SQLSTATE 22021)"),
    ],
)
def test_of_a_database_that_keeps_bytes_no_letter_is_believed(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, written: str, cause: Cause, words: str
) -> None:
    with stores(server, "SQL_ASCII", "UTF8", monkeypatch) as two:
        two.erase("0698765432", PHONE)
        assert counts(two.look(_user(phone="'06 98 76 54 32'"))) == HIT
        two.app.do("DELETE FROM app.users WHERE id = 2")
        refused = two.refusal(_user(email=written))
        assert (refused.cause, words in refused.reason) == (cause, True), refused.reason


def test_a_letter_that_a_database_lacks_is_told(server: EmbeddedPostgres) -> None:
    with (
        database_in(server, "LATIN1") as url,
        pytest.raises(transaction.AuditDatabaseUnavailableError, match="Make its database anew with ENCODING 'UTF8'"),
        transaction.transaction(url) as connection,
    ):
        connection.exec_driver_sql("SELECT 'ł'")
