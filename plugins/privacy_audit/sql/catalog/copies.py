"""Relations that look like copies of mapped tables: what is deleted in the table lives on in them.

*Why*: "permanently deleted and cannot be recovered" holds of every copy, and data is kept no longer than needed
wherever it lies (GDPR art. 5(1)(e), art. 17(1)). A look-alike is a suspicion for a person to settle, never a proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.sql.catalog.relations import LINEAGE, RELATIONS

MIN_COLUMNS = 3
"""Fewer columns in common are no likeness."""
MIN_OVERLAP = 0.8
"""Dice's coefficient: twice the columns in common by the columns of both."""


class CopyLikeness(StrEnum):
    """Why a relation looks like a copy, in words for people; the strongest first."""

    DEFAULT_PARTITION = "default partition"
    """It takes the rows that no dated partition takes; a purge that drops old partitions never reaches them."""
    DETACHED_PARTITION = "detached partition"
    """The columns of a partitioned table, and a name as its partitions have: a query of the table no longer sees it."""
    READS_IT = "materialized view that reads it"
    NAME = "named as a copy"
    COLUMNS = "same columns"
    FOREIGN = "foreign table"
    """Its rows lie in another store: of which table they are a copy only its columns may tell."""
    SCHEMA = "schema named as for copies"


_COPY_WORDS = (
    "old|bak|back|backup|bck|bkp|sauvegarde|save|saved|copy|copie|dup|duplicate|clone|tmp|temp|temporary|temporaire"
    "|archive|archived|arch|staging|stage|stg|snapshot|snap|dump|restore|restored|sandbox|scratch|trash|deleted|legacy"
)
_NAME_WORDS = (
    f"{_COPY_WORDS}|new|orig|original|prev|previous|test|export|import|hist|history|historique|audit|log|shadow"
    "|mirror|replica|outbox|queue|dlq|dead_letter|v[0-9]+|y?(?:19|20)[0-9]{2}.*|[0-9]+"
)
_TAIL = f"(?:{_NAME_WORDS})s?(?:[_0-9].*)?"
_PATTERNS = {
    "after": f"^s?_*{_TAIL}$",
    "before": f"^(?:[0-9_]*[0-9][0-9_]*|[0-9_]*(?:{_COPY_WORDS}|zz|hist|history)s?[0-9_]*(?:(?:of|de)_?)?)$",
    "after_before": f"^s?_*(?:{_TAIL})?$",
    "copies": f"(?:^|_)(?:{_COPY_WORDS})s?(?:$|[_0-9])",
}
"""What stands after the name of a copied table, or before it (and then after it), and in the name of a schema."""

_LOOK_ALIKES = sa.text(
    r"""
    WITH RECURSIVE mapped AS (
        SELECT r.oid, r.schema, r.name, r.relation, r.kind,
               pg_catalog.regexp_replace(pg_catalog.lower(r.name), '(.)s$', '\1') AS stem
        FROM relation r WHERE r.relation = ANY (CAST(:mapped AS text[]))
    ),
    family AS (
        SELECT DISTINCT l.oid, m.relation AS "of" FROM lineage l JOIN mapped m ON m.oid = l.ancestor
    ),
    candidate AS (
        SELECT r.oid, r.schema, r.name, r.kind, pg_catalog.lower(r.name) AS lower_name
        FROM relation r WHERE NOT r.attached AND r.oid NOT IN (SELECT f.oid FROM family f)
    ),
    attribute AS (
        SELECT a.attrelid AS oid, a.attname AS name, t.typcategory AS category
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attnum > 0 AND NOT a.attisdropped
    ),
    width AS (SELECT a.oid, pg_catalog.count(*) AS columns FROM attribute a GROUP BY a.oid),
    overlap AS (
        SELECT c.oid, m.oid AS mapped, pg_catalog.count(*) AS shared,
               2.0 * pg_catalog.count(*) / (pg_catalog.min(own.columns) + pg_catalog.min(its.columns)) AS dice,
               pg_catalog.count(*) = pg_catalog.min(its.columns) AS whole
        FROM candidate c
        JOIN width own ON own.oid = c.oid
        JOIN attribute a ON a.oid = c.oid
        JOIN attribute b ON b.name = a.name AND b.category = a.category
        JOIN mapped m ON m.oid = b.oid
        JOIN width its ON its.oid = m.oid
        GROUP BY c.oid, m.oid
    ),
    reading AS (
        SELECT c.oid, c.oid AS read FROM candidate c WHERE c.kind = 'materialized view'
        UNION
        SELECT g.oid, d.refobjid
        FROM reading g
        JOIN pg_catalog.pg_rewrite w ON w.ev_class = g.read
        JOIN pg_catalog.pg_depend d
          ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> w.ev_class
    ),
    reason AS (
        SELECT p.partdefid AS oid, f."of", 1 AS rank, CAST(:default_partition AS text) AS why, 1.0 AS near
        FROM family f JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = f.oid
        WHERE p.partdefid <> 0 AND p.partdefid NOT IN (SELECT m.oid FROM mapped m)
          AND EXISTS (
              SELECT FROM pg_catalog.pg_partition_tree(p.partdefid) t
              JOIN pg_catalog.pg_class c ON c.oid = t.relid
              WHERE c.relkind = 'f' OR pg_catalog.pg_relation_size(c.oid) > 0
          )
        UNION ALL
        SELECT c.oid, m.relation, 2, :detached_partition, 1.0
        FROM candidate c JOIN overlap o ON o.oid = c.oid AND o.whole JOIN mapped m ON m.oid = o.mapped
        WHERE m.kind = 'partitioned'
          AND (pg_catalog.starts_with(c.name, m.name || '_')
               OR pg_catalog.regexp_replace(c.name, '[0-9]+', '#', 'g') IN (
                   SELECT pg_catalog.regexp_replace(s.name, '[0-9]+', '#', 'g')
                   FROM lineage l JOIN relation s ON s.oid = l.oid WHERE l.ancestor = m.oid AND l.oid <> m.oid))
        UNION ALL
        SELECT g.oid, f."of", 3, :reads_it, 1.0
        FROM reading g JOIN lineage l ON l.ancestor = g.read JOIN family f ON f.oid = l.oid
        UNION ALL
        SELECT c.oid, m.relation, 4, :name,
               pg_catalog.length(m.stem) + CASE WHEN c.schema = m.schema THEN 0.5 ELSE 0.0 END
        FROM candidate c JOIN mapped m ON pg_catalog.strpos(c.lower_name, m.stem) > 0
        CROSS JOIN LATERAL pg_catalog.generate_series(1, pg_catalog.length(c.lower_name)) AS at
        CROSS JOIN LATERAL pg_catalog.substr(c.lower_name, at + pg_catalog.length(m.stem)) AS rest
        WHERE pg_catalog.substr(c.lower_name, at, pg_catalog.length(m.stem)) = m.stem
          AND CASE at WHEN 1 THEN rest ~ :after
                      ELSE pg_catalog.left(c.lower_name, at - 1) ~ :before AND rest ~ :after_before END
        UNION ALL
        SELECT o.oid, m.relation, 5, :columns, o.dice
        FROM overlap o JOIN mapped m ON m.oid = o.mapped WHERE o.shared >= :min_columns AND o.dice >= :min_overlap
        UNION ALL
        SELECT c.oid, '', 6, :foreign, 1.0 FROM candidate c WHERE c.kind = 'foreign table'
        UNION ALL
        SELECT c.oid, s."of", 7, :schema, 1.0
        FROM candidate c
        CROSS JOIN LATERAL (SELECT '' AS "of" UNION ALL SELECT m.relation FROM mapped m WHERE m.name = c.name) s
        WHERE pg_catalog.lower(c.schema) ~ :copies
    ),
    best AS (
        SELECT DISTINCT ON (r.oid) r.oid, r."of" FROM reason r
        ORDER BY r.oid, r."of" = '', r.rank, r.near DESC, r."of"
    ),
    told AS (
        SELECT DISTINCT r.oid, b."of", r.rank, r.why
        FROM reason r JOIN best b ON b.oid = r.oid WHERE r."of" IN (b."of", '')
    )
    SELECT r.relation, r.kind, t."of", pg_catalog.string_agg(t.why, ', ' ORDER BY t.rank) AS why
    FROM told t JOIN relation r ON r.oid = t.oid
    GROUP BY r.relation, r.kind, t."of"
    """
)


def look_alikes(mapped: Sequence[str]) -> sa.Subquery:
    """One row per relation outside the map that looks like a copy of a table in it. Any role may ask.

    `mapped` holds `schema.table`. Partitions and children of mapped tables are read through them and are no copies; of
    a default partition it is told all the same when it may hold rows: a file without a page holds none.

    Columns: `relation`, `kind` (table, partitioned, materialized view, foreign table), `of` (the mapped table it
    resembles most; empty if none), `why` (each `CopyLikeness`, the strongest first, with commas between).
    """
    values = {likeness.name.lower(): likeness.value for likeness in CopyLikeness}
    bound = {**values, **_PATTERNS, "min_columns": MIN_COLUMNS, "min_overlap": MIN_OVERLAP}
    return (
        _LOOK_ALIKES.bindparams(
            sa.bindparam("mapped", list(mapped), ARRAY(sa.Text()), unique=True),
            *(sa.bindparam(name, value, unique=True) for name, value in bound.items()),
        )
        .columns(
            sa.column("relation", sa.Text()), sa.column("kind", sa.Text()), sa.column("of", sa.Text()),
            sa.column("why", sa.Text()),
        )
        .add_cte(RELATIONS, LINEAGE)
        .subquery("look_alike")
    )  # fmt: skip
