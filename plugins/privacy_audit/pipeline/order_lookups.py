"""What the steps look up for an order: its configuration, its folders, the audit's own database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from privacy_audit.config.settings import Settings
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.audit_order import AuditOrder
from privacy_audit.pipeline.configuration import Configuration, read_configuration


def configuration_of(order: AuditOrder) -> Configuration:
    """Returns the configuration. Raises ConfigurationRefusedError if it changed since the audit began."""
    configuration = read_configuration()
    if configuration.digest != order.expectations_digest:
        fact = "policy, store maps, waivers or handling changed after the audit had begun."
        raise ConfigurationRefusedError([Mistake("expectations", fact, "Start a new audit.")])
    return configuration


def audit_db_url(settings: Settings) -> Any:
    """Returns the address of the audit database."""
    return known_database.url_of(settings)


def run_folder(settings: Settings, audit_id: str) -> Path:
    """Returns the folder in which the tasks of an audit leave their results for each other."""
    from privacy_audit.engine import checkpoint

    return settings.home / checkpoint.RESULTS / audit_id


def validations(settings: Settings, order: AuditOrder) -> Path:
    return run_folder(settings, order.audit_id) / "suites"
