"""What a report format is, and how formats are found."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Protocol, runtime_checkable

from privacy_audit.domain.audit import Audit
from privacy_audit.findings.finding_state import FindingHistory


@runtime_checkable
class ReportFormat(Protocol):
    """A module of this package that tells a filed audit in one file."""

    FILE_NAME: str
    """The file it is filed as, within the audit's folder."""

    def render(self, audit: Audit, chronicle: FindingHistory) -> bytes:
        """The whole file. Pure: the same audit with the same history gives the same bytes.

        An empty `FindingHistory()` stands for an audit that was filed without history: the document then says nothing
        of the nights before.
        """
        ...


def formats() -> tuple[ReportFormat, ...]:
    """Every format of this package, by file name. A new module with both parts is found by itself."""
    package = import_module(__package__)
    modules = [import_module(f"{__package__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    told = [module for module in modules if isinstance(module, ReportFormat)]
    return tuple(sorted(told, key=lambda form: form.FILE_NAME))
