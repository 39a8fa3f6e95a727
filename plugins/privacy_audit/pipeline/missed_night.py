"""Finds a night without an audit, by what the audit's database holds. Another DAG asks than the one that audits.

A night is a civil day in the policy's zone. Its audit must be on file as soon as a run that started in time has reached
its time limit; until then the night before is looked for. Nights count from
the first audit on file, and at the latest from the day after the database was made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from privacy_audit.audit_db import filed_records
from privacy_audit.domain import phrases
from privacy_audit.domain.errors import PrivacyAuditError
from privacy_audit.domain.periods import local_date
from privacy_audit.domain.record_periods import StartedAudit
from privacy_audit.pipeline import order_lookups
from privacy_audit.pipeline.configuration import read_configuration

LOG = logging.getLogger(__name__)
RUN_TAKES = timedelta(hours=6)
"""The longest that a run of the nightly DAG may take (`dagrun_timeout`)."""
STARTS = timedelta(hours=1, minutes=15)
"""When the nightly DAG starts, from midnight."""


class NightMissedError(PrivacyAuditError):
    """The night that should have ended by now has no audit."""


def look(now: datetime) -> date:
    """Returns the last night that must have an audit, when it has one.

    NightMissedError when it has none; ConfigurationRefusedError when the policy cannot be read,
    AuditDatabaseUnavailableError when the audit's database is down.
    """
    from privacy_audit import audit_db

    configuration = read_configuration()
    zone = ZoneInfo(configuration.policy.zone)
    filed = filed_records.filed(partial(order_lookups.audit_db_url, configuration.settings))
    night = expected(filed, audit_db.made_at(order_lookups.audit_db_url(configuration.settings)), now, zone)
    LOG.info("the night of %s has its audit; %d audits are on file", night.isoformat(), len(filed))
    return night


def expected(filed: Iterable[StartedAudit], made_at: datetime | None, now: datetime, zone: ZoneInfo) -> date:
    """The same, from the audits on file and when the audit's database was made. Pure."""
    night = local_date(now - RUN_TAKES - STARTS, zone)
    nights = sorted(local_date(one.as_of, zone) for one in filed)
    if not nights:
        if made_at and night <= local_date(made_at, zone):
            return night
        raise NightMissedError("No audit was ever filed. Unpause the DAG privacy_audit_nightly, or see why it fails.")
    if night in nights or nights[0] > night:
        return night
    before = max(one for one in nights if one < night)
    raise NightMissedError(
        f"The night of {phrases.day(night)} has no audit; the last one before it is of {phrases.day(before)}. See why"
        " the DAG privacy_audit_nightly did not run, or filed nothing."
    )
