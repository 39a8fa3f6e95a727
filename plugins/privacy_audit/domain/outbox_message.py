"""A message of one audit to one owner, as the audit database keeps it until every channel has taken it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message as `notify` wrote it. Only `notify` reads its content."""

    key: str
    """The same for the same audit, owner and connection: a letter that is filed twice is one letter."""
    audit_id: str
    as_of: datetime
    owner: str
    alert: str
    """Name of the Airflow connection that lists the owner's channels."""
    digest: bool
    """Whether the owner's weekly digest is in it."""
    content: dict[str, Any] = field(repr=False)
    """Plain JSON."""
