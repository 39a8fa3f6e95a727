"""A replica that is far behind is not audited: tried on a real one."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.installation import installation
from demo.server import EmbeddedPostgres
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.outcomes import Cause, Outcome
from privacy_audit.postgres import other_databases, replication_lag
from tests.unit.engine.conftest import Store, by_control, made

NOW = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
LEAST = timedelta(microseconds=1)
SENDS = {"wal_level": "replica", "max_wal_senders": "4", "wal_keep_size": "64MB", "full_page_writes": "on"}
TABLES = {
    "app.sessions": {
        "title": "Sessions",
        "key": ["id"],
        "subject": {"column": "user_id"},
        "data": [{"category": "connection", "clock": {"column": "started_at"}}],
    }
}


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (timedelta(), ""),
        (replication_lag.MOST_BEHIND, ""),
        (replication_lag.MOST_BEHIND + LEAST, "is of 2026-11-24 00:14 UTC: more than 60 minutes from now"),
        (timedelta(weeks=3), "is of 2026-11-03 01:15 UTC"),
        (-replication_lag.MOST_BEHIND, ""),
        (-replication_lag.MOST_BEHIND - LEAST, "is of 2026-11-24 02:15 UTC"),
        (None, "nobody knows how far behind"),
    ],
)
def test_how_far_behind_is_too_far(behind: timedelta | None, words: str) -> None:
    replayed = None if behind is None else NOW - behind
    told = replication_lag.too_old(True, replayed, NOW)
    assert words in told
    assert bool(told) == bool(words)
    assert "commit something every half hour" in told or not words
    assert replication_lag.too_old(False, replayed, NOW) == "", "a primary, or a replica that was promoted"


@dataclass
class Pair:
    """A server that is written, and its replica."""

    store: Store
    """At the primary."""
    replica: EmbeddedPostgres

    @property
    def behind(self) -> Store:
        """The store at the replica."""
        return Store(self.replica.url(), self.store.reader.set(port=self.replica.port))

    def follow(self) -> None:
        """Waits until the replica shows all that the primary committed until now."""
        lsn = self.store.ask("SELECT pg_current_wal_insert_lsn()")
        until = time.monotonic() + 60
        while not self.behind.ask(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"):
            assert time.monotonic() < until, "the replica does not follow"
            time.sleep(0.05)

    def audit(self, results: Path) -> StoreResult:
        return self.behind.audit(results, TABLES, controls=("RET-4",))

    def refused(self, results: Path) -> str:
        """Why the store at the replica is not audited, as a whole."""
        result = self.audit(results)
        assert (result.outcome, result.cause) == (Outcome.NOT_AUDITED, Cause.STALE)
        assert {(check.outcome, check.cause) for check in by_control(result).values()} == {
            (Outcome.NOT_AUDITED, Cause.STALE)
        }
        assert {check.reason for check in by_control(result).values()} == {result.reason}
        return result.reason


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="privacy-audit-replica-"))
    first, second = folder / "primary", folder / "replica"
    with EmbeddedPostgres.start(first, extra_settings=SENDS) as primary, made(primary.url()) as store:
        store.do(
            "CREATE TABLE app.sessions (id bigint PRIMARY KEY, user_id bigint, started_at timestamptz)",
            "INSERT INTO app.sessions VALUES (1, 1, '2026-11-20')",
        )
        with (installation(first).data / "pg_hba.conf").open("a") as access:
            access.write("host replication all 127.0.0.1/32 trust\n")
        store.ask("SELECT pg_reload_conf()")
        _copy(primary, second)
        with EmbeddedPostgres.start(second, extra_settings=SENDS) as running:
            yield Pair(store, running)
    for home in (first, second):
        installation(home).remove()
    shutil.rmtree(folder)


def _copy(primary: EmbeddedPostgres, home: Path) -> None:
    """The data of a replica to be, with how it reaches its primary."""
    place = installation(home)
    place.facts.parent.mkdir(parents=True)
    place.facts.write_text(json.dumps({"password": primary.password, "users": []}))
    source = f"host=127.0.0.1 port={primary.port} user=postgres"
    place.run("pg_basebackup", "-D", str(place.data), "-d", source, "-R", "-c", "fast", "--no-sync")


@pytest.mark.slow
def test_a_real_replica_is_audited_as_long_as_it_follows(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it has replayed no transaction" in pair.refused(tmp_path / "no commit yet")

    pair.store.do("INSERT INTO app.sessions VALUES (2, 2, '2026-11-21')")
    pair.follow()
    result = pair.audit(tmp_path / "fresh")
    check = by_control(result)["RET-4"]
    assert (check.outcome, check.tally and check.tally.population) == (Outcome.PASS, 2)
    assert re.search(r", a replica \d+ s behind$", result.snapshot)
    assert ", a replica" not in pair.store.audit(tmp_path / "primary", TABLES, controls=("RET-4",)).snapshot

    pair.behind.do("SELECT pg_wal_replay_pause()")
    pair.store.do("INSERT INTO app.sessions VALUES (3, 3, '2020-01-01')")
    with monkeypatch.context() as strict:
        strict.setattr(replication_lag, "MOST_BEHIND", timedelta(seconds=2))
        time.sleep(2.1)  # what it shows is older than that then, however slow the machine is
        assert "more than 0 minutes from now" in pair.refused(tmp_path / "paused")
        _elsewhere(pair, strict)

    pair.behind.do("SELECT pg_wal_replay_resume()")
    pair.store.do("INSERT INTO app.sessions VALUES (4, 4, '2026-11-21')")
    pair.follow()
    check = by_control(pair.audit(tmp_path / "follows again"))["RET-4"]
    assert (check.outcome, check.tally and check.tally.violating) == (Outcome.FAIL, 1)


def _elsewhere(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger is not read there either."""
    url = pair.behind.reader.render_as_string(hide_password=False).replace("postgresql+psycopg2", "postgres")
    monkeypatch.setenv("AIRFLOW_CONN_STORE_WEB", url)
    with (
        pytest.raises(other_databases.OtherDatabaseError) as caught,
        other_databases.reading("store_web", "the erasure ledger"),
    ):
        raise AssertionError("it was opened")
    assert caught.value.cause is Cause.STALE
    assert caught.value.reason.startswith("the erasure ledger (connection store_web): the server is a replica")
