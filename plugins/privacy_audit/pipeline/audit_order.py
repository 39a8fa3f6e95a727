"""What an audit is asked for: its id, its instant, its stores and controls, as plain JSON."""

from __future__ import annotations

import logging
from typing import Any

from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.pipeline.configuration import read_configuration as read_configuration

LOG = logging.getLogger(__name__)
Order = dict[str, Any]


class NotAuditedError(PrivacyAuditError):
    """Something was not audited, not filed or not told: the run must not look well."""
