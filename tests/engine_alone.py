"""The engine without Great Expectations and without the self-test, for audits that follow one with both.

They cost most of an audit and say the same each time. So a test that audits often goes through both once, and lets the
engine count the same rules by itself after that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.controls import Rule, kinds
from privacy_audit.engine import auditor, measurement
from privacy_audit.engine.check_details import details_of, trouble_details
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from privacy_audit.postgres.store_session import StoreSession


@contextmanager
def engine_alone() -> Iterator[None]:
    """Audits within the block count by the engine alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor, "run_suites", _counted)
        patch.setattr(measurement, "prove_can_fail", lambda *_: None)
        yield


def _counted(
    session: StoreSession, _: Any, suites: Sequence[Mapping[str, Any]], *, as_of: datetime, budget: int, **__: Any
) -> dict[str, Mapping[str, Any]]:
    """What `run_suites` returns."""
    asked = [expectation["kwargs"] for suite in suites for expectation in suite["expectations"]]
    with session.engine.connect() as connection:
        rules = {it["check"]: _rule(it["check"], json.dumps(it["rule"])) for it in asked}
        return {check: _details(connection, rule, as_of, budget) for check, rule in rules.items()}


def _details(connection: sa.Connection, rule: Rule, as_of: datetime, budget: int) -> Mapping[str, Any]:
    try:
        with StoreErrors.watch():
            return details_of(measurement.measure(connection, rule, as_of, budget))
    except StoreError as problem:
        connection.rollback()
        return trouble_details(problem)


@lru_cache(maxsize=1024)
def _rule(check: str, rule: str) -> Rule:
    control = read_configuration().policy.control(check.split("/")[2])
    return kinds()[control.kind].model_validate(json.loads(rule))
