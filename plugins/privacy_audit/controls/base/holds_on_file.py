"""Legal holds that an audit saw in force, held against what their register says tonight.

What tells a hold is its key; which data it names is the part under which it is on file. A hold that names nobody, or
data that is of no category, keeps nothing and is not put on file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from privacy_audit.domain.tally import AGE_BUCKETS, Tally
from privacy_audit.erasure.held_row_digests import RowDigester
from privacy_audit.erasure.hold_manifests import ManifestEntry
from privacy_audit.sql.evaluation_context import EvaluationContext

_HOLD_ON = "hold on "


def is_hold(entry: ManifestEntry) -> bool:
    """Whether what is on file is a hold, and no row that one keeps: their register may be a mapped table as well."""
    return entry.part.startswith(_HOLD_ON)


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A row of the audit database of holds at T."""

    texts: Sequence[str | None] = field(repr=False)
    """Its key."""
    person: str | None = field(repr=False)
    names: str | None
    """Which data, in our words; None where it is of no category."""
    is_in_force: bool
    is_over: bool
    """Whether it was released at a moment that can be."""


@dataclass
class LookAtHolds:
    """What the audit database of holds says tonight, against what is on file. Memory grows with the holds."""

    seals: Sequence[RowDigester]
    filed: Sequence[ManifestEntry]
    told_by: str
    """By which columns a hold is told, as the end of its part."""
    new: list[ManifestEntry] = field(default_factory=list)
    """What is in force and not on file."""
    _there: set[bytes] = field(default_factory=set)
    _over: set[bytes] = field(default_factory=set)
    _unchanged: set[tuple[str, bytes, bytes]] = field(default_factory=set)
    """In force: the part, the hold, and the person."""
    _in_force: set[bytes] = field(default_factory=set)
    """Each once, whatever it was put on file with."""

    def __post_init__(self) -> None:
        self._on_file = {(entry.part, entry.digest, entry.subject) for entry in self.filed}
        self._rows_on_file = {entry.digest for entry in self.filed}

    def row(self, row: HoldRow, now: datetime) -> None:
        """A row that is there."""
        digests = [seal.row(row.texts) for seal in self.seals]
        self._there.update(digests)
        if row.is_over:
            self._over.update(digests)
        if not row.is_in_force or row.person is None or row.names is None:
            return
        person, part = row.person, f"{_HOLD_ON}{row.names} {self.told_by}"
        known = [(part, digest, seal.subject(person)) for seal, digest in zip(self.seals, digests, strict=True)]
        own = next((n for n, digest in enumerate(digests) if digest in self._rows_on_file), 0)
        self._unchanged.update(known)
        self._in_force.add(digests[own])
        if known[own] not in self._on_file:
            seal, (_, digest, subject) = self.seals[own], known[own]
            self.new.append(ManifestEntry(seal.table, part, digest, subject, seal.version, now))

    def tally(self, as_of: datetime) -> Tally:
        """Counts holds, each once. What was put on file after T is not judged: at T it may not have been there."""
        before = [entry for entry in self.filed if entry.first_seen_at <= as_of]
        told_otherwise = {entry.digest for entry in before if not entry.part.endswith(f" {self.told_by}")}
        gone = [entry for entry in before if entry.digest not in self._there | told_otherwise]
        vanished = {entry.digest for entry in gone}
        changed = {
            entry.digest
            for entry in before
            if entry.digest in self._there - self._over
            and (entry.part, entry.digest, entry.subject) not in self._unchanged
        }
        unclear = told_otherwise | changed
        population = len(self._in_force | {entry.digest for entry in before})
        return Tally(
            population=population,
            compliant=population - len(vanished) - len(unclear),
            violating=len(vanished),
            held=0,
            undecidable=len(unclear),
            out_of_scope=0,
            subjects=len({entry.subject for entry in gone}),
            oldest=min((entry.first_seen_at for entry in gone), default=None),
            newest=max((entry.first_seen_at for entry in gone), default=None),
            ages=(len(vanished), *(0 for _ in AGE_BUCKETS[1:])),
        )


def disproof(seal: RowDigester, told_by: str, context: EvaluationContext) -> Iterator[str]:
    """What is said otherwise than it must of made-up holds, on file and in their register."""
    before, after = context.as_of - timedelta(days=1), context.as_of + timedelta(days=1)

    def on_file_since(moment: datetime, told: str = told_by) -> ManifestEntry:
        return ManifestEntry(
            seal.table, f"{_HOLD_ON}geolocation {told}", seal.row(["1"]), seal.subject("held"), 1, moment
        )

    def hold(person: str | None = "held", names: str | None = "geolocation", goes_on: bool = True) -> HoldRow:
        return HoldRow(["1"], person, names, goes_on, not goes_on)

    other = HoldRow(["2"], "held", "geolocation", True, False)
    unreadable = HoldRow(["1"], "held", "geolocation", False, False)
    for name, said, filed, present in (
        ("that is there", {"compliant": 1}, [on_file_since(before)], [hold()]),
        ("that is seen first", {"compliant": 1}, [], [hold()]),
        ("that names nobody", {}, [], [hold(person=None)]),
        ("on what is no category", {}, [], [hold(names=None)]),
        ("that was released", {"compliant": 1}, [on_file_since(before)], [hold(goes_on=False)]),
        ("that is released for another", {"compliant": 1}, [on_file_since(before)], [hold("other", goes_on=False)]),
        ("that was over before it was seen", {}, [], [hold(goes_on=False)]),
        ("that vanished", {"violating": 1}, [on_file_since(before)], []),
        ("that gave way to another", {"violating": 1, "compliant": 1}, [on_file_since(before)], [other]),
        ("that now names another person", {"undecidable": 1}, [on_file_since(before)], [hold("other")]),
        ("that now names nobody", {"undecidable": 1}, [on_file_since(before)], [hold(None)]),
        ("that now names other data", {"undecidable": 1}, [on_file_since(before)], [hold(names="financial")]),
        ("whose dates can be no more", {"undecidable": 1}, [on_file_since(before)], [unreadable]),
        ("that was put on file after T", {}, [on_file_since(after)], []),
        ("that was told otherwise", {"undecidable": 1}, [on_file_since(before, "by another column")], []),
    ):
        look = LookAtHolds([seal], filed, told_by)
        for row in present:
            look.row(row, context.as_of)
        tally = look.tally(context.as_of)
        counted = {it: getattr(tally, it) for it in ("compliant", "violating", "undecidable") if getattr(tally, it)}
        if counted != said:
            yield f"of a hold {name} it counts {counted or 'nothing'}, and not {said or 'nothing'}"
