"""The server and the auditor mean the same by a time zone, or what reckons with it is not audited.

Here the auditor's own zone database is another one: the same names, with the data of other places.
"""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.sql import time_zones
from privacy_audit.sql.time_zones import differences
from tests.unit.engine.conftest import Store, T, by_control

FIRST = date(2019, 1, 1)
Misled = Callable[[Mapping[str, str]], None]


@pytest.fixture
def misled(tmp_path: Path) -> Iterator[Misled]:
    """Gives the auditor zones with the data of others: name to the name whose data it has."""
    real = zoneinfo.TZPATH
    sources = [Path(folder) for folder in real if (Path(folder) / "UTC").exists()]
    if not sources:
        pytest.skip("the machine has no zone database of its own")

    def mislead(zones: Mapping[str, str]) -> None:
        for name, data in zones.items():
            target = tmp_path / "zones" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources[0] / data, target)
        _look_in(tmp_path / "zones", *real)

    yield mislead
    _look_in(*real)


def _look_in(*folders: str | Path) -> None:
    zoneinfo.reset_tzpath(tuple(map(str, folders)))
    zoneinfo.ZoneInfo.clear_cache()
    time_zones._instants.cache_clear()


def told(store: Store, *zones: str, first: date = FIRST) -> Mapping[str, str]:
    with store.opened() as connection:
        return differences(connection, zones, first, T)


PLACES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "UTC", "Etc/GMT+5", "Australia/Lord_Howe", "Africa/Cairo")


def test_zones_of_which_both_say_the_same(store: Store) -> None:
    assert told(store, *PLACES, first=date(2001, 1, 1)) == {}


@pytest.mark.parametrize("zone", ["CET", "EET", "MET", "WET", "EST", "MST", "HST"])
def test_a_name_that_the_server_takes_for_an_abbreviation(store: Store, zone: str) -> None:
    assert told(store, zone) == {zone: f"the server takes {zone} for an abbreviation, which is one offset all year"}


@pytest.mark.parametrize("zone", ["UTC", "GMT", "UCT", "Zulu"])
def test_no_offset_is_none_everywhere(store: Store, zone: str) -> None:
    assert told(store, zone) == {}


def test_another_offset_all_year(store: Store, misled: Misled) -> None:
    misled({"Asia/Kolkata": "Asia/Kathmandu"})
    assert told(store, "Asia/Kolkata", "Europe/Paris") == {
        "Asia/Kolkata": "on 2018-12-31 Asia/Kolkata is +05:30 to the server and +05:45 here"
    }


def test_a_summer_time_that_only_one_of_the_two_knows(store: Store, misled: Misled) -> None:
    misled({"Europe/Paris": "Africa/Lagos", "Africa/Lagos": "Europe/Paris"})
    found = told(store, "Europe/Paris", "Africa/Lagos")
    assert "+02:00 to the server and +01:00 here" in found["Europe/Paris"]
    assert "+01:00 to the server and +02:00 here" in found["Africa/Lagos"]


def test_a_change_of_the_clocks_an_hour_off_is_seen(store: Store, misled: Misled) -> None:
    """Athens and Beirut have the same offsets; the clocks of Beirut are changed at midnight."""
    misled({"Europe/Athens": "Asia/Beirut"})
    assert "Europe/Athens" in told(store, "Europe/Athens")


def test_a_zone_that_the_server_does_not_know(store: Store, misled: Misled) -> None:
    misled({"Europe/Nowhere": "Europe/Paris"})
    assert told(store, "Europe/Nowhere", "Europe/Paris") == {
        "Europe/Nowhere": "the server knows no time zone Europe/Nowhere"
    }


def _mapped(zone: str) -> dict[str, Any]:
    group = {"category": "geolocation", "clock": {"column": "at", "encoding": "timestamp", "zone": zone}}
    positions = {"title": "Positions", "key": ["id"], "subject": {"column": "user_id"}, "data": [group]}
    group = {"category": "connection", "clock": {"column": "at"}}
    return {"app.positions": positions, "app.sessions": {**positions, "title": "Sessions", "data": [group]}}


@pytest.fixture
def mapped(store: Store) -> Store:
    store.do(
        "CREATE TABLE app.positions (id int, user_id int, at timestamp)",
        "CREATE TABLE app.sessions (id int, user_id int, at timestamptz)",
        "INSERT INTO app.positions VALUES (1, 1, '2026-11-20'); INSERT INTO app.sessions VALUES (1, 1, '2026-11-20')",
    )
    return store


def test_only_the_checks_that_reckon_with_it_are_not_audited(mapped: Store, tmp_path: Path, misled: Misled) -> None:
    misled({"Asia/Kolkata": "Asia/Kathmandu"})
    checks = by_control(mapped.audit(tmp_path, _mapped("Asia/Kolkata")))
    assert (checks["RET-3"].outcome, checks["RET-3"].cause) == (Outcome.NOT_AUDITED, Cause.TIME_ZONES)
    assert checks["RET-3"].reason == (
        "Time zone data differ: on 2018-12-31 Asia/Kolkata is +05:30 to the server and +05:45 here."
        " Bring both up to date, or write another zone, as Europe/Paris."
    )
    assert checks["RET-4"].outcome is Outcome.PASS


def test_all_reckon_with_the_policys(mapped: Store, tmp_path: Path, misled: Misled) -> None:
    misled({"Europe/Paris": "Europe/London"})
    checks = by_control(mapped.audit(tmp_path, _mapped("Asia/Kolkata")))
    assert {check.cause for check in checks.values()} == {Cause.TIME_ZONES}


def test_where_they_agree_all_are_audited(mapped: Store, tmp_path: Path) -> None:
    checks = by_control(mapped.audit(tmp_path, _mapped("Asia/Kolkata")))
    assert {check.outcome for check in checks.values()} == {Outcome.PASS}
