"""What the steps look up for an order: its configuration, its folders, the audit's own database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from privacy_audit.config.settings import Settings
from privacy_audit.domain.audit import StoreResult
from privacy_audit.domain.errors import ConfigurationRefusedError, Mistake
from privacy_audit.pipeline import known_database
from privacy_audit.pipeline.audit_order import Order
from privacy_audit.pipeline.configuration import Configuration
from privacy_audit.pipeline.configuration import read_configuration as read_configuration

STORE_RESULT: TypeAdapter[StoreResult] = TypeAdapter(StoreResult)


def configuration_of(order: Order) -> Configuration:
    """What must be true, as it was when the audit began: a report names the policy that its stores were judged by."""
    configuration = read_configuration()
    if configuration.digest != order["expectations_digest"]:
        fact = "policy, store maps, waivers or handling changed after the audit had begun."
        raise ConfigurationRefusedError([Mistake("expectations", fact, "Start a new audit.")])
    return configuration


def dump(result: StoreResult) -> dict[str, Any]:
    dumped: dict[str, Any] = STORE_RESULT.dump_python(result, mode="json")
    return dumped


def register_url(settings: Settings) -> Any:
    """Where the register is."""
    return known_database.url_of(settings)


def run_folder(settings: Settings, audit_id: str) -> Path:
    """The folder of what the tasks of one audit hand to each other, and of its validation results."""
    from privacy_audit.engine import checkpoint

    return settings.home / checkpoint.RESULTS / audit_id


def validations(settings: Settings, order: Order) -> Path:
    return run_folder(settings, order["audit_id"]) / "suites"
