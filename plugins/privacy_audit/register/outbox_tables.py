"""The outbox: what people are to be told, and which channels have taken it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from privacy_audit.register.tables import INSTANT, metadata

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("key", sa.Text(), primary_key=True, comment="idempotency key: of audit, owner and connection"),
    # No foreign key: audits and messages are kept for periods of their own.
    sa.Column("audit_id", sa.Text(), nullable=False),
    sa.Column("as_of", INSTANT, nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("alert", sa.Text(), nullable=False, comment="name of the Airflow connection that lists the channels"),
    sa.Column("digest", sa.Boolean(), nullable=False, comment="the owner's weekly digest is in it"),
    sa.Column("content", JSONB(), nullable=False),
    sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.Column(
        "done_at", INSTANT, comment="when every channel of the connection had it; a later channel does not get it"
    ),
    sa.Index("messages_pending_idx", "as_of", postgresql_where=sa.text("done_at IS NULL")),
    sa.Index("messages_digest_idx", "owner", "alert", "as_of", postgresql_where=sa.text("digest")),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column(
        "key", sa.Text(), primary_key=True, comment="key of the message, a colon, digest of the channel's address"
    ),
    sa.Column("audit_id", sa.Text(), nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("claimed_at", INSTANT, comment="by a sender that is at work, or was lost at it; null when nobody is"),
    sa.Column("sent_at", INSTANT),
    sa.Column(
        "message",
        sa.Text(),
        sa.ForeignKey("messages.key", ondelete="CASCADE"),
        comment="null before there was an outbox",
    ),
    sa.Column("attempts", sa.Integer(), nullable=False, server_default="1", comment="how often it was tried"),
    sa.Index("deliveries_message_idx", "message"),
)
