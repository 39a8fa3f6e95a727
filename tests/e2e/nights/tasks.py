"""The tasks that audit the stores, each in a process of its own as a worker of Airflow is: what one is handed is the
environment and the order, what it hands back is JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

from privacy_audit.pipeline import audit_order, auditing


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

    def start(self, order: audit_order.Order) -> list[Future[str]]:
        """Begins to read an order's stores; each result is JSON."""
        handed, environment = json.dumps(order), dict(os.environ)
        return [self._processes[name].submit(audit_store, environment, handed, name) for name in order["stores"]]


def audit_store(environment: Mapping[str, str], order: str, store: str) -> str:
    """One task."""
    os.environ.clear()
    os.environ.update(environment)
    return json.dumps(auditing.audit_store(json.loads(order), store), allow_nan=False)
