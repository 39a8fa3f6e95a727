"""The security of a server as far as SQL shows it to an ordinary role.

Policy: "all necessary technical and organizational measures"; GDPR art. 32(1). What the role may not see is `unknown`,
never kept. Encryption of disks and backups, files of keys, extensions that log by themselves (auto_explain, pgaudit)
and statements logged because they failed (`log_min_error_statement`) are not seen here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa

from privacy_audit.sql.catalog.text_relation import text_relation


class SettingVerdict(StrEnum):
    """What was found of one thing examined."""

    KEPT = "kept"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """The role may not see it, or there was nothing to look at."""


END_OF_LIFE: Mapping[int, date] = {
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}
"""Major version to the day of its last release, after which no hole is mended.

Source: the table "Releases" of postgresql.org/support/versioning, as of November 2026. A version that is not in it is
unknown until someone adds its line.
"""


@dataclass(frozen=True, slots=True)
class _Setting:
    """A setting with the values (lower case, as regular expressions) that keep the promise and that break it."""

    name: str
    kept: str
    broken: str
    expected: str
    logs: bool = False
    """Whether a broken value writes statements, and what people wrote in them, into the server's log."""
    for_logged: bool = False
    """Whether it only matters where statements are logged."""


_ON, _OFF = "^(on|true|yes|1)$", "^(off|false|no|0)$"
_SETTINGS = (
    _Setting("ssl", _ON, _OFF, "on"),
    _Setting("ssl_min_protocol_version", r"^tlsv1\.[23]$", r"^tlsv1(\.1)?$", "TLSv1.2 or newer"),
    _Setting("password_encryption", "^scram-sha-256$", "^(md5|on|off)$", "scram-sha-256"),
    _Setting("data_checksums", _ON, _OFF, "on"),
    _Setting("row_security", _ON, _OFF, "on"),
    _Setting("log_statement", "^(none|ddl)$", "^(mod|all)$", "none or ddl", logs=True),
    _Setting("log_min_duration_statement", "^-1$", "^[0-9]", "-1", logs=True),
    _Setting("log_min_duration_sample", "^-1$", "^[0-9]", "-1", logs=True),
    _Setting("log_transaction_sample_rate", r"^0(\.0*)?$", r"^[0-9.]", "0", logs=True),
    _Setting("log_parameter_max_length", "^0[a-z]*$", "^(-1|[1-9])", "0, or no statement is logged", for_logged=True),
    _Setting("log_parameter_max_length_on_error", "^0[a-z]*$", "^(-1|[1-9])", "0"),
)


def may_read_host_rules() -> sa.Select[tuple[bool]]:
    """Whether the role may read `pg_hba_file_rules`; one who may not is refused already when a query names the view."""
    return sa.select(
        sa.and_(
            sa.func.pg_catalog.has_table_privilege("pg_catalog.pg_hba_file_rules", "SELECT"),
            sa.func.pg_catalog.has_function_privilege("pg_catalog.pg_hba_file_rules()", "EXECUTE"),
        ).label("may_read")
    )


def security_settings(today: date, *, superusers: int = 1, host_rules: bool = False) -> sa.Subquery:
    """One row per thing examined: `name`, `verdict` (a Verdict), `fact` (what was found, in words), `expected`.

    `today` is the civil day by which a version is supported; `superusers` is how many login roles may be superusers,
    or become one. `host_rules` tells what `may_read_host_rules` answered: without it the rules are unknown, with it a
    role that may not read them is refused. They are the rules of the file, which the server may not have loaded yet.

    A setting is judged for every session that may start in this database: what ALTER ROLE and ALTER DATABASE set for
    others counts, what the auditor's own session sets does not. `row_security` off hides nothing and opens nothing,
    it refuses; it is told because a server where it is off was set up against its policies.
    """
    parts = (_OF_SETTINGS, _OF_VERSION, _OF_SESSIONS, _OF_SUPERUSERS, _OF_SCHEMAS)
    rules = _OF_HOST_RULES if host_rules else _HOST_RULES_UNREAD
    values: dict[str, str | int] = {
        "settings": json.dumps([asdict(setting) for setting in _SETTINGS]),
        "ends": json.dumps({major: day.isoformat() for major, day in END_OF_LIFE.items()}),
        "today": today.isoformat(),
        "superusers": superusers,
        "host_rules": "every rule for other hosts asks for ssl and for proof of who logs in",
    }
    sql = "\nUNION ALL\n".join(f"({part})" for part in (*parts, rules))
    return text_relation(sql, "setting", ("name", "verdict", "fact", "expected"), values)


# A session starts with the first of: what is set for its role in this database, for its role, for the database, for
# all roles, for the server. Role 0 stands for every role for which nothing is set. The server's own value is what the
# auditor's session would RESET to, unless something is set for the auditor: then it is not seen.
_OF_SETTINGS = """
    WITH promise AS (
        SELECT e.name, e.kept, e.broken, e.expected, e.logs, e.for_logged
        FROM pg_catalog.jsonb_to_recordset(CAST(:settings AS jsonb))
            AS e(name text, kept text, broken text, expected text, logs boolean, for_logged boolean)
    ), own AS (
        SELECT s.setrole AS role, s.setdatabase AS of_database,
               pg_catalog.lower(pg_catalog.split_part(entry, '=', 1)) AS name,
               pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) AS value
        FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS entry
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d
                                    WHERE d.datname = pg_catalog.current_database()))
    ), server AS (
        SELECT p.name, CASE WHEN g.source <> 'client' AND NOT EXISTS (
                   SELECT FROM own o LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.role
                   WHERE o.name = p.name AND (o.role = 0 OR r.rolname = session_user)
               ) THEN g.reset_val END AS value
        FROM promise p LEFT JOIN pg_catalog.pg_settings g ON g.name = p.name
    ), session AS (
        SELECT CAST(0 AS oid) AS role, CAST(NULL AS text) AS whose
        UNION ALL
        SELECT r.oid, CAST(r.rolname AS text) FROM pg_catalog.pg_roles r
        WHERE r.rolcanlogin AND r.rolname <> session_user AND r.oid IN (SELECT o.role FROM own o)
    ), start AS (
        SELECT p.name, p.kept, p.broken, p.expected, p.logs, p.for_logged, s.role, s.whose,
               coalesce((SELECT o.value FROM own o WHERE o.name = p.name AND o.role IN (s.role, 0)
                         ORDER BY o.role <> 0 DESC, o.of_database <> 0 DESC LIMIT 1), v.value) AS value
        FROM promise p JOIN server v ON v.name = p.name CROSS JOIN session s
    ), judged AS (
        SELECT t.name, t.expected, t.logs, t.for_logged, t.role, t.whose, t.value,
               CASE WHEN pg_catalog.lower(t.value) ~ t.kept THEN 'kept'
                    WHEN pg_catalog.lower(t.value) ~ t.broken THEN 'broken' ELSE 'unknown' END AS alone
        FROM start t
    ), logged AS (
        SELECT j.name, j.expected, j.whose, j.value, j.alone, j.alone <> 'kept' AND j.for_logged
               AND pg_catalog.bool_and(j.alone = 'kept') FILTER (WHERE j.logs) OVER (PARTITION BY j.role) AS no_matter
        FROM judged j
    ), told AS (
        SELECT l.name, l.expected, l.whose,
               CASE WHEN l.no_matter THEN 'kept' ELSE l.alone END AS verdict,
               CASE WHEN l.value IS NULL THEN 'the auditor may not see the server''s ' || l.name
                    ELSE l.name || ' is ' || l.value END
               || coalesce(' for role ' || l.whose, '')
               || CASE WHEN l.no_matter THEN ', and no statement is logged' ELSE '' END AS fact
        FROM logged l
    ), worst AS (
        SELECT t.name, CASE WHEN pg_catalog.bool_or(t.verdict = 'broken') THEN 'broken'
                            WHEN pg_catalog.bool_or(t.verdict = 'unknown') THEN 'unknown' ELSE 'kept' END AS verdict
        FROM told t GROUP BY t.name
    )
    SELECT t.name, w.verdict, pg_catalog.string_agg(t.fact, '; ' ORDER BY t.whose NULLS FIRST) AS fact, t.expected
    FROM told t JOIN worst w ON w.name = t.name AND w.verdict = t.verdict
    GROUP BY t.name, w.verdict, t.expected
"""

_OF_VERSION = """
    SELECT 'server_version',
           CASE WHEN v.major < 14 OR v.ends < CAST(:today AS date) THEN 'broken'
                WHEN v.ends IS NULL THEN 'unknown' ELSE 'kept' END,
           'the server is PostgreSQL ' || pg_catalog.current_setting('server_version')
           || CASE WHEN v.ends IS NULL THEN ', whose end of life is not known here'
                   ELSE ', supported until ' || pg_catalog.to_char(v.ends, 'YYYY-MM-DD') END,
           'a version from 14 on that is still supported'
    FROM (SELECT n.major, CAST(CAST(:ends AS jsonb) ->> CAST(n.major AS text) AS date) AS ends
          FROM (SELECT CAST(pg_catalog.current_setting('server_version_num') AS int) / 10000 AS major) n) v
"""

# A role without pg_read_all_stats does not even see that other sessions have an address: no count of its own is a pass.
_OF_SESSIONS = """
    SELECT 'sessions without ssl',
           CASE WHEN c.bare > 0 THEN 'broken' WHEN NOT c.sees_all OR c.remote = 0 THEN 'unknown' ELSE 'kept' END,
           CASE WHEN c.bare > 0 THEN c.bare || ' of the ' || c.remote || ' sessions from other hosts that the auditor'
                                     ' sees are not encrypted'
                WHEN NOT c.sees_all THEN 'the auditor sees no sessions but its own'
                WHEN c.remote = 0 THEN 'no session from another host is open'
                ELSE 'every one of the ' || c.remote || ' sessions from other hosts is encrypted' END,
           'no session from another host without encryption'
    FROM (SELECT pg_catalog.count(*) AS remote,
                 pg_catalog.count(*) FILTER (WHERE s.ssl IS NOT TRUE AND g.encrypted IS NOT TRUE) AS bare,
                 pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all
          FROM pg_catalog.pg_stat_activity a
          LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = a.pid
          LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = a.pid
          WHERE NOT (a.client_addr <<= inet '127.0.0.0/8' OR a.client_addr <<= inet '::ffff:127.0.0.0/104'
                     OR a.client_addr = inet '::1')) c
"""

_OF_SUPERUSERS = """
    SELECT 'superusers', CASE WHEN c.mighty > CAST(:superusers AS int) THEN 'broken' ELSE 'kept' END,
           c.mighty || ' roles that may log in are superusers or may become one',
           'at most ' || CAST(:superusers AS int)
    FROM (SELECT pg_catalog.count(*) AS mighty FROM pg_catalog.pg_roles r
          WHERE r.rolcanlogin AND (r.rolsuper OR EXISTS (
              SELECT FROM pg_catalog.pg_roles s WHERE s.rolsuper AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER')
          ))) c
"""

_OF_SCHEMAS = """
    SELECT 'public schema create', CASE WHEN c.open IS NULL THEN 'kept' ELSE 'broken' END,
           coalesce('PUBLIC may create in ' || c.open, 'PUBLIC may create in none of ' || c.schemas || ' schemas'),
           'PUBLIC may create in no schema'
    FROM (SELECT pg_catalog.count(*) AS schemas,
                 pg_catalog.string_agg(n.nspname, ', ' ORDER BY n.nspname) FILTER (WHERE EXISTS (
                     SELECT FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
                 )) AS open
          FROM pg_catalog.pg_namespace n) c
"""

_HOST_RULES_UNREAD = """
    SELECT 'pg_hba_file_rules', 'unknown', 'the auditor may not read pg_hba_file_rules', CAST(:host_rules AS text)
"""
_OF_HOST_RULES = """
    SELECT 'pg_hba_file_rules',
           CASE WHEN c.trusting IS NOT NULL OR c.bare IS NOT NULL THEN 'broken'
                WHEN c.faulty IS NOT NULL OR c.rules = 0 THEN 'unknown' ELSE 'kept' END,
           pg_catalog.concat_ws('; ', 'other hosts need no proof by line ' || c.trusting,
                                'other hosts need no ssl by line ' || c.bare,
                                'the server cannot read line ' || c.faulty,
                                c.rules || ' rules were read'),
           CAST(:host_rules AS text)
    FROM (SELECT pg_catalog.count(*) AS rules,
                 pg_catalog.string_agg(CAST(r.line_number AS text), ', ' ORDER BY r.line_number)
                     FILTER (WHERE r.error IS NOT NULL) AS faulty,
                 pg_catalog.string_agg(CAST(r.line_number AS text), ', ' ORDER BY r.line_number)
                     FILTER (WHERE r.remote AND r.auth_method = 'trust') AS trusting,
                 pg_catalog.string_agg(CAST(r.line_number AS text), ', ' ORDER BY r.line_number)
                     FILTER (WHERE r.remote AND r.type NOT IN ('hostssl', 'hostgssenc') AND r.auth_method <> 'reject')
                     AS bare
          FROM (SELECT h.line_number, h.type, h.auth_method, h.error,
                       h.type <> 'local' AND NOT coalesce(
                           h.address IN ('localhost', 'samehost')
                           OR h.address ~ '^127[.]' AND h.netmask ~ '^255[.]'
                           OR h.address = '::1' AND h.netmask = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', false
                       ) AS remote
                FROM pg_catalog.pg_hba_file_rules h) r) c
"""
