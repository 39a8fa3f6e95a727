"""Who may change or remove rows of a ledger to which rows may only be added.

A consent or an erasure that can be rewritten proves nothing; GDPR art. 5(2), 7(1). Superusers may do everything and are
counted elsewhere. Not seen: functions and views that write with their owner's rights, foreign keys that cascade into
the ledger, triggers, and the owner of the schema, who may drop the table.
"""

from __future__ import annotations

import sqlalchemy as sa

from privacy_audit.sql.catalog.text_relation import text_relation


def writers_of(table: str) -> sa.Subquery:
    """One row per login role, right and path by which it may UPDATE, DELETE or TRUNCATE: `role`, `right`, `via`.

    `via` says how: owner, grant, column grant, PUBLIC, membership in a role, or a role one SET ROLE away (or one grant
    away, by ADMIN OPTION). Rights on the partitions and children of the ledger count, and those on its parents.
    A table (`schema.table`) that does not exist gives one row without a role: that nobody may write it is not shown.
    """
    schema, _, relation = table.partition(".")
    values = {"schema": schema, "relation": relation, "table": table}
    return text_relation(_SQL, "writer", ("role", "right", "via"), values)


# Holders have the right by themselves. A login role has it by being a holder, by inheriting from one, or by becoming
# (`step`) a role that is or inherits from one. Since PostgreSQL 16 a membership may come without SET ROLE; before, none
# did. Who administers a role may become it by a grant to itself: before 16 that was every CREATEROLE.
_SQL = """
    WITH RECURSIVE server AS (
        SELECT v.version, CASE WHEN v.version >= 160000 THEN 'SET' ELSE 'MEMBER' END AS may_become
        FROM (SELECT CAST(pg_catalog.current_setting('server_version_num') AS int) AS version) v
    ), ledger AS (
        SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = :schema AND c.relname = :relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    ), above AS (
        SELECT l.oid FROM ledger l
        UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN above a ON a.oid = i.inhrelid
    ), below AS (
        SELECT l.oid FROM ledger l
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON b.oid = i.inhparent
    ), part AS (
        SELECT c.oid, c.relowner, c.relacl,
               CASE WHEN c.oid IN (SELECT l.oid FROM ledger l) THEN '' ELSE ' on ' || n.nspname || '.' || c.relname END
               AS place
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid IN (SELECT a.oid FROM above a UNION SELECT b.oid FROM below b)
    ), removal AS (
        SELECT v.held FROM (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS v(held)
    ), holder AS (
        SELECT p.relowner AS role, r.held, 'owner' || p.place AS how, false AS mighty FROM part p CROSS JOIN removal r
        UNION
        SELECT a.grantee, a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE 'grant' END || p.place, false
        FROM part p CROSS JOIN LATERAL pg_catalog.aclexplode(p.relacl) a
        WHERE a.privilege_type IN (SELECT r.held FROM removal r) AND a.grantee <> p.relowner
        UNION
        SELECT a.grantee, a.privilege_type,
               CASE a.grantee WHEN 0 THEN 'PUBLIC column grant' ELSE 'column grant' END || p.place, false
        FROM part p JOIN pg_catalog.pg_attribute c ON c.attrelid = p.oid AND NOT c.attisdropped
        CROSS JOIN LATERAL pg_catalog.aclexplode(c.attacl) a
        WHERE a.privilege_type = 'UPDATE' AND a.grantee <> p.relowner
        UNION
        SELECT g.oid, r.held, 'grant on every table', false FROM pg_catalog.pg_roles g CROSS JOIN removal r
        WHERE g.rolname = 'pg_write_all_data' AND r.held <> 'TRUNCATE'
        UNION
        SELECT s.oid, r.held, 'superuser', true FROM pg_catalog.pg_roles s CROSS JOIN removal r WHERE s.rolsuper
    ), login AS (
        SELECT l.oid, l.rolname, l.rolcreaterole FROM pg_catalog.pg_roles l WHERE l.rolcanlogin AND NOT l.rolsuper
    ), step AS (
        SELECT l.oid AS login, s.oid, s.rolsuper,
               CASE WHEN pg_catalog.pg_has_role(l.oid, s.oid, v.may_become) THEN 'SET ROLE '
                    WHEN pg_catalog.pg_has_role(l.oid, s.oid, 'MEMBER WITH ADMIN OPTION') THEN 'ADMIN OPTION on '
               END || s.rolname AS taken
        FROM login l CROSS JOIN server v
        JOIN pg_catalog.pg_roles s ON s.oid IN (SELECT m.roleid FROM pg_catalog.pg_auth_members m)
        WHERE l.oid IN (SELECT m.member FROM pg_catalog.pg_auth_members m) AND l.oid <> s.oid
    ), written AS (
        SELECT l.rolname, h.held, h.how AS via FROM login l JOIN holder h ON h.role IN (l.oid, 0)
        UNION
        SELECT l.rolname, h.held, 'membership in ' || g.rolname || ' (' || h.how || ')'
        FROM login l JOIN holder h ON h.role <> l.oid AND NOT h.mighty
        JOIN pg_catalog.pg_roles g ON g.oid = h.role
        WHERE pg_catalog.pg_has_role(l.oid, h.role, 'USAGE')
        UNION
        SELECT l.rolname, h.held, s.taken
               || CASE WHEN h.role = s.oid THEN '' ELSE ', a member of ' || g.rolname END || ' (' || h.how || ')'
        FROM login l JOIN step s ON s.login = l.oid AND s.taken IS NOT NULL
        JOIN holder h ON h.role <> l.oid
        JOIN pg_catalog.pg_roles g ON g.oid = h.role
        WHERE CASE WHEN h.mighty OR s.rolsuper THEN h.mighty AND h.role = s.oid
                   ELSE pg_catalog.pg_has_role(s.oid, h.role, 'USAGE')
                        AND NOT pg_catalog.pg_has_role(l.oid, h.role, 'USAGE') END
        UNION
        SELECT l.rolname, r.held, 'CREATEROLE' FROM login l CROSS JOIN removal r CROSS JOIN server v
        WHERE l.rolcreaterole AND v.version < 160000
    )
    SELECT CAST(w.rolname AS text) AS role, w.held AS "right", w.via FROM written w
    WHERE EXISTS (SELECT FROM ledger)
    UNION ALL
    SELECT NULL, NULL, 'no table ' || CAST(:table AS text) || ' in this database'
    WHERE NOT EXISTS (SELECT FROM ledger)
"""
