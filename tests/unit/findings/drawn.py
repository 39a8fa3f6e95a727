"""Histories as hypothesis draws them: two stores, a few places, and everything that can happen to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from privacy_audit.domain.outcomes import Outcome, Severity
from tests.unit.findings.nights import SEVERITIES, START, Look, Night, Paper, Place, after

POSITIONS = Place("app", "app.positions", "RET-3", "gps")
CONSENTS = Place("app", "app.positions", "GEO-1")
CONTRACTS = Place("app", "app.contracts", "RET-1")
AGREEMENTS = Place("app", "app.agreements", "RET-1")
"""What CONTRACTS are called once they were renamed."""
PROSPECTS = Place("app", "app.prospects", "RET-1")
LOGS = Place("web", "web.connection_logs", "RET-4")
PLACES = (POSITIONS, CONSENTS, CONTRACTS, PROSPECTS, LOGS)

COUNTED = (1, 5, 6, 7, 10, 12, 13, 900, 1_000, 2_000, 20_000)
SINCE = st.sampled_from([date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 20)])
FAILED = st.builds(Look, st.just(Outcome.FAIL), st.sampled_from(COUNTED), st.sampled_from((0, 0, 1)), SINCE)
LOOKS = st.one_of(
    FAILED,
    FAILED,
    st.builds(Look, st.just(Outcome.REVIEW), st.just(0), st.sampled_from((5, 6, 10, 12)), st.none()),
    st.sampled_from([Look(it) for it in (Outcome.PASS, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_AUDITED)]),
    st.none(),  # not in the audit
)
ONE = timedelta(microseconds=1)
ENDS = st.sampled_from((after(6), after(10), after(16), after(16) - ONE, after(60)))


def papers(*ids: str) -> st.SearchStrategy[tuple[Paper, ...]]:
    """What a file says of one check: one waiver at most, for two at once are refused."""
    begins, rows = st.sampled_from((START, after(4))), st.sampled_from((6, 10, 5_000))
    return st.lists(st.builds(Paper, st.sampled_from(ids), begins, ENDS, rows), max_size=1).map(tuple)


PAPERS = {POSITIONS: papers("W-1", "W-2"), CONTRACTS: papers("W-3", "W-4")}
GAPS = st.sampled_from((1,) * 12 + (0, 0, 0.25, 2, 7, 40, -1))
STEPS = st.fixed_dictionaries(
    {
        "gap": GAPS,
        "stores": st.sampled_from((("app", "web"),) * 4 + (("app",), ("web",))),
        "looks": st.fixed_dictionaries(dict.fromkeys(PLACES, LOOKS)),
        "down": st.sampled_from(((),) * 8 + (("app",), ("web",), ("app", "web"))),
        "asked": st.sampled_from((None,) * 6 + ({"RET-1"}, {"RET-3", "RET-4"})),
        "severe": st.none() | st.sampled_from(list(Severity)),
        "papers": st.none() | st.fixed_dictionaries(PAPERS),
    }
)


@st.composite
def histories(draw: st.DrawFn, most: int) -> list[Night]:
    """Nights on which everything can happen; what people write (waivers, names) stays until it is changed."""
    steps = draw(st.lists(STEPS, min_size=draw(st.sampled_from((1, most // 2))), max_size=most))
    renamed = draw(st.none() | st.integers(0, most))
    at, severities, papers, nights = START, SEVERITIES, {}, []
    for number, step in enumerate(steps):
        at += timedelta(days=step["gap"]) if number else timedelta()
        severities = {**severities, "RET-3": step["severe"]} if step["severe"] else severities
        papers = papers if step["papers"] is None else step["papers"]
        looks = {
            place: look
            for place, look in step["looks"].items()
            if look and place.store in step["stores"] and (step["asked"] is None or place.control in step["asked"])
        }
        night = Night(at, looks, step["stores"], step["down"], step["asked"] is None, severities, papers)
        nights.append(_renamed(night) if renamed is not None and number >= renamed else night)
    return nights


def _renamed(night: Night) -> Night:
    def new(of_place: dict) -> dict:
        return {AGREEMENTS if place == CONTRACTS else place: what for place, what in of_place.items()}

    return replace(night, looks=new(night.looks), papers=new(night.papers), formerly={AGREEMENTS: CONTRACTS})
