"""Compares the rows under a legal hold that a table holds tonight with those that are on file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from privacy_audit.erasure.held_row_digests import RowDigester
from privacy_audit.erasure.hold_manifests import ManifestEntry


@dataclass
class ManifestComparison:
    """Compares the held rows that are present with those on file. Memory grows with the held rows."""

    seals: Sequence[RowDigester]
    filed: Sequence[ManifestEntry]
    new: list[ManifestEntry] = field(default_factory=list)
    """What is present and not on file."""
    _present: set[bytes] = field(default_factory=set)
    """Each row once, whatever data of it is held."""
    _seen: set[tuple[str, bytes]] = field(default_factory=set)
    _held: dict[str, Mapping[bytes, str]] = field(default_factory=dict)
    """By part: the digests of the persons held, to their key."""
    _held_at_all: Mapping[bytes, str] = field(default_factory=dict)
    _digests: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """Of each person: one digest for each seal."""

    def __post_init__(self) -> None:
        self._rows_on_file = {entry.digest for entry in self.filed}
        self._on_file = {(entry.part, entry.digest) for entry in self.filed}

    def persons(self, part: str, held: Sequence[str]) -> None:
        """Who is under a hold that names this part."""
        self._held[part] = self._by_digest(held)

    def anybody(self, held: Sequence[str]) -> None:
        """Who is under any hold."""
        self._held_at_all = self._by_digest(held)

    def row(self, part: str, texts: Sequence[str | None], subject: str, now: datetime) -> None:
        """A held row that is present."""
        digests = [seal.row(texts) for seal in self.seals]
        own = next((n for n, digest in enumerate(digests) if digest in self._rows_on_file), 0)
        self._present.add(digests[own])
        self._seen.update((part, digest) for digest in digests)
        if (part, digests[own]) not in self._on_file:
            seal, person = self.seals[own], self._of(subject)[own]
            self.new.append(ManifestEntry(seal.table, part, digests[own], person, seal.version, now))

    def tally(self, as_of: datetime) -> Tally:
        """Counts rows, each once. What was put on file after T is not judged: at T it may not have been there."""
        before = [entry for entry in self.filed if entry.first_seen_at <= as_of]
        gone = [
            entry
            for entry in before
            if entry.subject in self._held.get(entry.part, {}) and (entry.part, entry.digest) not in self._seen
        ]
        vanished = {entry.digest for entry in gone}
        told_otherwise = [it for it in before if it.part not in self._held and it.subject in self._held_at_all]
        unclear = {entry.digest for entry in told_otherwise} - vanished
        population = len(self._present | vanished | unclear)
        return Tally(
            population=population,
            compliant=population - len(vanished) - len(unclear),
            violating=len(vanished),
            held=0,
            undecidable=len(unclear),
            out_of_scope=0,
            subjects=len({self._held[entry.part][entry.subject] for entry in gone}),
            oldest=min((entry.first_seen_at for entry in gone), default=None),
            newest=max((entry.first_seen_at for entry in gone), default=None),
            ages=(len(vanished), *(0 for _ in AGE_BUCKETS[1:])),
        )

    def _by_digest(self, subjects: Sequence[str]) -> Mapping[bytes, str]:
        return {digest: subject for subject in subjects for digest in self._of(subject)}

    def _of(self, subject: str) -> tuple[bytes, ...]:
        if subject not in self._digests:
            self._digests[subject] = tuple(seal.subject(subject) for seal in self.seals)
        return self._digests[subject]
