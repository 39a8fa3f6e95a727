"""Keys: what they digest, how they are read, and that nothing ever shows one."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import pickle
import traceback

import pytest

from privacy_audit.erasure.identifiers import IdentifierKind
from privacy_audit.erasure.keyring import Keyring, KeyringRefusedError

ONE, TWO = bytes(range(32)), bytes(range(100, 140))
KEYRING = Keyring({1: ONE, 2: TWO})


def _text(**keys: bytes) -> str:
    return json.dumps({"keys": {name: base64.b64encode(key).decode() for name, key in keys.items()}})


def test_a_digest_is_the_hmac_that_is_promised() -> None:
    said = KEYRING.digest(2, IdentifierKind.EMAIL, "hélène@example.fr")
    message = b"privacy_audit/erasure/v1\0email\0" + "hélène@example.fr".encode()
    assert said == hmac.new(TWO, message, hashlib.sha256).digest()


def test_a_digest_never_changes() -> None:
    """Ledgers hold them for ever: this value may never be edited."""
    assert KEYRING.digest(1, IdentifierKind.PHONE, "+33612345678").hex() == (
        "77094ed9f6b36bdc650d0d4c4212e34459ec1496082203d2981a90f0178b70ef"
    )


def test_kinds_and_versions_are_told_apart() -> None:
    digests = {KEYRING.digest(version, kind, "same") for version in (1, 2) for kind in IdentifierKind}
    assert len(digests) == 2 * len(IdentifierKind)


def test_half_a_digest_is_not_used_up() -> None:
    first = KEYRING.digest(1, IdentifierKind.EMAIL, "a")
    KEYRING.digest(1, IdentifierKind.EMAIL, "b")
    assert KEYRING.digest(1, IdentifierKind.EMAIL, "a") == first


def test_odd_characters_do_not_raise() -> None:
    assert len(KEYRING.digest(1, IdentifierKind.NAME, "\ud800")) == 32


def test_a_keyring_is_read_from_a_connections_password() -> None:
    read = Keyring.parse(
        json.dumps({"keys": {"1": base64.b64encode(ONE).decode(), "12": base64.b64encode(TWO).decode()}})
    )
    assert (read.versions, read.newest) == ((12, 1), 12)
    assert read.digest(1, IdentifierKind.KEY, "customer:1") == KEYRING.digest(1, IdentifierKind.KEY, "customer:1")


SECRET = "c2VjcmV0LXNlY3JldA=="  # base64 of a key that is too short
REFUSED = {
    SECRET: "is no JSON",
    "": "is no JSON",
    "[" * 100_000: "is no JSON",
    f'{{"keys": {{"1": "{SECRET}", "1": "{SECRET}"}}}}': "says something twice",
    f'["{SECRET}"]': "must be an object with `keys`",
    f'{{"1": "{SECRET}"}}': "must be an object with `keys`",
    f'{{"keys": "{SECRET}"}}': "must be an object with `keys`",
    f'{{"keys": {{}}, "more": "{SECRET}"}}': "must be an object with `keys`",
    '{"keys": {}}': "holds no key",
    f'{{"keys": {{"{SECRET}": "{SECRET}"}}}}': "its key no. 1 by no whole number",
    f'{{"keys": {{"1": "{SECRET}", "01": "{SECRET}"}}}}': "its key no. 2 by no whole number",
    f'{{"keys": {{"0": "{SECRET}"}}}}': "has a version 0",
    f'{{"keys": {{"1": "{SECRET}"}}}}': "has 13 bytes under version 1; 32 are the least",
    f'{{"keys": {{"1": "!{SECRET}"}}}}': "has under version 1 what is not base64",
    f'{{"keys": {{"1": "é{SECRET}"}}}}': "has under version 1 what is not base64",
    '{"keys": {"1": 42}}': "has under version 1 what is not base64",
    _text(**{"1": bytes(32)}): "no random key but a filled-in example",
    _text(**{"1": ONE, "2": ONE}): "the same key under two versions",
}


@pytest.mark.parametrize(("text", "fault"), REFUSED.items(), ids=REFUSED.values())
def test_what_cannot_be_used_is_refused_in_words_without_the_key(text: str, fault: str) -> None:
    with pytest.raises(KeyringRefusedError) as refused:
        Keyring.parse(text, "connection erasure_keys: its password")
    assert str(refused.value).startswith("connection erasure_keys: its password ")
    assert fault in str(refused.value)
    # Nor in what a handler further out could dig up.
    assert refused.value.__context__ is None
    assert refused.value.__cause__ is None
    for line in traceback.format_exception_only(refused.value):
        assert SECRET not in line
        assert base64.b64encode(ONE).decode() not in line


def test_keys_that_are_given_are_judged_too() -> None:
    with pytest.raises(KeyringRefusedError, match="31 bytes under version 1"):
        Keyring({1: ONE[:31]})


def test_a_version_that_is_gone_is_said() -> None:
    with pytest.raises(KeyringRefusedError, match="no key version 3; it holds 1, 2"):
        KEYRING.digest(3, IdentifierKind.EMAIL, "jean@example.fr")
    with pytest.raises(KeyringRefusedError, match="no key version 3"):
        KEYRING.seal(3, b"")


def test_it_shows_versions_only_and_is_never_written() -> None:
    assert repr(KEYRING) == str(KEYRING) == "Keyring(versions=[1, 2])"
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never written"):
            write(KEYRING)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        KEYRING.keys = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        KEYRING.keys[1] = TWO  # type: ignore[index]
