"""Last seen is when an audit last looked; a pass needs a tally; a tally is whole and counts rows; a place has one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTS = "population, compliant, violating, held, undecidable, out_of_scope, subjects"
# Until now an audit that could not look moved last_seen as if it had seen. The results tell which audits looked.
LOOKED = """
UPDATE findings SET last_seen = (
    SELECT max(audits.as_of) FROM results JOIN audits ON audits.id = results.audit_id
    WHERE results.fingerprint = findings.fingerprint AND results.outcome IN ('fail', 'review')
)
"""


def upgrade() -> None:
    op.alter_column(
        "findings",
        "last_seen",
        existing_type=sa.DateTime(timezone=True),
        nullable=True,
        comment="T of the last audit that looked and saw it; null while none could look",
    )
    op.execute(LOOKED)
    for name in ("results_pass_has_rows_check", "results_tally_is_whole_check"):
        op.drop_constraint(op.f(name), "results", type_="check")
    op.create_check_constraint(
        op.f("results_pass_has_rows_check"),
        "results",
        "outcome <> 'pass' OR coalesce(compliant + held > 0 AND undecidable = 0, false)",
    )
    op.create_check_constraint(
        op.f("results_tally_is_whole_check"), "results", f"num_nonnulls({COUNTS}, estimated, ages) IN (0, 9)"
    )
    op.drop_index("results_fingerprint_idx", "results")
    op.create_unique_constraint(op.f("results_fingerprint_key"), "results", ["fingerprint", "audit_id"])
    op.create_check_constraint(op.f("results_counts_are_rows_check"), "results", f"least({COUNTS}) >= 0")
