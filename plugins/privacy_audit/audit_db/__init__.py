"""The audit database: a PostgreSQL database in which audits, results and findings are filed, each audit once.

One transaction files the results, the new state of each finding, and the messages to send. What was filed is never
changed. A sender claims a message before it sends it, so that it is sent once. Errors carry no address, no password and
no words of the server.
"""

from privacy_audit.audit_db.decisions import decide, decisions_of
from privacy_audit.audit_db.filing import AlreadyFiledError, AuditSubmission, FilingResult, file
from privacy_audit.audit_db.history import (
    ClosingInstructions,
    FiledAudit,
    findings,
    instructions,
    last_audits,
    nights,
    standing_decisions,
)
from privacy_audit.audit_db.identity import KnownDatabase, accept, known, made_at
from privacy_audit.audit_db.locks import StoreBusyError, store_lock
from privacy_audit.audit_db.migration import init, is_empty, upgrade, versions
from privacy_audit.audit_db.outbox import claim, close, digests, enqueue, mark_delivered, pending, release
from privacy_audit.audit_db.transaction import (
    AuditDatabaseOutdatedError,
    AuditDatabaseUnavailableError,
    FilingRefusedError,
)

__all__ = [
    "AlreadyFiledError",
    "AuditDatabaseOutdatedError",
    "AuditDatabaseUnavailableError",
    "AuditSubmission",
    "ClosingInstructions",
    "FiledAudit",
    "FilingRefusedError",
    "FilingResult",
    "KnownDatabase",
    "StoreBusyError",
    "accept",
    "claim",
    "close",
    "decide",
    "decisions_of",
    "digests",
    "enqueue",
    "file",
    "findings",
    "init",
    "instructions",
    "is_empty",
    "known",
    "last_audits",
    "made_at",
    "mark_delivered",
    "nights",
    "pending",
    "release",
    "standing_decisions",
    "store_lock",
    "upgrade",
    "versions",
]
