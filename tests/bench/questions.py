"""The questions that are timed, each with the best statement we can write by hand for it.

The hand-written statements answer what the report says of a table: how many rows violate, of how many persons, the
oldest and the newest, how they spread over the age buckets, how many are held or (retention) cannot be decided. They
know the same rules (calendar-exact cut-off, holds by category, consent as of the moment, unreadable ledger rows), so
that both must count the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from privacy_audit.domain.periods import Period, local_date, start_of_day

PARIS = ZoneInfo("Europe/Paris")
EARLIEST = "2000-12-31 23:00:00+00"


@dataclass(frozen=True)
class Question:
    """One check at one table, and the same by hand."""

    name: str
    store: str
    check: str
    table: str
    """The table to ask of: the check's own, or a copy of it with other indexes."""
    by_hand: str


def questions(as_of: datetime) -> list[Question]:
    """What is asked of the demo as of T."""
    t = as_of.isoformat()
    return [
        Question("retention, index on the clock", "app", "app/app.positions/RET-3", "app.positions", _positions(as_of)),
        Question("retention, naive clock", "web", "web/web.connection_logs/RET-4", "web.connection_logs", _logs(as_of)),
        Question("minors, scan", "app", "app/app.positions/MIN-1", "app.positions", _minors(t)),
        Question("consent, partitioned", "app", "app/app.positions/GEO-1", "app.positions", _hash("app.positions", t)),
        Question("consent, no index", "app", "app/app.positions/GEO-1", BARE, _hash(BARE, t)),
        Question("consent, index", "app", "app/app.positions/GEO-1", INDEXED, _gaps(INDEXED, t)),
    ]


BARE, INDEXED = "bench.positions_bare", "bench.positions_indexed"
COPIES = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.positions_bare AS SELECT * FROM app.positions;
    CREATE TABLE bench.positions_indexed AS SELECT * FROM app.positions;
    ALTER TABLE bench.positions_bare ALTER recorded_at SET NOT NULL;
    ALTER TABLE bench.positions_indexed ALTER recorded_at SET NOT NULL;
    CREATE INDEX ON bench.positions_indexed (user_id, recorded_at);
    GRANT USAGE ON SCHEMA bench TO auditor_app;
    GRANT SELECT ON ALL TABLES IN SCHEMA bench TO auditor_app;
"""
"""One table of positions without any index, one with the index that the gap probe needs; neither is partitioned."""


def _expired(as_of: datetime, period: str) -> datetime:
    """The first instant that is not expired."""
    limit = Period.parse(period).cutoff(local_date(as_of, PARIS))
    return start_of_day(limit + timedelta(days=1), PARIS)


def _answers(moment: str, subject: str, t: str, held: str = "false") -> str:
    """What is asked of violating rows. Age buckets are cut on the clock itself."""
    broken = f"FILTER (WHERE NOT ({held}))"
    bounds = (7, 30, 90, 365)
    ages = ", ".join(
        f"count(*) FILTER (WHERE NOT {held} AND {moment} < timestamp '{t[:19]}' - interval '{days} days')"
        for days in bounds
    )
    return f"""count(*) {broken}, count(DISTINCT {subject}) {broken}, min({moment}) {broken}, max({moment}) {broken},
        count(*) FILTER (WHERE {held}), {ages}"""


def _kept(as_of: datetime, table: str, subject: str, clock: str, category: str, limit: str) -> str:
    """Retention by an index on the clock: expired rows, held or not, and those whose clock cannot be a fact."""
    t, store = as_of.isoformat(), table.split(".")[0]
    moment = t[:19] if "T" in limit and "+" not in limit else t
    undecidable = f"(p.{clock} < '{EARLIEST[:19]}' OR p.{clock} > '{moment}')"
    return f"""SELECT {_answers(f"p.{clock}", f"p.{subject}", t, f"h.subject IS NOT NULL OR {undecidable}")},
            count(*) FILTER (WHERE {undecidable})
        FROM {table} p LEFT JOIN (
            SELECT DISTINCT {subject} AS subject FROM {store}.legal_holds WHERE category IN ('{category}', '*')
            AND started_at <= '{t}' AND (released_at IS NULL OR released_at > '{t}')
        ) h ON h.subject = p.{subject}
        WHERE p.{clock} < '{limit}' OR p.{clock} > '{moment}' OR p.{clock} IS NULL"""


def _positions(as_of: datetime) -> str:
    limit = _expired(as_of, "P2M").isoformat()
    return _kept(as_of, "app.positions", "user_id", "recorded_at", "geolocation", limit)


def _logs(as_of: datetime) -> str:
    naive = _expired(as_of, "P1Y").replace(tzinfo=None).isoformat()
    return _kept(as_of, "web.connection_logs", "visitor_id", "logged_at", "connection", naive)


def _minors(t: str) -> str:
    return f"""SELECT {_answers("p.recorded_at", "p.user_id", t)}
        FROM app.positions p JOIN app.users u ON u.id = p.user_id
        WHERE u.birth_date BETWEEN '1906-01-01' AND '{t}'
        AND u.birth_date NOT IN ('1900-01-01', '1970-01-01', '2000-01-01')
        AND u.birth_date + interval '15 years' > (p.recorded_at AT TIME ZONE 'Europe/Paris')::date
        AND p.recorded_at BETWEEN '{EARLIEST}' AND '{t}'
        AND NOT EXISTS (SELECT FROM app.guardian_consents g WHERE g.user_id = p.user_id
            AND g.received_at < p.recorded_at AND (g.revoked_at IS NULL OR g.revoked_at > p.recorded_at))"""


def _ledger(t: str) -> str:
    return f"""
        WITH doubt AS MATERIALIZED (
            SELECT DISTINCT user_id FROM app.consent_events
            WHERE user_id IS NOT NULL AND (btrim(purpose, E' \\t\\n') = '') IS NOT FALSE
            OR lower(btrim(purpose)) = 'geolocation' AND (at < '{EARLIEST}') IS NOT FALSE
        ), change AS (
            SELECT user_id, at, bool_or(action = 'withdraw') AS withdrawn FROM app.consent_events
            WHERE (purpose = 'geolocation' OR lower(btrim(purpose)) = 'geolocation')
            AND at BETWEEN '{EARLIEST}' AND '{t}' AND user_id IS NOT NULL GROUP BY user_id, at
        ), stretch AS (
            SELECT user_id, at AS lo, lead(at) OVER (PARTITION BY user_id ORDER BY at) AS hi, withdrawn FROM change
        )"""


def _hash(table: str, t: str) -> str:
    return f"""{_ledger(t)}
        SELECT {_answers("p.recorded_at", "p.user_id", t)} FROM {table} p
        WHERE p.recorded_at BETWEEN '{EARLIEST}' AND '{t}' AND p.user_id IS NOT NULL
        AND p.user_id NOT IN (SELECT user_id FROM doubt)
        AND NOT EXISTS (SELECT FROM stretch c WHERE NOT c.withdrawn AND c.user_id = p.user_id
            AND c.lo <= p.recorded_at AND (c.hi IS NULL OR c.hi > p.recorded_at))"""


def _gaps(table: str, t: str) -> str:
    return f"""{_ledger(t)}, covered AS (
            SELECT user_id, lo, coalesce(hi, 'infinity') AS hi FROM stretch WHERE NOT withdrawn
            UNION ALL SELECT -9223372036854775808, '-infinity', '-infinity'
            UNION ALL SELECT 9223372036854775807, 'infinity', 'infinity'
        ), gap AS (
            SELECT user_id AS s1, hi AS t1, lead(user_id) OVER w AS s2, lead(lo) OVER w AS t2
            FROM covered WINDOW w AS (ORDER BY user_id, lo, hi)
        )
        SELECT {_answers("p.recorded_at", "p.user_id", t)} FROM gap CROSS JOIN LATERAL (
            SELECT user_id, recorded_at FROM {table} p
            WHERE (p.user_id, p.recorded_at) >= (gap.s1, gap.t1) AND (p.user_id, p.recorded_at) < (gap.s2, gap.t2)
        ) p
        WHERE (s1, t1) < (s2, t2) AND p.recorded_at BETWEEN '{EARLIEST}' AND '{t}'
        AND p.user_id NOT IN (SELECT user_id FROM doubt)"""
