r"""Who can effectively read personal data, by the catalog alone, as any role that can log in may see it.

A role reads a table when, as itself or as a role it can become, it holds a right on something that shows rows of the
table, and USAGE on the schema of that thing. Four questions are asked one after the other:

1. *Who can act as whom?* A role has the rights it inherits. It can also become what SET ROLE lets it become, and what
   it may grant to itself as an administrator of that role: both are one statement away, and the path says so.
2. *What shows rows of the table?* The table, its partitions and children (in part), its parents, views and materialized
   views, functions, and whatever is written over those.
3. *Who holds a right there?* The owner always: what an owner took from itself it can give back. Else what is granted to
   a role or to PUBLIC, on the whole or on columns.
4. *Does it lead to the rows?* A view reads with the rights of its owner, or of the reader if it is `security_invoker`,
   even beneath another view. A materialized view is a copy: what is beneath is not asked again. USAGE on a schema is
   asked where a role names something, not beneath a view or a function: names were resolved when those were made.

Functions. A body that the catalog keeps parsed (`BEGIN ATOMIC`, `RETURN`) is followed like a view, one that is SECURITY
DEFINER with the rights of its owner. A body kept as text is only guessed, and its path says `may read it`: it counts
when it is SECURITY DEFINER, its owner can read what it touches, and it either names that as a whole word or is *open*:
it puts statements together (EXECUTE, XML exports, dblink) or is in a language other than SQL and PL/pgSQL. Names are
followed through functions that call functions. Trigger functions, which nobody can call, and functions of extensions
do not count. A text that runs with the rights of its caller gives nothing that the caller has not already.

In doubt a role is reported: columns are those a view touches at all, a filter included, row-level security is taken to
hide nothing, and a whole row in a view stands for every column its rights allow.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

_WHO = """
membership AS (
    -- PostgreSQL 16 keeps the options per membership; before, they followed from the member
    SELECT m.member, m.roleid AS role,
           coalesce(CAST(to_jsonb(m) ->> 'inherit_option' AS boolean), member.rolinherit) AS inherits,
           coalesce(CAST(to_jsonb(m) ->> 'set_option' AS boolean), true) AS may_set,
           m.admin_option AND NOT role.rolsuper AS may_grant  -- a superuser is only granted by a superuser
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles member ON member.oid = m.member
    JOIN pg_catalog.pg_roles role ON role.oid = m.roleid
    UNION ALL
    SELECT d.datdba, r.oid, true, true, false  -- a membership that is written nowhere
    FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.rolname = 'pg_database_owner'
    WHERE d.datname = current_database()
    UNION ALL
    SELECT creator.oid, r.oid, false, false, true  -- before 16, CREATEROLE may grant any role
    FROM pg_catalog.pg_roles creator JOIN pg_catalog.pg_roles r ON NOT r.rolsuper
    WHERE creator.rolcreaterole AND CAST(current_setting('server_version_num') AS integer) < 160000
),
held AS (  -- whose rights a role has at once: its own, those of PUBLIC (0), those it inherits
    SELECT r.oid AS role, self_and_public.has
    FROM pg_catalog.pg_roles r CROSS JOIN LATERAL (VALUES (r.oid), (CAST(0 AS oid))) AS self_and_public(has)
    UNION
    SELECT h.role, m.role FROM held h JOIN membership m ON m.member = h.has WHERE m.inherits
),
becoming AS (  -- which roles a login role can become; `granting` when it must first grant one to itself
    SELECT r.oid AS login, r.oid AS role, false AS granting
    FROM pg_catalog.pg_roles r WHERE r.rolcanlogin AND r.rolname !~ '^pg_'
    UNION
    SELECT b.login, m.role, b.granting OR NOT (m.may_set AND h.has = b.role)
    FROM becoming b JOIN held h ON h.role = b.role JOIN membership m ON m.member = h.has
    WHERE (m.may_set AND h.has = b.role) OR m.may_grant
),
identity AS (
    SELECT b.login, b.role, bool_and(b.granting) AS granting, CAST(r.rolname AS text) AS name,
           r.rolsuper AS is_super, r.rolsuper OR r.rolbypassrls AS bypasses
    FROM becoming b JOIN pg_catalog.pg_roles r ON r.oid = b.role
    GROUP BY b.login, b.role, r.rolname, r.rolsuper, r.rolbypassrls
),
sweeping AS (  -- roles that read every table, and through what
    SELECT r.oid AS role, 'superuser' AS told, 'everything' AS scope FROM pg_catalog.pg_roles r WHERE r.rolsuper
    UNION ALL
    SELECT r.oid, 'REPLICATION (copies the whole server)', 'files'
    FROM pg_catalog.pg_roles r WHERE r.rolreplication AND NOT r.rolsuper
    UNION ALL
    SELECT h.role, 'member of ' || r.rolname || everything.how, everything.scope
    FROM (VALUES ('pg_read_all_data', '', 'relations'),
                 ('pg_read_server_files', ' (reads the files of the server)', 'files'),
                 ('pg_write_server_files', ' (can take over the server)', 'files'),
                 ('pg_execute_server_program', ' (reads the files of the server)', 'files')
         ) AS everything(name, how, scope)
    JOIN pg_catalog.pg_roles r ON r.rolname = everything.name
    JOIN held h ON h.has = r.oid
),
connecting AS (  -- login roles that may enter this database, or can let themselves in
    SELECT DISTINCT i.login
    FROM identity i
    JOIN held h ON h.role = i.role
    JOIN pg_catalog.pg_database d ON d.datname = current_database()
    LEFT JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        ON a.privilege_type = 'CONNECT' AND a.grantee = h.has
    WHERE i.is_super OR h.has = d.datdba OR (i.role = i.login AND a.grantee IS NOT NULL)
)"""
"""Question 1."""

_WHAT = r"""
personal AS (
    SELECT c.oid AS target, n.nspname || '.' || c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = ANY (:tables) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
kin AS (  -- the relations in which rows of a personal table are stored, or stand to be read
    SELECT p.target, p.target AS relation, direction.upwards
    FROM personal p CROSS JOIN (VALUES (true), (false)) AS direction(upwards)
    UNION
    SELECT k.target, CASE WHEN k.upwards THEN i.inhparent ELSE i.inhrelid END, k.upwards
    FROM kin k JOIN pg_catalog.pg_inherits i
        ON k.relation = CASE WHEN k.upwards THEN i.inhrelid ELSE i.inhparent END
),
object AS (  -- relations and functions, each with whose rights count beneath it
    SELECT CAST('pg_catalog.pg_class'::regclass AS oid) AS classid, c.oid AS objid, c.relnamespace AS schema,
           CAST(c.relname AS text) AS name, c.relowner AS owner, 'SELECT' AS privilege,
           coalesce(c.relacl, acldefault('r', c.relowner)) AS acl,
           kind.rights, CAST(NULL AS text) AS source, false AS is_open,
           CASE WHEN c.relkind = 'm' THEN 'materialized view ' WHEN c.relkind = 'v' THEN 'view '
                WHEN c.relispartition THEN 'partition ' ELSE 'table ' END
               || n.nspname || '.' || c.relname
               || CASE kind.rights WHEN 'owner' THEN ' (rights of its owner)'
                                   WHEN 'reader' THEN ' (rights of the reader)' ELSE '' END AS told
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.relkind = 'm' THEN 'copy' WHEN c.relkind <> 'v' THEN 'rows'
                    WHEN EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o
                                 WHERE o.option_name = 'security_invoker' AND CAST(o.option_value AS boolean))
                    THEN 'reader' ELSE 'owner' END AS rights
    ) kind
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT CAST('pg_catalog.pg_proc'::regclass AS oid), f.oid, f.pronamespace,
           CAST(f.proname AS text), f.proowner, 'EXECUTE',
           coalesce(f.proacl, acldefault('f', f.proowner)),
           CASE WHEN f.prosecdef THEN 'definer' ELSE 'reader' END,
           body.source,
           body.source IS NOT NULL
               AND (l.lanname NOT IN ('sql', 'plpgsql') OR body.source ~ '\mexecute\M|_to_xml|dblink'),
           CASE f.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END
               || n.nspname || '.' || f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ')'
               || CASE WHEN body.source IS NOT NULL THEN ' may read it' ELSE '' END
               || CASE WHEN f.prosecdef THEN ' (runs with the rights of ' || owner.rolname || ')'
                       ELSE ' (rights of the reader)' END
    FROM pg_catalog.pg_proc f
    JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    JOIN pg_catalog.pg_roles owner ON owner.oid = f.proowner
    CROSS JOIN LATERAL (SELECT CASE WHEN f.prosqlbody IS NULL THEN lower(f.prosrc) END AS source) body
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND f.prokind <> 'a'
      AND f.prorettype NOT IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
),
parsed AS (  -- views and functions whose text the server itself has understood, and where it filed what they touch
    SELECT o.classid, o.objid, CAST('pg_catalog.pg_rewrite'::regclass AS oid) AS filed_class, w.oid AS filed,
           strpos(CAST(w.ev_action AS text), '\:varattno 0 ') > 0 AS whole_rows
    FROM object o JOIN pg_catalog.pg_rewrite w ON w.ev_class = o.objid AND w.ev_type = '1'
    WHERE o.privilege = 'SELECT'
    UNION ALL
    SELECT o.classid, o.objid, o.classid, f.oid, strpos(CAST(f.prosqlbody AS text), '\:varattno 0 ') > 0
    FROM object o JOIN pg_catalog.pg_proc f ON f.oid = o.objid
    WHERE o.privilege = 'EXECUTE' AND f.prosqlbody IS NOT NULL
),
touch AS (  -- what they touch; a whole row leaves no trace of its columns, which then are null: not known
    SELECT p.classid, p.objid, d.refclassid AS used_class, d.refobjid AS used,
           CASE WHEN NOT p.whole_rows THEN array_agg(CAST(a.attname AS text)) FILTER (WHERE a.attnum > 0) END AS columns
    FROM parsed p
    JOIN pg_catalog.pg_depend d ON d.classid = p.filed_class AND d.objid = p.filed AND d.deptype = 'n'
    LEFT JOIN pg_catalog.pg_attribute a
        ON d.refclassid = 'pg_catalog.pg_class'::regclass AND a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass)
      AND (d.refclassid, d.refobjid) <> (p.classid, p.objid)
    GROUP BY p.classid, p.objid, p.whole_rows, d.refclassid, d.refobjid
    -- who only counts rows touches no column
    HAVING p.whole_rows OR d.refclassid = 'pg_catalog.pg_proc'::regclass OR bool_or(a.attnum > 0)
),
mention AS (  -- the words of a body that is only text
    SELECT DISTINCT f.classid, f.objid, said.word
    FROM object f CROSS JOIN LATERAL regexp_split_to_table(f.source, '[^\w$]+') AS said(word)
),
above AS (  -- what is written over what, surely or perhaps
    SELECT t.used_class, t.used, t.classid, t.objid, t.columns FROM touch t
    UNION ALL
    -- of a name that is no plain word, its first word stands for it
    SELECT o.classid, o.objid, m.classid, m.objid, NULL
    FROM object o JOIN mention m ON m.word = substring(lower(o.name) FROM '[\w$]+')
    WHERE (o.classid, o.objid) <> (m.classid, m.objid)
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass, k.relation, f.classid, f.objid, NULL
    FROM kin k CROSS JOIN object f WHERE f.is_open
),
edge AS (  -- `above`, as far as it leads up from a personal table
    SELECT DISTINCT CAST(0 AS oid) AS used_class, CAST(0 AS oid) AS used,
           CAST('pg_catalog.pg_class'::regclass AS oid) AS classid, k.relation AS objid,
           CAST(NULL AS text[]) COLLATE "C" AS columns  -- as names of the catalog are collated
    FROM kin k
    UNION
    SELECT a.used_class, a.used, a.classid, a.objid, a.columns
    FROM edge e JOIN above a ON a.used_class = e.classid AND a.used = e.objid
),
carrier AS (
    SELECT o.* FROM object o
    WHERE EXISTS (SELECT FROM edge e WHERE e.classid = o.classid AND e.objid = o.objid)
)"""
"""Question 2. A thing is addressed as in `pg_depend`: the catalog it stands in, and its oid there."""

_RIGHTS = """
granted AS (  -- to whom; columns are null where the whole is granted
    SELECT c.classid, c.objid, c.owner AS grantee, true AS owns, CAST(NULL AS text[]) AS columns FROM carrier c
    UNION
    SELECT c.classid, c.objid, a.grantee, false, NULL
    FROM carrier c CROSS JOIN LATERAL aclexplode(c.acl) a
    WHERE a.privilege_type = c.privilege AND a.grantee <> c.owner
    UNION
    SELECT by_column.classid, by_column.objid, by_column.grantee, false,
           array_agg(CAST(by_column.attname AS text) ORDER BY by_column.attnum)
    FROM (
        SELECT DISTINCT c.classid, c.objid, a.grantee, t.attname, t.attnum  -- whoever granted it, and how often
        FROM carrier c
        JOIN pg_catalog.pg_attribute t ON t.attrelid = c.objid AND t.attnum > 0 AND NOT t.attisdropped
        CROSS JOIN LATERAL aclexplode(t.attacl) a
        WHERE c.privilege = 'SELECT' AND a.privilege_type = 'SELECT' AND a.grantee <> c.owner
    ) by_column
    GROUP BY by_column.classid, by_column.objid, by_column.grantee
),
readable AS (  -- what each role may read or run without becoming another; columns are null where all are
    SELECT r.role, r.classid, r.objid,
           CASE WHEN NOT bool_or(r.columns IS NULL) THEN array_agg(DISTINCT single.name) END AS columns
    FROM (
        SELECT h.role, g.classid, g.objid, g.columns FROM granted g JOIN held h ON h.has = g.grantee
        UNION ALL
        SELECT s.role, c.classid, c.objid, NULL
        FROM sweeping s JOIN carrier c ON s.scope = 'everything' OR (s.scope = 'relations' AND c.privilege = 'SELECT')
    ) r
    LEFT JOIN LATERAL unnest(r.columns) AS single(name) ON true
    GROUP BY r.role, r.classid, r.objid
),
naming AS (  -- schemas in which a role may name things
    SELECT h.role, n.oid AS schema
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL (
        SELECT n.nspowner AS grantee
        UNION
        SELECT a.grantee FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE a.privilege_type = 'USAGE'
        UNION
        SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN ('pg_read_all_data', 'pg_write_all_data')
    ) usage
    JOIN held h ON h.has = usage.grantee
    WHERE n.oid IN (SELECT c.schema FROM carrier c)
    UNION
    SELECT s.role, c.schema FROM sweeping s CROSS JOIN carrier c WHERE s.scope = 'everything'
)"""
"""Question 3."""

_PATHS = """
shows AS (  -- who, having a right on a thing, is shown rows of the table: 0 for anyone; columns are null where all are
    SELECT k.target, CAST('pg_catalog.pg_class'::regclass AS oid) AS classid, k.relation AS objid,
           CAST(0 AS oid) AS reader, true AS stored,
           CASE WHEN k.relation <> k.target THEN ARRAY(
               SELECT CAST(a.attname AS text)
               FROM pg_catalog.pg_attribute a
               JOIN pg_catalog.pg_attribute theirs ON theirs.attrelid = k.relation AND theirs.attname = a.attname
               WHERE a.attrelid = k.target AND a.attnum > 0 AND theirs.attnum > 0
                 AND NOT a.attisdropped AND NOT theirs.attisdropped
               ORDER BY 1
           ) END AS columns
    FROM kin k
    UNION
    SELECT s.target, c.classid, c.objid,
           CASE beneath.rights WHEN 'owner' THEN s.reader WHEN 'reader' THEN r.role ELSE 0 END,
           false,
           CASE WHEN NOT s.stored OR seen.columns IS NULL THEN s.columns WHEN s.columns IS NULL THEN seen.columns
                ELSE ARRAY(SELECT unnest(s.columns) INTERSECT SELECT unnest(seen.columns) ORDER BY 1) END
    FROM shows s
    JOIN edge e ON e.used_class = s.classid AND e.used = s.objid
    JOIN carrier c ON c.classid = e.classid AND c.objid = e.objid
    JOIN readable r ON r.classid = s.classid AND r.objid = s.objid
    JOIN carrier used ON used.classid = s.classid AND used.objid = s.objid
    CROSS JOIN LATERAL (
        -- a function in a view is run by the reader of the view, whoever owns the view
        SELECT CASE WHEN c.rights = 'owner' AND s.classid = 'pg_catalog.pg_proc'::regclass THEN 'reader'
                    ELSE c.rights END AS rights
    ) beneath
    CROSS JOIN LATERAL (SELECT coalesce(e.columns, r.columns) AS columns) seen
    WHERE (e.columns IS NULL OR r.columns IS NULL OR e.columns <@ r.columns)
      AND CASE beneath.rights
              WHEN 'owner' THEN r.role = c.owner
              WHEN 'definer' THEN r.role = c.owner AND s.reader IN (0, r.role)
              WHEN 'reader' THEN s.reader IN (0, r.role)
              ELSE r.columns IS NULL  -- a copy: someone could read it all when it was filled
          END
      -- a text names things when it runs
      AND (c.source IS NULL OR EXISTS (SELECT FROM naming n WHERE n.role = r.role AND n.schema = used.schema))
),
path AS (  -- each right that leads to a table; `best` with the most direct role among those that use it
    SELECT i.login, s.target,
           concat(
               CASE WHEN c.objid <> s.target OR c.privilege <> 'SELECT' THEN c.told || ': ' END,
               CASE WHEN g.owns THEN 'owner' WHEN g.columns IS NULL THEN 'granted'
                    ELSE 'columns ' || array_to_string(g.columns, ', ') || ' granted' END,
               CASE WHEN g.grantee = 0 THEN ' to PUBLIC' WHEN g.grantee = i.login THEN ''
                    WHEN g.owns THEN ' ' || grantee.rolname ELSE ' to ' || grantee.rolname END,
               CASE WHEN g.grantee IN (0, i.role) THEN '' WHEN i.role = i.login THEN ', of which it is a member'
                    ELSE ', of which ' || i.name || ' is a member' END
           ) AS told,
           i.role = i.login AS as_itself, i.granting, i.name,
           rank() OVER (PARTITION BY i.login, s.target, c.classid, c.objid, g.grantee, g.owns, g.columns
                        ORDER BY i.role <> i.login, i.granting, i.name) = 1 AS best,
           CASE WHEN NOT s.stored OR g.columns IS NULL THEN s.columns WHEN s.columns IS NULL THEN g.columns
                ELSE ARRAY(SELECT unnest(s.columns) INTERSECT SELECT unnest(g.columns)) END AS columns
    FROM shows s
    JOIN carrier c ON c.classid = s.classid AND c.objid = s.objid
    JOIN granted g ON g.classid = c.classid AND g.objid = c.objid
    JOIN held h ON h.has = g.grantee
    JOIN identity i ON i.role = h.role
    JOIN naming n ON n.role = i.role AND n.schema = c.schema
    LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = g.grantee
    WHERE s.reader IN (0, i.role) AND (c.source IS NULL OR c.rights = 'definer')
    UNION ALL
    SELECT i.login, p.target, s.told, i.role = i.login, i.granting, i.name,
           rank() OVER (PARTITION BY i.login, p.target, s.told
                        ORDER BY i.role <> i.login, i.granting, i.name) = 1,
           NULL
    FROM sweeping s JOIN identity i ON i.role = s.role CROSS JOIN personal p
),
reach AS (
    SELECT p.login, p.target, bool_or(p.columns IS NULL) AS whole,
           array_agg(DISTINCT single.name) AS columns,
           array_agg(DISTINCT p.told || CASE WHEN p.as_itself THEN ''
                                             WHEN p.granting THEN ', once it has granted itself ' || p.name
                                             ELSE ', by SET ROLE ' || p.name END) FILTER (WHERE p.best) AS via
    FROM path p LEFT JOIN LATERAL unnest(p.columns) AS single(name) ON true
    WHERE p.columns IS NULL OR cardinality(p.columns) > 0  -- a child's own columns are none of the table's
    GROUP BY p.login, p.target
)
SELECT CAST(r.rolname AS text) AS role, p.name AS relation,
       (SELECT string_agg(told, '; ' ORDER BY told COLLATE "C") FROM unnest(w.via) AS told) AS via,
       CASE WHEN w.whole OR read.all THEN '' ELSE read.names END AS columns,
       nullif(r.rolvaliduntil, 'infinity') AS valid_until,
       EXISTS (SELECT FROM identity i WHERE i.login = r.oid AND i.bypasses) AS bypasses
FROM reach w
JOIN personal p ON p.target = w.target
JOIN pg_catalog.pg_roles r ON r.oid = w.login
JOIN connecting ON connecting.login = w.login
CROSS JOIN LATERAL (
    SELECT bool_and(coalesce(a.attname = ANY (w.columns), false)) AS all,
           string_agg(a.attname, ', ' ORDER BY a.attnum) FILTER (WHERE a.attname = ANY (w.columns)) AS names
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = w.target AND a.attnum > 0 AND NOT a.attisdropped
) read"""
"""Question 4, and the rows."""

_READERS = sa.text(f"WITH RECURSIVE {_WHO},{_WHAT},{_RIGHTS},{_PATHS}").columns(
    sa.column("role", sa.Text()),
    sa.column("relation", sa.Text()),
    sa.column("via", sa.Text()),
    sa.column("columns", sa.Text()),
    sa.column("valid_until", sa.DateTime(timezone=True)),
    sa.column("bypasses", sa.Boolean()),
)

_FUTURE = sa.text(
    """
    SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE CAST(grantee.rolname AS text) END AS role,
           coalesce(CAST(n.nspname AS text), '') AS schema, CAST(maker.rolname AS text) AS granted_by
    FROM pg_catalog.pg_default_acl d
    JOIN pg_catalog.pg_roles maker ON maker.oid = d.defaclrole
    CROSS JOIN LATERAL aclexplode(d.defaclacl) a
    LEFT JOIN pg_catalog.pg_roles grantee ON grantee.oid = a.grantee
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
    WHERE d.defaclobjtype = 'r' AND a.privilege_type = 'SELECT' AND a.grantee <> d.defaclrole
    """
).columns(sa.column("role", sa.Text()), sa.column("schema", sa.Text()), sa.column("granted_by", sa.Text()))


def read_rights(tables: Sequence[str]) -> sa.Subquery:
    """One row per login role and table (`schema.table`) that it can effectively read, wholly or in part.

    Columns: `role`, `relation`; `via`, every path in words, sorted and joined by `; `; `columns`, those that can be
    read, in the table's order and joined by `, `, empty when all can; `valid_until`, after which its password no longer
    lets the role in, null when it always does; `bypasses`, whether row-level security is nothing to it or to a role it
    can become. A name that is no relation of the database has no rows, which says nothing about it.

    Source: GDPR art. 32(1)(b) and (4); anyone who acts under the controller's authority reads on its instructions only.
    """
    names = sa.bindparam("tables", list(tables), ARRAY(sa.Text()), unique=True)
    return _READERS.bindparams(names).subquery("readers")


def future_rights() -> sa.Subquery:
    """Default privileges that would let someone read tables yet to be made: one row per grantee, schema and maker.

    Columns: `role`, or PUBLIC; `schema`, empty when any; `granted_by`, the role whose future tables these are.
    """
    return _FUTURE.subquery("future_readers")
