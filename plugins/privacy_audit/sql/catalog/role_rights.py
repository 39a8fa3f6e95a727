"""What the auditor's own role may do beyond reading.

READ ONLY is no boundary: the role is (`engine.session`). An auditor that could write could also hide what it found;
GDPR art. 5(1)(f), 32(4). A superuser may do everything, so of it nothing else is told. Not seen: functions that write
with their owner's rights, rights on the system catalog's own tables, large objects, and rights in other databases.
"""

from __future__ import annotations

import sqlalchemy as sa

from privacy_audit.sql.catalog.text_relation import text_relation

READING_ROLES = (
    "pg_monitor",
    "pg_read_all_data",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_stat_scan_tables",
    "pg_use_reserved_connections",
)
"""Predefined roles that change nothing. Any other one, whatever a newer server adds, is a right beyond reading."""


def excess_rights() -> sa.Subquery:
    """One row per right that the session has beyond reading: `right`, `on_what`.

    A right counts however it is held: by grant, on single columns, to PUBLIC, by ownership, by membership, or only
    after SET ROLE, also back to the role that logged in, and then `on_what` says so.
    """
    return _rights(sa.false(), "excess_right")


def wider_reading() -> sa.Subquery:
    """One row per right by which the session reads more than it was granted table by table: `right`, `on_what`.

    It is no excess: an auditor that row-level security kept from rows would count too few.
    """
    return _rights(sa.true(), "wider_reading")


def _rights(only_reads: sa.ColumnElement[bool], name: str) -> sa.Subquery:
    columns = ("right", "on_what", "only_reads")
    held = text_relation(_SQL, "held_right", columns, {"reading": " ".join(READING_ROLES)})
    reads = sa.cast(held.c.only_reads, sa.Boolean())
    return sa.select(held.c.right, held.c.on_what).where(reads == only_reads).subquery(name)


# Who acts: the auditor itself, whose rights include all that it inherits, and each role it may become. What it may
# become is a question of who logged in (`session_user`), whatever role was set for it since.
_SQL = """
    WITH server AS (
        SELECT v.version, CASE WHEN v.version >= 160000 THEN 'SET' ELSE 'MEMBER' END AS may_become
        FROM (SELECT CAST(pg_catalog.current_setting('server_version_num') AS int) AS version) v
    ), me AS (
        SELECT r.oid, l.oid AS login, r.rolsuper OR l.rolsuper AS rolsuper
        FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles l ON l.rolname = session_user
        WHERE r.rolname = current_user
    ), actor AS (
        SELECT r.oid, r.rolname, r.oid = me.oid AS itself,
               r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls
        FROM pg_catalog.pg_roles r CROSS JOIN me CROSS JOIN server v
        WHERE r.oid IN (me.oid, me.login) OR NOT me.rolsuper AND pg_catalog.pg_has_role(me.login, r.oid, v.may_become)
    ), plain AS (
        SELECT a.oid, a.rolname, a.itself FROM actor a WHERE NOT a.rolsuper
    ), relation AS (
        SELECT c.oid, c.relkind, c.relowner, n.nspname || '.' || c.relname AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
    ), whole AS (
        SELECT p.held FROM server v CROSS JOIN LATERAL pg_catalog.unnest(
            ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']
            || CASE WHEN v.version >= 170000 THEN ARRAY['MAINTAIN'] ELSE ARRAY[]::text[] END) AS p(held)
    ), held AS (
        SELECT u.held, 'the server' AS place, u.held = 'BYPASSRLS' AS only_reads, a.rolname, a.itself
        FROM actor a CROSS JOIN LATERAL (VALUES
            ('SUPERUSER', a.rolsuper), ('CREATEROLE', a.rolcreaterole), ('CREATEDB', a.rolcreatedb),
            ('REPLICATION', a.rolreplication), ('BYPASSRLS', a.rolbypassrls)) AS u(held, has)
        WHERE u.has AND (NOT a.rolsuper OR u.held = 'SUPERUSER')
        UNION ALL
        SELECT 'MEMBER', 'role ' || g.rolname, g.rolname = ANY (pg_catalog.string_to_array(:reading, ' ')),
               a.rolname, a.itself
        FROM plain a JOIN pg_catalog.pg_roles g ON pg_catalog.pg_has_role(a.oid, g.oid, 'USAGE')
        WHERE g.rolname LIKE 'pg\\_%'
        UNION ALL
        SELECT 'ADMIN OPTION', 'role ' || g.rolname, false, a.rolname, a.itself
        FROM plain a JOIN pg_catalog.pg_auth_members m
          ON m.admin_option AND pg_catalog.pg_has_role(a.oid, m.member, 'USAGE')
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
        UNION ALL
        SELECT u.held, 'database ' || pg_catalog.current_database(), false, a.rolname, a.itself
        FROM plain a CROSS JOIN (VALUES ('CREATE'), ('TEMP')) AS u(held)
        WHERE pg_catalog.has_database_privilege(a.oid, pg_catalog.current_database(), u.held)
        UNION ALL
        SELECT 'CREATE', 'schema ' || n.nspname, false, a.rolname, a.itself
        FROM plain a JOIN pg_catalog.pg_namespace n ON pg_catalog.has_schema_privilege(a.oid, n.oid, 'CREATE')
        WHERE n.nspname NOT LIKE 'pg\\_temp%' AND n.nspname NOT LIKE 'pg\\_toast\\_temp%'
        UNION ALL
        SELECT 'OWNER', r.name, false, a.rolname, a.itself
        FROM plain a JOIN relation r ON pg_catalog.pg_has_role(a.oid, r.relowner, 'USAGE')
        UNION ALL
        SELECT w.held, r.name, false, a.rolname, a.itself
        FROM plain a CROSS JOIN relation r CROSS JOIN whole w
        WHERE r.relkind <> 'S' AND pg_catalog.has_table_privilege(a.oid, r.oid, w.held)
        UNION ALL
        SELECT u.held, r.name, false, a.rolname, a.itself
        FROM plain a CROSS JOIN relation r CROSS JOIN (VALUES ('USAGE'), ('UPDATE')) AS u(held)
        WHERE CASE WHEN r.relkind = 'S' THEN pg_catalog.has_sequence_privilege(a.oid, r.oid, u.held) END
        UNION ALL
        SELECT u.held, r.name || ' (' || pg_catalog.string_agg(c.attname, ', ' ORDER BY c.attnum) || ')',
               false, a.rolname, a.itself
        FROM plain a CROSS JOIN relation r CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('REFERENCES')) AS u(held)
        JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND c.attnum > 0 AND NOT c.attisdropped
        WHERE r.relkind <> 'S' AND NOT pg_catalog.has_table_privilege(a.oid, r.oid, u.held)
          AND pg_catalog.has_column_privilege(a.oid, r.oid, c.attnum, u.held)
        GROUP BY u.held, r.name, a.rolname, a.itself
    )
    SELECT h.held AS "right",
           h.place || CASE WHEN pg_catalog.bool_or(h.itself) THEN ''
                           ELSE ' after SET ROLE ' || pg_catalog.string_agg(DISTINCT h.rolname, ' or ') END AS on_what,
           CAST(h.only_reads AS text) AS only_reads
    FROM held h GROUP BY h.held, h.place, h.only_reads
"""
