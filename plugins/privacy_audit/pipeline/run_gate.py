"""Fails a run in which something was not audited, filed, published or sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from privacy_audit.pipeline.audit_order import NotAuditedError
from privacy_audit.pipeline.configuration import read_configuration as read_configuration


def gate(
    filed: Mapping[str, Any] | None,
    told: Mapping[str, Any] | None,
    docs: Mapping[str, Any] | None,
    failures: Sequence[str] = (),
) -> None:
    """Fails the run when something was not audited, filed, published or told, so that `all_done` hides nothing.

    NotAuditedError says why, in at most ten lines; the report has the rest. `failures` are the causes that tasks gave
    when they failed, each as one sentence.
    """
    red = [*failures, *_undone(filed, told, docs, explained=bool(failures))]
    if red:
        raise NotAuditedError("\n".join(at_most(LINES, red)))


LINES = 10
"""So many causes are told at once; more are counted."""


def at_most(lines: int, sentences: Sequence[str]) -> list[str]:
    """The causes, or the first of them and how many more there are: never more than so many lines."""
    if len(sentences) <= lines:
        return list(sentences)
    shown = sentences[: lines - 1]
    return [*shown, f"And {len(sentences) - len(shown)} more causes: see the report, which says them first."]


def _undone(
    filed: Mapping[str, Any] | None,
    told: Mapping[str, Any] | None,
    docs: Mapping[str, Any] | None,
    *,
    explained: bool,
) -> Iterable[str]:
    """What was not done. That a stage is missing is said only where no task gave the cause of it."""
    if filed:
        yield from filed["causes"]
    if told:
        yield from (f"Not told: {failure}." for failure in told["failed"])
    if not explained:
        stages = {"The audit was not filed.": filed, "The Data Docs were not published.": docs}
        yield from (sentence for sentence, done in stages.items() if done is None)
        if told is None:
            yield "The owners were not told."
