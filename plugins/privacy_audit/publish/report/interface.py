"""What a report format is, and how formats are found."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Protocol, runtime_checkable

from privacy_audit.view.audit_view import AuditView


@runtime_checkable
class ReportFormat(Protocol):
    """A module of this package that tells a filed audit in one file."""

    FILE_NAME: str
    """The file it is filed as, within the audit's folder."""

    def render(self, view: AuditView) -> bytes:
        """The whole file. Pure: the same view gives the same bytes.

        The view holds nothing that may not be shown, so a format has nothing to leave out, to coarsen or to clean. What
        its own syntax gives a meaning to (markup, formulas) it escapes.
        """
        ...


def formats() -> tuple[ReportFormat, ...]:
    """Every format of this package, by file name. A new module with both parts is found by itself."""
    package = import_module(__package__)
    modules = [import_module(f"{__package__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)]
    told = [module for module in modules if isinstance(module, ReportFormat)]
    return tuple(sorted(told, key=lambda form: form.FILE_NAME))
