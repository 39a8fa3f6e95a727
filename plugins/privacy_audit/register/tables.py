"""What is filed: audits, the result of each check, findings across nights, and which alerts were sent.

The migrations in `migrations/` make these tables; a test holds the two together. Times are `timestamptz`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from privacy_audit.model import Outcome, Plan

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)
INSTANT = sa.DateTime(timezone=True)


def _one_of(column: str, words: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


OUTCOMES = _one_of("outcome", [outcome.value for outcome in Outcome])

audits = sa.Table(
    "audits",
    metadata,
    sa.Column("id", sa.Text(), primary_key=True),
    sa.Column("as_of", INSTANT, nullable=False),
    sa.Column("filed_at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.Column("policy_version", sa.Text(), nullable=False),
    sa.Column("policy_text_sha256", sa.Text(), nullable=False),
    sa.Column("policy_digest", sa.Text(), nullable=False),
    sa.Column("outcome", sa.Text(), nullable=False),
    sa.Column("triggered_by", sa.Text(), nullable=False),
    sa.Column("report_sha256", sa.Text(), nullable=False, comment="of the canonical audit.json"),
    sa.CheckConstraint(OUTCOMES, name="outcome"),
    sa.Index("audits_as_of_idx", "as_of"),
)

COUNTS = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")
TALLY = ("estimated", "oldest", "newest", "overdue_since")
"""What else a tally says, under the names of `model.Tally`; its `ages` are an array."""
_WHOLE = (*COUNTS, "estimated", "ages")
_IDENTITY = "population = compliant + violating + held + undecidable + out_of_scope"

results = sa.Table(
    "results",
    metadata,
    sa.Column("audit_id", sa.Text(), sa.ForeignKey("audits.id"), primary_key=True),
    sa.Column("check_id", sa.Text(), primary_key=True),
    sa.Column("fingerprint", sa.Text(), nullable=False),
    sa.Column("control", sa.Text(), nullable=False),
    sa.Column("store", sa.Text(), nullable=False),
    sa.Column("table_name", sa.Text(), nullable=False, comment="empty for a check on the store as a whole"),
    sa.Column("qualifier", sa.Text(), nullable=False),
    sa.Column("outcome", sa.Text(), nullable=False),
    sa.Column("cause", sa.Text()),
    sa.Column("reason", sa.Text(), nullable=False),
    sa.Column("plan", sa.Text()),
    *(sa.Column(name, sa.BigInteger()) for name in COUNTS),
    sa.Column("late_holds", sa.BigInteger(), nullable=False),
    sa.Column("estimated", sa.Boolean(), comment="the population is the planner's estimate"),
    sa.Column("oldest", INSTANT),
    sa.Column("newest", INSTANT),
    sa.Column("overdue_since", sa.Date()),
    sa.Column("ages", ARRAY(sa.BigInteger()), comment="violating rows per age bucket"),
    sa.CheckConstraint(OUTCOMES, name="outcome"),
    sa.CheckConstraint(_one_of("plan", [plan.value for plan in Plan]), name="plan"),
    sa.CheckConstraint(f"num_nonnulls({', '.join(_WHOLE)}) IN (0, {len(_WHOLE)})", name="tally_is_whole"),
    sa.CheckConstraint(f"least({', '.join(COUNTS)}) >= 0", name="counts_are_rows"),
    sa.CheckConstraint(_IDENTITY, name="tally_adds_up"),
    # No data is never a pass, and unknown is not compliant. A CHECK that comes to null accepts: hence coalesce.
    sa.CheckConstraint(
        "outcome <> 'pass' OR coalesce(compliant + held > 0 AND undecidable = 0, false)", name="pass_has_rows"
    ),
    sa.CheckConstraint("(outcome = 'fail') = (coalesce(violating, 0) > 0)", name="fail_has_violations"),
    # One result per place and audit; also finds what became of a finding over the audits.
    sa.UniqueConstraint("fingerprint", "audit_id"),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("fingerprint", sa.Text(), primary_key=True),
    sa.Column("control", sa.Text(), nullable=False),
    sa.Column("store", sa.Text(), nullable=False),
    sa.Column("table_name", sa.Text(), nullable=False),
    sa.Column("qualifier", sa.Text(), nullable=False),
    sa.Column("first_seen", INSTANT, nullable=False, comment="T of the first audit that found it"),
    sa.Column("last_seen", INSTANT, comment="T of the last audit that looked and saw it; null while none could look"),
    sa.Column("first_audit", sa.Text(), sa.ForeignKey("audits.id"), nullable=False),
    sa.Column("last_audit", sa.Text(), sa.ForeignKey("audits.id"), nullable=False),
    sa.Column("last_outcome", sa.Text(), nullable=False),
    sa.CheckConstraint("first_seen <= last_seen", name="seen_in_order"),
    sa.CheckConstraint("last_outcome IN ('fail', 'not_audited', 'review')", name="outcome"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    # No foreign key to audits: owners are told even when the audit could not be filed.
    sa.Column("key", sa.Text(), primary_key=True, comment="idempotency key of the message and its channel"),
    sa.Column("audit_id", sa.Text(), nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("claimed_at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.Column("sent_at", INSTANT),
)
