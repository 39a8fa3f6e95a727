"""Of which rows of a register a promise does not speak: data, by the table and the control, as the policy's `only`.

What is planted and what is ordinary are both held against it, so that no planting lists what it is not about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from demo.planting import Planting, Row, beside, ordinary

STATED, ABSENT = "stated", "absent"
Meant = Mapping[str, str | tuple[str, ...]]
"""Column to the words it must say, or `STATED`, or `ABSENT`."""

_GRANTED = {"outcome": ("granted",)}
_PROCESSORS = ("processor", "sub_processor")
MEANT: Mapping[str, Mapping[str, Meant]] = {
    "app.rights_requests": {
        "MIN-4": {"kind": ("child_report",)},
        "MIN-5": {"kind": ("child_report",), "completed_at": STATED},
        "DSR-5": {"doubted_at": STATED},
        "DSR-6": {"outcome": ("refused",)},
        "LAW-DSR-6": {"outcome": ("refused",)},
        "DSR-7": {"kind": ("access",), **_GRANTED},
        "DSR-8": {"kind": ("rectification",), **_GRANTED},
        "DSR-9": {"kind": ("portability",), **_GRANTED},
        "DSR-10": {"kind": ("erasure",), **_GRANTED},
        "DSR-11": {"identified_at": STATED},
        "DSR-12": {"responded_at": STATED},
        "DSR-13": {"identified_at": STATED},
        "DEL-5": {"kind": ("erasure",), "completed_at": STATED},
        "DEL-6": {"kind": ("child_report",), "outcome": ("erased",), "completed_at": STATED},
        "RST-3": {"kind": ("restriction",), **_GRANTED},
        "GEO-5": {"kind": ("withdrawal",), "about": ("geolocation",), **_GRANTED},
        "LAW-DSR-2": {"channel": ("form", "phone", "letter", "support", "social_media")},
    },
    "app.marketing_messages": {"LAW-TEL-1": {"channel": ("phone",)}},
    "app.guardian_consents": {"MIN-3": {"revoked_at": STATED}},
    "app.consent_events": {
        "LAW-GEO-2": {"action": ("grant",)},
        "LAW-GEO-3": {"action": ("grant",), "version": STATED},
        "LAW-GEO-5": {"action": ("grant",)},
    },
    "app.notices": {"SCP-3": {"kind": ("privacy_policy",)}},
    "app.prospects": {"LAW-SRC-1": {"source": ("trade_show", "social_media")}, "SCP-4": {"source": ("direct",)}},
    "app.restrictions": {"LAW-RST-1": {"to_at": STATED}},
    "app.deaths": {"PMI-1": {"instructions": STATED}, "LAW-PMI-1": {"instructions": ABSENT}},
    "app.processing_activities": {"LAW-PUR-2": {"legal_basis": ("legitimate_interest",)}},
    "app.recipients": {"LAW-PRC-1": {"role": _PROCESSORS}, "XFR-5": {"role": ("internal", *_PROCESSORS)}},
    "app.tools": {
        "XFR-2": {"kind": ("store", "backup")},
        "XFR-4": {"kind": ("tool",)},
        "SEC-6": {"kind": ("store",)},
    },
    "app.incidents": {"LAW-SEC-4": {"risk": ("likely", "high")}},
}


def left_out(table: str, row: Mapping[str, Any]) -> Iterator[str]:
    """The checks that surely do not speak of a row; a column that says nothing leaves it open whether it is meant."""
    for control, meant in MEANT.get(table, {}).items():
        if any(_is_not(row.get(column), words) for column, words in meant.items()):
            yield f"{table.partition('.')[0]}/{table}/{control}"


def scoped(planting: Planting) -> Planting:
    """The planting with the rows of which promises do not speak among its effects."""
    unspoken = (beside(check) for row in planting.rows for check in left_out(row.table, _values(row)))
    return replace(planting, effects=(*planting.effects, *unspoken))


def _is_not(value: Any, words: str | tuple[str, ...]) -> bool:
    says_nothing = value is None or (isinstance(value, str) and not value.strip())
    if words in (STATED, ABSENT):
        return says_nothing is (words == STATED)
    return not says_nothing and value not in words


def _values(row: Row) -> dict[str, Any]:
    return {**dict(ordinary(row.table, 0)), **row.values}
