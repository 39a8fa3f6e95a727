"""What a legal hold keeps is put on file, as keyed digests: what vanishes is missed. It is append-only, too."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold_manifests",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False, comment="which data of the row, and by which columns it is told"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False, comment="digest of the key of the person held"),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False, comment="by the clock of the store"),
        sa.CheckConstraint(
            "octet_length(digest) = 32 AND octet_length(subject) = 32", name=op.f("hold_manifests_are_digests_check")
        ),
        sa.PrimaryKeyConstraint("store", "table", "part", "digest", name=op.f("hold_manifests_pkey")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON hold_manifests"
        " FOR EACH ROW EXECUTE FUNCTION append_only()"
    )
