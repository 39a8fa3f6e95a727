"""Findings live: how each stood after each audit, what people decided, what was promised. History is append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# What was filed is never changed, and is deleted only by maintenance, when the period for which it is kept is over.
APPEND_ONLY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('privacy_audit.maintenance', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'what was filed stays as it is' USING ERRCODE = 'restrict_violation';
END
$$
"""
APPEND_ONLY_TABLES = ("audits", "results", "standings", "decisions")
# Findings known until now go on. Those that nobody could look at become findings of their own, as they are from now on.
CARRY_OVER = """
INSERT INTO standings (
    audit_id, fingerprint, kind, "check", control, store, "table", qualifier, owner, status, outcome, severity,
    first_seen, last_seen, due_by, occurrences, violating, undecidable, overdue_since, resolved_at, unseen_since,
    told_rows, due_told, braked, waiver, waived_rows, lapsed, ending_told, changes
)
SELECT f.last_audit,
       CASE WHEN f.last_seen IS NULL THEN encode(sha256(convert_to('not_audited|' || f.fingerprint, 'UTF8')), 'hex')
            ELSE f.fingerprint END,
       CASE WHEN f.last_seen IS NULL THEN 'not_audited' ELSE 'nonconformity' END,
       seen.check_id, f.control, f.store, f.table_name, f.qualifier, '',
       CASE WHEN since.gone IS NULL THEN 'open' ELSE 'resolved' END,
       seen.outcome, 'high', seen.first, seen.as_of, (seen.first AT TIME ZONE 'UTC')::date + 30,
       seen.times, coalesce(seen.violating, 0), coalesce(seen.undecidable, 0), seen.overdue_since,
       since.gone,
       CASE WHEN f.last_seen IS NOT NULL AND since.gone IS NULL THEN since.unseen END,
       CASE WHEN since.gone IS NULL THEN coalesce(seen.violating + seen.undecidable, 0) ELSE 0 END,
       false, false, '', 0, '', '', '{}'
FROM findings f
CROSS JOIN LATERAL (
    SELECT r.check_id, r.outcome, a.as_of, r.violating, r.undecidable, min(a.as_of) OVER () AS first,
           min(r.overdue_since) OVER () AS overdue_since, count(*) OVER ()::int AS times
    FROM results r JOIN audits a ON a.id = r.audit_id
    WHERE r.fingerprint = f.fingerprint AND r.outcome NOT IN ('pass', 'not_applicable')
      AND (r.outcome = 'not_audited') = (f.last_seen IS NULL)
    ORDER BY a.as_of DESC, a.filed_at DESC LIMIT 1
) seen
CROSS JOIN LATERAL (
    SELECT min(a.as_of) FILTER (WHERE r.outcome IN ('pass', 'not_applicable')) AS gone,
           min(a.as_of) FILTER (WHERE r.outcome = 'not_audited') AS unseen
    FROM results r JOIN audits a ON a.id = r.audit_id
    WHERE r.fingerprint = f.fingerprint AND a.as_of > seen.as_of
) since
"""


def upgrade() -> None:
    op.add_column(
        "audits",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="the order of filing"),
    )
    promises = sa.Column(
        "promises",
        sa.Text(),
        nullable=False,
        server_default="",
        comment="policies.digest: policy and store maps together",
    )
    moved: sa.Column[bool] = sa.Column(
        "moved",
        sa.Boolean(),
        nullable=False,
        server_default=sa.true(),
        comment="false: a later instant was filed before",
    )
    for column in (promises, moved):
        op.add_column("audits", column)
        op.alter_column("audits", column.name, server_default=None)
    for name in ("sentence", "fix", "show_rows", "show_undecidable", "draft"):
        op.add_column("results", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.alter_column("results", name, server_default=None)
    _make_standings()
    _make_decisions()
    op.create_table(
        "policies",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("promises", postgresql.JSONB(), nullable=False),
        sa.Column("filed_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("policies_pkey")),
    )
    op.execute(CARRY_OVER)
    op.drop_table("findings")
    op.execute(APPEND_ONLY)
    for table in APPEND_ONLY_TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()"
        )


def _make_standings() -> None:
    texts = ("fingerprint", "kind", "check", "control", "store", "table", "qualifier", "owner", "status")
    op.create_table(
        "standings",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("audit_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("outcome", sa.Text(), nullable=False, comment="as it was last seen"),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("first_seen", INSTANT, nullable=False, comment="T of the first audit that found it"),
        sa.Column("last_seen", INSTANT, nullable=False, comment="T of the last audit that found it"),
        sa.Column("due_by", sa.Date(), nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("violating", sa.BigInteger(), nullable=False),
        sa.Column("undecidable", sa.BigInteger(), nullable=False),
        sa.Column("overdue_since", sa.Date(), nullable=True),
        sa.Column("reopened_at", INSTANT, nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column(
            "unseen_since", INSTANT, nullable=True, comment="T of the first audit after last_seen that could not look"
        ),
        sa.Column("told_rows", sa.BigInteger(), nullable=False),
        sa.Column("due_told", sa.Boolean(), nullable=False),
        sa.Column("braked", sa.Boolean(), nullable=False),
        sa.Column("waiver", sa.Text(), nullable=False),
        sa.Column("waived_rows", sa.BigInteger(), nullable=False),
        sa.Column("waived_until", INSTANT, nullable=True),
        sa.Column("lapsed", sa.Text(), nullable=False),
        sa.Column("ending_told", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('nonconformity', 'not_audited')", name=op.f("standings_kind_check")),
        sa.CheckConstraint("status IN ('new', 'open', 'resolved', 'reopened')", name=op.f("standings_status_check")),
        sa.CheckConstraint("outcome IN ('fail', 'not_audited', 'review')", name=op.f("standings_outcome_check")),
        sa.CheckConstraint("severity IN ('critical', 'high', 'medium', 'low')", name=op.f("standings_severity_check")),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("standings_seen_in_order_check")),
        sa.CheckConstraint(
            "(status = 'resolved') = (resolved_at IS NOT NULL)", name=op.f("standings_resolved_has_an_instant_check")
        ),
        sa.CheckConstraint(
            "(kind = 'not_audited') = (outcome = 'not_audited')", name=op.f("standings_kind_has_its_outcome_check")
        ),
        sa.ForeignKeyConstraint(["audit_id"], ["audits.id"], name=op.f("standings_audit_id_fkey")),
        sa.PrimaryKeyConstraint("seq", name=op.f("standings_pkey")),
        sa.UniqueConstraint("audit_id", "fingerprint", name=op.f("standings_audit_id_key")),
    )
    op.create_index("standings_fingerprint_seq_idx", "standings", ["fingerprint", "seq"])


def _make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("fingerprint", "triage", "comment", "by")),
        sa.Column("at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "triage IN ('under_review', 'remediating', 'risk_accepted', 'false_positive')",
            name=op.f("decisions_triage_check"),
        ),
        sa.CheckConstraint("comment <> '' AND by <> ''", name=op.f("decisions_is_answered_for_check")),
        sa.PrimaryKeyConstraint("seq", name=op.f("decisions_pkey")),
    )
    op.create_index("decisions_fingerprint_seq_idx", "decisions", ["fingerprint", "seq"])
