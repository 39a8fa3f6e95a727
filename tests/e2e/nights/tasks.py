"""The tasks that audit the stores, each in a process of its own as a worker of Airflow is: what one is handed is the
environment and the order, what it hands back is a result.

A few nights go through Great Expectations and the self-test; on all others the engine counts by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

from privacy_audit.domain.audit import StoreResult
from privacy_audit.pipeline import audit_order, auditing
from tests.engine_alone import engine_alone


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
    with engine_alone():
        return audit_store(environment, order, store)
