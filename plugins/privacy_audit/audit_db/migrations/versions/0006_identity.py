"""The database has an identity that reports carry; what somebody accepted in its place, and until when audits were
deleted, stay on file. All of it is append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
TABLES = ("identity", "acceptances", "sweeps")


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="there is one row"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("one", name=op.f("identity_is_one_check")),
        sa.PrimaryKeyConstraint("one", name=op.f("identity_pkey")),
    )
    op.create_table(
        "acceptances",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("audit_id", sa.Text(), nullable=False, comment="of the newest report then"),
        sa.Column("as_of", INSTANT, nullable=False, comment="T of that report: what was reported up to it is accepted"),
        sa.Column("database", sa.Text(), nullable=True, comment="the identity that the report names"),
        sa.CheckConstraint("because <> '' AND by <> ''", name=op.f("acceptances_is_answered_for_check")),
        sa.PrimaryKeyConstraint("seq", name=op.f("acceptances_pkey")),
    )
    op.create_table(
        "sweeps",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("before", INSTANT, nullable=False, comment="audits of an earlier T may have been deleted"),
        sa.PrimaryKeyConstraint("seq", name=op.f("sweeps_pkey")),
    )
    op.execute("INSERT INTO identity (id) VALUES (gen_random_uuid())")
    # What was deleted until now is not on file: of the audits before the newest one nothing is known.
    op.execute("INSERT INTO sweeps (before) SELECT max(as_of) FROM audits HAVING max(as_of) IS NOT NULL")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
