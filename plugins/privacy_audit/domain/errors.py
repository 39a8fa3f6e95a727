"""Errors written for the person who reads them: place, fact, way out.

No message here ever carries a value that was read from a row, nor a database server's own words
(PostgreSQL quotes row values in its DETAIL lines): only places, names, SQLSTATE codes and our sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class PrivacyAuditError(Exception):
    """Anything this project refuses to do, in words for its reader."""


class MayHealError(PrivacyAuditError):
    """Something that may be well in a minute without anybody's doing (a server that restarts, a full disk)."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file that people write."""

    place: str
    """File and position, as `expectations/stores/app.yaml:12:5`."""
    fact: str
    """What stands there and why it cannot be."""
    way_out: str = ""
    """What to write instead."""

    def __str__(self) -> str:
        return f"{self.place}: {self.fact}" + (f" {self.way_out}" if self.way_out else "")


class ConfigurationRefusedError(PrivacyAuditError):
    """The policy or a store map is wrong. Carries every mistake found, not only the first; nothing was run."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`Did you mean "email"?` when a known word is near; else `otherwise`, or what is known (at most eight)."""
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    if otherwise or not names:
        return otherwise
    return "Known here: " + ", ".join(names[:8]) + (f" and {len(names) - 8} more." if len(names) > 8 else ".")
