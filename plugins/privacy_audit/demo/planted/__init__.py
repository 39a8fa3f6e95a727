"""Everything that is planted in the demo company, by the promise it is about."""

from __future__ import annotations

from collections.abc import Iterator

from privacy_audit.demo.planted import billing, consents, holds, minors, retention_app, retention_web
from privacy_audit.demo.planting import Moments, Planting


def all_plantings(at: Moments) -> Iterator[Planting]:
    """The plantings at T, always in the same order."""
    for part in (retention_app, billing, retention_web, minors, consents, holds):
        yield from part.plantings(at)
