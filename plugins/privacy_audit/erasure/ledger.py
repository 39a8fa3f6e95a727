"""The erasure ledger: for each completed request, keyed digests of what identified the person, and nothing else.

Promise: "permanently deleted and cannot be recovered" (GDPR art. 17). The ledger must not itself keep the person, so
it holds digests under a key version. Data kept under art. 17(3) are named as exemptions, table by table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.erasure.identifiers import WEAK, IdentifierKind, Reading, readings
from privacy_audit.erasure.keyring import Keyring

Trace = tuple[IdentifierKind, bytes]
"""A digest and its kind."""

KEY_CHECK = "key-check@erasure.invalid"
"""Nobody's address (RFC 2606). The ledger holds it once for each key version, as the request `key check`: so the audit
tells the key that the others were digested with from another one, with which it would find nobody and not know."""


class LedgerRefusedError(PrivacyAuditError):
    """The ledger cannot be matched as it stands. Its words never carry an identifier or a digest."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A table in which the person's data may stay."""

    store: str
    table: str
    """`schema.table`."""
    reason: str
    """The legal ground, as `GDPR art. 17(3)(b): invoices are kept for 10 years`."""


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """One completed erasure request. Its text shows no digest."""

    request: str
    """Id of the request, not of the person."""
    key_version: int
    digests: frozenset[Trace] = field(repr=False)
    completed_at: datetime
    """When every store had confirmed; aware."""
    exemptions: tuple[Exemption, ...] = ()
    shared: frozenset[IdentifierKind] = frozenset()
    """Kinds that the person shared with others (a household's line): found alone they are weak."""

    def __post_init__(self) -> None:
        if not self.digests:
            raise LedgerRefusedError(
                f"erasure request {self.request} has no digests, so nothing of it could ever be found."
                " File the digests of the person's identifiers."
            )
        if self.completed_at.utcoffset() is None:
            raise LedgerRefusedError(
                f"erasure request {self.request} was completed at a time without zone. Write its offset."
            )

    def spares(self, store: str, table: str) -> bool:
        """Whether the person's data may stay in a table."""
        return any((exemption.store, exemption.table) == (store, table) for exemption in self.exemptions)


def traces(
    keyring: Keyring, kind: IdentifierKind, text: str, of: str = "", *, version: int | None = None
) -> frozenset[Trace]:
    """The digests to file for one identifier of a person, by the newest key unless a version is given.

    LedgerRefusedError when nothing can be read: an identifier that is not filed would never be found.
    """
    version = keyring.newest if version is None else version
    found = frozenset((read, keyring.digest(version, read, value)) for read, value in readings(kind, text, of))
    if not found:
        raise LedgerRefusedError(f"an identifier of kind {kind} cannot be read, so it cannot be filed.")
    return found


def key_checks(keyring: Keyring) -> dict[int, frozenset[Trace]]:
    """By key version, what the ledger must hold of `KEY_CHECK`."""
    return {
        version: traces(keyring, IdentifierKind.EMAIL, KEY_CHECK, version=version)
        for version in sorted(keyring.versions)
    }


def proven(keyring: Keyring, ledger: Iterable[ErasedPerson]) -> list[ErasedPerson]:
    """The persons of a ledger, where it shows that its entries were digested with the keys at hand.

    LedgerRefusedError when it does not: with another key nobody would be found, and everybody would be in order.
    """
    checks = key_checks(keyring)
    shown: set[int] = set()
    persons: list[ErasedPerson] = []
    for entry in ledger:
        check = checks.get(entry.key_version, frozenset())
        if any(kind is IdentifierKind.EMAIL for kind, _ in entry.digests & check):
            shown.add(entry.key_version)
        if digests := entry.digests - check:
            persons.append(replace(entry, digests=digests))
    if wrong := sorted({entry.key_version for entry in persons} & set(checks) - shown):
        raise LedgerRefusedError(
            f"nothing in the ledger shows that the key under version {wrong[0]} is the one its entries were digested"
            " with. If it is another, put the right one back. If it is the right one, file its key check once:"
            " `privacy-audit key-check` says what to file."
        )
    return persons


@dataclass(frozen=True, slots=True)
class ErasedMatches:
    """The erased persons a text leads to."""

    strong: frozenset[ErasedPerson] = frozenset()
    weak: frozenset[ErasedPerson] = frozenset()
    """Perhaps: by a mailbox, a name, or what was shared. Anyone who is strong may be among them."""


NOBODY = ErasedMatches()
"""What a text leads to that leads to nobody; always this one."""


class ErasedIndex:
    """All erased persons by digest, for each key version in use."""

    def __init__(self, keyring: Keyring, ledger: Iterable[ErasedPerson]) -> None:
        """LedgerRefusedError when the key of an entry is gone: nobody could tell whether that person is back."""
        self._keyring = keyring
        found: dict[int, dict[bytes, list[ErasedPerson]]] = defaultdict(lambda: defaultdict(list))
        self._kinds: dict[int, set[IdentifierKind]] = defaultdict(set)
        self._size = 0
        for entry in ledger:
            self._size += 1
            for kind, digest in entry.digests:
                found[entry.key_version][digest].append(entry)
                self._kinds[entry.key_version].add(kind)
        self._erased = {
            version: {digest: tuple(entries) for digest, entries in by_digest.items()}
            for version, by_digest in found.items()
        }
        if lost := sorted(set(self._erased) - set(keyring.versions)):
            raise LedgerRefusedError(
                f"the ledger has entries under key version {', '.join(map(str, lost))}, which the keyring does not"
                " hold. Put the old keys back: without them nobody can tell whether these persons are back."
            )

    @property
    def versions(self) -> tuple[int, ...]:
        """The key versions in use, the newest first: each identifier is digested once for each."""
        return tuple(sorted(self._erased, reverse=True))

    def look_up(self, version: int, digest: bytes) -> tuple[ErasedPerson, ...]:
        """Whose digest it is under a key version."""
        return self._erased.get(version, {}).get(digest, ())

    def find(self, read: Sequence[Reading]) -> ErasedMatches:
        """Whom the readings of one text lead to."""
        strong: set[ErasedPerson] = set()
        weak: set[ErasedPerson] = set()
        for version, erased in self._erased.items():
            kinds = self._kinds[version]
            for kind, value in read:
                if kind not in kinds:
                    continue
                for entry in erased.get(self._keyring.digest(version, kind, value), ()):
                    (weak if kind in WEAK or kind in entry.shared else strong).add(entry)
        return ErasedMatches(frozenset(strong), frozenset(weak)) if strong or weak else NOBODY

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"Index(entries={self._size}, key_versions={list(self.versions)})"
