"""XFR-*, PUR-5, SEC-6, PRC-1, PRC-2 and LAW-PRC-1: to whom data goes, where it lies, and what binds them.

Nothing here is about one person: no row names any.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from demo.planting import MICROSECOND, PARIS, Effect, Moments, Numbered, Planting, Row, Value, beside, breaks, unknown
from privacy_audit.domain.periods import start_of_day

VETTED, NAMED, BOUND = (f"app/app.recipients/{control}" for control in ("PRC-1", "PRC-2", "LAW-PRC-1"))
HANDED = "app/app.transfers/XFR-1"
WAYS = "app/_store.catalog/XFR-3"
ABROAD, PURPOSE = "app/app.recipients/XFR-5", "app/app.transfers/PUR-5"
STORES, TOOLS, CALLED, BACKED_UP = (f"app/app.tools/{control}" for control in ("XFR-2", "XFR-4", "XFR-6", "SEC-6"))
_PLANTED = Numbered("Prestataire {n}")
"""The name of the planting's own recipient."""


def plantings(at: Moments) -> Iterator[Planting]:
    """All of them."""
    for part in (_transfers, _roles, _ways, _examined, _named, _bound, _abroad, _places, _called):
        yield from part(at)


def _late(*checks: str) -> tuple[Effect, ...]:
    return tuple(breaks(check, subjects=0) for check in checks)


def _recipient(at: Moments, **values: Value) -> Row:
    """A processor in use since two years, bound before, and examined two months ago."""
    ordinary: dict[str, Value] = {
        "contract_on": at.today - timedelta(days=740),
        "vetted_on": at.today - timedelta(days=60),
        "next_review_on": at.today + timedelta(days=300),
        "from_on": at.today - timedelta(days=730),
    }
    return Row("app.recipients", {**ordinary, **values})


def _handed(at: Moments, recipient: Value, moment: datetime | str | None) -> Row:
    return Row("app.transfers", {"recipient": recipient, "at": moment})


def _transfers(at: Moments) -> Iterator[Planting]:
    def handed(recipient: Value, *rows: Row, moment: datetime | str | None = None) -> tuple[Row, ...]:
        return (*rows, _handed(at, recipient, moment or at.ago(10)))

    yield Planting("data handed to somebody nobody registered", handed("Courtier Inventé"), _late(HANDED))
    yield Planting("data handed to a processor in other letter case", handed("HÉBERGEUR exemple"))
    yield Planting("data handed to nobody knows whom", handed(None), (unknown(HANDED),))
    undated = (Row("app.transfers", {"recipient": "Courriel Demo", "at": None}),)
    yield Planting("data handed out nobody knows when", undated, (unknown(HANDED),))
    resold = (Row("app.transfers", {"recipient": "Courriel Demo", "at": at.ago(10), "purpose": "resale"}),)
    yield Planting("data handed to a processor for a purpose of its own", resold, _late(PURPOSE))
    yield Planting("data handed out in 1970", handed("Courriel Demo", moment="1970-01-01 12:00+00"), (unknown(HANDED),))
    day = at.today - timedelta(days=10)
    morrow = start_of_day(day + timedelta(days=1), PARIS)
    gone = _recipient(at, to_on=day)
    ended = (beside(NAMED), beside(BOUND), beside(ABROAD))
    last = handed(_PLANTED, gone, moment=morrow - MICROSECOND)
    yield Planting("data handed over in the last microsecond of a contract", last, ended)
    yield Planting(
        "data handed over a microsecond later", handed(_PLANTED, gone, moment=morrow), (*_late(HANDED), *ended)
    )
    first, begun = start_of_day(day, PARIS), _recipient(at, from_on=day)
    yield Planting("data handed over in the first instant of a contract", handed(_PLANTED, begun, moment=first))
    early = handed(_PLANTED, begun, moment=first - MICROSECOND)
    yield Planting("data handed over a microsecond before", early, _late(HANDED))


def _roles(at: Moments) -> Iterator[Planting]:
    def handed(**values: Value) -> tuple[Row, ...]:
        return _recipient(at, **values), _handed(at, _PLANTED, at.ago(10))

    partner = handed(role="commercial_partner")
    yield Planting("data handed to a registered commercial partner", partner, _late(HANDED, NAMED))
    unused = (_recipient(at, role="third_party"),)
    yield Planting("a third party on the register, to whom nothing was handed yet", unused, _late(NAMED))
    yield Planting("data handed to an authority", handed(role="authority"))
    nobody = (*_late(NAMED), unknown(HANDED), unknown(VETTED))
    yield Planting("data handed to a recipient without a role", handed(role=None), nobody)
    undated = handed(from_on=None)
    unsure = tuple(unknown(check) for check in (HANDED, BOUND, VETTED))
    yield Planting("data handed to a processor, engaged nobody knows when", undated, unsure)


def _ways(at: Moments) -> Iterator[Planting]:
    """Feeds that app_catalog.sql makes, anyone who takes them in."""
    leads = _recipient(at, recipient="lead_feed", role="commercial_partner")
    yield Planting(
        "a feed of subscriptions to a registered commercial partner", (leads,), (*_late(WAYS), *_late(NAMED)), once=True
    )
    hosting = _recipient(at, recipient="hosting_feed", role="processor")
    yield Planting("a feed of downloads to a registered processor", (hosting,), once=True)


def _examined(at: Moments) -> Iterator[Planting]:
    over, due = at.overdue_day("P12M"), at.due_day("P12M")
    yield Planting("a processor examined 12 months and a day ago", (_recipient(at, vetted_on=over),), _late(VETTED))
    yield Planting("a processor whose 12 months end on the day of the audit", (_recipient(at, vetted_on=due),))
    yield Planting("a processor that was never examined", (_recipient(at, vetted_on=None),), _late(VETTED))
    soon = _recipient(at, vetted_on=at.today + timedelta(days=1))
    yield Planting("a processor that was examined tomorrow", (soon,), (unknown(VETTED),))
    twice = (_recipient(at, vetted_on=over), _recipient(at, vetted_on=due, role="sub_processor"))
    yield Planting("a processor registered twice, one of the two examined", twice)
    gone = _recipient(at, vetted_on=over, to_on=at.today - timedelta(days=1))
    yield Planting(
        "a processor whose contract ended yesterday", (gone,), (beside(NAMED), beside(BOUND), beside(ABROAD))
    )
    today = _recipient(at, vetted_on=over, to_on=at.today)
    yield Planting("a processor whose contract ends today, examined too long ago", (today,), _late(VETTED))


def _named(at: Moments) -> Iterator[Planting]:
    yield Planting("a recipient without a country", (_recipient(at, country=" "),), _late(NAMED))
    unplanned = _recipient(at, next_review_on=None)
    yield Planting("a processor nobody will examine again", (unplanned,), _late(NAMED))
    passed = _recipient(at, next_review_on=at.today - timedelta(days=1))
    yield Planting("a processor whose next examination was to be yesterday", (passed,), _late(NAMED))
    yield Planting("a processor to be examined today", (_recipient(at, next_review_on=at.today),))
    for day in ("1970-01-01", "infinity"):
        odd = _recipient(at, next_review_on=day)
        yield Planting(f"a processor to be examined next on {day}", (odd,), (unknown(NAMED),))
    team = _recipient(at, role="internal", contract_on=None, vetted_on=None, next_review_on=None)
    yield Planting("a team of the company, without a contract", (team,))
    undated = _recipient(at, role="internal", country=None, from_on=None)
    yield Planting("a recipient without a country, in use nobody knows since when", (undated,), (unknown(NAMED),))


def _bound(at: Moments) -> Iterator[Planting]:
    began = at.today - timedelta(days=730)
    yield Planting("a processor without a contract", (_recipient(at, contract_on=None),), _late(BOUND))
    late = _recipient(at, contract_on=began + timedelta(days=1))
    yield Planting("a processor whose contract was signed a day late", (late,), _late(BOUND))
    yield Planting("a processor whose contract was signed on its first day", (_recipient(at, contract_on=began),))
    default = _recipient(at, contract_on="1970-01-01")
    yield Planting("a processor whose contract was signed in 1970", (default,), (unknown(BOUND),))


def _abroad(at: Moments) -> Iterator[Planting]:
    clauses: dict[str, Value] = {
        "country": "US",
        "in_eea": "no",
        "safeguard": "standard_clauses",
        "safeguard_ref": "contracts/planted",
        "assessed_on": at.today - timedelta(days=100),
    }

    def abroad(**values: Value) -> tuple[Row]:
        return (_recipient(at, **{**clauses, **values}),)

    yield Planting("a processor abroad under standard clauses", abroad())
    yield Planting("a processor abroad without a safeguard", abroad(safeguard="promise"), _late(ABROAD))
    yield Planting("a processor abroad whose safeguard nobody filed", abroad(safeguard_ref=" "), _late(ABROAD))
    yield Planting("a processor abroad that nobody assessed", abroad(assessed_on=None), _late(ABROAD))
    unsaid = abroad(safeguard=None)
    yield Planting("a processor abroad, the safeguard not written down", unsaid, (unknown(ABROAD),))
    nowhere = abroad(in_eea=None, safeguard="none")
    yield Planting("a processor nobody knows the place of", nowhere, (unknown(ABROAD),))
    court: dict[str, Value] = {"contract_on": None, "vetted_on": None, "next_review_on": None}
    yield Planting("an authority abroad", abroad(role="authority", safeguard=None, **court))


def _called(at: Moments) -> Iterator[Planting]:
    """XFR-6 and SEC-6: what a place is called, and which stores the register of backups knows."""

    def place(**values: Value) -> tuple[Row]:
        return (Row("app.tools", {"from_on": at.today - timedelta(days=400), **values}),)

    yield Planting("a place of a kind that nobody knows", place(kind="spreadsheet"), _late(CALLED))
    yield Planting("a store that the register of backups does not know", place(kind="store"), _late(BACKED_UP))
    shouted = place(kind="store", name=Numbered(" TOOL {n}"))
    yield Planting("a store that it knows in other letter case", (*shouted, _backup(at)))


def _backup(at: Moments) -> Row:
    """Of the planting's own store."""
    values: dict[str, Value] = {
        "store": Numbered("tool {n}"),
        "oldest_at": at.ago(20),
        "newest_at": at.ago(0.5),
        "restore_tested_at": at.ago(90),
    }
    return Row("app.backups", values)


def _places(at: Moments) -> Iterator[Planting]:
    clauses: dict[str, Value] = {
        "country": "US",
        "in_eea": "no",
        "safeguard": "standard_clauses",
        "safeguard_ref": "contracts/planted",
        "assessed_on": at.today - timedelta(days=100),
        "from_on": at.today - timedelta(days=400),
    }
    for kind, check in (("store", STORES), ("backup", STORES), ("tool", TOOLS)):

        def abroad(kind: str = kind, **values: Value) -> tuple[Row, ...]:
            place = Row("app.tools", {**clauses, "kind": kind, **values})
            return (place, _backup(at)) if kind == "store" else (place,)

        yield Planting(f"a {kind} abroad under standard clauses", abroad())
        yield Planting(f"a {kind} abroad without a safeguard", abroad(safeguard="promise"), _late(check))
        yield Planting(f"a {kind} abroad whose safeguard nobody filed", abroad(safeguard_ref=None), _late(check))
        yield Planting(f"a {kind} abroad that nobody assessed", abroad(assessed_on=None), _late(check))
        yield Planting(f"a {kind} abroad, the safeguard not written down", abroad(safeguard=None), (unknown(check),))
        yield Planting(f"a {kind} nobody knows the place of", abroad(in_eea=None, safeguard="none"), (unknown(check),))
        ended = abroad(safeguard="promise", to_on=at.today - timedelta(days=1))
        over = (beside(check), beside(CALLED), *((beside(BACKED_UP),) if kind == "store" else ()))
        yield Planting(f"a {kind} abroad, given up yesterday", ended, over)
    known = {**clauses, "kind": None}
    both = tuple(unknown(check) for check in (STORES, TOOLS, CALLED, BACKED_UP))
    yield Planting(
        "a store or a tool abroad without a safeguard", (Row("app.tools", {**known, "safeguard": "promise"}),), both
    )
