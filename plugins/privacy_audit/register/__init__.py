"""The register: a PostgreSQL database in which audits, results and findings are filed, each audit once.

Filing is one transaction. A finding keeps the T at which it was first seen; what could not be looked at is filed as
such and never makes a finding look seen again, or gone. A message is claimed before it is sent, so that it is said
once. Messages of errors never carry addresses, passwords or the server's own words.
"""

from privacy_audit.register.access import RegisterOutdatedError, RegisterRefusedError, RegisterUnavailableError
from privacy_audit.register.deliveries import claim_delivery, mark_delivered, release_delivery, was_delivered
from privacy_audit.register.filing import AlreadyFiledError, Filed, file
from privacy_audit.register.history import FiledAudit, first_seen, last_audits
from privacy_audit.register.migration import upgrade

__all__ = [
    "AlreadyFiledError",
    "Filed",
    "FiledAudit",
    "RegisterOutdatedError",
    "RegisterRefusedError",
    "RegisterUnavailableError",
    "claim_delivery",
    "file",
    "first_seen",
    "last_audits",
    "mark_delivered",
    "release_delivery",
    "upgrade",
    "was_delivered",
]
