"""The audit database: audits, results, findings, deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("policy_text_sha256", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("triggered_by", sa.Text(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False, comment="of the canonical audit.json"),
        sa.CheckConstraint(
            "outcome IN ('fail', 'not_audited', 'review', 'pass', 'not_applicable')", name=op.f("audits_outcome_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audits_pkey")),
    )
    op.create_index("audits_as_of_idx", "audits", ["as_of"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("key", sa.Text(), nullable=False, comment="idempotency key of the message and its channel"),
        sa.Column("audit_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("deliveries_pkey")),
    )
    op.create_table(
        "findings",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column(
            "first_seen", sa.DateTime(timezone=True), nullable=False, comment="T of the first audit that found it"
        ),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_audit", sa.Text(), nullable=False),
        sa.Column("last_audit", sa.Text(), nullable=False),
        sa.Column("last_outcome", sa.Text(), nullable=False),
        sa.CheckConstraint("last_outcome IN ('fail', 'not_audited', 'review')", name=op.f("findings_outcome_check")),
        sa.CheckConstraint("first_seen <= last_seen", name=op.f("findings_seen_in_order_check")),
        sa.ForeignKeyConstraint(["first_audit"], ["audits.id"], name=op.f("findings_first_audit_fkey")),
        sa.ForeignKeyConstraint(["last_audit"], ["audits.id"], name=op.f("findings_last_audit_fkey")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("findings_pkey")),
    )
    op.create_table(
        "results",
        sa.Column("audit_id", sa.Text(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False, comment="empty for a check on the store as a whole"),
        sa.Column("qualifier", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("population", sa.BigInteger(), nullable=True),
        sa.Column("compliant", sa.BigInteger(), nullable=True),
        sa.Column("violating", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.BigInteger(), nullable=True),
        sa.Column("undecidable", sa.BigInteger(), nullable=True),
        sa.Column("out_of_scope", sa.BigInteger(), nullable=True),
        sa.Column("subjects", sa.BigInteger(), nullable=True),
        sa.Column("late_holds", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=True, comment="the population is the planner's estimate"),
        sa.Column("oldest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("newest", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_since", sa.Date(), nullable=True),
        sa.Column("ages", postgresql.ARRAY(sa.BigInteger()), nullable=True, comment="violating rows per age bucket"),
        sa.CheckConstraint(
            "(outcome = 'fail') = (coalesce(violating, 0) > 0)", name=op.f("results_fail_has_violations_check")
        ),
        sa.CheckConstraint("outcome <> 'pass' OR compliant > 0 OR held > 0", name=op.f("results_pass_has_rows_check")),
        sa.CheckConstraint(
            "outcome IN ('fail', 'not_audited', 'review', 'pass', 'not_applicable')", name=op.f("results_outcome_check")
        ),
        sa.CheckConstraint("plan IN ('full', 'seek')", name=op.f("results_plan_check")),
        sa.CheckConstraint(
            "num_nonnulls(population, compliant, violating, held, undecidable, out_of_scope, subjects) IN (0, 7)",
            name=op.f("results_tally_is_whole_check"),
        ),
        sa.CheckConstraint(
            "population = compliant + violating + held + undecidable + out_of_scope",
            name=op.f("results_tally_adds_up_check"),
        ),
        sa.ForeignKeyConstraint(["audit_id"], ["audits.id"], name=op.f("results_audit_id_fkey")),
        sa.PrimaryKeyConstraint("audit_id", "check_id", name=op.f("results_pkey")),
    )
    op.create_index("results_fingerprint_idx", "results", ["fingerprint"], unique=False)
