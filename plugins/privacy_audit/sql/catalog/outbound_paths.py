"""The paths by which rows could leave a database, as far as its catalog shows them to an ordinary role.

Policy: "we never transfer or sell ... to third parties or commercial partners"; GDPR art. 5(1)(b), 28, 44. A path is
no transfer: whose it is must be known. Not seen: a program that reads and sends, standbys without a slot, archived
WAL, the address of a subscription's publisher, and what a superuser may do anyway.
"""

from __future__ import annotations

import sqlalchemy as sa

from privacy_audit.sql.catalog.text_relation import text_relation

EXTENSIONS = (
    "aws_commons",
    "aws_lambda",
    "aws_s3",
    "azure_storage",
    "dblink",
    "http",
    "pg_curl",
    "pg_net",
    "pglogical",
    "wrappers",
)
"""Extensions by which a query reaches other hosts or files; beside them every one whose name ends in `_fdw`."""
SERVER_ROLES = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
"""Predefined roles whose members reach the files and programs of the server's host by COPY."""
COLUMN_WORDS = ("sold_to", "partner_id", "broker", "lead_price", "affiliate")
"""Words in the name of a column that speak of selling or of partners, between its underscores or its capitals."""


def ways_out() -> sa.Subquery:
    """One row per path: `kind`, `name`, `target` (host, role or database; null: the catalog does not tell), `detail`.

    Of the options of a foreign server only the values of `host` and `dbname` are told, and those only where they
    are plain names: no password and no connection string leaves the store. Of other options only the names are told.
    """
    values = {
        "extensions": " ".join(EXTENSIONS),
        "server_roles": " ".join(SERVER_ROLES),
        "words": f"(^|_)({'|'.join(COLUMN_WORDS)})s?(_|$)",
        "plain": "^([[:alnum:]_.,/-]+|[0-9A-Fa-f:.]+)$",
    }
    return text_relation(_SQL, "way_out", ("kind", "name", "target", "detail"), values)


_SQL = """
    SELECT 'foreign server' AS kind, CAST(s.srvname AS text) AS name, o.target,
           'wrapper ' || w.fdwname || ', ' || m.mappings || ' user mappings'
           || CASE WHEN m.of_public THEN ', one of them for PUBLIC' ELSE '' END
           || ', ' || (SELECT pg_catalog.count(*) FROM pg_catalog.pg_foreign_table f WHERE f.ftserver = s.oid)
           || ' foreign tables' || coalesce(', further options ' || o.others, '') AS detail
    FROM pg_catalog.pg_foreign_server s
    JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
    CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(
                   e.option_name || ' ' || CASE WHEN e.option_value ~ :plain THEN e.option_value ELSE 'not shown' END,
                   ', ' ORDER BY e.option_name DESC) FILTER (WHERE e.option_name IN ('host', 'dbname')) AS target,
               pg_catalog.string_agg(e.option_name, ', ' ORDER BY e.option_name)
                   FILTER (WHERE e.option_name NOT IN ('host', 'dbname')) AS others
        FROM pg_catalog.pg_options_to_table(s.srvoptions) e
    ) o
    CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) AS mappings, coalesce(pg_catalog.bool_or(u.umuser = 0), false) AS of_public
        FROM pg_catalog.pg_user_mappings u WHERE u.srvid = s.oid
    ) m
    UNION ALL
    SELECT 'subscription', CAST(s.subname AS text), NULL,
           CASE WHEN s.subenabled THEN 'enabled' ELSE 'disabled' END || ', takes in the publications '
           || pg_catalog.array_to_string(s.subpublications, ', ')
    FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
    WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'publication', CAST(p.pubname AS text), NULL,
           CASE WHEN p.puballtables THEN 'all tables, now ' ELSE '' END
           || (SELECT pg_catalog.count(*) FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname)
           || ' tables'
    FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT s.slot_type || ' replication slot', CAST(s.slot_name AS text), CAST(s.database AS text),
           CASE WHEN s.active THEN 'in use' ELSE 'not in use' END || coalesce(', plugin ' || s.plugin, '')
    FROM pg_catalog.pg_replication_slots s
    WHERE s.database IS NULL OR s.database = pg_catalog.current_database()
    UNION ALL
    SELECT 'replication role', CAST(r.rolname AS text), NULL, 'may log in and copy the whole server'
    FROM pg_catalog.pg_roles r WHERE r.rolreplication AND r.rolcanlogin AND NOT r.rolsuper
    UNION ALL
    SELECT 'extension', CAST(e.extname AS text), NULL, 'version ' || e.extversion
    FROM pg_catalog.pg_extension e
    WHERE e.extname ~ '_fdw$' OR e.extname = ANY (pg_catalog.string_to_array(:extensions, ' '))
    UNION ALL
    SELECT 'untrusted language', CAST(l.lanname AS text), NULL, 'its functions may open files and connections'
    FROM pg_catalog.pg_language l WHERE l.lanispl AND NOT l.lanpltrusted
    UNION ALL
    SELECT 'server files and programs', CAST(r.rolname AS text), CAST(g.rolname AS text), 'is a member of ' || g.rolname
    FROM pg_catalog.pg_roles r
    JOIN pg_catalog.pg_roles g ON g.rolname = ANY (pg_catalog.string_to_array(:server_roles, ' '))
    WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
    UNION ALL
    SELECT 'column that speaks of sale', n.nspname || '.' || c.relname || '.' || a.attname, NULL,
           'its name speaks of selling or of partners'
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
      AND pg_catalog.lower(pg_catalog.regexp_replace(a.attname, '([a-z])([A-Z])', '\\1_\\2', 'g')) ~ :words
"""
