"""The tasks that audit the stores, each in a process of its own as a worker of Airflow is: what one is handed is the
environment and the order, what it hands back is a result.

Great Expectations and the self-test cost most of a night and say the same every night. So a few nights go through both,
and on all others the engine counts the same rules by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import pytest
import sqlalchemy as sa

from privacy_audit.controls import Rule, kinds
from privacy_audit.domain.audit import StoreResult
from privacy_audit.engine import auditor, measurement
from privacy_audit.engine.check_details import details_of, trouble_details
from privacy_audit.pipeline import audit_order, auditing
from privacy_audit.pipeline.configuration import read_configuration
from privacy_audit.postgres.store_errors import StoreError, StoreErrors
from privacy_audit.postgres.store_session import StoreSession


class Workers:
    """One process for each store, side by side and for all nights: each imports Great Expectations once."""

    def __init__(self, processes: Mapping[str, ProcessPoolExecutor]) -> None:
        self._processes = processes

    @classmethod
    @contextmanager
    def started(cls, stores: Sequence[str]) -> Iterator[Workers]:
        """The processes; they end with the block."""
        spawn = get_context("spawn")
        with ExitStack() as stack:
            processes = {name: ProcessPoolExecutor(1, spawn) for name in stores}
            for process in processes.values():
                stack.enter_context(process)
            yield cls(processes)

    def start(self, order: audit_order.AuditOrder, *, in_full: bool) -> list[Future[StoreResult]]:
        """Begins to read an order's stores."""
        task, environment = audit_store if in_full else count_store, dict(os.environ)
        return [self._processes[name].submit(task, environment, order, name) for name in order.stores]


def audit_store(environment: Mapping[str, str], order: audit_order.AuditOrder, store: str) -> StoreResult:
    """One task, as it is."""
    os.environ.clear()
    os.environ.update(environment)
    return auditing.audit_store(order, store)


def count_store(environment: Mapping[str, str], order: audit_order.AuditOrder, store: str) -> StoreResult:
    """One task without Great Expectations and without the self-test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor, "run_suites", _counted)
        patch.setattr(measurement, "prove_can_fail", lambda *_: None)
        return audit_store(environment, order, store)


def _counted(
    session: StoreSession, _: Any, suites: Sequence[Mapping[str, Any]], *, as_of: datetime, budget: int, **__: Any
) -> dict[str, Mapping[str, Any]]:
    """What `run_suites` returns, by the engine alone."""
    asked = [expectation["kwargs"] for suite in suites for expectation in suite["expectations"]]
    with session.engine.connect() as connection:
        return {
            it["check"]: _details(connection, _rule(it["check"], json.dumps(it["rule"])), as_of, budget) for it in asked
        }


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
