"""Fails a run in which something was not audited, filed, published or sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privacy_audit.pipeline.audit_order import NotAuditedError

LINES = 10
"""At most so many causes are named; further ones are counted."""


def gate(
    causes: Sequence[str] | None,
    undelivered: Sequence[str] | None,
    *,
    docs_done: bool,
    failures: Sequence[str] = (),
) -> None:
    """Raises NotAuditedError if something was not audited, filed, published or sent, so that `all_done` hides nothing.

    `causes` says why something was not audited, and is None if the audit was not filed. `undelivered` says who was not
    reached, and is None if nobody sent anything. `failures` are the causes that failed tasks gave. All are sentences;
    the error names at most ten of them, and the report has the rest.
    """
    red = [*failures, *_undone(causes, undelivered, docs_done=docs_done, explained=bool(failures))]
    if red:
        raise NotAuditedError("\n".join(at_most(LINES, red)))


def at_most(lines: int, sentences: Sequence[str]) -> list[str]:
    """Returns the sentences; if they are too many, the first of them and how many more there are."""
    if len(sentences) <= lines:
        return list(sentences)
    shown = sentences[: lines - 1]
    return [*shown, f"And {len(sentences) - len(shown)} more causes: see the report, which says them first."]


def _undone(
    causes: Sequence[str] | None, undelivered: Sequence[str] | None, *, docs_done: bool, explained: bool
) -> Iterable[str]:
    """Returns what was not done. That a stage is missing is said only if no failed task gave the cause."""
    yield from causes or ()
    yield from (f"Not told: {failure}." for failure in undelivered or ())
    if not explained:
        if causes is None:
            yield "The audit was not filed."
        if not docs_done:
            yield "The Data Docs were not published."
        if undelivered is None:
            yield "The owners were not told."
