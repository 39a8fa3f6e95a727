"""Holds headings and quotes against the text of the policy: together, and in their order, they are the whole text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise

from privacy_audit.config.policy.policy_files import PolicyFile, words_of
from privacy_audit.config.yaml.documents import Document, decode
from privacy_audit.config.yaml.tree import Steps, in_words
from privacy_audit.domain.errors import Mistake

_BULLET = "•"
"""The only mark of the text that no quote repeats."""
_SHOWN = 160
"""Characters of the policy that a message shows."""


def differences(file: PolicyFile, document: Document, source: bytes, name: str) -> Iterator[Mistake]:
    """What the text says and the file does not quote, what the file quotes and the text does not say, the digest.

    `source` is the text, and `name` is what messages call its file.
    """
    digest = hashlib.sha256(source).hexdigest()
    if digest != file.source.sha256:
        place = document.place("source", "sha256")
        fact = f"source.sha256: {file.source.file} was changed; its digest is {digest}."
        yield Mistake(place, fact, "Read what changed, adapt clauses and controls, then write the new digest here.")
    yield from _misquotes(words_of(decode(source, name)), _passages(file), document, file.source.file)


def _passages(file: PolicyFile) -> Iterator[tuple[Steps, str]]:
    """Where each heading and quote stands in the file, and its words."""
    for number, section in enumerate(file.sections):
        yield ("sections", number, "heading"), section.heading
        for name, clause in section.clauses.items():
            yield ("sections", number, "clauses", name, "quote"), clause.quote


def _misquotes(text: str, passages: Iterator[tuple[Steps, str]], document: Document, source: str) -> Iterator[Mistake]:
    read_to, in_step = 0, True
    for (path, passage), (_, following) in pairwise([*passages, ((), "")]):
        start = text.find(passage, read_to)
        skipped = text[read_to : max(start, read_to)]
        if start < 0 or (following and following in skipped):
            fact, in_step = _misquote(text, passage, read_to, source), False
            yield Mistake(document.place(*path), f"{in_words(path)}: {fact}", "Quote word for word, in its order.")
            continue
        if in_step and _says_something(skipped):
            fact = f"{in_words(path)}: before this, {source} says {_shown(skipped)}, and nothing quotes it."
            yield Mistake(document.place(*path), fact, "Add it as a clause, or as a heading if it says nothing.")
        read_to, in_step = start + len(passage), True
    if in_step and _says_something(text[read_to:]):
        fact = f"sections: {source} ends with {_shown(text[read_to:])}, and nothing quotes it."
        yield Mistake(document.place("sections"), fact, "Add it as a clause, or as a heading if it says nothing.")


def _misquote(text: str, passage: str, read_to: int, source: str) -> str:
    if passage in text:
        return f"{source} says this in another place; here it says {_shown(text[read_to:])}."
    return f"{source} does not say this; here it says {_shown(text[read_to:])}."


def _says_something(text: str) -> bool:
    return bool(text.replace(_BULLET, " ").split())


def _shown(text: str) -> str:
    words = words_of(text.replace(_BULLET, " "))
    return f"“{words[:_SHOWN]}{'…' if len(words) > _SHOWN else ''}”" if words else "nothing more"
