"""What one audit looks at, and by which instant it judges: fixed before the first query, and handed to every step."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from privacy_audit.domain.errors import PrivacyAuditError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """The order of one audit."""

    audit_id: str
    as_of: datetime
    """T, in UTC, to the whole second."""
    stores: tuple[str, ...]
    """Names of the stores to read."""
    controls: tuple[str, ...]
    """Ids of the controls that were asked for and are in force at T, in the order of the policy."""
    own_records: tuple[str, ...]
    """Ids of those of them that judge the audit's own records; empty in an audit of some stores."""
    company: bool
    """Whether some of the controls are about the company as a whole."""
    whole: bool
    """Whether all stores and all controls were asked for."""
    read_later: bool
    """Whether the stores are read on a later day than the one of T: then nothing passes."""
    expectations_digest: str
    """SHA-256 of the configuration at the start, so that no step works by another one."""
    limits: tuple[str, ...]
    """What this audit does not look at, one sentence each."""
    triggered_by: str
    """Id of the run, or what started the audit by hand."""


class NotAuditedError(PrivacyAuditError):
    """Something was not audited, not filed or not sent, so the run must not look well."""
