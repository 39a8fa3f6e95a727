"""The life of a finding as short stories: one line per night, one story per rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from privacy_audit.domain.outcomes import Outcome, Severity
from privacy_audit.findings.finding_state import FindingKind, FindingState, FindingStatus
from tests.unit.findings.nights import ROWS, SEVERITIES, Look, Night, Paper, Place, after, fold

POSITIONS = Place("app", "app.positions", "RET-3")
"""The place of the stories: its severity is high, so that a finding is due 30 days after it was first seen."""
TRACKS = Place("app", "app.tracks", "RET-3")
"""What POSITIONS are called later, or another table of the same control."""
CONTRACTS = Place("app", "app.contracts", "RET-1")
"""Looked at every night, so that the store is never without a check."""
STORE = Place("app")
LOGS = Place("web", "web.connection_logs", "RET-4")

WAIVER = Paper("W-1", after(1), after(10), 12)
PAPERS = {
    "W": WAIVER,
    "longer": WAIVER._replace(expires=after(20)),
    "wider": WAIVER._replace(max_rows=20),
    "shorter": WAIVER._replace(expires=after(2)),
    "other": Paper("W-2", after(1), after(10), 12),
    "late": Paper("W-3", after(1), after(60), 12),
}

# A night is `day what [waiver in the file] | breach | not audited | store not audited`, each of these with its changes,
# `-` where nothing is to be said. A day is one of the nights, :minutes after it, + or - one microsecond.
STORIES = {
    "what is found is new, and open when it is found again": """
        0 fail 5          | new found | - | -
        1 fail 5          | open      | - | -
        2 fail 5          | open      | - | -
    """,
    "what needs a review is found too": """
        0 review 4        | new found | - | -
        1 review 4        | open      | - | -
    """,
    "what passes or does not apply was never found": """
        0 pass            | - | - | -
        1 none            | - | - | -
    """,
    "a pass resolves it, once": """
        0 fail 5          | new found         | - | -
        1 pass            | resolved resolved | - | -
        2 pass            | -                 | - | -
        3 none            | -                 | - | -
    """,
    "what does no longer apply is resolved": """
        0 review 4        | new found         | - | -
        1 none            | resolved resolved | - | -
    """,
    "what comes back is reopened on that night, and open from the next": """
        0 fail 5          | new found         | - | -
        1 pass            | resolved resolved | - | -
        2 fail 5          | reopened returned | - | -
        3 fail 5          | open              | - | -
        4 pass            | resolved resolved | - | -
        5 fail 5          | reopened returned | - | -
    """,
    "a night that could not look resolves nothing": """
        0 fail 5          | new found         | -                 | -
        1 blind           | open              | new found         | -
        2 blind           | open              | open              | -
        3 fail 5          | open              | resolved resolved | -
        4 blind           | open              | reopened returned | -
        5 pass            | resolved resolved | resolved resolved | -
        6 blind           | -                 | reopened returned | -
        7 none            | -                 | resolved resolved | -
    """,
    "a store that is down is one finding, and those of its checks stay as they were": """
        0 fail 5          | new found | -                 | -
        1 down            | open      | -                 | new found
        2 blind           | open      | new found         | resolved resolved
        3 down            | open      | open              | reopened returned
        4 down            | open      | open              | open
        5 fail 5          | open      | resolved resolved | resolved resolved
    """,
    "a store of which not even the checks are known is as bad as can be": """
        0 blind           | - | new found         | -
        1 down            | - | open              | new found
        2 bare            | - | open              | open worsened
        3 bare            | - | open              | open
        4 pass            | - | resolved resolved | resolved resolved
    """,
    "a store that was looked at is not down because a check of it was not": """
        0 blind           | - | new found | -
    """,
    "a table that left the map is not looked at": """
        0 fail 5          | new found | - | -
        1 absent          | open      | - | -
        2 absent          | open      | - | -
        3 fail 5          | open      | - | -
    """,
    "that nobody could look is over when the control looks elsewhere": """
        0 blind           | - | new found         | -
        1 elsewhere       | - | resolved resolved | -
    """,
    "that nobody could look is not over while the control looks nowhere": """
        0 blind           | - | new found | -
        1 nowhere         | - | open      | -
    """,
    "that nobody could look is over when the control is no longer promised": """
        0 blind           | - | new found         | -
        1 absent          | - | resolved resolved | -
    """,
    "a run over other controls leaves it as it was": """
        0 fail 5          | new found         | - | -
        1 others          | -                 | - | -
        2 pass            | resolved resolved | - | -
    """,
    "a run over other controls does not end that nobody could look": """
        0 blind           | - | new found | -
        1 others          | - | -         | -
        2 blind           | - | open      | -
    """,
    "an audit of an earlier instant moves nothing": """
        1 fail 5          | new found         | - | -
        0 pass            | -                 | - | -
        1- pass           | -                 | - | -
        2 fail 5          | open              | - | -
    """,
    "an audit of the same instant moves": """
        1 fail 5          | new found         | - | -
        1 pass            | resolved resolved | - | -
    """,
    "it is due to the end of its last day in Paris, and told once that the day has passed": """
        0 fail 5          | new found       | - | -
        31 fail 5         | open            | - | -
        31:30- fail 5     | open            | - | -
        31:30 fail 5      | open due_passed | - | -
        32 fail 5         | open            | - | -
        33 pass           | resolved resolved | - | -
        34 fail 5         | reopened returned | - | -
    """,
    "its day passes while nobody can look": """
        0 fail 5          | new found       | -         | -
        32 down           | open due_passed | -         | new found
        33 fail 5         | open            | -         | resolved resolved
    """,
    "it is due since it was first seen, also when it comes back": """
        0 fail 5          | new found                    | - | -
        1 pass            | resolved resolved            | - | -
        40 fail 5         | reopened returned due_passed | - | -
    """,
    "a review that is proved to be a breach is worse, and the way back is not": """
        0 review 5        | new found      | - | -
        1 fail 5          | open worsened  | - | -
        2 review 5        | open           | - | -
    """,
    "a promise that became more severe makes it worse, once; a milder one does not": """
        0 fail 5          | new found     | - | -
        1 critical 5      | open worsened | - | -
        2 critical 5      | open          | - | -
        3 fail 5          | open          | - | -
    """,
    "rows must grow by more than 20 % since its owner was told": """
        0 fail 10         | new found     | - | -
        1 fail 12         | open          | - | -
        2 fail 13         | open grew     | - | -
        3 fail 15         | open          | - | -
        4 fail 16         | open grew     | - | -
        5 fail 2          | open          | - | -
        6 fail 16         | open grew     | - | -
    """,
    "rows that cannot be decided are rows": """
        0 review 10       | new found     | - | -
        1 review 13       | open grew     | - | -
    """,
    "an empty table that turns out to hold rows has grown": """
        0 review 0        | new found     | - | -
        1 review 1        | open grew     | - | -
    """,
    "what is told of it tells the number of its rows too": """
        0 review 10       | new found     | - | -
        1 fail 12         | open worsened | - | -
        2 fail 14         | open          | - | -
        3 fail 15         | open grew     | - | -
    """,
    "what fell below half of what was told grows from there": """
        0 fail 100        | new found     | - | -
        1 fail 50         | open          | - | -
        2 fail 49         | open          | - | -
        3 fail 58         | open          | - | -
        4 fail 59         | open grew     | - | -
    """,
    "what comes back has not grown": """
        0 fail 10         | new found         | - | -
        1 pass            | resolved resolved | - | -
        2 fail 90         | reopened returned | - | -
        3 fail 100        | open              | - | -
    """,
    "many times the usual rows are a jump, on its first night, after five nights": """
        0 fail 100        | new found        | - | -
        1 fail 100        | open             | - | -
        2 fail 100        | open             | - | -
        3 fail 100        | open             | - | -
        4 fail 100        | open             | - | -
        5 fail 1001       | open grew jumped | - | -
        6 blind           | open             | new found         | -
        7 fail 1001       | open             | resolved resolved | -
        8 fail 1000       | open             | - | -
        9 fail 1001       | open jumped      | - | -
    """,
    "a jump that was resolved is told again when it comes back": """
        0 fail 100        | new found                | - | -
        1 fail 100        | open                     | - | -
        2 fail 100        | open                     | - | -
        3 fail 100        | open                     | - | -
        4 fail 100        | open                     | - | -
        5 fail 1001       | open grew jumped         | - | -
        6 pass            | resolved resolved        | - | -
        7 fail 1001       | reopened returned jumped | - | -
    """,
    "ten times the usual rows are no jump": """
        0 fail 100        | new found        | - | -
        1 fail 100        | open             | - | -
        2 fail 100        | open             | - | -
        3 fail 100        | open             | - | -
        4 fail 100        | open             | - | -
        5 fail 1000       | open grew        | - | -
    """,
    "after four nights nobody knows what is usual": """
        0 fail 100        | new found        | - | -
        1 fail 100        | open             | - | -
        2 fail 100        | open             | - | -
        3 fail 100        | open             | - | -
        4 fail 5000       | open grew        | - | -
    """,
    "many rows that were there before five nights are known are no jump the night after": """
        0 pass            | -                | - | -
        1 pass            | -                | - | -
        2 pass            | -                | - | -
        3 pass            | -                | - | -
        4 fail 5000       | new found        | - | -
        5 fail 5000       | open             | - | -
        6 fail 5001       | open jumped      | - | -
    """,
    "fewer than a thousand rows are no jump": """
        0 pass            | -                | - | -
        1 pass            | -                | - | -
        2 pass            | -                | - | -
        3 pass            | -                | - | -
        4 pass            | -                | - | -
        5 fail 999        | new found        | - | -
        6 fail 1000       | open jumped      | - | -
    """,
    "nights that could not look are no nights without rows": """
        0 pass            | -                | -                 | -
        1 pass            | -                | -                 | -
        2 blind           | -                | new found         | -
        3 blind           | -                | open              | -
        4 pass            | -                | resolved resolved | -
        5 fail 5000       | new found        | -                 | -
    """,
    "a waiver covers from its first instant to its last, and reopens the finding once": """
        0 fail 12 W       | new found                     | - | -
        1- fail 12 W      | open                          | - | -
        1 fail 12 W       | open waived waiver_ending     | - | -
        2 fail 12 W       | open                          | - | -
        10 fail 12 W      | open                          | - | -
        10+ fail 12 W     | reopened waiver_expired       | - | -
        11 fail 12 W      | open                          | - | -
    """,
    "what a waiver covers at once is new nevertheless": """
        1 fail 5 W        | new found waived waiver_ending | - | -
        11 fail 5 W       | reopened waiver_expired        | - | -
        12 fail 7 W       | open grew                      | - | -
    """,
    "one row more than was waived reopens it, and one row less changes nothing": """
        0 fail 12         | new found                      | - | -
        1 fail 12 W       | open waived waiver_ending      | - | -
        2 fail 13 W       | reopened waiver_exceeded       | - | -
        3 fail 12 W       | open                           | - | -
    """,
    "a waiver ends while nobody can look": """
        1 fail 12 W       | new found waived waiver_ending | -         | -
        11 blind W        | reopened waiver_expired        | new found | -
        12 down W         | open                           | open      | new found
    """,
    "a waiver that is taken out of the file reopens it, and is spent": """
        1 fail 12 W       | new found waived waiver_ending | - | -
        2 fail 12         | reopened waiver_withdrawn      | - | -
        3 fail 12 W       | open                           | - | -
        4 fail 12 longer  | open waived                    | - | -
    """,
    "a waiver that is changed after it ended may cover it again, and the one before may not": """
        1 fail 12 W       | new found waived waiver_ending | - | -
        2 fail 13 W       | reopened waiver_exceeded       | - | -
        3 fail 13 wider   | open waived waiver_ending      | - | -
        4 fail 21 wider   | reopened grew waiver_exceeded  | - | -
        5 fail 12 W       | open                           | - | -
        6 fail 12 wider   | open                           | - | -
    """,
    "a waiver that follows another without a gap ends nothing": """
        1 fail 12 W       | new found waived waiver_ending | - | -
        2 fail 12 other   | open waiver_ending             | - | -
        3 fail 12 longer  | open                           | - | -
        6 fail 12 longer  | open waiver_ending             | - | -
    """,
    "a waiver whose end was moved into the past has expired": """
        1 fail 12 W       | new found waived waiver_ending | - | -
        3 fail 12 shorter | reopened waiver_expired        | - | -
    """,
    "the end of a waiver is announced two weeks before, once": """
        1 fail 12 late    | new found waived               | - | -
        46- fail 12 late  | open                           | - | -
        46 fail 12 late   | open waiver_ending             | - | -
        47 fail 12 late   | open                           | - | -
        48 pass late      | resolved resolved              | - | -
        49 fail 12 late   | reopened returned waived       | - | -
    """,
    "while it is waived it neither grows nor is it overdue": """
        0 fail 5          | new found                      | - | -
        1 fail 5 late     | open waived                    | - | -
        2 fail 12 late    | open                           | - | -
        32 fail 12 late   | open                           | - | -
        61 fail 12 late   | reopened grew due_passed waiver_expired | - | -
    """,
    "what is resolved has no waiver, and the same one covers it when it comes back": """
        1 fail 12 late    | new found waived               | - | -
        2 pass late       | resolved resolved              | - | -
        3 fail 12 late    | reopened returned waived       | - | -
    """,
    "a waiver is for what was found, not for that nobody could look": """
        1 blind W         | - | new found | -
        11 blind W        | - | open      | -
    """,
}


def _at(text: str) -> datetime:
    day, minutes, least = re.fullmatch(r"(\d+)(?::(\d+))?([+-]?)", text).groups()  # type: ignore[union-attr]
    microseconds = {"+": 1, "-": -1}.get(least, 0)
    return after(int(day)) + timedelta(minutes=int(minutes or 0), microseconds=microseconds)


def _night(text: str) -> Night:
    day, what, *more = text.split()
    rows = int(more.pop(0)) if more and more[0].isdigit() else 0
    since = date(2026, 10, 1)
    blind, passed = Look(Outcome.NOT_AUDITED), Look(Outcome.PASS)
    looks: dict[str, Mapping[Place, Look]] = {
        "fail": {POSITIONS: Look(Outcome.FAIL, rows, 0, since)},
        "critical": {POSITIONS: Look(Outcome.FAIL, rows, 0, since)},
        "review": {POSITIONS: Look(Outcome.REVIEW, 0, rows)},
        "pass": {POSITIONS: passed},
        "none": {POSITIONS: Look(Outcome.NOT_APPLICABLE)},
        "blind": {POSITIONS: blind},
        "down": {POSITIONS: blind},
        "elsewhere": {TRACKS: passed},
        "nowhere": {TRACKS: blind},
    }
    seen = {} if what == "bare" else {CONTRACTS: passed, **looks.get(what, {})}
    return Night(
        at=_at(day),
        looks=seen,
        stores=("app",),
        down=("app",) if what in ("down", "bare") else (),
        whole=what != "others",
        severities={**SEVERITIES, "RET-3": Severity.CRITICAL if what == "critical" else Severity.HIGH},
        papers={POSITIONS: tuple(PAPERS[name] for name in more)},
    )


def _said(stands: Sequence[FindingState], kind: FindingKind, place: Place) -> str:
    found = [one for one in stands if one.kind is kind and one.check == place.check]
    assert len(found) <= 1
    return " ".join([found[0].status, *found[0].changes]) if found else "-"


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_finding_lives_as_its_story_says(story: str) -> None:
    lines = [line.strip() for line in story.strip().splitlines()]
    nights = [_night(line.split("|")[0]) for line in lines]
    told = []
    for line, (_, stands) in zip(lines, fold(nights), strict=True):
        said = (
            _said(stands, FindingKind.NONCONFORMITY, POSITIONS),
            _said(stands, FindingKind.NOT_AUDITED, POSITIONS),
            _said(stands, FindingKind.NOT_AUDITED, STORE),
        )
        told.append(f"{line.split('|')[0].strip()} | {' | '.join(said)}")
    assert told == [" | ".join(part.strip() for part in line.split("|")) for line in lines]


def _lived(*nights: str | Night) -> list[dict[str, FindingState]]:
    """Per night the breaches, by the id of their check."""
    made = [_night(one) if isinstance(one, str) else one for one in nights]
    return [{one.check: one for one in stands if one.kind is FindingKind.NONCONFORMITY} for _, stands in fold(made)]


def test_first_seen_never_moves_and_last_seen_is_the_last_night_that_found_it() -> None:
    nights = [it[POSITIONS.check] for it in _lived("0 fail 5", "1 blind", "2 down", "3 fail 6", "4 pass", "5 fail 7")]
    assert [one.first_seen for one in nights] == [after(0)] * 6
    assert [one.last_seen for one in nights] == [after(day) for day in (0, 0, 0, 3, 3, 5)]
    assert [one.occurrences for one in nights] == [1, 1, 1, 2, 2, 3]
    assert [one.unseen_since for one in nights] == [None, after(1), after(1), None, None, None]
    assert [one.resolved_at for one in nights] == [None, None, None, None, after(4), None]
    assert [one.reopened_at for one in nights] == [None] * 5 + [after(5)]
    assert [one.violating for one in nights] == [5, 5, 5, 6, 6, 7]


def test_a_night_that_could_not_look_keeps_what_was_found() -> None:
    *_, blind = _lived("0 fail 5", "1 blind")
    assert (blind[POSITIONS.check].outcome, blind[POSITIONS.check].rows) == (Outcome.FAIL, 5)


def test_it_is_overdue_since_the_earliest_day_that_was_ever_seen() -> None:
    days = (date(2026, 9, 2), date(2026, 9, 1), date(2026, 9, 3))
    looks = [{POSITIONS: Look(Outcome.FAIL, 5, 0, day)} for day in days]
    nights = [Night(after(n), look, ("app",)) for n, look in enumerate(looks)]
    assert [it[POSITIONS.check].overdue_since for it in _lived(*nights)] == [days[0], days[1], days[1]]


@pytest.mark.parametrize(
    ("severity", "days"), [(Severity.CRITICAL, 7), (Severity.HIGH, 30), (Severity.MEDIUM, 90), (Severity.LOW, 120)]
)
def test_it_is_due_so_many_days_after_the_civil_day_of_first_seen(severity: Severity, days: int) -> None:
    nights = [replace(_night(it), severities={**SEVERITIES, "RET-3": severity}) for it in ("0 fail 5", "3 fail 5")]
    due = {it[POSITIONS.check].due_by for it in _lived(*nights)}
    assert due == {date(2026, 10, 20) + timedelta(days=days)}  # the night of the 19th in UTC is the 20th in Paris


def test_a_waiver_is_shown_with_the_finding_and_rewrites_no_count() -> None:
    before, covered, over = (it[POSITIONS.check] for it in _lived("0 fail 12", "1 fail 9 W", "11 fail 9 W"))
    assert [(it.waiver, it.waived_rows, it.waived_until) for it in (before, over)] == [("", 0, None)] * 2
    assert (covered.waiver, covered.waived_rows, covered.waived_until) == ("W-1", 12, after(10))
    assert (covered.outcome, covered.violating, covered.is_open) == (Outcome.FAIL, 9, True)


def _renamed(text: str) -> Night:
    """The night after TRACKS took the place of POSITIONS."""
    night = _night(text)
    looks = {TRACKS if place == POSITIONS else place: look for place, look in night.looks.items()}
    papers = {TRACKS: night.papers[POSITIONS]}
    return replace(night, looks=looks, papers=papers, formerly={TRACKS: POSITIONS})


def _back(text: str) -> Night:
    """The night after POSITIONS have their first name again."""
    return replace(_night(text), formerly={POSITIONS: TRACKS})


RENAMED = "resolved renamed"
RENAMINGS = {
    "a finding goes on under its new name": (
        ("0 fail 5", "new found", "-"),
        (_renamed("1 fail 5"), RENAMED, "open"),
        (_renamed("2 fail 7"), "-", "open grew"),
        (_renamed("3 pass"), "-", "resolved resolved"),
    ),
    "also when nobody can look that night": (
        ("0 fail 5", "new found", "-"),
        (_renamed("1 blind"), RENAMED, "open"),
        (_renamed("2 fail 5"), "-", "open"),
    ),
    "also when it is gone that night": (
        ("0 fail 5", "new found", "-"),
        (_renamed("1 pass"), RENAMED, "resolved resolved"),
        (_renamed("2 fail 5"), "-", "reopened returned"),
    ),
    "what was resolved waits until it is found again": (
        ("0 fail 5", "new found", "-"),
        ("1 pass", "resolved resolved", "-"),
        (_renamed("2 pass"), "-", "-"),
        (_renamed("3 blind"), "-", "-"),
        (_renamed("4 fail 5"), RENAMED, "reopened returned"),
        (_renamed("5 fail 5"), "-", "open"),
    ),
    "what was renamed back goes on under its first name": (
        ("0 fail 5", "new found", "-"),
        (_renamed("1 fail 5"), RENAMED, "open"),
        (_back("2 blind"), "open", RENAMED),
        (_back("3 fail 5"), "open", "-"),
        (_back("4 pass"), "resolved resolved", "-"),
    ),
    "a waiver goes on with it": (
        ("1 fail 5 late", "new found waived", "-"),
        (_renamed("2 fail 5 late"), RENAMED, "open"),
        (_renamed("61 fail 5 late"), "-", "reopened due_passed waiver_expired"),
    ),
    "a waiver that ended covers it under no name": (
        ("1 fail 5 late", "new found waived", "-"),
        ("2 fail 13 late", "reopened waiver_exceeded", "-"),
        (_renamed("3 fail 12 late"), RENAMED, "open"),
    ),
}


@pytest.mark.parametrize("story", RENAMINGS.values(), ids=RENAMINGS)
def test_a_table_with_another_name_is_the_same_place(story: Sequence[tuple[str | Night, str, str]]) -> None:
    nights = [_night(it) if isinstance(it, str) else it for it, _, _ in story]
    kind = FindingKind.NONCONFORMITY
    told = [(_said(stands, kind, POSITIONS), _said(stands, kind, TRACKS)) for _, stands in fold(nights)]
    assert told == [(old, new) for _, old, new in story]


def test_a_finding_keeps_its_dates_under_its_new_name_and_the_old_one_ends() -> None:
    nights = _lived("1 fail 5 late", "2 fail 5 late", _renamed("3 blind late"), _renamed("4 fail 6 late"))
    old, new = nights[2][POSITIONS.check], nights[3][TRACKS.check]
    assert (old.status, old.resolved_at, old.waiver, old.unseen_since) == (FindingStatus.RESOLVED, after(3), "", None)
    assert (new.fingerprint, new.table, new.first_seen, new.last_seen) == (
        TRACKS.fingerprint,
        "app.tracks",
        after(1),
        after(4),
    )
    assert (new.occurrences, new.waiver, nights[2][TRACKS.check].unseen_since) == (3, "W-3", after(3))


def test_renamed_back_it_was_found_on_as_many_nights_as_found_it() -> None:
    *_, last = _lived("0 fail 5", _renamed("1 fail 5"), _back("2 fail 5"))
    assert (last[POSITIONS.check].occurrences, last[POSITIONS.check].first_seen) == (3, after(0))


def test_another_store_is_untouched() -> None:
    web = Night(after(0), {LOGS: Look(Outcome.FAIL, 9, 0, date(2026, 10, 1))}, ("web",))
    nights = [moved for moved, _ in fold([web, _night("1 fail 5"), replace(web, at=after(0.5)), _night("0 fail 5")])]
    assert nights == [True, True, True, False]
    assert all(one.store == "app" for _, stands in list(fold([web, _night("1 fail 5")]))[1:] for one in stands)


def test_an_audit_that_is_late_for_one_store_moves_the_other() -> None:
    looks = {POSITIONS: Look(Outcome.FAIL, 5, 0, date(2026, 10, 1)), LOGS: Look(Outcome.FAIL, 9, 0, date(2026, 10, 1))}
    *_, (moved, stands) = fold([_night("2 fail 5"), Night(after(1), looks)])
    assert (moved, {one.store for one in stands}) == (True, {"web"})


def test_no_count_no_date_and_no_wording_tells_findings_apart() -> None:
    nights = ["0 fail 5", "1 review 7", "2 blind", "3 critical 90"]
    prints = {(one.kind, one.fingerprint) for _, stands in fold([_night(it) for it in nights]) for one in stands}
    assert len(prints) == len({one for _, one in prints}) == 2
    assert (FindingKind.NONCONFORMITY, POSITIONS.fingerprint) in prints


def test_what_is_open_and_urgent_comes_first() -> None:
    night = _night("1 fail 12 late")
    more = {LOGS: Look(Outcome.FAIL, ROWS, 0, date(2026, 10, 1)), TRACKS: Look(Outcome.REVIEW, 0, 3)}
    both = replace(night, stores=("app", "web"), looks={**night.looks, **more, CONTRACTS: Look(Outcome.NOT_AUDITED)})
    (_, stands), *_ = fold([both])
    order = [CONTRACTS, LOGS, TRACKS, POSITIONS]  # not audited, fail, review, and last what is waived
    assert [one.check for one in stands] == [place.check for place in order]
