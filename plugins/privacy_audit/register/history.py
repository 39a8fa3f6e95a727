"""What is read back from the register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from privacy_audit.model import Outcome
from privacy_audit.register.access import transaction
from privacy_audit.register.tables import audits, findings


@dataclass(frozen=True, slots=True)
class FiledAudit:
    """An audit as it was filed."""

    id: str
    as_of: datetime
    outcome: Outcome
    policy_version: str
    triggered_by: str
    filed_at: datetime
    report_sha256: str
    """Digest of the canonical report."""


def first_seen(url: sa.URL | str, fingerprints: Iterable[str]) -> dict[str, datetime]:
    """T of the first audit that had each of these findings; those no audit had are left out."""
    with transaction(url) as connection:
        return seen_before(connection, fingerprints)


def seen_before(connection: sa.Connection, fingerprints: Iterable[str]) -> dict[str, datetime]:
    """The same, within a transaction."""
    columns = (findings.c.fingerprint, findings.c.first_seen)
    rows = connection.execute(sa.select(*columns).where(findings.c.fingerprint.in_(list(fingerprints))))
    return {row.fingerprint: row.first_seen for row in rows}


def last_audits(url: sa.URL | str, n: int) -> tuple[FiledAudit, ...]:
    """The n audits with the latest T, the latest first; of the same T, the one filed last."""
    names = ("id", "as_of", "outcome", "policy_version", "triggered_by", "filed_at", "report_sha256")
    latest = sa.select(*(audits.c[name] for name in names)).order_by(audits.c.as_of.desc(), audits.c.filed_at.desc())
    with transaction(url) as connection:
        rows = connection.execute(latest.limit(n)).mappings().all()
    return tuple(FiledAudit(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows)
