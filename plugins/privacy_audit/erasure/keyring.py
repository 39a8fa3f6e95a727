"""The keys of the erasure ledger: identifiers are digested with them in memory, and the keys go nowhere else.

A digest is HMAC-SHA-256 (RFC 2104) over `privacy_audit/erasure/v1`, the kind and the canonical spelling. Without the
key nobody can try out which addresses the ledger holds. Keys have versions: after a rotation new entries are digested
with the newest, and old versions stay, to match what was digested with them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, Self

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.erasure.identifiers import IdentifierKind

SHORTEST_KEY = 32
"""Bytes, as many as SHA-256 gives: a shorter key would be the weakest part (RFC 2104, section 3)."""
_FEWEST_DIFFERENT = 8
"""Different bytes in a key. Of 32 random ones practically always more; a filled-in example has fewer."""
_ERASURE = b"privacy_audit/erasure/v1\0"
_SHAPE = (
    'Write {"keys": {"1": "<base64>"}}: each version with a random key of at least 32 bytes, as'
    " `openssl rand -base64 32` makes one."
)


class KeyringRefusedError(PrivacyAuditError):
    """The keys cannot be used. Its words never carry a key, nor the text they were read from."""


@dataclass(frozen=True, eq=False, repr=False)
class Keyring:
    """Key versions and their keys. It shows the versions only, and is never written anywhere."""

    keys: Mapping[int, bytes]
    _seeds: Mapping[tuple[int, IdentifierKind], hmac.HMAC] = field(init=False)
    """Half-computed digests: what is the same for each identifier is computed once."""

    def __post_init__(self) -> None:
        if fault := _fault(self.keys):
            raise KeyringRefusedError(f"the keyring {fault}")
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))
        seeds = {
            (version, kind): hmac.new(key, _ERASURE + kind.encode() + b"\0", "sha256")
            for version, key in self.keys.items()
            for kind in IdentifierKind
        }
        object.__setattr__(self, "_seeds", seeds)

    @classmethod
    def parse(cls, text: str, place: str = "the keyring") -> Self:
        """Reads `{"keys": {"1": "<base64>"}}`. `place` says where it stands, for KeyringRefusedError."""
        # Raised outside of any handler: an error of the parsers, kept as context, would carry the text.
        read = _read(text)
        fault = read if isinstance(read, str) else _fault(read)
        if fault or isinstance(read, str):
            raise KeyringRefusedError(f"{place} {fault}")
        return cls(read)

    @property
    def versions(self) -> tuple[int, ...]:
        """The newest first."""
        return tuple(sorted(self.keys, reverse=True))

    @property
    def newest(self) -> int:
        """The version that new entries are digested with."""
        return max(self.keys)

    def digest(self, version: int, kind: IdentifierKind, normalised: str) -> bytes:
        """32 bytes. KeyringRefusedError when the version is not here."""
        seed = self._seeds.get((version, kind))
        if seed is None:
            self._lacks(version)
        whole = seed.copy()
        whole.update(normalised.encode("utf-8", "surrogatepass"))  # else an odd character would raise, quoting the text
        return whole.digest()

    def seal(self, version: int, message: bytes) -> bytes:
        """HMAC-SHA-256 of another kind of message, which must begin with a name of its own."""
        key = self.keys.get(version)
        if key is None:
            self._lacks(version)
        return hmac.digest(key, message, "sha256")

    def _lacks(self, version: int) -> NoReturn:
        held = ", ".join(map(str, sorted(self.keys)))
        raise KeyringRefusedError(
            f"the keyring has no key version {version}; it holds {held}. Put the old key back: what was digested with"
            " it cannot be matched without it."
        )

    def __repr__(self) -> str:
        return f"Keyring(versions={sorted(self.keys)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A keyring is never written: not to a file, not to another process.")


def _fault(keys: Mapping[int, bytes]) -> str:
    """What is wrong with keys, as the end of a sentence; empty when nothing is."""
    if not keys:
        return f"holds no key. {_SHAPE}"
    for version, key in sorted(keys.items()):
        if version < 1:
            return f"has a version {version}. Count versions from 1."
        if len(key) < SHORTEST_KEY:
            return f"has {len(key)} bytes under version {version}; {SHORTEST_KEY} are the least. {_SHAPE}"
        if len(set(key)) < _FEWEST_DIFFERENT:
            return f"has under version {version} what is no random key but a filled-in example. {_SHAPE}"
    if len(set(keys.values())) < len(keys):
        return "holds the same key under two versions. A rotation needs a new key."
    return ""


def _read(text: str) -> dict[int, bytes] | str:
    """The keys of a JSON text, or what is wrong with it, as the end of a sentence."""
    try:
        given = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        return f"is no JSON, or says something twice. {_SHAPE}"
    keys = given.get("keys") if isinstance(given, dict) and set(given) == {"keys"} else None
    if not isinstance(keys, dict):
        return f"must be an object with `keys` and nothing else. {_SHAPE}"
    read: dict[int, bytes] = {}
    for number, (version, value) in enumerate(keys.items(), 1):
        key = _key(value)
        if not (version.isascii() and version.isdecimal() and len(version) < 10) or int(version) in read:
            return f"names the version of its key no. {number} by no whole number of its own. {_SHAPE}"
        if key is None:
            return f"has under version {int(version)} what is not base64. {_SHAPE}"
        read[int(version)] = key
    return read


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. JSON lets a later key of the same name win; here the earlier one would be lost silently."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _key(value: object) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None
