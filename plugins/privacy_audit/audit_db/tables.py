"""The tables: audits, the result of each check, the states of findings.

The migrations in `migrations/` make these tables; a test holds the two together. Times are `timestamptz`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from privacy_audit.domain.outcomes import Outcome, Plan, Severity
from privacy_audit.findings.finding_state import FindingKind, FindingStatus, Triage

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

# One row per audit: by which instant and under which policy it judged, and what it came to.
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
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="the order of filing"),
    sa.Column("promises", sa.Text(), nullable=False, comment="policies.digest: policy and store maps together"),
    sa.Column("moved", sa.Boolean(), nullable=False, comment="false: a later instant was filed before"),
    sa.CheckConstraint(OUTCOMES, name="outcome"),
    sa.Index("audits_as_of_idx", "as_of"),
)

COUNTS = ("population", "compliant", "violating", "held", "undecidable", "out_of_scope", "subjects")
TALLY = ("estimated", "oldest", "newest", "overdue_since")
"""What else a tally says, under the names of `model.Tally`; its `ages` are an array."""
FOR_THE_ENGINEER = ("sentence", "fix", "show_rows", "show_undecidable", "draft")
"""What of `model.CheckResult` closes a finding."""
_WHOLE = (*COUNTS, "estimated", "ages")
_IDENTITY = "population = compliant + violating + held + undecidable + out_of_scope"

# One row per check of an audit: its outcome, its tally, and what closes a finding.
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
    # For the engineer, kept only where there is something to close.
    *(sa.Column(name, sa.Text(), nullable=False) for name in FOR_THE_ENGINEER),
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

standings = sa.Table(
    "standings",
    metadata,
    # How each finding stood after each audit: what is known of a finding is its last row, its history are all of them.
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("audit_id", sa.Text(), sa.ForeignKey("audits.id"), nullable=False),
    sa.Column("fingerprint", sa.Text(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("check", sa.Text(), nullable=False),
    sa.Column("control", sa.Text(), nullable=False),
    sa.Column("store", sa.Text(), nullable=False),
    sa.Column("table", sa.Text(), nullable=False),
    sa.Column("qualifier", sa.Text(), nullable=False),
    sa.Column("owner", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("outcome", sa.Text(), nullable=False, comment="as it was last seen"),
    sa.Column("severity", sa.Text(), nullable=False),
    sa.Column("first_seen", INSTANT, nullable=False, comment="T of the first audit that found it"),
    sa.Column("last_seen", INSTANT, nullable=False, comment="T of the last audit that found it"),
    sa.Column("due_by", sa.Date(), nullable=False),
    sa.Column("occurrences", sa.Integer(), nullable=False),
    sa.Column("violating", sa.BigInteger(), nullable=False),
    sa.Column("undecidable", sa.BigInteger(), nullable=False),
    sa.Column("overdue_since", sa.Date()),
    sa.Column("reopened_at", INSTANT),
    sa.Column("resolved_at", INSTANT),
    sa.Column("unseen_since", INSTANT, comment="T of the first audit after last_seen that could not look"),
    sa.Column("told_rows", sa.BigInteger(), nullable=False),
    sa.Column("due_told", sa.Boolean(), nullable=False),
    sa.Column("braked", sa.Boolean(), nullable=False),
    sa.Column("waiver", sa.Text(), nullable=False),
    sa.Column("waived_rows", sa.BigInteger(), nullable=False),
    sa.Column("waived_until", INSTANT),
    sa.Column("lapsed", sa.Text(), nullable=False),
    sa.Column("ending_told", sa.Text(), nullable=False),
    sa.Column("changes", ARRAY(sa.Text()), nullable=False),
    sa.UniqueConstraint("audit_id", "fingerprint"),
    sa.CheckConstraint(_one_of("kind", [kind.value for kind in FindingKind]), name="kind"),
    sa.CheckConstraint(_one_of("status", [status.value for status in FindingStatus]), name="status"),
    sa.CheckConstraint("outcome IN ('fail', 'not_audited', 'review')", name="outcome"),
    sa.CheckConstraint(_one_of("severity", [severity.value for severity in Severity]), name="severity"),
    sa.CheckConstraint("first_seen <= last_seen", name="seen_in_order"),
    sa.CheckConstraint("(status = 'resolved') = (resolved_at IS NOT NULL)", name="resolved_has_an_instant"),
    sa.CheckConstraint("(kind = 'not_audited') = (outcome = 'not_audited')", name="kind_has_its_outcome"),
    sa.Index("standings_fingerprint_seq_idx", "fingerprint", "seq"),
)

# What people said of a finding: triage and a comment. Entries are added, never changed.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("fingerprint", sa.Text(), nullable=False),
    sa.Column("triage", sa.Text(), nullable=False),
    sa.Column("comment", sa.Text(), nullable=False),
    sa.Column("by", sa.Text(), nullable=False),
    sa.Column("at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint(_one_of("triage", [triage.value for triage in Triage]), name="triage"),
    sa.CheckConstraint("comment <> '' AND by <> ''", name="is_answered_for"),
    sa.Index("decisions_fingerprint_seq_idx", "fingerprint", "seq"),
)

# The outbox: what people are to be told, and which channels have taken it.
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

# One row per message and channel: whether the channel has taken it.
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

policies = sa.Table(
    "policies",
    metadata,
    # What was promised and checked, by the digest that audits name: two nights under other promises can be compared.
    sa.Column("digest", sa.Text(), primary_key=True),
    sa.Column("promises", JSONB(), nullable=False),
    sa.Column("filed_at", INSTANT, nullable=False, server_default=sa.func.now()),
)

hold_manifests = sa.Table(
    "hold_manifests",
    metadata,
    # Rows under a legal hold, as keyed digests: what is here and in its store no more was destroyed. The check that
    # looks for them adds to it (`erasure/hold_manifests.py`), apart from any audit: what it knows must outlive all of
    # them.
    sa.Column("store", sa.Text(), primary_key=True),
    sa.Column("table", sa.Text(), primary_key=True),
    sa.Column("part", sa.Text(), primary_key=True, comment="which data of the row, and by which columns it is told"),
    sa.Column("digest", sa.LargeBinary(), primary_key=True),
    sa.Column("subject", sa.LargeBinary(), nullable=False, comment="digest of the key of the person held"),
    sa.Column("key_version", sa.Integer(), nullable=False),
    sa.Column("first_seen_at", INSTANT, nullable=False, comment="by the clock of the store"),
    sa.CheckConstraint("octet_length(digest) = 32 AND octet_length(subject) = 32", name="are_digests"),
)

identity = sa.Table(
    "identity",
    metadata,
    # Whose database this is: each report that was filed in it carries the id.
    sa.Column("one", sa.Boolean(), primary_key=True, server_default=sa.true(), comment="there is one row"),
    sa.Column("id", sa.Uuid(), nullable=False),
    sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint("one", name="is_one"),
)

acceptances = sa.Table(
    "acceptances",
    metadata,
    # Somebody knows that reports tell of audits which this database does not know, and goes on with it.
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.Column("by", sa.Text(), nullable=False),
    sa.Column("because", sa.Text(), nullable=False),
    sa.Column("audit_id", sa.Text(), nullable=False, comment="of the newest report then"),
    sa.Column("as_of", INSTANT, nullable=False, comment="T of that report: what was reported up to it is accepted"),
    sa.Column("database", sa.Text(), comment="the identity that the report names"),
    sa.CheckConstraint("because <> '' AND by <> ''", name="is_answered_for"),
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    # What was deleted because its period was over is not missed.
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("at", INSTANT, nullable=False, server_default=sa.func.now()),
    sa.Column("before", INSTANT, nullable=False, comment="audits of an earlier T may have been deleted"),
)
