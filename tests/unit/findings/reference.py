"""A second opinion on the life of findings: answers are found by looking back over all nights, none is carried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import Enum, auto
from functools import cache
from itertools import dropwhile, takewhile
from statistics import median
from typing import NamedTuple

from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.findings.finding_state import FindingChange, FindingKind, FindingState, FindingStatus
from tests.unit.findings.nights import Look, Night, Paper, Place, day_of, usual

Expected = dict[str, object]
"""How a finding must stand: fields of `FindingState`."""
DAYS = {Severity.CRITICAL: 7, Severity.HIGH: 30, Severity.MEDIUM: 90, Severity.LOW: 120}
WARNING = timedelta(days=14)


class Seen(Enum):
    """What a night means to one finding."""

    FOUND = auto()
    GONE = auto()
    BLIND = auto()


class Page(NamedTuple):
    """A night that concerned a finding."""

    at: datetime
    seen: Seen
    look: Look
    severity: Severity
    papers: tuple[Paper, ...]
    usual: tuple[int, ...]


class Life:
    """All nights that concerned one finding. Each answer is for the n-th of them; -1 is before the first."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self.paper: Callable[[int], Paper | None] = cache(self._paper)
        self.changes: Callable[[int], frozenset[FindingChange]] = cache(lambda n: frozenset(self._changes(n)))
        self.told: Callable[[int], int | None] = cache(self._told)

    def found(self, n: int) -> list[Page]:
        return [page for page in self.pages[: n + 1] if page.seen is Seen.FOUND]

    def stay(self, n: int) -> list[Page]:
        """The nights that found it since it was last gone; of one that is gone, before that."""
        nights = reversed([page for page in self.pages[: n + 1] if page.seen is not Seen.BLIND])
        back = dropwhile(lambda page: page.seen is Seen.GONE, nights)
        return list(takewhile(lambda page: page.seen is Seen.FOUND, back))

    def is_open(self, n: int) -> bool:
        return [page.seen for page in self.pages[: n + 1] if page.seen is not Seen.BLIND][-1:] == [Seen.FOUND]

    def rows(self, n: int) -> int:
        return self.found(n)[-1].look.violating + self.found(n)[-1].look.undecidable

    def due_by(self, n: int) -> date:
        return day_of(self.found(n)[0].at) + timedelta(days=DAYS[self.found(n)[-1].severity])

    def is_late(self, n: int) -> bool:
        return self.is_open(n) and not self.paper(n) and day_of(self.pages[n].at) > self.due_by(n)

    def holds(self, n: int, paper: Paper) -> bool:
        return paper.begins <= self.pages[n].at <= paper.expires

    def _paper(self, n: int) -> Paper | None:
        """The waiver over it: in force, wide enough, and none that ended over it before."""
        if not self.is_open(n):
            return None
        spent = [old.terms for m in range(n) if self.has_ended(m) and (old := self.paper(m - 1))]
        fit = (it for it in self.pages[n].papers if self.holds(n, it) and self.rows(n) <= it.max_rows)
        return next((it for it in fit if it.terms not in spent), None)

    def has_ended(self, n: int) -> bool:
        return self.is_open(n) and self.paper(n - 1) is not None and self.paper(n) is None

    def why(self, n: int, old: Paper) -> FindingChange:
        written = next((it for it in self.pages[n].papers if it.id == old.id), None)
        if written and self.holds(n, written) and self.rows(n) > written.max_rows:
            return FindingChange.WAIVER_EXCEEDED
        is_over = self.pages[n].at > (written or old).expires
        return FindingChange.WAIVER_EXPIRED if is_over else FindingChange.WAIVER_WITHDRAWN

    def is_ending(self, n: int, paper: Paper) -> bool:
        over = self.paper(n)
        return over is not None and over.terms == paper.terms and self.pages[n].at >= paper.expires - WARNING

    def is_jump(self, n: int) -> bool:
        """Whether unusually many rows came and are still there; while nobody looks there are as many as there were."""
        if n < 0 or self.pages[n].seen is not Seen.FOUND:
            return n >= 0 and self.pages[n].seen is Seen.BLIND and self.is_jump(n - 1)
        rows, usual = self.pages[n].look.violating, self.pages[n].usual
        unusual = rows >= 1000 and len(usual) >= 5 and rows > 10 * max(1, median(usual))
        return unusual and (rows > usual[-1] or self.is_jump(n - 1))

    def _told(self, n: int) -> int | None:
        """The rows that growth is measured by: as last told, or where they fell to since, below half of it."""
        if n < 0 or not self.is_open(n):
            return None
        before = self.told(n - 1)
        if self.paper(n):
            return before
        if self.changes(n) or (before is not None and self.rows(n) * 2 < before):
            return self.rows(n)
        return before

    def has_grown(self, n: int) -> bool:
        """Since its owner was last told of it, of all nights since it was last gone."""
        told = self.told(n - 1)
        return told is not None and not self.paper(n) and self.rows(n) * 5 > told * 6

    def has_worsened(self, n: int) -> bool:
        then, now = self.found(n)[-2:]
        proved = (then.look.outcome, now.look.outcome) == (Outcome.REVIEW, Outcome.FAIL)
        return proved or list(Severity).index(now.severity) < list(Severity).index(then.severity)

    def _changes(self, n: int) -> Iterator[FindingChange]:
        known, paper, old = self.is_open(n - 1), self.paper(n), self.paper(n - 1)
        if not self.is_open(n):
            return (yield from (FindingChange.RESOLVED,) if known else ())
        if self.pages[n].seen is Seen.FOUND:
            came = FindingChange.RETURNED if self.found(n - 1) else FindingChange.FOUND
            yield from (() if known else (came,))
            yield from (FindingChange.WORSENED,) if known and self.has_worsened(n) else ()
            yield from (FindingChange.GREW,) if known and self.has_grown(n) else ()
            yield from (FindingChange.JUMPED,) if self.is_jump(n) and not self.is_jump(n - 1) else ()
        if self.is_late(n) and not any(map(self.is_late, range(n))):
            yield FindingChange.DUE_PASSED
        if paper and not old:
            yield FindingChange.WAIVED
        if paper and self.is_ending(n, paper) and not any(self.is_ending(m, paper) for m in range(n)):
            yield FindingChange.WAIVER_ENDING
        if old and not paper:
            yield self.why(n, old)

    def status(self, n: int) -> FindingStatus:
        for change, status in (
            (FindingChange.RESOLVED, FindingStatus.RESOLVED),
            (FindingChange.FOUND, FindingStatus.NEW),
        ):
            if change in self.changes(n):
                return status
        return (
            FindingStatus.REOPENED
            if FindingChange.RETURNED in self.changes(n) or self.has_ended(n)
            else FindingStatus.OPEN
        )

    def stands(self) -> Expected:
        """How it stands after the last night; nothing when it was never found."""
        n = len(self.pages) - 1
        if not self.found(n):
            return {}
        found, paper = self.found(n), self.paper(n)
        reopened = [self.pages[m].at for m in range(n + 1) if self.status(m) is FindingStatus.REOPENED]
        blind = list(takewhile(lambda page: page.seen is Seen.BLIND, reversed(self.pages)))
        return {
            "status": self.status(n),
            "outcome": found[-1].look.outcome,
            "severity": found[-1].severity,
            "first_seen": found[0].at,
            "last_seen": found[-1].at,
            "due_by": self.due_by(n),
            "occurrences": len(found),
            "violating": found[-1].look.violating,
            "undecidable": found[-1].look.undecidable,
            "overdue_since": min((page.look.since for page in self.stay(n) if page.look.since), default=None),
            "reopened_at": reopened[-1] if reopened else None,
            "resolved_at": None if self.is_open(n) else self.pages[n].at,
            "unseen_since": blind[-1].at if blind else None,
            "braked": self.is_jump(n),
            "waiver": paper.id if paper else "",
            "waived_rows": paper.max_rows if paper else 0,
            "waived_until": paper.expires if paper else None,
            "changes": self.changes(n),
        }


def standings(nights: Sequence[Night]) -> dict[tuple[FindingKind, Place], Expected]:
    """How the findings stand after the last of these nights, as far as it says anything of them."""
    return {key: stands for store in nights[-1].stores for key, stands in _of_store(nights, store) if stands}


def moves(nights: Sequence[Night], store: str) -> bool:
    """Whether the last night moves a store: no later instant judged it before."""
    return all(night.at <= nights[-1].at for night in nights if store in night.stores)


def _of_store(nights: Sequence[Night], store: str) -> Iterator[tuple[tuple[FindingKind, Place], Expected]]:
    if not moves(nights, store):
        return
    upto = [nights[: n + 1] for n in range(len(nights))]
    past = [it for it in upto if store in it[-1].stores and moves(it, store)]
    for place in {it for night in nights for it in night.looks if it.store == store} | {Place(store)}:
        sight = _tonight([_page(it, place, _sight(it[-1], place), waivable=False) for it in past])
        yield (FindingKind.NOT_AUDITED, place), {name: value for name, value in sight.items() if name != "unseen_since"}
        if place.control:
            yield (FindingKind.NONCONFORMITY, place), _breach(past, place)


def _breach(past: Sequence[Sequence[Night]], place: Place) -> Expected:
    """What is wrong at a place. Under a new name it goes on from what was wrong under the old one, which ends."""
    names = past[-1][-1].formerly
    now = next((now for now, old in names.items() if place in (now, old)), place)
    renamed = [n for n, it in enumerate(past) if now in it[-1].formerly and now in it[-1].of(now.store)]
    own = [_page(it, place, _look(it[-1], place)) for it in past]
    if not renamed:
        return _tonight(own)
    if place == now:
        old = [_page(it, names[now], _look(it[-1], names[now])) for it in past[: renamed[0]]]
        return _tonight([*old, *own[renamed[0] :]])
    ended = Life([page for page in own[: renamed[0]] if page])
    goes_on = [n for n in renamed if ended.is_open(len(ended.pages) - 1) or _look(past[n][-1], now) is Seen.FOUND]
    if not ended.pages or goes_on[:1] != [len(past) - 1]:
        return {}
    end = Page(past[-1][-1].at, Seen.GONE, Look(Outcome.PASS), Severity.LOW, (), ())
    closed = Life([*ended.pages, end]).stands()
    return closed and {
        **closed,
        "resolved_at": end.at,
        "status": FindingStatus.RESOLVED,
        "changes": {FindingChange.RENAMED},
    }


def _tonight(pages: Sequence[Page | None]) -> Expected:
    """How a finding stands if the last night, which is the last of these pages, says anything of it."""
    life = Life([page for page in pages if page])
    n = len(life.pages) - 1
    return life.stands() if pages[-1] and (life.is_open(n) or life.changes(n)) else {}


def _page(nights: Sequence[Night], place: Place, seen: Seen | None, *, waivable: bool = True) -> Page | None:
    night = nights[-1]
    if seen is None:
        return None
    look = night.of(place.store).get(place, Look(Outcome.NOT_AUDITED))
    papers = night.papers.get(place, ()) if waivable else ()
    return Page(night.at, seen, look, night.severity(place), papers, usual(nights, place))


def _look(night: Night, place: Place) -> Seen | None:
    """What a night means to what is wrong at a place: nobody looked where no check is any more."""
    checks = night.of(place.store)
    if place not in checks:
        asked = night.whole or place.control in {it.control for it in checks}
        return Seen.BLIND if asked else None
    found = {Outcome.FAIL: Seen.FOUND, Outcome.REVIEW: Seen.FOUND, Outcome.NOT_AUDITED: Seen.BLIND}
    return found.get(checks[place].outcome, Seen.GONE)


def _sight(night: Night, place: Place) -> Seen | None:
    """What a night means to the finding that nobody could look at a place, or at a store as a whole."""
    checks, down = night.of(place.store), night.is_down(place.store)
    if not place.control:
        return Seen.FOUND if down else Seen.GONE
    if place in checks:
        blind = Seen.BLIND if down else Seen.FOUND  # a store that is down is one finding, and none for each check
        return blind if checks[place].outcome is Outcome.NOT_AUDITED else Seen.GONE
    elsewhere = {look.outcome for it, look in checks.items() if it.control == place.control}
    if not (night.whole or elsewhere):
        return None
    return Seen.BLIND if down or elsewhere == {Outcome.NOT_AUDITED} else Seen.GONE


def agree(nights: Sequence[Night], moved: bool, stands: Sequence[FindingState]) -> None:
    """Asserts that the findings stand as they must after the last of these nights."""
    expected = standings(nights)
    got = {(one.kind, Place(one.store, one.table, one.control, one.qualifier)): one for one in stands}
    assert len(got) == len(stands) == len({one.fingerprint for one in stands})
    said = {
        key: {name: set(one.changes) if name == "changes" else getattr(one, name) for name in expected.get(key, ())}
        for key, one in got.items()
    }
    assert said == expected
    for (kind, place), one in got.items():
        assert (one.check, one.fingerprint == place.fingerprint) == (place.check, kind is FindingKind.NONCONFORMITY)
    assert moved is any(moves(nights, store) for store in nights[-1].stores)
