"""The register: a PostgreSQL database in which audits, results and findings are filed, each audit once.

Filing is one transaction. A finding keeps the T at which it was first seen; what could not be looked at is filed as
such and never makes an older finding look gone. Messages never carry addresses, passwords or the server's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from privacy_audit.errors import PrivacyAuditError
from privacy_audit.findings import Finding, findings_of
from privacy_audit.model import Audit, CheckResult
from privacy_audit.register.tables import COUNTS, audits, deliveries, findings, results

_MIGRATION_LOCK = 7_309_441_126
"""Advisory lock of the register's own database, so that two upgrades wait for each other."""
CLAIM_EXPIRES = "1 hour"
"""A message that was claimed so long ago and never marked as sent was lost with its sender: it may be sent again."""


class RegisterUnavailableError(PrivacyAuditError):
    """The register cannot be reached or does not do what was asked."""


class AlreadyFiledError(PrivacyAuditError):
    """An audit of that id was filed with other content."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What filing did."""

    audit_id: str
    already_filed: bool
    new_findings: int
    """Findings that no earlier audit had."""


@contextmanager
def _transaction(url: sa.URL | str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        state = getattr(error.orig, "pgcode", None)
        words = f"SQLSTATE {state}" if state else "no connection came about"
        raise RegisterUnavailableError(
            f"the register: {words}. Check the connection of the register and that its role owns its database."
        ) from None
    finally:
        engine.dispose()


def upgrade(url: sa.URL | str) -> None:
    """Brings the register's tables to this version; does nothing when they are. Two at once wait for each other."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with _transaction(url) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def file(url: sa.URL | str, audit: Audit, report_sha256: str) -> Filed:
    """Files an audit in one transaction; the same audit again files nothing.

    AlreadyFiledError when the id was filed with another report, RegisterUnavailableError when the register is down.
    """
    with _transaction(url) as connection:
        inserted = connection.execute(
            insert(audits).values(_audit_row(audit, report_sha256)).on_conflict_do_nothing().returning(audits.c.id)
        ).scalar()
        if inserted is None:
            return _already(connection, audit, report_sha256)
        rows = [_result_row(audit.id, check) for check in audit.checks]
        if rows:
            connection.execute(results.insert(), rows)
        observed = findings_of(audit)
        known = set(_first_seen(connection, [finding.fingerprint for finding in observed]))
        for finding in observed:
            connection.execute(_seen(audit, finding))
        return Filed(audit.id, already_filed=False, new_findings=sum(f.fingerprint not in known for f in observed))


def _already(connection: sa.Connection, audit: Audit, report_sha256: str) -> Filed:
    filed = connection.execute(sa.select(audits.c.report_sha256).where(audits.c.id == audit.id)).scalar_one()
    if filed != report_sha256:
        raise AlreadyFiledError(
            f"audit {audit.id}: was filed before with another report. What was filed stays as it is; start a new audit."
        )
    return Filed(audit.id, already_filed=True, new_findings=0)


def _audit_row(audit: Audit, report_sha256: str) -> dict[str, Any]:
    return {
        "id": audit.id,
        "as_of": audit.as_of,
        "policy_version": audit.policy.version,
        "policy_text_sha256": audit.policy.source_sha256,
        "policy_digest": audit.policy.digest,
        "outcome": audit.outcome.value,
        "triggered_by": audit.triggered_by,
        "report_sha256": report_sha256,
    }


def _result_row(audit_id: str, check: CheckResult) -> dict[str, Any]:
    tally = check.tally
    return {
        "audit_id": audit_id,
        "check_id": check.id,
        "fingerprint": check.fingerprint,
        "control": check.control,
        "store": check.store,
        "table_name": check.table,
        "qualifier": check.qualifier,
        "outcome": check.outcome.value,
        "cause": check.cause and check.cause.value,
        "reason": check.reason,
        "plan": check.plan and check.plan.value,
        "late_holds": check.late_holds,
        **{
            name: tally and getattr(tally, name) for name in (*COUNTS, "estimated", "oldest", "newest", "overdue_since")
        },
        "ages": list(tally.ages) if tally else None,
    }


def _seen(audit: Audit, finding: Finding) -> Any:
    """Files a finding or moves what is known of it; an older audit that is filed later moves nothing forwards."""
    new = insert(findings).values(
        fingerprint=finding.fingerprint,
        control=finding.control,
        store=finding.store,
        table_name=finding.table,
        qualifier=finding.qualifier,
        first_seen=audit.as_of,
        last_seen=audit.as_of,
        first_audit=audit.id,
        last_audit=audit.id,
        last_outcome=finding.outcome.value,
    )
    earlier = new.excluded.first_seen < findings.c.first_seen
    later = new.excluded.last_seen >= findings.c.last_seen
    kept = [("first_seen", earlier), ("first_audit", earlier)]
    kept += [("last_seen", later), ("last_audit", later), ("last_outcome", later)]
    return new.on_conflict_do_update(
        index_elements=[findings.c.fingerprint],
        set_={name: sa.case((moves, new.excluded[name]), else_=findings.c[name]) for name, moves in kept},
    )


def first_seen(url: sa.URL | str, fingerprints: Iterable[str]) -> dict[str, datetime]:
    """T of the first audit that found each of these findings; those never found are left out."""
    with _transaction(url) as connection:
        return _first_seen(connection, fingerprints)


def _first_seen(connection: sa.Connection, fingerprints: Iterable[str]) -> dict[str, datetime]:
    columns = (findings.c.fingerprint, findings.c.first_seen)
    rows = connection.execute(sa.select(*columns).where(findings.c.fingerprint.in_(list(fingerprints))))
    return {row.fingerprint: row.first_seen for row in rows}


def claim_delivery(url: sa.URL | str, audit_id: str, owner: str, key: str) -> bool:
    """Whether the caller, and nobody else, is to send this message now. A claim that was never kept expires."""
    claim = insert(deliveries).values(key=key, audit_id=audit_id, owner=owner)
    stale = deliveries.c.claimed_at < sa.func.now() - sa.cast(CLAIM_EXPIRES, sa.Interval())
    again = claim.on_conflict_do_update(
        index_elements=[deliveries.c.key],
        set_={"claimed_at": sa.func.now()},
        where=sa.and_(deliveries.c.sent_at.is_(None), stale),
    )
    with _transaction(url) as connection:
        return connection.execute(again.returning(deliveries.c.key)).scalar() is not None


def mark_delivered(url: sa.URL | str, key: str) -> None:
    """The message was sent: it is never sent again."""
    with _transaction(url) as connection:
        connection.execute(deliveries.update().where(deliveries.c.key == key).values(sent_at=sa.func.now()))


def release_delivery(url: sa.URL | str, key: str) -> None:
    """The message could not be sent: the next try may."""
    with _transaction(url) as connection:
        connection.execute(deliveries.delete().where(deliveries.c.key == key, deliveries.c.sent_at.is_(None)))
