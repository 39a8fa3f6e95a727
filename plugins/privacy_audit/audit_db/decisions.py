"""The triage of findings by people: entries are added and never changed."""

from __future__ import annotations

import sqlalchemy as sa

from privacy_audit.audit_db.tables import decisions
from privacy_audit.audit_db.transaction import transaction
from privacy_audit.findings.finding_state import Triage, TriageDecision


def decide(url: sa.URL | str, fingerprint: str, triage: Triage, comment: str, by: str) -> None:
    """Adds an entry to a finding. It changes neither outcome nor status."""
    entry = {"fingerprint": fingerprint, "triage": triage.value, "comment": comment, "by": by}
    with transaction(url) as connection:
        connection.execute(decisions.insert(), entry)


def decisions_of(url: sa.URL | str, fingerprint: str) -> tuple[TriageDecision, ...]:
    """Returns all entries of a finding, the oldest first."""
    entries = sa.select(decisions).where(decisions.c.fingerprint == fingerprint).order_by(decisions.c.seq)
    with transaction(url) as connection:
        rows = connection.execute(entries).mappings().all()
    return tuple(TriageDecision(fingerprint, Triage(it["triage"]), it["comment"], it["by"], it["at"]) for it in rows)
