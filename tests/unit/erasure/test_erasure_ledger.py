"""The ledger: whose digest it is, under which key, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from privacy_audit.erasure import (
    ErasedIndex,
    ErasedPerson,
    Exemption,
    IdentifierKind,
    Keyring,
    LedgerRefusedError,
    traces,
)
from privacy_audit.erasure.identifiers import readings
from privacy_audit.erasure.ledger import NOBODY

ONE, TWO = bytes(range(32)), bytes(range(100, 140))
BOTH = Keyring({1: ONE, 2: TWO})
COMPLETED = datetime(2026, 3, 1, tzinfo=UTC)
EMAIL, MAILBOX, PHONE = IdentifierKind.EMAIL, IdentifierKind.MAILBOX, IdentifierKind.PHONE


def _erased(request: str, text: str, version: int = 1, kind: IdentifierKind = EMAIL) -> ErasedPerson:
    return ErasedPerson(request, version, traces(BOTH, kind, text, version=version), COMPLETED)


def test_a_rotation_keeps_what_was_digested_before() -> None:
    old, new = _erased("E-1", "jean@example.fr", 1), _erased("E-2", "anne@example.fr", 2)
    index = ErasedIndex(BOTH, [old, new])
    assert index.versions == (2, 1)
    assert index.find(readings(EMAIL, "JEAN@example.fr")).strong == {old}
    assert index.find(readings(EMAIL, "ANNE@example.fr")).strong == {new}
    assert index.find(readings(EMAIL, "paul@example.fr")) is NOBODY


def test_one_person_under_two_keys_is_found_by_both() -> None:
    entries = {_erased("E-1", "jean@example.fr", 1), _erased("E-2", "jean@example.fr", 2)}
    assert ErasedIndex(BOTH, entries).find(readings(EMAIL, "jean@example.fr")).strong == entries


def test_a_digest_counts_under_its_own_key_only() -> None:
    index = ErasedIndex(BOTH, [_erased("E-1", "jean@example.fr", 1)])
    digest = BOTH.digest(1, EMAIL, "jean@example.fr")
    assert [entry.request for entry in index.look_up(1, digest)] == ["E-1"]
    assert index.look_up(2, digest) == ()


def test_a_ledger_whose_key_is_gone_is_refused() -> None:
    with pytest.raises(LedgerRefusedError, match="under key version 1, which the keyring does not hold"):
        ErasedIndex(Keyring({2: TWO}), [_erased("E-1", "jean@example.fr", 1)])


def test_keys_that_nothing_was_digested_with_are_not_used() -> None:
    assert ErasedIndex(BOTH, [_erased("E-1", "jean@example.fr", 1)]).versions == (1,)
    assert ErasedIndex(BOTH, []).versions == ()


@pytest.mark.parametrize(
    ("filed", "text"), [("jean@example.fr", "jean+shop@example.fr"), ("jean+a@example.fr", "jean@example.fr")]
)
def test_an_alias_is_weak(filed: str, text: str) -> None:
    found = ErasedIndex(BOTH, [_erased("E-1", filed)]).find(readings(EMAIL, text))
    assert (len(found.strong), len(found.weak)) == (0, 1)


def test_a_name_is_weak() -> None:
    index = ErasedIndex(BOTH, [_erased("E-1", "Hélène Dupont", kind=IdentifierKind.NAME)])
    found = index.find(readings(IdentifierKind.NAME, "DUPONT Helene"))
    assert (len(found.strong), len(found.weak)) == (0, 1)


def test_a_shared_line_is_weak() -> None:
    person = replace(_erased("E-1", "0612345678", kind=PHONE), shared=frozenset({PHONE}))
    found = ErasedIndex(BOTH, [person]).find(readings(PHONE, "+33 6 12 34 56 78"))
    assert (len(found.strong), len(found.weak)) == (0, 1)


def test_exemptions_speak_of_one_table_of_one_store() -> None:
    person = replace(
        _erased("E-1", "jean@example.fr"), exemptions=(Exemption("billing", "b.invoice", "art. 17(3)(b)"),)
    )
    assert person.spares("billing", "b.invoice")
    assert not person.spares("app", "b.invoice")
    assert not person.spares("billing", "b.customer")


def test_an_identifier_that_cannot_be_read_is_not_filed_silently() -> None:
    with pytest.raises(LedgerRefusedError, match="kind phone cannot be read") as refused:
        traces(BOTH, PHONE, "quatre-vingt-canary")
    assert "canary" not in str(refused.value)


def test_an_entry_without_digests_or_without_zone_is_refused() -> None:
    with pytest.raises(LedgerRefusedError, match="E-9 has no digests"):
        ErasedPerson("E-9", 1, frozenset(), COMPLETED)
    with pytest.raises(LedgerRefusedError, match="E-9 was completed at a time without zone"):
        ErasedPerson("E-9", 1, traces(BOTH, EMAIL, "a@b.fr"), COMPLETED.replace(tzinfo=None))
