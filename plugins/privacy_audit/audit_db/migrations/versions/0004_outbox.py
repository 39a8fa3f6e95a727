"""The outbox: messages are filed with their audit, and wait until every channel has taken them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("key", sa.Text(), nullable=False, comment="idempotency key: of audit, owner and connection"),
        sa.Column("audit_id", sa.Text(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False, comment="name of the Airflow connection that lists the channels"),
        sa.Column("digest", sa.Boolean(), nullable=False, comment="the owner's weekly digest is in it"),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "done_at",
            INSTANT,
            nullable=True,
            comment="when every channel of the connection had it; a later channel does not get it",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("messages_pkey")),
    )
    op.create_index("messages_pending_idx", "messages", ["as_of"], postgresql_where=sa.text("done_at IS NULL"))
    op.create_index("messages_digest_idx", "messages", ["owner", "alert", "as_of"], postgresql_where=sa.text("digest"))
    _make_deliveries_point_at_messages()


def _make_deliveries_point_at_messages() -> None:
    op.alter_column(
        "deliveries",
        "key",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="key of the message, a colon, digest of the channel's address",
        existing_comment="idempotency key of the message and its channel",
    )
    op.alter_column(
        "deliveries",
        "claimed_at",
        existing_type=INSTANT,
        nullable=True,
        server_default=None,
        comment="by a sender that is at work, or was lost at it; null when nobody is",
    )
    op.add_column(
        "deliveries", sa.Column("message", sa.Text(), nullable=True, comment="null before there was an outbox")
    )
    op.add_column(
        "deliveries",
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False, comment="how often it was tried"),
    )
    op.create_foreign_key(
        op.f("deliveries_message_fkey"), "deliveries", "messages", ["message"], ["key"], ondelete="CASCADE"
    )
    op.create_index("deliveries_message_idx", "deliveries", ["message"])
