"""Proves before any check that time zones mean the same to the server and to the auditor; see `sql/time_zones.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from privacy_audit.compiler.suites import Check
from privacy_audit.controls import Rule
from privacy_audit.controls.base.catalog_rule import CatalogRule
from privacy_audit.domain.outcomes import Cause
from privacy_audit.postgres.store_errors import StoreError
from privacy_audit.sql.time_zones import differences


def zones_of(rule: Rule) -> frozenset[str]:
    """The time zones by which the server reckons for a rule: the policy's, and those of its clocks."""
    catalog_alone = isinstance(rule, CatalogRule) and next(iter(rule.needs()), None) is None
    return frozenset(_zones(rule)) if not catalog_alone else frozenset()


def _zones(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name, inner in value:
            if name == "zone" and isinstance(inner, str):
                yield inner
            else:
                yield from _zones(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _zones(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _zones(inner)


def misread_zones(connection: sa.Connection, checks: Sequence[Check], as_of: datetime) -> dict[str, StoreError]:
    """The checks that reckon with a time zone which the server reads otherwise than the auditor, with the reason."""
    by_check = {check.id: zones_of(check.rule) for check in checks}
    zones = frozenset[str]().union(*by_check.values())
    if not zones:
        return {}
    found = differences(connection, zones, min(check.rule.no_data_before for check in checks), as_of)
    return {
        name: StoreError(
            Cause.TIME_ZONES,
            f"time zone data differ: {found[wrong[0]]}. Bring both up to date, or write another zone, as Europe/Paris",
        )
        for name, used in by_check.items()
        if (wrong := sorted(used & found.keys()))
    }
