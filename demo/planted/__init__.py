"""Everything that is planted in the demo company, by the promise it is about."""

from __future__ import annotations

from collections.abc import Iterator

from demo.planted import (
    billing,
    catalog,
    consents,
    cookies,
    erasures,
    freezes,
    governance,
    holds,
    minors,
    notices,
    prospects,
    recipients,
    retention_app,
    retention_web,
    rights_requests,
    statistics_tables,
    stored_secrets,
    uses,
)
from demo.planting import Moments, Planting
from demo.scope import scoped

_PARTS = (
    retention_app, billing, retention_web, minors, consents, holds, notices, prospects, rights_requests, freezes, uses,
    cookies, recipients, governance, statistics_tables, stored_secrets, erasures, catalog,
)  # fmt: skip


def all_plantings(at: Moments) -> Iterator[Planting]:
    """The plantings at T, always in the same order."""
    for part in _PARTS:
        yield from map(scoped, part.plantings(at))
